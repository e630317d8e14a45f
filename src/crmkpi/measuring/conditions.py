"""Simplify conditions by their form: join them, drop those that others imply, find contradictions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from operator import and_, or_
from typing import Any

from crmkpi.definition.expressions import (
    Combination,
    Comparison,
    Constant,
    Expression,
    Field,
    Membership,
    Presence,
    walk,
)
from crmkpi.definition.planned_expressions import Happened

__all__ = ["every", "excludes", "implies", "sides", "union"]


def every(conditions: Iterable[Expression | None]) -> Expression | None:
    """The conjunction of the conditions; None if there are none."""
    # Flat and without repetitions, so that equal conditions have the same text.
    parts = {repr(part): part for condition in conditions for part in sides(condition)}
    return reduce(and_, parts.values()) if parts else None


def union(ways: Sequence[Expression | None]) -> Expression | None:
    """The disjunction of the conditions, simplified; None is true of every record."""
    widest: list[Any] = []
    for way in ways:
        if not any(implies(way, known) for known in widest):
            widest = [*(known for known in widest if not implies(known, way)), way]
    union: Expression | None = reduce(or_, widest)
    return union


def implies(narrow: Expression | None, wide: Expression | None) -> bool:
    """Whether one condition implies the other, as far as their form shows."""
    if wide is None or repr(narrow) == repr(wide):
        return True
    if isinstance(wide, Combination) and wide.word == "and":
        return implies(narrow, wide.left) and implies(narrow, wide.right)
    if isinstance(narrow, Combination):
        sides = (implies(narrow.left, wide), implies(narrow.right, wide))
        return any(sides) if narrow.word == "and" else all(sides)
    if isinstance(wide, Membership):
        options = _options(narrow, wide.item)
        return options is not None and options <= set(wide.options)
    if isinstance(wide, Combination):
        return implies(narrow, wide.left) or implies(narrow, wide.right)
    return (  # a value computed from a field is present only if the field is
        isinstance(narrow, Presence)
        and isinstance(wide, Presence)
        and narrow.present_
        and wide.present_
        and isinstance(wide.item, Field | Happened)
        and repr(wide.item) in map(repr, walk(narrow.item))
    )


def excludes(condition: Expression | None, other: Expression) -> bool:
    """Whether the two cannot both hold: one needs a value to be present, the other to be missing."""
    present = {repr(part.item) for part in sides(condition) if isinstance(part, Presence) and part.present_}
    missing = {repr(part.item) for part in sides(other) if isinstance(part, Presence) and not part.present_}
    return bool(present & missing)


def sides(condition: Expression | None) -> list[Expression]:
    """The parts of a chain of `&`."""
    if condition is None:
        return []
    if isinstance(condition, Combination) and condition.word == "and":
        return [*sides(condition.left), *sides(condition.right)]
    return [condition]


def _options(condition: Expression | None, item: Expression) -> set[object] | None:
    if isinstance(condition, Membership) and repr(condition.item) == repr(item):
        return set(condition.options)
    if (
        isinstance(condition, Comparison)
        and condition.sign == "=="
        and isinstance(condition.right, Constant)
        and repr(condition.left) == repr(item)
    ):
        return {condition.right.value}
    return None
