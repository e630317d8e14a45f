"""The table model that text, Markdown and HTML render: columns, cells and notes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from crmkpi.display.format import UNDEFINED, format_change, format_label, format_range, judgement, value_text
from crmkpi.display.notes import marks, notes_of
from crmkpi.measuring.results import Result

__all__ = ["Names", "Role", "Sheet", "SheetColumn", "compared_label", "period_label", "sheet_of"]

Names = Literal["id", "title"]
Role = Literal["metric", "label", "value", "interval", "number", "change", "mark"]


class SheetColumn(NamedTuple):
    """One column: its role, its header, and one text per row; HTML shows the `drawings` instead."""

    role: Role
    header: str
    cells: tuple[str, ...]
    drawings: tuple[str, ...] = ()

    @property
    def is_text(self) -> bool:
        """Whether the column is left-aligned, as words are; numbers are right-aligned."""
        return self.role in ("metric", "label", "mark")


class Sheet(NamedTuple):
    """A table ready to render, with the results in its rows; `groups` names the theme of each row.

    `groups` is empty if there is only one theme, and `results` if a row is not one result.
    """

    heading: str
    columns: tuple[SheetColumn, ...]
    notes: tuple[str, ...]
    groups: tuple[str, ...] = ()
    results: tuple[Result, ...] = ()


def sheet_of(results: Sequence[Result], *, title: str = "", names: Names = "id", notes: Sequence[str] = ()) -> Sheet:
    """The table of a report; a value shared by all rows is in the heading instead of a column.

    `notes` follow the notes of the results. `names` decides whether KPIs appear by id, as in code, or by title.
    """
    results = tuple(results)

    def name_of(result: Result) -> str:
        return result.definition if names == "id" else result.metric.title

    metric = SheetColumn("metric", "KPI", tuple(map(name_of, results)))
    known = [metric, *_labels(results)]
    shown = [column for column in known if len(set(column.cells)) > 1] or [metric]
    constant = [column for column in known if column not in shown and column.cells]
    heading = [column.cells[0] for column in constant if column.role == "metric"]
    if title:
        heading.append(title)
    for column in constant:
        if column.role == "label" and column.header != "period":
            heading.append(f"{column.header} {column.cells[0]}")
        elif column.role == "label" and column.cells[0] not in title and results[0].period is not None:
            heading.append(column.cells[0])
    themes = tuple(result.metric.theme for result in results)
    return Sheet(
        ", ".join(heading),
        (*shown, *_numbers(results)),
        (*notes_of(results, name_of), *notes),
        themes if len(set(themes)) > 1 else (),
        results,
    )


def period_label(result: Result) -> str:
    """The label of a result's period."""
    return "all data" if result.period is None else result.period.label


def compared_label(result: Result) -> str:
    """The comparison of a result: the other period, or the other segment."""
    other = result.compared_to
    if other is None:
        return ""
    if other.segment == result.segment:
        return period_label(other)
    return ", ".join(dict.fromkeys(map(format_label, other.segment.values())))


def _labels(results: Sequence[Result]) -> list[SheetColumn]:
    """The period and the segments."""
    names = dict.fromkeys(name for result in results for name in result.segment)
    periods = SheetColumn("label", "period", tuple(map(period_label, results)))
    return [
        periods,
        *(
            SheetColumn("label", name, tuple(format_label(result.segment.get(name)) for result in results))
            for name in names
        ),
    ]


def _numbers(results: Sequence[Result]) -> list[SheetColumn]:
    """The value, interval, sample size and change; empty columns are dropped."""
    confidences = {result.interval.confidence for result in results if result.interval is not None}
    level = f"{100 * confidences.pop():g} % " if len(confidences) == 1 else ""
    compared = {compared_label(result) for result in results if result.compared_to is not None}
    columns = [
        SheetColumn("value", "value", tuple(map(value_text, results))),
        SheetColumn(
            "interval",
            f"{level}interval",
            tuple(format_range(result.interval, result.unit, result.value) for result in results),
        ),
        SheetColumn("number", "n", tuple(UNDEFINED if result.value is None else f"{result.n:,}" for result in results)),
        SheetColumn("change", f"vs {compared.pop()}" if len(compared) == 1 else "change", tuple(map(_change, results))),
        SheetColumn("mark", "", tuple(map(marks, results))),
    ]
    return [column for column in columns if column.role == "value" or any(column.cells)]


def _change(result: Result) -> str:
    change = result.change
    return " ".join(filter(None, (format_change(change, result.unit), judgement(change))))
