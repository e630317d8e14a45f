"""pandas and PyArrow, asked with NumPy: a pass over their columns, kept as arrays, is a few loops in C.

Sums are exact: whole numbers are added in as few parts as are known to stay exact.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property, reduce
from types import SimpleNamespace
from typing import Any, NamedTuple, Self

from crmkpi.engines.frames.backends import Backend
from crmkpi.engines.frames.homes.numpy_frame import (
    Cells,
    both_hold,
    chosen,
    codes_of,
    combined,
    from_arrow,
    from_pandas,
    holds,
    limbs_of,
    member,
    negated,
    np,
    ranked_words,
    reached,
    together,
)

__all__ = ["WORDS", "Array", "Arrays", "Grouped", "Groups"]

_FLOAT, _WHOLE = 52, 62  # bits of a sum that a float holds exactly, and a whole number
_TABLE = 2**20  # so many codes are looked up in a table, and more are sorted


class Array:
    """An expression over the columns of `Arrays`, in the words in which the engine asks."""

    __slots__ = ("cells", "name", "total")

    def __init__(
        self, cells: Callable[[Arrays], Cells], name: str = "", total: Callable[..., Any] | None = None
    ) -> None:
        """`total` gives the values of all groups, where the expression adds rows up."""
        self.cells = cells
        self.name = name
        self.total = total

    @classmethod
    def col(cls, name: str) -> Array:
        """A column."""
        return cls(lambda frame: frame.column(name), name)

    @classmethod
    def lit(cls, value: Any) -> Array:
        """A constant."""
        cells = Cells(value if isinstance(value, str) else np.array(value))
        return cls(lambda _: cells)

    def alias(self, name: str) -> Array:
        """The same under another name."""
        return Array(self.cells, name, self.total)

    def _with(self, sign: Callable[[Any, Any], Any], other: Any) -> Array:
        theirs = other if isinstance(other, Array) else Array.lit(other)
        return Array(lambda frame: combined(sign, self.cells(frame), theirs.cells(frame)), self.name)

    def __add__(self, other: Any) -> Array:
        return self._with(operator.add, other)

    def __sub__(self, other: Any) -> Array:
        return self._with(operator.sub, other)

    def __mul__(self, other: Any) -> Array:
        return self._with(operator.mul, other)

    def __truediv__(self, other: Any) -> Array:
        return self._with(operator.truediv, other)

    def __floordiv__(self, other: Any) -> Array:
        return self._with(operator.floordiv, other)

    def __eq__(self, other: object) -> Any:
        return self._with(operator.eq, other)

    def __ne__(self, other: object) -> Any:
        return self._with(operator.ne, other)

    def __lt__(self, other: Any) -> Array:
        return self._with(operator.lt, other)

    def __le__(self, other: Any) -> Array:
        return self._with(operator.le, other)

    def __gt__(self, other: Any) -> Array:
        return self._with(operator.gt, other)

    def __ge__(self, other: Any) -> Array:
        return self._with(operator.ge, other)

    __hash__ = object.__hash__

    def __and__(self, other: Array) -> Array:
        return Array(lambda frame: both_hold(self.cells(frame), other.cells(frame)))

    def __or__(self, other: Array) -> Array:
        return Array(lambda frame: negated(both_hold(negated(self.cells(frame)), negated(other.cells(frame)))))

    def __invert__(self) -> Array:
        return Array(lambda frame: negated(self.cells(frame)))

    def is_null(self) -> Array:
        """Whether the value is missing."""
        return Array(lambda frame: Cells(np.False_ if (gone := self.cells(frame).missing) is None else gone))

    def is_in(self, options: Iterable[Any]) -> Array:
        """Whether the value is one of these; missing where it is."""
        listed = list(options)
        return Array(lambda frame: member(self.cells(frame), listed))

    def cast(self, type_: str) -> Array:
        """The value as another type."""
        return Array(lambda frame: (made := self.cells(frame))._replace(data=made.data.astype(type_)))

    def stepped(self, edges: Sequence[int]) -> Array:
        """How many of the increasing edges a number has reached."""
        return Array(lambda frame: (made := self.cells(frame))._replace(data=reached(made.data, edges)))

    def squared(self) -> Array:
        """The square of a whole number, to be added up."""
        return Array(lambda frame: self.cells(frame)._replace(squared=True))

    def _adding(self, total: Callable[[Groups, Cells], Cells]) -> Array:
        return Array(self.cells, self.name, lambda groups: total(groups, self.cells(groups.frame)))

    def sum(self) -> Array:
        """The exact sum of each group."""
        return self._adding(Groups.sum)

    def min(self) -> Array:
        """The smallest value of each group."""
        return self._adding(Groups.min)

    def max(self) -> Array:
        """The largest value of each group."""
        return self._adding(Groups.max)

    def n_unique(self) -> Array:
        """How many different values each group has; all missing ones count as one more."""
        return self._adding(Groups.different)

    def over(self, *names: str) -> Array:
        """What adds the rows of a group up, beside each of them."""
        total = self.total
        assert total is not None

        def beside(frame: Arrays) -> Cells:
            groups = Groups(frame, names)
            return total(groups).taken(groups.codes)  # type: ignore[no-any-return]

        return Array(beside, self.name)


class _When(NamedTuple):
    condition: Array

    def then(self, value: Any) -> _Then:
        return _Then(self.condition, value if isinstance(value, Array) else Array.lit(value))


class _Then(Array):
    """The value where a condition holds, missing elsewhere."""

    __slots__ = ("condition", "value")

    def __init__(self, condition: Array, value: Array) -> None:
        super().__init__(lambda frame: chosen(condition.cells(frame), value.cells(frame), None))
        self.condition = condition
        self.value = value

    def otherwise(self, value: Array) -> Array:
        """The value where the condition does not hold."""
        return Array(lambda frame: chosen(self.condition.cells(frame), self.value.cells(frame), value.cells(frame)))


WORDS = SimpleNamespace(
    col=Array.col,
    lit=Array.lit,
    when=_When,
    len=lambda: Array(lambda _: Cells(np.True_), "len", lambda groups: Cells(groups.counts)),
    Float64="float64",
    Int64="int64",
)


@dataclass(frozen=True, slots=True)
class Arrays:
    """A frame as arrays: columns that are there, and the rows of a larger one that it takes further ones from."""

    size: int
    columns: dict[str, Cells]
    whole: Arrays | None = None
    rows: Any = None
    read: Callable[[str], Cells] | None = None

    @classmethod
    def of(cls, backend: Backend, frame: Any) -> Self:
        """A frame of pandas or PyArrow, whose columns are read when they are asked for."""
        if backend.name == "pandas":
            return cls(len(frame), {}, read=cache(lambda name: from_pandas(frame[name])))
        return cls(frame.num_rows, {}, read=cache(lambda name: from_arrow(frame.column(name))))

    def column(self, name: str) -> Cells:
        """A column of it."""
        if name not in self.columns:
            if self.read is not None:
                self.columns[name] = self.read(name)
            else:
                assert self.whole is not None
                self.columns[name] = self.whole.column(name).taken(self.rows)
        return self.columns[name]

    def with_columns(self, *items: Array) -> Arrays:
        """The same with further columns."""
        return replace(self, columns=self.columns | self._made(items))

    def select(self, *items: str | Array) -> Arrays:
        """Only these columns, or one row where they add rows up."""
        wanted = [Array.col(item) if isinstance(item, str) else item for item in items]
        if any(item.total is not None for item in wanted):
            return Grouped(self, ()).agg(*wanted)
        return Arrays(self.size, self._made(wanted))

    def _made(self, items: Sequence[Array]) -> dict[str, Cells]:
        with np.errstate(all="ignore"):  # of values that are missing
            return {item.name: item.cells(self).spread(self.size) for item in items}

    def filter(self, *conditions: Array) -> Arrays:
        """Only the rows in which all conditions hold."""
        with np.errstate(all="ignore"):
            met = reduce(both_hold, (condition.cells(self) for condition in conditions)).spread(self.size)
        rows = np.flatnonzero(holds(met))
        if self.whole is None:
            return Arrays(len(rows), {}, self, rows)
        own = {name: cells for name, cells in self.columns.items() if name not in self.whole.columns}
        return Arrays(len(rows), {name: cells.taken(rows) for name, cells in own.items()}, self.whole, self.rows[rows])

    def unique(self) -> Arrays:
        """Each different row once."""
        groups = Groups(self, tuple(self.columns))
        return Arrays(groups.size, {name: cells.taken(groups.first) for name, cells in self.columns.items()})

    def group_by(self, *names: str) -> Grouped:
        """One row for each group, with `.agg(...)`."""
        return Grouped(self, names)

    def plain_rows(self) -> list[tuple[Any, ...]]:
        """The rows as plain values of Python."""
        return list(zip(*(cells.listed() for cells in self.columns.values()), strict=True))

    def sorted_values(self, keys: Sequence[str], name: str) -> list[tuple[tuple[Any, ...], list[Any]]]:
        """The sorted values of each group that has any."""
        there = self.filter(~Array.col(name).is_null())
        groups, cells = Groups(there, keys), there.column(name)
        if not there.size:
            return []
        rows = zip(*(there.column(key).taken(groups.first).listed() for key in keys), strict=True)
        names = list(rows) if keys else [()] * groups.size
        parts = np.split(cells.data[groups.order], groups.starts[1:])
        if cells.words is not None:
            return [(key, sorted(cells._replace(data=part).listed())) for key, part in zip(names, parts, strict=True)]
        return [(key, np.sort(part)) for key, part in zip(names, parts, strict=True)]


@dataclass(frozen=True, slots=True)
class Grouped:
    """A frame that is to have one row for each group."""

    frame: Arrays
    names: tuple[str, ...]

    def agg(self, *items: Array) -> Arrays:
        """The groups with what is asked of each."""
        groups = Groups(self.frame, self.names)
        keys = {name: self.frame.column(name).taken(groups.first) for name in self.names}
        with np.errstate(all="ignore"):
            made = {item.name: item.total(groups) for item in items if item.total is not None}
        return Arrays(groups.size, keys | made)


class Groups:
    """Which group each row is in."""

    def __init__(self, frame: Arrays, names: Sequence[str]) -> None:
        self.frame = frame
        size, codes = 1, np.zeros(frame.size, dtype="int64")
        for name in names:
            own, radix = codes_of(frame.column(name))
            if size * radix > 2**62:
                _, codes = np.unique(codes, return_inverse=True)
                size = frame.size
            codes, size = codes * radix + own, size * radix
        if size <= max(_TABLE, frame.size):
            counts = np.bincount(codes, minlength=size)
            found = np.flatnonzero(counts)
            place = np.zeros(size, dtype="int64")
            place[found] = np.arange(len(found))
            self.codes, self.counts = place[codes], counts[found]
        else:
            _, self.codes, self.counts = np.unique(codes, return_inverse=True, return_counts=True)
        if not names and not frame.size:
            self.counts = np.zeros(1, dtype="int64")  # the whole is one group, even of nothing
        self.size = len(self.counts)

    @cached_property
    def first(self) -> Any:
        """A row of each group."""
        found = np.zeros(self.size, dtype="int64")
        found[self.codes] = np.arange(self.frame.size)
        return found

    @cached_property
    def order(self) -> Any:
        """The rows, group by group."""
        small = self.size < 2**16
        return np.argsort(self.codes.astype("uint16") if small else self.codes, kind="stable")

    @cached_property
    def starts(self) -> Any:
        """Where each group begins among them."""
        return np.concatenate([[0], np.cumsum(self.counts)[:-1]])

    def _added(self, values: Any) -> Any:
        """The sum of each group, exact as long as it stays below so many bits."""
        if self.size == 1:
            return values.sum(dtype="int64").reshape(1)
        return np.bincount(self.codes, weights=values, minlength=self.size).astype("int64")

    def sum(self, cells: Cells) -> Cells:
        """The exact sum of each group, 0 of nothing."""
        if cells.data.dtype == bool:
            return Cells(self._added(holds(cells)))
        values = cells.data if cells.missing is None else np.where(cells.missing, 0, cells.data)
        most = int(max(self.counts, default=0)).bit_length()
        bits = ((_WHOLE if self.size == 1 else _FLOAT) - most) // (2 if cells.squared else 1)
        limbs = limbs_of(values, bits)
        if not cells.squared:
            return Cells(together([(self._added(limb), 1 << number * bits) for number, limb in enumerate(limbs)]))
        products = [
            (self._added(limbs[one] * limbs[other]), (1 if one == other else 2) << (one + other) * bits)
            for one in range(len(limbs))
            for other in range(one, len(limbs))
        ]
        return Cells(together(products))

    def min(self, cells: Cells) -> Cells:
        """The smallest value of each group."""
        return self._extreme(cells, np.minimum)

    def max(self, cells: Cells) -> Cells:
        """The largest value of each group."""
        return self._extreme(cells, np.maximum)

    def _extreme(self, cells: Cells, word: Any) -> Cells:
        if cells.words is not None:
            rank, words = ranked_words(cells.words)
            found = self._extreme(Cells(rank[cells.data], cells.missing), word)
            return found._replace(data=np.where(found.missing, -1, found.data), words=words)
        there = cells.data if cells.missing is None else cells.data[~cells.missing]
        if not len(there):
            return Cells(np.zeros(self.size, dtype=cells.data.dtype), np.ones(self.size, dtype=bool))
        other = there.max() if word is np.minimum else there.min()  # what is missing decides nowhere
        values = cells.data if cells.missing is None else np.where(cells.missing, other, cells.data)
        gone = np.zeros(self.size, dtype=bool)
        if cells.missing is not None:
            gone = np.bincount(self.codes[~cells.missing], minlength=self.size) == 0
        found = word.reduceat(values[self.order], self.starts)
        return Cells(found, gone)

    def different(self, cells: Cells) -> Cells:
        """How many different values each group has."""
        own, radix = codes_of(cells)
        return Cells(np.bincount(np.unique(self.codes * radix + own) // radix, minlength=self.size))
