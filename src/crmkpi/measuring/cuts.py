"""The numbers of one KPI over one period in columns, with one entry per segment."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from datetime import timedelta
from decimal import localcontext
from functools import reduce
from typing import Any, NamedTuple

from crmkpi.dates.months import NO_MONTH
from crmkpi.dates.periods import Period
from crmkpi.definition.measures import Grouped
from crmkpi.definition.metric import Metric
from crmkpi.engines.query import EXACT, Answer, State, merged_state
from crmkpi.errors import CurrencyError
from crmkpi.measuring.counting import Counting, Counts, Rows
from crmkpi.measuring.locations import AccountPlan, Location, MeasurePlan, MetricPlan
from crmkpi.measuring.reading import Input, Reader
from crmkpi.measuring.shifts import moved
from crmkpi.measuring.unreadable import DataReason

__all__ = ["Cut", "InputColumn", "currencies_of"]

_LONGEST_MONTH = 31
_NOTHING_EARLIER = "there is no earlier period"


class InputColumn(NamedTuple):
    """One input of a formula by segment: its values, the currencies of amounts, and the samples of sums and lists.

    If there are no values, `missing` is the reason.
    """

    values: Sequence[Any]
    currencies: Sequence[str | None] | None = None
    samples: Sequence[Any] | None = None
    missing: str | None = None


class Cut:
    """A metric over one period: its numbers in the segments of `rows`."""

    __slots__ = ("_fixed", "_period", "_plan", "_reader", "_rows")

    def __init__(self, reader: Reader, plan: MetricPlan, period: Period | None, rows: Rows) -> None:
        self._reader = reader
        self._plan = plan
        self._period = period
        self._rows = rows
        self._fixed: dict[str, Input] = {}
        for name, shifted in plan.shifted.items():
            if any(moved(period, part, reader.parameters) is None for part in shifted):
                self._fixed[name] = Input(None, missing=_NOTHING_EARLIER)
        if plan.metric.days is not None:
            missing = "it needs the length of a period, and no period is given"
            days = _days(period)
            if plan.metric.monthly and period is not None and not _is_month(period):
                days, missing = None, NO_MONTH
            self._fixed[plan.metric.days] = Input(days, missing=missing)
        if plan.metric.until is not None:
            missing = "it needs the day up to which the data is known, and none is given"
            self._fixed[plan.metric.until] = Input(reader.last_day(period), missing=missing)

    @property
    def lacks(self) -> bool:
        """Whether an input that is the same for all segments has no value."""
        return bool(self._fixed) and any(found.value is None for found in self._fixed.values())

    def inputs(self, mixed: dict[int, CurrencyError] | None = None) -> dict[str, InputColumn]:
        """All inputs of the metric's formula; `mixed` receives the errors of segments with several currencies."""
        found: dict[str, InputColumn] = {}
        for name, measure in self._plan.measures.items():
            found[name] = self._input(name, measure, mixed)
        for given in (self._plan.metric.days, self._plan.metric.until):
            if given is not None:
                found[given] = self._same(self._fixed[given])
        return found

    def _same(self, one: Input) -> InputColumn:
        return InputColumn([one.value] * len(self._rows.segments), missing=one.missing)

    def _input(self, name: str, plan: MeasurePlan, mixed: dict[int, CurrencyError] | None) -> InputColumn:
        if name in self._fixed:
            return self._same(self._fixed[name])
        reader, metric, measure = self._reader, self._plan.metric.id, plan.measure
        if isinstance(measure.table, Grouped):
            states = {each: self._states(column) for each, column in plan.columns.items()}
            own = moved(self._period, measure, reader.parameters)
            keyed = (dict(zip(states, row, strict=True)) for row in zip(*states.values(), strict=True))
            return _column(keyed, lambda one: reader.grouped(plan, one, metric, own), mixed)
        plain = self._states(plan.columns[""])
        if measure.aggregate == "count":
            return InputColumn(plain)
        if measure.aggregate == "distinct":
            return InputColumn([state if isinstance(state, int) else len(state) for state in plain])
        return _column(plain, reader.reading(measure, metric), mixed)

    def _states(self, column: Location) -> list[State]:
        """The states of a slot over the whole period."""
        empty, number = column.empty, column.number
        moved_to = moved(self._period, column.measure, self._reader.parameters)
        parts = self._reader.timeline.parts(moved_to, stock=column.stock)
        if len(parts) == 1:  # the common case
            rows = self._rows.of(column.table, column.anchor, parts[0])
            return [empty if row is None else row[number] for row in rows]
        found = [self._rows.of(column.table, column.anchor, part) for part in parts]
        with localcontext(EXACT):
            return [
                reduce(
                    lambda mine, theirs: merged_state(column.slot, mine, theirs),
                    [row[number] for row in rows if row is not None] or [empty],
                )
                for rows in (zip(*found, strict=True) if found else [()] * len(self._rows.segments))
            ]

    def joints(self) -> Callable[[int], dict[tuple[str, str], list[Any]]]:
        """A function from a segment's number to the counts, or samples, of the records that two inputs share."""
        reader, metric = self._reader, self._plan.metric.id
        pairs = {
            pair: [self._states(column) for column in columns] for pair, columns in (self._plan.joints or {}).items()
        }

        def found(number: int) -> dict[tuple[str, str], list[Any]]:
            return {pair: [read(states[number]) for states in columns] for pair, columns in pairs.items()}

        def read(state: Any) -> Any:
            return state if isinstance(state, int) else reader.one_sample(state, metric)

        return found

    def counts(self) -> list[Sequence[Counts]]:
        """For each table and anchor, the numbers of records used and left out in each segment."""
        return [self._counted(account, self._period) for account in self._plan.accounts]

    def earlier_counts(self) -> list[tuple[AccountPlan, Sequence[Counts]]]:
        """The counts of measures over an earlier period that may have unreadable records."""
        return [(one, self._counted(one, period)) for one, period in self._earlier() if one.unread is not None]

    def _earlier(self) -> list[tuple[AccountPlan, Period]]:
        """The accounts of measures over an earlier period, with this period."""
        return [
            (account, earlier)
            for account in self._plan.earlier
            if account.shifted is not None
            and (earlier := moved(self._period, account.shifted, self._reader.parameters)) is not None
        ]

    def _counted(self, account: AccountPlan, period: Period | None) -> Sequence[Counts]:
        parts = self._reader.timeline.parts(period, stock=account.stock)
        return Counting(self._reader.answers[account.table], account, parts).column(self._rows)

    def contradiction(self, segment: tuple[Hashable, ...]) -> str | None:
        """The error for a duplicate id whose records differ in a field that the metric reads, if one of them counts."""
        asked = [(account, self._period) for account in self._plan.accounts]
        for account, period in (*asked, *self._earlier()):
            for found in self._reader.answers[account.table].contradictions:
                names = found.read_by(account.anchor, self._plan.slots(account))

                def counts(answer: Answer, account: AccountPlan = account, period: Period | None = period) -> bool:
                    parts = tuple(self._reader.timeline.parts(period, stock=account.stock))
                    used = Counting(answer, account, parts).counts(segment)
                    return bool(used.numbers[0] or any(used.unread.values()))

                if names and counts(found.answer):
                    return DataReason(found.reason(names, counts))
        return None


