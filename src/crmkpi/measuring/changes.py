"""Tests of whether a KPI really changed: interval, p-value and verdict of the difference of two results.

| KPI | interval of the difference |
|---|---|
| a share | Newcombe, with the p-value of the pooled score test |
| a mean | Welch |
| a count | Poisson; exact p-value where a count is below 20 |
| a sum | compound Poisson: the sum of squares is its variance |
| a net promoter score | normal, from the three counts |
| any other formula of counts, sums and means | normal, by the delta method |
| a median, a quantile, a distinct count, a model | none |

Results that share records, such as overlapping windows or a stock at two dates, have none either.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Context, Decimal, localcontext
from math import sqrt
from typing import Any, Literal, Protocol

from crmkpi.dates.periods import Period
from crmkpi.definition.interval_rules import NetPromoter, Share
from crmkpi.definition.numbers import as_float
from crmkpi.errors import InputError
from crmkpi.measuring.moments import Definition, SampleMoments, is_mean, standard_error
from crmkpi.measuring.shifts import moved
from crmkpi.statistics.differences import (
    Difference,
    benjamini_hochberg,
    count_difference,
    mean_difference,
    normal_difference,
    share_difference,
)
from crmkpi.statistics.intervals import Interval

__all__ = [
    "Adjust",
    "Change",
    "Compared",
    "Comparisons",
    "Verdict",
    "change_of",
    "check_adjust",
    "comparisons_told",
    "difference_of",
]

Verdict = Literal["up", "down", "no clear change", "too few to say"]
Adjust = Literal["bh", "none"]

_SHOWN = 0.05
_FEWEST = 10  # records on each side, for the delta method to hold
_LARGE = 0.2  # of the old value: records that cannot show a change of this size are too few

_ARITHMETIC = Context(prec=28)


class Compared(Protocol):
    """The fields of a result that a difference is computed from; a protocol, so that results may import this module."""

    @property
    def metric(self) -> Definition:
        """The KPI."""
        ...

    @property
    def compared_to(self) -> Compared | None:
        """The result to compare with."""
        ...

    @property
    def interval(self) -> Interval[Any] | None:
        """The interval of the value."""
        ...

    @property
    def moments(self) -> SampleMoments | None:
        """The totals and their covariances."""
        ...

    @property
    def value(self) -> Any:
        """The value."""
        ...

    @property
    def inputs(self) -> Mapping[str, Any]:
        """The numbers of the formula."""
        ...

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The numbers that the caller gave."""
        ...

    @property
    def currency(self) -> str | None:
        """The currency of money."""
        ...

    @property
    def n(self) -> int:
        """How many records it rests on."""
        ...

    @property
    def period(self) -> Period | None:
        """The period."""
        ...

    @property
    def segment(self) -> Mapping[str, Any]:
        """The segment."""
        ...

    @property
    def complete(self) -> bool | None:
        """Whether the period is over."""
        ...


@dataclass(frozen=True, slots=True)
class Change:
    """The change from another result: `absolute` in the unit of the KPI, `relative` as a fraction of the other value.

    Each is None if it is undefined; `relative` is undefined if the other value is not above 0. `interval` is that of
    the difference; for totals over periods of different length, the other total is scaled to the length of the first.
    `p_value` is how often chance alone makes a difference as large.
    `adjusted_p` is adjusted for the number of `comparisons` in the call. `verdict` is "up" or "down" if the change is
    significant: the interval of a single comparison excludes 0, or `adjusted_p` of several is below 5 %. Otherwise it
    is "no clear change", or "too few to say" if `detectable`, the smallest change that this many records show in 80 of
    100 cases, is larger than a fifth of the other value. A ratio of sums of fewer than ten records on a side is "too
    few to say" whatever its interval. If there is no verdict, `reason` says why.

    `better` says whether a significant change is an improvement; None without one, or if neither direction is better.
    """

    absolute: Any
    relative: float | None
    better: bool | None = None
    interval: Interval[Any] | None = None
    p_value: float | None = None
    verdict: Verdict | None = None
    detectable: Any = None
    adjusted_p: float | None = None
    comparisons: int = 1
    reason: str | None = None


