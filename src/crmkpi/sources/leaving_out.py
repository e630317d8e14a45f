"""Rows that a preset says are no records: total rows, lines below the table, previews and the like."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from crmkpi.sources.grid import Grid, Row
from crmkpi.sources.presets.library import folded
from crmkpi.sources.presets.model import Preset

__all__ = ["LeftOut", "left_out"]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Which rows are left out: those with certain words in a column, or with none of them, and those that start so."""

    by_word: tuple[tuple[int, frozenset[str], bool, str], ...]
    by_start: tuple[tuple[tuple[str, ...], str], ...]

    def may_leave_out(self, rows: Sequence[Row]) -> bool:
        """Whether a look at whole columns does not rule out that a row is left out."""
        width = min(map(len, rows), default=0)
        if any(place >= width for place, *_ in self.by_word):
            return True
        for place, words, keep, _ in self.by_word:
            if any((_plain(cell) in words) != keep for cell in set(map(itemgetter(place), rows))):
                return True
        starts = tuple(start for each, _ in self.by_start for start in each)
        return bool(starts) and any(not row[0] or str(row[0]).lstrip().startswith(starts) for row in rows if row)

    def reason_of(self, row: Row) -> str | None:
        """Why a row is left out, None where it is not."""
        for starts, reason in self.by_start:
            if str(next(filter(None, row), "")).lstrip().startswith(starts):
                return reason
        for place, words, keep, reason in self.by_word:
            if place < len(row) and (_plain(row[place]) in words) != keep:
                return reason
        return None


def left_out(grid: Grid, preset: Preset | None) -> LeftOut | None:
    """What a preset leaves out of a source; None where nothing is."""
    if preset is None or not preset.leave_out:
        return None
    places = {folded(header): place for place, header in reversed(list(enumerate(grid.headers)))}
    by_word = tuple(
        (places[folded(header)], frozenset(map(str.casefold, rule.words or rule.keep)), bool(rule.keep), rule.reason)
        for rule in preset.leave_out
        for header in rule.headers
        if folded(header) in places
    )
    by_start = tuple((rule.starts, rule.reason) for rule in preset.leave_out if rule.starts)
    return LeftOut(by_word, by_start) if by_word or by_start else None


def _plain(cell: Any) -> str:
    return str(cell).strip().casefold()
