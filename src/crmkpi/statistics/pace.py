"""Targets: the probability that a final value meets its target, and the projection of an open period."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, sqrt

from crmkpi.errors import InputError
from crmkpi.statistics.distributions import negative_binomial_tail, normal_below, student_below

__all__ = [
    "CurvePace",
    "Pace",
    "count_pace",
    "curve_pace",
    "dispersion",
    "mean_meets",
    "normal_meets",
    "share_meets",
    "sum_pace",
]


@dataclass(frozen=True, slots=True)
class Pace:
    """The projected total of an open period, and the probability that it reaches the target."""

    projected: float
    deviation: float
    probability: float


@dataclass(frozen=True, slots=True)
class CurvePace(Pace):
    """A `Pace` from the growth of earlier periods, whose totals were `factor` times their values on the same day."""

    factor: float


def share_meets(part: int, whole: int, target: float) -> float:
    """The probability that a share is at or above a target: Φ(z) of the score test, z = (p - t) / √(t (1 - t) / n).

    >>> round(share_meets(30, 100, 0.35), 3), round(share_meets(3, 8, 0.35), 3)
    (0.147, 0.559)
    """
    if not 0 < target < 1:
        return 1.0 if part / whole >= target else 0.0
    return normal_below((part / whole - target) / sqrt(target * (1 - target) / whole))


def mean_meets(count: int, mean: float, deviation: float, target: float) -> float | None:
    """The probability that a mean is at or above a target, by Student's t; None below two values or if all are equal.

    >>> round(mean_meets(20, 105.0, 20.0, 100.0), 3)
    0.861
    """
    if count < 2 or not deviation:
        return None
    return student_below((mean - target) / (deviation / sqrt(count)), count - 1)


def normal_meets(value: float, error: float, target: float) -> float | None:
    """The probability that a value with this standard error is at or above a target; None if the error is 0."""
    return normal_below((value - target) / error) if error else None


def count_pace(done: int, elapsed: float, of: float, target: float, *, dispersion: float = 1.0) -> Pace:
    """The projection of a count at its present rate, and the probability that it reaches `target`.

    The remaining count is negative binomial with shape done + ½ and probability elapsed / of. With a `dispersion` above
    1 (the variance of the daily counts over their mean) it is normal, and its variance is multiplied by the dispersion.

    >>> pace = count_pace(30, 10, 21, 60)
    >>> pace.projected, round(pace.probability, 4)
    (63.0, 0.6678)
    """
    _check(elapsed, of)
    rest = of - elapsed
    projected = done * of / elapsed
    variance = (done + 0.5) * rest / elapsed * (1 + rest / elapsed) * max(dispersion, 1.0)
    missing = _whole(target) - done
    if missing <= 0:
        return Pace(projected, sqrt(variance), 1.0)
    if dispersion <= 1:
        return Pace(projected, sqrt(variance), negative_binomial_tail(missing, done + 0.5, elapsed / of))
    if not variance:
        return Pace(projected, 0.0, 0.0)
    expected = (done + 0.5) * rest / elapsed
    return Pace(projected, sqrt(variance), 1 - normal_below((missing - 0.5 - expected) / sqrt(variance)))


def dispersion(periods: Sequence[Sequence[float]]) -> float:
    """The variance of daily counts over their mean, at least 1, with the days of each period in their order.

    Differences between periods and between the first, the second or the last day do not count: the dispersion is the
    chi-square of the table of periods and days over its degrees of freedom. Days that not all periods have are left
    out. 1 below two periods.

    >>> dispersion([[2, 4, 2], [2, 4, 2]]), round(dispersion([[9, 0, 3], [0, 9, 3]]), 1)
    (1.0, 9.0)
    """
    length = min(map(len, periods), default=0)
    rows = [row for row in (one[:length] for one in periods) if any(row)]
    columns = [column for column in zip(*rows, strict=True) if any(column)]
    degrees = (len(rows) - 1) * (len(columns) - 1)
    if degrees < 1:
        return 1.0
    wholes = [sum(one) for one in zip(*columns, strict=True)]
    everything = sum(wholes)
    square = 0.0
    for column in columns:
        share = sum(column) / everything
        for count, whole in zip(column, wholes, strict=True):
            square += (count - whole * share) ** 2 / (whole * share)
    return max(1.0, square / degrees)


def sum_pace(done: float, squares: float, elapsed: float, of: float, target: float, *, dispersion: float = 1.0) -> Pace:
    """The projection of a sum at its present rate; `squares` is the sum of squares of its amounts so far.

    >>> pace = sum_pace(52000.0, 210000000.0, 10, 21, 100000.0)
    >>> pace.projected, round(pace.deviation), round(pace.probability, 3)
    (109200.0, 22025, 0.662)
    """
    _check(elapsed, of)
    rest = of - elapsed
    projected = done * of / elapsed
    deviation = sqrt(squares * rest / elapsed * (1 + rest / elapsed) * max(dispersion, 1.0))
    if done >= target or not deviation:
        return Pace(projected, deviation, 1.0 if max(done, projected) >= target else 0.0)
    return Pace(projected, deviation, normal_below((projected - target) / deviation))


def curve_pace(history: Sequence[tuple[float, float]], done: float, target: float) -> CurvePace | None:
    """The projection of a period that grows as earlier ones did from the same day on (chain ladder, Mack 1993).

    `history` has, for each earlier period, its value by that day and its final value. None below three periods, and if
    more than half of them had nothing by that day.

    >>> pace = curve_pace([(20, 100), (25, 110), (18, 95), (30, 120), (22, 105), (26, 115)], 24, 110)
    >>> round(pace.factor, 3), round(pace.projected, 1), round(pace.deviation, 2), round(pace.probability, 3)
    (4.574, 109.8, 11.77, 0.493)
    """
    begun = [(early, whole) for early, whole in history if early > 0]
    if len(history) < 3 or 2 * len(begun) < len(history) or len(begun) < 2:
        return None
    early = sum(one for one, _ in begun)
    factor = sum(whole for _, whole in begun) / early
    spread = sum(one * (whole / one - factor) ** 2 for one, whole in begun) / (len(begun) - 1)
    projected = done * factor
    deviation = sqrt(done * spread + done * done * spread / early)
    if done >= target or not deviation:
        probability = 1.0 if max(done, projected) >= target else 0.0
    else:
        probability = 1 - student_below((target - projected) / deviation, len(begun) - 1)
    return CurvePace(projected, deviation, probability, factor)


def _check(elapsed: float, of: float) -> None:
    if not 0 < elapsed <= of < inf:
        raise InputError(f"`elapsed` days are above 0 and at most those of the period; got {elapsed!r} of {of!r}.")


def _whole(target: float) -> int:
    """The smallest count that is at or above the target."""
    return int(-(-target // 1))
