"""What a row expression has become: a value or a condition over the plain columns of a frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["Condition", "Value", "as_float", "both", "either", "held", "sum_or_product"]


@dataclass(frozen=True, slots=True)
class Value:
    """An expression over plain columns: `digits` of its whole numbers are decimals, None where it is no whole number.

    It is there where all columns of `needs` are, and `also` holds where that is not enough.
    """

    source: Any
    kind: str
    needs: frozenset[str] = frozenset()
    digits: int | None = None
    low: int = 0
    high: int = 0
    aware: bool | None = None
    also: Any = None
    raw: Any = None  # the library's own column of a timestamp and its type, for filters that reach into a scan

    @property
    def largest(self) -> int:
        """The largest size of the number."""
        return max(abs(self.low), abs(self.high))


@dataclass(frozen=True, slots=True)
class Condition:
    """Where something is true, never missing; `words` are its columns if it asks for nothing but words and flags."""

    source: Any
    words: tuple[str, ...] = ()


def as_float(nw: Any, source: Any, digits: int | None) -> Any:
    """A whole number of which so many digits are decimals, as a float; what is none stays as it is."""
    if digits is None:
        return source
    number = source.cast(nw.Float64)
    # By a column, since Polars divides by a constant as a product with its rounded inverse.
    return number / (number * nw.lit(0.0) + nw.lit(float(10**digits))) if digits else number


def sum_or_product(sign: str, first: Any, second: Any) -> Any:
    """Two expressions, added, subtracted or multiplied."""
    if sign == "+":
        return first + second
    return first - second if sign == "-" else first * second


def held(sign: str, first: Any, second: Any) -> Any:
    """Where a comparison holds."""
    match sign:
        case "==":
            return first == second
        case "!=":
            return first != second
        case "<":
            return first < second
        case "<=":
            return first <= second
        case ">":
            return first > second
        case _:
            return first >= second


def both(first: Any | None, second: Any | None) -> Any | None:
    """Where both conditions hold; None always does."""
    if first is None or second is None:
        return second if first is None else first
    return first & second


def either(first: Any | None, second: Any | None) -> Any | None:
    """Where one of two conditions holds; None always does."""
    return None if first is None or second is None else first | second
