"""Describe a fault of a user's preset in one sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from crmkpi.errors import did_you_mean
from crmkpi.sources.presets.model import LeaveOut, Preset, PresetColumn, StageColumns, Warn

__all__ = ["fault"]

_PARTS: Mapping[str, type[BaseModel]] = {
    "columns": PresetColumn,
    "leave_out": LeaveOut,
    "stages": StageColumns,
    "warn": Warn,
}
# An example of each required key, by the part of a preset to which it belongs.
_TO_WRITE: Mapping[tuple[str, str], str] = {
    ("", "system"): '"system": "HubSpot", the system that the export comes from',
    ("", "title"): '"title": "Deals", what the export holds',
    ("", "record"): '"record": "Deal", the class of its records, or null where it holds totals',
    ("", "columns"): '"columns": [{"headers": "Deal ID", "fills": "id"}], what each column fills',
    ("columns", "headers"): '"headers": "Deal ID", the name of the column or a list of its names',
    ("leave_out", "reason"): '"reason": "total row", why the rows are no records',
    ("stages", "id"): '"id": ["Record ID"], the names of the column of ids',
    ("stages", "entered"): '"entered": ["Date entered \\"<stage>\\""], the names of the columns of dates',
    ("warn", "without"): '"without": {"status": "lost"}, the value that no record may have',
    ("warn", "note"): '"note": "Lost deals are archived.", what is said then',
}
_MUST_BE: Mapping[str, str] = {
    "string_type": "a text",
    "tuple_type": "a list",
    "dict_type": "an object",
    "model_type": "an object",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "too_short": "longer than nothing",
    "string_too_short": "longer than nothing",
}


def fault(name: object, error: Mapping[str, Any]) -> str:
    """The sentence about a fault that pydantic found in the named preset."""
    location = tuple(error["loc"])
    part = str(location[0]) if len(location) > 1 and location[0] in _PARTS else ""
    *head, key = location or ("",)
    inside = _place(head)
    match error["type"]:
        case "missing":
            return f"The preset {name!r} lacks the key {key!r}{inside}; write {_TO_WRITE[part, str(key)]}."
        case "extra_forbidden":
            known = (_PARTS[part] if part else Preset).model_fields
            return f"The preset {name!r} has no key {key!r}{inside}. {did_you_mean(str(key), known)}"
        case "value_error":
            reason = error["msg"].removeprefix("Value error, ").removesuffix(".")
            return f"The preset {name!r} has a fault{_place(location)}: {reason}."
        case "literal_error":
            must = error["ctx"]["expected"]
        case other:
            must = _MUST_BE.get(other) or error["msg"].removeprefix("Input should be ")
    return f"The preset {name!r} has a fault{_place(location)}: it must be {must}; got {error['input']!r}."


def _place(location: tuple[Any, ...] | list[Any]) -> str:
    """The location in a preset, with list entries counted from 1."""
    words = [f"entry {part + 1}" if isinstance(part, int) else str(part) for part in location]
    return f" at {', '.join(words)}" if words else ""
