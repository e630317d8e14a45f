"""Parse dates: ISO by itself, other forms as the column shows or the user declares.

The order of day and month is decided for a whole column and never for one value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from functools import cache, lru_cache
from operator import itemgetter
from typing import Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from crmkpi.errors import AmbiguousDateError, InputError, unknown_name
from crmkpi.records.placeholders import LAST_PLACEHOLDER, PLACEHOLDERS, is_placeholder
from crmkpi.sources.spellings import is_missing
from crmkpi.sources.tallies import Count, uncounted

__all__ = [
    "NUMERIC_FORMS",
    "YEARS_OF_ZEROS",
    "DateReader",
    "check_iso",
    "iso_moment",
    "zone_named",
    "zone_of_header",
]

_TIME = (
    r"(?:[ T,]+(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?P<fraction>\.\d{1,9})?)?"
    r" *(?P<half>[AaPp]\.?[Mm]\.?)? *(?P<zone>Z|UTC|GMT|[+-]\d{2}:?\d{2})?)?"
)
_NUMERIC = re.compile(r"(\d{1,4})([/.-])(\d{1,2})\2(\d{1,4})" + _TIME, re.ASCII)
_MONTH = r"[^\W\d_]{3,12}"
_WORDED = re.compile(
    rf"(?:{_MONTH}\.?,? +)?"
    rf"(?:(?P<day>[0-9]{{1,2}})(?:\.|er|º)?(?: +|-)(?:de +)?(?P<month>{_MONTH})"
    rf"|(?P<month_first>{_MONTH})\.? +(?P<day_second>[0-9]{{1,2}}))"
    r"\.?,?(?: +de)?[ -]+(?P<year>[0-9]{4})" + _TIME.replace(r"\d", "[0-9]")
)
_WESTERN = {  # January to December, in languages where no name means different months
    "en": "january february march april may june july august september october november december",
    "en, short": "jan feb mar apr may jun jul aug sep oct nov dec",
    "de": "januar februar märz april mai juni juli august september oktober november dezember",
    "de, short": "jan feb mär apr mai jun jul aug sept okt nov dez",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "fr, short": "janv févr mars avr mai juin juil août sept oct nov déc",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "es, short": "ene feb mar abr may jun jul ago sept oct nov dic",
    "pt": "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
    "pt, short": "jan fev mar abr mai jun jul ago set out nov dez",
    "it": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "it, short": "gen feb mar apr mag giu lug ago set ott nov dic",
    "nl": "januari februari maart april mei juni juli augustus september oktober november december",
    "nl, short": "jan feb mrt apr mei jun jul aug sep okt nov dec",
    "sv": "januari februari mars april maj juni juli augusti september oktober november december",
    "pl": "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia",
    "pl, short": "sty lut mar kwi maj cze lip sie wrz paź lis gru",
}
_MONTH_NUMBERS = {name: number for names in _WESTERN.values() for number, name in enumerate(names.split(), 1)}
_MONTH_NUMBERS["mrz"] = 3
_EASTERN = re.compile(r"([0-9]{4}) ?年 ?([0-9]{1,2}) ?月 ?([0-9]{1,2}) ?日")
# The zero date of MySQL, and the day 0 of a workbook.
_NO_DATE = re.compile(r"0000-00-00(?:[ T]00:00(?::00(?:\.0+)?)?Z?)?|00:00:00", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EXCEL_START = datetime(1899, 12, 30)  # noqa: DTZ001  # a workbook's days have no zone; it counts 29 February 1900
NUMERIC_FORMS = ("unix_seconds", "unix_milliseconds", "excel_days")
_LAST_OF_DAY = timedelta(days=1) - timedelta.resolution
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?", re.ASCII)
_HEADER_ZONE = re.compile(r"\(([A-Za-z]+(?:/[A-Za-z_]+)*)\)\s*$")
_HARD_BLANKS = str.maketrans({"\u00a0": " ", "\u202f": " "})
_YEAR = itemgetter(slice(5))
YEARS_OF_ZEROS = frozenset(day.year - back for day in PLACEHOLDERS for back in (0, 1))  # in some zone
_YEARS_OF_ZEROS = frozenset(f"{year:04}-" for year in YEARS_OF_ZEROS)

_Order = Literal["day first", "month first", "contradictory"]


def zone_named(zone: str | ZoneInfo) -> ZoneInfo:
    """The time zone of a name, or of the name that a `ZoneInfo` has; an unknown name is an error."""
    name = zone.key if isinstance(zone, ZoneInfo) else zone
    if not isinstance(name, str):
        raise InputError(f'tz= is the name of a time zone, such as "Europe/Berlin", or its ZoneInfo; got {zone!r}.')
    if name not in _zones():
        raise unknown_name(f"There is no time zone {name!r}.", name, _zones())
    return ZoneInfo(name)


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def iso_moment(value: str) -> datetime:
    """Parse an ISO 8601 moment; a number is refused, though Python parses 1710121012345 as a moment in 1710.

    >>> iso_moment("2026-01-31T09:00")
    datetime.datetime(2026, 1, 31, 9, 0)
    """
    if value[4:5] != "-":
        raise ValueError
    return datetime.fromisoformat(value)


def check_iso(cells: Sequence[Any]) -> None:
    """Raise unless all cells begin with a year and a hyphen; see `iso_moment`. The cells are then parsed one by one.

    Raise also for a year that may be a placeholder for a missing date.
    """
    years = set(map(_YEAR, cells))
    if not years.isdisjoint(_YEARS_OF_ZEROS) or not all(year[4:] == "-" for year in years):
        raise ValueError


@lru_cache(maxsize=50_000)
def _day_in_utc(value: str, zone: tzinfo) -> tuple[datetime, datetime] | None:
    """The start of a day in local time and in UTC, from which all its times follow; None where clocks change that day.

    A zone lookup for each value would take most of the parsing time.
    """
    start = datetime.fromisoformat(value)
    first, last = ((start + into).replace(tzinfo=zone).astimezone(UTC) for into in (timedelta(), _LAST_OF_DAY))
    return (start, first) if last - first == _LAST_OF_DAY else None


class DateReader:
    """Reads the values of one date column; an unreadable value is a `ValueError` with the reason.

    Without a `form` a value may be ISO, a date in numbers or a date with the name of a month. For dates in numbers the
    order of day and month is decided once, from all `values` of the column, when the first of them is read.
    Years of two digits are 1969 to 2068. `form` is a pattern of `strptime`, or `unix_seconds`, `unix_milliseconds` or
    `excel_days` for numbers; `numbers` is one of these for a column that may hold numbers or texts.
    Times without an offset belong to `zone`; an hour that a clock change repeats is read as the first of the two.
    An `inclusive` end contains its day, so that the moment is the start of the day after.
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
        numbers: str | None = None,
        inclusive: bool = False,
        count: Count = uncounted,
    ) -> None:
        self._column = column
        self._values = values
        self._form = form
        self._numbers = form if form in NUMERIC_FORMS else numbers
        self._zone = zone
        self._in_zone = f"local time of {zone} to UTC"
        self._count = count
        self._inclusive = inclusive
        self._only_day = kind == "date"
        self._order: _Order | None = None
        if day_first is not None:
            self._order = "day first" if day_first else "month first"
        self._parsed_once = lru_cache(maxsize=50_000)(self._parsed)  # dates without a time repeat, and parsing is slow

    def __call__(self, value: Any) -> datetime | date | None:
        """The moment of a value, or its day in a column of dates; None for dashes, and for days such as 1970-01-01."""
        moment = self._read(value)
        if moment is None:
            return None
        if moment.year <= LAST_PLACEHOLDER.year and is_placeholder(moment):
            self._count(f"{str(value)!r} is no value")
            return None
        if self._inclusive:
            moment = _day_after(moment)
            self._count("end that includes its day")
        try:
            if self._only_day:
                return (moment if self._zone is None or moment.tzinfo is None else moment.astimezone(self._zone)).date()
            if self._zone is not None and moment.tzinfo is None:
                self._count(self._in_zone)
                return moment.replace(tzinfo=self._zone).astimezone(UTC)
        except OverflowError:
            raise ValueError("a date at the edge of the calendar, which cannot be converted to another zone") from None
        return moment

    def _read(self, value: Any) -> datetime | None:
        if isinstance(value, str):
            if self._form is None:
                try:
                    return iso_moment(value)
                except ValueError:
                    pass
            moment, kind = self._parsed_once(value)
            if kind:
                self._count(kind)
            return moment
        if isinstance(value, datetime):
            return value
        if isinstance(value, date):
            return datetime(value.year, value.month, value.day)  # noqa: DTZ001  # a date of a file has no zone
        if self._numbers is not None and not isinstance(value, bool):
            self._count(_numbered_kind(self._numbers))
            return _numbered_moment(value, self._numbers)
        raise ValueError(_NEEDS_FORM)

    def _parsed(self, value: str) -> tuple[datetime | None, str]:
        """The moment, and the conversion that parsing it took, as words."""
        text = value.strip().translate(_HARD_BLANKS)
        if is_missing(text) or _NO_DATE.fullmatch(text):
            return None, f"{text!r} is no value"
        number = _NUMBER.fullmatch(text) is not None
        if self._form in NUMERIC_FORMS or (number and self._numbers is not None):
            form = self._numbers or ""
            return _numbered_moment(text, form), _numbered_kind(form)
        if self._form is not None:
            try:
                return datetime.strptime(text, self._form), ""  # noqa: DTZ007  # the caller adds the zone
            except ValueError:
                raise ValueError(f"not a date of the form {self._form!r}") from None
        if number and not (len(text) == 8 and text.isdecimal()):  # 20260131 is ISO, too
            raise ValueError(_NEEDS_FORM)
        try:
            return datetime.fromisoformat(text), ""
        except ValueError:
            pass
        if found := _NUMERIC.fullmatch(text):
            return self._from_numbers(found), "" if len(found[1]) == 4 else f"date that starts with the {self._start}"
        if "年" in text:
            text = _EASTERN.sub(r"\1/\2/\3", text)
            if found := _NUMERIC.fullmatch(text):
                return self._from_numbers(found), "month in words"
        if found := _WORDED.fullmatch(text):
            return _from_words(found), "month in words"
        raise ValueError("not a date in a known format, such as 2026-01-31; give its format with date_format")

    def of_iso(self) -> Callable[[str], datetime | date] | None:
        """A parser of ISO 8601 moments with the counts of this reader; None where its options rule one out."""
        if self._form is not None or self._inclusive:
            return None
        read, zone, count, in_zone = datetime.fromisoformat, self._zone, self._count, self._in_zone
        if zone is None:
            return read  # the record converts a moment to its day

        def moment(value: str) -> datetime:
            found = read(value)
            if found.tzinfo is not None:
                return found
            count(in_zone)
            day = _day_in_utc(value[:10], zone)
            return found.replace(tzinfo=zone).astimezone(UTC) if day is None else day[1] + (found - day[0])

        def day(value: str) -> date:
            found = read(value)
            return (found if found.tzinfo is None else found.astimezone(zone)).date()

        return day if self._only_day else moment

    @property
    def _start(self) -> str:
        return "day" if self._order == "day first" else "month"

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


