"""The base of all homes of SQL."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import ClassVar, Generic, Protocol, TypeVar

from crmkpi.engines.frames.homes.home import ColumnType, Entering, Facts, Kept, raw_name, word_name
from crmkpi.engines.frames.homes.sql import Sql, SqlFrame, SqlWords
from crmkpi.engines.frames.words import Cell, Columns, Row
from crmkpi.records.base import Kind

__all__ = ["SqlHome"]

S = TypeVar("S", bound=Sql)
F = TypeVar("F", bound=SqlFrame)


class _Named(Protocol):
    """A frame of a library, which names its columns."""

    @property
    def columns(self) -> Iterable[str]: ...


N = TypeVar("N", bound=_Named)  # the frames of the library itself
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  # the origin of wall clocks


class SqlHome(ABC, Generic[S, F, N]):
    """The base of all homes of SQL."""

    dialect: type[S]
    words: SqlWords[S]
    has_values: ClassVar[bool] = True  # rows of constants stand after FROM, as VALUES
    sorted_list: ClassVar[str] = ""  # the values of a group that are there as a sorted list, where there are lists

    @abstractmethod
    def type_of(self, frame: N, name: str, kind: Kind) -> ColumnType:
        """The type of a column that is to hold a field of this kind."""

    @abstractmethod
    def opened(self, frame: N, names: Sequence[str] = ()) -> F:
        """The columns of a frame as they are, for expressions of `words`."""

    @abstractmethod
    def plain(self, source: S, kind: Kind, type_: ColumnType) -> S:
        """A column as a plain and wide one."""

    @abstractmethod
    def native(self, frame: F) -> N:
        """A frame of the library itself."""

    @abstractmethod
    def leave(self, frame: F) -> list[Row]:
        """The rows of a small result."""

    def lent(self, frame: N) -> N:
        """A frame as the home keeps it."""
        return frame

    def anew(self, frame: N) -> N:
        """A frame whose rows have changed: each query reads it anew."""
        return frame

    def names(self, frame: N) -> list[str]:
        """The names of the columns."""
        return list(frame.columns)

    def rows(self, frame: N) -> int | None:  # noqa: ARG002  # a statement of its own
        """How many rows there are, where it costs little to know."""
        return None

    def count(self, frame: N) -> int:
        """How many rows there are."""
        ((rows,),) = self.leave(self.opened(frame).select(self.words.len()))
        return int(rows)

    def usual_type(self, frame: N, name: str, kind: Kind) -> ColumnType:
        """The type is that of the schema."""
        return self.type_of(frame, name, kind)

    def facts(self, frame: N, names: Sequence[str]) -> Mapping[str, Facts]:  # noqa: ARG002  # statistics are old
        """Nothing: statistics of a database may be out of date."""
        return {}

    def columns(self, frame: F) -> Columns:
        """A result of one row per customer as columns."""
        rows = self.leave(frame)
        found = zip(*rows, strict=True) if rows else ((),) * len(frame.columns)
        return dict(zip(frame.columns, map(list, found), strict=True))

    def first_by(self, value: str, order: str) -> S:
        """The value of the row of a group that comes first."""
        return self.dialect(f"min_by({self.dialect.quoted(value)}, {self.dialect.quoted(order)})", whole=True)

    def enter(self, frame: N, columns: Entering, worded: Collection[str] = ()) -> tuple[F, dict[str, str]]:
        """The columns as plain and wide ones, and the time zones of timestamps that are kept too."""
        made, raws = [], {}
        for name, (column, kind, type_) in columns.items():
            source = self.dialect.col(column)
            if type_.what == "timestamp" and kind != "date" and self.is_whole(type_):
                made.append(source.alias(raw_name(name)))  # a filter on it reaches into the scan
                raws[raw_name(name)] = "UTC" if type_.aware else ""
            made.append(self.plain(source, kind, type_).alias(name))
            if name in worded:
                made.append(self.plain(source, "text", type_).alias(word_name(name)))
        return self.opened(frame).select(*made), raws

    def is_whole(self, type_: ColumnType) -> bool:
        """Whether a timestamp is one on the wall clock in microseconds, so that it can be compared as it is."""
        return not type_.aware

    def extended(self, frame: N, added: Sequence[S], kept: S | None, over: Sequence[str]) -> N:  # noqa: ARG002  # all columns are there
        """The frame with further columns, and only the rows that are kept."""
        made = self.opened(frame)
        made = made.with_columns(*added) if added else made
        return self.native(made if kept is None else made.filter(kept))

    def asked(self, frame: F, kept: Kept) -> F:  # noqa: ARG002  # a home may keep what it has read
        """The prepared frame, ready for queries."""
        return frame

    def beside(self, frame: F, columns: Mapping[str, Sequence[int]]) -> F:
        """A small table of whole numbers, to be joined with `frame`."""
        names = [self.dialect.quoted(name) for name in columns]
        rows = [f"({', '.join(map(self.dialect.constant, row))})" for row in zip(*columns.values(), strict=True)]
        nothing = ", ".join(f"{self.dialect.constant(0)} AS {name}" for name in names)
        return frame.written(self.table_of(rows, names) if rows else f"SELECT {nothing} WHERE 1 = 0", columns)

    def table_of(self, rows: Sequence[str], names: Sequence[str]) -> str:
        """A statement of rows of constants."""
        if self.has_values:
            return f"SELECT * FROM (VALUES {', '.join(rows)}) AS t({', '.join(names)})"  # noqa: S608  # numbers of our own
        first, *others = (row[1:-1].split(", ") for row in rows)
        named = ", ".join(f"{cell} AS {name}" for cell, name in zip(first, names, strict=True))
        return " UNION ALL ".join([f"SELECT {named}", *(f"SELECT {', '.join(row)}" for row in others)])

    def records(self, frame: N, columns: Mapping[str, Kind]) -> Iterator[Mapping[str, Cell]]:
        """The rows of a frame with their values."""
        for row in self.leave(self.opened(frame).select(*columns)):
            yield dict(zip(columns, row, strict=True))

    def moment(self, micros: int, zone: str) -> S:  # noqa: ARG002  # all are on the wall clock
        """A constant to compare with a timestamp's own column."""
        return self.dialect.lit(_EPOCH + timedelta(microseconds=micros))

    def month(self, raw: S) -> S:
        """The month of a timestamp's own column, counted from the year 0."""
        return raw.wrapped("(year(", f") * 12 + month({raw.text}))")

    def steps(self, column: S, edges: Sequence[S | float], values: Sequence[int]) -> S:
        """The value for a number that has reached none of the edges, one of them, two ...; found by binary search."""
        if not edges:
            return self.dialect.lit(values[0])
        middle = len(edges) // 2
        return (
            self.dialect.when(column < edges[middle])
            .then(self.steps(column, edges[:middle], values[: middle + 1]))
            .otherwise(self.steps(column, edges[middle + 1 :], values[middle + 1 :]))
        )

    def looked_up(self, column: S, first: int, size: int, reached: Sequence[int]) -> S:
        """The step of a number from `first` on, by the cell of `size` that it lies in; found by binary search."""
        starts = [place for place, step in enumerate(reached) if not place or step != reached[place - 1]]
        return self.steps(
            column, [first + size * place for place in starts], [0, *(reached[place] for place in starts)]
        )

    def gathered(self, value: str) -> S:
        """The values of a group as a list in any order, without those that are missing."""
        return self.listed(value)

    def slice_of(self, value: str, fraction: float, spread: float) -> tuple[S, S]:
        """The sorted values of a group around a quantile, where the home can slice lists."""
        raise NotImplementedError

    def grouped(self, frame: F, keys: Sequence[str], aggregations: Sequence[S], values: Sequence[str]) -> F:  # noqa: ARG002  # a query of its own fetches the values
        """GROUP BY `keys` with these aggregations."""
        return frame.group_by(*keys).agg(*aggregations) if keys else frame.select(*aggregations)

    def listed(self, value: str) -> S:
        """The values of a group as a sorted list, without those that are missing."""
        return self.dialect(self.sorted_list.format(self.dialect.quoted(value)), whole=True)

    def sorted_values(self, frame: F, keys: Sequence[str], value: str) -> list[tuple[Row, Sequence[Cell]]]:
        """For each group its values, sorted."""
        if self.sorted_list:
            rows = self.leave(self.grouped(frame, keys, [self.listed(value).alias(value)], ()))
            return [(row[:-1], row[-1]) for row in rows if row[-1]]
        found: dict[Row, list[Cell]] = {}
        for *key, one in self.leave(frame.select(*keys, value)):
            if one is not None:
                found.setdefault(tuple(key), []).append(one)
        return [(key, sorted(values)) for key, values in found.items()]

    def ranks(
        self,
        frame: F,
        keys: Sequence[str],
        value: str,
        counted: str,  # noqa: ARG002  # it counts the values itself
        places: Mapping[int, Sequence[int]],
    ) -> list[tuple[Row, Sequence[Cell]]]:
        """The values at some places of the sorted ones of each group."""
        quoted, size = self.dialect.quoted, len(keys)
        names, column = ", ".join(map(quoted, keys)), quoted(value)
        listed, within = (f"{names}, ", f"PARTITION BY {names}") if names else ("", "")
        numbered = (
            f"SELECT {listed}{column} AS x, row_number() OVER ({within} ORDER BY {column}) - 1 AS p, "  # noqa: S608  # names are quoted
            f"count(*) OVER ({within}) AS n FROM {frame.source} WHERE {column} IS NOT NULL"
        )
        wanted = " OR ".join(
            f"n = {count} AND p IN ({', '.join(map(str, found))})" for count, found in sorted(places.items())
        )
        text = f"SELECT {listed}x, p, n FROM ({numbered}) AS numbered WHERE {wanted}"  # noqa: S608  # likewise
        made: dict[Row, dict[int, Cell]] = {}
        counts: dict[Row, int] = {}
        for *key, one, place, count in self.leave(frame.written(text, [*keys, "x", "p", "n"])):
            made.setdefault(tuple(key[:size]), {})[place] = one
            counts[tuple(key)] = count
        return [(key, [found[place] for place in places[counts[key]]]) for key, found in made.items()]
