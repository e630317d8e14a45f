"""Spark, queried in SQL: expressions and frames become one statement.

PySpark calls the Java process several times for each column, operator and constant, which takes longer for the whole
catalogue than Spark itself. The text of a statement is sent once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field, replace
from datetime import datetime
from io import StringIO
from itertools import count
from typing import TYPE_CHECKING, ClassVar, Self, TypeVar

from crmkpi.engines.frames.homes.home import DAY, TYPES, ColumnType
from crmkpi.engines.frames.homes.sql import Sql, SqlFrame, SqlWords
from crmkpi.engines.frames.homes.sql_home import SqlHome
from crmkpi.engines.frames.ran import ran
from crmkpi.engines.frames.words import Cell, Row, Scalar
from crmkpi.records.base import Kind

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

__all__ = ["SparkFrame", "SparkHome", "SparkSql", "plain_of_spark"]

_PLAIN = re.compile(r"[\w .,:/-]*", re.ASCII)
_NUMBERS = count()
_MOST_DIGITS = 38
_DECIMAL = re.compile(r"decimal\((\d+),(\d+)\)")
_NESTED = {"array": "List", "struct": "Struct", "map": "Struct", "binary": "Binary"}


@dataclass(frozen=True, slots=True, eq=False)
class SparkSql(Sql):
    """An expression of Spark."""

    real: ClassVar[str] = "double('{!r}')"
    finite: ClassVar[str] = "(NOT isnan({0}) AND abs({0}) <> double('Infinity'))"

    @staticmethod
    def quoted(name: str) -> str:
        """A name as SQL."""
        name = name.replace("`", "``").replace("{", "{{").replace("}", "}}")  # braces are placeholders for frames
        return f"`{name}`"

    @staticmethod
    def whole_number(value: int) -> str:
        """A 64-bit integer as SQL."""
        return f"{value}L"

    @staticmethod
    def wall_time(value: datetime) -> str:
        """A wall-clock time as SQL."""
        return f"TIMESTAMP_NTZ'{value}'"

    @staticmethod
    def written(value: str) -> str:
        """A text as SQL; in hexadecimal if Spark could read it as an escape or a variable."""
        return f"'{value}'" if _PLAIN.fullmatch(value) else f"CAST(X'{value.encode().hex()}' AS STRING)"

    def __truediv__(self, other: Self | Scalar) -> Self:
        return self.wrapped("try_divide(", f", {self.said(other)})")

    def __floordiv__(self, other: Self | Scalar) -> Self:
        """Integer division of numbers up to 2**61, rounded down, by a positive constant; `div` rounds to zero."""
        divisor = int(self.said(other).removesuffix("L"))
        if divisor & (divisor - 1) == 0:
            return self.wrapped("shiftright(", f", {divisor.bit_length() - 1})")
        shift = 2**61 // divisor
        return self.wrapped("((", f" + {shift * divisor}L) div {divisor}L - {shift}L)")

    def sum(self) -> Self:
        """The sum of a group, 0 without values."""
        return self.wrapped("coalesce(sum(", "), 0L)", whole=True)


P = TypeVar("P", bound=SparkSql)  # of Spark or Databricks


@dataclass(frozen=True, slots=True, eq=False)
class SparkFrame(SqlFrame):
    """A statement over Spark frames; `homes` maps the names in it to the frames.

    `read` caches its frame, so that Spark plans once, for the plan and for the rows: planning takes longer than reading
    a small frame.
    """

    homes: Mapping[str, DataFrame]
    read: list[DataFrame] = field(default_factory=list, init=False)

    @property
    def dialect(self) -> type[Sql]:
        """The class of its expressions."""
        return SparkSql

    def beside(self, other: Self) -> Self:
        """The frame, in a form whose statement can also read the other frame."""
        return replace(self, homes={**self.homes, **other.homes})

    def to_native(self) -> DataFrame:
        """The Spark frame of the statement."""
        if not self.read:
            session = next(iter(self.homes.values())).sparkSession
            self.read.append(session.sql(self.statement, None, **self.homes))
        return self.read[0]


class SparkHome(SqlHome[SparkSql, SparkFrame, "DataFrame"]):
    """The home of Spark frames."""

    dialect = SparkSql
    words = SqlWords(SparkSql, Int64="BIGINT", Float64="DOUBLE", Boolean="BOOLEAN", String="STRING")
    sorted_list = "sort_array(collect_list({0}))"

    def opened(self, frame: DataFrame, names: Sequence[str] = ()) -> SparkFrame:  # noqa: ARG002  # all columns are available
        """A statement over the frame, without conversion."""
        home = f"crmkpi_{next(_NUMBERS)}"
        return SparkFrame(f"{{{home}}}", tuple(frame.columns), {home: frame})

    def native(self, frame: SparkFrame) -> DataFrame:
        """The Spark frame of a statement."""
        return frame.to_native()

    def type_of(self, frame: DataFrame, name: str, kind: Kind) -> ColumnType:  # noqa: ARG002  # the type does not depend on it
        """The type of a column."""
        word = str(dict(frame.dtypes)[name])
        if found := _DECIMAL.fullmatch(word):
            return ColumnType("decimal", word, digits=int(found[2]), wide=True, unit=str(found[1]))
        if word in TYPES:
            shown = "String" if word == "string" else word
            return ColumnType(TYPES[word], shown, aware=word == "timestamp", unit=word)
        if word.startswith(("char(", "varchar(")):
            return ColumnType("text", "String", unit=word)
        nested = next((shown for start, shown in _NESTED.items() if word.startswith(start)), word)
        return ColumnType("other", nested)

    def plain(self, source: SparkSql, kind: Kind, type_: ColumnType) -> SparkSql:
        """The column as a plain value, in 64 bits or more."""
        return plain_of_spark(source, kind, type_)

    def leave(self, frame: SparkFrame) -> list[Row]:
        """The rows of a small result."""
        made = frame.to_native()
        ran("plan", lambda: _plan(made))
        return [tuple(row) for row in made.collect()]

    def records(self, frame: DataFrame, columns: Mapping[str, Kind]) -> Iterator[Mapping[str, Cell]]:
        """The rows of a frame with their values, one partition after the other."""
        for row in self.opened(frame).select(*columns).to_native().toLocalIterator():
            yield dict(zip(columns, row, strict=True))


def _plan(frame: DataFrame) -> str:
    """The plan of a frame in the cluster."""
    with redirect_stdout(StringIO()) as plan:
        frame.explain()
    return plan.getvalue().strip()


def plain_of_spark(source: P, kind: Kind, type_: ColumnType) -> P:
    """The column as a plain value, in 64 bits or more."""
    if kind in ("text", "choice") or type_.what == "text":
        return source.cast("STRING")
    match type_.what:
        case "whole":
            return source if type_.unit == "bigint" else source.cast("BIGINT")
        case "float":
            return source if type_.unit == "double" else source.cast("DOUBLE")
        case "decimal":
            return _units(source, type_)
        case "date" if kind != "timestamp":
            return source.wrapped("CAST(datediff(", ", DATE'1970-01-01') AS BIGINT)")
        case "date" | "timestamp":
            micros = source.wrapped("unix_micros(") if type_.aware else _micros(source)
            return micros // DAY if kind == "date" else micros
        case _:
            return source


def _units(source: P, type_: ColumnType) -> P:
    """A decimal as an integer of its smallest decimal place."""
    digits = type_.digits
    if not digits:
        return source
    factor = f"CAST({10**digits} AS DECIMAL({digits + 1}, 0))"
    if int(type_.unit) + digits + 2 <= _MOST_DIGITS:
        return source.wrapped("(", f" * {factor})")
    # A product of more digits would be rounded, so the integer part and the fraction are scaled separately.
    whole = source.wrapped("CAST(floor(", ") AS DECIMAL(38, 0))")
    rest = f"CAST({source.text} - floor({source.text}) AS DECIMAL({digits}, {digits}))"
    scaled = f"CAST(substr(CAST({rest} AS STRING), 3) AS DECIMAL(38, 0))"
    return whole.wrapped("(", f" * {10**digits}BD + {scaled})")


def _micros(stamp: P) -> P:
    """A wall-clock timestamp as microseconds since 1970.

    Not with timestampdiff, which converts through the session's zone, where daylight saving skips an hour. An interval
    only converts to whole seconds, so the time of day is multiplied first.
    """
    wall = stamp.cast("TIMESTAMP_NTZ")
    day = wall.cast("DATE")
    days = day.wrapped("CAST(datediff(", f", DATE'1970-01-01') AS BIGINT) * {DAY}L")
    of_day = wall.wrapped(
        "CAST(CAST((", f" - CAST({day.text} AS TIMESTAMP_NTZ)) * 1000000L AS INTERVAL SECOND) AS BIGINT)"
    )
    return days.wrapped("(", f" + {of_day.text})")