def _day_after(moment: datetime) -> datetime:
    """The start of the day after; the last day of the calendar, a placeholder for no end, stays."""
    start = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    return start if start.date() == date.max else start + timedelta(days=1)


def _settled_order(column: str, values: Iterable[Any]) -> _Order:
    days, months, longest_end, example = False, False, 0, ""
    for value in values:
        found = _NUMERIC.fullmatch(value.strip().translate(_HARD_BLANKS)) if isinstance(value, str) else None
        if found is None or len(found[1]) > 2:
            continue
        first, second, end = int(found[1]), int(found[3]), int(found[4])
        days |= 12 < first <= 31 and second <= 12
        months |= 12 < second <= 31 and first <= 12
        longest_end = max(longest_end, end)
        example = min(example, value) if example else value  # the least one, so that the message is deterministic
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
        raise ValueError("not a date: the name of its month is unknown")
    return _moment(int(found["year"]), _MONTH_NUMBERS[name], int(found["day"] or found["day_second"]), found)


def _moment(year: int, month: int, day: int, found: re.Match[str]) -> datetime:
    hour, minute, second = (int(found[part] or 0) for part in ("hour", "minute", "second"))
    microsecond = int(((found["fraction"] or ".0")[1:] + "00000")[:6])
    if found["half"]:
        if not 1 <= hour <= 12:
            raise ValueError("not a time: hours with am or pm go from 1 to 12")
        hour = hour % 12 + (12 if found["half"][0] in "Pp" else 0)
    end_of_day = (hour, minute, second, microsecond) == (24, 0, 0, 0)  # 24:00 is the start of the day after
    try:
        moment = datetime(
            year, month, day, 0 if end_of_day else hour, minute, second, microsecond, _offset(found["zone"])
        )
        return moment + timedelta(days=end_of_day)
    except (ValueError, OverflowError):
        raise ValueError("not a date: there is no such day or time in the calendar") from None


