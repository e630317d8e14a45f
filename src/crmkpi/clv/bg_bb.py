"""BG/BB: customers who can buy once at each of several opportunities, and may leave for good before any of them.

Fader, Hardie and Shang 2010: yearly donations, conferences, cruises.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random
from typing import ClassVar, Self

from crmkpi.clv.fitting import Derivatives, maximise, summary
from crmkpi.clv.model import Model
from crmkpi.clv.special import log_beta
from crmkpi.errors import InputError, ParameterError

__all__ = ["BgBb", "Opportunities"]

Opportunities = tuple[int, int, int]
"""The number of opportunities taken after the first purchase, the last one taken (0: none), and the number of all."""

_Sums = tuple[list[float], list[float], list[float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class BgBb(Model):
    """Customers who take each opportunity, or not, until they leave.

    Each customer has a probability of taking one (beta, `alpha` and `beta`), and a probability of leaving before one
    (beta, `gamma` and `delta`).

    >>> model = BgBb(alpha=1.204, beta=0.750, gamma=0.657, delta=2.783)
    >>> [round(chance, 2) for chance in model.probability_alive([(6, 6, 6), (0, 0, 6)])]
    [0.93, 0.11]
    """

    kind: ClassVar[str] = "bg_bb"
    parameter_names: ClassVar[tuple[str, ...]] = ("alpha", "beta", "gamma", "delta")
    alpha: float
    beta: float
    gamma: float
    delta: float

    def __post_init__(self) -> None:
        self.check_parameters()

    @classmethod
    def fit(cls, rows: Iterable[Opportunities]) -> Self:
        """The model that makes `rows` of (taken, last taken, opportunities) most likely, one row per customer."""
        counted = Counter((taken, last, n) for taken, last, n in rows)
        customers = sum(counted.values())
        if customers < 2:
            raise InputError(f"A purchase model needs at least two customers; got {customers}.")
        for row in counted:
            _check(row)
        if not any(taken for taken, _, _ in counted):
            raise InputError(
                f"None of the {customers} customers took an opportunity, so buying and leaving cannot be distinguished."
            )
        optimum = maximise(lambda at: _log_likelihood(counted, at), (1.0, 1.0, 1.0, 3.0), lowest=1e-8, highest=1e8)
        alpha, beta, gamma, delta = optimum.parameters
        fit = summary(optimum, cls.parameter_names, customers=customers)
        return cls(alpha=alpha, beta=beta, gamma=gamma, delta=delta, fit_summary=fit)

    def probability_alive(self, rows: Iterable[Opportunities]) -> list[float]:
        """The probability that each customer is still there for the next opportunity."""
        return [self._chance(row, 0, 1) for row in rows]

    def expected_purchases(self, rows: Iterable[Opportunities], *, opportunities: int) -> list[float]:
        """The expected number of the next `opportunities` that each customer takes."""
        if opportunities != int(opportunities) or opportunities < 1:
            raise ParameterError(f"`opportunities` must be a whole number above zero; got {opportunities!r}.")
        return [sum(self._chance(row, 1, ahead) for ahead in range(1, opportunities + 1)) for row in rows]

    def expected_purchases_of_new_customer(self, *, opportunities: int) -> float:
        """The expected number of the first `opportunities` that a new customer takes."""
        return self.expected_purchases([(0, 0, 0)], opportunities=opportunities)[0]

    def _chance(self, row: Opportunities, more: int, ahead: int) -> float:
        """The probability to be alive `ahead` opportunities from now and, with more = 1, to take that one."""
        _check(row)
        taken, _, n = row
        buying = log_beta(self.alpha + taken + more, self.beta + n - taken) - log_beta(self.alpha, self.beta)
        staying = log_beta(self.gamma, self.delta + n + ahead) - log_beta(self.gamma, self.delta)
        return math.exp(buying + staying - _log_likelihood({row: 1}, self.parameters)[0])

    def refit(self, like: Iterable[Opportunities], random: Random) -> Self:
        """Refit the model to customers that it simulates, with the opportunities of `like`."""
        return self.fit(self.simulate([n for _, _, n in like], random))

    def simulate(self, opportunities: Sequence[int], random: Random) -> list[Opportunities]:
        """Random customers of this model, one for each number of opportunities."""
        rows = []
        for n in opportunities:
            buying = random.betavariate(self.alpha, self.beta)
            leaving = random.betavariate(self.gamma, self.delta)
            taken = last = 0
            for place in range(1, n + 1):
                if random.random() < leaving:
                    break
                if random.random() < buying:
                    taken, last = taken + 1, place
            rows.append((taken, last, n))
        return rows


def _check(row: Opportunities) -> None:
    taken, last, n = row
    if not (0 <= taken <= last <= n and (taken > 0) == (last > 0) and all(value == int(value) for value in row)):
        raise InputError(
            "A row is (taken, last taken, opportunities) in whole numbers with taken ≤ last ≤ opportunities; "
            f"got {row!r}."
        )


def _rising(start: float, steps: int) -> _Sums:
    """Σ_{j<k} ln(start + j), Σ 1/(start + j) and Σ 1/(start + j)², for k from 0 to `steps`."""
    logs, first, second = [0.0], [0.0], [0.0]
    for j in range(steps):
        logs.append(logs[-1] + math.log(start + j))
        first.append(first[-1] + 1 / (start + j))
        second.append(second[-1] + 1 / (start + j) ** 2)
    return logs, first, second


def _log_likelihood(counted: dict[Opportunities, int], parameters: Sequence[float]) -> Derivatives:
    """Σ ln of: alive to the end, or left after opportunity k, for each k from the last one taken on."""
    alpha, beta, gamma, delta = parameters
    longest = max(n for _, _, n in counted)
    a, b, ab = _rising(alpha, longest), _rising(beta, longest), _rising(alpha + beta, longest)
    d, gd = _rising(delta, longest), _rising(gamma + delta, longest + 1)
    value, gradient = 0.0, [0.0] * 4
    hessian = [[0.0] * 4 for _ in range(4)]
    for (taken, last, n), count in counted.items():
        logs, slopes, curves = [], [], []
        for k in range(last, n + 1):
            left = k < n  # k = n means alive at the end
            g = k + left
            logs.append(
                a[0][taken] + b[0][k - taken] - ab[0][k] + d[0][k] - gd[0][g] + (math.log(gamma) if left else 0.0)
            )
            own = 1 / gamma if left else 0.0
            slopes.append((a[1][taken] - ab[1][k], b[1][k - taken] - ab[1][k], own - gd[1][g], d[1][k] - gd[1][g]))
            curves.append(
                (ab[2][k] - a[2][taken], ab[2][k], ab[2][k] - b[2][k - taken], gd[2][g] - own * own, gd[2][g],
                 gd[2][g] - d[2][k])
            )  # fmt: skip
        top = max(logs)
        weights = [math.exp(log - top) for log in logs]
        total = sum(weights)
        value += count * (top + math.log(total))
        weights = [weight / total for weight in weights]
        mean = [sum(w * slope[i] for w, slope in zip(weights, slopes, strict=True)) for i in range(4)]
        bend = [sum(w * curve[i] for w, curve in zip(weights, curves, strict=True)) for i in range(6)]
        for i in range(4):
            gradient[i] += count * mean[i]
            for j in range(4):
                both = sum(w * slope[i] * slope[j] for w, slope in zip(weights, slopes, strict=True))
                hessian[i][j] += count * (both - mean[i] * mean[j])
        for (i, j), part in zip(((0, 0), (0, 1), (1, 1), (2, 2), (2, 3), (3, 3)), bend, strict=True):
            hessian[i][j] += count * part
            if i != j:
                hessian[j][i] += count * part
    return value, gradient, hessian
