"""One pass over a frame: project plain columns, group once, collect the rows, and put their states down.

Slots that need more than elementary aggregations (the different values themselves, the values of a quantile, the latest
record) are asked beside, over the same projected columns.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from decimal import Decimal
from functools import reduce
from operator import and_, or_
from typing import Any

from crmkpi.engines.frames.compiled_values import Condition, Value
from crmkpi.engines.frames.compiler import Compiler
from crmkpi.engines.frames.exact_sums import exact_sum
from crmkpi.engines.frames.group_keys import OUTSIDE, UNDATED, Key, as_it_is, decoder
from crmkpi.engines.frames.preaggregate import Classes
from crmkpi.engines.frames.states import (
    PartOfPass,
    aggregations,
    is_beside,
    places_of,
    sample_decoder,
    state_reader,
    times,
)
from crmkpi.engines.frames.stocks import parted
from crmkpi.engines.query import Anchor, Ranked, Sample, Slot, empty_state, merged_state

__all__ = ["Pass"]

_FEW_WAYS = 2  # up to so many, leaving out the rows that count nowhere is faster than to group them

Group = tuple[tuple[Hashable, ...], int | None]


class Pass:
    """An anchor's slots over one frame; `keys` are the segments, then the part, then the days of rates."""

    def __init__(
        self,
        compiler: Compiler,
        segments: Sequence[Key],
        keys: Sequence[Key],
        anchor: Anchor,
        convert: Callable[..., Any] | None = None,
        confidence: float | None = None,
        parts: Sequence[int | None] = (None,),
    ) -> None:
        """`parts` is that of all rows, where there is no key for it; or several, and the anchor has slots for each."""
        self._parts_of_all = parts
        self._compiler = compiler
        self._backend = compiler.prepared.backend
        self._home = self._backend.home
        self._nw = compiler.nw
        self._segments = list(segments)
        self._keys = list(keys)
        self._anchor = anchor
        self._convert = convert
        self._confidence = confidence
        self.undated = any(key.name == UNDATED for key in keys)  # it asks what no period changes
        self._adds_flags = self._backend.adds_flags
        self._currencies: dict[str, Key] = {}
        self._flags: dict[str, Any] = {}
        self._ways: dict[str, dict[str, Condition]] = {}  # the conditions that make up a flag, by their text
        self._columns: dict[str, Any] = {}
        self._more: dict[str, Any] = {}
        self._per: dict[str, tuple[Key, ...]] = {}
        self._parts: list[PartOfPass] = []
        self._adds_classes = self._backend.preaggregates and len(parts) == 1
        self._classes = Classes(self._nw, self._backend, compiler.prepared.rows)
        self._groups: dict[Group, list[Any]] = {}
        self._empty = [empty_state(slot) for slot in anchor.slots]
        self._statements: list[tuple[str, str]] | None = None

    def given(self) -> dict[tuple[Hashable, ...], int]:
        """How many rows each segment has."""
        frame = self._compiler.frame.with_columns(
            *(key.source.alias(key.name) for key in self._segments)
        )  # a segment at least
        names = [key.name for key in self._segments]
        counted = frame.select(*names).group_by(*names).agg(self._nw.len().alias("n"))
        found: dict[tuple[Hashable, ...], int] = {}
        for *cells, count in self._home.leave(counted):
            segment = tuple(key.decode(cell) for key, cell in zip(self._segments, cells, strict=True))
            found[segment] = found.get(segment, 0) + count
        return found

    def states(self, *, merging: bool, statements: list[tuple[str, str]] | None) -> dict[Group, list[Any]]:
        """The states of each group."""
        self._statements = statements
        found = (self._part(number, slot) for number, slot in enumerate(self._anchor.slots))
        parts = self._parts = [part for part in found if part is not None]
        for keyed in dict.fromkeys(repr(part.slot.key) for part in parts):
            own = [part for part in parts if repr(part.slot.key) == keyed]
            per = self._per.get(keyed)
            # Different values do not add up, over currencies or classes, so they are counted without them.
            in_classes = self._adds_classes and per is None
            apart = [part for part in own if part.slot.what == "distinct" and (in_classes or self._splits())]
            together = [part for part in own if part not in apart]
            for chosen, whole in ((together, True), (apart, False)):
                if chosen:
                    keys = self._all_keys(per, split=whole)
                    self._aggregated(chosen, keys, per, classes=in_classes and whole, merging=merging)
        return self._groups if len(self._parts_of_all) == 1 else parted(self._groups, self._parts_of_all)

    def _splits(self) -> bool:
        return bool(self._currencies) or any(key.name == "rate" for key in self._keys)

    def _part(self, number: int, slot: Slot) -> PartOfPass | None:
        """The slot's columns, put down among those to project; None where no row can count."""
        compiler, nw = self._compiler, self._nw
        conditions = compiler.conditions(slot.where)
        if conditions is None:
            return None
        value = None
        if slot.value is not None:
            value = compiler.value(slot.value, exact=slot.what == "values")
            conditions |= compiler.presences(value, slot.value)
        for root, made in ((slot.key, self._per), (slot.moment, None)):
            if root is not None:
                found = compiler.value(root)
                conditions |= compiler.presences(found, root)
                if made is not None:
                    parts = [compiler.value(part) for part in getattr(root, "items", (root,))]
                    name = f"per{len(made)}"
                    own = (Key(f"{name}_{n}", part.source, decoder(part)) for n, part in enumerate(parts))
                    made.setdefault(repr(root), tuple(own))
        flag = None
        if conditions:
            sources = [condition.source for condition in conditions.values()]
            flag = self._named("w", self._flags, " & ".join(sorted(conditions)), reduce(and_, sources))
            self._ways[flag] = conditions
        part = PartOfPass(number, slot, flag, value)
        if slot.currency is not None:
            part.currency = self._currency(slot)
        if value is None:
            return part
        text = f"{slot.value!r} {flag}"
        shown = value.source if flag is None else nw.when(self._met(flag)).then(value.source)
        powers = (1, 2) if "squares" in slot.keep else (1,)
        if self._adds_classes and slot.key is None and slot.what == "values":
            part.whole = self._classes.value(repr(slot.value), value.source)
            if self._sums_up(slot, value):
                part.sums = tuple(self._classes.sum(part.whole, value, flag, power=power) for power in powers)
            if "extremes" in slot.keep:
                part.ends = (f"low {number}", f"high {number}")
        elif slot.what == "values" and self._sums_up(slot, value):
            whole = value.source if flag is None else shown.otherwise(nw.lit(0))
            name = self._named("v", self._columns, text, whole)
            rows, backend = compiler.prepared.rows, self._backend
            part.sums = tuple(exact_sum(nw, backend, name, value.largest, rows, power=power) for power in powers)
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
        key = Key(f"c{len(self._currencies)}", self._nw.col(known.name), as_it_is)
        self._currencies.setdefault(repr(slot.currency), key)
        return list(self._currencies).index(repr(slot.currency))

    def _projected(self) -> Any:
        """The frame with all columns that any slot needs, and only those, but the ones that it came with."""
        nw = self._nw
        keys = [*self._all_keys(None, split=True), *(key for per in self._per.values() for key in per)]
        flags = {
            name: source if self._adds_flags else nw.when(source).then(nw.lit(1)).otherwise(nw.lit(0))
            for name, source in self._flags.values()
        }
        frame = self._keyed(keys, flags)
        if self._columns:
            frame = frame.with_columns(*(source.alias(name) for name, source in self._columns.values()))
        if self._more:
            frame = frame.with_columns(*(source.alias(name) for name, source in self._more.items()))
        return frame

    def _all_keys(self, per: Sequence[Key] | None, *, split: bool) -> list[Key]:
        """What to group by; without what only tells amounts apart, unless to `split` by it."""
        keys = [*self._segments, *(key for key in self._keys if split or key.name != "rate")]
        return [*keys, *(self._currencies.values() if split else ()), *(per or ())]

    def _keyed(self, keys: Sequence[Key], more: Mapping[str, Any]) -> Any:
        """The frame with the columns of the keys and more, as far as its rows are asked for."""
        frame = self._compiler.frame
        wanted = [key.within for key in self._keys if key.within is not None]
        if self._parts and all(part.flag for part in self._parts):
            wanted += self._any_way()
        if wanted:
            frame = frame.filter(*wanted)
        columns = {key.name: key.source for key in keys} | dict(more)
        if columns:
            frame = frame.with_columns(*(source.alias(name) for name, source in columns.items()))
        return frame

    def _aggregated(
        self,
        parts: Sequence[PartOfPass],
        keys: Sequence[Key],
        per: Sequence[Key] | None,
        *,
        classes: bool,
        merging: bool,
    ) -> None:
        """Group once for these slots, and put their states down."""
        nw = self._nw
        asked: dict[str, Any] = {"n": nw.col("rows_").sum() if classes else nw.len()}
        for part in parts:
            asked |= aggregations(nw, part, ranks=self._ranks(part, keys, merging=merging), merging=merging)
            if self._backend.lists_in_rows and part.slot.what == "values" and is_beside(part, merging=merging):
                asked[f"values {part.number}"] = self._home.listed(part.column)
        names = [key.name for key in keys]
        chosen = [part.alias(name) for name, part in asked.items()]
        if classes:
            frame = self._classes.added_up(self._keyed(keys, {}), names, parts, self._ways)
        else:
            frame = self._projected() if per is None else self._only(self._projected(), parts)
        lists = [part.column for part in parts if self._ranks(part, keys, merging=merging)]
        grouped = frame.group_by(*names).agg(*chosen) if names else frame.select(*chosen)
        frame = self._projected() if classes else frame
        if lists and self._backend.sorts_groups:
            frame = self._home.grouped(frame, names, chosen, lists)
            grouped = frame.select(*names, *asked)
        if self._statements is not None and (made := self._home.statement(grouped)) is not None:
            self._statements.append(made)
        rows = self._home.leave(grouped)
        place = {name: number for number, name in enumerate((*names, *asked))}
        self._read(rows, place, parts, keys, per, merging=merging)
        for part in parts:
            if part.column in lists:
                counted = f"n {part.flag}" if part.flag else "n"
                self._fetch_ranks(frame, part, keys, counted, {row[place[counted]] for row in rows})
            elif is_beside(part, merging=merging):
                finish = self._finishing(part, keys)
                for values, state in self._beside(frame, part, keys, rows, place.get(f"values {part.number}")):
                    decoded = [key.decode(cell) for key, cell in zip(keys, values, strict=True)]
                    group = self._group(decoded, keys)
                    if group[1] != OUTSIDE:
                        self._put(part, group, decoded, per, finish(state, decoded) if finish else state)

    def _read(
        self,
        rows: Sequence[Sequence[Any]],
        place: Mapping[str, int],
        parts: Sequence[PartOfPass],
        keys: Sequence[Key],
        per: Sequence[Key] | None,
        *,
        merging: bool,
    ) -> None:
        """Put down the states of all rows of an aggregation."""
        readers = [
            (part, part.number, state_reader(part, place), self._finishing(part, keys))
            for part in parts
            if self._ranks(part, keys, merging=merging) or not is_beside(part, merging=merging)
        ]
        decoders = [key.decode for key in keys]
        for row in rows:
            decoded = [decode(cell) for decode, cell in zip(decoders, row, strict=False)]
            group = self._group(decoded, keys)
            if group[1] == OUTSIDE:
                continue
            states = self._groups.get(group)
            fresh = states is None and per is None
            if states is None:
                states = self._groups[group] = list(self._empty)
            for part, number, read, finish in readers:
                state = read(row)
                if state is not None:
                    found = finish(state, decoded) if finish else state
                    if fresh:
                        states[number] = found
                    else:
                        self._put(part, group, decoded, per, found)

    def _group(self, decoded: Sequence[Any], keys: Sequence[Key]) -> Group:
        """The group of decoded keys: the segments come first, then the part, unless all rows are of one."""
        size = len(self._segments)
        dated = len(keys) > size and keys[size].name == "part"
        return tuple(decoded[:size]), decoded[size] if dated else self._parts_of_all[0]

    def _ranks(self, part: PartOfPass, keys: Sequence[Key], *, merging: bool) -> bool:
        """Whether of a sorted slot only the values at the ranks that matter are fetched: nothing will merge with it."""
        return (
            self._backend.keeps_ranks
            and "values" in part.slot.keep
            and "all" not in part.slot.keep
            and bool(part.sums)
            and not (merging or self._convert or part.slot.key is not None or part.currency is not None)
            and all(key.single for key in keys)
        )

    def _fetch_ranks(
        self, frame: Any, part: PartOfPass, keys: Sequence[Key], counted: str, counts: Iterable[int | None]
    ) -> None:
        """Give the samples of a slot the values that its quantiles and their intervals rest on."""
        assert part.value is not None
        places = {count: places_of(count, part.slot.fractions, self._confidence) for count in counts if count}
        if not places:
            return
        exact = sample_decoder(part.value)
        names = [key.name for key in keys]
        if part.flag is not None and not self._backend.sorts_groups:  # the filter reaches into the scan
            frame = frame.filter(self._met(part.flag))
        for cells, found in self._home.ranks(frame, names, part.column, counted, places):
            decoded = [key.decode(cell) for key, cell in zip(keys, cells, strict=True)]
            group = self._group(decoded, keys)
            if group[1] == OUTSIDE:
                continue
            sample = self._groups[group][part.number][None]
            known = {place: exact(plain) for place, plain in zip(places[sample.count], found, strict=False)}
            sample.values = Ranked(sample.count, known)

    def _any_way(self) -> list[Any]:
        """A condition in few words that holds wherever a slot counts: won or deleted, where one asks for not deleted.

        It may hold elsewhere too: of slots that share a condition only that is asked. None where it takes many words.
        """
        ways = list(self._ways.values())
        alone = {f"unless({text})" for way in ways if len(way) == 1 for text in way}
        counted = Counter(text for way in ways for text in way if text not in alone)
        found: dict[str, Any] = {}
        for way in ways:
            shared = {text: one.source for text, one in way.items() if counted[text] > 1}
            needed = shared or {text: one.source for text, one in way.items() if text not in alone}
            if not needed:
                return []
            found[" & ".join(sorted(needed))] = reduce(and_, needed.values())
        return [reduce(or_, found.values())] if len(found) <= _FEW_WAYS else []

    def _met(self, flag: str) -> Any:
        """Where a slot counts."""
        column = self._nw.col(flag)
        return column if self._adds_flags else column == self._nw.lit(1)

    def _only(self, frame: Any, parts: Sequence[PartOfPass]) -> Any:
        """Without the rows in which none of the slots counts."""
        flags = list(dict.fromkeys(part.flag for part in parts))
        if None in flags:
            return frame
        return frame.filter(reduce(or_, (self._met(flag) for flag in flags if flag is not None)))

    def _put(
        self, part: PartOfPass, group: Group, decoded: Sequence[Any], per: Sequence[Key] | None, state: Any
    ) -> None:
        """Put a state down in its group, beside what is there already."""
        states = self._groups.get(group)
        if states is None:
            states = self._groups[group] = list(self._empty)
        before = states[part.number]
        if per is not None:
            key = decoded[-1] if len(per) == 1 else tuple(decoded[-len(per) :])
            mine = before.get(key)
            merged = state if mine is None else merged_state(part.slot, {key: mine}, {key: state})[key]
            if not before:  # the empty one is shared
                states[part.number] = {key: merged}
            else:
                before[key] = merged
        elif not before:
            states[part.number] = state
        else:
            assert not (part.slot.what == "distinct" and isinstance(state, int)), "different values do not add up"
            states[part.number] = merged_state(part.slot, before, state)

    def _finishing(self, part: PartOfPass, keys: Sequence[Key]) -> Callable[[Any, Sequence[Any]], Any] | None:
        """What puts a sample under its currency, or converts it; None for any other state, which stays as it is."""
        if part.slot.what != "values":
            return None
        where = {key.name: number for number, key in enumerate(keys)}
        currency, rate = where.get(f"c{part.currency}"), where.get("rate")
        convert = self._convert if part.slot.currency is not None else None

        def finished(sample: Sample, decoded: Sequence[Any]) -> dict[Any, Sample]:
            found = None if currency is None else decoded[currency]
            if convert is None:
                return {found: sample}
            return {None: times(sample, convert(Decimal(1), found, None if rate is None else decoded[rate]))}

        return finished

    def _beside(
        self, frame: Any, part: PartOfPass, keys: Sequence[Key], rows: Sequence[Sequence[Any]], listed: int | None
    ) -> Iterable[tuple[tuple[Any, ...], Any]]:
        """The states that elementary aggregations cannot give: by the plain values of the keys.

        `listed` is where in the `rows` of the aggregation the sorted values are, if they came with it.
        """
        slot, value = part.slot, part.value
        assert value is not None
        names = [key.name for key in keys]
        chosen = frame if part.flag is None else frame.filter(self._met(part.flag))
        decode = decoder(value)
        if slot.what == "distinct":
            sets: dict[tuple[Any, ...], set[Any]] = {}
            for *group, plain in self._home.leave(chosen.select(*names, part.column).unique()):
                sets.setdefault(tuple(group), set()).add(decode(plain))
            yield from ((group, frozenset(found)) for group, found in sets.items())
        elif slot.what == "latest":
            yield from self._latest(chosen, part, names)
        else:
            exact = sample_decoder(value)
            found = (
                self._home.sorted_values(chosen, names, part.column)
                if listed is None
                else ((tuple(row[: len(names)]), row[listed]) for row in rows if row[listed])
            )
            for gathered_in, values in found:
                whole = value.digits == 0 and value.kind in ("duration", "integer")
                kept = values if whole else [exact(plain) for plain in values]
                kind: Any = value.kind if value.digits is None else "integer"
                yield gathered_in, Sample.of(kept, kind, slot.keep)

    def _latest(self, chosen: Any, part: PartOfPass, names: Sequence[str]) -> Iterable[tuple[tuple[Any, ...], Any]]:
        """The latest record of each group: of equally late ones, the one whose id sorts last."""
        nw, slot = self._nw, part.slot
        assert slot.moment is not None
        assert part.value is not None
        moment = self._compiler.value(slot.moment)
        made = {"moment_": moment.source, "id_": nw.col("f_id"), "all_": nw.lit(0)}
        frame = chosen.with_columns(*(source.alias(name) for name, source in made.items()))
        frame = frame.select(*names, *made, part.column)
        for column in ("moment_", "id_"):
            best = nw.col(column).max().over(*(names or ["all_"]))
            frame = frame.with_columns(best.alias(f"best_{column}")).filter(nw.col(column) == nw.col(f"best_{column}"))
        when, decode = decoder(moment), decoder(part.value)
        for *group, stamp, id_, plain in self._home.leave(frame.select(*names, "moment_", "id_", part.column)):
            yield tuple(group), (when(stamp), id_, decode(plain))
