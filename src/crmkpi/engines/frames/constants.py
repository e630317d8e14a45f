"""Convert constants of conditions, and parameters, to the plain values that columns hold."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal

from crmkpi.definition.expressions import ValueKind
from crmkpi.engines.frames.compiled_values import Value, whole
from crmkpi.engines.frames.local_time import micros
from crmkpi.engines.frames.words import Scalar, Words
from crmkpi.engines.query import MICROSECOND

__all__ = ["Given", "constant", "option"]

Given = bool | int | float | str | Decimal | date | timedelta | None  # a constant of a condition, or a parameter


def constant(nw: Words, value: Given, kind: ValueKind, beside: Value | None) -> Value:
    """A constant, or the value of a parameter, as a plain value; `beside` is the value that it is compared with."""
    if isinstance(value, timedelta):
        return whole(nw, value // MICROSECOND, "duration")
    if isinstance(value, datetime):
        return whole(nw, micros(value), "timestamp")._replace(aware=value.tzinfo is not None)
    if isinstance(value, date):
        return whole(nw, (value - date(1970, 1, 1)).days, "date")
    # A float that is compared with money becomes the decimal that it prints as.
    scaled = beside is not None and beside.digits is not None
    if value is None or isinstance(value, bool | str) or not (scaled or isinstance(value, int)):
        return Value(nw.lit(float(value) if isinstance(value, Decimal) else value), kind)
    number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    digits = max(0, -int(number.as_tuple().exponent))
    return whole(nw, int(number.scaleb(digits)), kind)._replace(digits=digits)


def option(nw: Words, chosen: Given, value: Value) -> Scalar:
    """An option of a membership test as a plain value; None if no value of the column can equal it."""
    if value.digits is None and not isinstance(chosen, date | timedelta):
        if isinstance(chosen, bool):
            return chosen
        return float(chosen) if isinstance(chosen, Decimal | int) else chosen
    assert value.digits is not None, "times are whole numbers"
    made = constant(nw, chosen, value.kind, value)
    number, digits = made.low, made.digits or 0
    if digits > value.digits:
        number, rest = divmod(number, 10 ** (digits - value.digits))
        return None if rest else number
    return number * int(10 ** (value.digits - digits))
