"""Periods of time, cut from a calendar into exact moments: months, ISO weeks, fiscal years, rolling windows.

A period holds every moment from its start up to, but not including, its end. Whoever sorts records into periods only
compares their timestamps with these two edges; time zones, daylight saving and fiscal years are settled here.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal, TypeVar, get_args

from crmkpi.calendars import DEFAULT_CALENDAR, Calendar, CalendarUnit
from crmkpi.errors import InputError, PeriodError, TimeZoneError, UnknownNameError, did_you_mean

__all__ = ["Period", "PeriodUnit"]

PeriodUnit = Literal[
    "day", "week", "month", "quarter", "year", "fiscal_quarter", "fiscal_year", "days", "months", "all"
]
RecordType = TypeVar("RecordType")

_CALENDAR_UNITS: tuple[CalendarUnit, ...] = get_args(CalendarUnit)
_MONTHS_IN: dict[str, int] = {"month": 1, "quarter": 3, "year": 12, "fiscal quarter": 3, "fiscal year": 12}
_ONE_DAY = timedelta(days=1)
_MOMENT = timedelta(microseconds=1)

_UNIT = "(day|week|month|quarter|year|fiscal quarter|fiscal year)"
_ABSOLUTE = re.compile(r"(\d{4})(?:-?q(?P<quarter>\d+)|-?w(?P<week>\d+)|-(?P<month>\d\d)(?:-(?P<day>\d\d))?)?")
_FISCAL = re.compile(r"fy ?(\d{4})(?:[- ]?q(\d+))?")
_NAMED = re.compile(f"(this|last|next) {_UNIT}")
_LAST = re.compile(f"last ([1-9][0-9]*) {_UNIT}s?")
_TO_DATE = re.compile(f"{_UNIT} to date")
_SIZE = re.compile("([1-9][0-9]*) (day|week|month|quarter|year)s?")
_WORDS = (
    "all", "today", "yesterday", "last 7 days", "last 4 weeks", "last 3 months", "last 4 quarters", "last 2 years",
    *(f"{which} {unit.replace('_', ' ')}" for which in ("this", "last", "next") for unit in _CALENDAR_UNITS[1:]),
    *(f"{unit.replace('_', ' ')} to date" for unit in _CALENDAR_UNITS[1:]),
)  # fmt: skip
_FORMS = (
    "'2026', '2026-Q1', '2026-03', '2026-W07', '2026-03-15', 'FY2026', 'FY2026-Q2', '2026-01-01..2026-03-31', 'all', "
    "'last month', 'last 7 days' and 'month to date'"
)


@dataclass(frozen=True, slots=True, init=False, repr=False)
class Period:
    """A span of time from its start up to, not including, its end, in the time zone of a calendar.

    It is written as people write it. Fixed: "2026", "2026-Q1" (or "Q1 2026"), "2026-03", "2026-W07" (an ISO week, so
    only in calendars whose weeks begin on Monday), "2026-03-15", "FY2026", "FY2026-Q2", "2026-01-01..2026-03-31" (both
    days included) and "all". Counted from the day of `as_of`: "today", "yesterday", "this month", "last quarter", "next
    fiscal year", "last 7 days" and "last 3 months" (whole ones, the current one left out), "month to date" (that day
    included).

    Args:
        text: the period in words.
        calendar: time zone, fiscal year and first weekday.
        as_of: the day that words such as "last month" count from; a moment stands for its day.

    Attributes:
        label: the name for tables. Spans that are no calendar unit are named by their first and last day.
        unit: the calendar unit; "months" for a rolling window of months, "days" for any other span, or "all".
        calendar: the calendar it is cut from.
        start: its first moment, in UTC; `datetime.min` for all time.
        end: the first moment after it, in UTC; `datetime.max` for all time.
        wall_start: its start on the wall clock, without a zone; a day begins at 00:00 even if clocks skip that.
        wall_end: its end on the wall clock.
        to_date: the unit that has run only so far, for "month to date" and its like; else None.

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

    def __init__(self, text: str, *, calendar: Calendar = DEFAULT_CALENDAR, as_of: date | None = None) -> None:
        found = _read(text, calendar, as_of)
        for field in fields(self):
            object.__setattr__(self, field.name, getattr(found, field.name))

    @staticmethod
    def between(start: date, end: date, *, calendar: Calendar = DEFAULT_CALENDAR, label: str | None = None) -> Period:
        """The span from one date or moment up to, not including, another.

        A date stands for the beginning of that day; a datetime without a zone is wall-clock time in the calendar's.

        >>> Period.between(date(2026, 1, 1), date(2026, 4, 1)).label
        '2026-01-01..2026-03-31'
        >>> Period.between(date(2026, 4, 1), date(2026, 4, 1))
        Traceback (most recent call last):
        crmkpi.errors.PeriodError: A period must end after it starts; got 2026-04-01 to 2026-04-01.
        """
        if _is_aware(start) != _is_aware(end):
            msg = f"A period's start and end must both have a time zone or both have none; got {start!r} and {end!r}."
            raise TimeZoneError(msg)
        first, last = _instant(start, calendar), _instant(end, calendar)
        if last <= first:
            msg = f"A period must end after it starts; got {start} to {end}."
            raise PeriodError(msg)
        return _span(first, last, calendar, label=label)

    @staticmethod
    def all(*, calendar: Calendar = DEFAULT_CALENDAR) -> Period:
        """All time: every record that has a timestamp at all.

        >>> date(1900, 1, 1) in Period.all()
        True
        """
        start, end = datetime.min, datetime.max  # noqa: DTZ901 wall-clock times have no zone
        return _make("all time", "all", calendar, start.replace(tzinfo=UTC), end.replace(tzinfo=UTC), start, end)

    @staticmethod
    def of(moment: date, unit: CalendarUnit, *, calendar: Calendar = DEFAULT_CALENDAR) -> Period:
        """The whole calendar unit that a day or a moment lies in.

        >>> Period.of(date(2026, 3, 15), "quarter").label
        '2026-Q1'
        """
        period = _whole(calendar.local_day(moment), _known_unit(unit), calendar)
        # Where clocks go back across midnight, the evening shown again already belongs to the new day.
        return period if not _is_aware(moment) or moment in period else period.next()

    @staticmethod
    def rolling(
        *, until: date, days: int | None = None, months: int | None = None, calendar: Calendar = DEFAULT_CALENDAR
    ) -> Period:
        """The window of so many days, or so many months, whose last day is `until`.

        >>> Period.rolling(months=12, until=date(2026, 3, 31)).label
        '2025-04-01..2026-03-31'
        >>> Period.rolling(days=7, until=date(2026, 3, 14)).label
        '2026-03-08..2026-03-14'
        """
        given = [size for size in (days, months) if size is not None]
        if len(given) != 1 or isinstance(given[0], bool) or not isinstance(given[0], int) or given[0] < 1:
            msg = f"A rolling period needs either days or months, a whole number from 1; got {days=}, {months=}."
            raise PeriodError(msg)
        end = calendar.shift(calendar.local_day(until), "day", 1)
        return _before(calendar.midnight(end), "day" if months is None else "month", given[0], calendar)

    @property
    def first_day(self) -> date:
        """The calendar day it begins on."""
        return self.wall_start.date()

    @property
    def last_day(self) -> date:
        """The calendar day its last moment lies on."""
        return self.wall_end.date() if self.unit == "all" else (self.wall_end - _MOMENT).date()

    def previous(self) -> Period:
        """The period just before, of the same kind: comparisons are fair, and never a day short.

        A calendar unit gives the unit before it, a window of N months the N months before, another span the same number
        of days before (of hours, if it does not run from midnight to midnight). A unit to date gives as many days
        of the unit before, or all of it when it is shorter: 1 to 31 March is compared with all of February.

        >>> Period("2026-01-01..2026-01-31").previous().label
        '2025-12-01..2025-12-31'
        """
        self._refuse_all("has no previous period")
        if self.to_date:
            return self._as_far_into(_whole(self.first_day, self.to_date, self.calendar).previous())
        if self.unit in _CALENDAR_UNITS:
            return Period.of(self.start - _MOMENT, _known_unit(self.unit), calendar=self.calendar)
        return _span(self._moved(self.wall_start, -1), self.start, self.calendar, months=self._months())

    def next(self) -> Period:
        """The period just after, of the same kind; see `previous`.

        >>> Period("2026-W53").next().label
        '2027-W01'
        """
        self._refuse_all("has no next period")
        if self.to_date:
            return self._as_far_into(_whole(self.first_day, self.to_date, self.calendar).next())
        if self.unit in _CALENDAR_UNITS:
            return Period.of(self.end, _known_unit(self.unit), calendar=self.calendar)
        return _span(self.end, self._moved(self.wall_end, 1), self.calendar, months=self._months())

    def year_ago(self) -> Period:
        """The same period one year earlier: the same month, quarter or week number, or both ends a year back.

        29 February becomes 28 February. A unit to date gives as many days of the unit a year earlier. Weeks of a
        calendar that does not begin them on Monday have no number and give the week 52 weeks earlier.

        Raises:
            PeriodError: all time; or week 53, when the year before has 52.

        >>> Period("2026-W07").year_ago().label, Period("2024-02-29").year_ago().label
        ('2025-W07', '2023-02-28')
        """
        self._refuse_all("has no year before")
        calendar, first = self.calendar, self.first_day
        if self.to_date:
            return self._as_far_into(_whole(first, self.to_date, calendar).year_ago())
        if self.unit == "week":
            if calendar.week_start != "monday":
                return _whole(calendar.shift(first, "week", -52), "week", calendar)
            year, week, _ = first.isocalendar()
            return _iso_week(year - 1, week, f"{year - 1:04}-W{week:02}", calendar)
        if self.unit in _CALENDAR_UNITS:
            return _whole(calendar.shift(first, "year", -1), _known_unit(self.unit), calendar)
        start = calendar.shift(self.wall_start, "year", -1)
        end = calendar.shift(self.wall_end, "year", -1)
        if self.unit == "days" and self._runs_over_days():
            end = _midnight(calendar.shift(self.last_day, "year", -1) + _ONE_DAY)
        if end <= start:
            msg = f"The period {self.label!r} lies on 29 February and has no counterpart a year earlier; give one."
            raise PeriodError(msg)
        return _span(calendar.instant(start), calendar.instant(end), calendar, months=self._months())

    def split(self, unit: CalendarUnit) -> tuple[Period, ...]:
        """The days, weeks, months or other units that it consists of, in order, without gap or overlap.

        Units that stick out at either end are cut off there and named by their days.

        >>> [part.label for part in Period("2026-01-15..2026-03-31").split("month")]
        ['2026-01-15..2026-01-31', '2026-02', '2026-03']
        """
        self._refuse_all("cannot be split; give it bounds with Period.between(first, last)")
        calendar, parts = self.calendar, []
        day = calendar.floor(self.first_day, _known_unit(unit))
        unit_start = calendar.midnight(day)
        while unit_start < self.end:
            next_day = calendar.shift(day, unit, 1)
            unit_end = calendar.midnight(next_day)
            start, end = max(unit_start, self.start), min(unit_end, self.end)
            if (start, end) == (unit_start, unit_end) and start < end:
                parts.append(_whole(day, unit, calendar))
            elif start < end:
                parts.append(_span(start, end, calendar))
            day, unit_start = next_day, unit_end
        return tuple(parts)

    def windows(self, size: str, *, every: CalendarUnit) -> tuple[Period, ...]:
        """Windows that look back from the end of each sub-period, for rolling figures; they may overlap.

        Args:
            size: how far each window looks back, such as "3 months", "7 days" or "1 year".
            every: the units whose ends the windows end at.

        >>> [window.label for window in Period("2026-Q1").windows("3 months", every="month")]
        ['2025-11-01..2026-01-31', '2025-12-01..2026-02-28', '2026-01-01..2026-03-31']
        """
        match = _SIZE.fullmatch(size)
        if match is None:
            msg = f"The size of a window must be a number of days, weeks, months, quarters or years; got {size!r}."
            raise PeriodError(msg)
        count, unit = int(match[1]), match[2]
        return tuple(_before(part.end, unit, count, self.calendar) for part in self.split(every))

    def is_complete(self, as_of: date) -> bool:
        """Whether the period is over: by the end of a day, or by an exact moment.

        >>> Period("2026-03").is_complete(date(2026, 3, 31)), Period("2026-03").is_complete(date(2026, 3, 30))
        (True, False)
        """
        if not isinstance(as_of, datetime):
            as_of = _midnight(self.calendar.shift(as_of, "day", 1))
        return _instant(as_of, self.calendar) >= self.end

    def select(self, records: Iterable[RecordType], *, at: str) -> list[RecordType]:
        """The records whose timestamp lies in the period; a record without one lies in no period, not even all time.

        Args:
            records: objects with attributes, or dicts.
            at: name of the timestamp that puts a record into a period.

        Raises:
            UnknownNameError: a record has no such attribute.
            TimeZoneError: some timestamps have a time zone and others have none.
            InputError: a timestamp that is neither a date nor a datetime.

        >>> deals = [{"closed_at": date(2026, 3, 31)}, {"closed_at": date(2026, 4, 1)}, {"closed_at": None}]
        >>> Period("2026-Q1").select(deals, at="closed_at")
        [{'closed_at': datetime.date(2026, 3, 31)}]
        """
        chosen = []
        all_aware: bool | None = None
        for number, record in enumerate(records, 1):
            moment = _timestamp(record, at, number)
            if moment is None:
                continue
            aware = _is_aware(moment)
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
        if _is_aware(moment):
            return self.start <= moment < self.end
        wall = moment if isinstance(moment, datetime) else _midnight(moment)
        return self.wall_start <= wall < self.wall_end

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
            return f"Period.rolling(months={self._months()}, until={self.last_day!r}{calendar})"
        if self.unit == "week" and self.calendar.week_start != "monday":
            return f"Period.of({self.first_day!r}, 'week'{calendar})"
        whole_days = self._runs_over_days()
        usual = _range_label(self.wall_start, self.wall_end, whole_days=whole_days)
        if self.unit in _CALENDAR_UNITS[1:] or (whole_days and self.label == usual):
            return f"Period({self.label!r}{calendar})"
        edges = (self.first_day, self.last_day + _ONE_DAY) if whole_days else (self.start, self.end)
        label = "" if self.label == usual else f", label={self.label!r}"
        return f"Period.between({edges[0]!r}, {edges[1]!r}{calendar}{label})"

    def _refuse_all(self, rule: str) -> None:
        if self.unit == "all":
            msg = f"All time {rule}."
            raise PeriodError(msg)

    def _months(self) -> int:
        """The number of months of a rolling window; 0 for any other period."""
        years, months = self.wall_end.year - self.wall_start.year, self.wall_end.month - self.wall_start.month
        return 12 * years + months if self.unit == "months" else 0

    def _runs_over_days(self) -> bool:
        return _runs_over_days(self.start, self.end, self.wall_start, self.wall_end, self.calendar)

    def _moved(self, wall: datetime, direction: Literal[-1, 1]) -> datetime:
        """An edge, moved on by the length of this span."""
        if self.unit == "months":
            return self.calendar.instant(self.calendar.shift(wall, "month", direction * self._months()))
        if self._runs_over_days():
            days = (self.wall_end - self.wall_start).days
            return self.calendar.instant(self.calendar.shift(wall, "day", direction * days))
        try:
            return (self.start if direction < 0 else self.end) + direction * (self.end - self.start)
        except OverflowError as error:
            msg = f"The period {self.label!r} is too long to have another of its length beside it."
            raise PeriodError(msg) from error

    def _as_far_into(self, other: Period) -> Period:
        """As many days from the start of another unit as this period has, or all of it when it is shorter."""
        end = min(other.wall_start + (self.wall_end - self.wall_start), other.wall_end)
        return _span(other.start, self.calendar.instant(end), self.calendar, to_date=self.to_date)


