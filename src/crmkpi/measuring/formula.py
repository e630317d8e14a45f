"""The value of a KPI and its confidence interval, from the inputs of its formula."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal, localcontext
from typing import Any

from crmkpi.definition.metric import Estimated, Mean, Metric, NetPromoter, Share, Unit
from crmkpi.engines.query import EXACT, Sample
from crmkpi.errors import UndefinedError
from crmkpi.statistics import intervals
from crmkpi.statistics.intervals import Interval

__all__ = ["counted", "evaluated", "interval_of", "sampled_input"]


def sampled_input(metric: Metric) -> str | None:
    """The input whose values the interval rests on; None where counts are enough, or there is no interval.

    A KPI that is nothing but a mean, a median or a quantile has the interval that belongs to it.
    """
    if isinstance(metric.interval, Mean):
        return metric.interval.total
    return next(iter(metric.measures)) if metric.interval is None and len(metric.measures) == 1 else None


def interval_of(
    metric: Metric, inputs: Mapping[str, Any], sample: Sample | None, *, confidence: float
) -> tuple[Interval[Any] | None, int | None]:
    """The confidence interval of a value, and the number of records that it rests on.

    None where the KPI has no interval, or the data is too little for one. `sample` is what is kept of the values of
    `sampled_input(metric)`.
    """
    found, n = _interval(metric, inputs, sample, confidence)
    if found is not None and metric.unit == "duration":
        found = found.map(lambda seconds: timedelta(seconds=seconds))
    return found, n


def _interval(
    metric: Metric, inputs: Mapping[str, Any], sample: Sample | None, confidence: float
) -> tuple[Interval[Any] | None, int | None]:
    match metric.interval:
        case Share(part, whole):
            return intervals.wilson(inputs[part], inputs[whole], confidence=confidence), inputs[whole]
        case NetPromoter(promoters, detractors, answers):
            passives = inputs[answers] - inputs[promoters] - inputs[detractors]
            counts = (inputs[promoters], passives, inputs[detractors])
            return intervals.adjusted_wald(*counts, confidence=confidence), inputs[answers]
        case Mean(_, count):
            return _student(sample, confidence, metric.unit), inputs[count]
        case Estimated(bounds):
            asked = {name: value for name, value in inputs.items() if name in metric.asked}
            found = bounds(confidence=confidence, **asked)
            return (None if found is None else Interval(*found, confidence, "estimated")), None
        case None:
            return (None, None) if sample is None else _own_interval(metric, sample, confidence)


def _own_interval(metric: Metric, sample: Sample, confidence: float) -> tuple[Interval[Any] | None, int | None]:
    (measure,) = metric.measures.values()
    if measure.aggregate == "mean":
        return _student(sample, confidence, metric.unit), sample.count
    if measure.aggregate in ("median", "quantile") and sample.values:
        assert measure.fraction is not None
        found = intervals.order_statistics(sample.values, fraction=measure.fraction, confidence=confidence)
        return (None if found is None else found.map(lambda bound: _in_formula_unit(bound, measure.kind))), sample.count
    return None, sample.count


def _in_formula_unit(number: Any, kind: str) -> Any:
    """An exact number of a sample as the formula sees it: microseconds become seconds."""
    if kind == "duration":
        return float(number) / 1e6
    return number if kind in ("money", "integer") else float(number)


def _student(sample: Sample | None, confidence: float, unit: Unit) -> Interval[Any] | None:
    if sample is None or sample.count < 2:
        return None
    count = sample.count
    total, squares = sample.total, sample.squares
    if isinstance(total, int) and isinstance(squares, int):
        spread = squares * count - total * total
    else:
        with localcontext(EXACT):  # the difference of two nearly equal numbers must not be rounded before it is taken
            spread = squares * count - total * total
    scale = 1_000_000 if unit == "duration" else 1
    mean = float(sample.total) / count / scale
    deviation = math.sqrt(float(spread) / (count * (count - 1))) / scale
    found = intervals.student(count, mean, deviation, confidence=confidence)
    assert found is not None  # there are two values or more
    if unit == "duration":  # no mean of durations is below zero, so nothing is lost by the cut
        return found.map(lambda bound: max(bound, 0.0))
    if unit != "money":
        return found
    return found.map(lambda bound: Decimal(repr(bound)))


def evaluated(metric: Metric, inputs: Mapping[str, Any]) -> tuple[Any, Any, str | None]:
    """The value in the KPI's unit, the formula's own number, and the reason where there is neither."""
    try:
        number = metric.evaluate(inputs)
    except UndefinedError as undefined:
        return None, None, str(undefined)
    if metric.unit != "duration":
        return number, number, None
    try:
        return timedelta(seconds=number), number, None
    except OverflowError:
        return None, None, f"{number:.1e} seconds are more than a duration can be"


def counted(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Inputs as a result keeps them: of values and rows, how many there were."""
    return {name: len(value) if isinstance(value, list | tuple) else value for name, value in inputs.items()}
