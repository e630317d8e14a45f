"""Texts of nothing but blanks, which are no values: in records, and so in all that is read and in frames."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic_core import CoreSchema, core_schema

from crmkpi._read_only import ReadOnly

__all__ = ["BLANKS", "TextMark", "is_blank", "without_blanks"]

BLANKS = " \t\n\x0b\x0c\r"


def is_blank(value: object) -> bool:
    """Whether a value is a text that stands for nothing: empty, or nothing but blanks, tabs and ends of lines.

    >>> [is_blank(value) for value in ("", "  ", "-", None)]
    [True, True, False, False]
    """
    return isinstance(value, str) and not value.strip(BLANKS)


def without_blanks(attributes: Mapping[str, Any]) -> ReadOnly[str, Any]:
    """Attributes that cannot be changed, without texts that are blank."""
    for value in attributes.values():
        if value.__class__ is str and not value.strip(BLANKS):
            return ReadOnly({name: each for name, each in attributes.items() if not is_blank(each)})
    return ReadOnly(attributes)


class TextMark:
    """Marks a text of which a blank stands for nothing, as in a file; a field that must have a text lacks it then.

    The validator itself tells a blank from a text, since a function of Python would take as long as the rest.
    """

    def __get_pydantic_core_schema__(self, source: object, handler: object) -> CoreSchema:
        text = core_schema.str_schema(pattern=f"[^{BLANKS}]")
        if source is str:
            return text
        blank = core_schema.str_schema(pattern=f"^[{BLANKS}]*$")
        nothing = core_schema.with_default_schema(core_schema.none_schema(), default=None, on_error="default")
        either = core_schema.union_schema([text, core_schema.chain_schema([blank, nothing])], mode="left_to_right")
        return core_schema.nullable_schema(either)
