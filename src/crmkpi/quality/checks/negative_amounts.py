"""Amounts below zero, which are refunds in orders and won deals."""

from __future__ import annotations

from collections.abc import Iterable

from crmkpi.quality.checks.missing_amounts import AMOUNTS
from crmkpi.quality.tables import CheckedTable, Inspector

__all__ = ["negative_amounts"]


def negative_amounts(table: CheckedTable) -> Iterable[Inspector]:
    """An order or a deal below 0 is a refund: it lowers revenue, and does not count as a purchase."""
    if table.name not in AMOUNTS:
        return
    name, should, words = AMOUNTS[table.name]
    yield table.inspector(
        lambda record: getattr(record, name) is not None and getattr(record, name) < 0 and should(record),
        code="negative_amounts",
        what=f"{words}{name} below 0",
        field=name,
        level="information",
        impacts=[table.impact("taken off in", name, "value")],
    )
