"""From answers to the inputs of formulas: pick the states of a period and segment, merge them, and read them."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Context, Decimal, localcontext
from functools import reduce
from typing import Any

from crmkpi.engines.query import EXACT, NO_DATE, Answer, Sample, empty_state, merged_state
from crmkpi.engines.records import Moments
from crmkpi.engines.rows import evaluate
from crmkpi.errors import CurrencyError, ParameterError, PeriodError
from crmkpi.expressions import ValueKind
from crmkpi.intervals import quantile
from crmkpi.measures import Grouped, Measure
from crmkpi.periods import Period
from crmkpi.plan import AccountPlan, Column, MeasurePlan, MetricPlan

__all__ = ["EVER", "Input", "Reader", "Timeline", "moved"]

EVER = (Period.all().wall_end, Period.all().end)  # an as-of instant after everything, on the wall clock and exact
_DIVISION = Context(prec=28)


@dataclass(frozen=True, slots=True)
class Input:
    """One input of a formula: its value, the currency if it is money, and what was kept of the values.

    Where there is no value, `missing` says why.
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

    def __init__(self, periods: Iterable[Period | None], as_of: tuple[datetime, datetime], *, whole: bool) -> None:
        """Cut `periods`, where None is the whole data; `as_of` is an instant as wall-clock time and exact.

        `whole` says that the answers are not cut into parts at all.
        """
        ever = Period.all()
        distinct = list(dict.fromkeys(periods))
        real = [period for period in distinct if period is not None]
        if None in distinct and not whole:
            real.append(ever)
        wall_edges = sorted({edge for period in real for edge in (period.wall_start, period.wall_end)})
        edges = sorted({edge for period in real for edge in (period.start, period.end)})
        numbers = {edge: number for number, edge in enumerate(edges)}
        self._parts: dict[Period | None, Sequence[int | None]] = {
            period: range(numbers[period.start], numbers[period.end]) for period in real
        }
        # What no timestamp puts into a period is in the whole as well.
        self._parts[None] = (None,) if whole else (*self._parts.get(ever, ()), NO_DATE, None)
        wanted = {part for parts in self._parts.values() for part in parts}
        self._stocks = {period: number for number, period in enumerate(distinct)}
        wall, exact = as_of
        bounds = [period or ever for period in distinct]
        self.moments = Moments(
            wall_edges,
            edges,
            [number in wanted for number in range(max(len(edges) - 1, 0))],
            [(period.wall_start, period.start, period.wall_end, period.end) for period in bounds],
            wall,
            exact,
        )

    @property
    def merging(self) -> bool:
        """Whether any period is made of several parts, whose states must merge."""
        return any(len(parts) > 1 for parts in self._parts.values())

    def parts(self, period: Period | None, *, stock: bool) -> Sequence[int | None]:
        """The parts of the answers that make up the period; none where it was not asked for."""
        if stock:
            return (self._stocks[period],) if period in self._stocks else ()
        return self._parts.get(period, ())


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads answers: gives the inputs of a metric's formula, and its accounts, for a period and a segment."""

    answers: Mapping[str, Answer]
    timeline: Timeline
    parameters: Mapping[str, Any]
    currency: str | None

    def segments(self) -> list[tuple[Hashable, ...]]:
        """All segments that any table has, in the order in which they first appear."""
        return list(dict.fromkeys(segment for answer in self.answers.values() for segment in answer.given))

    def given(self, table: str, segment: tuple[Hashable, ...]) -> int:
        """How many records of the table are in the segment."""
        return self.answers[table].given.get(segment, 0)

    def state(self, column: Column, segment: tuple[Hashable, ...], period: Period | None) -> Any:
        """The state of a slot over a whole period."""
        groups = self.answers[column.table].groups[column.anchor]
        found = [
            states[column.number]
            for part in self.timeline.parts(moved(period, column.measure, self.parameters), stock=column.stock)
            if (states := groups.get((segment, part))) is not None
        ]
        if not found:
            return empty_state(column.slot)
        if len(found) == 1:
            return found[0]
        with localcontext(EXACT):
            return reduce(lambda mine, theirs: merged_state(column.slot, mine, theirs), found)

    def input(self, plan: MeasurePlan, segment: tuple[Hashable, ...], period: Period | None, metric: str) -> Input:
        """The value of a measure in a segment and period; None inside where it is undefined."""
        measure = plan.measure
        shifted = moved(period, measure, self.parameters)
        if measure.shift != "none" and shifted is None:
            return Input(None, missing="there is no earlier period to look at")
        if isinstance(measure.table, Grouped):
            return self._grouped(plan, segment, period, metric)
        (column,) = plan.columns.values()
        return self._read(measure, self.state(column, segment, period), metric)

    def inputs(self, plan: MetricPlan, segment: tuple[Hashable, ...], period: Period | None) -> dict[str, Input]:
        """All inputs of the metric's formula."""
        found = {name: self.input(measure, segment, period, plan.metric.id) for name, measure in plan.measures.items()}
        if plan.metric.days is not None:
            found[plan.metric.days] = Input(
                _days(period), missing="it needs the length of a period, and no period is given"
            )
        return found

    def left_out(
        self, account: AccountPlan, segment: tuple[Hashable, ...], period: Period | None
    ) -> tuple[int, dict[str, int]]:
        """How many records were used, and how many were left out under each reason."""
        groups = self.answers[account.table].groups[account.anchor]
        parts = self.timeline.parts(period, stock=account.stock)
        found = [states for part in parts if (states := groups.get((segment, part))) is not None]
        used = sum(states[account.used] for states in found)
        reasons: dict[str, int] = {}
        for reason, number in account.reasons:
            reasons[reason] = reasons.get(reason, 0) + sum(states[number] for states in found)
        undated = groups.get((segment, NO_DATE))
        if undated is not None and NO_DATE not in parts:
            # Records that would count if they had the date that puts them into a period.
            name = f"no {account.at}"
            slots = [account.used, *(number for reason, number in account.reasons if reason == name)]
            reasons[name] = reasons.get(name, 0) + sum(undated[number] for number in slots)
        return used, {reason: count for reason, count in reasons.items() if count}

    def _read(self, measure: Measure, state: Any, metric: str) -> Input:
        """A state as the input of a formula: durations in seconds, money with its currency."""
        if measure.aggregate in ("count", "distinct"):
            return Input(state if isinstance(state, int) else len(state))
        if measure.aggregate == "latest":
            return Input(None if state is None else state[2])
        currency = None
        sample = Sample()
        if measure.kind == "money":
            currency, sample = self._one_currency(state, metric)
        elif state:
            (sample,) = state.values()
        value = _aggregate(measure, sample)
        return Input(_for_formula(value, measure.kind), currency, sample)

    def _one_currency(self, samples: Mapping[str | None, Sample], metric: str) -> tuple[str | None, Sample]:
        """The only currency among the amounts; several are never added."""
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

    def _currency_of_row(self, amounts: Iterable[Input], metric: str) -> str | None:
        """The only currency of the amounts of one row; an empty sum has none of its own."""
        samples: dict[str | None, Sample] = {}
        for amount in amounts:
            if amount.sample is not None and amount.sample.count:
                samples[amount.currency] = samples.get(amount.currency, Sample()).merged(amount.sample)
        return self._one_currency(samples, metric)[0]

    def _grouped(self, plan: MeasurePlan, segment: tuple[Hashable, ...], period: Period | None, metric: str) -> Input:
        """Aggregate a table of one row per key, whose columns are read first."""
        measure = plan.measure
        states = {name: self.state(column, segment, period) for name, column in plan.columns.items()}
        keys = dict.fromkeys(key for by_key in states.values() for key in by_key)
        empty = {name: _empty_keyed(column) for name, column in plan.columns.items()}
        kept: dict[str | None, list[Any]] = {}
        counted = 0
        for key in keys:
            cells = {
                name: self._read(column.measure, states[name].get(key, empty[name]), metric)
                for name, column in plan.columns.items()
            }
            row = {name: _for_row(cells[name].value, column.measure.kind) for name, column in plan.columns.items()}
            with localcontext(EXACT):
                wanted = measure.where is None or evaluate(measure.where, row, self.parameters) is True
                value = None if measure.value is None or not wanted else evaluate(measure.value, row, self.parameters)
            counted += wanted
            if value is not None:
                amounts = [cells[name] for name, column in plan.columns.items() if column.measure.kind == "money"]
                currency = self._currency_of_row(amounts, metric) if measure.kind == "money" else None
                kept.setdefault(currency, []).append(value)
        if measure.aggregate == "count":
            return Input(counted)
        if measure.aggregate == "distinct":
            return Input(len({value for values in kept.values() for value in values}))
        with localcontext(EXACT):
            samples = {
                currency: Sample.of(values, measure.kind, ("squares", "values", "extremes"))
                for currency, values in kept.items()
            }
        return self._read(measure, samples, metric)


