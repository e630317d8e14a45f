"""DuckDB, queried in SQL: parsing text takes a twentieth of the time that building expression objects takes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from itertools import count
from typing import TYPE_CHECKING, ClassVar, Self
from weakref import WeakKeyDictionary

from crmkpi.engines.frames.homes.home import DAY, TOO_LATE, TYPES, ColumnType, Facts, Kept, Physical
from crmkpi.engines.frames.homes.sql import Sql, SqlFrame, SqlWords
from crmkpi.engines.frames.homes.sql_home import SqlHome
from crmkpi.engines.frames.ran import ran
from crmkpi.engines.frames.words import Columns, Row
from crmkpi.errors import InputError
from crmkpi.records.base import Kind

if TYPE_CHECKING:
    from duckdb import DuckDBPyRelation

__all__ = ["DuckDbFrame", "DuckDbHome", "DuckDbSql"]

_FROM = "measured"
_SOURCE = re.compile(rf"\bFROM {_FROM}\b")
_NAMES = count(1)
_KEPT = 100  # cached statements per frame
_LONG = 6_000  # characters of a statement
_NO_LIMIT = 2**63 - 1
_AS_WRITTEN = "text as it is written"
_DECIMAL = re.compile(r"DECIMAL\((\d+),\s*(\d+)\)")
_WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "UTINYINT", "USMALLINT", "UINTEGER")
_WIDE = ("HUGEINT", "UBIGINT", "UHUGEINT")
_NESTED = {"MAP(": "Map", "UNION(": "Union", "STRUCT(": "Struct", "BLOB": "Binary"}
_FINITE = {
    "DATE": "BETWEEN DATE '0001-01-01' AND DATE '9999-12-31'",
    "TIMESTAMP_S": "BETWEEN TIMESTAMP_S '0001-01-01' AND TIMESTAMP_S '9999-12-31 23:59:59'",
    "TIMESTAMP_MS": "BETWEEN TIMESTAMP_MS '0001-01-01' AND TIMESTAMP_MS '9999-12-31 23:59:59.999'",
}


@dataclass(frozen=True, slots=True, eq=False)
class DuckDbSql(Sql):
    """An expression of DuckDB."""

    real: ClassVar[str] = "'{!r}'::DOUBLE"
    divided: ClassVar[str] = "({} // {})"

    def round(self, digits: int) -> Self:
        """A rounded number; without decimal places the one-argument form, which takes half the time."""
        return super(DuckDbSql, self).round(digits) if digits else self.wrapped("round(")


@dataclass(frozen=True, slots=True, eq=False)
class DuckDbFrame(SqlFrame):
    """A statement over a relation.

    `kept` caches statements that DuckDB has bound, since binding takes as long as querying a small table.
    """

    relation: DuckDBPyRelation
    kept: Kept | None = None

    @property
    def dialect(self) -> type[Sql]:
        """The class of its expressions."""
        return DuckDbSql

    def with_columns(self, *items: Sql) -> Self:
        """Add columns, or replace those of the same name."""
        anew = [item for item in items if item.name in self.columns]
        replaced = f" REPLACE ({self.listed(anew)})" if anew else ""
        further = [item for item in items if item.name not in self.columns]
        listed = ", ".join([f"*{replaced}", *([self.listed(further)] if further else [])])
        names = (*self.columns, *(item.name for item in further))
        return self.written(f"SELECT {listed}\nFROM {self.source}", names)

    def filter(self, *conditions: Sql) -> Self:
        """Only the rows in which all conditions hold.

        DuckDB pushes the condition down as far as it can and inlines the columns in it at each level: it took four
        seconds to plan a statement of 16,000 characters. It does not push down through a LIMIT, and removes one larger
        than any table later.
        """
        if len(self.source) <= _LONG:
            return super(DuckDbFrame, self).filter(*conditions)  # slots: named
        held = self.written(f"SELECT * FROM {self.source} LIMIT {_NO_LIMIT}", self.columns)  # noqa: S608  # text of our own
        return super(DuckDbFrame, held).filter(*conditions)

    def join(self, right: Self, *, left_on: str, right_on: str, how: str) -> Self:
        """Join the columns of another frame by a key."""
        condition = f"l.{DuckDbSql.quoted(left_on)} = r.{DuckDbSql.quoted(right_on)}"
        try:
            joined = self.to_native().set_alias("l").join(right.to_native().set_alias("r"), condition, how=how)
        except Exception as error:
            if "different connections" not in str(error):
                raise
            raise InputError(
                "Related tables of DuckDB must be on one connection; take both from the same one, as in "
                "connection.table(...)."
            ) from error
        further = [name for name in right.columns if name != right_on]
        listed = [*(f"l.{DuckDbSql.quoted(name)}" for name in self.columns), *map(DuckDbSql.quoted, further)]
        relation = joined.project(", ".join(listed))
        return replace(self, source=_FROM, relation=relation, columns=(*self.columns, *further))

    def to_native(self) -> DuckDBPyRelation:
        """The relation of the answer."""
        if self.source == _FROM:
            return self.relation
        kept = {} if self.kept is None else self.kept
        known = kept.get(self.statement)
        understood = isinstance(known, _Statement) and known.relation is self.relation and _is_second()
        if not isinstance(known, _Statement) or not understood:
            if len(kept) > _KEPT:  # else the cache would grow without end
                kept.clear()
            known = kept[self.statement] = _Statement(self.relation, _asked(self.relation, self.statement))
        return known.answer


@cache
def _is_second() -> bool:
    """Whether the version is DuckDB 2.0 or newer.

    In older versions, a statement resolves the name `measured` whenever it runs, and finds the relation that was
    queried last; and statistics are text.
    """
    return int(str(import_module("duckdb").__version__).partition(".")[0]) >= 2


def _asked(relation: DuckDBPyRelation, statement: str) -> DuckDBPyRelation:
    """A query over a relation, which the statement calls `measured`."""
    name = _FROM if _is_second() else f"{_FROM}_{next(_NAMES)}"  # with one name, a query over an answer reads itself
    found = relation.query(name, statement if name == _FROM else _SOURCE.sub(f"FROM {name}", statement))
    assert found is not None, "a SELECT always has an answer"
    return found


@dataclass(frozen=True, slots=True)
class _Statement:
    """A statement over a relation that DuckDB has bound."""

    relation: DuckDBPyRelation
    answer: DuckDBPyRelation


class DuckDbHome(SqlHome[DuckDbSql, DuckDbFrame, "DuckDBPyRelation"]):
    """The home of DuckDB relations and tables."""

    dialect = DuckDbSql
    words = SqlWords(DuckDbSql, Int64="BIGINT", Int128="HUGEINT", Float64="DOUBLE", Boolean="BOOLEAN", String="VARCHAR")
    sorted_list = "list({0} ORDER BY {0}) FILTER (WHERE {0} IS NOT NULL)"

    def __init__(self) -> None:
        """Create empty caches of facts about relations."""
        self._changing: WeakKeyDictionary[DuckDBPyRelation, bool] = WeakKeyDictionary()
        self._schemas: WeakKeyDictionary[DuckDBPyRelation, dict[str, str]] = WeakKeyDictionary()
        self._looks = count(1)

    def rows(self, frame: DuckDBPyRelation) -> int | None:
        """The number of rows; for a table a different number on each call, since values may have changed in place."""
        if frame not in self._changing:
            self._changing[frame] = "seq scan" in str(frame.explain()).lower().replace("_", " ")
        return -next(self._looks) if self._changing[frame] else self.count(frame)

    def anew(self, frame: DuckDBPyRelation) -> DuckDBPyRelation:
        """The same relation, without its cached schema."""
        self._schemas.pop(frame, None)
        return frame

    def _schema(self, frame: DuckDBPyRelation) -> dict[str, str]:
        """The types of the columns, cached: each access to a relation makes DuckDB parse all of it."""
        if frame not in self._schemas:
            found = {name: str(word) for name, word in zip(frame.columns, frame.types, strict=True)}
            texts = [name for name, word in found.items() if word == "VARCHAR"]
            found |= {name: _AS_WRITTEN for name, collated in _collated(frame, texts).items() if not collated}
            self._schemas[frame] = found
        return self._schemas[frame]

    def opened(self, frame: DuckDBPyRelation, names: Sequence[str] = ()) -> DuckDbFrame:  # noqa: ARG002  # all columns are available
        """A statement over the relation, without conversion."""
        return DuckDbFrame(_FROM, tuple(self._schema(frame)), frame)

    def native(self, frame: DuckDbFrame) -> DuckDBPyRelation:
        """The relation of a frame."""
        return frame.to_native()

    def type_of(self, frame: DuckDBPyRelation, name: str, kind: Kind) -> ColumnType:  # noqa: ARG002  # the type does not depend on it
        """The type of a column."""
        word = self._schema(frame)[name]
        if found := _DECIMAL.fullmatch(word):
            return ColumnType("decimal", word, digits=int(found[2]), wide=True, unit=word)
        if word.startswith("TIMESTAMP"):
            return ColumnType("timestamp", word, aware="TZ" in word or "ZONE" in word, unit=word)
        nested = next((shown for start, shown in _NESTED.items() if word.startswith(start)), None)
        if nested is not None or word.endswith("]"):
            return ColumnType("other", nested or "List")
        if word in ("VARCHAR", _AS_WRITTEN):
            return ColumnType("text", "String", unit=word)
        what: Physical = "text" if word.startswith("ENUM(") else TYPES.get(word.lower(), "other")
        return ColumnType(what, word, wide=word in _WIDE, unit=word)

    def facts(self, frame: DuckDBPyRelation, names: Sequence[str]) -> Mapping[str, Facts]:
        """Bounds from the statistics of DuckDB's planner: changes of the data may widen them, never narrow them."""
        if not _is_second() or not names:
            return {}
        asked = ", ".join(f"stats({column}), typeof({column})" for column in map(DuckDbSql.quoted, names))
        rows = _asked(frame, f"SELECT {asked} FROM {_FROM} LIMIT 1").fetchall()  # noqa: S608  # names are quoted
        told = rows[0] if rows else ()
        return {
            name: Facts(word, bool(each.get("has_null", True)), each.get("min"), each.get("max"))
            for name, each, word in zip(names, told[::2], told[1::2], strict=False)
            if isinstance(each, dict)
        }

    def is_whole(self, type_: ColumnType) -> bool:
        """Whether a timestamp is a wall-clock time in microseconds."""
        return type_.unit == "TIMESTAMP"

    def plain(self, source: DuckDbSql, kind: Kind, type_: ColumnType) -> DuckDbSql:
        """The column as a plain value, in 64 bits or more."""
        if kind in ("text", "choice") or type_.what == "text":
            if type_.unit == _AS_WRITTEN:
                return source
            # A case-insensitive collation would merge the groups Ada and ada.
            text = source if type_.unit == "VARCHAR" else source.cast("VARCHAR")
            return text.wrapped("", ' COLLATE "binary"')
        match type_.what:
            case "whole":
                return source.cast("BIGINT") if type_.unit in _WHOLE else source
            case "float":
                return source.cast("DOUBLE") if type_.unit == "FLOAT" else source
            case "decimal":
                return _units(source, type_)
            case "date" | "timestamp":
                return _time(source, kind, type_)
            case _:
                return source

    def asked(self, frame: DuckDbFrame, kept: Kept) -> DuckDbFrame:
        """The prepared frame, with a cache of bound statements."""
        return replace(frame, kept=kept)

    def leave(self, frame: DuckDbFrame) -> list[Row]:
        """The rows of a small result."""
        made = frame.to_native()
        ran("sql", lambda: str(made.sql_query()))
        return made.fetchall()

    def columns(self, frame: DuckDbFrame) -> Columns:
        """A result of one row per customer as columns, numbers as arrays where NumPy is installed."""
        if find_spec("numpy") is None:
            return SqlHome.columns(self, frame)
        made = frame.to_native()
        ran("sql", lambda: str(made.sql_query()))
        return dict(made.fetchnumpy())

    def beside(self, frame: DuckDbFrame, columns: Mapping[str, Sequence[int]]) -> DuckDbFrame:
        """A small table of integers in the same connection."""
        return self.opened(SqlHome.beside(self, replace(frame, kept=None), columns).to_native())

    def looked_up(self, column: DuckDbSql, first: int, size: int, reached: Sequence[int]) -> DuckDbSql:
        """A step function by lookup of the time bucket."""
        cell = column.wrapped("(", f" - {first}) // {size}")
        if list(reached) == list(range(1, len(reached) + 1)):
            return cell.wrapped("(", " + 1)")
        return cell.wrapped(f"('{reached}'::INTEGER[])[", " + 1]")

    def gathered(self, value: str) -> DuckDbSql:
        """The values of a group as an unordered list, without NULL."""
        return DuckDbSql("list({0}) FILTER ({0} IS NOT NULL)".format(DuckDbSql.quoted(value)), whole=True)

    def slice_of(self, value: str, fraction: float, spread: float) -> tuple[DuckDbSql, DuckDbSql]:
        """The position of the first value of a slice of a group's sorted values around a quantile, and the slice."""
        quoted = DuckDbSql.quoted(value)
        sorted_ = f"list_sort(flatten(list({quoted}) FILTER ({quoted} IS NOT NULL)))"
        middle, reach = (
            f"(len({sorted_}) - 1) * {fraction!r}::DOUBLE",
            f"({spread!r}::DOUBLE * sqrt(len({sorted_})) + 3)",
        )
        first = f"greatest(floor({middle} - {reach}), 0)::BIGINT"
        values = f"({sorted_})[{first} + 1 : ceil({middle} + {reach})::BIGINT + 1]"
        return DuckDbSql(first, whole=True), DuckDbSql(values, whole=True)


