"""The distributions behind the intervals: quantiles of the normal and Student's t, tails of the binomial."""

from __future__ import annotations

from functools import lru_cache
from math import erfc, exp, floor, lgamma, log, log1p, pi, sqrt
from numbers import Real

from crmkpi.errors import InputError

__all__ = [
    "binomial_below",
    "binomial_rank",
    "binomial_test",
    "check_confidence",
    "negative_binomial_tail",
    "normal_below",
    "normal_quantile",
    "normal_tails",
    "student_below",
    "student_quantile",
    "student_tails",
    "tail_limit",
]

_NUMBERS = (float, Real)  # the check for float is faster than that for the abstract class
_ROUNDING = 1e-15
_LAST_STEP = 1e-6  # Newton's method squares the error, so that the next step would be about 1e-12
_STIRLING_FROM = 16  # from here on, four terms of the series are exact to the last digit


def check_confidence(confidence: float) -> None:
    """Refuse a confidence that is not a fraction between 0 and 1."""
    if not isinstance(confidence, _NUMBERS) or not 0 < confidence < 1:
        raise InputError(
            f"`confidence` must lie between 0 and 1, both excluded; got {confidence!r}. Write 95 % as 0.95."
        )


@lru_cache(maxsize=1024)
def normal_quantile(confidence: float) -> float:
    """The z such that a standard normal value is within ±z at this confidence."""
    check_confidence(confidence)
    from statistics import NormalDist  # noqa: PLC0415 - slow to import

    return -NormalDist().inv_cdf((1 - confidence) / 2)


def normal_below(z: float) -> float:
    """The probability that a standard normal value is below z."""
    return erfc(-z / sqrt(2)) / 2


def normal_tails(z: float) -> float:
    """The two-sided p-value: the probability that a standard normal value is at least as far from 0 as z."""
    return erfc(abs(z) / sqrt(2))


def student_tails(t: float, degrees: float) -> float:
    """The two-sided p-value: the probability that a Student value is at least as far from 0 as t."""
    if t * t < _ROUNDING * degrees:  # this near to 0 the density is flat
        return 1 - abs(t) * _student_peak(degrees) * 2
    scale = degrees + t * t
    return _beta_area(degrees / 2, 0.5, degrees / scale, t * t / scale)[0]


def _student_peak(degrees: float) -> float:
    """Student's density at 0."""
    return exp(lgamma((degrees + 1) / 2) - lgamma(degrees / 2)) / sqrt(degrees * pi)


def student_below(t: float, degrees: float) -> float:
    """The probability that a Student value is below t."""
    half = student_tails(t, degrees) / 2
    return half if t < 0 else 1 - half


def negative_binomial_tail(at_least: int, shape: float, probability: float) -> float:
    """The probability of at least `at_least` failures before the `shape`-th success of Bernoulli trials."""
    if at_least <= 0:
        return 1.0
    if probability >= 1:
        return 0.0
    return _beta_area(at_least, shape, 1 - probability, probability)[0]


def binomial_below(rank: int, count: int, probability: float) -> float:
    """The probability of fewer than `rank` successes among `count`."""
    if rank <= 0:
        return 0.0
    if rank > count:
        return 1.0
    return _binomial_tail(rank, count, probability, 1 - probability)[0]


def binomial_test(successes: int, total: int, probability: float) -> float:
    """The exact two-sided p-value: the probability of all counts that are no more probable than `successes`."""
    terms = [_binomial_term(count, total, probability) for count in range(total + 1)]
    limit = terms[successes] * (1 + 1e-7)
    return min(1.0, sum(term for term in terms if term <= limit))


def _binomial_term(count: int, total: int, probability: float) -> float:
    ways = lgamma(total + 1) - lgamma(count + 1) - lgamma(total - count + 1)
    return exp(ways + count * log(probability) + (total - count) * log1p(-probability))


