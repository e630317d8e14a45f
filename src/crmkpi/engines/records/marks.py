"""Records with unreadable fields: recognised by their class, and set aside for a second loop.

A table whose records all have the table's own class needs none of this.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from functools import cache, cached_property
from typing import Any, Protocol, TypeVar

from crmkpi.definition.expressions import Field
from crmkpi.engines.query import UNREADABLE, Label, Query, Record, RecordFunction, UnreadableFoundError, Value
from crmkpi.errors import InputError
from crmkpi.records.base import RecordType, is_record, record_type

__all__ = ["LISTS", "Gate", "asked", "own_names", "segment_of", "usual_class"]

LISTS = (list, Sequence)  # the check for list is faster than that for the abstract class
_R = TypeVar("_R")


class _Marked(Record, Protocol):
    """A record with the texts of its unreadable fields; the text of an empty cell is empty."""

    @property
    def unreadable(self) -> Mapping[str, str]: ...


class Gate:
    """Validates the records of a loop, and sets aside those with unreadable fields that the query reads."""

    def __init__(self, query: Query) -> None:
        self._query = query
        self._type = query.type_
        self._name = query.type_.model.__name__
        self.aside: list[Record] = []

    @cached_property
    def _expected(self) -> frozenset[str]:
        return own_names(self._type, (tuple(path.split(".")) for path in self._query.unreadable))

    @cached_property
    def _reads(self) -> frozenset[str] | None:
        """The fields that the query reads; None if it may read any."""
        return None if _has_functions(self._query) else own_names(self._type, self._query.fields)

    def check(self, record: _Marked) -> bool:
        """Whether a record is set aside.

        Raises:
            UnreadableFoundError: the record has an unreadable field that the query does not expect.
        """
        self.let_in(record)
        unreadable = record.unreadable.keys() - {"id"}
        if self._reads is not None:
            unreadable = unreadable & self._reads
        if not unreadable:
            return False
        if self._reads is not None and not unreadable <= self._expected:
            raise UnreadableFoundError
        self.aside.append(record)
        return True

    def let_in(self, record: object) -> None:
        """Refuse objects other than records, since only validated records are exact about time zones and money."""
        if not is_record(record, self._type):
            raise InputError(
                f"The table {self._type.table!r} holds {self._name} records; got {type(record).__name__}. Build them "
                f"with {self._name}(...), or read them with crmkpi.read_dicts(rows, record=crmkpi.{self._name})."
            )


def usual_class(records: Iterable[object], type_: RecordType) -> type[Any]:  # a record class of any table
    """The class of the first record, if no field of such records can be unreadable; else the class of the table.

    So the records of a sequence that have only some of the fields (`records.in_part`) are not checked one by one.
    """
    if not isinstance(records, LISTS) or not records:
        return type_.model
    first: type[Any] = type(records[0])  # a record class of any table
    if first is type_.model or not is_record(records[0], type_):
        return type_.model
    return first if first.unreadable is type_.model.unreadable else type_.model


def _has_functions(query: Query) -> bool:
    """Whether a segment is a function of the record, which may read any field."""
    return any(not isinstance(key.source, Field) for key in query.segments)


def own_names(type_: RecordType, paths: Iterable[tuple[str, ...]]) -> frozenset[str]:
    """The record's own fields that these paths read: the fields themselves, or the keys of relations."""
    relations = type_.relations
    return frozenset(
        relations[path[0]].key if len(path) > 1 and path[0] in relations else ".".join(path) for path in paths
    )


class _UnreadableReadError(Exception):
    """A function of a record reads an unreadable field."""


def segment_of(function: RecordFunction, label: Label | None, record: Record) -> Hashable:
    """The segment that a function assigns to a record; `UNREADABLE` if it reads an unreadable field."""
    unreadable: Hashable = UNREADABLE
    found = asked(function, record, otherwise=unreadable)
    return found if label is None or found is UNREADABLE else label(found)


def asked(function: Callable[[Value], _R], record: Record, *, otherwise: _R) -> _R:
    """The value of a function of a record; `otherwise` if it reads an unreadable field."""
    if not getattr(record, "unreadable", None):
        return function(record)
    told = object.__new__(_telltale(type(record)))
    for name in (*record_type(type(record)).fields, "unreadable"):
        object.__setattr__(told, name, getattr(record, name))
    try:
        return function(told)
    except _UnreadableReadError:
        return otherwise


@cache
def _telltale(class_: type[object]) -> type[object]:
    """A subclass of a record class that raises an error when an unreadable field is read."""

    def get(record: object, name: str) -> object:
        value = object.__getattribute__(record, name)
        unreadable: Mapping[str, str] = object.__getattribute__(record, "unreadable")
        if name in unreadable and name != "id":
            raise _UnreadableReadError
        return value

    members: dict[str, object] = {"__slots__": (), "__getattribute__": get, "__module__": class_.__module__}
    metaclass: Callable[[str, tuple[type, ...], dict[str, object]], type[object]] = type(class_)
    return metaclass(class_.__name__, (class_,), members)
