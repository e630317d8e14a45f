"""Blank texts, which are missing values in records, in all readers and in frames."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic_core import CoreSchema, core_schema

from crmkpi._read_only import ReadOnly

__all__ = ["BLANKS", "TextMark", "is_blank", "without_blanks"]

BLANKS = " \t\n\x0b\x0c\r"


def is_blank(value: object) -> bool:
    """Whether a value is a blank text: empty, or only blanks, tabs and line ends.

    >>> [is_blank(value) for value in ("", "  ", "-", None)]
    [True, True, False, False]
    """
    return isinstance(value, str) and not value.strip(BLANKS)


def without_blanks(attributes: Mapping[str, Any]) -> ReadOnly[str, Any]:
    """Read-only attributes, without blank texts."""
    for value in attributes.values():
        if value.__class__ is str and not value.strip(BLANKS):
            return ReadOnly({name: each for name, each in attributes.items() if not is_blank(each)})
    return ReadOnly(attributes)


class TextMark:
    """Marks a text field whose blank value is missing, as in a file; a required field then raises an error.

    pydantic's core tests for blanks, since a Python function would take as long as the rest of the validation.
    """

    def __get_pydantic_core_schema__(self, source: object, handler: object) -> CoreSchema:
        text = core_schema.str_schema(pattern=f"[^{BLANKS}]")
        if source is str:
            return text
        blank = core_schema.str_schema(pattern=f"^[{BLANKS}]*$")
        nothing = core_schema.with_default_schema(core_schema.none_schema(), default=None, on_error="default")
        either = core_schema.union_schema([text, core_schema.chain_schema([blank, nothing])], mode="left_to_right")
        return core_schema.nullable_schema(either)
