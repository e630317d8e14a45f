"""Subscriptions and completed orders that name no customer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from crmkpi._read_only import ReadOnly
from crmkpi.quality.tables import CheckedTable, Inspector

__all__ = ["missing_customers"]

_SHOULD: Mapping[str, Callable[[Any], bool]] = ReadOnly(
    {"subscriptions": lambda _: True, "orders": lambda order: order.status == "completed"}
)


def missing_customers(table: CheckedTable) -> Iterable[Inspector]:
    """Records without a customer, which KPIs per customer leave out."""
    should = _SHOULD.get(table.name)
    if should is None:
        return
    yield table.inspector(
        lambda record: record.customer_id is None and should(record),
        code="missing_customers",
        what="no customer_id",
        field="customer_id",
        impacts=[table.impact("left out of", "customer_id")],
    )
