"""Parse periods: fixed ones such as "2026-Q1", and relative ones that count from a day, such as "last month"."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable
from datetime import date

from crmkpi.dates.calendars import Calendar, CalendarUnit
from crmkpi.dates.spans import (
    CALENDAR_UNITS,
    PeriodEdges,
    all_time,
    known_unit,
    span_between,
    whole_unit,
    window_before,
)
from crmkpi.errors import PeriodError, did_you_mean

__all__ = ["LONGEST_TEXT", "iso_week", "read_period"]

_UNIT = "(day|week|month|quarter|half year|year|fiscal quarter|fiscal half year|fiscal year)"
_ABSOLUTE = re.compile(
    r"(\d{4})(?:-?q(?P<quarter>\d+)|-?h(?P<half>\d+)|-?w(?P<week>\d+)|-(?P<month>\d\d)(?:-(?P<day>\d\d))?)?"
)
LONGEST_TEXT = 100
_FISCAL = re.compile(r"fy ?(\d{4})(?:[- ]?q(?P<quarter>\d+)|[- ]?h(?P<half>\d+))?")
_WEEKLY = re.compile(r"(?:fy ?)?\d{4}-?p\d+|4-?4-?5.*|.* 4-4-5")
_NAMED = re.compile(f"(this|last|next) {_UNIT}")
_LAST = re.compile(f"last ([1-9][0-9]*) {_UNIT}s?")
_TO_DATE = re.compile(f"{_UNIT} to date")
_SHORT = {
    "wtd": "week", "mtd": "month", "qtd": "quarter", "ytd": "year", "fqtd": "fiscal quarter", "fytd": "fiscal year"
}  # fmt: skip
_PART = re.compile(r"q(?P<quarter>[1-4])|h(?P<half>[12])")
_MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
_MONTH_NUMBERS = {name: number for number, month in enumerate(_MONTHS, 1) for name in (month, month[:3])} | {"sept": 9}
_MONTH_AND_YEAR = re.compile(r"([a-z]+)\.?,?[ -]?(\d{4})|(\d{4})[ -]([a-z]+)")
_WORDS = (
    "all", "today", "yesterday", "last 7 days", "last 4 weeks", "last 3 months", "last 4 quarters", "last 2 years",
    *(f"{which} {unit.replace('_', ' ')}" for which in ("this", "last", "next") for unit in CALENDAR_UNITS[1:]),
    *(f"{unit.replace('_', ' ')} to date" for unit in CALENDAR_UNITS[1:]),
)  # fmt: skip
_FORMS = (
    "'2026', '2026-Q1', '2026-H1', '2026-03', '2026-W07', '2026-03-15', 'FY2026', 'FY2026-Q2', "
    "'2026-01-01..2026-03-31', 'Jan 2026', 'all', 'last month', 'last 7 days', 'month to date' and, with as_of=, 'Q3'"
)


def read_period(text: str, calendar: Calendar, as_of: date | None) -> PeriodEdges:
    """The period that a text names."""
    if not isinstance(text, str):
        msg = f"A period must be written as text, such as '2026-Q1'; got {text!r}."
        raise PeriodError(msg)
    if len(text) > LONGEST_TEXT:
        raise PeriodError(
            f"A period is a short text, such as '2026-Q1'; got {len(text):,} characters, {text[:20]!r}..."
        )
    words = " ".join(text.replace("_", " ").casefold().split())
    if words in ("all", "all time"):
        return all_time(calendar)
    if ".." in words:
        return _read_span(words, text, calendar)
    fixed = _read_fixed(words, text, calendar)
    if fixed is not None:
        return fixed
    relative = _relative(words, calendar)
    if relative is None and _WEEKLY.fullmatch(words):
        msg = (
            f"Years of weeks (4-4-5) have no periods of their own; got {text!r}. Give the days of the period, as in "
            "'2026-01-05..2026-02-01', or Period.between(first, next_first, label=...)."
        )
        raise PeriodError(msg)
    if relative is None:
        hint = did_you_mean(re.sub(r"\b(previous|past|prior)\b", "last", words), _WORDS) if words[:1].isalpha() else ""
        msg = f"{text!r} is not a period. {hint if hint.startswith('Did') else f'Write it as in {_FORMS}.'}"
        raise PeriodError(msg)
    if as_of is None:
        msg = f"The period {text!r} counts from a day, which must be given as as_of=date(...); got none."
        raise PeriodError(msg)
    return relative(calendar.local_day(as_of), calendar)


def _read_span(words: str, text: str, calendar: Calendar) -> PeriodEdges:
    """A span named by its first and last day, month or other unit, both included."""
    # Parsed in a zone that has all days, since a day that the calendar's clocks skipped can still be a bound.
    everywhere = Calendar(
        fiscal_year_start=calendar.fiscal_year_start,
        fiscal_year_named_after=calendar.fiscal_year_named_after,
        week_start=calendar.week_start,
    )
    first, last = (_read_fixed(end.strip(), text, everywhere) for end in words.split("..", 1))
    if first is None or last is None:
        msg = (
            "A span must name its first and last day, month or other unit, as in '2026-01-01..2026-03-31' or "
            f"'2026-01..2026-03'; got {text!r}."
        )
        raise PeriodError(msg)
    if last.start < first.start:
        msg = f"A span must end after it starts; got {text!r}. Did you mean '{last.label}..{first.label}'?"
        raise PeriodError(msg)
    start, end = calendar.instant(first.wall_start), calendar.instant(last.wall_end)
    if start == end:
        return whole_unit(first.wall_start.date(), "day", calendar)  # raises the error that this day does not exist
    return span_between(start, end, calendar)


def _read_fixed(words: str, text: str, calendar: Calendar) -> PeriodEdges | None:
    """Parse a period that needs no day to count from; None if the text does not have such a form."""
    words = _month_in_digits(re.sub(r"([qh]\d+) ((?:fy ?)?\d{4})", r"\2-\1", words))
    if match := _FISCAL.fullmatch(words):
        return _read_fiscal(int(match[1]), match["quarter"], match["half"], text, calendar)
    match = _ABSOLUTE.fullmatch(words)
    if match is None:
        return None
    year = int(match[1])
    if match["week"]:
        return iso_week(year, int(match["week"]), text, calendar)
    quarter = _number(match["quarter"], 4, "A quarter", text, f"{year:04}-Q{{}}")
    if quarter is not None:
        return whole_unit(_day(year, 3 * quarter - 2, 1), "quarter", calendar)
    half = _number(match["half"], 2, "A half year", text, f"{year:04}-H{{}}")
    if half is not None:
        return whole_unit(_day(year, 6 * half - 5, 1), "half_year", calendar)
    month = _number(match["month"], 12, "A month", text, f"{year:04}-{{:02}}")
    if month is None:
        return whole_unit(_day(year, 1, 1), "year", calendar)
    length = monthrange(max(year, 1), month)[1]
    day = _number(match["day"], length, f"A day of {year:04}-{month:02}", text, f"{year:04}-{month:02}-{{:02}}")
    return whole_unit(_day(year, month, day or 1), "month" if day is None else "day", calendar)


def _read_fiscal(
    year: int, quarter_digits: str | None, half_digits: str | None, text: str, calendar: Calendar
) -> PeriodEdges:
    quarter = _number(quarter_digits, 4, "A quarter", text, f"FY{year:04}-Q{{}}")
    half = _number(half_digits, 2, "A half year", text, f"FY{year:04}-H{{}}")
    named_after_end = calendar.fiscal_year_named_after == "end" and calendar.fiscal_year_start > 1
    first = calendar.shift(_day(year, calendar.fiscal_year_start, 1), "year", -named_after_end)
    if half is not None:
        return whole_unit(calendar.shift(first, "fiscal_half_year", half - 1), "fiscal_half_year", calendar)
    if quarter is None:
        return whole_unit(first, "fiscal_year", calendar)
    return whole_unit(calendar.shift(first, "fiscal_quarter", quarter - 1), "fiscal_quarter", calendar)


def _month_in_digits(words: str) -> str:
    """Replace an English month name by digits, as in "jan 2026"; other text is unchanged."""
    match = _MONTH_AND_YEAR.fullmatch(words)
    number = _MONTH_NUMBERS.get(match[1] or match[4]) if match else None
    return words if match is None or number is None else f"{match[2] or match[3]}-{number:02}"


def _part_of_year(words: str) -> tuple[CalendarUnit, int] | None:
    """Parse a quarter, half year or month without its year."""
    if words in _MONTH_NUMBERS:
        return "month", _MONTH_NUMBERS[words]
    if match := _PART.fullmatch(words):
        return (
            ("quarter", 3 * int(match["quarter"]) - 2)
            if match["quarter"]
            else ("half_year", 6 * int(match["half"]) - 5)
        )
    return None


def _of_this_year(part: tuple[CalendarUnit, int], words: str) -> Callable[[date, Calendar], PeriodEdges]:
    """The part of the year of a day; a part that has not begun is refused, as last year's may be meant."""
    unit, month = part

    def found(day: date, calendar: Calendar) -> PeriodEdges:
        if unit != "month":
            name, year = words.upper(), calendar.fiscal_year(day)
            _check_calendar_year(words, calendar, f"{day.year}-{name}", f"FY{year}-{name}")
        this, before = (whole_unit(_day(year, month, 1), unit, calendar) for year in (day.year, day.year - 1))
        if this.wall_start.date() > day:
            msg = (
                f"{words.title()!r} has not begun in {day.year}, as of {day}; write {before.label!r} or {this.label!r}."
            )
            raise PeriodError(msg)
        return this

    return found


