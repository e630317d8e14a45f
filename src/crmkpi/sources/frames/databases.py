"""Tables of a database, measured in place."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from crmkpi.engines.frames.backends import BACKENDS, check_versions
from crmkpi.engines.frames.homes.database import DatabaseHome, DatabaseTable, TableOrQuery
from crmkpi.engines.frames.homes.sessions import AlchemySource, ChdbSource, Source, SqliteSource
from crmkpi.errors import InputError, MissingExtraError

__all__ = ["Database", "any_source", "database", "one_select"]

_URL = re.compile(r"[A-Za-z][\w+.-]*://")
_REFUSED = {
    "mssql": "SQL Server has no true and false as values, which the engine asks for",
    "oracle": "Oracle takes an empty text for a missing one",
}


_SAME = {"mysql": "mariadb", "clickhousedb": "clickhouse"}  # the server tells MySQL and MariaDB apart


@dataclass(frozen=True, slots=True, repr=False)
class Database:
    """The tables, views and queries of a database; returned by `crmkpi.database`."""

    source: Source

    def table(self, name: str, *, schema: str | None = None) -> DatabaseTable:
        """A table or view, for a `Dataset` or for `crmkpi.table`.

        Without a `schema` the connection looks the name up in its default ones.

        A view that calls the clock is measured as of the start of the measurement, in PostgreSQL and MariaDB; in other
        databases rows that come or go during the measurement are an error.

        Raises:
            ColumnError: the database has no such table; the nearest name is suggested.
            InputError: the connection is closed, or may not read the table, or a view of it calls random(); or `name`
                is not text.
        """
        if not isinstance(name, str) or not isinstance(schema, str | None):
            raise InputError(
                "table() takes the names of a table and of its schema as text, as in table('deals', "
                f"schema='crm'); got {type(name if isinstance(schema, str | None) else schema).__name__}."
            )
        return self._described(TableOrQuery(name, schema))

    def query(self, text: str) -> DatabaseTable:
        """The rows of your own SELECT as a table for a `Dataset` or for `crmkpi.table`, in place of a view.

        Column names must be unique. The text is sent as it is, within brackets; no other text of yours is.

        Raises:
            InputError: the text is more than one statement, or is not a SELECT.
        """
        return self._described(TableOrQuery(query=one_select(text)))

    def _described(self, target: TableOrQuery) -> DatabaseTable:
        with self.source.snapshot() as session:
            home = self.source.home
            found = home.checked(session, target)
            return DatabaseTable(self.source, found, home.columns_of(session, found))

    def __repr__(self) -> str:
        return f"<a {self.source.dialect} database>"


def database(connected: Any, /, *, timeout: float | None = None, untested: bool = False) -> Database:
    """A database whose tables are measured in SQL, so that it returns only one row per group.

    `connected` is an engine or a connection of SQLAlchemy 2, a URL such as `"postgresql+psycopg://user@host/crm"`, or a
    connection of `sqlite3`. Each call of `measure` queries one read-only snapshot of its own, and caches nothing; the
    connection is only read, and never committed or closed. A statement that takes longer than `timeout` seconds is
    cancelled.

    Types are the column types. In SQLite they are the declared types, and columns without one, of a query or computed
    in a view, have the type of their values; timestamps in SQLite are texts such as 2026-01-31 09:00:00, and a value in
    another notation is counted as rejected.

    `untested=True` accepts a database whose dialect is implemented, but was never run with the library: MySQL 8,
    Redshift, Snowflake, Databricks, Trino, BigQuery; `crmkpi.testing.check_database` tests yours in one call.

    Raises:
        InputError: `connected` is not a supported database, or its server behaves otherwise than tested.
        MissingExtraError: SQLAlchemy is not installed.

    >>> import sqlite3, crmkpi
    >>> connection = sqlite3.connect(":memory:")
    >>> _ = connection.execute("CREATE TABLE opps(id TEXT, status TEXT)")
    >>> _ = connection.execute("INSERT INTO opps VALUES ('1', 'won'), ('2', 'lost')")
    >>> crmkpi.win_rate(database(connection).table("opps")).value
    0.5
    """
    if timeout is not None and (
        isinstance(timeout, bool) or not isinstance(timeout, int | float) or not _is_wait(timeout)
    ):
        raise InputError(f"`timeout` is a number of seconds above 0, from 0.001 to 1,000,000; got {timeout!r}.")
    if not isinstance(untested, bool):
        raise InputError(f"`untested` is True or False; got {untested!r}.")
    given = any_source(connected)
    if isinstance(given, SqliteSource | ChdbSource):
        return Database(replace(given, home=_home(given.dialect), timeout=timeout))
    name = _dialect(given.connected, untested=untested)
    return Database(replace(given, dialect=name, home=_home(name), timeout=timeout))


def _is_wait(seconds: float) -> bool:
    """Whether every database accepts the timeout: less means no limit for some, and more is too large for others."""
    return 0.001 <= seconds <= 1_000_000


def any_source(connected: Any) -> AlchemySource | SqliteSource | ChdbSource:
    """The source of a connection to a database, for measuring its tables and for reading its rows."""
    module = type(connected).__module__.partition(".")[0]
    if module == "sqlite3" and hasattr(connected, "cursor"):
        return SqliteSource(connected, "sqlite")
    if module == "chdb" and hasattr(connected, "cursor"):
        return ChdbSource(connected, "clickhouse")
    if isinstance(connected, str) or type(connected).__module__ == "sqlalchemy.engine.url":
        connected, module = _engine(connected), "sqlalchemy"
    waits = type(connected).__module__.startswith("sqlalchemy.ext.asyncio")
    usable = hasattr(connected, "exec_driver_sql" if _is_connection(connected) else "connect")
    if not waits and (module != "sqlalchemy" or not usable):
        raise InputError(
            f"An engine or a connection of SQLAlchemy, a URL, or a connection of sqlite3 is needed; got "
            f"{type(connected).__name__}. {_INSTEAD.get(module, _INSTEAD[''])}"
        )
    if waits or getattr(connected.dialect, "is_async", False):
        raise InputError(
            "Databases are queried synchronously; give an engine of create_engine(), not an asynchronous one."
        )
    return AlchemySource(connected, str(connected.dialect.name))


_INSTEAD = {  # the object to give in place of another one of a library
    "": "Create an engine with sqlalchemy.create_engine(url).",
    "crmkpi": "Give the engine, connection or URL of the database.",
    "duckdb": "DuckDB tables are given as they are: connection.table('deals').",
    "pathlib": "sqlite3.connect(path) opens a file.",
    "sqlalchemy": "For a session give session.connection().",
    "sqlite3": "For a cursor give cursor.connection.",
}


def _is_connection(connected: Any) -> bool:
    return hasattr(connected, "in_transaction")


_BEGIN_WITH = {  # the correct beginning of a URL for common mistakes
    "clickhouse": "clickhousedb://",
    "mariadb": "mysql+pymysql://",
    "mysql": "mysql+pymysql://",
    "postgres": "postgresql+psycopg://",
    "postgresql": "postgresql+psycopg://",
}


def _engine(url: Any) -> Any:
    """An engine created for a URL; no error shows its password."""
    if find_spec("sqlalchemy") is None:
        raise MissingExtraError("A database by its URL needs SQLAlchemy; install it with pip install 'crmkpi[sql]'.")
    sa: Any = import_module("sqlalchemy")
    if isinstance(url, str) and not _URL.match(url):
        raise InputError(
            "database() takes a URL such as 'postgresql+psycopg://user@host/crm' or 'sqlite:///crm.db'; the text that "
            "was given does not start like one."
        )
    word = url.partition(":")[0] if isinstance(url, str) else url.drivername
    try:
        made = sa.make_url(url)
        found = sa.create_engine(made, poolclass=sa.NullPool)  # a pool's connections would stay open
    except (sa.exc.ArgumentError, ImportError, ValueError) as error:
        named = getattr(error, "name", None)
        unknown = isinstance(error, sa.exc.NoSuchModuleError)
        why = (
            f"its driver {named!r} is not installed" if named
            else f"SQLAlchemy knows no dialect {word!r}" if unknown
            else "its parts are not those of dialect+driver://user:password@host:port/database"
        )  # fmt: skip
        other = f", and {_BEGIN_WITH[word]} may be meant" if word in _BEGIN_WITH else ""
        raise InputError(f"The URL cannot be used: {why}; it starts with {word}://{other}.") from None
    _check_file(made)
    return found


def _check_file(url: Any) -> None:
    """Refuse a missing file, which the database would create empty."""
    known, name = BACKENDS.get(url.get_backend_name()), url.database or ""
    makes = known is not None and isinstance(known.home, DatabaseHome) and known.home.makes_files
    if makes and name and not name.startswith((":", "file:")) and not Path(name).exists():
        raise InputError(f"There is no file {name!r} with a database; give its path, as in 'sqlite:////data/crm.db'.")


def _dialect(connected: Any, *, untested: bool) -> str:
    """The name in `BACKENDS` of a connection's database."""
    name = str(getattr(connected.dialect, "name", ""))
    if untested and name in BACKENDS and not BACKENDS[name].tested and not _is_mariadb(connected):
        return name
    name = _SAME.get(name, name)
    if name in _REFUSED:
        raise InputError(f"{name} is not measured: {_REFUSED[name]}; load its rows with crmkpi.read_sql().")
    if name in BACKENDS and not BACKENDS[name].tested:
        raise InputError(
            f"{name} is written from its documentation and was never run; give database(..., untested=True), and prove "
            "it first with crmkpi.testing.check_database(engine), or load rows with crmkpi.read_sql()."
        )
    if name not in BACKENDS:
        raise InputError(f"The database {name!r} is not supported; supported are {', '.join(_measured())}.")
    return name


