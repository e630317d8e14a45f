"""Pareto/NBD: customers buy at random and may leave at any moment.

Schmittlein, Morrison and Colombo 1987; Fader, Hardie and Lee 2005. The likelihood uses an integral over the unseen
moment of leaving instead of Gauss's hypergeometric function: the integrand is smooth, its derivatives are simple, and
32 nodes reach full precision for any parameters.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, ClassVar, Self

from crmkpi.clv.engine import ColumnLike, Engine
from crmkpi.clv.fitting import Derivatives, maximise, summary
from crmkpi.clv.history import Patterns, PurchaseHistory, check_history, listed, patterns_of
from crmkpi.clv.purchases import Pairs, PurchaseModel
from crmkpi.clv.special import gauss_legendre, negative_binomial_tail
from crmkpi.clv.time import Span, as_span
from crmkpi.errors import InputError, ParameterError

__all__ = ["ParetoNbd"]

_NODES = 32
_NEGLIGIBLE = 45.0  # e^-45 of the largest value is below rounding


@dataclass(frozen=True, slots=True, kw_only=True)
class ParetoNbd(PurchaseModel):
    """Customers buy at random until they leave unseen, which may happen at any moment.

    Each customer has a purchase rate (gamma, shape `r`, `alpha` in the unit of time) and a rate of leaving (gamma,
    shape `s`, `beta` in the unit of time).

    >>> model = ParetoNbd(r=0.5534, alpha=10.5802, s=0.6061, beta=11.6562, unit="weeks")
    >>> history = PurchaseHistory.of([(26, 30.86, 31.0), (0, 0, 39.0)], unit="weeks")
    >>> [round(chance, 4) for chance in model.probability_alive(history)]
    [0.9979, 0.2941]
    """

    kind: ClassVar[str] = "pareto_nbd"
    parameter_names: ClassVar[tuple[str, ...]] = ("r", "alpha", "s", "beta")
    r: float
    alpha: float
    s: float
    beta: float

    def __post_init__(self) -> None:
        self.check_parameters()

    @classmethod
    def fit(cls, history: PurchaseHistory, *, engine: Engine = "auto") -> Self:
        """The model that makes `history` most likely; `fit_summary` reports weak data."""
        check_history(history)
        if len(history) < 2:
            raise InputError("A purchase model needs at least two customers; got one.")
        patterns = patterns_of(history, engine)
        count, frequency, age = listed(patterns.count), listed(patterns.frequency), listed(patterns.age)
        if not any(frequency):
            raise InputError(
                f"None of the {len(history)} customers bought again, so buying and leaving cannot be distinguished; "
                "observe them for longer."
            )
        mean_age = sum(n * end for n, end in zip(count, age, strict=True)) / len(history)
        scales = (1.0, mean_age, 1.0, mean_age)
        start: Sequence[float] = (0.5, 0.3, 0.5, 0.3)
        if len(age) > 5_000:
            part = _every(patterns, len(age) // 1000)
            start = maximise(
                lambda at: _log_likelihood(part, at), start, scales=scales, lowest=_LOWEST, highest=_HIGHEST
            ).in_scale
        optimum = maximise(
            lambda at: _log_likelihood(patterns, at), start, scales=scales, lowest=_LOWEST, highest=_HIGHEST
        )
        r, alpha, s, beta = optimum.parameters
        fit = summary(optimum, cls.parameter_names, customers=len(history))
        return cls(r=r, alpha=alpha, s=s, beta=beta, unit=history.unit, fit_summary=fit)

    def alive_of_patterns(self, frequency: Any, recency: Any, age: Any, numpy: Any) -> Any:
        """P(alive) for columns of patterns."""
        if numpy is not None:
            return _stay(_log_odds(self.parameters, frequency, recency, age, numpy), numpy)
        return [
            _stay(_log_odds(self.parameters, *pattern, None), math)
            for pattern in zip(frequency, recency, age, strict=True)
        ]

    def purchases_of_pairs(self, pairs: Pairs, times: Sequence[float], weights: Sequence[float]) -> Any:
        """For each (frequency, age), the weighted sum over `times` of the expected purchases if alive."""
        module, rows = (
            (math, zip(pairs.frequency, pairs.age, strict=True)) if pairs.numpy is None else (pairs.numpy, ())
        )
        weighted = list(zip(times, weights, strict=True))
        if pairs.numpy is not None:
            return self._ahead(pairs.frequency, pairs.age, weighted, module)
        return [self._ahead(frequency, age, weighted, module) for frequency, age in rows]

    def _ahead(self, frequency: Any, age: Any, weighted: Sequence[tuple[float, float]], module: Any) -> Any:
        total = 0.0
        for time, weight in weighted:
            length = module.log1p(time / (self.beta + age))
            total = total + weight * (_growth(1 - self.s, length, module))
        return (self.r + frequency) / (self.alpha + age) * (self.beta + age) * total

    def silence_if_alive(self, frequency: float, age: float, time: float) -> float:
        """The probability that an alive customer buys nothing within `time`: stays silent, or leaves before buying."""
        shape, alpha, beta = self.r + frequency, self.alpha + age, self.beta + age
        there = -shape * math.log1p(time / alpha) - self.s * math.log1p(time / beta)
        left = _integral(
            lambda moment: math.exp(-shape * math.log1p(moment / alpha) - (self.s + 1) * math.log1p(moment / beta)),
            min(alpha, beta),
            time,
        )
        return math.exp(there) + self.s / beta * left

    def expected_purchases_of_new_customer(self, horizon: Span) -> float:
        """The repeat purchases of someone who has just bought for the first time.

        >>> model = ParetoNbd(r=0.5534, alpha=10.5802, s=0.6061, beta=11.6562, unit="weeks")
        >>> round(model.expected_purchases_of_new_customer(Span(52, "weeks")), 4)
        1.4731
        """
        return float(self._ahead(0, 0.0, [(as_span(horizon, "horizon").to(self.unit), 1.0)], math))

    def probability_of_purchases(self, n: int, horizon: Span) -> float:
        """The probability that someone who has just bought for the first time makes `n` repeat purchases."""
        if n < 0 or n != int(n):
            raise ParameterError(f"`n` must be a whole number of purchases, 0 or more; got {n!r}.")
        time = as_span(horizon, "horizon").to(self.unit)

        def bought(until: float) -> float:
            return negative_binomial_tail(n, self.r, until / (self.alpha + until))[0]

        left = _integral(
            lambda moment: bought(moment) * math.exp(-(self.s + 1) * math.log1p(moment / self.beta)),
            min(self.alpha, self.beta),
            time,
        )
        return bought(time) * math.exp(-self.s * math.log1p(time / self.beta)) + self.s / self.beta * left

    def refit(self, like: PurchaseHistory, random: Random) -> Self:
        """Refit the model to customers that it simulates, with the ages of `like`."""
        return self.fit(self.simulate(like.age, random))

    def simulate(self, ages: ColumnLike, random: Random) -> PurchaseHistory:
        """Random customers of this model, one for each age."""
        rows = []
        for age in listed(ages):
            rate = random.gammavariate(self.r, 1 / self.alpha)
            leaving = random.gammavariate(self.s, 1 / self.beta)
            end = min(age, random.expovariate(leaving)) if leaving > 0 else age
            frequency, recency = 0, 0.0
            moment = random.expovariate(rate) if rate > 0 else math.inf
            while moment <= end:
                frequency, recency = frequency + 1, moment
                moment += random.expovariate(rate)
            rows.append((frequency, recency, age))
        return PurchaseHistory.of(rows, unit=self.unit)


_LOWEST, _HIGHEST = 1e-8, 1e8


def _every(patterns: Patterns, step: int) -> Patterns:
    cut = slice(None, None, step)
    return Patterns(
        patterns.frequency[cut], patterns.recency[cut], patterns.age[cut], patterns.count[cut], None, patterns.numpy
    )


def _growth(e: float, length: Any, module: Any) -> Any:
    """(exp(e·length) - 1) / e, which is `length` itself at e = 0."""
    return module.expm1(e * length) / e if e else length


def _stay(log_odds: Any, module: Any) -> Any:
    stay = module.exp(-log_odds)
    return stay / (1 + stay)


def _integral(integrand: Any, scale: float, end: float) -> float:
    """∫ from 0 to `end`, over equal steps of ln(scale + time), where power laws are smooth."""
    length = math.log1p(end / scale)
    panels = max(1, math.ceil(length / 2))
    total = 0.0
    for panel in range(panels):
        for node, weight in gauss_legendre(_NODES):
            place = math.exp((panel + node) / panels * length) * scale
            total += weight * place * integrand(place - scale)
    return total * length / panels


def _log_odds(parameters: Sequence[float], frequency: Any, recency: Any, age: Any, np: Any) -> Any:
    """The log odds of having left, ln s ∫ ((α+T)/(α+τ))^(r+x) ((β+T)/(β+τ))^s / (β+τ) dτ over recency to age."""
    return _left(parameters, frequency, recency, age, np, derivatives=False)[0]


def _left(
    parameters: Sequence[float], frequency: Any, recency: Any, age: Any, np: Any, *, derivatives: bool = True
) -> tuple[Any, list[Any], list[Any]]:
    """The log odds of having left, and the mean and mean product of its slopes over the unseen moment of leaving.

    For numbers, or for numpy arrays of them.
    """
    r, alpha, s, beta = parameters
    module, least, most = (math, min, max) if np is None else (np, np.minimum, np.maximum)
    k, scale = r + frequency, min(alpha, beta)
    # Beyond this the integrand is negligible, so all nodes go to the range before.
    reach = (alpha + recency) * module.expm1(least(_NEGLIGIBLE / k, 700.0))
    length = most(module.log((scale + least(age, recency + reach)) / (scale + recency)), 1e-300)
    end_a, end_b = alpha + age, beta + age
    top = k * module.log(end_a / (alpha + recency)) + s * module.log(end_b / (beta + recency))
    total: Any = 0.0
    slopes: list[Any] = [0.0] * 4
    squares: list[Any] = [0.0] * 10
    for node, weight in gauss_legendre(_NODES):
        place = (scale + recency) * module.exp(node * length)
        at_a, at_b = place + (alpha - scale), place + (beta - scale)
        log_a, log_b = module.log(end_a / at_a), module.log(end_b / at_b)
        mass = weight * module.exp(k * log_a + s * log_b - top) * place / at_b
        total = total + mass
        if not derivatives:
            continue
        gap_a, gap_b = 1 / end_a - 1 / at_a, 1 / end_b - 1 / at_b
        here = log_a, k * gap_a, log_b + 1 / s, s * gap_b - 1 / at_b
        curves = _curves(k, s, (end_a, at_a), (end_b, at_b))
        position = 0
        for i in range(4):
            slopes[i] = slopes[i] + mass * here[i]
            for j in range(i + 1):
                squares[position] = squares[position] + mass * (here[i] * here[j] + curves.get((i, j), 0.0))
                position += 1
    odds = top + module.log(total * length) + math.log(s)
    return odds, [slope / total for slope in slopes], [square / total for square in squares]


def _curves(k: Any, s: float, alphas: tuple[Any, Any], betas: tuple[Any, Any]) -> dict[tuple[int, int], Any]:
    """The second derivatives of the logarithm of the integrand, where they are not zero."""
    (end_a, at_a), (end_b, at_b) = alphas, betas
    return {
        (1, 0): 1 / end_a - 1 / at_a,
        (1, 1): k * (1 / (at_a * at_a) - 1 / (end_a * end_a)),
        (2, 2): -1 / (s * s),
        (3, 2): 1 / end_b - 1 / at_b,
        (3, 3): s * (1 / (at_b * at_b) - 1 / (end_b * end_b)) + 1 / (at_b * at_b),
    }


def _log_likelihood(patterns: Patterns, parameters: Sequence[float]) -> Derivatives:
    """Σ ln Γ(r+x)/Γ(r) + r ln α - (r+x) ln(α+T) - s ln(1 + T/β) + ln(1 + odds), with gradient and Hessian."""
    r, np = parameters[0], patterns.numpy
    total = [0.0] * 15
    columns = (patterns.frequency, patterns.recency, patterns.age, patterns.count)
    if np is not None:
        for i, term in enumerate(_terms(parameters, *columns[:3], np)):
            total[i] = float((columns[3] * term).sum())
    else:
        for frequency, recency, age, count in zip(*columns, strict=True):
            for i, term in enumerate(_terms(parameters, frequency, recency, age, None)):
                total[i] += count * term
    for frequency, count in _histogram(patterns).items():
        for j in range(int(frequency)):
            total[0] += count * math.log(r + j)
            total[1] += count / (r + j)
            total[5] -= count / (r + j) ** 2
    lower = [total[5:6], total[6:8], total[8:11], total[11:15]]
    hessian = [[lower[max(i, j)][min(i, j)] for j in range(4)] for i in range(4)]
    return total[0], total[1:5], hessian


def _histogram(patterns: Patterns) -> dict[float, float]:
    counts: dict[float, float] = {}
    for frequency, count in zip(listed(patterns.frequency), listed(patterns.count), strict=True):
        counts[frequency] = counts.get(frequency, 0.0) + count
    return counts


def _terms(parameters: Sequence[float], frequency: Any, recency: Any, age: Any, np: Any) -> list[Any]:
    """The log-likelihood of a pattern without ln Γ(r+x)/Γ(r), its four slopes and the ten entries of its Hessian."""
    r, alpha, s, beta = parameters
    module = math if np is None else np
    odds, slopes, squares = _left(parameters, frequency, recency, age, np)
    end_a, end_b = alpha + age, beta + age
    stay = module.exp(-odds)
    left = 1 / (1 + stay)
    length_a, length_b = module.log1p(age / alpha), module.log1p(age / beta)
    share_a, share_b = age / (alpha * end_a), age / (beta * end_b)
    value = odds + module.log1p(stay) - r * length_a - frequency * module.log(end_a) - s * length_b
    own = (-length_a, r * share_a - frequency / end_a, -length_b, s * share_b)
    bend_a = frequency / (end_a * end_a) - r * share_a * (1 / alpha + 1 / end_a)
    curves = {(1, 0): share_a, (1, 1): bend_a, (3, 2): share_b, (3, 3): -s * share_b * (1 / beta + 1 / end_b)}
    terms = [value, *(a + left * b for a, b in zip(own, slopes, strict=True))]
    position = 0
    for i in range(4):
        for j in range(i + 1):
            mixed = left * squares[position] - left * left * slopes[i] * slopes[j]
            terms.append(curves.get((i, j), 0.0) + mixed)
            position += 1
    return terms
