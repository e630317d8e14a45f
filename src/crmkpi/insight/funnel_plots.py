"""Funnel plots: segments compared with their common value, with limits that narrow as the number of records grows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import sqrt
from typing import Any

from crmkpi.definition.metric import Share
from crmkpi.errors import InputError
from crmkpi.insight.tables import InsightTable, ShownTable, number_in, shown_value
from crmkpi.measuring.moments import is_mean
from crmkpi.measuring.results import Report, Result
from crmkpi.statistics.differences import detectable as detectable_difference
from crmkpi.statistics.differences import detectable_share

__all__ = ["FunnelPlot", "FunnelPoint", "detectable", "funnel_plot"]

_SIGMAS = 3.0


@dataclass(frozen=True, slots=True)
class FunnelPoint:
    """One segment: its value, its number of records, the limits for that number, and its distance from the centre."""

    label: str
    value: Any
    n: int
    low: Any
    high: Any
    z: float
    outside: bool
    better: bool | None


@dataclass(frozen=True, slots=True, repr=False)
class FunnelPlot(InsightTable):
    """Segments, farthest out first, and their common value `centre`."""

    title: str
    unit: str
    centre: Any
    points: tuple[FunnelPoint, ...]
    notes: tuple[str, ...] = ()
    currency: str | None = None

    @property
    def outside(self) -> tuple[FunnelPoint, ...]:
        """The segments beyond their limits."""
        return tuple(point for point in self.points if point.outside)

    def to_dicts(self) -> list[dict[str, Any]]:
        """One row per segment."""
        return [
            {
                "segment": point.label,
                "value": point.value,
                "n": point.n,
                "low": point.low,
                "high": point.high,
                "z": point.z,
                "outside": point.outside,
                "better": point.better,
            }
            for point in self.points
        ]

    def grid(self) -> ShownTable:
        """The table for display."""

        def shown(value: Any) -> str:
            return shown_value(value, self.unit, currency=self.currency)

        rows = [
            (
                point.label,
                shown(point.value),
                f"{point.n:,}",
                shown(point.low),
                shown(point.high),
                "" if not point.outside else {None: "outside", True: "better", False: "worse"}[point.better],
            )
            for point in self.points
        ]
        heading = f"{self.title}, all together {shown(self.centre)}"
        return ShownTable(heading, ("segment", "value", "n", "low", "high", ""), rows, self.notes, 1, 1)


def funnel_plot(data: Report | Mapping[str, Sequence[int]]) -> FunnelPlot:
    """The segments that differ from the common value by more than chance for their number of records: beyond 3 sigma.

    `data` is a report of one share or one mean by segment (a mean needs `measure(..., compare=...)` or
    `Dataset.compare`, which keep its variance), or parts and wholes by name.

    >>> plot = funnel_plot({"Ada": (62, 100), "Bo": (38, 100), "Cy": (4, 10), "Di": (400, 1000)})
    >>> [(point.label, round(point.z, 1)) for point in plot.outside]
    [('Ada', 4.1)]
    """
    if isinstance(data, Report):
        return _of_report(data)
    sides = {name: (float(part), float(whole)) for name, (part, whole) in data.items()}
    return _of_shares("share", sides, better="neither")


def _of_report(report: Report) -> FunnelPlot:
    if not report:
        raise InputError("A funnel plot needs results by segment; the report has none.")
    first = report[0]
    metric = first.metric
    if {(one.definition, one.period) for one in report} != {(first.definition, first.period)}:
        raise InputError("A funnel plot is of one KPI in one period by segment; take one with report.where(...).")
    known = [one for one in report if one.value is not None]
    notes = tuple(f"{_name(one)} undefined: {one.reason}" for one in report if one.value is None)
    if isinstance(metric.interval, Share):
        rule = metric.interval
        sides = {_name(one): (float(one.inputs[rule.part]), float(one.inputs[rule.whole])) for one in known}
        return _of_shares(metric.title, sides, better=metric.better, notes=notes)
    mean = is_mean(metric)
    if mean is None or any(one.moments is None for one in known):
        raise InputError(
            f"A funnel plot is of shares, and of means of a report that Dataset.compare gave; got {metric.id}."
        )
    return _of_means(known, mean, notes)


def _name(result: Result) -> str:
    return ", ".join("(none)" if key is None else str(key) for key in result.segment.values()) or "all"


def _of_shares(
    title: str, sides: Mapping[str, tuple[float, float]], *, better: str, notes: tuple[str, ...] = ()
) -> FunnelPlot:
    wholes = sum(whole for _, whole in sides.values())
    if not wholes:
        raise InputError("A funnel plot needs records; every whole is 0.")
    centre = sum(part for part, _ in sides.values()) / wholes
    points = []
    for name, (part, whole) in sides.items():
        if not whole:
            continue
        sigma = sqrt(centre * (1 - centre) / whole)
        z = (part / whole - centre) / sigma if sigma else 0.0
        low, high = max(0.0, centre - _SIGMAS * sigma), min(1.0, centre + _SIGMAS * sigma)
        points.append(_point(name, part / whole, int(whole), low, high, z, better))
    return FunnelPlot(title, "ratio", centre, _ordered(points), notes)


def _of_means(results: Sequence[Result], mean: tuple[str, str], notes: tuple[str, ...]) -> FunnelPlot:
    metric = results[0].metric
    total, number = mean
    moments: Any = [one.moments for one in results]
    counts = [float(one.totals[number]) for one in moments]
    centre = float(sum(one.totals[total] for one in moments)) / sum(counts)
    within = sum(float(one.products[total, total] - one.totals[total] ** 2 / one.totals[number]) for one in moments)
    degrees = sum(counts) - len(counts)
    sigma = sqrt(within / degrees) if degrees > 0 else 0.0
    points = []
    for one, many in zip(results, counts, strict=True):
        assert one.value is not None
        value = one.value.total_seconds() if isinstance(one.value, timedelta) else float(one.value)
        size = sigma / sqrt(many)
        low, high = (number_in(centre + sign * _SIGMAS * size, metric.unit) for sign in (-1, 1))
        z = (value - centre) / size if size else 0.0
        points.append(_point(_name(one), one.value, int(many), low, high, z, metric.better))
    currency = results[0].currency
    return FunnelPlot(metric.title, metric.unit, number_in(centre, metric.unit), _ordered(points), notes, currency)


def _point(name: str, value: Any, n: int, low: Any, high: Any, z: float, better: str) -> FunnelPoint:
    outside = abs(z) > _SIGMAS
    good = None if not outside or better == "neither" else (z > 0) == (better == "higher")
    return FunnelPoint(name, value, n, low, high, z, outside, good)


def _ordered(points: Sequence[FunnelPoint]) -> tuple[FunnelPoint, ...]:
    return tuple(sorted(points, key=lambda point: -abs(point.z)))


def detectable(
    of: Result | float,
    n: int | None = None,
    *,
    spread: float | None = None,
    confidence: float = 0.95,
    power: float = 0.8,
) -> Any:
    """The smallest change that `n` records on each side detect in 80 of 100 cases (`power`).

    `of` is a result, or a share (a fraction), or with `spread` (a standard deviation) a mean.

    >>> round(detectable(0.2, 1000), 4), round(detectable(50, 100, spread=20), 2)
    (0.0524, 7.92)
    >>> from crmkpi import win_rate
    >>> round(detectable(win_rate.from_totals(won=200, closed=1000)), 4)
    0.0524
    """
    if isinstance(of, Result):
        change = of.against(of).change
        assert change is not None  # a result compared with another
        if change.detectable is None:
            raise InputError(f"The detectable change of {of.definition} is unknown: {change.reason}.")
        return change.detectable
    if n is None or n < 1:
        raise InputError(f"`n` is the number of records on each side, at least 1; got {n!r}.")
    if spread is None:
        return detectable_share(of, n, confidence=confidence, power=power)
    return detectable_difference(spread * sqrt(2 / n), confidence=confidence, power=power)
