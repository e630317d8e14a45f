"""Expressions that the planner makes of a definition: values known so far, certain conditions, unreadable fields.

Engines carry them out like those of `crmkpi.definition.expressions`.
"""

from __future__ import annotations

from dataclasses import dataclass

from crmkpi.definition.expression_types import ValueKind
from crmkpi.definition.expressions import Expression, Field

__all__ = ["Happened", "IsUnreadable", "Together", "Unless", "UnreadValue"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Happened(Expression):
    """A timestamp as it is known on the day `as_of`: a later one has not happened, and is missing."""

    item: Expression
    kind: ValueKind = "timestamp"

    def _written(self) -> str:
        return f"{self.item!r} so far"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Unless(Expression):
    """True wherever a predicate is not true: where it is false, and where it is neither."""

    item: Expression
    kind: ValueKind = "predicate"

    def _written(self) -> str:
        return f"unless({self.item!r})"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class IsUnreadable(Expression):
    """True where a field holds a value that its reader could not read; only engines evaluate it."""

    item: Field
    kind: ValueKind = "predicate"

    def _written(self) -> str:
        return f"unreadable({self.item!r})"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class UnreadValue(Expression):
    """What stands in a field that could not be read, as text."""

    item: Field
    kind: ValueKind = "text"

    def _written(self) -> str:
        return f"unread_value({self.item!r})"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Together(Expression):
    """Several values as one, such as a customer and a day; missing where any of them is."""

    items: tuple[Expression, ...]
    kind: ValueKind = "any"

    def _written(self) -> str:
        return ", ".join(map(repr, self.items))
