"""The same records as a frame of each library, and the comparison of both results."""

from __future__ import annotations

import json
import math
import sqlite3
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from tempfile import NamedTemporaryFile
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from crmkpi import database as database_of
from crmkpi.records import RECORDS
from crmkpi.records.base import RecordType, record_type

from .servers import clickhouse, engine, mariadb, postgresql

BACKENDS = (
    "polars",
    "polars-lazy",
    "pandas",
    "pandas-arrow",
    "pyarrow",
    "duckdb",
    "pyspark",
    "sqlite",
    "postgresql",
    "mariadb",
    "clickhouse",
)
_SPARK: list[Any] = []
_CONNECTIONS: deque[Any] = deque(maxlen=50)
_NUMBERS = count()


def arrow_of(records: Sequence[Any], type_: RecordType, *, money: str = "decimal", zone: str = "UTC") -> Any:
    """The records as an Arrow table, with a column per attribute; `zone` is the zone of timestamps that have one."""
    import pyarrow as pa  # noqa: PLC0415  # only where it is tested

    amounts = pa.decimal128(18, 2) if money == "decimal" else pa.float64()
    aware = any(
        getattr(record, name).tzinfo is not None
        for record in records
        for name, known in type_.fields.items()
        if known.kind == "timestamp" and getattr(record, name) is not None
    )
    kinds = {
        "text": pa.string(),
        "choice": pa.string(),
        "number": pa.float64(),
        "integer": pa.int64(),
        "money": amounts,
        "timestamp": pa.timestamp("us", zone if aware else None),
        "date": pa.date32(),
        "flag": pa.bool_(),
    }
    columns: dict[str, Any] = {}
    for name, known in type_.fields.items():
        if known.kind == "attributes":
            continue
        values = [getattr(record, name) for record in records]
        if known.kind == "money":
            values = [_money(value, money) for value in values]
        columns[name] = pa.array(values, kinds[known.kind])
    names = sorted({name for record in records for name in record.attributes})
    for name in names:
        columns[name] = pa.array([record.attributes.get(name) for record in records])
    return pa.table(columns)


def _money(value: Decimal | None, money: str) -> Any:
    if value is None:
        return None
    return value.quantize(Decimal("0.01")) if money == "decimal" else float(value)


def frame_of(backend: str, table: Any) -> Any:
    """An Arrow table as a frame of another library."""
    return _MAKERS[backend](table)


def _polars(table: Any) -> Any:
    import polars as pl  # noqa: PLC0415  # only where it is tested

    return pl.from_arrow(table)


def _pandas(table: Any) -> Any:
    return table.to_pandas()


def _pandas_arrow(table: Any) -> Any:
    import pandas as pd  # noqa: PLC0415  # only where it is tested

    return table.to_pandas(types_mapper=pd.ArrowDtype)


def _duckdb(table: Any) -> Any:
    return database().from_arrow(table)


def database() -> Any:
    """A connection that stays open: before DuckDB 1.4 a relation does not keep its own."""
    import duckdb  # noqa: PLC0415  # only where it is tested

    _CONNECTIONS.append(duckdb.connect(config={"threads": 1}))
    return _CONNECTIONS[-1]


def _pyspark(table: Any) -> Any:
    return spark().createDataFrame(table)


