"""Queries on files: which fields of which table they need, and whether frames or records answer them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Protocol, Self, TypeVar

from crmkpi.definition.expressions import Expression
from crmkpi.definition.metric import Metric
from crmkpi.engines.query import Query
from crmkpi.errors import CrmKpiError
from crmkpi.measuring.reach import dated_fields
from crmkpi.records.base import RecordType, record_class, record_type
from crmkpi.sources.files import FileRecords

__all__ = ["of_files"]


class _Tables(Protocol):
    """The part of a dataset that this module uses."""

    @property
    def tables(self) -> Mapping[str, Iterable[Any]]: ...
    @property
    def told(self) -> Collection[str]: ...
    def _read_as(self, tables: Mapping[str, Any]) -> Self: ...


_D = TypeVar("_D", bound=_Tables)
_T = TypeVar("_T")
Asked = dict[str, frozenset[str] | None]


def of_files(
    crm: _D, metrics: Sequence[Metric], queries: Callable[[], Mapping[str, Query]], ask: Callable[[_D], _T]
) -> _T:
    """The answer of `ask`, after the fields that its queries need are read from files.

    Frames answer if all tables of the query are files that can be read as frames. A query that frames refuse is run on
    records, whose answer or error message is returned.
    """
    files: dict[str, FileRecords] = {}
    for name in crm.told:
        table = crm.tables[name]
        if isinstance(table, FileRecords):
            files[name] = table
    if not files:
        return ask(crm)
    asked = _asked(queries(), metrics)
    for name in asked:
        if name in files:
            files[name].look(asked[name])
    here = [name for name in asked if name in crm.tables]
    frames = {name: files[name].frame for name in here if name in files}
    if len(frames) == len(here) and all(frame is not None for frame in frames.values()):
        try:
            return ask(crm._read_as(frames))  # noqa: SLF001  # a dataset's own part
        except CrmKpiError:
            pass
    return ask(crm._read_as({name: files[name].records_read for name in here if name in files}))  # noqa: SLF001


def _asked(queries: Mapping[str, Query], metrics: Iterable[Metric]) -> Asked:
    """The fields that queries and metrics read of each table; None where a function of a record may read any."""
    asked: Asked = {}
    for query in queries.values():
        _add(asked, query.type_, ())
        for path in query.fields:
            _add(asked, query.type_, path)
        if any(not isinstance(key.source, Expression) for key in query.segments):
            asked[query.type_.table] = None
    for metric in metrics:
        for type_, name in dated_fields(metric):
            _add(asked, type_, (name,))
    return asked


def _add(asked: Asked, type_: RecordType, path: Sequence[str]) -> None:
    here, rest = type_, tuple(path)
    while len(rest) > 1 and rest[0] in here.relations:
        relation = here.relations[rest[0]]
        _add(asked, here, (relation.key,))
        here, rest = record_type(record_class(relation.table)), rest[1:]
    known = asked.setdefault(here.table, frozenset())
    if known is not None and rest:
        asked[here.table] = known | {".".join(rest)}
