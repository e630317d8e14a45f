"""Subscriptions of one customer to one plan that run at the same time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from crmkpi.quality.findings import Finding
from crmkpi.quality.tables import CheckedTable, Inspector
from crmkpi.records.faults import shortened

__all__ = ["overlapping_subscriptions"]

_Span = tuple[datetime, datetime | None, str]


def overlapping_subscriptions(table: CheckedTable) -> Iterable[Inspector]:
    """A customer may have several plans, but rarely one of them twice: usually an old price was not ended."""
    if table.name == "subscriptions":
        yield _Spans(table)


@dataclass(slots=True)
class _Spans:
    table: CheckedTable
    spans: dict[tuple[str, str | None], list[_Span]] = field(default_factory=dict)

    def see(self, records: Sequence[Any]) -> None:
        wall = self.table.crm.calendar.wall
        for one in records:
            if one.customer_id is not None and one.started_at is not None:
                end = None if one.ended_at is None else wall(one.ended_at)
                self.spans.setdefault((one.customer_id, one.plan), []).append((wall(one.started_at), end, one.id))

    def findings(self) -> Iterable[Finding]:
        pairs = [pair for spans in self.spans.values() if len(spans) > 1 for pair in _overlaps(spans)]
        if pairs:
            yield self.table.finding(
                "overlapping_subscriptions",
                "begin while the same customer has the same plan already",
                field="started_at",
                count=len(pairs),
                example=f"{shortened(pairs[0][1])} while {shortened(pairs[0][0])} runs",
                impacts=[self.table.impact("both added up in", "mrr", "value")],
            )


def _overlaps(spans: list[_Span]) -> Iterable[tuple[str, str]]:
    """Pairs of the longest running earlier subscription and one that begins while it runs."""
    last, *rest = sorted(spans, key=lambda span: (span[0], span[2]))
    for span in rest:
        if last[1] is None or span[0] < last[1]:
            yield last[2], span[2]
        if last[1] is not None and (span[1] is None or span[1] > last[1]):
            last = span
