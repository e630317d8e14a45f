"""Records without a start date."""

from __future__ import annotations

from collections.abc import Iterable

from crmkpi.quality.tables import CheckedTable, Inspector

__all__ = ["missing_start_dates"]


def missing_start_dates(table: CheckedTable) -> Iterable[Inspector]:
    """Records without a start date: the first timestamp of their class, such as created_at of deals."""
    if not table.moments:
        return
    start = table.moments[0]
    yield table.inspector(
        lambda record: getattr(record, start) is None,
        code="missing_start_dates",
        what=f"no {start}",
        field=start,
        impacts=[
            table.impact("counted in no period by", start, "date"),
            table.impact("left out of", start, "value", "condition"),
        ],
    )
