"""Parse the arguments of the command; an invalid one is an error of the command line."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from crmkpi.currencies import said_currency
from crmkpi.errors import CrmKpiError, InputError, unknown_name
from crmkpi.records import RECORDS

__all__ = [
    "argument",
    "plain_number",
    "read_column",
    "read_currency",
    "read_day",
    "read_days",
    "read_default",
    "read_ends",
    "read_headers",
    "read_hours",
    "read_kind",
    "read_preset",
    "read_rate",
    "read_setting",
    "read_unit",
    "read_value",
    "read_where",
]


def argument(read: Callable[[str], Any]) -> Callable[[str], Any]:
    """Wrap a parser of one argument, so that its errors become errors of the command line."""

    def wrapped(text: str) -> Any:
        try:
            return read(text)
        except (CrmKpiError, ValueError) as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return wrapped


def read_column(text: str) -> tuple[str, str, tuple[str, ...]]:
    """TABLE:HEADER=FIELD, with any number of fields, separated by commas, or none."""
    table, rest = _of_table(text)
    header, fields = _pair(rest, "the HEADER of a column, and the FIELD it fills", last=True)
    return table, header, tuple(field for field in fields.split(",") if field)


def read_value(text: str) -> tuple[str, str, str, str | None]:
    """TABLE:FIELD:WORD=VALUE, where an empty VALUE means a missing one."""
    table, rest = _of_table(text)
    field, colon, rest = rest.partition(":")
    if not colon:
        raise InputError(f"it is written TABLE:FIELD:WORD=VALUE; got {text!r}")
    word, value = _pair(rest, "a WORD of the file, and the VALUE it means", last=True)
    return table, field, word, value or None


def read_preset(text: str) -> tuple[str, str]:
    """TABLE=PRESET."""
    return _of_whole_table(text, "the name of a PRESET")


def read_ends(text: str) -> tuple[str, str]:
    """TABLE=inclusive, or TABLE=exclusive."""
    return _of_whole_table(text, "inclusive or exclusive")


def _of_whole_table(text: str, what: str) -> tuple[str, str]:
    table, value = _pair(text, f"a TABLE, and {what}")
    table = table.replace("-", "_")
    _check_table(table)
    return table, value


def read_default(text: str) -> tuple[str, str, str]:
    """TABLE:FIELD=VALUE."""
    table, rest = _of_table(text)
    return table, *_pair(rest, "a FIELD, and its VALUE")


def _of_table(text: str) -> tuple[str, str]:
    table, colon, rest = text.partition(":")
    table = table.replace("-", "_")
    if not colon:
        raise InputError(f"it starts with a table and a colon, such as deals:; got {text!r}")
    _check_table(table)
    return table, rest


def _check_table(table: str) -> None:
    if table not in RECORDS:
        raise unknown_name(f"there is no table {table!r}.", table, RECORDS)


def _pair(text: str, what: str, *, last: bool = False) -> tuple[str, str]:
    left, sign, right = text.rpartition("=") if last else text.partition("=")
    if not sign or not left:
        raise InputError(f"an equals sign stands between {what}; got {text!r}")
    return left, right


def read_where(text: str) -> tuple[str, str]:
    """FIELD=VALUE."""
    return _pair(text, "a FIELD, and the VALUE that its records have")


def read_setting(text: str) -> tuple[str, Decimal]:
    """NAME=NUMBER."""
    name, number = _pair(text, "the NAME of a parameter, and a NUMBER")
    return name, _number(number)


def read_rate(text: str) -> tuple[str, Decimal]:
    """CURRENCY=NUMBER."""
    currency, number = _pair(text, "a CURRENCY, and a NUMBER")
    return read_currency(currency), _number(number)


def read_currency(text: str) -> str:
    """The code of a currency, from its code, name or sign."""
    return said_currency("the currency", text)


def read_hours(text: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """DAYS=FROM-TO, with several spans separated by commas; 24/7 is every minute of the week."""
    if text == "24/7":
        return "mon-sun", (("00:00", "24:00"),)
    days, hours = _pair(text, "DAYS, and hours such as 09:00-17:00")
    spans = []
    for span in hours.split(","):
        opens, sign, closes = (part.strip() for part in span.partition("-"))
        if not sign:
            raise InputError(f"hours are written FROM-TO, such as 09:00-17:00; got {span!r}")
        if _is_clock(opens) and _is_clock(closes) and closes <= opens:
            raise InputError(
                f"hours end after they begin; got {span!r}. A shift over midnight is written in two spans, "
                f"--opening-hours mon-sun=00:00-{closes},{opens}-24:00 if it is every day's"
            )
        spans.append((opens, closes))
    return days, tuple(spans)


def _is_clock(text: str) -> bool:
    return re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d|24:00", text) is not None


def read_days(text: str) -> tuple[date, ...]:
    """Days in ISO format, separated by commas."""
    try:
        return tuple(date.fromisoformat(day.strip()) for day in text.split(","))
    except ValueError:
        raise InputError(f"days are written 2026-01-01,2026-12-25; got {text!r}") from None


def read_headers(text: str) -> tuple[str, tuple[str, ...]]:
    """TABLE:NAME,NAME."""
    table, names = _of_table(text)
    return table, tuple(name.strip() for name in names.split(","))


def read_kind(text: str) -> tuple[str, str, str]:
    """TABLE:HEADER=KIND."""
    table, rest = _of_table(text)
    return table, *_pair(rest, "the HEADER of a column, and the KIND of what it holds", last=True)


def read_unit(text: str) -> tuple[str, str, str]:
    """TABLE:FIELD=UNIT."""
    table, rest = _of_table(text)
    return table, *_pair(rest, "a FIELD, and the UNIT of its numbers")


def read_day(text: str) -> date:
    """A day or a moment in ISO format, or the word today."""
    if text == "today":
        return date.today()  # noqa: DTZ011  # the day on the user's clock
    try:
        return datetime.fromisoformat(text) if "T" in text else date.fromisoformat(text)
    except ValueError:
        raise InputError(
            f"a day is written 2026-03-31, a moment 2026-03-31T17:00, or the word today; got {text!r}"
        ) from None


def _number(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise InputError(f"a number is needed, such as 30 or 0.92; got {text!r}") from None


def plain_number(number: Decimal) -> int | float:
    """An int if the number is whole, else a float."""
    return int(number) if number == number.to_integral_value() else float(number)
