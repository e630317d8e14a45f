"""The contract of an engine: a query, and its answer.

A `Query` is one pass over one table: its group keys, and for each anchor (the timestamp that assigns a record to a
period) the slots to fill. An `Answer` holds one row of sufficient statistics per group. Answers of two parts of the
data merge into exactly the answer of the whole; chunks of a stream, shards and days are combined this way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Context, Decimal, Inexact, localcontext
from enum import Enum
from operator import add, mul
from typing import Any, Literal, NamedTuple, Protocol, TypeVar

from crmkpi.definition.expressions import Expression, Field, ValueKind, walk
from crmkpi.errors import InputError
from crmkpi.records.base import RecordType

__all__ = [
    "EXACT",
    "MICROSECOND",
    "NO_DATE",
    "UNREADABLE",
    "Anchor",
    "Answer",
    "Group",
    "Keep",
    "Label",
    "Moments",
    "Number",
    "Part",
    "Query",
    "Ranked",
    "Record",
    "RecordFunction",
    "Sample",
    "SegmentKey",
    "Slot",
    "State",
    "UnreadableFoundError",
    "Value",
    "empty_state",
    "merged_state",
    "padded",
    "quotient",
    "with_care",
    "without_unreadable",
]

# Sums and squares are added without rounding, so that the order of the records never changes a result.
# Large enough for the square of any float; a number that needs more digits than this is not a measurement.
EXACT = Context(prec=4000, Emax=9999, Emin=-9999, traps=[Inexact], clamp=0)

# Division, the one operation on money that rounds, always rounds in the same way.
_QUOTIENT = Context(prec=28)


_FOR_EVER = datetime.max.replace(tzinfo=UTC)


class _Unreadable(Enum):
    """The group of records whose segment cannot be read."""

    UNREADABLE = "unreadable"


UNREADABLE = _Unreadable.UNREADABLE
NO_DATE = -1  # the part of records whose anchor is missing: in no period, but in all data

Keep = Literal["total", "squares", "values", "all", "extremes"]  # "all": every value, and not only those at some ranks
Part = int | None  # an elementary interval, NO_DATE, or None if the query has no periods
Group = tuple[tuple[Hashable, ...], Part]
K = TypeVar("K")
V = TypeVar("V")
MICROSECOND = timedelta(microseconds=1)
Number = Any  # a whole number, a decimal or a fraction; all numbers of a sample have one type
# A count, a set of different values, the latest record's (moment, id, value), samples by currency; or a mapping of keys
# to one of these. The slot determines which of them, and no static type can.
State = Any
Value = Any  # of a field or an expression; its kind determines the type
RecordFunction = Callable[[Any], Hashable]  # a segment function that a user writes
Label = Callable[[Value], Hashable]


class Record(Protocol):
    """A record of any class; its `RecordType` lists its fields."""

    @property
    def id(self) -> str:
        """The identifier, unique within its table."""


class UnreadableFoundError(Exception):
    """The query reads a field that is unexpectedly unreadable in some record: plan and run it again."""


class SegmentKey(NamedTuple):
    """A key to group by: a field, of the record or a related one, or a function of the record; optionally in bins."""

    name: str
    source: Expression | RecordFunction
    label: Label | None = None  # from a value of the source to the label of its bin

    @property
    def text(self) -> str:
        """The identity of the key in the cache of compiled queries."""
        source = repr(self.source) if isinstance(self.source, Expression) else id(self.source)
        return f"{source} {id(self.label) if self.label is not None else ''}"


@dataclass(slots=True, eq=False)
class Slot:
    """One aggregate to keep per group: the count, or a state of the values, of records that meet a condition.

    `key` keeps it per value of a key (one row per customer first); `currency` keeps amounts by currency.

    `where` is the condition for records whose queried fields are all readable, and `careful`, which handles unreadable
    fields, the condition for all others. A slot that counts only such records is `only_unreadable`.
    """

    what: Literal["count", "values", "distinct", "latest"]
    where: Expression | None
    value: Expression | None = None
    key: Expression | None = None
    moment: Expression | None = None
    currency: Field | None = None
    keep: set[Keep] = field(default_factory=set)
    fractions: set[float] = field(default_factory=set)  # the quantiles for which values are kept
    careful: Expression | None = None
    only_unreadable: bool = False

    @property
    def text(self) -> str:
        """The identity of the slot: slots with the same text are one."""
        if self.careful is not None:
            return f"{self._text} or {self.careful!r} {self.only_unreadable}"
        return self._text

    @property
    def _text(self) -> str:
        return f"{self.what} {self.value!r} where {self.where!r} per {self.key!r} by {self.moment!r}"

    @property
    def kind(self) -> ValueKind:
        """The kind of the values that the slot keeps."""
        return "integer" if self.value is None else self.value.kind


@dataclass(slots=True, eq=False)
class Anchor:
    """The slots of all measures that assign records to periods by the same timestamp.

    `at` is None for a query over the whole table; a stock tests every record at the bounds of every period.
    """

    at: Expression | None
    stock: bool
    slots: list[Slot] = field(default_factory=list)
    numbers: dict[str, int] = field(default_factory=dict)

    def add(self, slot: Slot) -> int:
        """Add a slot and return its number; an equal slot is shared."""
        number = self.numbers.setdefault(slot.text, len(self.slots))
        if number == len(self.slots):
            self.slots.append(slot)
        else:
            self.slots[number].keep |= slot.keep
            self.slots[number].fractions |= slot.fractions
        return number


@dataclass(slots=True, eq=False)
class Query:
    """One pass over one table."""

    type_: RecordType
    segments: tuple[SegmentKey, ...]
    anchors: list[Anchor] = field(default_factory=list)
    compiled: dict[object, Any] = field(default_factory=dict)  # the engine's cache of compiled forms
    unreadable: frozenset[str] = frozenset()  # fields of the table that may be unreadable, as dotted paths
    _fields: tuple[tuple[int, ...], dict[tuple[str, ...], Field]] | None = field(default=None, init=False)

    def anchor(self, at: Expression | None, *, stock: bool) -> int:
        """The number of the anchor with that timestamp; added at the first request."""
        for number, anchor in enumerate(self.anchors):
            if anchor.stock == stock and repr(anchor.at) == repr(at):
                return number
        self.anchors.append(Anchor(at, stock))
        return len(self.anchors) - 1

    @property
    def expressions(self) -> list[Expression | None]:
        """All expressions of the query."""
        keys = [key.source for key in self.segments if isinstance(key.source, Expression)]
        slots = [slot for anchor in self.anchors for slot in anchor.slots]
        parts = [part for slot in slots for part in (slot.where, slot.value, slot.key, slot.moment, slot.currency)]
        return [*keys, *(anchor.at for anchor in self.anchors), *parts]

    @property
    def fields(self) -> dict[tuple[str, ...], Field]:
        """All fields that the query reads, of the table's records and of related records, by their path."""
        size = tuple(len(anchor.slots) for anchor in self.anchors)
        if self._fields is None or self._fields[0] != size:  # cached, as a query only grows
            parts = (part for root in self.expressions for part in walk(root))
            self._fields = size, {part.path: part for part in parts if isinstance(part, Field)}
        return self._fields[1]

    @property
    def text(self) -> str:
        """The identity of the query: queries with the same text compile to the same loop."""
        anchors = [
            (repr(anchor.at), anchor.stock, [(slot.text, sorted(slot.keep)) for slot in anchor.slots])
            for anchor in self.anchors
        ]
        return f"{self.type_.model!r} {[key.text for key in self.segments]} {anchors}"


