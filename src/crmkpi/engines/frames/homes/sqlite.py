"""SQLite: what its dialect says in its own way, and what its loose types need.

A column of SQLite has a declared type and may hold anything. Numbers are what they are, texts without the column's
collation, timestamps are texts such as 2026-01-31 09:00:00.123456; what is none of these is rejected and not guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import count
from sqlite3 import Connection
from typing import Self

from crmkpi.engines.frames.homes.home import TOO_LATE, ColumnType, Physical
from crmkpi.engines.frames.homes.sql import Sql, SqlFrame, SqlWords
from crmkpi.engines.frames.homes.sql_home import SqlHome
from crmkpi.engines.frames.words import Row
from crmkpi.errors import ColumnError, InputError, did_you_mean
from crmkpi.records.base import Kind

__all__ = ["SqliteFrame", "SqliteHome", "SqliteSql", "SqliteTable"]

_DAY = 86_400_000_000
_NUMBERS = count()
_DATE = "[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]"
_CLOCK = "[0-2][0-9]:[0-5][0-9]:[0-5][0-9]"
_DECLARED: Sequence[tuple[str, Physical]] = (  # the first that stands in the declared type, as SQLite itself goes by it
    ("BOOL", "flag"), ("TIMESTAMP", "timestamp"), ("DATETIME", "timestamp"), ("DATE", "date"), ("INT", "whole"),
    ("CHAR", "text"), ("CLOB", "text"), ("TEXT", "text"), ("UUID", "text"), ("BLOB", "other"), ("REAL", "float"),
    ("FLOA", "float"), ("DOUB", "float"), ("DEC", "float"), ("NUM", "float"),
)  # fmt: skip


class SqliteTable:
    """A table or view of a database, read whenever it is asked."""

    backend_name = "sqlite"

    def __init__(self, connection: Connection, name: str) -> None:
        found = connection.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')").fetchall()
        if name not in (known for (known,) in found):
            names = [known for (known,) in found]
            raise ColumnError(f"The database has no table {name!r}. {did_you_mean(name, names)}")
        self.connection = connection
        self.name = name
        rows = connection.execute(f"PRAGMA table_info({SqliteSql.quoted(name)})").fetchall()
        self.declared = {column: str(declared).upper() for _, column, declared, *_ in rows}

    def __repr__(self) -> str:
        return f"<the table {self.name!r} of a SQLite database>"


@dataclass(frozen=True, slots=True, eq=False)
class SqliteSql(Sql):
    """An expression of SQLite."""

    @staticmethod
    def real_number(value: float) -> str:
        """A float as SQL."""
        return {"inf": "9e999", "-inf": "-9e999"}.get(repr(value), repr(value))

    @staticmethod
    def written(value: str) -> str:
        """A text as SQL, by its bytes where it could be cut."""
        return f"CAST(X'{value.encode().hex()}' AS TEXT)" if "\0" in value else Sql.written(value)

    def is_nan(self) -> SqliteSql:
        """Whether a float is not a number, which SQLite has none of."""
        return self.wrapped("(", f" <> {self.text})")

    def is_finite(self) -> SqliteSql:
        """Whether a float is a number at all."""
        return self.wrapped("(abs(", ") < 9e999)")


@dataclass(frozen=True, slots=True, eq=False)
class SqliteFrame(SqlFrame):
    """A statement over tables of one connection."""

    connection: Connection
    steps: tuple[tuple[str, str], ...] = ()

    @property
    def dialect(self) -> type[Sql]:
        """How its expressions are written."""
        return SqliteSql

    @property
    def statement(self) -> str:
        """The statement itself: its steps one after the other, since a parser has a limit of depth."""
        *before, (_, last) = self.steps
        steps = ",\n".join(f"{name} AS ({text})" for name, text in before)
        return f"WITH {steps}\n{last}" if before else last

    def written(self, text: str, columns: Iterable[str] = ()) -> Self:
        """What a statement gives, as a further step."""
        name = f"step{next(_NUMBERS)}"
        return replace(self, source=name, columns=tuple(columns), steps=(*self.steps, (name, text)))

    def beside(self, other: Self) -> Self:
        """The frame where the other one can be read as well."""
        if other.connection is not self.connection:
            raise InputError("Related tables of SQLite must be of one connection; open both with the same database().")
        return replace(self, steps=tuple(dict.fromkeys((*other.steps, *self.steps))))


class SqliteHome(SqlHome[SqliteSql, SqliteFrame, SqliteTable]):
    """Tables and views of SQLite."""

    dialect = SqliteSql
    words = SqlWords(SqliteSql, Int64="INTEGER", Float64="REAL", Boolean="INTEGER", String="TEXT")

    def opened(self, frame: SqliteTable, names: Sequence[str] = ()) -> SqliteFrame:  # noqa: ARG002  # it is a database
        """The table as it is."""
        return SqliteFrame(SqliteSql.quoted(frame.name), tuple(frame.declared), frame.connection)

    def native(self, frame: SqliteFrame) -> SqliteTable:  # noqa: ARG002  # it has no name to be asked by
        """A statement is asked like a table."""
        raise InputError("Presets are for exports; say which column of the database is which with columns=.")

    def names(self, frame: SqliteTable) -> list[str]:
        """The names of the columns."""
        return list(frame.declared)

    def type_of(self, frame: SqliteTable, name: str, kind: Kind) -> ColumnType:  # noqa: ARG002  # types are what they are
        """The declared type, and of numbers and of columns without one what the values are."""
        declared = frame.declared[name]
        what = next((found for word, found in _DECLARED if word in declared), None)
        source = SqliteSql.quoted(name)
        table = self.opened(frame)
        if what in ("whole", None):
            kinds = self.leave(table.written(f"SELECT DISTINCT typeof({source}) FROM {table.source}"))  # noqa: S608  # names are quoted
            found = {word for (word,) in kinds} - {"null"}
            what = "whole" if found <= {"integer"} else "float" if found <= {"integer", "real"} else what or "text"
            what = "nothing" if not found and not declared else what
        if what == "timestamp":
            zones = f"SELECT 1 FROM {table.source} WHERE {_zoned(source)} LIMIT 1"  # noqa: S608  # likewise
            return ColumnType(what, declared, aware=bool(self.leave(table.written(zones))))
        return ColumnType(what or "text", {"text": "String", "other": "Binary"}.get(what or "", declared))

    def is_whole(self, type_: ColumnType) -> bool:  # noqa: ARG002  # timestamps are texts
        """Whether a timestamp can be compared as it is."""
        return False

    def plain(self, source: SqliteSql, kind: Kind, type_: ColumnType) -> SqliteSql:
        """A column as a plain and wide one."""
        column = source.text
        if type_.what == "flag" and kind in ("text", "choice"):
            return source.case(f"WHEN {column} = 1 THEN 'true' WHEN {column} = 0 THEN 'false'", "NULL")
        if kind in ("text", "choice") or type_.what == "text":
            return source.wrapped("(", " || '')")  # without the column's collation
        match type_.what:
            case "whole":
                whole = f"WHEN typeof({column}) = 'integer' THEN {column}"
                return source.case(f"{whole} WHEN {column} IS NOT NULL THEN {TOO_LATE}", "NULL")
            case "float":
                number = f"WHEN typeof({column}) IN ('integer', 'real') THEN CAST({column} AS REAL)"
                return source.case(f"{number} WHEN {column} IS NOT NULL THEN 9e999", "NULL")
            case "flag":
                return source.case(f"WHEN {column} IN (0, 1) THEN {column}", "NULL")
            case "date" | "timestamp":
                return _time(source, kind, type_)
            case _:
                return source

    def leave(self, frame: SqliteFrame) -> list[Row]:
        """The rows of a small result."""
        return frame.connection.execute(frame.statement).fetchall()

    def first_by(self, value: str, order: str) -> SqliteSql:
        """The whole number of the row of a group that comes first: the smallest text of order and value."""
        key = f"printf('%020d', {SqliteSql.quoted(order)} + 1000000000) || {SqliteSql.quoted(value)}"
        first = f"min(CASE WHEN {SqliteSql.quoted(order)} IS NOT NULL THEN {key} END)"
        return SqliteSql(f"CAST(substr({first}, 21) AS INTEGER)", whole=True)

    def table_of(self, rows: Sequence[str], names: Sequence[str]) -> str:
        """A statement of rows of constants, whose columns SQLite names itself."""
        named = ", ".join(f"column{place} AS {name}" for place, name in enumerate(names, 1))
        return f"SELECT {named} FROM (VALUES {', '.join(rows)})"  # noqa: S608  # numbers of our own


def _zoned(column: str) -> str:
    return f"({column} GLOB '*[0-9]Z' OR {column} GLOB '*:*[+-][0-9][0-9]:[0-9][0-9]')"


def _time(source: SqliteSql, kind: Kind, type_: ColumnType) -> SqliteSql:
    """Microseconds or days of a text; any other shape becomes a moment that is refused."""
    column = source.text
    day = f"CAST(strftime('%s', substr({column}, 1, 10)) AS INTEGER)"
    only_day = f"WHEN {column} GLOB '{_DATE}' THEN {day} * 1000000"
    zone = f"CASE WHEN {column} GLOB '*Z' THEN 'Z' ELSE substr({column}, -6) END" if type_.aware else "''"
    clock = f"substr({column}, 1, 19)"
    rest = f"substr({column}, 20, length({column}) - 19 - length({zone}))"
    shape = (
        f"{clock} GLOB '{_DATE}[ T]{_CLOCK}' AND ({rest} = '' OR {rest} GLOB '.[0-9]*' AND NOT {rest} GLOB '.*[^0-9]*')"
    )
    zoned = _zoned(column) if type_.aware else f"NOT {_zoned(column)}"
    seconds = f"CAST(strftime('%s', {clock} || {zone}) AS INTEGER) * 1000000"
    micros = f"{seconds} + CAST(substr(substr({rest}, 2) || '000000', 1, 6) AS INTEGER)"
    bare = "" if type_.aware else only_day
    found = f"{bare} WHEN {zoned} AND {shape} THEN {micros} WHEN {column} IS NOT NULL THEN {TOO_LATE}"
    made = source.case(found, "NULL")
    return made // _DAY if kind == "date" or (kind == "attributes" and type_.what == "date") else made
