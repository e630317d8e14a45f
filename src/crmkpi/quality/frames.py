"""Convert frames to records for the checks: in batches, and only up to a size."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from crmkpi.engines.frames.backends import at_home
from crmkpi.engines.frames.snapshots import table_at_one_moment
from crmkpi.engines.frames.table import FrameTable
from crmkpi.errors import InputError
from crmkpi.records.base import Kind, partly_read
from crmkpi.sources import Records, read_dicts
from crmkpi.sources.account import LoadAccount, Noted
from crmkpi.sources.reading import Ends

__all__ = ["records_of_frame"]

_MOST_ROWS = 2_000_000
_BATCH = 10_000


def records_of_frame(name: str, table: FrameTable) -> Records[Any]:
    """The rows of a frame as records; rows that the record class refuses are rejected, with the row number.

    Raises:
        InputError: the frame has too many rows to convert to records.
    """
    home = table.backend.home
    fields: dict[str, tuple[str, ...]] = {}
    for field, column in table.columns.items():
        fields[column] = (*fields.get(column, ()), field)
    kinds: dict[str, Kind] = {column: table.type_.fields[names[0]].kind for column, names in fields.items()}
    kinds.update((column, "attributes") for column in sorted(table.attributes))
    kinds.update((column, "text") for column in table.unread.values())
    with at_home(table.backend, name), table_at_one_moment(table) as frame_table:
        rows = home.count(frame_table.frame)
        if rows > _MOST_ROWS:
            raise InputError(
                f"check() converts frames to records, at most {_MOST_ROWS:,} rows, and {name} has {rows:,}; give a "
                "part of it, such as the last year."
            )
        parts = list(_parts(table, home.records(frame_table.frame, kinds), fields))
    records = tuple(record for part in parts for record in part)
    rejected = (*table.rejected, *(row for part in parts for row in part.rejected))
    unmapped = parts[0].unmapped if parts else ()
    noted = Noted()
    start = 0
    for part in parts:
        for one in part.account.unreadable:
            noted.add(replace(one, line=start + one.line))
        start += len(part) + len(part.rejected)
    account = LoadAccount(
        source=f"a {table.backend.name} frame",
        record=table.type_.model.__name__,
        rows=len(records) + len(rejected) + sum(table.skipped.values()),
        used=len(records),
        rejected=rejected,
        skipped=table.skipped,
        unmapped=unmapped,
        unfilled=tuple(sorted(table.unfilled)),
        unreadable=noted.found(),
    )
    return Records(records, table.type_.model, rejected, unmapped, source=account.source, account=account)


def _parts(
    table: FrameTable, rows: Iterator[Mapping[str, Any]], columns: Mapping[str, tuple[str, ...]]
) -> Iterator[Records[Any]]:
    start = 0
    model = table.type_.model
    while batch := list(islice(rows, _BATCH)):
        told = [_told(table, row) for row in batch]
        own = [{name: row[name] for name in row if name not in table.unread.values()} for row in batch]
        ends: Ends = "inclusive" if table.inclusive else "exclusive"
        part = read_dicts(own, record=model, columns=columns, values=table.values, tz=table.tz, ends=ends)
        moved = tuple(replace(row, line=start + row.line) for row in part.rejected)
        account = replace(part.account, rejected=moved)
        records = part[:]
        if any(told):
            records, moved = _as_told(table, part, batch, told), ()
            noted = Noted()
            noted.see(records, 0)
            account = replace(account, rejected=(), used=len(records), unreadable=noted.found())
        yield Records(records, model, moved, part.unmapped, account=account)
        start += len(batch)


def _told(table: FrameTable, row: Mapping[str, Any]) -> dict[str, str]:
    """The values of a row that the row reader could not read, by field."""
    return {name: row[column] for name, column in table.unread.items() if row[column] is not None}


def _as_told(
    table: FrameTable, part: Records[Any], rows: Sequence[Mapping[str, Any]], told: Sequence[Mapping[str, str]]
) -> tuple[Any, ...]:
    """The records of rows that the row reader has read already, with their unreadable values.

    The values of such a row stay as they are: no default replaces an unreadable value.
    """
    model = table.type_.model
    rejected = {row.line for row in part.rejected}
    found = iter(part)
    made = []
    for line, (row, lost) in enumerate(zip(rows, told, strict=True), 1):
        record = None if line in rejected else next(found)
        if lost:
            known = {name: row[column] for name, column in table.columns.items() if row.get(column) is not None}
            if record is None:  # no value of the row could be read
                own = {name: row[name] for name in table.attributes if row.get(name) is not None}
                known = {"id": f"row {line}"} | known | {"attributes": own}
            else:
                known |= {"id": record.id, "attributes": record.attributes}
            made.append(partly_read(model)(**known | dict.fromkeys(lost), unreadable=lost))
        elif record is not None:
            made.append(record)
    return tuple(made)
