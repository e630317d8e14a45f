"""Trino. Written from its documentation and never run against a server, so it needs `untested=True`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from crmkpi.engines.frames.homes.database import types_of_kinds
from crmkpi.engines.frames.homes.home import ColumnType
from crmkpi.engines.frames.homes.sql import Sql, SqlWords
from crmkpi.engines.frames.homes.warehouse import WarehouseHome, probe_of

__all__ = ["TrinoHome", "TrinoSql"]


@dataclass(frozen=True, slots=True, eq=False)
class TrinoSql(Sql):
    """An expression of Trino, whose integer division rounds towards zero."""

    nan: ClassVar[str] = "is_nan({})"
    finite: ClassVar[str] = "is_finite({})"

    @staticmethod
    def real_number(value: float) -> str:
        """A float as SQL."""
        named = {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}
        return f"CAST('{named.get(repr(value), repr(value))}' AS DOUBLE)"


def _micros(stamp: str) -> str:
    """The microseconds of a timestamp of any precision; its text has the fraction of the second."""
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
    declared = types_of_kinds(
        text="varchar", money="decimal(18,2)", number="double", timestamp="timestamp(6)", flag="boolean"
    )
    constants = declared
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
        """A column as text; the padding of a char is removed."""
        text = f"CAST({column} AS VARCHAR)"
        return f"rtrim({text})" if type_.unit.startswith("char") else text

    def micros(self, source: TrinoSql, type_: ColumnType) -> TrinoSql:
        """A timestamp as microseconds since 1970."""
        if type_.aware:
            return TrinoSql(_micros(f"CAST({source.text} AT TIME ZONE 'UTC' AS TIMESTAMP(12))"), source.name)
        return TrinoSql(
            _micros(f"CAST({source.text} AS TIMESTAMP(0))" if type_.what == "date" else source.text), source.name
        )

    def days(self, source: TrinoSql) -> TrinoSql:
        """A date as days since 1970."""
        return source.wrapped("date_diff('day', DATE '1970-01-01', ")
