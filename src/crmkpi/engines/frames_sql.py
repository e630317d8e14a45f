"""The words of frame expressions, written as SQL for DuckDB.

The words are those that Polars and narwhals share, as far as a pass over a frame needs them. All that comes from a user
is a name or a constant, and both are quoted.
"""

from __future__ import annotations

from builtins import len as length
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

__all__ = ["Float64", "Int128", "Sql", "SqlFrame", "col", "len", "lit", "quoted", "when"]

Float64 = "DOUBLE"
Int128 = "HUGEINT"
_FROM = "measured"
_KEPT = 100  # statements of one frame


def quoted(name: str) -> str:
    """A name as SQL."""
    return '"' + name.replace('"', '""') + '"'


@dataclass(frozen=True, slots=True, eq=False)
class Sql:  # noqa: PLW1641  # == makes an expression, as in the frame libraries
    """An expression; `name` is that of its column where it has one."""

    text: str
    name: str = ""

    def __add__(self, other: Sql) -> Sql:
        return Sql(f"({self.text} + {other.text})")

    def __sub__(self, other: Sql) -> Sql:
        return Sql(f"({self.text} - {other.text})")

    def __mul__(self, other: Sql) -> Sql:
        return Sql(f"({self.text} * {other.text})")

    def __truediv__(self, other: Sql) -> Sql:
        return Sql(f"({self.text} / {other.text})")

    def __floordiv__(self, other: Sql) -> Sql:
        """Rounded down, by a divisor above zero; DuckDB's own division of whole numbers rounds towards zero."""
        here, by = self.text, other.text
        return Sql(f"CASE WHEN {here} < 0 THEN -(({by} - 1 - {here}) // {by}) ELSE {here} // {by} END")

    def __eq__(self, other: Any) -> Any:  # noqa: PYI032  # likewise
        return Sql(f"({self.text} = {other.text})")

    def __ne__(self, other: Any) -> Any:  # noqa: PYI032  # likewise
        return Sql(f"({self.text} <> {other.text})")

    def __lt__(self, other: Sql) -> Sql:
        return Sql(f"({self.text} < {other.text})")

    def __le__(self, other: Sql) -> Sql:
        return Sql(f"({self.text} <= {other.text})")

    def __gt__(self, other: Sql) -> Sql:
        return Sql(f"({self.text} > {other.text})")

    def __ge__(self, other: Sql) -> Sql:
        return Sql(f"({self.text} >= {other.text})")

    def __and__(self, other: Sql) -> Sql:
        return Sql(f"({self.text} AND {other.text})")

    def __or__(self, other: Sql) -> Sql:
        return Sql(f"({self.text} OR {other.text})")

    def __invert__(self) -> Sql:
        return Sql(f"(NOT {self.text})")

    def is_null(self) -> Sql:
        """Whether it is missing."""
        return Sql(f"({self.text} IS NULL)")

    def is_in(self, options: Iterable[Any]) -> Sql:
        """Whether it is one of these values."""
        listed = ", ".join(lit(option).text for option in options)
        return Sql(f"({self.text} IN ({listed}))") if listed else lit(False)  # noqa: FBT003

    def month(self) -> Sql:
        """The month of a timestamp on the wall clock, counted from the year 0."""
        return Sql(f"(year({self.text}) * 12 + month({self.text}))")

    def looked_up(self, first: int, size: int, reached: Sequence[int]) -> Sql:
        """The step of a number from `first` on, by the cell of `size` that it lies in."""
        cell = f"({self.text} - {first}) // {size}"
        if reached == list(range(1, length(reached) + 1)):
            return Sql(f"({cell} + 1)")
        return Sql(f"('{reached}'::INTEGER[])[{cell} + 1]")

    def cast(self, to: str) -> Sql:
        """The same as another type."""
        return Sql(f"CAST({self.text} AS {to})")

    def sum(self) -> Sql:
        """The sum over a group."""
        return Sql(f"sum({self.text})")

    def min(self) -> Sql:
        """The smallest of a group."""
        return Sql(f"min({self.text})")

    def max(self) -> Sql:
        """The largest of a group."""
        return Sql(f"max({self.text})")

    def n_unique(self) -> Sql:
        """How many different values a group has; that some are missing counts as one more."""
        return Sql(f"(count(DISTINCT {self.text}) + max(CASE WHEN {self.text} IS NULL THEN 1 ELSE 0 END))")

    def over(self, *names: str) -> Sql:
        """An aggregation beside each row of its group."""
        return Sql(f"{self.text} OVER (PARTITION BY {', '.join(map(quoted, names))})")

    def alias(self, name: str) -> Sql:
        """The same under a name."""
        return Sql(f"{self.text} AS {quoted(name)}", name)


