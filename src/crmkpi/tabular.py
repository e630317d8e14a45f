"""Tables of results as frames of pandas, Polars and Arrow, with numbers as numbers.

A table describes its columns; only this module knows the types of each library.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Context, Decimal
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, NamedTuple

from crmkpi._hooks import hook
from crmkpi.errors import InputError, MissingExtraError, unknown_name

__all__ = ["FrameColumn", "Kind", "Money", "Tabular", "inferred", "write_whole"]

Kind = Literal["text", "integer", "number", "money", "duration", "timestamp", "date", "flag"]
Money = Literal["decimal", "float"]
_MONEY = ("decimal", "float")
_DIGITS = 38  # of a 128-bit decimal
_EXACTLY = Context(prec=_DIGITS + 1)
_EPOCH, _MICROSECOND = datetime(1970, 1, 1), timedelta(microseconds=1)  # noqa: DTZ001  # on the wall clock
_EXTRAS = {"pandas": "pandas", "polars": "polars", "pyarrow": "frames"}


class FrameColumn(NamedTuple):
    """The cells of one column: values of one kind, and None for missing values.

    `zone` is the time zone in which timestamps are shown; None means wall-clock times.
    """

    kind: Kind
    cells: Sequence[Any]
    zone: str | None = None

    def map(self, kind: Kind, change: Callable[[Any], Any]) -> FrameColumn:
        """The column with each value converted to another kind."""
        return FrameColumn(kind, [None if cell is None else change(cell) for cell in self.cells])


_table_html: Callable[[Sequence[Mapping[str, Any]], int], str] = hook("table_html")
_SHOWN = 20  # rows of a table in a notebook


class Tabular:
    """A table that converts to frames: `to_pandas()`, `to_polars()`, `to_arrow()`, or through the Arrow interface.

    Amounts are exact decimals; `money="float"` makes them floats, for charts and statistics. Durations and timestamps
    have the types of the library, and undefined values are missing.
    """

    __slots__ = ()

    def to_dicts(self) -> list[dict[str, Any]]:
        """One dict per row, with the same keys in each."""
        raise NotImplementedError  # pragma: no cover  # every table has its own rows

    def _columns(self) -> Mapping[str, FrameColumn]:
        rows = self.to_dicts()
        return {name: inferred([row[name] for row in rows]) for name in (rows[0] if rows else ())}

    def _repr_html_(self) -> str:
        return _table_html(*self._head(_SHOWN))

    def _head(self, count: int) -> tuple[Sequence[Mapping[str, Any]], int]:
        """The first rows for a notebook, and the number of all rows."""
        rows = self.to_dicts()
        return rows[:count], len(rows)

    def to_pandas(self, *, money: Money = "decimal") -> Any:
        """A pandas DataFrame; amounts are `decimal.Decimal`, or floats with `money="float"`."""
        columns, pandas = _with_money(self._columns(), money), _library("pandas")
        return pandas.DataFrame({name: _pandas_column(pandas, column) for name, column in columns.items()})

    def to_polars(self, *, money: Money = "decimal") -> Any:
        """A Polars DataFrame; amounts are of type Decimal (38 digits), or floats with `money="float"`."""
        columns, polars = _with_money(self._columns(), money), _library("polars")
        return polars.DataFrame([_polars_column(polars, name, column) for name, column in columns.items()])

    def to_arrow(self, *, money: Money = "decimal") -> Any:
        """A PyArrow Table; amounts are of type decimal128 (38 digits), or floats with `money="float"`."""
        columns, arrow = _with_money(self._columns(), money), _library("pyarrow")
        return arrow.table({name: _arrow_column(arrow, name, column) for name, column in columns.items()})

    def __array__(self, dtype: object = None, copy: object = None) -> Any:
        """Refuse `pandas.DataFrame(report)`, which would take the table apart into objects; use `to_pandas()`."""
        raise InputError(
            f"A {type(self).__name__} is not an array, and pandas.DataFrame(...) would split it; make the frame with "
            "to_pandas(), to_polars() or to_arrow()."
        )

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """The Arrow interface, through which Polars, DuckDB, pandas and Altair read the table with its types."""
        frame = self.to_arrow() if find_spec("pyarrow") else self.to_polars()
        return frame.__arrow_c_stream__(requested_schema)


def write_whole(path: str | Path, content: bytes) -> None:
    """Write a file atomically: to a temporary file in the same folder, which replaces the target when complete."""
    file = Path(path)
    other = file.with_name(f".{file.name}.{os.getpid()}.new")
    try:
        other.write_bytes(content)
        other.replace(file)
    except OSError as error:
        other.unlink(missing_ok=True)
        raise InputError(f"{file} cannot be written: {error.strerror or error}.") from None


def inferred(cells: Iterable[Any]) -> FrameColumn:
    """A column whose kind is inferred from its values; values of several kinds become text.

    >>> inferred([1, None, 2]).kind, inferred([1, 2.5]).kind, inferred(["a", 1]).cells
    ('integer', 'number', ['a', '1'])
    """
    values = list(cells)
    one_of_each = {type(value): value for value in values if value is not None}
    kinds: set[Kind] = {_kind_of(value) for value in one_of_each.values()}
    if kinds == {"integer", "number"}:
        kinds = {"number"}
    kind: Kind = kinds.pop() if len(kinds) == 1 else "text"
    if kind == "text":
        return FrameColumn("text", [value if value is None or type(value) is str else str(value) for value in values])
    if kind != "timestamp":
        return FrameColumn(kind, values)
    zones = {_zone_of(value) for value in values if value is not None}
    if len(zones) > 1 and None in zones:
        return FrameColumn("text", values).map("text", datetime.isoformat)
    return FrameColumn("timestamp", values, zones.pop() if len(zones) == 1 else "UTC")


def _kind_of(value: object) -> Kind:
    match value:
        case bool():
            return "flag"
        case int():
            return "integer"
        case float():
            return "number"
        case Decimal():
            return "money"
        case timedelta():
            return "duration"
        case datetime():
            return "timestamp"
        case date():
            return "date"
        case _:
            return "text"


def _zone_of(moment: datetime) -> str | None:
    """The name of a moment's time zone; "UTC" for a zone without a name, such as a fixed offset."""
    return None if moment.tzinfo is None else getattr(moment.tzinfo, "key", "UTC")