def _make(  # noqa: PLR0917 the fields in their order
    label: str, unit: PeriodUnit, calendar: Calendar, start: datetime, end: datetime, wall_start: datetime,
    wall_end: datetime, to_date: CalendarUnit | None = None,
) -> Period:  # fmt: skip
    period = object.__new__(Period)
    values = (label, unit, calendar, start, end, wall_start, wall_end, to_date)
    for field, value in zip(fields(Period), values, strict=True):
        object.__setattr__(period, field.name, value)
    return period


def _whole(day: date, unit: CalendarUnit, calendar: Calendar) -> Period:
    """The whole calendar unit that a day lies in."""
    first = calendar.floor(day, unit)
    last = calendar.shift(first, unit, 1)
    start, end = calendar.midnight(first), calendar.midnight(last)
    if start == end:
        msg = f"A period must contain time; {day} does not exist in {calendar.tz}, whose clocks jumped over it."
        raise PeriodError(msg)
    label = _unit_label(first, unit, calendar)
    return _make(label, unit, calendar, start, end, _midnight(first), _midnight(last))


def _span(
    start: datetime, end: datetime, calendar: Calendar, *,
    label: str | None = None, months: int = 0, to_date: CalendarUnit | None = None,
) -> Period:  # fmt: skip
    """Any span between two exact moments; a window of months only if its start is so many months before its end."""
    wall_start, wall_end = _wall(start, calendar), _wall(end, calendar)
    unit: PeriodUnit = "days"
    whole_days = _runs_over_days(start, end, wall_start, wall_end, calendar)
    if months and calendar.shift(wall_end, "month", -months) == wall_start:
        unit = "months"
    elif whole_days and wall_end - wall_start == _ONE_DAY and to_date is None:
        unit = "day"
    label = label or _range_label(wall_start, wall_end, whole_days=whole_days)
    return _make(label, unit, calendar, start, end, wall_start, wall_end, to_date)


