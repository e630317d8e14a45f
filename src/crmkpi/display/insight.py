"""Render tables of analyses as text, Markdown and HTML, in the layout of reports."""

from __future__ import annotations

import textwrap
from typing import Any

from crmkpi.definition.units import Unit
from crmkpi.display.format import format_difference, format_value
from crmkpi.display.html import draw_html, html_page
from crmkpi.display.markdown import draw_markdown
from crmkpi.display.sheet import Sheet, SheetColumn
from crmkpi.display.text import draw_text
from crmkpi.insight.tables import InsightTable

__all__ = ["insight_html", "insight_markdown", "insight_page", "insight_text", "insight_value"]


def insight_value(value: Any, unit: Unit, *, currency: str | None = None, change: bool = False) -> str:
    """Format a value for people, or with `change` a difference of two values."""
    if change and value is not None:
        return format_difference(value, unit, currency=currency)
    return format_value(value, unit, currency=currency)


def insight_text(table: InsightTable, *, width: int | None = None) -> str:
    """The table in plain text: as wide as its cells, or at most `width` columns."""
    sheet = _sheet(table)
    if width is None:
        return draw_text(sheet)
    columns = tuple(one._replace(role="metric") if one.is_text else one for one in sheet.columns)  # text wraps like ids
    return draw_text(sheet._replace(heading=textwrap.fill(sheet.heading, width), columns=columns), width=width)


def insight_markdown(table: InsightTable) -> str:
    """The table in Markdown."""
    return draw_markdown(_sheet(table))


def insight_html(table: InsightTable) -> str:
    """The table in HTML, for a page or a notebook."""
    return draw_html(_sheet(table))


def insight_page(table: InsightTable) -> str:
    """The table as a complete HTML page."""
    sheet = _sheet(table)
    return html_page(sheet.heading, draw_html(sheet, caption=False))


def _sheet(table: InsightTable) -> Sheet:
    grid = table.grid()
    columns = []
    for number, header in enumerate(grid.headers):
        words = number < grid.labels or number >= len(grid.headers) - grid.remarks
        cells = tuple(row[number] for row in grid.rows)
        columns.append(SheetColumn("mark" if words else "number", header, cells))
    return Sheet(grid.heading, tuple(columns), tuple(grid.notes))