class Comparisons:
    """The comparisons of one call; their p-values are adjusted together at the first access to one of them."""

    __slots__ = ("_adjust", "_changes", "_results", "count")

    def __init__(self, results: Sequence[Compared], adjust: Adjust) -> None:
        self._results: Sequence[Compared] = results
        self._adjust = adjust
        self._changes: list[Change] | None = None
        self.count = 0

    def change(self, number: int) -> Change:
        """The change of one of the results, by its number."""
        if self._changes is None:
            changes = [change_of(one, one.compared_to) for one in self._results if one.compared_to is not None]
            p_values = [change.p_value for change in changes]
            self.count = sum(p is not None for p in p_values)
            if self._adjust == "bh" and self.count > 1:
                changes = [
                    _judged(replace(change, adjusted_p=p, comparisons=self.count), one, one.compared_to)
                    for change, p, one in zip(changes, benjamini_hochberg(p_values), self._results, strict=True)
                ]
            self._changes = changes
            self._results = ()  # so that a result does not keep the others in memory
        return self._changes[number]

    def __reduce__(self) -> tuple[Any, ...]:
        if self._results:
            self.change(0)
        return comparisons_told, (self._changes, self._adjust, self.count)


def comparisons_told(changes: list[Change] | None, adjust: Adjust, count: int) -> Comparisons:
    """Comparisons from known changes, for a copy or a pickle."""
    made = Comparisons((), adjust)
    made._changes, made.count = changes, count  # noqa: SLF001  # of its own class
    return made


def check_adjust(adjust: str) -> None:
    """Refuse an unknown way to adjust p-values."""
    if adjust not in ("bh", "none"):
        raise InputError(f"`adjust` is 'bh' (Benjamini-Hochberg) or 'none'; got {adjust!r}.")


def change_of(result: Compared, other: Compared) -> Change:
    """The change of one result from another, as the only comparison."""
    if result.value is None or other.value is None:
        side = "the value" if result.value is None else "the value that it is compared to"
        return Change(None, None, reason=f"{side} is undefined")
    if not (result.currency == other.currency or _is_nothing(result) or _is_nothing(other)):
        return Change(None, None, reason="the two are in different currencies")
    with localcontext(_ARITHMETIC):  # the caller's context must not change the figure
        absolute = result.value - other.value
        above_zero = other.value and other.value == abs(other.value)
        relative = float(absolute / other.value) if above_zero else None
    found, reason = difference_of(result, other)
    if found is None:
        return Change(absolute, relative, reason=reason)
    interval = None if found.interval is None else found.interval.map(lambda bound: _in_unit(bound, result.metric))
    detectable = None if found.detectable is None else _in_unit(found.detectable, result.metric)
    plain = Change(absolute, relative, None, interval, found.p_value, None, detectable, found.p_value)
    return _judged(plain, result, other)


def _judged(change: Change, result: Compared, other: Compared | None) -> Change:
    """The change with its verdict."""
    if change.interval is None or other is None:
        return change
    metric = result.metric
    low, high = change.interval
    zero = low - low
    if change.comparisons == 1:
        shown = low > zero or high < zero
    else:
        shown = change.adjusted_p is not None and change.adjusted_p < _SHOWN
    verdict: Verdict
    better = None
    if _by_delta_method(metric) and min(result.n, other.n) < _FEWEST:
        verdict = "too few to say"
    elif shown:
        verdict = "up" if low + high > zero else "down"
        better = None if metric.better == "neither" else (verdict == "up") == (metric.better == "higher")
    else:
        enough = change.detectable is not None and as_float(change.detectable) <= _LARGE * as_float(abs(other.value))
        verdict = "no clear change" if enough else "too few to say"
    return replace(change, verdict=verdict, better=better)


def _by_delta_method(metric: Definition) -> bool:
    """Whether the interval is computed from the slopes of the formula, as for a ratio of two sums."""
    return metric.interval is None and not metric.additive and is_mean(metric) is None


def difference_of(result: Compared, other: Compared) -> tuple[Difference | None, str | None]:
    """The difference of two results as floats (durations in seconds), or the reason why there is none."""
    metric = result.metric
    refused = _shared(metric, result, other)
    if refused is None and metric.additive and False in (result.complete, other.complete):
        refused = "the period is not over, and totals grow until it is"
    if refused is not None:
        return None, refused
    match metric.interval:
        case Share(part, whole):
            counts = (result.inputs[part], result.inputs[whole], other.inputs[part], other.inputs[whole])
            confidence = next((one.interval.confidence for one in (result, other) if one.interval is not None), None)
            if confidence is None:
                return None, _NO_INTERVALS
            return share_difference(*counts, confidence=confidence), None
        case NetPromoter():
            confidence = next((one.interval.confidence for one in (result, other) if one.interval is not None), None)
            if confidence is None:
                return None, _NO_INTERVALS
            sides = (*_promoters(result, metric.interval), *_promoters(other, metric.interval))
            value_1, error_1, value_2, error_2 = sides
            found = normal_difference(value_1, value_2, error_1, error_2, confidence=confidence)
            return found, None if found is not None else _ALL_EQUAL
    return _of_moments(metric, result, other)


