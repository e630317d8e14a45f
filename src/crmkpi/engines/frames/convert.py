"""Convert pandas and PyArrow frames to Polars, each column once, when it is first read, without a copy if possible.

Numbers, flags, timestamps and Arrow columns share their memory with the frame where the library allows it; object
columns of text, categories and masked columns are copied. Reading a column of lists, bytes, mixed types or other values
that are not plain raises an error.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from importlib import import_module
from numbers import Integral, Real
from types import ModuleType
from typing import TYPE_CHECKING
from uuid import UUID

import polars as pl

from crmkpi.engines.frames.words import Cell
from crmkpi.errors import ColumnError, InputError, MissingExtraError
from crmkpi.records.base import Kind

if TYPE_CHECKING:
    from pandas import DataFrame, Series
    from pyarrow import ChunkedArray, DataType, Table

__all__ = ["Converted"]

_MOST_DIGITS = 38  # of a 128-bit decimal
_OTHERS = (time, timedelta, complex)  # scalars that no field can hold
_SCALARS = (str, bool, Integral, Real, Decimal, date, UUID)
_EXPECTED: Mapping[str, tuple[tuple[type, ...], str]] = {
    "timestamp": ((date,), "timestamps"),
    "date": ((date,), "dates"),
    "flag": ((bool,), "true or false"),
    **dict.fromkeys(("money", "number", "integer"), ((Integral, Real, Decimal), "numbers")),
}


class Converted:
    """A pandas or PyArrow frame, read as Polars columns."""

    def __init__(self, frame: DataFrame | Table, *, pandas: bool) -> None:
        self.frame = frame
        self.names = [str(name) for name in (frame.columns if pandas else frame.column_names)]
        self._pandas = pandas
        self._columns: dict[tuple[str, str], pl.Series] = {}
        self._kept: pl.Series | None = None

    def __len__(self) -> int:
        return len(self.frame)

    def column(self, name: str, kind: Kind = "attributes") -> pl.Series:
        """A column as a Polars series; in an object column, the kind of field determines the type of the values."""
        if (name, "added") in self._columns:
            return self._columns[name, "added"]
        place = self.names.index(name)
        source = self.frame.iloc[:, place] if self._pandas else self.frame.column(place)  # pyrefly: ignore
        depends = self._pandas and str(source.dtype) in ("object", "category", "float64", "float32")
        key = (name, kind if depends else "")
        if key not in self._columns:
            made = _from_pandas(source, kind) if self._pandas else _from_arrow(name, source)
            made = made.rename(name)
            self._columns[key] = made if self._kept is None else made.filter(self._kept)
        return self._columns[key]

    def plain_rows(self) -> Iterator[Mapping[str, Cell]]:
        """The rows as dicts of Python values, None for missing ones."""
        if not self._pandas:
            for batch in self.frame.to_batches():  # pyrefly: ignore
                yield from batch.to_pylist()
            return
        lists = [_cells(self.frame.iloc[:, place]) for place in range(len(self.names))]  # pyrefly: ignore
        for row in zip(*lists, strict=True):
            yield dict(zip(self.names, row, strict=True))

    def lazy(self, columns: Mapping[str, Kind]) -> pl.LazyFrame:
        """Some columns as a lazy frame."""
        return pl.LazyFrame([self.column(name, kind) for name, kind in columns.items()])

    def anew(self) -> Converted:
        """The frame without its cached columns."""
        if self._kept is not None or any(what == "added" for _, what in self._columns):
            raise InputError(
                f"The frame has {len(self.frame):,} rows, and had others when crmkpi.table(..., preset=) read it; "
                "give it to table() again."
            )
        return Converted(self.frame, pandas=self._pandas)

    def extended(self, added: Sequence[pl.Expr], kept: pl.Expr | None, over: Iterable[str]) -> Converted:
        """The frame with the `added` columns, which read those in `over`, and only the rows where `kept` is true."""
        made = Converted(self.frame, pandas=self._pandas)
        flag = [] if kept is None else [kept.alias("crmkpi kept")]
        found = self.lazy(dict.fromkeys(over, "attributes")).with_columns(*added, *flag).collect()
        names = [one.meta.output_name() for one in added]
        if flag:
            made._kept = found.get_column("crmkpi kept")
            found = found.filter(made._kept)
        made._columns = {(name, "added"): found.get_column(name) for name in names}
        made.names = [*self.names, *names]
        return made


def _cells(column: Series) -> list[Cell]:
    """The values of a column, missing ones as None; integers that pandas stores as floats due to gaps are integers."""
    known = column.dropna()
    if column.dtype.kind == "f" and len(known) and (known % 1 == 0).all():
        return [None if value != value else int(value) for value in column.tolist()]  # noqa: PLR0124  # NaN
    return [None if gap else _of_python(value) for value, gap in zip(column.tolist(), column.isna(), strict=True)]


def _of_python(value: Cell) -> Cell:
    return value.to_pydatetime(warn=False) if hasattr(value, "to_pydatetime") else value


def _library(name: str) -> ModuleType:
    try:
        return import_module(name)
    except ImportError as error:
        raise MissingExtraError(
            f"A pandas or PyArrow frame is measured as Polars columns, which needs {name}; install it with "
            "pip install 'crmkpi[pandas]' or 'crmkpi[frames]'."
        ) from error


def _refused(name: str, shown: object, *, nested: bool = True) -> ColumnError:
    if nested:
        return ColumnError(f"The column {name!r} must hold one plain value in each row; got {shown}. Extract one.")
    return ColumnError(
        f"The column {name!r} must hold text, numbers, timestamps, or true or false; got {shown}. Cast it to one of "
        "these."
    )


def _from_arrow(name: str, column: ChunkedArray) -> pl.Series:
    """An Arrow column as a series; a type that Polars lacks is converted without loss, or raises an error."""
    pa = _library("pyarrow")
    types, compute = pa.types, _library("pyarrow.compute")
    type_ = column.type
    if str(type_).startswith("run_end_encoded"):
        column = pa.chunked_array([compute.run_end_decode(chunk) for chunk in column.chunks], type_.value_type)
    if types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    type_ = column.type
    if str(type_) == "extension<arrow.uuid>":
        return pl.Series(_texts(column.to_pylist()), dtype=pl.String)
    if isinstance(type_, pa.BaseExtensionType):
        flags = str(type_) == "extension<arrow.bool8>"
        column = column.cast(type_.storage_type)
        column = column.cast(pa.bool_()) if flags else column
        type_ = column.type
    if types.is_decimal(type_) and (str(type_)[:10] != "decimal128" or type_.scale < 0):
        try:
            column = column.cast(pa.decimal128(_MOST_DIGITS, max(type_.scale, 0)))
        except pa.ArrowInvalid as error:
            raise InputError(
                f"The column {name!r} holds a decimal of more digits than can be added exactly; got {type_}. Cast it "
                "to a decimal of fewer digits."
            ) from error
    elif types.is_timestamp(type_) and type_.tz is not None:
        column = column.cast(pa.timestamp(type_.unit, "UTC"))
    elif types.is_float16(type_):
        column = column.cast(pa.float64())
    elif types.is_nested(type_) or "binary" in str(type_):
        raise _refused(name, _shown(type_))
    elif types.is_interval(type_):
        raise _refused(name, type_, nested=False)
    return pl.Series(pl.from_arrow(column))


def _shown(type_: DataType) -> str:
    word = str(type_).partition("<")[0].partition("[")[0]
    kinds = {"map": "Map", "struct": "Struct", "dense_union": "Union", "sparse_union": "Union"}
    if "binary" in word:
        return "Binary"
    return kinds.get(word, "List" if "list" in word else str(type_))


def _from_pandas(column: Series, kind: Kind) -> pl.Series:
    pd = _library("pandas")
    dtype = column.dtype
    if isinstance(dtype, pd.SparseDtype):
        column = column.sparse.to_dense()  # pyrefly: ignore
        dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        levels = _from_pandas(pd.Series(dtype.categories, name=column.name), kind)
        codes = pl.Series(column.cat.codes.to_numpy().astype("int32"))
        return levels.gather(codes.set(codes < 0, None))
    arrow = isinstance(dtype, pd.ArrowDtype) or str(getattr(dtype, "storage", "")).startswith("pyarrow")
    if arrow:
        found = column.array.__arrow_array__()
        chunks = found if hasattr(found, "chunks") else _library("pyarrow").chunked_array([found])
        return _from_arrow(str(column.name), chunks)
    if isinstance(dtype, pd.StringDtype):
        return pl.Series([None if gone else text for text, gone in _values(column)], dtype=pl.String)
    if isinstance(dtype, pd.DatetimeTZDtype):
        return _micros(column.dt.tz_convert("UTC").dt.tz_localize(None)).dt.replace_time_zone("UTC")
    if hasattr(dtype, "numpy_dtype"):  # nullable integers, floats and flags
        missing = column.isna().to_numpy()
        values = pl.Series(column.to_numpy(dtype=dtype.numpy_dtype, na_value=dtype.numpy_dtype.type(0)))
        return values.set(pl.Series(missing), None) if missing.any() else values
    letter = getattr(dtype, "kind", "")
    if letter == "M":
        return _micros(column)
    if letter == "f":
        return _floats(column, kind)
    if letter in ("i", "u", "b", "m"):
        return pl.Series(column.to_numpy())
    if letter == "O" and str(dtype) == "object":
        return _objects(column, kind)
    raise _refused(str(column.name), dtype, nested=False)


def _values(column: Series) -> Iterable[tuple[Cell, bool]]:
    return zip(column.tolist(), column.isna().tolist(), strict=True)


def _micros(column: Series) -> pl.Series:
    """NumPy timestamps as a series: nanoseconds stay, other units become microseconds."""
    values = column.to_numpy()
    return pl.Series(values if str(values.dtype) == "datetime64[ns]" else values.astype("datetime64[us]"))


def _floats(column: Series, kind: Kind) -> pl.Series:
    """Floats, with NULL for NaN; for text, integers that NumPy stores as floats due to gaps become integers again."""
    values = column.to_numpy()
    made = pl.Series(values.astype("float64", copy=False), nan_to_null=True)
    if kind not in ("text", "choice"):
        return made
    whole = made.cast(pl.Int64, strict=False)
    if (whole.cast(pl.Float64) != made).any() or whole.null_count() > made.null_count():
        raise ColumnError(
            f"The column {column.name!r} must hold text; got floats. Cast it to whole numbers or text, so that 7.0 "
            "and '7' are equal."
        )
    return whole


def _objects(column: Series, kind: Kind) -> pl.Series:
    """A column of Python objects of one type; mixed types raise an error that shows the first wrong value."""
    name = str(column.name)
    values = [None if gone else value for value, gone in _values(column)]
    present = [value for value in values if value is not None]
    found = sorted(set(map(type, present)), key=str)
    if any(one.__module__ == "numpy" for one in found):
        values = [_of_numpy(value) for value in values]
        present = [value for value in values if value is not None]
        found = sorted(set(map(type, present)), key=str)
    for one in found:
        if not issubclass(one, _SCALARS):
            wrong = next(value for value in present if type(value) is one)
            raise _refused(name, f"{wrong!r:.40}", nested=not issubclass(one, _OTHERS))
    if not present:
        return pl.Series(values, dtype=pl.Null)
    if kind in ("text", "choice"):
        return pl.Series(_texts(values), dtype=pl.String)
    if all(issubclass(one, str | UUID) for one in found):  # `wrong_type` raises the error for other kinds of fields
        return pl.Series(_texts(values), dtype=pl.String)
    if kind in _EXPECTED:
        _only(name, present, *_EXPECTED[kind])
    if all(one is bool for one in found):
        return pl.Series(values, dtype=pl.Boolean)
    if all(issubclass(one, date) for one in found):
        return _moments(name, values, present)
    _only(name, present, *_EXPECTED["number"])
    return _numbers(name, values, present)


def _of_numpy(value: Cell) -> Cell:
    """A NumPy flag or timestamp as a Python one; NumPy numbers stay as they are."""
    word = type(value).__name__
    if word == "datetime64":
        return _library("pandas").Timestamp(value)
    return bool(value) if word in ("bool_", "bool") else value


def _texts(values: Iterable[Cell]) -> list[str | None]:
    return [None if value is None else str(value) for value in values]


def _only(name: str, present: Sequence[Cell], kinds: tuple[type, ...], words: str) -> None:
    for found in sorted(set(map(type, present)), key=str):
        right = found is bool if bool in kinds else issubclass(found, kinds) and found is not bool
        if not right:
            wrong = next(value for value in present if type(value) is found)
            raise ColumnError(
                f"The column {name!r} must hold {words}; got {wrong!r}, which is {found.__name__}. "
                "Convert the column first."
            )


def _moments(name: str, values: Sequence[Cell], present: Sequence[Cell]) -> pl.Series:
    """Dates, or timestamps: on the wall clock, or in UTC if they have a time zone."""
    if not any(isinstance(value, datetime) for value in present):
        return pl.Series(values, dtype=pl.Date)
    zoned = {getattr(value, "tzinfo", None) is not None for value in present}
    if len(zoned) > 1:
        raise ColumnError(
            f"The column {name!r} holds timestamps with a time zone and without; give all of them one, or none."
        )
    if True in zoned:
        values = [None if value is None else value.astimezone(UTC).replace(tzinfo=None) for value in values]
    else:
        values = [
            value if value is None or isinstance(value, datetime) else datetime(value.year, value.month, value.day)  # noqa: DTZ001  # on the wall clock
            for value in values
        ]
    made = pl.Series([None if value is None else _of_python(value) for value in values], dtype=pl.Datetime("us"))
    return made.dt.replace_time_zone("UTC") if True in zoned else made


def _numbers(name: str, values: Sequence[Cell], present: Sequence[Cell]) -> pl.Series:
    """Integers, floats, or decimals with the largest number of decimal places among them."""
    if any(isinstance(value, Decimal) for value in present):
        exact = [None if value is None else _decimal(value) for value in values]
        digits = max([0, *(-int(value.as_tuple().exponent) for value in exact if value is not None)])
        try:
            return pl.Series(exact, dtype=pl.Decimal(_MOST_DIGITS, digits))
        except (pl.exceptions.PolarsError, OverflowError, TypeError, ValueError) as error:
            raise InputError(
                f"The column {name!r} holds an amount of more digits than can be added exactly; check it."
            ) from error
    if all(isinstance(value, Integral) for value in present):
        wide = any(abs(int(value)) >= 2**63 for value in present)
        whole = [None if value is None else int(value) for value in values]
        try:
            return pl.Series(whole, dtype=pl.Int128 if wide else pl.Int64)
        except (pl.exceptions.PolarsError, OverflowError, TypeError) as error:
            raise InputError(f"The column {name!r} holds a number of more than 38 digits; check it.") from error
    return pl.Series([None if value is None else float(value) for value in values], dtype=pl.Float64)


def _decimal(value: Cell) -> Decimal:
    if isinstance(value, Decimal):
        return value
    return Decimal(int(value)) if isinstance(value, Integral) else Decimal(repr(float(value)))
