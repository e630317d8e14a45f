"""Compiled row expressions: a value or a condition over the plain columns of a frame."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from crmkpi.definition.expression_types import SIGNS, ArithmeticSign, CompareSign, ValueKind
from crmkpi.definition.expressions import Expression
from crmkpi.engines.frames.backends import Backend, refuse
from crmkpi.engines.frames.words import Expr, Words
from crmkpi.errors import TimeZoneError

__all__ = [
    "Condition",
    "Value",
    "aligned",
    "applied",
    "as_float",
    "both",
    "check_clocks",
    "either",
    "fitting",
    "product",
    "sum_of",
    "times",
    "unnegated",
    "whole",
    "whole_times",
]

_LARGEST = 2**62


class Value(NamedTuple):
    """An expression over plain columns; its integers have `digits` decimal places, None if it is not an integer.

    It has a value where no column of `needs` is NULL and `also`, if there is one, holds.
    """

    source: Expr
    kind: ValueKind
    needs: frozenset[str] = frozenset()
    digits: int | None = None
    low: int = 0
    high: int = 0
    aware: bool | None = None
    also: Expr | None = None
    raw: tuple[Expr, str] | None = None  # a timestamp's original column and zone, for filters pushed into a scan

    @property
    def largest(self) -> int:
        """The largest absolute value."""
        return max(abs(self.low), abs(self.high))


class Condition(NamedTuple):
    """A boolean expression that is never NULL.

    `held` is the same condition over pre-aggregated rows. It reads columns of choices and flags, whose names are
    `words`, and the columns of `truths`: the outcomes of its other parts.
    """

    source: Expr
    held: Expr
    words: tuple[str, ...] = ()
    truths: Mapping[str, Expr] = MappingProxyType({})


def unnegated(text: str) -> str:
    """The text of a condition without its negation."""
    return text[len("unless(") : -1] if text.startswith("unless(") else text


def as_float(nw: Words, source: Expr, digits: int | None) -> Expr:
    """An integer with `digits` decimal places as a float; without `digits` it is a float already."""
    if digits is None:
        return source
    number = source.cast(nw.Float64)
    # The divisor is a column, since Polars multiplies by the rounded inverse of a constant.
    return number / (number * nw.lit(0.0) + nw.lit(float(10**digits))) if digits else number


def applied(sign: CompareSign | ArithmeticSign, first: Expr, second: Expr) -> Expr:
    """Two expressions, compared, added, subtracted or multiplied."""
    made: Expr = SIGNS[sign](first, second)
    return made


def product(first: Value, second: Value, kind: ValueKind) -> Value:
    """The product of two integers, without the condition that both are present."""
    corners = [a * b for a in (first.low, first.high) for b in (second.low, second.high)]
    digits = (first.digits or 0) + (second.digits or 0)
    return Value(first.source * second.source, kind, digits=digits, low=min(corners), high=max(corners))


def sum_of(nw: Words, sign: ArithmeticSign, first: Value, second: Value, kind: ValueKind) -> Value:
    """The sum or difference of two integers, without the condition that both are present."""
    first, second = aligned(nw, first, second)
    low, high = (second.low, second.high) if sign == "+" else (-second.high, -second.low)
    aware = first.aware if kind == "timestamp" else None
    source = applied(sign, first.source, second.source)
    return Value(source, kind, digits=first.digits, low=first.low + low, high=first.high + high, aware=aware)


def both(first: Expr | None, second: Expr | None) -> Expr | None:
    """The conjunction of two conditions; None is always true."""
    if first is None or second is None:
        return second if first is None else first
    return first & second


def either(first: Expr | None, second: Expr | None) -> Expr | None:
    """The disjunction of two conditions; None is always true."""
    return None if first is None or second is None else first | second


def whole(nw: Words, number: int, kind: ValueKind) -> Value:
    """An integer constant."""
    return Value(nw.lit(number), kind, digits=0, low=number, high=number)


def whole_times(backend: Backend, first: Value, second: Value, what: str) -> tuple[Value, Value]:
    """Divide a constant duration by the scale of the number that it multiplies, so that microseconds stay integers."""
    fixed, counted = (first, second) if first.low == first.high and first.kind == "duration" else (second, first)
    factor = 10 ** (counted.digits or 0)
    if factor == 1:
        return first, second
    if fixed.low != fixed.high or fixed.low % factor:
        raise refuse(backend, what, "it multiplies durations by fractions row by row; give records instead")
    return whole(backend.home.words, fixed.low // factor, "duration"), counted._replace(digits=0)


def times(nw: Words, value: Value, factor: int) -> Value:
    """An integer times a constant."""
    if factor == 1:
        return value
    return value._replace(source=value.source * nw.lit(factor), low=value.low * factor, high=value.high * factor)


def aligned(nw: Words, *values: Value) -> list[Value]:
    """The integers, scaled to the same number of decimal places."""
    digits = max(value.digits or 0 for value in values)
    return [times(nw, each, 10 ** (digits - (each.digits or 0)))._replace(digits=digits) for each in values]


def fitting(backend: Backend, value: Value, what: str) -> Value:
    """The value, if its numbers fit into 64 bits; else an error."""
    if value.largest > _LARGEST:
        raise refuse(
            backend,
            what,
            "its values may have more than 18 digits; look for wrong amounts or dates, or give records",
        )
    return value


def check_clocks(first: Value, second: Value, left: Expression, right: Expression) -> None:
    """Raise an error for a wall-clock timestamp that is compared with an exact instant."""
    clocks = {first.aware, second.aware} - {None}
    if first.kind == second.kind == "timestamp" and len(clocks) > 1:
        raise TimeZoneError(
            f"{left!r} and {right!r} must both have a time zone, or neither; give tz= to crmkpi.table() so that both "
            "are exact instants."
        )
