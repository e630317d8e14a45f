"""Connections to databases: one read-only snapshot per measurement, and the driver's errors as errors of crmkpi.

Statements have no parameters, since a driver would read the `%` of a name or constant as one. The user's connection is
never committed or closed, and its settings are restored.
"""

from __future__ import annotations

import os
import re
import socket
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from importlib import import_module
from itertools import count
from typing import TYPE_CHECKING, Protocol, cast
from urllib.parse import quote, quote_plus

from crmkpi.engines.frames.words import Cell, Row
from crmkpi.errors import DatabaseError, InputError

if TYPE_CHECKING:
    import sqlite3

    from sqlalchemy import Connection, Engine

    from crmkpi.engines.frames.homes.database import DatabaseFrame, DatabaseHome, TableOrQuery
    from crmkpi.engines.frames.homes.sql import Sql

__all__ = ["GRACE", "AlchemySource", "ChdbSource", "Session", "Source", "SqliteSource", "weak_isolation"]

GRACE = 5.0  # seconds after the timeout in which a server may end the statement itself
_SHOWN = 300  # characters of a statement in an error
_SECRET = re.compile("pass|pwd|secret|token|key", re.IGNORECASE)  # names of secret parameters of a URL


class _Rows(Protocol):
    """The result of a statement, in SQLAlchemy and in all drivers."""

    def fetchall(self) -> Sequence[Sequence[Cell]]: ...


class _Cursor(_Rows, Protocol):
    """A cursor of a driver."""

    @property
    def description(self) -> Sequence[Row]: ...
    def execute(self, text: str, /) -> object: ...


class _Driver(Protocol):
    """A connection of a driver that has no type hints."""

    def cursor(self) -> _Cursor: ...


class Session:
    """A connection within one snapshot. `execute` runs a statement and returns its cursor."""

    def __init__(self, source: Source, execute: Callable[[str], _Rows]) -> None:
        self._execute = execute
        self.source = source
        self.seen: dict[TableOrQuery, object] = {}  # the first state of each table, to detect changes
        self.moment: str | None = None  # the moment that NOW() returns in all statements
        self._numbers = count(1)

    def next_number(self) -> int:
        """An unused number for the name of a step."""
        return next(self._numbers)

    def rows(self, text: str) -> list[Row]:
        """The rows that a statement returns."""
        with self.source.in_words(text):
            found = self._execute(self.source.home.sent(text, self.source.timeout, self.moment))
            return [tuple(row) for row in found.fetchall()]

    def answered(self, frame: DatabaseFrame, text: str) -> list[Row]:  # noqa: ARG002  # subclasses use it
        """The rows of a frame, from the text of its statement."""
        return self.rows(text)

    def run(self, text: str) -> None:
        """Run a statement that returns no rows."""
        with self.source.in_words(text):
            self._execute(text)

    def described(self, text: str) -> list[Row]:
        """The driver's description of the columns of a statement: name, type code, and whatever else the driver has."""
        with self.source.in_words(text):
            found = self._execute(text)
            return list(cast("_Cursor", getattr(found, "cursor", found)).description)


@dataclass(frozen=True, slots=True, eq=False)
class Source(ABC):
    """A database that tables come from; `connected` is the user's connection or engine."""

    connected: object
    dialect: str
    home: DatabaseHome[Sql] = None  # type: ignore[assignment]  # not needed if only rows are read
    timeout: float | None = None
    trusted: dict[str, bool] = field(default_factory=dict)  # not empty once the server has passed the probe

    @abstractmethod
    def all_rows(self, text: str) -> tuple[list[str], list[Row]]:
        """The names of the columns of a query, and its rows."""

    @abstractmethod
    def snapshot(self) -> AbstractContextManager[Session]:
        """One state of the database, for the duration of the context."""

    def probe(self, session: Session) -> None:
        """Validate once that the server behaves as its dialect assumes."""
        if not self.trusted:
            self.home.check_server(session)
            self.trusted["yes"] = True

    @contextmanager
    def in_words(self, text: str) -> Iterator[None]:
        """Turn an error of the driver into a `DatabaseError`, without the password of the connection."""
        begun = time.monotonic()
        try:
            yield
        except InputError:
            raise
        except Exception as error:
            if not self.is_drivers(error):
                raise
            said = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
            passed = self.timeout is not None and time.monotonic() - begun >= self.timeout
            # SQLite's timeout covers all statements of the snapshot, not just this one.
            late = passed or (self.timeout is not None and said == "interrupted")
            message = self._message(said, text, late=late)
            shown = f"{error}{error!r}{error.__cause__!r}"
            if any(secret in shown for secret in self.secrets):
                for secret in self.secrets:
                    message = message.replace(secret, "***")
                raise DatabaseError(message) from None
            raise DatabaseError(message) from error

    def _message(self, said: str, text: str, *, late: bool) -> str:
        shown = " ".join(text.split())
        shown = shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]} ..."
        if late:
            return (
                f"The {self.dialect} database did not answer within timeout={self.timeout:g} seconds: {shown}; "
                f"increase timeout=, or measure less ({said})."
            )
        why = next((why for words, why in _WHY if any(word in said.lower() for word in words)), _ANY)
        return f"The {self.dialect} database cannot be read; {why}: {said}"

    @property
    def secrets(self) -> Sequence[str]:
        """All spellings of the connection's passwords, to be removed from the driver's messages."""
        return ()

    @abstractmethod
    def is_drivers(self, error: Exception) -> bool:
        """Whether an error comes from the driver."""


