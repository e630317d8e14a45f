"""The protocol between the engine and the place where a frame lies, and the types of its columns.

There are two kinds of homes: Polars for data in memory, and SQL where data lies. The engine calls this protocol only;
what a home can do is a field of its `Backend`.
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
"""What the types of SQL hold, by their names in small letters; no two databases mean different things by one."""
TOO_LATE = 2**63 - 1  # stands for a timestamp outside the years 1 to 9999, which no record can hold
OUT_OF_TIME = "a time outside the years 1 to 9999"  # and its word, where it has no text of its own

E = TypeVar("E")  # the expressions of a home
F = TypeVar("F")  # its frames, ready for queries
N = TypeVar("N")  # its frames as they are given


class ColumnType(NamedTuple):
    """What the values of a column are, however wide its library keeps them.

    `shown` is the type in words, `digits` how many digits of a decimal are behind the point. `aware` timestamps are
    exact instants. `wide` whole numbers may need more than 64 bits. Some `wild` numbers may be none, such as NaN: they
    enter as `TOO_LATE` and cannot be read. `unit` is the library's own name of the type, for its home alone. A `loose`
    column may hold anything: a cell that is no value of its type enters as `TOO_LATE`, infinity, or a flag of 2.
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
    """What is known of all values of a column without reading them: no value lies outside of its bounds, if it has any.

    With `nulls` some may be missing.
    """

    unit: str
    nulls: bool
    low: object = None
    high: object = None


Entering = Mapping[str, tuple[str, Kind, ColumnType]]  # name inside: the frame's own column, kind of field, its type
Kept = dict[str, object]  # a cache of statements over one frame
Lent = object  # a frame as its home keeps it, opaque to the engine


def raw_name(name: str) -> str:
    """The name of a timestamp's own column, which is kept with its plain one."""
    return f"{name}__raw"


def word_name(name: str) -> str:
    """The name of a column with the cells of another as text, for values that cannot be read."""
    return f"{name}__word"


class HomeOf(Protocol[E, F, N]):
    """Where frames lie: all that the engine calls, and all that it knows of a library."""

    @property
    def words(self) -> WordsOf[E]:
        """The factory of expressions over plain columns: the module of Polars, or the same words written as SQL."""

    def lent(self, frame: N) -> N:
        """A frame as the home keeps it."""

    def anew(self, frame: N) -> N:
        """A frame whose rows have changed, as if it had just come."""

    def rows(self, frame: N) -> int | None:
        """How many rows there are, where it costs little to know."""

    def count(self, frame: N) -> int:
        """How many rows there are."""

    def names(self, frame: N) -> list[str]:
        """The names of the columns."""

    def type_of(self, frame: N, name: str, kind: Kind) -> ColumnType:
        """The type of a column that is to hold a field of this kind; categories and enums of text are text."""

    def usual_type(self, frame: N, name: str, kind: Kind) -> ColumnType:
        """The type of a column as far as that is known without a query: any value of another type is refused."""

    def facts(self, frame: N, names: Sequence[str]) -> Mapping[str, Facts]:
        """What is known of columns at this moment without reading them."""

    def enter(self, frame: N, columns: Entering, worded: Collection[str] = ()) -> tuple[F, dict[str, str]]:
        """Only `columns`, made plain and wide.

        Text is text, whole numbers and floats have 64 bits (whole numbers more where they need it), decimals are whole
        numbers of their smallest digit, in as many bits as that takes, so that none wraps or ends the statement;
        timestamps are microseconds and dates days since 1970. A timestamp that needs no
        conversion is kept too, as `raw_name`, so that a filter on it is pushed into a scan; these come second, each
        with its time zone, which is empty on the wall clock. The cells of the columns that are `worded` are kept too,
        as text under `word_name`.
        """

    def asked(self, frame: F, kept: Kept) -> F:
        """The prepared frame, ready for queries; `kept` caches statements over it."""

    def opened(self, frame: N, names: Sequence[str]) -> F:
        """Some columns as they are, for expressions of `words`."""

    def extended(self, frame: N, added: Sequence[E], kept: E | None, over: Sequence[str]) -> N:
        """A frame with columns computed `over` some of its own, and only the rows that are `kept`."""

    def leave(self, frame: F) -> list[Row]:
        """The rows of a small result as plain Python values, None for what is missing."""

    def columns(self, frame: F) -> Columns:
        """A result of one row per customer as columns, numbers as arrays where that is fast."""

    def records(self, frame: N, columns: Mapping[str, Kind]) -> Iterator[Mapping[str, Cell]]:
        """The rows of a frame with their values."""

    def beside(self, frame: F, columns: Mapping[str, Sequence[int]]) -> F:
        """A small table of whole numbers in the home of `frame`, to be joined with it."""

    def moment(self, micros: int, zone: str) -> E:
        """A constant to compare with a timestamp's own column, which has this time zone."""

    def month(self, raw: E) -> E:
        """The month of a timestamp's own column on the wall clock, counted from the year 0."""

    def steps(self, column: E, edges: Sequence[E | float], values: Sequence[int]) -> E:
        """The value for a number that has reached none of the increasing edges, one of them, two ..."""

    def looked_up(self, column: E, first: int, size: int, reached: Sequence[int]) -> E:
        """The step of a number from `first` on, by the cell of `size` that it lies in."""

    def first_by(self, value: str, order: str) -> E:
        """The value of the row of a group that comes first."""

    def listed(self, value: str) -> E:
        """The values of a group as a sorted list, without those that are missing."""

    def gathered(self, value: str) -> E:
        """The values of a group as a list in any order, without those that are missing; for `slice_of`."""

    def slice_of(self, value: str, fraction: float, spread: float) -> tuple[E, E]:
        """The sorted values of a group around a quantile, out of lists of them, and the place of the first of these.

        They reach as far to both sides as `spread` times the root of their number, and a little further.
        """

    def grouped(self, frame: F, keys: Sequence[str], aggregations: Sequence[E], values: Sequence[str]) -> F:
        """GROUP BY `keys` with these aggregations, and with the sorted `values` where the home keeps them."""

    def sorted_values(self, frame: F, keys: Sequence[str], value: str) -> list[tuple[Row, Sequence[Cell]]]:
        """For each group its values, sorted, without those that are missing."""

    def ranks(
        self, frame: F, keys: Sequence[str], value: str, counted: str, places: Mapping[int, Sequence[int]]
    ) -> list[tuple[Row, Sequence[Cell]]]:
        """For each group the values at some places of its sorted ones; which, depends on how many it has."""


Home = HomeOf[Expr, Frame, Lent]
