"""References to missing records: a ticket whose customer is not in the data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from crmkpi.quality.findings import Finding, Impact
from crmkpi.quality.tables import CheckedTable, Inspector, shown
from crmkpi.records.base import Relation
from crmkpi.records.faults import shortened

__all__ = ["orphans"]

_MOST = 0.5  # from this share on the ids differ in format, or come from two companies


def orphans(table: CheckedTable) -> Iterable[Inspector]:
    """References to records that another table of the dataset lacks."""
    for relation in table.type_.relations.values():
        if relation.table in table.crm.tables:
            yield _References(table, relation)


@dataclass(slots=True)
class _References:
    table: CheckedTable
    relation: Relation
    counts: dict[str, int] = field(default_factory=dict)
    examples: dict[str, str] = field(default_factory=dict)

    def see(self, records: Sequence[Any]) -> None:
        key = self.relation.key
        for record in records:
            other = getattr(record, key)
            if other is not None:
                self.counts[other] = self.counts.get(other, 0) + 1
                if other not in self.examples:
                    self.examples[other] = shown(record)

    def findings(self) -> Iterable[Finding]:
        known = self.table.ids[self.relation.table]
        lost = [other for other in self.counts if other not in known]
        if not lost:
            return
        name = f"{self.relation.name}..."
        yield self.table.finding(
            "orphans",
            f"{self.relation.key} leads to no record of {self.relation.table}, so by={name!r} knows nothing of it",
            field=self.relation.key,
            count=sum(self.counts[other] for other in lost),
            of=sum(self.counts.values()),
            example=f"{self.examples[lost[0]]} ({self.relation.key} {shortened(lost[0])})",
            impacts=[self._impact()],
            error_from=_MOST,
        )

    def _impact(self) -> Impact:
        """The impact on the KPIs that read both tables, or the reference itself."""
        both = set(self.table.usage.of_table(self.table.name)) & set(self.table.usage.of_table(self.relation.table))
        keyed = self.table.usage.of(self.table.name, self.relation.key)
        names = self.table.usage.of_table(self.table.name)
        return Impact("may not fit together in", tuple(name for name in names if name in both or name in keyed))
