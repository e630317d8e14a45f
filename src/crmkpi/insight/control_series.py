"""The data of a control chart: plain numbers, or the results of a report in the order of their periods."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import Any

from crmkpi.definition.measures import Grouped
from crmkpi.definition.metric import Metric, Share
from crmkpi.errors import InputError, unknown_name
from crmkpi.insight.plain_values import check_season, plain_numbers
from crmkpi.measuring.results import Report, Result

__all__ = ["SEASONS", "ChartSeries", "Label", "plain_number", "series_of_numbers", "series_of_report"]

Label = str | int
_DIRECTIONS = ("higher", "lower", "neither")
SEASONS = {"month": 12, "quarter": 4}


@dataclass(frozen=True, slots=True)
class ChartSeries:
    """The charted series: values, or parts and wholes, with labels."""

    title: str
    unit: str
    better: str
    labels: list[Label]
    values: list[float | None]
    shares: bool = False
    parts: list[float | None] | None = None
    wholes: list[float | None] | None = None
    scales: list[float] | None = None  # factors from a rate to the KPI's value
    season: int | None = None
    currency: str | None = None
    notes: tuple[str, ...] = ()


def series_of_numbers(
    values: Sequence[float | None],
    of: Sequence[float | None] | None,
    exposure: Sequence[float | None] | None,
    season: int | None,
    better: str,
) -> ChartSeries:
    """Plain numbers as a series: values, parts of wholes, or counts over exposures."""
    found = plain_numbers(values, "values of a chart")
    if not found:
        raise InputError("A control chart needs values; got none.")
    check_season(season)
    if better not in _DIRECTIONS:
        raise unknown_name(f"`better` cannot be {better!r}.", str(better), _DIRECTIONS)
    labels: list[Label] = list(range(1, len(found) + 1))
    wholes = of if of is not None else exposure
    if wholes is None:
        return ChartSeries("values", "number", better, labels, found, season=season)
    if of is not None and exposure is not None:
        raise InputError("Numbers are parts `of` wholes or counts over an `exposure`; got both.")
    if len(wholes) != len(found):
        raise InputError(f"There is one whole or exposure for each number; got {len(found)} and {len(wholes)}.")
    beneath = plain_numbers(wholes, "wholes and exposures of a chart")
    for part, whole in zip(found, beneath, strict=True):
        if whole is not None and (whole < 0 or (of is not None and not 0 <= (part or 0) <= whole)):
            raise InputError(
                f"A part is not above its whole, and an exposure is not below 0; got {part:g} of {whole:g}."
                if part is not None
                else f"A whole or an exposure is not below 0; got {whole:g}."
            )
    ratios = [a / b if a is not None and b else None for a, b in zip(found, beneath, strict=True)]
    unit = "ratio" if of is not None else "number"
    return ChartSeries("values", unit, better, labels, ratios, of is not None, found, beneath, None, season)


def series_of_report(report: Report) -> ChartSeries:
    """The results of one KPI and segment, period after period; those of periods that are not over are left out."""
    results = [result for result in report if result.complete is not False]
    if not results:
        raise InputError("A control chart needs results of periods that are over; the report has none.")
    first = results[0]
    for one in report:
        if one.definition != first.definition or one.segment != first.segment:
            raise InputError(
                "A control chart is of one KPI and one segment over time; "
                f"got {_called(one)} and {_called(first)}. "
                "Take one with report.where(...)."
            )
        if one.period is None:
            raise InputError("A control chart needs periods, as measure(..., period=..., every='month') gives them.")
    periods = [one.period for one in results if one.period is not None]
    for a, b in pairwise(periods):
        if b.start < a.end:
            raise InputError(
                f"The periods of a control chart follow each other; {b.label} begins before {a.label} ends. "
                "Use every='month', and no rolling windows."
            )
    metric = first.metric
    left = len(report) - len(results)
    notes = (f"{left} {'period that is' if left == 1 else 'periods that are'} not over left out",) if left else ()
    labels: list[Label] = [period.label for period in periods]
    values = [None if one.value is None else plain_number(one.value) for one in results]
    common: dict[str, Any] = {"season": SEASONS.get(periods[0].unit), "notes": notes}
    common["currency"] = next((one.currency for one in results if one.currency is not None), None)
    head = (metric.title, metric.unit, metric.better, labels)
    counts = _counted_inputs(metric)
    if counts is not None:
        part, whole = counts
        parts = [_number(one, part) for one in results]
        wholes = [_number(one, whole) for one in results]
        return ChartSeries(*head, values, isinstance(metric.interval, Share), parts, wholes, **common)
    if _is_count(metric):
        days = [(period.wall_end - period.wall_start) / timedelta(days=1) for period in periods]
        rates = [None if value is None else value / many for value, many in zip(values, days, strict=True)]
        return ChartSeries(*head, rates, parts=values, wholes=list(days), scales=days, **common)
    return ChartSeries(*head, values, **common)


def _called(result: Result) -> str:
    return " ".join([result.definition, *(f"{name}={key!r}" for name, key in result.segment.items())])


def _counted_inputs(metric: Metric) -> tuple[str, str] | None:
    """The numerator and denominator of a KPI that is a ratio of two counts."""
    if isinstance(metric.interval, Share):
        return metric.interval.part, metric.interval.whole
    counts = [name for name, measure in metric.measures.items() if measure.aggregate == "count"]
    if metric.interval is not None or len(counts) != 2 or len(metric.measures) != 2 or metric.parameters:
        return None
    part, whole = counts
    fair = metric.formula(**{part: 3, whole: 4}) == 0.75 and metric.formula(**{part: 6, whole: 5}) == 1.2
    return (part, whole) if fair else None


def _is_count(metric: Metric) -> bool:
    (first, *rest) = metric.measures.values()
    return (
        not rest
        and metric.unit == "count"
        and first.aggregate == "count"
        and not first.is_stock
        and not isinstance(first.table, Grouped)
    )


def _number(result: Result, name: str) -> float | None:
    value = result.inputs[name]
    return None if value is None else float(value)


def plain_number(value: Any) -> float:
    """A value as a float: a duration in seconds."""
    return value.total_seconds() if isinstance(value, timedelta) else float(value)