def _column(
    states: Iterable[State], read: Callable[[State], Input], mixed: dict[int, CurrencyError] | None
) -> InputColumn:
    """Read the inputs from states; an input in several currencies raises an error, unless `mixed` receives it."""
    values, currencies, samples = [], [], []
    for number, state in enumerate(states):
        try:
            value, currency, sample, _ = read(state)
        except CurrencyError as error:
            if mixed is None:
                raise
            mixed.setdefault(number, error)
            value, currency, sample = None, None, None
        values.append(value)
        currencies.append(currency)
        samples.append(sample)
    return InputColumn(values, currencies, samples)


def currencies_of(
    metric: Metric, columns: Mapping[str, InputColumn], size: int, mixed: dict[int, CurrencyError] | None
) -> list[str | None]:
    """The currency of a KPI in money, by segment; inputs in different currencies are an error."""
    known = [column.currencies for column in columns.values() if column.currencies is not None]
    if not known:
        return [None] * size
    money = {name: columns[name] for name, measure in metric.measures.items() if measure.kind == "money"}
    if len(money) > 1 and len({one for column in money.values() for one in column.currencies or ()}) > 1:
        for number in range(size):
            try:
                _check_one(metric, money, number)
            except CurrencyError as error:
                if mixed is None:
                    raise
                mixed.setdefault(number, error)
    if metric.unit != "money":
        return [None] * size
    each = [next((one for one in row if one is not None), None) for row in zip(*known, strict=True)]
    return [None if mixed and number in mixed else one for number, one in enumerate(each)]


def _check_one(metric: Metric, columns: Mapping[str, InputColumn], number: int) -> None:
    """Refuse inputs in several currencies."""
    found = {}
    for name, column in columns.items():
        sample = None if column.samples is None else column.samples[number]
        if sample is not None and sample.count and column.currencies is not None:
            found[name] = column.currencies[number] or "no currency"
    if len(set(found.values())) > 1:
        listed = ", ".join(f"{name} in {currency}" for name, currency in found.items())
        raise CurrencyError(
            f"{metric.id} would combine amounts in several currencies: {listed}. "
            "Give rates=crmkpi.Rates(to, ...) to convert them, or group by='currency'."
        )


def _is_month(period: Period) -> bool:
    """Whether a period is a calendar month, however it is written."""
    first, after = period.first_day, period.last_day + timedelta(days=1)
    return first.day == after.day == 1 and (after - first).days <= _LONGEST_MONTH


def _days(period: Period | None) -> float | None:
    if period is None or period.unit == "all":
        return None
    return (period.wall_end - period.wall_start) / timedelta(days=1)