def _offset(zone: str | None) -> tzinfo | None:
    if zone is None:
        return None
    if zone in ("Z", "UTC", "GMT"):
        return UTC
    size = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
    return timezone(-size if zone[0] == "-" else size)


_NEEDS_FORM = (
    "not a date; numbers need date_format='unix_seconds', 'unix_milliseconds', or 'excel_days' for those of a workbook"
)


def _numbered_kind(form: str) -> str:
    return "day number of a workbook" if form == "excel_days" else "Unix time"


def _numbered_moment(value: Any, form: str) -> datetime:
    try:
        if form == "excel_days":
            moment = _EXCEL_START + timedelta(days=float(value))
            return (moment + timedelta(milliseconds=0.5)).replace(microsecond=0)  # a day's fraction is rounded
        return _EPOCH + float(value) * timedelta(**{form.removeprefix("unix_"): 1})
    except (TypeError, ValueError, OverflowError):
        raise ValueError("not a day number of a workbook" if form == "excel_days" else "not a Unix time") from None


def zone_of_header(header: str) -> ZoneInfo | None:
    """The time zone that a header ends with, as in `Created (UTC)`; None where it names none.

    >>> zone_of_header("Started at (America/New_York)")
    zoneinfo.ZoneInfo(key='America/New_York')
    >>> zone_of_header("Amount (EUR)") is None
    True
    """
    found = _HEADER_ZONE.search(header)
    return ZoneInfo(found[1]) if found and found[1] in _zones() else None
