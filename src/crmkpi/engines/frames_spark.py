"""Spark, spoken to in SQL: the words of narwhals for expressions and frames, written out as one statement.

PySpark asks the Java process several times for each column, operator and constant, and so does narwhals over it: for
the whole catalogue that took longer than Spark itself. Text costs nothing until it is sent, once for each statement.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from itertools import count
from types import SimpleNamespace
from typing import Any

from crmkpi.records.base import Kind

__all__ = ["WORDS", "Sql", "SqlFrame", "entered_spark", "rows_beside"]

_DAY = 86_400_000_000
_PLAIN = re.compile(r"[\w .,:/-]*", re.ASCII)
_NUMBERS = count()


def _quoted(name: str) -> str:
    name = name.replace("`", "``").replace("{", "{{").replace("}", "}}")  # braces stand for frames
    return f"`{name}`"


@dataclass(frozen=True, slots=True, eq=False)
class Sql:
    """An expression in SQL; `name` is that of its result, `whole` says that it looks at all rows of a group."""

    text: str
    name: str = ""
    whole: bool = False

    def alias(self, name: str) -> Sql:
        """The same under another name."""
        return Sql(self.text, name, self.whole)

    def wrapped(self, before: str, after: str = ")", *, whole: bool = False) -> Sql:
        """The expression between two pieces of SQL."""
        return Sql(f"{before}{self.text}{after}", self.name, whole)

    def _with(self, sign: str, other: Any) -> Sql:
        second = _sql(other)
        return Sql(f"({self.text} {sign} {second.text})", self.name)

    def __add__(self, other: Any) -> Sql:
        return self._with("+", other)

    def __sub__(self, other: Any) -> Sql:
        return self._with("-", other)

    def __mul__(self, other: Any) -> Sql:
        return self._with("*", other)

    def __truediv__(self, other: Any) -> Sql:
        return Sql(f"try_divide({self.text}, {_sql(other).text})", self.name)

    def __floordiv__(self, other: Any) -> Sql:
        """Rounded down, of whole numbers up to 2**61 by a positive constant: Spark's own `div` rounds to zero."""
        divisor = int(_sql(other).text.removesuffix("L"))
        if divisor & (divisor - 1) == 0:
            return self.wrapped("shiftright(", f", {divisor.bit_length() - 1})")
        shift = 2**61 // divisor
        return self.wrapped("((", f" + {shift * divisor}L) div {divisor}L - {shift}L)")

    def __and__(self, other: Any) -> Sql:
        return self._with("AND", other)

    def __or__(self, other: Any) -> Sql:
        return self._with("OR", other)

    def __invert__(self) -> Sql:
        return self.wrapped("(NOT ")

    def __eq__(self, other: object) -> Any:
        return self._with("=", other)

    def __ne__(self, other: object) -> Any:
        return self._with("!=", other)

    def __lt__(self, other: Any) -> Sql:
        return self._with("<", other)

    def __le__(self, other: Any) -> Sql:
        return self._with("<=", other)

    def __gt__(self, other: Any) -> Sql:
        return self._with(">", other)

    def __ge__(self, other: Any) -> Sql:
        return self._with(">=", other)

    __hash__ = object.__hash__

    def is_null(self) -> Sql:
        """Whether the value is missing."""
        return self.wrapped("(", " IS NULL)")

    def is_in(self, options: Sequence[Any]) -> Sql:
        """Whether the value is one of these; missing where it is."""
        listed = ", ".join(_lit(option).text for option in options)
        return self.wrapped("(", f" IN ({listed}))") if listed else self._with("!=", self)

    def is_finite(self) -> Sql:
        """Whether a float is a number at all; missing where it is."""
        return self.wrapped("(NOT isnan(", f") AND abs({self.text}) != double('Infinity'))")

    def cast(self, type_: str) -> Sql:
        """The value as another type."""
        return self.wrapped("CAST(", f" AS {type_})")

    def abs(self) -> Sql:
        """The size of a number."""
        return self.wrapped("abs(")

    def round(self, digits: int) -> Sql:
        """A number with so many digits."""
        return self.wrapped("round(", f", {digits})")

    def fill_null(self, value: Any) -> Sql:
        """The value, or another where it is missing."""
        return self.wrapped("coalesce(", f", {_lit(value).text})")

    def count(self) -> Sql:
        """How many values there are."""
        return self.wrapped("count(", whole=True)

    def sum(self) -> Sql:
        """The sum; of nothing it is 0."""
        return self.wrapped("coalesce(sum(", "), 0L)", whole=True)

    def min(self) -> Sql:
        """The smallest value."""
        return self.wrapped("min(", whole=True)

    def max(self) -> Sql:
        """The largest value."""
        return self.wrapped("max(", whole=True)

    def n_unique(self) -> Sql:
        """How many different values there are; all missing ones count as one more."""
        missing = f"max(CASE WHEN {self.text} IS NULL THEN 1 ELSE 0 END)"
        return self.wrapped("(count(DISTINCT ", f") + {missing})", whole=True)

    def sorted_values(self) -> Sql:
        """The values that are there, sorted, as a list."""
        return self.wrapped("sort_array(collect_list(", "))", whole=True)

    def over(self, *names: str) -> Sql:
        """What looks at all rows of a group, beside each of them."""
        parts = f"PARTITION BY {', '.join(map(_quoted, names))}" if names else ""
        return Sql(f"{self.text} OVER ({parts})", self.name)


