"""Tables without any record."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from crmkpi.quality.findings import Finding
from crmkpi.quality.tables import CheckedTable, Watch

__all__ = ["empty_tables"]


def empty_tables(table: CheckedTable) -> Iterable[Watch]:
    """A table without records makes counts 0 and shares undefined, which nobody takes for a failed export."""
    yield _EmptyTables(table)


@dataclass(slots=True)
class _EmptyTables:
    table: CheckedTable

    def see(self, records: Sequence[Any]) -> None:
        """There is nothing to look at."""

    def findings(self) -> Iterable[Finding]:
        if not self.table.count:
            effects = [self.table.effect("nothing to count in")]
            yield self.table.finding("empty_tables", "no record at all", level="error", count=0, effects=effects)
