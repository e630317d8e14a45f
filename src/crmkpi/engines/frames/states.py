"""The slots of a pass over a frame: what is asked of each group for them, and how an answer's rows become states."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from crmkpi.engines.frames.compiled_values import Value
from crmkpi.engines.frames.exact_sums import Sum
from crmkpi.engines.frames.group_keys import as_it_is, decoder, scaled
from crmkpi.engines.query import EXACT, Sample, Slot
from crmkpi.statistics.intervals import quantile_place, quantile_ranks

__all__ = [
    "PartOfPass",
    "aggregations",
    "is_beside",
    "places_of",
    "sample_decoder",
    "state_reader",
    "times",
]


@dataclass(slots=True)
class PartOfPass:
    """One slot in a pass: the columns it has in the projected frame, and how its state is read from a row."""

    number: int
    slot: Slot
    flag: str | None  # the column that is 1 where the slot counts; None where it always does
    value: Value | None = None
    column: str = ""  # the value where the slot counts, else missing
    whole: str = ""  # the value, whether the slot counts or not
    ends: tuple[str, ...] = ()  # its smallest and its largest in each class of rows
    sums: tuple[Sum, ...] = ()
    currency: int | None = None  # the number of its currency among the keys


def is_beside(part: PartOfPass, *, merging: bool) -> bool:
    """Whether elementary aggregations cannot give the slot's state."""
    slot = part.slot
    if slot.what == "distinct":
        return merging
    return slot.what == "latest" or (
        slot.what == "values" and ("values" in slot.keep or part.value is None or not _in_rows(part))
    )


def _in_rows(part: PartOfPass) -> bool:
    return bool(part.sums) or (part.value is not None and part.value.kind in ("timestamp", "date"))


def aggregations(nw: Any, part: PartOfPass, *, ranks: bool, merging: bool) -> dict[str, Any]:
    """What is asked of each group for one slot; with `ranks` its sorted values are asked beside, and all else here."""
    asked: dict[str, Any] = {}
    if part.flag is not None:
        asked[f"n {part.flag}"] = nw.col(part.flag).sum()
    if is_beside(part, merging=merging) and not ranks:
        return asked
    if part.slot.what == "distinct":
        asked[f"distinct {part.number}"] = nw.col(part.column).n_unique()
    for one in part.sums:
        asked |= {name: nw.col(name).sum() for name in one.columns}
    if "extremes" in part.slot.keep:
        low, high = part.ends or (part.column, part.column)
        asked[f"low {part.number}"] = nw.col(low).min()
        asked[f"high {part.number}"] = nw.col(high).max()
    return asked


def state_reader(part: PartOfPass, place: Mapping[str, int]) -> Callable[[Sequence[Any]], Any]:
    """What reads the slot's state from a row, whose columns are at these places; None where the slot is empty."""
    slot, value = part.slot, part.value
    counted = place["n"] if part.flag is None else place[f"n {part.flag}"]
    if slot.what == "count":
        return lambda row: int(row[counted] or 0) or None
    if slot.what == "distinct":
        different, rows = place[f"distinct {part.number}"], place["n"]

        def read_distinct(row: Sequence[Any]) -> int | None:
            # A missing value counts as one more, and every row in which the slot does not count is one.
            count = int(row[counted] or 0)
            return int(row[different]) - (count < row[rows]) if count else None

        return read_distinct
    assert value is not None
    digits, kind = value.digits or 0, value.kind
    total, squares = ([*(_sum_reader(one, place) for one in part.sums), None, None])[:2]
    ends = [place[f"{side} {part.number}"] for side in ("low", "high")] if "extremes" in slot.keep else []
    decode = sample_decoder(value)

    def read_sample(row: Sequence[Any]) -> Sample | None:
        count = row[counted]
        if not count:
            return None
        sample = Sample(int(count))
        if total is not None:
            sample.total = _number(total(row), digits, kind)
        if squares is not None:
            sample.squares = _number(squares(row), 2 * digits, kind)
        if ends:
            sample.low, sample.high = (decode(row[end]) for end in ends)
        return sample

    return read_sample


def _sum_reader(one: Sum, place: Mapping[str, int]) -> Callable[[Sequence[Any]], int]:
    weights = [(place[name], weight) for name, weight in one.weights.items()]
    if len(weights) == 1:
        ((only, _),) = weights
        return lambda row: int(row[only] or 0)
    return lambda row: sum(weight * int(row[number] or 0) for number, weight in weights)


def sample_decoder(value: Value) -> Callable[[Any], Any]:
    """Plain values as samples keep them: durations in microseconds, money as decimals."""
    if value.kind in ("timestamp", "date"):
        return decoder(value)
    if value.digits is None:
        return as_it_is
    digits = value.digits
    return lambda plain: _number(int(plain), digits, value.kind)


def places_of(count: int, fractions: Collection[float], confidence: float | None) -> tuple[int, ...]:
    """Where the values lie, among `count` sorted ones, that these quantiles and their intervals rest on."""
    found: set[int] = set()
    for fraction in fractions:
        place, weight = quantile_place(count, fraction)
        found |= {place, place + (weight > 0)}
        ranks = None if confidence is None else quantile_ranks(count, fraction, confidence=confidence)
        if ranks is not None:
            found |= {rank - 1 for rank in ranks[:2]}
    return tuple(sorted(found))


def times(sample: Sample, rate: Decimal) -> Sample:
    """The sample of the same amounts at a rate of exchange."""
    made = Sample(
        sample.count,
        EXACT.multiply(Decimal(sample.total), rate),
        EXACT.multiply(Decimal(sample.squares), EXACT.multiply(rate, rate)),
        [EXACT.multiply(value, rate) for value in sample.values],
    )
    made.low, made.high = (None if side is None else EXACT.multiply(side, rate) for side in (sample.low, sample.high))
    return made


def _number(number: int, digits: int, kind: str) -> Any:
    return scaled(number, digits) if kind in ("money", "number") or digits else number
