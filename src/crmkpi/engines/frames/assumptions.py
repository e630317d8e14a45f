"""Query a frame without profiling it first: the statement itself validates the assumptions about the columns.

It counts the rows that break an assumption: an unknown choice, a float that is not a whole number of cents, a number
or a timestamp out of bounds. If there are any, the engine discards the answer and profiles the frame first. Facts that
the home knows without reading a column are not validated.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from math import isfinite
from types import MappingProxyType

from crmkpi.definition.expressions import AsOf, Comparison, Field, walk
from crmkpi.definition.planned_expressions import Happened, Unless
from crmkpi.engines.frames.backends import Backend
from crmkpi.engines.frames.faults import (
    EnteredField,
    Entry,
    begins_with_letters,
    blank_text,
    bounds_of,
    fields_of,
    is_beyond,
    odd_one,
    some_of,
    wrong,
)
from crmkpi.engines.frames.homes.home import Facts, raw_name, word_name
from crmkpi.engines.frames.local_time import DAY, micros
from crmkpi.engines.frames.profile import Prepared, ProfiledColumn, Profiler
from crmkpi.engines.frames.words import Expr, Words, flagged, only_where, with_named
from crmkpi.engines.query import Query
from crmkpi.records.base import RecordType

__all__ = ["LATER", "UNLIKE", "WrongAssumptionError", "assumed", "check", "doubted", "none_later"]

UNLIKE, LATER = "unlike_", "later_"  # columns that flag rows that break an assumption, and rows later than now
_ROWS = 2**24  # a frame of more rows is profiled
_NUMBERS = 2**31  # the squares of amounts up to this many cents add up in 64 bits
_CENTS = 2
_MANY_DIGITS = 6  # decimal places; with more, a profile finds out how many are needed
_WHOLE = 2**53
# It starts after the last placeholder date, which programs write in place of no date.
_TIMES = micros(datetime(1970, 1, 3)), micros(datetime(2200, 1, 1))  # noqa: DTZ001  # on the wall clock
_USUAL = {"timestamp": _TIMES, "date": (_TIMES[0] // DAY, _TIMES[1] // DAY)}


class WrongAssumptionError(Exception):
    """The frame breaks an assumption; with `later`, only the one that no timestamp is later than now."""

    def __init__(self, *, later: bool) -> None:
        super().__init__("the frame breaks an assumption")
        self.later = later


def assumed(
    backend: Backend, type_: RecordType, entry: Entry, exact: frozenset[str], facts: Mapping[str, Facts], key: Hashable
) -> Prepared | None:
    """Prepare an entry on assumptions, without a profile; None if its columns allow no assumptions.

    `facts` are known to the home without a query. `key` identifies the columns.
    """
    fields = fields_of(type_, entry.types)
    if any(one.type_.digits > _MANY_DIGITS for one in fields):
        return None
    profiler, nw = Profiler(backend, type_, fields, entry, exact), backend.home.words
    found: dict[str, float] = {"rows": _ROWS}
    doubts: list[Expr] = []
    own_doubts: dict[str, Expr] = {}
    plain: dict[str, Expr] = {}
    columns: dict[tuple[str, ...], ProfiledColumn] = {}
    exacts: dict[tuple[str, ...], ProfiledColumn] = {}
    for one in fields:
        path, fact = tuple(one.name.split(".")), facts.get(one.name)
        absent = one.name in entry.said
        nothing = absent and entry.said[one.name] is None
        whole = not nothing if absent else fact is not None and not fact.nulls
        required = one.name in type_.fields and not type_.fields[one.name].optional
        found[f"count {one.name}"] = 0 if nothing else _ROWS if required or whole else _ROWS - 1
        bounds = (0, 0) if absent else None if fact is None else _known(type_, one, fact)
        if one.is_measured:
            found[f"low {one.name}"], found[f"high {one.name}"] = bounds or _usual(type_, one)
        made, twin, sources = profiler.column(one, entry.frame, found)
        columns[path] = made._replace(empty=nothing, aware=None if nothing else made.aware)
        if twin is not None:
            exacts[path] = twin
        sure = bounds is not None and (absent or one.is_whole)
        small = None if sure else _small(profiler, one, found)
        if small is not None:  # larger numbers might overflow in sums and products
            guarded = sources or {one.own: nw.col(one.own)}
            sources = {name: only_where(nw, small, source) for name, source in guarded.items()}
        plain |= sources
        if absent:
            continue
        lacks = required and not whole and one.name not in entry.told
        may_be_blank = one.name not in entry.fixed and not (fact is not None and begins_with_letters(fact.low))
        ways = _doubts(profiler, one, small, lacks=lacks, sure=sure, may_be_blank=may_be_blank)
        beside = one.name in entry.told or one.name in entry.meaning_nothing  # read by another column
        if one.kind in ("choice", "flag") and not beside and not one.type_.loose:
            own_doubts |= {} if (doubt := some_of(ways)) is None else {one.own: doubt}
        else:
            doubts += ways
    frame = entry.frame
    if (doubt := some_of([*doubts, *profiler.off_scale()])) is not None:
        frame = frame.with_columns(flagged(nw, doubt).alias(UNLIKE))
        own_doubts[UNLIKE] = nw.col(UNLIKE) == nw.lit(1)
    known = MappingProxyType(columns), MappingProxyType(exacts)
    return Prepared(backend, with_named(frame, plain), *known, _ROWS, 0, {}, doubts=own_doubts, assumed=key)


def _known(type_: RecordType, one: EnteredField, fact: Facts) -> tuple[float, float] | None:
    """The bounds of a field's plain values from the home's facts; None unless these prove that all are readable."""
    if one.kind == "date" and one.type_.what != "date":
        return None
    ends = [_as_number(one, end) for end in (fact.low, fact.high)]
    low, high = ends
    if low is None or high is None or not (isfinite(low) and isfinite(high)) or is_beyond(type_, one, low, high):
        return None
    least, most = _USUAL.get(one.kind, (-(2**62), 2**62))
    return (low, high) if least <= low <= high <= most else None


def _as_number(one: EnteredField, value: object) -> float | None:
    match value:
        case datetime():
            return micros(value if value.tzinfo is None else value.astimezone(UTC)) if one.kind == "timestamp" else None
        case date():
            day = (value - date(1970, 1, 1)).days
            return day * DAY if one.kind == "timestamp" else day
        case Decimal():
            return int(value.scaleb(one.type_.digits))
        case int() | float():
            return None if one.kind in _USUAL or isinstance(value, bool) else value
        case _:
            return None


def _usual(type_: RecordType, one: EnteredField) -> tuple[float, float]:
    """The lowest and the highest plain value that a field is assumed to have."""
    if one.kind in _USUAL:
        return _USUAL[one.kind]
    most: float = _NUMBERS * 10 ** max(0, one.type_.digits - _CENTS) if one.kind in ("money", "number") else _WHOLE
    if one.type_.what == "float":
        most = _NUMBERS / 10**_CENTS if one.kind != "integer" else float(_NUMBERS)
    least, highest = (None, None) if one.name.startswith("attributes.") else bounds_of(type_, one)
    return (-most if least is None else least), (most if highest is None else highest)


def _small(profiler: Profiler, one: EnteredField, found: Mapping[str, float]) -> Expr | None:
    """True where a field is within its assumed bounds, NULL where it is NULL; None if it has no assumed bounds."""
    if not one.is_measured or (one.type_.what == "float" and one.name.startswith("attributes.")):
        return None
    nw, bounds = profiler.nw, (found[f"low {one.name}"], found[f"high {one.name}"])
    column, ends = nw.col(one.own), [nw.lit(bound) for bound in bounds]
    if _is_sure_moment(profiler, one):
        zone = profiler.entry.raws[raw_name(one.own)]
        column, ends = nw.col(raw_name(one.own)), [profiler.backend.home.moment(int(bound), zone) for bound in bounds]
    return (column >= ends[0]) & (column <= ends[1])


def _is_sure_moment(profiler: Profiler, one: EnteredField) -> bool:
    """Whether the bounds of a timestamp are validated on its original column."""
    return profiler.backend.sure_moments and raw_name(one.own) in profiler.entry.raws


def _doubts(
    profiler: Profiler, one: EnteredField, small: Expr | None, *, lacks: bool, sure: bool, may_be_blank: bool
) -> list[Expr]:
    """The conditions under which a field breaks an assumption.

    With `lacks`, NULL does; a number that is `sure` is within its bounds.
    """
    nw, column = profiler.nw, profiler.nw.col(one.own)
    if one.name in profiler.entry.told:
        found = [~nw.col(word_name(one.own)).is_null()]
    else:
        type_, entry = profiler.type_, profiler.entry
        odd = odd_one(nw, type_, one, entry) if sure else wrong(nw, type_, one, entry, finite=True)
        blank = blank_text(nw, type_, one) if may_be_blank else None
        found = [each for each in (odd, blank) if each is not None]
    if lacks:
        found.append(column.is_null())
    if small is not None:
        as_assumed = small & profiler.round_trips(one, _CENTS) if profiler.is_decimal_float(one) else small
        found.append(~as_assumed)
    if not sure and raw_name(one.own) in profiler.entry.raws and not _is_sure_moment(profiler, one):
        found.append(column.is_null() & ~nw.col(raw_name(one.own)).is_null())
    return found


def none_later(prepared: Prepared, query: Query, as_of: Sequence[datetime]) -> Prepared:
    """The frame on the assumption that no timestamp that the query compares with now is later."""
    nw = prepared.backend.home.words
    columns, late = dict(prepared.columns), []
    for part in (part for root in query.expressions for part in walk(root)):
        match part:
            case Unless(Comparison(">=", Field() as stamp, AsOf())) | Happened(Field() as stamp):
                column = columns[stamp.path]
                until = micros(as_of[bool(column.aware)])
                if column.low < until <= column.high:
                    late.append(nw.col(column.name) >= nw.lit(until))
                    columns[stamp.path] = column._replace(high=until - 1)
    later = some_of(late)
    if later is None:
        return prepared
    return prepared._replace(columns=MappingProxyType(columns), doubts={**prepared.doubts, LATER: later})


def doubted(doubts: Mapping[str, Expr], nw: Words) -> dict[str, Expr]:
    """The columns that are 1 in rows that break an assumption."""
    unlike = some_of(doubt for name, doubt in doubts.items() if name != LATER)
    found = {UNLIKE: unlike, LATER: doubts.get(LATER)}
    return {name: flagged(nw, doubt) for name, doubt in found.items() if doubt is not None}


def check(rows: int, unlike: Mapping[str, int]) -> None:
    """Raise `WrongAssumptionError` if any row breaks an assumption, or if there are too many rows."""
    if rows > _ROWS or any(unlike.values()):
        raise WrongAssumptionError(later=rows <= _ROWS and not unlike.get(UNLIKE))
