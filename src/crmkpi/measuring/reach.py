"""The first and the last date of a table, and the notes that follow: the data begins later, or is dated after today."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache, lru_cache
from operator import attrgetter
from typing import Any, NamedTuple, Protocol

from crmkpi.dates.calendars import Calendar
from crmkpi.dates.periods import Period
from crmkpi.definition.expressions import Field, walk
from crmkpi.definition.measures import Grouped
from crmkpi.definition.metric import Metric
from crmkpi.engines.frames.backends import at_home
from crmkpi.engines.frames.snapshots import table_at_one_moment
from crmkpi.engines.frames.table import FrameTable
from crmkpi.engines.query import Anchor, Answer, Moments, Part, Query, Slot
from crmkpi.measuring.counting import Counting
from crmkpi.measuring.locations import AccountPlan, MetricPlan
from crmkpi.records.base import RecordType
from crmkpi.sources.reading import ENDS

__all__ = ["Reaches", "dated_fields", "placed", "reach_of", "silent_tables"]

Reach = tuple[datetime, datetime]


class _Later(NamedTuple):
    """Records dated after today: the answer of a query over them, and a function for the answer without that date."""

    answer: Answer
    without: Callable[[], Answer]
    day: datetime


class _Tables(Protocol):
    """The part of a dataset that this module uses."""

    @property
    def tables(self) -> Mapping[str, Iterable[Any]]: ...
    @property
    def calendar(self) -> Calendar: ...
    def facts(self, table: str) -> dict[str, Any]: ...


class Reaches:
    """The reach of the tables of one dataset, computed at first use and cached."""

    __slots__ = ("_crm", "_later", "_now", "_reaches")

    def __init__(self, crm: _Tables) -> None:
        self._crm = crm
        self._now: tuple[datetime, datetime] | None = None  # on the wall clock and exactly
        self._reaches: dict[tuple[str, str], Reach | None] = {}
        self._later: dict[tuple[str, str], _Later | None] = {}

    def begins_later(self, metric: Metric, period: Period) -> str | None:
        """The note that all tables of a metric begin after a period; None if one does not."""
        told = None
        for type_, at in _dated(metric):
            reach = self._reach(type_, at)
            if reach is None or reach[0] < (period.wall_end if reach[0].tzinfo is None else period.end):
                return None
            day = self._crm.calendar.wall(reach[0]).date()
            told = told or f"the first {at} of {type_.table} is of {day}"
        return told

    def _reach(self, type_: RecordType, at: str) -> Reach | None:
        key, name = (type_.table, at), f"reach of {at}"
        if key not in self._reaches:
            facts = self._crm.facts(type_.table)  # of a list that has not changed since the last call
            if name not in facts:
                facts[name] = reach_of(self._crm, type_, at)
            self._reaches[key] = facts[name]
        return self._reaches[key]

    def after_today(
        self,
        plan: MetricPlan,
        answers: Mapping[str, Answer],
        segments: Sequence[tuple[Hashable, ...]],
        parts: Mapping[bool, Sequence[Part]],
        period: Period | None,
    ) -> list[str]:
        """The notes that records are dated after today, if `as_of` is not given: that they count, or do not.

        A stock without a period leaves out records that end after today. Only lists and files are searched, as for
        duplicate ids, and not by a date that assigns records to a period that is over.
        """
        whole = period is None or period.unit == "all"
        over = period is not None and self._is_over(period)
        dated = dated_fields(plan.metric)
        for type_, at in (*dated, *(one for one in _ends_read(plan.metric) if whole and one not in dated)):
            answer = answers.get(type_.table)
            accounts = [
                account
                for account in plan.accounts
                if account.table == type_.table and (account.stock or account.at != at or not over)
            ]
            if answer is None or answer.ask is None or not accounts:
                continue
            key = type_.table, at
            if key not in self._later:
                self._later[key] = self._found_later(type_.table, at, answer)
            if (found := self._later[key]) is None:
                continue
            day = self._crm.calendar.wall(found.day).date()
            said = f"such as {day}; as_of= says up to which day the data is known"
            for account in accounts:
                counted = parts[account.stock]
                used = _used(found.answer, account, counted, segments)
                if used and (type_, at) in dated:
                    records = "records" if used > 1 else "record"
                    return [f"{used:,} {records} of {type_.table} with a {at} after today, {said}"]
                if not (whole and account.stock):
                    continue
                if (more := _used(found.without(), account, counted, segments) - used) > 0:
                    records = "records" if more > 1 else "record"
                    return [f"{more:,} {records} of {type_.table} counted as ended, with the {at} after today, {said}"]
        return []

    @property
    def now(self) -> tuple[datetime, datetime]:
        """The current time, on the wall clock of the calendar and exactly; read once."""
        if self._now is None:
            exact = datetime.now(self._crm.calendar.zone)
            self._now = exact.replace(tzinfo=None), exact
        return self._now

    def _is_over(self, period: Period) -> bool:
        wall, exact = self.now
        return period.wall_end <= wall and period.end <= exact

    def _found_later(self, table: str, at: str, answer: Answer) -> _Later | None:
        ask = answer.ask
        assert ask is not None
        wall, exact = self.now
        given = self._crm.tables[table]
        if isinstance(given, FrameTable):
            from crmkpi.sources.frames.csv_parts import later_part  # noqa: PLC0415  # only where files are frames

            found = later_part(given, at, wall, exact)
            if found is None:
                return None
            part, undated, day = found
            return _Later(ask(part), cache(lambda: ask(undated)), day)
        facts = self._crm.facts(table)
        before, some = facts.get(at, (exact, given))
        later = _dated_after(some if before <= exact else given, at, wall, exact)
        facts[at] = exact, later  # a later search need only look at these
        if not later:
            return None
        without = cache(lambda: ask([replace(one, **{at: None}) for one in later]))
        return _Later(ask(later), without, getattr(later[0], at))


def _used(answer: Answer, account: AccountPlan, parts: Sequence[Part], segments: Sequence[tuple[Hashable, ...]]) -> int:
    """How many records an account counts as used, in all segments together."""
    counting = Counting(answer, account, parts)
    return sum(counting.counts(segment).numbers[0] for segment in segments)


def _dated_after(records: Iterable[Any], at: str, wall: datetime, exact: datetime) -> list[Any]:
    """The records that are dated after now."""
    try:
        read = attrgetter(at)
        first = next(filter(None, map(read, records)), None)
        now = wall if first is None or first.tzinfo is None else exact
        dates = zip(records, map(read, records), strict=True)
        return [one for one, moment in dates if moment is not None and moment > now]
    except (TypeError, AttributeError):  # dates with and without a zone, or items that are not records
        dated = [(one, moment) for one in records if (moment := getattr(one, at, None))]
        return [one for one, moment in dated if moment > (wall if moment.tzinfo is None else exact)]


def reach_of(crm: _Tables, type_: RecordType, at: str) -> Reach | None:
    """The first and the last date of a table; None if no record has one, or if the table is a stream."""
    table = crm.tables.get(type_.table)
    if table is None or at not in type_.fields or isinstance(table, Iterator):
        return None
    if not isinstance(table, FrameTable):
        return _ends(map(attrgetter(at), table))
    if (known := table.reach(at)) is not None:
        return known
    from crmkpi.engines.frames.engine import answer as answer_of_frame  # noqa: PLC0415  # only where there are frames

    field = Field(type_.table, (at,), "timestamp")
    slots = [Slot("values", None, field, keep={"extremes"})]
    query = Query(type_, (), [Anchor(None, stock=False, slots=slots)], unreadable=frozenset({at}))
    with at_home(table.backend, type_.table), table_at_one_moment(table) as whole:
        answer = answer_of_frame(
            query,
            whole,
            moments=Moments(),
            tables={type_.table: whole},
            calendar=crm.calendar,
            rates=None,
            currency=None,
            parameters={},
            confidence=None,
            merging=False,
        )
    for states in answer.groups[0].values():
        for sample in states[0].values():
            if sample.count and sample.low is not None:
                return sample.low, sample.high
    return None


@lru_cache(maxsize=500)
def dated_fields(metric: Metric) -> tuple[tuple[RecordType, str], ...]:
    """The date fields of a metric's records: those that assign a period, and those of events."""
    return (*_dated(metric), *_happened(metric))


