"""The result of every analysis: a frozen value that renders as a table in text, Markdown, HTML, JSON and frames."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from math import isfinite
from typing import Any

from crmkpi._hooks import hook
from crmkpi.tabular import FrameColumn, Tabular, inferred

__all__ = ["InsightTable", "ShownTable", "number_in", "plain", "shown_value"]

shown_value: Callable[..., str] = hook("insight_value")
_text: Callable[[InsightTable], str] = hook("insight_text")
_markdown: Callable[[InsightTable], str] = hook("insight_markdown")
_html: Callable[[InsightTable], str] = hook("insight_html")
_page: Callable[[InsightTable], str] = hook("insight_page")
_chart: Callable[[InsightTable], Any] = hook("insight_chart")


@dataclass(frozen=True, slots=True)
class ShownTable:
    """A table for display, with formatted cells.

    The first `labels` columns and the last `remarks` columns hold words, which are left-aligned.
    """

    heading: str
    headers: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()
    labels: int = 1
    remarks: int = 0


class InsightTable(Tabular):
    """A result in the form of a table: print it, display it in a notebook, or convert it to rows of plain values."""

    __slots__ = ()

    def grid(self) -> ShownTable:
        """The table for display."""
        raise NotImplementedError  # pragma: no cover  # every analysis has its own table

    def to_dicts(self) -> list[dict[str, Any]]:
        """One flat row of values per line of the table."""
        raise NotImplementedError  # pragma: no cover

    def to_json(self) -> str:
        """The rows of `to_dicts()` as a JSON array: money as text, durations in seconds."""
        rows = [{name: plain(value) for name, value in row.items()} for row in self.to_dicts()]
        return json.dumps(rows, ensure_ascii=False, allow_nan=False, indent=1) + "\n"

    def to_markdown(self) -> str:
        """The table in Markdown."""
        return _markdown(self)

    def to_html(self) -> str:
        """A whole HTML page."""
        return _page(self)

    def chart(self) -> Any:
        """An Altair chart, for control charts, explanations, forecasts, funnel plots and scorecards."""
        return _chart(self)

    def __str__(self) -> str:
        return _text(self)

    def __repr__(self) -> str:
        grid = self.grid()
        return f"<{type(self).__name__}: {grid.heading}; rows: {len(grid.rows)}>"

    def _repr_html_(self) -> str:
        return _html(self)

    def _columns(self) -> Mapping[str, FrameColumn]:
        rows = self.to_dicts()
        names = dict.fromkeys(name for row in rows for name in row)
        return {name: inferred([row.get(name) for row in rows]) for name in names}


def plain(value: Any) -> Any:
    """A value as a JSON type."""
    match value:
        case float() if not isfinite(value):
            return str(value)
        case None | bool() | int() | float() | str():
            return value
        case timedelta():
            return value.total_seconds()
        case Decimal():
            return f"{value:f}"
        case date():
            return value.isoformat()
        case list() | tuple():
            return [plain(one) for one in value]
        case Mapping():
            return {str(name): plain(one) for name, one in value.items()}
        case _:
            return str(value)


def number_in(value: Any, unit: str) -> Any:
    """A float as a value of the unit: money as a Decimal, durations as timedeltas, counts as they are."""
    if value is None:
        return None
    if unit == "duration":
        return timedelta(seconds=float(value))
    return Decimal(repr(float(value))) if unit == "money" else float(value)
