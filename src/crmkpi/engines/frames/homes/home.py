"""The protocol between the engine and a home (the library or database that holds a frame), and the types of columns.

There are two kinds of homes: Polars for data in memory, and SQL for data elsewhere. The engine calls only this
protocol; the capabilities of a home are fields of its `Backend`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple, Protocol, TypeVar

from crmkpi.engines.frames.words import Cell, Columns, Expr, Frame, Row, WordsOf
from crmkpi.records.base import Kind

__all__ = [
    "DAY",
    "NUMBERS",
    "OUT_OF_TIME",
    "TOO_LATE",
    "TYPES",
    "ColumnType",
    "Entering",
    "Facts",
    "Home",
    "HomeOf",
    "Kept",
    "Lent",
    "Physical",
    "raw_name",
    "word_name",
]

Physical = Literal["text", "whole", "decimal", "float", "flag", "timestamp", "date", "nothing", "other"]

DAY = 86_400_000_000  # microseconds
NUMBERS: Collection[Physical] = ("whole", "decimal", "float")
_NAMES: Mapping[Physical, str] = {
    "whole": "tinyint, smallint, mediumint, int, integer, bigint, hugeint, byte, short, long, byteint, year, oid, "
    "utinyint, usmallint, uinteger, ubigint, uhugeint, int8, int16, int32, int64, int128, int256, uint8, uint16, "
    "uint32, uint64, uint128, uint256",
    "float": "real, float, double, double precision, float32, float64, bfloat16",
    "text": "text, string, char, character, varchar, character varying, fixedstring, tinytext, mediumtext, longtext, "
    'citext, name, "char", uuid, enum, enum8, enum16, set',
    "timestamp": "timestamp, timestamp without time zone, timestamp with time zone, timestamp_ntz, timestamp_ltz, "
    "timestamp_tz, datetime, datetime64",
    "date": "date, date32",
    "flag": "bool, boolean",
    "nothing": 'nothing, null, "null", void',
}
TYPES: Mapping[str, Physical] = {word: what for what, words in _NAMES.items() for word in words.split(", ")}
"""The kind of values of each SQL type, by its name in lower case; a name means the same in all databases."""
TOO_LATE = 2**63 - 1  # the plain value of an unreadable one, such as a timestamp outside the years 1 to 9999
OUT_OF_TIME = "a time outside the years 1 to 9999"  # the text shown for such a timestamp, if it has no other

E = TypeVar("E")  # the expressions of a home
F = TypeVar("F")  # its frames, ready for queries
N = TypeVar("N")  # its frames as users pass them


class ColumnType(NamedTuple):
    """The type of a column: the kind of its values, independent of the library's storage.

    `shown` is the name in errors, `digits` the number of decimal places of a decimal. `aware` timestamps are instants.
    `wide` integers may need more than 64 bits. A `wild` column may hold values that are not numbers, such as NaN, or
    too large: these become `TOO_LATE`, which is unreadable. `unit` is the library's name of the type, for its home
    only. A `loose` column may hold cells of any type: one of another type becomes `TOO_LATE`, infinity, or a flag of 2.
    """

    what: Physical
    shown: str
    digits: int = 0
    aware: bool = False
    wide: bool = False
    wild: bool = False
    unit: str = ""
    loose: bool = False


class Facts(NamedTuple):
    """The facts about a column that are known without reading it: no value is outside its bounds, if it has any.

    With `nulls`, it may hold NULL.
    """

    unit: str
    nulls: bool
    low: object = None
    high: object = None


Entering = Mapping[str, tuple[str, Kind, ColumnType]]  # name in the engine: the frame's column, kind of field, type
Kept = dict[str, object]  # a cache of statements over one frame
Lent = object  # a frame as its home stores it, opaque to the engine


def raw_name(name: str) -> str:
    """The name of a timestamp's original column, which is kept in addition to the plain one."""
    return f"{name}__raw"


def word_name(name: str) -> str:
    """The name of the column that has the cells of another as text, to show unreadable values."""
    return f"{name}__word"


