"""Narrowing: `Dataset.where` keeps the records whose fields have certain values.

The engine groups the records by these fields, as by any segment, and the wanted groups are merged afterwards. So all
engines filter alike, over related tables too, and a record whose field is unreadable stays in the account.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from decimal import localcontext
from functools import partial
from typing import Any, NamedTuple

from crmkpi.definition.metric import Metric
from crmkpi.engines.query import EXACT, UNREADABLE, Answer, Query, merged_state
from crmkpi.errors import InputError, UnknownNameError, unknown_name
from crmkpi.measuring.reading import Reader
from crmkpi.measuring.segments import Segment, segment_keys
from crmkpi.records import RECORDS
from crmkpi.records.base import record_type

__all__ = ["INSIDE", "Narrowing", "beside", "lacking_segment", "narrowed", "narrowings_of", "told"]

INSIDE = (True,)  # the last key of wanted records, in place of the values of the filtered fields

Key = tuple[Hashable, ...]


class Narrowing(NamedTuple):
    """A filter: a field and its wanted values."""

    segment: Segment
    values: tuple[Hashable, ...]


def narrowings_of(fields: Mapping[str, Any]) -> tuple[Narrowing, ...]:
    """Parse the keyword arguments of `where`: each names one value of a field, or a list of several."""
    made = []
    for name, wanted in fields.items():
        values = tuple(wanted) if isinstance(wanted, list | tuple | set | frozenset) else (wanted,)
        if not values:
            raise InputError(f"where({name}=...) names one value or several; got none.")
        for value in values:
            if not isinstance(value, Hashable) or callable(value):
                raise InputError(
                    f"where({name}=...) names values, such as {name}='North' or {name}=['North', 'South']; got "
                    f"{value!r}."
                )
        made.append(Narrowing(Segment(name, name), values))
    return tuple(made)


def told(narrowings: Sequence[Narrowing]) -> str:
    """The filters as text: "owner Ada or Bo"."""
    return ", ".join(
        f"{one.segment.name} {' or '.join('(none)' if value is None else str(value) for value in one.values)}"
        for one in narrowings
    )


def beside(narrowings: Sequence[Narrowing], segments: Sequence[Segment]) -> tuple[Segment, ...]:
    """The fields to group by in addition to the segments of a query, so that its answer can be filtered."""
    known = {segment.name for segment in segments} if narrowings else ()
    return tuple(one.segment for one in narrowings if one.segment.name not in known)


def lacking_segment(metric: Metric, segments: Sequence[Segment]) -> str:
    """The first segment that a table of the KPI lacks, as text such as "owner in leads"; "" if there is none."""
    for segment in segments:
        for table in metric.tables:
            try:
                segment_keys([segment], record_type(RECORDS[table]))
            except UnknownNameError:
                return f"{segment.name} in {table}"
            except KeyError:  # a table of a custom record class, which is not in RECORDS
                continue
    return ""


def narrowed(
    reader: Reader, queries: Mapping[str, Query], narrowings: Sequence[Narrowing], segments: Sequence[Segment]
) -> Reader:
    """A reader of the wanted groups only; `segments` are those of the query, which come first in each key."""
    places = {segment.name: place for place, segment in enumerate((*segments, *beside(narrowings, segments)))}
    wanted = {places[one.segment.name]: frozenset(one.values) for one in narrowings}
    answers = {table: answer for table, answer in reader.answers.items() if answer.given}
    for one in narrowings:
        _check_known(one, places[one.segment.name], answers)
    made = {}
    for table, answer in reader.answers.items():
        cut = partial(_narrowed, query=queries[table], wanted=wanted, count=len(segments))
        again = None if answer.again is None else cut(answer.again)
        doubtful = [found.through(cut) for found in answer.contradictions]
        made[table] = replace(cut(answer), again=again, contradictions=doubtful)
    return reader._replace(answers=made)


def _check_known(one: Narrowing, place: int, answers: Mapping[str, Answer]) -> None:
    """Refuse a value that no record has, and a table whose records have no value."""
    name, known = one.segment.name, set[Hashable]()
    for table, answer in answers.items():
        found = {key[place] for key in answer.given} - {UNREADABLE}
        if found == {None} and None not in one.values:
            raise InputError(f"where({name}=...) leaves nothing of {table}: no record there has a value for {name}.")
        known |= found
    for value in one.values:
        if known and value not in known:
            names = sorted({str(each) for each in known if each is not None})
            raise unknown_name(f"No record has {value!r} as its {name}.", str(value), names)


def _narrowed(answer: Answer, query: Query, wanted: Mapping[int, frozenset[Hashable]], count: int) -> Answer:
    """The answer with only the wanted groups; their keys keep `count` values, and `INSIDE` or `UNREADABLE`."""

    def cut(key: Key) -> Key | None:
        if any(key[place] is not UNREADABLE and key[place] not in values for place, values in wanted.items()):
            return None
        unread = any(key[place] is UNREADABLE for place in wanted if place >= count)
        return (*key[:count], UNREADABLE) if unread else (*key[:count], *INSIDE)

    given: dict[Key, int] = {}
    for key, number in answer.given.items():
        if (short := cut(key)) is not None:
            given[short] = given.get(short, 0) + number
    with localcontext(EXACT):
        groups = []
        for anchor, found in zip(query.anchors, answer.groups, strict=True):
            kept: dict[Any, list[Any]] = {}
            for (key, part), states in found.items():
                if (short := cut(key)) is None:
                    continue
                before = kept.get((short, part))
                kept[short, part] = (
                    states
                    if before is None
                    else [merged_state(slot, *pair) for slot, *pair in zip(anchor.slots, before, states, strict=True)]
                )
            groups.append(kept)
    return replace(answer, given=given, groups=groups)
