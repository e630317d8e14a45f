"""A status, or another word, that is not one of the field's values."""

from __future__ import annotations

from collections.abc import Iterable

from crmkpi.quality.checks.unreadable_rows import UnreadableValues
from crmkpi.quality.tables import CheckedTable, Inspector

__all__ = ["unknown_words"]


def unknown_words(table: CheckedTable) -> Iterable[Inspector]:
    """Unknown words are not guessed, so KPIs that read them leave the record out; one finding for each word."""
    yield UnreadableValues(table, "unknown_words", lambda one: (one.field, one.value))
