"""Scores outside their scale, scales whose upper half is never used, and scales of different length."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from crmkpi.quality.checks.unreadable_rows import UnreadableValues
from crmkpi.quality.findings import Finding
from crmkpi.quality.tables import CheckedTable, Inspector, shown

__all__ = ["scores_off_scale"]

_ENOUGH = 30
_LONG_SCALE = 9


def scores_off_scale(table: CheckedTable) -> Iterable[Inspector]:
    """Scores off their scale, which are unreadable; and answers in the lower half only, which suggest another scale."""
    yield UnreadableValues(table, "scores_off_scale", lambda one: one.field)
    if table.name == "surveys":
        yield _HalfScales(table)


@dataclass(slots=True)
class _HalfScales:
    table: CheckedTable
    highest: dict[tuple[str, float, float], Any] = field(default_factory=dict)
    counts: dict[tuple[str, float, float], int] = field(default_factory=dict)

    def see(self, records: Sequence[Any]) -> None:
        for survey in records:
            scale = (survey.kind, survey.scale_low, survey.scale_high)
            if survey.score is not None and None not in scale:
                self.counts[scale] = self.counts.get(scale, 0) + 1
                if scale not in self.highest or survey.score > self.highest[scale].score:
                    self.highest[scale] = survey

    def findings(self) -> Iterable[Finding]:
        yield from self._mixed()
        for scale, survey in self.highest.items():
            kind, low, high = scale
            is_long = high - low >= _LONG_SCALE
            if is_long and self.counts[scale] >= _ENOUGH and survey.score <= (low + high) / 2:
                yield self.table.finding(
                    "scores_off_scale",
                    f"{kind} scores of a scale from {low:g} to {high:g}, and none is above {survey.score:g}",
                    field="score",
                    level="error",
                    count=self.counts[scale],
                    example=shown(survey, "score"),
                    impacts=[self.table.impact("counted as bad answers by", "score")],
                )

    def _mixed(self) -> Iterable[Finding]:
        """Kinds of surveys whose scores have scales of different length, so that they do not add up."""
        by_kind: dict[str, list[tuple[str, float, float]]] = {}
        for scale in self.counts:
            by_kind.setdefault(scale[0], []).append(scale)
        for kind, found in by_kind.items():
            scales = sorted(found)
            if len({high - low for _, low, high in scales}) > 1:
                rarest = min(scales, key=lambda scale: (self.counts[scale], scale))
                listed = ", ".join(f"{low:g} to {high:g} ({self.counts[kind, low, high]:,})" for _, low, high in scales)
                yield self.table.finding(
                    "scores_off_scale",
                    f"{kind} scores of scales of different length: {listed}",
                    field="score",
                    count=self.counts[rarest],
                    example=shown(self.highest[rarest], "score"),
                    impacts=[self.table.impact("in one mean of", "score")],
                )