def _before(end: datetime, unit: str, count: int, calendar: Calendar) -> Period:
    """The window of so many units that ends at a moment."""
    wall = _wall(end, calendar)
    months = count * _MONTHS_IN.get(unit, 0)
    days = 0 if months else count * (7 if unit == "week" else 1)
    start = calendar.shift(calendar.shift(wall, "month", -months), "day", -days)
    return _span(calendar.instant(start), end, calendar, months=months)


def _read(text: str, calendar: Calendar, as_of: date | None) -> Period:
    """The period that a text names."""
    if not isinstance(text, str):
        msg = f"A period must be written as text, such as '2026-Q1'; got {text!r}."
        raise PeriodError(msg)
    words = " ".join(text.replace("_", " ").casefold().split())
    if words in ("all", "all time"):
        return Period.all(calendar=calendar)
    if ".." in words:
        return _read_days(words, text, calendar)
    fixed = _read_fixed(words, text, calendar)
    if fixed is not None:
        return fixed
    relative = _relative(words)
    if relative is None:
        hint = did_you_mean(text, _WORDS) if words[:1].isalpha() else ""
        msg = f"{text!r} is not a period. {hint if hint.startswith('Did') else f'Write it as in {_FORMS}.'}"
        raise PeriodError(msg)
    if as_of is None:
        msg = f"The period {text!r} counts from a day, which must be given as as_of=date(...); got none."
        raise PeriodError(msg)
    return relative(calendar.local_day(as_of), calendar)


