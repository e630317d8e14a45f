"""Duplicate ids in a table: the first record of an id counts, and the others are left out.

Lists are searched at each measurement, and files once. Streams, frames and databases are not searched:
`Dataset.check` does that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from crmkpi.definition.expressions import Expression, Field, walk
from crmkpi.engines.query import Anchor, Answer, Query, Slot
from crmkpi.engines.records.marks import own_names, segment_of
from crmkpi.errors import InputError
from crmkpi.records.base import RecordType, record_class, record_type
from crmkpi.sources.account import is_of_line
from crmkpi.sources.loaded import Records

__all__ = ["DUPLICATE", "Contradiction", "Duplicates", "differing", "duplicates_in", "fields_read", "read_of_others"]

DUPLICATE = "duplicate id"


class Duplicates(NamedTuple):
    """A table with duplicate ids: the first record of each id, and the other records.

    `together` has, for each duplicate id, the numbers of the records that share it.
    """

    records: Sequence[Any]
    first: Sequence[Any]
    others: Sequence[Any]
    together: Sequence[Sequence[int]]

    def contradictions(self, query: Query, ask: Callable[[Sequence[Any]], Answer]) -> list[Contradiction]:
        """The duplicate ids whose records differ, by the fields that differ; `ask` runs the query on some records."""
        functions = [
            (key.name, key.source, key.label) for key in query.segments if not isinstance(key.source, Expression)
        ]
        found: dict[frozenset[str], list[Sequence[int]]] = {}
        for numbers in self.together:
            same = [self.records[number] for number in numbers]
            names = differing(query.type_, same)
            for name, function, label in functions:
                if len({segment_of(function, label, record) for record in same}) > 1:
                    names |= {name}
            if names:
                found.setdefault(names, []).append(numbers)
        return [Contradiction(self, names, pairs, query, ask) for names, pairs in found.items()]

    def check_looked_up(self, names: frozenset[str]) -> None:
        """Refuse to read these fields where the records of one id differ in them."""
        type_ = record_type(type(self.records[0]))
        for numbers in self.together:
            differ = names & differing(type_, [self.records[number] for number in numbers])
            if differ:
                raise InputError(f"A lookup in {type_.table} is ambiguous: {self.told(type_, numbers, differ)}.")

    def told(self, type_: RecordType, numbers: Sequence[int], names: Iterable[str]) -> str:
        """An error message: which records of one id differ in these fields, and the way out."""
        records = self.records
        places = [records.place(n) if isinstance(records, Records) else f"record {n + 1}" for n in numbers[:2]]
        more = f" (and {len(numbers) - 2:,} more)" if len(numbers) > 2 else ""
        return (
            f"several {type_.table.replace('_', ' ')} have the id {records[numbers[0]].id!r} and differ in "
            f"{', '.join(sorted(names))}: {' and '.join(places)}{more}; leave one of them"
        )


class Contradiction:
    """One or more duplicate ids whose records differ in the same fields."""

    __slots__ = ("_ask", "_pairs", "_query", "answer", "duplicates", "names")

    def __init__(
        self,
        duplicates: Duplicates,
        names: frozenset[str],
        pairs: Sequence[Sequence[int]],
        query: Query,
        ask: Callable[[Sequence[Any]], Answer],
    ) -> None:
        self.duplicates = duplicates
        self.names = names
        self._pairs = pairs
        self._query = query
        self._ask = ask
        self.answer = self._answer(pairs)

    def read_by(self, anchor: int, slots: Iterable[int]) -> frozenset[str]:
        """Those of the differing fields that these slots of an anchor read."""
        plan = self._query.anchors[anchor]
        return self.names & fields_read(self._query, plan, [plan.slots[number] for number in slots])

    def reason(self, names: Iterable[str], counts: Callable[[Answer], bool]) -> str:
        """The error message for the first duplicate id that has a counted record."""
        pairs = self._pairs
        while len(pairs) > 1:
            half = pairs[: len(pairs) // 2]
            pairs = half if counts(self._answer(half)) else pairs[len(half) :]
        return self.duplicates.told(self._query.type_, pairs[0], names)

    def through(self, change: Callable[[Answer], Answer]) -> Contradiction:
        """The same contradiction, with `change` applied to its answers."""
        ask = self._ask
        return Contradiction(self.duplicates, self.names, self._pairs, self._query, lambda some: change(ask(some)))

    def _answer(self, pairs: Sequence[Sequence[int]]) -> Answer:
        return self._ask([self.duplicates.records[number] for numbers in pairs for number in numbers])


def read_of_others(type_: RecordType, paths: Iterable[tuple[str, ...]]) -> dict[str, frozenset[str]]:
    """The fields that these paths look up in other tables, by table."""
    found: dict[str, frozenset[str]] = {}
    for path in paths:
        here, rest = type_, path
        while len(rest) > 1 and rest[0] in here.relations:
            here, rest = record_type(record_class(here.relations[rest[0]].table)), rest[1:]
            found[here.table] = found.get(here.table, frozenset()) | own_names(here, [rest])
    return found


def duplicates_in(records: Sequence[Any], type_: RecordType) -> Duplicates | None:
    """The records with duplicate ids; None if all ids differ, or are only line numbers.

    >>> from crmkpi import Deal
    >>> from crmkpi.records.base import record_type
    >>> deals = [Deal(id="1", status="won"), Deal(id="2", status="won"), Deal(id="1", status="lost")]
    >>> duplicates_in(deals, record_type(Deal)).together
    [[0, 2]]
    """
    made_by_hand = isinstance(records, list)  # faster than the check for Records
    if "id" not in type_.fields or (not made_by_hand and isinstance(records, Records) and records.account.numbered):
        return None
    try:
        if len({record.id for record in records}) == len(records):
            return None
    except AttributeError:  # an item is not a record, which the engine reports
        return None
    places: dict[Any, list[int]] = {}
    for number, record in enumerate(records):
        if "id" not in getattr(record, "unreadable", ()) and not is_of_line(record.id):
            places.setdefault(record.id, []).append(number)
    together = [numbers for numbers in places.values() if len(numbers) > 1]
    again = {number for numbers in together for number in numbers[1:]}
    if not again:
        return None
    first = [record for number, record in enumerate(records) if number not in again]
    return Duplicates(records, first, [records[number] for number in sorted(again)], together)


def differing(type_: RecordType, records: Sequence[Any]) -> frozenset[str]:
    """The fields in which some records differ; each custom attribute is a field of its own."""
    one, *others = records
    return frozenset(name for other in others if other != one for name in _differing(type_, one, other))


def _differing(type_: RecordType, one: Any, other: Any) -> Iterable[str]:
    for name, known in type_.fields.items():
        mine, theirs = getattr(one, name), getattr(other, name)
        if known.kind == "attributes":
            keys = [key for key in {**mine, **theirs} if mine.get(key) != theirs.get(key)]
            yield from (f"{name}.{key}" for key in keys)
        elif mine != theirs:
            yield name
    lost, gone = getattr(one, "unreadable", {}), getattr(other, "unreadable", {})
    yield from (name for name in {**lost, **gone} if lost.get(name) != gone.get(name))


def fields_read(query: Query, anchor: Anchor, slots: Iterable[Slot]) -> frozenset[str]:
    """The fields of the table's own records that some slots of an anchor read, and the fields it is grouped by."""
    roots = [anchor.at, *(key.source for key in query.segments if isinstance(key.source, Expression))]
    for slot in slots:
        roots += [slot.where, slot.value, slot.key, slot.moment, slot.currency]
    paths = {part.path for root in roots for part in walk(root) if isinstance(part, Field)}
    grouped = {key.name for key in query.segments if not isinstance(key.source, Expression)}
    return own_names(query.type_, paths) | grouped
