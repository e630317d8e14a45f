"""Snowflake. Written from its documentation and never run against a server, so it needs `untested=True`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self

from crmkpi.engines.frames.homes.database import types_of_kinds
from crmkpi.engines.frames.homes.home import ColumnType
from crmkpi.engines.frames.homes.sql import Sql, SqlWords
from crmkpi.engines.frames.homes.warehouse import WarehouseHome, probe_of
from crmkpi.engines.frames.words import Scalar

__all__ = ["SnowflakeHome", "SnowflakeSql"]


@dataclass(frozen=True, slots=True, eq=False)
class SnowflakeSql(Sql):
    """An expression of Snowflake."""

    real: ClassVar[str] = "CAST('{!r}' AS FLOAT)"
    nan: ClassVar[str] = "({} = CAST('NaN' AS FLOAT))"
    finite: ClassVar[str] = "(abs({}) < CAST('inf' AS FLOAT))"  # NaN is the largest

    @staticmethod
    def written(value: str) -> str:
        """A text as SQL; a backslash is an escape character."""
        return Sql.written(value.replace("\\", "\\\\"))

    @staticmethod
    def wall_time(value: datetime) -> str:
        """A wall-clock time as SQL; the meaning of a plain TIMESTAMP is a setting."""
        return f"CAST('{value}' AS TIMESTAMP_NTZ)"

    def __floordiv__(self, other: Self | Scalar) -> Self:
        """Integer division by a positive divisor, rounded down; `/` rounds, so the remainder is subtracted first."""
        here, by = self.text, self.said(other)
        return type(self)(f"CAST(({here} - mod(mod({here}, {by}) + {by}, {by})) / {by} AS NUMBER(38, 0))", self.name)


_INSTANT = "convert_timezone('UTC', CAST('1970-01-01 02:00:00 +0200' AS TIMESTAMP_TZ))"
_MICROS = "datediff(microsecond, CAST('1970-01-01' AS TIMESTAMP_NTZ), "


class SnowflakeHome(WarehouseHome[SnowflakeSql]):
    """Tables, views and queries of Snowflake."""

    dialect = SnowflakeSql
    words = SqlWords(
        SnowflakeSql,
        Int64="NUMBER(38, 0)",
        Int128="NUMBER(38, 0)",
        Float64="FLOAT",
        Boolean="BOOLEAN",
        String="VARCHAR",
    )
    declared = types_of_kinds(
        text="varchar",
        money="number(18,2)",
        number="float",
        integer="number(38,0)",
        timestamp="timestamp_ntz",
        flag="boolean",
    )
    constants = declared
    instants = ("timestamp_ltz", "timestamp_tz")
    codes: ClassVar[Mapping[object, str]] = {
        0: "number", 1: "float", 2: "text", 3: "date", 4: "timestamp_ntz", 5: "variant", 6: "timestamp_ltz",
        7: "timestamp_tz", 8: "timestamp_ntz", 9: "object", 10: "array", 11: "binary", 12: "time", 13: "boolean",
    }  # fmt: skip
    probe = probe_of(
        SnowflakeSql,
        "NUMBER(38, 0)",
        "NUMBER(38, 0)",
        "VARCHAR",
        {
            "microseconds before 1970": (f"{_MICROS}CAST('1969-12-31 23:59:59.999999' AS TIMESTAMP_NTZ))", -1),
            "microseconds of 9999": (
                f"{_MICROS}CAST('9999-12-31 23:59:59.999999' AS TIMESTAMP_NTZ))", 253_402_300_799_999_999,
            ),
            "microseconds of an instant": (f"{_MICROS}CAST({_INSTANT} AS TIMESTAMP_NTZ))", 0),
        },
    )  # fmt: skip

    def text(self, column: str, type_: ColumnType) -> str:  # noqa: ARG002  # all types compare the same way
        """A column as text without its collation."""
        return f"collate(CAST({column} AS VARCHAR), 'utf8')"

    def micros(self, source: SnowflakeSql, type_: ColumnType) -> SnowflakeSql:
        """A timestamp as microseconds since 1970."""
        stamp = f"convert_timezone('UTC', {source.text})" if type_.aware else source.text
        return SnowflakeSql(f"{_MICROS}CAST({stamp} AS TIMESTAMP_NTZ))", source.name)

    def days(self, source: SnowflakeSql) -> SnowflakeSql:
        """A date as days since 1970."""
        return source.wrapped("datediff(day, DATE '1970-01-01', ")
