"""A timestamp that many records share: the time of an import, not of business events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from crmkpi.quality.findings import Finding
from crmkpi.quality.tables import CheckedTable, Inspector

__all__ = ["shared_timestamps"]

_TOTALS = ("campaigns", "expenses", "visits")  # their rows have days or months as dates, so many are equal
_ENOUGH = 20
_SHARE = 0.2
_BEYOND = 3  # times the count of the next one
_MOST_KEPT = 50_000


def shared_timestamps(table: CheckedTable) -> Iterable[Inspector]:
    """A timestamp that a fifth of all records share, three times as many as any other, is that of an import."""
    if table.name not in _TOTALS:
        for name in table.moments:
            yield _Moments(table, name)


@dataclass(slots=True)
class _Moments:
    table: CheckedTable
    name: str
    total: int = 0
    counts: Counter[datetime] = field(default_factory=Counter)

    def see(self, records: Sequence[Any]) -> None:
        moments = [moment for record in records if (moment := getattr(record, self.name)) is not None]
        self.total += len(moments)
        self.counts.update(moments)
        if len(self.counts) > _MOST_KEPT:  # a shared timestamp has occurred repeatedly by now, so drop those seen once
            self.counts = Counter({moment: count for moment, count in self.counts.items() if count > 1})

    def findings(self) -> Iterable[Finding]:
        (moment, most), (_, next_most) = [*self.counts.most_common(2), (None, 0), (None, 0)][:2]
        if moment is not None and most >= max(_ENOUGH, _SHARE * self.total, _BEYOND * next_most):
            yield self.table.finding(
                "shared_timestamps",
                f"the same {self.name}, as an import writes it",
                field=self.name,
                count=most,
                of=self.total,
                example=moment.isoformat(),
                impacts=[
                    self.table.impact("all in one period in", self.name, "date"),
                    self.table.impact("not what it seems in", self.name, "value"),
                ],
            )
