"""The special functions of the models, with the standard library only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from math import cos, exp, expm1, lgamma, log, log1p, pi, sqrt
from operator import mul
from statistics import NormalDist

__all__ = [
    "digamma_and_trigamma",
    "evaluate_smooth",
    "gauss_legendre",
    "log_beta",
    "log_rising",
    "mean_inverse_dropout",
    "negative_binomial_tail",
    "normal_quantile",
]

# Coefficients B_2k / 2k of the asymptotic series of digamma and B_2k of trigamma.
_DIGAMMA = (1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132, -691 / 32760, 1 / 12)
_TRIGAMMA = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6)
_LARGE = 10.0


def digamma_and_trigamma(x: float) -> tuple[float, float]:
    """The first and second derivative of ln Γ at `x` > 0.

    >>> first, second = digamma_and_trigamma(1.0)
    >>> round(first, 12), round(second, 12)
    (-0.577215664902, 1.644934066848)
    """
    first = second = 0.0
    while x < _LARGE:
        first -= 1 / x
        second += 1 / (x * x)
        x += 1
    square = 1 / (x * x)
    low = high = 0.0
    for first_term, second_term in zip(reversed(_DIGAMMA), reversed(_TRIGAMMA), strict=True):
        low = square * (first_term + low)
        high = square * (second_term + high)
    return first + log(x) - 0.5 / x - low, second + 1 / x + 0.5 * square + high / x


def _stirling_rest(x: float) -> float:
    """The remainder of ln Γ(x) after Stirling's formula, for x ≥ 10."""
    square = 1 / (x * x)
    return (1 / 12 - square * (1 / 360 - square * (1 / 1260 - square * (1 / 1680 - square / 1188)))) / x


def log_beta(a: float, b: float) -> float:
    """The logarithm of the beta function, precise even if `a` or `b` is large.

    >>> round(log_beta(2.0, 3.0), 12) == round(-log(12), 12)
    True
    """
    small, large = (a, b) if a < b else (b, a)
    if large < _LARGE:
        return lgamma(small) + lgamma(large) - lgamma(small + large)
    total = small + large
    # ln Γ(large) - ln Γ(total), without the cancellation of two large numbers
    rest = _stirling_rest(large) - _stirling_rest(total)
    difference = rest - (large - 0.5) * log1p(small / large) - small * log(total) + small
    return lgamma(small) + difference if small < _LARGE else _both_large(small, large, total)


def _both_large(small: float, large: float, total: float) -> float:
    rest = _stirling_rest(small) + _stirling_rest(large) - _stirling_rest(total)
    return rest + 0.5 * (log(2 * pi) - log(small)) - small * log(total / small) - (large - 0.5) * log1p(small / large)


def log_rising(start: float, steps: int) -> float:
    """The logarithm of start·(start + 1)···(start + steps - 1).

    >>> round(exp(log_rising(3.0, 2)), 12)
    12.0
    """
    return lgamma(start + steps) - lgamma(start)


@cache
def gauss_legendre(count: int) -> tuple[tuple[float, float], ...]:
    """Nodes and weights of Gauss and Legendre's rule on the interval from 0 to 1.

    >>> round(sum(weight * node**5 for node, weight in gauss_legendre(8)), 12) == round(1 / 6, 12)
    True
    """
    rule = []
    for i in range(count):
        x = cos(pi * (i + 0.75) / (count + 0.5))
        slope = 1.0
        for _ in range(100):
            before, value = 1.0, x
            for k in range(2, count + 1):
                before, value = value, ((2 * k - 1) * x * value - (k - 1) * before) / k
            slope = count * (x * value - before) / (x * x - 1)
            x -= value / slope
            if abs(value / slope) < 1e-15:
                break
        rule.append(((1 - x) / 2, 1 / ((1 - x * x) * slope * slope)))
    return tuple(rule)


