"""Won deals, orders, subscriptions and expenses without their amount."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from crmkpi._read_only import ReadOnly
from crmkpi.quality.tables import CheckedTable, Inspector

__all__ = ["AMOUNTS", "missing_amounts"]

# Of each table: the amount, and the records that should have one.
AMOUNTS: Mapping[str, tuple[str, Callable[[Any], bool], str]] = ReadOnly(
    {
        "deals": ("amount", lambda deal: deal.status == "won", "won, "),
        "orders": ("amount", lambda order: order.status == "completed", "completed, "),
        "subscriptions": ("mrr", lambda _: True, ""),
        "expenses": ("amount", lambda _: True, ""),
    }
)


def missing_amounts(table: CheckedTable) -> Iterable[Inspector]:
    """Records that should have an amount and have none: sums are too low by it."""
    if table.name not in AMOUNTS:
        return
    name, should, words = AMOUNTS[table.name]
    yield table.inspector(
        lambda record: getattr(record, name) is None and should(record),
        code="missing_amounts",
        what=f"{words}no {name}",
        field=name,
        impacts=[table.impact("left out of", name, "value")],
    )