def _with_money(columns: Mapping[str, FrameColumn], money: str) -> dict[str, FrameColumn]:
    if money not in _MONEY:
        raise unknown_name(f"`money` has no form {money!r}.", str(money), _MONEY)
    if money == "decimal":
        return dict(columns)
    return {name: column.map("number", float) if column.kind == "money" else column for name, column in columns.items()}


def _library(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise MissingExtraError(
            f"A {name} frame needs {name}; install it with pip install 'crmkpi[{_EXTRAS[name]}]'."
        ) from error


def _pandas_column(pandas: Any, column: FrameColumn) -> Any:
    holes = any(cell is None for cell in column.cells)
    match column.kind:
        case "integer":
            return pandas.Series(column.cells, dtype="Int64" if holes else "int64")
        case "number":
            return pandas.Series(column.cells, dtype="float64")
        case "flag":
            return pandas.Series(column.cells, dtype="boolean" if holes else "bool")
        case "duration":
            return pandas.Series(column.cells, dtype="timedelta64[us]")
        case "timestamp":
            zone = f", {column.zone}" if column.zone else ""
            return pandas.Series(column.cells, dtype=f"datetime64[us{zone}]")
        case "date":
            return pandas.Series(column.cells, dtype="datetime64[us]")
        case "money":
            return pandas.Series(column.cells, dtype="object")
        case "text":
            return pandas.Series(column.cells, dtype="str" if not holes else None)


def _polars_column(polars: Any, name: str, column: FrameColumn) -> Any:
    types = {
        "text": polars.String,
        "integer": polars.Int64,
        "number": polars.Float64,
        "flag": polars.Boolean,
        "duration": polars.Duration("us"),
        "timestamp": polars.Datetime("us", column.zone),
        "date": polars.Date,
    }
    if column.kind == "money":
        scale, cells = _fitting(name, column)
        return polars.Series(name, cells, dtype=polars.Decimal(_DIGITS, scale))
    if column.kind == "timestamp":  # Polars takes ten times as long for Python datetimes
        origin = _EPOCH.replace(tzinfo=UTC) if column.zone else _EPOCH
        known = {cell: None if cell is None else (cell - origin) // _MICROSECOND for cell in set(column.cells)}
        micros = [known[cell] for cell in column.cells]
        return polars.Series(name, micros, dtype=polars.Int64).cast(types["timestamp"])
    return polars.Series(name, column.cells, dtype=types[column.kind])


def _arrow_column(arrow: Any, name: str, column: FrameColumn) -> Any:
    types = {
        "text": arrow.string(),
        "integer": arrow.int64(),
        "number": arrow.float64(),
        "flag": arrow.bool_(),
        "duration": arrow.duration("us"),
        "timestamp": arrow.timestamp("us", column.zone),
        "date": arrow.date32(),
    }
    if column.kind == "money":
        scale, cells = _fitting(name, column)
        return arrow.array(cells, type=arrow.decimal128(_DIGITS, scale))
    return arrow.array(column.cells, type=types[column.kind])


def _fitting(name: str, column: FrameColumn) -> tuple[int, list[Decimal | None]]:
    """The number of decimal places of a column of amounts, and the amounts rounded to 38 digits in all."""
    parts = [cell.as_tuple() for cell in column.cells if cell is not None]
    scale = max((-int(part.exponent) for part in parts), default=0)
    whole = max((len(part.digits) + int(part.exponent) for part in parts), default=0)
    if whole > _DIGITS:
        raise InputError(
            f"The amounts of column {name!r} have {whole} digits before the point, and a decimal column of a frame "
            f"holds {_DIGITS}; use money='float'."
        )
    scale = max(0, min(scale, _DIGITS - max(whole, 0)))
    step = Decimal(1).scaleb(-scale)
    return scale, [None if cell is None else cell.quantize(step, context=_EXACTLY) for cell in column.cells]
