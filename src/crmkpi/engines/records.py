"""The records engine: compiles a query into one loop over typed records.

As `dataclasses` compiles `__init__`: source is generated over declared field names only, and everything else is passed
in. A compiled loop is kept, so that asking again costs nothing but the loop. Records are read in one pass, in chunks
where the input is a stream, so memory is bounded by what is kept per group.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, Inexact, localcontext
from itertools import islice
from typing import Any, NoReturn

from crmkpi.engines.code import Action, Names, Scope, Writer, guard_of, shared_of, simplified, true_of, value_of, zero_of
from crmkpi.engines.query import EXACT, MICROSECOND, NO_DATE, Anchor, Answer, Query, Sample, SegmentKey, Slot
from crmkpi.errors import InputError, MissingTableError, TimeZoneError
from crmkpi.expressions import Field, Parameter
from crmkpi.records.base import record_type

__all__ = ["Moments", "answer"]

_CHUNK = 32_768
_LOOP = 4  # the depth of the loop's body in the source
_OUTSIDE = -2
_UNSET = object()
_DAY = timedelta(days=1)
_MIDNIGHTS = (datetime.min, datetime.min.replace(tzinfo=UTC))


@dataclass(frozen=True, slots=True)
class Moments:
    """The instants a query is asked at: elementary intervals for flows, bounds for stocks, and the as-of instant.

    Each is given twice, as wall-clock time (for naive timestamps) and as exact instant (for aware ones), since only the
    record tells which of the two it holds. `edges[i]` to `edges[i + 1]` is elementary interval i, where `wanted[i]`.
    """

    wall_edges: Sequence[datetime] = ()
    edges: Sequence[datetime] = ()
    wanted: Sequence[bool] = ()
    bounds: Sequence[tuple[datetime, datetime, datetime, datetime]] = ()  # start_wall, start, end_wall, end
    as_of_wall: datetime = datetime.max
    as_of: datetime = datetime.max.replace(tzinfo=UTC)


def answer(
    query: Query,
    records: Iterable[Any],
    *,
    moments: Moments,
    tables: Callable[[str], Mapping[str, Any]],
    functions: Mapping[str, Callable[..., Any]],
    parameters: Mapping[str, Any],
) -> Answer:
    """The answer to `query` over `records`, any iterable, read once.

    `tables` gives the records of a related table by their id; `functions` are the calendar's `local_day` and
    `business_time`, and `convert` where amounts are converted; `parameters` are the caller's numbers by their printed parameter.
    """
    converts = "convert" in functions
    loop = query.compiled.get(converts)
    if loop is None:
        loop = query.compiled[converts] = _compiled(query, converts=converts)
    scan = loop.bind(query, moments, tables, functions, parameters)
    whole: Answer | None = None
    with localcontext(EXACT):
        for chunk in _chunks(records):
            _check_types(chunk, query)
            part = loop.finish(query, scan(chunk), len(chunk))
            whole = part if whole is None else whole.merged(part, query)
    return whole or Answer({}, [{} for _ in query.anchors])


def _chunks(records: Iterable[Any]) -> Iterable[Sequence[Any]]:
    if isinstance(records, Sequence):
        yield records
        return
    stream = iter(records)
    while chunk := list(islice(stream, _CHUNK)):
        yield chunk


def _check_types(chunk: Sequence[Any], query: Query) -> None:
    """Only validated records are exact about time zones and money, so nothing else is let in."""
    for found in set(map(type, chunk)):
        if not issubclass(found, query.type_.model):
            name = query.type_.model.__name__
            raise InputError(
                f"The table {query.type_.table!r} holds {name} records; got {found.__name__}. Build them with "
                f"{name}(...), or read them with crmkpi.read_dicts(rows, record=crmkpi.{name})."
            )


@dataclass(frozen=True, slots=True)
class _Loop:
    """A compiled loop: the function, and the names of what it is called with."""

    factory: Callable[..., Callable[[Sequence[Any]], tuple[Any, ...]]]
    constants: Mapping[str, Any]
    relations: Mapping[str, tuple[str, str]]
    source: str

    def bind(
        self,
        query: Query,
        moments: Moments,
        tables: Callable[[str], Mapping[str, Any]],
        functions: Mapping[str, Callable[..., Any]],
        parameters: Mapping[str, Any],
    ) -> Callable[[Sequence[Any]], tuple[Any, ...]]:
        """The loop with everything that it is called with, except the records."""
        given: dict[str, Any] = {
            name: parameters[repr(value)] if isinstance(value, Parameter) else value
            for name, value in self.constants.items()
        }
        for index, (table, _) in self.relations.items():
            given[index] = tables(table).get
        return self.factory(
            given,
            [_Locator(moments, anchor) for anchor in query.anchors],
            moments,
            dict(functions),
        )

    def finish(self, query: Query, found: tuple[Any, ...], size: int) -> Answer:
        """The loop's raw lists as an answer."""
        cells, homes = found
        single = len(query.segments) == 1
        given: dict[Hashable, int] = {}
        groups: list[dict[Any, Any]] = [{} for _ in query.anchors]
        for segment, (count, *parts) in cells.items():
            key = () if not query.segments else (segment,) if single else segment
            given[key] = size if not query.segments else count
            for number, (anchor, by_part) in enumerate(zip(query.anchors, parts, strict=True)):
                for part, raw in by_part.items():
                    groups[number][key, part] = _states(anchor, raw, homes)
        return Answer(given, groups)


