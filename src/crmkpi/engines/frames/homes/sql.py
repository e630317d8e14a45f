"""Write expressions and frames as SQL, with the methods of `engines/frames/words.py`.

A dialect overrides how names, constants and functions are written. All text of a user is a quoted name or an escaped
constant.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar, Generic, Self, TypeVar

from crmkpi.engines.frames.words import Scalar

__all__ = ["Sql", "SqlFrame", "SqlGroups", "SqlTexts", "SqlWhen", "SqlWords", "Text"]

S = TypeVar("S", bound="Sql")
F = TypeVar("F", bound="SqlFrame")
Text = str  # within `Sql`, `str` is the namespace of text functions


@dataclass(frozen=True, slots=True, eq=False)
class Sql:
    """An expression; `name` is the name of its column, `whole` says that it is an aggregate.

    A CASE has its `branches`, and `last`, the value of ELSE. A `chain` is the operator of an expression that is a chain
    of it; it stays flat, since parsers limit the depth.
    """

    text: Text
    name: Text = ""
    whole: bool = False
    branches: Text = ""
    last: Text = ""
    chain: Text = ""
    joined: ClassVar[Text] = ""  # suffix of a joined subquery, so that it is materialised and gets an index
    real: ClassVar[Text] = "CAST('{!r}' AS DOUBLE PRECISION)"  # a float with all its digits; infinity too
    divided: ClassVar[Text] = "({} / {})"  # a quotient of positive integers, rounded down
    nan: ClassVar[Text] = "isnan({})"
    finite: ClassVar[Text] = "isfinite({})"
    fence: ClassVar[Text] = ""  # suffix of a subquery whose expressions the planner must not inline
    fence_letters: ClassVar[int] = 300  # computing this many characters of expressions again costs as much as a fence

    @staticmethod
    def quoted(name: Text) -> Text:
        """A name as SQL."""
        return '"' + name.replace('"', '""') + '"'

    @classmethod
    def constant(cls, value: Scalar) -> Text:
        """A constant as SQL."""
        if value is None:
            return "NULL"
        if isinstance(value, bool):
            return "TRUE" if value else "FALSE"
        if isinstance(value, int):
            return cls.whole_number(value) if value >= 0 else f"({cls.whole_number(value)})"
        if isinstance(value, float):
            return cls.real_number(value)
        return cls.wall_time(value) if isinstance(value, datetime) else cls.written(value)

    @staticmethod
    def whole_number(value: int) -> Text:
        """An integer as SQL."""
        return Text(value)

    @classmethod
    def real_number(cls, value: float) -> Text:
        """A float as SQL."""
        return cls.real.format(value)

    @staticmethod
    def wall_time(value: datetime) -> Text:
        """A wall-clock time as SQL, in the years 1 to 9999, to the microsecond."""
        return f"TIMESTAMP '{value}'"

    @staticmethod
    def written(value: Text) -> Text:
        """A text as SQL."""
        return "'" + value.replace("'", "''") + "'"

    @classmethod
    def col(cls, name: Text) -> Self:
        """A column."""
        return cls(cls.quoted(name), name)

    @classmethod
    def lit(cls, value: Scalar) -> Self:
        """A constant."""
        return cls(cls.constant(value))

    @classmethod
    def when(cls, condition: Self) -> SqlWhen[Self]:
        """A value where the condition holds: `when(...).then(...).otherwise(...)`."""
        return SqlWhen(cls, condition.text)

    @classmethod
    def said(cls, value: Self | Scalar) -> Text:
        """An expression or a constant as SQL."""
        return value.text if isinstance(value, Sql) else cls.constant(value)

    @classmethod
    def case(cls, branches: Text, last: Text) -> Self:
        """The value of the first branch that holds, else the last one."""
        return cls(f"CASE {branches} ELSE {last} END", branches=branches, last=last)

    def otherwise(self, value: Self | Scalar) -> Self:
        """The value where no condition of a CASE holds."""
        if isinstance(value, Sql) and value.branches:  # nested CASEs would exceed the depth that parsers allow
            return self.case(f"{self.branches} {value.branches}", value.last)
        return self.case(self.branches, self.said(value))

    def alias(self, name: Text) -> Self:
        """The expression under another name."""
        return replace(self, name=name)

    def wrapped(self, before: Text, after: Text = ")", *, whole: bool = False) -> Self:
        """The expression between two pieces of SQL."""
        return type(self)(f"{before}{self.text}{after}", self.name, whole)

    def _with(self, sign: Text, other: Self | Scalar) -> Self:
        own = self.text[:-1] if sign == self.chain else f"({self.text}"
        made = type(self)(f"{own} {sign} {self.said(other)})", self.name)
        return replace(made, chain=sign) if sign in ("AND", "OR") else made

    def __add__(self, other: Self | Scalar) -> Self:
        return self._with("+", other)

    def __sub__(self, other: Self | Scalar) -> Self:
        return self._with("-", other)

    def __mul__(self, other: Self | Scalar) -> Self:
        return self._with("*", other)

    def __truediv__(self, other: Self | Scalar) -> Self:
        return self._with("/", other)

    def __mod__(self, other: Self | Scalar) -> Self:
        return self._with("%", other)

    def __and__(self, other: Self | Scalar) -> Self:
        return self._with("AND", other)

    def __or__(self, other: Self | Scalar) -> Self:
        return self._with("OR", other)

    def __invert__(self) -> Self:
        return self.wrapped("(NOT ")

    def __eq__(self, other: Self | Scalar) -> Self:  # type: ignore[override]  # an expression, not a bool
        return self._with("=", other)

    def __ne__(self, other: Self | Scalar) -> Self:  # type: ignore[override]  # an expression, not a bool
        return self._with("<>", other)

    def __lt__(self, other: Self | Scalar) -> Self:
        return self._with("<", other)

    def __le__(self, other: Self | Scalar) -> Self:
        return self._with("<=", other)

    def __gt__(self, other: Self | Scalar) -> Self:
        return self._with(">", other)

    def __ge__(self, other: Self | Scalar) -> Self:
        return self._with(">=", other)

    __hash__ = object.__hash__

    def is_null(self) -> Self:
        """Whether the value is missing."""
        return self.wrapped("(", " IS NULL)")

    def is_in(self, options: Collection[Scalar]) -> Self:
        """Whether the value is one of these; NULL for NULL."""
        listed = ", ".join(map(self.constant, options))
        return self.wrapped("(", f" IN ({listed}))") if listed else self._with("<>", self)

    def cast(self, dtype: Text) -> Self:
        """The value as another type."""
        return self.wrapped("CAST(", f" AS {dtype})")

    def __floordiv__(self, other: Self | Scalar) -> Self:
        """Integer division by a positive divisor, rounded down; that of SQL rounds towards zero."""
        here, by = self.text, self.said(other)
        below, above = self.divided.format(f"({by} - 1 - {here})", by), self.divided.format(here, by)
        return self.wrapped("CASE WHEN ", f" < 0 THEN -{below} ELSE {above} END")

    def is_nan(self) -> Self:
        """Whether a float is NaN; NULL for NULL."""
        return type(self)(self.nan.format(self.text), self.name)

    def is_finite(self) -> Self:
        """Whether a float is neither NaN nor infinite; NULL for NULL."""
        return type(self)(self.finite.format(self.text), self.name)

    def round(self, digits: int) -> Self:
        """A number rounded to this many digits."""
        return self.wrapped("round(", f", {digits})")

    def fill_null(self, value: Scalar) -> Self:
        """The value, or another in place of NULL."""
        return self.wrapped("coalesce(", f", {self.constant(value)})")

    def count(self) -> Self:
        """The number of values, without NULL."""
        return self.wrapped("count(", whole=True)

    def sum(self) -> Self:
        """The sum of a group."""
        return self.wrapped("sum(", whole=True)

    def min(self) -> Self:
        """The smallest value of a group."""
        return self.wrapped("min(", whole=True)

    def max(self) -> Self:
        """The largest value of a group."""
        return self.wrapped("max(", whole=True)

    def n_unique(self) -> Self:
        """The number of distinct values of a group; NULL, if there is any, counts as one more."""
        missing = f"max(CASE WHEN {self.text} IS NULL THEN 1 ELSE 0 END)"
        return self.wrapped("(count(DISTINCT ", f") + {missing})", whole=True)

    def over(self, *names: Text) -> Self:
        """An aggregate as a window function: repeated in each row of its group."""
        parts = f"PARTITION BY {', '.join(map(self.quoted, names))}" if names else ""
        return self.wrapped("", f" OVER ({parts})")

    @property
    def str(self) -> SqlTexts[Self]:
        """The text functions."""
        return SqlTexts(self)


@dataclass(frozen=True, slots=True)
class SqlWhen(Generic[S]):
    """A condition, before its value is given with `then`."""

    dialect: type[S]
    condition: str

    def then(self, value: S | Scalar) -> S:
        """The value where the condition holds, else NULL."""
        said = self.dialect.said
        return self.dialect.case(f"WHEN {self.condition} THEN {said(value)}", said(None))


@dataclass(frozen=True, slots=True)
class SqlTexts(Generic[S]):
    """The text functions."""

    source: S

    def strip_chars(self, characters: str | None = None) -> S:
        """A text without spaces at its ends, and without any of these characters, wherever they are.

        Few dialects strip other characters than spaces from the ends of a text.
        """
        made = self.source
        for letter in (characters or "").replace(" ", ""):
            made = made.wrapped("replace(", f", {made.constant(letter)}, '')")
        return made.wrapped("trim(")

    def to_lowercase(self) -> S:
        """A text in lower case."""
        return self.source.wrapped("lower(")

    def to_uppercase(self) -> S:
        """A text in upper case."""
        return self.source.wrapped("upper(")

    def starts_with(self, start: str) -> S:
        """Whether a text starts with another."""
        return self.source.wrapped("(substr(", f", 1, {len(start)}) = {self.source.constant(start)})")


class SqlWords(Generic[S]):
    """The factory of expressions of a dialect, with the names of its types."""

    def __init__(
        self,
        dialect: type[S],
        *,
        Int64: str,  # noqa: N803  # as in Polars
        Float64: str,  # noqa: N803
        Boolean: str,  # noqa: N803
        String: str,  # noqa: N803
        Int128: str = "",  # noqa: N803  # empty if the dialect has none
    ) -> None:
        self.dialect = dialect
        self.col, self.lit, self.when = dialect.col, dialect.lit, dialect.when
        self.Int64, self.Int128, self.Float64 = Int64, Int128, Float64
        self.Boolean, self.String = Boolean, String

    def coalesce(self, first: S, /, *others: S) -> S:
        """The first value that is not NULL."""
        return self.dialect(f"coalesce({', '.join(part.text for part in (first, *others))})")

    def len(self) -> S:
        """The number of rows."""
        return self.dialect("count(*)", "len", whole=True)


@dataclass(frozen=True, slots=True, eq=False)
class SqlFrame(ABC):
    """A query as one SQL statement that each method extends; `source` is the text after FROM."""

    source: str
    columns: tuple[str, ...]

    @property
    @abstractmethod
    def dialect(self) -> type[Sql]:
        """The class of its expressions."""

    @property
    def statement(self) -> str:
        """The text of the statement."""
        return self.source.removeprefix("(").removesuffix(")")

    def written(self, text: str, columns: Iterable[str] = ()) -> Self:
        """The rows of a statement over `source`, with these columns."""
        return replace(self, source=f"({text})", columns=tuple(columns))

    def select(self, *items: str | Sql) -> Self:
        """Only these columns, or one row if they are aggregates."""
        chosen = self.chosen(items)
        return self.written(f"SELECT {self.listed(chosen)}\nFROM {self.source}", [item.name for item in chosen])

    def chosen(self, items: Iterable[str | Sql]) -> list[Sql]:
        """The expressions of columns given by name, and the given expressions."""
        return [self.dialect.col(item) if isinstance(item, str) else item for item in items]

    def with_columns(self, *items: Sql) -> Self:
        """Add these columns, or replace those of the same name."""
        made = [item.over() if item.whole else item for item in items]
        names = {item.name for item in made}
        return self.select(*(name for name in self.columns if name not in names), *made)

    def filter(self, *conditions: Sql) -> Self:
        """Only the rows in which all conditions hold."""
        met = " AND ".join(condition.text for condition in conditions)
        return self.written(f"SELECT * FROM {self.source}\nWHERE {met}", self.columns)  # noqa: S608  # names are quoted

    def head(self, rows: int) -> Self:
        """The first rows."""
        return self.written(f"SELECT * FROM {self.source} LIMIT {rows}", self.columns)  # noqa: S608  # names are quoted

    def join(self, right: Self, *, left_on: str, right_on: str, how: str) -> Self:
        """Join the columns of another frame by a key."""
        quoted = self.dialect.quoted
        further = [name for name in right.columns if name != right_on]
        listed = ", ".join(
            f"{side}.{quoted(name)} AS {quoted(name)}"
            for side, names in (("l", self.columns), ("r", further))
            for name in names
        )
        text = (
            f"SELECT {listed} FROM {self.source} AS l {how.upper()} JOIN {right.source} AS r "  # noqa: S608  # names are quoted
            f"ON l.{quoted(left_on)} = r.{quoted(right_on)}"
        )
        return self.beside(right).written(text, (*self.columns, *further))

    def beside(self, other: Self) -> Self:  # noqa: ARG002  # subclasses whose statement names its frames collect them
        """The frame, in a form whose statement can also read the other frame."""
        return self

    def unique(self) -> Self:
        """The distinct rows."""
        listed = ", ".join(map(self.dialect.quoted, self.columns))
        return self.written(f"SELECT DISTINCT {listed} FROM {self.source}", self.columns)  # noqa: S608  # names are quoted

    def computed_for(self, items: Sequence[Sql]) -> Self:  # noqa: ARG002  # most planners compute a column once
        """The frame with its columns materialised, if these expressions would compute them too often."""
        return self

    def group_by(self, *names: str) -> SqlGroups[Self]:
        """One row per group, with `.agg(...)`."""
        return SqlGroups(self, names)

    def listed(self, items: Sequence[Sql]) -> str:
        """The SELECT list of these columns."""
        return ", ".join(f"{item.text} AS {self.dialect.quoted(item.name)}" for item in items)


@dataclass(frozen=True, slots=True)
class SqlGroups(Generic[F]):
    """A frame with the keys to group by, before its aggregates are given with `agg`."""

    frame: F
    names: tuple[str, ...]

    def agg(self, *items: Sql) -> F:
        """One row per group, with these aggregates."""
        chosen = [*map(self.frame.dialect.col, self.names), *items]
        frame = self.frame.computed_for(chosen)
        keys = ", ".join(map(frame.dialect.quoted, self.names))
        text = f"SELECT {frame.listed(chosen)}\nFROM {frame.source}\nGROUP BY {keys}"
        return frame.written(text, [item.name for item in chosen])
