"""Rows that a preset says are no records: total rows, lines below the table, previews and the like."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from crmkpi.presets.library import folded
from crmkpi.presets.model import Preset
from crmkpi.sources.grid import Grid, Row

__all__ = ["LeftOut", "left_out"]

LeftOut = Callable[[Row], str | None]


def left_out(grid: Grid, preset: Preset | None) -> LeftOut | None:
    """A function from a row to the reason why it is left out; None where no row of the source is."""
    if preset is None or not preset.leave_out:
        return None
    places = {folded(header): place for place, header in reversed(list(enumerate(grid.headers)))}
    by_word: list[tuple[int, frozenset[str], str]] = []
    by_start: list[tuple[tuple[str, ...], str]] = []
    for rule in preset.leave_out:
        if rule.starts:
            by_start.append((rule.starts, rule.reason))
        by_word += [
            (places[folded(header)], frozenset(map(str.casefold, rule.words)), rule.reason)
            for header in rule.headers
            if folded(header) in places
        ]
    if not (by_word or by_start):
        return None

    def reason_of(row: Row) -> str | None:
        for starts, reason in by_start:
            if _first_of(row).startswith(starts):
                return reason
        for place, words, reason in by_word:
            if place < len(row) and str(row[place]).strip().casefold() in words:
                return reason
        return None

    return reason_of


def _first_of(row: Row) -> str:
    first: Any = next(filter(None, row), "")
    return str(first).lstrip()