@lru_cache(maxsize=65536)
def student_quantile(degrees: float, confidence: float) -> float:
    """The t such that a Student value is within ±t at this confidence.

    The Cornish-Fisher expansion (Abramowitz and Stegun 26.7.5) is exact enough for many degrees of freedom. Otherwise
    Newton steps follow, on the logarithm of the tail against the logarithm of t, where both the normal and the heavy
    tails are nearly straight.
    """
    z = normal_quantile(confidence)
    square = z * z
    t = z
    t += z * (square + 1) / (4 * degrees)
    t += z * ((5 * square + 16) * square + 3) / (96 * degrees**2)
    t += z * (((3 * square + 19) * square + 17) * square - 15) / (384 * degrees**3)
    t += z * ((((79 * square + 776) * square + 1482) * square - 1920) * square - 945) / (92160 * degrees**4)
    # Each further term is smaller by a factor of about (z² + 3) / (4 · degrees), so the fifth is below rounding here.
    if z <= 0 or degrees > 40 * (square + 3):
        return max(0.0, t)
    for _ in range(50):
        scale = degrees + t * t
        tail, slope = _beta_area(degrees / 2, 0.5, degrees / scale, t * t / scale)
        step = log(tail / (1 - confidence)) * tail / (2 * slope)
        t *= exp(step)
        if abs(step) < _LAST_STEP:
            break
    return t


def tail_limit(confidence: float) -> float:
    """Half of 1 - confidence, enlarged by rounding so that a tail of exactly this size is within the limit."""
    return (1 - confidence) / 2 * (1 + 1e-12)


@lru_cache(maxsize=65536)
def binomial_rank(count: int, probability: float, complement: float, confidence: float) -> tuple[int, float]:
    """The highest rank with P(X < rank) <= (1 - confidence) / 2 for a binomial X, and that probability.

    The search starts at the normal approximation, corrected for skewness, and moves rank by rank.
    """
    limit = tail_limit(confidence)
    z = normal_quantile(confidence)
    mean = count * probability
    guess = mean - z * sqrt(mean * complement) + (z * z - 1) * (complement - probability) / 6
    rank = min(max(0, floor(guess + 0.5)), count)
    tail, term = _binomial_tail(rank, count, probability, complement)
    while tail > limit:
        rank -= 1
        tail, term = _binomial_tail(rank, count, probability, complement)
    while tail + term <= limit:
        tail += term
        term *= (count - rank) / (rank + 1) * probability / complement
        rank += 1
    return rank, tail


def _binomial_tail(rank: int, count: int, probability: float, complement: float) -> tuple[float, float]:
    """P(X < rank) and P(X = rank) for a binomial X."""
    if rank == 0:
        return 0.0, complement**count
    area, slope = _beta_area(count - rank + 1, rank, complement, probability)
    return area, slope / (rank * complement)


def _beta_area(a: float, b: float, x: float, y: float) -> tuple[float, float]:
    """The share of a beta(a, b) distribution below x, and xᵃ yᵇ / B(a, b); y is 1 - x.

    The tails of Student's t and of the binomial are both such areas.
    """
    total = a + b
    # Using the smaller of x and y keeps the digits that the difference of two large numbers loses.
    excess = b - total * y if y < x else total * x - a
    slope = sqrt(a * b / (2 * pi * total)) * exp(
        _log_power(a, total * x, excess)
        + _log_power(b, total * y, -excess)
        + _stirling_error(total)
        - _stirling_error(a)
        - _stirling_error(b)
    )
    if x <= (a + 1) / (total + 2):
        return slope * _beta_fraction(a, b, x) / a, slope
    return 1 - slope * _beta_fraction(b, a, y) / b, slope


def _log_power(count: float, expected: float, excess: float) -> float:
    """Count · log(expected / count), where the excess is expected - count."""
    return count * (log1p(excess / count) if 2 * abs(excess) < count else log(expected / count))


def _stirling_error(z: float) -> float:
    """The error of Stirling's formula for log Γ(z); unlike log Γ itself it is small, so no digits cancel."""
    if z < _STIRLING_FROM:
        return lgamma(z) - (z - 0.5) * log(z) + z - log(2 * pi) / 2
    square = z * z
    return (1 / 12 - (1 / 360 - (1 / 1260 - 1 / (1680 * square)) / square) / square) / z


def _beta_fraction(a: float, b: float, x: float) -> float:
    """The continued fraction of the incomplete beta function, by Lentz's method; for x up to (a + 1) / (a + b + 2)."""
    c = 1.0
    d = 1 / (1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, 100_000):
        twice = a + 2 * m
        even = m * (b - m) * x / ((twice - 1) * twice)
        d = 1 / (1 + even * d)
        c = 1 + even / c
        value *= d * c
        odd = -(a + m) * (a + b + m) * x / (twice * (twice + 1))
        d = 1 / (1 + odd * d)
        c = 1 + odd / c
        change = d * c
        value *= change
        if abs(change - 1) < _ROUNDING:
            break
    return value