@dataclass(frozen=True, slots=True, eq=False)
class Case(Sql):
    """Values for conditions, of which the first that holds decides; a chain of them is one expression."""

    branches: str = ""
    last: str = "NULL"

    @classmethod
    def of(cls, branches: str, last: str = "NULL") -> Case:
        """The value of the first branch that holds, else the last one."""
        return cls(f"CASE {branches} ELSE {last} END", branches=branches, last=last)

    def otherwise(self, value: Any) -> Case:
        """The value where no condition holds."""
        other = _sql(value)
        if isinstance(other, Case):  # a chain that is as deep as it is long would be too deep for a parser
            return Case.of(f"{self.branches} {other.branches}", other.last)
        return Case.of(self.branches, other.text)


@dataclass(frozen=True, slots=True)
class _When:
    condition: Any

    def then(self, value: Any) -> Case:
        return Case.of(f"WHEN {_sql(self.condition).text} THEN {_sql(value).text}")


def _col(name: str) -> Sql:
    return Sql(_quoted(name), name)


def _lit(value: Any) -> Sql:
    if value is None or isinstance(value, bool):
        return Sql({None: "NULL", True: "true", False: "false"}[value])
    if isinstance(value, int):
        return Sql(f"{value}L" if value >= 0 else f"({value}L)")
    if isinstance(value, float):
        return Sql(f"double('{value!r}')")
    text = str(value)
    # What Spark would read as an escape or a variable goes by its bytes.
    plain = f"'{text}'" if _PLAIN.fullmatch(text) else f"CAST(X'{text.encode().hex()}' AS STRING)"
    return Sql(plain)


def _sql(value: Any) -> Sql:
    return value if isinstance(value, Sql) else _lit(value)


WORDS = SimpleNamespace(
    col=_col,
    lit=_lit,
    when=_When,
    len=lambda: Sql("count(*)", "len", whole=True),
    Int64="BIGINT",
    Float64="DOUBLE",
    Boolean="BOOLEAN",
    String="STRING",
)


