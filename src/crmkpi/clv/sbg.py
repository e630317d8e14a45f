"""sBG, the shifted beta-geometric: the duration of contracts of customers with different probabilities of leaving.

Fader and Hardie 2007. For contracts, whose end is observed; `BgNbd` and similar models are for customers who leave
unseen.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from random import Random
from typing import ClassVar, Self

from crmkpi.clv.fitting import Derivatives, maximise, summary
from crmkpi.clv.model import Model
from crmkpi.clv.special import mean_inverse_dropout
from crmkpi.clv.time import DiscountRate, Span, as_discount, as_span
from crmkpi.errors import InputError, ParameterError

__all__ = ["ShiftedBetaGeometric"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftedBetaGeometric(Model):
    """Each customer has a probability of leaving at each renewal (beta, `alpha` and `beta`), one `period` apart.

    Retention rises with age because the fickle leave first, so this year's churn rate says little about a lifetime.
    The plain mean lifetime is infinite for alpha ≤ 1: use a discounted or a restricted one.

    >>> from crmkpi.clv.time import Span
    >>> model = ShiftedBetaGeometric(alpha=0.704, beta=1.182, period=Span(1, "years"))
    >>> [round(model.retention_rate(period), 3) for period in (1, 2, 7)]
    [0.627, 0.756, 0.911]
    """

    kind: ClassVar[str] = "sbg"
    parameter_names: ClassVar[tuple[str, ...]] = ("alpha", "beta")
    alpha: float
    beta: float
    period: Span

    def __post_init__(self) -> None:
        if isinstance(self.period, tuple):
            object.__setattr__(self, "period", Span(*self.period))
        as_span(self.period, "period")
        self.check_parameters()

    @classmethod
    def fit(cls, survivors: Sequence[int], *, period: Span) -> Self:
        """Fit the model to a cohort with `survivors[t]` customers after t renewals, and `survivors[0]` at its start.

        >>> from crmkpi.clv.time import Span
        >>> model = ShiftedBetaGeometric.fit([1000, 631, 468, 382, 326], period=Span(1, "years"))
        >>> round(model.alpha, 3), round(model.beta, 3)
        (0.764, 1.296)
        """
        counts = list(survivors)
        if len(counts) < 3:
            raise InputError(f"A cohort needs its start and at least two renewals; got {len(counts)} counts.")
        if counts[0] <= 0:
            raise InputError("An empty cohort has no information; its first count must be above zero.")
        if any(now < then or then < 0 for now, then in pairwise(counts)):
            raise InputError("Survivors can neither increase nor be negative.")
        lost = [now - then for now, then in pairwise(counts)]
        if not any(lost):
            raise InputError("Nobody has left yet, so the probability of leaving is unknown.")
        optimum = maximise(lambda at: _log_likelihood(lost, counts[-1], at), (1.0, 2.0))
        alpha, beta = optimum.parameters
        fit = summary(optimum, cls.parameter_names, customers=counts[0])
        return cls(alpha=alpha, beta=beta, period=period, fit_summary=fit)

    def survival(self, periods: int) -> float:
        """The share of a new cohort that remains after `periods` renewals."""
        _whole(periods, "periods", 0)
        return math.prod(self.retention_rate(t) for t in range(1, periods + 1))

    def retention_rate(self, period: int) -> float:
        """The share of customers that renew at renewal number t = `period`: (β + t - 1) / (α + β + t - 1)."""
        _whole(period, "period", 1)
        return (self.beta + period - 1) / (self.alpha + self.beta + period - 1)

    def restricted_lifetime(self, periods: int) -> float:
        """The mean number of periods paid within the first `periods`, the first one paid at the start."""
        _whole(periods, "periods", 1)
        total, share = 0.0, 1.0
        for period in range(1, periods + 1):
            total += share
            share *= self.retention_rate(period)
        return total

    def discounted_lifetime(self, discount: DiscountRate) -> float:
        """The present value of one unit of money per period from a new customer, the first one paid at once.

        >>> from crmkpi.clv.time import Span, annual
        >>> model = ShiftedBetaGeometric(alpha=0.704, beta=1.182, period=Span(1, "years"))
        >>> round(model.discounted_lifetime(annual(0.10)), 4)
        3.6951
        """
        return self._discounted(1, self._rate(discount))

    def discounted_residual_lifetime(self, discount: DiscountRate, *, paid: int) -> float:
        """The present value for a customer who has paid `paid` periods, just before the decision to renew."""
        _whole(paid, "paid", 1)
        return self.retention_rate(paid) * self._discounted(paid + 1, self._rate(discount))

    def value(self, margin_per_period: float, discount: DiscountRate, *, paid: int = 0) -> float:
        """The value of a customer with a `margin_per_period`: a new one, or one who has paid `paid` periods."""
        lifetime = (
            self.discounted_residual_lifetime(discount, paid=paid) if paid else self.discounted_lifetime(discount)
        )
        return margin_per_period * lifetime

    def refit(self, like: Sequence[int], random: Random) -> Self:
        """Refit the model to a cohort that it simulates, with the size and age of `like`."""
        customers, renewals = like[0], len(like) - 1
        survivors = [0] * (renewals + 1)
        for _ in range(customers):
            leaving = random.betavariate(self.alpha, self.beta)
            period = 0
            while period < renewals and random.random() >= leaving:
                period += 1
            for t in range(period + 1):
                survivors[t] += 1
        return self.fit(survivors, period=self.period)

    def _rate(self, discount: DiscountRate) -> float:
        rate = as_discount(discount).over(self.period)
        if rate <= 0 and self.alpha <= 1:
            raise ParameterError(
                f"Without a discount the mean lifetime is infinite for alpha ≤ 1 (here {self.alpha:.3g}); "
                "give a rate above zero, or use restricted_lifetime."
            )
        return rate

    def _discounted(self, renewal: int, rate: float) -> float:
        """Σ over future payments of their discounted probability: 2F1(1, b; c; 1/(1+d)).

        With b = β + renewal - 1 and c = α + b. Computed as ∫ over θ ~ Beta(α, b) of (1+d)/(d+θ), which is fast even for
        a small d.
        """
        b = self.beta + renewal - 1
        if rate == 0:
            return (self.alpha + b - 1) / (self.alpha - 1)
        # 1/(d+θ) = (1 - 1/(1+θ/d)) / θ, a mean that the purchase models need too
        return (1 + rate) * mean_inverse_dropout(1.0, 1 / rate, self.alpha, b)


def _whole(value: int, name: str, least: int) -> None:
    if value != int(value) or value < least:
        raise ParameterError(f"`{name}` must be a whole number from {least} on; got {value!r}.")


def _log_likelihood(lost: Sequence[int], staying: int, parameters: Sequence[float]) -> Derivatives:
    """Σ lost_t ln P(leaves at renewal t) + staying · ln S(n), over the renewals as a chain of choices."""
    alpha, beta = parameters
    value = g_a = g_b = aa = ab = bb = 0.0
    there = sum(lost) + staying
    for t, gone in enumerate(lost):
        stayed = there - gone
        everyone, keep = alpha + beta + t, beta + t
        value += gone * math.log(alpha) + stayed * math.log(keep) - there * math.log(everyone)
        g_a += gone / alpha - there / everyone
        g_b += stayed / keep - there / everyone
        aa += there / everyone**2 - gone / alpha**2
        ab += there / everyone**2
        bb += there / everyone**2 - stayed / keep**2
        there = stayed
    return value, [g_a, g_b], [[aa, ab], [ab, bb]]