class HomeOf(Protocol[E, F, N]):
    """A home of frames: everything that the engine calls, or knows about a library."""

    @property
    def words(self) -> WordsOf[E]:
        """The factory of expressions over plain columns: the module of Polars, or a writer of SQL with its methods."""

    def lent(self, frame: N) -> N:
        """A frame as the home stores it."""

    def anew(self, frame: N) -> N:
        """A frame whose rows have changed, without cached facts."""

    def rows(self, frame: N) -> int | None:
        """A number that differs if rows were added or removed; None if it would cost too much to count them."""

    def count(self, frame: N) -> int:
        """The number of rows."""

    def names(self, frame: N) -> list[str]:
        """The names of the columns."""

    def type_of(self, frame: N, name: str, kind: Kind) -> ColumnType:
        """The type of a column that holds a field of this kind; categories and enums of text are text."""

    def usual_type(self, frame: N, name: str, kind: Kind) -> ColumnType:
        """The type of a column as far as it is known without a query; cells of another type are unreadable."""

    def facts(self, frame: N, names: Sequence[str]) -> Mapping[str, Facts]:
        """The current facts about columns that are known without reading them."""

    def enter(self, frame: N, columns: Entering, worded: Collection[str] = ()) -> tuple[F, dict[str, str]]:
        """Select `columns`, converted to plain values.

        Text is text; integers and floats have 64 bits (integers more if they need it); decimals are integers of their
        smallest decimal place, in as many bits as they need, so that none overflows or fails the statement; timestamps
        are microseconds and dates days since 1970. A timestamp that needs no conversion is kept too, as `raw_name`, so
        that a filter on it is pushed down into the scan; the second value maps these to their time zones, empty for
        wall-clock times. The cells of columns in `worded` are kept too, as text under `word_name`.
        """

    def asked(self, frame: F, kept: Kept) -> F:
        """The prepared frame, ready for queries; `kept` caches statements over it."""

    def opened(self, frame: N, names: Sequence[str]) -> F:
        """Some columns without conversion, for expressions of `words`."""

    def extended(self, frame: N, added: Sequence[E], kept: E | None, over: Sequence[str]) -> N:
        """A frame with the `added` columns, which read those in `over`, and only the rows where `kept` is true."""

    def leave(self, frame: F) -> list[Row]:
        """The rows of a small result as plain Python values, None for NULL."""

    def columns(self, frame: F) -> Columns:
        """A result of one row per customer as columns, numbers as arrays where that is fast."""

    def records(self, frame: N, columns: Mapping[str, Kind]) -> Iterator[Mapping[str, Cell]]:
        """The rows of a frame with their values."""

    def beside(self, frame: F, columns: Mapping[str, Sequence[int]]) -> F:
        """A small table of integers in the home of `frame`, to be joined with it."""

    def moment(self, micros: int, zone: str) -> E:
        """A constant to compare with a timestamp's original column, which has this time zone."""

    def month(self, raw: E) -> E:
        """The month of a timestamp's original column on the wall clock, counted from the year 0."""

    def steps(self, column: E, edges: Sequence[E | float], values: Sequence[int]) -> E:
        """A step function: the first of `values` for numbers below all edges, the next from the first edge on ..."""

    def looked_up(self, column: E, first: int, size: int, reached: Sequence[int]) -> E:
        """A step function by lookup: `reached` has the step for each time bucket of `size`, starting at `first`."""

    def first_by(self, value: str, order: str) -> E:
        """The value of the first row of a group, by `order`."""

    def listed(self, value: str) -> E:
        """The values of a group as a sorted list, without NULL."""

    def gathered(self, value: str) -> E:
        """The values of a group as an unordered list, without NULL; for `slice_of`."""

    def slice_of(self, value: str, fraction: float, spread: float) -> tuple[E, E]:
        """From `gathered` lists: the position of the first value of a slice of a group's sorted values, and the slice.

        The slice is around a quantile. Each side has `spread` times the square root of the number of values, and a few
        more.
        """

    def grouped(self, frame: F, keys: Sequence[str], aggregations: Sequence[E], values: Sequence[str]) -> F:
        """GROUP BY `keys` with these aggregations, and with the sorted `values` if the backend `sorts_groups`."""

    def sorted_values(self, frame: F, keys: Sequence[str], value: str) -> list[tuple[Row, Sequence[Cell]]]:
        """The sorted values of each group, without NULL."""

    def ranks(
        self, frame: F, keys: Sequence[str], value: str, counted: str, places: Mapping[int, Sequence[int]]
    ) -> list[tuple[Row, Sequence[Cell]]]:
        """The values of each group at some positions of its sorted values; `places` has them by number of values."""


Home = HomeOf[Expr, Frame, Lent]
