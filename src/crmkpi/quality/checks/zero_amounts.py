"""Amounts of zero, which count in every mean."""

from __future__ import annotations

from collections.abc import Iterable

from crmkpi.quality.checks.missing_amounts import AMOUNTS
from crmkpi.quality.tables import CheckedTable, Inspector

__all__ = ["zero_amounts"]


def zero_amounts(table: CheckedTable) -> Iterable[Inspector]:
    """An amount of 0 often means an amount that nobody entered; it counts as 0, while a missing one is left out."""
    if table.name not in AMOUNTS:
        return
    name, should, words = AMOUNTS[table.name]
    yield table.inspector(
        lambda record: getattr(record, name) == 0 and should(record),
        code="zero_amounts",
        what=f"{words}{name} 0",
        field=name,
        level="information",
        impacts=[table.impact("counted as 0 in", name, "value")],
    )