class Moments(NamedTuple):
    """The instants of a query: elementary intervals for flows, bounds for stocks, and the as-of instant.

    Each is given twice, as wall-clock time (for naive timestamps) and as exact instant (for aware ones), since only a
    record shows which of the two it holds. `edges[i]` to `edges[i + 1]` is elementary interval i, if `wanted[i]`.
    `dated` means that every period has dates, so that records without a date are in none of them and are only counted.
    """

    wall_edges: Sequence[datetime] = ()
    edges: Sequence[datetime] = ()
    wanted: Sequence[bool] = ()
    bounds: Sequence[tuple[datetime, datetime, datetime, datetime]] = ()  # start_wall, start, end_wall, end
    as_of_wall: datetime = datetime.max  # noqa: DTZ901  # a wall clock
    as_of: datetime = _FOR_EVER
    dated: bool = False

    @property
    def looked_at(self) -> Sequence[tuple[datetime, datetime, datetime, datetime]]:
        """The bounds, no later than the as-of instant: later events have not happened."""
        wall, exact = self.as_of_wall, self.as_of
        return [
            (min(start_wall, wall), min(start, exact), min(end_wall, wall), min(end, exact))
            for start_wall, start, end_wall, end in self.bounds
        ]


@dataclass(slots=True)
class Sample:
    """Sufficient statistics of a set of values: count, exact sum, sum of squares, and the sorted values on demand.

    Durations are kept in whole microseconds and floats as their exact decimals: nothing rounds.
    """

    count: int = 0
    total: Number = 0
    squares: Number = 0
    values: Sequence[Number] = ()
    low: Number | date | None = None
    high: Number | date | None = None

    @classmethod
    def of(cls, values: Sequence[Value], kind: ValueKind, keep: Iterable[Keep]) -> Sample:
        """The sample of `values`, which are all present and of one kind."""
        if not values:
            return cls()
        if kind in ("timestamp", "date"):  # only the first and the last are needed
            return cls(len(values), low=min(values), high=max(values))
        exact = _exact(values, kind)
        sample = cls(len(exact), sum(exact))
        if "squares" in keep:
            sample.squares = sum(map(mul, exact, exact))
        if "values" in keep:
            sample.values = sorted(exact)
        if "extremes" in keep:
            sample.low, sample.high = min(exact), max(exact)
        return sample

    def merged(self, other: Sample) -> Sample:
        """The sample of both sets of values together."""
        lows = [low for low in (self.low, other.low) if low is not None]
        highs = [high for high in (self.high, other.high) if high is not None]
        return Sample(
            self.count + other.count,
            self.total + other.total,
            self.squares + other.squares,
            sorted([*self.values, *other.values]) or (),
            min(lows) if lows else None,
            max(highs) if highs else None,
        )


