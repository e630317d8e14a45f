"""The table within the text of a CSV file: its delimiter, its headers, and its rows."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain, islice
from threading import Lock
from typing import Any

from crmkpi.errors import FileFormatError
from crmkpi.records.base import record_type
from crmkpi.sources.account import Rejected
from crmkpi.sources.columns import header_score
from crmkpi.sources.grid import CHUNK, HEADER_ROWS, Grid, Part, check_headers, found_header
from crmkpi.sources.limits import LONGEST_CELL, MOST_COLUMNS
from crmkpi.sources.reading import ReadingOptions
from crmkpi.sources.text import Text

__all__ = ["cells_of_any_length", "csv_grid", "found_table"]

_FIRST_ROW = re.compile(r'(?:[^"\r\n]++|"[^"]*+")*+')
_QUOTED = re.compile(r'"[^"]*"')
_APOSTROPHES = ("'=", "'+", "'-", "'@", "'\t", "'\r")
_NEUTRALISED = re.compile(r"'+[=+\-@\t\r]")
_SAYS_DELIMITER = re.compile(r'"?sep=([,;\t|])"?', re.IGNORECASE)
_AROUND = " \t\r\n\x0b\x0c\u00a0\u200b\u200c\u200d\u2060\ufeff"  # blanks around headers, invisible ones included
_DELIMITERS = ",;\t|"


def csv_grid(text: Text, record: type[Any], options: ReadingOptions, *, delimiter: str | None) -> Grid:
    """A CSV file as a grid, with headers found by the fields of `record`."""
    kind = record_type(record)
    return found_table(text, lambda cells: header_score(cells, kind, options), options, delimiter=delimiter)


def found_table(
    text: Text, score: Callable[[Sequence[str]], int], options: ReadingOptions | None, *, delimiter: str | None
) -> Grid:
    """The table in a text: its headers are the first of thirty lines in which `score` finds any."""
    if options is not None and options.headers is not None:
        score = _no_score
    start = next(text.blocks(), "")
    if not start.strip():
        raise FileFormatError(f"{text.name} is empty: a CSV file starts with a line of headers.")
    _check_is_table(start, text.name)
    above, delimiter = _layout(start, text.name, delimiter, score)
    preset = None if options is None else options.preset
    given = None if options is None else options.headers
    more = 0 if preset is None or given is not None else preset.header_rows - 1
    table = _Table(text, delimiter, above, more, given)
    headers = [header.strip(_AROUND) for header in table.headers()]
    if len(headers) > MOST_COLUMNS:
        raise FileFormatError(
            f"{text.name} has {len(headers):,} columns, and a table may have {MOST_COLUMNS:,}; leave some out."
        )
    skipped = {reason: count for reason, count in (("line above the headers", above), ("header row", more)) if count}
    return Grid(text.name, headers, table.parts, text=True, skipped=skipped, delimiter=delimiter)


def _check_is_table(start: str, name: str) -> None:
    """Refuse files that a download yields in place of a table: a web page, such as a login page, or JSON."""
    first = start.lstrip()[:200].casefold()
    if first.startswith(("<!doctype", "<html", "<?xml")):
        raise FileFormatError(
            f"{name} is a web page or XML and not a table, such as the page of a login; export the data as CSV."
        )
    if re.match(r"\[\s*[{\[]|\{\s*\"", first):
        raise FileFormatError(f"{name} is JSON and not CSV: read it with read_json, or give its name the suffix .json.")


def _no_score(_cells: Sequence[str]) -> int:
    return 0


def _layout(start: str, name: str, delimiter: str | None, score: Callable[[Sequence[str]], int]) -> tuple[int, str]:
    """The number of rows above the headers, and the delimiter."""
    if delimiter is not None and (not isinstance(delimiter, str) or len(delimiter) != 1 or delimiter in '"\r\n'):
        raise FileFormatError(
            f"A delimiter is one character other than a quote or a line break, and this is {delimiter!r}."
        )
    first = start.lstrip("\r\n")
    rows: list[tuple[str, list[str]]] = []
    place = 0
    if said := _SAYS_DELIMITER.fullmatch(_row_at(first, 0).strip()):
        delimiter = delimiter or said[1]
    while place < len(first) and len(rows) < HEADER_ROWS:
        line = _row_at(first, place)
        place += len(line)
        place += len(first[place : place + 2]) - len(first[place : place + 2].lstrip("\r\n")) or 1
        if line.strip():
            mark = delimiter or _commonest(line)
            rows.append((mark, next(csv.reader(io.StringIO(line, newline=""), delimiter=mark), [])))
    above = found_header([cells for _, cells in rows], score)
    if said and above == 0:
        above = 1
    if delimiter is None:
        delimiter = _found_delimiter(first, name) if above == 0 else rows[above][0]
    return above, delimiter


def _row_at(text: str, place: int) -> str:
    found = _FIRST_ROW.match(text, place)
    return found[0] if found else ""


def _commonest(line: str) -> str:
    plain = _QUOTED.sub("", line)
    return max(_DELIMITERS, key=plain.count)


def _found_delimiter(text: str, name: str) -> str:
    header = _QUOTED.sub("", _row_at(text, 0))
    counts = {candidate: header.count(candidate) for candidate in _DELIMITERS}
    most = max(counts.values())
    likely = [candidate for candidate, count in counts.items() if count == most]
    if most and len(likely) > 1:
        raise FileFormatError(
            f"The headers of {name} could be separated by {likely[0]!r} or {likely[1]!r}, which occur equally often; "
            f"say delimiter=."
        )
    return likely[0]


@dataclass(slots=True, eq=False, repr=False)
class _Table:
    """The text of a CSV file from a row on, which can be iterated more than once.

    `above` rows come before the headers, and `more` rows after their first one are header rows too; where the headers
    are `given`, the file has none.
    """

    text: Text
    delimiter: str
    above: int
    more: int
    given: Sequence[str] | None = None
    neutralised: bool = field(default=False)

    def headers(self) -> list[str]:
        try:
            rows = (row for row in self._reader() if row)
            first = self._plain([next(islice(rows, self.above, None))])[0]
        except csv.Error as problem:
            raise FileFormatError(
                f"The headers of {self.text.name} do not read as CSV ({problem}); repair them."
            ) from None
        check_headers(self.given, len(first), self.text.name)
        return first if self.given is None else list(self.given)

    def parts(self) -> Iterator[Part | Rejected]:
        reader = self._reader()
        below = self.above + self.more + (self.given is None)
        try:
            for _ in islice((row for row in reader if row), below):
                pass
        except csv.Error as problem:
            raise FileFormatError(
                f"The headers of {self.text.name} do not read as CSV ({problem}); repair them."
            ) from None
        more = True
        while more:
            start = reader.line_num + 1
            rows: list[list[str]] = []
            broken = None
            try:
                rows.extend(islice(reader, CHUNK))  # rows read before an error stay in the list
                more = len(rows) == CHUNK
            except csv.Error as problem:
                broken = problem
            if rows:
                yield _part(self._plain(rows), start, broken=reader.line_num >= start + len(rows))
            if broken is not None:
                line = _lines(rows, start)[-1]
                if "unexpected end" in str(broken) or "field larger" in str(broken):
                    raise FileFormatError(
                        f"{self.text.name} has a quote that is never closed in the row on line {line}, so all that "
                        f"follows would be one cell; repair that line."
                    )
                yield Rejected(line, None, None, "a cell has more text after its closing quote")

    def _reader(self) -> Any:
        lines = chain.from_iterable(map(self._opened, self.text.blocks()))
        return csv.reader(lines, delimiter=self.delimiter, strict=True)

    def _opened(self, block: str) -> io.StringIO:
        self.neutralised = self.neutralised or ("'" in block and any(mark in block for mark in _APOSTROPHES))
        return io.StringIO(block, newline="")

    def _plain(self, rows: list[list[str]]) -> list[list[str]]:
        if self.delimiter == " ":
            rows = [[cell for cell in row if cell] for row in rows]
        if not self.neutralised:
            return rows
        return [[cell[1:] if cell[:1] == "'" and _NEUTRALISED.match(cell) else cell for cell in row] for row in rows]


def _part(rows: list[list[str]], start: int, *, broken: bool) -> Part:
    """A part whose rows begin on the line `start`; `broken` says that one of its cells spans several lines."""
    if broken:
        return Part(rows, lambda: _lines(rows, start)[:-1])
    lines = range(start, start + len(rows))
    return Part(rows, lambda: lines)


def _lines(rows: Sequence[Sequence[str]], start: int) -> list[int]:
    """The line on which each row starts, and the line after the last row."""
    lines = [start]
    for row in rows:
        breaks = sum(cell.count("\n") + cell.count("\r") - cell.count("\r\n") for cell in row)
        lines.append(lines[-1] + 1 + breaks)
    return lines


_limit_lock = Lock()
_limit_users = 0
_usual_limit = csv.field_size_limit()


@contextmanager
def cells_of_any_length() -> Iterator[None]:
    """Lift the cell length limit of the csv module, which is global to the process, while any reader runs."""
    global _limit_users, _usual_limit  # noqa: PLW0603
    with _limit_lock:
        if not _limit_users:
            _usual_limit = csv.field_size_limit(LONGEST_CELL)
        _limit_users += 1
    try:
        yield
    finally:
        with _limit_lock:
            _limit_users -= 1
            if not _limit_users:
                csv.field_size_limit(_usual_limit)
