"""Unreadable values of a frame: the value becomes NULL, a flag column marks it, and the row stays.

This is a second pass over the frame, which runs only if the profile found unreadable values. Rows without any readable
field are rejected, as by the readers of records.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from decimal import Decimal
from functools import reduce
from operator import and_, or_
from typing import NamedTuple

from crmkpi.definition.expressions import Field
from crmkpi.definition.planned_expressions import UnreadValue
from crmkpi.engines.frames.backends import Backend
from crmkpi.engines.frames.faults import (
    YEARS,
    EnteredField,
    Entry,
    as_number,
    blank,
    fields_of,
    inside,
    out_of_time,
    scale_faults,
    some_of,
    wrong,
)
from crmkpi.engines.frames.homes.home import NUMBERS, OUT_OF_TIME, ColumnType, raw_name, word_name
from crmkpi.engines.frames.words import Expr, Frame, Words, flagged, only_where, with_named
from crmkpi.engines.query import UNREADABLE, Group, Query, State
from crmkpi.records.base import RecordType
from crmkpi.records.faults import shortened
from crmkpi.records.scales import USUAL_SCALES

__all__ = [
    "Mark",
    "SetAside",
    "groups_with_unreadable",
    "is_unreadable",
    "joined_marks",
    "segments_with_unreadable",
    "set_aside",
    "with_usual_scales",
    "word_of",
]

_NOTHING = "nothing"
_SCALE = ("scale_low", "scale_high", "score")


class Mark(NamedTuple):
    """The flag column and the text column of a field that is unreadable in some rows.

    `what` says how the text is shown: as it is (`told`), as text, or as a number.
    """

    flag: str
    word: str
    what: str


class SetAside(NamedTuple):
    """A frame with NULL for unreadable values; `marks` are keyed by field, `rejected` counts the removed rows."""

    entry: Entry
    marks: Mapping[str, Mark]
    rejected: int


def _flag_name(name: str) -> str:
    """The name of the column that is 1 where a field is unreadable."""
    return f"{inside(name)}__unreadable"


def set_aside(backend: Backend, type_: RecordType, entry: Entry, wanted: Collection[str]) -> SetAside:
    """The `wanted` fields of an entry, without unreadable values; its other fields help to find rows to reject."""
    nw = backend.home.words
    fields = fields_of(type_, entry.types)
    own = [one for one in fields if one.name in wanted and one.name != "id"]
    frame = _without_blanks(nw, type_, entry, fields)
    faulty = {one.name: _faulty(nw, type_, one, entry) for one in fields}
    nothing = None if entry.told else _is_nothing(nw, type_, fields, faulty, entry)
    flags = {}
    for one in own:
        known = type_.fields.get(one.name)
        lacking = [nw.col(one.own).is_null()] if known is not None and known.required and not entry.told else []
        found = some_of([*(fault for fault in (faulty[one.name],) if fault is not None), *lacking])
        if found is not None or (type_.is_survey and one.name in _SCALE):
            flags[one.name] = nw.lit(0) if found is None else flagged(nw, found)
    frame = frame.with_columns(
        *(flag.alias(_flag_name(name)) for name, flag in flags.items()),
        (nw.lit(0) if nothing is None else flagged(nw, nothing)).alias(_NOTHING),
        *(words.alias(word_name(one.own)) for one in own if (words := _words(nw, one, entry)) is not None),
    )
    frame = _emptied(nw, type_, frame, own, flags)
    types = dict(entry.types)
    if type_.is_survey and {"kind", *_SCALE} <= set(wanted) and not entry.told:
        frame, types = with_usual_scales(nw, frame, types, marked=True)
        frame = _off_scale(nw, frame, fields_of(type_, types))
    asked = {name: nw.col(_flag_name(name)) for name in flags} | {_NOTHING: nw.col(_NOTHING)}
    kept = frame if nothing is None else frame.filter(nw.col(_NOTHING) == nw.lit(0))
    counts = _sums(backend, kept, {name: asked[name] for name in flags})
    rejected = 0 if nothing is None else _sums(backend, frame, {_NOTHING: asked[_NOTHING]})[_NOTHING]
    marks = {one.name: _mark(one, entry) for one in own if counts.get(one.name)}
    raws = {raw: known for raw, known in entry.raws.items() if not any(raw.startswith(f"{inside(n)}__") for n in marks)}
    names = [
        *(inside(name) for name in wanted),
        *(raw for raw in raws if any(raw.startswith(f"{inside(name)}__") for name in wanted)),
        *(column for mark in marks.values() for column in (mark.flag, mark.word)),
    ]
    made = entry._replace(frame=kept.select(*names), types={name: types[name] for name in wanted}, raws=raws)
    return SetAside(made, marks, rejected)


def _sums(backend: Backend, frame: Frame, columns: Mapping[str, Expr]) -> dict[str, int]:
    if not columns:
        return {}
    (row,) = backend.home.leave(frame.select(*(column.sum().alias(name) for name, column in columns.items())))
    return {name: int(count or 0) for name, count in zip(columns, row, strict=True)}


def _words(nw: Words, one: EnteredField, entry: Entry) -> Expr | None:
    """The text of a field's value; None if the frame has a column of it, or shows none."""
    if one.name in entry.told:
        return None
    if one.name in entry.fixed:
        return nw.lit(None).cast(nw.String)
    if one.type_.what == "text":
        return nw.col(one.own)
    if one.kind in YEARS and not one.type_.loose:
        return nw.lit(OUT_OF_TIME)
    return None


