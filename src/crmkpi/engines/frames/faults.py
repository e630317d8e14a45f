"""Expressions over a frame that find the values that a record class would reject, field by field."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import NamedTuple

from crmkpi.definition.expressions import ValueKind
from crmkpi.engines.frames.backends import Backend
from crmkpi.engines.frames.compiled_values import as_float
from crmkpi.engines.frames.homes.home import DAY, NUMBERS, TOO_LATE, ColumnType, raw_name, word_name
from crmkpi.engines.frames.words import Cell, Expr, Frame, Scalar, Words, any_of, one_of, only_where
from crmkpi.records.base import Kind, RecordType
from crmkpi.records.placeholders import OFFSETS, PLACEHOLDERS, WIDEST_OFFSET
from crmkpi.records.scales import LONGEST_SCALES, SHARES
from crmkpi.records.texts import BLANKS

__all__ = [
    "YEARS",
    "EnteredField",
    "Entry",
    "as_number",
    "begins_with_letters",
    "blank",
    "blank_text",
    "bounds_of",
    "fields_of",
    "inside",
    "is_beyond",
    "may_stand_for_nothing",
    "odd_one",
    "out_of_time",
    "scale_faults",
    "some_of",
    "stands_for_nothing",
    "wrong",
    "wrong_type",
]

YEARS = {  # the first and the last plain value that a record can hold
    "timestamp": (-62_135_596_800_000_000, 253_402_300_799_999_999),
    "date": (-719_162, 2_932_896),
}
_OWN_KINDS: Mapping[str, ValueKind] = {  # the kind of an attribute, by the type of its column
    "whole": "integer", "decimal": "money", "float": "number", "flag": "flag", "timestamp": "timestamp", "date": "date",
}  # fmt: skip
_AS_FILES = "crmkpi.table(frame, record=..., parse=True) reads text such as '1.200,50' as files are read"
_FIRST_LETTER = "!"  # the first character that sorts after all blanks
_NEITHER = 2  # the plain value of a cell of a loose column of flags that is neither true nor false


class EnteredField(NamedTuple):
    """A field with a column in the frame: its name, its kind, and the type of the column."""

    name: str
    kind: ValueKind
    type_: ColumnType

    @property
    def own(self) -> str:
        """The name of its column in the engine."""
        return inside(self.name)

    @property
    def is_whole(self) -> bool:
        """Whether its plain values are integers."""
        return self.type_.what in ("whole", "decimal") or self.kind in YEARS

    @property
    def is_measured(self) -> bool:
        """Whether its plain values are numbers."""
        return self.is_whole or self.type_.what == "float"


class Entry(NamedTuple):
    """The plain columns of some fields, before they are profiled.

    `types` has the types of the fields' columns, `raws` the time zones of the original columns of timestamps that are
    kept too. `meaning_nothing` has, for flags with `values=`, the words that mean no value. For fields in `told`, the
    word column has the texts that the reader of the source could not parse. `fixed` fields have the same value in all
    rows; `said` has the default values of those that no column holds.
    """

    frame: Frame
    types: Mapping[str, ColumnType]
    raws: Mapping[str, str]
    meaning_nothing: Mapping[str, Sequence[str]] = MappingProxyType({})
    told: frozenset[str] = frozenset()
    fixed: frozenset[str] = frozenset()
    said: Mapping[str, Scalar] = MappingProxyType({})


def inside(name: str) -> str:
    """The name of a field's column in the engine; it has no characters that a database would take for syntax."""
    return "f_" + name.replace(".", "__")


def fields_of(type_: RecordType, types: Mapping[str, ColumnType]) -> list[EnteredField]:
    """The fields of some columns, each with its kind."""
    return [EnteredField(name, _kind_of(type_, name, known), known) for name, known in types.items()]


def _kind_of(type_: RecordType, name: str, known: ColumnType) -> ValueKind:
    kind = "attributes" if name.startswith("attributes.") else type_.fields[name].kind
    return _OWN_KINDS.get(known.what, "any") if kind == "attributes" else kind


def some_of(conditions: Iterable[Expr]) -> Expr | None:
    """The disjunction of the conditions; None if there are none."""
    found = list(conditions)
    return any_of(found) if found else None


