"""Forecast short series of a KPI, assuming no change of conditions, with calibrated intervals.

A forecast is explicit, and refused if the history is too short, has gaps, or is of values that do not add up. It has a
level from eight periods on, a trend from fifteen, a season from two years, each as far as the history supports it.
`crmkpi.statistics.forecasting` has the method.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Decimal
from itertools import pairwise
from math import exp, isfinite, log, sqrt
from numbers import Real
from typing import Any

from crmkpi.dates.calendars import CalendarUnit
from crmkpi.dates.given import PeriodLike
from crmkpi.dates.periods import Period
from crmkpi.definition.metric import Estimated, Metric, Share
from crmkpi.definition.numbers import as_float
from crmkpi.errors import InputError
from crmkpi.insight.plain_values import check_season
from crmkpi.insight.tables import InsightTable, ShownTable, number_in, shown_value
from crmkpi.measuring.comparing import mean_variant
from crmkpi.measuring.dataset import Dataset
from crmkpi.measuring.measurement import chosen_metrics
from crmkpi.measuring.results import Report, Result
from crmkpi.statistics.distributions import check_confidence, normal_quantile
from crmkpi.statistics.forecasting import Forecasted, forecast_values, half_widths
from crmkpi.statistics.intervals import Interval

__all__ = ["Forecast", "ForecastPoint", "forecast", "forecast_report", "forecast_series", "forecast_shares"]

_FEWEST = 8
_LONGEST = 12
_WITHOUT_HOLES = "Begin after it, or take longer periods."
_SEASONS: Mapping[str, int] = {"month": 12, "quarter": 4, "week": 52}


@dataclass(frozen=True, slots=True)
class ForecastPoint:
    """A future period: the forecast and its interval, None if the history does not vary."""

    label: str
    value: Any
    interval: Interval[Any] | None


@dataclass(frozen=True, slots=True, repr=False)
class Forecast(InsightTable):
    """The forecast periods, and the basis of the forecast: the history, the method and the season."""

    title: str
    unit: str
    points: tuple[ForecastPoint, ...]
    history: tuple[tuple[str, Any], ...]
    method: str
    confidence: float
    season_weight: float | None = None
    notes: tuple[str, ...] = ()
    currency: str | None = None

    @property
    def values(self) -> tuple[Any, ...]:
        """The forecasts without intervals."""
        return tuple(point.value for point in self.points)

    def to_dicts(self) -> list[dict[str, Any]]:
        """One row per forecast period."""
        return [
            {
                "period": point.label,
                "value": point.value,
                "low": None if point.interval is None else point.interval.low,
                "high": None if point.interval is None else point.interval.high,
                "confidence": self.confidence,
            }
            for point in self.points
        ]

    def grid(self) -> ShownTable:
        """The table for display."""

        def shown(value: Any) -> str:
            return shown_value(round(value) if self.unit == "count" else value, self.unit, currency=self.currency)

        rows = [
            (
                point.label,
                shown(point.value),
                "" if point.interval is None else shown(point.interval.low),
                "" if point.interval is None else shown(point.interval.high),
            )
            for point in self.points
        ]
        headers = ("period", "forecast", f"{100 * self.confidence:g} % from", "to")
        notes = [f"from {len(self.history)} periods by {self.method}", *self.notes]
        return ShownTable(f"{self.title}, forecast", headers, rows, notes)


def forecast_series(
    values: Sequence[float],
    *,
    horizon: int,
    season: int | None = None,
    confidence: float = 0.95,
    not_below: float | None = None,
    long: bool = False,
) -> Forecast:
    """The next numbers of a plain series; `season` is the number of periods in a year (12, 4, 52).

    `not_below` is a lower limit of forecasts and intervals, such as 0 for counts.

    >>> made = forecast_series([20, 22, 19, 24, 23, 25, 24, 27, 26, 28], horizon=2)
    >>> [round(value, 1) for value in made.values], made.method
    ([27.2, 27.2], 'level')
    """
    check_confidence(confidence)
    check_season(season)
    numbers = _checked(values, horizon, long=long)
    ahead = [f"+{step}" for step in range(1, horizon + 1)]
    notes = _season_notes(len(numbers), season)
    if len(set(numbers)) == 1:
        points = tuple(ForecastPoint(label, numbers[0], None) for label in ahead)
        notes = ("all values are equal, so that nothing is known of how they vary", *notes)
        same = Forecasted((numbers[0],) * horizon, (0.0,) * horizon, "the value", None)
        return _made("number", points, numbers, same, confidence, notes)
    found = forecast_values(numbers, horizon, season=season)
    widths = half_widths(found.deviations, len(numbers), confidence)
    points = tuple(
        ForecastPoint(label, _cut(value, not_below), _interval(value - half, value + half, confidence, not_below))
        for label, value, half in zip(ahead, found.values, widths, strict=True)
    )
    return _made("number", points, numbers, found, confidence, notes)


def forecast_shares(
    parts: Sequence[int],
    wholes: Sequence[int],
    *,
    horizon: int,
    season: int | None = None,
    confidence: float = 0.95,
    long: bool = False,
) -> Forecast:
    """The next shares, such as win rates, forecast as logits, so that they stay between 0 and 1.

    The interval covers the forecast error and the sampling error of the next records, whose number is forecast too.

    >>> made = forecast_shares([30, 28, 33, 31, 27, 29, 35, 30, 32], [100] * 9, horizon=1)
    >>> point = made.points[0]
    >>> round(point.value, 2), [round(bound, 2) for bound in point.interval]
    (0.31, [0.17, 0.48])
    """
    check_confidence(confidence)
    check_season(season)
    if len(parts) != len(wholes):
        raise InputError(f"There is one whole for each part; got {len(parts)} and {len(wholes)}.")
    empty = next((number for number, whole in enumerate(wholes, 1) if not whole), None)
    if empty is not None:
        raise InputError(
            f"A forecast takes a history without holes; the share number {empty} has no records. {_WITHOUT_HOLES}"
        )
    wrong = next(((a, b) for a, b in zip(parts, wholes, strict=True) if not 0 <= a <= b), None)
    if wrong is not None:
        raise InputError(f"A part is not above its whole; got {wrong[0]} of {wrong[1]}.")
    logits = [log((part + 0.5) / (whole - part + 0.5)) for part, whole in zip(parts, wholes, strict=True)]
    numbers = _checked(logits, horizon, long=long)
    shares = [part / whole for part, whole in zip(parts, wholes, strict=True)]
    sizes = [float(whole) for whole in wholes]
    coming = forecast_values(sizes, horizon, season=season).values if len(set(sizes)) > 1 else (sizes[0],) * horizon
    notes = _season_notes(len(numbers), season)
    if len(set(numbers)) == 1:
        found = Forecasted((numbers[0],) * horizon, (0.0,) * horizon, "the value", None)
    else:
        found = forecast_values(numbers, horizon, season=season, additive=True)
    widths = half_widths(found.deviations, len(numbers), confidence)
    # The forecast errors include the sampling error of past months; a next month with fewer records has more of it.
    usual = sum(_chance(share, size) for share, size in zip(shares, sizes, strict=True)) / len(sizes)
    z = normal_quantile(confidence)
    points = []
    for step, (logit, half) in enumerate(zip(found.values, widths, strict=True)):
        share = _share(logit)
        more = max(0.0, _chance(share, max(coming[step], 1.0)) - (usual if half else 0.0))
        wide = sqrt(half * half + z * z * more)
        points.append(
            ForecastPoint(
                f"+{step + 1}", share, Interval(_share(logit - wide), _share(logit + wide), confidence, "forecast")
            )
        )
    return _made("ratio", tuple(points), shares, found, confidence, notes)


def forecast(
    crm: Dataset,
    metric: Metric | str,
    *,
    every: CalendarUnit = "month",
    history: PeriodLike | None = None,
    horizon: int = 6,
    confidence: float = 0.95,
    parameters: Mapping[str, Any] | None = None,
    working_days: bool | None = None,
    long: bool = False,
) -> Forecast:
    """The next periods of a KPI, from those of `history`, such as "2023-01-01..2026-06-30".

    A period that is not over is left out. Shares are forecast as logits, other KPIs as values, which stay at or above 0
    if the history does. If the calendar has opening hours, counts and sums are forecast per working day, unless
    `working_days=False`.

    >>> from datetime import datetime
    >>> from crmkpi import Deal
    >>> deals = [Deal(id=f"{month}-{n}", status="won", amount=100 + n, closed_at=datetime(2025, month, 3 + n))
    ...          for month in range(1, 11) for n in range(4 + month)]
    >>> made = forecast(Dataset(deals=deals, currency="EUR"), "revenue", history="2025-01-01..2025-10-31", horizon=2)
    >>> [point.label for point in made.points], made.method
    (['2025-11', '2025-12'], 'level')
    """
    (chosen,) = chosen_metrics(metric)
    _refuse(chosen)
    if history is None:
        raise InputError("A forecast needs a history; give it, such as history='2024-01-01..2026-06-30'.")
    report = crm.measure(chosen, period=history, every=every, parameters=parameters, confidence=None)
    return forecast_report(
        report,
        horizon=horizon,
        confidence=confidence,
        working_days=crm.calendar.opening_hours is not None if working_days is None else working_days,
        long=long,
    )


def forecast_report(
    report: Report,
    *,
    horizon: int,
    confidence: float = 0.95,
    working_days: bool = False,
    long: bool = False,
) -> Forecast:
    """The next periods of a report of one KPI, period after period."""
    check_confidence(confidence)
    _check_horizon(horizon)
    results = list(report)
    open_ones = [one for one in results if one.complete is False]
    kept = [one for one in results if one.complete is not False]
    if not kept:
        raise InputError("A forecast needs periods that are over; none of the history is.")
    first = kept[0]
    for one in results:
        if one.definition != first.definition or one.segment != first.segment:
            raise InputError("A forecast is of one KPI and one segment; take one with report.where(...).")
    metric = first.metric
    _refuse(metric)
    periods = _following(kept)
    hole = next((one for one in kept if one.value is None), None)
    if hole is not None:
        assert hole.period is not None
        raise InputError(
            f"A forecast takes a history without holes; {metric.id} has no value in {hole.period.label}: "
            f"{hole.reason}. {_WITHOUT_HOLES}"
        )
    coming = [periods[-1].next()]
    while len(coming) < horizon:
        coming.append(coming[-1].next())
    season = _SEASONS.get(periods[0].unit)
    left = len(open_ones)
    notes = (f"{left} {'period that is' if left == 1 else 'periods that are'} not over left out",) if left else ()
    asked: dict[str, Any] = {"horizon": horizon, "season": season, "confidence": confidence, "long": long}
    made = _by_rule(metric, kept, periods, coming, asked, working_days=working_days)
    currency = next((one.currency for one in kept if one.currency is not None), None)
    points = tuple(
        ForecastPoint(
            period.label,
            number_in(point.value, metric.unit),
            None if point.interval is None else point.interval.map(lambda bound: number_in(bound, metric.unit)),
        )
        for period, point in zip(coming, made.points, strict=True)
    )
    past = tuple((period.label, one.value) for period, one in zip(periods, kept, strict=True))
    return Forecast(
        metric.title,
        metric.unit,
        points,
        past,
        made.method,
        confidence,
        made.season_weight,
        (*notes, *made.notes),
        currency,
    )


def _by_rule(
    metric: Metric,
    results: Sequence[Result],
    periods: Sequence[Period],
    coming: Sequence[Period],
    asked: Mapping[str, Any],
    *,
    working_days: bool,
) -> Forecast:
    """The forecast in plain numbers, with the method for the kind of the KPI."""
    if isinstance(metric.interval, Share):
        parts = [int(one.inputs[metric.interval.part]) for one in results]
        wholes = [int(one.inputs[metric.interval.whole]) for one in results]
        return forecast_shares(parts, wholes, **asked)
    values = [as_float(one.value) for one in results]
    floor = 0.0 if min(values) >= 0 else None
    if not (working_days and metric.additive and _is_flow(metric)):
        return forecast_series(values, not_below=floor, **asked)
    days = [_working_days(period) for period in periods]
    ahead = [_working_days(period) for period in coming]
    if not all(days):
        raise InputError("A period of the history has no working day; give working_days=False.")
    made = forecast_series([a / b for a, b in zip(values, days, strict=True)], not_below=floor, **asked)
    points = tuple(
        ForecastPoint(
            point.label, point.value * many, None if point.interval is None else _scaled(point.interval, many)
        )
        for point, many in zip(made.points, ahead, strict=True)
    )
    notes = ("per working day, and multiplied by those to come", *made.notes)
    return Forecast(
        made.title, made.unit, points, made.history, made.method, made.confidence, made.season_weight, notes
    )


def _refuse(metric: Metric) -> None:
    """Refuse a KPI whose values do not add up over periods."""
    if isinstance(metric.interval, Estimated) or metric.theme == "value" or metric.roll_up == "distributional":
        quantile = metric.roll_up == "distributional"
        kind = "a median or another quantile" if quantile else "an estimate of a model"
        otherwise = "forecast what it is made of, such as revenue or a rate"
        hint = mean_variant(metric, otherwise=otherwise) if quantile else otherwise
        raise InputError(f"{metric.id} is not forecast, since it is {kind}, whose periods do not add up; {hint}.")


def _following(results: Sequence[Result]) -> list[Period]:
    """The periods of the results, which must be consecutive."""
    periods = [one.period for one in results if one.period is not None]
    if len(periods) != len(results):
        raise InputError("A forecast needs periods, as measure(..., period=..., every='month') gives them.")
    for a, b in pairwise(periods):
        if a.next() != b:
            raise InputError(
                f"A forecast takes periods that follow each other; got {b.label} after {a.label}. Measure with "
                "period=... and every='month', without windows."
            )
    return periods


def _checked(values: Sequence[float], horizon: int, *, long: bool) -> list[float]:
    """The history as floats; one that is too short or has gaps, or a horizon that is too long for it, is an error."""
    _check_horizon(horizon)
    wrong = next((value for value in values if value is not None and not isinstance(value, Real | Decimal)), None)
    if wrong is not None:
        raise InputError(f"A forecast takes numbers; got {wrong!r}.")
    hole = next((number for number, value in enumerate(values, 1) if value is None or not isfinite(value)), None)
    if hole is not None:
        raise InputError(
            f"A forecast takes a history without holes; value number {hole} is {values[hole - 1]!r}. {_WITHOUT_HOLES}"
        )
    if len(values) < _FEWEST:
        raise InputError(
            f"A forecast needs {_FEWEST} complete periods; got {len(values)}. Take a longer history or shorter periods."
        )
    furthest = min(len(values) // 2, 18 if long else _LONGEST)
    if horizon > furthest:
        more = "; long=True allows 18" if not long and len(values) // 2 > _LONGEST else ""
        raise InputError(
            f"A forecast from {len(values)} periods looks at most {furthest} ahead; got horizon={horizon}{more}."
        )
    return [float(value) for value in values]


def _check_horizon(horizon: int) -> None:
    if isinstance(horizon, bool) or not isinstance(horizon, int) or horizon < 1:
        raise InputError(f"`horizon` is the number of periods to forecast, at least 1; got {horizon!r}.")


def _season_notes(count: int, season: int | None) -> tuple[str, ...]:
    if season is None or count >= 2 * season:
        return ()
    return ("no season can be seen in less than two years",)


def _made(
    unit: str,
    points: tuple[ForecastPoint, ...],
    values: Sequence[float],
    found: Forecasted,
    confidence: float,
    notes: tuple[str, ...],
) -> Forecast:
    """The forecast of plain numbers."""
    weight = None if found.season is None else found.season.weight
    if weight:
        notes = (f"season with weight {weight:.2f}", *notes)
    history = tuple((str(number), value) for number, value in enumerate(values, 1))
    return Forecast("values", unit, points, history, found.method, confidence, weight, notes)


def _interval(low: float, high: float, confidence: float, floor: float | None) -> Interval[float]:
    return Interval(_cut(low, floor), _cut(high, floor), confidence, "forecast")


def _cut(value: float, floor: float | None) -> float:
    return value if floor is None else max(value, floor)


def _scaled(interval: Interval[Any], many: float) -> Interval[Any]:
    return interval.map(lambda bound: bound * many)


def _share(logit: float) -> float:
    return 1 / (1 + exp(-logit)) if logit >= 0 else exp(logit) / (1 + exp(logit))


def _chance(share: float, size: float) -> float:
    """The variance of the logit of a share, given its number of records."""
    smoothed = (share * size + 0.5) / (size + 1)
    return 1 / ((size + 1) * smoothed * (1 - smoothed))


def _is_flow(metric: Metric) -> bool:
    return not any(measure.is_stock for measure in metric.measures.values())


def _working_days(period: Period) -> float:
    """The number of days of a period that have opening hours."""
    hours = period.calendar.open_time()
    day, many = period.first_day, 0
    while day <= period.last_day:
        start = datetime.combine(day, time())
        many += hours.between(start, start + timedelta(days=1)) > timedelta(0)
        day += timedelta(days=1)
    return float(many)
