"""Spark, spoken to in SQL: the words of narwhals for expressions and frames, written out as one statement.

PySpark asks the Java process several times for each column, operator and constant, and so does narwhals over it: for
the whole catalogue that took longer than Spark itself. Text costs nothing until it is sent, once for each statement.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from itertools import count
from typing import Any, Self

from crmkpi.engines.frames.homes.sql import Sql, SqlFrame, raw_name, words_of
from crmkpi.records.base import Kind

__all__ = ["WORDS", "SparkFrame", "SparkSql", "entered_spark", "rows_beside"]

_DAY = 86_400_000_000
_PLAIN = re.compile(r"[\w .,:/-]*", re.ASCII)
_NUMBERS = count()


@dataclass(frozen=True, slots=True, eq=False)
class SparkSql(Sql):
    """An expression of Spark."""

    @staticmethod
    def quoted(name: str) -> str:
        """A name as SQL."""
        name = name.replace("`", "``").replace("{", "{{").replace("}", "}}")  # braces stand for frames
        return f"`{name}`"

    @staticmethod
    def constant(value: Any) -> str:
        """A constant as SQL."""
        if value is None or isinstance(value, bool):
            return {None: "NULL", True: "true", False: "false"}[value]
        if isinstance(value, int):
            return f"{value}L" if value >= 0 else f"({value}L)"
        if isinstance(value, float):
            return f"double('{value!r}')"
        if isinstance(value, datetime):
            return f"TIMESTAMP_NTZ'{value}'"
        text = str(value)
        # What Spark would read as an escape or a variable goes by its bytes.
        return f"'{text}'" if _PLAIN.fullmatch(text) else f"CAST(X'{text.encode().hex()}' AS STRING)"

    def __truediv__(self, other: Any) -> Self:
        return self.wrapped("try_divide(", f", {self.said(other)})")

    def __floordiv__(self, other: Any) -> Self:
        """Rounded down, of whole numbers up to 2**61 by a positive constant: Spark's own `div` rounds to zero."""
        divisor = int(self.said(other).removesuffix("L"))
        if divisor & (divisor - 1) == 0:
            return self.wrapped("shiftright(", f", {divisor.bit_length() - 1})")
        shift = 2**61 // divisor
        return self.wrapped("((", f" + {shift * divisor}L) div {divisor}L - {shift}L)")

    def month(self) -> Self:
        """The month of a timestamp on the wall clock, counted from the year 0."""
        return self.wrapped("(year(", f") * 12 + month({self.text}))")

    def is_nan(self) -> Self:
        """Whether a float is not a number; missing where it is."""
        return self.wrapped("isnan(")

    def is_finite(self) -> Self:
        """Whether a float is a number at all; missing where it is."""
        return self.wrapped("(NOT isnan(", f") AND abs({self.text}) <> double('Infinity'))")

    def abs(self) -> Self:
        """The size of a number."""
        return self.wrapped("abs(")

    def round(self, digits: int) -> Self:
        """A number with so many digits."""
        return self.wrapped("round(", f", {digits})")

    def fill_null(self, value: Any) -> Self:
        """The value, or another where it is missing."""
        return self.wrapped("coalesce(", f", {self.constant(value)})")

    def sum(self) -> Self:
        """The sum; of nothing it is 0."""
        return self.wrapped("coalesce(sum(", "), 0L)", whole=True)

    def sorted_values(self) -> Self:
        """The values that are there, sorted, as a list."""
        return self.wrapped("sort_array(collect_list(", "))", whole=True)


WORDS = words_of(SparkSql, Int64="BIGINT", Float64="DOUBLE", Boolean="BOOLEAN", String="STRING")


