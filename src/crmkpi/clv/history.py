"""Purchase histories, the input of the models: one row per customer, with a declared unit of time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from math import isfinite
from operator import le
from typing import Any

from crmkpi.clv.engine import ColumnLike, Engine, numpy_for
from crmkpi.clv.time import DAYS_IN, TimeUnit, unit_of_time
from crmkpi.errors import InputError, ParameterError

__all__ = ["Patterns", "PurchaseHistory", "check_history", "listed", "patterns_of", "same_unit"]


@dataclass(frozen=True, slots=True, eq=False)
class PurchaseHistory:
    """The purchases of each customer, as columns of equal length.

    - `frequency`: repeat purchases, the first one not counted; several orders on one day are one purchase.
    - `recency`: the time from the first to the last purchase; 0 for customers who never came back.
    - `age`: the time from the first purchase to the end of the observation.
    - `spend`: the mean value of the repeat purchases, where money is known.

    Columns may be lists or numpy arrays; predictions have the type of `frequency`.

    >>> history = PurchaseHistory.of([(2, 30.43, 38.86), (0, 0, 38.86)], unit="weeks")
    >>> len(history), history.unit
    (2, 'weeks')
    """

    frequency: ColumnLike
    recency: ColumnLike
    age: ColumnLike
    unit: TimeUnit
    spend: ColumnLike | None = None
    customer_ids: ColumnLike | None = None
    _patterns: dict[bool, Patterns] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        unit_of_time(self.unit)
        rows = len(self.frequency)
        if rows == 0:
            raise InputError("A purchase history needs at least one customer; got none.")
        for name in ("recency", "age", "spend", "customer_ids"):
            column = getattr(self, name)
            if column is not None and len(column) != rows:
                raise InputError(
                    f"Each column of a purchase history has one value per customer; `{name}` has {len(column)}, "
                    f"`frequency` has {rows}."
                )

    @classmethod
    def of(cls, rows: Iterable[Sequence[float]], *, unit: TimeUnit) -> PurchaseHistory:
        """A history from rows of (frequency, recency, age) or (frequency, recency, age, mean spend)."""
        columns = list(zip(*rows, strict=True))
        if len(columns) not in (0, 3, 4):
            raise InputError(f"A row holds frequency, recency, age and perhaps spend; got {len(columns)} values.")
        columns += repeat((), 3 - len(columns)) if not columns else ()
        spend = list(columns[3]) if len(columns) == 4 else None
        return cls([int(value) for value in columns[0]], list(columns[1]), list(columns[2]), unit, spend)

    def __reduce__(self) -> tuple[Any, ...]:  # without cached patterns, which may belong to another library
        return PurchaseHistory, (
            self.frequency,
            self.recency,
            self.age,
            self.unit,
            self.spend,
            self.customer_ids,
        )

    def __len__(self) -> int:
        """The number of customers."""
        return len(self.frequency)

    def __repr__(self) -> str:
        """The number of customers, without the columns, which may be long."""
        return f"<PurchaseHistory of {len(self):,} customers in {self.unit}>"

    def to(self, unit: TimeUnit) -> PurchaseHistory:
        """The same history in another unit of time.

        >>> PurchaseHistory.of([(1, 2.0, 4.0)], unit="weeks").to("days").age
        [28.0]
        """
        if unit == self.unit:
            return self
        factor = DAYS_IN[self.unit] / DAYS_IN[unit_of_time(unit)]
        return PurchaseHistory(
            self.frequency,
            [value * factor for value in listed(self.recency)],
            [value * factor for value in listed(self.age)],
            unit,
            self.spend,
            self.customer_ids,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Patterns:
    """The distinct (frequency, recency, age) of a history, their counts, and the index of each customer's."""

    frequency: Any
    recency: Any
    age: Any
    count: Any
    index: Any
    numpy: Any


def listed(column: Any) -> list[Any]:
    """A column of any sequence type as a plain list."""
    return column.tolist() if hasattr(column, "tolist") else list(column)


