"""Values that go by other names in the source, as `values=` translates them."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from crmkpi.engines.frames.homes.home import NUMBERS, ColumnType, word_name
from crmkpi.engines.frames.words import Expr, Words
from crmkpi.engines.query import Value

__all__ = ["spelt", "translated"]


def translated(
    nw: Words, name: str, mapping: Mapping[Value, Value], type_: ColumnType, own: ColumnType, *, flag: bool
) -> Expr:
    """A column with its values as we name them, compared as text or as numbers; `own` is the type that it came with."""
    column, is_text = nw.col(name), type_.what == "text"
    source = _plain_flag(nw, column) if flag else column
    if own.loose and not is_text:  # a cell of another type than the column's is known by its text
        word = nw.col(word_name(name))
        for raw in (raw for raw, meant in mapping.items() if meant is None):
            source = nw.when(word == nw.lit(str(raw))).then(nw.lit(None)).otherwise(source)
    for raw, meant in mapping.items():
        found = spelt(raw, own) if is_text else _plain_number(raw, type_)
        if found is not None:
            value = meant if is_text or meant is None else _plain_number(meant, type_)
            source = nw.when(column == nw.lit(found)).then(nw.lit(value)).otherwise(source)
    return source


def spelt(raw: Value, own: ColumnType) -> str:
    """A word of `values=` as the text that the column has of it: 1 is True in a column of flags, and 1.0 is 1."""
    if own.what == "flag":
        return {"1": "true", "0": "false", "1.0": "true", "0.0": "false"}.get(str(raw), str(raw).lower())
    if own.what == "whole" and not isinstance(raw, str):
        return str(int(raw)) if isinstance(raw, bool) or raw == int(raw) else str(raw)
    return str(raw)


def _plain_flag(nw: Words, word: Expr) -> Expr:
    """The meaning of a word that needs no translation."""
    plain = nw.when(word.is_in(["true", "1"])).then(nw.lit(True))  # noqa: FBT003  # a constant
    return plain.otherwise(nw.when(word.is_in(["false", "0"])).then(nw.lit(False)).otherwise(nw.lit(None)))  # noqa: FBT003


def _plain_number(raw: Value, own: ColumnType) -> float | None:
    """A number of `values=` as the column has it; None where no value can be it."""
    try:
        number = Decimal(str(int(raw) if isinstance(raw, bool) else raw))
    except ArithmeticError:
        return None
    if own.what == "float":
        return float(number)
    if not number.is_finite() or own.what not in NUMBERS:
        return None
    scaled = number * 10**own.digits
    return int(scaled) if scaled == int(scaled) else None
