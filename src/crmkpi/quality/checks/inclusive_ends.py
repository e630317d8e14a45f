"""Ends that include their day: each term ends the day before the same customer's next one begins."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from crmkpi.measuring.whole_days import Term, day_before
from crmkpi.quality.findings import Finding
from crmkpi.quality.tables import CheckedTable, Inspector
from crmkpi.records.faults import shortened

__all__ = ["inclusive_ends"]


def inclusive_ends(table: CheckedTable) -> Iterable[Inspector]:
    """An end is exclusive, the first moment without the subscription; an inclusive one turns renewals into churn."""
    if table.name == "subscriptions":
        yield _Terms(table)


@dataclass(slots=True)
class _Terms:
    table: CheckedTable
    terms: dict[str, list[Term]] = field(default_factory=dict)

    def see(self, records: Sequence[Any]) -> None:
        wall = self.table.crm.calendar.wall
        for one in records:
            if one.customer_id is not None and one.started_at is not None:
                end = None if one.ended_at is None else wall(one.ended_at)
                self.terms.setdefault(one.customer_id, []).append((wall(one.started_at), end, one.id))

    def findings(self) -> Iterable[Finding]:
        pairs = [pair for terms in self.terms.values() for pair in day_before(terms)]
        if pairs:
            yield self.table.finding(
                "inclusive_ends",
                "end the day before the same customer's next begins: an end here seems to include its day, which "
                "ends='inclusive' says when the file is read",
                field="ended_at",
                count=len(pairs),
                example=f"{shortened(pairs[0][0])} before {shortened(pairs[0][1])}",
                impacts=[self.table.impact("a loss and a return in", "ended_at")],
            )
