"""The dialect of PostgreSQL.

Text is compared by its bytes, whatever the collation. Timestamps and dates outside the years 1 to 9999, such as
infinity, are unreadable, and so is NaN.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import ClassVar

from crmkpi.engines.frames.homes.database import (
    DatabaseHome,
    DatabaseTable,
    TableOrQuery,
    columns_once,
    no_table,
    types_of_kinds,
)
from crmkpi.engines.frames.homes.home import DAY, TOO_LATE, TYPES, ColumnType
from crmkpi.engines.frames.homes.sessions import Session, weak_isolation
from crmkpi.engines.frames.homes.sql import Sql, SqlWords
from crmkpi.errors import InputError
from crmkpi.records.base import Kind

__all__ = ["PostgresqlHome", "PostgresqlSql"]

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  # the origin of wall clocks
_LONGEST_NAME = 63  # bytes; PostgreSQL silently truncates longer names, so that two may become equal
_NEAR = ("1900-01-01", "2040-01-01")  # between these, a float is exact to the microsecond, and faster than a numeric
_NESTED = {"json": "Struct", "jsonb": "Struct", "bytea": "Binary", "record": "Struct"}


@dataclass(frozen=True, slots=True, eq=False)
class PostgresqlSql(Sql):
    """An expression of PostgreSQL."""

    nan: ClassVar[str] = "({} = CAST('NaN' AS DOUBLE PRECISION))"
    finite: ClassVar[str] = "(abs({}) < CAST('Infinity' AS DOUBLE PRECISION))"  # NaN is the largest

    # Not WITH in a subquery: that runs in parallel, but conditions are pushed into it and inlined at each level.
    fence: ClassVar[str] = "OFFSET 0"

    @staticmethod
    def quoted(name: str) -> str:
        """A name as SQL; one that is too long becomes a digest."""
        if len(name.encode()) > _LONGEST_NAME:
            name = f"name_{sha256(name.encode()).hexdigest()[:40]}"
        return '"' + name.replace('"', '""') + '"'

    @staticmethod
    def written(value: str) -> str:
        """A text as SQL. A setting decides whether a backslash is an escape; after an E it always is."""
        if "\0" in value:
            raise InputError(f"PostgreSQL cannot store the character NUL in text; remove it from {value!r}.")
        return "E" + Sql.written(value.replace("\\", "\\\\")) if "\\" in value else Sql.written(value)

    @staticmethod
    def wall_time(value: datetime) -> str:
        """A timestamp as SQL, on the wall clock or with a time zone."""
        return f"{'TIMESTAMP' if value.tzinfo is None else 'TIMESTAMPTZ'} '{value.isoformat(sep=' ')}'"

    def round(self, digits: int) -> PostgresqlSql:
        """A float rounded to an integer."""
        assert not digits, "floats are rounded to whole numbers only"
        return self.wrapped("round(")


class PostgresqlHome(DatabaseHome[PostgresqlSql]):
    """Tables, views and queries of PostgreSQL."""

    dialect = PostgresqlSql
    words = SqlWords(
        PostgresqlSql,
        Int64="BIGINT",
        Int128="NUMERIC",
        Float64="DOUBLE PRECISION",
        Boolean="BOOLEAN",
        String="TEXT",
    )
    declared = types_of_kinds(
        text="text",
        money="numeric(18,2)",
        number="double precision",
        timestamp="timestamp without time zone",
        flag="boolean",
    )
    constants = declared
    chance = (
        r"\b(random(_normal)?|gen_random_uuid|uuid_generate_v\d\w*|uuidv\d|clock_timestamp|statement_timestamp|timeofday)"
        r"\s*\("
    )
    isolation = "REPEATABLE READ"
    # The planner overestimates the number of groups and would sort all rows on disk; hash tables that grow too large
    # spill. With sorting off, it overestimates the cost and would compile statements with all JIT optimisations.
    tuned = (
        "SET LOCAL hash_mem_multiplier = 16",
        "SET LOCAL enable_sort = off",
        "SET LOCAL jit_optimize_above_cost = -1",
        "SET LOCAL jit_inline_above_cost = -1",
    )
    begins = ("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",)
    probe: ClassVar[Mapping[str, tuple[str, object]]] = {
        "the version": ("CAST(current_setting('server_version_num') AS INTEGER) >= 140000", True),
        "upper and lower case": ("CAST('a' AS TEXT) COLLATE \"C\" = 'A'", False),
        "trailing blanks": ("CAST('a' AS TEXT) COLLATE \"C\" = 'a '", False),
        "the order of letters": (
            "(SELECT max(CAST(x AS TEXT) COLLATE \"C\") = 'b' FROM (VALUES ('a'), ('B'), ('b')) AS v(x))",
            True,
        ),
        "division": ("(-7) / 2", -3),
        "microseconds before 1970": (
            "CAST(EXTRACT(EPOCH FROM TIMESTAMP '1969-12-31 23:59:59.999999') * 1000000 AS BIGINT)",
            -1,
        ),
        "microseconds of 9999": (
            "CAST(EXTRACT(EPOCH FROM TIMESTAMP '9999-12-31 23:59:59.999999') * 1000000 AS BIGINT)",
            253_402_300_799_999_999,
        ),
        "microseconds of a float": (
            "CAST(date_part('epoch', TIMESTAMP '2039-12-31 23:59:59.999999') * 1000000 AS BIGINT)",
            2_208_988_799_999_999,
        ),
        "large sums": (
            "(SELECT CAST(sum(x) AS TEXT) FROM (VALUES (4611686018427387904), (4611686018427387904)) AS v(x))",
            "9223372036854775808",
        ),
        "large squares": (
            "CAST(CAST(9000000000 AS NUMERIC(38)) * CAST(9000000000 AS NUMERIC(38)) AS TEXT)",
            "81000000000000000000",
        ),
        "a missing side of a join": (
            "(SELECT r.x IS NULL FROM (VALUES (1)) AS l(x) LEFT JOIN (VALUES (2)) AS r(x) ON l.x = r.x)",
            True,
        ),
    }

    def check_snapshot(self, session: Session) -> None:
        """Raise an error for isolation below REPEATABLE READ."""
        ((level,),) = session.rows("SHOW transaction_isolation")
        if level not in ("repeatable read", "serializable"):
            raise weak_isolation(level.upper())

    def timed(self, seconds: float) -> Sequence[str]:
        """The setting that ends statements after `seconds`, until the transaction ends."""
        return (f"SET LOCAL statement_timeout = {max(1, round(seconds * 1000))}",)

    def views(self, session: Session) -> Mapping[str, str]:
        """The text of each view, by its name."""
        return dict(
            session.rows(
                "SELECT CAST(viewname AS TEXT), coalesce(definition, '') FROM pg_catalog.pg_views "
                "WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
            )
        )

    def columns_of(self, session: Session, target: TableOrQuery) -> Mapping[str, str]:
        """The columns of a table, view or query with their declared types; domains are resolved to their base types."""
        if target.query:
            described = session.described(f"SELECT * FROM {self.source_of(target)} LIMIT 0")  # noqa: S608  # the user's own query
            listed = ", ".join(
                f"({place}, {PostgresqlSql.constant(found[0])}, {int(found[1])}, -1)"
                for place, found in enumerate(described)
            )
            start = f"SELECT * FROM (VALUES {listed}) AS given(place, name, kind, size)"  # noqa: S608  # names are constants here
        else:
            start = (
                "SELECT attnum AS place, attname AS name, atttypid AS kind, atttypmod AS size "  # noqa: S608  # a number of its own
                "FROM pg_catalog.pg_attribute "
                f"WHERE attrelid = {self._found(session, target)} AND attnum > 0 AND NOT attisdropped"
            )
        rows = session.rows(
            "WITH RECURSIVE given(place, name, kind, size) AS "  # noqa: S608  # names are constants here
            "(SELECT CAST(place AS INTEGER), CAST(name AS TEXT), CAST(kind AS OID), CAST(size AS INTEGER) "
            f"FROM ({start}) AS own "
            "UNION ALL SELECT place, name, t.typbasetype, CASE WHEN t.typtypmod < 0 THEN size ELSE t.typtypmod END "
            "FROM given JOIN pg_catalog.pg_type AS t ON t.oid = kind WHERE t.typtype = 'd') "
            "SELECT name, CASE WHEN t.typtype = 'e' THEN 'text' WHEN t.typtype = 'c' THEN 'record' "
            "ELSE replace(pg_catalog.format_type(kind, size), '\"', '') END "  # a setting may quote it
            "FROM given JOIN pg_catalog.pg_type AS t ON t.oid = kind WHERE t.typtype <> 'd' ORDER BY place"
        )
        return columns_once(rows)

    def _found(self, session: Session, target: TableOrQuery) -> int:
        """The oid of a table or view; an error if it is missing or the user may not read it."""
        constant = PostgresqlSql.constant
        visible = (
            "pg_catalog.pg_table_is_visible(c.oid)"
            if target.schema is None
            else f"CAST(n.nspname AS TEXT) = {constant(target.schema)}"
        )
        named = (
            "FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace "
            f"WHERE c.relkind IN ('r', 'v', 'm', 'f', 'p') AND {visible}"
        )
        readable = "pg_catalog.has_any_column_privilege(c.oid, 'SELECT')"
        its_name = f"CAST(c.relname AS TEXT) = {constant(target.name)}"
        found = session.rows(f"SELECT CAST(c.oid AS BIGINT), {readable} {named} AND {its_name}")
        for number, may_read in found:
            if not may_read:
                raise InputError(
                    f"The user of the connection may not read {target}; grant it: "
                    f"GRANT SELECT ON {self.source_of(target)} TO ..."
                )
            return int(number)
        own = "" if target.schema else "AND n.nspname <> 'pg_catalog'"
        listed = session.rows(f"SELECT CAST(c.relname AS TEXT) {named} {own} ORDER BY 1 LIMIT 1000")
        known = [name for (name,) in listed]
        where = "The database" if target.schema is None else f"The schema {target.schema!r}"
        raise no_table(where, target, known)

    def type_of(self, frame: DatabaseTable, name: str, kind: Kind) -> ColumnType:  # noqa: ARG002  # the type does not depend on it
        """The declared type; for a numeric without a scale, a query finds the largest scale of its values."""
        word = frame.columns[name]
        if word.startswith("timestamp"):
            return ColumnType("timestamp", word, aware="with time zone" in word, unit=word)
        if word.startswith("numeric"):
            size = word.removeprefix("numeric").strip("()")
            if size:
                most, _, digits = size.partition(",")
                return ColumnType(
                    "decimal", word, digits=max(0, int(digits or 0)), wide=int(most) > 18, wild=True, unit=word
                )
            table, column = self.opened(frame), PostgresqlSql.quoted(name)
            # NaN and infinity have no scale.
            ((digits,),) = self.leave(table.written(f"SELECT max(scale({column})) FROM {table.source}"))  # noqa: S608  # names are quoted
            return ColumnType("decimal", word, digits=int(digits or 0), wide=True, wild=True, unit=word)
        if word.startswith(("character", "bpchar")):
            return ColumnType("text", "String", unit=word)
        if word.endswith("[]"):
            return ColumnType("other", "List")
        what = TYPES.get(word, "other")
        shown = "String" if what == "text" else _NESTED.get(word, word)
        return ColumnType(what, shown, unit=word)

    def plain(self, source: PostgresqlSql, kind: Kind, type_: ColumnType) -> PostgresqlSql:
        """The column as a plain value, in 64 bits or more."""
        column = source.text
        if kind in ("text", "choice") or type_.what == "text":
            return source.wrapped("(CAST(", ' AS TEXT) COLLATE "C")')
        match type_.what:
            case "whole":
                return source if type_.unit == "bigint" else source.cast("BIGINT")
            case "float":
                return source if type_.unit == "double precision" else source.cast("DOUBLE PRECISION")
            case "decimal":
                units = f"{column} * {10**type_.digits}" if type_.digits else column
                made = f"CAST({units} AS {'NUMERIC' if type_.wide else 'BIGINT'})"
                none = "NULL" if kind == "attributes" else str(TOO_LATE)
                wild = "= 'NaN'" if "," in type_.unit else "IN ('NaN', 'Infinity', '-Infinity')"
                return source.case(f"WHEN {column} {wild} THEN {none}", made)
            case "date" | "timestamp":
                return _time(source, kind, type_)
            case _:
                return source

    def moment(self, micros: int, zone: str) -> PostgresqlSql:
        """A constant to compare with a timestamp's original column."""
        stamp = _EPOCH + timedelta(microseconds=micros)
        return self.dialect.lit(stamp.replace(tzinfo=UTC) if zone else stamp)

    def is_whole(self, type_: ColumnType) -> bool:  # noqa: ARG002  # all can
        """Whether a timestamp can be compared without a conversion."""
        return True

    def first_by(self, value: str, order: str) -> PostgresqlSql:
        """The value of the first row of a group, by `order`."""
        names = [PostgresqlSql.quoted(name) for name in (value, order)]
        return PostgresqlSql(
            f"(array_agg({names[0]} ORDER BY {names[1]}) FILTER (WHERE {names[1]} IS NOT NULL))[1]", whole=True
        )


