"""Refuse a custom attribute that no record has, and one compared with a value of another kind than it holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from crmkpi.definition.expressions import Comparison, Constant, Field, Membership, walk
from crmkpi.engines.frames.table import FrameTable
from crmkpi.engines.query import Answer, Query, SegmentKey
from crmkpi.errors import InputError, UnknownNameError, unknown_name
from crmkpi.measuring.plan import Plan
from crmkpi.measuring.segments import Segment
from crmkpi.records import RECORDS
from crmkpi.records.base import RecordType, record_type

if TYPE_CHECKING:
    from crmkpi.measuring.dataset import Dataset

__all__ = ["Attributes", "attribute_of", "check_attribute", "check_measured", "noting"]

Attributes = dict[str, set[str]]  # the kinds of values of each custom attribute
_NONE: Mapping[str, Any] = {}


def attribute_of(key: SegmentKey) -> Field | None:
    """The custom attribute that a key groups by, if it is one."""
    source = key.source
    return source if isinstance(source, Field) and source.path[-2:-1] == ("attributes",) else None


def noting(records: Iterator[Any], attributes: Attributes) -> Iterator[Any]:
    """Yield the records of a stream and note their attributes, since it can be read only once."""
    for record in records:
        _note(record, attributes)
        yield record


def _note(record: Any, attributes: Attributes) -> None:
    for name, value in getattr(record, "attributes", _NONE).items():
        kinds = attributes.setdefault(name, set())
        if value is not None:
            kinds.add(_kind_of(value))


def check_measured(crm: Dataset, plan: Plan, noted: Mapping[str, Attributes], *, streams: bool) -> None:
    """Refuse attributes in measures that no record has, and comparisons with a value of another kind.

    Streams are checked after the measurement has read them, all other tables before it.
    """
    for query, field in plan.attributes:
        table, asked = _table_towards(query.type_, field.path), field.path[-1]
        records = crm.tables.get(table)
        if records is None or isinstance(records, Iterator) is not streams:
            continue
        if isinstance(records, FrameTable):
            found = {name: _kinds_of_column(records, name) if name == asked else set() for name in records.attributes}
        elif streams:
            found = noted.get(table, {})
        else:
            found = {}
            for record in records:
                _note(record, found)
        if asked not in found and not _may_be_blank(records, asked, found):
            sentence = f"A measure of {table} reads the attribute {asked!r}, which no record has."
            if not found:
                raise UnknownNameError(f"{sentence} Records have no attributes at all.", name=asked, known=())
            raise unknown_name(sentence, asked, found)
        _check_compared(query, field, found.get(asked, set()))


def _may_be_blank(records: Any, asked: str, found: Attributes) -> bool:
    """Whether an attribute may be a real one that all given records leave blank, rather than a typo."""
    if isinstance(records, FrameTable):
        return False
    return not found or asked in getattr(records, "unmapped", ())


def _table_towards(type_: RecordType, path: tuple[str, ...]) -> str:
    for step in path[:-2]:
        type_ = record_type(RECORDS[type_.relations[step].table])
    return type_.table


def _check_compared(query: Query, field: Field, kinds: set[str]) -> None:
    """Refuse to compare an attribute with a constant of a kind that it does not hold."""
    for root in query.expressions:
        for part in walk(root):
            values: Sequence[Any] = ()
            if isinstance(part, Comparison) and repr(field) in (repr(part.left), repr(part.right)):
                values = [side.value for side in (part.left, part.right) if isinstance(side, Constant)]
            elif isinstance(part, Membership) and repr(part.item) == repr(field):
                values = part.options
            for value in values:
                if kinds and _kind_of(value) not in kinds:
                    name, held = field.path[-1], " and ".join(sorted(kinds))
                    raise InputError(
                        f"The attribute {name!r} holds {held}, and a measure compares it with {value!r}; compare it "
                        f"with what it holds, or say when reading what its column is, kinds={{{name!r}: 'number'}}."
                    )


def _kind_of(value: Any) -> str:
    """The type of a value, as an error names it."""
    if isinstance(value, bool):
        return "flags"
    if isinstance(value, str):
        return "text"
    return "numbers" if isinstance(value, int | float | Decimal) else "dates"


_PHYSICAL = {"text": "text", "flag": "flags", "whole": "numbers", "decimal": "numbers", "float": "numbers"}


def _kinds_of_column(table: FrameTable, name: str) -> set[str]:
    """The kinds of values in a column; empty if none of the known kinds fits."""
    what = table.backend.home.type_of(table.frame, name, "attributes").what
    return {_PHYSICAL[what]} if what in _PHYSICAL else set()


def check_attribute(
    crm: Dataset,
    segment: Segment,
    position: int,
    plan: Plan,
    answers: Mapping[str, Answer],
    noted: Mapping[str, Attributes],
) -> None:
    """Refuse an attribute that no record of any table has; `noted` holds the attributes of streams."""
    known: set[str] = set()
    asked = ""
    for table, answer in answers.items():
        field = attribute_of(plan.queries[table].segments[position])
        if field is None or any(group[position] is not None for group in answer.given):
            return
        if answer.given:
            type_ = plan.queries[table].type_
            *way, _, asked = field.path
            for step in way:
                type_ = record_type(RECORDS[type_.relations[step].table])
            found = set(noted.get(type_.table, ())) or _attributes(crm, type_.table)
            if asked in found:
                return
            known |= found
    if asked:
        raise unknown_name(
            f"The segment {segment.name!r} reads the attribute {asked!r}, which no record has.", asked, known
        )


def _attributes(crm: Dataset, table: str) -> set[str]:
    records = crm.tables[table]
    if isinstance(records, FrameTable):
        return set(records.attributes)
    if isinstance(records, Iterator):  # a related table has been read for its ids
        records = crm.index(table).values()
    return {name for record in records for name in getattr(record, "attributes", ())}
