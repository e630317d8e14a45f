"""Loops over records, compiled from queries.

As `dataclasses` compiles `__init__`, source is generated from declared field names only, and everything else is passed
in. A loop keeps one flat list per group; layouts.py defines how to read it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal, Inexact
from typing import NoReturn

from crmkpi.definition.expressions import Field
from crmkpi.definition.parameters import Parameter
from crmkpi.engines.query import (
    MICROSECOND,
    NO_DATE,
    UNREADABLE,
    Anchor,
    Answer,
    Group,
    Moments,
    Query,
    Record,
    SegmentKey,
    Slot,
    State,
    Value,
    quotient,
)
from crmkpi.engines.records.branches import Action, Writer, guard_of
from crmkpi.engines.records.conjuncts import simplified
from crmkpi.engines.records.layouts import UNSET, Layout, Place, Raw, layout_of
from crmkpi.engines.records.marks import segment_of
from crmkpi.engines.records.source import (
    Names,
    Scope,
    shared_of,
    true_of,
    unreadable_of,
    value_of,
    zero_of,
)
from crmkpi.errors import InputError, TimeZoneError
from crmkpi.records.base import RecordType, record_type

__all__ = ["OUTSIDE", "Loop", "compiled", "failed"]

Found = tuple[Mapping[Hashable, Sequence[Value]], Mapping[str, Hashable]]  # the cells, and the first currencies
Scan = Callable[[Sequence[Record]], Found]
OUTSIDE = -2  # the part of records in no wanted period
_LOOP = 4  # the depth of the loop's body in the source


@dataclass(frozen=True, slots=True)
class Loop:
    """A compiled loop: a factory of the function, and the arguments of the factory."""

    factory: Callable[..., Scan]  # compiled from `source`
    constants: Mapping[str, object]
    parameters: Mapping[str, str]  # the printed parameter of each constant that the caller gives
    relations: Mapping[str, tuple[str, str]]
    layouts: Sequence[Layout]
    type_: RecordType
    source: str

    def bind(
        self,
        locators: Sequence[object],
        moments: Moments,
        tables: Callable[[str], Mapping[str, Record]],
        functions: Mapping[str, Callable[..., Value]],
        parameters: Mapping[str, Value],
        check: Callable[[Value], bool],
        usual: type[object],
    ) -> Scan:
        """Bind all arguments of the loop except the records.

        `check` runs on records of another class than the `usual` one, and returns whether to skip a record.
        """
        given: dict[str, object] = {**self.constants}
        for name, parameter in self.parameters.items():
            given[name] = parameters[parameter]
        for index, (table, _) in self.relations.items():
            given[index] = tables(table).get
        return self.factory(given, locators, moments, functions, usual, check)

    def finish(self, query: Query, found: Found, size: int) -> Answer:
        """Turn the loop's raw lists into an answer."""
        cells, homes = found
        single = len(query.segments) == 1
        given: dict[tuple[Hashable, ...], int] = {}
        groups: list[dict[Group, list[State]]] = [{} for _ in query.anchors]
        for segment, (count, *parts) in cells.items():
            key = (segment,) if single or not isinstance(segment, tuple) else segment
            given[key] = count if query.segments else size
            for states, layout, by_part in zip(groups, self.layouts, parts, strict=True):
                for part, raw in by_part.items():
                    states[key, part] = layout.states(raw, homes)
        return Answer(given, groups)


_COMPILED: dict[str, Loop] = {}


def compiled(query: Query, *, converts: bool, zoned: bool = False, careful: bool = False) -> Loop:
    """The loop that answers the query, compiled once and cached.

    A `zoned` loop is for a calendar whose clocks change; a `careful` loop handles unreadable fields.
    """
    text = f"{query.text} {converts} {zoned} {careful}"
    loop = _COMPILED.get(text)
    if loop is None:
        if len(_COMPILED) > 500:  # a service may define new segment functions for each request
            _COMPILED.clear()
        loop = _COMPILED[text] = _compile(query, converts=converts, zoned=zoned, careful=careful)
    return loop


