"""Open deals whose close date has passed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from crmkpi.quality.findings import Impact
from crmkpi.quality.tables import CheckedTable, Inspector

__all__ = ["open_past_close_date"]


def open_past_close_date(table: CheckedTable) -> Iterable[Inspector]:
    """Open deals that should have been closed by the day up to which the data is known: forgotten, or lost."""
    if table.name != "deals" or table.today is None:
        return
    today = table.today

    def is_forgotten(deal: Any) -> bool:
        hoped = deal.expected_close_on
        if hoped is None and deal.closed_at is not None:
            hoped = table.day(deal.closed_at)
        return deal.status == "open" and hoped is not None and hoped < today

    yield table.inspector(
        is_forgotten,
        code="open_past_close_date",
        what=f"open, and to be closed before {today}",
        show=("expected_close_on", "closed_at"),
        field="status",
        impacts=[Impact("still counted as open by", table.usage.counting("deals", "status", "open"))],
    )
