"""Refuse a custom attribute as a segment if no record has it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from crmkpi.definition.expressions import Field
from crmkpi.engines.frames.table import FrameTable
from crmkpi.engines.query import Answer, SegmentKey
from crmkpi.errors import unknown_name
from crmkpi.measuring.plan import Plan
from crmkpi.measuring.segments import Segment
from crmkpi.records import RECORDS
from crmkpi.records.base import record_type

if TYPE_CHECKING:
    from crmkpi.measuring.dataset import Dataset

__all__ = ["attribute_of", "check_attribute", "noting"]


def attribute_of(key: SegmentKey) -> Field | None:
    """The custom attribute that a key groups by, if it is one."""
    source = key.source
    return source if isinstance(source, Field) and source.path[-2:-1] == ("attributes",) else None


def noting(records: Iterator[Any], attributes: set[str]) -> Iterator[Any]:
    """The records of a stream, which cannot be asked again; their attributes are noted on the way."""
    for record in records:
        attributes.update(getattr(record, "attributes", ()))
        yield record


def check_attribute(
    crm: Dataset,
    segment: Segment,
    position: int,
    plan: Plan,
    answers: Mapping[str, Answer],
    noted: Mapping[str, set[str]],
) -> None:
    """Refuse an attribute that no record of any table has; `noted` are those of the streams."""
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
            found = noted.get(type_.table) or _attributes(crm, type_.table)
            if asked in found:
                return
            known |= found
    if asked:
        raise unknown_name(
            f"The segment {segment.name!r} is of the attribute {asked!r}, which no record has.", asked, known
        )


def _attributes(crm: Dataset, table: str) -> set[str]:
    records = crm.tables[table]
    if isinstance(records, FrameTable):
        return set(records.attributes)
    if isinstance(records, Iterator):  # a related table has been read for its ids
        records = crm.index(table).values()
    return {name for record in records for name in getattr(record, "attributes", ())}
