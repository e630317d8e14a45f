"""DuckDB, spoken to in SQL: reading text takes it a twentieth of the time of building its objects."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from importlib.util import find_spec
from typing import Any, Self

from crmkpi.engines.frames.homes.home import TOO_LATE, ColumnType, Physical
from crmkpi.engines.frames.homes.sql import Sql, SqlFrame, words_of
from crmkpi.engines.frames.homes.sql_home import SqlHome
from crmkpi.records.base import Kind

__all__ = ["DuckDbFrame", "DuckDbHome", "DuckDbSql"]

_FROM = "measured"
_KEPT = 100  # statements of one frame
_DAY = 86_400_000_000
_AS_WRITTEN = "text as it is written"
_DECIMAL = re.compile(r"DECIMAL\((\d+),\s*(\d+)\)")
_WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "UTINYINT", "USMALLINT", "UINTEGER")
_WIDE = ("HUGEINT", "UBIGINT", "UHUGEINT")
_TYPES: Mapping[str, Physical] = {
    **dict.fromkeys((*_WHOLE, *_WIDE, "BIGINT"), "whole"),
    **dict.fromkeys(("FLOAT", "DOUBLE"), "float"),
    **dict.fromkeys(("VARCHAR", "UUID"), "text"),
    **dict.fromkeys(("NULL", '"NULL"'), "nothing"),
    "BOOLEAN": "flag",
    "DATE": "date",
}
_FINITE = {
    "DATE": "BETWEEN DATE '0001-01-01' AND DATE '9999-12-31'",
    "TIMESTAMP_S": "BETWEEN TIMESTAMP_S '0001-01-01' AND TIMESTAMP_S '9999-12-31 23:59:59'",
    "TIMESTAMP_MS": "BETWEEN TIMESTAMP_MS '0001-01-01' AND TIMESTAMP_MS '9999-12-31 23:59:59.999'",
}


@dataclass(frozen=True, slots=True, eq=False)
class DuckDbSql(Sql):
    """An expression of DuckDB."""

    @staticmethod
    def quoted(name: str) -> str:
        """A name as SQL."""
        return '"' + name.replace('"', '""') + '"'

    @staticmethod
    def constant(value: Any) -> str:
        """A constant as SQL."""
        if value is None or isinstance(value, bool):
            return {None: "NULL", True: "TRUE", False: "FALSE"}[value]
        if isinstance(value, str):
            return "'" + value.replace("'", "''") + "'"
        if isinstance(value, float):
            return f"'{value!r}'::DOUBLE"
        if isinstance(value, datetime):
            return f"TIMESTAMP '{value}'"
        return str(value) if value >= 0 else f"({value})"

    def __floordiv__(self, other: Any) -> Self:
        """Rounded down, by a divisor above zero; DuckDB's own division of whole numbers rounds towards zero."""
        here, by = self.text, self.said(other)
        return self.wrapped("CASE WHEN ", f" < 0 THEN -(({by} - 1 - {here}) // {by}) ELSE {here} // {by} END")

    def month(self) -> Self:
        """The month of a timestamp on the wall clock, counted from the year 0."""
        return self.wrapped("(year(", f") * 12 + month({self.text}))")


