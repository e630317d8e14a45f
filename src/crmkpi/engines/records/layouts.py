"""The memory layout of a loop: the position of each slot in the flat list of a group, and the states built from it."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from crmkpi.engines.query import MICROSECOND, Anchor, Sample, Slot, State, Value
from crmkpi.engines.records.branches import Action
from crmkpi.engines.records.conjuncts import opposite_of

__all__ = ["UNSET", "Layout", "Place", "Raw", "layout_of"]

Raw = list[Any]  # the list of a group: counts, totals and lists, in the order of its layout
UNSET = object()  # the first currency of a loop, before any record


@dataclass(frozen=True, slots=True)
class Place:
    """The position of a slot in the list of its group: from `first` on, one item for each in `fresh`."""

    slot: Slot
    first: int
    fresh: tuple[str, ...]
    counts: bool
    running: bool  # the loop adds up values, rather than gathering them for later
    currency: str  # identifies the currency field

    def adds_like(self, other: Place) -> bool:
        """Whether this place keeps all sums of the other one, of the same values."""
        mine, theirs = self.slot, other.slot
        alike = self.running and repr(mine.value) == repr(theirs.value) and self.currency == other.currency
        return alike and theirs.keep <= mine.keep


@dataclass(frozen=True, slots=True)
class Layout:
    """The positions of the slots of an anchor in the list of a group.

    `aliases` are counts that a sum keeps anyway. `rests` are sums that contain another sum, such as that of all amounts
    and that of amounts from 0 on: the loop adds only the values that the other sum lacks.
    """

    places: Sequence[Place]
    aliases: dict[int, int]
    rests: dict[int, int]

    @property
    def fresh(self) -> str:
        """The list of a group before any record; the last item is for amounts in further currencies."""
        return ", ".join([*(item for place in self.places for item in place.fresh), "None"])

    def without_aliases(self, actions: Sequence[Action | None]) -> Iterator[Action]:
        """The actions, without the counts and parts of sums that another sum keeps; a slot may have no action."""
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
        """The action restricted to values that no other sum has, if that sum only has one condition more."""
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
    """The positions of the slots of an anchor."""
    places: list[Place] = []
    first = 0
    for slot in anchor.slots:
        fresh = _fresh(slot)
        counts = slot.what == "count" and slot.key is None
        places.append(Place(slot, first, fresh, counts, len(fresh) > 1, repr(slot.currency)))
        first += len(fresh)
    return Layout(tuple(places), {}, {})


def _fresh(slot: Slot) -> tuple[str, ...]:
    """The initial items of a slot: for a sum its total, its count and perhaps its squares; otherwise one item."""
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
    """Merge the samples of both states, by currency."""
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
