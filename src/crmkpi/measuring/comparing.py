"""Comparison of segments: each with all the others together, or with one of them."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from decimal import localcontext
from functools import reduce
from typing import TYPE_CHECKING, Any

from crmkpi.dates.given import PeriodLike
from crmkpi.definition.metric import Mean, Metric
from crmkpi.engines.query import EXACT, Sample, quotient
from crmkpi.errors import InputError, UnknownNameError, did_you_mean
from crmkpi.measuring.changes import Adjust
from crmkpi.measuring.formula import evaluated, interval_of, sampled_input
from crmkpi.measuring.measurement import chosen_metrics, measure, report
from crmkpi.measuring.moments import SampleMoments, counted_by, sampled
from crmkpi.measuring.results import Report, Result, compared, together
from crmkpi.measuring.segments import By

if TYPE_CHECKING:
    from crmkpi.measuring.dataset import Dataset

__all__ = ["REST", "compare_segments", "mean_variant", "whole_of"]

REST = "the rest"


def compare_segments(
    crm: Dataset,
    metric: Metric | str,
    *,
    by: By,
    against: Hashable,
    period: PeriodLike | None,
    parameters: Mapping[str, Any],
    confidence: float,
    adjust: Adjust,
) -> Report:
    """See `Dataset.compare`."""
    (metric,) = chosen_metrics(metric)
    if by is None:
        raise InputError("compare() needs segments to compare, such as by='owner'; got none.")
    if metric.roll_up not in ("additive", "ratio") or not sampled(metric):
        raise InputError(
            f"{metric.id} of several segments together does not follow from the values of each, so it cannot be "
            f"compared with the rest; {mean_variant(metric)}."
        )
    periods = crm.periods(period, None)
    if len(periods) != 1:
        raise InputError(f"compare() takes one period; got {len(periods)}.")
    found = measure(
        crm,
        (metric,),
        periods=periods,
        against=None,
        by=by,
        parameters=parameters,
        confidence=confidence,
        moments=True,
    )
    if len(found) < 2:
        raise InputError(f"compare() needs two segments or more; {by!r} has {len(found)}.")
    pairs = _pairs(found, against)
    results = together(tuple(compared(one, other) for one, other in pairs), adjust)
    named = "each against the rest" if against == "rest" else f"each against {against}"
    made = report(results, periods, None, by, narrowings=crm.narrowings)
    return Report(made.results, f"{made.title}, {named}")


def _pairs(found: Sequence[Result], against: Hashable) -> list[tuple[Result, Result]]:
    """Each segment with the one that it is compared to."""
    if against == "rest":
        return [(one, whole_of([other for other in found if other is not one], REST)) for one in found]
    names = [_key(one) for one in found]
    if against not in names:
        raise UnknownNameError(
            f"No segment is called {against!r}. {did_you_mean(str(against), map(str, names))} against='rest' takes all "
            "others together."
        )
    other = found[names.index(against)]
    return [(one, other) for one in found if one is not other]


def _key(result: Result) -> Hashable:
    keys = tuple(result.segment.values())
    return keys[0] if len(keys) == 1 else keys


def mean_variant(metric: Metric, *, otherwise: str = "measure it for each segment and look at the intervals") -> str:
    """Advice for an error: the variant of a KPI that is built from counts, sums and means."""
    default = metric
    if "." in metric.id:
        from crmkpi.metrics.catalogue import catalogue  # noqa: PLC0415  # only for the advice

        default = catalogue.find(metric.name)
    names = [one.id for one in (default, *default.variants.values()) if one is not metric and sampled(one)]
    return f"use {names[0]}" if names else otherwise


def whole_of(parts: Sequence[Result], name: str) -> Result:
    """The KPI of several segments together, as one result whose segment is called `name`."""
    first = parts[0]
    metric = first.metric
    segment = dict.fromkeys(first.segment, name)
    currencies = {one.currency for one in parts if one.currency is not None}
    known = [one.moments for one in parts if one.moments is not None]
    moments = reduce(SampleMoments.plus, known)
    inputs = _inputs(metric, parts, moments)
    reason = "the others are in several currencies" if len(currencies) > 1 else None
    numbers = {**inputs, **moments.fixed}
    value, exact, reason = (None, None, reason) if reason else evaluated(metric, numbers)
    interval, n = (None, None)
    if reason is None:
        sample = _sample(metric, moments)
        interval, n = interval_of(metric, numbers, sample, confidence=moments.confidence)
    return Result(
        metric,
        value,
        reason,
        inputs,
        next(iter(currencies), None),
        interval,
        n if n is not None else sum(one.n for one in parts),
        parameters=first.parameters,
        period=first.period,
        segment=segment,
        complete=first.complete,
        exact=exact,
        moments=moments,
    )


def _inputs(metric: Metric, parts: Sequence[Result], moments: SampleMoments) -> dict[str, Any]:
    """The inputs of the whole: sums of those of the parts, and means of all values."""
    inputs: dict[str, Any] = {}
    for name, measure_ in metric.measures.items():
        if measure_.aggregate != "mean":
            with localcontext(EXACT):
                inputs[name] = sum(one.inputs[name] for one in parts)
            continue
        total, count = moments.totals[name], int(moments.totals[counted_by(name)])
        if not count:
            inputs[name] = None
        elif measure_.kind == "money":
            inputs[name] = quotient(quotient(total.numerator, total.denominator), count)
        else:
            inputs[name] = float(total / count)
    return inputs


def _sample(metric: Metric, moments: SampleMoments) -> Sample | None:
    """The count, mean and variance that the interval of a mean is computed from."""
    name = sampled_input(metric)
    if name is None or metric.measures[name].aggregate not in ("sum", "mean"):
        return None
    scale = 1_000_000 if metric.measures[name].kind == "duration" else 1
    counted = metric.interval.count if isinstance(metric.interval, Mean) else counted_by(name)
    if counted not in moments.totals:
        return None
    count = int(moments.totals[counted])
    return Sample(count, moments.totals[name] * scale, moments.products[name, name] * scale**2)
