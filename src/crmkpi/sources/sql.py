"""Read the rows of a SQL query as records, for databases that are not measured in SQL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from crmkpi.engines.frames.homes.database import columns_once
from crmkpi.sources.frames.databases import any_source, one_select
from crmkpi.sources.loaded import Records
from crmkpi.sources.objects import read_objects
from crmkpi.sources.reading import Ends

__all__ = ["read_sql"]

_R = TypeVar("_R")


def read_sql(
    text: str,
    connected: Any,
    /,
    *,
    record: type[_R],
    columns: Mapping[str, Any] | None = None,
    values: Mapping[str, Mapping[Any, Any]] | None = None,
    tz: str | ZoneInfo | None = None,
    ends: Ends | None = None,
) -> Records[_R]:
    """Read the rows of a SELECT: `read_sql("SELECT ... WHERE closed_at >= '2026-01-01'", engine, record=Deal)`.

    `connected` is an engine, a connection or a URL of SQLAlchemy, for any database that it supports, or a connection of
    `sqlite3`; a connection is only read, and never committed or closed. The text is sent as it is, without parameters.
    `columns`, `values`, `tz` and `ends` are those of `read_objects`, which reads the rows. To measure tables in the
    database, without loading their rows, see `database`.

    Values are those that the driver returns. Drivers of MariaDB and ClickHouse return an instant as a naive time in the
    time zone of the session: give that zone as `tz`, or read a table by `crmkpi.table(..., parse=True)`.

    Raises:
        ColumnError: two columns of the query have one name.
        InputError: the text is not a single SELECT, or the database refuses it.

    >>> import sqlite3
    >>> from crmkpi import Deal, win_rate
    >>> connection = sqlite3.connect(":memory:")
    >>> deals = read_sql("SELECT 7 AS id, 'won' AS status", connection, record=Deal)
    >>> win_rate(deals).value
    1.0
    """
    asked, source = one_select(text), any_source(connected)
    names, rows = source.all_rows(asked)
    columns_once([(name, "") for name in names])
    return read_objects(rows, record=record, names=names, columns=columns, values=values, tz=tz, ends=ends)
