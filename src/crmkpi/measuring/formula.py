"""The value of a KPI and its confidence interval, from the inputs of its formula."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import timedelta
from decimal import Decimal, localcontext
from functools import lru_cache
from typing import Any

from crmkpi.definition.interval_rules import Estimated, Mean, Monotone, NetPromoter, Range, Share, usual_range
from crmkpi.definition.metric import ARITHMETIC, Metric
from crmkpi.definition.numbers import in_unit
from crmkpi.engines.query import EXACT, Number, Sample
from crmkpi.errors import UndefinedError
from crmkpi.statistics import intervals
from crmkpi.statistics.intervals import Interval

__all__ = [
    "FEWEST",
    "SMALL_SAMPLE",
    "Found",
    "counted",
    "evaluated",
    "evaluated_each",
    "interval_of",
    "no_interval",
    "sampled_input",
]

Found = tuple[Any, Any, str | None]
SMALL_SAMPLE = 30  # a value of fewer records says little
FEWEST = 5  # the interval of a mean of fewer values would miss its confidence level
MICROSECONDS = 1e6  # durations are kept in whole ones


@lru_cache(maxsize=500)  # called for each KPI and period
def sampled_input(metric: Metric) -> str | None:
    """The input whose values the interval rests on; None where counts are enough, or there is no interval.

    A KPI that is nothing but a mean, a median or a quantile has the interval that belongs to it.
    """
    if isinstance(metric.interval, Mean):
        return metric.interval.total
    one = isinstance(metric.interval, Monotone) or metric.interval is None
    return next(iter(metric.measures)) if one and len(metric.measures) == 1 else None


def no_interval(metric: Metric, n: int) -> str | None:
    """The reason why a value of `n` records has no interval although its KPI declares one; None if it has one."""
    sampled = sampled_input(metric)
    if sampled is None or n >= FEWEST or not (isinstance(metric.interval, Mean) or _is_mean(metric)):
        return None
    return f"a mean of fewer than {FEWEST} values has no interval"


def interval_of(
    metric: Metric, inputs: Mapping[str, Any], sample: Sample | None, *, confidence: float, exact: Any = None
) -> tuple[Interval[Any] | None, int | None]:
    """The confidence interval of a value, and the number of records that it rests on.

    None if the KPI has no interval, or too few records for one. `sample` holds the values of `sampled_input(metric)`.
    The formula must be defined for the inputs; `exact` is its value, if known.
    """
    found, n = _interval(metric, inputs, sample, confidence, exact)
    if found is not None and metric.unit == "duration":
        try:
            found = found.map(lambda seconds: timedelta(seconds=seconds))
        except OverflowError:  # a bound of more than 2,700,000 years says nothing
            found = None
    return found, n


def _interval(
    metric: Metric, inputs: Mapping[str, Any], sample: Sample | None, confidence: float, exact: Any
) -> tuple[Interval[Any] | None, int | None]:
    match metric.interval:
        case Share(part, whole):
            return intervals.wilson(inputs[part], inputs[whole], confidence=confidence), inputs[whole]
        case NetPromoter(promoters, detractors, answers):
            passives = inputs[answers] - inputs[promoters] - inputs[detractors]
            counts = (inputs[promoters], passives, inputs[detractors])
            return intervals.adjusted_wald(*counts, confidence=confidence), inputs[answers]
        case Mean(total, count):
            found = _of_mean(sample, metric.measures[total].kind, metric.within, confidence)
            if found is None:
                return None, inputs[count]
            value = metric.evaluate(inputs) if exact is None else exact
            return _rounded_around(found.map(lambda bound: _like(value, bound)), value), inputs[count]
        case Estimated(bounds):
            asked = {name: value for name, value in inputs.items() if name in metric.asked}
            pair = bounds(confidence=confidence, **asked)
            return (None if pair is None else Interval(*pair, confidence, "estimated")), None
        case None | Monotone():
            return (None, None) if sample is None else (_own_interval(metric, inputs, sample, confidence), sample.count)


def _own_interval(metric: Metric, inputs: Mapping[str, Any], sample: Sample, confidence: float) -> Interval[Any] | None:
    """The interval of the KPI's one measure, mapped by a formula that returns its input or is declared monotone."""
    ((name, measure),) = metric.measures.items()
    found: Interval[Any] | None = None
    if measure.aggregate == "mean":
        within = metric.within if metric.interval is None else usual_range(measure.kind, None)
        found = _of_mean(sample, measure.kind, within, confidence)
    elif measure.aggregate in ("median", "quantile") and sample.values:
        assert measure.fraction is not None
        found = intervals.order_statistics(sample.values, fraction=measure.fraction, confidence=confidence)
        found = None if found is None else found.map(lambda bound: _in_formula_unit(bound, measure.kind))
    if found is None:
        return None
    mean = inputs[name].total_seconds() if isinstance(inputs[name], timedelta) else inputs[name]
    ends = [_like(mean, bound) for bound in found]
    try:
        if metric.is_measure:
            value, *bounds = (in_unit(number, metric.unit, metric.id) for number in (mean, *ends))
        else:
            value, *bounds = (metric.evaluate({**inputs, name: number}) for number in (mean, *ends))
    except UndefinedError:
        return None
    if metric.interval is None and (value, *bounds) != (mean, *ends):
        return None
    return _rounded_around(Interval(min(bounds), max(bounds), confidence, found.method), value)


