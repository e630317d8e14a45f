"""The columns that a pass projects: its keys, a flag for each combination of conditions, and the values of its slots.

Equal expressions share a column. All are projected before the group by, since an expression inside an aggregate
silently returns wrong numbers on some backends.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from crmkpi.engines.frames.assumptions import doubted
from crmkpi.engines.frames.compiled_values import Condition, Value, unnegated
from crmkpi.engines.frames.compiler import Compiler
from crmkpi.engines.frames.exact_sums import exact_sum
from crmkpi.engines.frames.group_keys import OUTSIDE, Key, beyond_part, currency_of, decoder
from crmkpi.engines.frames.preaggregate import Classes
from crmkpi.engines.frames.slots import PassSlot
from crmkpi.engines.frames.words import Expr, Frame, all_of, any_of, flagged, only_where
from crmkpi.engines.query import NO_DATE, Slot

__all__ = ["Projection"]

_LONG = 80  # characters: a longer condition that several flags need gets a column of its own
_FEW_WAYS = 2  # a filter of more alternatives costs more than it saves


class Projection:
    """The columns of a pass, grouped by the `segments` and by `keys`: the part and the day of the rate."""

    def __init__(
        self,
        compiler: Compiler,
        segments: Sequence[Key],
        keys: Sequence[Key],
        slots: Sequence[Slot | None],
        *,
        preaggregates: bool,
        everything: bool = False,
        counts_alone: bool = False,
    ) -> None:
        """A slot that is None gets no columns. With `preaggregates`, rows are summed by equal condition outcomes first.

        With `everything`, rows outside the periods are grouped too. With `counts_alone`, rows without a date are only
        counted.
        """
        self.compiler = compiler
        self.backend = compiler.prepared.backend
        self.nw = compiler.nw
        self.segments = tuple(segments)
        self.preaggregates = preaggregates
        self.everything = everything
        self.doubts = compiler.prepared.doubts if everything else {}
        self._counts_alone = counts_alone
        self.classes = Classes(self.nw, self.backend, compiler.prepared.rows)
        self.ways: dict[str, dict[str, Condition]] = {}  # the conditions of each flag, keyed by their text
        self._keys = tuple(keys)
        self._currencies: dict[str, Key] = {}
        self._per: dict[str, tuple[Key, ...]] = {}
        self._flags: dict[str, str] = {}  # keyed by the text of the conditions
        self._values: dict[str, tuple[str, Expr]] = {}
        self._terms: dict[str, Expr] = {}  # columns to add up, computed from the values
        found = (self._slot(number, slot) for number, slot in enumerate(slots) if slot is not None)
        self.slots = [slot for slot in found if slot is not None]

    @property
    def splits(self) -> bool:
        """True if a group's amounts are grouped further, by currency or by the day of the rate."""
        return bool(self._currencies) or any(key.name == "rate" for key in self._keys)

    def keys(self, per: Sequence[Key], *, split: bool) -> list[Key]:
        """The keys to group by; only with `split` those that amounts need: currency and the day of the rate."""
        own = (key for key in self._keys if split or key.name != "rate")
        return [*self.segments, *own, *(self._currencies.values() if split else ()), *per]

    def frame(self) -> Frame:
        """The frame with the columns of all keys and slots."""
        keys = [*self.keys((), split=True), *(key for per in self._per.values() for key in per)]
        shared = self._shared()
        beside = {name: self._counted(source) for name, _, source in shared.values()}
        frame = self.keyed(keys, beside | doubted(self.doubts, self.nw))
        flags = {
            name: self._counted(all_of(self._column_of(text, one, shared) for text, one in way.items()))
            for name, way in self.ways.items()
        }
        for columns in (flags, dict(self._values.values()), self._terms):
            if columns:
                frame = frame.with_columns(*(source.alias(name) for name, source in columns.items()))
        return frame

    def keyed(self, keys: Sequence[Key], flags: Mapping[str, Expr]) -> Frame:
        """The frame with the columns of keys and flags, without most of the rows that no slot counts."""
        frame = self.compiler.frame
        wanted = [key.within for key in self._keys if key.within is not None]
        if not self.everything and self.slots and all(slot.flag for slot in self.slots):
            wanted += self._any_way()
        if wanted:
            frame = frame.filter(*wanted)
        columns = {key.name: key.source for key in keys} | dict(flags)
        return frame.with_columns(*(source.alias(name) for name, source in columns.items())) if columns else frame

    def _shared(self) -> dict[str, tuple[str, str, Expr]]:
        """The long conditions that several flags need, as they are or negated: each becomes one column."""
        ways = [(text, one) for way in self.ways.values() for text, one in way.items() if len(text) > _LONG]
        counted = Counter(unnegated(text) for text, _ in ways)
        found: dict[str, tuple[str, str, Expr]] = {}
        for text, one in ways:
            if counted[unnegated(text)] > 1:
                found.setdefault(unnegated(text), (f"s{len(found)}_", text, one.source))
        return found

    def _column_of(self, text: str, condition: Condition, shared: Mapping[str, tuple[str, str, Expr]]) -> Expr:
        """A condition of a flag, read from its shared column if it has one."""
        if unnegated(text) not in shared:
            return condition.source
        name, written, _ = shared[unnegated(text)]
        return self.met(name) if written == text else ~self.met(name)

    def _counted(self, condition: Expr) -> Expr:
        """A condition as a column that can be added up."""
        return condition if self.backend.adds_flags else flagged(self.nw, condition)

    def met(self, flag: str) -> Expr:
        """The condition that a flag's column is true, or 1."""
        column = self.nw.col(flag)
        return column if self.backend.adds_flags else column == self.nw.lit(1)

    def only(self, frame: Frame, slots: Sequence[PassSlot]) -> Frame:
        """The projected frame without the rows in which none of the slots counts."""
        flags = dict.fromkeys(slot.flag for slot in slots)
        if None in flags:
            return frame
        return frame.filter(any_of([self.met(flag) for flag in flags if flag is not None]))

    def _slot(self, number: int, slot: Slot) -> PassSlot | None:
        """Register the columns of a slot; None if its condition can never hold."""
        compiler = self.compiler
        conditions = compiler.conditions(slot.where)
        if conditions is None:
            return None
        made = PassSlot(number, slot)
        if slot.value is not None:
            made.value = compiler.value(slot.value, exact=slot.what == "values")
            conditions |= compiler.presences(made.value, slot.value)
        if slot.key is not None:
            conditions |= compiler.presences(compiler.value(slot.key), slot.key)
            parts = [compiler.value(part) for part in getattr(slot.key, "items", (slot.key,))]
            name = f"per{len(self._per)}"
            own = (Key(f"{name}_{place}", part.source, decoder(part)) for place, part in enumerate(parts))
            made.per = self._per.setdefault(repr(slot.key), tuple(own))
        if slot.moment is not None:
            made.moment = compiler.value(slot.moment)
            conditions |= compiler.presences(made.moment, slot.moment)
        if self.everything and self._keys:
            least = NO_DATE if self._counts_alone and slot.what != "count" else OUTSIDE
            # First, since a backend that evaluates row by row then skips the rest for rows outside the periods.
            conditions = {f"part is beyond {least}": beyond_part(compiler.nw, least)} | conditions
        if conditions:
            made.flag = self._flags.setdefault(" & ".join(sorted(conditions)), f"w{len(self._flags)}_")
            self.ways[made.flag] = conditions
        if slot.currency is not None and not (known := compiler.column(slot.currency)).empty:
            key = Key(f"c{len(self._currencies)}", self.nw.col(known.name), currency_of)
            made.currency = self._currencies.setdefault(repr(slot.currency), key).name
        if made.value is not None:
            self._value(made, made.value)
        return made

    def _value(self, made: PassSlot, value: Value) -> None:
        """Register the columns of a slot's value: the terms of its sums if they suffice, else the value itself."""
        nw, slot = self.nw, made.slot
        text = f"{slot.value!r} {made.flag}"
        shown = value.source if made.flag is None else only_where(nw, self.met(made.flag), value.source)
        powers = (1, 2) if "squares" in slot.keep else (1,)
        ends_alone = "extremes" in slot.keep and value.kind in ("timestamp", "date")
        added = slot.what == "values" and value.digits is not None and not ends_alone
        if slot.what == "values" and self.preaggregates and slot.key is None:
            made.whole = self.classes.value(repr(slot.value), value.source)
            if added:
                made.sums = tuple(self.classes.sum(made.whole, value, made.flag, power=power) for power in powers)
            if "extremes" in slot.keep:
                made.ends = (f"low {made.number}", f"high {made.number}")
        elif added:
            name = _named("v", self._values, text, shown)
            rows = self.compiler.prepared.rows
            made.sums = tuple(exact_sum(nw, self.backend, name, value.largest, rows, power=power) for power in powers)
            for one in made.sums:
                self._terms |= one.columns
        if slot.what != "values" or slot.keep & {"values", "extremes"} or not made.sums:
            made.column = _named("x", self._values, text, shown)

    def _any_way(self) -> list[Expr]:
        """A short condition that holds wherever a slot counts, for a filter that is pushed down into the scan.

        It may also hold elsewhere: slots that share a condition need only this one. Empty if there are too many.
        """
        ways = list(self.ways.values())
        alone = {f"unless({text})" for way in ways if len(way) == 1 for text in way}
        counted = Counter(text for way in ways for text in way if text not in alone)
        needed: dict[frozenset[str], Expr] = {}
        for way in ways:
            shared = {text: one.source for text, one in way.items() if counted[text] > 1}
            asked = shared or {text: one.source for text, one in way.items() if text not in alone}
            if not asked:
                return []
            needed[frozenset(asked)] = all_of(asked.values())
        # A subset of conditions keeps every row that all of them keep, so the larger set is redundant.
        found = [source for texts, source in needed.items() if not any(fewer < texts for fewer in needed)]
        return [any_of(found)] if len(found) <= _FEW_WAYS else []


def _named(prefix: str, among: dict[str, tuple[str, Expr]], text: str, source: Expr) -> str:
    """The name of a column; equal texts share one."""
    return among.setdefault(f"{prefix}_{text}", (f"{prefix}{len(among)}_", source))[0]
