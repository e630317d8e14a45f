"""MySQL 8: its differences from MariaDB. Never run against a server, so it needs `untested=True`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from crmkpi.engines.frames.homes.database import DatabaseHome, TableOrQuery
from crmkpi.engines.frames.homes.mariadb import ORDER_OF_LETTERS, MariaDbHome, MariaDbSql, check_limit
from crmkpi.engines.frames.homes.sessions import Session, weak_isolation
from crmkpi.engines.frames.homes.sql import SqlWords
from crmkpi.errors import InputError

__all__ = ["MySqlHome", "MySqlSql"]


@dataclass(frozen=True, slots=True, eq=False)
class MySqlSql(MariaDbSql):
    """An expression of MySQL, whose collation for comparing bytes, including trailing blanks, has another name."""

    by_bytes: ClassVar[str] = "COLLATE utf8mb4_0900_bin"


class MySqlHome(MariaDbHome):
    """Tables, views and queries of MySQL."""

    dialect = MySqlSql
    words: SqlWords[MariaDbSql] = SqlWords(
        MySqlSql, Int64="SIGNED", Int128="DECIMAL(38, 0)", Float64="DOUBLE", Boolean="SIGNED", String="CHAR"
    )
    probe: ClassVar[Mapping[str, tuple[str, object]]] = {
        **MariaDbHome.probe,
        "upper and lower case": (f"{MySqlSql.written('a')} = {MySqlSql.written('A')}", 0),
        "trailing blanks": (f"{MySqlSql.written('a')} = {MySqlSql.written('a ')}", 0),
        "the order of letters": (ORDER_OF_LETTERS.format(*map(MySqlSql.written, "baBb")), 1),
    }

    def check_snapshot(self, session: Session) -> None:
        """Raise an error for isolation below REPEATABLE READ, and for versions without windows or casts to floats."""
        level, version, most = session.rows("SELECT @@transaction_isolation, version(), @@sql_select_limit")[0]
        check_limit(most)
        if level not in ("REPEATABLE-READ", "SERIALIZABLE"):
            raise weak_isolation(level)
        numbers = tuple(int(part) for part in version.partition("-")[0].split(".")[:3])
        if numbers < (8, 0, 19):
            raise InputError(f"MySQL must be version 8.0.19 or newer; got {version}. Upgrade the server.")

    def timed(self, seconds: float) -> Sequence[str]:
        """Raise an error: a timeout would stay set in the user's session."""
        raise InputError(f"timeout={seconds:g} is not supported for MySQL; set max_execution_time in the engine.")

    def sent(self, text: str, seconds: float | None, moment: str | None = None) -> str:  # noqa: ARG002  # it has neither setting
        """The statement without settings."""
        return text

    def state_of(self, session: Session, target: TableOrQuery) -> object:
        """The number of rows, if the target reads the clock."""
        return DatabaseHome.state_of(self, session, target)
