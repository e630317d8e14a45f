"""The calendar that periods are cut from: time zone, fiscal year, first weekday, opening hours and holidays."""

from __future__ import annotations

import re
from collections.abc import Container, Hashable
from contextlib import suppress
from dataclasses import dataclass, fields
from datetime import date, datetime, time, timedelta, timezone
from functools import partial
from typing import Any, Literal, TypeVar
from zoneinfo import ZoneInfo, available_timezones

from crmkpi.dates.open_time import FIRST_YEAR, LAST_YEAR, OpenTime, instant
from crmkpi.dates.opening_hours import WEEKDAYS, OpeningHours, Schedules, Weekday, hours_text, read_schedules
from crmkpi.dates.wall_clock import WallClock, clocks_change
from crmkpi.errors import InputError, ParameterError, PeriodError, TimeZoneError, UnknownNameError, did_you_mean

__all__ = [
    "DEFAULT_CALENDAR",
    "Calendar",
    "CalendarUnit",
    "OpeningHours",
    "Weekday",
    "calendar_of",
    "known_day",
]

CalendarUnit = Literal[
    "day", "week", "month", "quarter", "half_year", "year", "fiscal_quarter", "fiscal_half_year", "fiscal_year"
]
DateOrDatetime = TypeVar("DateOrDatetime", date, datetime)

_MONTHS_IN = {
    "month": 1, "quarter": 3, "half_year": 6, "year": 12, "fiscal_quarter": 3, "fiscal_half_year": 6, "fiscal_year": 12
}  # fmt: skip
_DAYS_IN = {"day": 1, "week": 7}
_ISO_DAY = re.compile(r"\d{4}-\d\d-\d\d")


