"""A plain CSV file as a frame of the requested columns, with the account that its records would have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

from crmkpi._read_only import ReadOnly
from crmkpi.engines.frames.table import FrameTable
from crmkpi.records.base import RecordType, record_type
from crmkpi.sources.account import LoadAccount
from crmkpi.sources.csv_tables import cells_of_any_length, csv_grid
from crmkpi.sources.dates import zone_named
from crmkpi.sources.exports import first_table, recognised
from crmkpi.sources.frames.csv_text import plain_frame
from crmkpi.sources.frames.typed_columns import NotPlainError, field_column
from crmkpi.sources.presets.library import AnyPreset
from crmkpi.sources.reading import Reading, options_from
from crmkpi.sources.rows import Loading
from crmkpi.sources.text import open_text
from crmkpi.sources.zones import Zones

__all__ = ["Coerced", "later_part", "plain_part", "plain_table"]

_Coerced = Mapping[str, Mapping[str, int]]


class Coerced(Mapping[str, Mapping[str, int]]):
    """The conversions of each column, computed lazily by a second read."""

    def __init__(self, read: Callable[[], _Coerced]) -> None:
        self._read = read

    @cached_property
    def _found(self) -> _Coerced:
        return self._read()

    def __getitem__(self, column: str) -> Mapping[str, int]:
        return self._found[column]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)


def plain_part(
    path: Path, record: type[Any], preset: AnyPreset | None, delimiter: str | None, given: Reading
) -> tuple[Any, LoadAccount] | None:
    """The records of a file as a frame with unique ids, and its account; None where the row reader must read it."""
    with cells_of_any_length():
        sure = None
        if preset == "auto":
            sure = recognised(first_table(path, encoding=None).headers, source=path.name)
            preset = sure.preset
        asked = options_from(preset, given)
        text = open_text(path, encoding=None)
        if text.encoding != "utf-8":
            return None
        grid = csv_grid(text, record, asked, delimiter=delimiter)
        kind = record_type(record)
        loading = Loading(grid, record, asked, recognised=sure)
        warns = asked.preset is not None and asked.preset.warn is not None  # needs to know which values no record has
        if warns or loading.columns.numbered or loading.grid is not grid:
            return None
        try:
            frame, skipped = plain_frame(path, grid, kind, asked, held=True)
        except NotPlainError:
            return None
    whole = frame.collect()
    if whole.is_empty() or _has_twice(whole, kind):
        return None
    zones: Zones = {
        name: {UTC if whole.schema[own].time_zone else None}
        for name, known in kind.fields.items()
        if known.kind == "timestamp" and (own := field_column(name)) in whole.columns
        if whole[own].null_count() < whole.height
    }
    notes = loading.notes(whole.height)
    if asked.tz is None:
        notes += loading.zone_notes(zones)
    told = loading.account(used=whole.height, merged=0, notes=notes)
    account = replace(told, rows=whole.height + sum(skipped.values()), skipped=ReadOnly(skipped))
    custom = [name for name in whole.columns if not name.startswith(field_column("")) and whole[name].is_null().all()]
    return whole.drop(custom), account


def plain_table(
    files: Sequence[tuple[Path, AnyPreset | None, str | None, Reading]], record: type[Any]
) -> tuple[FrameTable, list[LoadAccount]] | None:
    """Files of one table as a frame, with their accounts; None where the row reader must read one of them.

    Each entry of `files` has the path, the preset, the delimiter if it is known, and the reading options.
    """
    frames: list[Any] = []
    accounts: list[LoadAccount] = []
    for path, preset, delimiter, given in files:
        if (found := plain_part(path, record, preset, delimiter, given)) is None:
            return None
        frames.append(found[0])
        accounts.append(found[1])
    kind = record_type(record)
    whole = frames[0] if len(frames) == 1 else import_module("polars").concat(frames, how="diagonal_relaxed")
    if len(frames) > 1 and _has_twice(whole, kind):
        return None
    tz = files[0][3].get("tz")
    table = FrameTable(
        whole.lazy(),
        type_=kind,
        columns={name: own for name in kind.fields if (own := field_column(name)) in whole.columns},
        zone=None if tz is None else zone_named(tz),
        skipped=dict(sum((Counter(account.skipped) for account in accounts), Counter())) or None,
        unfilled=frozenset.intersection(*(frozenset(_unfilled(account)) for account in accounts)),
        searched=True,
    )
    return table, accounts


def _unfilled(account: LoadAccount) -> Iterator[str]:
    """The fields that no column fills, read or not."""
    return (name for name in account.unfilled if name not in account.mapped)


def _has_twice(frame: Any, kind: RecordType) -> bool:
    """Whether an id may occur twice; ascending numbers are known to be unique."""
    if "id" not in kind.fields:
        return False
    ids = frame[field_column("id")]
    pl = import_module("polars")
    numbers = ids.cast(pl.Int64, strict=False)
    if not numbers.null_count() and (numbers.slice(1) > numbers.head(-1)).all():
        return False
    return bool(ids.hash().n_unique() < frame.height)


def later_part(
    table: FrameTable, at: str, wall: datetime, exact: datetime
) -> tuple[FrameTable, FrameTable, datetime] | None:
    """The records dated after a moment, with and without their date, and the first of these dates; None without any.

    The table is one of `plain_table`.
    """
    frame: Any = table.frame
    name = table.columns.get(at)
    if name is None:
        return None
    polars = import_module("polars")
    column = polars.col(name)
    is_exact = getattr(frame.collect_schema()[name], "time_zone", None) is not None
    later = frame.filter(column > (exact.astimezone(UTC) if is_exact else wall)).collect()
    if later.is_empty():
        return None
    undated = later.with_columns(polars.lit(None, later.schema[name]).alias(name))
    part, without = (
        FrameTable(
            found.lazy(),
            type_=table.type_,
            columns=table.columns,
            zone=table.zone,
            unfilled=table.unfilled,
            searched=True,
        )
        for found in (later, undated)
    )
    return part, without, later[name][0]
