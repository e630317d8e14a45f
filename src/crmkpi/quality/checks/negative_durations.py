"""Records with an event before their start."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import time
from typing import Any

from crmkpi.quality.findings import Impact
from crmkpi.quality.tables import CheckedTable, Inspector

__all__ = ["negative_durations"]

_MIDNIGHT = time()


def negative_durations(table: CheckedTable) -> Iterable[Inspector]:
    """An event before the start of the record. Dates without a time, on the day of the start, are a separate finding.

    A deal that was opened at nine and has the same day as its close date was not closed at midnight: its system does
    not store a time.
    """
    if not table.moments:
        return
    start, *others = table.moments
    for end in others:
        yield _inspector(table, start, end, f"{end} before {start}", of_day=False)
        yield _inspector(
            table,
            start,
            end,
            f"{end} without a time of day, on the day of {start}, so it seems earlier",
            of_day=True,
        )


def _inspector(table: CheckedTable, start: str, end: str, what: str, *, of_day: bool) -> Inspector:
    return table.inspector(
        lambda record: _is_before(record, start, end) and _lacks_time(table, record, start, end) == of_day,
        code="negative_durations",
        what=what,
        show=(start, end),
        field=end,
        impacts=[Impact("left out of", table.usage.comparing(table.name, start, end))],
    )


def _is_before(record: Any, start: str, end: str) -> bool:
    begun, ended = getattr(record, start), getattr(record, end)
    if begun is None or ended is None or (begun.tzinfo is None) != (ended.tzinfo is None):
        return False
    return bool(ended < begun)


def _lacks_time(table: CheckedTable, record: Any, start: str, end: str) -> bool:
    begun, ended = getattr(record, start), getattr(record, end)
    is_midnight = ended.time() == _MIDNIGHT or table.crm.calendar.wall(ended).time() == _MIDNIGHT
    return is_midnight and ended.date() == begun.date()