class Ranked(Sequence[Number]):
    """Sorted values of which only those are fetched that quantiles and their intervals need."""

    __slots__ = ("_count", "_known")

    def __init__(self, count: int, known: Mapping[int, Number]) -> None:
        """A sequence of `count` values; `known` has those that were fetched, by position."""
        self._count = count
        self._known = known

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, place: int) -> Number:  # type: ignore[override]  # nobody takes slices
        return self._known[place]


@dataclass(slots=True)
class Answer:
    """An engine's answer: for each anchor and group one state per slot, and the number of records of each segment.

    A state is a number for a count, a set for distinct values, the latest record's facts, or a sample per currency
    (None for values other than money); for a slot with a key, a mapping of keys to such states.
    """

    given: dict[tuple[Hashable, ...], int]
    groups: list[dict[Group, list[State]]]
    rejected: int = 0  # rows that could not be read, or that the record class would refuse
    unread: Mapping[str, int] = field(default_factory=dict)  # the rejected rows for which the reader gave a reason
    skipped: Mapping[str, int] = field(default_factory=dict)  # rows of the source that are not records, by reason
    again: Answer | None = None  # the answer for records left out as duplicate ids
    contradictions: Sequence[Any] = ()  # objects of `measuring`: duplicate ids whose records differ
    searched: bool = False  # whether the table was searched for duplicate ids
    ask: Callable[[Any], Answer] | None = None  # runs the query on other records of a list or file

    def merged(self, other: Answer, query: Query) -> Answer:
        """The answer to `query` over both parts of the data."""
        given = _merged_mapping(self.given, other.given, add)
        with localcontext(EXACT):
            groups = [
                _merged_groups(mine, theirs, anchor.slots)
                for mine, theirs, anchor in zip(self.groups, other.groups, query.anchors, strict=True)
            ]
        unread = dict(Counter(self.unread) + Counter(other.unread))
        skipped = dict(Counter(self.skipped) + Counter(other.skipped))
        return Answer(given, groups, self.rejected + other.rejected, unread, skipped)