@dataclass(frozen=True, slots=True, init=False, repr=False, eq=False)
class Calendar:
    """The conventions by which a company counts time: zone, fiscal year, first weekday, opening hours and holidays.

    A calendar is a value: equal settings make equal calendars. Holidays are dates, in any object that supports
    `day in holidays`, such as those of the `holidays` package. Lists, sets and dicts of dates are copied. Any other
    object is used as it is and must not change afterwards; without a hash it equals only itself.

    Args:
        tz: name of the time zone, or a `ZoneInfo`. Days begin at its midnight.
        fiscal_year_start: month in which the fiscal year begins, 1 to 12.
        fiscal_year_named_after: whether FY2026 is the fiscal year that ends in 2026, or the one that starts in it.
        week_start: first day of the week.
        opening_hours: the hours that count as business time: a weekday or a range of weekdays, and one or several
            pairs of wall-clock times, with "24:00" as the end of the day; or "24/7". A missing day is closed. Hours
            that change are keyed by the days, or wall-clock times, from which they hold: `{date(2026, 7, 1): "24/7"}`.
        holidays: dates on which business time does not run, in the years 1800 to 2099.

    Raises:
        UnknownNameError: no such time zone or weekday in the opening hours.
        ParameterError: hours that are empty, reversed or overlap, or any other unusable setting.

    Examples:
        >>> berlin = Calendar(tz="Europe/Berlin", opening_hours={"mon-fri": ("09:00", "17:00")})
        >>> print(berlin.business_time(datetime(2026, 3, 13, 16), datetime(2026, 3, 16, 10)))  # Friday to Monday
        2:00:00
        >>> Calendar(fiscal_year_start=4).fiscal_year(date(2026, 4, 1))
        2027
        >>> later = {date(2020, 1, 1): {"mon-fri": ("09:00", "17:00")}, date(2026, 7, 1): "24/7"}
        >>> print(Calendar(opening_hours=later).business_time(datetime(2026, 6, 30), datetime(2026, 7, 2)))
        1 day, 8:00:00
    """

    tz: str
    zone: ZoneInfo
    fiscal_year_start: int
    fiscal_year_named_after: Literal["end", "start"]
    week_start: Weekday
    holidays: Container[date]
    _clock: WallClock
    _schedules: Schedules | None
    _open_time: OpenTime | None
    _key: tuple[object, ...]

    def __init__(
        self,
        tz: str | ZoneInfo = "UTC",
        *,
        fiscal_year_start: int = 1,
        fiscal_year_named_after: Literal["end", "start"] = "end",
        week_start: Weekday = "monday",
        opening_hours: OpeningHours | None = None,
        holidays: Container[date] = (),
    ) -> None:
        zone = _zone(tz)
        for name, choice, known in (
            ("fiscal_year_start", fiscal_year_start, tuple(range(1, 13))),
            ("fiscal_year_named_after", fiscal_year_named_after, ("end", "start")),
            ("week_start", week_start, WEEKDAYS),
        ):
            if choice not in known or isinstance(choice, bool):
                msg = f"{name} must be one of {', '.join(map(repr, known))}; got {choice!r}."
                if name == "fiscal_year_start":
                    msg += (
                        " A fiscal year begins on the first of that month; one that begins within a month (in the UK "
                        "on 6 April) or consists of weeks (4-4-5) is measured with Period.between(first, next_first)."
                    )
                raise ParameterError(msg)
        schedules = None if opening_hours is None else read_schedules(opening_hours)
        kept, identity = _frozen_holidays(holidays)
        own = (fiscal_year_start, fiscal_year_named_after, week_start, kept)
        key = (zone.key, *own[:3], schedules, identity)
        counted = None if schedules is None else OpenTime(schedules, kept, zone)
        values: tuple[object, ...] = (zone.key, zone, *own, WallClock(zone), schedules, counted, key)
        for field, value in zip(fields(self), values, strict=True):
            object.__setattr__(self, field.name, value)

    @property
    def opening_hours(self) -> OpeningHours | None:
        """The opening hours in the form of the argument: by weekday, or by the day they begin on; None if none."""
        return None if self._schedules is None else hours_text(self._schedules)

    def local_day(self, moment: date) -> date:
        """The calendar day of a moment in this calendar's zone; of a naive moment, its own date.

        >>> from datetime import UTC
        >>> Calendar(tz="Europe/Berlin").local_day(datetime(2026, 3, 31, 22, 30, tzinfo=UTC))
        datetime.date(2026, 4, 1)
        """
        return self.wall(moment).date() if isinstance(moment, datetime) else moment

    def wall(self, moment: datetime) -> datetime:
        """The wall-clock time of a moment in this calendar's zone; a naive moment is returned unchanged.

        >>> from datetime import UTC
        >>> Calendar(tz="Europe/Berlin").wall(datetime(2026, 3, 31, 22, 30, tzinfo=UTC)).isoformat()
        '2026-04-01T00:30:00'
        """
        try:
            return moment if moment.tzinfo is None else moment.astimezone(self.zone).replace(tzinfo=None, fold=0)
        except OverflowError as error:
            msg = f"Periods lie in the years {FIRST_YEAR} to {LAST_YEAR}; got {moment}."
            raise PeriodError(msg) from error

    def instant(self, wall: datetime) -> datetime:
        """The exact moment, in UTC, at which the wall clock of this calendar's zone first shows or passes a time.

        A time that the clock shows twice means its first occurrence. A time that the clock skips means the moment of
        the jump, so that a day always begins at its first moment.

        >>> Calendar(tz="Europe/Berlin").instant(datetime(2026, 3, 29, 2, 30)).isoformat()  # 02:00 became 03:00
        '2026-03-29T01:00:00+00:00'
        """
        return instant(wall, self.zone)

    def midnight(self, day: date) -> datetime:
        """The exact moment, in UTC, at which a day begins.

        >>> Calendar(tz="America/Sao_Paulo").midnight(date(2018, 11, 4)).isoformat()  # the clock jumped to 01:00
        '2018-11-04T03:00:00+00:00'
        """
        return self.instant(datetime.combine(day, time()))

    def floor(self, day: date, unit: CalendarUnit) -> date:
        """The first day of the week, month, quarter or year (calendar or fiscal) that contains a day.

        >>> Calendar(fiscal_year_start=2).floor(date(2026, 3, 15), "fiscal_quarter")
        datetime.date(2026, 2, 1)
        """
        if unit == "day":
            return day
        if unit == "week":
            return self.shift(day, "day", -((day.weekday() - WEEKDAYS.index(self.week_start)) % 7))
        begins = self.fiscal_year_start if unit.startswith("fiscal") else 1
        return self.shift(day.replace(day=1), "month", -((day.month - begins) % _MONTHS_IN[unit]))

    def shift(self, day: DateOrDatetime, unit: CalendarUnit, count: int) -> DateOrDatetime:
        """The same day some units later (or earlier), or the last day of a month that is too short for it.

        >>> Calendar().shift(date(2026, 3, 31), "month", -1)
        datetime.date(2026, 2, 28)
        """
        try:
            if unit in _DAYS_IN:
                return day + timedelta(days=_DAYS_IN[unit] * count)
            from dateutil.relativedelta import relativedelta  # noqa: PLC0415  # a report without periods needs no months

            return day + relativedelta(months=_MONTHS_IN[unit] * count)
        except (OverflowError, ValueError) as error:
            msg = f"Periods lie in the years {FIRST_YEAR} to {LAST_YEAR}; got {day} moved by {count} {unit}s."
            raise PeriodError(msg) from error

    def fiscal_year(self, day: date) -> int:
        """The fiscal year that contains a day, by the year that it is named after.

        >>> Calendar(fiscal_year_start=4, fiscal_year_named_after="start").fiscal_year(date(2026, 4, 1))
        2026
        """
        started = self.floor(day, "fiscal_year")
        later = self.fiscal_year_named_after == "end" and self.fiscal_year_start > 1
        return started.year + later

    @property
    def clocks_change(self) -> bool:
        """Whether the clocks of the calendar's zone have ever changed, so that a wall-clock day may have 23 hours."""
        return self.tz != "UTC" and clocks_change(self.zone)

    def elapsed(self, start: datetime, end: datetime) -> timedelta:
        """The time from one moment to another, both exact or both on the wall clock of this zone.

        A time that the clock shows twice means its first occurrence.

        Raises:
            TimeZoneError: one moment has a time zone and the other has none.

        >>> berlin = Calendar(tz="Europe/Berlin")  # clocks went from 02:00 to 03:00
        >>> print(berlin.elapsed(datetime(2026, 3, 28, 20), datetime(2026, 3, 29, 8)))
        11:00:00
        """
        if (start.tzinfo is None) != (end.tzinfo is None):
            msg = f"Time passes between two moments with a time zone, or two without; got {start!r} and {end!r}."
            raise TimeZoneError(msg)
        return self._clock.elapsed(start, end) if self.clocks_change else end - start

    def business_time(self, start: datetime, end: datetime) -> timedelta:
        """The part of the time from `start` to `end` that is within opening hours, without holidays.

        Opening hours become exact moments in this calendar's zone, so a day open around the clock has 23 hours when
        clocks go forward. Naive times are wall-clock times of this zone. If the end is before the start, the result is
        the negative overlap; without overlap it is zero.

        Raises:
            ParameterError: the calendar has no opening hours, or its opening hours begin after that time.
            TimeZoneError: one moment has a time zone and the other has none.

        >>> shop = Calendar(tz="Europe/Berlin", opening_hours="24/7")
        >>> print(shop.business_time(shop.midnight(date(2026, 3, 29)), shop.midnight(date(2026, 3, 30))))
        23:00:00
        >>> Calendar(opening_hours={"monday": ("09:00", "12:00")}).business_time(
        ...     datetime(2026, 3, 16, 11), datetime(2026, 3, 16, 10))
        datetime.timedelta(days=-1, seconds=82800)
        """
        return self.open_time().between(start, end)

    def explain(self, start: datetime, end: datetime) -> tuple[tuple[datetime, datetime], ...]:
        """The intervals of opening time that `business_time` counts, each from its start to its end.

        Their lengths add up to the business time. Moments are in this calendar's zone with the offset of that moment;
        naive ones stay naive if the clocks of this calendar never change. If `end` is before `start`, the intervals run
        backwards too. Intervals beyond the years 2 to 9998 are not listed.

        >>> desk = Calendar(opening_hours={"mon-fri": ("09:00", "17:00")})
        >>> for opened, closed in desk.explain(datetime(2026, 3, 13, 16), datetime(2026, 3, 16, 10)):
        ...     print(opened, "to", closed)
        2026-03-13 16:00:00 to 2026-03-13 17:00:00
        2026-03-16 09:00:00 to 2026-03-16 10:00:00
        """
        hours = self.open_time()
        if start.tzinfo is None and end.tzinfo is None and self.clocks_change:
            start, end = self._clock.instant(start), self._clock.instant(end)
        backwards = hours.between(start, end) < timedelta(0)
        stretches = list(hours.stretches(*((end, start) if backwards else (start, end))))
        edges = [self._local(edge) for stretch in stretches for edge in stretch]
        if backwards:
            edges.reverse()
        return tuple(zip(edges[::2], edges[1::2], strict=True))

    def open_time(self) -> OpenTime:
        """The counter of business time, for callers that measure many spans.

        Raises:
            ParameterError: the calendar has no opening hours.
        """
        if self._open_time is None:
            msg = (
                "Business time needs opening hours, and the calendar has none; give "
                "calendar=Calendar(opening_hours={'mon-fri': ('09:00', '17:00')})."
            )
            raise ParameterError(msg)
        return self._open_time

    def _local(self, moment: datetime) -> datetime:
        if moment.tzinfo is None:
            return moment
        local = moment.astimezone(self.zone)
        # Python subtracts two times of one ZoneInfo by the wall clock; with fixed offsets it subtracts exactly.
        return local.replace(tzinfo=timezone(local.utcoffset() or timedelta()), fold=0)

    def _settings(self) -> dict[str, Any]:
        """The constructor arguments of this calendar that differ from their defaults."""
        settings = {
            "tz": (self.tz, "UTC"),
            "fiscal_year_start": (self.fiscal_year_start, 1),
            "fiscal_year_named_after": (self.fiscal_year_named_after, "end"),
            "week_start": (self.week_start, "monday"),
            "opening_hours": (self.opening_hours, None),
            "holidays": (self.holidays, frozenset()),
        }
        return {name: value for name, (value, default) in settings.items() if value != default}

    def __eq__(self, other: object) -> bool:
        return self._key == other._key if isinstance(other, Calendar) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._key)

    def __repr__(self) -> str:
        settings = self._settings()
        if type(self.holidays) is frozenset and self.holidays:
            settings["holidays"] = tuple(sorted(self.holidays))
        return f"Calendar({', '.join(f'{name}={value!r}' for name, value in settings.items())})"

    def __reduce__(self) -> tuple[Any, ...]:
        return partial(Calendar, **self._settings()), ()