def _read_days(words: str, text: str, calendar: Calendar) -> Period:
    """A span named by its first and last day, both included."""
    days = [_read_fixed(end.strip(), text, calendar) for end in words.split("..", 1)]
    first, last = (day if day is not None and day.unit == "day" else None for day in days)
    if first is None or last is None:
        msg = f"A span must name its first and last day, as in '2026-01-01..2026-03-31'; got {text!r}."
        raise PeriodError(msg)
    if last < first:
        msg = f"A span must end after it starts; got {text!r}. Did you mean '{last}..{first}'?"
        raise PeriodError(msg)
    return _span(first.start, last.end, calendar)


def _read_fixed(words: str, text: str, calendar: Calendar) -> Period | None:
    """A period that needs no day to count from; None if the text is not written like one."""
    words = re.sub(r"(q\d+) ((?:fy ?)?\d{4})", r"\2-\1", words)
    if match := _FISCAL.fullmatch(words):
        return _read_fiscal(int(match[1]), match[2], text, calendar)
    match = _ABSOLUTE.fullmatch(words)
    if match is None:
        return None
    year = int(match[1])
    if match["week"]:
        return _iso_week(year, int(match["week"]), text, calendar)
    quarter = _number(match["quarter"], 4, "A quarter", text, f"{year:04}-Q{{}}")
    if quarter is not None:
        return _whole(_day(year, 3 * quarter - 2, 1), "quarter", calendar)
    month = _number(match["month"], 12, "A month", text, f"{year:04}-{{:02}}")
    if month is None:
        return _whole(_day(year, 1, 1), "year", calendar)
    length = monthrange(max(year, 1), month)[1]
    day = _number(match["day"], length, f"A day of {year:04}-{month:02}", text, f"{year:04}-{month:02}-{{:02}}")
    return _whole(_day(year, month, day or 1), "month" if day is None else "day", calendar)


