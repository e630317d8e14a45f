"""The reasons why a KPI has no value, in business words in place of the names of its inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from crmkpi._hooks import hook
from crmkpi.definition.interval_rules import IntervalRule, Mean, NetPromoter, Share
from crmkpi.definition.measures import Measure

__all__ = ["Empty", "why_missing", "why_zero"]

Empty = str | Mapping[str, str]  # why there is no value, or for each input that may be empty its reason
_measure_in_words: Callable[[Measure], str] = hook("measure_in_words")
_nothing_in_words: Callable[[Measure], str] = hook("nothing_in_words")
_DIVISORS: Mapping[type, str] = {Share: "whole", Mean: "count", NetPromoter: "answers"}


def why_missing(name: str, measures: Mapping[str, Measure], empty: Empty) -> str:
    """The reason why the input `name` has no value; an input that is not a measure is the length of the period."""
    if name not in measures:
        return "it needs the length of a period, and no period is given"
    return _said(empty, name) or _nothing_in_words(measures[name])


def why_zero(
    numbers: Mapping[str, Any], measures: Mapping[str, Measure], interval: IntervalRule | None, empty: Empty
) -> str:
    """The reason for a division by zero in the formula: the inputs that are zero."""
    zeros = [name for name, value in numbers.items() if value == 0]
    if type(interval) in _DIVISORS:
        zeros = [getattr(interval, _DIVISORS[type(interval)])]
    if not isinstance(empty, str):  # it lists the inputs that may be empty, and others do not matter
        zeros = [name for name in zeros if name in empty] or zeros
    if not zeros:
        return (isinstance(empty, str) and empty) or "the formula divides by 0"
    *others, last = dict.fromkeys(_said(empty, name) or _zero(name, measures) for name in zeros)
    return f"{', '.join(others)} and {last}" if others else last


def _said(empty: Empty, name: str) -> str:
    return empty if isinstance(empty, str) else empty.get(name, "")


def _zero(name: str, measures: Mapping[str, Measure]) -> str:
    """The text that an input is 0: a parameter by its name, a measure by its records."""
    if name not in measures:
        return f"{name.replace('_', ' ')} is 0"
    measure = measures[name]
    if measure.aggregate in ("count", "distinct"):
        return _nothing_in_words(measure)
    return f"{_measure_in_words(measure)}{',' if measure.shift != 'none' else ''} is 0"