def silent_tables(results: Iterable[Any]) -> tuple[str, ...]:
    """The note that no record of a table counts in the periods of results: its export may be outdated."""
    counts: dict[str, bool] = {}
    for result in results:
        if result.period is not None and not any(measure.is_stock for measure in result.metric.measures.values()):
            for table in result.metric.tables:
                counts[table] = counts.get(table, False) or result.n > 0
    silent = [table for table, found in counts.items() if not found]
    return (f"no record of {', '.join(silent)} counts in this time; are the exports of that time?",) if silent else ()


@lru_cache(maxsize=500)  # called for each empty result
def _dated(metric: Metric) -> tuple[tuple[RecordType, str], ...]:
    """The fields that assign the records of a metric to periods, with their record types."""
    found: dict[tuple[str, str], tuple[RecordType, str]] = {}
    for measure in metric.measures.values():
        for each in measure.columns or (measure,):
            type_ = each.base.record_type_
            at = each.at if each.at is not None else measure.at
            if at is None and isinstance(metric.at, Field) and metric.at.table == type_.table:
                at = metric.at
            if isinstance(at, Field) and len(at.path) == 1 and not each.is_stock:
                found[type_.table, at.path[0]] = type_, at.path[0]
    return tuple(found.values())


@lru_cache(maxsize=500)
def placed(metric: Metric) -> tuple[int, ...]:
    """The positions of the measures that can be above 0 only if a record is dated in the period itself."""
    return tuple(
        position
        for position, measure in enumerate(metric.measures.values())
        if not isinstance(measure.table, Grouped) and not measure.is_stock and measure.shift == "none"
        if isinstance(at := measure.at if measure.at is not None else metric.at, Field)
        if len(at.path) == 1 and at.table == measure.base.record_type_.table
    )


def _happened(metric: Metric) -> list[tuple[RecordType, str]]:
    """The dates of events that the measures of a metric read, without ends, which may be planned."""
    return [(type_, name) for type_, name in _read_dates(metric) if name not in ENDS]


@lru_cache(maxsize=500)
def _ends_read(metric: Metric) -> tuple[tuple[RecordType, str], ...]:
    """The end dates that the measures of a metric read."""
    return tuple((type_, name) for type_, name in _read_dates(metric) if name in ENDS)


def _read_dates(metric: Metric) -> Iterator[tuple[RecordType, str]]:
    for each in (column for measure in metric.measures.values() for column in measure.columns or (measure,)):
        for root in (each.where, each.value):
            for part in walk(root):
                if isinstance(part, Field) and len(part.path) == 1 and part.kind == "timestamp" and not part.planned:
                    yield each.base.record_type_, part.path[0]


def _ends(dates: Iterable[datetime | None]) -> Reach | None:
    known = [moment for moment in dates if moment is not None]
    try:
        return (min(known), max(known)) if known else None
    except TypeError:  # dates with and without a time zone, which the engine refuses
        return None
