"""Spans of time between two exact moments, cut from a calendar; periods are built from them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Literal, NamedTuple, get_args

from crmkpi.dates.calendars import Calendar, CalendarUnit
from crmkpi.errors import PeriodError, did_you_mean

__all__ = [
    "CALENDAR_UNITS",
    "MOMENT",
    "ONE_DAY",
    "PeriodEdges",
    "PeriodUnit",
    "all_time",
    "known_unit",
    "midnight",
    "range_label",
    "runs_over_days",
    "span_between",
    "whole_unit",
    "window_before",
]

PeriodUnit = CalendarUnit | Literal["days", "months", "all"]

CALENDAR_UNITS: tuple[CalendarUnit, ...] = get_args(CalendarUnit)
ONE_DAY = timedelta(days=1)
MOMENT = timedelta(microseconds=1)

_MONTHS_IN: dict[str, int] = {
    "month": 1, "quarter": 3, "half year": 6, "year": 12, "fiscal quarter": 3, "fiscal half year": 6, "fiscal year": 12
}  # fmt: skip


class PeriodEdges(NamedTuple):
    """The edges and the name of a period; `crmkpi.dates.periods.Period` documents the fields."""

    label: str
    unit: PeriodUnit
    calendar: Calendar
    start: datetime
    end: datetime
    wall_start: datetime
    wall_end: datetime
    to_date: CalendarUnit | None = None


def all_time(calendar: Calendar) -> PeriodEdges:
    """All time: contains every timestamp."""
    start, end = datetime.min, datetime.max  # noqa: DTZ901 wall-clock times have no zone
    return PeriodEdges("all time", "all", calendar, start.replace(tzinfo=UTC), end.replace(tzinfo=UTC), start, end)


@lru_cache(maxsize=2000)
def whole_unit(day: date, unit: CalendarUnit, calendar: Calendar) -> PeriodEdges:
    """The whole calendar unit that contains a day."""
    first = calendar.floor(day, unit)
    last = calendar.shift(first, unit, 1)
    start, end = calendar.midnight(first), calendar.midnight(last)
    if start == end:
        msg = f"A period must contain time; {day} does not exist in {calendar.tz}, whose clocks jumped over it."
        raise PeriodError(msg)
    label = _unit_label(first, unit, calendar)
    return PeriodEdges(label, unit, calendar, start, end, midnight(first), midnight(last))


def span_between(
    start: datetime, end: datetime, calendar: Calendar, *,
    label: str | None = None, months: int = 0, to_date: CalendarUnit | None = None,
) -> PeriodEdges:  # fmt: skip
    """The span between two exact moments; a window of `months` only if they are that many whole months apart."""
    wall_start, wall_end = _wall(start, calendar), _wall(end, calendar)
    unit: PeriodUnit = "days"
    whole_days = runs_over_days(start, end, wall_start, wall_end, calendar)
    if months and calendar.shift(wall_end, "month", -months) == wall_start:
        unit = "months"
    elif whole_days and wall_end - wall_start == ONE_DAY and to_date is None:
        unit = "day"
    label = label or range_label(wall_start, wall_end, whole_days=whole_days)
    return PeriodEdges(label, unit, calendar, start, end, wall_start, wall_end, to_date)


def window_before(end: datetime, unit: str, count: int, calendar: Calendar) -> PeriodEdges:
    """The window of `count` units that ends at a moment."""
    wall = _wall(end, calendar)
    months = count * _MONTHS_IN.get(unit, 0)
    days = 0 if months else count * (7 if unit == "week" else 1)
    start = calendar.shift(calendar.shift(wall, "month", -months), "day", -days)
    return span_between(calendar.instant(start), end, calendar, months=months)


def known_unit(unit: str) -> CalendarUnit:
    """Validate the name of a calendar unit."""
    for known in CALENDAR_UNITS:
        if known == unit:
            return known
    msg = f"There is no unit {unit!r} of a calendar. {did_you_mean(str(unit), CALENDAR_UNITS)}"
    raise PeriodError(msg)


def _unit_label(first: date, unit: CalendarUnit, calendar: Calendar) -> str:
    year, month = f"{first.year:04}", first.month
    if unit == "week":
        iso = first.isocalendar()
        monday = calendar.week_start == "monday"
        return f"{iso.year:04}-W{iso.week:02}" if monday else f"{first}..{first + 6 * ONE_DAY}"
    if unit.startswith("fiscal"):
        passed = (month - calendar.fiscal_year_start) % 12
        part = {"fiscal_quarter": f"-Q{passed // 3 + 1}", "fiscal_half_year": f"-H{passed // 6 + 1}"}.get(unit, "")
        return f"FY{calendar.fiscal_year(first):04}{part}"
    if unit == "half_year":
        return f"{year}-H{(month + 5) // 6}"
    if unit == "quarter":
        return f"{year}-Q{(month + 2) // 3}"
    return {"day": first.isoformat(), "month": f"{year}-{month:02}", "year": year}[unit]


def range_label(wall_start: datetime, wall_end: datetime, *, whole_days: bool) -> str:
    """The label of a span: first and last day, both included, or wall-clock times if it does not have whole days."""
    if not whole_days:
        return "..".join(wall.isoformat().removesuffix(":00") for wall in (wall_start, wall_end))
    first, last = wall_start.date(), (wall_end - MOMENT).date()
    return str(first) if first == last else f"{first}..{last}"


def midnight(day: date) -> datetime:
    """The beginning of a day on the wall clock, without a zone."""
    return datetime.combine(day, time())


def runs_over_days(
    start: datetime, end: datetime, wall_start: datetime, wall_end: datetime, calendar: Calendar
) -> bool:
    """Whether both edges are the beginning of a day."""
    edges = ((start, wall_start), (end, wall_end))
    return all(wall.time() == time() and calendar.instant(wall) == edge for edge, wall in edges)


def _wall(edge: datetime, calendar: Calendar) -> datetime:
    """The wall-clock time of an exact moment; 00:00 for the first moment of a day, even if clocks skip that."""
    wall = calendar.wall(edge)
    day_begins = midnight(wall)
    return day_begins if calendar.instant(day_begins) == edge else wall
