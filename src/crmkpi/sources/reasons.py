"""Why a row is refused, in words that need no knowledge of the validator."""

from __future__ import annotations

from pydantic import ValidationError

from crmkpi.sources.loaded import Rejected, shortened

__all__ = ["explained"]

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


def explained(problem: ValidationError, line: int) -> Rejected:
    """The first thing that is wrong with a row."""
    error = problem.errors(include_url=False)[0]
    place = [part for part in error["loc"] if not isinstance(part, int)]
    if not place:
        return Rejected(line, None, None, str(error["ctx"]["error"]).removesuffix("."))
    field, kind, value = str(place[0]), error["type"], error["input"]
    reason = _PLAIN_REASONS.get(kind, "not a value that the field takes")
    if kind == "greater_than_equal":
        reason = f"below {error['ctx']['ge']}, the least that the field takes"
    elif kind == "less_than_equal":
        reason = f"above {error['ctx']['le']}, the most that the field takes"
    elif kind == "value_error":
        reason = str(error["ctx"]["error"]).removesuffix(".")
    elif reason == "not a number" and isinstance(value, str) and "," in value:
        reason = "not a number; where commas set decimals or thousands apart, decimal= says so"
    return Rejected(line, field, None if kind == "missing" else shortened(value), reason)