@dataclass(frozen=True, slots=True, eq=False)
class DuckDbFrame(SqlFrame):
    """A relation and what is asked of it.

    `kept` holds the statements that DuckDB has read and understood, since that takes as long as a small table. Without
    it the frame is being prepared: what is said of its rows becomes part of the relation.
    """

    relation: Any
    kept: dict[str, tuple[Any, Any]] | None = None

    @property
    def dialect(self) -> type[Sql]:
        """How its expressions are written."""
        return DuckDbSql

    @property
    def _preparing(self) -> bool:
        return self.kept is None and self.source == _FROM

    def _of(self, relation: Any) -> Self:
        return replace(self, relation=relation, columns=tuple(relation.columns))

    def select(self, *items: str | Sql) -> Self:
        """Only these columns, or one row where they are aggregations."""
        chosen = [DuckDbSql.col(item) if isinstance(item, str) else item for item in items]
        if self._preparing and not any(item.whole for item in chosen):
            return self._of(self.relation.project(self.listed(chosen)))
        return self.written(f"SELECT {self.listed(chosen)}\nFROM {self.source}", [item.name for item in chosen])

    def with_columns(self, *items: Sql) -> Self:
        """Further columns, or other ones in place of those of the same name."""
        anew = [item for item in items if item.name in self.columns]
        replaced = f" REPLACE ({self.listed(anew)})" if anew else ""
        further = [item for item in items if item.name not in self.columns]
        listed = ", ".join([f"*{replaced}", *([self.listed(further)] if further else [])])
        if self._preparing:
            return self._of(self.relation.project(listed))
        names = (*self.columns, *(item.name for item in further))
        return self.written(f"SELECT {listed}\nFROM {self.source}", names)

    def filter(self, *conditions: Sql) -> Self:
        """Only the rows in which all conditions hold."""
        if self._preparing:
            return self._of(self.relation.filter(" AND ".join(f"({condition.text})" for condition in conditions)))
        return SqlFrame.filter(self, *conditions)  # pyrefly: ignore

    def join(self, right: SqlFrame, *, left_on: str, right_on: str, how: str) -> Self:
        """The columns of another frame beside, by a key."""
        assert isinstance(right, DuckDbFrame)
        condition = f"l.{DuckDbSql.quoted(left_on)} = r.{DuckDbSql.quoted(right_on)}"
        joined = self.relation.set_alias("l").join(right.relation.set_alias("r"), condition, how=how)
        further = [name for name in right.columns if name != right_on]
        listed = [*(f"l.{DuckDbSql.quoted(name)}" for name in self.columns), *map(DuckDbSql.quoted, further)]
        return self._of(joined.project(", ".join(listed)))

    def to_native(self) -> Any:
        """The relation of the answer."""
        if self.source == _FROM:
            return self.relation
        kept = {} if self.kept is None else self.kept
        relation, made = kept.get(self.statement, (None, None))
        if relation is not self.relation:
            if len(kept) > _KEPT:  # questions made on the fly must not be kept for ever
                kept.clear()
            made = self.relation.query(_FROM, self.statement)
            kept[self.statement] = (self.relation, made)
        return made


