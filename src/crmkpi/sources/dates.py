"""From the text of a date to a date: ISO by itself, other forms as the column or the user says.

The order of day and month is a matter of the whole column and never of one value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from crmkpi.errors import AmbiguousDateError, UnknownNameError, did_you_mean

__all__ = ["DateReader", "zone_named"]

_TIME = (
    r"(?:[ T,]+(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?P<fraction>\.\d{1,9})?)?"
    r" *(?P<half>[AaPp]\.?[Mm]\.?)? *(?P<zone>Z|UTC|GMT|[+-]\d{2}:?\d{2})?)?"
)
_NUMERIC = re.compile(r"(\d{1,4})([/.-])(\d{1,2})\2(\d{1,4})" + _TIME, re.ASCII)
_WORDED = re.compile(
    r"(?:[A-Za-z]{3,9},? +)?"
    r"(?:(?P<day>\d{1,2})[ -](?P<month>[A-Za-z]{3,9})|(?P<month_first>[A-Za-z]{3,9}) +(?P<day_second>\d{1,2}))"
    r"\.?,?[ -]+(?P<year>\d{4})" + _TIME,
    re.ASCII,
)
_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_MONTH_NUMBERS = {name[:letters]: number for number, name in enumerate(_MONTHS, 1) for letters in (3, len(name))}
_MONTH_NUMBERS["sept"] = 9
_UNIX = {"unix_seconds": timedelta(seconds=1), "unix_milliseconds": timedelta(milliseconds=1)}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_Order = Literal["day first", "month first", "contradictory"]


def zone_named(name: str) -> ZoneInfo:
    """The time zone of that name; an unknown one is an error that names the nearest."""
    zones = available_timezones()
    if name not in zones:
        raise UnknownNameError(f"There is no time zone {name!r}. {did_you_mean(name, zones)}")
    return ZoneInfo(name)


class DateReader:
    """Reads the values of one date column; what does not read is a `ValueError` with the reason.

    Without a `form` a value may be ISO, a date in numbers or a date with an English month. For dates in numbers the
    order of day and month is settled once, from all `values` of the column, when the first of them comes along.
    Years of two digits are 1969 to 2068. `form` is a pattern of `strptime`, `unix_seconds` or `unix_milliseconds`.
    Times without an offset belong to `zone`; an hour that a clock change repeats is read as the first of the two.
    """

    def __init__(
        self,
        *,
        column: str,
        values: Callable[[], Iterable[Any]],
        kind: Literal["timestamp", "date"],
        form: str | None = None,
        day_first: bool | None = None,
        zone: tzinfo | None = None,
    ) -> None:
        self._column = column
        self._values = values
        self._form = form
        self._zone = zone
        self._only_day = kind == "date"
        self._order: _Order | None = None
        if day_first is not None:
            self._order = "day first" if day_first else "month first"
        self._parsed_once = lru_cache(maxsize=50_000)(self._parsed)  # dates without a time repeat, and parsing is slow

    def __call__(self, value: Any) -> datetime | date:
        """The moment that a value of the column stands for, or its day in a column of days."""
        moment = self._read(value)
        try:
            if self._only_day:
                return (moment if self._zone is None or moment.tzinfo is None else moment.astimezone(self._zone)).date()
            if self._zone is not None and moment.tzinfo is None:
                return moment.replace(tzinfo=self._zone).astimezone(UTC)
        except OverflowError:
            raise ValueError("a date at the edge of the calendar, which has no time in another zone") from None
        return moment

    def _read(self, value: Any) -> datetime:
        if isinstance(value, str):
            if self._form is None:
                try:
                    return datetime.fromisoformat(value)
                except ValueError:
                    pass
            return self._parsed_once(value)
        if isinstance(value, datetime):
            return value
        if isinstance(value, date):
            return datetime(value.year, value.month, value.day)  # noqa: DTZ001  # what a file says without a zone
        if self._form in _UNIX and not isinstance(value, bool):
            return _unix_moment(value, _UNIX[self._form])
        raise ValueError("not a date; Unix times need date_format='unix_seconds' or 'unix_milliseconds'")

    def _parsed(self, value: str) -> datetime:
        text = value.strip()
        if self._form in _UNIX:
            return _unix_moment(text, _UNIX[self._form])
        if self._form is not None:
            try:
                return datetime.strptime(text, self._form)  # noqa: DTZ007  # likewise
            except ValueError:
                raise ValueError(f"not a date of the form {self._form!r}") from None
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            pass
        if found := _NUMERIC.fullmatch(text):
            return self._from_numbers(found)
        if found := _WORDED.fullmatch(text):
            return _from_words(found)
        raise ValueError("not a date that reads by itself, as 2026-01-31 does; its form can be given with date_format")

    def _from_numbers(self, found: re.Match[str]) -> datetime:
        first, second, third = found[1], found[3], found[4]
        if len(first) == 4:
            return _moment(int(first), int(second), int(third), found)
        if len(first) > 2 or len(third) not in (2, 4):
            raise ValueError("not a date: the year must have four digits or two")
        if self._order is None:
            self._order = _settled_order(self._column, self._values())
        if self._order == "contradictory":
            raise ValueError("this column has dates that start with the day and dates that start with the month")
        day, month = (first, second) if self._order == "day first" else (second, first)
        year = int(third)
        if len(third) == 2:
            year += 2000 if year < 69 else 1900
        return _moment(year, int(month), int(day), found)


def _settled_order(column: str, values: Iterable[Any]) -> _Order:
    days, months, longest_end, example = False, False, 0, ""
    for value in {value for value in values if isinstance(value, str)}:
        found = _NUMERIC.fullmatch(value.strip())
        if found is None or len(found[1]) > 2:
            continue
        first, second, end = int(found[1]), int(found[3]), int(found[4])
        days |= 12 < first <= 31 and second <= 12
        months |= 12 < second <= 31 and first <= 12
        longest_end = max(longest_end, end)
        example = min(example, value) if example else value  # the least one, so that the message is always the same
    if days and months:
        return "contradictory"
    if months:
        return "month first"
    if days and longest_end > 31:
        return "day first"
    doubt = "the year or the day" if days else "the day or the month"
    raise AmbiguousDateError(
        f"The dates in the column {column!r} could all start with {doubt}, for example {example!r}; "
        f"say day_first=True, day_first=False or date_format=."
    )


def _from_words(found: re.Match[str]) -> datetime:
    name = (found["month"] or found["month_first"]).lower()
    if name not in _MONTH_NUMBERS:
        raise ValueError("not a date: its month has no English name")
    return _moment(int(found["year"]), _MONTH_NUMBERS[name], int(found["day"] or found["day_second"]), found)


def _moment(year: int, month: int, day: int, found: re.Match[str]) -> datetime:
    hour, minute, second = (int(found[part] or 0) for part in ("hour", "minute", "second"))
    microsecond = int(((found["fraction"] or ".0")[1:] + "00000")[:6])
    if found["half"]:
        if not 1 <= hour <= 12:
            raise ValueError("not a time: hours with am or pm go from 1 to 12")
        hour = hour % 12 + (12 if found["half"][0] in "Pp" else 0)
    try:
        return datetime(year, month, day, hour, minute, second, microsecond, tzinfo=_offset(found["zone"]))
    except ValueError:
        raise ValueError("not a date: there is no such day or time in the calendar") from None


def _offset(zone: str | None) -> tzinfo | None:
    if zone is None:
        return None
    if zone in ("Z", "UTC", "GMT"):
        return UTC
    size = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
    return timezone(-size if zone[0] == "-" else size)


def _unix_moment(value: Any, unit: timedelta) -> datetime:
    try:
        return _EPOCH + float(value) * unit
    except (TypeError, ValueError, OverflowError):
        raise ValueError("not a Unix time") from None