def _check_calendar_year(words: str, calendar: Calendar, plain: str, fiscal: str) -> None:
    if calendar.fiscal_year_start > 1:
        msg = f"{words.upper()!r} may be of the calendar year or of the fiscal year; write {plain!r} or {fiscal!r}."
        raise PeriodError(msg)


def _relative(words: str, calendar: Calendar) -> Callable[[date, Calendar], PeriodEdges] | None:
    """A function from a day to the period that counts from it; None if the words are not such a period."""
    if words in _SHORT:
        if words in ("qtd", "ytd"):
            _check_calendar_year(words, calendar, f"{_SHORT[words]} to date", f"fiscal {_SHORT[words]} to date")
        words = f"{_SHORT[words]} to date"
    if part := _part_of_year(words):
        return _of_this_year(part, words)
    if words in ("today", "yesterday"):
        back = 0 if words == "today" else 1
        return lambda day, calendar: whole_unit(calendar.shift(day, "day", -back), "day", calendar)
    if match := _NAMED.fullmatch(words):
        steps, unit = {"this": 0, "last": -1, "next": 1}[match[1]], known_unit(match[2].replace(" ", "_"))
        return lambda day, calendar: whole_unit(calendar.shift(calendar.floor(day, unit), unit, steps), unit, calendar)
    if match := _LAST.fullmatch(words):
        count, name, unit = int(match[1]), match[2], known_unit(match[2].replace(" ", "_"))
        return lambda day, calendar: window_before(calendar.midnight(calendar.floor(day, unit)), name, count, calendar)
    if match := _TO_DATE.fullmatch(words):
        unit = known_unit(match[1].replace(" ", "_"))
        return lambda day, calendar: span_between(
            calendar.midnight(calendar.floor(day, unit)),
            calendar.midnight(calendar.shift(day, "day", 1)),
            calendar,
            to_date=unit,
        )
    return None


def iso_week(year: int, week: int, text: str, calendar: Calendar) -> PeriodEdges:
    """The ISO week of a year; `text` names it in errors."""
    if calendar.week_start != "monday":
        msg = (
            f"ISO weeks begin on Monday, but this calendar's weeks on {calendar.week_start.title()}; got {text!r}. "
            "Name a day of the week instead, with Period.of(date(...), 'week', calendar=...)."
        )
        raise PeriodError(msg)
    weeks = _day(year, 12, 28).isocalendar().week
    _number(str(week), weeks, f"An ISO week of {year:04}", text, f"{year:04}-W{{:02}}")
    return whole_unit(date.fromisocalendar(year, week, 1), "week", calendar)


def _number(digits: str | None, last: int, thing: str, text: str, form: str) -> int | None:
    """Parse a number from 1 to `last` in a part of a text; None without digits."""
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