def wrong(nw: Words, type_: RecordType, one: EnteredField, entry: Entry, *, finite: bool = False) -> Expr | None:
    """True where the record class would reject a field's value, except for `out_of_time`; None if it never does.

    With `finite`, floats are not tested for NaN and infinity.
    """
    if one.name.startswith("attributes."):
        return None
    column, found = nw.col(one.own), []
    there, (least, most) = ~column.is_null(), bounds_of(type_, one)
    if one.type_.what == "float" and not finite:
        found.append(there & ~column.is_finite())
    if least is not None:
        found.append(there & (column < nw.lit(least)))
    if most is not None:
        found.append(there & (column > nw.lit(most)))
    odd = odd_one(nw, type_, one, entry)
    return some_of(found if odd is None else [*found, odd])


def is_beyond(type_: RecordType, one: EnteredField, low: Cell, high: Cell) -> bool:
    """Whether the extremes of a field show a number that its record class rejects; `odd_one` finds other faults."""
    if low is None or one.name.startswith("attributes."):
        return False
    least, most = bounds_of(type_, one)
    finite = one.type_.what != "float" or (math.isfinite(low) and math.isfinite(high))
    return not finite or (least is not None and low < least) or (most is not None and high > most)


def odd_one(nw: Words, type_: RecordType, one: EnteredField, entry: Entry) -> Expr | None:
    """True where the record class would reject a field's value for a reason that its extremes do not show."""
    if one.name.startswith("attributes."):
        return None
    column, known = nw.col(one.own), type_.fields[one.name]
    there, found = ~column.is_null(), []
    if known.choices:
        found.append(there & ~one_of(column, list(known.choices)))
    if one.kind == "integer" and one.type_.what == "float":
        found.append(there & (column.round(0) != column))
    if one.kind == "integer" and one.type_.digits:
        found.append(there & (column % nw.lit(10**one.type_.digits) != nw.lit(0)))
    if one.name in entry.meaning_nothing:
        word = nw.col(word_name(one.own))
        nothing = list(entry.meaning_nothing[one.name])
        unknown = ~word.is_null() & ~word.is_in(nothing) if nothing else ~word.is_null()
        found.append(column.is_null() & unknown)
    elif one.type_.loose and one.type_.what == "flag":
        found.append(there & column.is_in([_NEITHER]))
    elif one.type_.wild:
        found.append(there & column.is_in([TOO_LATE]))
    return some_of(found)


def blank(nw: Words, type_: RecordType, one: EnteredField, words: Collection[str]) -> Expr | None:
    """True where a value means no value: an empty text, NaN, or a placeholder date such as 1970-01-01; None if never.

    `words` are the fields whose cells are kept as text too.
    """
    column = nw.col(one.own)
    if (known := blank_text(nw, type_, one)) is not None:
        return known
    if one.name.startswith("attributes."):
        return None
    if type_.fields[one.name].choices:
        return ~column.is_null() & (column.str.strip_chars() == nw.lit(""))
    ways = stands_for_nothing(nw, one.kind, column, aware=bool(one.type_.aware)) if one.kind in YEARS else []
    if one.type_.wild and one.name in words:
        ways.append((column == nw.lit(TOO_LATE)) & (nw.col(word_name(one.own)).str.to_lowercase() == nw.lit("nan")))
    if ways:
        return some_of(ways)
    return ~column.is_null() & column.is_nan() if one.type_.what == "float" else None


def blank_text(nw: Words, type_: RecordType, one: EnteredField) -> Expr | None:
    """True where a text is blank, by the rule of records; None for a field that does not hold free text.

    NULL where the first character shows that the text is not blank, so that few texts are stripped.
    """
    known, column = type_.fields.get(one.name), nw.col(one.own)
    if one.type_.what != "text" or (known is not None and known.kind != "text"):
        return None
    return only_where(nw, column < nw.lit(_FIRST_LETTER), column.str.strip_chars(BLANKS) == nw.lit(""))


def begins_with_letters(least: object) -> bool:
    """Whether the smallest of some texts shows that none of them is blank."""
    return isinstance(least, str) and least >= _FIRST_LETTER


