"""Words that stand for "nothing": n/a, unknown, test."""

from __future__ import annotations

from collections.abc import Iterable

from crmkpi.quality.tables import CheckedTable, Inspector

__all__ = ["placeholder_words"]

_PLACEHOLDERS = frozenset(
    (
        *("-", "--", ".", "?", "n/a", "#n/a", "na", "nan", "none", "null", "nil", "(blank)"),
        *("unknown", "undefined", "unassigned", "not set", "not available"),
        *("tbd", "todo", "test", "dummy", "xxx"),
    )
)
_FREE_TEXT = ("id", "name", "comment")


def placeholder_words(table: CheckedTable) -> Iterable[Inspector]:
    """Words that stand for a missing value: they form a segment separate from the records without a value."""
    for name in table.fields("text"):
        if name not in _FREE_TEXT:
            yield _inspector(table, name)


def _inspector(table: CheckedTable, name: str) -> Inspector:
    return table.inspector(
        lambda record: (text := getattr(record, name)) is not None and text.strip().casefold() in _PLACEHOLDERS,
        code="placeholder_words",
        what=f"{name} is a word that means nothing, and a segment of its own under by={name!r}",
        show=(name,),
        field=name,
        level="information",
    )
