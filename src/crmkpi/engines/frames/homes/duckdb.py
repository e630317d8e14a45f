"""DuckDB, spoken to in SQL: reading text takes it a twentieth of the time of building its objects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from crmkpi.engines.frames.homes.sql import Sql, SqlFrame, words_of

__all__ = ["WORDS", "DuckDbFrame", "DuckDbSql"]

_FROM = "measured"
_KEPT = 100  # statements of one frame


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

    def looked_up(self, first: int, size: int, reached: Sequence[int]) -> Self:
        """The step of a number from `first` on, by the cell of `size` that it lies in."""
        cell = self.wrapped("(", f" - {first}) // {size}")
        if reached == list(range(1, len(reached) + 1)):
            return cell.wrapped("(", " + 1)")
        return cell.wrapped(f"('{reached}'::INTEGER[])[", " + 1]")


WORDS = words_of(DuckDbSql, Float64="DOUBLE", Int128="HUGEINT")


@dataclass(frozen=True, slots=True, eq=False)
class DuckDbFrame(SqlFrame):
    """A relation and what is asked of it.

    `kept` holds the statements that DuckDB has read and understood, since that takes as long as a small table.
    """

    relation: Any
    kept: dict[str, tuple[Any, Any]]

    @classmethod
    def of(cls, relation: Any, kept: dict[str, tuple[Any, Any]]) -> Self:
        """The relation itself."""
        return cls(_FROM, (), relation, kept)

    @property
    def dialect(self) -> type[Sql]:
        """How its expressions are written."""
        return DuckDbSql

    def with_columns(self, *items: Sql) -> Self:
        """Further columns."""
        return self.written(f"SELECT *, {self.listed(items)}\nFROM {self.source}")

    def to_native(self) -> Any:
        """The relation of the answer."""
        relation, made = self.kept.get(self.statement, (None, None))
        if relation is not self.relation:
            if len(self.kept) > _KEPT:  # questions made on the fly must not be kept for ever
                self.kept.clear()
            made = self.relation.query(_FROM, self.statement)
            self.kept[self.statement] = (self.relation, made)
        return made
