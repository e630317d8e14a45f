"""What the engine asks of the place where a frame lies, and what a column of a frame may hold.

There are two kinds of homes: Polars in memory, and SQL where data lies. An engine speaks to this protocol only; what
a home can do is a field of its `Backend`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from crmkpi.records.base import Kind

__all__ = ["NUMBERS", "TOO_LATE", "ColumnType", "Home", "Physical", "raw_name"]

Physical = Literal["text", "whole", "decimal", "float", "flag", "timestamp", "date", "nothing", "other"]

NUMBERS: Collection[Physical] = ("whole", "decimal", "float")
TOO_LATE = 2**63 - 1  # stands for a timestamp outside the years 1 to 9999, which no record can hold


@dataclass(frozen=True, slots=True)
class ColumnType:
    """What the values of a column are, however wide its library keeps them.

    `shown` is the type in words, `digits` how many digits of a decimal are behind the point. `aware` timestamps are
    exact instants. `wide` whole numbers may need more than 64 bits. `unit` is the library's own name of the type, for
    its home alone.
    """

    what: Physical
    shown: str
    digits: int = 0
    aware: bool = False
    wide: bool = False
    unit: str = ""


def raw_name(name: str) -> str:
    """The name of a timestamp's own column, beside its plain one."""
    return f"{name}__raw"


class Home(Protocol):
    """Where a frame lies.

    `words` makes expressions: the module of Polars, or the same words written as SQL.
    """

    @property
    def words(self) -> Any:
        """What makes expressions over plain columns."""

    def types(self, frame: Any) -> Sequence[tuple[str, ColumnType]]:
        """The columns of a frame, each with its type."""

    def enter(self, frame: Any, columns: Mapping[str, tuple[str, Kind, ColumnType]]) -> Any:
        """Only `columns` (name inside: name of the frame's own column, kind of field, its type), made plain and wide.

        Text is text, whole numbers and floats have 64 bits (whole numbers more where they need it), decimals are whole
        numbers of their smallest digit, timestamps microseconds and dates days since 1970. A timestamp that needs no
        conversion is kept beside as `raw_name`, so that a filter on it reaches into a scan.
        """

    def asked(self, frame: Any, kept: dict[str, Any]) -> Any:
        """The prepared frame as it is asked; `kept` holds what the home found out about its questions."""

    def leave(self, frame: Any) -> list[tuple[Any, ...]]:
        """The rows of a small result as plain Python values, None for what is missing."""

    def beside(self, frame: Any, columns: Mapping[str, Sequence[int]]) -> Any:
        """A small table of whole numbers in the home of `frame`, to be joined with it."""

    def steps(self, column: Any, edges: Sequence[Any], values: Sequence[int]) -> Any:
        """The value for a number that has reached none of the increasing edges, one of them, two ..."""

    def sorted_values(self, frame: Any, keys: Sequence[str], value: str) -> list[tuple[tuple[Any, ...], Sequence[Any]]]:
        """For each group its values, sorted, without those that are missing."""

    def ranks(
        self, frame: Any, keys: Sequence[str], value: str, counted: str, places: Mapping[int, Sequence[int]]
    ) -> list[tuple[tuple[Any, ...], Sequence[Any]]]:
        """For each group the values at some places of its sorted ones; which, depends on how many it has."""

    def statement(self, frame: Any) -> tuple[str, str] | None:
        """What runs for the frame, and in which language: SQL, or the plan of a cluster."""