def _compile(query: Query, *, converts: bool, zoned: bool, careful: bool) -> Loop:
    always = () if careful else (name for name, known in query.type_.fields.items() if not known.optional)
    names = Names(always=frozenset(always))
    scope = Scope(names, lambda path: _key_and_table(query, path), zoned)
    body = Writer(names)
    loaded: set[str] = set()
    if query.segments:
        keys = [_segment_source(key, body, loaded, scope, careful=careful) for key in query.segments]
        body.line(_LOOP, f"g = ({', '.join(keys)})")  # for one key, brackets without a comma: the key itself
        # Since the key is nearly always present, try/except is faster than a test.
        body.line(_LOOP, "try: cell = cells[g]")
        fresh = ", ".join("{}" for _ in query.anchors)
        body.line(_LOOP, f"except KeyError: cell = cells[g] = [0, {fresh}]")
        body.line(_LOOP, "cell[0] += 1")
    homes: dict[str, str] = {}
    layouts = [layout_of(anchor) for anchor in query.anchors]
    for number, layout in enumerate(layouts):
        _anchor_source(number, query, layout, body, loaded, scope, homes, converts=converts, careful=careful)
    source = _assemble(query, layouts, names, body, homes)
    namespace: dict[str, Value] = {
        "UNSET": UNSET,
        "foreign": _foreign,
        "failed": failed,
        "decimal_of": _decimal_of,
        "zero_of": zero_of,
        "quotient": quotient,
        "UNREADABLE": UNREADABLE,
        "segment_of": segment_of,
        "ZERO": timedelta(0),
        "MICROSECOND": MICROSECOND,
    }
    exec(source, namespace)  # noqa: S102  # contains declared field names and generated names only; see source.py
    parameters = {name: repr(value) for name, value in names.constants.items() if isinstance(value, Parameter)}
    constants, relations = dict(names.constants), dict(names.relations)
    return Loop(namespace["factory"], constants, parameters, relations, layouts, query.type_, source)


def _assemble(query: Query, layouts: Sequence[Layout], names: Names, body: Writer, homes: Mapping[str, str]) -> str:
    """The whole source: a factory that takes the loop's arguments, and in it the loop over one chunk of records."""
    head = Writer(names)
    head.line(0, "def factory(given, locators, moments, functions, usual, check):")
    text = "\n".join(body.lines)
    sources = {name: f"given[{name!r}]" for name in (*names.constants, *names.relations)}
    sources |= {name: f"functions.get({name!r})" for name in ("local_day", "business_time", "elapsed", "convert")}
    sources |= {"as_of": "moments.as_of", "as_of_wall": "moments.as_of_wall", "bounds": "moments.looked_at"}
    sources |= {f"align{number}": f"locators[{number}].align" for number in range(len(query.anchors))}
    read = [name for name in sources if name in text]  # only those in use, as they dominate the cost for few records
    for name in read:
        head.line(1, f"{name} = {sources[name]}")
    bound = ["usual", "check", *read]
    # As defaults they are locals of the loop, the fastest kind of variable.
    head.line(1, f"def scan(records, *, {', '.join(f'{name}={name}' for name in bound)}):")
    head.line(2, "r = None")
    head.line(2, "cells = {}")
    for number in range(len(query.anchors)):
        head.line(2, f"zone{number} = days{number} = locate{number} = UNSET")
    for home in homes.values():
        head.line(2, f"{home} = UNSET")
    if not query.segments:
        head.line(2, f"cell = cells[()] = [0, {', '.join('{}' for _ in query.anchors)}]")
        for number, anchor in enumerate(query.anchors):
            if anchor.at is None and not anchor.stock:
                head.line(2, f"s{number} = cell[{number + 1}][None] = [{layouts[number].fresh}]")
    head.line(2, "try:")
    head.line(3, "for r in records:")
    head.line(_LOOP, "if type(r) is not usual and check(r): continue")
    tail = Writer(names)
    tail.line(2, "except (TypeError, ValueError, ArithmeticError) as error:")
    tail.line(3, "failed(error, r)")
    tail.line(2, f"return cells, {{{', '.join(f'{key!r}: {home}' for key, home in homes.items())}}}")
    tail.line(1, "return scan")
    return "\n".join([*head.lines, *(body.lines or ["    " * _LOOP + "pass"]), *tail.lines, ""])