def _mark(one: EnteredField, entry: Entry) -> Mark:
    what: str = one.type_.what
    if one.name in entry.told or (one.kind in YEARS and not one.type_.loose):
        what = "told"
    elif one.kind == "integer" and what in NUMBERS:
        what = "whole"  # NumPy stores integers with gaps as floats
    return Mark(_flag_name(one.name), word_name(one.own), what)


def _without_blanks(nw: Words, type_: RecordType, entry: Entry, fields: Iterable[EnteredField]) -> Frame:
    """The frame with NULL for values that mean no value."""
    made: dict[str, Expr] = {}
    for one in fields:
        words = () if one.name in entry.fixed or entry.told else (one.name,)
        empty = blank(nw, type_, one, words)
        if empty is not None:
            columns = [name for name in (one.own, raw_name(one.own)) if name == one.own or name in entry.raws]
            made |= {name: nw.when(empty).then(nw.lit(None)).otherwise(nw.col(name)) for name in columns}
    return with_named(entry.frame, made)


def _faulty(nw: Words, type_: RecordType, one: EnteredField, entry: Entry) -> Expr | None:
    """True where a field's value is unreadable; None if it never is."""
    if entry.told:
        return ~nw.col(word_name(one.own)).is_null() if one.name in entry.told else None
    found = (wrong(nw, type_, one, entry), out_of_time(nw, one, entry.raws))
    return some_of(each for each in found if each is not None)


def _is_nothing(
    nw: Words, type_: RecordType, fields: Sequence[EnteredField], faulty: Mapping[str, Expr | None], entry: Entry
) -> Expr:
    """True where a row is to be rejected, by the rule of the readers of records: it is unreadable, or a total.

    A row with an id is rejected if a required field and all its other fields are empty. A row without an id is rejected
    if it has only numbers, or if another required field is empty.
    """
    usable: list[Expr] = []
    worded: list[Expr] = []
    spoiled: list[Expr] = []
    for one in fields:
        if one.name == "id" or one.name in entry.fixed or one.name.startswith("attributes."):
            continue
        there, lost = ~nw.col(one.own).is_null(), faulty[one.name]
        read = there if lost is None else there & ~lost
        usable.append(read)
        if one.kind not in ("number", "integer", "money"):
            worded.append(read)
        if lost is not None:
            spoiled.append(lost)
    known = {one.name for one in fields}
    required = [name for name, field in type_.fields.items() if field.required and name != "id" and name in known]
    lacks = reduce(or_, (nw.col(inside(name)).is_null() for name in required), nw.lit(False))  # noqa: FBT003  # a constant
    unnamed = nw.col(inside("id")).is_null()
    always = nw.lit(True)  # noqa: FBT003  # a constant
    empty = reduce(and_, (~each for each in usable), always)
    only_numbers = reduce(and_, (~each for each in worded), always)
    whole = reduce(and_, (~each for each in spoiled), empty)
    return (unnamed & (only_numbers | lacks)) | (~unnamed & lacks & whole)


def _emptied(nw: Words, type_: RecordType, frame: Frame, own: Sequence[EnteredField], flags: Collection[str]) -> Frame:
    """The frame with NULL for flagged values, and with the default of the record class where a field is empty."""
    made: dict[str, Expr] = {}
    for one in own:
        column, known = nw.col(one.own), type_.fields.get(one.name)
        if one.name in flags:
            column = only_where(nw, nw.col(_flag_name(one.name)) == nw.lit(0), column)
        if known is not None and not known.required and not known.optional:
            usual = type_.model.__pydantic_fields__[one.name].get_default(call_default_factory=True)
            empty = nw.col(one.own).is_null()
            if one.name in flags:
                empty = empty & (nw.col(_flag_name(one.name)) == nw.lit(0))
            column = nw.when(empty).then(nw.lit(usual)).otherwise(column)
        elif one.name not in flags:
            continue
        made[one.own] = column
    return with_named(frame, made)


def _off_scale(nw: Words, frame: Frame, fields: Sequence[EnteredField]) -> Frame:
    """The frame with scores off their scale, and scales that end before they start, flagged and NULL."""
    turned, off = scale_faults(nw, fields)
    found = {"scale_low": turned, "scale_high": turned, "score": turned | off}
    marked = {
        _flag_name(name): nw.when(condition).then(nw.lit(1)).otherwise(nw.col(_flag_name(name)))
        for name, condition in found.items()
    }
    readable = {inside(name): nw.col(_flag_name(name)) == nw.lit(0) for name in _SCALE}
    kept = {column: only_where(nw, condition, nw.col(column)) for column, condition in readable.items()}
    return with_named(with_named(frame, marked), kept)


