"""CSV files that DuckDB scans itself, after a check for text that it would read otherwise than `read_csv`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from crmkpi.errors import FileFormatError
from crmkpi.records.base import RecordType, record_type
from crmkpi.sources.columns import matched_columns
from crmkpi.sources.csv_tables import cells_of_any_length, csv_grid
from crmkpi.sources.grid import Grid, Part
from crmkpi.sources.guards import check_currency, check_intervals, check_table, check_units
from crmkpi.sources.numbers import point_or_error
from crmkpi.sources.reading import Options
from crmkpi.sources.report_rows import ReportRows
from crmkpi.sources.text import open_text

__all__ = ["duckdb_csv"]

_BLOCK = 16_000_000
_NUMBERS = ("money", "number", "integer")


def duckdb_csv(
    library: Any, files: Sequence[Path], record: type[Any], columns: Mapping[str, str | Sequence[str]]
) -> Any:
    """The files as a relation of DuckDB; `columns` is that of `read_csv`.

    Raises:
        FileFormatError: lines end in several ways, or a column of numbers has decimal commas.
        InputError: a column of numbers could be read in two ways.
    """
    kind = record_type(record)
    for path in files:
        _check_lines(path)
        with cells_of_any_length():
            options = Options(columns=columns)
            grid = csv_grid(open_text(path, encoding=None), record, options, delimiter=None)
            _check_rows(grid)
            _check_columns(grid, kind, options)
    names = [str(path) for path in files]
    try:
        return library.read_csv(names if len(names) > 1 else names[0])
    except library.Error as problem:
        first = str(problem).splitlines()[0]
        raise FileFormatError(
            f"DuckDB cannot read {files[0].name} ({first}); read it with scan(engine='polars'), read_csv or stream_csv."
        ) from None


def _check_lines(path: Path) -> None:
    """Refuse files whose lines end in several ways, or with a carriage return alone: DuckDB reads them otherwise."""
    returns = ends = both = 0
    last = b""
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            returns += block.count(b"\r")
            ends += block.count(b"\n")
            both += block.count(b"\r\n") + (last == b"\r" and block[:1] == b"\n")
            last = block[-1:]
    if returns != both or (both and both != ends):
        raise FileFormatError(
            f"The lines of {path.name} end in several ways, or with a carriage return alone, which DuckDB does not "
            f"read as others do; read it with scan(engine='polars'), read_csv or stream_csv."
        )


def _check_rows(grid: Grid) -> None:
    """Refuse a file with rows that are totals or headers again, which DuckDB would take for records."""
    report = ReportRows(tuple(grid.headers))
    for part in grid.parts():
        if isinstance(part, Part) and report.may_be(part.rows):
            for row, line in zip(part.rows, part.lines(), strict=True):
                if (reason := report.reason_of(row)) is not None:
                    raise FileFormatError(
                        f"Line {line} of {grid.source} is no record ({reason}), which DuckDB would take for one; read "
                        f"it with scan(engine='polars'), read_csv or stream_csv."
                    )


def _check_columns(grid: Grid, kind: RecordType, options: Options) -> None:
    columns = matched_columns(grid.headers, kind, options, source=grid.source)
    check_table(grid.headers, columns, kind, options, source=grid.source)
    check_currency(grid, columns, kind, options)
    check_intervals(grid, columns, kind, options)
    check_units(columns, kind, source=grid.source)
    for column in columns.fields:
        if kind.fields[column.field].kind in _NUMBERS:
            point_or_error(column.header, (cell for _, cell in grid.column(column.position)))
