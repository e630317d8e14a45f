"""Types of expressions: the kind of a constant, which kinds compare, and the kind of an arithmetic result."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

__all__ = ["SIGNS", "ArithmeticSign", "CompareSign", "ValueKind", "family", "kind_of", "kind_under"]

ValueKind = Literal[
    "text", "choice", "number", "integer", "money", "timestamp", "date", "flag", "duration", "predicate", "any"
]
CompareSign = Literal["==", "!=", "<", "<=", ">", ">="]
ArithmeticSign = Literal["+", "-", "*", "/"]
SIGNS: Mapping[CompareSign | ArithmeticSign, Callable[[Any, Any], Any]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv,
}  # fmt: skip

# The kind of the result of an arithmetic sign; a pair that is not listed has no meaning.
_ARITHMETIC: dict[tuple[ValueKind, ArithmeticSign, ValueKind], ValueKind] = {
    ("timestamp", "-", "timestamp"): "duration",
    ("timestamp", "+", "duration"): "timestamp",
    ("timestamp", "-", "duration"): "timestamp",
    ("date", "-", "date"): "duration",
    ("duration", "+", "duration"): "duration",
    ("duration", "-", "duration"): "duration",
    ("duration", "*", "number"): "duration",
    ("duration", "/", "number"): "duration",
    ("duration", "/", "duration"): "number",
    ("money", "+", "money"): "money",
    ("money", "-", "money"): "money",
    ("money", "*", "number"): "money",
    ("number", "*", "money"): "money",
    ("money", "/", "number"): "money",
    ("money", "/", "money"): "number",
    ("number", "+", "number"): "number",
    ("number", "-", "number"): "number",
    ("number", "*", "number"): "number",
    ("number", "/", "number"): "number",
}


def kind_under(left: ValueKind, sign: ArithmeticSign, right: ValueKind) -> ValueKind | None:
    """The kind of the result of an arithmetic sign on two kinds; None if it has no meaning."""
    return _ARITHMETIC.get((_arithmetic(left), sign, _arithmetic(right)))


def _arithmetic(kind: ValueKind) -> ValueKind:
    return "number" if kind in ("integer", "any") else kind


def family(kind: ValueKind) -> str:
    """The family of a kind; values of one family can be compared."""
    return {"integer": "number", "money": "number", "choice": "text"}.get(kind, kind)


def kind_of(value: object) -> ValueKind | None:
    """The kind of a constant; None for a type that expressions do not support."""
    # bool is an int and datetime a date, so the order matters.
    kinds: tuple[tuple[Any, ValueKind], ...] = (
        (bool, "flag"),
        (int, "integer"),
        ((float, Decimal), "number"),
        (str, "text"),
        (datetime, "timestamp"),
        (date, "date"),
        (timedelta, "duration"),
    )
    return next((kind for types, kind in kinds if isinstance(value, types)), None)
