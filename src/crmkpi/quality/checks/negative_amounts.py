"""Amounts below zero, which are refunds where an order or a won deal has them."""

from __future__ import annotations

from collections.abc import Iterable

from crmkpi.quality.checks.missing_amounts import AMOUNTS
from crmkpi.quality.tables import CheckedTable, Watch

__all__ = ["negative_amounts"]


def negative_amounts(table: CheckedTable) -> Iterable[Watch]:
    """An order or a deal below 0 is a refund: it lowers revenue, and is no purchase."""
    if table.name not in AMOUNTS:
        return
    name, should, words = AMOUNTS[table.name]
    yield table.watch(
        lambda record: getattr(record, name) is not None and getattr(record, name) < 0 and should(record),
        code="negative_amounts",
        what=f"{words}{name} below 0",
        field=name,
        level="information",
        effects=[table.effect("taken off in", name, "value")],
    )
