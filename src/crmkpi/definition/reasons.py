"""Why a KPI has no value, in the words of its definition and not in the names of its inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from crmkpi._hooks import hook
from crmkpi.definition.interval_rules import Mean, NetPromoter, Share
from crmkpi.definition.measures import Measure

if TYPE_CHECKING:
    from crmkpi.definition.metric import Metric

__all__ = ["why_missing", "why_zero"]

_measure_in_words: Callable[[Measure], str] = hook("measure_in_words")
_nothing_in_words: Callable[[Measure], str] = hook("nothing_in_words")
_DIVISORS: Mapping[type, str] = {Share: "whole", Mean: "count", NetPromoter: "answers"}


def why_missing(metric: Metric, name: str) -> str:
    """The reason where the input `name` has no value."""
    if name in (metric.days, metric.until):
        return "it needs a period, and none was given"
    return _said(metric, name) or _nothing_in_words(metric.measures[name])


def why_zero(metric: Metric, numbers: Mapping[str, Any]) -> str:
    """The reason where the formula divided by zero: which of its inputs is nothing."""
    divisor = _DIVISORS.get(type(metric.interval))
    zeros = [name for name, value in numbers.items() if value == 0]
    if divisor is not None:
        zeros = [getattr(metric.interval, divisor)]
    if isinstance(metric.empty, Mapping):  # the inputs that may be nothing are known, and others do no harm
        zeros = [name for name in zeros if name in metric.empty] or zeros
    if not zeros:
        return _said(metric, None) or "the formula divides by 0"
    *others, last = dict.fromkeys(_said(metric, name) or _zero(metric, name) for name in zeros)
    return f"{', '.join(others)} and {last}" if others else last


def _said(metric: Metric, name: str | None) -> str:
    """What the definition says of an input that is nothing."""
    if isinstance(metric.empty, str):
        return metric.empty
    return metric.empty.get(name or "", "")


def _zero(metric: Metric, name: str) -> str:
    """That a number is 0: a parameter by its name, a measure by what it measures."""
    measure = metric.measures.get(name)
    if measure is None:
        return f"{name.replace('_', ' ')} is 0"
    if measure.aggregate in ("count", "distinct"):
        return _nothing_in_words(measure)
    return f"{_measure_in_words(measure)}{',' if measure.shift != 'none' else ''} is 0"
