"""Read the tables of a database within one snapshot; no cached profile outlives it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from contextvars import ContextVar
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeGuard

from crmkpi.engines.frames.table import FrameTable

if TYPE_CHECKING:
    from crmkpi.engines.frames.homes.database import DatabaseTable
    from crmkpi.engines.frames.homes.sessions import Session

__all__ = ["at_one_moment", "table_at_one_moment"]

_OPEN: ContextVar[Mapping[int, Session]] = ContextVar("_OPEN", default=MappingProxyType({}))  # by id of the connection


def at_one_moment(tables: Mapping[str, Any]) -> AbstractContextManager[Mapping[str, Any]]:
    """The tables, those of databases within one snapshot per database: the open one, or a new one."""
    stored = [
        (name, table, table.frame)
        for name, table in tables.items()
        if isinstance(table, FrameTable) and _is_stored(table.frame)
    ]
    return _in_snapshots(tables, stored) if stored else nullcontext(tables)


@contextmanager
def _in_snapshots(
    tables: Mapping[str, Any], stored: Sequence[tuple[str, FrameTable, DatabaseTable]]
) -> Iterator[Mapping[str, Any]]:
    made = dict(tables)
    sessions = dict(_OPEN.get())
    with ExitStack() as stack:
        for name, table, frame in stored:
            key = id(frame.source.connected)
            if key not in sessions:
                sessions[key] = stack.enter_context(frame.source.snapshot())
            made[name] = table.within(sessions[key])
        stack.callback(_OPEN.reset, _OPEN.set(sessions))
        yield made


def _is_stored(frame: object) -> TypeGuard[DatabaseTable]:
    """Whether a frame is a table of a database; creating such a table loads its module."""
    homes = sys.modules.get("crmkpi.engines.frames.homes.database")
    return homes is not None and isinstance(frame, homes.DatabaseTable)


@contextmanager
def table_at_one_moment(table: FrameTable) -> Iterator[FrameTable]:
    """A table, within a snapshot if it is of a database."""
    with at_one_moment({"": table}) as tables:
        yield tables[""]
