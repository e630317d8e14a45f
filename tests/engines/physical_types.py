"""The same values in every physical type that holds them losslessly.

Each column is cast to a random type that round-trips its values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Any

from .backends import database, spark

ENUM_LEVELS = 40


def typed(backend: str, arrows: Mapping[str, Any], random: Random) -> dict[str, Any]:
    """Arrow tables as frames of a library, each column in a type of its own."""
    tables = {name: _arrow_types(table, random) for name, table in arrows.items()}
    if backend == "pyarrow":
        return {name: _in_pieces(table, random) for name, table in tables.items()}
    if backend == "duckdb":
        connection = database()
        return {name: _duckdb(connection, name, arrows[name], random) for name in arrows}
    makers: Mapping[str, Callable[[Any, Any, Random], Any]] = {
        "polars": _polars,
        "polars-lazy": lambda *given: _polars(*given).lazy(),
        "pandas": _pandas,
        "pandas-arrow": _pandas,
        "pyspark": _pyspark,
    }
    return {name: makers[backend](arrows[name], tables[name], random) for name in arrows}


def _candidates(column: Any) -> Iterator[Any]:
    """The Arrow types that a column could be cast to, by its kind."""
    import pyarrow as pa  # noqa: PLC0415  # only where it is tested

    types, usual = pa.types, column.type
    if types.is_string(usual):
        yield from (pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string()))
        yield from (pa.dictionary(pa.int32(), pa.large_string()), pa.int64(), pa.uint16(), pa.decimal128(38, 0))
    elif types.is_integer(usual) or types.is_floating(usual) or types.is_decimal(usual):
        yield from (pa.int8(), pa.uint8(), pa.int16(), pa.uint16(), pa.int32(), pa.uint32(), pa.int64(), pa.uint64())
        yield from (pa.float16(), pa.float32(), pa.float64())
        for make, most in ((pa.decimal32, 9), (pa.decimal64, 18), (pa.decimal128, 38), (pa.decimal256, 60)):
            yield from (make(most, digits) for digits in (0, 2, 4, 9, 18) if digits < most)
        yield pa.dictionary(pa.int16(), usual)
    elif types.is_timestamp(usual):
        yield from (pa.timestamp(unit, usual.tz) for unit in ("s", "ms", "us", "ns"))
        if usual.tz is None:
            yield from (pa.date32(), pa.date64())
        else:
            yield from (pa.timestamp("us", zone) for zone in ("UTC", "+05:30", "America/New_York"))
    elif types.is_date(usual):
        yield from (pa.date32(), pa.date64(), pa.timestamp("s"), pa.timestamp("ns"))
    elif types.is_boolean(usual):
        yield pa.dictionary(pa.int8(), pa.bool_())


def cast(column: Any, type_: Any) -> Any | None:
    """A column in another type; None if it does not round-trip."""
    import pyarrow as pa  # noqa: PLC0415  # only where it is tested

    usual = column.type
    try:
        if isinstance(type_, pa.DictionaryType):
            made = column.cast(type_.value_type).dictionary_encode().cast(type_)
            back = made.cast(type_.value_type).cast(usual)
        elif pa.types.is_floating(type_) and not pa.types.is_floating(usual):
            floats = _floats(column)
            made = floats.cast(type_, safe=False)
            if not made.cast(pa.float64()).equals(floats):
                return None
            back = made.cast(pa.float64()).cast(usual)
        else:
            made = column.cast(type_)
            back = made.cast(usual)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OverflowError):
        return None
    if pa.types.is_string(usual) and not pa.types.is_string(type_) and not back.equals(column):
        return None
    return made if back.equals(column) else None


def _floats(column: Any) -> Any:
    """The nearest floats; Arrow's own cast of a decimal may miss them by a bit: 99.99000000000001 for 99.99."""
    import pyarrow as pa  # noqa: PLC0415  # only where it is tested

    if not pa.types.is_decimal(column.type):
        return column.cast(pa.float64())
    return pa.chunked_array([[None if value is None else float(value) for value in column.to_pylist()]], pa.float64())


def _arrow_types(table: Any, random: Random) -> Any:
    for place, name in enumerate(table.column_names):
        column = table.column(place)
        made = [found for type_ in _candidates(column) if (found := cast(column, type_)) is not None]
        if made and random.random() < 0.8:
            table = table.set_column(place, name, random.choice(made))
    return table


def _in_pieces(table: Any, random: Random) -> Any:
    """The table in chunks, sliced out of a longer one."""
    import pyarrow as pa  # noqa: PLC0415  # only where it is tested

    if not table.num_rows:
        return table
    longer = pa.concat_tables([table, table, table])
    cut = random.randrange(table.num_rows + 1)
    start = table.num_rows
    return pa.concat_tables([longer.slice(start, cut), longer.slice(start + cut, table.num_rows - cut)])


def _polars(usual: Any, table: Any, random: Random) -> Any:
    import polars as pl  # noqa: PLC0415  # only where it is tested
    import pyarrow as pa  # noqa: PLC0415  # only where it is tested

    columns = []
    for name in usual.column_names:
        column = table.column(name)
        if "decimal256" in str(column.type) or column.type == pa.float16():
            column = usual.column(name)
        if pa.types.is_timestamp(column.type) and column.type.tz == "+05:30":  # it has no unnamed zones
            column = column.cast(pa.timestamp("us", "Asia/Kolkata"))
        made = pl.Series(pl.from_arrow(column)).rename(name)
        if made.dtype == pl.String and random.random() < 0.5:
            levels = made.drop_nulls().unique().to_list()
            made = made.cast(random.choice((pl.Categorical, pl.Enum([*levels, "unused"]))))
        elif made.dtype.is_integer() and random.random() < 0.3:
            made = made.cast(pl.Int128)
        columns.append(made)
    return pl.DataFrame(columns)


