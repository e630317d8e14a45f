"""Segments: what to group by.

| written | groups by |
|---|---|
| `"owner"` | a field |
| `"attributes.region"` | a custom field |
| `"customer.industry"` | a field of the related record |
| `Segment("size", "amount", bins=(1000, 5000))` | the bin that a value falls into |
| `{"size": lambda deal: ...}` | the value that a function returns for the record |
| `["owner", "product"]` | several at once |

Records without a value are a group of their own, `None`; records whose related record is missing join it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar

from crmkpi.definition.expression_types import kind_of
from crmkpi.definition.expressions import Field
from crmkpi.engines.query import SegmentKey
from crmkpi.errors import InputError, UnknownNameError, did_you_mean
from crmkpi.records import RECORDS
from crmkpi.records.base import RecordType, record_type

__all__ = ["By", "Segment", "segment_keys", "segments_of", "split"]

_R = TypeVar("_R")


@dataclass(frozen=True, slots=True)
class Segment:
    """A named key to group by: a field, a function of the record, or a different field for each table.

    `bins` are the upper bounds, exclusive, of all bins but the last; they must increase.

    >>> Segment("size", "amount", bins=(1000, 5000)).labels
    ('< 1000', '1000 to < 5000', '>= 5000')
    >>> Segment("channel", {"deals": "campaign.channel", "campaigns": "channel"}).name
    'channel'
    """

    name: str
    source: str | Callable[[Any], Hashable] | Mapping[str, str | Callable[[Any], Hashable]]
    bins: tuple[Any, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.name, str):
            raise InputError(f"A segment has a name, such as Segment('size', 'amount'); got {self.name!r}.")
        if not isinstance(self.source, str | Mapping) and not callable(self.source):
            raise InputError(
                f"The segment {self.name!r} is of a field, a function of a record, or a different one for each table; "
                f"got {self.source!r}."
            )
        if not isinstance(self.bins, Sequence) or not all(map(_is_bound, self.bins)):
            raise InputError(
                f"The bins of the segment {self.name!r} are bounds, such as (1000, 5000); got {self.bins!r}."
            )
        if any(low >= high for low, high in zip(self.bins, self.bins[1:], strict=False)):
            raise InputError(f"The bins of the segment {self.name!r} must increase; got {self.bins}.")
        # Money is decimal and is compared with decimals, or the bound 0.1 would not be 0.1.
        exact = tuple(Decimal(repr(edge)) if isinstance(edge, float) else edge for edge in self.bins)
        object.__setattr__(self, "bins", exact)

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of the bins, from low to high."""
        if not self.bins:
            return ()
        middle = (f"{low} to < {high}" for low, high in zip(self.bins, self.bins[1:], strict=False))
        return (f"< {self.bins[0]}", *middle, f">= {self.bins[-1]}")

    def label(self, value: Any) -> str | None:
        """The bin that `value` falls into; None for a missing value."""
        return None if value is None else self.labels[bisect_right(self.bins, value)]


def _is_bound(edge: object) -> bool:
    return kind_of(edge) in ("integer", "number", "timestamp", "date", "duration") and edge == edge  # noqa: PLR0124  # NaN


By = str | Segment | Callable[[Any], Hashable] | Mapping[str, Any] | Sequence[Any] | None


def segments_of(by: By) -> tuple[Segment, ...]:
    """Normalise `by` to segments with distinct names."""
    found = tuple(_flat(by))
    names = [segment.name for segment in found]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"`by` names the segment {twice!r} twice; give one of them another name, {{'name': ...}}.")
    return found


def _flat(by: By) -> Iterable[Segment]:
    if by is None:
        return
    if isinstance(by, Segment):
        yield by
    elif isinstance(by, str):
        yield Segment(by, by)
    elif isinstance(by, Mapping):
        for name, source in by.items():
            yield Segment(name, source)
    elif callable(by):
        yield Segment(getattr(by, "__name__", "segment"), by)
    elif isinstance(by, Sequence):
        for part in by:
            yield from _flat(part)
    else:
        raise InputError(f"`by` is a field, a Segment, a function of a record, or several of these; got {by!r}.")


def segment_keys(segments: Sequence[Segment], type_: RecordType) -> tuple[SegmentKey, ...]:
    """The keys by which the records of one table are grouped."""
    return tuple(_key(segment, type_) for segment in segments)


