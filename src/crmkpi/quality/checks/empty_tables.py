"""Tables without any record."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from crmkpi.quality.findings import Finding
from crmkpi.quality.tables import CheckedTable, Inspector

__all__ = ["empty_tables"]


def empty_tables(table: CheckedTable) -> Iterable[Inspector]:
    """A table without records makes counts 0 and shares undefined, which hides a failed export."""
    yield _EmptyTables(table)


@dataclass(slots=True)
class _EmptyTables:
    table: CheckedTable

    def see(self, records: Sequence[Any]) -> None:
        """Do nothing: there are no records."""

    def findings(self) -> Iterable[Finding]:
        if not self.table.count:
            impacts = [self.table.impact("nothing to count in")]
            yield self.table.finding("empty_tables", "no record at all", level="error", count=0, impacts=impacts)
