"""The base of all SQL homes."""

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


N = TypeVar("N", bound=_Named)  # the frames of the library
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  # the origin of wall clocks


class SqlHome(ABC, Generic[S, F, N]):
    """The base of all SQL homes."""

    dialect: type[S]
    words: SqlWords[S]
    has_values: ClassVar[bool] = True  # FROM (VALUES ...) is supported
    sorted_list: ClassVar[str] = ""  # the aggregate that returns the sorted values of a group as a list, if any

    @abstractmethod
    def type_of(self, frame: N, name: str, kind: Kind) -> ColumnType:
        """The type of a column that holds a field of this kind."""

    @abstractmethod
    def opened(self, frame: N, names: Sequence[str] = ()) -> F:
        """The columns of a frame without conversion, for expressions of `words`."""

    @abstractmethod
    def plain(self, source: S, kind: Kind, type_: ColumnType) -> S:
        """The column as a plain value, in 64 bits or more."""

    @abstractmethod
    def native(self, frame: F) -> N:
        """A frame of the library, for the user."""

    @abstractmethod
    def leave(self, frame: F) -> list[Row]:
        """The rows of a small result."""

    def lent(self, frame: N) -> N:
        """A frame as the home stores it."""
        return frame

    def anew(self, frame: N) -> N:
        """A frame whose rows have changed: nothing is cached, since each query reads it again."""
        return frame

    def names(self, frame: N) -> list[str]:
        """The names of the columns."""
        return list(frame.columns)

    def rows(self, frame: N) -> int | None:  # noqa: ARG002  # counting needs a statement
        """The number of rows; None if a query is needed to count them."""
        return None

    def count(self, frame: N) -> int:
        """The number of rows."""
        ((rows,),) = self.leave(self.opened(frame).select(self.words.len()))
        return int(rows)

    def usual_type(self, frame: N, name: str, kind: Kind) -> ColumnType:
        """The type in the schema."""
        return self.type_of(frame, name, kind)

    def facts(self, frame: N, names: Sequence[str]) -> Mapping[str, Facts]:  # noqa: ARG002  # there are none
        """No facts, since statistics of a database may be out of date."""
        return {}

    def columns(self, frame: F) -> Columns:
        """A result of one row per customer as columns."""
        rows = self.leave(frame)
        found = zip(*rows, strict=True) if rows else ((),) * len(frame.columns)
        return dict(zip(frame.columns, map(list, found), strict=True))

    def first_by(self, value: str, order: str) -> S:
        """The value of the first row of a group, by `order`."""
        return self.dialect(f"min_by({self.dialect.quoted(value)}, {self.dialect.quoted(order)})", whole=True)

    def enter(self, frame: N, columns: Entering, worded: Collection[str] = ()) -> tuple[F, dict[str, str]]:
        """The columns as plain values in 64 bits or more, and the time zones of kept original timestamps."""
        made, raws = [], {}
        for name, (column, kind, type_) in columns.items():
            source = self.dialect.col(column)
            if type_.what == "timestamp" and kind != "date" and self.is_whole(type_):
                made.append(source.alias(raw_name(name)))  # a filter on it is pushed down into the scan
                raws[raw_name(name)] = "UTC" if type_.aware else ""
            made.append(self.plain(source, kind, type_).alias(name))
            if name in worded:
                made.append(self.plain(source, "text", type_).alias(word_name(name)))
        return self.opened(frame).select(*made), raws

    def is_whole(self, type_: ColumnType) -> bool:
        """Whether a timestamp can be compared without a conversion: on the wall clock, in microseconds."""
        return not type_.aware

    def extended(self, frame: N, added: Sequence[S], kept: S | None, over: Sequence[str]) -> N:  # noqa: ARG002  # all columns are available
        """The frame with the `added` columns, and only the rows where `kept` is true."""
        made = self.opened(frame)
        made = made.with_columns(*added) if added else made
        return self.native(made if kept is None else made.filter(kept))

    def asked(self, frame: F, kept: Kept) -> F:  # noqa: ARG002  # only some homes cache statements
        """The prepared frame, ready for queries."""
        return frame

    def beside(self, frame: F, columns: Mapping[str, Sequence[int]]) -> F:
        """A small table of integers, to be joined with `frame`."""
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
        """A constant to compare with a timestamp's original column."""
        return self.dialect.lit(_EPOCH + timedelta(microseconds=micros))

    def month(self, raw: S) -> S:
        """The month of a timestamp's original column, counted from the year 0."""
        return raw.wrapped("(year(", f") * 12 + month({raw.text}))")

    def steps(self, column: S, edges: Sequence[S | float], values: Sequence[int]) -> S:
        """A step function of a number, as nested CASEs that do a binary search."""
        if not edges:
            return self.dialect.lit(values[0])
        middle = len(edges) // 2
        return (
            self.dialect.when(column < edges[middle])
            .then(self.steps(column, edges[:middle], values[: middle + 1]))
            .otherwise(self.steps(column, edges[middle + 1 :], values[middle + 1 :]))
        )

    def looked_up(self, column: S, first: int, size: int, reached: Sequence[int]) -> S:
        """A step function by time buckets, as nested CASEs that do a binary search."""
        starts = [place for place, step in enumerate(reached) if not place or step != reached[place - 1]]
        return self.steps(
            column, [first + size * place for place in starts], [0, *(reached[place] for place in starts)]
        )

    def gathered(self, value: str) -> S:
        """The values of a group as an unordered list, without NULL."""
        return self.listed(value)

    def slice_of(self, value: str, fraction: float, spread: float) -> tuple[S, S]:
        """A slice of a group's sorted values; only for backends with `slices_groups`."""
        raise NotImplementedError

    def grouped(self, frame: F, keys: Sequence[str], aggregations: Sequence[S], values: Sequence[str]) -> F:  # noqa: ARG002  # another query fetches the values
        """GROUP BY `keys` with these aggregations."""
        return frame.group_by(*keys).agg(*aggregations) if keys else frame.select(*aggregations)

    def listed(self, value: str) -> S:
        """The values of a group as a sorted list, without NULL."""
        return self.dialect(self.sorted_list.format(self.dialect.quoted(value)), whole=True)

    def sorted_values(self, frame: F, keys: Sequence[str], value: str) -> list[tuple[Row, Sequence[Cell]]]:
        """The sorted values of each group, without NULL."""
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
        counted: str,  # noqa: ARG002  # the statement counts the values
        places: Mapping[int, Sequence[int]],
    ) -> list[tuple[Row, Sequence[Cell]]]:
        """The values of each group at some positions of its sorted values."""
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
        text = f"SELECT {listed}x, p, n FROM ({numbered}) AS numbered WHERE {wanted}"  # noqa: S608  # names are quoted
        made: dict[Row, dict[int, Cell]] = {}
        counts: dict[Row, int] = {}
        for *key, one, place, count in self.leave(frame.written(text, [*keys, "x", "p", "n"])):
            made.setdefault(tuple(key[:size]), {})[place] = one
            counts[tuple(key)] = count
        return [(key, [found[place] for place in places[counts[key]]]) for key, found in made.items()]
