"""Times with and without an offset must not stand side by side."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any

from crmkpi.errors import TimeZoneError
from crmkpi.records.base import RecordType
from crmkpi.sources.columns import Columns
from crmkpi.sources.conversions import Conversion, convert
from crmkpi.sources.grid import Grid

__all__ = ["checked_zones"]


def checked_zones(
    records: Sequence[Any], *, grid: Grid, columns: Columns, kind: RecordType, conversions: Sequence[Conversion]
) -> list[str]:
    """Refuse a column that mixes times with and without an offset; columns that differ from each other give a note."""
    local: list[str] = []
    exact: list[str] = []
    for position, field in columns.fields:
        if kind.fields[field].kind != "timestamp":
            continue
        zones = {moment.tzinfo for moment in map(attrgetter(field), records) if moment is not None}
        if len(zones) > 1:
            readers = [conversion for conversion in conversions if conversion.field == field]
            lines = _lines_of_both(grid.column(position), readers)
            raise TimeZoneError(
                f"The column {columns.headers[field]!r} of {grid.source} has times without an offset "
                f"(line {lines[False]}) and with one (line {lines[True]}); say with tz= "
                f"which time zone the former are in."
            )
        if zones:
            (local if None in zones else exact).append(field)
    if not (local and exact):
        return []
    note = (
        f"Times have no offset in {', '.join(local)} but one in {', '.join(exact)}, so they cannot be compared; "
        f"tz= says which time zone the former are in."
    )
    return [note]


def _lines_of_both(cells: Iterable[tuple[int, Any]], conversions: Sequence[Conversion]) -> dict[bool, int]:
    """The first lines with a time without and with an offset."""
    first: dict[bool, int] = {}
    for line, cell in cells:
        raw = {"time": cell}
        try:
            for conversion in conversions:
                convert([raw], "time", conversion.careful)
        except ValueError:
            continue
        moment = raw.get("time")
        if isinstance(moment, datetime):
            first.setdefault(moment.tzinfo is not None, line)
        if len(first) == 2:
            break
    return first
