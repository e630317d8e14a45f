"""The same records as a frame of each library."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from crmkpi.records import RECORDS
from crmkpi.records.base import RecordType, record_type

BACKENDS = ("polars", "polars-lazy", "pandas", "pandas-arrow", "pyarrow", "duckdb", "pyspark")
_SPARK: list[Any] = []


def arrow_of(records: Sequence[Any], type_: RecordType, *, money: str = "decimal") -> Any:
    """The records as an Arrow table, attributes as columns of their own."""
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
        "timestamp": pa.timestamp("us", "UTC" if aware else None),
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
    import duckdb  # noqa: PLC0415  # only where it is tested

    return duckdb.connect().from_arrow(table)


def _pyspark(table: Any) -> Any:
    return spark().createDataFrame(table)


def spark() -> Any:
    """One small Spark session for all tests."""
    if not _SPARK:
        from pyspark.sql import SparkSession  # noqa: PLC0415  # only where it is tested

        made = (
            SparkSession.builder.master("local[1]")
            .config("spark.ui.enabled", "false")
            .config("spark.sql.shuffle.partitions", "1")
            .config("spark.sql.session.timeZone", "America/New_York")
            .config("spark.sql.timestampType", "TIMESTAMP_NTZ")
            .config("spark.driver.host", "127.0.0.1")
            .getOrCreate()
        )
        made.sparkContext.setLogLevel("ERROR")
        _SPARK.append(made)
    return _SPARK[0]


_MAKERS: Mapping[str, Callable[[Any], Any]] = {
    "polars": _polars,
    "polars-lazy": lambda table: _polars(table).lazy(),
    "pandas": _pandas,
    "pandas-arrow": _pandas_arrow,
    "pyarrow": lambda table: table,
    "duckdb": _duckdb,
    "pyspark": _pyspark,
}


def frames_of(backend: str, tables: Mapping[str, Sequence[Any]], *, money: str = "decimal") -> dict[str, Any]:
    """All tables of a dataset as frames; DuckDB's in one connection, since relations of two cannot be joined."""
    arrows = {name: arrow_of(records, record_type(RECORDS[name]), money=money) for name, records in tables.items()}
    if backend == "duckdb":
        import duckdb  # noqa: PLC0415  # only where it is tested

        connection = duckdb.connect()
        return {name: connection.from_arrow(table) for name, table in arrows.items()}
    return {name: frame_of(backend, table) for name, table in arrows.items()}