class DuckDbHome(SqlHome):
    """Relations and tables of DuckDB."""

    dialect = DuckDbSql
    words = words_of(DuckDbSql, Int64="BIGINT", Int128="HUGEINT", Float64="DOUBLE", Boolean="BOOLEAN", String="VARCHAR")

    def opened(self, frame: Any, names: Sequence[str] = ()) -> DuckDbFrame:  # noqa: ARG002  # it is a database
        """The relation as it is."""
        return DuckDbFrame(_FROM, tuple(frame.columns), frame)

    def rows(self, frame: Any) -> int:
        """How many rows there are, which a table knows."""
        return self.count(frame)

    def names(self, frame: Any) -> list[str]:
        """The names of the columns."""
        return list(frame.columns)

    def type_of(self, frame: Any, name: str, kind: Kind) -> ColumnType:  # noqa: ARG002  # types are what they are
        """The type of a column."""
        word = str(frame.types[frame.columns.index(name)])
        if found := _DECIMAL.fullmatch(word):
            return ColumnType("decimal", word, digits=int(found[2]), wide=True, unit=word)
        if word.startswith("TIMESTAMP"):
            return ColumnType("timestamp", word, aware="TZ" in word or "ZONE" in word, unit=word)
        if word.endswith("]") or word.startswith(("MAP(", "UNION(")):
            return ColumnType("other", "List")
        if word in ("BLOB", "BIT") or word.startswith("STRUCT("):
            return ColumnType("other", {"BLOB": "Binary"}.get(word, "Struct"))
        if word == "VARCHAR":
            return ColumnType("text", "String", unit=word if _is_collated(frame, name) else _AS_WRITTEN)
        what: Physical = "text" if word.startswith("ENUM(") else _TYPES.get(word, "other")
        return ColumnType(what, word, wide=word in _WIDE, unit=word)

    def is_whole(self, type_: ColumnType) -> bool:
        """Whether a timestamp is one on the wall clock in microseconds."""
        return type_.unit == "TIMESTAMP"

    def plain(self, source: Sql, kind: Kind, type_: ColumnType) -> Sql:
        """A column as a plain and wide one."""
        if kind in ("text", "choice") or type_.what == "text":
            if type_.unit == _AS_WRITTEN:
                return source
            # A collation that takes letters for each other would merge Ada and ada.
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

    def asked(self, frame: Any, kept: dict[str, Any]) -> DuckDbFrame:
        """The prepared frame, which keeps the statements that were understood."""
        assert isinstance(frame, DuckDbFrame)
        return replace(frame, kept=kept)

    def leave(self, frame: Any) -> list[tuple[Any, ...]]:
        """The rows of a small result."""
        return frame.to_native().fetchall()  # type: ignore[no-any-return]

    def columns(self, frame: Any) -> dict[str, Any]:
        """A result of one row per customer as columns, numbers as arrays where NumPy is installed."""
        if find_spec("numpy") is None:
            return SqlHome.columns(self, frame)
        return dict(frame.to_native().fetchnumpy())

    def first_by(self, value: str, order: str) -> DuckDbSql:
        """The value of the row of a group that comes first."""
        return DuckDbSql(f"arg_min({DuckDbSql.quoted(value)}, {DuckDbSql.quoted(order)})", whole=True)

    def records(self, frame: Any, columns: Mapping[str, Kind]) -> Iterator[Mapping[str, Any]]:
        """The rows of a frame with their values."""
        for row in frame.project(", ".join(map(DuckDbSql.quoted, columns))).fetchall():
            yield dict(zip(columns, row, strict=True))

    def beside(self, frame: Any, columns: Mapping[str, Sequence[int]]) -> DuckDbFrame:
        """A small table of whole numbers in the same connection."""
        names = ", ".join(map(DuckDbSql.quoted, columns))
        values = ", ".join(f"({', '.join(map(str, row))})" for row in zip(*columns.values(), strict=True))
        nothing = ", ".join(f"NULL::BIGINT AS {DuckDbSql.quoted(name)}" for name in columns)
        query = f"SELECT * FROM (VALUES {values}) AS t({names})" if values else f"SELECT {nothing} WHERE false"  # noqa: S608  # numbers of our own
        return self.opened(frame.relation.query(_FROM, query))

    def looked_up(self, column: Sql, first: int, size: int, reached: Sequence[int]) -> Sql:
        """The step of a number from `first` on, by the cell of `size` that it lies in."""
        cell = column.wrapped("(", f" - {first}) // {size}")
        if list(reached) == list(range(1, len(reached) + 1)):
            return cell.wrapped("(", " + 1)")
        return cell.wrapped(f"('{reached}'::INTEGER[])[", " + 1]")

    def sorted_values(self, frame: Any, keys: Sequence[str], value: str) -> list[tuple[tuple[Any, ...], Sequence[Any]]]:
        """For each group its values, sorted."""
        column = DuckDbSql.quoted(value)
        listed = ", ".join([*map(DuckDbSql.quoted, keys), f"list({column} ORDER BY {column})"])
        text = f"SELECT {listed} FROM {frame.source} WHERE {column} IS NOT NULL GROUP BY ALL"  # noqa: S608  # names are quoted
        return [(row[:-1], row[-1]) for row in self.leave(frame.written(text))]

    def ranks(
        self,
        frame: Any,
        keys: Sequence[str],
        value: str,
        counted: str,  # noqa: ARG002  # it counts the values itself
        places: Mapping[int, Sequence[int]],
    ) -> list[tuple[tuple[Any, ...], Sequence[Any]]]:
        """The values at some places of the sorted ones of each group."""
        size, most = len(keys), max(map(len, places.values()))
        wanted = {count: [*found, *[found[-1]] * (most - len(found))] for count, found in places.items()}
        names, column = [*map(DuckDbSql.quoted, keys)], DuckDbSql.quoted(value)
        sorted_ = ", ".join([*names, f"list_sort(list({column})) AS sorted"])
        extracts = ", ".join([*names, *(f"sorted[spots[{number + 1}] + 1]" for number in range(most))])
        # As one text each: a list of constants takes longer to read.
        spots = f"SELECT unnest('{[*wanted]}'::INTEGER[]) AS n, unnest('{[*wanted.values()]}'::INTEGER[][]) AS spots"
        groups = f"SELECT {sorted_} FROM {frame.source} WHERE {column} IS NOT NULL GROUP BY ALL"  # noqa: S608  # names are quoted
        statement = f"SELECT {extracts} FROM ({groups}) JOIN ({spots}) ON len(sorted) = n"  # noqa: S608  # all of it is ours
        return [(row[:size], row[size:]) for row in self.leave(frame.written(statement))]

    def statement(self, frame: Any) -> tuple[str, str]:
        """The SQL that runs, over the relation's own."""
        return "sql", str(frame.to_native().sql_query())


