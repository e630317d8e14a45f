"""Confidence intervals of KPIs, and quantiles.

| KPI | interval | function |
|---|---|---|
| a share, such as a win rate | Wilson's score interval | `wilson` |
| the difference of two shares | Newcombe's hybrid score interval | `newcombe` |
| a mean of values that are never below 0, such as durations | Student's t of its logarithm | `log_student` |
| another mean | Student's t | `student` |
| a median or another quantile | order statistics | `order_statistics` |
| a net promoter score | adjusted Wald | `adjusted_wald` |

An interval is `None` if the data is too little for one. Only the standard library is used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Context, Decimal, localcontext
from fractions import Fraction
from functools import lru_cache
from math import exp, floor, isfinite, sqrt
from typing import Generic, Literal, TypeVar

from crmkpi.errors import InputError
from crmkpi.statistics.distributions import (
    binomial_rank,
    check_confidence,
    normal_quantile,
    student_quantile,
    tail_limit,
)

__all__ = [
    "Interval",
    "Method",
    "adjusted_wald",
    "log_student",
    "newcombe",
    "order_statistics",
    "quantile",
    "quantile_place",
    "quantile_ranks",
    "student",
    "wilson",
]

Method = Literal[
    "wilson",
    "newcombe",
    "student",
    "log student",
    "welch",
    "normal",
    "forecast",
    "order statistics",
    "adjusted wald",
    "estimated",
]
Value = TypeVar("Value", float, Decimal, timedelta)
OtherValue = TypeVar("OtherValue", float, Decimal, timedelta)

_DECIMAL_CONTEXT = Context(prec=28)

_GAMMA_KURTOSIS = 6  # a gamma distribution's excess kurtosis is six times its squared coefficient of variation
_FEWEST_DEGREES = 2  # with fewer, the upper bound is uninformative
_WIDEST = 300  # a bound further away, in powers of e, is uninformative


@dataclass(frozen=True, slots=True)
class Interval(Generic[Value]):
    """The confidence interval of a KPI.

    Both bounds belong to the interval and have the unit of the KPI. An interval unpacks into its two bounds. `without`
    is the number of records left out because a field that the KPI reads is unreadable.

    >>> low, high = wilson(5, 10)
    >>> print(f"{low:.3f} to {high:.3f}")
    0.237 to 0.763
    >>> 0.5 in wilson(5, 10)
    True
    """

    low: Value
    high: Value
    confidence: float
    method: Method
    without: int = field(default=0, repr=False)

    def __iter__(self) -> Iterator[Value]:
        """The low bound, then the high bound."""
        yield self.low
        yield self.high

    def __contains__(self, value: Value) -> bool:
        """Whether the value is between the bounds, or one of them."""
        return self.low <= value <= self.high

    def map(self, function: Callable[[Value], OtherValue]) -> Interval[OtherValue]:
        """The same interval in another unit: the function is applied to both bounds.

        The function must be monotone. A falling function, such as churn as 1 - retention, swaps the bounds.

        >>> Interval(60.0, 90.0, 0.95, "student").map(lambda seconds: timedelta(seconds=seconds)).high
        datetime.timedelta(seconds=90)
        >>> tuple(Interval(0.25, 0.75, 0.95, "wilson").map(lambda share: 1 - share * share))
        (0.4375, 0.9375)
        """
        first, second = function(self.low), function(self.high)
        low, high = (second, first) if second < first else (first, second)
        return Interval(low, high, self.confidence, self.method, self.without)


def wilson(successes: int, total: int, *, confidence: float = 0.95) -> Interval[float] | None:
    """The interval of a share, such as a win rate: Wilson's score interval without continuity correction.

    With z the normal quantile of the confidence, s successes and n in total:
    (s + z²/2 ± z √(s (n - s) / n + z²/4)) / (n + z²). It stays within 0 and 1 and holds for few records and for
    shares near 0 or 1.

    None when the total is 0. InputError when the successes are fewer than 0 or more than the total, or when either
    is not a whole number: a share of amounts of money has no such interval.

    >>> [round(bound, 4) for bound in wilson(81, 263)]
    [0.2553, 0.3662]
    >>> wilson(0, 0) is None
    True
    """
    z = normal_quantile(confidence)
    _check_count("total", total)
    _check_count("successes", successes)
    if successes > total:
        raise InputError(
            f"`successes` must not exceed `total`; got {successes} of {total}. Count both over the same records."
        )
    if total == 0:
        return None
    scale = total + z * z
    centre = (successes + z * z / 2) / scale
    half_width = z * sqrt(successes * (total - successes) / total + z * z / 4) / scale
    # Without a success both terms are z²/2 to the last digit; without a failure their sum is 1, apart from rounding.
    high = centre + half_width if successes < total else 1.0
    return Interval(centre - half_width, high, confidence, "wilson")


def newcombe(
    successes_1: int, total_1: int, successes_2: int, total_2: int, *, confidence: float = 0.95
) -> Interval[float] | None:
    """The interval of the first share minus the second, such as two quarters or two teams; within -1 and 1.

    Newcombe's hybrid score interval (Statistics in Medicine 17, 1998, 873-890, method 10): with p the shares and
    l, u their Wilson bounds, p₁ - p₂ - √((p₁ - l₁)² + (u₂ - p₂)²) to p₁ - p₂ + √((u₁ - p₁)² + (p₂ - l₂)²).

    None when either total is 0. InputError as for `wilson`. The two shares must not share records.

    >>> [round(bound, 4) for bound in newcombe(56, 70, 48, 80)]
    [0.0524, 0.3339]
    >>> newcombe(56, 70, 0, 0) is None
    True
    """
    first = wilson(successes_1, total_1, confidence=confidence)
    second = wilson(successes_2, total_2, confidence=confidence)
    if first is None or second is None:
        return None
    share_1, share_2 = successes_1 / total_1, successes_2 / total_2
    below = sqrt((share_1 - first.low) ** 2 + (second.high - share_2) ** 2)
    above = sqrt((first.high - share_1) ** 2 + (share_2 - second.low) ** 2)
    difference = share_1 - share_2
    return Interval(difference - below, difference + above, confidence, "newcombe")


def student(count: int, mean: float, standard_deviation: float, *, confidence: float = 0.95) -> Interval[float] | None:
    """The interval of a mean, such as an average deal size: mean ± t · standard deviation / √count.

    The standard deviation is that of the sample, with count - 1 in its denominator, and t is Student's quantile with
    count - 1 degrees of freedom. Both bounds have the unit of the mean. When all values are equal, both bounds are
    the mean.

    None below two values. InputError when the mean is not finite or the standard deviation is not finite or negative.

    >>> [round(bound, 3) for bound in student(8, 3.5, 1.4142135623730951)]
    [2.318, 4.682]
    >>> student(1, 3.5, 0.0) is None
    True
    """
    if not _known_spread(count, mean, standard_deviation, confidence):
        return None
    half_width = student_quantile(count - 1, confidence) * standard_deviation / sqrt(count)
    return Interval(mean - half_width, mean + half_width, confidence, "student")


def log_student(
    count: int, mean: float, standard_deviation: float, *, confidence: float = 0.95
) -> Interval[float] | None:
    """The interval of a mean of values that are never below 0, such as deal sizes or response times.

    Such values are skewed: a few large ones dominate the mean, and Student's interval goes below 0 and covers less than
    its confidence. This interval is symmetrical in the logarithm: the mean times and divided by
    exp(t · standard deviation / (mean · √n)). With v = (standard deviation / mean)², t is Student's quantile with
    2n / (6v + 2n / (n - 1)) degrees of freedom, at least 2: those of the variance of n values of a gamma distribution
    (Satterthwaite 1946). Values that vary little have the n - 1 of `student`; skewed ones have fewer, since their
    standard deviation is known less well. Only the count, the sum and the sum of squares are needed.
    `benchmarks/mean_intervals.py` measures its coverage.

    None below two values, and when a bound would be too large for a float. When all values are equal, both bounds are
    the mean. InputError as for `student`, and when the mean is below 0.

    >>> [round(bound, 1) for bound in log_student(10, 250.0, 150.0)]
    [151.3, 413.0]
    >>> [round(bound, 1) for bound in student(10, 250.0, 150.0)]
    [142.7, 357.3]
    """
    if not _known_spread(count, mean, standard_deviation, confidence):
        return None
    if mean < 0:
        raise InputError(f"`mean` must not be below 0 for `log_student`; got {mean!r}. Use `student`.")
    if mean == 0:
        return Interval(0.0, 0.0, confidence, "log student")
    variation = standard_deviation / mean
    degrees = 2 * count / (_GAMMA_KURTOSIS * variation * variation + 2 * count / (count - 1))
    width = student_quantile(max(degrees, _FEWEST_DEGREES), confidence) * variation / sqrt(count)
    if width > _WIDEST:
        return None
    return Interval(mean / exp(width), mean * exp(width), confidence, "log student")


def adjusted_wald(
    promoters: int, passives: int, detractors: int, *, confidence: float = 0.95
) -> Interval[float] | None:
    """The interval of a net promoter score, on its scale of -100 to 100.

    Three quarters of an answer are added to the promoters and to the detractors and one and a half to the passives;
    with p the shares of these n + 3 answers, it is 100 (p₊ - p₋ ± z √((p₊ + p₋ - (p₊ - p₋)²) / (n + 3))), clipped to
    the scale (Rocks, The American Statistician 70, 2016, 365-372). The added answers pull the interval towards 0, so
    that it may exclude the score (at 95 % of a single answer, at a lower confidence of more): it is then widened to
    end at the score.

    None without answers. InputError when a count is negative or not whole.

    >>> [round(bound, 1) for bound in adjusted_wald(50, 30, 20)]
    [14.1, 44.2]
    >>> [round(bound, 1) for bound in adjusted_wald(1, 0, 0)]
    [-48.5, 100.0]
    >>> adjusted_wald(0, 0, 0) is None
    True
    """
    z = normal_quantile(confidence)
    for name, count in {"promoters": promoters, "passives": passives, "detractors": detractors}.items():
        _check_count(name, count)
    answers = promoters + passives + detractors
    if answers == 0:
        return None
    promoter_share = (promoters + 0.75) / (answers + 3)
    detractor_share = (detractors + 0.75) / (answers + 3)
    centre = promoter_share - detractor_share
    half_width = z * sqrt((promoter_share + detractor_share - centre * centre) / (answers + 3))
    score = 100 * (promoters - detractors) / answers
    low, high = min(score, 100 * (centre - half_width)), max(score, 100 * (centre + half_width))
    return Interval(max(-100.0, low), min(100.0, high), confidence, "adjusted wald")


def quantile(sorted_values: Sequence[Value], fraction: float = 0.5) -> Value | None:
    """The value below which a fraction of the values lies; the median by default.

    The quantile is interpolated linearly at position fraction · (count - 1), counted from 0: Excel's PERCENTILE.INC,
    type 7 of Hyndman and Fan. The fraction is taken as it is written: 0.1 is one tenth. Durations are rounded to a
    microsecond, decimals to 28 digits. Between two integers the result is a float.

    The values must be in ascending order, which is not checked. None without values. InputError when the fraction is
    not within 0 and 1, or when one of the two neighbouring values is not finite.

    >>> quantile([1, 2, 3, 10])
    2.5
    >>> quantile([Decimal("1.00"), Decimal("2.00")], 0.9)
    Decimal('1.90')
    """
    _check_fraction(fraction)
    count = len(sorted_values)
    if count == 0:
        return None
    index, weight = quantile_place(count, fraction)
    low = sorted_values[index]
    high = sorted_values[index if weight == 0 else index + 1]
    for value in (low, high):
        if isinstance(value, (float, Decimal)) and not isfinite(value):
            raise InputError(f"`sorted_values` must be finite; got {value!r}. Leave out the values that are not.")
    return low if weight == 0 else _between(low, high, weight)


@lru_cache(maxsize=65536)
def quantile_place(count: int, fraction: float = 0.5) -> tuple[int, Fraction]:
    """The position of a quantile in `count` sorted values: the index of the value below it, and the weight of the next.

    The weight is 0 if the quantile is one of the values.

    >>> quantile_place(4)
    (1, Fraction(1, 2))
    >>> quantile_place(11, 0.9)
    (9, Fraction(0, 1))
    """
    position = Fraction(str(fraction)) * (count - 1)
    index = floor(position)
    return index, position - index


def order_statistics(
    sorted_values: Sequence[Value], fraction: float = 0.5, *, confidence: float = 0.95
) -> Interval[Value] | None:
    """The interval of a median or another quantile, such as a median response time: two of the values themselves.

    The interval assumes nothing about the distribution, and outliers do not widen it. `quantile_ranks` selects the two
    values. The true coverage is at least the confidence, and often somewhat more.

    The values must be in ascending order, which is not checked. None when there are too few of them: a median at 95 %
    needs six. InputError when the fraction is not within 0 and 1.

    >>> tuple(order_statistics([80, 95, 99, 105, 110, 4000]))
    (80, 4000)
    >>> order_statistics([80, 95, 99, 105, 110]) is None
    True
    """
    ranks = quantile_ranks(len(sorted_values), fraction, confidence=confidence)
    if ranks is None:
        return None
    low, high = (sorted_values[rank - 1] for rank in ranks[:2])
    return Interval(low, high, confidence, "order statistics")


@lru_cache(maxsize=65536)
def quantile_ranks(count: int, fraction: float = 0.5, *, confidence: float = 0.95) -> tuple[int, int, float] | None:
    """The ranks of the two sorted values that bound a quantile, counted from 1, and the exact coverage.

    The number of values below the true quantile is binomial. The low rank is the highest, and the high rank the lowest,
    that leaves at most half of 1 - confidence beyond it. The coverage is the probability that the two values enclose
    the quantile of a continuous distribution; it is never below the confidence.

    None when there are too few values, and for the fractions 0 and 1, which no number of values can enclose.
    InputError when the count is negative or not whole, or when the fraction is not within 0 and 1.

    >>> quantile_ranks(10)
    (2, 9, 0.978515625)
    >>> quantile_ranks(5) is None
    True
    """
    check_confidence(confidence)
    _check_fraction(fraction)
    _check_count("count", count)
    below, above = float(fraction), 1 - float(fraction)
    if max(below, above) ** count > tail_limit(confidence):
        return None  # all values may be on one side with too high a probability
    low_rank, low_tail = binomial_rank(int(count), below, above, confidence)
    rank_from_end, high_tail = binomial_rank(int(count), above, below, confidence)
    return low_rank, int(count) + 1 - rank_from_end, 1 - low_tail - high_tail


def _check_fraction(fraction: float) -> None:
    if not 0 <= fraction <= 1:
        raise InputError(f"`fraction` must lie within 0 and 1; got {fraction!r}. Write the 90th percentile as 0.9.")


def _known_spread(count: int, mean: float, standard_deviation: float, confidence: float) -> bool:
    """Whether there are at least two values; then refuse a mean or standard deviation that is not a finite number."""
    check_confidence(confidence)
    _check_count("count", count)
    if count < 2:
        return False
    if not isfinite(mean):
        raise InputError(f"`mean` must be a finite number; got {mean!r}. Leave out the values that are not finite.")
    if not (isfinite(standard_deviation) and standard_deviation >= 0):
        raise InputError(
            f"`standard_deviation` must be a finite number from 0 up; got {standard_deviation!r}. "
            "Take the root of the sample's variance."
        )
    return True


def _check_count(name: str, count: float) -> None:
    if not (count >= 0 and count % 1 == 0):
        raise InputError(
            f"`{name}` must be a whole number from 0 up; got {count!r}. Count records, do not add up amounts."
        )


def _between(low: Value, high: Value, weight: Fraction) -> Value:
    """The value at `weight` of the way from low to high."""
    if isinstance(low, timedelta):
        first, second = low // timedelta.resolution, high // timedelta.resolution  # pyrefly: ignore
        return timedelta(microseconds=round(first + (second - first) * weight))  # pyrefly: ignore
    if isinstance(low, Decimal):
        # In a fixed context, so that the caller's does not change the number.
        with localcontext(_DECIMAL_CONTEXT):
            return low + (high - low) * weight.numerator / weight.denominator
    if isinstance(low, int) and isinstance(high, int):  # dividing whole numbers rounds once, as a fraction does
        return (low * weight.denominator + (high - low) * weight.numerator) / weight.denominator
    return float(Fraction(low) + (Fraction(high) - Fraction(low)) * weight)  # pyrefly: ignore
