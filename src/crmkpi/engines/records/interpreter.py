"""Interprets expressions on one row at a time, for tables of one row per key; slower than a compiled loop, but simpler.

The meaning is that of the compiled loop: a comparison with a missing value is neither true nor false (None).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from crmkpi.definition.expression_types import SIGNS
from crmkpi.definition.expressions import (
    AsOf,
    Combination,
    Comparison,
    Constant,
    Expression,
    Field,
    Membership,
    Negation,
    Operation,
    Presence,
)
from crmkpi.definition.parameters import Parameter
from crmkpi.definition.planned_expressions import Unless
from crmkpi.engines.query import Value, quotient
from crmkpi.errors import DefinitionError, TimeZoneError

__all__ = ["evaluate"]


def evaluate(expression: Expression, row: Mapping[str, Value], parameters: Mapping[str, Value]) -> Value:
    """The value of the expression on `row` (column name to value); None where it is missing or unknown."""
    match expression:
        case Field(path=path):
            return row[path[-1]]
        case Constant(value):
            return value
        case Parameter() | AsOf():
            return parameters[repr(expression)]
        case Comparison(sign, left, right) | Operation(sign, left, right):
            first, second = evaluate(left, row, parameters), evaluate(right, row, parameters)
            if isinstance(right, AsOf):  # a pair of wall-clock time and exact instant; the timestamp selects
                second = None if first is None else second[first.tzinfo is not None]
            if first is None or second is None:
                return None
            _check_zones(first, second, expression)
            if sign == "/" and second == (timedelta(0) if isinstance(second, timedelta) else 0):
                return None
            if isinstance(expression, Operation) and isinstance(first, Decimal) != isinstance(second, Decimal):
                first, second = (_decimal(number) for number in (first, second))
            if sign == "/" and left.kind == "money":  # money divided by money is a plain number
                return quotient(first, second) if right.kind != "money" else float(quotient(first, second))
            return SIGNS[sign](first, second)
        case Membership(item, options):
            value = evaluate(item, row, parameters)
            return None if value is None else value in options
        case Presence(item, present):
            return (evaluate(item, row, parameters) is not None) == present
        case Unless(item):
            return evaluate(item, row, parameters) is not True
        case Negation(item):
            value = evaluate(item, row, parameters)
            return None if value is None else not value
        case Combination(word, left, right):
            found = {evaluate(left, row, parameters), evaluate(right, row, parameters)}
            decisive = word == "or"
            if decisive in found:
                return decisive
            return None if None in found else not decisive
        case _:
            raise DefinitionError(f"{expression!r} cannot be evaluated on a table of one row per key.")


def _check_zones(first: Value, second: Value, expression: Expression) -> None:
    moments = [moment for moment in (first, second) if isinstance(moment, datetime)]
    if len({moment.tzinfo is None for moment in moments}) > 1:
        raise TimeZoneError(
            f"{expression!r} combines a timestamp with a time zone and one without; give tz= when reading, so that all "
            "become exact instants."
        )


def _decimal(number: float | Decimal) -> int | Decimal:
    return Decimal(repr(number)) if isinstance(number, float) else number