def _is_collated(relation: Any, name: str) -> bool:
    """Whether a column of text takes letters for each other, upper and lower case or with and without an accent."""
    nothing = f"(SELECT {DuckDbSql.quoted(name)} FROM {_FROM} WHERE false)"  # noqa: S608  # names are quoted
    found = relation.query(_FROM, f"SELECT coalesce({nothing}, 'A') = 'a' OR coalesce({nothing}, 'ä') = 'a'")
    return bool(found.fetchall()[0][0])


def _units(source: Sql, type_: ColumnType) -> Sql:
    """A decimal as the whole number of its smallest digit; fast where its product fits in eighteen digits."""
    digits, column = type_.digits, source.text
    if not digits:
        return source.cast("HUGEINT" if type_.unit.startswith("DECIMAL(3") else "BIGINT")
    spelt = f"replace({column}::VARCHAR, '.', '')::HUGEINT"
    if digits > 4:  # what is left of eighteen digits holds no amount
        return type(source)(spelt, source.name)
    short = f"({column}::DECIMAL(18, {digits}) * {10**digits})::BIGINT"
    return source.case(f"WHEN abs({column}) < {10 ** (18 - 2 * digits)} THEN {short}", spelt)


def _time(source: Sql, kind: Kind, type_: ColumnType) -> Sql:
    """Microseconds or days; a timestamp that no record can hold becomes one that is refused."""
    column, unit = source.text, type_.unit
    if type_.what == "date" and kind != "timestamp":
        found = f"{column} {_FINITE[unit]} THEN ({column} - DATE '1970-01-01')::BIGINT"
    elif unit in _FINITE:
        found = f"{column} {_FINITE[unit]} THEN epoch_us({column}::TIMESTAMP)"
    elif unit == "TIMESTAMP":
        micros = source.wrapped("epoch_us(")  # of infinity it is missing, which the look notices
        return micros // _DAY if kind == "date" else micros
    else:
        instant = column if unit in ("TIMESTAMP_NS", "TIMESTAMP WITH TIME ZONE") else f"{column}::TIMESTAMPTZ"
        found = f"isfinite({column}) THEN epoch_us({instant})"
    made = source.case(f"WHEN {found} WHEN {column} IS NOT NULL THEN {TOO_LATE}", "NULL")
    return made // _DAY if kind == "date" and type_.what == "timestamp" else made
