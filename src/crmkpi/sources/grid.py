"""A source as a table of cells, before columns are matched with fields."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from crmkpi._read_only import ReadOnly
from crmkpi.errors import ColumnError
from crmkpi.sources.account import Rejected

__all__ = ["CHUNK", "HEADER_ROWS", "Grid", "Part", "Row", "check_headers", "found_header"]

CHUNK = 200  # rows that stay in the CPU cache until they are records: larger chunks are slower
HEADER_ROWS = 30  # the rows among which headers are searched
Row = Sequence[Any]


class Part(NamedTuple):
    """Some rows of a source. The lines on which they start are computed lazily."""

    rows: Sequence[Row]
    lines: Callable[[], Sequence[int]]


class Grid(NamedTuple):
    """A source as a table: headers, and parts of rows that can be iterated more than once.

    A row that the source itself cannot parse is a `Rejected`. In a grid of text the empty text is a missing value, in
    others `None` is. `skipped` counts rows outside of the table, by reason. `delimiter` is that of a CSV file; `sheet`
    says that the source is a sheet of a workbook.
    """

    source: str
    headers: Sequence[str]
    parts: Callable[[], Iterator[Part | Rejected]]
    text: bool
    skipped: Mapping[str, int] = ReadOnly()
    delimiter: str = ""
    sheet: bool = False

    def column(self, position: int) -> Iterator[tuple[int, Any]]:
        """The cells of one column, each with its line."""
        for part in self.parts():
            if isinstance(part, Part):
                pairs = zip(part.lines(), part.rows, strict=True)
                yield from ((line, row[position]) for line, row in pairs if len(row) == len(self.headers))


def check_headers(given: Sequence[str] | None, width: int, source: str) -> None:
    """Refuse `headers=` whose length is not the width of the table."""
    if given is not None and len(given) != width:
        raise ColumnError(
            f"headers= names {len(given)} columns, and the first row of {source} has {width} cells; name each column."
        )


def found_header(rows: Sequence[Sequence[str]], score: Callable[[Sequence[str]], int]) -> int:
    """The index of the header row: the first row, unless only a later one has known headers."""
    scores = [score(cells) for cells in rows]
    best = max(scores, default=0)
    return 0 if best < 2 or scores[0] else scores.index(best)  # one word alone may be a coincidence
