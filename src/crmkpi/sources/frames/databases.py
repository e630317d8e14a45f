"""A database as tables that are measured where they lie."""

from __future__ import annotations

from dataclasses import dataclass
from sqlite3 import Connection

from crmkpi.engines.frames.backends import BACKENDS, at_home
from crmkpi.engines.frames.homes.sqlite import SqliteTable
from crmkpi.errors import InputError

__all__ = ["Database", "database"]


@dataclass(frozen=True, slots=True)
class Database:
    """The tables and views of a database, by name; made by `crmkpi.database`."""

    connection: Connection

    def table(self, name: str) -> SqliteTable:
        """A table or view, to be given to a `Dataset` or to `crmkpi.table`.

        Raises:
            ColumnError: the database has no such table; the nearest name is suggested.
            InputError: the connection is closed.
        """
        with at_home(BACKENDS["sqlite"], name):
            return SqliteTable(self.connection, name)


def database(connection: Connection) -> Database:
    """A database whose tables are measured in SQL, so that only one row per group comes back.

    `connection` is one of `sqlite3`. It is only read, and never committed or closed. Columns are taken by their
    declared types; timestamps are texts such as 2026-01-31 09:00:00, and what is written in another way is counted as
    rejected.

    Raises:
        InputError: it is no connection of `sqlite3`.

    >>> import sqlite3, crmkpi
    >>> connection = sqlite3.connect(":memory:")
    >>> _ = connection.execute("CREATE TABLE opps(id TEXT, status TEXT)")
    >>> _ = connection.execute("INSERT INTO opps VALUES ('1', 'won'), ('2', 'lost')")
    >>> crmkpi.win_rate(database(connection).table("opps")).value
    0.5
    """
    if not isinstance(connection, Connection):
        raise InputError(
            f"database() takes a connection such as sqlite3.connect('crm.db'); got {type(connection).__name__}. DuckDB "
            "tables are given as they are: connection.table('deals')."
        )
    return Database(connection)
