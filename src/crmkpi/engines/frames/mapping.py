"""Which column of a frame holds which field of its records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from crmkpi.engines.query import Value
from crmkpi.errors import ColumnError, did_you_mean
from crmkpi.records.base import RecordType
from crmkpi.records.directions import by_field

__all__ = ["folded_name", "mapped"]


def mapped(given: Mapping[str, Value], names: Sequence[str], type_: RecordType) -> Mapping[str, str]:
    """Which column holds which field; a field that no column holds has no values."""
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
            f"{', '.join(names[:12]) or 'none'}. Say which is which: "
            f"crmkpi.table(frame, record=crmkpi.{type_.model.__name__}, columns={{'column': 'field'}})."
        )
    for name, known in type_.fields.items():
        if known.required and name not in found:
            free = [column for column in names if column not in found.values()]
            raise ColumnError(
                f"{type_.model.__name__} needs the column {name!r}, which the frame lacks. "
                f"{did_you_mean(name, free)} Say which it is: crmkpi.table(frame, "
                f"record=crmkpi.{type_.model.__name__}, columns={{'its column': {name!r}}})."
            )
    return MappingProxyType(found)


def folded_name(name: str) -> str:
    """A name in normal form: without case, blanks and underscores."""
    return "".join(letter for letter in name.casefold() if letter.isalnum())
