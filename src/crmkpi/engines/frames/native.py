"""The few things that each frame library must be asked in its own words.

Everything else goes through narwhals. Columns come in under the names of the record's fields and leave as plain ones:
timestamps as whole microseconds since 1970 (of the wall clock, or of UTC where they have a zone), dates as days, the
rest as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from datetime import UTC, date
from decimal import Decimal
from importlib import import_module
from io import StringIO
from typing import Any

from crmkpi.engines.frames.backends import Backend, narwhals, words
from crmkpi.engines.frames.homes.duckdb import DuckDbSql
from crmkpi.engines.frames.homes.spark import entered_spark, rows_beside
from crmkpi.engines.frames.homes.sql import raw_name
from crmkpi.errors import ColumnError, InputError
from crmkpi.records.base import Kind

__all__ = [
    "entered",
    "filled",
    "looked_up",
    "rows_of",
    "statement_of",
    "table_beside",
    "untyped",
    "with_usual_types",
]


_USUAL_TYPES = {"string_view": "string", "halffloat": "float64", "date64[ms]": "date32"}
_MOST_DIGITS = 38  # of a decimal in 128 bits


def untyped(backend: Backend, frame: Any) -> frozenset[str]:
    """The columns that hold nothing at all, so that they have no type."""
    if backend.name == "polars":
        types = frame.collect_schema().items()
    elif backend.name == "pyspark":
        types = frame.dtypes
    elif backend.name == "pyarrow":
        types = zip(frame.column_names, frame.schema.types, strict=True)
    else:
        types = zip(frame.columns, frame.types if backend.name == "duckdb" else frame.dtypes, strict=True)
    words = ("Null", "void", "null", "null[pyarrow]", '"NULL"')
    return frozenset(str(name) for name, type_ in types if str(type_) in words)


def with_usual_types(table: Any) -> Any:
    """An Arrow table without the types that Arrow itself cannot compare or add: their columns as usual ones."""
    import pyarrow as pa  # noqa: PLC0415  # only where an Arrow table is given

    compute: Any = import_module("pyarrow.compute")  # its functions are made when it is loaded, so no checker sees them
    for number, (name, type_) in enumerate(zip(table.column_names, table.schema.types, strict=True)):
        column, word = table.column(number), str(type_)
        if word.startswith("run_end_encoded"):
            column = pa.chunked_array([compute.run_end_decode(chunk) for chunk in column.chunks], type_.value_type)
            word = str(column.type)
        if word.startswith("decimal") and not word.startswith("decimal128") and column.type.precision <= _MOST_DIGITS:
            column = column.cast(pa.decimal128(column.type.precision, column.type.scale))
        elif word in _USUAL_TYPES:
            column = column.cast(_USUAL_TYPES[word])
        if column.type != type_:
            table = table.set_column(number, name, column)
    return table


def entered(backend: Backend, frame: Any, columns: Mapping[str, tuple[str, Kind]]) -> tuple[Any, dict[str, int]]:
    """The frame with only `columns` (name inside: name of the frame's own column, kind of field), as plain columns.

    Beside it, for columns that were made whole numbers on the way in, how many of their digits are decimals.
    """
    if backend.name == "duckdb":
        return narwhals(backend).from_native(_entered_duckdb(frame, columns)), {}
    if backend.name == "pyspark":
        return entered_spark(frame, columns), {}
    if backend.name == "pandas":
        made, digits = _entered_pandas(frame, columns)
        return narwhals(backend).from_native(made, eager_only=True), digits
    nw = words(backend)
    whole = frame.lazy() if backend.name == "polars" else nw.from_native(frame)
    schema = whole.collect_schema()
    made = []
    for name, (column, kind) in columns.items():
        source = nw.col(column)
        if kind == "timestamp" and backend.name == "polars" and getattr(schema[column], "time_unit", "") == "us":
            made.append(source.alias(raw_name(name)))  # a filter on it reaches the scan
            source = source.cast(nw.Int64)
        elif kind == "timestamp":
            source = (source.cast(nw.Datetime("us")) if schema[column] == nw.Date else source).dt.timestamp("us")
        elif kind == "date":
            source = source.cast(nw.Datetime("us")).dt.timestamp("us") // (86_400_000_000)
        elif kind in ("text", "choice") and schema[column] not in (nw.String, nw.Categorical, nw.Enum):
            source = source.cast(nw.String)
        made.append(source.alias(name))
    return whole.select(*made), {}


def filled(nw: Any, backend: Backend, frame: Any, constants: Mapping[str, tuple[Any, Kind]]) -> Any:
    """The frame with further columns, of one value and kind each; None is missing."""
    if backend.name != "pandas":
        types = {"number": nw.Float64, "flag": nw.Boolean, "text": nw.String, "choice": nw.String}
        return frame.with_columns(
            *(nw.lit(value).cast(types.get(kind, nw.Int64)).alias(name) for name, (value, kind) in constants.items())
        )
    import pandas as pd  # noqa: PLC0415  # only where a pandas frame is given

    native, words = frame.to_native(), {"number": "Float64", "flag": "boolean", "text": "string", "choice": "string"}
    made = {
        name: pd.Series(pd.NA if value is None else value, index=native.index, dtype=words.get(kind, "Int64"))
        for name, (value, kind) in constants.items()
    }
    return narwhals(backend).from_native(native.assign(**made), eager_only=True)


def _entered_pandas(frame: Any, columns: Mapping[str, tuple[str, Kind]]) -> tuple[Any, dict[str, int]]:
    import pandas as pd  # noqa: PLC0415  # only where a pandas frame is given

    made = {name: _pandas_column(pd, frame[column], kind) for name, (column, kind) in columns.items()}
    digits = {name: column.attrs["digits"] for name, column in made.items() if "digits" in column.attrs}
    # Joins and sorts of pandas go by the index, and a frame's own may repeat.
    plain = {name: column.reset_index(drop=True) for name, column in made.items()}
    return pd.DataFrame(plain, index=pd.RangeIndex(len(frame)), copy=False), digits


def _pandas_column(pd: Any, column: Any, kind: Kind) -> Any:
    """A column that knows null from a number: numpy's integers do not."""
    dtype = column.dtype
    if str(dtype).endswith("[pyarrow]"):
        column = _pandas_from_arrow(pd, column, kind)
        dtype = column.dtype
    if kind in ("timestamp", "date"):
        if column.dtype == object:
            column = _pandas_times(column)
        missing = column.isna().to_numpy()
        if getattr(column.dtype, "tz", None) is not None:
            column = column.dt.tz_convert("UTC").dt.tz_localize(None)
        micros = column.to_numpy().astype("datetime64[us]").astype("int64")
        micros[missing] = 0
        if kind == "date":
            micros //= 86_400_000_000
        return pd.Series(pd.arrays.IntegerArray(micros, missing), index=column.index)
    if kind == "flag":
        if column.dtype == object:
            _only(column, (bool,), "true or false")
        return column.astype("boolean")
    if kind in ("text", "choice"):
        return _pandas_text(pd, column)
    if dtype == object and kind in ("money", "number", "integer"):  # noqa: E721  # a dtype, not a class
        return _pandas_numbers(pd, column, kind)
    if pd.api.types.is_integer_dtype(dtype):
        return column.astype("Int64")
    return column.astype("Float64") if pd.api.types.is_float_dtype(dtype) else column


def _only(column: Any, kinds: tuple[type, ...], words: str) -> Any:
    """The values of an object column that are there; one of another type is an error that shows it."""
    present = column[column.notna()]
    for found in sorted(set(map(type, present)), key=str):
        if not issubclass(found, kinds) or (found is bool and bool not in kinds):
            wrong = next(value for value in present if type(value) is found)
            raise ColumnError(
                f"The column {column.name!r} must hold {words}; got {wrong!r}, which is {found.__name__}. "
                "Convert the column first."
            )
    return present


def _pandas_times(column: Any) -> Any:
    """An object column of dates or timestamps, as wall-clock times, of UTC where they have a zone."""
    present = _only(column, (date,), "timestamps")
    zoned = {getattr(value, "tzinfo", None) is not None for value in present}
    if len(zoned) > 1:
        raise ColumnError(
            f"The column {column.name!r} holds timestamps with a time zone and without; give all of them one, or none."
        )
    if True in zoned:
        column = column.map(lambda moment: moment.astimezone(UTC).replace(tzinfo=None), na_action="ignore")
    return column.astype(object).where(column.notna(), None).astype("datetime64[us]")


def _pandas_numbers(pd: Any, column: Any, kind: Kind) -> Any:
    """An object column of numbers: decimals become whole numbers of their smallest digit, noted beside the column."""
    present = _only(column, (int, float, Decimal), "numbers")
    if kind != "money" or not any(isinstance(value, Decimal) for value in present):
        return column.astype("Float64" if kind != "integer" else "Int64")
    exact = [value if isinstance(value, Decimal) else Decimal(repr(value)) for value in present]
    digits = max([0, *(-int(value.as_tuple().exponent) for value in exact if value.is_finite())])
    numbers = iter(exact)
    try:
        whole = [pd.NA if gone else int(next(numbers).scaleb(digits)) for gone in column.isna()]
        values = pd.Series(whole, index=column.index, dtype="Int64")
    except OverflowError as error:
        raise InputError(
            f"The column {column.name!r} holds an amount of more digits than can be added exactly; check it."
        ) from error
    values.attrs["digits"] = digits
    return values


def _pandas_from_arrow(pd: Any, column: Any, kind: Kind) -> Any:
    dtype = column.dtype
    if kind in ("timestamp", "date") and "date" in str(dtype):
        return pd.to_datetime(column)
    if kind == "timestamp":
        zone = dtype.pyarrow_dtype.tz
        return column.astype(pd.DatetimeTZDtype("us", zone) if zone else "datetime64[us]")
    if kind == "flag":
        return column.astype("boolean")
    if "decimal" in str(dtype):
        return column.astype(object).where(column.notna(), None)
    if pd.api.types.is_integer_dtype(dtype):
        return column.astype("Int64")
    if pd.api.types.is_float_dtype(dtype):
        return column.astype("Float64")
    return column


def _pandas_text(pd: Any, column: Any) -> Any:
    if isinstance(column.dtype, pd.CategoricalDtype) or (
        pd.api.types.is_string_dtype(column.dtype) and column.dtype != object
    ):
        return column
    if pd.api.types.is_float_dtype(column.dtype):  # whole numbers with gaps are floats in numpy
        column = column.astype("Int64")
    # "str" would make a text of what is missing, before pandas 3.
    return column.astype(object).map(lambda value: _text(column.name, value), na_action="ignore").astype("string")


def _text(column: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    if hasattr(value, "__iter__"):
        raise ColumnError(
            f"The column {column!r} must hold one plain value in each row; got {value!r:.40}. Take one out."
        )
    return str(value)


def _entered_duckdb(frame: Any, columns: Mapping[str, tuple[str, Kind]]) -> Any:
    types = dict(zip(frame.columns, map(str, frame.types), strict=True))
    made = []
    for name, (column, kind) in columns.items():
        source = DuckDbSql.quoted(column)
        if types[column] == "TIMESTAMP" and kind == "timestamp":
            made.append(f"{source} AS {DuckDbSql.quoted(raw_name(name))}")
        if kind == "timestamp":
            source = f"epoch_us({source}::TIMESTAMP)" if types[column] == "DATE" else f"epoch_us({source})"
        elif kind == "date":
            source = f"({source}::DATE - DATE '1970-01-01')::BIGINT"
        elif kind in ("text", "choice") and types[column] != "VARCHAR":
            source = f"{source}::VARCHAR"
        made.append(f"{source} AS {DuckDbSql.quoted(name)}")
    return frame.project(", ".join(made))


def rows_of(backend: Backend, frame: Any) -> list[tuple[Any, ...]]:
    """The rows of a small result as plain Python values, None for what is missing."""
    if backend.name == "polars":
        return frame.collect().rows()  # type: ignore[no-any-return]
    if hasattr(frame, "plain_rows"):  # arrays of NumPy
        return frame.plain_rows()  # type: ignore[no-any-return]
    native = frame.to_native()
    if backend.name == "duckdb":
        return native.fetchall()  # type: ignore[no-any-return]
    if backend.name == "pyspark":
        return [tuple(row) for row in native.collect()]
    if backend.name == "pyarrow":
        return list(zip(*(column.to_pylist() for column in native.columns), strict=True))
    columns = [native[name] for name in native.columns]
    return list(
        zip(
            *(
                [None if gone else value for value, gone in zip(column.tolist(), column.isna(), strict=True)]
                for column in columns
            ),
            strict=True,
        )
    )


def table_beside(backend: Backend, frame: Any, columns: Mapping[str, Sequence[int]]) -> Any:
    """A small table of whole numbers in the same home as `frame`, to be joined with it."""
    if backend.name == "polars":
        import polars as pl  # noqa: PLC0415  # only where a Polars frame is given

        return pl.LazyFrame(dict(columns), schema=dict.fromkeys(columns, pl.Int64))
    nw = narwhals(backend)
    if backend.name == "duckdb":
        names = ", ".join(map(DuckDbSql.quoted, columns))
        values = ", ".join(str(row) if len(row) > 1 else f"({row[0]})" for row in zip(*columns.values(), strict=True))
        if not values:
            nothing = ", ".join(f"NULL::BIGINT AS {DuckDbSql.quoted(name)}" for name in columns)
            return nw.from_native(
                frame.to_native().query("measured", f"SELECT {nothing} WHERE false")
            )  # names are quoted, values are numbers
        return nw.from_native(frame.to_native().query("measured", f"SELECT * FROM (VALUES {values}) AS t({names})"))  # noqa: S608  # names are quoted, values are numbers
    if backend.name == "pyspark":
        return rows_beside(frame, columns)
    made = nw.from_dict(dict(columns), schema=dict.fromkeys(columns, nw.Int64), backend=backend.name)
    if backend.name == "pandas":
        return nw.from_native(made.to_native().astype("Int64"), eager_only=True)
    return made


def looked_up(column: Any, first: int, size: int, reached: Sequence[int]) -> Any:
    """The step of a number from `first` on, by the cell of `size` that it lies in; for Polars."""
    import polars as pl  # noqa: PLC0415  # only where a Polars frame is given

    return pl.lit(pl.Series(reached, dtype=pl.Int32)).gather((column - first) // size)


def statement_of(backend: Backend, frame: Any) -> tuple[str, str] | None:
    """What the library runs for the frame, and in which language: SQL, or the plan of a cluster."""
    if backend.name == "duckdb":
        return "sql", str(frame.to_native().sql_query())
    if backend.name == "pyspark":
        with redirect_stdout(StringIO()) as plan:
            frame.to_native().explain()
        return "plan", plan.getvalue().strip()
    return None