def _zone(tz: str | ZoneInfo) -> ZoneInfo:
    if isinstance(tz, ZoneInfo) and tz.key:
        return tz
    if not isinstance(tz, str):
        msg = f"tz must be the name of a time zone, such as 'Europe/Berlin', or a ZoneInfo with a key; got {tz!r}."
        raise ParameterError(msg)
    try:
        return ZoneInfo(tz)
    except (LookupError, ValueError, OSError) as error:
        known = available_timezones()
        msg = f"tz must be the name of a time zone; got {tz!r}. {did_you_mean(tz, known)}"
        if not known:
            msg = f"The time zone {tz!r} cannot be found: this system has no time zone data; pip install tzdata."
        raise UnknownNameError(msg) from error


def _frozen_holidays(holidays: Container[date]) -> tuple[Container[date], object]:
    """The holidays to keep, and a key to compare them by: themselves, or their `id` if they have no hash."""
    if isinstance(holidays, str) or not isinstance(holidays, Container):
        msg = f"holidays must answer `day in holidays`, as a set of dates does; got {holidays!r}."
        raise ParameterError(msg)
    if isinstance(holidays, (list, tuple, set, frozenset)) or type(holidays) is dict:
        for day in holidays:
            if not isinstance(day, date) or isinstance(day, datetime):
                msg = f"holidays must be dates without a time; got {day!r}."
                raise ParameterError(msg)
        holidays = frozenset(holidays)
    return holidays, holidays if isinstance(holidays, Hashable) else id(holidays)


