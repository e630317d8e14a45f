"""Databricks: the dialect of Spark, over a connection. Never run against a server: it needs `untested=True`."""

from __future__ import annotations

from dataclasses import dataclass

from crmkpi.engines.frames.homes.database import types_of_kinds
from crmkpi.engines.frames.homes.home import ColumnType
from crmkpi.engines.frames.homes.spark import SparkSql, plain_of_spark
from crmkpi.engines.frames.homes.sql import SqlWords
from crmkpi.engines.frames.homes.warehouse import WarehouseHome, probe_of

__all__ = ["DatabricksHome", "DatabricksSql"]


@dataclass(frozen=True, slots=True, eq=False)
class DatabricksSql(SparkSql):
    """An expression of Spark over a connection, where braces need no escape."""

    @staticmethod
    def quoted(name: str) -> str:
        """A name as SQL."""
        return "`" + name.replace("`", "``") + "`"


class DatabricksHome(WarehouseHome[DatabricksSql]):
    """Tables, views and queries of Databricks."""

    dialect = DatabricksSql
    words = SqlWords(DatabricksSql, Int64="BIGINT", Float64="DOUBLE", Boolean="BOOLEAN", String="STRING")
    declared = types_of_kinds(
        text="string", money="decimal(18,2)", number="double", timestamp="timestamp_ntz", flag="boolean"
    )
    constants = declared
    instants = ("timestamp",)
    loose_decimal = (10, 0)
    probe = probe_of(
        DatabricksSql,
        "BIGINT",
        "DECIMAL(38, 0)",
        "STRING",
        {
            "microseconds before 1970": ("unix_micros(TIMESTAMP'1969-12-31 23:59:59.999999Z')", -1),
            "microseconds of an instant": ("unix_micros(TIMESTAMP'1970-01-01 02:00:00+02:00')", 0),
        },
    )

    def micros(self, source: DatabricksSql, type_: ColumnType) -> DatabricksSql:
        """A timestamp as microseconds since 1970."""
        return plain_of_spark(source, "timestamp", type_)

    def days(self, source: DatabricksSql) -> DatabricksSql:
        """A date as days since 1970."""
        return plain_of_spark(source, "date", ColumnType("date", "date"))

    def units(self, source: DatabricksSql, type_: ColumnType) -> DatabricksSql:
        """A decimal as an integer of its smallest decimal place."""
        return plain_of_spark(source, "money", type_)
