"""Recency, frequency and monetary value per customer, from orders."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date
from itertools import compress
from typing import Any, Literal

from crmkpi._read_only import ReadOnly
from crmkpi.clv.history import PurchaseHistory, listed
from crmkpi.clv.time import DAYS_IN, Span, TimeUnit
from crmkpi.engines.frames.backends import at_home
from crmkpi.engines.frames.snapshots import table_at_one_moment
from crmkpi.engines.frames.table import FrameTable
from crmkpi.errors import InputError, ParameterError
from crmkpi.insight.arguments import reading
from crmkpi.insight.orders import Orders, refuse_several
from crmkpi.tabular import Tabular

__all__ = ["SEGMENTS", "Holdout", "RfmRow", "RfmScore", "RfmTable", "rfm", "split_holdout", "table_of"]

Measure = Literal["recency", "frequency", "monetary"]
_NOTHING: Mapping[str, int] = ReadOnly({})

SEGMENTS: tuple[tuple[str, str, str], ...] = (
    ("champions", "5", "45"),
    ("loyal", "34", "45"),
    ("potential loyalists", "45", "23"),
    ("new customers", "5", "1"),
    ("promising", "4", "1"),
    ("need attention", "3", "3"),
    ("about to sleep", "3", "12"),
    ("cannot lose them", "12", "5"),
    ("at risk", "12", "34"),
    ("hibernating", "12", "12"),
)
"""Segment names with their recency and frequency scores (of 5); together they cover every customer."""


@dataclass(frozen=True, slots=True)
class RfmRow:
    """The purchases of one customer until the end of the observation. Times are in days.

    `purchases` are the days with an order: several orders on one day are one purchase. `frequency`, `recency` and `age`
    are the inputs of the models of `crmkpi.clv`: repeat purchases, first to last purchase, first purchase to the end.
    """

    customer_id: Hashable
    orders: int
    purchases: int
    days_since_last: int
    recency: int
    age: int
    value: float
    repeat_spend: float

    @property
    def frequency(self) -> int:
        """Purchases after the first."""
        return self.purchases - 1

    @property
    def mean_value(self) -> float:
        """The mean value of a purchase, including the first one."""
        return self.value / self.purchases


_COLUMNS = tuple(known.name for known in fields(RfmRow))


@dataclass(frozen=True, slots=True)
class RfmScore:
    """Scores from 1 (worst) up, and the name of the segment, if the highest score is 5."""

    customer_id: Hashable
    recency: int
    frequency: int
    monetary: int
    segment: str | None


@dataclass(frozen=True, slots=True, eq=False)
class RfmTable(Tabular):
    """One row per customer; `merged` counts the orders that shared a day, `left_out` those not used, by reason.

    `columns` are the values of the rows: a list or numpy array for each field of `RfmRow` that is not derived.
    """

    columns: Mapping[str, Any]
    as_of: date
    merged: int
    left_out: Mapping[str, int]
    _rows: list[RfmRow] = field(default_factory=list, init=False, repr=False)

    def __len__(self) -> int:
        """The number of customers."""
        return len(self.columns["customer_id"])

    def __repr__(self) -> str:
        """The number of customers, and the orders left out; without the columns, which may be long."""
        left_out = "".join(f", {count:,} {reason}" for reason, count in self.left_out.items())
        return f"<RfmTable of {len(self):,} customers as of {self.as_of}{left_out and f'; left out{left_out[1:]}'}>"

    def to_dicts(self) -> list[dict[str, Any]]:
        """One dict per customer, with the fields of `RfmRow`."""
        return self._head(len(self))[0]

    def _head(self, count: int) -> tuple[list[dict[str, Any]], int]:
        columns = {name: listed(self.columns[name][:count]) for name in _COLUMNS}
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)], len(self)

    @property
    def rows(self) -> Sequence[RfmRow]:
        """The customers, one row each."""
        if not self._rows:
            self._rows.extend(map(RfmRow, *(listed(self.columns[name]) for name in _COLUMNS)))
        return self._rows

    def history(self, unit: TimeUnit) -> PurchaseHistory:
        """The table as input for the models of `crmkpi.clv`, in the given unit of time."""
        size, columns = DAYS_IN[unit], self.columns
        if hasattr(columns["age"], "tolist"):
            frequency, recency, age = columns["purchases"] - 1, columns["recency"] / size, columns["age"] / size
        else:
            frequency = [purchases - 1 for purchases in columns["purchases"]]
            recency, age = ([days / size for days in columns[name]] for name in ("recency", "age"))
        return PurchaseHistory(frequency, recency, age, unit, columns["repeat_spend"], columns["customer_id"])

    def scores(self, *, bins: int = 5, edges: Mapping[Measure, Sequence[float]] | None = None) -> list[RfmScore]:
        """Score each customer from 1 up, by quantiles or by your own `edges`.

        By quantiles, the score is 1 + floor(bins × the share of customers who are strictly worse): equal customers have
        equal scores. By edges, it is 1 + the number of edges reached; for recency, in days since the last purchase,
        1 + the number of edges not exceeded.
        """
        if edges is None and (bins < 2 or bins != int(bins)):
            raise ParameterError(f"`bins` must be a whole number from 2 on; got {bins!r}.")
        columns: dict[Measure, list[float]] = {
            "recency": [-days for days in listed(self.columns["days_since_last"])],
            "frequency": listed(self.columns["purchases"]),
            "monetary": listed(self.columns["value"]),
        }
        scored = {name: _scores(name, values, bins, edges) for name, values in columns.items()}
        named = bins == 5 if edges is None else all(len(edges[name]) == 4 for name in columns)
        return [
            RfmScore(customer, r, f, m, _segment(r, f) if named else None)
            for customer, r, f, m in zip(listed(self.columns["customer_id"]), *scored.values(), strict=True)
        ]


def _scores(
    name: Measure, values: Sequence[float], bins: int, edges: Mapping[Measure, Sequence[float]] | None
) -> list[int]:
    if edges is None:
        ordered = sorted(values)
        return [1 + bins * bisect_left(ordered, value) // len(ordered) for value in values]
    if name not in edges or list(edges[name]) != sorted(set(edges[name])):
        raise ParameterError(f"`edges` needs ascending limits for recency, frequency and monetary; {name} has none.")
    if name == "recency":
        limits = list(edges[name])
        return [1 + len(limits) - bisect_left(limits, -value) for value in values]
    return [1 + bisect_right(list(edges[name]), value) for value in values]


def _segment(recency: int, frequency: int) -> str:
    return next(name for name, r, f in SEGMENTS if str(recency) in r and str(frequency) in f)


def rfm(orders: Any, *, as_of: date | None = None, tz: str | None = None, with_refunds: bool = False) -> RfmTable:
    """Recency, frequency, monetary value and age per customer, as of the end of the day `as_of`.

    `orders` are records, or a frame that is aggregated in its backend: pandas, Polars, PyArrow, DuckDB, Spark, or a
    result of `crmkpi.table`; or a `Dataset`, whose `as_of`, rates, currency and time zone apply. An order has
    `customer_id`, `ordered_at` and `amount`; one whose `status` is not "completed" is left out, and one below zero is
    left out as a "refund" (`with_refunds` counts it as a purchase that lowers the value). Days are those of `tz` for
    timestamps with a time zone; without `tz` each has the days of its own zone, in frames of UTC.

    >>> from types import SimpleNamespace
    >>> days = [date(2026, 1, 1), date(2026, 1, 1), date(2026, 1, 11)]
    >>> orders = [SimpleNamespace(customer_id="C1", ordered_at=day, amount=10) for day in days]
    >>> table = rfm(orders, as_of=date(2026, 1, 31))
    >>> row = table.rows[0]
    >>> row.frequency, row.recency, row.age, row.repeat_spend, table.merged
    (1, 10, 30, 10.0, 1)
    """
    asked = Orders.of(orders, as_of=as_of, tz=tz, refunds=with_refunds)
    if isinstance(asked.table, FrameTable):
        with at_home(asked.table.backend, "orders"):
            return _of_frame(asked, until=asked.as_of)[0]
    return _of_records(asked)


def _of_records(asked: Orders) -> RfmTable:
    with reading("orders", asked.table):
        by_customer, left_out = _purchases(asked, until=asked.as_of)
    if not by_customer:
        raise _nothing(asked.as_of, left_out)
    return table_of(by_customer, as_of=asked.as_of, left_out=left_out)


def _nothing(as_of: date, left_out: Mapping[str, int]) -> InputError:
    return InputError(f"No order up to {as_of} can be used; left out: {dict(left_out) or 'none given'}.")


def _of_frame(asked: Orders, *, until: date) -> tuple[RfmTable, list[int], int]:
    """The table as of `as_of`, the later purchases of each customer up to `until`, and the number of new customers."""
    from crmkpi.insight.frame_purchases import Purchases, customer_columns  # noqa: PLC0415  # only for frames

    as_of = asked.as_of
    with table_at_one_moment(asked.table) as table:
        purchases = Purchases.of(replace(asked, table=table), until=until)
        columns = customer_columns(purchases, as_of=as_of)
    everyone = len(columns["purchases"])
    if until > as_of:
        known = [bool(count) for count in columns["purchases"]]
        columns = {name: list(compress(listed(column), known)) for name, column in columns.items()}
    if not len(columns["purchases"]):
        raise _nothing(as_of, purchases.left_out)
    merged = int(sum(columns["orders"])) - int(sum(columns["purchases"]))
    later = listed(columns.pop("later"))
    return RfmTable(columns, as_of, merged, dict(purchases.left_out)), later, everyone - len(later)


def table_of(
    by_customer: Mapping[Hashable, Mapping[date, tuple[int, float]]],
    *,
    as_of: date,
    left_out: Mapping[str, int] = _NOTHING,
) -> RfmTable:
    """The table from the purchases by customer and day: the number of orders, and their total value.

    >>> table_of({"C1": {date(2026, 1, 1): (2, 30.0)}}, as_of=date(2026, 1, 31)).rows[0].age
    30
    """
    columns: dict[str, list[Any]] = {name: [] for name in _COLUMNS}
    merged = 0
    for customer, purchases in by_customer.items():
        moments = sorted(purchases)
        first, last = moments[0], moments[-1]
        count = sum(number for number, _ in purchases.values())
        merged += count - len(moments)
        repeats = [purchases[day][1] for day in moments[1:]]
        row = (
            customer,
            count,
            len(moments),
            (as_of - last).days,
            (last - first).days,
            (as_of - first).days,
            sum(value for _, value in purchases.values()),
            sum(repeats) / len(repeats) if repeats else 0.0,
        )
        for column, value in zip(columns.values(), row, strict=True):
            column.append(value)
    return RfmTable(columns, as_of, merged, dict(left_out))


def _purchases(asked: Orders, *, until: date) -> tuple[dict[Hashable, dict[date, tuple[int, float]]], Counter[str]]:
    """The number and value of orders per customer and day; and the orders left out, by reason."""
    by_customer: dict[Hashable, dict[date, tuple[int, float]]] = {}
    left_out: Counter[str] = Counter()
    currencies = set()
    for customer, day, amount, currency in asked.completed(left_out, until=until, needs_amount=True):
        currencies.add(currency)
        days = by_customer.setdefault(customer, {})
        count, value = days.get(day, (0, 0.0))
        days[day] = (count + 1, value + amount)
    refuse_several(currencies)
    return by_customer, left_out


@dataclass(frozen=True, slots=True)
class Holdout:
    """The past to fit on, and the later purchases of the same customers, in the same order."""

    table: RfmTable
    actual: tuple[int, ...]
    horizon: Span
    new_customers: int


def split_holdout(
    orders: Any, *, until: date, as_of: date | None = None, tz: str | None = None, with_refunds: bool = False
) -> Holdout:
    """Split the orders after the day `as_of`: the past is up to that day, the holdout from there up to `until`.

    `orders` are records, a frame or a dataset, as for `rfm`. Customers who first bought in the holdout have no past to
    predict from: `new_customers` counts them.
    """
    asked = Orders.of(orders, as_of=as_of, tz=tz, refunds=with_refunds)
    if until <= asked.as_of:
        raise ParameterError(f"The holdout must end after it starts; `until` is {until}, `as_of` {asked.as_of}.")
    horizon = Span(float((until - asked.as_of).days), "days")
    if isinstance(asked.table, FrameTable):
        with at_home(asked.table.backend, "orders"):
            table, later, new = _of_frame(asked, until=until)
        return Holdout(table, tuple(later), horizon, new)
    asked = replace(asked, table=list(asked.table))
    table = _of_records(asked)
    everything, _ = _purchases(asked, until=until)
    actual = tuple(sum(day > asked.as_of for day in everything[row.customer_id]) for row in table.rows)
    return Holdout(table, actual, horizon, len(everything) - len(table))
