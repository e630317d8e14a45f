"""Months without new records, between months with many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from crmkpi.quality.findings import Finding
from crmkpi.quality.tables import CheckedTable, Inspector

__all__ = ["empty_periods"]

_BUSY = 5  # records in a usual month; with fewer, an empty month is plausible


def empty_periods(table: CheckedTable) -> Iterable[Inspector]:
    """A month that is missing in an export looks like a month without any events."""
    if table.moments:
        yield _Months(table, table.moments[0])


@dataclass(slots=True)
class _Months:
    table: CheckedTable
    start: str
    counts: Counter[int] = field(default_factory=Counter)

    def see(self, records: Sequence[Any]) -> None:
        wall = self.table.crm.calendar.wall
        moments = [wall(moment) for record in records if (moment := getattr(record, self.start)) is not None]
        self.counts.update([moment.year * 12 + moment.month - 1 for moment in moments if self.table.is_known(moment)])

    def findings(self) -> Iterable[Finding]:
        if not self.counts or median(self.counts.values()) < _BUSY:
            return
        first, last = min(self.counts), max(self.counts)
        impacts = [self.table.impact("as if nothing happened in", self.start)]
        empty = [month for month in range(first, last) if month not in self.counts]
        if empty:
            yield self.table.finding(
                "empty_periods",
                "months in which nothing begins, between months in which much does",
                field=self.start,
                count=len(empty),
                of=last - first + 1,
                example=_name(empty[0]),
                impacts=impacts,
            )
        today = self.table.today
        silent = 0 if today is None else today.year * 12 + today.month - 1 - last
        if silent > 1:  # the last month may have only just begun
            yield self.table.finding(
                "empty_periods",
                f"nothing begins after {_name(last)}, and the data is said to be known up to {today}",
                field=self.start,
                count=silent,
                of=last - first + 1 + silent,
                example=_name(last + 1),
                impacts=impacts,
            )


def _name(month: int) -> str:
    return f"{month // 12}-{month % 12 + 1:02}"
