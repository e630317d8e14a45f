"""Events after the day up to which the data is known."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from crmkpi.quality.tables import CheckedTable, Inspector

__all__ = ["future_dates"]

_PLANNED = ("sla_due_at", "trial_end")  # valid in the future
_ENDS = ("ended_at", "until")  # valid in the future if as_of is known


def future_dates(table: CheckedTable) -> Iterable[Inspector]:
    """Dates after the day up to which the data is known, or else after today.

    Due times, and close dates of open deals, may be later. Without `as_of`, a record with an end counts as over.
    """
    for name in table.moments:
        if name not in _PLANNED and (name not in _ENDS or table.today is None):
            yield _inspector(table, name)


def _inspector(table: CheckedTable, name: str) -> Inspector:
    now = datetime.now(table.crm.calendar.zone)
    wall = now.replace(tzinfo=None)
    known = table.today is not None
    day = f"{table.today}, the day up to which the data is known" if known else f"today, {wall.date()}"
    return table.inspector(
        lambda record: (
            (moment := getattr(record, name)) is not None
            and (not table.is_known(moment) if known else moment > (wall if moment.tzinfo is None else now))
            and not (name == "closed_at" and record.status == "open")
        ),
        code="future_dates",
        what=f"{name} after {day}",
        show=(name,),
        field=name,
        impacts=[
            table.impact("in a period that is not over in", name, "date"),
            *([table.impact("counted as over, without as_of, in", name, "condition")] if name in _ENDS else []),
        ],
    )
