"""The dialect of SQLite, and its loose types.

A column of SQLite has a declared type and may hold values of any type. Numbers are read as stored, text without the
column's collation, timestamps from text such as 2026-01-31 09:00:00.123456; any other value is unreadable.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from crmkpi.engines.frames.homes.database import (
    DatabaseHome,
    DatabaseTable,
    TableOrQuery,
    no_table,
    types_of_kinds,
)
from crmkpi.engines.frames.homes.home import DAY, TOO_LATE, ColumnType, Physical
from crmkpi.engines.frames.homes.sessions import Session
from crmkpi.engines.frames.homes.sql import Sql, SqlWords
from crmkpi.errors import ColumnError, did_you_mean
from crmkpi.records.base import Kind

__all__ = ["SqliteHome", "SqliteSql"]

_DECLARED: Sequence[tuple[str, Physical]] = (  # the first word that is in the declared type, like SQLite's affinity
    ("BOOL", "flag"), ("TIMESTAMP", "timestamp"), ("DATETIME", "timestamp"), ("DATE", "date"), ("INT", "whole"),
    ("CHAR", "text"), ("CLOB", "text"), ("TEXT", "text"), ("UUID", "text"), ("BLOB", "other"), ("REAL", "float"),
    ("FLOA", "float"), ("DOUB", "float"), ("DEC", "float"), ("NUM", "float"),
)  # fmt: skip
_UNDECLARED: Mapping[tuple[Physical, Kind], Physical] = {  # the type of a computed column, which has no declared type
    ("text", "timestamp"): "timestamp",
    ("text", "date"): "date",
    ("whole", "flag"): "flag",
}


@dataclass(frozen=True, slots=True, eq=False)
class SqliteSql(Sql):
    """An expression of SQLite."""

    nan: ClassVar[str] = "({0} <> {0})"  # it has no NaN
    finite: ClassVar[str] = "(abs({}) < 9e999)"

    joined: ClassVar[str] = "LIMIT -1 OFFSET 0"
    fence: ClassVar[str] = joined

    @staticmethod
    def real_number(value: float) -> str:
        """A float as SQL."""
        return {"inf": "9e999", "-inf": "-9e999"}.get(repr(value), repr(value))

    @staticmethod
    def written(value: str) -> str:
        """A text as SQL; in hexadecimal if it contains NUL, which would end it."""
        return f"CAST(X'{value.encode().hex()}' AS TEXT)" if "\0" in value else Sql.written(value)


class SqliteHome(DatabaseHome[SqliteSql]):
    """Tables, views and queries of SQLite."""

    dialect = SqliteSql
    words = SqlWords(SqliteSql, Int64="INTEGER", Float64="REAL", Boolean="INTEGER", String="TEXT")
    declared = types_of_kinds(
        text="TEXT",
        money="DECIMAL",
        number="REAL",
        integer="INTEGER",
        timestamp="TIMESTAMP",
        date="DATE",
        flag="BOOLEAN",
    )
    chance = r"\brandom(blob)?\s*\("
    clock = r"'now'|\bcurrent_(date|time|timestamp)\b|\bjulianday\(\s*\)"
    interrupts = True
    makes_files = True
    begins = ("BEGIN",)

    def views(self, session: Session) -> Mapping[str, str]:
        """The text of each view of all attached databases, by its name."""
        spaces = [name for _, name, *_ in session.rows("PRAGMA database_list")]
        asked = (
            f"SELECT name, sql FROM {SqliteSql.quoted(space)}.sqlite_master WHERE type = 'view'"  # noqa: S608  # names are quoted
            for space in spaces
        )
        return {name: text or "" for text_ in asked for name, text in session.rows(text_)}

    def columns_of(self, session: Session, target: TableOrQuery) -> Mapping[str, str]:
        """The columns of a table or view with their declared types; those of a query have none."""
        if target.query:
            described = session.described(f"SELECT * FROM {self.source_of(target)} LIMIT 0")  # noqa: S608  # the user's own query
            return _once({str(name): "" for name, *_ in described}, target)
        schema = "main" if target.schema is None else target.schema
        spaces = [name for _, name, *_ in session.rows("PRAGMA database_list")]
        if schema not in spaces:
            raise ColumnError(f"The connection has no database {schema!r} attached. {did_you_mean(schema, spaces)}")
        within = [schema] if target.schema is not None else [schema, "temp"]
        kinds: dict[str, str] = {}
        for space in within:
            listed = f"SELECT name, type FROM {SqliteSql.quoted(space)}.sqlite_master WHERE type IN ('table', 'view')"  # noqa: S608  # names are quoted
            kinds |= dict(session.rows(listed))
        if target.name not in kinds:
            raise no_table("The database", target, kinds)
        said = "" if target.schema is None else f"{SqliteSql.quoted(schema)}."
        rows = session.rows(f"PRAGMA {said}table_xinfo({SqliteSql.quoted(target.name)})")
        found = {column: str(declared).upper() for _, column, declared, _, _, _, hidden in rows if hidden != 1}
        return _once(found, target) if kinds[target.name] == "view" else found

    def type_of(self, frame: DatabaseTable, name: str, kind: Kind) -> ColumnType:
        """The declared type; for integers, and for columns without a declared type, the type of the values."""
        declared, what = frame.columns[name], _declared(frame.columns[name])
        source = SqliteSql.quoted(name)
        table = self.opened(frame)
        if what in ("whole", None):
            kinds = self.leave(table.written(f"SELECT DISTINCT typeof({source}) FROM {table.source}"))  # noqa: S608  # names are quoted
            found = {word for (word,) in kinds} - {"null"}
            what = "whole" if found <= {"integer"} else "float" if found <= {"integer", "real"} else what or "text"
            what = "nothing" if not found and not declared else what
            what = _UNDECLARED.get((what, kind), what) if not declared else what
        if what == "timestamp":
            zones = f"SELECT 1 FROM {table.source} WHERE {_zoned(source)} LIMIT 1"  # noqa: S608  # names are quoted
            return ColumnType(what, declared, aware=bool(self.leave(table.written(zones))), loose=True)
        shown = {"text": "String", "other": "Binary"}.get(what or "", declared)
        return ColumnType(what or "text", shown, wild=what == "whole", loose=what in ("whole", "float", "flag", "date"))

    def usual_type(self, frame: DatabaseTable, name: str, kind: Kind) -> ColumnType:
        """The declared type; timestamps are assumed to have no time zone."""
        declared, what = frame.columns[name], _declared(frame.columns[name])
        if kind == "attributes" or what not in ("whole", "timestamp"):  # attributes may hold values of any type
            return self.type_of(frame, name, kind)
        return ColumnType(what, declared, wild=what == "whole", loose=True)

    def is_whole(self, type_: ColumnType) -> bool:  # noqa: ARG002  # timestamps are text
        """Whether a timestamp can be compared without a conversion."""
        return False

    def plain(self, source: SqliteSql, kind: Kind, type_: ColumnType) -> SqliteSql:
        """The column as a plain value, in 64 bits or more."""
        column = source.text
        if type_.what == "flag" and kind in ("text", "choice"):
            return source.case(f"WHEN {column} = 1 THEN 'true' WHEN {column} = 0 THEN 'false'", f"({column} || '')")
        if kind in ("text", "choice") or type_.what == "text":
            return source.wrapped("(", " || '')")  # without the column's collation
        match type_.what:
            case "whole":
                none = "NULL" if kind == "attributes" else str(TOO_LATE)
                whole = f"WHEN typeof({column}) = 'integer' THEN {column}"
                return source.case(f"{whole} WHEN {column} IS NOT NULL THEN {none}", "NULL")
            case "float":
                number = f"WHEN typeof({column}) IN ('integer', 'real') THEN CAST({column} AS REAL)"
                return source.case(f"{number} WHEN {column} IS NOT NULL THEN 9e999", "NULL")
            case "flag":
                return source.case(f"WHEN {column} IN (0, 1) THEN {column} WHEN {column} IS NOT NULL THEN 2", "NULL")
            case "date" | "timestamp":
                return _time(source, kind, type_)
            case _:
                return source

    def first_by(self, value: str, order: str) -> SqliteSql:
        """The integer of the first row of a group: the minimum of a text of order and value."""
        key = f"printf('%020d', {SqliteSql.quoted(order)} + 1000000000) || {SqliteSql.quoted(value)}"
        first = f"min(CASE WHEN {SqliteSql.quoted(order)} IS NOT NULL THEN {key} END)"
        return SqliteSql(f"CAST(substr({first}, 21) AS INTEGER)", whole=True)

    def table_of(self, rows: Sequence[str], names: Sequence[str]) -> str:
        """A statement that returns rows of constants; SQLite names the columns of VALUES column1, column2 ..."""
        named = ", ".join(f"column{place} AS {name}" for place, name in enumerate(names, 1))
        return f"SELECT {named} FROM (VALUES {', '.join(rows)})"  # noqa: S608  # numbers of our own


def _once(columns: Mapping[str, str], target: TableOrQuery) -> Mapping[str, str]:
    """The columns of a query or view; an error for two of one name, since SQLite renames the second to `status:1`."""
    for name in columns:
        first, _, number = name.rpartition(":")
        if number.isdigit() and any(first.lower() == other.lower() for other in columns):
            what = "query" if target.query else f"view {target.name!r}"
            raise ColumnError(f"The {what} returns two columns {first!r}; rename one with AS.")
    return columns


def _declared(declared: str) -> Physical | None:
    return next((found for word, found in _DECLARED if word in declared), None)


def _zoned(column: str) -> str:
    return f"({column} GLOB '*[0-9]Z' OR {column} GLOB '*:*[+-][0-9][0-9]:[0-9][0-9]')"


def _time(source: SqliteSql, kind: Kind, type_: ColumnType) -> SqliteSql:
    """Microseconds or days since 1970 from text; `TOO_LATE` for text in another format."""
    column = source.text
    day = f"CAST(strftime('%s', substr({column}, 1, 10)) AS INTEGER)"
    only_day = f"WHEN date({column}, '+0 days') = {column} THEN {day} * 1000000"
    usual = f"WHEN datetime({column}, '+0 days') = {column} THEN CAST(strftime('%s', {column}) AS INTEGER) * 1000000"
    zone = f"CASE WHEN {column} GLOB '*Z' THEN 'Z' ELSE substr({column}, -6) END" if type_.aware else "''"
    clock = f"substr({column}, 1, 19)"
    rest = f"substr({column}, 20, length({column}) - 19 - length({zone}))"
    shape = (  # SQLite turns February 30 into March 2, and 25:00 into NULL
        f"datetime({clock}, '+0 days') = replace({clock}, 'T', ' ') "
        f"AND ({rest} = '' OR {rest} GLOB '.[0-9]*' AND NOT {rest} GLOB '.*[^0-9]*')"
    )
    zoned = _zoned(column) if type_.aware else f"NOT {_zoned(column)}"
    seconds = f"CAST(strftime('%s', {clock} || {zone}) AS INTEGER) * 1000000"
    micros = f"{seconds} + CAST(substr(substr({rest}, 2) || '000000', 1, 6) AS INTEGER)"
    bare = "" if type_.aware else f"{usual} {only_day}"  # other formats take four times as long to recognise
    found = (
        f"{bare} WHEN {zoned} AND {shape} THEN coalesce({micros}, {TOO_LATE}) WHEN {column} IS NOT NULL THEN {TOO_LATE}"
    )
    made = source.case(found, "NULL")
    return made // DAY if kind == "date" or (kind == "attributes" and type_.what == "date") else made
