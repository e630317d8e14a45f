"""Periods of time, cut from a calendar into exact moments: months, ISO weeks, fiscal years, rolling windows.

A period contains every moment from its start up to, but not including, its end. Other code only compares timestamps
with these two edges; time zones, daylight saving and fiscal years are handled here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Literal, TypeVar
from zoneinfo import ZoneInfo

from crmkpi.dates.calendars import DEFAULT_CALENDAR, Calendar, CalendarUnit, calendar_of, known_day
from crmkpi.dates.moments import instant_of, is_aware, timestamp_of
from crmkpi.dates.period_texts import LONGEST_TEXT, iso_week, read_period
from crmkpi.dates.spans import (
    CALENDAR_UNITS,
    MOMENT,
    ONE_DAY,
    PeriodEdges,
    PeriodUnit,
    all_time,
    known_unit,
    midnight,
    range_label,
    runs_over_days,
    span_between,
    whole_unit,
    window_before,
)
from crmkpi.errors import InputError, PeriodError, TimeZoneError

__all__ = ["Period", "PeriodUnit"]

RecordType = TypeVar("RecordType")

_EDGES = PeriodEdges._fields
_SIZE = re.compile("([1-9][0-9]*) (day|week|month|quarter|half year|year)s?")


@dataclass(frozen=True, slots=True, init=False, repr=False)
class Period:
    """A span of time from its start up to, not including, its end, in the time zone of a calendar.

    Fixed forms: "2026", "2026-Q1" (or "Q1 2026"), "2026-H1", "2026-03", "2026-W07" (an ISO week, so only in calendars
    whose weeks begin on Monday), "2026-03-15", "FY2026", "FY2026-Q2", "FY2026-H1", "2026-01-01..2026-03-31" (both days
    included), "Jan 2026" and "all". Relative forms, counted from the day of `as_of`: "today", "yesterday", "this
    month", "last quarter", "next fiscal year", "last 7 days" and "last 3 months" (complete ones, without the current
    one), "month to date" (that day included) and "MTD", and "Q3" or "March", which are those of the year of `as_of`
    and an error if they have not begun.

    Args:
        text: the period as text.
        calendar: time zone, fiscal year and first weekday.
        tz: the time zone, for a calendar with no other setting.
        as_of: the day that words such as "last month" count from, also as text; a moment stands for its day.

    Attributes:
        label: the name for tables. Spans other than calendar units are named by their first and last day.
        unit: the calendar unit; "months" for a rolling window of months, "days" for any other span, or "all".
        calendar: the calendar that the period is cut from.
        start: the first moment, in UTC; `datetime.min` for all time.
        end: the first moment after the period, in UTC; `datetime.max` for all time.
        wall_start: the start on the wall clock, without a zone; a day begins at 00:00 even if clocks skip that.
        wall_end: the end on the wall clock.
        to_date: the unit of a period such as "month to date"; else None.

    Raises:
        PeriodError: the text is not a period, or is relative and there is no `as_of`.

    Examples:
        >>> period = Period("2026-Q1", calendar=Calendar(tz="Europe/Berlin"))
        >>> period.start.isoformat(), period.last_day.isoformat(), period.previous().label
        ('2025-12-31T23:00:00+00:00', '2026-03-31', '2025-Q4')
        >>> Period("month to date", as_of=date(2026, 3, 15)).previous()
        Period('month to date', as_of=datetime.date(2026, 2, 15))
    """

    label: str
    unit: PeriodUnit
    calendar: Calendar
    start: datetime
    end: datetime
    wall_start: datetime
    wall_end: datetime
    to_date: CalendarUnit | None

    def __init__(
        self,
        text: str,
        *,
        calendar: Calendar = DEFAULT_CALENDAR,
        tz: str | ZoneInfo | None = None,
        as_of: date | str | None = None,
    ) -> None:
        _fill(self, read_period(text, calendar_of(calendar, tz), known_day(as_of)))

    @staticmethod
    def between(start: date, end: date, *, calendar: Calendar = DEFAULT_CALENDAR, label: str | None = None) -> Period:
        """The span from one date or moment up to, not including, another.

        A date means the beginning of that day; a naive datetime is wall-clock time in the calendar's zone.

        >>> Period.between(date(2026, 1, 1), date(2026, 4, 1)).label
        '2026-01-01..2026-03-31'
        >>> Period.between(date(2026, 4, 1), date(2026, 4, 1))
        Traceback (most recent call last):
        crmkpi.errors.PeriodError: A period must end after it starts; got 2026-04-01 to 2026-04-01.
        """
        _check_dates(start, end)
        if is_aware(start) != is_aware(end):
            msg = f"A period's start and end must both have a time zone or both have none; got {start!r} and {end!r}."
            raise TimeZoneError(msg)
        first, last = instant_of(start, calendar), instant_of(end, calendar)
        if last <= first:
            msg = f"A period must end after it starts; got {start} to {end}."
            raise PeriodError(msg)
        return _period(span_between(first, last, calendar, label=label))

    @staticmethod
    def all(*, calendar: Calendar = DEFAULT_CALENDAR) -> Period:
        """All time: contains every record that has a timestamp.

        >>> date(1900, 1, 1) in Period.all()
        True
        """
        return _period(all_time(calendar))

    @staticmethod
    def of(moment: date, unit: CalendarUnit, *, calendar: Calendar = DEFAULT_CALENDAR) -> Period:
        """The whole calendar unit that contains a day or a moment.

        >>> Period.of(date(2026, 3, 15), "quarter").label
        '2026-Q1'
        """
        _check_dates(moment)
        period = _period(whole_unit(calendar.local_day(moment), known_unit(unit), calendar))
        # If clocks go back across midnight, the repeated evening already belongs to the new day.
        return period if not is_aware(moment) or moment in period else period.next()

    @staticmethod
    def rolling(
        *, until: date, days: int | None = None, months: int | None = None, calendar: Calendar = DEFAULT_CALENDAR
    ) -> Period:
        """The window of `days` days, or of `months` months, whose last day is `until`.

        >>> Period.rolling(months=12, until=date(2026, 3, 31)).label
        '2025-04-01..2026-03-31'
        >>> Period.rolling(days=7, until=date(2026, 3, 14)).label
        '2026-03-08..2026-03-14'
        """
        _check_dates(until)
        given = [size for size in (days, months) if size is not None]
        if len(given) != 1 or isinstance(given[0], bool) or not isinstance(given[0], int) or given[0] < 1:
            msg = f"A rolling period needs either days or months, a whole number from 1; got {days=}, {months=}."
            raise PeriodError(msg)
        end = calendar.shift(calendar.local_day(until), "day", 1)
        return _period(window_before(calendar.midnight(end), "day" if months is None else "month", given[0], calendar))

    @property
    def first_day(self) -> date:
        """The first calendar day of the period."""
        return self.wall_start.date()

    @property
    def last_day(self) -> date:
        """The last calendar day of the period."""
        return self.wall_end.date() if self.unit == "all" else (self.wall_end - MOMENT).date()

    def previous(self) -> Period:
        """The period just before, of the same kind, so that comparisons are fair and never a day short.

        Before a calendar unit it is the unit before, before whole months the same number of months, however they are
        written; before another span the same number of days (of hours, if it does not run from midnight to midnight).
        Before a unit to date it is the previous unit up to the same date: the year to 31 March is compared with
        1 January to 31 March. The last day of a month corresponds to the last day of the other month.

        >>> Period("2026-02-01..2026-02-28").previous().label
        '2026-01-01..2026-01-31'
        >>> Period("quarter to date", as_of=date(2026, 2, 28)).previous().label
        '2025-10-01..2025-11-30'
        """
        self._refuse_all("has no previous period")
        if self.to_date:
            return self._unit_to_date(self.to_date, -1)
        if self.unit in CALENDAR_UNITS:
            return Period.of(self.start - MOMENT, known_unit(self.unit), calendar=self.calendar)
        return _period(span_between(self._moved(self.wall_start, -1), self.start, self.calendar, months=self._window()))

    def next(self) -> Period:
        """The period just after, of the same kind as in `previous`.

        >>> Period("2026-W53").next().label
        '2027-W01'
        """
        self._refuse_all("has no next period")
        if self.to_date:
            return self._unit_to_date(self.to_date, 1)
        if self.unit in CALENDAR_UNITS:
            return Period.of(self.end, known_unit(self.unit), calendar=self.calendar)
        return _period(span_between(self.end, self._moved(self.wall_end, 1), self.calendar, months=self._window()))

    def year_ago(self) -> Period:
        """The same period one year earlier: the same month, quarter or week number, or the same dates.

        29 February becomes 28 February, and the last day of a month corresponds to the last day of that month. A week,
        also one written by its days, becomes the week of the same number, and a week to date as many days of that week.
        Weeks that do not begin on Monday have no number; they become the week 52 weeks earlier.

        Raises:
            PeriodError: all time; or week 53, if the year before has 52.

        >>> Period("2026-W07").year_ago().label, Period("2024-02-29").year_ago().label
        ('2025-W07', '2023-02-28')
        >>> Period("year to date", as_of=date(2025, 12, 31)).year_ago().label
        '2024-01-01..2024-12-31'
        """
        self._refuse_all("has no year before")
        calendar, first = self.calendar, self.first_day
        if self.to_date == "week":
            week = Period.of(first, "week", calendar=calendar).year_ago()
            end = midnight(calendar.shift(week.first_day, "day", (self.wall_end - self.wall_start).days))
            return _period(span_between(week.start, calendar.instant(end), calendar, to_date="week"))
        if self.unit == "week" or (self._is_week() and not self.to_date):
            if calendar.week_start != "monday":
                return _period(whole_unit(calendar.shift(first, "week", -52), "week", calendar))
            year, week_number, _ = first.isocalendar()
            return _period(iso_week(year - 1, week_number, f"{year - 1:04}-W{week_number:02}", calendar))
        if self.unit in CALENDAR_UNITS:
            return _period(whole_unit(calendar.shift(first, "year", -1), known_unit(self.unit), calendar))
        start = calendar.shift(self.wall_start, "year", -1)
        end = calendar.shift(self.wall_end, "year", -1)
        if self._runs_over_days():
            end = midnight(_same_date(self.last_day, "year", -1, calendar) + ONE_DAY)
        if end <= start:
            msg = f"The period {self.label!r} lies on 29 February and has no counterpart a year earlier; give one."
            raise PeriodError(msg)
        edges = calendar.instant(start), calendar.instant(end)
        return _period(span_between(*edges, calendar, months=self._window(), to_date=self.to_date))

    def split(self, unit: CalendarUnit) -> tuple[Period, ...]:
        """The days, weeks, months or other units of the period, in order, without gap or overlap.

        Units that exceed the period at either end are cut off there and named by their days.

        >>> [part.label for part in Period("2026-01-15..2026-03-31").split("month")]
        ['2026-01-15..2026-01-31', '2026-02', '2026-03']
        """
        self._refuse_all("cannot be split; give it bounds with Period.between(first, last)")
        return _split(self, known_unit(unit))

    def windows(self, size: str, *, every: CalendarUnit) -> tuple[Period, ...]:
        """Windows that look back from the end of each sub-period, for rolling figures; they may overlap.

        Args:
            size: how far each window looks back, such as "3 months", "7 days" or "1 year".
            every: the unit of the sub-periods; each window ends with one of them.

        >>> [window.label for window in Period("2026-Q1").windows("3 months", every="month")]
        ['2025-11-01..2026-01-31', '2025-12-01..2026-02-28', '2026-01-01..2026-03-31']
        """
        match = _SIZE.fullmatch(size) if isinstance(size, str) and len(size) <= LONGEST_TEXT else None
        if match is None:
            msg = f"The size of a window must be a number of days, weeks, months, quarters or years; got {size!r}."
            raise PeriodError(msg)
        count, unit = int(match[1]), match[2]
        return tuple(_period(window_before(part.end, unit, count, self.calendar)) for part in self.split(every))

    def is_complete(self, as_of: date) -> bool:
        """Whether the period is over at the end of a day, or at an exact moment.

        >>> Period("2026-03").is_complete(date(2026, 3, 31)), Period("2026-03").is_complete(date(2026, 3, 30))
        (True, False)
        """
        if not isinstance(as_of, datetime):
            as_of = midnight(self.calendar.shift(as_of, "day", 1))
        return instant_of(as_of, self.calendar) >= self.end

    def select(self, records: Iterable[RecordType], *, at: str) -> list[RecordType]:
        """The records whose timestamp is in the period; a record without a timestamp is in no period, even all time.

        Args:
            records: objects with attributes, or dicts.
            at: name of the timestamp that assigns a record to a period.

        Raises:
            UnknownNameError: a record has no such attribute.
            TimeZoneError: some timestamps have a time zone and others have none.
            InputError: a timestamp is neither a date nor a datetime.

        >>> deals = [{"closed_at": date(2026, 3, 31)}, {"closed_at": date(2026, 4, 1)}, {"closed_at": None}]
        >>> Period("2026-Q1").select(deals, at="closed_at")
        [{'closed_at': datetime.date(2026, 3, 31)}]
        """
        if not isinstance(records, Iterable):
            msg = f"select() needs an iterable of records; got {type(records).__name__}."
            raise InputError(msg)
        chosen = []
        all_aware: bool | None = None
        for number, record in enumerate(records, 1):
            moment = timestamp_of(record, at, number)
            if moment is None:
                continue
            aware = is_aware(moment)
            if all_aware is None:
                all_aware = aware
            if aware is not all_aware:
                has, had = ("a", "none") if aware else ("no", "one")
                msg = f"{at} of record {number} has {has} time zone, while those before it have {had}; got {moment!r}."
                raise TimeZoneError(msg)
            if moment in self:
                chosen.append(record)
        return chosen

    def __contains__(self, moment: date) -> bool:
        if not isinstance(moment, date):
            msg = f"Only a date or a datetime lies in a period; got {moment!r}."
            raise InputError(msg)
        if self.unit == "all":
            return True
        if not isinstance(moment, datetime):
            return self.wall_start <= midnight(moment) < self.wall_end
        if moment.tzinfo is not None:
            return self.start <= moment < self.end
        return self.wall_start <= moment < self.wall_end

    def __hash__(self) -> int:  # only of fields that usually differ, since every lookup computes it
        return hash((self.start, self.end, self.label))

    def __lt__(self, other: Period) -> bool:
        return (self.start, self.end) < (other.start, other.end)

    def __str__(self) -> str:
        return self.label

    def __repr__(self) -> str:
        calendar = "" if self.calendar == DEFAULT_CALENDAR else f", calendar={self.calendar!r}"
        if self.unit == "all":
            return f"Period('all'{calendar})"
        if self.to_date:
            return f"Period('{self.to_date.replace('_', ' ')} to date'{calendar}, as_of={self.last_day!r})"
        if self.unit == "months":
            return f"Period.rolling(months={self._window()}, until={self.last_day!r}{calendar})"
        if self.unit == "week" and self.calendar.week_start != "monday":
            return f"Period.of({self.first_day!r}, 'week'{calendar})"
        whole_days = self._runs_over_days()
        usual = range_label(self.wall_start, self.wall_end, whole_days=whole_days)
        if self.unit in CALENDAR_UNITS[1:] or (whole_days and self.label == usual):
            return f"Period({self.label!r}{calendar})"
        edges = (self.first_day, self.last_day + ONE_DAY) if whole_days else (self.start, self.end)
        label = "" if self.label == usual else f", label={self.label!r}"
        return f"Period.between({edges[0]!r}, {edges[1]!r}{calendar}{label})"

    def _refuse_all(self, rule: str) -> None:
        if self.unit == "all":
            msg = f"All time {rule}."
            raise PeriodError(msg)

    def _months(self) -> int:
        """The number of whole months between the edges; 0 for any other span."""
        years, months = self.wall_end.year - self.wall_start.year, self.wall_end.month - self.wall_start.month
        count = 12 * years + months
        whole = count > 0 and self.calendar.shift(self.wall_end, "month", -count) == self.wall_start
        return count if whole and self._runs_over_days() else 0

    def _window(self) -> int:
        """The number of months of a rolling window of months; 0 for any other period."""
        return self._months() if self.unit == "months" else 0

    def _is_week(self) -> bool:
        """Whether the period is a week of its calendar, even if it is written by its days."""
        week = self._runs_over_days() and (self.wall_end - self.wall_start).days == 7
        return week and self.calendar.floor(self.first_day, "week") == self.first_day

    def _runs_over_days(self) -> bool:
        return runs_over_days(self.start, self.end, self.wall_start, self.wall_end, self.calendar)

    def _moved(self, wall: datetime, direction: Literal[-1, 1]) -> datetime:
        """An edge of the next or previous span, at the distance of this span's length."""
        if months := self._months():
            return self.calendar.instant(self.calendar.shift(wall, "month", direction * months))
        if self._runs_over_days():
            days = (self.wall_end - self.wall_start).days
            return self.calendar.instant(self.calendar.shift(wall, "day", direction * days))
        try:
            return (self.start if direction < 0 else self.end) + direction * (self.end - self.start)
        except OverflowError as error:
            msg = f"The period {self.label!r} is too long to have another of its length next to it."
            raise PeriodError(msg) from error

    def _unit_to_date(self, unit: CalendarUnit, steps: int) -> Period:
        """The unit `steps` units later, up to the same date in that unit."""
        calendar = self.calendar
        first = calendar.shift(self.first_day, unit, steps)
        last = _same_date(self.last_day, unit, steps, calendar)
        start, end = calendar.midnight(first), calendar.midnight(calendar.shift(last, "day", 1))
        return _period(span_between(start, end, calendar, to_date=unit))