def with_usual_scales(
    nw: Words, frame: Frame, types: Mapping[str, ColumnType], *, marked: bool = False
) -> tuple[Frame, dict[str, ColumnType]]:
    """The frame with the default scale of a survey's kind where it has none, as in records.

    With `marked`, a scale that is flagged as unreadable stays NULL.
    """
    kind = nw.col(inside("kind"))
    made: dict[str, Expr] = {}
    for name, place in (("scale_low", 0), ("scale_high", 1)):
        usual = nw.lit(None).cast(nw.Float64)
        for word, scale in USUAL_SCALES.items():
            if scale[place] is not None:
                usual = nw.when(kind == nw.lit(word)).then(nw.lit(scale[place])).otherwise(usual)
        column = as_number(nw, EnteredField(name, "number", types[name]))
        lacking = column.is_null()
        if marked:
            lacking = lacking & (nw.col(_flag_name(name)) == nw.lit(0))
        made[inside(name)] = nw.when(lacking).then(usual).otherwise(column)
    floats = ColumnType("float", "Float64")
    return with_named(frame, made), {**types, "scale_low": floats, "scale_high": floats}


def _spelt(word: str | None, what: str) -> str:
    """An unreadable value as Python writes it, as in the records of a reader."""
    if word is None:
        return ""
    if what == "told":
        return word
    read: Callable[[str], object] = _READ.get(what, str)
    try:
        return shortened(read(word))
    except (ValueError, ArithmeticError):
        return shortened(word)


def _whole(word: str) -> float:
    number = float(word)
    return int(word.partition(".")[0]) if number.is_integer() else number


_READ: Mapping[str, Callable[[str], object]] = {"whole": _whole, "decimal": Decimal, "float": float}


def joined_marks(
    key: Sequence[Mark],
    marks: Mapping[tuple[str, ...], Sequence[Mark]],
    names: Mapping[str, str],
    relation: str,
    paths: Iterable[tuple[str, ...]],
) -> dict[tuple[str, ...], tuple[Mark, ...]]:
    """The marks of fields of related records: those of the key of the relation, then their own under new `names`."""
    found: dict[tuple[str, ...], tuple[Mark, ...]] = {}
    for path in paths:
        own = (mark._replace(flag=names[mark.flag], word=names[mark.word]) for mark in marks.get(path, ()))
        if ways := (*key, *own):
            found[relation, *path] = ways
    return found


def groups_with_unreadable(
    query: Query, groups: Sequence[dict[Group, list[State]]], marks: Mapping[tuple[str, ...], Sequence[Mark]]
) -> list[dict[Group, list[State]]]:
    """The groups of a query with unreadable values, as the records engine returns them.

    The texts of these values are written as in records. A segment is a tuple of values and then a flag for each field
    that may be unreadable; a flagged value becomes `UNREADABLE`.
    """
    marked = _marked(query, marks)
    made = []
    for anchor, found in zip(query.anchors, groups, strict=True):
        words = {
            number: marks.get(slot.key.item.path, ())
            for number, slot in enumerate(anchor.slots)
            if isinstance(slot.key, UnreadValue)
        }
        each = {}
        for (segment, part), states in found.items():
            states = list(states)  # noqa: PLW2901  # they may be shared
            for number, ways in words.items():
                counted: Counter[str] = Counter()
                for word, count in states[number].items():
                    counted[_spelt(word, ways[-1].what if ways else "text")] += count
                states[number] = dict(counted)
            each[_decoded(segment, marked), part] = states
        made.append(each)
    return made


def _marked(query: Query, marks: Mapping[tuple[str, ...], Sequence[Mark]]) -> list[bool]:
    """Whether the field of each segment may be unreadable."""
    return [isinstance(key.source, Field) and key.source.path in marks for key in query.segments]


def segments_with_unreadable(
    query: Query, given: Mapping[tuple[Hashable, ...], int], marks: Mapping[tuple[str, ...], Sequence[Mark]]
) -> dict[tuple[Hashable, ...], int]:
    """The number of rows per segment; see `groups_with_unreadable`."""
    marked = _marked(query, marks)
    found: Counter[tuple[Hashable, ...]] = Counter()
    for segment, count in given.items():
        found[_decoded(segment, marked)] += count
    return dict(found)


def _decoded(found: tuple[Hashable, ...], marked: Sequence[bool]) -> tuple[Hashable, ...]:
    """A segment without the flags behind its values: a flagged value becomes `UNREADABLE`."""
    flags = iter(found[len(marked) :])
    return tuple(UNREADABLE if may and next(flags) else value for value, may in zip(found, marked, strict=False))


def is_unreadable(nw: Words, ways: Iterable[Mark]) -> Expr:
    """True where a field, or a key that leads to it, is unreadable; never NULL."""
    return reduce(or_, (nw.col(mark.flag) == nw.lit(1) for mark in ways))


def word_of(nw: Words, ways: Sequence[Mark]) -> Expr:
    """The text of the unreadable value, of the field or of a key that leads to it."""
    *before, last = ways
    source = nw.col(last.word)
    for mark in reversed(before):
        source = nw.when(nw.col(mark.flag) == nw.lit(1)).then(nw.col(mark.word)).otherwise(source)
    return source
