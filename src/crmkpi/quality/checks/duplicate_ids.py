"""Records with an id that another record has already."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from crmkpi.quality.findings import Finding
from crmkpi.quality.tables import CheckedTable, Watch, shown

__all__ = ["duplicate_ids"]


def duplicate_ids(table: CheckedTable) -> Iterable[Watch]:
    """The same id again: two exports put together, or a join that multiplied rows. Each counts again in every KPI."""
    yield _Ids(table)


@dataclass(slots=True)
class _Ids:
    table: CheckedTable
    known: set[str] = field(default_factory=set)
    seen: int = 0
    example: str = ""

    def see(self, records: Sequence[Any]) -> None:
        if not self.example:
            before = set(self.known)
            for record in records:
                if record.id in before:
                    self.example = shown(record)
                    break
                before.add(record.id)
        self.known.update([record.id for record in records])
        self.seen += len(records)

    def findings(self) -> Iterable[Finding]:
        again = self.seen - len(self.known)
        if again:
            yield self.table.finding(
                "duplicate_ids",
                "the id of another record again",
                field="id",
                level="error",
                count=again,
                example=self.example,
                effects=[self.table.effect("counted again by")],
            )
