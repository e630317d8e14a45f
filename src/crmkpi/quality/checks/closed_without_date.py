"""Records whose status implies an event, without the date of the event."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from crmkpi._read_only import ReadOnly
from crmkpi.quality.tables import CheckedTable, Inspector

__all__ = ["closed_without_date"]

_GONE = {"churned", "cancelled", "canceled", "lost", "former", "inactive"}

# For each table: the condition of an event, the field of its date, the text of the finding, and the example's fields.
_RULES: Mapping[str, tuple[Callable[[Any], bool], str, str, str]] = ReadOnly(
    {
        "deals": (lambda deal: deal.status != "open", "closed_at", "won or lost, and no closed_at", "status"),
        "tickets": (lambda one: one.status in ("solved", "closed"), "solved_at", "solved, and no solved_at", "status"),
        "surveys": (lambda survey: survey.score is not None, "answered_at", "a score, and no answered_at", "score"),
        "leads": (lambda lead: lead.status == "converted", "converted_at", "converted, and no converted_at", "status"),
        "customers": (
            lambda one: one.status is not None and one.status.casefold() in _GONE,
            "until",
            "gone by their status, and no until",
            "status",
        ),
    }
)


def closed_without_date(table: CheckedTable) -> Iterable[Inspector]:
    """Records won, lost, solved, answered, converted or gone without a date: they count in no period, or not at all."""
    if table.name not in _RULES:
        return
    happened, date, what, show = _RULES[table.name]
    yield table.inspector(
        lambda record: happened(record) and getattr(record, date) is None,
        code="closed_without_date",
        what=what,
        show=(show,),
        field=date,
        impacts=[
            table.impact("counted in no period by", date, "date"),
            table.impact("left out of, or as if it never happened in", date, "value", "condition"),
        ],
    )
