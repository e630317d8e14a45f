"""Refuse columns that mix times with and without an offset."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, tzinfo
from operator import attrgetter
from typing import Any

from crmkpi.errors import TimeZoneError
from crmkpi.records.base import RecordType
from crmkpi.sources.columns import Columns
from crmkpi.sources.conversions import Conversion
from crmkpi.sources.grid import Grid

__all__ = ["Zones", "checked_zones", "zones_of"]

Zones = dict[str, set[tzinfo | None]]


def zones_of(records: Sequence[Any], columns: Columns, kind: RecordType) -> Zones:
    """The time zones seen in each field; None is a time without an offset."""
    fields = dict.fromkeys(column.field for column in columns.fields if kind.fields[column.field].kind == "timestamp")
    return {
        field: {moment.tzinfo for moment in map(attrgetter(field), records) if moment is not None} for field in fields
    }


def checked_zones(zones: Zones, *, grid: Grid, columns: Columns, conversions: Sequence[Conversion]) -> list[str]:
    """Refuse a column that mixes times with and without an offset; columns that differ from each other yield a note."""
    local: list[str] = []
    exact: list[str] = []
    for field, found in zones.items():
        if len(found) > 1:
            filling = columns.of(field)
            if len(filling) > 1:
                names = " and ".join(repr(column.header) for column in filling)
                raise TimeZoneError(
                    f"Some of the columns {names} of {grid.source} have times without an offset and some with one; "
                    f"say with tz= which time zone the former are in."
                )
            readers = [conversion for conversion in conversions if conversion.slot == field]
            lines = _lines_of_both(grid.column(filling[0].position), readers)
            raise TimeZoneError(
                f"The column {filling[0].header!r} of {grid.source} has times without an offset "
                f"(line {lines[False]}) and with one (line {lines[True]}); say with tz= "
                f"which time zone the former are in."
            )
        if found:
            (local if None in found else exact).append(field)
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
        moment = cell
        try:
            for conversion in conversions:
                moment = moment if moment is None or conversion.careful is None else conversion.careful(moment)
        except ValueError:
            continue
        if isinstance(moment, datetime):
            first.setdefault(moment.tzinfo is not None, line)
        if len(first) == 2:
            break
    return first
