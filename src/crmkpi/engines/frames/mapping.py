"""Map columns of a frame to fields of its records (`columns=`), and values of the source to ours (`values=`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType

from crmkpi.engines.frames.homes.home import NUMBERS, ColumnType, word_name
from crmkpi.engines.frames.words import Expr, Words
from crmkpi.engines.query import Value
from crmkpi.errors import ColumnError, did_you_mean
from crmkpi.records.base import RecordType
from crmkpi.records.directions import by_field

__all__ = ["folded_name", "mapped", "spelt", "translated"]


def mapped(given: Mapping[str, Value], names: Sequence[str], type_: RecordType) -> Mapping[str, str]:
    """The column of each field; fields without a column are left out."""
    if not isinstance(given, Mapping):
        raise ColumnError(f"columns= maps columns to fields, such as {{'its column': 'id'}}; got {given!r}.")
    given = by_field(given, names, type_.fields)
    for name, column in given.items():
        type_.field(name)
        if column not in names:
            raise ColumnError(f"The frame has no column {column!r} for {name}. {did_you_mean(column, names)}")
    taken = set(given.values())
    own = {name: name for name in type_.fields if name in names and name not in taken and name not in given}
    found = {**own, **given}
    if not found:
        raise ColumnError(
            f"The frame has none of the columns of {type_.model.__name__}; it has "
            f"{', '.join(names[:12]) or 'none'}. Map them: "
            f"crmkpi.table(frame, record=crmkpi.{type_.model.__name__}, columns={{'column': 'field'}})."
        )
    for name, known in type_.fields.items():
        if known.required and name not in found:
            free = [column for column in names if column not in found.values()]
            raise ColumnError(
                f"{type_.model.__name__} needs the column {name!r}, which the frame lacks. "
                f"{did_you_mean(name, free)} Map one: crmkpi.table(frame, "
                f"record=crmkpi.{type_.model.__name__}, columns={{'its column': {name!r}}})."
            )
    return MappingProxyType(found)


def folded_name(name: str) -> str:
    """A normalised name: without case, blanks and underscores."""
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def translated(
    nw: Words, name: str, mapping: Mapping[Value, Value], type_: ColumnType, own: ColumnType, *, flag: bool
) -> Expr:
    """A column with its values mapped, compared as text or as numbers; `own` is its type in the source."""
    column, is_text = nw.col(name), type_.what == "text"
    source = _plain_flag(nw, column) if flag else column
    if own.loose and not is_text:  # a cell of another type than the column's is recognised by its text
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
    """A key of `values=` as the text that the column has for it: in a column of flags 1 and 1.0 are "true"."""
    if own.what == "flag":
        return {"1": "true", "0": "false", "1.0": "true", "0.0": "false"}.get(str(raw), str(raw).lower())
    if own.what == "whole" and not isinstance(raw, str):
        return str(int(raw)) if isinstance(raw, bool) or raw == int(raw) else str(raw)
    return str(raw)


def _plain_flag(nw: Words, word: Expr) -> Expr:
    """The flag for "true", "1", "false" or "0", which need no mapping; NULL for any other text."""
    plain = nw.when(word.is_in(["true", "1"])).then(nw.lit(True))  # noqa: FBT003  # a constant
    return plain.otherwise(nw.when(word.is_in(["false", "0"])).then(nw.lit(False)).otherwise(nw.lit(None)))  # noqa: FBT003


def _plain_number(raw: Value, own: ColumnType) -> float | None:
    """A key or value of `values=` as a plain number of the column; None if no value of the column can equal it."""
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
