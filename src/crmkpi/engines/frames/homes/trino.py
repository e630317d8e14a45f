"""Trino. Written from its documentation; nobody has run it: it is measured with `untested=True` alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Self

from crmkpi.engines.frames.homes.home import ColumnType, Physical
from crmkpi.engines.frames.homes.sql import Sql, SqlWords
from crmkpi.engines.frames.homes.warehouse import WarehouseHome, probe_of
from crmkpi.records.base import Kind

__all__ = ["TrinoHome", "TrinoSql"]

_TYPES: Mapping[str, Physical] = {
    **dict.fromkeys(("tinyint", "smallint", "integer", "bigint"), "whole"),
    **dict.fromkeys(("real", "double"), "float"),
    **dict.fromkeys(("varchar", "char", "uuid"), "text"),
    **dict.fromkeys(("timestamp", "timestamp with time zone"), "timestamp"),
    "boolean": "flag",
    "date": "date",
}


@dataclass(frozen=True, slots=True, eq=False)
class TrinoSql(Sql):
    """An expression of Trino, which divides whole numbers towards zero as SQL does."""

    @staticmethod
    def real_number(value: float) -> str:
        """A float as SQL."""
        named = {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}
        return f"CAST('{named.get(repr(value), repr(value))}' AS DOUBLE)"

    def is_nan(self) -> Self:
        """Whether a float is not a number; missing where it is."""
        return self.wrapped("is_nan(")

    def is_finite(self) -> Self:
        """Whether a float is a number at all; missing where it is."""
        return self.wrapped("is_finite(")


def _micros(stamp: str) -> str:
    """Of a timestamp of any precision, whose text ends with its digits."""
    seconds = f"date_diff('second', TIMESTAMP '1970-01-01 00:00:00', date_trunc('second', {stamp}))"
    digits = f"rpad(substr(split_part(CAST({stamp} AS VARCHAR), '.', 2), 1, 6), 6, '0')"
    return f"({seconds} * 1000000 + CAST({digits} AS BIGINT))"


_INSTANT = "TIMESTAMP '1970-01-01 02:00:00 +02:00'"


class TrinoHome(WarehouseHome[TrinoSql]):
    """Tables, views and queries of Trino."""

    dialect = TrinoSql
    words = SqlWords(
        TrinoSql, Int64="BIGINT", Int128="DECIMAL(38, 0)", Float64="DOUBLE", Boolean="BOOLEAN", String="VARCHAR"
    )
    declared: ClassVar[Mapping[Kind, str]] = {
        "text": "varchar",
        "choice": "varchar",
        "money": "decimal(18,2)",
        "number": "double",
        "integer": "bigint",
        "timestamp": "timestamp(6)",
        "date": "date",
        "flag": "boolean",
        "attributes": "varchar",
    }
    constants = declared
    types = _TYPES
    instants = ("timestamp with time zone",)
    sized = "data_type"
    schema_now = "current_schema"
    probe = probe_of(
        TrinoSql,
        "BIGINT",
        "DECIMAL(38, 0)",
        "VARCHAR",
        {
            "microseconds before 1970": (_micros("TIMESTAMP '1969-12-31 23:59:59.999999'"), -1),
            "microseconds of 9999": (_micros("TIMESTAMP '9999-12-31 23:59:59.999999'"), 253_402_300_799_999_999),
            "microseconds of an instant": (_micros(f"CAST({_INSTANT} AT TIME ZONE 'UTC' AS TIMESTAMP(12))"), 0),
        },
    )

    def text(self, column: str, type_: ColumnType) -> str:
        """A column as text; a char is filled up with blanks."""
        text = f"CAST({column} AS VARCHAR)"
        return f"rtrim({text})" if type_.unit.startswith("char") else text

    def micros(self, source: TrinoSql, type_: ColumnType) -> TrinoSql:
        """Whole microseconds of a timestamp since 1970: seconds are a number, and the digits behind them are read."""
        if type_.aware:
            return TrinoSql(_micros(f"CAST({source.text} AT TIME ZONE 'UTC' AS TIMESTAMP(12))"), source.name)
        return TrinoSql(
            _micros(f"CAST({source.text} AS TIMESTAMP(0))" if type_.what == "date" else source.text), source.name
        )

    def days(self, source: TrinoSql) -> TrinoSql:
        """Whole days of a date since 1970."""
        return source.wrapped("date_diff('day', DATE '1970-01-01', ")