def _is_mean(metric: Metric) -> bool:
    (measure,) = metric.measures.values()
    return measure.aggregate == "mean"


def _in_formula_unit(number: Any, kind: str) -> Any:
    """An exact number of a sample as the formula sees it: microseconds become seconds."""
    if kind == "duration":
        return float(number) / MICROSECONDS
    return number if kind in ("money", "integer") else float(number)


def _like(value: Any, bound: Any) -> Any:
    """The bound, converted to the type of the value."""
    return Decimal(repr(bound)) if isinstance(value, Decimal) and isinstance(bound, float) else bound


def _rounded_around(interval: Interval[Any] | None, value: Any) -> Interval[Any] | None:
    """The interval, extended to contain the value if only rounding excludes it."""
    if interval is None or value in interval:
        return interval
    low, high = (value if math.isclose(bound, value, rel_tol=1e-9) else bound for bound in interval)
    return Interval(min(low, high), max(low, high), interval.confidence, interval.method)


def _of_mean(sample: Sample | None, kind: str, within: Range, confidence: float) -> Interval[Any] | None:
    """The interval of the mean of a sample, in the unit of the formula, within the range that the KPI declares."""
    if sample is None or sample.count < FEWEST:
        return None
    count = sample.count
    total, squares = sample.total, sample.squares
    spread: Number
    if isinstance(total, int) and isinstance(squares, int):
        spread = squares * count - total * total
    else:
        with localcontext(EXACT):  # rounding before the subtraction of nearly equal numbers would lose their difference
            spread = squares * count - total * total
    scale = MICROSECONDS if kind == "duration" else 1
    mean = float(total) / count / scale
    deviation = math.sqrt(float(spread) / (count * (count - 1))) / scale
    low, high = within
    if low is not None and high is None and mean >= low:
        skewed = intervals.log_student(count, mean - low, deviation, confidence=confidence)
        return skewed if skewed is None or low == 0 else skewed.map(lambda bound: bound + low)
    found = intervals.student(count, mean, deviation, confidence=confidence)
    assert found is not None  # there are two values or more
    # A range that leaves out the mean itself is not the range of these values.
    if low is not None and low <= mean:
        found = found.map(lambda bound: max(bound, float(low)))
    if high is not None and mean <= high:
        found = found.map(lambda bound: min(bound, float(high)))
    return found


def evaluated(metric: Metric, inputs: Mapping[str, Any]) -> Found:
    """The value in the KPI's unit, the formula's own number, and the reason if there is neither."""
    (found,) = evaluated_each(metric, [inputs])
    return found


def evaluated_each(metric: Metric, rows: Iterable[Mapping[str, Any] | str]) -> list[Found]:
    """Evaluate the formula for many inputs; a text in place of inputs is the reason why there is no value."""
    found: list[Found] = []
    duration = metric.unit == "duration"
    number: Any = None
    with localcontext(ARITHMETIC):
        for row in rows:
            if isinstance(row, str):
                found.append((None, None, row))
                continue
            try:
                number = metric.value_of(row)
                found.append((timedelta(seconds=number) if duration else number, number, None))
            except UndefinedError as undefined:
                found.append((None, None, str(undefined)))
            except OverflowError:
                if not duration:
                    raise
                found.append((None, None, f"{number:.1e} seconds are more than a duration can be"))
    return found


def counted(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Inputs as a result keeps them: lists of values or rows are replaced by their length."""
    return {name: len(value) if isinstance(value, list | tuple) else value for name, value in inputs.items()}