def spark() -> Any:
    """One small Spark session for all tests."""
    if not _SPARK:
        from pyspark.sql import SparkSession  # noqa: PLC0415  # only where it is tested

        made = (
            SparkSession.builder.master("local[1]")
            # A session of minutes ends before the optimising compiler pays off.
            .config("spark.driver.extraJavaOptions", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
            # Its parser caches each statement; after a hundred of them the default 1 GB was full.
            .config("spark.driver.memory", "2g")
            .config("spark.sql.parser.manageParserCaches", "true")
            .config("spark.sql.parser.parserDfaCacheFlushRatio", "20")
            .config("spark.ui.enabled", "false")
            .config("spark.ui.showConsoleProgress", "false")
            .config("spark.sql.shuffle.partitions", "1")
            .config("spark.sql.session.timeZone", "America/New_York")
            .config("spark.sql.timestampType", "TIMESTAMP_NTZ")
            .config("spark.driver.host", "127.0.0.1")
            .getOrCreate()
        )
        made.sparkContext.setLogLevel("ERROR")
        _SPARK.append(made)
    return _SPARK[0]


def _sqlite(table: Any, connection: Any = None, name: str = "measured_table") -> Any:
    """A table of SQLite with the types that a user would declare."""
    made = sqlite3.connect(":memory:") if connection is None else connection
    declared = [
        f"{_named(column)} {_declared(str(type_))}"
        for column, type_ in zip(table.column_names, table.schema.types, strict=True)
    ]
    made.execute(f"CREATE TABLE {_named(name)}({', '.join(declared)})")
    rows = zip(*([_cell(value) for value in column.to_pylist()] for column in table.columns), strict=True)
    made.executemany(f"INSERT INTO {_named(name)} VALUES ({', '.join('?' * len(declared))})", rows)  # names are quoted
    return database_of(made).table(name)


def _postgresql(table: Any) -> Any:
    """A table of PostgreSQL with the types that a user would declare."""
    made = engine(postgresql())
    name = f"measured {next(_NUMBERS)}"
    columns = list(zip(table.column_names, map(str, table.schema.types), strict=True))
    declared = ", ".join(f"{_named(column)} {_postgresql_type(type_)}" for column, type_ in columns)
    with made.begin() as connection:
        connection.exec_driver_sql(f"CREATE UNLOGGED TABLE {_named(name)}({declared})")
        with connection.connection.cursor().copy(f"COPY {_named(name)} FROM STDIN") as copy:
            for row in zip(*(column.to_pylist() for column in table.columns), strict=True):
                copy.write_row([json.dumps(cell) if isinstance(cell, dict) else cell for cell in row])
    return database_of(made).table(name)


def _postgresql_type(word: str) -> str:
    if word.startswith("timestamp"):
        return "TIMESTAMPTZ" if "tz=" in word else "TIMESTAMP"
    if word.startswith("decimal"):
        return f"NUMERIC({word.partition('(')[2]}"
    kinds = {"date": "DATE", "bool": "BOOLEAN", "double": "FLOAT8", "float": "REAL", "half": "REAL", "binary": "BYTEA"}
    kinds |= {"int8": "SMALLINT", "int16": "SMALLINT", "int32": "INTEGER", "int": "BIGINT", "uint64": "NUMERIC(20)"}
    kinds |= {"uint": "BIGINT"}
    if word == "null":
        pytest.skip("each column of PostgreSQL has a type")
    if word.startswith("list"):
        return "INTEGER[]" if "int" in word else "TEXT[]"
    if word.startswith("struct"):
        return "JSONB"
    return next((found for start, found in kinds.items() if word.startswith(start)), "TEXT")


def _mariadb(table: Any) -> Any:
    """A table of MariaDB with the types that a user would declare."""
    made = engine(mariadb())
    name = f"measured {next(_NUMBERS)}"
    columns = list(zip(table.column_names, map(str, table.schema.types), strict=True))
    declared = ", ".join(f"{_ticked(column)} {_mariadb_type(type_)}" for column, type_ in columns)
    rows = [
        tuple(map(_mariadb_cell, row)) for row in zip(*(column.to_pylist() for column in table.columns), strict=True)
    ]
    with made.begin() as connection:
        connection.exec_driver_sql("SET time_zone = '+00:00'")
        connection.exec_driver_sql(
            f"CREATE TABLE {_ticked(name)}({declared}) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci"
        )
        if rows:
            marks = ", ".join(["%s"] * len(columns))
            connection.connection.cursor().executemany(f"INSERT INTO {_ticked(name)} VALUES ({marks})", rows)
        connection.exec_driver_sql("SET time_zone = DEFAULT")
    return database_of(made).table(name)


def _clickhouse(table: Any, wall: str = "UTC") -> Any:
    """A table of ClickHouse, which has only instants, so wall-clock times are converted."""
    import pyarrow as pa  # noqa: PLC0415  # only where it is tested
    import pyarrow.parquet as pq  # noqa: PLC0415  # likewise

    made = clickhouse()
    name = f"measured {next(_NUMBERS)}"
    columns = []
    for column, type_ in zip(table.columns, table.schema.types, strict=True):
        if pa.types.is_timestamp(type_):
            moments = [None if each is None else _instant(each, wall) for each in column.to_pylist()]
            columns.append(pa.array(moments, pa.timestamp("us", "UTC")))
        else:
            columns.append(column)
    declared = [
        f"{_named(column)} {_clickhouse_type(str(type_))}"
        for column, type_ in zip(table.column_names, table.schema.types, strict=True)
    ]
    made.query(f"CREATE TABLE {_named(name)}({', '.join(declared)}) ENGINE = MergeTree ORDER BY tuple()")
    if table.num_rows:
        with NamedTemporaryFile(suffix=".parquet") as file:
            pq.write_table(pa.table(dict(zip(table.column_names, columns, strict=True))), file.name)
            made.query(f"INSERT INTO {_named(name)} SELECT * FROM file('{file.name}', 'Parquet')")
    return database_of(made).table(name)


def _instant(moment: datetime, wall: str) -> datetime:
    found = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(wall)).astimezone(UTC)
    if not 1900 <= found.year < 2299:
        pytest.skip("a DateTime64 of ClickHouse lies between 1900 and 2299")
    return found


