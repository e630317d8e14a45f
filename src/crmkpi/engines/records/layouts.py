"""The memory of a loop: where in the flat list of a group each slot lies, and the states made of that list."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from crmkpi.engines.query import MICROSECOND, Anchor, Sample, Slot, State, Value
from crmkpi.engines.records.branches import Action

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


@dataclass(frozen=True, slots=True)
class Layout:
    """How the slots of an anchor lie in the list of a group; `aliases` are counts that a sum keeps anyway."""

    places: Sequence[Place]
    aliases: dict[int, int]

    @property
    def fresh(self) -> str:
        """The list of a group before any record; the last item is for amounts in further currencies."""
        return ", ".join([*(item for place in self.places for item in place.fresh), "None"])

    def without_aliases(self, actions: Sequence[Action | None]) -> Iterator[Action]:
        """The actions, without the counts of records that a sum counts as well; slots without one stay empty."""
        sums = {
            frozenset(action.conjuncts): number
            for number, (place, action) in enumerate(zip(self.places, actions, strict=True))
            if place.running and action is not None
        }
        for number, (place, action) in enumerate(zip(self.places, actions, strict=True)):
            if action is None:
                continue
            same = sums.get(frozenset(action.conjuncts)) if place.counts else None
            if same is None:
                yield action
            else:
                self.aliases[number] = same

    def states(self, raw: Raw, homes: Mapping[str, Hashable]) -> list[State]:
        """The loop's raw list of one group, as states that merge."""
        states = [raw[place.first] if place.counts else _state(place, raw, homes) for place in self.places]
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
    return Layout(tuple(places), {})


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