def _key(segment: Segment, type_: RecordType) -> SegmentKey:
    source = segment.source
    if isinstance(source, Mapping):
        if type_.table not in source:
            raise InputError(
                f"The segment {segment.name!r} says nothing about {type_.table}, which the metric reads; "
                f"add {type_.table!r} to {dict(source)!r}."
            )
        source = source[type_.table]
    label = segment.label if segment.bins else None
    if callable(source):
        return SegmentKey(segment.name, source, label)
    field = _field(source, type_)
    if label is not None and field.kind in ("text", "choice", "flag"):
        raise InputError(
            f"Only numbers, money and dates have bins; the segment {segment.name!r} is of {field!r}, a {field.kind}."
        )
    return SegmentKey(segment.name, field, label)


def _field(path: str, type_: RecordType) -> Field:
    """The field that a dotted path leads to from a table."""
    steps = path.split(".")
    start = type_
    # On its own table a relation leads to the record itself: by="customer.industry" also groups customers.
    if len(steps) > 1 and steps[0] not in type_.relations and _table_of_relation(steps[0]) == type_.table:
        steps = steps[1:]
    walked: list[str] = []
    for number, step in enumerate(steps[:-1]):
        if step == "attributes" and number == len(steps) - 2:
            return Field(start.table, tuple(steps), "any")
        if step not in type_.relations:
            hint = did_you_mean(step, type_.relations)
            raise UnknownNameError(
                f"`by` must lead from {start.table} over declared relations; {path!r} has no relation {step!r}. {hint}"
            )
        type_ = record_type(RECORDS[type_.relations[step].table])
        walked.append(step)
    found = type_.fields.get(steps[-1])
    if found is None or found.kind == "attributes":
        known = [*(".".join((*walked, name)) for name in type_.fields if name != "attributes"), *type_.relations]
        raise UnknownNameError(
            f"`by` must name fields of {type_.model.__name__} or of a related record; got {path!r}. "
            f"{did_you_mean(path, known)} Columns that fill a field have its name, and custom ones are reached as "
            f"'attributes.{steps[-1]}'."
        )
    return Field(start.table, tuple(steps), found.kind, found.choices)


def _table_of_relation(name: str) -> str | None:
    for model in RECORDS.values():
        relation = record_type(model).relations.get(name)
        if relation is not None:
            return relation.table
    return None


def split(records: Iterable[_R], by: By) -> dict[Hashable, list[_R]]:
    """The records of each segment, in the order in which the segments first appear; one pass.

    The keys are values, or tuples of values if `by` names several segments. Related records need a Dataset, so dotted
    references are for `Dataset.measure`.

    >>> from crmkpi import Deal
    >>> deals = [Deal(id="1", status="won", owner="Ada"), Deal(id="2", status="lost")]
    >>> {owner: len(part) for owner, part in split(deals, by="owner").items()}
    {'Ada': 1, None: 1}
    """
    segments = segments_of(by)
    if not segments:
        raise InputError("split() needs something to split by, such as by='owner'.")
    if not isinstance(records, Iterable):
        raise InputError(f"split() needs an iterable of records; got {type(records).__name__}.")
    groups: dict[Hashable, list[_R]] = {}
    readers: dict[type, list[Callable[[Any], Any]]] = {}
    for record in records:
        if type(record) not in readers:
            readers[type(record)] = [_reader(key) for key in segment_keys(segments, record_type(type(record)))]
        values = [read(record) for read in readers[type(record)]]
        key = values[0] if len(values) == 1 else tuple(values)
        try:
            groups.setdefault(key, []).append(record)
        except TypeError as error:
            raise InputError(
                f"split() needs text, a number, a date or another value that hashes to group by; got {key!r}."
            ) from error
    return groups


def _reader(key: SegmentKey) -> Callable[[Any], Any]:
    label = key.label
    source: Any = key.source
    if isinstance(source, Field):
        *way, name = source.path
        if way == ["attributes"]:

            def read(record: Any) -> Any:
                return record.attributes.get(name)
        elif way:
            raise InputError(f"split() sees one table; {key.name!r} needs another. Use Dataset.measure(..., by=...).")
        else:

            def read(record: Any) -> Any:
                return getattr(record, name)
    else:
        read = source
    return read if label is None else lambda record: label(read(record))
