"""One pass over a frame: project plain columns, group once, collect the rows, and read them as states.

Slots that need more than elementary aggregations (the different values themselves, the values of a quantile, the latest
record) are asked beside, over the same projected columns.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import reduce
from operator import or_
from typing import Any

from crmkpi.engines.frames_expressions import Compiler, Value
from crmkpi.engines.frames_look import Column
from crmkpi.engines.frames_native import counts_steps, gathered, rows_of, statement_of, with_steps
from crmkpi.engines.frames_sums import Sum, exact_sum
from crmkpi.engines.frames_time import local_day, step_numbers
from crmkpi.engines.query import EXACT, Anchor, Sample, SegmentKey, Slot, empty_state, merged_state

__all__ = ["OUTSIDE", "Key", "Pass", "day_key", "decoder", "scaled", "segment_key", "step_key"]

OUTSIDE = -2  # the part of records that no period asks for
_BY_HALVES = ("duckdb", "pyspark")  # they compute only the branch that applies
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  # the origin of wall clocks

Group = tuple[tuple[Hashable, ...], int | None]


@dataclass(frozen=True, slots=True)
class Key:
    """One thing to group by: the name of its column, the expression, and what its plain value means."""

    name: str
    source: Any
    decode: Callable[[Any], Any]
    within: Any = None  # where rows are asked for at all
    edges: tuple[int, ...] | None = None  # of a step function that the library counts itself


def _same(value: Any) -> Any:
    return value


def step_key(name: str, compiler: Compiler, stamp: Value, edges: Sequence[int]) -> Key:
    """The number of edges that a timestamp has reached; rows before the first and after the last are not asked for."""
    nw, source = compiler.nw, stamp.source
    within = source.is_null()
    if edges:
        within = within | ((source >= nw.lit(edges[0])) & (source < nw.lit(edges[-1])))
    if counts_steps(compiler.prepared.backend):
        return Key(name, source, _whole_or_none, within, tuple(edges))
    halves = compiler.prepared.backend.name in _BY_HALVES
    return Key(name, step_numbers(nw, source, edges, halves=halves), _whole_or_none, within)


def day_key(name: str, compiler: Compiler, stamp: Value, days: Sequence[date]) -> Key:
    """The number of days, of those given, that a timestamp's local day has reached."""
    known = Column("", "timestamp", 0, stamp.low, stamp.high, stamp.aware)
    source = local_day(compiler.nw, stamp.source, known, compiler.calendar)
    edges = [(day - date(1970, 1, 1)).days for day in days]
    halves = compiler.prepared.backend.name in _BY_HALVES
    return Key(name, step_numbers(compiler.nw, source, edges, halves=halves), _whole_or_none)


def _whole_or_none(value: Any) -> int | None:
    return None if value is None else int(value)


def segment_key(number: int, key: SegmentKey, compiler: Compiler) -> Key:
    """The key of a segment: its field, or the bin that its field falls into."""
    value = compiler.value(key.source)
    name = f"s{number}"
    segment = getattr(key.label, "__self__", None)
    if segment is not None and value.kind in ("money", "number", "integer"):
        edges = [_edge(bin_, value) for bin_ in segment.bins]
        halves = compiler.prepared.backend.name in _BY_HALVES
        source = step_numbers(compiler.nw, value.source, edges, halves=halves)
        return Key(name, source, lambda number: None if number is None else segment.labels[int(number)])
    decode = decoder(value)
    if key.label is not None:
        return Key(name, value.source, lambda plain: key.label(decode(plain)))
    return Key(name, value.source, decode)


def _edge(bound: Any, value: Value) -> Any:
    """The smallest plain number that is not below the bound of a bin."""
    if value.digits is not None:
        return math.ceil(Decimal(bound) * 10**value.digits)
    edge = float(bound)
    return edge if Decimal(edge) >= Decimal(bound) else math.nextafter(edge, math.inf)