@dataclass(slots=True, eq=False)
class SqlFrame:
    """A statement over frames of Spark, which `homes` has by the names that stand in it, and its columns."""

    text: str
    columns: tuple[str, ...]
    homes: Mapping[str, Any]
    _native: Any = field(default=None, init=False)

    def _next(self, text: str, columns: Sequence[str]) -> SqlFrame:
        return SqlFrame(text, tuple(columns), self.homes)

    def select(self, *items: str | Sql) -> SqlFrame:
        """Only these columns."""
        chosen = [_col(item) if isinstance(item, str) else item for item in items]
        return self._next(f"SELECT {_listed(chosen)} FROM ({self.text})", [item.name for item in chosen])  # noqa: S608  # names are quoted

    def with_columns(self, *items: Sql) -> SqlFrame:
        """These columns too, in place of those of the same name."""
        made = [item.over().alias(item.name) if item.whole else item for item in items]
        names = {item.name for item in made}
        return self.select(*(name for name in self.columns if name not in names), *made)

    def filter(self, *conditions: Sql) -> SqlFrame:
        """Only the rows where all conditions hold."""
        held = " AND ".join(condition.text for condition in conditions)
        return self._next(f"SELECT * FROM ({self.text}) WHERE {held}", self.columns)  # noqa: S608  # names are quoted

    def unique(self) -> SqlFrame:
        """Each different row once."""
        return self._next(f"SELECT DISTINCT * FROM ({self.text})", self.columns)  # noqa: S608  # names are quoted

    def head(self, rows: int) -> SqlFrame:
        """The first rows."""
        return self._next(f"SELECT * FROM ({self.text}) LIMIT {rows}", self.columns)  # noqa: S608  # names are quoted

    def group_by(self, *names: str) -> _Grouped:
        """One row for each group."""
        return _Grouped(self, names)

    def join(self, right: SqlFrame, *, left_on: str, right_on: str, how: str) -> SqlFrame:
        """The columns of another frame beside, by a key."""
        own = [f"l.{_quoted(name)}" for name in self.columns]
        further = [name for name in right.columns if name != right_on]
        listed = ", ".join([*own, *(f"r.{_quoted(name)}" for name in further)])
        text = (
            f"SELECT {listed} FROM ({self.text}) AS l {how.upper()} JOIN ({right.text}) AS r "  # noqa: S608  # names are quoted
            f"ON l.{_quoted(left_on)} = r.{_quoted(right_on)}"
        )
        return SqlFrame(text, (*self.columns, *further), {**self.homes, **right.homes})

    def collect_schema(self) -> Any:
        """The columns and their types."""
        return import_module("narwhals.stable.v2").from_native(self.to_native()).collect_schema()

    def to_native(self) -> Any:
        """The frame of Spark that the statement stands for."""
        if self._native is None:
            session = next(iter(self.homes.values())).sparkSession
            self._native = session.sql(self.text, **self.homes)
        return self._native


@dataclass(frozen=True, slots=True)
class _Grouped:
    frame: SqlFrame
    names: tuple[str, ...]

    def agg(self, *items: Sql) -> SqlFrame:
        chosen = [*map(_col, self.names), *items]
        groups = ", ".join(map(_quoted, self.names))
        text = f"SELECT {_listed(chosen)} FROM ({self.frame.text}) GROUP BY {groups}"  # noqa: S608  # names are quoted
        return SqlFrame(text, tuple(item.name for item in chosen), self.frame.homes)


def _listed(items: Sequence[Sql]) -> str:
    return ", ".join(f"{item.text} AS {_quoted(item.name)}" for item in items)


def entered_spark(frame: Any, columns: Mapping[str, tuple[str, Kind]]) -> SqlFrame:
    """A frame of Spark with only `columns` (name inside: name of its own column, kind of field), as plain columns."""
    types = dict(frame.dtypes)
    made = []
    for name, (column, kind) in columns.items():
        source = _col(column)
        if types[column] == "timestamp" and kind in ("timestamp", "date"):
            source = source.wrapped("unix_micros(")
            source = source // _DAY if kind == "date" else source
        elif kind == "timestamp":
            # Not timestampdiff, which goes through the session's zone, where an hour of the spring is missing.
            since = "CAST(CAST(CAST(CAST("
            until = " AS TIMESTAMP_NTZ) - TIMESTAMP_NTZ'1970-01-01' AS INTERVAL SECOND) AS DECIMAL(18, 6)) * 1000000L"
            source = source.wrapped(since, f"{until} AS BIGINT)")
        elif kind == "date":
            source = source.wrapped("CAST(datediff(CAST(", " AS DATE), DATE'1970-01-01') AS BIGINT)")
        elif kind in ("text", "choice"):
            source = source.cast("STRING")
        made.append(source.alias(name))
    home = f"crmkpi_{next(_NUMBERS)}"
    text = f"SELECT {_listed(made)} FROM {{{home}}}"  # noqa: S608  # names are quoted
    return SqlFrame(text, tuple(columns), {home: frame})


def rows_beside(frame: SqlFrame, columns: Mapping[str, Sequence[int]]) -> SqlFrame:
    """A small table of whole numbers, to be joined with `frame`."""
    rows = [", ".join(f"{number}L" for number in row) for row in zip(*columns.values(), strict=True)]
    if rows:
        names = ", ".join(map(_quoted, columns))
        text = f"SELECT * FROM VALUES {', '.join(f'({row})' for row in rows)} AS t({names})"  # noqa: S608  # numbers of our own
    else:
        text = f"SELECT {', '.join(f'CAST(NULL AS BIGINT) AS {_quoted(name)}' for name in columns)} WHERE false"
    return SqlFrame(text, tuple(columns), frame.homes)
