"""Won deals without any lost ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from crmkpi.quality.findings import Finding, Impact
from crmkpi.quality.tables import CheckedTable, Inspector

__all__ = ["lost_deals_absent"]

_ENOUGH = 10


def lost_deals_absent(table: CheckedTable) -> Iterable[Inspector]:
    """Some systems, such as Odoo, archive lost deals and do not export them: the win rate then reads 100 %."""
    if table.name == "deals":
        yield _LostDeals(table)


@dataclass(slots=True)
class _LostDeals:
    table: CheckedTable
    statuses: Counter[str] = field(default_factory=Counter)

    def see(self, records: Sequence[Any]) -> None:
        self.statuses.update([deal.status for deal in records])

    def findings(self) -> Iterable[Finding]:
        if self.statuses["won"] >= _ENOUGH and not self.statuses["lost"]:
            yield self.table.finding(
                "lost_deals_absent",
                "deals are won and none is lost; export the lost and archived ones too",
                field="status",
                level="error",
                count=self.statuses["won"],
                impacts=[Impact("misleading in", self.table.usage.counting("deals", "status", "lost"))],
            )