@dataclass(frozen=True, slots=True)
class _Case:
    """The beginning of a CASE, which wants a value."""

    condition: Sql

    def then(self, value: Sql) -> _Chosen:
        return _Chosen(f"CASE WHEN {self.condition.text} THEN {value.text} END")


class _Chosen(Sql):
    """A CASE that is missing where its condition does not hold, unless something is said for there."""

    def otherwise(self, value: Sql) -> Sql:
        return Sql(f"{self.text.removesuffix('END')}ELSE {value.text} END")


def col(name: str) -> Sql:
    """A column."""
    return Sql(quoted(name), name)


def lit(value: Any) -> Sql:
    """A constant."""
    if value is None:
        return Sql("NULL")
    if isinstance(value, bool):
        return Sql("TRUE" if value else "FALSE")
    if isinstance(value, str):
        return Sql("'" + value.replace("'", "''") + "'")
    if isinstance(value, float):
        return Sql(f"'{value!r}'::DOUBLE")
    if isinstance(value, datetime):
        return Sql(f"TIMESTAMP '{value}'")
    return Sql(str(value) if value >= 0 else f"({value})")


def when(condition: Sql) -> _Case:
    """A value where the condition holds: `when(...).then(...).otherwise(...)`."""
    return _Case(condition)


def len() -> Sql:  # noqa: A001  # the word that the frame libraries share
    """How many rows a group has."""
    return Sql("count(*)")


@dataclass(frozen=True, slots=True)
class SqlFrame:
    """A relation and what is asked of it, as one statement that grows with each word.

    `kept` holds the statements that DuckDB has read and understood, since that takes as long as a small table.
    """

    relation: Any
    kept: dict[str, tuple[Any, Any]]
    source: str = _FROM

    def written(self, text: str) -> SqlFrame:
        """What a statement over `source` gives."""
        return replace(self, source=f"({text})")

    def select(self, *columns: Sql | str) -> SqlFrame:
        """Only these columns, or one row where they are aggregations."""
        return self.written(f"SELECT {_listed(columns)} FROM {self.source}")  # noqa: S608  # names and constants are quoted

    def with_columns(self, *columns: Sql) -> SqlFrame:
        """Further columns."""
        return self.written(f"SELECT *, {_listed(columns)}\nFROM {self.source}")

    def filter(self, *conditions: Sql) -> SqlFrame:
        """Only the rows in which all conditions hold."""
        met = " AND ".join(condition.text for condition in conditions)
        return self.written(f"SELECT * FROM {self.source}\nWHERE {met}")  # noqa: S608  # likewise

    def unique(self) -> SqlFrame:
        """No row twice."""
        return self.written(f"SELECT DISTINCT * FROM {self.source}")  # noqa: S608  # likewise

    def group_by(self, *names: str) -> _Groups:
        """One row for each group, with `.agg(...)`."""
        return _Groups(self, names)

    def to_native(self) -> Any:
        """The relation of the answer."""
        statement = self.source.removeprefix("(").removesuffix(")")
        relation, made = self.kept.get(statement, (None, None))
        if relation is not self.relation:
            if length(self.kept) > _KEPT:  # questions made on the fly must not be kept for ever
                self.kept.clear()
            made = self.relation.query(_FROM, statement)
            self.kept[statement] = (self.relation, made)
        return made


@dataclass(frozen=True, slots=True)
class _Groups:
    frame: SqlFrame
    names: tuple[str, ...]

    def agg(self, *columns: Sql) -> SqlFrame:
        keys = _listed(self.names)
        return replace(
            self.frame, source=f"(SELECT {keys}, {_listed(columns)}\nFROM {self.frame.source}\nGROUP BY {keys})"
        )


def _listed(columns: Iterable[Sql | str]) -> str:
    return ", ".join(quoted(column) if isinstance(column, str) else column.text for column in columns)
