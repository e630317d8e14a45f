"""Numbers as formulas take them: amounts as decimals, durations in seconds."""

from __future__ import annotations

import math
from datetime import timedelta
from decimal import Decimal
from typing import Any

__all__ = ["as_money", "is_finite", "plain_number"]


def as_money(value: Any) -> Any:
    """A number as an amount: money is exact, and a float counts as the decimal that it is printed as."""
    return Decimal(str(value)) if isinstance(value, int | float) and not isinstance(value, bool) else value


def is_finite(value: Any) -> bool:
    """Whether a number is neither infinite nor NaN."""
    if isinstance(value, Decimal):
        return value.is_finite()
    return not isinstance(value, float) or math.isfinite(value)


def plain_number(value: Any) -> Any:
    """An input as the formula takes it: a duration in seconds."""
    if isinstance(value, timedelta):
        return value.total_seconds()
    return tuple(map(plain_number, value)) if isinstance(value, (list, tuple)) else value
