"""The earlier periods of shifted measures such as `.previous()`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from crmkpi.dates.periods import Period
from crmkpi.definition.measures import Measure
from crmkpi.errors import ParameterError, PeriodError

__all__ = ["moved"]


def moved(period: Period | None, measure: Measure, parameters: Mapping[str, Any]) -> Period | None:
    """The period that a shifted measure such as `.previous()` reads; None if there is no earlier one."""
    if measure.shift == "none":
        return period
    if period is None:
        return None
    steps = measure.steps if isinstance(measure.steps, int) else parameters[repr(measure.steps)]
    if steps < 1 or steps != int(steps):
        raise ParameterError(f"A number of periods is a whole number from 1; got {steps!r} for {measure.steps!r}.")
    return _a_year_ago(period) if measure.shift == "year_ago" else _before(period, int(steps))


@lru_cache(maxsize=1000)
def _a_year_ago(period: Period) -> Period | None:
    try:
        return period.year_ago()
    except PeriodError:  # all time, week 53 in a year that follows one of 52 weeks, or the beginning of the calendar
        return None


@lru_cache(maxsize=1000)
def _before(period: Period, steps: int) -> Period | None:
    try:
        for _ in range(steps):
            period = period.previous()
    except PeriodError:  # all time, or the beginning of the calendar
        return None
    return period
