"""Write reports as a workbook: typed numbers, a sheet for each theme, and formulas that recompute the values."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from importlib import import_module
from typing import Any

from crmkpi.definition.metric import Unit
from crmkpi.display.format import format_label, judgement, words
from crmkpi.display.sheet import compared_label, period_label
from crmkpi.display.spreadsheet_formulas import spreadsheet_formula
from crmkpi.errors import MissingExtraError
from crmkpi.measuring.results import Report, Result

__all__ = ["WorkbookSheet", "report_workbook", "result_sheets", "text_sheet", "trend_sheet", "workbook"]

_DAY = 86_400
_FORMATS: dict[Unit, str] = {
    "ratio": "0.0%",
    "multiple": '0.00"x"',
    "money": "#,##0.00",
    "duration": "[h]:mm:ss",
    "score": "0.0",
    "count": "#,##0",
    "number": "#,##0.00",
}
_DIFFERENCES: dict[Unit, str] = {"ratio": "+0.0%;-0.0%;0.0%", "duration": "0.00"}
_FORBIDDEN = re.compile(r"[\[\]:*?/\\]")
_LONGEST_TITLE = 31
_WIDEST = 48
WorkbookSheet = tuple[str, Sequence[str], Sequence[Sequence[tuple[Any, str]]]]  # title, headers, cells with formats


class _Formula(str):
    """A text that a spreadsheet evaluates; any other text stays text, even if it begins with `=`."""

    __slots__ = ()


def report_workbook(report: Report) -> bytes:
    """A report as a workbook; its notes have their own sheet.

    The column "recomputed" has the formula of each value over its inputs, which are in the columns to its right.
    """
    notes = [(note,) for note in (report.title, *report.notes) if note]
    return workbook([*result_sheets(report.results), text_sheet("Notes", ("note",), notes)])


def text_sheet(title: str, headers: Sequence[str], rows: Iterable[Sequence[Any]]) -> WorkbookSheet:
    """A sheet of text."""
    return title, headers, [[(cell, "") for cell in row] for row in rows]


def result_sheets(results: Iterable[Result]) -> list[WorkbookSheet]:
    """A sheet for each theme, a row for each result."""
    themes: dict[str, list[Result]] = {}
    for result in results:
        themes.setdefault(result.metric.theme, []).append(result)
    return [_sheet(words(theme).capitalize() or "KPIs", rows) for theme, rows in themes.items()]


def trend_sheet(results: Sequence[tuple[str, Result]]) -> WorkbookSheet:
    """A sheet with a row for each period and a column for each KPI; `results` pair a period label with a result."""
    periods = list(dict.fromkeys(period for period, _ in results))
    titles = {result.definition: result.metric.title for _, result in results}
    values = {(period, result.definition): result for period, result in results}
    rows: list[list[tuple[Any, str]]] = []
    for period in periods:
        row: list[tuple[Any, str]] = [(period, "")]
        for name in titles:
            found = values.get((period, name))
            row.append((None, "") if found is None else (_cell(found.value), _FORMATS[found.unit]))
        rows.append(row)
    return "Trends", ["period", *titles.values()], rows


def _sheet(title: str, results: Sequence[Result]) -> WorkbookSheet:
    names = list(dict.fromkeys(name for result in results for name in result.segment))
    compared = any(result.compared_to is not None for result in results)
    most = max(len(result.inputs) + len(result.parameters) for result in results)
    head = ["KPI", "title", "period", *names, "value", "unit", "recomputed", "low", "high", "n"]
    head += ["compared to", "value then", "change", "change from", "change to", "verdict"] if compared else []
    head += ["reason", "left out"]
    head += [part for number in range(1, most + 1) for part in (f"input {number}", f"number {number}")]
    first = head.index("input 1") if most else len(head)
    rows = [_row(result, line, names, first, compared=compared) for line, result in enumerate(results, 2)]
    return title, head, rows


def _row(result: Result, line: int, names: Sequence[str], first: int, *, compared: bool) -> list[tuple[Any, str]]:
    unit = result.unit
    form = _FORMATS[unit]
    inputs = {**result.inputs, **result.parameters}
    cells = {name: f"{_letters(first + 2 * number + 1)}{line}" for number, name in enumerate(inputs)}
    formula = spreadsheet_formula(result, cells)
    if formula is not None and unit == "duration":
        formula = f"{formula}/{_DAY}"
    interval = result.interval
    row: list[tuple[Any, str]] = [
        (result.definition, ""),
        (result.metric.title, ""),
        (period_label(result), ""),
        *((format_label(result.segment.get(name)), "") for name in names),
        (_cell(result.value), form),
        (result.currency or unit, ""),
        (None if formula is None else _Formula(f"={formula}"), form),
        (None if interval is None else _cell(interval.low), form),
        (None if interval is None else _cell(interval.high), form),
        (None if result.value is None else result.n, "#,##0"),
    ]
    if compared:
        other, change = result.compared_to, result.change
        bounds = (None, None) if change is None or change.interval is None else tuple(change.interval)
        difference = _DIFFERENCES.get(unit, form)
        row += [
            (compared_label(result), ""),
            (None if other is None else _cell(other.value), form),
            (None if change is None else _cell(change.absolute), difference),
            *((_cell(bound), difference) for bound in bounds),
            (judgement(change), ""),
        ]
    left_out = ", ".join(f"{count:,} {reason}" for reason, count in result.left_out.items())
    row += [(result.reason or "", ""), (left_out, "")]
    for name, value in inputs.items():
        row += [(words(name), ""), (_number(value), "General")]
    return row


def _cell(value: Any) -> Any:
    """A value for calculation in a spreadsheet: amounts as numbers, durations as days."""
    return value / timedelta(days=1) if isinstance(value, timedelta) else _number(value)


def _number(value: Any) -> Any:
    match value:
        case Decimal():
            return float(value)
        case None | bool() | int() | float() | date():
            return value
        case _:
            return format_label(value)


def _letters(index: int) -> str:
    """The letters of a column, counted from 0."""
    found = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        found = chr(65 + rest) + found
    return found


def workbook(sheets: Sequence[WorkbookSheet]) -> bytes:
    """The bytes of a workbook with these sheets. Text that begins like a formula stays text."""
    try:
        openpyxl = import_module("openpyxl")
    except ImportError:
        raise MissingExtraError("Workbooks need openpyxl; install it with pip install 'crmkpi[excel]'.") from None
    bold = import_module("openpyxl.styles").Font(bold=True)
    book = openpyxl.Workbook()
    book.remove(book.active)
    taken: list[str] = []
    for title, headers, rows in sheets:
        taken.append(_title(title, taken))
        sheet = book.create_sheet(taken[-1])
        for number, header in enumerate(headers, 1):
            _put(sheet.cell(1, number), header, "").font = bold
        for line, row in enumerate(rows, 2):
            for number, (value, form) in enumerate(row, 1):
                if value is not None and value != "":
                    _put(sheet.cell(line, number), value, form)
        sheet.freeze_panes = "B2"
        sheet.page_setup.orientation = "landscape"  # print settings: fit to page width, headers on each page
        sheet.sheet_properties.pageSetUpPr.fitToPage = True
        sheet.page_setup.fitToHeight = 0
        sheet.print_title_rows = "1:1"
        for number, header in enumerate(headers):
            shown = [len(str(row[number][0])) for row in rows if number < len(row) and isinstance(row[number][0], str)]
            sheet.column_dimensions[_letters(number)].width = min(_WIDEST, max([12, len(header) + 2, *shown]))
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def _put(cell: Any, value: Any, form: str) -> Any:
    is_text = isinstance(value, str) and not isinstance(value, _Formula)
    cell.value = format_label(value) if is_text else value
    if is_text:
        cell.data_type = "s"
    if form:
        cell.number_format = form
    return cell


def _title(title: str, taken: Sequence[str]) -> str:
    """A valid and unique sheet title: short, and without the characters that workbooks forbid."""
    plain = _FORBIDDEN.sub(" ", format_label(title))[:_LONGEST_TITLE].strip("' ") or "Sheet"
    number, found = 2, plain
    while found.casefold() in map(str.casefold, taken):
        ending = f" {number}"
        found, number = plain[: _LONGEST_TITLE - len(ending)] + ending, number + 1
    return found