def _pandas(usual: Any, table: Any, random: Random) -> Any:
    import pandas as pd  # noqa: PLC0415  # only where it is tested

    ways: list[Callable[[str], Any]] = [
        lambda name: usual.column(name).to_pandas(),
        lambda name: table.column(name).to_pandas(types_mapper=pd.ArrowDtype),
        lambda name: usual.column(name).to_pandas().convert_dtypes(),
        lambda name: _objects(pd, usual.column(name)),
        lambda name: _category(pd, usual.column(name)),
        lambda name: table.column(name).to_pandas(),
    ]
    columns = {}
    for name in usual.column_names:
        try:
            columns[name] = random.choice(ways)(name)
        except (NotImplementedError, ValueError, TypeError, OverflowError):  # pandas has no such column
            columns[name] = _objects(pd, usual.column(name))
    frame = pd.DataFrame(columns)
    return frame.set_index(pd.Index([random.randrange(3) for _ in range(len(frame))]))


def _objects(pd: Any, column: Any) -> Any:
    return pd.Series(column.to_pylist(), dtype=object)


def _category(pd: Any, column: Any) -> Any:
    import pyarrow as pa  # noqa: PLC0415  # only where it is tested

    made = _objects(pd, column)
    if not pa.types.is_string(column.type):
        return made
    levels = list(dict.fromkeys(value for value in column.to_pylist() if value is not None))
    return made.astype(pd.CategoricalDtype([*levels, "unused"]))


def _duckdb(connection: Any, name: str, usual: Any, random: Random) -> Any:
    """A table of DuckDB with a random type for each column, if the values round-trip."""
    connection.register(f"arrived_{name}", usual)
    chosen = []
    for column in usual.column_names:
        quoted = '"' + column.replace('"', '""') + '"'
        possible = [type_ for type_ in DUCKDB_TYPES if _is_kept(connection, name, quoted, type_)]
        type_ = random.choice(possible) if possible and random.random() < 0.8 else None
        if type_ is None and str(usual.schema.field(column).type) == "string":
            levels = connection.execute(
                f"SELECT DISTINCT {quoted} FROM arrived_{name} WHERE {quoted} IS NOT NULL"
            ).fetchall()
            if 0 < len(levels) < ENUM_LEVELS and random.random() < 0.5:
                spelt = ", ".join("'" + level.replace("'", "''") + "'" for (level,) in levels)
                type_ = f"ENUM({spelt})"
            else:
                chosen.append(f"{quoted} COLLATE NOCASE AS {quoted}")
                continue
        chosen.append(quoted if type_ is None else f"{quoted}::{type_} AS {quoted}")
    connection.execute(f"CREATE TABLE {name} AS SELECT {', '.join(chosen)} FROM arrived_{name}")
    return connection.table(name)


DUCKDB_TYPES = (
    *(
        "TINYINT",
        "UTINYINT",
        "SMALLINT",
        "USMALLINT",
        "INTEGER",
        "UINTEGER",
        "BIGINT",
        "UBIGINT",
        "HUGEINT",
        "UHUGEINT",
    ),
    *(
        "FLOAT",
        "DOUBLE",
        "DECIMAL(4,2)",
        "DECIMAL(9,2)",
        "DECIMAL(18,2)",
        "DECIMAL(18,6)",
        "DECIMAL(38,0)",
        "DECIMAL(38,9)",
    ),
    *("TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "DATE", "UUID"),
)


def _is_kept(connection: Any, name: str, quoted: str, type_: str) -> bool:
    """True if all values of a column round-trip through the cast."""
    import duckdb  # noqa: PLC0415  # only where it is tested

    (word,) = connection.execute(f"SELECT any_value(typeof({quoted})) FROM arrived_{name}").fetchone()
    if word is None or (word.startswith("TIMESTAMP W") and type_ != "TIMESTAMP_NS"):
        return False
    if (word == "BOOLEAN") or (word == "DATE" and not type_.startswith("TIMESTAMP")):
        return False
    if word in ("VARCHAR", "TIMESTAMP") and type_ in ("DOUBLE", "FLOAT"):
        return False
    if word.startswith("TIMESTAMP W") or (word == "VARCHAR" and type_.startswith("TIMESTAMP")):  # text is no timestamp
        return False
    wide = "DOUBLE" if type_ == "FLOAT" else word
    same = f"coalesce(bool_and({quoted}::{wide} = {quoted}::{type_}::{wide}), true)"
    try:
        (kept,) = connection.execute(f"SELECT {same} FROM arrived_{name}").fetchone()
    except duckdb.Error:
        return False
    if word == "VARCHAR":
        (kept,) = connection.execute(
            f"SELECT coalesce(bool_and({quoted} = {quoted}::{type_}::VARCHAR), true) FROM arrived_{name}"
        ).fetchone()
    return bool(kept)


def _pyspark(usual: Any, _table: Any, random: Random) -> Any:
    frame = spark().createDataFrame(usual)
    for name, type_ in zip(usual.column_names, map(str, usual.schema.types), strict=True):
        narrow = {
            "int64": ("int", "smallint", "decimal(38,0)"),
            "decimal128(18, 2)": ("decimal(38,18)", "decimal(20,4)"),
        }
        word = random.choice(("", *narrow.get(type_, ())))
        if word:
            column = frame[name].cast(word)
            if not frame.filter(~column.cast(frame.schema[name].dataType).eqNullSafe(frame[name])).head(1):
                frame = frame.withColumn(name, column)
    return frame