def _same_date(day: date, unit: CalendarUnit, steps: int, calendar: Calendar) -> date:
    """The same date some units later; the last day of a month becomes the last day of the other month."""
    next_day = calendar.shift(day, "day", 1)
    if unit not in ("day", "week") and next_day.day == 1:
        return calendar.shift(calendar.shift(next_day, unit, steps), "day", -1)
    return calendar.shift(day, unit, steps)


@lru_cache(maxsize=100)  # a service splits the same year in each request
def _split(period: Period, unit: CalendarUnit) -> tuple[Period, ...]:
    """The units of a period; see `Period.split`."""
    calendar, parts = period.calendar, []
    day = calendar.floor(period.first_day, unit)
    unit_start = calendar.midnight(day)
    while unit_start < period.end:
        next_day = calendar.shift(day, unit, 1)
        unit_end = calendar.midnight(next_day)
        start, end = max(unit_start, period.start), min(unit_end, period.end)
        if (start, end) == (unit_start, unit_end) and start < end:
            parts.append(_period(whole_unit(day, unit, calendar)))
        elif start < end:
            parts.append(_period(span_between(start, end, calendar)))
        day, unit_start = next_day, unit_end
    return tuple(parts)


def _period(span: PeriodEdges) -> Period:
    """Build a period from its edges."""
    period = object.__new__(Period)
    _fill(period, span)
    return period


def _fill(period: Period, span: PeriodEdges) -> None:
    for name in _EDGES:
        object.__setattr__(period, name, getattr(span, name))


def _check_dates(*edges: object) -> None:
    for edge in edges:
        if not isinstance(edge, date):
            msg = f"A period runs between dates or datetimes; got {edge!r}."
            raise PeriodError(msg)
