"""A stock at the bounds of several periods, in one pass over a frame: each period has its own slots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from operator import is_
from typing import TypeVar

from crmkpi.definition.expressions import Bound, Expression, Now
from crmkpi.engines.query import Anchor, Group, State

__all__ = ["at_bounds", "parted"]

What = TypeVar("What")


def at_bounds(anchor: Anchor, count: int) -> Anchor:
    """The anchor with its slots repeated for each of `count` periods, one period after the other."""
    if count == 1:
        return anchor
    made = Anchor(anchor.at, anchor.stock)
    for number in range(count):
        for slot in anchor.slots:
            parts = {name: _at(getattr(slot, name), number) for name in ("where", "value", "key", "moment")}
            made.slots.append(replace(slot, **parts))
    return made


def _at(what: What, number: int) -> What:
    """An expression whose bounds are those of one of the periods."""
    if isinstance(what, Bound | Now):
        return replace(what, number=number)
    if isinstance(what, tuple):
        placed = tuple(_at(part, number) for part in what)
        return what if all(map(is_, placed, what)) else placed  # type: ignore[return-value]
    if not isinstance(what, Expression):
        return what
    parts = {name: getattr(what, name) for name in getattr(what, "__dataclass_fields__", {})}
    made = {name: _at(part, number) for name, part in parts.items() if isinstance(part, Expression | tuple)}
    changed = {name: part for name, part in made.items() if part is not parts[name]}
    return replace(what, **changed) if changed else what  # type: ignore[type-var]


def parted(groups: Mapping[Group, list[State]], parts: Sequence[int | None]) -> dict[Group, list[State]]:
    """The states per period, cut from the states of all periods."""
    return {
        (segment, part): states[place * len(states) // len(parts) : (place + 1) * len(states) // len(parts)]
        for (segment, _), states in groups.items()
        for place, part in enumerate(parts)
    }
