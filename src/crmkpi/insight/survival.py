"""Survival analysis of customers, deals and tickets; unfinished ones are censored.

Kaplan and Meier 1958; variances after Greenwood 1926; intervals on the scale ln(-ln S), which keeps them in 0 to 1.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, compress, islice
from math import erfc, exp, inf, isfinite, log, sqrt
from operator import lt, mul, sub
from statistics import NormalDist
from typing import Any

from crmkpi._hooks import hook
from crmkpi.clv.engine import Engine, numpy_for
from crmkpi.errors import InputError, ParameterError
from crmkpi.insight.durations import (
    Durations,
    customer_durations,
    deal_durations,
    mean_lifetime,
    subscription_durations,
    ticket_durations,
)
from crmkpi.tabular import Tabular

__all__ = [
    "Durations",
    "LogRank",
    "MeanLifetime",
    "QuantileTime",
    "SurvivalCurve",
    "SurvivalPoint",
    "chi_square_tail",
    "customer_durations",
    "deal_durations",
    "kaplan_meier",
    "log_rank",
    "mean_lifetime",
    "subscription_durations",
    "ticket_durations",
]


_MANY = 10_000  # durations; for fewer, numpy is not worth its import


_survival_chart: Callable[..., Any] = hook("survival_chart")


@dataclass(frozen=True, slots=True)
class SurvivalPoint:
    """The share that lasts longer than `time`, with its standard error and interval."""

    time: float
    survival: float
    standard_error: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class QuantileTime:
    """The time by which a share has ended; `None` where the curve, or the band, does not fall that far."""

    time: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class MeanLifetime:
    """The mean time within a horizon, with the standard error of the estimate."""

    value: float
    standard_error: float
    horizon: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class SurvivalCurve(Tabular):
    """The survival curve: at each of `times`, the numbers at risk and ended, and the share that lasts longer."""

    times: tuple[float, ...]
    at_risk: tuple[int, ...]
    ends: tuple[int, ...]
    survival: tuple[float, ...]
    variance_sums: tuple[float, ...]
    unit: str
    confidence: float
    count: int
    left_out: tuple[tuple[str, int], ...] = ()

    @property
    def last_time(self) -> float:
        """The longest duration seen; beyond it the data say nothing."""
        return self.times[-1]

    def at(self, time: float) -> SurvivalPoint:
        """The share that lasts longer than `time`."""
        if not 0 <= time <= self.last_time:
            raise ParameterError(
                f"`time` must lie between 0 and the longest duration seen, {self.last_time:g} {self.unit}; "
                f"got {time!r}."
            )
        place = bisect_right(self.times, time) - 1
        if place < 0:
            return SurvivalPoint(time, 1.0, 0.0, 1.0, 1.0)
        survival, spread = self.survival[place], self.variance_sums[place]
        low, high = self._band(place)
        error = survival * sqrt(spread) if survival > 0 else 0.0
        return SurvivalPoint(time, survival, error, low, high)

    def points(self) -> list[SurvivalPoint]:
        """The whole curve with its band, one point per time."""
        return [self.at(time) for time in self.times]

    def to_dicts(self) -> list[dict[str, Any]]:
        """One dict per time: the numbers at risk and ended, and the share that lasts longer, with its band."""
        return [
            {
                "time": point.time,
                "at_risk": at_risk,
                "ends": ends,
                "survival": point.survival,
                "low": point.low,
                "high": point.high,
            }
            for point, at_risk, ends in zip(self.points(), self.at_risk, self.ends, strict=True)
        ]

    def chart(self) -> Any:
        """The curve with its band, as an Altair chart; it needs the extra `plot`."""
        return _survival_chart(self)

    def __repr__(self) -> str:
        return f"<SurvivalCurve of {self.count:,} durations up to {self.last_time:g} {self.unit}>"

    def _band(self, place: int) -> tuple[float, float]:
        survival = self.survival[place]
        if survival in (0.0, 1.0):
            return survival, survival
        slope = log(survival)
        reach = _normal(self.confidence) * sqrt(self.variance_sums[place]) / -slope
        return exp(slope * exp(reach)), exp(slope * exp(-reach))

    def quantile(self, share: float) -> QuantileTime:
        """The first time by which at least `share` has ended, with the interval from inverting the band.

        >>> curve = kaplan_meier(Durations([1, 2, 3, 4], [True] * 4))
        >>> curve.quantile(0.5).time
        2
        """
        if not 0 < share < 1:
            raise ParameterError(f"`share` must lie between 0 and 1; got {share!r}.")
        left = 1 - share + 1e-12
        time = low = high = None
        for place, moment in enumerate(self.times):
            band = self._band(place)
            low = moment if low is None and band[0] <= left else low
            time = moment if time is None and self.survival[place] <= left else time
            if band[1] <= left:
                high = moment
                break
        return QuantileTime(time, low, high)

    @property
    def median(self) -> QuantileTime:
        """The first time by which half has ended; undefined (`None`) while more than half lasts."""
        return self.quantile(0.5)

    def restricted_mean(self, horizon: float, *, after: float = 0.0) -> MeanLifetime:
        """The mean time within `horizon`: the area under the curve, with Greenwood's standard error.

        With `after`, the mean remaining time, up to `horizon`, of all that last longer than `after`. From 0 it is the
        mean of all, including durations of 0.

        >>> curve = kaplan_meier(Durations([2, 4, 4], [True, True, False]))
        >>> round(curve.restricted_mean(4).value, 6)
        3.333333
        >>> kaplan_meier(Durations([0, 10], [True, True])).restricted_mean(10).value
        5.0
        """
        if not (isfinite(horizon) and 0 <= after < horizon <= self.last_time):
            raise ParameterError(
                f"`horizon` must lie beyond {after:g} and at or before the longest duration seen, {self.last_time:g} "
                f"{self.unit}; got {horizon!r}."
            )
        start = self.at(after).survival if after else 1.0
        if start == 0:
            raise InputError(f"Nobody lasts longer than {after:g} {self.unit}, so no time is left to expect.")
        area = variance = 0.0
        end = horizon
        for place in reversed(range(len(self.times))):
            time = self.times[place]
            if time >= horizon:
                continue
            if time <= after and after:
                break
            area += (end - time) * self.survival[place] / start
            end = time
            rest = self.at_risk[place] - self.ends[place]
            if self.ends[place] and rest:
                variance += area * area * self.ends[place] / (self.at_risk[place] * rest)
        area += end - after
        error = sqrt(variance)
        reach = _normal(self.confidence) * error
        return MeanLifetime(area, error, horizon, max(area - reach, 0.0), min(area + reach, horizon - after))

    def remaining_life(self, after: float, *, horizon: float) -> MeanLifetime:
        """The expected remaining time, up to `horizon`, of a customer who has already stayed for `after`."""
        return self.restricted_mean(horizon, after=after)


@dataclass(frozen=True, slots=True)
class LogRank:
    """The test whether groups end at different speeds: the statistic, its degrees of freedom, and the p-value."""

    statistic: float
    degrees_of_freedom: int
    p_value: float
    observed: dict[Any, int]
    expected: dict[Any, float]


def kaplan_meier(durations: Durations, *, confidence: float = 0.95, engine: Engine = "auto") -> SurvivalCurve:
    """The Kaplan-Meier survival curve of durations, some of them censored.

    `engine="auto"` uses numpy, if installed, for arrays and for long lists; the curve is the same.

    >>> curve = kaplan_meier(Durations([2, 3, 3, 5], [True, True, False, False]))
    >>> [round(share, 3) for share in curve.survival]
    [0.75, 0.5, 0.5]
    """
    if not isinstance(durations, Durations):
        raise InputError(
            f"A survival curve is made of Durations, such as customer_durations(customers, as_of=...); got "
            f"{type(durations).__name__}."
        )
    if not 0 < confidence < 1:
        raise ParameterError(f"`confidence` must lie between 0 and 1; got {confidence!r}.")
    if len(durations) == 0:
        raise InputError("A survival curve needs at least one duration; got none.")
    worthwhile = engine != "auto" or hasattr(durations.durations, "tolist") or len(durations) >= _MANY
    np = numpy_for(engine) if worthwhile else None
    table = _life_table(durations) if np is None else _life_table_of_arrays(durations, np)
    times, at_risk, ends, survival, sums = (tuple(column) for column in table)
    return SurvivalCurve(
        times,
        at_risk,
        ends,
        survival,
        sums,
        durations.unit,
        confidence,
        len(durations),
        tuple(durations.left_out.items()),
    )


def _life_table(durations: Durations) -> Sequence[Sequence[Any]]:
    """Times, at risk, ended, survival and Greenwood's sum, for lists."""
    lasting, over_or_not, entries = (
        _as_list(column) for column in (durations.durations, durations.ended, durations.entries)
    )
    times, leaving, ends = _tally(lasting, over_or_not)
    if entries is None:
        at_risk = list(accumulate(leaving[:-1], sub, initial=len(lasting)))
    else:
        for entry, length in zip(entries, lasting, strict=True):
            _check_entry(entry, length)
        arrived, gone = sorted(entries), accumulate(leaving, initial=0)
        at_risk = [bisect_left(arrived, time) - left for time, left in zip(times, gone, strict=False)]
    steps = [1 - over / waiting if over else 1.0 for over, waiting in zip(ends, at_risk, strict=True)]
    terms = [
        (over / (waiting * (waiting - over)) if waiting > over else inf) if over else 0.0
        for over, waiting in zip(ends, at_risk, strict=True)
    ]
    return times, at_risk, ends, list(accumulate(steps, mul)), list(accumulate(terms))


