"""The dialect of ClickHouse.

Its timestamps are instants, with or without a time zone. Integers overflow silently, so they are added in 128 bits. A
setting makes joins return NULL, not 0 or empty text, for rows without a match. It has no snapshots: each statement sees
one state, and a table that changes between the first and the last statement is an error.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Self

from crmkpi.engines.frames.homes.database import (
    DatabaseHome,
    DatabaseTable,
    TableOrQuery,
    columns_once,
    no_table,
    types_of_kinds,
)
from crmkpi.engines.frames.homes.home import DAY, TOO_LATE, TYPES, ColumnType
from crmkpi.engines.frames.homes.sessions import Session
from crmkpi.engines.frames.homes.sql import Sql, SqlTexts, SqlWords, Text
from crmkpi.records.base import Kind

__all__ = ["ClickhouseHome", "ClickhouseSql", "ClickhouseTexts"]

_DECIMAL = re.compile(r"Decimal\((\d+), (\d+)\)")
_ESCAPES = {"\\": "\\\\", "'": "\\'", '"': '\\"', "\0": "\\0"}
_SETTINGS = (
    "join_use_nulls = 1, prefer_column_name_to_alias = 1, aggregate_functions_null_for_empty = 1, "
    "count_distinct_implementation = 'uniqExact', transform_null_in = 0, limit = 0, offset = 0, "
    + ", ".join(  # a user's settings profile may return some of the rows in place of an error
        f"{what}_overflow_mode = 'throw'"
        for what in ("read", "result", "group_by", "join", "set", "distinct", "sort", "transfer", "timeout")
    )
)
_WHOLE = ("Int8", "Int16", "Int32", "UInt8", "UInt16", "UInt32")
_NESTED = {"Array": "List", "Map": "List", "Nested": "List", "Tuple": "Struct", "JSON": "Struct", "Object": "Struct"}


@dataclass(frozen=True, slots=True, eq=False)
class ClickhouseSql(Sql):
    """An expression of ClickHouse."""

    real: ClassVar[Text] = "toFloat64('{!r}')"
    divided: ClassVar[Text] = "intDiv({}, {})"
    nan: ClassVar[Text] = "isNaN({})"
    finite: ClassVar[Text] = "isFinite({})"

    @staticmethod
    def quoted(name: Text) -> Text:
        """A name as SQL."""
        return f'"{_escaped(name)}"'

    @staticmethod
    def written(value: Text) -> Text:
        """A text as SQL."""
        return f"'{_escaped(value)}'"

    @staticmethod
    def whole_number(value: int) -> Text:
        """An integer as SQL, of a type wide enough that sums and differences do not overflow."""
        return f"toInt64({value})" if abs(value) <= TOO_LATE else f"toInt128('{value}')"

    def cast(self, dtype: Text) -> Self:
        """The value as another type; NULL for a value that is not an integer of this type, such as NaN."""
        if "Int" in dtype:
            return self.wrapped("accurateCastOrNull(", f", '{dtype.removeprefix('Nullable(').removesuffix(')')}')")
        return self.wrapped("CAST(", f" AS {dtype})")

    @property
    def str(self) -> ClickhouseTexts:
        """The text functions."""
        return ClickhouseTexts(self)


class ClickhouseTexts(SqlTexts[ClickhouseSql]):
    """The text functions, for UTF-8 and not for bytes."""

    def to_lowercase(self) -> ClickhouseSql:
        """A text in lower case."""
        return self.source.wrapped("lowerUTF8(")

    def to_uppercase(self) -> ClickhouseSql:
        """A text in upper case."""
        return self.source.wrapped("upperUTF8(")

    def starts_with(self, start: str) -> ClickhouseSql:
        """Whether a text starts with another."""
        return self.source.wrapped("startsWith(", f", {self.source.constant(start)})")


class ClickhouseHome(DatabaseHome[ClickhouseSql]):
    """Tables, views and queries of ClickHouse."""

    dialect = ClickhouseSql
    words = SqlWords(
        ClickhouseSql,
        Int64="Nullable(Int64)",
        Int128="Nullable(Int128)",
        Float64="Nullable(Float64)",
        Boolean="Nullable(Bool)",
        String="Nullable(String)",
    )
    declared = types_of_kinds(
        text="Nullable(String)",
        money="Nullable(Decimal(18, 2))",
        number="Nullable(Float64)",
        integer="Nullable(Int64)",
        timestamp="Nullable(DateTime64(6, 'UTC'))",
        date="Nullable(Date32)",
        flag="Nullable(Bool)",
    )
    constants = declared
    probe: ClassVar[Mapping[str, tuple[str, object]]] = {
        "the version": ("toInt64(splitByChar('.', version())[1]) >= 24", 1),
        "upper and lower case": ("'a' = 'A'", 0),
        "trailing blanks": ("'a' = 'a '", 0),
        "the order of letters": ("(SELECT max(x) FROM (SELECT arrayJoin(['a', 'B', 'b']) AS x))", "b"),
        "division": ("intDiv(-7, 2)", -3),
        "microseconds before 1970": (
            "toUnixTimestamp64Micro(toDateTime64('1969-12-31 23:59:59.999999', 6, 'UTC'))", -1,
        ),
        "microseconds of 2299": (
            "toUnixTimestamp64Micro(toDateTime64('2299-12-31 23:59:59.999999', 6, 'UTC'))", 10_413_791_999_999_999,
        ),
        "large sums": (
            "(SELECT toString(sum(toInt128(4611686018427387904))) FROM numbers(2))",
            "9223372036854775808",
        ),
        "large squares": ("toString(toInt128(9000000000) * toInt128(9000000000))", "81000000000000000000"),
        "a missing side of a join": (
            "(SELECT r.x IS NULL FROM (SELECT 1 AS x) AS l LEFT JOIN (SELECT 2 AS x) AS r ON l.x = r.x)", 1,
        ),
        "a name that is a column and an alias": ("(SELECT -x + 0 * (x + 1) AS x FROM (SELECT 1 AS x) WHERE x > 0)", -1),
    }  # fmt: skip

    chance = r"\b(rand(32|64|Constant|Uniform|Normal|\w+)?|generateUUIDv\d|generateRandom\w*|nowInBlock)\s*\("

    def views(self, session: Session) -> Mapping[str, str]:
        """The text of each view, by its name."""
        return dict(session.rows("SELECT name, as_select FROM system.tables WHERE engine = 'View'"))

    def sent(self, text: str, seconds: float | None, moment: str | None = None) -> str:  # noqa: ARG002  # it cannot be set
        """A statement with its settings and its timeout in seconds."""
        timed = "" if seconds is None else f", max_execution_time = {seconds:.3f}"
        return f"{text}\nSETTINGS {_SETTINGS}{timed}"

    def constant_table(self, columns: Mapping[str, str], rows: Sequence[Sequence[str]]) -> str:
        """A query of rows of constants, whose columns have these types."""
        named = ", ".join(f"{ClickhouseSql.quoted(name)} {type_}" for name, type_ in columns.items())
        listed = ",\n".join(f"({', '.join(row)})" for row in rows)
        return f"SELECT * FROM values({ClickhouseSql.written(named)}, {listed})"  # noqa: S608  # all are constants

    def scaled(self, units: str, digits: int) -> str:
        """An integer of the smallest decimal place as a decimal."""
        return f"(toDecimal128({units}, 0) * toDecimal128('{Decimal(1).scaleb(-digits):f}', {digits}))"

    def columns_of(self, session: Session, target: TableOrQuery) -> Mapping[str, str]:
        """The columns of a table, view or query with their declared types."""
        if not target.query:
            self._check_known(session, target)
        described = session.rows(f"DESCRIBE TABLE {self.source_of(target)}")
        return columns_once([(name, type_) for name, type_, *_ in described])

    def _check_known(self, session: Session, target: TableOrQuery) -> None:
        known = [name for (name,) in session.rows(
            f"SELECT name FROM system.tables WHERE database = {_database(target)} ORDER BY name"  # noqa: S608  # names are constants here
        )]  # fmt: skip
        if target.name not in known:
            where = "The database" if target.schema is None else f"The database {target.schema!r}"
            raise no_table(where, target, known, ", or the user of the connection may not read it")

    def state_of(self, session: Session, target: TableOrQuery) -> object:
        """A value that differs if rows have changed: the versions of the table's parts, else the number of rows."""
        if not target.query:
            ((rows, block, version),) = session.rows(
                "SELECT sum(rows), max(max_block_number), max(data_version) FROM system.parts "  # noqa: S608  # names are quoted
                f"WHERE active AND database = {_database(target)} AND table = {ClickhouseSql.written(target.name)}"
            )
            if rows is not None:
                return rows, block, version
        return session.rows(f"SELECT count(*) FROM {self.source_of(target)}")  # noqa: S608  # names are quoted

    def type_of(self, frame: DatabaseTable, name: str, kind: Kind) -> ColumnType:
        """The declared type, without Nullable and LowCardinality."""
        declared = frame.columns[name]
        bare = declared
        for wrapper in ("LowCardinality", "Nullable"):
            bare = bare.removeprefix(f"{wrapper}(").removesuffix(")") if bare.startswith(f"{wrapper}(") else bare
        if found := _DECIMAL.fullmatch(bare):
            size, digits = int(found[1]), int(found[2])
            return ColumnType("decimal", bare, digits=digits, wide=size > 18, unit=bare)
        word = bare.partition("(")[0]
        if word == "UInt8" and kind == "flag":
            return ColumnType("flag", bare, unit=bare, loose=True)
        what = TYPES.get(word.lower(), "other")
        shown = "String" if what == "text" else _NESTED.get(word, bare)
        wild = what == "whole" and word not in (*_WHOLE, "Int64")
        return ColumnType(what, shown, aware=what == "timestamp", wild=wild, unit=bare)

    def is_whole(self, type_: ColumnType) -> bool:
        """Whether a timestamp can be compared without a conversion: not with nanoseconds, which overflow."""
        return type_.what == "timestamp" and not re.match(r"DateTime64\([789]", type_.unit)

    def plain(self, source: ClickhouseSql, kind: Kind, type_: ColumnType) -> ClickhouseSql:
        """The column as a plain value, in 64 bits or more."""
        column = source.text
        if kind in ("text", "choice") or type_.what == "text":
            text = f"toStringCutToZero({column})" if type_.unit.startswith("FixedString") else column
            if type_.what == "decimal":  # a cast to text drops trailing zeros
                text = f"toDecimalString({column}, {type_.digits})"
            return ClickhouseSql(f"CAST({text} AS Nullable(String))", source.name)
        match type_.what:
            case "whole" if type_.wild:
                none = "NULL" if kind == "attributes" else ClickhouseSql.whole_number(TOO_LATE)
                beyond = f"WHEN {column} > {TOO_LATE} OR {column} < {-TOO_LATE} THEN {none}"
                return source.case(beyond, f"CAST({column} AS Nullable(Int64))")
            case "whole":
                return source.wrapped("CAST(", " AS Nullable(Int64))")
            case "float":
                return source.cast("Nullable(Float64)")
            case "decimal":
                return _units(source, type_)
            case "flag" if type_.loose:
                return source.case(
                    f"WHEN {column} IN (0, 1) THEN toInt64({column}) WHEN {column} IS NOT NULL THEN toInt64(2)", "NULL"
                )
            case "date" | "timestamp":
                return _time(source, kind, type_)
            case _:
                return source

    def moment(self, micros: int, zone: str) -> ClickhouseSql:  # noqa: ARG002  # all are instants
        """A constant to compare with a timestamp's original column."""
        return ClickhouseSql(f"fromUnixTimestamp64Micro({ClickhouseSql.whole_number(micros)}, 'UTC')")

    def first_by(self, value: str, order: str) -> ClickhouseSql:
        """The value of the first row of a group, by `order`."""
        names = [ClickhouseSql.quoted(name) for name in (value, order)]
        return ClickhouseSql(f"tupleElement(argMin(tuple({names[0]}), {names[1]}), 1)", whole=True)

    def table_of(self, rows: Sequence[str], names: Sequence[str]) -> str:
        """A statement of rows of constants."""
        kinds = ", ".join(["Int64"] * len(names))
        listed = re.sub(r"toInt64\((-?\d+)\)", r"\1", ", ".join(rows))
        named = ", ".join(f"tupleElement(cells, {place}) AS {name}" for place, name in enumerate(names, 1))
        if len(names) == 1:  # parentheses around one value are not a tuple
            listed, kinds, named = listed.replace("(", "tuple("), "Int64", f"tupleElement(cells, 1) AS {names[0]}"
        return f"SELECT {named} FROM (SELECT arrayJoin(CAST([{listed}] AS Array(Tuple({kinds})))) AS cells)"  # noqa: S608  # numbers of our own


