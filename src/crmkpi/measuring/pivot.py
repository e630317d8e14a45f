"""A report as a grid: the results by the values of two dimensions. `display/pivot.py` builds and formats it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from crmkpi._hooks import hook
from crmkpi._read_only import ReadOnly
from crmkpi.errors import unknown_name

if TYPE_CHECKING:
    from crmkpi.measuring.results import Result

__all__ = ["Pivot"]

_format_label: Callable[[Hashable], str] = hook("format_label")
_pivot_dicts: Callable[[Pivot], list[dict[str, Any]]] = hook("pivot_dicts")
_pivot_markdown: Callable[[Pivot], str] = hook("pivot_markdown")
_pivot_table: Callable[[Pivot], str] = hook("pivot_table")
_pivot_text: Callable[[Pivot], str] = hook("pivot_text")


@dataclass(frozen=True, slots=True, repr=False)
class Pivot:
    """A grid of results: `rows` and `columns` are the values of two dimensions, in the order of the report.

    Printed, it shows the values; `cell` returns the whole result behind one of them.
    """

    row_name: str
    column_name: str
    rows: tuple[Hashable, ...]
    columns: tuple[Hashable, ...]
    cells: Mapping[tuple[Hashable, Hashable], Result] = field(repr=False)
    title: str = ""

    def cell(self, row: Hashable, column: Hashable) -> Result | None:
        """The result in a row and column; None where the report has none. An unknown row or column is an error."""
        for name, value, known in ((self.row_name, row, self.rows), (self.column_name, column, self.columns)):
            if value not in known:
                raise unknown_name(f"The grid has no {name} {value!r}.", str(value), map(_format_label, known))
        return self.cells.get((row, column))

    def __reduce__(self) -> tuple[Any, ...]:  # a read-only view cannot be pickled
        return _restored, (self.row_name, self.column_name, self.rows, self.columns, dict(self.cells), self.title)

    def to_dicts(self) -> list[dict[str, Any]]:
        """One plain dict per row: its name, and the value in each column (money as text, durations in seconds)."""
        return _pivot_dicts(self)

    def to_markdown(self) -> str:
        """The grid as a Markdown table."""
        return _pivot_markdown(self)

    def __str__(self) -> str:
        return _pivot_text(self)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return _pivot_table(self)


def _restored(row_name: str, column_name: str, rows: Any, columns: Any, cells: Any, title: str) -> Pivot:
    return Pivot(row_name, column_name, rows, columns, ReadOnly(cells), title)
