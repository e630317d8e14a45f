"""What a pass computes in each row: the columns of its keys, a flag per condition, and the values of its slots.

Expressions that say the same become one column. Each is projected before the frame is grouped, since an expression
inside an aggregate gives silently wrong numbers on some backends.
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

_LONG = 80  # letters of a condition that is written once, where shorter ones are compared again each time
_FEW_WAYS = 2  # with more conditions than these, a filter costs more than it saves


class Projection:
    """The columns of a pass; `keys` are the part and the days of rates, grouped by beside the `segments`."""

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
        """A slot that is None is not asked; rows that share conditions are added up first where it `preaggregates`.

        With `everything` there is a group for each row, that of no period too; of those without a date only counts are
        asked where it `counts_alone`.
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
        self.ways: dict[str, dict[str, Condition]] = {}  # the conditions of each flag, by their text
        self._keys = tuple(keys)
        self._currencies: dict[str, Key] = {}
        self._per: dict[str, tuple[Key, ...]] = {}
        self._flags: dict[str, str] = {}  # by their text, like all columns
        self._values: dict[str, tuple[str, Expr]] = {}
        self._terms: dict[str, Expr] = {}  # of sums, computed from values
        found = (self._slot(number, slot) for number, slot in enumerate(slots) if slot is not None)
        self.slots = [slot for slot in found if slot is not None]

    @property
    def splits(self) -> bool:
        """Whether amounts of a group are told apart, by currency or by the day of a rate."""
        return bool(self._currencies) or any(key.name == "rate" for key in self._keys)

    def keys(self, per: Sequence[Key], *, split: bool) -> list[Key]:
        """The keys to group by; unless `split` without those that only tell amounts apart: currency, day of a rate."""
        own = (key for key in self._keys if split or key.name != "rate")
        return [*self.segments, *own, *(self._currencies.values() if split else ()), *per]

    def frame(self) -> Frame:
        """The frame with the columns of all keys and slots."""
        keys = [*self.keys((), split=True), *(key for per in self._per.values() for key in per)]
        shared = self._shared()
        beside = {name: self._counted(source) for name, _, source in shared.values()}
        frame = self.keyed(keys, beside | doubted(self.doubts, self.nw))
        flags = {
            name: self._counted(all_of(self._asked(text, one, shared) for text, one in way.items()))
            for name, way in self.ways.items()
        }
        for columns in (flags, dict(self._values.values()), self._terms):
            if columns:
                frame = frame.with_columns(*(source.alias(name) for name, source in columns.items()))
        return frame

    def keyed(self, keys: Sequence[Key], flags: Mapping[str, Expr]) -> Frame:
        """The frame with the columns of keys and flags, without the rows that no slot counts."""
        frame = self.compiler.frame
        wanted = [key.within for key in self._keys if key.within is not None]
        if not self.everything and self.slots and all(slot.flag for slot in self.slots):
            wanted += self._any_way()
        if wanted:
            frame = frame.filter(*wanted)
        columns = {key.name: key.source for key in keys} | dict(flags)
        return frame.with_columns(*(source.alias(name) for name, source in columns.items())) if columns else frame

    def _shared(self) -> dict[str, tuple[str, str, Expr]]:
        """The long conditions that several flags ask for, or their opposites: each is one column, and written once."""
        ways = [(text, one) for way in self.ways.values() for text, one in way.items() if len(text) > _LONG]
        counted = Counter(unnegated(text) for text, _ in ways)
        found: dict[str, tuple[str, str, Expr]] = {}
        for text, one in ways:
            if counted[unnegated(text)] > 1:
                found.setdefault(unnegated(text), (f"s{len(found)}_", text, one.source))
        return found

    def _asked(self, text: str, condition: Condition, shared: Mapping[str, tuple[str, str, Expr]]) -> Expr:
        """A condition of a flag, by the column that it shares with others."""
        if unnegated(text) not in shared:
            return condition.source
        name, written, _ = shared[unnegated(text)]
        return self.met(name) if written == text else ~self.met(name)

    def _counted(self, condition: Expr) -> Expr:
        """A condition as a column that can be added up."""
        return condition if self.backend.adds_flags else flagged(self.nw, condition)

    def met(self, flag: str) -> Expr:
        """Where a slot counts."""
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
            # It comes first, so that of rows of no period nothing else is asked where rows are asked one by one.
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
        """Register the columns of a slot's value: its sums where they suffice, else the value where it counts."""
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
        """A short condition that holds wherever a slot counts, for a filter that reaches into the scan.

        It may hold elsewhere too: slots that share a condition need that one alone. Empty where it takes many.
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
        # Rows that meet some of the conditions are more, and have those that meet all of them.
        found = [source for texts, source in needed.items() if not any(fewer < texts for fewer in needed)]
        return [any_of(found)] if len(found) <= _FEW_WAYS else []


def _named(prefix: str, among: dict[str, tuple[str, Expr]], text: str, source: Expr) -> str:
    """The name of a column; columns of one text are one."""
    return among.setdefault(f"{prefix}_{text}", (f"{prefix}{len(among)}_", source))[0]
