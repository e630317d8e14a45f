"""The text of statements for DuckDB, for `Metric.sql`: the dialect of PostgreSQL with the differences of DuckDB.

Its `/` returns a float, and so does EXTRACT(EPOCH); its decimals are never NaN, and a decimal without a size has 18
digits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from crmkpi.engines.frames.homes.home import DAY, TOO_LATE, ColumnType
from crmkpi.engines.frames.homes.postgresql import PostgresqlHome, PostgresqlSql
from crmkpi.engines.frames.homes.sql import Sql, SqlWords
from crmkpi.records.base import Kind

__all__ = ["DuckDbTextHome", "DuckDbTextSql"]


@dataclass(frozen=True, slots=True, eq=False)
class DuckDbTextSql(PostgresqlSql):
    """An expression of DuckDB, in a statement that the user runs."""

    divided: ClassVar[str] = "({} // {})"

    @staticmethod
    def quoted(name: str) -> str:
        """A name of any length as SQL."""
        return Sql.quoted(name)


class DuckDbTextHome(PostgresqlHome):
    """Tables of DuckDB with declared types, for statements that the user runs."""

    dialect = DuckDbTextSql
    words = SqlWords(
        DuckDbTextSql, Int64="BIGINT", Int128="HUGEINT", Float64="DOUBLE", Boolean="BOOLEAN", String="VARCHAR"
    )

    def plain(self, source: PostgresqlSql, kind: Kind, type_: ColumnType) -> PostgresqlSql:
        """The column as a plain value, in 64 bits or more."""
        column = source.text
        if kind in ("text", "choice"):
            return PostgresqlHome.plain(self, source, kind, type_)
        if type_.what == "decimal":
            return source.wrapped("CAST(", f" * {10**type_.digits} AS BIGINT)")
        if type_.what == "timestamp" or (type_.what == "date" and kind == "timestamp"):
            micros = f"epoch_us({column if type_.what == 'timestamp' else f'CAST({column} AS TIMESTAMP)'})"
            finite = f"WHEN isfinite({column}) THEN {micros} WHEN {column} IS NOT NULL THEN {TOO_LATE}"
            made = source.case(finite, "NULL")
            return made // DAY if kind == "date" else made
        return PostgresqlHome.plain(self, source, kind, type_)