def _segment_source(key: SegmentKey, body: Writer, loaded: set[str], scope: Scope, *, careful: bool) -> str:
    label = None if key.label is None else scope.names.constant(key.label)
    if not isinstance(key.source, Field):
        function = scope.names.constant(key.source)
        if careful:
            return f"segment_of({function}, {label}, r)"
        return f"{function}(r)" if label is None else f"{label}({function}(r))"
    source, _, variables = value_of(key.source, scope)
    body.load(_LOOP, variables, loaded)
    source = source if label is None else f"{label}({source})"
    if not careful:
        return source
    unread = unreadable_of(key.source, scope)
    body.load(_LOOP, unread.variables, loaded)
    return f"(UNREADABLE if {unread.source} else {source})"


def _anchor_source(
    number: int,
    query: Query,
    layout: Layout,
    body: Writer,
    loaded: set[str],
    scope: Scope,
    homes: dict[str, str],
    *,
    converts: bool,
    careful: bool,
) -> None:
    """The part of the loop for one anchor: skip records that no slot needs, find the period, fill the slots."""
    anchor = query.anchors[number]
    found = [
        None
        if place.slot.only_unreadable and not careful
        else _slot_action(place, anchor, scope, homes, converts=converts, careful=careful)
        for place in layout.places
    ]
    guard, actions = guard_of(list(layout.without_aliases(found)))
    depth = _LOOP
    loaded = set(loaded)
    if anchor.stock:
        asked = body.needed(variable for conjunct in guard for variable in conjunct.variables)
        own = [name for name in asked & scope.names.at_once if not scope.names.loads[name][1]]
        body.load(depth, own, loaded)  # once for all periods
        body.line(depth, "p = -1")
        body.line(depth, "for start_wall, start, end_wall, end in bounds:")
        depth += 1
        body.line(depth, "p += 1")
    # A condition on a computed value is tested last, when its inputs are known to be present.
    at_once = [conjunct for conjunct in guard if conjunct.plain is None]
    for together in (at_once, *([conjunct] for conjunct in guard if conjunct.plain is not None)):
        if together:
            for conjunct in together:
                body.load(depth, conjunct.variables, loaded)
            body.line(depth, "if " + " and ".join(f"({part.source})" for part in together) + ":")
            depth += 1
    if anchor.at is not None:
        depth = _part_source(number, anchor, body, depth, loaded, scope)
    if anchor.at is None and not anchor.stock and not query.segments:
        body.line(depth, f"s = s{number}")
    else:
        part = "p" if anchor.stock or anchor.at is not None else "None"
        body.line(depth, f"try: s = cell[{number + 1}][{part}]")
        body.line(depth, f"except KeyError: s = cell[{number + 1}][{part}] = [{layout.fresh}]")
    body.branches(depth, actions, loaded)


def _part_source(number: int, anchor: Anchor, body: Writer, depth: int, loaded: set[str], scope: Scope) -> int:
    """Write the lookup of the elementary interval of the anchor's timestamp; returns the depth of its body."""
    assert anchor.at is not None
    source, guards, variables = value_of(anchor.at, scope)
    body.load(depth, variables, loaded)
    if guards:
        body.line(depth, f"if {source} is None:")
        body.line(depth + 1, f"p = {NO_DATE}")
        body.line(depth, "else:")
    deeper = depth + bool(guards)
    body.line(deeper, f"if {source}.tzinfo is not zone{number}:")
    body.line(deeper + 1, f"zone{number}, days{number}, locate{number} = align{number}({source}, r)")
    body.line(deeper, f"try: p = days{number}[{source}.toordinal()]")
    body.line(deeper, f"except KeyError: p = locate{number}({source})")
    body.line(depth, f"if p != {OUTSIDE}:")
    return depth + 1


