"""Records that are the same as another one in everything but the id."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

from crmkpi.quality.findings import Finding
from crmkpi.quality.tables import CheckedTable, Watch, shown

__all__ = ["duplicate_records"]


def duplicate_records(table: CheckedTable) -> Iterable[Watch]:
    """The same in everything but the id: entered or imported twice. Records without a date are too bare to tell."""
    names = tuple(name for name, known in table.type_.fields.items() if name != "id" and known.kind != "attributes")
    if table.moments and len(names) > 1:
        yield _Records(table, attrgetter(*names), names.index(table.moments[0]))


@dataclass(slots=True)
class _Records:
    table: CheckedTable
    values: Callable[[Any], tuple[Any, ...]]
    start: int
    known: dict[Any, str] = field(default_factory=dict)
    count: int = 0
    example: str = ""

    def see(self, records: Sequence[Any]) -> None:
        for record in records:
            values = self.values(record)
            if values[self.start] is None:
                continue
            first = self.known.setdefault((values, tuple(record.attributes.items())), record.id)
            if first != record.id:
                self.count += 1
                self.example = self.example or f"{shown(record)} and {first!r}"

    def findings(self) -> Iterable[Finding]:
        if self.count:
            yield self.table.finding(
                "duplicate_records",
                "the same as another record in everything but the id",
                count=self.count,
                example=self.example,
                effects=[self.table.effect("counted again by")],
            )
