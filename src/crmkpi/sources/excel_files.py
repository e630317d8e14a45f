"""Read workbooks: the first sheet, or a named one, of an .xlsx file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import IO, Any, TypeVar, Unpack, overload

from crmkpi.errors import FileFormatError, MissingExtraError, unknown_name
from crmkpi.records.base import record_type
from crmkpi.sources.columns import header_score
from crmkpi.sources.grid import CHUNK, HEADER_ROWS, Grid, Part, check_headers, found_header
from crmkpi.sources.limits import MOST_COLUMNS, MOST_UNPACKED, MOST_UNPACKED_RATIO
from crmkpi.sources.loaded import Records
from crmkpi.sources.presets.library import AnyPreset
from crmkpi.sources.reading import Reading, ReadingOptions, options_from
from crmkpi.sources.rows import load, record_of

__all__ = ["WORKBOOKS", "read_excel", "workbook_table"]

_R = TypeVar("_R")
Workbook = str | Path | IO[bytes]
WORKBOOKS = (".xlsx", ".xlsm")


@overload
def read_excel(
    path: Workbook,
    *,
    record: type[_R],
    preset: AnyPreset | None = ...,
    sheet: str | None = ...,
    **options: Unpack[Reading],
) -> Records[_R]: ...
@overload
def read_excel(
    path: Workbook,
    *,
    record: None = ...,
    preset: AnyPreset,
    sheet: str | None = ...,
    **options: Unpack[Reading],
) -> Records[Any]: ...
def read_excel(
    path: Workbook,
    *,
    record: type[Any] | None = None,
    preset: AnyPreset | None = None,
    sheet: str | None = None,
    **options: Unpack[Reading],
) -> Records[Any]:
    """Read a sheet of an Excel workbook as records; the other arguments are those of `read_csv`.

    `sheet` is the first one when not given. Formulas are not computed: a cell has the value that was saved with its
    formula. Needs the extra `crmkpi[excel]`.

    Raises:
        FileFormatError: the file is not a workbook, or would unpack to many times its size.
        MissingExtraError: openpyxl is not installed.

    >>> import io, openpyxl
    >>> book, file = openpyxl.Workbook(), io.BytesIO()
    >>> for row in (["Id", "Status", "Amount"], ["D1", "won", 1200.5]):
    ...     book.active.append(row)
    >>> book.save(file)
    >>> from crmkpi.records import Deal
    >>> read_excel(file, record=Deal)[0].amount
    Decimal('1200.5')
    """
    asked = options_from(preset, options)
    record = record_of(record, asked)
    kind = record_type(record)
    table = workbook_table(path, lambda cells: header_score(cells, kind, asked), asked, sheet=sheet)
    return load(table, record, asked)


def workbook_table(
    path: Workbook, score: Callable[[Sequence[str]], int], options: ReadingOptions | None, *, sheet: str | None = None
) -> Grid:
    """The table in a sheet: its headers are the first of thirty rows in which `score` finds any."""
    name = Path(path).name if isinstance(path, str | Path) else "<file>"
    _check_size(path, name)
    first = [[_text(cell) for cell in row] for _, row in islice(_rows(path, name, sheet), HEADER_ROWS)]
    if not first:
        raise FileFormatError(f"{name} is empty: its first row must be one of headers.")
    given = None if options is None else options.headers
    above = 0 if given is not None else found_header(first, score)
    more = 0 if options is None or options.preset is None or given is not None else options.preset.header_rows - 1
    headers = first[above]
    while headers and not headers[-1]:
        headers.pop()
    check_headers(given, len(headers), name)
    headers = headers if given is None else list(given)
    if len(headers) > MOST_COLUMNS:
        raise FileFormatError(
            f"{name} has {len(headers):,} columns, and a table may have {MOST_COLUMNS:,}; leave some out."
        )
    skipped = {reason: count for reason, count in (("line above the headers", above), ("header row", more)) if count}

    def parts() -> Iterator[Part]:
        rows = islice(_rows(path, name, sheet), above + more + (given is None), None)
        while chunk := list(islice(rows, CHUNK)):
            lines = [line for line, _ in chunk]
            yield Part([_fitted(row, len(headers)) for _, row in chunk], lines.copy)

    return Grid(name, headers, parts, text=False, skipped=skipped, sheet=True)


def _rows(path: Workbook, name: str, sheet: str | None) -> Iterator[tuple[int, list[Any]]]:
    """The non-blank rows of a sheet, each with its number."""
    openpyxl = _openpyxl()
    if not isinstance(path, str | Path):
        path.seek(0)
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True, keep_links=False)
    except Exception as problem:  # the library raises whatever its parsers do
        raise FileFormatError(f"{name} is not a readable workbook ({problem}); save it as CSV.") from problem
    try:
        if sheet is not None and sheet not in book.sheetnames:
            raise unknown_name(f"{name} has no sheet {sheet!r}.", sheet, book.sheetnames)
        table = book[sheet or book.sheetnames[0]]
        table.reset_dimensions()  # some systems write wrong ones
        for number, row in enumerate(_parsed(table.iter_rows(values_only=True), name), 1):
            if not row:  # skips the blank rows between a table and a cell far below it
                continue
            cells = [_plain(cell) for cell in row]
            if any(cell is not None for cell in cells):
                yield number, cells
    finally:
        book.close()


def _parsed(rows: Iterator[Sequence[Any]], name: str) -> Iterator[Sequence[Any]]:
    """The rows; an error of openpyxl about a sheet that does not parse becomes a `FileFormatError`."""
    try:
        yield from rows
    except Exception as problem:  # the library raises whatever its parsers do
        raise FileFormatError(f"{name} is not a readable workbook ({problem}); save it as CSV.") from problem


def _openpyxl() -> Any:
    try:
        return import_module("openpyxl")
    except ImportError as error:
        raise MissingExtraError("Workbooks need openpyxl; install it with pip install 'crmkpi[excel]'.") from error


def _check_size(path: Workbook, name: str) -> None:
    """Refuse an archive that would unpack to many times its size, before unpacking it."""
    from zipfile import BadZipFile, ZipFile  # noqa: PLC0415  # CSV files do not need it

    if not isinstance(path, str | Path):
        path.seek(0)
    try:
        with ZipFile(path) as archive:
            members = archive.infolist()
    except (BadZipFile, OSError) as problem:
        if isinstance(problem, FileNotFoundError):
            raise
        raise FileFormatError(f"{name} is not an .xlsx workbook ({problem}); save it as one, or as CSV.") from None
    unpacked = sum(member.file_size for member in members)
    packed = sum(member.compress_size for member in members) or 1
    if unpacked > MOST_UNPACKED or (unpacked > 10_000_000 and unpacked / packed > MOST_UNPACKED_RATIO):
        raise FileFormatError(
            f"{name} would unpack from {packed:,} to {unpacked:,} bytes, more than a workbook of records does; "
            f"save the sheet as CSV."
        )


def _plain(cell: Any) -> Any:
    """A cell as other sources have it: None for blank text, and durations and times of day as text."""
    if isinstance(cell, str):
        return cell if cell.strip() else None
    if isinstance(cell, timedelta):
        seconds = int(cell.total_seconds())
        return f"{seconds // 3_600:d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return cell.isoformat() if isinstance(cell, time) else cell


def _text(cell: Any) -> str:
    if cell is None:
        return ""
    return cell.isoformat() if isinstance(cell, date | datetime) else str(cell).strip()


def _fitted(row: list[Any], width: int) -> list[Any]:
    """Pad a row, which ends with its last value, to the width; a longer row stays so, and is rejected later."""
    while len(row) > width and row[-1] is None:
        row.pop()
    return row + [None] * (width - len(row))