DEFAULT_CALENDAR = Calendar()


def calendar_of(calendar: object, tz: str | ZoneInfo | None = None) -> Calendar:
    """The given calendar, or a default calendar in a time zone."""
    if not isinstance(calendar, Calendar):
        msg = f"`calendar` is a Calendar, such as Calendar(tz='Europe/Berlin'); got {calendar!r}."
        if isinstance(calendar, str | ZoneInfo):
            msg += f" For a time zone alone write tz={str(calendar)!r}."
        raise InputError(msg)
    if tz is None:
        return calendar
    if calendar is not DEFAULT_CALENDAR:
        msg = f"A calendar has its own time zone, here {calendar.tz!r}; give either calendar=... or tz={str(tz)!r}."
        raise InputError(msg)
    return Calendar(tz=tz)


def known_day(as_of: date | str | None) -> date | None:
    """Parse the day or moment up to which data is known; text is an ISO 8601 date, or a date and a time.

    >>> known_day("2026-03-31"), known_day("2026-03-31T12:00")
    (datetime.date(2026, 3, 31), datetime.datetime(2026, 3, 31, 12, 0))
    """
    if as_of is None or isinstance(as_of, date):
        return as_of
    if isinstance(as_of, str) and _ISO_DAY.match(as_of):
        with suppress(ValueError):
            return date.fromisoformat(as_of) if len(as_of) == len("2026-03-31") else datetime.fromisoformat(as_of)
    msg = f"`as_of` is a date or a datetime, or the text of one, such as '2026-03-31'; got {as_of!r}."
    if as_of == "today":
        msg += " Today is date.today()."
    raise InputError(msg)
