"""Forward-fill grouped reports, which write the value of a group only in its first row."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from crmkpi.sources.account import Rejected
from crmkpi.sources.grid import Grid, Part, Row
from crmkpi.sources.presets.model import Preset
from crmkpi.sources.report_rows import FIRST_CELLS, SUBTOTAL, TOTAL

__all__ = ["filled_down"]


def filled_down(grid: Grid, preset: Preset | None) -> Grid:
    """The report with the value of its group in each row, if subtotals show that it is grouped.

    Group names are in the first columns, up to the one with the word for a subtotal.
    """
    if preset is None or not preset.fill_down:
        return grid
    groups = max((_place(row) + 1 for row in _rows(grid)), default=0)
    if not groups:
        return grid

    def parts() -> Iterator[Part | Rejected]:
        above: list[Any] = [None] * groups
        for part in grid.parts():
            yield part if isinstance(part, Rejected) else Part([_filled(row, above) for row in part.rows], part.lines)

    return grid._replace(parts=parts)


def _rows(grid: Grid) -> Iterator[Row]:
    return (row for part in grid.parts() if isinstance(part, Part) for row in part.rows)


def _place(row: Row) -> int:
    """The position of the word for a subtotal among the first columns, -1 for none."""
    return next((place for place, cell in enumerate(row[:FIRST_CELLS]) if _is(SUBTOTAL, cell)), -1)


def _filled(row: Row, above: list[Any]) -> Row:
    """A row with the values of its groups, which `above` keeps for the next rows."""
    if sum(map(bool, row)) < 2 or any(_is(TOTAL, cell) or _is(SUBTOTAL, cell) for cell in row[:FIRST_CELLS]):
        return row
    filled: Sequence[Any] = list(row)
    for place in range(min(len(above), len(row))):
        if row[place]:
            above[place:] = [row[place], *[None] * (len(above) - place - 1)]
    return [*(own or value for own, value in zip(filled, above, strict=False)), *filled[len(above) :]]


def _is(pattern: str, cell: Any) -> bool:
    return isinstance(cell, str) and len(cell) < 200 and re.match(pattern, cell) is not None  # the limit of totals
