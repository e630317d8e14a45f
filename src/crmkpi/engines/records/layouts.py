"""The memory of a loop: where in the flat list of a group each slot lies, and the states made of that list."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from crmkpi.engines.query import MICROSECOND, Anchor, Sample, Slot, State, Value
from crmkpi.engines.records.branches import Action
from crmkpi.engines.records.conjuncts import opposite_of

__all__ = ["UNSET", "Layout", "Place", "Raw", "layout_of"]

Raw = list[Any]  # what a loop keeps of a group: counts, totals and lists, where its layout says
UNSET = object()  # a loop's first currency, before it has met one


@dataclass(frozen=True, slots=True)
class Place:
    """Where a slot is kept in the list of its group: from `first` on, as many items as `fresh` shows."""

    slot: Slot
    first: int
    fresh: tuple[str, ...]
    counts: bool
    running: bool  # values are added up in the loop, rather than gathered and looked at after it
    currency: str  # tells the currency fields of one query apart

    def adds_like(self, other: Place) -> bool:
        """Whether it adds up all that the other one does, of the same values."""
        mine, theirs = self.slot, other.slot
        alike = self.running and repr(mine.value) == repr(theirs.value) and self.currency == other.currency
        return alike and theirs.keep <= mine.keep


@dataclass(frozen=True, slots=True)
class Layout:
    """How the slots of an anchor lie in the list of a group.

    `aliases` are counts that a sum keeps anyway. `rests` are sums of which another one keeps a part, as that of all
    amounts beside that of amounts from 0 on: only the values of the rest are added up in its place.
    """

    places: Sequence[Place]
    aliases: dict[int, int]
    rests: dict[int, int]

    @property
    def fresh(self) -> str:
        """The list of a group before any record; the last item is for amounts in further currencies."""
        return ", ".join([*(item for place in self.places for item in place.fresh), "None"])

    def without_aliases(self, actions: Sequence[Action | None]) -> Iterator[Action]:
        """The actions, without the counts and parts of sums that a sum keeps as well; slots without one stay empty."""
        sums = {
            frozenset(action.conjuncts): number
            for number, (place, action) in enumerate(zip(self.places, actions, strict=True))
            if place.running and action is not None
        }
        for number, (place, action) in enumerate(zip(self.places, actions, strict=True)):
            if action is None:
                continue
            same = sums.get(frozenset(action.conjuncts)) if place.counts else None
            if same is not None:
                self.aliases[number] = same
            else:
                yield self._rest(number, action, actions) if place.running else action

    def _rest(self, number: int, action: Action, actions: Sequence[Action | None]) -> Action:
        """The action where no other sum has the value, if a condition more is all that this one asks."""
        mine = self.places[number]
        for other, (place, more) in enumerate(zip(self.places, actions, strict=True)):
            if more is None or not place.adds_like(mine) or not {*action.conjuncts} < {*more.conjuncts}:
                continue
            lacking = [part for part in more.conjuncts if part not in action.conjuncts]
            opposite = opposite_of(lacking[0]) if len(lacking) == 1 else None
            if opposite is not None and other not in self.rests and number not in self.rests.values():
                self.rests[number] = other
                return Action((*action.conjuncts, opposite), action.lines, action.variables)
        return action

    def states(self, raw: Raw, homes: Mapping[str, Hashable]) -> list[State]:
        """The loop's raw list of one group, as states that merge."""
        states = [raw[place.first] if place.counts else _state(place, raw, homes) for place in self.places]
        for number, other in self.rests.items():
            states[number] = _together(states[number], states[other], squares=bool(self.places[number].slot.keep))
        for number, same in self.aliases.items():
            states[number] = sum(sample.count for sample in states[same].values())
        return states


def layout_of(anchor: Anchor) -> Layout:
    """Where each slot of an anchor is kept."""
    places: list[Place] = []
    first = 0
    for slot in anchor.slots:
        fresh = _fresh(slot)
        counts = slot.what == "count" and slot.key is None
        places.append(Place(slot, first, fresh, counts, len(fresh) > 1, repr(slot.currency)))
        first += len(fresh)
    return Layout(tuple(places), {}, {})


def _fresh(slot: Slot) -> tuple[str, ...]:
    """What a slot is before any record: a sum as its total, its count and perhaps its squares; else one thing."""
    if slot.key is not None:
        return ("{}",)
    if slot.what == "values" and slot.keep <= {"squares"} and slot.kind in ("money", "integer", "duration"):
        zero = "ZERO" if slot.kind == "duration" and not slot.keep else "0"
        return (zero, "0", "0") if slot.keep else (zero, "0")
    return ({"count": "0", "distinct": "set()"}.get(slot.what, "[]"),)


def _state(place: Place, raw: Raw, homes: Mapping[str, Hashable]) -> State:
    slot, kept = place.slot, raw[place.first]
    if slot.key is not None:
        return kept if slot.what == "count" else {key: _keyed_state(slot, items) for key, items in kept.items()}
    if slot.what == "distinct":
        return frozenset(kept)
    if slot.what == "latest":
        return max(kept, default=None, key=lambda item: item[:2])
    samples: dict[Hashable, Sample] = {}
    home = homes.get(place.currency)
    currency = None if home is UNSET else home
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


def _together(rest: State, part: State, *, squares: bool) -> State:
    """The samples of both together, by currency."""
    samples: dict[Hashable, Sample] = {**rest}
    for currency, sample in part.items():
        known = Sample(sample.count, sample.total, sample.squares if squares else 0)
        samples[currency] = samples[currency].merged(known) if currency in samples else known
    return samples


def _keyed_state(slot: Slot, items: Sequence[Value]) -> State:
    if slot.what == "distinct":
        return frozenset(items)
    if slot.what == "latest":
        return max(items, key=lambda item: item[:2])
    if slot.currency is None or not isinstance(items[0], tuple):
        return {None: Sample.of(items, slot.kind, slot.keep)}
    by_currency: dict[Hashable, list[Value]] = {}
    for currency, value in items:
        by_currency.setdefault(currency, []).append(value)
    return {currency: Sample.of(values, slot.kind, slot.keep) for currency, values in by_currency.items()}
