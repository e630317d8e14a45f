"""Reading CSV files."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from threading import Lock
from typing import Any, TypeVar

from crmkpi.errors import FileFormatError
from crmkpi.sources.columns import Targets, options_from
from crmkpi.sources.grid import CHUNK, Grid, Part
from crmkpi.sources.loaded import Records, Rejected
from crmkpi.sources.numbers import DecimalSign
from crmkpi.sources.rows import load
from crmkpi.sources.text import Source, read_text

__all__ = ["read_csv"]

_R = TypeVar("_R")
_FIRST_ROW = re.compile(r'(?:[^"\r\n]++|"[^"]*+")*+')
_QUOTED = re.compile(r'"[^"]*"')
_APOSTROPHES = ("'=", "'+", "'-", "'@", "'\t", "'\r")
_NEUTRALISED = re.compile(r"'+[=+\-@\t\r]")


def read_csv(
    path: Source,
    *,
    record: type[_R],
    columns: Mapping[str, Targets] | None = None,
    values: Mapping[str, Mapping[Any, Any]] | None = None,
    defaults: Mapping[str, Any] | None = None,
    attributes: bool = True,
    delimiter: str | None = None,
    encoding: str | None = None,
    decimal: DecimalSign | None = None,
    date_format: str | Mapping[str, str] | None = None,
    day_first: bool | None = None,
    tz: str | None = None,
    strict: bool = False,
) -> Records[_R]:
    r"""Read a CSV file, or an open file, as records; rows that do not parse are in `.rejected` with the reason.

    Nothing is guessed. A column fills the field of the same name, whatever its case and whether it has blanks or
    underscores; every other match must be said. An empty cell is a missing value.

    Args:
        path: a path, or a file open for reading as text or bytes.
        record: the class of the records, such as `Deal`.
        columns: `{header: field}` for headers that are named otherwise; `{header: (field, field)}` fills several and
            `{header: None}` drops a column.
        values: `{field: {value in the file: value of ours}}`, where `None` makes a value missing. The words of fields
            with fixed choices match in any case.
        defaults: `{field: value}` for fields that no column fills.
        attributes: keep the columns that fill no field in the `attributes` of the records, as text.
        delimiter: found in the header line when not given, among comma, semicolon, tab and bar. With a blank, `" "`,
            any run of blanks is one delimiter, as in tables set with blanks, and blanks at the ends of a line are none.
        encoding: UTF-8 when not given, or UTF-16 where a byte order mark says so.
        decimal: the sign before decimals, `","` or `"."`; numbers may then also have their thousands set apart. When it
            is not given, numbers are plain (1234.56), except in files with semicolons: there each column of numbers
            is looked through for which of the two it uses, and one that could be either is an error.
        date_format: a pattern of `strptime` for all date columns or `{field: pattern}`; also `"unix_seconds"` and
            `"unix_milliseconds"`. When it is not given, a date may be ISO (2026-01-31), worded (31 Jan 2026) or in
            numbers (31/01/2026), with or without a time.
        day_first: the order of dates in numbers. When it is not given, a column shows its order by having a number
            above 12 in one place; a column that never does is an error, one that does in both places is rejected.
        tz: the time zone of times without an offset, such as `"Europe/Berlin"`; they become exact instants. When it is
            not given they stay local times. A column that mixes times with and without an offset is an error.
        strict: raise at the first row that does not parse.

    An id may be missing from the columns of records that no other record refers to: ids are then line numbers.
    The whole text is held in memory while it is read. Cells of any length are read: the limit of the `csv` module,
    which holds for the whole process, is lifted until reading ends. An apostrophe before = + - @ at the start of a
    cell, which `write_csv` and some systems put there against formulas, is removed.

    >>> import io
    >>> from crmkpi.records import Deal
    >>> file = io.StringIO("Id,Status,Total\nD1,Won,12.50\nD2,gone,3\n")
    >>> deals = read_csv(file, record=Deal, columns={"Total": "amount"})
    >>> deals[0].status, deals[0].amount
    ('won', Decimal('12.50'))
    >>> deals.rejected[0].line, deals.rejected[0].field
    (3, 'status')
    """
    options = options_from(
        columns=columns,
        values=values,
        defaults=defaults,
        attributes=attributes,
        decimal=decimal,
        date_format=date_format,
        day_first=day_first,
        tz=tz,
        strict=strict,
    )
    text, name = read_text(path, encoding=encoding)
    with _cells_of_any_length(len(text)):
        return load(_grid(text, name, delimiter), record, options)


def _grid(text: str, name: str, delimiter: str | None) -> Grid:
    if not text.strip():
        raise FileFormatError(f"{name} is empty: a CSV file starts with a line of headers.")
    delimiter = _found_delimiter(text, name) if delimiter is None else delimiter
    if not isinstance(delimiter, str) or len(delimiter) != 1 or delimiter in '"\r\n':
        raise FileFormatError(
            f"A delimiter is one character other than a quote or a line break, and this is {delimiter!r}."
        )
    table = _Table(text, name, delimiter, any(mark in text for mark in _APOSTROPHES))
    headers = [header.strip() for header in table.headers()]
    return Grid(name, headers, table.parts, text=True, decimals_unknown=delimiter == ";")


def _found_delimiter(text: str, name: str) -> str:
    first_row = _FIRST_ROW.match(text.lstrip("\r\n"))
    header = _QUOTED.sub("", first_row[0] if first_row else "")
    counts = {candidate: header.count(candidate) for candidate in ",;\t|"}
    most = max(counts.values())
    likely = [candidate for candidate, count in counts.items() if count == most]
    if most and len(likely) > 1:
        raise FileFormatError(
            f"The headers of {name} could be set apart by {likely[0]!r} or {likely[1]!r}, which occur equally often; "
            f"say delimiter=."
        )
    return likely[0]


@dataclass(frozen=True, slots=True)
class _Table:
    """The text of a CSV file, which can be gone through more than once."""

    text: str
    name: str
    delimiter: str
    neutralised: bool

    def headers(self) -> list[str]:
        reader = self._reader()
        try:
            return self._plain([next(row for row in reader if row)])[0]
        except csv.Error as problem:
            raise FileFormatError(f"The headers of {self.name} do not read as CSV ({problem}); repair them.") from None

    def parts(self) -> Iterator[Part | Rejected]:
        reader = self._reader()
        next(row for row in reader if row)
        more = True
        while more:
            start = reader.line_num + 1
            rows: list[list[str]] = []
            broken = None
            try:
                rows.extend(islice(reader, CHUNK))  # what was read before an error stays in the list
                more = len(rows) == CHUNK
            except csv.Error as problem:
                broken = problem
            if rows:
                yield _part(self._plain(rows), start)
            if broken is not None:
                line = _lines(rows, start)[-1]
                if "unexpected end" in str(broken):
                    raise FileFormatError(
                        f"{self.name} has a quote that is never closed in the row on line {line}, so all that follows "
                        f"would be one cell; repair that line."
                    )
                yield Rejected(line, None, None, "a cell has more text after its closing quote")

    def _reader(self) -> Any:
        return csv.reader(io.StringIO(self.text, newline=""), delimiter=self.delimiter, strict=True)

    def _plain(self, rows: list[list[str]]) -> list[list[str]]:
        if self.delimiter == " ":
            rows = [[cell for cell in row if cell] for row in rows]
        if not self.neutralised:
            return rows
        return [[cell[1:] if cell[:1] == "'" and _NEUTRALISED.match(cell) else cell for cell in row] for row in rows]


def _part(rows: list[list[str]], start: int) -> Part:
    return Part(rows, lambda: _lines(rows, start)[:-1])


def _lines(rows: Sequence[Sequence[str]], start: int) -> list[int]:
    """The lines on which the rows start, and the line after the last row."""
    lines = [start]
    for row in rows:
        breaks = sum(cell.count("\n") + cell.count("\r") - cell.count("\r\n") for cell in row)
        lines.append(lines[-1] + 1 + breaks)
    return lines


_limit_lock = Lock()
_limit_users = 0
_usual_limit = csv.field_size_limit()


@contextmanager
def _cells_of_any_length(longest: int) -> Iterator[None]:
    """Lift the limit of the csv module, which is the process's, while anyone reads a text that could exceed it."""
    global _limit_users, _usual_limit  # noqa: PLW0603
    if longest <= csv.field_size_limit():
        yield
        return
    with _limit_lock:
        if not _limit_users:
            _usual_limit = csv.field_size_limit(2**31 - 1)
        _limit_users += 1
    try:
        yield
    finally:
        with _limit_lock:
            _limit_users -= 1
            if not _limit_users:
                csv.field_size_limit(_usual_limit)