class _Locator:
    """Finds the elementary interval of a timestamp; remembers whole days, which answers nearly every question."""

    __slots__ = ("_days", "_moments", "_name", "_naive")

    def __init__(self, moments: Moments, anchor: Anchor) -> None:
        self._moments = moments
        self._name = repr(anchor.at)
        self._naive: bool | None = None
        self._days: dict[int, int] = {}

    def align(self, moment: datetime, record: Any) -> tuple[Any, Any, Any]:
        """The zone, the days and the finder for timestamps like `moment`; those before must have been alike."""
        naive = moment.tzinfo is None
        if self._naive not in (None, naive):
            raise TimeZoneError(
                f"{self._name} must be with a time zone everywhere or nowhere; {type(record).__name__} {record.id!r} "
                f"has {moment.isoformat()} {'without' if naive else 'with'} one, records before it had the opposite. "
                "Give tz= when reading, or convert them."
            )
        self._naive = naive
        edges = self._moments.wall_edges if naive else self._moments.edges
        wanted = self._moments.wanted
        midnight = _MIDNIGHTS[not naive]
        days = self._days

        def locate(moment: datetime) -> int:
            number = bisect_right(edges, moment) - 1
            found = number if 0 <= number < len(wanted) and wanted[number] else _OUTSIDE
            ordinal = moment.toordinal()
            first = midnight + _DAY * (ordinal - 1)
            if bisect_right(edges, first) - 1 == number and (
                number + 1 >= len(edges) or edges[number + 1] - first >= _DAY
            ):
                days[ordinal] = found
            return found

        return moment.tzinfo, days.get, locate


_COMPILED: dict[str, _Loop] = {}


def _compiled(query: Query, *, converts: bool) -> _Loop:
    text = f"{query.text} {converts}"
    loop = _COMPILED.get(text)
    if loop is None:
        if len(_COMPILED) > 500:  # a service that makes up segment functions for each request must not grow for ever
            _COMPILED.clear()
        loop = _COMPILED[text] = _compile(query, converts=converts)
    return loop


def _compile(query: Query, *, converts: bool) -> _Loop:
    names = Names(always=frozenset(name for name, known in query.type_.fields.items() if not known.optional))
    scope = Scope(names, lambda path: _key_and_table(query, path))
    body = Writer(names)
    loaded: set[str] = set()
    if query.segments:
        keys = [_segment_source(key, body, loaded, scope) for key in query.segments]
        body.line(_LOOP, f"g = {keys[0] if len(keys) == 1 else '(' + ', '.join(keys) + ')'}")
        body.line(_LOOP, "cell = cells.get(g)")
        fresh = ", ".join("{}" for _ in query.anchors)
        body.line(_LOOP, f"if cell is None: cell = cells[g] = [0, {fresh}]")
        body.line(_LOOP, "cell[0] += 1")
    homes: dict[str, str] = {}
    for number, anchor in enumerate(query.anchors):
        _anchor_source(number, query, body, loaded, scope, homes, converts=converts)
    source = _assemble(query, names, body, homes)
    namespace: dict[str, Any] = {
        "UNSET": _UNSET,
        "foreign": _foreign,
        "failed": _failed,
        "decimal_of": _decimal_of,
        "zero_of": zero_of,
        "ZERO": timedelta(0),
        "MICROSECOND": MICROSECOND,
    }
    exec(source, namespace)  # noqa: S102  # declared field names and our own words only; see code.py
    return _Loop(namespace["factory"], dict(names.constants), dict(names.relations), source)


