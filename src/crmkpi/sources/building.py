"""Turn each row of a source into a dict of values, the input of conversion and validation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from itertools import repeat
from operator import itemgetter
from typing import Any

from crmkpi.records.base import RecordType
from crmkpi.sources.account import id_of_line
from crmkpi.sources.columns import Columns
from crmkpi.sources.grid import Part, Row

__all__ = ["Builder", "builder"]

_Raw = dict[str, Any]
Builder = Callable[[Part], list[_Raw]]
_EXACT_INTEGERS = 2**53
_WORDED = ("text", "choice")
_MOST_WORDS = 1_000  # distinct cells of a column, beyond which sharing them saves nothing


class _Words:
    """The distinct cells of the column at a position, so that records share the string objects."""

    __slots__ = ("known", "place")

    def __init__(self, place: int) -> None:
        self.place = place
        self.known: dict[Any, Any] = {}


def _with_same_words(columns: list[Sequence[Any]], worded: list[_Words]) -> None:
    """Intern repeated words: a million records hold each status once."""
    for words in worded:
        column = columns[words.place]
        columns[words.place] = list(map(words.known.setdefault, column, column))
    worded[:] = [words for words in worded if len(words.known) <= _MOST_WORDS]


def builder(columns: Columns, kind: RecordType, *, text: bool) -> Builder:
    """A function from a part to one dict of present values per row; a row of another width is a `ValueError`."""
    placed = [(column.position, column.slot) for column in columns.fields] + list(columns.beside)
    placed += [(column.position, column.slot) for column, _ in columns.typed]
    positions = [position for position, _ in placed]
    names = tuple(name for _, name in placed)
    attributes = tuple(name for _, name in columns.attributes)
    pick = None if positions == list(range(columns.width)) else _picker(positions)
    pick_attributes = _picker([position for position, _ in columns.attributes])
    constants = columns.constants
    worded = [
        _Words(place)
        for place, (_, slot) in enumerate(placed)
        if text and slot != "id" and (known := kind.fields.get(slot)) is not None and known.kind in _WORDED
    ]

    def build(part: Part) -> list[_Raw]:
        rows = part.rows
        if not set(map(len, rows)) <= {columns.width}:
            raise ValueError
        picked: Iterable[Row] = rows if pick is None else map(pick, rows)
        raws = _of_texts(names, picked, worded) if text and names else _of_values(names, picked)
        if attributes:
            custom = map(pick_attributes, rows)
            of_rows = _of_texts(attributes, custom, []) if text else _of_values(attributes, custom)
            for raw, found in zip(raws, of_rows, strict=True):
                if found:
                    raw["attributes"] = found if text else {name: _plain(value) for name, value in found.items()}
        if constants:
            for raw in raws:
                raw.update(constants)
        if columns.numbered:
            for raw, line in zip(raws, part.lines(), strict=True):
                raw["id"] = id_of_line(line)
        return raws

    return build


def _picker(positions: Sequence[int]) -> Callable[[Row], Row]:
    if len(positions) > 1:
        return itemgetter(*positions)
    return itemgetter(slice(positions[0], positions[0] + 1) if positions else slice(0))


def _of_texts(names: Sequence[str], rows: Iterable[Row], worded: list[_Words]) -> list[_Raw]:
    """The non-empty cells by name, built column by column, which is faster."""
    columns: list[Sequence[Any]] = list(zip(*rows, strict=True))
    if not columns:
        return []
    size = len(columns[0])
    if size > 1:
        _with_same_words(columns, worded)
    filled = [(name, column) for name, column in zip(names, columns, strict=True) if any(column)]
    if not filled:
        return [{} for _ in range(size)]
    here, cells = zip(*filled, strict=True)
    raws: list[_Raw] = list(map(dict, map(zip, repeat(here), zip(*cells, strict=True))))
    for name, column in filled:
        if "" in column or None in column:
            for raw in raws:
                if not raw[name]:
                    del raw[name]
    return raws


def _of_values(names: Sequence[str], rows: Iterable[Row]) -> list[_Raw]:
    return [{name: cell for name, cell in zip(names, row, strict=True) if cell is not None} for row in rows]


def _plain(value: Any) -> Any:
    """A value as attributes hold it: dates as ISO text, and integers that a float would round as text."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, int) and abs(value) > _EXACT_INTEGERS:
        return f"{value:d}"
    return value
