"""What all homes of SQL do in the same way: a dialect says the rest."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from crmkpi.engines.frames.homes.home import ColumnType, raw_name
from crmkpi.engines.frames.homes.sql import Sql
from crmkpi.records.base import Kind

__all__ = ["SqlHome"]

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  # the origin of wall clocks


class SqlHome(ABC):
    """What all homes of SQL do in the same way."""

    dialect: type[Sql]
    words: Any

    def lent(self, frame: Any) -> Any:
        """A frame as the home keeps it."""
        return frame

    def rows(self, frame: Any) -> int | None:  # noqa: ARG002  # a scan of its own
        """How many rows there are, where it costs nothing to know."""
        return None

    def count(self, frame: Any) -> int:
        """How many rows there are."""
        ((rows,),) = self.leave(self.opened(frame).select(self.words.len()))
        return int(rows)

    def columns(self, frame: Any) -> dict[str, Any]:
        """A result of one row per customer as columns."""
        rows = self.leave(frame)
        found = zip(*rows, strict=True) if rows else ((),) * len(frame.columns)
        return dict(zip(frame.columns, map(list, found), strict=True))

    def first_by(self, value: str, order: str) -> Sql:
        """The value of the row of a group that comes first."""
        return self.dialect(f"min_by({self.dialect.quoted(value)}, {self.dialect.quoted(order)})", whole=True)

    def anew(self, frame: Any) -> Any:
        """A frame whose rows have changed: it is read whenever it is asked."""
        return frame

    @abstractmethod
    def opened(self, frame: Any, names: Sequence[str] = ()) -> Any:
        """The columns of a frame as they are, to be asked with `words`."""

    @abstractmethod
    def names(self, frame: Any) -> list[str]:
        """The names of the columns."""

    @abstractmethod
    def type_of(self, frame: Any, name: str, kind: Kind) -> ColumnType:
        """The type of a column that is to hold a field of this kind."""

    @abstractmethod
    def plain(self, source: Any, kind: Kind, type_: ColumnType) -> Sql:
        """A column as a plain and wide one."""

    @abstractmethod
    def leave(self, frame: Any) -> list[tuple[Any, ...]]:
        """The rows of a small result."""

    def enter(self, frame: Any, columns: Mapping[str, tuple[str, Kind, ColumnType]]) -> tuple[Any, dict[str, Any]]:
        """The columns as plain and wide ones, and the timestamps that are kept beside."""
        made, raws = [], {}
        for name, (column, kind, type_) in columns.items():
            source = self.dialect.col(column)
            if type_.what == "timestamp" and kind != "date" and self.is_whole(type_):
                made.append(source.alias(raw_name(name)))  # a filter on it reaches into the scan
                raws[raw_name(name)] = type_
            made.append(self.plain(source, kind, type_).alias(name))
        return self.opened(frame).select(*made), raws

    def is_whole(self, type_: ColumnType) -> bool:
        """Whether a timestamp is one on the wall clock in microseconds, so that it can be compared as it is."""
        return not type_.aware

    def extended(self, frame: Any, added: Sequence[Sql], kept: Sql | None, over: Sequence[str]) -> Any:  # noqa: ARG002  # all columns are there
        """The frame with further columns, and only the rows that are kept."""
        made = self.opened(frame)
        made = made.with_columns(*added) if added else made
        return self.native(made if kept is None else made.filter(kept))

    def native(self, frame: Any) -> Any:
        """A frame of the library itself."""
        return frame.to_native()

    def asked(self, frame: Any, kept: dict[str, Any]) -> Any:  # noqa: ARG002  # a home may keep what it has read
        """The prepared frame as it is asked."""
        return frame

    def moment(self, micros: int, raw: Any) -> Sql:  # noqa: ARG002  # all are on the wall clock
        """A constant beside a timestamp's own column."""
        return self.dialect.lit(_EPOCH + timedelta(microseconds=micros))

    def steps(self, column: Sql, edges: Sequence[Any], values: Sequence[int]) -> Sql:
        """The value for a number that has reached none of the edges, one of them, two ...; found by halves."""
        if not edges:
            return self.dialect.lit(values[0])
        middle = len(edges) // 2
        return (
            self.dialect.when(column < self.dialect.lit(edges[middle]))
            .then(self.steps(column, edges[:middle], values[: middle + 1]))
            .otherwise(self.steps(column, edges[middle + 1 :], values[middle + 1 :]))
        )

    def looked_up(self, column: Sql, first: int, size: int, reached: Sequence[int]) -> Sql:
        """The step of a number from `first` on, by the cell of `size` that it lies in; searched for by halves."""
        starts = [place for place, step in enumerate(reached) if not place or step != reached[place - 1]]
        return self.steps(
            column, [first + size * place for place in starts], [0, *(reached[place] for place in starts)]
        )

    def sorted_values(self, frame: Any, keys: Sequence[str], value: str) -> list[tuple[tuple[Any, ...], Sequence[Any]]]:
        """For each group its values, sorted."""
        column = self.dialect.col(value)
        found: dict[tuple[Any, ...], list[Any]] = {}
        for *key, one in self.leave(frame.filter(~column.is_null()).select(*keys, value)):
            found.setdefault(tuple(key), []).append(one)
        return [(key, sorted(values)) for key, values in found.items()]

    def grouped(self, frame: Any, keys: Sequence[str], aggregations: Sequence[Sql], values: Sequence[str]) -> Any:  # noqa: ARG002  # values are asked for apart
        """The groups of a frame, with what is asked of each."""
        return frame.group_by(*keys).agg(*aggregations) if keys else frame.select(*aggregations)

    def ranks(
        self,
        frame: Any,
        keys: Sequence[str],
        value: str,
        counted: str,  # noqa: ARG002  # it counts the values itself
        places: Mapping[int, Sequence[int]],
    ) -> list[tuple[tuple[Any, ...], Sequence[Any]]]:
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
        made: dict[tuple[Any, ...], dict[int, Any]] = {}
        counts: dict[tuple[Any, ...], int] = {}
        for *key, one, place, count in self.leave(frame.written(text, [*keys, "x", "p", "n"])):
            made.setdefault(tuple(key[:size]), {})[place] = one
            counts[tuple(key)] = count
        return [(key, [found[place] for place in places[counts[key]]]) for key, found in made.items()]

    def statement(self, frame: Any) -> tuple[str, str] | None:
        """What runs for the frame, and in which language."""
        return "sql", frame.statement