def decoder(value: Value) -> Callable[[Any], Any]:
    """What turns a plain value into the one that a record has."""
    origin: Any = _EPOCH.replace(tzinfo=UTC) if value.aware else _EPOCH
    digits = value.digits or 0
    made: dict[str, Callable[[Any], Any]] = {
        "timestamp": lambda plain: origin + timedelta(microseconds=int(plain)),
        "date": lambda plain: date(1970, 1, 1) + timedelta(days=int(plain)),
        "money": lambda plain: scaled(int(plain), digits),
        "integer": int,
        "number": float,
        "flag": bool,
        "duration": lambda plain: timedelta(microseconds=int(plain)),
    }
    decode = made.get(value.kind, _same)
    return lambda plain: None if plain is None else decode(plain)


def scaled(number: int, digits: int) -> Any:
    """A whole number of the smallest digit as the decimal that it stands for."""
    return EXACT.scaleb(Decimal(number), -digits)


@dataclass(slots=True)
class _Part:
    """One slot in a pass: the columns it has in the projected frame, and how its state is read from a row."""

    number: int
    slot: Slot
    flag: str | None  # the column that is 1 where the slot counts; None where it always does
    value: Value | None = None
    column: str = ""  # the value where the slot counts, else missing
    sums: tuple[Sum, ...] = ()
    currency: int | None = None  # the number of its currency among the keys