def check_history(history: object) -> None:
    """Refuse anything but a `PurchaseHistory`, such as the `RfmTable` that can create one."""
    if not isinstance(history, PurchaseHistory):
        raise InputError(
            "The model reads a PurchaseHistory, such as rfm(orders, as_of=...).history('weeks'); got "
            f"{type(history).__name__}."
        )


def patterns_of(history: PurchaseHistory, engine: Engine) -> Patterns:
    """The patterns of a history, cached."""
    numpy = numpy_for(engine)
    kept = history._patterns  # noqa: SLF001
    if (numpy is not None) not in kept:
        kept[numpy is not None] = _array_patterns(history, numpy) if numpy is not None else _list_patterns(history)
    return kept[numpy is not None]


def _list_patterns(history: PurchaseHistory) -> Patterns:
    columns = [listed(column) for column in (history.frequency, history.recency, history.age)]
    counted = Counter(zip(*columns, strict=True))
    position = {pattern: i for i, pattern in enumerate(counted)}
    index = list(map(position.__getitem__, zip(*columns, strict=True)))
    frequencies, recencies, ages = ([pattern[i] for pattern in counted] for i in range(3))
    good = min(recencies) >= 0 and all(map(le, recencies, ages)) and all(map(isfinite, ages))
    good = good and list(map(bool, frequencies)) == list(map(bool, recencies))
    if not (good and all(isfinite(x) and x >= 0 and x == int(x) for x in set(frequencies))):
        for row, (frequency, recency, age) in enumerate(zip(*columns, strict=True)):
            _check(row, frequency, recency, age, history)
    return Patterns(frequencies, recencies, ages, list(counted.values()), index, None)


def _array_patterns(history: PurchaseHistory, np: Any) -> Patterns:
    frequency = np.asarray(history.frequency, dtype=float)
    recency = np.asarray(history.recency, dtype=float)
    age = np.asarray(history.age, dtype=float)
    good = (recency <= age) & (recency >= 0) & (frequency >= 0) & np.isfinite(age + frequency)
    good &= ((frequency > 0) == (recency > 0)) & (frequency == np.floor(frequency))
    if not good.all():
        row = int(np.argmin(good))
        _check(row, frequency[row].item(), recency[row].item(), age[row].item(), history)
    # One sort of one column: equal patterns have equal keys; the check below finds collisions of unequal ones.
    key = frequency * 0.7548776662466927 + recency * 0.1 * 1.2207440846057596 + age * 0.3819660112501051
    unique, index, count = np.unique(key, return_inverse=True, return_counts=True)
    first = np.empty(len(unique), dtype=int)
    first[index] = np.arange(len(key))
    columns = frequency[first], recency[first], age[first]
    same = (columns[0][index] == frequency) & (columns[1][index] == recency) & (columns[2][index] == age)
    if not same.all():
        columns, index, count = (frequency, recency, age), np.arange(len(age)), np.ones(len(age), dtype=int)
    return Patterns(*columns, count.astype(float), index, np)


def _check(row: int, frequency: float, recency: float, age: float, history: PurchaseHistory) -> None:
    """Raise an error for impossible numbers of a customer."""
    if not (isfinite(frequency) and isfinite(recency) and isfinite(age)) or frequency != int(frequency):
        reason = "frequency is a whole number of repeat purchases, and all three are finite"
    elif frequency < 0 or recency < 0:
        reason = "none of them can be negative"
    elif recency > age:
        reason = "the last purchase cannot be after the end of the observation"
    elif (frequency > 0) != (recency > 0):
        reason = "recency is above 0 with repeat purchases, and 0 without"
    else:
        return
    name = history.customer_ids[row] if history.customer_ids is not None else row
    raise InputError(
        f"Customer {name!r} has frequency {frequency:g}, recency {recency:g} and age {age:g} {history.unit}: {reason}."
    )


def same_unit(model_unit: TimeUnit, history: PurchaseHistory) -> None:
    """Refuse a history whose unit of time is not the model's."""
    check_history(history)
    if model_unit != history.unit:
        raise ParameterError(
            f"The model counts time in {model_unit} and the history in {history.unit}; "
            f"convert it with history.to({model_unit!r})."
        )