def _read_fiscal(year: int, digits: str | None, text: str, calendar: Calendar) -> Period:
    quarter = _number(digits, 4, "A quarter", text, f"FY{year:04}-Q{{}}")
    named_after_end = calendar.fiscal_year_named_after == "end" and calendar.fiscal_year_start > 1
    first = calendar.shift(_day(year, calendar.fiscal_year_start, 1), "year", -named_after_end)
    if quarter is None:
        return _whole(first, "fiscal_year", calendar)
    return _whole(calendar.shift(first, "fiscal_quarter", quarter - 1), "fiscal_quarter", calendar)


def _relative(words: str) -> Callable[[date, Calendar], Period] | None:
    """How a period that counts from a day is found; None if the words are not such a period."""
    if words in ("today", "yesterday"):
        back = 0 if words == "today" else 1
        return lambda day, calendar: _whole(calendar.shift(day, "day", -back), "day", calendar)
    if match := _NAMED.fullmatch(words):
        steps, unit = {"this": 0, "last": -1, "next": 1}[match[1]], _known_unit(match[2].replace(" ", "_"))
        return lambda day, calendar: _whole(calendar.shift(calendar.floor(day, unit), unit, steps), unit, calendar)
    if match := _LAST.fullmatch(words):
        count, name, unit = int(match[1]), match[2], _known_unit(match[2].replace(" ", "_"))
        return lambda day, calendar: _before(calendar.midnight(calendar.floor(day, unit)), name, count, calendar)
    if match := _TO_DATE.fullmatch(words):
        unit = _known_unit(match[1].replace(" ", "_"))
        return lambda day, calendar: _span(
            calendar.midnight(calendar.floor(day, unit)),
            calendar.midnight(calendar.shift(day, "day", 1)),
            calendar,
            to_date=unit,
        )
    return None


