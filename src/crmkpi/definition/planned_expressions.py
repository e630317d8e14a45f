"""Expressions that only the planner writes: values known so far, certain conditions, unreadable fields.

Engines evaluate them like those of `crmkpi.definition.expressions`.
"""

from __future__ import annotations

from dataclasses import dataclass

from crmkpi.definition.expression_types import ValueKind
from crmkpi.definition.expressions import Expression, Field

__all__ = ["Happened", "IsUnreadable", "Together", "Unless", "UnreadValue"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Happened(Expression):
    """A timestamp as it is known on the day `as_of`: a later timestamp has not happened, and is missing."""

    item: Expression
    kind: ValueKind = "timestamp"

    def _written(self) -> str:
        return f"{self.item!r} so far"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Unless(Expression):
    """True wherever a predicate is not true: where it is false, and where it is neither true nor false."""

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
    """The value of an unreadable field, as the text in the source."""

    item: Field
    kind: ValueKind = "text"

    def _written(self) -> str:
        return f"unread_value({self.item!r})"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Together(Expression):
    """Several values as one key, such as a customer and a day; missing if any of them is missing."""

    items: tuple[Expression, ...]
    kind: ValueKind = "any"

    def _written(self) -> str:
        return ", ".join(map(repr, self.items))