def _measured() -> list[str]:
    return [name for name, backend in BACKENDS.items() if isinstance(backend.home, DatabaseHome) and backend.tested]


def _is_mariadb(connected: Any) -> bool:
    """Whether a server of the MySQL dialect is MariaDB, which its first connection tells."""
    if not hasattr(connected.dialect, "is_mariadb"):
        return False
    if hasattr(connected, "connect") and connected.dialect.server_version_info is None:
        with connected.connect():
            pass
    return bool(connected.dialect.is_mariadb)


def _home(name: str) -> DatabaseHome[Any]:
    check_versions(BACKENDS[name])
    home = BACKENDS[name].home
    assert isinstance(home, DatabaseHome)
    return home


def one_select(text: str) -> str:
    """The text of one SELECT; an error for anything else."""
    if not isinstance(text, str) or not text.strip():
        raise InputError(f"query() takes the text of a SELECT; got {text!r:.80}.")
    if not text.isprintable() and re.search("[\0\ud800-\udfff]", text):
        raise InputError("query() takes text that can be sent; this one has an invalid character.")
    bare, *others = (reading.sub(" ", text) for reading in _READINGS)
    if any(";" in each for each in (bare, *others)):
        raise InputError("query() takes one statement without a ';'; leave it out, or give each statement by itself.")
    first = re.match(r"[\s(]*([A-Za-z]+)", bare)
    word = first[1].upper() if first else text.strip()[:20]
    if word not in ("SELECT", "WITH", "VALUES", "TABLE"):
        named = f" For a table write SELECT * FROM {text.strip()}." if re.fullmatch(r"\s*[\w.]+\s*", text) else ""  # noqa: S608  # a hint
        raise InputError(f"query() takes a SELECT, which only reads; got one that starts with {word}.{named}")
    if written := next((found for each in (bare, *others) if (found := _WRITES.search(each))), None):
        raise InputError(
            f"query() takes a SELECT, which only reads; this one has {' '.join(written[0].upper().split())}."
        )
    if bare.count("(") != bare.count(")"):
        raise InputError("query() takes a whole SELECT; the brackets of this one do not close.")
    return text.strip()


# Keywords that change rows or create tables and files within a SELECT or WITH; none is a valid name unless quoted.
_WRITES = re.compile(
    r"\bINTO\b|(?<=[()])\s*DELETE\s+FROM\b|\bUPDATE\s+[^\s()]+\s+(?:(?:AS\s+)?\w+\s+)?SET\b", re.IGNORECASE
)
# Quoted text and comments in the dialects: with and without backslashes, dollar quotes, and comments after a #.
# MariaDB executes a comment that begins with an exclamation mark.
_READINGS = [
    re.compile(rf"--[^\n]*|/\*(?!M?!).*?\*/{dollar}|{text}|\"(?:[^\"]|\"\")*\"|`(?:[^`]|``)*`{mark}", re.DOTALL)
    for text in (r"'(?:[^'\\]|''|\\.)*'", "'(?:[^']|'')*'")
    for dollar in (r"|\$(\w*)\$.*?\$\1\$", "")
    for mark in ("", r"|\#[^\n]*")
]
