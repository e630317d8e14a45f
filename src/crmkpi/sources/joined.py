"""Columns that fill a field together, such as a date and a time of day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any

from crmkpi.errors import ColumnError, UnknownNameError, did_you_mean
from crmkpi.sources.account import Rejected
from crmkpi.sources.grid import Grid, Part
from crmkpi.sources.reading import ReadingOptions

__all__ = ["with_joined"]


def with_joined(grid: Grid, options: ReadingOptions) -> tuple[Grid, ReadingOptions]:
    """The grid with one column for each group of columns in `columns=`, their cells joined by a blank.

    >>> rows = Part([["1", "31.01.2026", "14:05"]], lambda: [2])
    >>> grid = Grid("deals.csv", ["Id", "Day", "Time"], lambda: iter([rows]), text=True)
    >>> grid, options = with_joined(grid, ReadingOptions(columns={("Day", "Time"): "created_at"}))
    >>> next(grid.parts()).rows, options.columns
    ([['1', '31.01.2026 14:05', '14:05']], {'Day and Time': 'created_at', 'Time': None})
    """
    together = [headers for headers in options.columns if isinstance(headers, tuple)]
    if not together:
        return grid, options
    headers = list(grid.headers)
    columns: dict[Any, Any] = {name: of for name, of in options.columns.items() if not isinstance(name, tuple)}
    places: list[list[int]] = []
    for names in together:
        for name in names:
            if name not in grid.headers:
                raise UnknownNameError(f"{grid.source} has no column {name!r}. {did_you_mean(str(name), grid.headers)}")
            if name in columns:
                raise ColumnError(
                    f"columns= names the column {name!r} of {grid.source} by itself and together with others; a column "
                    f"fills one field only, or name several fields for it."
                )
        places.append([grid.headers.index(name) for name in names])
        label = " and ".join(names)
        headers[places[-1][0]] = label
        columns |= {label: options.columns[names]} | dict.fromkeys(names[1:])

    def parts() -> Iterator[Part | Rejected]:
        for part in grid.parts():
            yield (
                part
                if isinstance(part, Rejected)
                else Part([_row(row, places) if len(row) == len(headers) else row for row in part.rows], part.lines)
            )

    return grid._replace(headers=headers, parts=parts), options._replace(columns=columns)


def _row(row: Sequence[Any], places: Sequence[Sequence[int]]) -> list[Any]:
    """The row with the texts of several cells joined in the first one; if that is empty, so is the result."""
    joined = list(row)
    for first, *others in places:
        if joined[first] not in (None, ""):
            cells = [_text(row[first]), *(_text(row[place]) for place in others)]
            joined[first] = " ".join(filter(None, cells))
    return joined


def _text(cell: Any) -> str:
    if isinstance(cell, date | datetime):
        return f"{cell:%Y-%m-%d}"
    return "" if cell is None else str(cell).strip()