def _time(source: PostgresqlSql, kind: Kind, type_: ColumnType) -> PostgresqlSql:
    """Microseconds or days since 1970; `TOO_LATE` for times outside the years 1 to 9999."""
    column = source.text
    if type_.what == "date" and kind != "timestamp":
        days = f"CAST({column} - DATE '1970-01-01' AS BIGINT)"
        held = f"WHEN {column} BETWEEN DATE '0001-01-01' AND DATE '9999-12-31' THEN {days}"
        return source.case(f"{held} WHEN {column} IS NOT NULL THEN {TOO_LATE}", "NULL")
    word, zone = ("TIMESTAMPTZ", "+00") if type_.aware else ("TIMESTAMP", "")
    first, last, low, high = (f"{word} '{moment} 00:00:00{zone}'" for moment in (*_NEAR, "0001-01-01", "9999-12-31"))
    stamp = f"CAST({column} AS TIMESTAMP)" if type_.what == "date" else column
    near = f"WHEN {column} >= {first} AND {column} < {last} THEN CAST(date_part('epoch', {stamp}) * 1000000 AS BIGINT)"
    held = (
        f"WHEN {column} >= {low} AND {column} < {high} + INTERVAL '1 day' "
        f"THEN CAST(EXTRACT(EPOCH FROM {stamp}) * 1000000 AS BIGINT)"
    )
    made = source.case(f"{near} {held} WHEN {column} IS NOT NULL THEN {TOO_LATE}", "NULL")
    return made // DAY if kind == "date" else made
