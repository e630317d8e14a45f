"""A report as a grid: one dimension down, another across."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from crmkpi._read_only import ReadOnly
from crmkpi.display.format import format_label, value_text
from crmkpi.display.html import draw_html
from crmkpi.display.markdown import draw_markdown
from crmkpi.display.notes import marks, notes_of
from crmkpi.display.rows import result_row
from crmkpi.display.sheet import Role, Sheet, SheetColumn, period_label
from crmkpi.display.sparkline import FEWEST, sparkline, sparkline_text
from crmkpi.display.text import draw_text
from crmkpi.errors import InputError, unknown_name
from crmkpi.measuring.pivot import Pivot
from crmkpi.measuring.results import Report, Result

__all__ = ["pivot", "pivot_dicts", "pivot_markdown", "pivot_table", "pivot_text"]


def pivot(report: Report, *, rows: str = "metric", columns: str = "period") -> Pivot:
    """The results of a report as a grid; `rows` and `columns` are "metric", "period" or the name of a segment.

    A cell holds one result: another dimension that varies is an error that names it.

    >>> from crmkpi import Dataset, Deal
    >>> won = [Deal(id="1", status="won", owner="Ada", closed_at="2026-01-05")]
    >>> lost = [Deal(id="2", status="lost", owner="Bo", closed_at="2026-02-09")]
    >>> report = Dataset(deals=won + lost).measure("win_rate", period="2026-Q1", every="month", by="owner")
    >>> print(pivot(report, rows="owner", columns="period").cell("Ada", "2026-01").value)
    1.0
    """
    segments = list(dict.fromkeys(name for result in report for name in result.segment))
    known = ["metric", "period", *segments]
    for name in (rows, columns):
        if name not in known:
            raise unknown_name(f"The report has no dimension {name!r} to make a grid of.", name, known)
    if rows == columns:
        raise InputError(f"The rows and columns of a grid must differ; both are {rows!r}.")
    cells: dict[tuple[Hashable, Hashable], Result] = {}
    for result in report:
        key = (_value(result, rows), _value(result, columns))
        if key in cells:
            varies = [name for name in known if _value(result, name) != _value(cells[key], name)]
            raise InputError(
                f"The cell of {rows} {format_label(key[0])} and {columns} {format_label(key[1])} would hold several "
                f"results, because {' and '.join(varies) or 'nothing else'} varies; make it the rows or columns, or "
                f"pick one value with report.where(...) first."
            )
        cells[key] = result
    down, across = (tuple(dict.fromkeys(key[side] for key in cells)) for side in (0, 1))
    return Pivot(rows, columns, down, across, ReadOnly(cells), report.title)


def pivot_dicts(grid: Pivot) -> list[dict[str, Any]]:
    """One plain dict per row: its name, and the value in each column (money as text, durations in seconds)."""
    names = _distinct([grid.row_name, *map(format_label, grid.columns)])
    return [
        dict(zip(names, [format_label(row), *(_value_at(grid, row, column) for column in grid.columns)], strict=True))
        for row in grid.rows
    ]


def pivot_markdown(grid: Pivot) -> str:
    """The grid as a Markdown table."""
    return draw_markdown(_sheet(grid))


def pivot_table(grid: Pivot) -> str:
    """The grid as an HTML table, for a notebook."""
    return draw_html(_sheet(grid))


def pivot_text(grid: Pivot) -> str:
    """The grid as an aligned table in plain text."""
    return draw_text(_sheet(grid))


def _value_at(grid: Pivot, row: Hashable, column: Hashable) -> Any:
    found = grid.cells.get((row, column))
    return None if found is None else result_row(found)["value"]


def _sheet(grid: Pivot) -> Sheet:
    dimensions = (grid.row_name, grid.column_name)
    role: Role = "metric" if grid.row_name == "metric" else "label"
    names = SheetColumn(role, grid.row_name, tuple(map(format_label, grid.rows)))
    results = tuple(grid.cells.values())
    only = {result.definition for result in results} if "metric" not in dimensions else set()
    heading = ", ".join(filter(None, (*only, grid.title)))
    columns = [_column(grid, column) for column in grid.columns]
    if grid.column_name == "period" and len(columns) >= FEWEST:
        columns.insert(0, _trend(grid))  # first, so that it is visible with any number of periods
    return Sheet(heading, (names, *columns), notes_of(results, lambda result: result.definition))


def _trend(grid: Pivot) -> SheetColumn:
    """The values of each row as a sparkline."""
    rows = [[grid.cells.get((row, column)) for column in grid.columns] for row in grid.rows]
    drawings = tuple(sparkline(row, band=True) for row in rows)
    return SheetColumn("mark", "trend", tuple(map(sparkline_text, rows)), drawings)


def _column(grid: Pivot, column: Hashable) -> SheetColumn:
    found = [grid.cells.get((row, column)) for row in grid.rows]
    signs = ["" if result is None else marks(result) for result in found]
    widest = max(map(len, signs), default=0)
    cells = ("" if result is None else value_text(result) for result in found)
    # Marks have a fixed width, so that the numbers before them are aligned.
    texts = (f"{cell} {sign:<{widest}}" if widest else cell for cell, sign in zip(cells, signs, strict=True))
    return SheetColumn("value", format_label(column), tuple(texts))


def _value(result: Result, name: str) -> Hashable:
    if name == "metric":
        return result.definition
    return period_label(result) if name == "period" else result.segment.get(name)


def _distinct(names: list[str]) -> list[str]:
    """Unique names: a repeated name gets a number, since a value may have the name of another column."""
    found: list[str] = []
    for name in names:
        number = names[: len(found)].count(name)
        found.append(f"{name} ({number + 1})" if number else name)
    return found