def _escaped(text: str) -> str:
    return "".join(_ESCAPES.get(letter, letter) for letter in text)


def _database(target: TableOrQuery) -> str:
    return "currentDatabase()" if target.schema is None else ClickhouseSql.written(target.schema)


def _units(source: ClickhouseSql, type_: ColumnType) -> ClickhouseSql:
    """A decimal as an integer of its smallest decimal place, which is how ClickHouse stores it."""
    found = _DECIMAL.fullmatch(type_.unit)
    assert found is not None, "decimals have a size"
    size = next(bits for most, bits in ((9, 32), (18, 64), (38, 128), (76, 256)) if int(found[1]) <= most)
    return source.wrapped(f"CAST(reinterpretAsInt{size}(", f") AS Nullable({'Int128' if type_.wide else 'Int64'}))")


def _time(source: ClickhouseSql, kind: Kind, type_: ColumnType) -> ClickhouseSql:
    """Microseconds or days since 1970."""
    if type_.what == "date":
        days = source.wrapped("CAST(toInt32(", ") AS Nullable(Int64))")
        return days if kind != "timestamp" else days * DAY
    if type_.unit.startswith("DateTime64"):
        made = source.wrapped("toUnixTimestamp64Micro(CAST(", " AS Nullable(DateTime64(6))))")
    else:
        made = source.wrapped("CAST(toUnixTimestamp(", ") AS Nullable(Int64))") * 1_000_000
    return made // DAY if kind == "date" else made