def negative_binomial_tail(n: int, shape: float, z: float) -> tuple[float, float]:
    """P(N = n) and P(N ≥ n) of the negative binomial with `shape` and success probability `z`.

    The tail is summed upwards from n, so that it stays precise even if it is tiny.

    >>> round(negative_binomial_tail(0, 0.5, 0.3)[1], 12)
    1.0
    """
    if z == 0:
        return (1.0, 1.0) if n == 0 else (0.0, 0.0)
    first = exp(log_rising(shape, n) - lgamma(n + 1) + n * log(z) + shape * log1p(-z))
    if n == 0:
        return first, 1.0
    term, total, j = first, 0.0, n
    while term > total * 1e-17:
        total += term
        term *= z * (shape + j) / (j + 1)
        j += 1
    return first, min(total, 1.0)


def mean_inverse_dropout(shape: float, ratio: float, a: float, b: float) -> float:
    """The mean of (1 - (1 + p·ratio)^-shape) / p over p ~ Beta(a, b): expected purchases of an alive customer.

    The trapezoid rule over u = ln(p / (1 - p)), whose error falls exponentially with the step; where the integrand is
    a pure exponential the rest is the sum of a geometric series. It is valid for any parameters, with 200 evaluations.
    """
    spread = ((a + b) / (a * b)) ** 0.5
    step = min(0.25, 0.5 * spread)
    centre = log(a / b)
    peak = a * _log_logistic(centre) + b * _log_logistic(-centre)
    slope = shape * ratio
    flat = -40 - log(max(slope, ratio, 1.0))
    weights = total = 0.0
    for direction in (1, -1):
        i = 0 if direction == 1 else 1
        while True:
            u = centre + direction * i * step
            log_p = _log_logistic(u)
            weight = exp(a * log_p + b * _log_logistic(-u) - peak)
            p = exp(log_p)
            value = -expm1(-shape * log1p(p * ratio)) / p if p * slope > 1e-300 and p > 0 else slope
            if (direction == -1 and u < flat) or (direction == 1 and u > 40):
                weight /= 1 - exp(-step * (a if direction == -1 else b))
                weights, total = weights + weight, total + weight * value
                break
            weights, total = weights + weight, total + weight * value
            if weight < 1e-19 * weights and weight * value < 1e-19 * total:
                break
            i += 1
    return total / weights


def evaluate_smooth(function: Callable[[float], float], places: Sequence[float], singularity: float) -> list[float]:
    """Evaluate `function` at all `places`, through a Chebyshev interpolant if that takes fewer calls.

    The function must be analytic to the right of `singularity`, which is left of all places; the distance determines
    the number of nodes for full precision.

    >>> values = evaluate_smooth(lambda x: 1 / (1 + x), [0.5 + i / 100 for i in range(100)], -1)
    >>> [round(value, 12) for value in values][:2]
    [0.666666666667, 0.662251655629]
    """
    low, high = min(places), max(places)
    if high == low:
        return [function(place) for place in places]
    distance = 1 + 2 * (low - singularity) / (high - low)
    count = 3 + int(38 / log(distance + sqrt(distance * distance - 1)))
    if count >= len(places):
        return [function(place) for place in places]
    angles = [pi * i / count for i in range(count + 1)]
    nodes = [(low + high) / 2 - (high - low) / 2 * cos(angle) for angle in angles]
    signs = [(-1.0) ** i * (0.5 if i in (0, count) else 1.0) for i in range(count + 1)]
    values = [function(node) for node in nodes]
    known = dict(zip(nodes, values, strict=True))
    results = []
    for place in places:
        if place in known:
            results.append(known[place])
            continue
        parts = [sign / (place - node) for sign, node in zip(signs, nodes, strict=True)]
        results.append(sum(map(mul, parts, values)) / sum(parts))
    return results


def _log_logistic(u: float) -> float:
    return -log1p(exp(-u)) if u > 0 else u - log1p(exp(u))


def normal_quantile(confidence: float) -> float:
    """The half-width of a two-sided interval with a confidence, in standard errors.

    >>> round(normal_quantile(0.95), 6)
    1.959964
    """
    return NormalDist().inv_cdf(0.5 + confidence / 2)
