"""What is wrong with a value, in words that need no knowledge of the validator."""

from __future__ import annotations

import reprlib

from pydantic import ValidationError

__all__ = ["fault", "shortened"]

_LONGEST_VALUE = 80
_PLAIN_REASONS = {
    "missing": "missing",
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


def fault(problem: ValidationError) -> tuple[str | None, str | None, str]:
    """The first thing that is wrong: the field, the value as Python writes it, and the reason.

    The field is missing where a record as a whole is wrong, the value where it is the one that is missing.
    """
    error = problem.errors(include_url=False)[0]
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
        reason = "not a number; where commas set decimals or thousands apart, decimal= says so"
    return field, None if kind == "missing" else shortened(value), reason


def shortened(value: object) -> str:
    """A value as Python writes it, cut at 80 characters.

    >>> shortened("n/a")
    "'n/a'"
    >>> len(shortened("x" * 1000))
    80
    """
    text = repr(value[:_LONGEST_VALUE]) if isinstance(value, str) else reprlib.repr(value)
    whole = not isinstance(value, str) or len(value) <= _LONGEST_VALUE
    return text if whole and len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 3] + "..."