def _clickhouse_type(word: str) -> str:
    if word.startswith(("list", "struct")):
        pytest.skip("columns of ClickHouse that are nested cannot be missing")
    if word.startswith("timestamp"):
        return "Nullable(DateTime64(6, 'UTC'))"
    if word.startswith("decimal"):
        return f"Nullable(Decimal({word.partition('(')[2]})"
    kinds = {"date": "Date32", "bool": "Bool", "double": "Float64", "float": "Float32", "half": "Float32"}
    kinds |= {"null": "Nothing", "uint": f"UInt{word[4:]}", "int": f"Int{word[3:]}"}
    return f"Nullable({next((found for start, found in kinds.items() if word.startswith(start)), 'String')})"


def _ticked(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _mariadb_cell(value: Any) -> Any:
    if isinstance(value, datetime) and value.tzinfo is not None:
        value = value.astimezone(UTC).replace(tzinfo=None)
        if not datetime(1970, 1, 2) < value < datetime(2038, 1, 1):
            pytest.skip("a TIMESTAMP of MariaDB lies between 1970 and 2038")
    if isinstance(value, float) and not math.isfinite(value):
        pytest.skip("MariaDB has no floats that are no numbers")
    return value


def _mariadb_type(word: str) -> str:
    if word == "null":
        pytest.skip("each column of MariaDB has a type")
    if word.startswith(("list", "struct")):
        pytest.skip("MariaDB has no lists and structs")
    if word.startswith("timestamp"):
        return "TIMESTAMP(6) NULL" if "tz=" in word else "DATETIME(6)"
    if word.startswith("decimal"):
        return f"DECIMAL({word.partition('(')[2]}"
    kinds = {"date": "DATE", "bool": "BOOLEAN", "double": "DOUBLE", "float": "FLOAT", "half": "FLOAT", "binary": "BLOB"}
    kinds |= {"int8": "TINYINT", "int16": "SMALLINT", "int": "BIGINT", "uint": "BIGINT UNSIGNED"}
    return next((found for start, found in kinds.items() if word.startswith(start)), "VARCHAR(300)")


def _named(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _declared(word: str) -> str:
    starts = {
        "timestamp": "TIMESTAMP",
        "date": "DATE",
        "decimal": "DECIMAL",
        "bool": "BOOLEAN",
        "null": "",
        "binary": "BLOB",
    }
    starts |= {"double": "REAL", "float": "REAL", "half": "REAL", "int": "INTEGER", "uint": "INTEGER"}
    return next((found for start, found in starts.items() if word.startswith(start)), "TEXT")


def _cell(value: Any) -> Any:
    if isinstance(value, datetime):
        if value.tzinfo is not None and value.utcoffset() % timedelta(minutes=1):  # local mean time, before time zones
            value = value.astimezone(UTC)
        text = value.isoformat(sep=" ")
        return text if value.tzinfo is None or "+" in text or text.count("-") > 2 else f"{text}Z"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | dict):
        pytest.skip("SQLite has no lists and structs")
    return float(value) if isinstance(value, Decimal) else value


_MAKERS: Mapping[str, Callable[[Any], Any]] = {
    "polars": _polars,
    "polars-lazy": lambda table: _polars(table).lazy(),
    "pandas": _pandas,
    "pandas-arrow": _pandas_arrow,
    "pyarrow": lambda table: table,
    "duckdb": _duckdb,
    "pyspark": _pyspark,
    "sqlite": _sqlite,
    "postgresql": _postgresql,
    "mariadb": _mariadb,
    "clickhouse": _clickhouse,
}


def frames_of(
    backend: str, tables: Mapping[str, Sequence[Any]], *, money: str = "decimal", zone: str = "UTC", wall: str = "UTC"
) -> dict[str, Any]:
    """All tables of a dataset as frames; without wall-clock times, they are in the zone `wall`."""
    arrows = {
        name: arrow_of(records, record_type(RECORDS[name]), money=money, zone=zone) for name, records in tables.items()
    }
    return homed(backend, arrows, wall=wall)


def homed(backend: str, arrows: Mapping[str, Any], *, wall: str = "UTC") -> dict[str, Any]:
    """Arrow tables as frames of a library; DuckDB's in one connection, since relations of two cannot be joined."""
    if backend == "duckdb":
        connection = database()
        return {name: connection.from_arrow(table) for name, table in arrows.items()}
    if backend == "sqlite":
        home = sqlite3.connect(":memory:")
        return {name: _sqlite(table, home, name) for name, table in arrows.items()}
    if backend == "clickhouse":
        return {name: _clickhouse(table, wall) for name, table in arrows.items()}
    return {name: frame_of(backend, table) for name, table in arrows.items()}


def alike(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return one == other or math.isclose(one, other, rel_tol=1e-12)
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(alike(one[key], other[key]) for key in one)
    return bool(one == other)


def shown(result: Any) -> dict[str, Any]:
    """All attributes of a result."""
    interval = result.interval
    return {
        "definition": result.definition,
        "period": result.period,
        "segment": dict(result.segment),
        "value": result.value.total_seconds() if isinstance(result.value, timedelta) else result.value,
        "reason": result.reason,
        "inputs": dict(result.inputs),
        "currency": result.currency,
        "low": None if interval is None else _number(interval.low),
        "high": None if interval is None else _number(interval.high),
        "n": result.n,
        "accounts": [(account.table, account.given, account.used, account.left_out) for account in result.accounts],
        "rejected": [account.rejected for account in result.accounts],
    }


def _number(bound: Any) -> float:
    return float(bound.total_seconds() if isinstance(bound, timedelta) else bound)


def assert_same(records: Any, frames: Any) -> None:
    assert len(records) == len(frames)
    for mine, theirs in zip(records, frames, strict=True):
        one, other = shown(mine), shown(theirs)
        different = {name: (one[name], other[name]) for name in one if not alike(one[name], other[name])}
        assert not different, f"{theirs.definition} {different}"