def moved(period: Period | None, measure: Measure, parameters: Mapping[str, Any]) -> Period | None:
    """The period that a measure such as `.previous()` looks at; None where there is none before."""
    if measure.shift == "none":
        return period
    if period is None or period.unit == "all":
        return None
    steps = measure.steps if isinstance(measure.steps, int) else parameters[repr(measure.steps)]
    if steps < 1 or steps != int(steps):
        raise ParameterError(f"A number of periods is a whole number from 1; got {steps!r} for {measure.steps!r}.")
    try:
        if measure.shift == "year_ago":
            return period.year_ago()
        for _ in range(int(steps)):
            period = period.previous()
    except PeriodError:  # week 53 in a year that follows one of 52 weeks, or the beginning of the calendar
        return None
    return period


def _days(period: Period | None) -> float | None:
    if period is None or period.unit == "all":
        return None
    return (period.wall_end - period.wall_start) / timedelta(days=1)


def _empty_keyed(column: Column) -> Any:
    return {"count": 0, "distinct": frozenset(), "latest": None}.get(column.slot.what, {})


def _aggregate(measure: Measure, sample: Sample) -> Any:
    """The number that the measure's word asks of a sample; None where it has none."""
    if measure.aggregate == "sum":
        return sample.total if sample.count else 0
    if not sample.count:
        return None
    match measure.aggregate:
        case "mean":
            with localcontext(_DIVISION):
                return _mean(sample)
        case "median" | "quantile":
            assert measure.fraction is not None
            return quantile(sorted(sample.values), measure.fraction)
        case "min":
            return sample.low
        case _:
            return sample.high


def _mean(sample: Sample) -> Any:
    # Whole numbers divide exactly rounded; going through a decimal would round twice.
    return sample.total / sample.count


def _for_formula(value: Any, kind: ValueKind) -> Any:
    """The plain number that a formula works with: durations in seconds, money as a Decimal, else an int or float."""
    if value is None or kind in ("timestamp", "date", "text", "choice", "flag"):
        return value
    if kind == "duration":
        return value / 1_000_000
    if kind == "money":
        return value if isinstance(value, Decimal) else Decimal(value)
    if kind == "integer" and isinstance(value, int):
        return value
    return float(value)


def _for_row(value: Any, kind: ValueKind) -> Any:
    return timedelta(seconds=value) if kind == "duration" and value is not None else value