def with_care(query: Query) -> Query:
    """The query with the `careful` conditions, which handle unreadable fields, for all records."""

    def careful(slot: Slot) -> Slot:
        where = slot.where if slot.careful is None else slot.careful
        return replace(slot, where=where, careful=None, only_unreadable=False)

    return _with_slots(query, lambda slots: [careful(slot) for slot in slots])


def without_unreadable(query: Query) -> Query:
    """The query for a table without unreadable fields."""
    if not any(slot.only_unreadable for anchor in query.anchors for slot in anchor.slots):
        return query
    return _with_slots(query, lambda slots: [slot for slot in slots if not slot.only_unreadable])


def _with_slots(query: Query, changed: Callable[[list[Slot]], list[Slot]]) -> Query:
    anchors = [Anchor(anchor.at, anchor.stock, changed(anchor.slots)) for anchor in query.anchors]
    return Query(query.type_, query.segments, anchors)


def padded(query: Query, groups: Sequence[Mapping[Group, Sequence[State]]]) -> list[dict[Group, list[State]]]:
    """Extend the groups of an answer to `without_unreadable(query)` to an answer to the query itself."""
    made: list[dict[Group, list[State]]] = []
    for anchor, found in zip(query.anchors, groups, strict=True):
        if not any(slot.only_unreadable for slot in anchor.slots):
            made.append({group: list(states) for group, states in found.items()})
            continue
        each = {}
        for group, states in found.items():
            known = iter(states)
            each[group] = [empty_state(slot) if slot.only_unreadable else next(known) for slot in anchor.slots]
        made.append(each)
    return made


def quotient(amount: Decimal | int, divisor: Decimal | int) -> Decimal:
    """Divide an amount, to 28 digits whatever the decimal context of the caller is."""
    return _QUOTIENT.divide(amount, divisor)


def empty_state(slot: Slot) -> State:
    """The state of a slot that no record has reached."""
    if slot.key is not None:
        return {}
    return {"count": 0, "distinct": frozenset(), "latest": None}.get(slot.what, {})


def merged_state(slot: Slot, mine: State, theirs: State) -> State:
    """The state of `slot` over both parts of the data."""
    if slot.key is not None:
        return _merged_mapping(mine, theirs, lambda a, b: _merged_one(slot, a, b))
    return _merged_one(slot, mine, theirs)


def _merged_one(slot: Slot, mine: State, theirs: State) -> State:
    if slot.what == "count":
        return mine + theirs
    if slot.what == "distinct":
        return mine | theirs
    if slot.what == "latest":
        return max((state for state in (mine, theirs) if state is not None), default=None, key=lambda state: state[:2])
    return _merged_mapping(mine, theirs, Sample.merged)


def _merged_mapping(mine: Mapping[K, V], theirs: Mapping[K, V], merge: Callable[[V, V], V]) -> dict[K, V]:
    merged = dict(mine)
    for key, state in theirs.items():
        merged[key] = merge(merged[key], state) if key in merged else state
    return merged


def _merged_groups(
    mine: dict[Group, list[State]], theirs: dict[Group, list[State]], slots: Sequence[Slot]
) -> dict[Group, list[State]]:
    def merged(one: list[State], other: list[State]) -> list[State]:
        return [merged_state(slot, a, b) for slot, a, b in zip(slots, one, other, strict=True)]

    return _merged_mapping(mine, theirs, merged)


def _exact(values: Sequence[Value], kind: ValueKind) -> list[Value]:
    """The values as integers or decimals that can be added without rounding."""
    if kind == "duration":
        return [value // MICROSECOND for value in values]
    if kind in ("money", "integer"):
        return list(values)
    wrong = next((value for value in values if isinstance(value, str) or value != value), None)  # noqa: PLR0124
    if wrong is not None:
        raise InputError(f"Only numbers can be added; got {wrong!r}. Convert the column when the file is read.")
    return [Decimal(value) for value in values]
