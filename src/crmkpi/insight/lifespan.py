"""The lifespan within a horizon from a survival curve: its mean and its discounted value."""

from __future__ import annotations

from collections.abc import Sequence
from math import fsum

from crmkpi.dates.months import MONTH_SECONDS
from crmkpi.errors import ParameterError, UndefinedError
from crmkpi.insight.durations import Durations
from crmkpi.insight.survival import MeanLifetime, SurvivalCurve, kaplan_meier

__all__ = ["discounted_time", "mean_within", "months_of"]

_DAY = 86_400.0


def mean_within(
    ended: Sequence[float], running: Sequence[float], horizon: float, *, confidence: float = 0.95
) -> MeanLifetime:
    """The mean lifetime in seconds within `horizon` days, from lifetimes in seconds that ended and that still run.

    >>> mean_within([2 * 86_400], [4 * 86_400, 4 * 86_400], 3).value / 86_400
    2.6666666666666665
    """
    curve, end = _known(ended, running, horizon, confidence)
    if not end:  # all lifetimes are zero
        return MeanLifetime(0.0, 0.0, horizon, 0.0, 0.0)
    return curve.restricted_mean(end)


def discounted_time(ended: Sequence[float], running: Sequence[float], horizon: float, monthly_rate: float) -> float:
    """The expected months that a customer stays within `horizon` days, each discounted at its end.

    Lifetimes are in seconds. Without a discount the result is the mean within the horizon, in months.

    >>> round(discounted_time([60 * 86_400], [60 * 86_400], 60, 0.0), 6)
    1.971253
    """
    curve, end = _known(ended, running, horizon, 0.95)
    total, share, last, month = 0.0, 1.0, 0.0, 1
    for time, after in [*zip(curve.times, curve.survival, strict=True), (end, 0.0)]:
        while last < min(time, end):
            stop = min(month * MONTH_SECONDS, time, end)
            total += share * (stop - last) / MONTH_SECONDS / (1 + monthly_rate) ** month
            month += stop >= month * MONTH_SECONDS
            last = stop
        share = after
    return total


def months_of(lifetimes: Sequence[float]) -> float:
    """The sum of lifetimes in seconds, in months of 365.25 / 12 days.

    >>> months_of([365.25 * 86_400, 0])
    12.0
    """
    return fsum(lifetimes) / MONTH_SECONDS


def _known(
    ended: Sequence[float], running: Sequence[float], horizon: float, confidence: float
) -> tuple[SurvivalCurve, float]:
    """The curve, and the horizon in seconds, limited to the longest lifetime; undefined where the data end before."""
    if not horizon > 0:
        raise ParameterError(f"The parameter 'horizon' must be above zero days; got {horizon!r}.")
    if not ended and not running:
        raise UndefinedError("nobody's lifetime is known")
    curve = kaplan_meier(
        Durations([*ended, *running], [True] * len(ended) + [False] * len(running)), confidence=confidence
    )
    if horizon * _DAY <= curve.last_time:
        return curve, horizon * _DAY
    if curve.survival[-1] == 0:  # all lifetimes ended, so that later time adds nothing
        return curve, curve.last_time
    longest = f"{curve.last_time / _DAY:,.0f} days"
    raise UndefinedError(
        f"the longest lifetime seen is {longest}, and the horizon {horizon:,g} days; give a shorter horizon=, or a "
        "longer period"
    )
