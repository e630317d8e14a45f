"""From the text of a number to a number, where the file may write 1.234,56 or 1,234.56."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, Literal

from crmkpi.errors import InputError

__all__ = ["DecimalSign", "number_reader", "settled_decimal"]

DecimalSign = Literal[".", ","]

_SPACES = " \u00a0\u202f'\u2019"  # what else sets thousands apart: spaces and the Swiss apostrophe
_COMMA_DECIMAL = re.compile(rf"([+-]?(?:[1-9]\d{{0,2}}(?:[.{_SPACES}]\d{{3}})+|\d+)?)(?:,(\d+))?", re.ASCII)
_POINT_DECIMAL = re.compile(rf"([+-]?(?:[1-9]\d{{0,2}}(?:[,{_SPACES}]\d{{3}})+|\d+)?)(?:\.(\d+))?", re.ASCII)
_COULD_BE_BOTH = re.compile(r"[+-]?[1-9]\d{0,2}[.,]\d{3}", re.ASCII)


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


def settled_decimal(column: str, values: Iterable[Any]) -> DecimalSign:
    """The decimal sign of a column, from all of its values.

    1.234,56 and 12,5 and 1.234.567 show a comma; 1,234.56 and 12.5 and 1,234,567 show a point. A column that shows both
    is an error, and so is one in which the only marks are those of numbers like 1.234, which may be a thousand or one.

    >>> settled_decimal("amount", ["12,5", "1.234"])
    ','
    """
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
    if comma and point:
        raise InputError(
            f"The column {column!r} writes decimals with a comma ({comma!r}) and with a point ({point!r}); "
            f'say decimal="," or decimal=".", and the others are rejected.'
        )
    if doubtful and not (comma or point):
        raise InputError(
            f"The numbers in the column {column!r} could have thousands or decimals, for example {doubtful!r}; "
            f'say decimal="," or decimal=".".'
        )
    return "," if comma else "."