def _collated(relation: DuckDBPyRelation, names: Sequence[str]) -> dict[str, bool]:
    """Whether the collation of each text column ignores case or accents."""
    asked = []
    for name in names:
        nothing = f"(SELECT {DuckDbSql.quoted(name)} FROM {_FROM} WHERE false)"  # noqa: S608  # names are quoted
        asked.append(f"coalesce({nothing}, 'A') = 'a' OR coalesce({nothing}, 'ä') = 'a'")
    rows = _asked(relation, f"SELECT {', '.join(asked)}").fetchall() if asked else [()]
    return dict(zip(names, map(bool, rows[0]), strict=True))


def _units(source: DuckDbSql, type_: ColumnType) -> DuckDbSql:
    """A decimal as an integer of its smallest decimal place; fast where the product fits in eighteen digits."""
    digits, column = type_.digits, source.text
    if not digits:
        return source.cast("HUGEINT" if type_.unit.startswith("DECIMAL(3") else "BIGINT")
    spelt = f"replace({column}::VARCHAR, '.', '')::HUGEINT"
    if digits > 4:  # too few of the eighteen digits would be left for amounts
        return type(source)(spelt, source.name)
    short = f"({column}::DECIMAL(18, {digits}) * {10**digits})::BIGINT"
    return source.case(f"WHEN abs({column}) < {10 ** (18 - 2 * digits)} THEN {short}", spelt)


def _time(source: DuckDbSql, kind: Kind, type_: ColumnType) -> DuckDbSql:
    """Microseconds or days since 1970; `TOO_LATE` for times outside the years 1 to 9999."""
    column, unit = source.text, type_.unit
    if type_.what == "date" and kind != "timestamp":
        found = f"{column} {_FINITE[unit]} THEN ({column} - DATE '1970-01-01')::BIGINT"
    elif unit in _FINITE:
        found = f"{column} {_FINITE[unit]} THEN epoch_us({column}::TIMESTAMP)"
    elif unit == "TIMESTAMP":
        micros = source.wrapped("epoch_us(")  # NULL for infinity, which the profile finds
        return micros // DAY if kind == "date" else micros
    else:
        instant = column if unit in ("TIMESTAMP_NS", "TIMESTAMP WITH TIME ZONE") else f"{column}::TIMESTAMPTZ"
        found = f"isfinite({instant}) THEN epoch_us({instant})"
    made = source.case(f"WHEN {found} WHEN {column} IS NOT NULL THEN {TOO_LATE}", "NULL")
    return made // DAY if kind == "date" and type_.what == "timestamp" else made
