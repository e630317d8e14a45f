"""From answers to the inputs of formulas: pick the states of a period and segment, merge them, and read them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import localcontext
from itertools import chain, repeat
from typing import Any, NamedTuple

from crmkpi.dates.periods import Period
from crmkpi.definition.expressions import Expression, Field, Presence, as_of, walk
from crmkpi.definition.measures import Grouped, Measure
from crmkpi.definition.planned_expressions import Together, Unless
from crmkpi.engines.query import (
    EXACT,
    NO_DATE,
    UNREADABLE,
    Answer,
    Moments,
    Sample,
)
from crmkpi.engines.records.interpreter import evaluate
from crmkpi.errors import CurrencyError
from crmkpi.measuring.locations import Location, MeasurePlan
from crmkpi.measuring.samples import aggregated, for_formula, for_row

__all__ = ["AS_OF", "EVER", "Input", "Reader", "Timeline"]

AS_OF = repr(as_of)  # the name of the as-of instant among the parameters
_ALL_TIME = Period.all()
EVER = (_ALL_TIME.wall_end, _ALL_TIME.end)  # an as-of instant after everything, on the wall clock and exact
_NOTHING = Sample()


class Input(NamedTuple):
    """One input of a formula: its value, the currency if it is money, and the sample of its values.

    If there is no value, `missing` is the reason.
    """

    value: Any
    currency: str | None = None
    sample: Sample | None = None
    missing: str | None = None


class Timeline:
    """The periods of one measurement, cut into elementary intervals that do not overlap.

    Rolling windows and comparisons overlap; their elementary intervals do not, and states of intervals merge.
    """

    __slots__ = ("_parts", "_stocks", "moments")

    def __init__(
        self,
        periods: Iterable[Period | None],
        as_of: tuple[datetime, datetime],
        *,
        whole: bool,
        earlier: Iterable[Period] = (),
    ) -> None:
        """Cut `periods`, where None means all data; `as_of` is an instant as wall-clock time and exact.

        With `whole`, the answers are not cut into parts at all. In `earlier` periods only flows are measured.
        """
        stocks = list(dict.fromkeys(periods))
        distinct = list(dict.fromkeys([*stocks, *earlier]))
        real = [period for period in distinct if period is not None]
        if None in distinct and not whole:
            real.append(_ALL_TIME)
        wall_edges = sorted({edge for period in real for edge in (period.wall_start, period.wall_end)})
        edges = sorted({edge for period in real for edge in (period.start, period.end)})
        numbers = {edge: number for number, edge in enumerate(edges)}
        self._parts: dict[Period | None, Sequence[int | None]] = {
            period: range(numbers[period.start], numbers[period.end]) for period in real
        }
        if None in distinct:  # all data includes records without a timestamp
            self._parts[None] = (None,) if whole else (*self._parts[_ALL_TIME], NO_DATE, None)
        wanted = {part for parts in self._parts.values() for part in parts}
        self._stocks = {period: number for number, period in enumerate(stocks)}
        wall, exact = as_of
        bounds = [period or _ALL_TIME for period in stocks]
        self.moments = Moments(
            wall_edges,
            edges,
            [number in wanted for number in range(max(len(edges) - 1, 0))],
            [(period.wall_start, period.start, period.wall_end, period.end) for period in bounds],
            wall,
            exact,
            dated=None not in distinct,
        )

    @property
    def merging(self) -> bool:
        """Whether any period consists of several parts, whose states must merge."""
        return any(len(parts) > 1 for parts in self._parts.values())

    def parts(self, period: Period | None, *, stock: bool) -> Sequence[int | None]:
        """The parts of the answers that make up the period; empty for a period that is not in the timeline."""
        if stock:
            return (self._stocks[period],) if period in self._stocks else ()
        return self._parts.get(period, ())


class Reader(NamedTuple):
    """Reads the inputs of formulas, and accounts, from answers, for a period and a segment."""

    answers: Mapping[str, Answer]
    timeline: Timeline
    parameters: Mapping[str, Any]
    currency: str | None

    def segments(self) -> list[tuple[Hashable, ...]]:
        """All segments that any table has, in the order in which they first appear."""
        answers = [part for answer in self.answers.values() for part in (answer, answer.again) if part is not None]
        found = dict.fromkeys(segment for answer in answers for segment in answer.given)
        known = [segment for segment in found if UNREADABLE not in segment]
        # If every segment is unreadable, the records count as records without a segment.
        return known or [tuple(None if part is UNREADABLE else part for part in segment) for segment in found][:1]

    def given(self, table: str, segment: tuple[Hashable, ...]) -> int:
        """How many records of the table are in the segment."""
        return self.answers[table].given.get(segment, 0)

    def last_day(self, period: Period | None) -> date | None:
        """The last day of the period, or that of the as-of instant if it is earlier."""
        known: datetime = self.parameters[AS_OF][0]
        end = known if period is None else min(known, period.wall_end)
        return None if end == EVER[0] else (end - timedelta(microseconds=1)).date()

    def reading(self, measure: Measure, metric: str) -> Callable[[Any], Input]:
        """The function that turns a state into an input of a formula: durations in seconds, money with its currency."""
        aggregate, kind = measure.aggregate, measure.kind
        if aggregate in ("count", "distinct"):
            return _count_of
        if aggregate == "latest":
            return _latest_of

        def input_of(currency: str | None, sample: Sample) -> Input:
            if aggregate == "values":
                return Input(tuple([for_formula(one, kind) for one in sample.values]), currency, sample)
            return Input(for_formula(aggregated(measure, sample), kind), currency, sample)

        nothing = input_of(self.currency if kind == "money" else None, _NOTHING)

        def read(state: Any) -> Input:
            if not state:
                return nothing
            if kind == "money":
                return input_of(*self._one_currency(state, metric))
            (sample,) = state.values()
            return input_of(None, sample)

        return read

    def one_sample(self, samples: Mapping[str | None, Sample], metric: str) -> Sample:
        """The only sample of a state; amounts in several currencies are refused."""
        return self._one_currency(samples, metric)[1]

    def _one_currency(self, samples: Mapping[str | None, Sample], metric: str) -> tuple[str | None, Sample]:
        """The only currency among the amounts; several are never added."""
        if len(samples) == 1:  # the common case
            ((currency, sample),) = samples.items()
            if sample.count:
                return (currency if currency is not None else self.currency), sample
        merged: dict[str | None, Sample] = {}
        for currency, sample in samples.items():
            if sample.count:
                known = currency if currency is not None else self.currency
                merged[known] = sample if known not in merged else merged[known].merged(sample)
        if len(merged) > 1:
            found = sorted(
                ((sample.count, currency or "no currency") for currency, sample in merged.items()), reverse=True
            )
            listed = ", ".join(f"{count:,} in {currency}" for count, currency in found)
            raise CurrencyError(
                f"{metric} would add amounts in several currencies: {listed}. Give rates=crmkpi.Rates(to, ...) to "
                "convert them, or group by='currency'."
            )
        return next(iter(merged.items())) if merged else (self.currency, Sample())

    def _currency_of(self, amounts: Iterable[Input], metric: str) -> str | None:
        """The only currency of some amounts; an empty sum has none of its own."""
        samples: dict[str | None, Sample] = {}
        for amount in amounts:
            assert amount.sample is not None  # every input in money has a sample
            samples[amount.currency] = samples.get(amount.currency, Sample()).merged(amount.sample)
        return self._one_currency(samples, metric)[0]

    def grouped(self, plan: MeasurePlan, states: Mapping[str, Any], metric: str, period: Period | None = None) -> Input:
        """Aggregate a table of one row per key, after reading its columns."""
        measure = plan.measure
        if measure.aggregate == "rows":
            return self._rows(plan, states, metric, period)
        kept: dict[str | None, list[Any]] = {}
        without: list[Any] = []  # sums of no amounts at all, which have no currency
        counted = 0
        for many, cells in self._alike(plan, states, metric, period):
            counted += many
            value = None if measure.value is None else self._of_row(measure.value, plan, cells)
            if value is not None:
                amounts = [cells[name] for name, column in plan.columns.items() if column.measure.kind == "money"]
                if measure.kind == "money" and not any(amount.sample and amount.sample.count for amount in amounts):
                    without += [value] * many
                    continue
                currency = self._currency_of(amounts, metric) if measure.kind == "money" else None
                kept.setdefault(currency, []).extend([value] * many)
        if without:
            kept.setdefault(next(iter(kept), self.currency), []).extend(without)
        if measure.aggregate == "count":
            return Input(counted)
        if measure.aggregate == "distinct":
            return Input(len({value for values in kept.values() for value in values}))
        with localcontext(EXACT):
            samples = {
                currency: Sample.of(values, measure.kind, ("squares", "values", "extremes"))
                for currency, values in kept.items()
            }
        return self.reading(measure, metric)(samples)

    def _rows(self, plan: MeasurePlan, states: Mapping[str, Any], metric: str, period: Period | None) -> Input:
        """The rows as tuples of the keys and the columns; amounts in several currencies are refused."""
        assert isinstance(plan.measure.table, Grouped)
        several = isinstance(plan.measure.table.parts_[1], Together)
        money = [name for name, column in plan.columns.items() if column.measure.kind == "money"]
        rows: list[tuple[Any, ...]] = []
        amounts: list[Input] = []
        for key, cells in self._cells(plan, states, metric, period):
            rows.append((*(key if several else (key,)), *(cell.value for cell in cells.values())))
            amounts += (cells[name] for name in money)
        return Input(tuple(sorted(rows)), self._currency_of(amounts, metric) if money else None)

    def _alike(
        self, plan: MeasurePlan, states: Mapping[str, Any], metric: str, period: Period | None
    ) -> Iterator[tuple[int, Mapping[str, Input]]]:
        """The distinct rows with their frequency; only rows of counts repeat often, so others are not compared."""
        if any(column.measure.aggregate != "count" for column in plan.columns.values()):
            yield from ((1, cells) for _, cells in self._cells(plan, states, metric, period))
            return
        fewest = min(self._needed(plan), key=lambda name: len(states[name]), default=None)
        keys = dict.fromkeys(chain.from_iterable(states.values())) if fewest is None else states[fewest]
        columns = [map(states[name].get, keys, repeat(0)) for name in plan.columns]
        for counts, many in Counter(zip(*columns, strict=True)).items():
            cells = {name: Input(count) for name, count in zip(plan.columns, counts, strict=True)}
            if plan.measure.where is None or self._of_row(plan.measure.where, plan, cells) is True:
                yield many, cells

    def _needed(self, plan: MeasurePlan) -> list[str]:
        """The counts that must be above 0 in a row: the condition is false for 0, whatever the other counts are."""
        where = plan.measure.where
        if where is None or any(isinstance(part, Presence | Unless) for part in walk(where)):
            return []
        unknown = dict.fromkeys(plan.columns)
        return [name for name in unknown if evaluate(where, {**unknown, name: 0}, self.parameters) is False]

    def _cells(
        self, plan: MeasurePlan, states: Mapping[str, Any], metric: str, period: Period | None
    ) -> Iterator[tuple[Any, Mapping[str, Input]]]:
        """The key and the columns of each row that meets the condition and whose own date is in the period."""
        empty = {name: _empty_keyed(column) for name, column in plan.columns.items()}
        readings = {name: self.reading(column.measure, metric) for name, column in plan.columns.items()}
        where, at = plan.measure.where, plan.measure.at
        assert at is None or isinstance(at, Field)
        for key in dict.fromkeys(chain.from_iterable(states.values())):
            cells = {name: read(states[name].get(key, empty[name])) for name, read in readings.items()}
            if at is not None and period is not None and not _lies_in(cells[at.path[0]].value, period):
                continue
            if where is None or self._of_row(where, plan, cells) is True:
                yield key, cells

    def _of_row(self, expression: Expression, plan: MeasurePlan, cells: Mapping[str, Input]) -> Any:
        row = {name: for_row(cells[name].value, column.measure.kind) for name, column in plan.columns.items()}
        with localcontext(EXACT):
            return evaluate(expression, row, self.parameters)


def _lies_in(moment: datetime | None, period: Period) -> bool:
    if moment is None:
        return False
    if moment.tzinfo is None:
        return period.wall_start <= moment < period.wall_end
    return period.start <= moment < period.end


def _count_of(state: Any) -> Input:
    return Input(state if isinstance(state, int) else len(state))


def _latest_of(state: Any) -> Input:
    value = None if state is None else state[2]
    return Input(value / timedelta(seconds=1) if isinstance(value, timedelta) else value)


def _empty_keyed(column: Location) -> Any:
    return {"count": 0, "latest": None}.get(column.slot.what, {})
