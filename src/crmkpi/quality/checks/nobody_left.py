"""Tables of customers or subscriptions without a single end date."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from crmkpi.quality.findings import Finding
from crmkpi.quality.tables import CheckedTable, Inspector

__all__ = ["nobody_left"]

_ENDS = {"customers": ("since", "until"), "subscriptions": ("started_at", "ended_at")}
_ENOUGH = 50
_LONG_ENOUGH = timedelta(days=180)


def nobody_left(table: CheckedTable) -> Iterable[Inspector]:
    """An export of current customers only lacks everyone who left: churn then reads 0 %."""
    if table.name in _ENDS:
        yield _Ends(table, *_ENDS[table.name])


@dataclass(slots=True)
class _Ends:
    table: CheckedTable
    start: str
    end: str
    ended: int = 0
    first: date | None = None
    last: date | None = None

    def see(self, records: Sequence[Any]) -> None:
        ended = (getattr(record, self.end) is not None or self.end in record.unreadable for record in records)
        self.ended += sum(ended)
        if not self.ended:
            days = [self.table.day(start) for record in records if (start := getattr(record, self.start)) is not None]
            self.first = min(filter(None, (self.first, *days)), default=None)
            self.last = max(filter(None, (self.last, *days)), default=None)

    def findings(self) -> Iterable[Finding]:
        last = self.table.today or self.last
        if self.ended or self.table.count < _ENOUGH or self.first is None or last is None:
            return
        if last - self.first >= _LONG_ENOUGH:
            yield self.table.finding(
                "nobody_left",
                f"none has ever ended since {self.first}; export those that left too",
                field=self.end,
                count=self.table.count,
                impacts=[self.table.impact("as if nobody ever left in", self.end)],
            )
