"""A source as a table of cells, before anybody knows what they mean."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from crmkpi.errors import ColumnError
from crmkpi.sources.account import Rejected

__all__ = ["CHUNK", "HEADER_ROWS", "Grid", "Part", "Row", "check_headers", "found_header"]

CHUNK = 200  # rows that stay in the processor's cache until they are records: larger chunks are slower
HEADER_ROWS = 30  # among which the headers are looked for
Row = Sequence[Any]


@dataclass(frozen=True, slots=True)
class Part:
    """Some rows of a source. The lines on which they start are worked out only when somebody needs them."""

    rows: Sequence[Row]
    lines: Callable[[], Sequence[int]]


@dataclass(frozen=True, slots=True)
class Grid:
    """A source as a table: headers, and parts of rows that can be gone through more than once.

    A row that the source itself cannot read comes as `Rejected`. In a grid of text the empty text is a missing value,
    in others `None` is. `skipped` counts rows that are no part of the table, by reason. `delimiter` is that of a CSV
    file; `sheet` says that it is one of a workbook.
    """

    source: str
    headers: Sequence[str]
    parts: Callable[[], Iterator[Part | Rejected]]
    text: bool
    skipped: Mapping[str, int] = field(default_factory=dict)
    delimiter: str = ""
    sheet: bool = False

    def column(self, position: int) -> Iterator[tuple[int, Any]]:
        """The cells of one column, each with its line."""
        for part in self.parts():
            if isinstance(part, Part):
                pairs = zip(part.lines(), part.rows, strict=True)
                yield from ((line, row[position]) for line, row in pairs if len(row) == len(self.headers))


def check_headers(given: Sequence[str] | None, width: int, source: str) -> None:
    """Refuse headers that are given for a table of another width."""
    if given is not None and len(given) != width:
        raise ColumnError(
            f"headers= names {len(given)} columns, and the first row of {source} has {width} cells; name each column."
        )


def found_header(rows: Sequence[Sequence[str]], score: Callable[[Sequence[str]], int]) -> int:
    """Which of the first rows has the headers: the first one, unless only a later one has any that are known."""
    scores = [score(cells) for cells in rows]
    best = max(scores, default=0)
    return 0 if best < 2 or scores[0] else scores.index(best)  # one word alone may be a coincidence
