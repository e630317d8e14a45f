"""The frame of a query: its own columns, and columns of related records, joined by key."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from zoneinfo import ZoneInfo

from crmkpi.dates.calendars import Calendar
from crmkpi.definition.expressions import BusinessTime, Day, Expression, Field, Operation, walk
from crmkpi.definition.planned_expressions import Happened
from crmkpi.engines.frames.faults import inside
from crmkpi.engines.frames.local_time import with_open_time
from crmkpi.engines.frames.profile import Path, Prepared
from crmkpi.engines.frames.table import FrameTable
from crmkpi.engines.frames.unreadable import joined_marks
from crmkpi.engines.frames.words import with_named
from crmkpi.engines.query import Query
from crmkpi.errors import DefinitionError, InputError, MissingTableError

__all__ = ["prepared_for", "with_open_times"]


def prepared_for(
    query: Query, table: FrameTable, tables: Mapping[str, object], calendar: Calendar, *, dated: bool
) -> Prepared:
    """The frame with all columns that the query reads, including those of related records."""
    function = next((key for key in query.segments if not isinstance(key.source, Expression)), None)
    if function is not None:
        raise InputError(
            f"The segment {function.name!r} is a Python function, which a {table.backend.name} frame cannot run on its "
            "rows; add a column to the frame and group by its name (by='attributes.name'), use Segment(..., bins=...), "
            "or give records."
        )
    fields = query.fields
    summed = {
        part.path
        for anchor in query.anchors
        for slot in anchor.slots
        for part in walk(slot.value)
        if isinstance(part, Field) and part.kind != "timestamp"
    }
    turned = {field.path for root in query.expressions for part in walk(root) for field in _turned(part)}
    if dated:
        turned |= {anchor.at.path for anchor in query.anchors if isinstance(anchor.at, Field)}
    if any(slot.what == "latest" for anchor in query.anchors for slot in anchor.slots):
        fields[("id",)] = Field(query.type_.table, ("id",), "text")
    clock = calendar.zone if turned and calendar.tz != "UTC" else None
    spans = any(isinstance(part, BusinessTime) for root in query.expressions for part in walk(root))
    # Offsets of zones and business time are computed for the years of the data, which a profile finds.
    assumes = table.backend.counts_all and clock is None and not spans
    return _joined(table, list(fields), summed | turned if clock else summed, tables, clock, assumes=assumes)


def _turned(part: Expression) -> list[Field]:
    """The timestamps that need a twin: durations need instants, days need wall-clock times."""
    match part:
        case BusinessTime(start, end) | Operation("-", start, end):
            ends = [start, end]
        case Day(item):
            ends = [item]
        case _:
            return []
    fields = (end.item if isinstance(end, Happened) else end for end in ends)
    return [end for end in fields if isinstance(end, Field) and end.kind == "timestamp"]


def _joined(
    table: FrameTable,
    paths: Sequence[Path],
    exact: Collection[Path],
    tables: Mapping[str, object],
    clock: ZoneInfo | None,
    *,
    assumes: bool = False,
) -> Prepared:
    own = [path for path in paths if path[0] not in table.type_.relations or len(path) == 1]
    related: dict[str, list[Path]] = {}
    for path in paths:
        if path not in own:
            related.setdefault(path[0], []).append(path[1:])
    keys = [table.type_.relations[name].key for name in related]
    names = [*(".".join(path) for path in own), *keys]
    added = frozenset(".".join(path) for path in own if path in exact)
    prepared = (table.assumed(names, added) if assumes else None) or table.prepared(names, added, clock)
    nw = table.backend.home.words
    for name, inner in related.items():
        relation = table.type_.relations[name]
        other = _related(table, relation.table, tables)
        deeper = {path[1:] for path in exact if path[0] == name}
        right = _joined(other, [("id",), *inner], deeper, tables, clock)
        if right.columns[("id",)].nulls or (other.numbered and right.rows):
            raise _without_id(right, relation.table)
        if other.kept.get("unique") != right.rows:
            _check_unique(right, relation.table)
            other.kept["unique"] = right.rows
        renamed = {
            old: f"{inside(name)}__{old}"
            for old in (
                *(column.name for column in (*right.columns.values(), *right.exact.values())),
                *(part for ways in right.marks.values() for mark in ways for part in (mark.flag, mark.word)),
            )
        }
        frame = prepared.frame.join(
            right.frame.select(*(nw.col(old).alias(new) for old, new in renamed.items())),
            left_on=inside(relation.key),
            right_on=renamed[inside("id")],
            how="left",
        )
        flags = (renamed[mark.flag] for ways in right.marks.values() for mark in ways)
        # The join leaves NULL flags for a record without a related one, which is not unreadable.
        frame = with_named(frame, {flag: nw.col(flag).fill_null(0) for flag in flags})
        columns, twins = (
            {
                (name, *path): column._replace(name=renamed[column.name], nulls=True, raw=None)
                for path, column in side.items()
            }
            for side in (right.columns, right.exact)
        )
        columns.pop((name, "id"), None)
        if ("id",) in inner:
            raise DefinitionError(f"{table.type_.table}.{name}.id is {table.type_.table}.{relation.key}; use this.")
        marks = joined_marks(prepared.marks.get((relation.key,), ()), right.marks, renamed, name, inner)
        prepared = prepared._replace(
            frame=frame,
            columns={**prepared.columns, **columns},
            exact={**prepared.exact, **twins},
            marks={**prepared.marks, **marks},
        )
    return prepared


def _related(table: FrameTable, name: str, tables: Mapping[str, object]) -> FrameTable:
    if name not in tables:
        raise MissingTableError(
            f"A related field needs the table {name!r}, which the dataset lacks; it has {', '.join(tables)}. "
            f"Add {name}=... to the Dataset."
        )
    other = tables[name]
    if not isinstance(other, FrameTable) or other.backend.home is not table.backend.home:
        got = f"a {other.backend.name} frame" if isinstance(other, FrameTable) else "records"
        raise InputError(
            f"Fields of {name} are joined to a {table.backend.name} frame, so {name} must be a "
            f"{table.backend.name} frame as well; got {got}. Convert one of the two."
        )
    return other


def _check_unique(prepared: Prepared, name: str) -> None:
    """Raise an error for duplicate or empty ids: a join must not multiply rows."""
    nw = prepared.backend.home.words
    key = nw.col(inside("id"))
    counted = prepared.frame.group_by(inside("id")).agg(nw.len().alias("n"))
    counted = counted.filter((nw.col("n") > nw.lit(1)) | (key == nw.lit("")), ~key.is_null()).head(1)
    for found, _ in prepared.backend.home.leave(counted):
        if found == "":
            raise _without_id(prepared, name)
        raise InputError(
            f"Two records of {name} have the id {found!r}, so that a reference to it is ambiguous; remove one of them."
        )


def _without_id(prepared: Prepared, name: str) -> InputError:
    return InputError(
        f"Fields of {name} are looked up by their ids, and the {prepared.backend.name} table has rows without one; "
        "name the column that holds the ids, columns={'its column': 'id'}, or leave such rows out."
    )


def with_open_times(prepared: Prepared, span: BusinessTime, calendar: Calendar, added: set[Path]) -> Prepared:
    """The frame with the opening time up to each end of a span; a field in `added` has its column already."""
    for bound in (span.start, span.end):
        part = bound.item if isinstance(bound, Happened) else bound
        if not isinstance(part, Field):
            raise DefinitionError(f"On frames, business time must be between two fields; got {span!r}.")
        if part.path not in added:
            added.add(part.path)
            prepared = with_open_time(prepared, part.path, calendar)
    return prepared