_NO_INTERVALS = "it was measured without intervals"
_ALL_EQUAL = "all values are equal, so that nothing is known of how they vary"


def _of_moments(metric: Definition, result: Compared, other: Compared) -> tuple[Difference | None, str | None]:
    """The difference of two values other than shares, from the variance of their totals."""
    mine, theirs = result.moments, other.moments
    if mine is None or theirs is None:
        return None, _why_none(metric)
    confidence = mine.confidence
    mean = is_mean(metric)
    if mean is not None:
        sides = [_mean_of(one.moments, *mean) for one in (result, other)]
        found = mean_difference(*sides[0], *sides[1], confidence=confidence)
        few = min(side[0] for side in sides) < 2
        return found, None if found is not None else "a side has fewer than two records" if few else _ALL_EQUAL
    days = _days(result.period), _days(other.period)
    (name, *more) = metric.measures
    if metric.additive and not more and metric.unit == "count" and not metric.parameters:
        counts = result.inputs[name], other.inputs[name]
        found = count_difference(*counts, exposure_1=days[0], exposure_2=days[1], confidence=confidence)
        return found, None if found is not None else "neither side has a record"
    errors = [standard_error(metric, moments) for moments in (mine, theirs)]
    if errors[0] is None or errors[1] is None:
        return None, "its formula has no slope at these totals"
    scale = days[0] / days[1] if metric.additive else 1.0
    values = as_float(result.value), as_float(other.value) * scale
    found = normal_difference(*values, errors[0], errors[1] * scale, confidence=confidence)
    return found, None if found is not None else _ALL_EQUAL


def _why_none(metric: Definition) -> str:
    aggregates = {measure.aggregate for measure in metric.measures.values()}
    if aggregates & {"median", "quantile"}:
        return "a median or quantile has no interval of a difference; a control chart shows whether it moved"
    if metric.roll_up in ("distinct", "distributional"):
        return "it is not computed from counts, sums and means of single records"
    return "the totals alone do not say how the records vary"


def _shared(metric: Definition, result: Compared, other: Compared) -> str | None:
    """The reason if both sides may use the same records, else None."""
    if result.segment != other.segment:  # segments of one call share none
        return None
    if result.period is None or other.period is None:  # without periods the caller must give different records
        return None if result.period is other.period else _SHARED
    if any(measure.is_stock for measure in metric.measures.values()):
        return _SHARED
    spans = [_spans(metric, one) for one in (result, other)]
    overlap = any(a.start < b.end and b.start < a.end for a in spans[0] for b in spans[1])
    return _SHARED if overlap else None


_SHARED = "the sides share records"


def _spans(metric: Definition, result: Compared) -> list[Period]:
    """The periods whose records a result uses: its own, and earlier ones that a measure reads."""
    assert result.period is not None
    steps = {repr(measure.steps): measure.steps for measure in metric.measures.values()}
    values = {text: result.parameters.get(getattr(step, "name", ""), 1) for text, step in steps.items()}
    found = [moved(result.period, measure, values) for measure in metric.measures.values()]
    return [period for period in found if period is not None]


def _promoters(result: Compared, rule: NetPromoter) -> tuple[float, float]:
    """A net promoter score and its standard error."""
    answers = result.inputs[rule.answers]
    for_, against = result.inputs[rule.promoters] / answers, result.inputs[rule.detractors] / answers
    return 100 * (for_ - against), 100 * sqrt(max(0.0, for_ + against - (for_ - against) ** 2) / answers)


def _mean_of(moments: Any, total: str, number: str) -> tuple[int, float, float]:
    """The number of values, their mean and their standard deviation."""
    count = int(moments.totals[number])
    if count < 2:
        return count, 0.0, 0.0
    mean = moments.totals[total] / count
    spread = (moments.products[total, total] - moments.totals[total] * mean) / (count - 1)
    return count, float(mean), sqrt(spread)


def _days(period: Period | None) -> float:
    return 1.0 if period is None or period.unit == "all" else (period.wall_end - period.wall_start) / timedelta(days=1)


def _in_unit(number: float, metric: Definition) -> Any:
    if metric.unit == "duration":
        return timedelta(seconds=number)
    return Decimal(repr(number)) if metric.unit == "money" else number


def _is_nothing(result: Compared) -> bool:
    """Whether a result is a sum over no amounts, which is 0 in every currency."""
    return result.currency is None and result.n == 0
