"""Indexes of the tables of a dataset: records by id, and the fields that are unreadable in some record."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from crmkpi.errors import InputError
from crmkpi.sources.account import LoadAccount

__all__ = ["index_of", "on_one_line", "unreadable_fields"]

_LINE = 80  # characters of a terminal


def index_of(name: str, records: Iterable[Any], table: Any) -> dict[str, Any]:
    """Index the records of a table by id; the first record of each id wins.

    Raises:
        InputError: the only id of a record is its line number.
    """
    index: dict[str, Any] = {}
    for record in records:
        if "id" in record.unreadable:
            raise InputError(_without_id(name, record.id))
        index.setdefault(record.id, record)
    account = getattr(table, "account", None)
    if isinstance(account, LoadAccount) and account.numbered and index:
        raise InputError(_without_id(name, next(iter(index))))
    return index


def unreadable_fields(records: Iterable[Any]) -> frozenset[str]:
    """The fields that are unreadable in at least one of these records."""
    return frozenset(name for record in records for name in getattr(record, "unreadable", ()) if name != "id")


def _without_id(name: str, stands: str) -> str:
    return (
        f"Fields of {name} are looked up by their ids, and the record {stands!r} has no id of its own; name the column "
        "that holds the ids when reading, columns={'its header': 'id'}, or leave out rows without one."
    )


def on_one_line(head: str, names: Sequence[str]) -> str:
    """As many of the names as fit in a line of a terminal, and the number of the others."""
    line = head
    for shown in range(len(names), 0, -1):
        line = head + ", ".join(names[:shown]) + (f" and {len(names) - shown} more" if shown < len(names) else "")
        if len(line) <= _LINE:
            break
    return line
