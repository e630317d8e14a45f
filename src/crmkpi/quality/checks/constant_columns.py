"""Fields that hold the same value in every record."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from crmkpi.quality.findings import Finding
from crmkpi.quality.tables import CheckedTable, Inspector, shown

__all__ = ["constant_columns"]

_ENOUGH = 20
_MAY_BE = ("currency", "kind", "scale_high", "scale_low")  # one value for all is usual


def constant_columns(table: CheckedTable) -> Iterable[Inspector]:
    """The same value in every record carries no information, and is often the default of a form."""
    # Pydantic wraps a default that it validates.
    defaults = {known.name: getattr(known.default, "default", known.default) for known in fields(table.type_.model)}
    for name, known in table.type_.fields.items():
        if name not in _MAY_BE and known.kind != "attributes":
            yield _Column(table, name, defaults[name])


@dataclass(slots=True)
class _Column:
    table: CheckedTable
    name: str
    default: Any
    values: set[Any] = field(default_factory=set)
    example: str = ""

    def see(self, records: Sequence[Any]) -> None:
        if len(self.values) < 2:
            self.values.update([getattr(record, self.name) for record in records])
            self.example = self.example or shown(records[0], self.name)

    def findings(self) -> Iterable[Finding]:
        if len(self.values) == 1 and not self.values & {None, self.default} and self.table.count >= _ENOUGH:
            yield self.table.finding(
                "constant_columns",
                f"the same {self.name} in every record",
                field=self.name,
                level="information",
                count=self.table.count,
                example=self.example,
            )
