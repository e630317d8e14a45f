"""CSV files as tables of DuckDB, with the same records as `read_csv`.

DuckDB reads a file itself if it infers the type of each column that fills a field and all values are written plainly.
The row reader reads any other file, and its records become a table of DuckDB, so that no value has two readings.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from crmkpi.engines.frames.backends import BACKENDS
from crmkpi.engines.frames.faults import wrong_type
from crmkpi.engines.frames.table import FrameTable
from crmkpi.errors import FileFormatError, InputError
from crmkpi.records.base import RecordType, record_type
from crmkpi.records.directions import together
from crmkpi.sources.columns import Columns, matched_columns
from crmkpi.sources.csv_tables import cells_of_any_length, csv_grid
from crmkpi.sources.dates import YEARS_OF_ZEROS, zone_named
from crmkpi.sources.frames.duckdb_records import quoted, relation_of_records
from crmkpi.sources.frames.typed_columns import NotPlainError, field_column
from crmkpi.sources.grid import Grid, Part, Row
from crmkpi.sources.guards import check_currency, check_filled, check_intervals, check_table, check_units
from crmkpi.sources.header_units import says_percent
from crmkpi.sources.numbers import point_or_error
from crmkpi.sources.presets.library import AnyPreset
from crmkpi.sources.reading import Reading, ReadingOptions, options_from
from crmkpi.sources.report_rows import ReportRows
from crmkpi.sources.rows import load, record_of
from crmkpi.sources.streams import RecordStream
from crmkpi.sources.text import open_text

__all__ = ["duckdb_table"]

_BLOCK = 16_000_000
_NUMBERS = ("money", "number", "integer")
_READ_IN_PLACE = ("tz",)  # other options for texts need the row reader


def duckdb_table(
    library: Any,
    files: Sequence[Path],
    record: type[Any] | None,
    preset: AnyPreset | None,
    columns: Mapping[str, str | Sequence[str]] | None,
    given: Reading,
) -> FrameTable:
    """Files of the same columns as one table of DuckDB; `columns` is that of `read_csv`."""
    record = record_of(record, options_from(preset, given))
    kind = record_type(record)
    options = options_from(preset, {**given, "columns": together(columns or {}, kind.fields)})
    said = any(value is not None for word, value in given.items() if word not in _READ_IN_PLACE)
    if options.preset is None and kind.model is record and not kind.is_survey and not said:
        try:
            return _in_place(library, files, kind, options)
        except (NotPlainError, FileFormatError, InputError, library.Error):
            pass  # the row reader reads it, or raises the error
    with cells_of_any_length():
        read = [_read(path, record, options) for path in files]
        typed = [known for each in read for known in getattr(each, "typed", ())]
        relation, unread = relation_of_records(library, chain.from_iterable(read), kind, typed)
    skipped: Counter[str] = Counter()
    for each in read:
        skipped.update(each.account.skipped)
    return FrameTable(
        relation,
        type_=kind,
        columns={name: field_column(name) for name, known in kind.fields.items() if known.kind != "attributes"},
        zone=None if options.tz is None else zone_named(options.tz),
        skipped=dict(skipped) or None,
        rejected=tuple(row for each in read for row in each.rejected),
        unfilled=frozenset.intersection(*(frozenset(each.account.unfilled) for each in read)),
        unread=unread,
        numbered=any(each.account.lacks_ids for each in read),
    )


def _read(path: Path, record: type[Any], options: ReadingOptions) -> Any:
    """The records of a file, with their account."""
    grid = csv_grid(open_text(path, encoding=None), record, options, delimiter=None)
    if options.preset is not None and options.preset.history:
        return load(grid, record, options)
    return RecordStream(grid, record, options)


def _in_place(library: Any, files: Sequence[Path], kind: RecordType, options: ReadingOptions) -> FrameTable:
    """The files as a relation that DuckDB reads in place.

    Raises:
        NotPlainError, FileFormatError, InputError: it would read a value otherwise than the row reader.
    """
    matched: list[Columns] = []
    for path in files:
        _check_lines(path)
        with cells_of_any_length():
            text = open_text(path, encoding=None)
            grid = csv_grid(text, kind.model, options, delimiter=None)
            check_table(grid.headers, kind, options, source=grid.source)
            matched.append(matched_columns(grid.headers, kind, options, source=grid.source))
            _check_rows(grid, matched[-1])
            _check_columns(grid, matched[-1], kind, options)
            if text.encoding != "utf-8" or matched[-1] != matched[0]:
                raise NotPlainError
    columns = matched[0]
    filled = {column.field: column.header for column in columns.fields}
    if columns.numbered or columns.constants or len(filled) < len(columns.fields):
        raise NotPlainError
    texts = [header for _, header in columns.attributes]
    texts += [header for name, header in filled.items() if kind.fields[name].kind in ("text", "choice")]
    names = [str(path) for path in files]
    relation = library.read_csv(names if len(names) > 1 else names[0], dtype=dict.fromkeys(texts, "VARCHAR"))
    _check_values(library, relation, names, filled, kind)
    zone = None if options.tz is None else zone_named(options.tz)
    return FrameTable(relation, type_=kind, columns=filled, zone=zone, unfilled=columns.unfilled(kind))


def _check_values(
    library: Any, relation: Any, names: Sequence[str], filled: Mapping[str, str], kind: RecordType
) -> None:
    """Refuse columns of other types, values that the record refuses or changes, and padded texts."""
    backend = BACKENDS["duckdb"]
    odd = []
    for name, header in filled.items():
        known, own = kind.fields[name], quoted(header)
        found = backend.home.type_of(relation, header, known.kind)
        percent = known.kind == "number" and says_percent(header)
        if wrong_type(known.kind, found, backend) or found.what == "nothing" or percent:
            raise NotPlainError
        if found.what == "float":
            odd.append(f"NOT isfinite({own})")
        for rule in kind.model.__pydantic_fields__[name].metadata:
            odd += [f"{own} < {rule.ge}"] if getattr(rule, "ge", None) is not None else []
            odd += [f"{own} > {rule.le}"] if getattr(rule, "le", None) is not None else []
        if known.kind in ("text", "choice"):
            odd.append(f"{own} <> trim({own}) OR {own} = '' OR starts_with({own}, chr(39))")
        if known.kind in ("timestamp", "date"):
            odd.append(f"year({own}) IN ({', '.join(map(str, YEARS_OF_ZEROS))})")
        if name == "currency":
            odd.append(f"NOT regexp_full_match({own}, '[A-Z]{{3}}')")
        if known.choices:
            odd.append(f"{own} NOT IN ({', '.join(map(repr, known.choices))})")
        if known.required:
            odd.append(f"{own} IS NULL")
    if odd and relation.filter(" OR ".join(odd)).limit(1).fetchall():
        raise NotPlainError
    for path in names:
        (forms,) = library.execute("SELECT DateFormat, TimestampFormat FROM sniff_csv(?)", [path]).fetchall()
        if any(form is not None and not form.startswith("%Y-%m-%d") for form in forms):
            raise NotPlainError


def _check_lines(path: Path) -> None:
    """Refuse files with mixed line ends, or with a lone carriage return as one: DuckDB reads them otherwise."""
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
            f"{path.name} has mixed line ends, or a carriage return alone as one, which DuckDB reads otherwise than "
            f"the other readers; read it with scan(engine='polars'), read_csv or stream_csv."
        )


def _check_rows(grid: Grid, columns: Columns) -> None:
    """Refuse a file with totals or repeated headers, which DuckDB would read as records."""
    report = ReportRows(tuple(grid.headers), columns.place_of_ids)
    above: Row = ()
    for part in grid.parts():
        rows = part.rows if isinstance(part, Part) else ()
        if isinstance(part, Part) and report.may_be(rows):
            for row, line in zip(rows, part.lines(), strict=True):
                if (reason := report.reason_of(row, above)) is not None:
                    raise FileFormatError(
                        f"Line {line} of {grid.source} is not a record ({reason}), but DuckDB would read it as one; "
                        f"read the file with scan(engine='polars'), read_csv or stream_csv."
                    )
                above = row
        above = rows[-1] if rows else above


def _check_columns(grid: Grid, columns: Columns, kind: RecordType, options: ReadingOptions) -> None:
    check_filled(grid.headers, columns, kind, options, source=grid.source)
    check_currency(grid, columns, kind, options)
    check_intervals(grid, columns, kind, options)
    check_units(columns, kind, source=grid.source)
    for column in columns.fields:
        if kind.fields[column.field].kind in _NUMBERS:
            point_or_error(column.header, (cell for _, cell in grid.column(column.position)))