def _assemble(query: Query, names: Names, body: Writer, homes: Mapping[str, str]) -> str:
    """The whole source: a factory that takes what the loop needs, and in it the loop over one chunk of records."""
    head = Writer(names)
    head.line(0, "def factory(given, locators, moments, functions):")
    bound = [*names.constants, *names.relations, "local_day", "business_time", "convert", "as_of", "as_of_wall", "bounds"]
    for name in (*names.constants, *names.relations):
        head.line(1, f"{name} = given[{name!r}]")
    head.line(1, "as_of, as_of_wall, bounds = moments.as_of, moments.as_of_wall, moments.bounds")
    for name in ("local_day", "business_time", "convert"):
        head.line(1, f"{name} = functions.get({name!r})")
    for number in range(len(query.anchors)):
        head.line(1, f"align{number} = locators[{number}].align")
        bound.append(f"align{number}")
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
                head.line(2, f"s{number} = cell[{number + 1}][None] = [{_empty(anchor)}]")
    head.line(2, "try:")
    head.line(3, "for r in records:")
    tail = Writer(names)
    tail.line(2, "except (TypeError, ValueError, ArithmeticError) as error:")
    tail.line(3, "failed(error, r)")
    tail.line(2, f"return cells, {{{', '.join(f'{key!r}: {home}' for key, home in homes.items())}}}")
    tail.line(1, "return scan")
    return "\n".join([*head.lines, *(body.lines or ["    " * _LOOP + "pass"]), *tail.lines, ""])


def _segment_source(key: SegmentKey, body: Writer, loaded: set[str], scope: Scope) -> str:
    if isinstance(key.source, Field):
        source, _, variables = value_of(key.source, scope)
        body.load(_LOOP, variables, loaded)
    else:
        source = f"{scope.names.constant(key.source)}(r)"
    return source if key.label is None else f"{scope.names.constant(key.label)}({source})"


def _anchor_source(
    number: int,
    query: Query,
    body: Writer,
    loaded: set[str],
    scope: Scope,
    homes: dict[str, str],
    *,
    converts: bool,
) -> None:
    """The part of the loop that serves one anchor: skip what no slot wants, find the period, fill the slots."""
    anchor = query.anchors[number]
    found = [_slot_action(place, anchor, scope, homes, converts=converts) for place in _layout(anchor)]
    guard, actions = guard_of(list(_without_aliases(anchor, found)))
    depth = _LOOP
    loaded = set(loaded)
    if anchor.stock:
        body.line(depth, "p = -1")
        body.line(depth, "for start_wall, start, end_wall, end in bounds:")
        depth += 1
        body.line(depth, "p += 1")
    if guard:
        for conjunct in guard:
            body.load(depth, conjunct.variables, loaded)
        body.line(depth, "if " + " and ".join(f"({part.source})" for part in guard) + ":")
        depth += 1
    if anchor.at is not None:
        depth = _part_source(number, anchor, body, depth, loaded, scope)
    if anchor.at is None and not anchor.stock and not query.segments:
        body.line(depth, f"s = s{number}")
    else:
        part = "p" if anchor.stock or anchor.at is not None else "None"
        body.line(depth, f"s = cell[{number + 1}].get({part})")
        body.line(depth, f"if s is None: s = cell[{number + 1}][{part}] = [{_empty(anchor)}]")
    body.branches(depth, actions, loaded)


