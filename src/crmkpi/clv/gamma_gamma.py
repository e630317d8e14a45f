"""Gamma-Gamma: the average value of a customer's purchases, from the few observed ones.

Fader and Hardie 2013, note 025.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress
from operator import mul
from random import Random
from typing import Any, ClassVar, Self

from crmkpi.clv.engine import ColumnLike, Engine, numpy_for
from crmkpi.clv.fitting import Derivatives, maximise, summary
from crmkpi.clv.history import PurchaseHistory, check_history, listed
from crmkpi.clv.model import Model
from crmkpi.clv.special import digamma_and_trigamma, log_beta
from crmkpi.errors import InputError

__all__ = ["GammaGamma"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GammaGamma(Model):
    """The average value of a purchase of each customer, shrunk towards the mean of all.

    A customer's purchases vary around the customer's mean (gamma, shape `p`), and the means vary between customers
    (`q`, and `v` in money). The model assumes that spend is independent of purchase frequency.

    >>> model = GammaGamma(p=6.25, q=3.74, v=15.44)
    >>> round(model.population_mean, 2)
    35.22
    >>> [round(value, 2) for value in model.expected_spend([2, 1, 0], [22.35, 11.77, 0.0])]
    [24.66, 18.92, 35.22]
    """

    kind: ClassVar[str] = "gamma_gamma"
    parameter_names: ClassVar[tuple[str, ...]] = ("p", "q", "v")
    p: float
    q: float
    v: float

    def __post_init__(self) -> None:
        self.check_parameters()

    @classmethod
    def fit(cls, history: PurchaseHistory, *, engine: Engine = "auto") -> Self:
        """The model that makes the mean spend of the repeat customers most likely.

        Customers without a repeat purchase or with a spend of zero or below carry no information about the value of a
        purchase: they are left out, and `fit_summary.left_out` counts them.
        """
        check_history(history)
        if history.spend is None:
            raise InputError("A model of spend needs the mean spend of each customer; this history has none.")
        np = numpy_for(engine)
        rows = _repeaters(history.frequency, history.spend, np)
        used = len(rows[0])
        if used < 2:
            raise InputError(
                f"A model of spend needs at least two customers with a repeat purchase of positive value; got {used} "
                f"among {len(history)}."
            )
        start: Sequence[float] = (2.0, 3.0, 1.0)
        if used > 20_000:
            part = _data([column[:: used // 3000] for column in rows], np)
            start = maximise(
                lambda at: _log_likelihood(part, at), start, scales=part.scales, lowest=_LOWEST, highest=_HIGHEST
            ).in_scale
        data = _data(rows, np)
        optimum = maximise(
            lambda at: _log_likelihood(data, at), start, scales=data.scales, lowest=_LOWEST, highest=_HIGHEST
        )
        fit = summary(optimum, cls.parameter_names, customers=used, left_out=len(history) - used)
        p, q, v = optimum.parameters
        return cls(p=p, q=q, v=v, fit_summary=fit)

    @property
    def population_mean(self) -> float | None:
        """The mean value of a purchase over all customers: p·v / (q - 1); `None` for q ≤ 1, where there is no mean."""
        return self.p * self.v / (self.q - 1) if self.q > 1 else None

    def expected_spend(self, frequency: ColumnLike, spend: ColumnLike, *, engine: Engine = "auto") -> Any:
        """The mean value of each customer's future purchases; customers without one get the population mean.

        An individual mean exists where p·x + q > 1. A single undefined mean is an error, because a partial column would
        mislead.
        """
        np = numpy_for(engine)
        p, q, v = self.parameters
        if np is not None:
            times, mean = np.asarray(frequency, dtype=float), np.asarray(spend, dtype=float)
            times = np.where(mean > 0, times, 0.0)
            self._check_mean(float(times.min(initial=1.0)))
            expected = p * (v + times * np.where(times > 0, mean, 0.0)) / (p * times + q - 1)
            return expected if hasattr(frequency, "tolist") else expected.tolist()
        pairs = list(zip(listed(frequency), listed(spend), strict=True))
        self._check_mean(min((x if mean > 0 else 0 for x, mean in pairs), default=1))
        nobody = self.population_mean or 0.0
        return [p * (v + x * mean) / (p * x + q - 1) if x > 0 < mean else nobody for x, mean in pairs]

    def _check_mean(self, fewest: float) -> None:
        if self.p * fewest + self.q <= 1:
            raise InputError(
                f"This fit has no mean spend for customers with {fewest:g} repeat purchases (p·x + q = "
                f"{self.p * fewest + self.q:.3g} is not above 1); predict for customers with more, or pool more data."
            )

    def refit(self, like: PurchaseHistory, random: Random) -> Self:
        """Refit the model to customers that it simulates, with the frequencies of `like`."""
        spend = []
        for x in listed(like.frequency):
            rate = random.gammavariate(self.q, 1 / self.v)
            spend.append(random.gammavariate(self.p * x, 1 / (rate * x)) if x else 0.0)
        return self.fit(PurchaseHistory(like.frequency, like.recency, like.age, like.unit, spend))


_LOWEST, _HIGHEST = 1e-7, 1e7


@dataclass(frozen=True, slots=True, eq=False)
class _Data:
    """The repeat customers: their numbers by x purchases, y = x·spend, and the sums that do not depend on parameters.

    `totals` are the y, by x for the standard library and as one array next to `times` for numpy.
    """

    counts: dict[float, int]
    mean: float
    times: Any
    totals: Any
    sum_times: float
    sum_log: float
    sum_times_log: float
    numpy: Any

    @property
    def scales(self) -> tuple[float, float, float]:
        """The scale of p, q and v: v scales with the mean spend."""
        return 1.0, 1.0, self.mean


def _repeaters(frequency: ColumnLike, spend: ColumnLike, np: Any) -> Sequence[Any]:
    if np is not None:
        times, mean = np.asarray(frequency, dtype=float), np.asarray(spend, dtype=float)
        if not np.isfinite(mean).all():
            raise InputError("Mean spend must be finite for each customer; got a value that is not.")
        kept = (times > 0) & (mean > 0)
        return times[kept], mean[kept]
    times, mean = listed(frequency), listed(spend)
    if not all(map(math.isfinite, mean)):
        raise InputError("Mean spend must be finite for each customer; got a value that is not.")
    kept = [x > 0 < value for x, value in zip(times, mean, strict=True)]
    return list(compress(times, kept)), list(compress(mean, kept))


def _data(rows: Sequence[Any], np: Any) -> _Data:
    times, mean = rows
    if np is not None:
        values, counts = np.unique(times, return_counts=True)
        totals = times * mean
        tally = dict(zip(values.tolist(), counts.tolist(), strict=True))
        sums = float(times.sum()), float(np.log(mean).sum()), float((times * np.log(totals)).sum())
        return _Data(tally, float(mean.mean()), times, totals, *sums, np)
    groups: dict[float, list[float]] = {}
    for x, value in zip(times, mean, strict=True):
        groups.setdefault(x, []).append(x * value)
    tally = {x: len(totals) for x, totals in groups.items()}
    logs = {x: sum(map(math.log, totals)) for x, totals in groups.items()}
    sum_log = sum(logs.values()) - sum(count * math.log(x) for x, count in tally.items())
    sum_times_log = sum(x * value for x, value in logs.items())
    return _Data(tally, sum(mean) / len(mean), None, groups, sum(times), sum_log, sum_times_log, None)


def _log_likelihood(data: _Data, parameters: Sequence[float]) -> Derivatives:
    """Σ -ln B(px, q) - ln m - p Σ x ln((v + y)/y) - q Σ ln((v + y)/v), with its gradient and its Hessian."""
    p, q, v = parameters
    value, g_p, g_q = -data.sum_log, 0.0, 0.0
    pp = pq = qq = 0.0
    first_q, second_q = digamma_and_trigamma(q)
    customers = 0
    for x, count in data.counts.items():
        customers += count
        value -= count * log_beta(p * x, q)
        first_px, second_px = digamma_and_trigamma(p * x)
        first, second = digamma_and_trigamma(p * x + q)
        g_p += count * x * (first - first_px)
        g_q += count * (first - first_q)
        pp += count * x * x * (second - second_px)
        pq += count * x * second
        qq += count * (second - second_q)
    (logs, inverse, square), (times_logs, times_inverse, times_square) = _sums(data, v)
    times_logs += data.sum_times * math.log(v) - data.sum_times_log
    value -= p * times_logs + q * logs
    # d/dv of Σ (px + q) ln(v + y) - q ln v, and so on
    gradient = [g_p - times_logs, g_q - logs, q * customers / v - p * times_inverse - q * inverse]
    curve_vv = p * times_square + q * square - q * customers / (v * v)
    qv = customers / v - inverse
    return value, gradient, [[pp, pq, -times_inverse], [pq, qq, qv], [-times_inverse, qv, curve_vv]]


def _sums(data: _Data, v: float) -> Sequence[Sequence[float]]:
    """Σ ln(1 + y/v), Σ 1/(v + y) and Σ 1/(v + y)², plain and weighted with x."""
    if data.numpy is not None:
        np = data.numpy
        inverse = 1 / (v + data.totals)
        columns = np.log1p(data.totals / v), inverse, inverse * inverse
        # einsum and not `@`: the threads of BLAS cost more than they save here, and round differently by machine
        return [float(column.sum()) for column in columns], [
            float(np.einsum("i,i->", data.times, column)) for column in columns
        ]
    plain, weighted = [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]
    rate = 1 / v
    for x, totals in data.totals.items():
        parts = [1 / (v + y) for y in totals]
        sums = sum(map(math.log1p, [rate * y for y in totals])), sum(parts), sum(map(mul, parts, parts))
        for i, part in enumerate(sums):
            plain[i] += part
            weighted[i] += x * part
    return plain, weighted
