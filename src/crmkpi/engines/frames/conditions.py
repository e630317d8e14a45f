"""The parts of a condition: its conjuncts, the value whose presence it tests, and the values that it compares."""

from __future__ import annotations

from crmkpi.definition.expressions import (
    AsOf,
    Bound,
    Combination,
    Comparison,
    Constant,
    Expression,
    Membership,
    Negation,
    Presence,
)
from crmkpi.definition.parameters import Parameter
from crmkpi.definition.planned_expressions import Unless
from crmkpi.engines.frames.compiled_values import Condition

__all__ = ["conjuncts", "opposite", "presence", "sides_of"]


def presence(part: Expression) -> tuple[Expression | None, bool]:
    """The expression that a condition tests for presence, and True for presence or False for absence; else None."""
    match part:
        case Presence(item, present):
            return item, present
        case Negation(Presence(item, present)) | Unless(Presence(item, present)):
            return item, not present
        case _:
            return None, False


def opposite(condition: Condition) -> Condition:
    """The negation of a condition."""
    return condition._replace(source=~condition.source, held=~condition.held)


def sides_of(condition: Expression) -> list[Expression]:
    """The values that a condition compares, without constants and bounds, which are always present."""
    match condition:
        case Comparison(_, left, right):
            return [side for side in (left, right) if not isinstance(side, Constant | Parameter | AsOf | Bound)]
        case Membership(item):
            return [item]
        case _:
            return []


def conjuncts(condition: Expression) -> list[Expression]:
    """The conditions joined by `&`."""
    if isinstance(condition, Combination) and condition.word == "and":
        return [*conjuncts(condition.left), *conjuncts(condition.right)]
    return [condition]
