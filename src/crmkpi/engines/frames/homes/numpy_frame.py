"""The columns of a pandas frame or an Arrow table as arrays of NumPy, and what is done with whole columns.

Text is kept as numbers of its words, so that it filters, compares and groups as fast as numbers do.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from importlib import import_module
from typing import Any, NamedTuple

from crmkpi.engines.frames.time_buckets import cells_of
from crmkpi.errors import ColumnError

__all__ = [
    "Cells",
    "both_hold",
    "chosen",
    "codes_of",
    "combined",
    "from_arrow",
    "from_pandas",
    "holds",
    "limbs_of",
    "member",
    "negated",
    "np",
    "ranked_words",
    "reached",
    "together",
]

np: Any = import_module("numpy")

_TABLE = 2**20  # numbers so far apart are told from each other by sorting


class Cells(NamedTuple):
    """The values of a column, where they are missing, and of text the words that the values are numbers of.

    Values that are missing are anything. With `squared` the values stand for their squares, which may not fit.
    """

    data: Any
    missing: Any = None
    words: Sequence[Any] | None = None
    squared: bool = False

    def taken(self, rows: Any) -> Cells:
        """The cells at these rows."""
        return self._replace(data=self.data[rows], missing=None if self.missing is None else self.missing[rows])

    def spread(self, size: int) -> Cells:
        """The same, where there is one value for all rows."""
        if np.ndim(self.data) and (self.missing is None or np.ndim(self.missing)):
            return self
        missing = None if self.missing is None else np.broadcast_to(self.missing, size)
        return self._replace(data=np.broadcast_to(self.data, size), missing=missing)

    def listed(self) -> list[Any]:
        """The values as plain ones of Python, None for what is missing."""
        found = self.data.tolist()
        if self.words is not None:
            words = [*self.words, None]  # what is missing has the number -1
            return [words[number] for number in found]
        if self.missing is None:
            return found  # type: ignore[no-any-return]
        return [None if gone else value for value, gone in zip(found, self.missing.tolist(), strict=True)]


def holds(cells: Cells) -> Any:
    """Where a condition is true, and not merely unknown."""
    return cells.data if cells.missing is None else cells.data & ~cells.missing


def negated(cells: Cells) -> Cells:
    """Where a condition is false."""
    return cells._replace(data=np.logical_not(cells.data))


def both_hold(mine: Cells, theirs: Cells) -> Cells:
    """Where both hold: false where either is, unknown where neither is false and one is unknown."""
    if mine.missing is None and theirs.missing is None:
        return Cells(mine.data & theirs.data)
    met, false = holds(mine) & holds(theirs), holds(negated(mine)) | holds(negated(theirs))
    return Cells(met, ~(met | false))


def _gone(*all_: Cells) -> Any:
    """Where any of these is missing."""
    there = [cells.missing for cells in all_ if cells.missing is not None]
    return reduce(operator.or_, there) if there else None


def combined(sign: Callable[[Any, Any], Any], mine: Cells, theirs: Cells) -> Cells:
    """Two values, compared or reckoned with."""
    if theirs.words is not None and mine.words is None:
        return combined(_MIRRORED[sign], theirs, mine)
    gone = _gone(mine, theirs)
    if mine.words is None:
        if isinstance(mine.data, str) != isinstance(theirs.data, str):  # no number is a word
            return Cells(np.full(np.shape(mine.data) or np.shape(theirs.data), sign is operator.ne), gone)
        return Cells(sign(mine.data, theirs.data), gone)
    if theirs.words is None and not np.ndim(theirs.data):
        other = theirs.data if isinstance(theirs.data, str) else theirs.data.item()
        return Cells(_table(sign(word, other) for word in mine.words)[mine.data], gone)
    other_words, numbers = _worded(theirs)
    every = {*mine.words, *other_words}
    place = {word: number for number, word in enumerate(every if sign in _ALIKE else sorted(every))}
    left = np.array([*map(place.get, mine.words), -1])[mine.data]
    right = np.array([*map(place.get, other_words), -1])[numbers]
    return Cells(sign(left, right), gone)


_ALIKE = (operator.eq, operator.ne)
_MIRRORED = {
    operator.eq: operator.eq,
    operator.ne: operator.ne,
    operator.lt: operator.gt,
    operator.gt: operator.lt,
    operator.le: operator.ge,
    operator.ge: operator.le,
}


def _table(flags: Iterable[bool]) -> Any:
    """What holds for the words, by their numbers; for what is missing nothing does."""
    return np.array([*flags, False], dtype=bool)


def _worded(cells: Cells) -> tuple[Sequence[Any], Any]:
    """The words of a column, whatever its values are, and the numbers of these."""
    if cells.words is not None:
        return cells.words, cells.data
    words, numbers = np.unique(cells.data, return_inverse=True)
    return words.tolist(), numbers


def member(cells: Cells, options: Sequence[Any]) -> Cells:
    """Where the value is one of the options."""
    if cells.words is not None:
        wanted = set(options)
        return Cells(_table(word in wanted for word in cells.words)[cells.data], cells.missing)
    found = [cells.data == option for option in options if not isinstance(option, str)]
    return Cells(reduce(operator.or_, found) if found else np.False_, cells.missing)


def chosen(condition: Cells, mine: Cells, theirs: Cells | None) -> Cells:
    """The one value where a condition holds, else the other, or none."""
    met = holds(condition)
    if theirs is None:
        gone = np.logical_not(met)
        data = mine.data if mine.words is None else np.where(met, mine.data, -1)
        return mine._replace(data=data, missing=gone if mine.missing is None else gone | mine.missing)
    values = np.where(met, mine.data, theirs.data)
    if mine.missing is None and theirs.missing is None:
        return Cells(values)
    gone = [np.False_ if cells.missing is None else cells.missing for cells in (mine, theirs)]
    return Cells(values, np.where(met, gone[0], gone[1]))


def reached(numbers: Any, edges: Sequence[int]) -> Any:
    """How many of the increasing edges each number has reached, by the cell that it lies in where there are few."""
    cells = cells_of(edges)
    if cells is None:
        return np.searchsorted(np.array(edges, dtype="int64"), numbers, side="right")
    size, reached = cells
    place = np.clip((numbers - edges[0]) // size, -1, len(reached))  # before the first edge, or from the last on
    return np.array([0, *reached, len(edges)], dtype="int64")[place + 1]


def codes_of(cells: Cells) -> tuple[Any, int]:
    """The values as numbers from 0 on, below the second; 0 is what is missing."""
    if cells.words is not None:
        return cells.data + 1, len(cells.words) + 1
    values, gone = cells.data, cells.missing
    if not len(values):
        return values.astype("int64"), 1
    if values.dtype != float:
        low = int(values.min())
        size = int(values.max()) - low + 2
        if size <= _TABLE:
            made = values - (low - 1) if values.dtype != bool else values.astype("int64") + (1 - low)
            return (made if gone is None else np.where(gone, 0, made)), size
    found, made = np.unique(values, return_inverse=True)
    made = made.reshape(-1) + 1
    return (made if gone is None else np.where(gone, 0, made)), len(found) + 1


def limbs_of(values: Any, bits: int) -> list[Any]:
    """Whole numbers cut into parts of so many bits, the last with the sign."""
    found = []
    while len(values) and max(int(values.max()), -int(values.min())) >= 2**bits:
        found.append(values & (2**bits - 1))
        values = values >> bits
    return [*found, values]


def together(sums: Sequence[tuple[Any, int]]) -> Any:
    """The sums of the parts, each times what it counts for, as whole numbers of any size."""
    if len(sums) == 1:
        return sums[0][0]
    columns = [[int(part) * weight for part in found] for found, weight in sums]
    return np.array([sum(parts) for parts in zip(*columns, strict=True)], dtype=object)


def ranked_words(words: Sequence[Any]) -> tuple[Any, list[Any]]:
    """The place of each word among the sorted ones, and these; what is missing has the last."""
    order = sorted(range(len(words)), key=words.__getitem__)
    rank = np.zeros(len(words) + 1, dtype="int64")
    rank[order] = np.arange(len(words))
    return rank, [words[number] for number in order]


def from_pandas(column: Any) -> Cells:
    """A plain column of pandas."""
    import pandas as pd  # noqa: PLC0415  # only where a pandas frame is given

    kinds, dtype = pd.api.types, column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        numbers, words = column.cat.codes.to_numpy(), dtype.categories
    elif kinds.is_bool_dtype(dtype) or kinds.is_integer_dtype(dtype) or kinds.is_float_dtype(dtype):
        gone = column.isna().to_numpy()
        kind = "bool" if kinds.is_bool_dtype(dtype) else "int64" if kinds.is_integer_dtype(dtype) else "float64"
        if not gone.any():
            return Cells(column.to_numpy(dtype=kind))
        return Cells(column.to_numpy(dtype=kind, na_value=0), gone)
    else:
        try:
            numbers, words = pd.factorize(column)
        except TypeError as error:
            name, value = str(column.name).removeprefix("f_").replace("__", "."), column.dropna().iloc[0]
            raise ColumnError(
                f"The column of {name} must hold one plain value in each row; got {value!r:.40}. Take one out."
            ) from error
    return _of_words(numbers, words.tolist())


def from_arrow(column: Any) -> Cells:
    """A plain column of an Arrow table."""
    import pyarrow as pa  # noqa: PLC0415  # only where an Arrow table is given

    kinds = pa.types
    if kinds.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    gone = column.is_null().to_numpy() if column.null_count else None
    for is_kind, kind in ((kinds.is_boolean, "bool"), (kinds.is_integer, "int64"), (kinds.is_floating, "float64")):
        if is_kind(column.type):
            whole = column if gone is None else column.fill_null(False if kind == "bool" else 0)
            return Cells(whole.to_numpy().astype(kind, copy=False), gone)
    encoded = column.dictionary_encode().unify_dictionaries()
    if not encoded.num_chunks:
        return _of_words(np.zeros(0, dtype="int64"), [])
    numbers = [chunk.indices.fill_null(-1).to_numpy(zero_copy_only=False) for chunk in encoded.chunks]
    return _of_words(np.concatenate(numbers), encoded.chunk(0).dictionary.to_pylist())


def _of_words(numbers: Any, words: Sequence[Any]) -> Cells:
    gone = numbers < 0
    return Cells(numbers.astype("int64"), gone if gone.any() else None, words)