def _iso_week(year: int, week: int, text: str, calendar: Calendar) -> Period:
    if calendar.week_start != "monday":
        msg = (
            f"ISO weeks begin on Monday, but this calendar's weeks on {calendar.week_start.title()}; got {text!r}. "
            "Name a day of the week instead, with Period.of(date(...), 'week', calendar=...)."
        )
        raise PeriodError(msg)
    weeks = _day(year, 12, 28).isocalendar().week
    _number(str(week), weeks, f"An ISO week of {year:04}", text, f"{year:04}-W{{:02}}")
    return _whole(date.fromisocalendar(year, week, 1), "week", calendar)


def _number(digits: str | None, last: int, thing: str, text: str, form: str) -> int | None:
    """The number written in a part of a text, from 1 to the last there is."""
    if digits is None:
        return None
    number = int(digits)
    if not 1 <= number <= last:
        hint = form.format(min(max(number, 1), last))
        msg = f"{thing} must be from 1 to {last}; got {text!r}. Did you mean {hint!r}?"
        raise PeriodError(msg)
    return number


def _day(year: int, month: int, day: int) -> date:
    if year < 1:
        msg = f"A period must lie in the years 2 to 9998; got the year {year}."
        raise PeriodError(msg)
    return date(year, month, day)


def _known_unit(unit: str) -> CalendarUnit:
    for known in _CALENDAR_UNITS:
        if known == unit:
            return known
    msg = (
        f"A unit must be one of {', '.join(_CALENDAR_UNITS)}; got {unit!r}. {did_you_mean(str(unit), _CALENDAR_UNITS)}"
    )
    raise PeriodError(msg)


