"""Leading indicators: the KPIs that move ahead of another one, and by how many periods; often there are none.

Any two series that rise together or share a season are correlated. Therefore changes are compared, and not levels;
every pair and every lag counts as a comparison (Benjamini-Hochberg); and the sign must be the same in both halves. A
KPI that moves ahead is not necessarily a cause.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from crmkpi.dates.calendars import CalendarUnit
from crmkpi.dates.periods import Period
from crmkpi.definition.metric import Metric
from crmkpi.errors import InputError
from crmkpi.insight.tables import InsightTable, ShownTable
from crmkpi.measuring.dataset import Dataset
from crmkpi.measuring.measurement import chosen_metrics
from crmkpi.measuring.results import Report, Result
from crmkpi.statistics.differences import benjamini_hochberg
from crmkpi.statistics.drivers import FEWEST_PAIRS, Correlated, correlated, differenced, has_season
from crmkpi.statistics.intervals import Interval

__all__ = ["Lead", "Leads", "leading", "leading_series"]

_MOST_PAIRS = 200
_Q = 0.05
_SEASONS: Mapping[str, int] = {"month": 12, "quarter": 4, "week": 52}


@dataclass(frozen=True, slots=True)
class Lead:
    """A KPI that moved ahead of the target by `lag` periods (0: at the same time), over `pairs` of changes."""

    name: str
    lag: int
    correlation: float
    interval: Interval[float] | None
    pairs: int
    p_value: float
    adjusted_p: float

    @property
    def text(self) -> str:
        """The finding as a sentence."""
        how = "the same way" if self.correlation > 0 else "the other way"
        if not self.lag:
            return f"moved {how} in the same period, in these {self.pairs}"
        return f"moved ahead by {self.lag}, {how}, in these {self.pairs}"


@dataclass(frozen=True, slots=True, repr=False)
class Leads(InsightTable):
    """The KPIs that moved ahead of a target, the most certain first; `refused` are the others, with the reason."""

    target: str
    unit: str
    leads: tuple[Lead, ...]
    comparisons: int
    refused: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()

    def to_dicts(self) -> list[dict[str, Any]]:
        """One row per KPI that moved ahead."""
        return [
            {
                "name": one.name,
                "lag": one.lag,
                "correlation": one.correlation,
                "low": None if one.interval is None else one.interval.low,
                "high": None if one.interval is None else one.interval.high,
                "pairs": one.pairs,
                "p_value": one.p_value,
                "adjusted_p": one.adjusted_p,
            }
            for one in self.leads
        ]

    def grid(self) -> ShownTable:
        """The table for display."""
        rows = [
            (
                one.name,
                f"{one.lag} {self.unit}{'' if one.lag == 1 else 's'}",
                f"{one.correlation:+.2f}",
                "" if one.interval is None else f"{one.interval.low:+.2f} to {one.interval.high:+.2f}",
                f"{one.pairs}",
            )
            for one in self.leads
        ]
        answer = "nothing moved ahead of it more than chance does" if not rows else "moved ahead, in these periods"
        notes = [f"{self.comparisons:,} comparisons (Benjamini-Hochberg)", *self.notes]
        notes += [f"{name}: {why}" for name, why in self.refused]
        headers = ("KPI", "ahead by", "correlation of changes", "interval", "pairs")
        return ShownTable(f"{self.target}: {answer}", headers, rows, notes)


def leading_series(
    target: Sequence[float],
    candidates: Mapping[str, Sequence[float]],
    *,
    lags: Iterable[int] = range(7),
    season: int | None = None,
    name: str = "target",
    unit: str = "period",
) -> Leads:
    """The series that moved ahead of another. All have one value per period and equal length.

    `season` is the number of periods of a year.

    >>> from random import Random
    >>> random = Random(2)
    >>> steps = [random.gauss(0, 1) for _ in range(60)]
    >>> ahead, after, alone = [0.0], [0.0], [0.0]
    >>> for n, step in enumerate(steps):
    ...     ahead.append(ahead[-1] + step)
    ...     after.append(after[-1] + (steps[n - 2] if n > 1 else 0) + random.gauss(0, 0.5))
    ...     alone.append(alone[-1] + random.gauss(0, 1))
    >>> found = leading_series(after, {"ahead": ahead, "alone": alone}, season=12)
    >>> [(one.name, one.lag, one.correlation > 0.8) for one in found.leads]
    [('ahead', 2, True)]
    """
    asked = sorted(set(lags))
    if not asked or any(isinstance(lag, bool) or not isinstance(lag, int) or lag < 0 for lag in asked):
        raise InputError(f"`lags` are numbers of periods from 0 on, such as range(7); got {asked!r}.")
    if len(candidates) > _MOST_PAIRS:
        raise InputError(
            f"At most {_MOST_PAIRS} KPIs are compared with a target, since among more some look like leads by chance; "
            f"got {len(candidates)}."
        )
    _check_series(name, target)
    refused: list[tuple[str, str]] = []
    tests: list[tuple[str, Correlated]] = []
    seasonal_ones = []
    for other, values in candidates.items():
        _check_series(other, values)
        if len(values) != len(target):
            raise InputError(f"All series have one value a period; {other} has {len(values)}, {name} {len(target)}.")
        both = has_season(target, season) and has_season(values, season)
        if both:
            seasonal_ones.append(other)
        first, second = (differenced(one, season if both else None) for one in (values, target))
        found = [one for one in (correlated(first, second, lag) for lag in asked) if one is not None]
        if not found:
            refused.append((other, _too_short(len(target), asked[0], season if both else None)))
        tests += [(other, one) for one in found]
    adjusted = benjamini_hochberg([one.p_value for _, one in tests])
    best: dict[str, tuple[Correlated, float]] = {}
    for (other, one), p in zip(tests, adjusted, strict=True):
        if other not in best or one.p_value < best[other][0].p_value:
            best[other] = one, 1.0 if p is None else p
    leads = [
        Lead(other, one.lag, one.correlation, one.interval(), one.pairs, one.p_value, p)
        for other, (one, p) in best.items()
        if p < _Q and one.stable
    ]
    leads.sort(key=lambda one: (one.p_value, one.name))
    notes = [f"changes against the year before, since both have a season: {', '.join(seasonal_ones)}"]
    return Leads(name, unit, tuple(leads), len(tests), tuple(refused), tuple(notes if seasonal_ones else ()))


def _too_short(length: int, lag: int, season: int | None) -> str:
    needed = FEWEST_PAIRS + 1 + lag + (season or 0)
    return f"a lead is looked for over {FEWEST_PAIRS} changes, which takes {needed} periods; there are {length}"


def _check_series(name: str, values: Sequence[float]) -> None:
    hole = next((n for n, value in enumerate(values, 1) if value is None or not isfinite(value)), None)
    if hole is not None:
        raise InputError(f"Series have a number in every period; {name} has {values[hole - 1]!r} in number {hole}.")


def leading(
    crm: Dataset,
    target: Metric | str,
    candidates: Iterable[Metric | str],
    *,
    history: Period | str,
    every: CalendarUnit = "month",
    lags: Iterable[int] = range(7),
    parameters: Mapping[str, Any] | None = None,
) -> Leads:
    """The candidates that moved ahead of the target in the periods of a history, "2023-01-01..2026-06-30".

    Periods that are not over are left out. A candidate that counts the same records as the target is refused: revenue
    and the average deal size are correlated by arithmetic. A candidate without a value in a period is refused too.
    """
    (chosen,) = chosen_metrics(target)
    others = chosen_metrics(list(candidates))
    report = crm.measure([chosen, *others], period=history, every=every, parameters=parameters, confidence=None)
    by_metric: dict[str, list[Result]] = {}
    for one in report:
        if one.complete is not False:
            by_metric.setdefault(one.definition, []).append(one)
    series = _values(Report(tuple(by_metric.get(chosen.id, ()))))
    if isinstance(series, str):
        raise InputError(f"{chosen.id} has no series to lead: {series}.")
    refused: list[tuple[str, str]] = []
    given: dict[str, list[float]] = {}
    for other in others:
        shared = _shared(chosen, other)
        found = shared or _values(Report(tuple(by_metric[other.id])))
        if isinstance(found, str):
            refused.append((other.id, found))
        else:
            given[other.id] = found
    season = _SEASONS.get(every)
    made = leading_series(series, given, lags=lags, season=season, name=chosen.id, unit=every)
    return Leads(made.target, every, made.leads, made.comparisons, (*refused, *made.refused), made.notes)


def _values(results: Report) -> list[float] | str:
    """The values of a KPI period by period, or the reason why there is no series."""
    values = []
    for one in results:
        if one.value is None:
            label = "" if one.period is None else one.period.label
            return f"no value in {label}, {one.reason}"
        values.append(one.value.total_seconds() if one.unit == "duration" else float(one.value))
    return values or "no period of the history is over"


def _shared(metric: Metric, other: Metric) -> str:
    """The reason why two KPIs are correlated by arithmetic; empty if they are not."""
    mine, theirs = ({_records(one, measure) for measure in one.measures.values()} for one in (metric, other))
    both = sorted(mine & theirs)
    return f"it counts {both[0]}, as {metric.id} does, so that they go together by arithmetic" if both else ""


def _records(metric: Metric, measure: Any) -> str:
    """The table that a measure reads, and the date field by which it counts."""
    at = measure.at if measure.at is not None else metric.at
    return f"{measure.base.record_type_.table} by {at!r}"