def _part_source(number: int, anchor: Anchor, body: Writer, depth: int, loaded: set[str], scope: Scope) -> int:
    """Find the elementary interval of the anchor's timestamp; gives the depth at which it is known."""
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
    body.line(deeper, f"p = days{number}({source}.toordinal())")
    body.line(deeper, f"if p is None: p = locate{number}({source})")
    body.line(depth, f"if p != {_OUTSIDE}:")
    return depth + 1


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a slot is kept in the list of its group: from `first` on, as many items as `fresh` shows."""

    slot: Slot
    first: int
    fresh: tuple[str, ...]

    @property
    def running(self) -> bool:
        """Whether values are added up in the loop, rather than gathered and looked at after it."""
        return len(self.fresh) > 1


def _layout(anchor: Anchor) -> list[_Place]:
    places: list[_Place] = []
    first = 0
    for slot in anchor.slots:
        places.append(_Place(slot, first, _fresh(slot)))
        first += len(places[-1].fresh)
    return places


def _fresh(slot: Slot) -> tuple[str, ...]:
    """What a slot is before any record: a sum as its total, its count and perhaps its squares; else one thing."""
    if slot.key is not None:
        return ("{}",)
    if slot.what == "values" and slot.keep <= {"squares"} and slot.kind in ("money", "integer", "duration"):
        zero = "ZERO" if slot.kind == "duration" and not slot.keep else "0"
        return (zero, "0", "0") if slot.keep else (zero, "0")
    return ({"count": "0", "distinct": "set()"}.get(slot.what, "[]"),)


def _empty(anchor: Anchor) -> str:
    return ", ".join([*(item for place in _layout(anchor) for item in place.fresh), "None"])


def _without_aliases(anchor: Anchor, actions: Sequence[Action]) -> Iterator[Action]:
    """The actions, without the counts that a sum keeps anyway: those of the same records."""
    sums = {
        frozenset(action.conjuncts): number
        for number, (place, action) in enumerate(zip(_layout(anchor), actions, strict=True))
        if place.running
    }
    anchor.aliases.clear()
    for number, action in enumerate(actions):
        slot = anchor.slots[number]
        same = sums.get(frozenset(action.conjuncts)) if slot.what == "count" and slot.key is None else None
        if same is None:
            yield action
        else:
            anchor.aliases[number] = same


def _slot_action(place: _Place, anchor: Anchor, scope: Scope, homes: dict[str, str], *, converts: bool) -> Action:
    """What the loop does for one slot, and where."""
    slot = place.slot
    conjuncts = true_of(slot.where, scope)
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
        key, guards, more = value_of(slot.key, scope)
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
            home = homes.setdefault(_home(slot), f"home{len(homes)}")
            lines = [
                f"if {currency} == {home}:",
                *("    " + line for line in lines),
                f"else: {home} = foreign(s, {place.first}, {currency}, {source}, {home})",
            ]
    return Action(simplified(conjuncts), tuple(lines), variables)


def _adding_lines(place: _Place, item: str) -> list[str]:
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


def _home(slot: Slot) -> str:
    return repr(slot.currency)


def _states(anchor: Anchor, raw: Sequence[Any], homes: Mapping[str, Any]) -> list[Any]:
    """What the loop has put down for one group, as states that merge."""
    states = [
        _state(place, raw, homes.get(_home(place.slot))) if number not in anchor.aliases else 0
        for number, place in enumerate(_layout(anchor))
    ]
    for number, same in anchor.aliases.items():
        states[number] = sum(sample.count for sample in states[same].values())
    return states


def _state(place: _Place, raw: Sequence[Any], home: Any) -> Any:
    slot, kept = place.slot, raw[place.first]
    if slot.key is not None:
        return kept if slot.what == "count" else {key: _keyed_state(slot, items) for key, items in kept.items()}
    if slot.what == "count":
        return kept
    if slot.what == "distinct":
        return frozenset(kept)
    if slot.what == "latest":
        return max(kept, default=None, key=lambda item: item[:2])
    samples: dict[Any, Sample] = {}
    currency = None if home is _UNSET else home
    if place.running:
        count = raw[place.first + 1]
        if count:
            total = kept // MICROSECOND if isinstance(kept, timedelta) else kept
            samples[currency] = Sample(count, total, raw[place.first + 2] if slot.keep else 0)
    elif kept:
        samples[currency] = Sample.of(kept, slot.kind, slot.keep)
    for (first, other), values in (raw[-1] or {}).items():
        if first == place.first:
            sample = Sample.of(values, slot.kind, slot.keep)
            samples[other] = samples[other].merged(sample) if other in samples else sample
    return samples


def _keyed_state(slot: Slot, items: Any) -> Any:
    if slot.what == "distinct":
        return frozenset(items)
    if slot.what == "latest":
        return max(items, key=lambda item: item[:2])
    if slot.currency is None or not isinstance(items[0], tuple):
        return {None: Sample.of(items, slot.kind, slot.keep)}
    by_currency: dict[Any, list[Any]] = {}
    for currency, value in items:
        by_currency.setdefault(currency, []).append(value)
    return {currency: Sample.of(values, slot.kind, slot.keep) for currency, values in by_currency.items()}


def _foreign(states: list[Any], first: int, currency: Any, value: Any, home: Any) -> Any:
    """Put down an amount that is not in the loop's first currency; gives that first currency."""
    if states[-1] is None:
        states[-1] = {}
    states[-1].setdefault((first, currency), []).append(value)
    return currency if home is _UNSET else home


def _decimal_of(value: Any) -> Any:
    return value if isinstance(value, int | Decimal) else Decimal(repr(value))


def _failed(error: Exception, record: Any) -> NoReturn:
    """Say which record the loop could not handle, and why."""
    if isinstance(error, InputError):
        raise error
    where = f"{type(record).__name__} {getattr(record, 'id', None)!r}"
    if isinstance(error, Inexact):
        raise InputError(f"{where} holds an amount with more digits than can be added exactly; check it.") from error
    if isinstance(error, TypeError) and "offset" in str(error):
        raise TimeZoneError(
            f"{where} has a timestamp without a time zone beside one with; give tz= when reading, so that all become "
            "exact instants, or remove the zones."
        ) from error
    raise error


def _key_and_table(query: Query, path: tuple[str, ...]) -> tuple[str, str]:
    """The key field and the table of the relation that `path` ends in."""
    from crmkpi.records import RECORDS  # noqa: PLC0415  # the records import nothing of the engines

    type_ = query.type_
    for name in path[:-1]:
        type_ = record_type(RECORDS[type_.relations[name].table])
    relation = type_.relations[path[-1]]
    return relation.key, relation.table


def missing_table(table: str, path: str) -> MissingTableError:
    """The error for a relation that leads to a table which is not there."""
    return MissingTableError(
        f"{path!r} needs the table {table!r}, which the dataset lacks; add {table}=... to the Dataset."
    )
