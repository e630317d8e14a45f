"""From the text of a number to a number, where the file may write 1.234,56 or $1,234.56 or 1.2K or 12 %."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from crmkpi.errors import CurrencyError, InputError
from crmkpi.sources.limits import LONGEST_NUMBER
from crmkpi.sources.tallies import Count

__all__ = ["DecimalSign", "NumberReader", "check_usual", "has_decimal_commas", "number_reader", "settled_decimal"]

DecimalSign = Literal[".", ","]

_SPACES = " \u00a0\u202f'\u2019"  # what else sets thousands apart: spaces and the Swiss apostrophe
_COMMA_DECIMAL = re.compile(rf"([+-]?(?:[1-9]\d{{0,2}}(?:[.{_SPACES}]\d{{3}})+|\d+)?)(?:,(\d+))?", re.ASCII)
_POINT_DECIMAL = re.compile(rf"([+-]?(?:[1-9]\d{{0,2}}(?:[,{_SPACES}]\d{{3}})+|\d+)?)(?:\.(\d+))?", re.ASCII)
_COULD_BE_BOTH = re.compile(r"[+-]?[1-9]\d{0,2}[.,]\d{3}", re.ASCII)
_CURRENCY = r"[$€£¥₹₽₩₺₫₪]|[A-Z]{1,3}\$|[A-Z]{3}"
_ADORNED = re.compile(
    rf"(?P<bracket>\()?\s*(?P<sign>[+\-\u2212])?\s*(?P<before>{_CURRENCY})?\s*(?P<inner>[+\-\u2212])?\s*"
    rf"(?P<number>\d[\d.,{_SPACES}]*|[.,]\d+)\s*(?P<scale>[KkMmBb])?\s*(?P<percent>%)?\s*(?P<after>{_CURRENCY})?\s*\)?",
    re.ASCII,
)
_PLAIN = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_UNUSUAL = re.compile(r"[+-]?[\d._]+[eE][+-]?\d{4,}", re.ASCII)
_NO_NUMBER = ("--", "\u2013", "\u2014")
_SCALES = {"k": 1_000, "m": 1_000_000, "b": 1_000_000_000}

Kind = Literal["money", "number", "integer"]


def check_usual(cells: Sequence[Any]) -> None:
    """Have numbers of an unusual size looked at one by one: 1e999999999 is short, and no memory could hold it."""
    texts = [cell for cell in cells if isinstance(cell, str)]
    whole = "".join(texts)
    if "e" in whole or "E" in whole or max(map(len, texts), default=0) > LONGEST_NUMBER:
        raise ValueError


def number_reader(decimal: DecimalSign) -> Callable[[Any], Any]:
    """A function from the text of a number to text with a decimal point and nothing else; thousands may be set apart.

    >>> number_reader(",")("1.234,56")
    '1234.56'
    >>> number_reader(".")("1,234.56")
    '1234.56'
    """
    pattern = _COMMA_DECIMAL if decimal == "," else _POINT_DECIMAL

    def read(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        found = pattern.fullmatch(value.strip())
        if found is None or not any(character.isdigit() for character in value):
            raise ValueError(f"not a number with {decimal!r} before its decimals")
        whole = re.sub(r"[^\d+-]", "", found[1])
        return f"{whole}.{found[2]}" if found[2] else whole

    return read


class NumberReader:
    """Reads the values of one column of numbers; what does not read is a `ValueError` with the reason.

    A currency sign is dropped (two different ones in a column are an error), K, M and B multiply, a percentage becomes
    a fraction, a number in brackets is negative, and two dashes are no value. Which of point and comma sets off the
    decimals is settled once, from all `values` of the column, when the first number comes along that shows it. Whole
    numbers have no decimals, so both set thousands apart.
    """

    def __init__(
        self,
        *,
        column: str,
        values: Callable[[], Iterable[Any]],
        kind: Kind,
        decimal: DecimalSign | None,
        count: Count,
    ) -> None:
        self._column = column
        self._values = values
        self._kind = kind
        self._count = count
        self._shown: tuple[str, str, str] | None = None
        self._currency: str | None = None
        self.decimal = decimal
        self.was_open = decimal is None  # so that numbers may have been read before the sign was known

    def __call__(self, value: Any) -> Any:
        """The number as text with a decimal point, or None where there is none."""
        if not isinstance(value, str):
            return value
        text = value.strip()
        if len(text) > LONGEST_NUMBER:
            raise ValueError(f"not a number: it has more than {LONGEST_NUMBER} characters")
        if text in _NO_NUMBER:
            self._count("dashes are no value")
            return None
        if _PLAIN.fullmatch(text) and ("." not in text or self._settled(text) == "."):
            return text
        found = _ADORNED.fullmatch(text)
        if found is None or ("(" in text) != (")" in text):
            if self.decimal == "," and any(map(str.isdigit, text)):
                raise ValueError("not a number with ',' before its decimals")
            if _UNUSUAL.fullmatch(text):
                raise ValueError("not a number of a usual size")
            return value  # the record says what is wrong with it
        return self._adorned(found)

    def _settled(self, text: str) -> DecimalSign:
        """The decimal sign of the column; where nothing shows it, a plain number has a point."""
        if self.decimal is not None:
            return self.decimal
        if self._kind == "integer":
            return "."
        if self._shown is None:
            self._shown = _shown(map(_bare, self._values()))
        comma, point, doubtful = self._shown
        if not (comma or point):
            if _PLAIN.fullmatch(text):
                return "."
            raise _doubt(self._column, doubtful)
        self.decimal = "." if point else ","
        return self.decimal

    def _adorned(self, found: re.Match[str]) -> str:
        number = self._bare_number(found["number"].strip())
        negative = [bool(found["bracket"]), *(found[name] in ("-", "\u2212") for name in ("sign", "inner"))]
        if sum(negative) > 1:
            raise ValueError("not a number: it has two signs")
        currency = found["before"] or found["after"]
        if currency:
            self._check_currency(currency)
        value = number
        if found["percent"]:
            if self._kind != "number" or found["scale"]:
                raise ValueError("not a number that can be a percentage")
            value = _times(value, Decimal("0.01"))
            self._count("percent to a fraction")
        if found["scale"]:
            value = _times(value, Decimal(_SCALES[found["scale"].lower()]))
            self._count(f"{found['scale'].upper()} multiplied out")
        if found["bracket"]:
            self._count("brackets to a minus")
        return f"-{value}" if any(negative) else value

    def _bare_number(self, text: str) -> str:
        if not any(mark in text for mark in f".,{_SPACES}"):
            return text
        decimal = self._settled(text) if "," in text or "." in text else self.decimal or "."
        read: str = number_reader(decimal)(text)
        if len(read) < len(text):
            self._count("thousands set apart")
        if decimal == "," and "." in read:
            self._count("decimal comma")
        return read

    def _check_currency(self, currency: str) -> None:
        if self._currency is None:
            self._currency = currency
        elif self._currency != currency:
            raise CurrencyError(
                f"The column {self._column!r} has amounts in {self._currency} and in {currency}; split the file by "
                f"currency, or drop the column with columns={{{self._column!r}: None}}."
            )
        self._count(f"currency sign {currency} dropped")


def _times(number: str, factor: Decimal) -> str:
    try:
        return f"{Decimal(number) * factor:f}"
    except InvalidOperation:
        raise ValueError("not a number of a usual size") from None


def _bare(value: Any) -> str:
    """The number within a text that may have a currency and the like around it."""
    found = _ADORNED.fullmatch(value.strip()) if isinstance(value, str) and len(value) <= LONGEST_NUMBER else None
    return "" if found is None else found["number"].strip()


def settled_decimal(column: str, values: Iterable[Any]) -> DecimalSign:
    """The decimal sign of a column, from all of its values.

    1.234,56 and 12,5 and 1.234.567 show a comma; 1,234.56 and 12.5 and 1,234,567 show a point. A column that shows both
    is an error, and so is one in which the only marks are those of numbers like 1.234, which may be a thousand or one.

    >>> settled_decimal("amount", ["12,5", "1.234"])
    ','
    """
    comma, point, doubtful = _shown(values)
    if comma and point:
        raise InputError(
            f"The column {column!r} writes decimals with a comma ({comma!r}) and with a point ({point!r}); "
            f'say decimal="," or decimal=".", and the others are rejected.'
        )
    if doubtful and not (comma or point):
        raise _doubt(column, doubtful)
    return "," if comma else "."


def has_decimal_commas(values: Iterable[Any]) -> bool:
    """Whether the numbers of a column show a decimal comma and none shows a point, whatever stands around them.

    >>> has_decimal_commas(["1.234,56 €", "7"]), has_decimal_commas(["$1,234.56", "7,5"])
    (True, False)
    """
    comma, point, _ = _shown(map(_bare, values))
    return bool(comma) and not point


def _shown(values: Iterable[Any]) -> tuple[str, str, str]:
    """The first number that shows a decimal comma, the first that shows a point, and the first that could be either."""
    comma, point, doubtful = "", "", ""
    for value in values:
        text = value.strip() if isinstance(value, str) else ""
        if not ("," in text or "." in text):
            continue
        if _COULD_BE_BOTH.fullmatch(text):
            doubtful = doubtful or text
            continue
        if not comma and _COMMA_DECIMAL.fullmatch(text):
            comma = text
        if not point and _POINT_DECIMAL.fullmatch(text):
            point = text
    return comma, point, doubtful


def _doubt(column: str, example: str) -> InputError:
    return InputError(
        f"The numbers in the column {column!r} could have thousands or decimals, for example {example!r}; "
        f'say decimal="," or decimal=".".'
    )
