"""Leading series: correlations of the changes of two series at several lags, and their p-values.

Two series that rise, or that have a season, are correlated whatever they measure. So both are differenced first (also
against the year before, if both have a season), and the p-value uses the effective sample size, since autocorrelated
values carry less information: n (1 - r₁ r₁') / (1 + r₁ r₁'), with the autocorrelations of both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import atanh, sqrt, tanh

from crmkpi.statistics.control_limits import autocorrelation
from crmkpi.statistics.distributions import normal_quantile, student_tails
from crmkpi.statistics.forecasting import seasonal
from crmkpi.statistics.intervals import Interval

__all__ = ["FEWEST_PAIRS", "Correlated", "correlated", "differenced", "has_season"]

FEWEST_PAIRS = 24
# A season counts from half its weight on, since every second series without a season has a weight above 0.
_SEASON = 0.5
_CERTAIN = 1 - 1e-12


@dataclass(frozen=True, slots=True)
class Correlated:
    """The correlation of two series of changes at one lag, over `pairs` pairs with an `effective` sample size.

    `stable` says that the sign is the same in both halves.
    """

    lag: int
    correlation: float
    pairs: int
    effective: float
    p_value: float
    stable: bool

    def interval(self, confidence: float = 0.95) -> Interval[float] | None:
        """The interval of the correlation, by Fisher's z; None for fewer than four values."""
        if self.effective <= 3:
            return None
        middle = atanh(max(-_CERTAIN, min(_CERTAIN, self.correlation)))
        half = normal_quantile(confidence) / sqrt(self.effective - 3)
        return Interval(tanh(middle - half), tanh(middle + half), confidence, "normal")


def has_season(values: Sequence[float], length: int | None) -> bool:
    """Whether the years of a series agree on a season; False below two years, which cannot show one."""
    if length is None or len(values) < 2 * length or len(set(values)) == 1:
        return False
    return seasonal(values, length).weight > _SEASON


def differenced(values: Sequence[float], season: int | None) -> list[float]:
    """The changes from each value to the next; with a season, of the differences to the year before.

    >>> differenced([1, 3, 6, 10], None), differenced([1, 5, 2, 7], 2)
    ([2, 3, 4], [1])
    """
    known = list(values)
    if season is not None:
        known = [later - earlier for earlier, later in zip(known, known[season:], strict=False)]
    return [later - earlier for earlier, later in pairwise(known)]


def correlated(leader: Sequence[float], follower: Sequence[float], lag: int) -> Correlated | None:
    """The correlation of the follower with the leader `lag` values before; None for fewer than 24 pairs.

    >>> waves = [(7 * n * n) % 23 - 11 for n in range(40)]
    >>> found = correlated(waves, [0, 0, *waves[:-2]], 2)
    >>> round(found.correlation, 6), found.pairs, found.stable
    (1.0, 38, True)
    """
    first, second = list(leader)[: len(leader) - lag], list(follower)[lag:]
    pairs = len(first)
    if pairs < FEWEST_PAIRS:
        return None
    found = _correlation(first, second)
    if found is None:
        return Correlated(lag, 0.0, pairs, float(pairs), 1.0, stable=False)
    follows = autocorrelation(first) * autocorrelation(second)
    effective = min(float(pairs), pairs * (1 - follows) / (1 + follows))
    half = pairs // 2
    halves = _correlation(first[:half], second[:half]), _correlation(first[half:], second[half:])
    stable = all(one is not None and one * found > 0 for one in halves)
    if effective <= 3:
        return Correlated(lag, found, pairs, effective, 1.0, stable)
    if abs(found) >= _CERTAIN:
        return Correlated(lag, found, pairs, effective, 0.0, stable)
    t = found * sqrt((effective - 2) / (1 - found * found))
    return Correlated(lag, found, pairs, effective, student_tails(t, effective - 2), stable)


def _correlation(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Pearson's correlation; None if a side does not vary."""
    one, two = sum(first) / len(first), sum(second) / len(second)
    across = sum((a - one) ** 2 for a in first) * sum((b - two) ** 2 for b in second)
    if not across:
        return None
    return sum((a - one) * (b - two) for a, b in zip(first, second, strict=True)) / sqrt(across)
