"""Records that equal another one in all fields except the id."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

from crmkpi.quality.findings import Finding
from crmkpi.quality.tables import CheckedTable, Inspector, shown

__all__ = ["duplicate_records"]

_ENOUGH = 4  # filled fields; records with fewer are equal by chance


def duplicate_records(table: CheckedTable) -> Iterable[Inspector]:
    """Records that equal another one except for the id: entered or imported twice. Records need a date to compare."""
    names = tuple(name for name, known in table.type_.fields.items() if name != "id" and known.kind != "attributes")
    if table.moments and len(names) > 1:
        attributes = table.fields("attributes")
        yield _Records(table, attrgetter(*names), names.index(table.moments[0]), attributes)


@dataclass(slots=True)
class _Records:
    table: CheckedTable
    values: Callable[[Any], tuple[Any, ...]]
    start: int
    attributes: tuple[str, ...]
    known: dict[Any, str | None] = field(default_factory=dict)
    count: int = 0
    example: str = ""

    def see(self, records: Sequence[Any]) -> None:
        for record in records:
            values = self.values(record)
            if values[self.start] is None:
                continue
            own = getattr(record, "id", None)
            if sum(value is not None for value in values) < min(_ENOUGH, len(values)):
                continue
            whole = (values, *(tuple(getattr(record, name).items()) for name in self.attributes))
            if whole not in self.known:
                self.known[whole] = own
            elif own is None or own != self.known[whole]:  # else `duplicate_ids` reports it
                self.count += 1
                self.example = self.example or shown(record, self.table.moments[0])

    def findings(self) -> Iterable[Finding]:
        if self.count:
            yield self.table.finding(
                "duplicate_records",
                "the same as another record in everything but the id",
                count=self.count,
                example=self.example,
                impacts=[self.table.impact("counted again by")],
            )
