"""Records with the id of another record."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from crmkpi.quality.findings import Finding
from crmkpi.quality.tables import CheckedTable, Inspector, shown

__all__ = ["duplicate_ids"]


def duplicate_ids(table: CheckedTable) -> Iterable[Inspector]:
    """Duplicate ids: two concatenated exports, or a join that multiplied rows.

    In lists and files such a record is left out; in streams, frames and databases it counts again in every KPI.
    """
    if "id" in table.type_.fields:
        yield _Ids(table)


@dataclass(slots=True)
class _Ids:
    table: CheckedTable
    example: str = ""

    def see(self, records: Sequence[Any]) -> None:
        before = self.table.ids[self.table.name]
        here: set[str] = set()
        for record in records:
            if record.id in before or record.id in here:
                self.example = self.example or shown(record)
            here.add(record.id)

    def findings(self) -> Iterable[Finding]:
        left_out = self.table.crm.searched(self.table.name)
        again = self.table.count - len(self.table.ids[self.table.name])
        if again:
            yield self.table.finding(
                "duplicate_ids",
                "the id of another record again",
                field="id",
                level="error",
                count=again,
                example=self.example,
                impacts=[self.table.impact("left out of" if left_out else "counted again by")],
            )
