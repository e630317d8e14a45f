"""BG/NBD and MBG/NBD: customers buy at random and may leave for good right after a purchase.

Fader, Hardie and Lee 2005 (BG/NBD); Batislam, Denizel and Filiztekin 2007 (MBG/NBD).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any, ClassVar, Self

from crmkpi.clv.beta_geometric import Data, log_likelihood
from crmkpi.clv.engine import ColumnLike, Engine
from crmkpi.clv.fitting import maximise, maximise_from, summary
from crmkpi.clv.history import PurchaseHistory, check_history, listed, patterns_of
from crmkpi.clv.purchases import Pairs, PurchaseModel
from crmkpi.clv.special import evaluate_smooth, log_beta, mean_inverse_dropout, negative_binomial_tail
from crmkpi.clv.time import Span, as_span
from crmkpi.errors import InputError, ParameterError

__all__ = ["BgNbd", "MbgNbd"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _BetaGeometric(PurchaseModel):
    """The base of BG/NBD and MBG/NBD; `chances` is the number of times a new customer could already have left."""

    chances: ClassVar[int]
    parameter_names: ClassVar[tuple[str, ...]] = ("r", "alpha", "a", "b")
    r: float
    alpha: float
    a: float
    b: float

    def __post_init__(self) -> None:
        self.check_parameters()

    @classmethod
    def fit(cls, history: PurchaseHistory, *, engine: Engine = "auto") -> Self:
        """The model that makes `history` most likely; the same history gives the same model in any order.

        It never fails on possible data: if the maximum is at infinity, `fit_summary.weaknesses` says so.
        """
        check_history(history)
        if len(history) < 2:
            raise InputError("A purchase model needs at least two customers; got one.")
        patterns = patterns_of(history, engine)
        data = Data.of(patterns, cls.chances)
        if data.purchases == 0:
            raise InputError(
                f"None of the {len(history)} customers bought again, so buying and leaving cannot be distinguished; "
                "observe them for longer."
            )
        scales = (1.0, data.mean_age, 1.0, 1.0)
        start: Sequence[float] = (0.5, 0.2, 1.0, 3.0)
        if len(patterns.age) > 20_000:
            part = Data.of(patterns, cls.chances, every=len(patterns.age) // 3000)
            start = maximise(lambda at: log_likelihood(part, at), start, scales=scales).in_scale
        starts = (start, (*start[:2], 0.001, 0.01), (*start[:2], 30.0, 100.0))
        optimum = maximise_from(lambda at: log_likelihood(data, at), starts, scales=scales)
        r, alpha, a, b = optimum.parameters
        fit = summary(optimum, cls.parameter_names, customers=len(history))
        return cls(r=r, alpha=alpha, a=a, b=b, unit=history.unit, fit_summary=fit)

    def alive_of_patterns(self, frequency: Any, recency: Any, age: Any, numpy: Any) -> Any:
        """P(alive) for columns of patterns."""
        if numpy is not None:
            alive = self._alive(frequency + (1.0 - self.chances) * (frequency == 0), recency, age, numpy)
            return alive if self.chances else numpy.where(frequency == 0, 1.0, alive)
        return [
            self._alive(x, t, end, math) if x or self.chances else 1.0
            for x, t, end in zip(frequency, recency, age, strict=True)
        ]

    def _alive(self, frequency: Any, recency: Any, age: Any, module: Any) -> Any:
        odds = module.log((self.b + (frequency + self.chances - 1)) / self.a) - (self.r + frequency) * module.log1p(
            (age - recency) / (self.alpha + recency)
        )
        stay = module.exp(odds)
        return stay / (1 + stay)

    def purchases_of_pairs(self, pairs: Pairs, times: Sequence[float], weights: Sequence[float]) -> Any:
        """For each (frequency, age), the weighted sum over `times` of the expected purchases if alive."""
        top = self.a + self.b + self.chances - 1 - self.r
        oldest_share = max(times) / (self.alpha + float(min(pairs.age)) + max(times))
        quick = self.a < 10 and -5 < top < 200 and oldest_share < _SERIES_LIMIT
        if pairs.numpy is not None and quick:
            return self._purchases_of_arrays(pairs, times, weights)
        totals = [0.0] * len(pairs.age)
        groups: dict[float, list[int]] = {}
        for i, frequency in enumerate(listed(pairs.frequency)):
            groups.setdefault(frequency, []).append(i)
        ages = listed(pairs.age)
        weighted = list(zip(times, weights, strict=True))
        for frequency, members in groups.items():
            series = self._series(frequency, oldest_share) if quick else None
            ahead = partial(self._ahead, frequency, weighted, series)
            for i, total in zip(members, evaluate_smooth(ahead, [ages[i] for i in members], -self.alpha), strict=True):
                totals[i] = total
        return totals if pairs.numpy is None else pairs.numpy.asarray(totals)

    def _ahead(
        self, frequency: float, weighted: Sequence[tuple[float, float]], series: list[float] | None, age: float
    ) -> float:
        """The weighted sum of the expected purchases within each time, if alive.

        E = -C (e^(εL) - 1)/ε - e^(εL) Σ c_k z^k, with ε = a - 1, L = ln(1 - z) and z = t/(α+T+t): no pole at a = 1.
        """
        base, epsilon, total = self.alpha + age, self.a - 1, 0.0
        c = self.a + self.b + frequency + self.chances - 1
        for time, weight in weighted:
            if series is None:
                each = mean_inverse_dropout(self.r + frequency, time / base, self.a, self.b + frequency + self.chances)
            else:
                z = time / (base + time)
                length = math.log1p(-z)
                rest = 0.0
                for coefficient in series[_terms(z, len(series)) :]:
                    rest = rest * z + coefficient
                growth = math.expm1(epsilon * length) / epsilon if epsilon else length
                each = -c * growth - math.exp(epsilon * length) * rest * z
            total += weight * each
        return total

    def _series(self, frequency: float, largest: float) -> list[float]:
        """The coefficients c_k, highest first, up to the last one that matters at z = `largest`."""
        top = self.a + self.b + self.chances - 1 - self.r
        bottom = self.a + self.b + frequency + self.chances
        coefficients, term, size, k = [], top, abs(top) * largest, 1
        greatest = size
        while size > 1e-17 * greatest or k < 3:
            coefficients.append(term)
            term *= (top + k) * (self.a + k - 1) / ((bottom + k - 1) * (k + 1))
            k += 1
            size = abs(term) * largest**k
            greatest = max(greatest, size)
        return coefficients[::-1]

    def _purchases_of_arrays(self, pairs: Pairs, times: Sequence[float], weights: Sequence[float]) -> Any:
        """`_ahead` for all pairs and times at once, with numpy."""
        np = pairs.numpy
        ends = np.asarray(times)[:, None]
        z = ends / (self.alpha + pairs.age + ends)
        top = self.a + self.b + self.chances - 1 - self.r
        bottom = self.a + self.b + self.chances + pairs.frequency
        epsilon, length = self.a - 1, np.log1p(-z)
        growth = np.expm1(epsilon * length) / epsilon if epsilon else length
        ahead = -(bottom - 1) * growth
        term, total, k, active = top * z, np.zeros_like(z), 1, 0
        greatest = np.abs(term).max(axis=1)
        while active < len(times):
            total[active:] += term[active:]
            term[active:] *= z[active:] * ((top + k) * (self.a + k - 1) / (k + 1) / (bottom + (k - 1)))
            k += 1
            if k % 4 == 0:  # times ascend, so the shortest need the fewest terms
                size = np.abs(term).max(axis=1)
                greatest = np.maximum(greatest, size)
                while active < len(times) and size[active] <= 1e-17 * greatest[active]:
                    active += 1
        ahead -= np.exp(epsilon * length) * total
        return (ahead * np.asarray(weights)[:, None]).sum(axis=0)

    def silence_if_alive(self, frequency: float, age: float, time: float) -> float:
        """The probability that an alive customer buys nothing within `time`."""
        return math.exp(-(self.r + frequency) * math.log1p(time / (self.alpha + age)))

    def expected_purchases_of_new_customer(self, horizon: Span) -> float:
        """The repeat purchases of someone who has just bought for the first time.

        >>> model = BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426, unit="weeks")
        >>> round(model.expected_purchases_of_new_customer(Span(52, "weeks")), 4)
        1.4461
        """
        time = as_span(horizon, "horizon").to(self.unit)
        alive = self.b / (self.a + self.b) if self.chances else 1.0
        return float(alive * self.purchases_of_pairs(Pairs([0], [0.0], [0], None), [time], [1.0])[0])

    def probability_of_purchases(self, n: int, horizon: Span) -> float:
        """The probability that someone who has just bought for the first time makes `n` repeat purchases.

        >>> model = BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426, unit="weeks")
        >>> round(model.probability_of_purchases(0, Span(39, "weeks")), 6)
        0.573786
        """
        if n < 0 or n != int(n):
            raise ParameterError(f"`n` must be a whole number of purchases, 0 or more; got {n!r}.")
        time = as_span(horizon, "horizon").to(self.unit)
        exactly, at_least = negative_binomial_tail(n, self.r, time / (self.alpha + time))
        start = log_beta(self.a, self.b)
        kept = math.exp(log_beta(self.a, self.b + n + self.chances) - start)
        if n + self.chances == 0:
            return kept * exactly
        left = math.exp(log_beta(self.a + 1, self.b + n + self.chances - 1) - start)
        return kept * exactly + left * at_least

    def refit(self, like: PurchaseHistory, random: Random) -> Self:
        """Refit the model to customers that it simulates, with the ages of `like`."""
        return self.fit(self.simulate(like.age, random))

    def simulate(self, ages: ColumnLike, random: Random) -> PurchaseHistory:
        """Random customers of this model, one for each age."""
        rows = []
        for age in listed(ages):
            rate = random.gammavariate(self.r, 1 / self.alpha)
            leaving = random.betavariate(self.a, self.b)
            frequency, recency, moment = 0, 0.0, 0.0
            alive = not (self.chances and random.random() < leaving)
            while alive and rate > 0:
                moment += random.expovariate(rate)
                if moment > age:
                    break
                frequency, recency = frequency + 1, moment
                alive = random.random() >= leaving
            rows.append((frequency, recency, age))
        return PurchaseHistory.of(rows, unit=self.unit)


_SERIES_LIMIT = 0.9


def _terms(z: float, known: int) -> int:
    """The number of highest coefficients that do not matter at `z`: they would add less than 1e-17 of the sum."""
    return max(0, known - 8 + int(40 / math.log(z)))


@dataclass(frozen=True, slots=True, kw_only=True)
class BgNbd(_BetaGeometric):
    """Customers buy at random until, after some purchase, they leave unseen.

    Each customer has a purchase rate (gamma, shape `r`, `alpha` in the unit of time) and a probability of leaving after
    each *repeat* purchase (beta, `a` and `b`). A customer without a repeat purchase is alive with certainty, a property
    of this model that `MbgNbd` does not have.

    >>> history = PurchaseHistory.of([(2, 30.4, 38.9), (0, 0, 38.9), (5, 20.0, 30.0), (1, 1.7, 38.9)], unit="weeks")
    >>> model = BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426, unit="weeks")
    >>> [round(chance, 3) for chance in model.probability_alive(history)]
    [0.726, 1.0, 0.573, 0.212]
    """

    kind: ClassVar[str] = "bg_nbd"
    chances: ClassVar[int] = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MbgNbd(_BetaGeometric):
    """BG/NBD, except that a customer may also leave right after the first purchase.

    A customer without a repeat purchase is therefore not alive with certainty.

    >>> model = MbgNbd(r=0.525, alpha=6.183, a=0.891, b=1.614, unit="weeks")
    >>> history = PurchaseHistory.of([(0, 0, 38.86)], unit="weeks")
    >>> [round(chance, 6) for chance in model.probability_alive(history)]
    [0.389735]
    """

    kind: ClassVar[str] = "mbg_nbd"
    chances: ClassVar[int] = 1
