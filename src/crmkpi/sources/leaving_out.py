"""Rows that are not records: totals and repeated headers of any report, and the rows that a preset leaves out."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import Any, NamedTuple

from crmkpi.sources.columns import Columns
from crmkpi.sources.grid import Grid, Row
from crmkpi.sources.presets.library import folded
from crmkpi.sources.presets.model import Preset
from crmkpi.sources.report_rows import ReportRows

__all__ = ["LeftOut", "left_out"]


class LeftOut(NamedTuple):
    """The rule for rows to leave out: words in a column or their absence, the start of a row, or a single cell."""

    by_word: tuple[tuple[int, frozenset[str], bool, str], ...]
    by_start: tuple[tuple[tuple[str, ...], str], ...]
    report: ReportRows
    alone: str | None = None

    def may_leave_out(self, rows: Sequence[Row]) -> bool:
        """Whether any of the rows may be left out, by a fast check of whole columns."""
        if self.report.may_be(rows):
            return True
        width = min(map(len, rows), default=0)
        if any(place >= width for place, *_ in self.by_word):
            return True
        for place, words, keep, _ in self.by_word:
            if any((_folded(cell) in words) != keep for cell in set(map(itemgetter(place), rows))):
                return True
        if self.alone is not None and any(_is_alone(row) for row in rows):
            return True
        starts = tuple(start for each, _ in self.by_start for start in each)
        return bool(starts) and any(not row[0] or str(row[0]).lstrip().startswith(starts) for row in rows if row)

    def reason_of(self, row: Row, above: Row) -> str | None:
        """The reason to leave a row out, or None; `above` is the record above it."""
        for starts, reason in self.by_start:
            if str(next(filter(None, row), "")).lstrip().startswith(starts):
                return reason
        for place, words, keep, reason in self.by_word:
            if place < len(row) and (_folded(row[place]) in words) != keep:
                return reason
        if self.alone is not None and _is_alone(row):
            return self.alone
        return self.report.reason_of(row, above)


def left_out(grid: Grid, columns: Columns, preset: Preset | None) -> LeftOut:
    """The rule for the rows of a source to leave out."""
    rules = () if preset is None else preset.leave_out
    places = {folded(header): place for place, header in reversed(list(enumerate(grid.headers)))}
    by_word = tuple(
        (places[folded(header)], frozenset(map(str.casefold, rule.words or rule.keep)), bool(rule.keep), rule.reason)
        for rule in rules
        for header in rule.headers
        if folded(header) in places
    )
    by_start = tuple((rule.starts, rule.reason) for rule in rules if rule.starts)
    alone = next((rule.reason for rule in rules if rule.alone and len(grid.headers) > 1), None)
    return LeftOut(by_word, by_start, ReportRows(tuple(grid.headers), columns.place_of_ids), alone)


def _is_alone(row: Row) -> bool:
    """Whether exactly one cell of a row is filled."""
    return sum(map(bool, row)) == 1


def _folded(cell: Any) -> str:
    return str(cell).strip().casefold()