def stands_for_nothing(nw: Words, kind: str, column: Expr, *, aware: bool) -> list[Expr]:
    """The conditions that a plain timestamp or day is a placeholder, which programs write in place of no date."""
    found = []
    far, step = (each // timedelta(microseconds=1) for each in (WIDEST_OFFSET, OFFSETS))
    for day in PLACEHOLDERS:
        days = (day - date(1970, 1, 1)).days
        own = days * DAY
        if kind == "date":
            found.append(column == nw.lit(days))
        elif aware:
            near = (column >= nw.lit(own - far)) & (column <= nw.lit(own + far))
            found.append(near & (column % nw.lit(step) == nw.lit(0)))
        else:
            found.append(column == nw.lit(own))
    return found


def may_stand_for_nothing(kind: str, low: float) -> bool:
    """Whether the earliest of some plain timestamps or days may be a placeholder date."""
    return low <= (DAY if kind == "timestamp" else 0)


def out_of_time(nw: Words, one: EnteredField, raws: Mapping[str, str]) -> Expr | None:
    """True where a timestamp or a day is outside the years of a record, such as infinity or the year 290,000."""
    if one.kind not in YEARS:
        return None
    (first, last), column = YEARS[one.kind], nw.col(one.own)
    late = ~column.is_null() & ((column < nw.lit(first)) | (column > nw.lit(last)))
    if raw_name(one.own) in raws:
        late = late | (~nw.col(raw_name(one.own)).is_null() & column.is_null())
    return late


def as_number(nw: Words, one: EnteredField) -> Expr:
    """A field's column as a float."""
    return as_float(nw, nw.col(one.own), None if one.type_.what == "float" else one.type_.digits)


def scale_faults(nw: Words, fields: Iterable[EnteredField]) -> tuple[Expr, Expr]:
    """The conditions that a survey's scale ends before it starts, and that its score is off the scale, as in records.

    Without an end, the scale of some kinds ends at the largest score that the kind allows.
    """
    own = {one.name: one for one in fields}
    low, high, score = (as_number(nw, own[name]) for name in ("scale_low", "scale_high", "score"))
    for word, most in LONGEST_SCALES.items():
        unsaid = high.is_null() & (nw.col(inside("kind")) == nw.lit(word))
        high = nw.when(unsaid).then(nw.lit(most)).otherwise(high)
    (kind, least, most), known = SHARES, ~low.is_null() & ~high.is_null()
    share = (nw.col(inside("kind")) == nw.lit(kind)) & (score > nw.lit(least)) & (score < nw.lit(most))
    off = (score < low) | (score > high) | (share & (high > nw.lit(most)))
    return low >= high, ~score.is_null() & known & off


def wrong_type(kind: Kind, found: ColumnType, backend: Backend) -> str:
    """The advice for a column whose type cannot hold a field of this kind; empty if it can."""
    if kind in ("timestamp", "date"):
        if found.what in ("timestamp", "date"):
            return ""
        return f"Parse it: {backend.parse}; or {_AS_FILES}." if found.what == "text" else "Convert it to timestamps."
    if kind in ("money", "number", "integer"):
        if found.what in NUMBERS:
            return ""
        if found.what == "text":
            return f"Convert it with a cast; or {_AS_FILES}."
        return "Convert it to numbers, and a duration to seconds."
    if kind == "flag":
        right = found.what == "flag"
        return "" if right else "Compare it with the word for yes, such as column == 'yes', before it is measured."
    if kind in ("text", "choice"):
        if found.what == "float":
            return "Cast it to whole numbers or text, so that 7.0 and '7' are equal."
        if found.what == "timestamp":
            return "Cast it to text or a date, since each library writes timestamps in a format of its own."
    return "Cast it to one of these." if found.what == "other" else ""


def bounds_of(type_: RecordType, one: EnteredField) -> tuple[float | None, float | None]:
    """The smallest and the largest plain number that the record class accepts."""
    rules = type_.model.__pydantic_fields__[one.name].metadata
    least = [_bound(rule.ge, one, math.ceil) for rule in rules if getattr(rule, "ge", None) is not None]
    most = [_bound(rule.le, one, math.floor) for rule in rules if getattr(rule, "le", None) is not None]
    return max(least, default=None), min(most, default=None)


def _bound(bound: float, one: EnteredField, rounded: Callable[[Decimal], int]) -> float:
    """A bound of a rule as a plain number, like those of the column."""
    return rounded(Decimal(str(bound)) * 10**one.type_.digits) if one.is_whole else float(bound)