def weak_isolation(level: str) -> InputError:
    """The error for a transaction that is not a snapshot."""
    return InputError(
        f"The connection must see one state of the database while it is measured, and it is {level}; give the "
        "engine, or connection.execution_options(isolation_level='REPEATABLE READ') before it begins."
    )


_ANY = "the statement was refused"
_WHY = (
    (("in readonly mode",), "its user may change no settings, and they make figures right, so give it readonly = 2"),
    (("closed", "terminat", "lost connection", "gone away"), "its connection is closed, so open another"),
    (("no such table", "no such column", "does not exist", "doesn't exist", "unknown table"),
     "a table or column has gone, so make its table() again"),
    (("permission denied", "denied"), "the user of the connection may not read it; grant SELECT"),
    (("connection refused", "could not connect", "connection failed", "can't connect"), "there is no connection"),
    (("read-only", "readonly", "read only"), "a query must only read"),
    (("bindings supplied", "no parameter"), "a query has no parameters, so write the constants into its text"),
    (("duplicate column", "multiple expressions"), "two of its columns have one name, so rename one with AS"),
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class SqliteSource(Source):
    """A connection of `sqlite3`."""

    connected: sqlite3.Connection

    def all_rows(self, text: str) -> tuple[list[str], list[Row]]:
        """The names of the columns of a query, and its rows."""
        with self.in_words(text), _plain_texts(self.connected):
            found = self._run(text)
            return [name for name, *_ in found.description], found.fetchall()

    def _run(self, text: str) -> sqlite3.Cursor:
        cursor = self.connected.cursor()
        cursor.row_factory = None  # rows are tuples, even if the user's connection has a row factory
        return cursor.execute(text)

    @contextmanager
    def snapshot(self) -> Iterator[Session]:
        """One state of the database."""
        connection = self.connected
        session = Session(self, self._run)
        with self.in_words("BEGIN"):
            own = not connection.in_transaction
        if own:
            session.run("BEGIN")
        try:
            with _timed_sqlite(connection, self.timeout), _plain_texts(connection):
                yield session
                self.home.check_unchanged(session)
        finally:
            if own:
                _ended(self, connection.rollback)

    def is_drivers(self, error: Exception) -> bool:
        """Whether an error comes from the driver."""
        return type(error).__module__ == "sqlite3"


def _ended(source: Source, rollback: Callable[[], None]) -> None:
    """Roll back; an error of the rollback is suppressed, so that an earlier one is reported."""
    with suppress(InputError), source.in_words("ROLLBACK"):
        rollback()


@contextmanager
def _hung_up(driver: object, seconds: float | None) -> Iterator[None]:
    """Shut the socket of a server that hangs or is gone, and so does not end a late statement itself."""
    number = getattr(getattr(driver, "_sock", driver), "fileno", None)  # PyMySQL has it in `_sock`
    if seconds is None or number is None:
        yield
        return
    with socket.socket(fileno=os.dup(number())) as beside:
        timer = threading.Timer(seconds + GRACE, beside.shutdown, (socket.SHUT_RDWR,))
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()


@contextmanager
def _timed_sqlite(connection: sqlite3.Connection, seconds: float | None) -> Iterator[None]:
    """Interrupt the statement of SQLite that runs after this many seconds."""
    if seconds is None:
        yield
        return
    end = time.monotonic() + seconds
    connection.set_progress_handler(lambda: time.monotonic() > end, 10_000)
    try:
        yield
    finally:
        connection.set_progress_handler(None, 0)


@contextmanager
def _plain_texts(connection: sqlite3.Connection) -> Iterator[None]:
    """Read text as `str` on a connection that returns bytes; a custom decoder of the user stays."""
    kept = connection.text_factory
    if kept in (bytes, bytearray):
        connection.text_factory = str
    try:
        yield
    finally:
        connection.text_factory = kept


@dataclass(frozen=True, slots=True, eq=False)
class ChdbSource(Source):
    """A connection of `chdb`, which runs ClickHouse in the process."""

    connected: _Driver

    def all_rows(self, text: str) -> tuple[list[str], list[Row]]:
        """The names of the columns of a query, and its rows."""
        with self.in_words(text):
            found = self._run(text)
            return [name for name, *_ in found.description], [tuple(row) for row in found.fetchall()]

    def _run(self, text: str) -> _Cursor:
        cursor = self.connected.cursor()
        cursor.execute(text)
        return cursor

    @contextmanager
    def snapshot(self) -> Iterator[Session]:
        """A session without a snapshot: each statement sees one state, and the end checks that all saw the same."""
        session = Session(self, self._run)
        self.probe(session)
        yield session
        self.home.check_unchanged(session)

    def is_drivers(self, error: Exception) -> bool:
        """Whether an error comes from the driver, or from a closed connection."""
        return isinstance(error, RuntimeError | UnicodeDecodeError | AttributeError)


@dataclass(frozen=True, slots=True, eq=False)
class AlchemySource(Source):
    """An engine or a connection of SQLAlchemy."""

    connected: Engine | Connection

    def all_rows(self, text: str) -> tuple[list[str], list[Row]]:
        """The names of the columns of a query, and its rows."""
        with self.in_words(text), self._connection() as connection:
            begun = connection.in_transaction()
            found = connection.exec_driver_sql(text, execution_options={"no_parameters": True})
            names, rows = list(found.keys()), [tuple(row) for row in found.fetchall()]
            if not begun:
                connection.rollback()
            return names, rows

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        """A connection of the engine, which is returned at the end, or the user's connection."""
        connect: Callable[[], Connection] | None = getattr(self.connected, "connect", None)
        if connect is None:
            yield cast("Connection", self.connected)
            return
        with self.in_words("CONNECT"):
            taken = self._taken(connect)
        with taken as connection:
            yield connection

    def _taken(self, connect: Callable[[], Connection]) -> Connection:
        """A new connection of the engine; SQLAlchemy reads rows by position on the first one, and fails on dicts."""
        try:
            return connect()
        except (LookupError, TypeError, AssertionError) as error:
            raise InputError(
                "The engine must return rows as tuples, and SQLAlchemy failed on its first one "
                f"({type(error).__name__}: {error}); pass an engine without cursorclass or row_factory, such as "
                "DictCursor or dict_row, in connect_args or creator."
            ) from error

    @contextmanager
    def snapshot(self) -> Iterator[Session]:
        """A transaction that sees one state of the database, on a connection of the engine or on the user's."""
        with self._connection() as connection:
            if connection is not self.connected and self.home.isolation:
                with self.in_words("CONNECT"):
                    connection.execution_options(isolation_level=self.home.isolation)
            with self._begun(connection) as session:
                yield session

    @contextmanager
    def _begun(self, connection: Connection) -> Iterator[Session]:
        """A new transaction, or a savepoint in the user's; it is rolled back at the end."""

        def execute(text: str) -> _Rows:
            with _hung_up(connection.connection.driver_connection, self.timeout):
                return connection.exec_driver_sql(text, execution_options={"no_parameters": True})

        session = Session(self, execute)
        if inside := connection.in_transaction():
            self.home.check_snapshot(session)
        with self.in_words("BEGIN"):
            transaction = connection.begin_nested() if inside else connection.begin()
        try:
            if not inside:
                for text in self.home.begins:
                    session.run(text)
                self.home.check_snapshot(session)
            for text in self.home.tuned:
                session.run(text)
            if self.timeout is not None:
                for text in self.home.timed(self.timeout):
                    session.run(text)
            self.probe(session)
            driver = cast("sqlite3.Connection", connection.connection.dbapi_connection)
            with _timed_sqlite(driver, self.timeout if self.home.interrupts else None):
                yield session
                self.home.check_unchanged(session)
        finally:
            _ended(self, transaction.rollback)

    @property
    def secrets(self) -> Sequence[str]:
        """All spellings of the connection's passwords: plain, and quoted as in a URL."""
        url = self.connected.engine.url
        given = [url.password, *(said for name, said in url.query.items() if _SECRET.search(name))]
        found = {str(each) for each in given if each}
        return sorted({spelt for each in found for spelt in (each, quote(each, safe=""), quote_plus(each))}, key=len)[
            ::-1
        ]

    def is_drivers(self, error: Exception) -> bool:
        """Whether an error comes from SQLAlchemy or the driver below it."""
        exc = import_module("sqlalchemy.exc")
        own = getattr(getattr(self.connected, "dialect", None), "dbapi", None)
        base = getattr(own, "Error", exc.SQLAlchemyError)
        return isinstance(error, exc.SQLAlchemyError | base)
