"""The forecast of a KPI of a set for a period that has not begun, and the probability that it meets a target."""

from __future__ import annotations

from collections.abc import Hashable
from datetime import date, datetime, time, timedelta
from itertools import dropwhile
from typing import Any

from crmkpi.dates.periods import Period
from crmkpi.errors import InputError, PeriodError
from crmkpi.insight.forecast import ForecastPoint, forecast_report
from crmkpi.insight.kpi_sets import Kpi
from crmkpi.measuring.dataset import Dataset
from crmkpi.measuring.measurement import measure
from crmkpi.measuring.results import Report, Result
from crmkpi.statistics.distributions import normal_below, normal_quantile

__all__ = ["chance_within", "coming_value", "daily_counts", "earlier_periods", "segment_of", "working_days"]

_LOOK_BACK = 60  # periods of history


def earlier_periods(when: Period, many: int) -> list[Period]:
    """The `many` periods before one, oldest first."""
    found: list[Period] = []
    try:
        while len(found) < many:
            found.append((found[-1] if found else when).previous())
    except PeriodError:  # before the year 1
        pass
    return found[::-1]


def segment_of(result: Result) -> Hashable:
    """The segment that a result of a KPI set is about: "(none)" for records without one, None for all records."""
    for key in result.segment.values():
        return "(none)" if key is None else key
    return None


def coming_value(crm: Dataset, kpi: Kpi, segment: Hashable, when: Period) -> ForecastPoint:
    """The forecast of a KPI for a period that has not begun, from the periods that are over."""
    known = crm.known_until()[1]
    before = earlier_periods(when, _LOOK_BACK)
    over = [one for one in before if one.end <= known]
    horizon = len(before) - len(over) + 1
    results = measure(
        crm, (kpi.metric,), periods=over, against=None, by=kpi.by, parameters=kpi.parameters, confidence=None
    )
    mine = (one for one in results if segment_of(one) == segment)
    kept = tuple(dropwhile(lambda one: not one.n, mine))  # the history begins with the first record
    if not kept:
        raise InputError("there is no record of an earlier period.")
    working_days = crm.calendar.opening_hours is not None
    return forecast_report(Report(kept), horizon=horizon, working_days=working_days).points[-1]


def chance_within(point: ForecastPoint, low: Any, high: Any) -> float:
    """The probability, by a forecast, that the value lies within the bounds; either bound may be None."""
    above = 1.0 if low is None else _at_least(point, low)
    beyond = 0.0 if high is None else _at_least(point, high)
    return max(0.0, above - beyond)


def _at_least(point: ForecastPoint, bound: Any) -> float:
    """The probability of a value at or above a bound, by the half of the interval on the bound's side."""
    assert point.interval is not None  # the caller handles a certain value
    value, limit = _number(point.value), _number(bound)
    low, high = map(_number, point.interval)
    half = value - low if limit < value else high - value
    half = half or (high - low) / 2  # a half that `not_below` reduced to nothing
    return 1 - normal_below((limit - value) * normal_quantile(point.interval.confidence) / half)


def _number(value: Any) -> float:
    return value.total_seconds() if isinstance(value, timedelta) else float(value)


def daily_counts(crm: Dataset, kpi: Kpi, segment: Hashable, when: Period, many: int) -> list[list[int]]:
    """The records per working day of each of the last periods, without periods that had none."""
    spans = [
        [Period.between(day, day + timedelta(days=1), calendar=one.calendar) for day in working_days(one)]
        for one in earlier_periods(when, many)
    ]
    days = [day for span in spans for day in span]
    if not days:
        return []
    results = measure(
        crm, (kpi.metric,), periods=days, against=None, by=kpi.by, parameters=kpi.parameters, confidence=None
    )
    counts = {one.period: one.n for one in results if segment_of(one) == segment}
    found = [[counts.get(day, 0) for day in span] for span in spans]
    return [one for one in found if any(one)]


def working_days(period: Period) -> list[date]:
    """The days of a period on which there are opening hours; all days where the calendar has none."""
    days, day = [], period.first_day
    hours = period.calendar.open_time() if period.calendar.opening_hours is not None else None
    while day <= period.last_day:
        begin = datetime.combine(day, time())
        if hours is None or hours.between(begin, begin + timedelta(days=1)) > timedelta(0):
            days.append(day)
        day += timedelta(days=1)
    return days
