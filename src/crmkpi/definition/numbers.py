"""Numbers as formulas take and return them: amounts as decimals, durations in seconds."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from crmkpi.errors import DefinitionError, UndefinedError

__all__ = ["as_float", "as_money", "in_unit", "is_finite", "plain_numbers"]

_PLAIN = frozenset({int, float, Decimal})


def as_money(value: Any) -> Any:
    """A number as an exact amount; a float becomes the decimal that it is printed as."""
    return Decimal(str(value)) if isinstance(value, int | float) and not isinstance(value, bool) else value


def as_float(value: Any) -> float:
    """A value as a float; a duration in seconds."""
    return value.total_seconds() if isinstance(value, timedelta) else float(value)


def is_finite(value: Any) -> bool:
    """Whether a number is neither infinite nor NaN."""
    if isinstance(value, Decimal):
        return value.is_finite()
    return not isinstance(value, float) or math.isfinite(value)


def plain_numbers(inputs: Mapping[str, Any], asked: Collection[str]) -> Mapping[str, Any]:
    """The inputs that a formula takes, as plain numbers."""
    if len(inputs) == len(asked) and _PLAIN.issuperset(map(type, inputs.values())):  # the common case
        return inputs
    return {name: _plain_number(value) for name, value in inputs.items() if name in asked}


def _plain_number(value: Any) -> Any:
    """An input as the formula takes it; a duration in seconds."""
    if isinstance(value, timedelta):
        return value.total_seconds()
    return tuple(map(_plain_number, value)) if isinstance(value, (list, tuple)) else value


def in_unit(value: Any, unit: str, metric: str) -> Any:
    """The formula's number as the type of its unit; an infinite number or NaN is undefined."""
    if value is None:
        raise UndefinedError("the formula returns None")
    try:
        finite = math.isfinite(value)
    except TypeError:
        raise DefinitionError(
            f"The formula of {metric} must return a number (seconds for a duration) or None; got {value!r}."
        ) from None
    if not finite:
        raise UndefinedError("it is not a finite number")
    match unit:
        case "count":
            return int(value)
        case "money":
            return value if isinstance(value, Decimal) else Decimal(str(value))
        case _:
            return float(value)
