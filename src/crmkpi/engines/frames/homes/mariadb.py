"""The dialect of MariaDB, and the base of the dialect of MySQL.

Text is compared by its bytes, including trailing blanks, whatever the collation. TIMESTAMP columns are instants,
whatever the session's time zone; DATETIME columns are wall-clock times. Zero dates are unreadable.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import ClassVar, Self

from crmkpi.engines.frames.homes.database import (
    DatabaseFrame,
    DatabaseHome,
    DatabaseTable,
    TableOrQuery,
    mentions,
    no_table,
    types_of_kinds,
)
from crmkpi.engines.frames.homes.home import DAY, TOO_LATE, TYPES, ColumnType
from crmkpi.engines.frames.homes.sessions import Session, weak_isolation
from crmkpi.engines.frames.homes.sql import Sql, SqlWords
from crmkpi.engines.frames.words import Cell, Row, Scalar
from crmkpi.errors import InputError
from crmkpi.records.base import Kind

__all__ = ["ORDER_OF_LETTERS", "MariaDbHome", "MariaDbSql", "check_limit"]

_LONGEST_NAME = 64
_ALL_ROWS = 2**63 - 1  # a limit of at least this many rows has no effect
_PLAIN = re.compile(r"[\w .,:/-]*", re.ASCII)
ORDER_OF_LETTERS = "(SELECT max(x) = {} FROM (SELECT {} AS x UNION ALL SELECT {} UNION ALL SELECT {}) AS v)"
_DECIMAL = re.compile(r"decimal\((\d+),(\d+)\)")
_CODES: Mapping[int, str] = {  # types by their codes in the protocol, which drivers return for a query
    **dict.fromkeys((1, 2, 3, 8, 9, 13), "bigint"),
    **dict.fromkeys((4, 5), "double"),
    **dict.fromkeys((247, 248, 249, 250, 251, 252, 253, 254, 15), "text"),
    7: "timestamp",
    10: "date",
    12: "datetime",
}


@dataclass(frozen=True, slots=True, eq=False)
class MariaDbSql(Sql):
    """An expression of MariaDB."""

    divided: ClassVar[str] = "({} DIV {})"
    nan: ClassVar[str] = "({0} <> {0})"  # it has neither NaN nor infinity
    finite: ClassVar[str] = "({0} = {0})"

    joined: ClassVar[str] = "LIMIT 18446744073709551615"  # without it, a join compares all pairs of rows
    fence: ClassVar[str] = joined  # without it, nested expressions are computed thousands of times per row
    fence_letters: ClassVar[int] = 1000  # a fence writes the rows to a temporary table
    by_bytes: ClassVar[str] = "COLLATE utf8mb4_nopad_bin"

    @staticmethod
    def quoted(name: str) -> str:
        """A name as SQL; one that is too long becomes a digest."""
        if len(name) > _LONGEST_NAME:
            name = f"name_{sha256(name.encode()).hexdigest()[:40]}"
        return "`" + name.replace("`", "``") + "`"

    @classmethod
    def written(cls, value: str) -> str:
        """A text as SQL, compared by its bytes; in hexadecimal if a setting could change what an escape is."""
        spelt = f"'{value}'" if _PLAIN.fullmatch(value) else f"X'{value.encode().hex()}'"
        return f"(_utf8mb4 {spelt} {cls.by_bytes})"

    @staticmethod
    def real_number(value: float) -> str:
        """A float as SQL, with an exponent, since it would be a decimal without; the largest float for infinity."""
        if value in (float("inf"), float("-inf")):
            return "1.7976931348623157e308" if value > 0 else "(-1.7976931348623157e308)"
        return repr(value) if "e" in repr(value) else f"{value!r}e0"

    def __truediv__(self, other: Self | Scalar) -> Self:
        """A quotient of floats; one of decimals would have only four more decimal places than the dividend."""
        return self.wrapped("(CAST(", f" AS DOUBLE) / CAST({self.said(other)} AS DOUBLE))")


class MariaDbHome(DatabaseHome[MariaDbSql]):
    """Tables, views and queries of MariaDB."""

    dialect: type[MariaDbSql] = MariaDbSql
    words: SqlWords[MariaDbSql] = SqlWords(
        MariaDbSql, Int64="SIGNED", Int128="DECIMAL(38, 0)", Float64="DOUBLE", Boolean="SIGNED", String="CHAR"
    )
    declared = types_of_kinds(
        text="varchar(255)", money="decimal(18,2)", number="double", timestamp="datetime(6)", flag="tinyint(1)"
    )
    constants = types_of_kinds(
        text="CHAR", money="DECIMAL(18, 2)", number="DOUBLE", integer="SIGNED", timestamp="DATETIME(6)", date="DATE"
    )
    chance = r"\b(rand|uuid|uuid_v\d|uuid_short|sys_guid|random_bytes|sysdate|benchmark)\s*\("
    clock = (
        r"\b(now|curdate|curtime|unix_timestamp|utc_(date|time|timestamp))\s*\(|"
        r"\b(current_(date|time|timestamp)|local(time|timestamp))\b"
    )
    isolation = "REPEATABLE READ"
    has_values = False
    begins = ("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",)
    probe: ClassVar[Mapping[str, tuple[str, object]]] = {
        "upper and lower case": (f"{MariaDbSql.written('a')} = {MariaDbSql.written('A')}", 0),
        "trailing blanks": (f"{MariaDbSql.written('a')} = {MariaDbSql.written('a ')}", 0),
        "the order of letters": (ORDER_OF_LETTERS.format(*map(MariaDbSql.written, "baBb")), 1),
        "division": ("(-7) DIV 2", -3),
        "microseconds before 1970": (
            "TIMESTAMPDIFF(MICROSECOND, '1970-01-01', TIMESTAMP '1969-12-31 23:59:59.999999')", -1,
        ),
        "microseconds of 9999": (
            "TIMESTAMPDIFF(MICROSECOND, '1970-01-01', TIMESTAMP '9999-12-31 23:59:59.999999')",
            253_402_300_799_999_999,
        ),
        "large sums": (
            f"(SELECT CAST(sum(x) AS CHAR) FROM (SELECT {2**62} AS x UNION ALL SELECT {2**62}) AS v)",  # noqa: S608  # a constant
            "9223372036854775808",
        ),
        "large squares": (
            "CAST(CAST(9000000000 AS DECIMAL(38, 0)) * CAST(9000000000 AS DECIMAL(38, 0)) AS CHAR)",
            "81000000000000000000",
        ),
        "a missing side of a join": (
            "(SELECT r.x IS NULL FROM (SELECT 1 AS x) AS l LEFT JOIN (SELECT 2 AS x) AS r ON l.x = r.x)", 1,
        ),
    }  # fmt: skip

    def check_snapshot(self, session: Session) -> None:
        """Raise an error for isolation below REPEATABLE READ, or without a transaction."""
        level, open_, version, most = session.rows(
            "SELECT @@tx_isolation, @@in_transaction, version(), @@sql_select_limit"
        )[0]
        if level not in ("REPEATABLE-READ", "SERIALIZABLE") or not open_:
            raise weak_isolation(level if open_ else "AUTOCOMMIT")
        check_limit(most)
        if "MariaDB" not in version:
            raise InputError(
                f"MySQL is supported but not tested; got {version}. Pass database(..., untested=True), and validate it "
                "first with crmkpi.testing.check_database(engine)."
            )
        if tuple(map(int, version.split(".")[:2])) < (10, 6):
            raise InputError(f"MariaDB must be version 10.6 or newer; got {version}. Upgrade the server.")

    def sent(self, text: str, seconds: float | None, moment: str | None = None) -> str:
        """A statement with its timeout in seconds and, if given, the moment that NOW() returns."""
        limits = {"max_statement_time": None if seconds is None else f"{seconds:.3f}", "timestamp": moment}
        said = ", ".join(f"{name}={value}" for name, value in limits.items() if value is not None)
        return f"SET STATEMENT {said} FOR {text}" if said else text

    def state_of(self, session: Session, target: TableOrQuery) -> object:
        """Always None; for a target that reads the clock, it fixes the moment of all statements."""
        if target.moves and session.moment is None:
            ((session.moment,),) = session.rows("SELECT CAST(UNIX_TIMESTAMP(NOW(6)) AS CHAR)")
        return None

    def views(self, session: Session) -> Mapping[str, str]:
        """The text of each view, by its name."""
        rows = session.rows(
            "SELECT table_name, view_definition FROM information_schema.views "
            "WHERE table_schema NOT IN ('sys', 'mysql', 'performance_schema', 'information_schema')"
        )
        return {_text(name): _text(text) or "" for name, text in rows}

    def columns_of(self, session: Session, target: TableOrQuery) -> Mapping[str, str]:
        """The columns of a table, view or query with their declared types."""
        if target.query:
            described = session.described(f"SELECT * FROM {self.source_of(target)} LIMIT 0")  # noqa: S608  # the user's own query
            return {str(column[0]): _described(column) for column in described}
        schema = "DATABASE()" if target.schema is None else MariaDbSql.written(target.schema)
        found = session.rows(
            "SELECT table_name, engine FROM information_schema.tables "  # noqa: S608  # names are constants here
            f"WHERE table_schema = {schema} AND table_type <> 'SEQUENCE'"
        )
        engines: dict[str, str | None] = dict(found)
        if target.name not in engines:
            raise no_table("The database", target, engines, ", or the user of the connection may not read it")
        if (engine := engines[target.name]) not in ("InnoDB", None):
            raise _no_snapshot(str(target).capitalize(), engine)
        rows = session.rows(
            "SELECT column_name, column_type FROM information_schema.columns "  # noqa: S608  # names are quoted
            f"WHERE table_schema = {schema} AND table_name = {MariaDbSql.written(target.name)} "
            "ORDER BY ordinal_position"
        )
        return {name: _text(type_).lower() for name, type_ in rows}

    def check_texts(self, session: Session, target: TableOrQuery, texts: str) -> None:
        """Raise an error for a query or view over a table whose storage engine has no snapshots."""
        found = session.rows(
            "SELECT table_schema = DATABASE(), table_schema, table_name, engine FROM information_schema.tables "
            "WHERE engine <> 'InnoDB' AND table_schema NOT IN "
            "('sys', 'mysql', 'performance_schema', 'information_schema')"
        ) if texts else []  # fmt: skip
        for here, schema, name, engine in found:
            if mentions(texts, _text(name)) and (here or mentions(texts, _text(schema))):
                raise _no_snapshot(f"{str(target).capitalize()} reads the table {_text(name)!r}, which", _text(engine))

    def type_of(self, frame: DatabaseTable, name: str, kind: Kind) -> ColumnType:
        """The declared type; for a decimal without a size, a query finds the largest scale of its values."""
        declared = frame.columns[name]
        compared = declared == "int(1)" or (declared == "bigint" and frame.target.query)  # in a view or query
        if declared in ("tinyint(1)", "bit(1)") or (kind == "flag" and compared):
            return ColumnType("flag", declared, unit=declared, loose=declared != "bit(1)")
        if declared == "decimal":  # its text has all its digits
            table, text = self.opened(frame), f"CAST({MariaDbSql.quoted(name)} AS CHAR)"
            behind = f"LENGTH({text}) - LOCATE('.', {text})"
            asked = f"SELECT max(CASE WHEN {text} LIKE '%.%' THEN {behind} ELSE 0 END) FROM {table.source}"  # noqa: S608  # names are quoted
            ((digits,),) = self.leave(table.written(asked))
            return ColumnType("decimal", declared, digits=int(digits or 0), wide=True, unit=declared)
        if found := _DECIMAL.match(declared):
            return ColumnType("decimal", declared, digits=int(found[2]), wide=int(found[1]) > 18, unit=declared)
        word = re.split(r"\W", declared, maxsplit=1)[0]
        what = TYPES.get(word, "other")
        shown = {"text": "String", "other": "Binary" if "b" in word[:4] else declared}.get(what, declared)
        wild = what == "whole" and "unsigned" in declared
        return ColumnType(what, shown, aware=word == "timestamp", wild=wild, unit=declared)

    def plain(self, source: MariaDbSql, kind: Kind, type_: ColumnType) -> MariaDbSql:
        """The column as a plain value, in 64 bits or more."""
        column = source.text
        if type_.what == "flag":
            if kind in ("text", "choice"):
                yes, no = (self.dialect.written(word) for word in ("true", "false"))
                word = self.dialect(f"(CONVERT(CAST({column} AS CHAR) USING utf8mb4) {self.dialect.by_bytes})").text
                return source.case(f"WHEN {column} = 1 THEN {yes} WHEN {column} = 0 THEN {no}", word)
            return source.case(f"WHEN {column} IN (0, 1) THEN {column} + 0 WHEN {column} IS NOT NULL THEN 2", "NULL")
        if kind in ("text", "choice") or type_.what == "text":
            text = column if type_.what == "text" and type_.unit != "uuid" else f"CAST({column} AS CHAR)"
            return self.dialect(f"(CONVERT({text} USING utf8mb4) {self.dialect.by_bytes})")
        match type_.what:
            case "whole" if type_.wild:
                none = "NULL" if kind == "attributes" else str(TOO_LATE)
                return source.case(f"WHEN {column} > {TOO_LATE} THEN {none}", f"CAST({column} AS SIGNED)")
            case "whole":
                return source.cast("SIGNED")
            case "float":
                return source.cast("DOUBLE")
            case "decimal":
                whole = f"{column} * {10**type_.digits}" if type_.digits else column
                return MariaDbSql(f"CAST({whole} AS {'DECIMAL(38, 0)' if type_.wide else 'SIGNED'})")
            case "date" | "timestamp":
                return _time(source, kind, type_)
            case _:
                return source

    def leave(self, frame: DatabaseFrame) -> list[Row]:
        """The rows of a small result; drivers may return text as bytes."""
        rows = DatabaseHome.leave(self, frame)
        return [tuple(_text(cell) for cell in row) for row in rows]

    def first_by(self, value: str, order: str) -> MariaDbSql:
        """The integer of the first row of a group."""
        quoted = MariaDbSql.quoted
        there = f"CASE WHEN {quoted(order)} IS NOT NULL THEN {quoted(value)} END"
        return MariaDbSql(
            f"CAST(SUBSTRING_INDEX(GROUP_CONCAT({there} ORDER BY {quoted(order)}), ',', 1) AS SIGNED)", whole=True
        )


def check_limit(most: int) -> None:
    """Raise an error for a session that limits the number of rows of a result."""
    if most < _ALL_ROWS:
        raise InputError(
            f"The session returns only the first {most} rows of a result, so that groups might be missing; begin it "
            "with SET sql_select_limit = DEFAULT."
        )


def _no_snapshot(what: str, engine: object) -> InputError:
    return InputError(
        f"{what} is stored by {engine}, which has no snapshots; run ALTER TABLE ... ENGINE=InnoDB, or measure a copy."
    )


def _text(cell: Cell) -> Cell:
    return cell.decode() if isinstance(cell, bytes) else cell


def _described(column: Row) -> str:
    """The name of the type of a query's column."""
    code, size, scale = int(column[1]), column[3], column[5]
    if code in (0, 246):
        return "decimal" if scale is None else f"decimal(38,{scale})"
    if code == 1 and size == 1:
        return "tinyint(1)"
    return _CODES.get(code, f"type {code}")


def _time(source: MariaDbSql, kind: Kind, type_: ColumnType) -> MariaDbSql:
    """Microseconds or days since 1970; `TOO_LATE` for a zero date, whose functions return NULL."""
    column = source.text
    if type_.aware:
        made = f"CAST(UNIX_TIMESTAMP({column}) * 1000000 AS SIGNED)"
    elif type_.what == "date" and kind != "timestamp":
        made = f"DATEDIFF({column}, '1970-01-01')"
    else:
        made = f"TIMESTAMPDIFF(MICROSECOND, '1970-01-01', {column})"
    held = source.case(f"WHEN {made} IS NOT NULL THEN {made} WHEN {column} IS NOT NULL THEN {TOO_LATE}", "NULL")
    return held // source.lit(DAY) if kind == "date" and type_.what == "timestamp" else held
