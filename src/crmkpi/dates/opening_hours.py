"""Opening hours as people write them: weekdays or ranges of weekdays, and pairs of wall-clock times.

Hours that change are keyed by the day, or the wall-clock time, from which they hold.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Any, Literal, get_args

from crmkpi.errors import ParameterError, UnknownNameError, did_you_mean

__all__ = [
    "DAY",
    "FIRST_KNOWN",
    "LAST_KNOWN",
    "WEEKDAYS",
    "OpeningHours",
    "Schedules",
    "WeekHours",
    "Weekday",
    "WeeklyHours",
    "hours_text",
    "read_schedules",
]

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_Hours = tuple[str | time, str | time]
WeeklyHours = Mapping[str, _Hours | Sequence[_Hours]] | Literal["24/7"]
OpeningHours = WeeklyHours | Mapping[date, WeeklyHours]

# Internal form of opening hours: per weekday, (opens, closes) in microseconds since the wall clock's midnight.
WeekHours = tuple[tuple[tuple[int, int], ...], ...]
# Weeks of hours in order, each with the wall-clock time from which it holds; None means always.
Schedules = tuple[tuple[datetime | None, WeekHours], ...]

WEEKDAYS: tuple[Weekday, ...] = get_args(Weekday)
DAY = timedelta(days=1) // timedelta(microseconds=1)

_WEEKDAY_NUMBERS = {name[:size]: number for number, name in enumerate(WEEKDAYS) for size in (3, len(name))}
# Holidays and changes of hours are in these years; beyond them all weeks are alike, so that far days cost little.
FIRST_KNOWN, LAST_KNOWN = date(1800, 1, 1), date(2099, 12, 31)

_MICROSECOND = timedelta(microseconds=1)
_MIDNIGHT = datetime(1970, 1, 1)  # noqa: DTZ001 the start of any day on the wall clock


def read_schedules(opening_hours: OpeningHours) -> Schedules:
    """Parse opening hours: one week of hours, or several that replace each other."""
    if not isinstance(opening_hours, Mapping) or not any(isinstance(day, date) for day in opening_hours):
        return ((None, _week_hours(opening_hours)),)  # type: ignore[arg-type]
    begun: dict[datetime, WeekHours] = {}
    for day, hours in opening_hours.items():
        begins = _beginning(day)
        if begins in begun:
            msg = f"opening_hours must change once at a time; got {day!r} twice."
            raise ParameterError(msg)
        begun[begins] = _week_hours(hours)  # type: ignore[arg-type]
    return tuple(sorted(begun.items()))


def _beginning(day: object) -> datetime:
    """The wall-clock time from which hours hold."""
    if isinstance(day, datetime) and day.tzinfo is None and FIRST_KNOWN <= day.date() <= LAST_KNOWN:
        return day
    if not isinstance(day, date) or isinstance(day, datetime) or not FIRST_KNOWN <= day <= LAST_KNOWN:
        msg = (
            "opening_hours that change must name the days, or the wall-clock times, from which they hold, in the years "
            f"{FIRST_KNOWN.year} to {LAST_KNOWN.year}; got {day!r}."
        )
        raise ParameterError(msg)
    return datetime.combine(day, time())


def _week_hours(opening_hours: WeeklyHours) -> WeekHours:
    """The windows of each weekday, Monday first."""
    if opening_hours == "24/7":
        return (((0, DAY),),) * 7
    if not isinstance(opening_hours, Mapping) or not opening_hours:
        msg = (
            "opening_hours must be '24/7' or name weekdays with their hours, "
            f"as in {{'mon-fri': ('09:00', '17:00')}}; got {opening_hours!r}."
        )
        raise ParameterError(msg)
    week: list[tuple[tuple[int, int], ...]] = [()] * 7
    for days, hours in opening_hours.items():
        windows = _day_hours(days, hours)
        for number in _weekday_numbers(days):
            if week[number]:
                msg = f"opening_hours must give each weekday once; got {WEEKDAYS[number]} again in {days!r}."
                raise ParameterError(msg)
            week[number] = windows
    return tuple(week)


def _weekday_numbers(days: str) -> list[int]:
    ends = [name.strip().casefold() for name in str(days).split("-", 1)]
    for name in ends:
        if name not in _WEEKDAY_NUMBERS:
            msg = f"opening_hours must name weekdays; got {name!r} in {days!r}. {did_you_mean(name, WEEKDAYS)}"
            raise UnknownNameError(msg)
    first, last = _WEEKDAY_NUMBERS[ends[0]], _WEEKDAY_NUMBERS[ends[-1]]
    return [(first + step) % 7 for step in range((last - first) % 7 + 1)]


def _day_hours(days: str, hours: _Hours | Sequence[_Hours]) -> tuple[tuple[int, int], ...]:
    """Parse one pair of times or several to sorted microseconds since midnight."""
    pairs: Any = [hours] if _is_pair(hours) else hours
    if not isinstance(pairs, Sequence) or not pairs or not all(map(_is_pair, pairs)):
        msg = f"The opening hours of {days!r} must be pairs of times; got {hours!r}. Leave out a day that is closed."
        raise ParameterError(msg)
    windows = sorted((_since_midnight(opens), _since_midnight(closes)) for opens, closes in pairs)
    for opens, closes in windows:
        if closes <= opens:
            got = f"{_clock_text(opens)} to {_clock_text(closes)}"
            msg = (
                f"The opening hours of {days!r} must end after they begin; got {got}. "
                "Write midnight at the end as '24:00', and give hours past it to the next day."
            )
            raise ParameterError(msg)
    for (_, closes), (opens, _) in pairwise(windows):
        if opens < closes:
            got = f"{_clock_text(opens)} as a beginning before the end at {_clock_text(closes)}"
            msg = f"The opening hours of {days!r} must not overlap; got {got}."
            raise ParameterError(msg)
    return tuple(windows)


def _is_pair(hours: object) -> bool:
    return (
        isinstance(hours, Sequence)
        and not isinstance(hours, str)
        and len(hours) == 2
        and all(isinstance(edge, (str, time)) for edge in hours)
    )


def _since_midnight(clock: str | time) -> int:
    if clock == "24:00":
        return DAY
    if isinstance(clock, str) and re.fullmatch(r"\d{2}:\d{2}(:\d{2})?", clock):
        with suppress(ValueError):
            clock = time.fromisoformat(clock)
    if not isinstance(clock, time) or clock.tzinfo is not None:
        msg = f"Opening hours must be wall-clock times from '00:00' to '24:00'; got {clock!r}."
        raise ParameterError(msg)
    return (datetime.combine(_MIDNIGHT, clock) - _MIDNIGHT) // _MICROSECOND


def hours_text(schedules: Schedules) -> OpeningHours:
    """The opening hours in the form of the argument of `Calendar`."""
    texts = [(begins, _week_text(week)) for begins, week in schedules]
    if texts[0][0] is None:
        return texts[0][1]
    return {begins.date() if begins.time() == time() else begins: text for begins, text in texts if begins}


def _week_text(week: WeekHours) -> WeeklyHours:
    if all(windows == ((0, DAY),) for windows in week):
        return "24/7"
    return {
        name: tuple((_clock_text(opens), _clock_text(closes)) for opens, closes in windows)
        for name, windows in zip(WEEKDAYS, week, strict=True)
        if windows
    }


def _clock_text(count: int) -> str:
    """A number of microseconds since midnight as a time, such as "09:00"."""
    if count == DAY:
        return "24:00"
    text = (_MIDNIGHT + timedelta(microseconds=count)).time().isoformat()
    return text.removesuffix(":00")
