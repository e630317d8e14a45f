"""Tables in which a row is not one record: stage changes, a column per stage date, and merged records."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from crmkpi.errors import ColumnError
from crmkpi.records import RECORDS
from crmkpi.records.base import record_type
from crmkpi.records.directions import by_header
from crmkpi.sources.account import Rejected
from crmkpi.sources.columns import wanted_columns
from crmkpi.sources.grid import Grid, Part
from crmkpi.sources.headers import stage_of
from crmkpi.sources.presets.library import folded
from crmkpi.sources.presets.model import Preset
from crmkpi.sources.reading import ReadingOptions

__all__ = ["joined_visits", "merged_away", "merged_note", "stage_grid", "without_merged"]

_R = TypeVar("_R")
_NO_STAGE = "deal without the date of a stage"
_VISIT = ("id", "deal_id", "stage", "entered_at", "left_at")


def stage_grid(grid: Grid, options: ReadingOptions, preset: Preset) -> tuple[Grid, ReadingOptions]:
    """Unpivot a table of deals with a date column per stage into a table of stage visits."""
    assert preset.stages is not None
    visit = record_type(RECORDS["stage_visits"])
    said = by_header(options.columns, grid.headers, visit.fields)
    named = wanted_columns(grid.headers, visit, said, source=grid.source)
    beside = {field: grid.headers.index(header) for header, fields in named.items() for field in fields}
    _check_beside(beside, grid)
    known = {folded(header) for header in preset.stages.id}
    free = [(place, header) for place, header in enumerate(grid.headers) if header not in named]
    own = beside.pop("deal_id", next((place for place, header in free if folded(header) in known), None))
    stages: dict[str, dict[bool, int]] = {}
    for place, header in free:
        if (found := stage_of(header, preset)) is not None:
            stages.setdefault(found[0], {}).setdefault(found[1], place)
    if own is None or not any(True in dates for dates in stages.values()):
        wanted = " and ".join((preset.stages.id[-1], preset.stages.entered[-1]))
        raise ColumnError(f"{grid.source} has no columns to make stage visits from; export the columns {wanted}.")
    skipped = dict(grid.skipped)
    entered = {stage: (dates[True], dates.get(False)) for stage, dates in stages.items() if True in dates}

    def parts() -> Iterator[Part | Rejected]:
        skipped.pop(_NO_STAGE, None)
        for part in grid.parts():
            if isinstance(part, Rejected):
                yield part
            else:
                yield from _visits(part, own, entered, [*beside.values()], len(grid.headers), skipped)

    asked = options._replace(preset=None, columns={})
    return Grid(grid.source, (*_VISIT, *beside), parts, text=grid.text, skipped=skipped), asked


def _check_beside(named: Mapping[str, int], grid: Grid) -> None:
    """Refuse `columns=` for the stage and its dates, which come from the headers and cells of many columns."""
    for field, place in named.items():
        if field in _VISIT and field != "deal_id":
            raise ColumnError(
                f"columns= names {grid.headers[place]!r} for {field!r}, which the columns with the date of each stage "
                f"fill; name deal_id or another field with it, or drop it with "
                f"columns={{{grid.headers[place]!r}: None}}."
            )


def _visits(
    part: Part,
    own: int,
    entered: Mapping[str, tuple[int, int | None]],
    beside: Sequence[int],
    width: int,
    skipped: dict[str, int],
) -> Iterator[Part | Rejected]:
    """The visits of some deals, and the rows that are not deals."""
    rows: list[list[Any]] = []
    lines: list[int] = []
    for line, row in zip(part.lines(), part.rows, strict=True):
        if len(row) != width:
            if row:
                yield Rejected(line, None, None, f"it has {len(row)} cells under {width} headers")
            continue
        deal = row[own]
        visits = [
            [deal and f"{deal} {stage}", deal, stage, row[start], "" if end is None else row[end]]
            + [row[place] for place in beside]
            for stage, (start, end) in entered.items()
            if row[start]
        ]
        rows += visits
        lines += [line] * len(visits)
        if not visits:
            skipped[_NO_STAGE] = skipped.get(_NO_STAGE, 0) + 1
    yield Part(rows, lines.copy)


def joined_visits(visits: Sequence[Any]) -> list[Any]:
    """Turn the stage changes of each deal into visits, by time: repeated stages merge, each visit ends at the next."""
    by_deal: dict[Any, list[Any]] = {}
    for visit in visits:
        by_deal.setdefault(visit.deal_id, []).append(visit)
    joined: list[Any] = []
    for changes in by_deal.values():
        dated = sorted((each for each in changes if each.entered_at is not None), key=_entered)
        starts = [each for place, each in enumerate(dated) if place == 0 or each.stage != dated[place - 1].stage]
        for place, each in enumerate(starts):
            joined.append(replace(each, left_at=starts[place + 1].entered_at) if place + 1 < len(starts) else each)
        joined += [each for each in changes if each.entered_at is None]
    return joined


def _entered(visit: Any) -> tuple[bool, datetime]:
    return visit.entered_at.tzinfo is None, visit.entered_at


def merged_away(records: Iterable[Any], preset: Preset, headers: Sequence[str]) -> dict[str, str]:
    """The ids of merged records, each with the id of the surviving record, as the survivors list them."""
    known = {folded(header) for header in preset.merged}
    names = [header for header in headers if folded(header) in known]
    survivors: dict[str, str] = {}
    for holder in records if names else ():
        for name in names:
            for old in re.split(r"[;,\s]+", str(holder.attributes.get(name, ""))):
                if old and old != holder.id:
                    survivors[old.partition(":")[0]] = holder.id
    return survivors


def without_merged(records: Iterable[_R], survivors: Mapping[str, str]) -> Iterator[_R]:
    """Drop merged records, or set the id of the surviving record where they have a field for it."""
    for record in records:
        each: Any = record
        survivor = survivors.get(each.id)
        if survivor is None:
            yield record
        elif hasattr(each, "merged_into"):
            yield replace(each, merged_into=survivor)


def merged_note(survivors: Mapping[str, str], gone: int) -> list[str]:
    """The note about merged records; `gone` counts those with a row of their own."""
    return [f"{len(survivors):,} ids were merged into others, of which {gone:,} had rows of their own."] if gone else []
