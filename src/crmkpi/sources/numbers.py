"""Parse the numbers of a column: 1.234,56 and $1,234.56 and 12,34,567 and 1.2K and 12 %."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from crmkpi.currencies import currencies_of
from crmkpi.errors import FileFormatError, InputError
from crmkpi.sources.header_units import says_percent
from crmkpi.sources.limits import LONGEST_NUMBER
from crmkpi.sources.spellings import (
    PLAIN,
    DecimalSign,
    Spelling,
    as_plain,
    is_missing,
    readings_of,
    shown_by,
    spelling_of,
)
from crmkpi.sources.tallies import Count

__all__ = ["DecimalSign", "NumberKind", "NumberReader", "number_reader", "point_or_error", "settled_decimal"]

_UNUSUAL = re.compile(r"[+-]?[\d._]+[eE][+-]?\d{4,}", re.ASCII)
NumberKind = Literal["money", "number", "integer", "share", "percentage"]


def number_reader(decimal: DecimalSign) -> Callable[[Any], Any]:
    """A function from the text of a number to plain text with a decimal point; it accepts thousands separators.

    >>> number_reader(",")("1.234,56")
    '1234.56'
    >>> number_reader(".")("-1,234.56")
    '-1234.56'
    """

    def read(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        found = spelling_of(value)
        if found is None or found.currencies or found.percent or found.scaled_by:
            raise ValueError(f"not a number with {decimal!r} before its decimals")
        return f"{'-' if found.negative else ''}{as_plain(found.digits, decimal)}"

    return read


class NumberReader:
    """Reads the values of one column of numbers; an unreadable value is a `ValueError` with the reason.

    K, M and bn multiply, a number in brackets is negative, dashes and words such as N/A are missing values, and a
    percentage becomes a fraction where the field is a share. Amounts of money may have the signs and codes of
    currencies next to them: those of the last cell are in `currencies`. The decimal sign, point or comma, is inferred
    once for the column, from the first number that shows it; a column that shows both, or that could be read in two
    ways, is an error. Whole numbers have no decimals, so that both signs separate thousands.
    """

    def __init__(
        self,
        *,
        field: str,
        column: str,
        values: Callable[[], Iterable[Any]],
        kind: NumberKind,
        decimal: DecimalSign | None,
        count: Count,
    ) -> None:
        self._field = field
        self._column = column
        self._values = values
        self._kind = kind
        self._count = count
        self._shown_by: str | None = None  # the number that showed the sign, where the user did not give it
        self._of_hundred: bool | None = None
        self._says_percent = kind == "share" and says_percent(column)
        self.decimal = decimal
        self.currencies: tuple[str, ...] = ()

    def __call__(self, value: Any) -> Any:
        """The number as text with a decimal point, or None for a missing value."""
        self.currencies = ()
        if not isinstance(value, str):
            return self._share(value)
        text = value.strip()
        if len(text) > LONGEST_NUMBER:
            raise ValueError(f"not a number: it has more than {LONGEST_NUMBER} characters")
        if is_missing(text):
            self._count(f"{text!r} is no value")
            return None
        if PLAIN.fullmatch(text) and ("." not in text or self._sign_of(text.lstrip("+-"), text) == "."):
            return self._share(text)
        found = spelling_of(text)
        if found is None:
            if _UNUSUAL.fullmatch(text):
                raise ValueError("not a number of a usual size")
            return value  # validation of the record reports the fault
        return self._spelt(found, text)

    def check(self, cells: Sequence[Any]) -> None:
        """Refuse cells that a plain conversion may misread: 1e999999999, 1.234, or the 1 of a column in percent.

        Raises:
            ValueError: there is such a cell.
        """
        texts = [cell for cell in cells if isinstance(cell, str)]
        whole = "".join(texts)
        if "e" in whole or "E" in whole or max(map(len, texts), default=0) > LONGEST_NUMBER:
            raise ValueError
        if "." in whole and self.decimal != "." and self._settled(texts) != ".":
            raise ValueError
        if self._kind == "share" and (
            self._says_percent or (any(_is_one(cell) for cell in set(cells)) and self._is_of_hundred())
        ):
            raise ValueError

    def _sign_of(self, digits: str, text: str) -> DecimalSign:
        """The decimal sign of the column; if it shows none, the one that makes marks of whole numbers thousands."""
        found = self._settled()
        if found is not None:
            return found
        if ("e" in text or "E" in text) and PLAIN.fullmatch(text):
            return "."
        if self._kind == "integer":
            return "," if "." in digits else "."
        if shown_by(digits) != "both":
            raise ValueError("not a number")
        raise _doubt(self._column, text)

    def _settled(self, first: Iterable[Any] = ()) -> DecimalSign | None:
        """The decimal sign of the column: the first that a cell shows, None if no cell shows one."""
        for cells in (first, self._values()) if self.decimal is None and self._shown_by is None else ():
            for value in cells:
                shown = shown_by(_digits(value))
                if shown in (".", ","):
                    self._shown_by = str(value).strip()
                    self.decimal = shown
                    return self.decimal
        self._shown_by = self._shown_by or ""
        return self.decimal

    def _spelt(self, found: Spelling, text: str) -> Any:
        value = self._plain(found.digits, text)
        self._check_currencies(found.currencies)
        if found.percent:
            if self._kind not in ("share", "percentage") or found.scale != 1:
                raise ValueError(f"not a number: it is a percentage, where {self._wanted} is expected")
            value = _times(value, Decimal("0.01"))
            self._count("percent to a fraction")
        if found.scale != 1:
            value = _times(value, Decimal(found.scale))
            self._count(f"{found.scaled_by.upper()} multiplied out")
        if found.in_brackets:
            self._count("brackets to a minus")
        value = f"-{value}" if found.negative else value
        return value if found.percent else self._share(value)

    @property
    def _wanted(self) -> str:
        return {"money": "an amount", "integer": "a whole number"}.get(self._kind, "a number on a scale")

    def _plain(self, digits: str, text: str) -> str:
        if digits.isdecimal():
            return digits
        sign = self._sign_of(digits, text) if "," in digits or "." in digits else self.decimal or "."
        try:
            read = as_plain(digits, sign)
        except ValueError:
            shown = shown_by(digits)
            if self._shown_by and shown in (".", ",") and shown != sign:
                raise _contradiction(self._column, {sign: self._shown_by, shown: text}) from None
            raise
        if len(read) < len(digits):
            self._count("thousands set apart")
        if sign == "," and "." in read:
            self._count("decimal comma")
        return read

    def _check_currencies(self, marks: Sequence[str]) -> None:
        for mark in marks:
            if not currencies_of(mark):
                raise ValueError(f"not a number: {mark!r} next to it is not a currency")
            if self._kind != "money":
                raise ValueError(f"not a number: it is an amount in {mark}, where {self._wanted} is expected")
        self.currencies = tuple(marks)

    def _share(self, value: Any) -> Any:
        """The value, unless its column may be in percent: `units=` must say so, for 1 could be 100 % or 1 %."""
        if self._kind != "share":
            return value
        number = _number(value)
        if number is not None and (1 < number <= 100 or (number == 1 and self._is_of_hundred())):
            raise ValueError(
                f'no share from 0 to 1; where the column is in percent, say units={{"{self._field}": "percent"}}'
            )
        if number is not None and 0 < number <= 1 and self._says_percent:
            raise ValueError(
                f"below a header that names percent, so that 1 may mean 100 % or 1 %; say "
                f'units={{"{self._field}": "percent"}}, or "plain" for shares from 0 to 1'
            )
        return value

    def _is_of_hundred(self) -> bool:
        """Whether a column of shares shows that they are percentages: some above 1, and no fraction."""
        if self._of_hundred is None:
            above = False
            for number in map(_number, self._values()):
                if number is not None and 0 < number < 1:
                    above = False
                    break
                above = above or (number is not None and 1 < number <= 100)
            self._of_hundred = above
        return self._of_hundred


def _is_one(cell: Any) -> bool:
    return _number(cell) == 1


def _number(cell: Any) -> float | None:
    """The number of a cell without signs or marks, None for any other cell."""
    try:
        return float(cell) if not isinstance(cell, str) or PLAIN.fullmatch(cell.strip()) else None
    except (TypeError, ValueError, OverflowError):
        return None


def _times(number: str, factor: Decimal) -> str:
    try:
        return f"{Decimal(number) * factor:f}"
    except InvalidOperation:
        raise ValueError("not a number of a usual size") from None


def _digits(value: Any) -> str:
    """The digits of a number and the marks between them, without surrounding text; "" for an empty cell."""
    if not isinstance(value, str) or not ("," in value or "." in value or "\uff0c" in value or "\uff0e" in value):
        return ""
    found = spelling_of(value)
    return "" if found is None else found.digits


def settled_decimal(column: str, values: Iterable[Any]) -> DecimalSign:
    """The decimal sign of a column, inferred from the digits of all its values.

    1.234,56 and 12,5 and 1.234.567 show a comma; 1,234.56 and 12.5 and 12,34,567 show a point. A column that shows both
    is an error, and so is one in which the only marks are those of numbers like 1.234, which may be a thousand or one.

    >>> settled_decimal("amount", ["12,5 €", "1.234 €"])
    ','
    """
    first: dict[str, str] = {}
    for value in values:
        first.setdefault(shown_by(_digits(value)), str(value).strip())
    if "," in first and "." in first:
        raise _contradiction(column, first)
    if "both" in first and not ("," in first or "." in first):
        raise _doubt(column, first["both"])
    return "," if "," in first else "."


def point_or_error(column: str, values: Iterable[Any]) -> None:
    """Refuse a column that has decimal commas, or that is ambiguous, for readers that only know the decimal point.

    >>> point_or_error("amount", ["1.234", "7.5"])
    """
    doubtful = ""
    for value in values:
        shown = shown_by(_digits(value))
        if shown == ".":
            return
        if shown == ",":
            raise FileFormatError(
                f"The column {column!r} has decimal commas ({str(value).strip()!r}), which DuckDB reads as text; read "
                f"it with scan(engine='polars'), read_csv or stream_csv."
            )
        doubtful = doubtful or (str(value).strip() if shown == "both" else "")
    if doubtful:
        raise _doubt(column, doubtful)


def _doubt(column: str, text: str) -> InputError:
    return InputError(
        f"The numbers in the column {column!r} could have thousands or decimals: {text!r} is "
        f"{readings_of(_digits(text))}; say which."
    )


def _contradiction(column: str, first: dict[str, str]) -> InputError:
    return InputError(
        f"The column {column!r} writes decimals with a comma ({first[',']!r}) and with a point ({first['.']!r}); "
        f'say decimal="," or decimal=".", and the others are unreadable.'
    )