class Pass:
    """An anchor's slots over one frame; `keys` are the segments, then the part, then the days of rates."""

    def __init__(
        self,
        compiler: Compiler,
        segments: Sequence[Key],
        keys: Sequence[Key],
        anchor: Anchor,
        convert: Callable[..., Any] | None = None,
    ) -> None:
        self._compiler = compiler
        self._backend = compiler.prepared.backend
        self._nw = compiler.nw
        self._segments = list(segments)
        self._keys = list(keys)
        self._anchor = anchor
        self._convert = convert
        self._adds_flags = self._backend.name == "polars"  # it adds up true and false; others add up 1 and 0
        self._currencies: dict[str, Key] = {}
        self._flags: dict[str, Any] = {}
        self._columns: dict[str, Any] = {}
        self._more: dict[str, Any] = {}
        self._per: dict[str, tuple[Key, ...]] = {}
        self._parts: list[_Part] = []
        self._groups: dict[Group, list[Any]] = {}
        self._statements: list[tuple[str, str]] | None = None

    def given(self) -> dict[tuple[Hashable, ...], int]:
        """How many rows each segment has."""
        frame = self._compiler.prepared.frame.with_columns(
            *(key.source.alias(key.name) for key in self._segments)
        )  # a segment at least
        names = [key.name for key in self._segments]
        counted = frame.select(*names).group_by(*names).agg(self._nw.len().alias("n"))
        found: dict[tuple[Hashable, ...], int] = {}
        for *cells, count in rows_of(self._backend, counted):
            segment = tuple(key.decode(cell) for key, cell in zip(self._segments, cells, strict=True))
            found[segment] = found.get(segment, 0) + count
        return found

    def states(self, *, merging: bool, statements: list[tuple[str, str]] | None) -> dict[Group, list[Any]]:
        """The states of each group."""
        self._statements = statements
        parts = self._parts = [self._part(number, slot) for number, slot in enumerate(self._anchor.slots)]
        frame = self._projected()
        for keyed in dict.fromkeys(repr(part.slot.key) for part in parts):
            own = [part for part in parts if repr(part.slot.key) == keyed]
            per = self._per.get(keyed)
            # Different values do not add up over currencies, so they are counted without them.
            apart = [part for part in own if part.slot.what == "distinct" and self._splits()]
            together = [part for part in own if part not in apart]
            for chosen, split in ((together, True), (apart, False)):
                if chosen:
                    self._aggregated(frame, chosen, per, split=split, merging=merging)
        return self._groups

    def _splits(self) -> bool:
        return bool(self._currencies) or any(key.name == "rate" for key in self._keys)

    def _part(self, number: int, slot: Slot) -> _Part:
        """The slot's columns, put down among those to project."""
        compiler, nw = self._compiler, self._nw
        value = None
        conditions = [compiler.true(slot.where)]
        if slot.value is not None:
            value = compiler.value(slot.value, exact=slot.what == "values")
            conditions.append(compiler.present(value))
        for root, made in ((slot.key, self._per), (slot.moment, None)):
            if root is not None:
                found = compiler.value(root)
                conditions.append(compiler.present(found))
                if made is not None:
                    parts = [compiler.value(part) for part in getattr(root, "items", (root,))]
                    name = f"per{len(made)}"
                    own = (Key(f"{name}_{n}", part.source, decoder(part)) for n, part in enumerate(parts))
                    made.setdefault(repr(root), tuple(own))
        present = [condition for condition in conditions if condition is not None]
        flag = None
        if present:
            text = f"{slot.where!r} {sorted(value.needs) if value is not None else ''} {slot.key!r} {slot.moment!r}"
            flag = self._named("w", self._flags, text, reduce(lambda a, b: a & b, present))
        part = _Part(number, slot, flag, value)
        if slot.currency is not None:
            part.currency = self._currency(slot)
        if value is None:
            return part
        text = f"{slot.value!r} {flag}"
        shown = value.source if flag is None else nw.when(self._met(flag)).then(value.source)
        if slot.what == "values" and self._sums_up(slot, value):
            whole = value.source if flag is None else shown.otherwise(nw.lit(0))
            name = self._named("v", self._columns, text, whole)
            rows, backend = compiler.prepared.rows, self._backend
            part.sums = (exact_sum(nw, backend, name, value.largest, rows, power=1),)
            if "squares" in slot.keep:
                part.sums += (exact_sum(nw, backend, name, value.largest, rows, power=2),)
            for one in part.sums:
                self._more |= one.columns
        if slot.what != "values" or slot.keep & {"values", "extremes"} or not part.sums:
            part.column = self._named("x", self._columns, text, shown)
        return part

    def _sums_up(self, slot: Slot, value: Value) -> bool:
        return value.digits is not None and not ("extremes" in slot.keep and value.kind in ("timestamp", "date"))

    def _named(self, prefix: str, among: dict[str, Any], text: str, source: Any) -> str:
        name = f"{prefix}_{text}"
        return among.setdefault(name, (f"{prefix}{len(among)}_", source))[0]  # type: ignore[no-any-return]

    def _currency(self, slot: Slot) -> int | None:
        assert slot.currency is not None
        known = self._compiler.column(slot.currency)
        if known.empty:
            return None
        key = Key(f"c{len(self._currencies)}", self._nw.col(known.name), _same)
        self._currencies.setdefault(repr(slot.currency), key)
        return list(self._currencies).index(repr(slot.currency))

    def _projected(self) -> Any:
        """The frame with all columns that any slot needs, and only those, but the ones that it came with."""
        nw = self._nw
        keys = [*self._segments, *self._keys, *self._currencies.values()]
        keys += [key for per in self._per.values() for key in per]
        first = [key.source.alias(key.name) for key in keys]
        for name, source in self._flags.values():
            made = source if self._adds_flags else nw.when(source).then(nw.lit(1)).otherwise(nw.lit(0))
            first.append(made.alias(name))
        frame = self._compiler.prepared.frame
        for key in self._keys:
            if key.within is not None:
                frame = frame.filter(key.within)
        if first:
            frame = frame.with_columns(*first)
        for key in keys:
            if key.edges is not None:
                frame = with_steps(self._backend, frame, key.name, key.edges)
        if self._backend.name != "duckdb" and self._flags and all(part.flag for part in self._parts):
            frame = self._only(frame, self._parts)  # fewer rows to group
        if self._columns:
            frame = frame.with_columns(*(source.alias(name) for name, source in self._columns.values()))
        if self._more:
            frame = frame.with_columns(*(source.alias(name) for name, source in self._more.items()))
        return frame

    def _aggregated(
        self, frame: Any, parts: Sequence[_Part], per: Sequence[Key] | None, *, split: bool, merging: bool
    ) -> None:
        """Group once for these slots, and put their states down."""
        nw = self._nw
        if per is not None:
            frame = self._only(frame, parts)
        keys = [*self._segments, *(key for key in self._keys if split or key.name != "rate")]
        keys += [*(self._currencies.values() if split else ()), *(per or ())]
        asked: dict[str, Any] = {"n": nw.len()}
        for part in parts:
            asked |= _aggregations(nw, part, merging=merging)
        names = [key.name for key in keys]
        chosen = [part.alias(name) for name, part in asked.items()]
        grouped = frame.group_by(*names).agg(*chosen) if names else frame.select(*chosen)
        if self._statements is not None and (made := statement_of(self._backend, grouped)) is not None:
            self._statements.append(made)
        columns = [*names, *asked]
        for row in rows_of(self._backend, grouped):
            cells = dict(zip(columns, row, strict=True))
            decoded = {key.name: key.decode(cells[key.name]) for key in keys}
            for part in parts:
                self._put(part, decoded, per, self._state(part, cells, decoded, merging=merging))
        for part in parts:
            for values, state in self._beside(frame, part, keys, merging=merging):
                decoded = {key.name: key.decode(cell) for key, cell in zip(keys, values, strict=True)}
                self._put(part, decoded, per, self._in_currency(part, decoded, state))

    def _met(self, flag: str) -> Any:
        """Where a slot counts."""
        column = self._nw.col(flag)
        return column if self._adds_flags else column == self._nw.lit(1)

    def _only(self, frame: Any, parts: Sequence[_Part]) -> Any:
        """Without the rows in which none of the slots counts."""
        flags = list(dict.fromkeys(part.flag for part in parts))
        if None in flags:
            return frame
        return frame.filter(reduce(or_, (self._met(flag) for flag in flags if flag is not None)))

    def _put(self, part: _Part, decoded: dict[str, Any], per: Sequence[Key] | None, state: Any) -> None:
        """Put a state down in its group, beside what is there already."""
        group = (tuple(decoded[key.name] for key in self._segments), decoded.get("part"))
        states = self._groups.get(group)
        if states is None:
            states = self._groups[group] = [empty_state(slot) for slot in self._anchor.slots]
        if state is None:
            return
        before = states[part.number]
        if per is None:
            if part.slot.what == "distinct" and isinstance(state, int):
                assert not before, "counts of different values do not add up"
                states[part.number] = state
            else:
                states[part.number] = merged_state(part.slot, before, state)
            return
        key = decoded[per[0].name] if len(per) == 1 else tuple(decoded[part.name] for part in per)
        mine = before.get(key)
        before[key] = state if mine is None else merged_state(part.slot, {key: mine}, {key: state})[key]

    def _state(self, part: _Part, cells: dict[str, Any], decoded: dict[str, Any], *, merging: bool) -> Any:
        """The state that a row of the aggregation gives; None where the slot is empty or asked beside."""
        slot = part.slot
        count = int(cells["n"] if part.flag is None else cells[f"n {part.flag}"] or 0)
        if not count or _is_beside(part, merging=merging):
            return None
        if slot.what == "count":
            return count
        if slot.what == "distinct":
            # A missing value counts as one more, and every row in which the slot does not count is one.
            return int(cells[f"distinct {part.number}"]) - (count < cells["n"])
        assert part.value is not None
        sample = Sample(count)
        if part.sums:
            digits = part.value.digits or 0
            total, *squares = (one.read(cells) for one in part.sums)
            sample.total = _number(total, digits, part.value.kind)
            sample.squares = _number(squares[0], 2 * digits, part.value.kind) if squares else 0
        if "extremes" in slot.keep:
            decode = _sample_decoder(part.value)
            sample.low, sample.high = (decode(cells[f"{side} {part.number}"]) for side in ("low", "high"))
        return self._in_currency(part, decoded, sample)

    def _in_currency(self, part: _Part, decoded: dict[str, Any], state: Any) -> Any:
        """A sample under its currency, or converted; any other state as it is."""
        if not isinstance(state, Sample):
            return state
        currency = None if part.currency is None else decoded[f"c{part.currency}"]
        if self._convert is None or part.slot.currency is None:
            return {currency: state}
        rate = self._convert(Decimal(1), currency, decoded.get("rate"))
        with_rate = Sample(
            state.count,
            EXACT.multiply(Decimal(state.total), rate),
            EXACT.multiply(Decimal(state.squares), EXACT.multiply(rate, rate)),
        )
        with_rate.values = [EXACT.multiply(value, rate) for value in state.values]
        with_rate.low, with_rate.high = (
            None if side is None else EXACT.multiply(side, rate) for side in (state.low, state.high)
        )
        return {None: with_rate}

    def _beside(
        self, frame: Any, part: _Part, keys: Sequence[Key], *, merging: bool
    ) -> Iterable[tuple[tuple[Any, ...], Any]]:
        """The states that elementary aggregations cannot give: by the plain values of the keys."""
        if not _is_beside(part, merging=merging):
            return
        slot, value = part.slot, part.value
        assert value is not None
        names = [key.name for key in keys]
        chosen = frame if part.flag is None else frame.filter(self._met(part.flag))
        decode = decoder(value)
        if slot.what == "distinct":
            sets: dict[tuple[Any, ...], set[Any]] = {}
            for *group, plain in rows_of(self._backend, chosen.select(*names, part.column).unique()):
                sets.setdefault(tuple(group), set()).add(decode(plain))
            yield from ((group, frozenset(found)) for group, found in sets.items())
        elif slot.what == "latest":
            yield from self._latest(chosen, part, names)
        else:
            exact = _sample_decoder(value)
            for gathered_in, (values,) in gathered(self._backend, chosen, names, [part.column]).items():
                whole = value.digits == 0 and value.kind in ("duration", "integer")
                kept = values if whole else [exact(plain) for plain in values]
                kind: Any = value.kind if value.digits is None else "integer"
                yield gathered_in, Sample.of(kept, kind, slot.keep)

    def _latest(self, chosen: Any, part: _Part, names: Sequence[str]) -> Iterable[tuple[tuple[Any, ...], Any]]:
        """The latest record of each group: of equally late ones, the one whose id sorts last."""
        nw, slot = self._nw, part.slot
        assert slot.moment is not None
        assert part.value is not None
        moment = self._compiler.value(slot.moment)
        frame = chosen.with_columns(moment.source.alias("moment_"), nw.col("f_id").alias("id_"))
        frame = frame.select(*names, "moment_", "id_", part.column)
        for column in ("moment_", "id_"):
            best = nw.col(column).max()
            frame = frame.with_columns((best.over(*names) if names else best).alias("best_")).filter(
                nw.col(column) == nw.col("best_")
            )
        when, decode = decoder(moment), decoder(part.value)
        for *group, stamp, id_, plain in rows_of(self._backend, frame.select(*names, "moment_", "id_", part.column)):
            yield tuple(group), (when(stamp), id_, decode(plain))


