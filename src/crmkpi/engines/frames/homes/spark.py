"""Spark, spoken to in SQL: expressions and frames are written out as one statement.

PySpark asks the Java process several times for each column, operator and constant: for the whole catalogue that took
longer than Spark itself. Text costs nothing until it is sent, once for each statement.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from datetime import datetime
from io import StringIO
from itertools import count
from typing import Any, Self

from crmkpi.engines.frames.homes.home import ColumnType, Physical
from crmkpi.engines.frames.homes.sql import Sql, SqlFrame, words_of
from crmkpi.engines.frames.homes.sql_home import SqlHome
from crmkpi.records.base import Kind

__all__ = ["SparkFrame", "SparkHome", "SparkSql"]

_DAY = 86_400_000_000
_PLAIN = re.compile(r"[\w .,:/-]*", re.ASCII)
_NUMBERS = count()
_MOST_DIGITS = 38
_DECIMAL = re.compile(r"decimal\((\d+),(\d+)\)")
_TYPES: Mapping[str, Physical] = {
    **dict.fromkeys(("tinyint", "smallint", "int", "bigint"), "whole"),
    **dict.fromkeys(("float", "double"), "float"),
    **dict.fromkeys(("timestamp", "timestamp_ntz"), "timestamp"),
    "string": "text",
    "boolean": "flag",
    "date": "date",
    "void": "nothing",
}
_SHOWN = {"string": "String"}
_NESTED = {"array": "List", "struct": "Struct", "map": "Struct", "binary": "Binary"}


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

    def is_finite(self) -> Self:
        """Whether a float is a number at all; missing where it is."""
        return self.wrapped("(NOT isnan(", f") AND abs({self.text}) <> double('Infinity'))")

    def sum(self) -> Self:
        """The sum; of nothing it is 0."""
        return self.wrapped("coalesce(sum(", "), 0L)", whole=True)

    def sorted_values(self) -> Self:
        """The values that are there, sorted, as a list."""
        return self.wrapped("sort_array(collect_list(", "))", whole=True)


@dataclass(frozen=True, slots=True, eq=False)
class SparkFrame(SqlFrame):
    """A statement over frames of Spark, which `homes` has by the names that stand in it."""

    homes: Mapping[str, Any]

    @property
    def dialect(self) -> type[Sql]:
        """How its expressions are written."""
        return SparkSql

    def beside(self, other: SqlFrame) -> Self:
        """The frame where the other one can be read as well."""
        assert isinstance(other, SparkFrame)
        return replace(self, homes={**self.homes, **other.homes})

    def to_native(self) -> Any:
        """The frame of Spark that the statement stands for."""
        session = next(iter(self.homes.values())).sparkSession
        return session.sql(self.statement, **self.homes)


class SparkHome(SqlHome):
    """Frames of Spark."""

    dialect = SparkSql
    words = words_of(SparkSql, Int64="BIGINT", Float64="DOUBLE", Boolean="BOOLEAN", String="STRING")

    def opened(self, frame: Any, names: Sequence[str] = ()) -> SparkFrame:  # noqa: ARG002  # it is a cluster
        """The frame as it is."""
        home = f"crmkpi_{next(_NUMBERS)}"
        return SparkFrame(f"{{{home}}}", tuple(frame.columns), {home: frame})

    def names(self, frame: Any) -> list[str]:
        """The names of the columns."""
        return list(frame.columns)

    def type_of(self, frame: Any, name: str, kind: Kind) -> ColumnType:  # noqa: ARG002  # types are what they are
        """The type of a column."""
        word = str(dict(frame.dtypes)[name])
        if found := _DECIMAL.fullmatch(word):
            return ColumnType("decimal", word, digits=int(found[2]), wide=True, unit=str(found[1]))
        if word in _TYPES:
            return ColumnType(_TYPES[word], str(_SHOWN.get(word, word)), aware=word == "timestamp", unit=word)
        if word.startswith(("char(", "varchar(")):
            return ColumnType("text", "String", unit=word)
        nested = next((shown for start, shown in _NESTED.items() if word.startswith(start)), word)
        return ColumnType("other", nested)

    def plain(self, source: Sql, kind: Kind, type_: ColumnType) -> Sql:
        """A column as a plain and wide one."""
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
                return micros // _DAY if kind == "date" else micros
            case _:
                return source

    def leave(self, frame: Any) -> list[tuple[Any, ...]]:
        """The rows of a small result."""
        return [tuple(row) for row in frame.to_native().collect()]

    def records(self, frame: Any, columns: Mapping[str, Kind]) -> Iterator[Mapping[str, Any]]:
        """The rows of a frame with their values."""
        for row in frame.select(*(f"`{name.replace('`', '``')}`" for name in columns)).toLocalIterator():
            yield dict(zip(columns, row, strict=True))

    def beside(self, frame: Any, columns: Mapping[str, Sequence[int]]) -> SparkFrame:
        """A small table of whole numbers, to be joined with `frame`."""
        rows = [", ".join(f"{number}L" for number in row) for row in zip(*columns.values(), strict=True)]
        if rows:
            names = ", ".join(map(SparkSql.quoted, columns))
            text = f"SELECT * FROM VALUES {', '.join(f'({row})' for row in rows)} AS t({names})"  # noqa: S608  # numbers of our own
        else:
            nothing = ", ".join(f"CAST(NULL AS BIGINT) AS {SparkSql.quoted(name)}" for name in columns)
            text = f"SELECT {nothing} WHERE false"
        return SparkFrame(f"({text})", tuple(columns), frame.homes)

    def sorted_values(self, frame: Any, keys: Sequence[str], value: str) -> list[tuple[tuple[Any, ...], Sequence[Any]]]:
        """For each group its values, sorted."""
        values = SparkSql.col(value).sorted_values().alias(value)
        found = frame.group_by(*keys).agg(values) if keys else frame.select(values)
        return [(row[:-1], row[-1]) for row in self.leave(found)]

    def statement(self, frame: Any) -> tuple[str, str]:
        """The plan of the cluster."""
        with redirect_stdout(StringIO()) as plan:
            frame.to_native().explain()
        return "plan", plan.getvalue().strip()


def _units(source: Sql, type_: ColumnType) -> Sql:
    """A decimal as the whole number of its smallest digit."""
    digits = type_.digits
    if not digits:
        return source
    factor = f"CAST({10**digits} AS DECIMAL({digits + 1}, 0))"
    if int(type_.unit) + digits + 2 <= _MOST_DIGITS:
        return source.wrapped("(", f" * {factor})")
    # A product of more digits would be rounded, so the whole part and the fraction go their own ways.
    whole = source.wrapped("CAST(floor(", ") AS DECIMAL(38, 0))")
    rest = f"CAST({source.text} - floor({source.text}) AS DECIMAL({digits}, {digits}))"
    scaled = f"CAST(substr(CAST({rest} AS STRING), 3) AS DECIMAL(38, 0))"
    return whole.wrapped("(", f" * {10**digits}BD + {scaled})")


def _micros(stamp: Sql) -> Sql:
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