def _unit_label(first: date, unit: CalendarUnit, calendar: Calendar) -> str:
    year, month = f"{first.year:04}", first.month
    if unit == "week":
        iso = first.isocalendar()
        monday = calendar.week_start == "monday"
        return f"{iso.year:04}-W{iso.week:02}" if monday else f"{first}..{first + 6 * _ONE_DAY}"
    if unit in ("fiscal_year", "fiscal_quarter"):
        quarter = (month - calendar.fiscal_year_start) % 12 // 3 + 1
        return f"FY{calendar.fiscal_year(first):04}" + (f"-Q{quarter}" if unit == "fiscal_quarter" else "")
    if unit == "quarter":
        return f"{year}-Q{(month + 2) // 3}"
    return {"day": first.isoformat(), "month": f"{year}-{month:02}", "year": year}[unit]


def _range_label(wall_start: datetime, wall_end: datetime, *, whole_days: bool) -> str:
    """First and last day, both included, or the wall-clock times of a span that is not of whole days."""
    if not whole_days:
        return "..".join(wall.isoformat().removesuffix(":00") for wall in (wall_start, wall_end))
    first, last = wall_start.date(), (wall_end - _MOMENT).date()
    return str(first) if first == last else f"{first}..{last}"


def _is_aware(moment: date) -> bool:
    return isinstance(moment, datetime) and moment.tzinfo is not None


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time())


def _instant(moment: date, calendar: Calendar) -> datetime:
    """The exact moment, in UTC, of a date's beginning, a wall-clock time or a moment with a time zone."""
    if not isinstance(moment, datetime):
        return calendar.midnight(moment)
    return calendar.instant(moment) if moment.tzinfo is None else moment.astimezone(UTC).replace(fold=0)


def _wall(edge: datetime, calendar: Calendar) -> datetime:
    """The wall-clock time of an exact moment; 00:00 for the first moment of a day, even if clocks skip that."""
    wall = calendar.wall(edge)
    midnight = _midnight(wall)
    return midnight if calendar.instant(midnight) == edge else wall


def _runs_over_days(
    start: datetime, end: datetime, wall_start: datetime, wall_end: datetime, calendar: Calendar
) -> bool:
    """Whether both edges are beginnings of days."""
    edges = ((start, wall_start), (end, wall_end))
    return all(wall.time() == time() and calendar.instant(wall) == edge for edge, wall in edges)


def _timestamp(record: object, name: str, number: int) -> date | None:
    try:
        moment = record[name] if isinstance(record, Mapping) else getattr(record, name)
    except (KeyError, AttributeError) as error:
        known = record if isinstance(record, Mapping) else [known for known in dir(record) if not known.startswith("_")]
        msg = f"Record {number} has no {name!r} to put it into a period by. {did_you_mean(name, map(str, known))}"
        raise UnknownNameError(msg) from error
    if moment is None or moment != moment:  # noqa: PLR0124 a missing timestamp of pandas is a datetime unlike itself
        return None
    if not isinstance(moment, date):
        msg = f"{name} of record {number} must be a date or a datetime; got {moment!r}."
        raise InputError(msg)
    return moment