def _is_beside(part: _Part, *, merging: bool) -> bool:
    slot = part.slot
    if slot.what == "distinct":
        return merging
    return slot.what == "latest" or (
        slot.what == "values" and ("values" in slot.keep or part.value is None or not _in_rows(part))
    )


def _in_rows(part: _Part) -> bool:
    return bool(part.sums) or (part.value is not None and part.value.kind in ("timestamp", "date"))


def _aggregations(nw: Any, part: _Part, *, merging: bool) -> dict[str, Any]:
    """What is asked of each group for one slot."""
    asked: dict[str, Any] = {}
    if part.flag is not None:
        asked[f"n {part.flag}"] = nw.col(part.flag).sum()
    if _is_beside(part, merging=merging):
        return asked
    if part.slot.what == "distinct":
        asked[f"distinct {part.number}"] = nw.col(part.column).n_unique()
    for one in part.sums:
        asked |= {name: nw.col(name).sum() for name in one.columns}
    if "extremes" in part.slot.keep:
        asked[f"low {part.number}"] = nw.col(part.column).min()
        asked[f"high {part.number}"] = nw.col(part.column).max()
    return asked


def _sample_decoder(value: Value) -> Callable[[Any], Any]:
    """Plain values as samples keep them: durations in microseconds, money as decimals."""
    if value.kind in ("timestamp", "date"):
        return decoder(value)
    if value.digits is None:
        return _same
    digits = value.digits
    return lambda plain: _number(int(plain), digits, value.kind)


def _number(number: int, digits: int, kind: str) -> Any:
    return scaled(number, digits) if kind in ("money", "number") or digits else number