def _tally(lasting: list[float], over_or_not: list[bool]) -> tuple[list[float], list[int], list[int]]:
    """The distinct times in order, the number of durations of each, and the number of those that ended."""
    if len(set(lasting[:_MANY])) == min(len(lasting), _MANY):  # likely all distinct: sorting beats counting
        times = sorted(lasting)
        if all(map(lt, times, islice(times, 1, None))):  # strictly ascending, hence distinct and without NaN
            _check(times[0], times[-1], finite=isfinite(times[-1]))
            ended_at = iter(sorted(compress(lasting, over_or_not)))
            following = next(ended_at, None)
            ends = []
            for time in times:
                if time == following:
                    ends.append(1)
                    following = next(ended_at, None)
                else:
                    ends.append(0)
            return times, [1] * len(times), ends
    everything, ended = Counter(lasting), Counter(compress(lasting, over_or_not))
    times = sorted(everything)
    _check(times[0], times[-1], finite=all(map(isfinite, times)))
    return times, [everything[time] for time in times], [ended[time] for time in times]


def _life_table_of_arrays(durations: Durations, np: Any) -> Sequence[Sequence[Any]]:
    """The columns of `_life_table`, computed with numpy."""
    lasting = np.asarray(durations.durations, dtype=float)
    order = np.sort(lasting)
    first = np.flatnonzero(np.concatenate(([True], order[1:] != order[:-1])))
    times = order[first]
    _check(times[0].item(), times[-1].item(), finite=bool(np.isfinite(times).all()))
    over = np.sort(lasting[np.asarray(durations.ended, dtype=bool)])
    places = np.searchsorted(over, times, "left")
    ends = np.diff(places, append=len(over))
    if durations.entries is None:
        at_risk = len(order) - first
    else:
        entries = np.asarray(durations.entries, dtype=float)
        wrong = np.flatnonzero(~((entries >= 0) & (entries < lasting)))
        if len(wrong):
            _check_entry(entries[wrong[0]].item(), lasting[wrong[0]].item())
        at_risk = np.searchsorted(np.sort(entries), times, "left") - first
    survival = np.cumprod(np.where(ends > 0, 1 - ends / np.maximum(at_risk, 1), 1.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        sums = np.cumsum(np.where(ends > 0, ends / (at_risk.astype(float) * (at_risk - ends)), 0.0))
    return [column.tolist() for column in (times, at_risk, ends, survival, sums)]


def _check(shortest: float, longest: float, *, finite: bool) -> None:
    if not (finite and shortest >= 0):
        raise InputError(f"Durations must be finite and not negative; got {shortest!r} to {longest!r}.")


def _check_entry(entry: float, length: float) -> None:
    if not 0 <= entry < length:
        raise InputError(
            f"A delayed entry must be before the end of its duration: {entry!r} is not between 0 and {length!r}."
        )


def _as_list(column: Any) -> Any:
    return column.tolist() if hasattr(column, "tolist") else column


def log_rank(groups: Mapping[Any, Durations]) -> LogRank:
    """Test whether groups end at the same speed; `p_value` is the probability of so large a statistic by chance.

    >>> fast, slow = Durations([1, 2, 3, 4], [True] * 4), Durations([7, 8, 9, 9], [True] * 4)
    >>> log_rank({"fast": fast, "slow": slow}).p_value < 0.01
    True
    """
    if not isinstance(groups, Mapping):
        raise InputError(
            f"A log-rank test compares groups by name, such as {{'monthly': ..., 'yearly': ...}}; got "
            f"{type(groups).__name__}."
        )
    if len(groups) < 2:
        raise InputError(f"A log-rank test compares at least two groups; got {len(groups)}.")
    curves = {name: kaplan_meier(durations) for name, durations in groups.items()}
    names = list(curves)
    risk = {name: _Risk(groups[name]) for name in names}
    size = len(names)
    observed, expected = [0] * size, [0.0] * size
    covariance = [[0.0] * size for _ in names]
    ends_at = [dict(zip(curves[name].times, curves[name].ends, strict=True)) for name in names]
    for time in sorted({time for ends in ends_at for time, count in ends.items() if count}):
        ends = [there.get(time, 0) for there in ends_at]
        waiting = [risk[name].at(time) for name in names]
        over, everyone = sum(ends), sum(waiting)
        for i in range(size):
            observed[i] += ends[i]
            expected[i] += over * waiting[i] / everyone
        if everyone > 1:
            factor = over * (everyone - over) / (everyone - 1) / everyone
            for i in range(size):
                for j in range(size):
                    covariance[i][j] += factor * waiting[i] * ((i == j) - waiting[j] / everyone)
    gap = [observed[i] - expected[i] for i in range(size - 1)]
    statistic = _quadratic([row[:-1] for row in covariance[:-1]], gap)
    return LogRank(
        statistic,
        size - 1,
        chi_square_tail(statistic, size - 1),
        dict(zip(names, observed, strict=True)),
        dict(zip(names, expected, strict=True)),
    )


class _Risk:
    """The number at risk just before a time."""

    def __init__(self, durations: Durations) -> None:
        self.lasting = sorted(_as_list(durations.durations))
        self.entries = sorted(_as_list(durations.entries)) if durations.entries is not None else None

    def at(self, time: float) -> int:
        below = _count_below(self.lasting, time)
        entered = len(self.lasting) if self.entries is None else _count_below(self.entries, time)
        return entered - below


def _count_below(ordered: list[float], value: float) -> int:
    low, high = 0, len(ordered)
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if ordered[middle] < value else (low, middle)
    return low


def _quadratic(matrix: list[list[float]], vector: list[float]) -> float:
    """The vector times the inverse of the matrix times the vector, by elimination."""
    rows = [[*row, value] for row, value in zip(matrix, vector, strict=True)]
    size = len(rows)
    total = 0.0
    for i in range(size):
        if rows[i][i] <= 1e-14:
            raise InputError("The groups never overlap in time, so their speeds cannot be compared.")
        total += rows[i][size] ** 2 / rows[i][i]
        for k in range(i + 1, size):
            ratio = rows[k][i] / rows[i][i]
            rows[k] = [a - ratio * b for a, b in zip(rows[k], rows[i], strict=True)]
    return total


def chi_square_tail(statistic: float, degrees: int) -> float:
    """The probability that a chi-square variable with `degrees` exceeds `statistic`.

    >>> round(chi_square_tail(3.841459, 1), 6)
    0.05
    """
    half = statistic / 2
    if degrees % 2:
        tail, term, k = erfc(sqrt(half)), 2 * sqrt(half / 3.141592653589793) * exp(-half), 1
    else:
        tail, term, k = exp(-half), half * exp(-half), 2
    while k < degrees:
        tail += term
        k += 2
        term *= statistic / k
    return min(tail, 1.0)


def _normal(confidence: float) -> float:
    return NormalDist().inv_cdf(0.5 + confidence / 2)
