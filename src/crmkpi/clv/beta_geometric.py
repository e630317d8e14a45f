"""The log-likelihood of BG/NBD and MBG/NBD with its exact gradient and Hessian.

Per customer, with x repeat purchases, the last at t, observed until T, and m = 0 (BG) or 1 (MBG):

    ln L = Σ_{j<x} ln(r+j) + r ln α - (r+x) ln(α+T) + ln B(a, b+x+m) - ln B(a, b) + ln(1 + w)
    w    = a / (b+x+m-1) · ((α+T) / (α+t))^(r+x)      the odds of having left; 0 for x + m = 0

Sums over j are taken over histograms, so that no difference of large gamma functions loses digits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log, log1p
from operator import add, mul, sub
from typing import Any

from crmkpi.clv.fitting import Derivatives
from crmkpi.clv.history import Patterns

__all__ = ["Data", "log_likelihood"]

_BLOCK = 500  # rows summed at a time in the standard library: intermediate columns stay in the CPU cache


@dataclass(frozen=True, slots=True, eq=False)
class Data:
    """A history in the aggregated form that the likelihood needs.

    `buying[j]` customers bought again more than j times, `staying[j]` had more than j chances to leave;
    `ages` holds (age, customers, purchases); `rows` the customers who may have left, by frequency or as arrays:
    recencies, ages and the number of customers with both.
    """

    chances: int
    mean_age: float
    purchases: float
    buying: Any
    staying: Any
    ages: Any
    rows: Any
    numpy: Any

    @classmethod
    def of(cls, patterns: Patterns, chances: int, *, every: int = 1) -> Data:
        """Build from all patterns, or from every n-th for the starting values."""
        if patterns.numpy is not None:
            return cls._of_arrays(patterns, chances, every)
        columns = (patterns.frequency, patterns.recency, patterns.age, patterns.count)
        groups: dict[float, tuple[list[float], list[float], list[float]]] = {}
        customers: dict[float, float] = {}
        bought: dict[float, float] = {}
        for frequency, recency, age, count in zip(*(column[::every] for column in columns), strict=True):
            group = groups.get(frequency)
            if group is None:
                group = groups[frequency] = ([], [], [])
            group[0].append(recency)
            group[1].append(age)
            group[2].append(count)
            customers[age] = customers.get(age, 0.0) + count
            bought[age] = bought.get(age, 0.0) + count * frequency
        histogram = {int(frequency): float(sum(group[2])) for frequency, group in groups.items()}
        mean_age = sum(age * count for age, count in customers.items()) / sum(customers.values())
        return cls(
            chances,
            mean_age or 1.0,
            sum(bought.values()),
            _more_than(histogram, 0),
            _more_than(histogram, chances),
            [(age, count, bought[age]) for age, count in customers.items()],
            [
                (frequency, *(column[i : i + _BLOCK] for column in group))
                for frequency, group in groups.items()
                if frequency + chances > 0
                for i in range(0, len(group[0]), _BLOCK)
            ],
            None,
        )

    @classmethod
    def _of_arrays(cls, patterns: Patterns, chances: int, every: int) -> Data:
        np = patterns.numpy
        frequency, recency, age, count = (
            column[::every] for column in (patterns.frequency, patterns.recency, patterns.age, patterns.count)
        )
        histogram = np.bincount(frequency.astype(int), weights=count)
        more_than = histogram[::-1].cumsum()[::-1]
        ages, position = np.unique(age, return_inverse=True)
        tally = ages, np.bincount(position, weights=count), np.bincount(position, weights=count * frequency)
        left = frequency + chances > 0
        return cls(
            chances,
            _dot(np, count, age) / float(count.sum()) or 1.0,
            _dot(np, count, frequency),
            more_than[1:],
            more_than if chances else more_than[1:],
            tally,
            (frequency[left], recency[left], age[left], count[left]),
            np,
        )


def _more_than(histogram: dict[int, float], shift: int) -> list[float]:
    top = max(histogram) + shift
    counts = [0.0] * (top + 1)
    for frequency, count in histogram.items():
        counts[frequency + shift] += count
    more, total = [0.0] * top, 0.0
    for j in reversed(range(top)):
        total += counts[j + 1]
        more[j] = total
    return more


def log_likelihood(data: Data, parameters: Sequence[float]) -> Derivatives:
    """The log-likelihood, its gradient and its Hessian in (r, α, a, b)."""
    r, alpha, a, b = parameters
    bought = _rising(data.buying, r, data.numpy)
    stayed = _rising(data.staying, b, data.numpy)
    together = _rising(data.staying, a + b, data.numpy)
    value, slope_alpha, slope_r, curve_ra, curve_aa = (_ages if data.numpy is None else _age_arrays)(data, r, alpha)
    gradient = [bought[1] + slope_r, slope_alpha, -together[1], stayed[1] - together[1]]
    hessian = [
        [-bought[2], curve_ra, 0.0, 0.0],
        [curve_ra, curve_aa, 0.0, 0.0],
        [0.0, 0.0, together[2], together[2]],
        [0.0, 0.0, together[2], together[2] - stayed[2]],
    ]
    left = _left(data, parameters) if data.numpy is None else _left_arrays(data, parameters)
    for i in range(4):
        gradient[i] += left[1][i]
        for j in range(4):
            hessian[i][j] += left[2][max(i, j)][min(i, j)]
    return value + bought[0] + stayed[0] - together[0] + left[0], gradient, hessian


def _rising(weights: Any, start: float, np: Any) -> tuple[float, float, float]:
    """Σ w_j ln(start + j), Σ w_j / (start + j) and Σ w_j / (start + j)²."""
    if np is not None:
        places = start + np.arange(len(weights))
        inverse = 1 / places
        first = weights * inverse
        return _dot(np, weights, np.log(places)), float(first.sum()), _dot(np, first, inverse)
    logs = first = second = 0.0
    for j, weight in enumerate(weights):
        inverse = 1 / (start + j)
        logs += weight * log(start + j)
        first += weight * inverse
        second += weight * inverse * inverse
    return logs, first, second


def _ages(data: Data, r: float, alpha: float) -> tuple[float, float, float, float, float]:
    """-Σ [n r ln(1 + T/α) + X ln(α + T)] and its derivatives, over the distinct ages."""
    value = slope_alpha = slope_r = curve_ra = curve_aa = 0.0
    for age, count, bought in data.ages:
        end = alpha + age
        length = log1p(age / alpha)
        share = age / (alpha * end)
        slope_r -= count * length
        value -= bought * log(end)
        slope_alpha += count * r * share - bought / end
        curve_ra += count * share
        curve_aa += bought / (end * end) - count * r * share * (2 * alpha + age) / (alpha * end)
    return value + r * slope_r, slope_alpha, slope_r, curve_ra, curve_aa


def _age_arrays(data: Data, r: float, alpha: float) -> tuple[float, float, float, float, float]:
    np = data.numpy
    age, count, bought = data.ages
    end = alpha + age
    share = age / (alpha * end)
    slope_r = -_dot(np, count, np.log1p(age / alpha))
    curve_ra = _dot(np, count, share)
    slope_alpha = r * curve_ra - _dot(np, bought, 1 / end)
    curve_aa = _dot(np, bought, 1 / (end * end)) - r * _dot(np, count, share * (2 * alpha + age) / (alpha * end))
    return r * slope_r - _dot(np, bought, np.log(end)), slope_alpha, slope_r, curve_ra, curve_aa


def _dot(np: Any, left: Any, right: Any) -> float:
    """The sum of products without BLAS, whose threads cost more than they save and round differently by machine."""
    return float(np.einsum("i,i->", left, right))


def _left(data: Data, parameters: Sequence[float]) -> tuple[float, list[float], list[list[float]]]:
    """Σ ln(1 + w), its gradient and the lower half of its Hessian.

    Whole columns at a time, because `map` and comprehensions take half the time of one loop over the rows.
    """
    r, alpha, a, b = parameters
    value = g_r = g_alpha = g_a = g_b = 0.0
    rr = ra = r_a = r_b = aa = a_a = a_b = pp = pq = qq = 0.0
    for frequency, recencies, ages, counts in data.rows:
        k, q = r + frequency, b + (frequency + data.chances - 1)  # exact even for a tiny b
        constant = log(q / a)
        starts = [1 / (alpha + recency) for recency in recencies]
        ends = [1 / (alpha + age) for age in ages]
        lengths = [log(start / end) for start, end in zip(starts, ends, strict=True)]
        gaps = list(map(sub, ends, starts))
        stays = [exp(constant - k * length) for length in lengths]
        lefts = [count / (1 + stay) for count, stay in zip(counts, stays, strict=True)]
        bents = [left * stay / (1 + stay) for left, stay in zip(lefts, stays, strict=True)]
        long_bents, gap_bents = list(map(mul, lengths, bents)), list(map(mul, gaps, bents))
        left_gaps = list(map(mul, lefts, gaps))
        s0, v0, vd, ve, se = sum(lefts), sum(bents), sum(long_bents), sum(gap_bents), sum(left_gaps)
        value += k * sum(map(mul, counts, lengths)) - constant * sum(counts)
        value += sum(map(mul, counts, map(log1p, stays)))
        g_r += sum(map(mul, lefts, lengths))
        g_alpha += k * se
        g_a += s0 / a
        g_b -= s0 / q
        rr += sum(map(mul, long_bents, lengths))
        ra += k * sum(map(mul, long_bents, gaps)) + se
        r_a += vd / a
        r_b -= vd / q
        aa += k * k * sum(map(mul, gap_bents, gaps)) - k * sum(map(mul, left_gaps, map(add, starts, ends)))
        a_a += k * ve / a
        a_b -= k * ve / q
        pp += (v0 - s0) / (a * a)
        pq -= v0 / (a * q)
        qq += (v0 + s0) / (q * q)
    return value, [g_r, g_alpha, g_a, g_b], [[rr], [ra, aa], [r_a, a_a, pp], [r_b, a_b, pq, qq]]


def _left_arrays(data: Data, parameters: Sequence[float]) -> tuple[float, list[float], list[list[float]]]:
    np = data.numpy
    r, alpha, a, b = parameters
    frequency, recency, age, count = data.rows
    k, q = r + frequency, b + (frequency + (data.chances - 1))
    start, end = alpha + recency, alpha + age
    wait = age - recency
    length = np.log1p(wait / start)
    odds = np.log(a / q) + k * length
    stay = np.exp(-odds)
    left = 1 / (1 + stay)
    value = _dot(np, count, odds + np.log1p(stay))
    gap = -wait / (start * end)
    weight = count * left
    inverse = 1 / q
    slopes = length, k * gap, np.full_like(q, 1 / a), -inverse
    gradient = [_dot(np, slope, weight) for slope in slopes]
    bent = weight * stay * left
    hessian = [[_dot(np, slopes[i] * bent, slopes[j]) for j in range(i + 1)] for i in range(4)]
    hessian[1][0] += _dot(np, weight, gap)
    hessian[1][1] -= _dot(np, weight * slopes[1], 1 / start + 1 / end)
    hessian[2][2] -= gradient[2] / a
    hessian[3][3] += _dot(np, weight * inverse, inverse)
    return value, gradient, hessian
