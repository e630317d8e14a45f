"""The protocols that queries are built from: expressions over plain columns, and frames that run them.

Polars has all of these methods, and the SQL writer (`homes/sql.py`) has the same. The engine uses only `Expr` and
`Frame`; a home has its own classes for them, which type checkers compare with the protocols
(tests/engines/test_homes.py).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import reduce
from typing import Any, Literal, Protocol, Self, TypeVar

__all__ = [
    "Cell",
    "Columns",
    "Expr",
    "Frame",
    "FrameOf",
    "GroupsOf",
    "Row",
    "Scalar",
    "Texts",
    "ThenOf",
    "WhenOf",
    "Words",
    "WordsOf",
    "all_of",
    "any_of",
    "flagged",
    "one_of",
    "only_where",
    "with_named",
]

Scalar = str | int | float | datetime | None  # a constant in an expression
Cell = Any  # a cell of an answer: text, an integer, a float or a list of these, depending on the column
Row = tuple[Cell, ...]
_FEW = 8
Columns = dict[str, Any]  # the columns of an answer: lists, or arrays of NumPy where it is installed

Text = str  # within `Expr`, `str` is the namespace of text functions
E = TypeVar("E")
E_co = TypeVar("E_co", covariant=True)
E_contra = TypeVar("E_contra", contravariant=True)
F_co = TypeVar("F_co", covariant=True)


class Expr(Protocol):  # noqa: PLW1641  # it is never hashed
    """An expression over plain columns."""

    def __add__(self, other: Self, /) -> Self: ...
    def __sub__(self, other: Self, /) -> Self: ...
    def __mul__(self, other: Self, /) -> Self: ...
    def __truediv__(self, other: Self, /) -> Self: ...
    def __floordiv__(self, other: Self, /) -> Self: ...
    def __mod__(self, other: Self, /) -> Self: ...
    def __and__(self, other: Self, /) -> Self: ...
    def __or__(self, other: Self, /) -> Self: ...
    def __invert__(self) -> Self: ...
    def __eq__(self, other: Self, /) -> Self: ...  # type: ignore[override]  # an expression, not a bool
    def __ne__(self, other: Self, /) -> Self: ...  # type: ignore[override]  # an expression, not a bool
    def __lt__(self, other: Self, /) -> Self: ...
    def __le__(self, other: Self, /) -> Self: ...
    def __gt__(self, other: Self, /) -> Self: ...
    def __ge__(self, other: Self, /) -> Self: ...
    def alias(self, name: Text, /) -> Self:
        """The expression under another name."""

    def cast(self, dtype: Any, /) -> Self:  # one of the types of `Words`; each library has its own class of types
        """The value as another type."""

    def is_null(self) -> Self:
        """Whether the value is missing."""

    def is_nan(self) -> Self:
        """Whether a float is NaN; NULL for NULL."""

    def is_finite(self) -> Self:
        """Whether a float is neither NaN nor infinite; NULL for NULL."""

    def is_in(self, options: Collection[Scalar], /) -> Self:
        """Whether the value is one of these; NULL for NULL."""

    def round(self, digits: int, /) -> Self:
        """A number rounded to this many digits."""

    def fill_null(self, value: Scalar) -> Self:
        """The value, or another in place of NULL."""

    def count(self) -> Self:
        """The number of values, without NULL."""

    def sum(self) -> Self:
        """The sum of a group."""

    def min(self) -> Self:
        """The smallest value of a group."""

    def max(self) -> Self:
        """The largest value of a group."""

    def n_unique(self) -> Self:
        """The number of distinct values of a group; NULL, if there is any, counts as one more."""

    def over(self, *names: Text) -> Self:
        """An aggregate as a window function: repeated in each row of its group."""

    @property
    def str(self) -> Texts[Self]:
        """The text functions."""


class Texts(Protocol[E_co]):
    """The text functions."""

    def strip_chars(self, characters: Text | None = None, /) -> E_co:
        """A text without blanks, or these characters, at both ends."""

    def to_lowercase(self) -> E_co:
        """A text in lower case."""

    def to_uppercase(self) -> E_co:
        """A text in upper case."""

    def starts_with(self, start: Text, /) -> E_co:
        """Whether a text starts with another."""


class ThenOf(Protocol[E]):
    """The value where a condition holds, before `otherwise` gives the value elsewhere."""

    def otherwise(self, value: E, /) -> E:
        """The value elsewhere."""


class WordsOf(Protocol[E]):
    """The factory of the expressions of a library."""

    @property
    def Int64(self) -> object:  # noqa: N802
        """The type of integers."""

    @property
    def Int128(self) -> object:  # noqa: N802
        """The type of 128-bit integers, on backends that have one."""

    @property
    def Float64(self) -> object:  # noqa: N802
        """The type of floats."""

    @property
    def Boolean(self) -> object:  # noqa: N802
        """The type of true and false."""

    @property
    def String(self) -> object:  # noqa: N802
        """The type of texts."""

    def col(self, name: str, /) -> E:
        """A column by its name."""

    def lit(self, value: Scalar, /) -> E:
        """A constant."""

    def when(self, condition: E, /) -> WhenOf[E]:
        """A value where a condition holds: `when(...).then(...).otherwise(...)`."""

    def len(self) -> E:
        """The number of rows."""

    def coalesce(self, first: E, /, *others: E) -> E:
        """The first value that is not NULL."""


class WhenOf(Protocol[E]):
    """A condition, before its value is given with `then`."""

    def then(self, value: E, /) -> ThenOf[E]:
        """The value where the condition holds."""


class GroupsOf(Protocol[E_contra, F_co]):
    """A frame with the keys to group by, before its aggregates are given with `agg`."""

    def agg(self, *items: E_contra) -> F_co:
        """One row per group, with these aggregates."""


class FrameOf(Protocol[E_contra]):
    """A lazy frame of a library: no row is read before the home collects an answer."""

    def select(self, *items: str | E_contra) -> Self:
        """Only these columns, or one row if they are aggregates."""

    def with_columns(self, *items: E_contra) -> Self:
        """Add these columns, or replace those of the same name."""

    def filter(self, *conditions: E_contra) -> Self:
        """Only the rows in which all conditions hold."""

    def join(self, other: Self, /, *, left_on: str, right_on: str, how: Literal["left"]) -> Self:
        """Join the columns of another frame by a key."""

    def group_by(self, *names: str) -> GroupsOf[E_contra, Self]:
        """One row per group, with `.agg(...)`."""

    def unique(self) -> Self:
        """The distinct rows."""

    def head(self, rows: int, /) -> Self:
        """The first rows."""


Words = WordsOf[Expr]
Frame = FrameOf[Expr]


def only_where(nw: Words, condition: Expr, value: Expr) -> Expr:
    """The value where the condition holds, else NULL."""
    return nw.when(condition).then(value).otherwise(nw.lit(None))


def with_named(frame: Frame, columns: Mapping[str, Expr]) -> Frame:
    """The frame with these columns added under their names."""
    return frame.with_columns(*(source.alias(name) for name, source in columns.items())) if columns else frame


def all_of(conditions: Iterable[Expr]) -> Expr:
    """The conjunction of one or more conditions."""
    return reduce(lambda one, other: one & other, conditions)


def any_of(conditions: Iterable[Expr]) -> Expr:
    """The disjunction of one or more conditions."""
    return reduce(lambda one, other: one | other, conditions)


def one_of(column: Expr, options: Sequence[Scalar]) -> Expr:
    """Whether the value is one of these; NULL for NULL. A few comparisons cost less than a lookup in a set."""
    held: list[Any] = [column == option for option in options]  # expressions, which type checkers take for a bool
    return any_of(held) if 0 < len(held) <= _FEW else column.is_in(options)


def flagged(nw: Words, condition: Expr) -> Expr:
    """1 where the condition holds, else 0."""
    return nw.when(condition).then(nw.lit(1)).otherwise(nw.lit(0))
