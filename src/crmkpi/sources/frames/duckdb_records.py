"""Load records into a table of DuckDB through a temporary CSV file of plain values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from crmkpi.records.base import FieldType, RecordType
from crmkpi.sources.frames.batches import UNREADABLE
from crmkpi.sources.frames.typed_columns import field_column

__all__ = ["quoted", "relation_of_records"]

_DIGITS = 38  # of the longest decimals
_NOTHING = r"\N"
_NAMES = count(1)
_TYPES = {"number": "DOUBLE", "date": "DATE", "flag": "BOOLEAN"}


def relation_of_records(
    library: Any, records: Iterable[Any], kind: RecordType, typed: Sequence[FieldType] = ()
) -> tuple[Any, dict[str, str]]:
    """A relation with a column for each field and attribute, and a map from fields to columns of unreadable values.

    It is a temporary table of the default connection, which `duckdb.read_csv` also uses, until that is closed.
    """
    held = list(records)
    columns: dict[str, tuple[list[Any], FieldType | None]] = {}
    for known in kind.fields.values():
        if known.kind != "attributes":
            columns[field_column(known.name)] = [getattr(one, known.name) for one in held], known
    kinds = {known.name.removeprefix("attributes."): known for known in typed}
    for name in dict.fromkeys([*kinds, *(name for one in held for name in one.attributes)]):
        columns[name] = [one.attributes.get(name) for one in held], kinds.get(name)
    unread = {}
    for name in dict.fromkeys(name for one in held for name in one.unreadable if name != "id"):
        unread[name] = field_column(name) + UNREADABLE
        columns[unread[name]] = [one.unreadable.get(name) for one in held], None
    listed = [(f"c{place}", name, *found) for place, (name, found) in enumerate(columns.items())]
    chosen = ", ".join(f"{own}::{_type_of(values, known)} AS {quoted(name)}" for own, name, values, known in listed)
    texts = ", ".join(f"{own}: 'VARCHAR'" for own, *_ in listed)
    table = f"crmkpi_file_{next(_NAMES)}"
    with TemporaryDirectory() as folder:
        path = Path(folder) / "records.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            rows = zip(*(_cells(values, known) for _, _, values, known in listed), strict=True)
            file.writelines(",".join(row) + "\n" for row in rows)
        library.execute(
            f"CREATE TEMP TABLE {table} AS SELECT {chosen} FROM read_csv(?, header = false, auto_detect = false, "  # noqa: S608  # names are quoted
            f"delim = ',', quote = '\"', escape = '\"', nullstr = '{_NOTHING}', allow_quoted_nulls = false, "
            f"parallel = false, max_line_size = 1_000_000_000, columns = {{{texts}}})",
            [str(path)],
        )
    return library.table(table), unread


def quoted(name: str) -> str:
    """A name quoted for SQL."""
    return '"' + name.replace('"', '""') + '"'


def _cells(values: Sequence[Any], known: FieldType | None) -> Iterable[str]:
    aware = known is not None and known.kind == "timestamp" and _is_aware(values)
    return (_NOTHING if each is None else _cell(each, aware=aware) for each in values)


def _cell(value: Any, *, aware: bool) -> str:
    if isinstance(value, datetime):
        return (value.replace(tzinfo=UTC) if aware and value.tzinfo is None else value).isoformat(" ")
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value.isoformat() if isinstance(value, date) else quoted(str(value))


def _is_aware(values: Sequence[Any]) -> bool:
    return any(value is not None and value.tzinfo is not None for value in values)


def _type_of(values: Sequence[Any], known: FieldType | None) -> str:
    """The type of a column; numbers with too many digits are floats, which sums refuse."""
    if known is None or known.kind not in ("money", "integer", "timestamp", *_TYPES):
        return "VARCHAR"
    if known.kind == "timestamp":
        return "TIMESTAMPTZ" if _is_aware(values) else "TIMESTAMP"
    if known.kind in _TYPES:
        return _TYPES[known.kind]
    there = [abs(value) for value in values if value is not None]
    if known.kind == "integer":
        largest = max(there, default=0)
        return "BIGINT" if largest < 2**63 else "HUGEINT" if largest < 2**127 else "DOUBLE"
    digits = min(max([2, *(-int(value.as_tuple().exponent) for value in there)]), _DIGITS)
    return f"DECIMAL({_DIGITS}, {digits})" if all(value < 10 ** (_DIGITS - digits) for value in there) else "DOUBLE"
