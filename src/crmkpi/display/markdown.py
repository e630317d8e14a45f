"""Render tables in Markdown, in the dialect of GitHub, which most renderers support."""

from __future__ import annotations

import re
from html import escape

from crmkpi.display.format import words
from crmkpi.display.sheet import Sheet, SheetColumn, sheet_of
from crmkpi.measuring.results import Report

__all__ = ["draw_markdown", "markdown_text", "report_markdown"]

_SPECIAL = re.compile(r"[\\`*\[\]~|]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")  # inside a word, _ means nothing


def report_markdown(report: Report) -> str:
    """A report as a Markdown table, with its heading above and its notes below."""
    if not report:
        return f"{markdown_text(report.title)}: no results" if report.title else "no results"
    return draw_markdown(sheet_of(report.results, title=report.title, names=report.names, notes=report.notes))


def draw_markdown(sheet: Sheet) -> str:
    """A table in Markdown; text from the data is escaped."""
    columns = list(sheet.columns)
    if sheet.groups:
        columns.insert(0, SheetColumn("label", "theme", tuple(map(words, sheet.groups))))
    lines = [f"**{markdown_text(sheet.heading)}**", ""] if sheet.heading else []
    lines.append(_row([markdown_text(column.header) for column in columns]))
    lines.append(_row(["---" if column.is_text else "---:" for column in columns]))
    lines += [
        _row([_cell(column, cell) for column, cell in zip(columns, cells, strict=True)])
        for cells in zip(*(column.cells for column in columns), strict=True)
    ]
    if sheet.notes:
        lines += ["", *(f"- {markdown_text(note)}" for note in sheet.notes)]
    return "\n".join(lines)


def markdown_text(text: str) -> str:
    """Escape a text for Markdown and HTML.

    >>> markdown_text("a|b <script> *c*")
    'a&#124;b &lt;script&gt; &#42;c&#42;'
    """
    return _SPECIAL.sub(lambda found: f"&#{ord(found[0])};", escape(text, quote=False))


def _cell(column: SheetColumn, cell: str) -> str:
    # Ids of KPIs read best as code; an identifier needs no escaping.
    return f"`{cell}`" if column.role == "metric" and cell.replace(".", "").isidentifier() else markdown_text(cell)


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
