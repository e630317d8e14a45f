"""A status, or another word, that the record does not know."""

from __future__ import annotations

from collections.abc import Iterable

from crmkpi.quality.checks.unreadable_rows import UnreadableValues
from crmkpi.quality.tables import CheckedTable, Inspector

__all__ = ["unknown_words"]


def unknown_words(table: CheckedTable) -> Iterable[Inspector]:
    """An unknown word is never guessed at, so it counts for no KPI that reads it; one finding for each word."""
    yield UnreadableValues(table, "unknown_words", lambda one: (one.field, one.value))
