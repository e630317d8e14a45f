"""Dates before the firm existed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from crmkpi.quality.tables import CheckedTable, Inspector

__all__ = ["dates_too_early"]

_NO_CRM_BEFORE = date(1980, 1, 1)  # catches 1900-01-01 and 1970-01-01, which programs write for a missing date


def dates_too_early(table: CheckedTable) -> Iterable[Inspector]:
    """Dates before the firm was `founded`; by default before 1980."""
    for name in table.moments:
        yield _inspector(table, name, table.founded or _NO_CRM_BEFORE)


def _inspector(table: CheckedTable, name: str, earliest: date) -> Inspector:
    return table.inspector(
        lambda record: (moment := getattr(record, name)) is not None and moment.date() < earliest,
        code="dates_too_early",
        what=f"{name} before {earliest}",
        show=(name,),
        field=name,
        impacts=[table.impact("in a wrong period in", name, "date"), table.impact("far off in", name, "value")],
    )