@dataclass(frozen=True, slots=True, eq=False)
class SparkFrame(SqlFrame):
    """A statement over frames of Spark, which `homes` has by the names that stand in it."""

    homes: Mapping[str, Any]

    @property
    def dialect(self) -> type[Sql]:
        """How its expressions are written."""
        return SparkSql

    def head(self, rows: int) -> Self:
        """The first rows."""
        return self.written(f"SELECT * FROM {self.source} LIMIT {rows}", self.columns)  # noqa: S608  # names are quoted

    def join(self, right: SparkFrame, *, left_on: str, right_on: str, how: str) -> SparkFrame:
        """The columns of another frame beside, by a key."""
        quoted = SparkSql.quoted
        further = [name for name in right.columns if name != right_on]
        listed = ", ".join(
            [*(f"l.{quoted(name)}" for name in self.columns), *(f"r.{quoted(name)}" for name in further)]
        )
        text = (
            f"SELECT {listed} FROM {self.source} AS l {how.upper()} JOIN {right.source} AS r "  # noqa: S608  # names are quoted
            f"ON l.{quoted(left_on)} = r.{quoted(right_on)}"
        )
        return SparkFrame(f"({text})", (*self.columns, *further), {**self.homes, **right.homes})

    def collect_schema(self) -> Any:
        """The columns and their types."""
        return import_module("narwhals.stable.v2").from_native(self.to_native()).collect_schema()

    def to_native(self) -> Any:
        """The frame of Spark that the statement stands for."""
        session = next(iter(self.homes.values())).sparkSession
        return session.sql(self.statement, **self.homes)


def entered_spark(frame: Any, columns: Mapping[str, tuple[str, Kind]]) -> SparkFrame:
    """A frame of Spark with only `columns` (name inside: name of its own column, kind of field), as plain columns."""
    types = dict(frame.dtypes)
    made = []
    for name, (column, kind) in columns.items():
        source = SparkSql.col(column)
        if types[column] == "timestamp" and kind in ("timestamp", "date"):
            source = source.wrapped("unix_micros(")
            source = source // _DAY if kind == "date" else source
        elif kind == "timestamp":
            if types[column] == "timestamp_ntz":
                made.append(source.alias(raw_name(name)))  # a filter on it reaches the scan
            source = _micros(source)
        elif kind == "date":
            source = source.wrapped("CAST(datediff(CAST(", " AS DATE), DATE'1970-01-01') AS BIGINT)")
        elif kind in ("text", "choice"):
            source = source.cast("STRING")
        made.append(source.alias(name))
    home = f"crmkpi_{next(_NUMBERS)}"
    text = f"SELECT {', '.join(f'{item.text} AS {SparkSql.quoted(item.name)}' for item in made)} FROM {{{home}}}"  # noqa: S608  # names are quoted
    return SparkFrame(f"({text})", tuple(item.name for item in made), {home: frame})


def _micros(stamp: SparkSql) -> SparkSql:
    """Whole microseconds of the wall clock since 1970.

    Not by timestampdiff, which goes through the session's zone, where an hour of the spring is missing. Of an interval
    only whole seconds are a number, so that those of a day are multiplied before.
    """
    wall = stamp.cast("TIMESTAMP_NTZ")
    day = wall.cast("DATE")
    days = day.wrapped("CAST(datediff(", f", DATE'1970-01-01') AS BIGINT) * {_DAY}L")
    of_day = wall.wrapped(
        "CAST(CAST((", f" - CAST({day.text} AS TIMESTAMP_NTZ)) * 1000000L AS INTERVAL SECOND) AS BIGINT)"
    )
    return days.wrapped("(", f" + {of_day.text})")


def rows_beside(frame: SparkFrame, columns: Mapping[str, Sequence[int]]) -> SparkFrame:
    """A small table of whole numbers, to be joined with `frame`."""
    rows = [", ".join(f"{number}L" for number in row) for row in zip(*columns.values(), strict=True)]
    if rows:
        names = ", ".join(map(SparkSql.quoted, columns))
        text = f"SELECT * FROM VALUES {', '.join(f'({row})' for row in rows)} AS t({names})"  # noqa: S608  # numbers of our own
    else:
        text = f"SELECT {', '.join(f'CAST(NULL AS BIGINT) AS {SparkSql.quoted(name)}' for name in columns)} WHERE false"
    return SparkFrame(f"({text})", tuple(columns), frame.homes)
