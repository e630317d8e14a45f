"""Tables and pages in HTML: no scripts, no external resources, everything escaped, for light and dark pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from html import escape
from typing import Any

from crmkpi.display.format import UNDEFINED, format_label, words
from crmkpi.display.sheet import Sheet, SheetColumn, sheet_of
from crmkpi.measuring.results import Report, Result

__all__ = ["draw_html", "html_page", "report_page", "report_table", "table_html"]

# Colours mix with the text colour, which fits the background of the page: a notebook may be light on a dark desktop.
_STYLE = """
.crmkpi { overflow-x: auto; }
.crmkpi table { border-collapse: collapse; font: 14px/1.5 system-ui, sans-serif; font-variant-numeric: tabular-nums; }
.crmkpi caption { text-align: left; font-weight: 600; padding: 0 .7em .5em; }
.crmkpi :is(th, td) { padding: .25em .7em; text-align: right; white-space: nowrap; background: none; }
.crmkpi :is(th, td).text { text-align: left; white-space: normal; max-width: 24em; overflow-wrap: break-word; }
.crmkpi tbody :is(th, td) { font-weight: normal; border-top: 1px solid rgb(128 128 128 / .3); }
.crmkpi tbody th.group { font-weight: 600; padding-top: .9em; border-top: none; text-align: left; }
.crmkpi td.value { font-weight: 600; }
.crmkpi .better { color: color-mix(in srgb, #1f9d48 70%, currentColor); }
.crmkpi .worse { color: color-mix(in srgb, #dc3a30 70%, currentColor); }
.crmkpi svg { margin-right: .8em; vertical-align: middle; }
.crmkpi svg.s { margin: 0; width: 6em; height: 1.5em; stroke: currentColor; fill: none; stroke-width: 1.5; }
.crmkpi svg .d { fill: currentColor; }
.crmkpi svg .b { fill: currentColor; fill-opacity: .18; stroke: none; }
@media (max-width: 40rem) { .crmkpi svg:not(.s) { display: none; } }
.crmkpi ul { font: 12px/1.5 system-ui, sans-serif; padding-left: 1.6em; opacity: .8; }
"""
_PAGE_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; }
"""


def report_table(report: Report) -> str:
    """A report as a table with its own styles, for a page or a notebook."""
    return draw_html(sheet_of(report.results, title=report.title, names="title", notes=report.notes))


def report_page(report: Report) -> str:
    """A report as a complete HTML page, for a file or an email."""
    sheet = sheet_of(report.results, title=report.title, names="title", notes=report.notes)
    table = draw_html(sheet, caption=False) if report else "<p>no results</p>"
    return html_page(sheet.heading or "KPIs", table)


def table_html(rows: Sequence[Mapping[str, Any]], total: int) -> str:
    """Rows of plain values as a table for a notebook, with the number of rows that are not shown.

    >>> "<td>1,234</td>" in table_html([{"customer": "A", "orders": 1234}], 1)
    True
    """
    if not rows:
        return "<p>no rows</p>"
    columns = tuple(
        SheetColumn(
            "number" if _are_numbers(name, rows) else "label", words(name), tuple(_as_text(row[name]) for row in rows)
        )
        for name in rows[0]
    )
    more = total - len(rows)
    notes = (f"and {more:,} more rows; to_pandas() and to_polars() have all",) if more else ()
    return draw_html(Sheet("", columns, notes))


def _are_numbers(name: str, rows: Sequence[Mapping[str, Any]]) -> bool:
    return all(row[name] is None or isinstance(row[name], int | float | Decimal) for row in rows)


def _as_text(value: Any) -> str:
    match value:
        case None:
            return UNDEFINED
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case float():
            return f"{value:,.4g}" if abs(value) < 1e4 else f"{value:,.0f}"
        case _:
            return format_label(value)


def html_page(heading: str, body: str) -> str:
    """A complete HTML page; the heading is escaped, the body is HTML already."""
    heading = escape(heading)
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{heading}</title>\n<style>{_PAGE_STYLE}</style>\n</head>\n"
        f"<body>\n<main>\n<h1>{heading}</h1>\n{body}\n</main>\n</body>\n</html>\n"
    )


def draw_html(sheet: Sheet, *, caption: bool = True) -> str:
    """A table in HTML, with its heading as the caption and its notes below."""
    lines = ['<div class="crmkpi">', f"<style>{_STYLE}</style>", "<table>"]
    if caption and sheet.heading:
        lines.append(f"<caption>{escape(sheet.heading)}</caption>")
    headers = (f'<th scope="col"{_class(column)}>{escape(column.header) or "note"}</th>' for column in sheet.columns)
    lines += [f"<thead><tr>{''.join(headers)}</tr></thead>", "<tbody>"]
    group = None
    for number in range(len(sheet.columns[0].cells)):
        if sheet.groups and sheet.groups[number] != group:
            if group is not None:
                lines += ["</tbody>", "<tbody>"]
            group = sheet.groups[number]
            span = len(sheet.columns)
            lines.append(f'<tr><th class="group" scope="rowgroup" colspan="{span}">{escape(words(group))}</th></tr>')
        result = sheet.results[number] if sheet.results else None
        cells = (
            f"<td>{column.drawings[number]}</td>" if column.drawings else _cell(column, column.cells[number], result)
            for column in sheet.columns
        )
        lines.append(f"<tr>{''.join(cells)}</tr>")
    lines += ["</tbody>", "</table>"]
    if sheet.notes:
        lines.append(f"<ul>{''.join(f'<li>{escape(note)}</li>' for note in sheet.notes)}</ul>")
    return "\n".join([*lines, "</div>"])


def _cell(column: SheetColumn, text: str, result: Result | None) -> str:
    shown = escape(text)
    if result is None:
        return f"<td{_class(column)}>{shown}</td>"
    match column.role:
        case "metric":
            return f'<th scope="row" class="text" title="{escape(result.metric.meaning)}">{shown}</th>'
        case "value" if result.reason is not None:
            return f'<td class="value" title="undefined: {escape(result.reason)}">{shown}</td>'
        case "interval":
            return f"<td>{_range_mark(result)}{shown}</td>"
        case "change" if result.change is not None and result.change.better is not None:
            return f'<td class="{"better" if result.change.better else "worse"}">{shown}</td>'
        case _:
            return f"<td{_class(column)}>{shown}</td>"


def _class(column: SheetColumn) -> str:
    name = "text" if column.is_text else "value" if column.role == "value" else ""
    return f' class="{name}"' if name else ""


def _range_mark(result: Result) -> str:
    """A small drawing of a share and its interval between 0 and 100 %; empty for other units."""
    interval, value = result.interval, result.value
    if value is None or interval is None or result.unit != "ratio" or not 0 <= interval.low <= interval.high <= 1:
        return ""
    low, middle, high = (f"{4 + 92 * number:.1f}" for number in (interval.low, value, interval.high))
    return (
        '<svg width="100" height="10" viewBox="0 0 100 10" stroke="currentColor" aria-hidden="true">'
        '<path d="M4 5H96" stroke-opacity=".25"/>'
        f'<path d="M{low} 5H{high}" stroke-width="3" stroke-opacity=".6"/>'
        f'<circle cx="{middle}" cy="5" r="2.5" fill="currentColor"/></svg>'
    )
