"""The text of statements for DuckDB, for `Metric.sql`: those of PostgreSQL, but for decimals, which are never NaN."""

from __future__ import annotations

from crmkpi.engines.frames.homes.home import ColumnType
from crmkpi.engines.frames.homes.postgresql import PostgresqlHome, PostgresqlSql
from crmkpi.records.base import Kind

__all__ = ["DuckDbTextHome"]


class DuckDbTextHome(PostgresqlHome):
    """Tables of DuckDB as they are described."""

    def plain(self, source: PostgresqlSql, kind: Kind, type_: ColumnType) -> PostgresqlSql:
        """A column as a plain and wide one."""
        if type_.what == "decimal" and kind not in ("text", "choice"):
            return PostgresqlSql(f"CAST({source.text} * {10**type_.digits} AS BIGINT)", source.name)
        return PostgresqlHome.plain(self, source, kind, type_)
