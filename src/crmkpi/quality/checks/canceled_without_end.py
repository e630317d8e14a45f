"""Subscriptions that are canceled, without the date of their end."""

from __future__ import annotations

from collections.abc import Iterable

from crmkpi.quality.tables import CheckedTable, Inspector

__all__ = ["canceled_without_end"]


def canceled_without_end(table: CheckedTable) -> Iterable[Inspector]:
    """A canceled subscription without an end, which would count as revenue for ever."""
    if table.name == "subscriptions":
        yield table.inspector(
            lambda record: record.status == "canceled" and record.ended_at is None,
            code="canceled_without_end",
            what="canceled, and no ended_at",
            level="error",
            field="ended_at",
            impacts=[table.impact("left out of", "ended_at")],
        )
