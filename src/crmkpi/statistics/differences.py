"""Significance of a difference: its interval, its p-value, and the smallest detectable difference.

| difference of | interval | p-value | function |
|---|---|---|---|
| two shares, such as win rates | Newcombe | score test, pooled | `share_difference` |
| two means, such as deal sizes | Welch | Welch | `mean_difference` |
| two counts, optionally over periods of different length | normal | normal, exact below 20 | `count_difference` |
| any two numbers with known standard errors | normal | normal | `normal_difference` |

All differences are the first minus the second, and the two sides must not share records. Only the standard library is
used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, sqrt

from crmkpi.errors import InputError
from crmkpi.statistics.distributions import (
    binomial_test,
    check_confidence,
    normal_quantile,
    normal_tails,
    student_quantile,
    student_tails,
)
from crmkpi.statistics.intervals import Interval, newcombe

__all__ = [
    "Difference",
    "benjamini_hochberg",
    "count_difference",
    "detectable",
    "detectable_share",
    "mean_difference",
    "normal_difference",
    "share_difference",
]

POWER = 0.8
_EXACT_BELOW = 20
_EXACT_UP_TO = 100_000  # terms of the exact sum


@dataclass(frozen=True, slots=True)
class Difference:
    """The first number minus the second, with its interval and p-value, both None if they cannot be computed.

    `detectable` is the smallest true difference that is significant in 80 of 100 samples of this size.
    """

    value: float
    interval: Interval[float] | None
    p_value: float | None
    detectable: float | None


def share_difference(
    successes_1: int, total_1: int, successes_2: int, total_2: int, *, confidence: float = 0.95
) -> Difference | None:
    """The first share minus the second, such as the win rates of two quarters; None if a total is 0.

    Newcombe's interval, and the p-value of the score test, z = (p₁ - p₂) / √(p (1 - p) (1/n₁ + 1/n₂)) with p the share
    of both together.

    >>> found = share_difference(56, 70, 48, 80)
    >>> round(found.value, 3), [round(bound, 4) for bound in found.interval], round(found.p_value, 4)
    (0.2, [0.0524, 0.3339], 0.0081)
    """
    interval = newcombe(successes_1, total_1, successes_2, total_2, confidence=confidence)
    if interval is None:
        return None
    value = successes_1 / total_1 - successes_2 / total_2
    pooled = (successes_1 + successes_2) / (total_1 + total_2)
    error = sqrt(pooled * (1 - pooled) * (1 / total_1 + 1 / total_2))
    p_value = normal_tails(value / error) if error else 1.0
    return Difference(
        value, interval, p_value, detectable_share(successes_2 / total_2, total_1, total_2, confidence=confidence)
    )


def mean_difference(
    count_1: int,
    mean_1: float,
    deviation_1: float,
    count_2: int,
    mean_2: float,
    deviation_2: float,
    *,
    confidence: float = 0.95,
) -> Difference | None:
    """The first mean minus the second, of values with unequal variances: Welch's interval and p-value.

    The standard deviations are those of samples, with n - 1. None below two values on a side, and if neither side
    varies, so that the variance is unknown.

    >>> found = mean_difference(12, 90.0, 77.8, 12, 70.0, 63.2)
    >>> [round(bound, 1) for bound in found.interval], round(found.p_value, 3)
    ([-40.2, 80.2], 0.497)
    """
    check_confidence(confidence)
    if min(count_1, count_2) < 2:
        return None
    square_1, square_2 = deviation_1**2 / count_1, deviation_2**2 / count_2
    error = sqrt(square_1 + square_2)
    if not error:
        return None
    # As fractions of the sum, so that fourth powers do not leave the range of floats.
    part_1, part_2 = square_1 / (square_1 + square_2), square_2 / (square_1 + square_2)
    degrees = 1 / (part_1**2 / (count_1 - 1) + part_2**2 / (count_2 - 1))
    value = mean_1 - mean_2
    half = student_quantile(degrees, confidence) * error
    return Difference(
        value,
        Interval(value - half, value + half, confidence, "welch"),
        student_tails(value / error, degrees),
        detectable(error, confidence=confidence),
    )


def count_difference(
    count_1: int, count_2: int, *, exposure_1: float = 1.0, exposure_2: float = 1.0, confidence: float = 0.95
) -> Difference | None:
    """The first count minus the second, as Poisson counts: tickets of two months. None if both are 0.

    If exposures differ, such as 31 and 28 days, the second count is scaled to the exposure of the first before it is
    subtracted. The interval is normal, and so is the p-value, unless a count is below 20: then it is the exact binomial
    p-value of the first count given the sum of both.

    >>> found = count_difference(130, 100)
    >>> [round(bound, 1) for bound in found.interval], round(found.p_value, 3)
    ([0.3, 59.7], 0.048)
    >>> round(count_difference(9, 2).p_value, 4)
    0.0654
    """
    check_confidence(confidence)
    if count_1 + count_2 == 0:
        return None
    scale = exposure_1 / exposure_2
    error = sqrt(count_1 + count_2 * scale**2)
    found = normal_difference(float(count_1), count_2 * scale, error, 0.0, confidence=confidence)
    assert found is not None  # one of them is not 0
    if min(count_1, count_2) >= _EXACT_BELOW or count_1 + count_2 > _EXACT_UP_TO:
        return found
    exact = binomial_test(count_1, count_1 + count_2, scale / (1 + scale))
    return Difference(found.value, found.interval, exact, found.detectable)


def normal_difference(
    value_1: float, value_2: float, error_1: float, error_2: float, *, confidence: float = 0.95
) -> Difference | None:
    """The first number minus the second, from their standard errors; None if both errors are 0.

    >>> found = normal_difference(11.0, 10.0, 0.3, 0.4)
    >>> [round(bound, 2) for bound in found.interval], round(found.p_value, 4)
    ([0.02, 1.98], 0.0455)
    """
    z = normal_quantile(confidence)
    error = sqrt(error_1**2 + error_2**2)
    value = value_1 - value_2
    if not error or not isfinite(error) or not isfinite(value):
        return None
    interval = Interval(value - z * error, value + z * error, confidence, "normal")
    return Difference(value, interval, normal_tails(value / error), detectable(error, confidence=confidence))


def detectable(standard_error: float, *, confidence: float = 0.95, power: float = POWER) -> float:
    """The smallest true difference that is detected with the given power: (z(confidence) + z(power)) · standard error.

    >>> round(detectable(0.5), 2)  # of two means of 50 values each that vary by 2.5
    1.4
    """
    return (normal_quantile(confidence) + _power_quantile(power)) * standard_error


def detectable_share(
    share: float, total_1: int, total_2: int | None = None, *, confidence: float = 0.95, power: float = POWER
) -> float | None:
    """The smallest change of a share that is detected with the given power in this many records.

    The root d of z(confidence) √(p̄ (1 - p̄) (1/n₁ + 1/n₂)) + z(power) √(p₁ (1 - p₁) / n₁ + p₂ (1 - p₂) / n₂) = d, where
    p₂ is the share, p₁ = p₂ + d, and p̄ the mean of both. If no rise is detectable, the smallest fall; None if neither
    is.

    >>> round(detectable_share(0.2, 1000), 4)
    0.0524
    """
    if not 0 <= share <= 1:
        raise InputError(f"`share` lies between 0 and 1; got {share!r}. Write 20 % as 0.2.")
    other = total_1 if total_2 is None else total_2
    if min(total_1, other) < 1:
        return None
    alpha, beta = normal_quantile(confidence), _power_quantile(power)

    def short(base: float, size: float) -> float:
        moved = min(base + size, 1.0)
        middle = (base + moved) / 2
        chance = sqrt(middle * (1 - middle) * (1 / total_1 + 1 / other))
        true = sqrt(moved * (1 - moved) / total_1 + base * (1 - base) / other)
        return alpha * chance + beta * true - size

    for base in (share, 1 - share):
        low, high = 0.0, 1 - base
        if high <= 0 or short(base, high) > 0:
            continue
        for _ in range(200):
            middle = (low + high) / 2
            if middle in (low, high):
                break
            low, high = (middle, high) if short(base, middle) > 0 else (low, middle)
        return high
    return None


def benjamini_hochberg(p_values: Sequence[float | None]) -> list[float | None]:
    """The p-values adjusted for their number: those below q have a false discovery rate of at most q.

    Each is the smallest m p / rank from its rank on (Benjamini and Hochberg 1995). Comparisons without a p-value do not
    count.

    >>> benjamini_hochberg([0.01, 0.04, 0.03, None])
    [0.03, 0.04, 0.04, None]
    """
    known = sorted(((p, number) for number, p in enumerate(p_values) if p is not None), reverse=True)
    adjusted: list[float | None] = [None] * len(p_values)
    smallest = 1.0
    for place, (p, number) in enumerate(known):
        smallest = min(smallest, p * len(known) / (len(known) - place))
        adjusted[number] = smallest
    return adjusted


def _power_quantile(power: float) -> float:
    if not 0.5 <= power < 1:
        raise InputError(f"`power` is the chance of being shown, from 0.5 to below 1; got {power!r}.")
    return normal_quantile(2 * power - 1) if power > 0.5 else 0.0
