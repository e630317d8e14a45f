"""Rows with a status, or another word, that the record does not know."""

from __future__ import annotations

from collections.abc import Iterable

from crmkpi.quality.checks.unreadable_rows import RejectedRows, kind_of
from crmkpi.quality.tables import CheckedTable, Watch

__all__ = ["unknown_words"]


def unknown_words(table: CheckedTable) -> Iterable[Watch]:
    """An unknown word is never guessed at, so its row counts nowhere; one finding for each word."""
    rows = [row for row in table.rejected if kind_of(row) == "unknown_words"]
    for field, word in dict.fromkeys((row.field, row.value) for row in rows):
        alike = [row for row in rows if (row.field, row.value) == (field, word)]
        yield RejectedRows(table, "unknown_words", f"{field} {word} is unknown, so its rows are not read", alike)
