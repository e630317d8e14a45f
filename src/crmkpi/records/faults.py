"""Validation errors in plain words, without the terms of the validator."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

__all__ = ["FaultyFieldsError", "fault", "faults", "shortened"]

_LONGEST_VALUE = 80
_PLAIN_REASONS = {
    "missing": "missing",
    "string_pattern_mismatch": "missing",
    "decimal_parsing": "not a number",
    "decimal_type": "not a number",
    "float_parsing": "not a number",
    "float_type": "not a number",
    "finite_number": "not a finite number",
    "int_parsing": "not a whole number",
    "int_parsing_size": "not a whole number of a usual size",
    "int_from_float": "not a whole number",
    "int_type": "not a whole number",
    "bool_parsing": "neither yes nor no",
    "bool_type": "neither yes nor no",
    "string_type": "not text",
    "string_unicode": "not text",
}


class FaultyFieldsError(ValueError):
    """Fields that are each valid alone but contradict each other, found by a record's own check."""

    def __init__(self, reason: str, fields: tuple[str, ...]) -> None:
        super().__init__(reason)
        self.fields = fields


def fault(problem: ValidationError) -> tuple[str | None, str | None, str]:
    """The first fault: the field, the value as Python writes it, and the reason.

    The field is None if the record as a whole is wrong, the value if it is missing.
    """
    return _fault(problem.errors()[0])


def faults(problem: ValidationError) -> dict[str | None, tuple[str | None, str]]:
    """All faults by field: the value and the reason. A custom attribute is `attributes.NAME`."""
    found: dict[str | None, tuple[str | None, str]] = {}
    for error in problem.errors():
        name, value, reason = _fault(error)
        own = error.get("ctx", {}).get("error")
        if isinstance(own, FaultyFieldsError):
            values = error["input"]
            for each in own.fields:
                found.setdefault(each, (_given(values, each), reason))
        elif name == "attributes" and len(error["loc"]) > 1:
            found.setdefault(f"attributes.{error['loc'][1]}", (value, reason))
        else:
            found.setdefault(name, (value, reason))
    return found


def _given(values: Any, field: str) -> str | None:
    value = values.get(field) if isinstance(values, Mapping) else getattr(values, field, None)
    return None if value is None else shortened(value)


def _fault(error: ErrorDetails) -> tuple[str | None, str | None, str]:
    place = [part for part in error["loc"] if not isinstance(part, int)]
    if not place:
        return None, None, str(error["ctx"]["error"]).removesuffix(".")
    field, kind, value = str(place[0]), error["type"], error["input"]
    reason = _PLAIN_REASONS.get(kind, "not a value that the field takes")
    if kind == "greater_than_equal":
        reason = f"below {error['ctx']['ge']}, the least that the field takes"
    elif kind == "less_than_equal":
        reason = f"above {error['ctx']['le']}, the most that the field takes"
    elif kind == "literal_error":
        reason = f"not one of {error['ctx']['expected']}"
    elif kind == "unexpected_keyword_argument":
        reason = "not a field"
    elif kind == "value_error":
        reason = str(error["ctx"]["error"]).removesuffix(".")
    elif reason == "not a number" and isinstance(value, str) and "," in value:
        reason = "not a number; if commas separate decimals or thousands, say so with decimal="
    return field, None if reason == "missing" else shortened(value), reason


def shortened(value: object) -> str:
    """A value as Python writes it, dates as ISO text, cut at 80 characters.

    >>> shortened("n/a")
    "'n/a'"
    >>> len(shortened("x" * 1000))
    80
    """
    value = str(value) if isinstance(value, date) else value
    text = repr(value[:_LONGEST_VALUE]) if isinstance(value, str) else reprlib.repr(value)
    whole = not isinstance(value, str) or len(value) <= _LONGEST_VALUE
    return text if whole and len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 3] + "..."