def _slot_action(
    place: Place, anchor: Anchor, scope: Scope, homes: dict[str, str], *, converts: bool, careful: bool
) -> Action:
    """The action of the loop for one slot."""
    slot = place.slot
    conjuncts = true_of(slot.where if slot.careful is None or not careful else slot.careful, scope)
    variables: frozenset[str] = frozenset()
    source = ""
    if slot.value is not None:
        source, guards, variables = shared_of(slot.value, scope)
        conjuncts += guards
    currency = ""
    if slot.currency is not None:
        currency, _, more = value_of(slot.currency, scope)
        variables |= more
        if converts:
            moment, needed = _conversion_moment(anchor, scope)
            source, currency = f"convert({source}, {currency}, {moment})", ""
            variables |= needed
    item = source
    if slot.what == "latest":
        assert slot.moment is not None
        moment, guards, more = value_of(slot.moment, scope)
        conjuncts += guards
        variables |= more
        item = f"({moment}, r.id, {source})"
    if slot.key is not None:
        key, guards, more = shared_of(slot.key, scope)
        conjuncts += guards
        item = f"({currency}, {item})" if currency else item
        return Action(simplified(conjuncts), _keyed_lines(slot, place.first, key, item), variables | more)
    if slot.what == "count":
        lines = [f"s[{place.first}] += 1"]
    elif slot.what == "distinct":
        lines = [f"s[{place.first}].add({source})"]
    else:
        lines = _adding_lines(place, item)
        if currency:
            home = homes.setdefault(place.currency, f"home{len(homes)}")
            lines = [
                f"if {currency} == {home}:",
                *("    " + line for line in lines),
                f"else: {home} = foreign(s, {place.first}, {currency}, {source}, {home})",
            ]
    return Action(simplified(conjuncts), tuple(lines), variables)


def _adding_lines(place: Place, item: str) -> list[str]:
    first, slot = place.first, place.slot
    if not place.running:
        return [f"s[{first}].append({item})"]
    if slot.keep and slot.kind == "duration":
        return [f"x = {item} // MICROSECOND", f"s[{first}] += x", f"s[{first + 1}] += 1", f"s[{first + 2}] += x * x"]
    squares = [f"s[{first + 2}] += {item} * {item}"] if slot.keep else []
    return [f"s[{first}] += {item}", f"s[{first + 1}] += 1", *squares]


def _keyed_lines(slot: Slot, position: int, key: str, item: str) -> tuple[str, ...]:
    if slot.what == "count":
        return (f"d = s[{position}]", f"d[{key}] = d.get({key}, 0) + 1")
    add, fresh = ("add", "set()") if slot.what == "distinct" else ("append", "[]")
    return (f"d = s[{position}].get({key})", f"if d is None: d = s[{position}][{key}] = {fresh}", f"d.{add}({item})")


def _conversion_moment(anchor: Anchor, scope: Scope) -> tuple[str, frozenset[str]]:
    if anchor.stock:
        return "end_wall", frozenset()
    if anchor.at is None:
        return "None", frozenset()
    source, _, variables = value_of(anchor.at, scope)
    return source, variables


def _foreign(states: Raw, first: int, currency: Hashable, value: Value, home: Hashable) -> Hashable:
    """Keep an amount that is not in the loop's first currency; returns that first currency."""
    if states[-1] is None:
        states[-1] = {}
    states[-1].setdefault((first, currency), []).append(value)
    return currency if home is UNSET else home


def _decimal_of(value: float | Decimal) -> int | Decimal:
    return Decimal(repr(value)) if isinstance(value, float) else value


def failed(error: Exception, record: object) -> NoReturn:
    """Raise an error that names the record that the loop could not handle, and the cause."""
    where = "A record" if record is None else f"{type(record).__name__} {getattr(record, 'id', None)!r}"
    if isinstance(error, Inexact):
        raise InputError(f"{where} holds an amount with more digits than can be added exactly; check it.") from error
    if isinstance(error, TypeError) and "offset" in str(error):
        raise TimeZoneError(
            f"{where} has timestamps with and without a time zone; give tz= when reading, so that all become exact "
            "instants, or remove the zones."
        ) from error
    if isinstance(error, TypeError) and "unhashable" in str(error):
        raise InputError(
            f"{where} falls into no group: a segment is text, a number, a date or another value that hashes; {error}."
        ) from error
    raise error


def _key_and_table(query: Query, path: tuple[str, ...]) -> tuple[str, str]:
    """The key field and the table of the relation that `path` ends in."""
    from crmkpi.records import RECORDS  # noqa: PLC0415  # loads the record classes only at need

    type_ = query.type_
    for name in path[:-1]:
        type_ = record_type(RECORDS[type_.relations[name].table])
    relation = type_.relations[path[-1]]
    return relation.key, relation.table
