"""Signal or noise: control charts of a KPI over time, and funnel plots of its segments.

| KPI | chart |
|---|---|
| a share | p; p' (Laney) where months vary more than chance makes them |
| a count, or a count per exposure | u, per day or per exposure; u' likewise |
| anything else | XmR: single values and their moving ranges |
| values above 0 that vary by more than 0.4 of their mean | XmR of the logarithm, shown back |

A season that the years agree on is removed first. A chart shows changes, and never their causes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import exp, log, sqrt
from typing import Any, Literal

from crmkpi.errors import InputError, UnknownNameError, did_you_mean
from crmkpi.insight.control_series import ChartSeries, Label, series_of_numbers, series_of_report
from crmkpi.insight.funnel_plots import FunnelPlot, FunnelPoint, detectable, funnel_plot
from crmkpi.insight.tables import InsightTable, ShownTable, number_in, shown_value
from crmkpi.measuring.results import Report
from crmkpi.statistics.control_limits import (
    Limits,
    limits_of_rates,
    limits_of_shares,
    limits_of_values,
    rules_of,
    signals,
)
from crmkpi.statistics.control_limits import autocorrelation as _follows
from crmkpi.statistics.forecasting import Season, seasonal

__all__ = [
    "ControlChart",
    "ControlPoint",
    "FunnelPlot",
    "FunnelPoint",
    "Signal",
    "control_chart",
    "detectable",
    "funnel_plot",
]

Kind = Literal["p", "p'", "u", "u'", "XmR", "XmR of the logarithm"]
Latest = Literal["common", "improvement", "concern", "change"]
Assurance = Literal["will hit it", "will miss it", "hit and miss"]

_FEWEST = 12  # points for limits
_FEWEST_FOR_RUNS = 20
_SEASON_FROM = 24
_SKEWED = 0.4  # coefficient of variation from which the logarithm is charted


@dataclass(frozen=True, slots=True)
class ControlPoint:
    """One point of a chart: its value (deseasonalised if there is a season), centre and limits.

    `raw` is the measured value. Limits are None below 12 points, and where the denominator of a share or rate is zero.
    """

    label: Label
    value: Any
    raw: Any
    centre: Any
    low: Any
    high: Any


@dataclass(frozen=True, slots=True)
class Signal:
    """A finding of a rule: its first and last point, its direction, and whether that is for the better."""

    rule: str
    first: Label
    last: Label
    direction: Literal["up", "down"]
    better: bool | None


@dataclass(frozen=True, slots=True, repr=False)
class ControlChart(InsightTable):
    """A process chart: `centre`, `low` and `high` are those of the latest point, `signals` the non-random patterns.

    `season` has the differences between the periods of a year, if they were removed. `notes` list the steps taken and
    skipped.
    """

    title: str
    unit: str
    points: tuple[ControlPoint, ...]
    kind: Kind
    signals: tuple[Signal, ...]
    notes: tuple[str, ...]
    season: Season | None = None
    better: str = "neither"
    currency: str | None = None

    @property
    def centre(self) -> Any:
        """The centre of the current process; None without limits."""
        return self.points[-1].centre if self.points else None

    @property
    def low(self) -> Any:
        """The lower limit of the latest point that has one; None without limits."""
        return next((point.low for point in reversed(self.points) if point.low is not None), None)

    @property
    def high(self) -> Any:
        """The upper limit of the latest point that has one; None without limits."""
        return next((point.high for point in reversed(self.points) if point.high is not None), None)

    @property
    def latest(self) -> Latest | None:
        """The class of the latest point: "common" variation, an "improvement", a "concern", or a "change".

        A KPI without a better direction only has changes. None without limits.
        """
        known = [point for point in self.points if point.value is not None]
        if not known or known[-1].centre is None:
            return None
        found = [signal for signal in self.signals if signal.last == known[-1].label]
        if not found:
            return "common"
        better = found[0].better
        return "change" if better is None else "improvement" if better else "concern"

    def assurance(self, target: Any, *, at_least: bool | None = None) -> Assurance | None:
        """Whether the current process meets a target: always, never or sometimes; None without limits.

        `at_least` says that the target is a floor; the default is True if a higher value of the KPI is better.
        """
        if self.low is None:
            return None
        if at_least is None:
            if self.better == "neither":
                raise InputError("The KPI takes no side; give at_least=True for a floor, or False for a ceiling.")
            at_least = self.better == "higher"
        inside = self.low >= target if at_least else self.high <= target
        outside = self.high < target if at_least else self.low > target
        return "will hit it" if inside else "will miss it" if outside else "hit and miss"

    def to_dicts(self) -> list[dict[str, Any]]:
        """One row per point; `signals` names the rules whose pattern ends there."""
        return [
            {
                "label": point.label,
                "value": point.value,
                "raw": point.raw,
                "centre": point.centre,
                "low": point.low,
                "high": point.high,
                "signals": ", ".join(signal.rule for signal in self.signals if signal.last == point.label),
            }
            for point in self.points
        ]

    def grid(self) -> ShownTable:
        """The table for display."""

        def shown(value: Any) -> str:
            return shown_value(value, self.unit, currency=self.currency)

        rows = [
            (
                str(point.label),
                shown(point.value),
                shown(point.low),
                shown(point.centre),
                shown(point.high),
                "; ".join(_told(signal) for signal in self.signals if signal.last == point.label),
            )
            for point in self.points
        ]
        latest = self.latest
        notes = [*self.notes, *([f"latest: {latest}"] if latest else [])]
        points = "point" if isinstance(self.points[0].label, int) else "period"
        headers = (points, "value", "low", "centre", "high", "signal")
        return ShownTable(f"{self.title}, {self.kind} chart", headers, rows, notes, 1, 1)


def _told(signal: Signal) -> str:
    side = signal.direction if signal.better is None else "improvement" if signal.better else "concern"
    since = f" since {signal.first}" if signal.first != signal.last else ""
    return f"{side}: {signal.rule.replace('_', ' ')}{since}"


def control_chart(
    data: Report | Sequence[float | None],
    *,
    of: Sequence[float | None] | None = None,
    exposure: Sequence[float | None] | None = None,
    season: int | None = None,
    baseline: int | None = None,
    rebase: Sequence[Label] = (),
    rules: str | Sequence[str] = "default",
    screen: bool = False,
    autocorrelation: bool = True,
    better: str = "neither",
) -> ControlChart:
    """The chart of one KPI over time: a report of one metric and one segment by month, or plain numbers.

    For plain numbers, `of` are the denominators of shares (a p chart), `exposure` the days or customers per count (a u
    chart). `season` is the number of periods of a year; a report has its own. `baseline=12` computes the limits from
    the first twelve points; `rebase` starts new limits at the named points, and only there. `rules` are "beyond"
    (outside 3 sigma) and "run" (8 in a row on one side) by default; others are "two_of_three", "four_of_five", "trend",
    "run_of_seven", "anhoej", and the sets "nhs" and "western_electric". `screen=True` excludes moving ranges above
    3.267 times their mean from the limits (Nelson 1982), which finds more and raises more false alarms.
    `autocorrelation=False` does not widen limits for autocorrelated values.

    Below 12 points there are no limits, and below 20 no runs. A period that is not over is left out.

    >>> chart = control_chart([21, 24, 19, 27, 22, 25, 20, 23, 26, 22, 24, 21, 34, 23, 22, 25])
    >>> round(chart.low, 3), chart.centre, round(chart.high, 3), chart.latest
    (10.859, 23.625, 36.391, 'common')
    >>> chart = control_chart([30, 28, 35, 40, 22, 31, 29, 33, 36, 27, 18, 3], of=[100] * 12)
    >>> [(signal.rule, signal.last, signal.direction) for signal in chart.signals]
    [('beyond', 12, 'down')]
    """
    asked = rules_of(rules)
    series = (
        series_of_report(data) if isinstance(data, Report) else series_of_numbers(data, of, exposure, season, better)
    )
    if baseline is not None and baseline < _FEWEST:
        raise InputError(f"`baseline` is a number of points from {_FEWEST} on, as limits need; got {baseline!r}.")
    if baseline is not None and baseline > len(series.labels):
        raise InputError(f"`baseline` takes the first of {len(series.labels)} points; got {baseline!r}.")
    if isinstance(rebase, str | int):
        raise InputError(f"`rebase` names points in a list, such as rebase=[{rebase!r}]; got {rebase!r}.")
    for label in rebase:
        if label not in series.labels:
            raise UnknownNameError(
                f"`rebase` names points of the chart; got {label!r}. "
                f"{did_you_mean(str(label), map(str, series.labels))}"
            )
    return _charted(
        series, asked, baseline, [series.labels.index(label) for label in rebase], screen=screen, follow=autocorrelation
    )


def _charted(
    series: ChartSeries,
    rules: tuple[str, ...],
    baseline: int | None,
    starts: Sequence[int],
    *,
    screen: bool,
    follow: bool,
) -> ControlChart:
    notes = list(series.notes)
    season, values = _deseasonalised(series, notes)
    bounds = [0, *sorted(starts), len(values)]
    kind: Kind = "p" if series.shares else "u" if series.parts is not None else "XmR"
    skewed = kind == "XmR" and _is_skewed(values)
    if skewed:
        kind = "XmR of the logarithm"
        notes.append("the values are skewed, so that their logarithms are charted")
    limits: list[Limits | None] = [None] * len(values)
    found: list[Signal] = []
    for first, end in pairwise(bounds):
        part = [None if value is None else log(value) if skewed else value for value in values[first:end]]
        known = sum(value is not None for value in part)
        if known < _FEWEST:
            since = f" from {series.labels[first]} on" if first else ""
            notes.append(f"no limits{since}: they need {_FEWEST} points, and there are {known}")
            continue
        own, extra = _limits(series, part, first, baseline if first == 0 else None, screen=screen, follow=follow)
        if own is None:
            notes.append("no limits: the values do not vary")
            continue
        if own.over_dispersion > 1:
            kind = "p'" if series.shares else "u'"
        used = rules
        if extra:
            notes.append(extra)
            used = tuple(rule for rule in rules if rule == "beyond") or rules
        elif known < _FEWEST_FOR_RUNS and len(rules) > 1:
            used = tuple(rule for rule in rules if rule == "beyond") or rules
            notes.append(f"no runs are looked for below {_FEWEST_FOR_RUNS} points")
        limits[first:end] = [own] * (end - first)
        for flagged in signals(part, own, used):
            better = None if series.better == "neither" else (flagged.direction == "up") == (series.better == "higher")
            ends = series.labels[first + flagged.first], series.labels[first + flagged.last]
            found.append(Signal(flagged.rule, *ends, flagged.direction, better))
    begun = [max(bound for bound in bounds[:-1] if bound <= number) for number in range(len(values))]
    points = tuple(
        _point(series, number, values[number], limits[number], number - begun[number], skewed=skewed)
        for number in range(len(values))
    )
    return ControlChart(
        series.title, series.unit, points, kind, tuple(found), tuple(notes), season, series.better, series.currency
    )


def _deseasonalised(series: ChartSeries, notes: list[str]) -> tuple[Season | None, list[float | None]]:
    """The season, None if it is not known, and the values without it; a season needs two years that agree on it."""
    values = series.values
    length = series.season
    if length is None or None in values:
        return None, values
    known = [value for value in values if value is not None]
    if len(known) < max(_SEASON_FROM if length == 12 else 0, 2 * length):
        notes.append("season unknown: it takes two years to see one")
        return None, values
    season = seasonal(known, length)
    if not season.weight or (not season.additive and min(season.index) <= 0):
        return None, values
    notes.append(f"the season is taken out (weight {season.weight:.2f})")
    return season, list(season.removed(known))


def _is_skewed(values: Sequence[float | None]) -> bool:
    known = [value for value in values if value is not None]
    if len(known) < 2 or min(known) <= 0:
        return False
    mean = sum(known) / len(known)
    return sqrt(sum((value - mean) ** 2 for value in known) / (len(known) - 1)) > _SKEWED * mean


def _limits(
    series: ChartSeries,
    values: list[float | None],
    first: int,
    baseline: int | None,
    *,
    screen: bool,
    follow: bool,
) -> tuple[Limits | None, str]:
    """The limits of a segment of the chart, widened for autocorrelation, and the note on that."""
    base = values[:baseline] if baseline is not None else values
    known = sum(value is not None for value in base)
    follows = _follows(base) if follow else 0.0
    widen, note = 1.0, ""
    if follows > 2 / sqrt(known):
        widen = 1 / sqrt(1 - follows)
        note = f"values follow each other (r = {follows:.2f}): limits are wider, and runs are not looked for"
    if series.parts is None or series.wholes is None:
        found = limits_of_values(base, screen=screen, widen=widen)
        if found is not None:
            found = Limits(found.centre, (found.sigmas[0],) * len(values), 1.0)
        return found, note
    wholes = series.wholes[first : first + len(values)]
    # Deseasonalised numerators; without a season they equal the original ones.
    parts = [None if value is None or not whole else value * whole for value, whole in zip(values, wholes, strict=True)]
    make = limits_of_shares if series.shares else limits_of_rates
    found = make(parts[: len(base)], wholes[: len(base)])
    if found is None:
        return None, note
    over = found.over_dispersion * (widen if found.over_dispersion > 1 else 1.0)
    centre = found.centre
    sigmas = tuple(
        0.0 if not whole else over * sqrt(centre * (max(0.0, 1 - centre) if series.shares else 1.0) / whole)
        for whole in wholes
    )
    return Limits(centre, sigmas, found.over_dispersion), note


def _point(
    series: ChartSeries, number: int, value: float | None, limits: Limits | None, place: int, *, skewed: bool
) -> ControlPoint:
    scale = series.scales[number] if series.scales is not None else 1.0

    def shown(one: float | None) -> Any:
        if one is None:
            return None
        return number_in(one * scale, series.unit)

    if limits is None:
        return ControlPoint(series.labels[number], shown(value), shown(series.values[number]), None, None, None)
    centre, low, high = limits.centre, limits.low(place), limits.high(place)
    if skewed:
        centre, low, high = exp(centre), exp(low), exp(high)
    elif series.parts is not None:
        low, high = max(0.0, low), min(1.0, high) if series.shares else high
    limited = series.wholes is None or series.wholes[number]
    between = (shown(low), shown(high)) if limited else (None, None)
    return ControlPoint(series.labels[number], shown(value), shown(series.values[number]), shown(centre), *between)
