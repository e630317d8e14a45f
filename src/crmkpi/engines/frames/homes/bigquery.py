"""BigQuery. Written from its documentation and never run against a server, so it needs `untested=True`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import ClassVar, Self

from crmkpi.engines.frames.homes.database import DatabaseFrame, TableOrQuery, types_of_kinds
from crmkpi.engines.frames.homes.home import ColumnType
from crmkpi.engines.frames.homes.sql import Sql, SqlWords
from crmkpi.engines.frames.homes.warehouse import WarehouseHome, probe_of
from crmkpi.engines.frames.words import Scalar
from crmkpi.records.base import Kind

__all__ = ["BigQueryHome", "BigQuerySql"]

_ESCAPES = str.maketrans({"\\": "\\\\", "'": "\\'", "`": "\\`", "\n": "\\n", "\r": "\\r", "\0": "\\000"})


@dataclass(frozen=True, slots=True, eq=False)
class BigQuerySql(Sql):
    """An expression of BigQuery."""

    real: ClassVar[str] = "CAST('{!r}' AS FLOAT64)"
    divided: ClassVar[str] = "div({}, {})"
    nan: ClassVar[str] = "is_nan({})"
    finite: ClassVar[str] = "(NOT (is_nan({0}) OR is_inf({0})))"

    @staticmethod
    def quoted(name: str) -> str:
        """A name as SQL."""
        return f"`{name.translate(_ESCAPES)}`"

    @staticmethod
    def written(value: str) -> str:
        """A text as SQL, with quotes and line ends escaped by backslashes."""
        return f"'{value.translate(_ESCAPES)}'"

    @staticmethod
    def wall_time(value: datetime) -> str:
        """A wall-clock time as SQL."""
        return f"DATETIME '{value}'"

    def __mod__(self, other: Self | Scalar) -> Self:
        """The remainder of a division; BigQuery has no operator for it."""
        return self.wrapped("mod(", f", {self.said(other)})")


class BigQueryHome(WarehouseHome[BigQuerySql]):
    """Tables, views and queries of BigQuery; the schema of a table is its data set."""

    dialect = BigQuerySql
    words = SqlWords(
        BigQuerySql, Int64="INT64", Int128="BIGNUMERIC", Float64="FLOAT64", Boolean="BOOL", String="STRING"
    )
    declared = types_of_kinds(
        text="string", money="numeric(18,2)", number="float64", integer="int64", timestamp="datetime", flag="bool"
    )
    constants: ClassVar[Mapping[Kind, str]] = {**declared, "money": "numeric"}
    instants = ("timestamp",)
    sized = "data_type"
    loose_decimal = (38, 9)
    probe = probe_of(
        BigQuerySql,
        "INT64",
        "BIGNUMERIC",
        "STRING",
        {
            "microseconds before 1970": (
                "datetime_diff(DATETIME '1969-12-31 23:59:59.999999', DATETIME '1970-01-01 00:00:00', MICROSECOND)", -1,
            ),
            "microseconds of 9999": (
                "datetime_diff(DATETIME '9999-12-31 23:59:59.999999', DATETIME '1970-01-01 00:00:00', MICROSECOND)",
                253_402_300_799_999_999,
            ),
            "microseconds of an instant": ("unix_micros(TIMESTAMP '1970-01-01 02:00:00+02:00')", 0),
        },
    )  # fmt: skip

    def text(self, column: str, type_: ColumnType) -> str:  # noqa: ARG002  # all types compare the same way
        """A column as text without its collation."""
        return f"collate(CAST({column} AS STRING), '')"

    def micros(self, source: BigQuerySql, type_: ColumnType) -> BigQuerySql:
        """A timestamp as microseconds since 1970."""
        if type_.aware:
            return source.wrapped("unix_micros(")
        return source.wrapped("datetime_diff(CAST(", " AS DATETIME), DATETIME '1970-01-01 00:00:00', MICROSECOND)")

    def days(self, source: BigQuerySql) -> BigQuerySql:
        """A date as days since 1970."""
        return source.wrapped("date_diff(", ", DATE '1970-01-01', DAY)")

    def scaled(self, units: str, digits: int) -> str:
        """An integer of the smallest decimal place as a decimal."""
        return f"(CAST({units} AS BIGNUMERIC) * BIGNUMERIC '{Decimal(1).scaleb(-digits):f}')" if digits else units

    def information(self, target: TableOrQuery) -> str:
        """The view of the data set that describes the columns of its tables."""
        view = "INFORMATION_SCHEMA.COLUMNS"
        return view if target.schema is None else f"{self.dialect.quoted(target.schema)}.{view}"

    schema_now = "table_schema"  # true for all rows: the view has only the connection's data set

    def asked_as(self, frame: DatabaseFrame) -> str:
        """The text of the statement for a small result, with numbered columns: names may not contain blanks."""
        chosen = [self.dialect.col(name).alias(f"c{place}") for place, name in enumerate(frame.columns)]
        return frame.select(*chosen).statement if chosen else frame.statement
