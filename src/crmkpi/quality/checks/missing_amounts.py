"""Won deals, orders, subscriptions and expenses without their amount."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from crmkpi._read_only import ReadOnly
from crmkpi.quality.tables import CheckedTable, Inspector

__all__ = ["AMOUNTS", "missing_amounts"]

# For each table: the amount, the records that should have one, and their name in the finding.
AMOUNTS: Mapping[str, tuple[str, Callable[[Any], bool], str]] = ReadOnly(
    {
        "deals": ("amount", lambda deal: deal.status == "won", "won, "),
        "orders": ("amount", lambda order: order.status == "completed", "completed, "),
        "subscriptions": ("mrr", lambda _: True, ""),
        "expenses": ("amount", lambda _: True, ""),
    }
)


def missing_amounts(table: CheckedTable) -> Iterable[Inspector]:
    """Records without the amount that they should have: sums are too low."""
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
