"""Compiled row expressions: a value or a condition over the plain columns of a frame."""

from __future__ import annotations

from dataclasses import dataclass

from crmkpi.definition.expressions import ValueKind
from crmkpi.engines.frames.words import Expr, Words

__all__ = ["Condition", "Value", "as_float", "both", "either", "held", "sum_or_product"]


@dataclass(frozen=True, slots=True)
class Value:
    """An expression over plain columns: `digits` of its whole numbers are decimals, None where it is no whole number.

    It is there where all columns of `needs` are, and `also` holds where that is not enough.
    """

    source: Expr
    kind: ValueKind
    needs: frozenset[str] = frozenset()
    digits: int | None = None
    low: int = 0
    high: int = 0
    aware: bool | None = None
    also: Expr | None = None
    raw: tuple[Expr, str] | None = None  # a timestamp's own column and its zone, for filters that reach into a scan

    @property
    def largest(self) -> int:
        """The largest size of the number."""
        return max(abs(self.low), abs(self.high))


@dataclass(frozen=True, slots=True)
class Condition:
    """Where something is true, never missing; `words` are its columns if it asks for nothing but words and flags."""

    source: Expr
    words: tuple[str, ...] = ()


def as_float(nw: Words, source: Expr, digits: int | None) -> Expr:
    """A whole number with `digits` decimals as a float; without `digits` it is a float already."""
    if digits is None:
        return source
    number = source.cast(nw.Float64)
    # By a column, since Polars divides by a constant as a product with its rounded inverse.
    return number / (number * nw.lit(0.0) + nw.lit(float(10**digits))) if digits else number


def sum_or_product(sign: str, first: Expr, second: Expr) -> Expr:
    """Two expressions, added, subtracted or multiplied."""
    if sign == "+":
        return first + second
    return first - second if sign == "-" else first * second


def held(sign: str, first: Expr, second: Expr) -> Expr:
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


def both(first: Expr | None, second: Expr | None) -> Expr | None:
    """Where both conditions hold; None always does."""
    if first is None or second is None:
        return second if first is None else first
    return first & second


def either(first: Expr | None, second: Expr | None) -> Expr | None:
    """Where one of two conditions holds; None always does."""
    return None if first is None or second is None else first | second
