"""The argument `columns=`: maps headers to fields, `{"its header": "owner"}`, or fields to headers if that fits."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from crmkpi.errors import ColumnError

__all__ = ["by_field", "by_header", "together"]


def by_header(columns: Mapping[Any, Any], headers: Collection[str], fields: Collection[str]) -> dict[Any, Any]:
    """Normalise `columns=` to header -> field; a pair with the field first is reversed if no header has that name.

    >>> by_header({"Opp No": "id", "owner": "Rep"}, ["Opp No", "Rep"], ["id", "owner"])
    {'Opp No': 'id', 'Rep': 'owner'}
    """
    found: dict[Any, Any] = {}
    for first, second in columns.items():
        last = _only(second)
        if first not in headers and first in fields and last in headers:
            before = found.get(last, columns.get(last, ()))
            found[last] = (*_several(before), first) if before else first
        else:
            found.setdefault(first, second)
    return found


def together(columns: Mapping[Any, Any], fields: Collection[str]) -> dict[Any, Any]:
    """Normalise fields that several columns fill together to columns -> field.

    >>> together({"created_at": ("Day", "Time")}, ["id", "created_at"])
    {('Day', 'Time'): 'created_at'}
    """
    return dict(
        (tuple(second), first)
        if first in fields and isinstance(second, list | tuple) and len(second) > 1 and not set(second) <= set(fields)
        else (first, second)
        for first, second in columns.items()
    )


def by_field(columns: Mapping[Any, Any], headers: Collection[str], fields: Collection[str]) -> dict[Any, Any]:
    """Normalise `columns=` to field -> header, whichever of the two is first; an ambiguous pair is an error.

    >>> by_field({"Opp No": "id", "owner": "Rep"}, ["Opp No", "Rep"], ["id", "owner"])
    {'id': 'Opp No', 'owner': 'Rep'}
    """
    found: dict[Any, Any] = {}
    for first, second in columns.items():
        targets = _several(second)
        forwards = first in headers and bool(targets) and all(target in fields for target in targets)
        backwards = first in fields and len(targets) == 1 and targets[0] in headers
        if forwards and backwards and targets[0] != first and columns.get(targets[0]) != first:
            raise ColumnError(
                f"columns={{{first!r}: {targets[0]!r}}} may mean that the column {first!r} fills the field "
                f"{targets[0]!r}, or that the field {first!r} is in the column {targets[0]!r}; rename one of the two "
                "columns."
            )
        for name, column in ((target, first) for target in targets) if forwards else ((first, second),):
            if found.get(name, column) != column:
                raise ColumnError(
                    f"columns= fills {name!r} from two columns, {found[name]!r} and {column!r}; leave one out."
                )
            found[name] = column
    return found


def _several(targets: Any) -> tuple[Any, ...]:
    if targets is None or isinstance(targets, str | Mapping) or not isinstance(targets, Iterable):
        return () if targets is None else (targets,)
    return tuple(targets)


def _only(targets: Any) -> Any:
    several = _several(targets)
    return several[0] if len(several) == 1 and isinstance(several[0], str) else None
