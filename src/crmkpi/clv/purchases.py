"""The predictions of every model of repeat purchases, and its validation on a holdout period."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import exp
from typing import Any

from crmkpi._hooks import hook
from crmkpi.clv.engine import Engine
from crmkpi.clv.history import PurchaseHistory, listed, patterns_of, same_unit
from crmkpi.clv.model import Model
from crmkpi.clv.time import DiscountRate, Span, TimeUnit, as_discount, as_span
from crmkpi.errors import InputError, ParameterError

__all__ = ["HoldoutCheck", "HoldoutRow", "Pairs", "PurchaseModel", "pairs_of"]

_holdout_chart: Callable[[HoldoutCheck], Any] = hook("holdout_chart")


@dataclass(frozen=True, slots=True)
class HoldoutRow:
    """The customers with one number of repeat purchases: their purchases in the holdout, and those predicted."""

    frequency: str
    customers: int
    actual_mean: float
    predicted_mean: float


@dataclass(frozen=True, slots=True)
class HoldoutCheck:
    """The predictions of a model compared with the purchases in the holdout.

    `error_rate` is (predicted - actual) / actual of all purchases, `None` without any;
    `mean_absolute_error` is per customer.
    """

    horizon: Span
    customers: int
    actual: float
    predicted: float
    error_rate: float | None
    mean_absolute_error: float
    by_frequency: tuple[HoldoutRow, ...]

    def __str__(self) -> str:
        """A table with a bar for each actual (#) and predicted (-) mean."""
        top = max((max(row.actual_mean, row.predicted_mean) for row in self.by_frequency), default=0.0) or 1.0
        lines = [
            f"Holdout of {self.horizon}: {self.actual:g} purchases, {self.predicted:.1f} predicted"
            + (f" ({self.error_rate:+.1%})" if self.error_rate is not None else ""),
            f"{'repeats':>8} {'customers':>9} {'actual':>8} {'predicted':>9}",
        ]
        for row in self.by_frequency:
            figures = f"{row.frequency:>8} {row.customers:>9} {row.actual_mean:>8.3f} {row.predicted_mean:>9.3f}"
            lines.append(f"{figures}  {'#' * round(30 * row.actual_mean / top)}")
            lines.append(f"{'':>37}  {'-' * round(30 * row.predicted_mean / top)}")
        return "\n".join(lines)

    def plot(self) -> Any:
        """The table as an Altair chart: predicted and actual means by the number of repeat purchases before."""
        return _holdout_chart(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class PurchaseModel(Model):
    """A model of the probability to be a customer and of future purchases; it counts time in `unit`."""

    unit: TimeUnit

    @abstractmethod
    def alive_of_patterns(self, frequency: Any, recency: Any, age: Any, numpy: Any) -> Any:
        """P(alive) for columns of patterns."""

    @abstractmethod
    def purchases_of_pairs(self, pairs: Pairs, times: Sequence[float], weights: Sequence[float]) -> Any:
        """For each (frequency, age), the weighted sum over `times` of the expected purchases if alive."""

    @abstractmethod
    def silence_if_alive(self, frequency: float, age: float, time: float) -> float:
        """The probability that an alive customer buys nothing within `time`."""

    @abstractmethod
    def expected_purchases_of_new_customer(self, horizon: Span) -> float:
        """The repeat purchases of someone who has just bought for the first time."""

    @abstractmethod
    def probability_of_purchases(self, n: int, horizon: Span) -> float:
        """The probability that someone who has just bought for the first time makes `n` repeat purchases."""

    def probability_alive(self, history: PurchaseHistory, *, engine: Engine = "auto") -> Any:
        """The probability, 0 to 1, that each customer is still active."""
        same_unit(self.unit, history)
        patterns = patterns_of(history, engine)
        alive = self.alive_of_patterns(patterns.frequency, patterns.recency, patterns.age, patterns.numpy)
        return _spread(alive, patterns, history)

    def expected_purchases(self, history: PurchaseHistory, *, horizon: Span, engine: Engine = "auto") -> Any:
        """The expected number of purchases of each customer within `horizon` from now."""
        time = as_span(horizon, "horizon").to(self.unit)
        return self.weighted_purchases(history, [time], [1.0], engine=engine)

    def probability_of_no_purchase(self, history: PurchaseHistory, *, horizon: Span) -> Any:
        """The probability that each customer buys nothing within `horizon` from now, alive or not."""
        same_unit(self.unit, history)
        time = as_span(horizon, "horizon").to(self.unit)
        patterns = patterns_of(history, "python")
        alive = self.alive_of_patterns(patterns.frequency, patterns.recency, patterns.age, None)
        silent = [
            1 - chance + chance * self.silence_if_alive(frequency, age, time)
            for chance, frequency, age in zip(alive, patterns.frequency, patterns.age, strict=True)
        ]
        return _spread(silent, patterns, history)

    def weighted_purchases(
        self, history: PurchaseHistory, times: Sequence[float], weights: Sequence[float], *, engine: Engine = "auto"
    ) -> Any:
        """For each customer, the sum of weight × expected purchases within time, over `times` in the model's unit."""
        same_unit(self.unit, history)
        patterns = patterns_of(history, engine)
        pairs = pairs_of(patterns)
        ahead = self.purchases_of_pairs(pairs, times, weights)
        alive = self.alive_of_patterns(patterns.frequency, patterns.recency, patterns.age, patterns.numpy)
        if patterns.numpy is not None:
            return _spread(alive * ahead[pairs.index], patterns, history)
        return _spread([chance * ahead[i] for chance, i in zip(alive, pairs.index, strict=True)], patterns, history)

    def purchases_ever(self, history: PurchaseHistory, *, discount: DiscountRate, engine: Engine = "auto") -> Any:
        """The expected number of all future purchases of each customer, discounted continuously to today.

        This is the "discounted expected residual transactions" of the literature, ∫ e^(-δt) dE(t).
        """
        delta = as_discount(discount).continuous(self.unit)
        if delta <= 0:
            raise ParameterError(
                "Without a discount the purchases of all time may be infinite; give a rate above zero or a horizon."
            )
        return self.weighted_purchases(history, *_laplace(delta), engine=engine)

    def check(
        self, history: PurchaseHistory, actual: Sequence[int], *, horizon: Span, largest: int = 7
    ) -> HoldoutCheck:
        """Compare the predictions from `history` with the actual purchases of the same customers in `horizon`."""
        if len(actual) != len(history):
            raise InputError(
                "The holdout needs one number of purchases per customer of the history; "
                f"got {len(actual)} for {len(history)}."
            )
        predicted = [float(value) for value in self.expected_purchases(history, horizon=horizon)]
        groups: dict[int, list[int]] = {}
        for row, frequency in enumerate(listed(history.frequency)):
            groups.setdefault(min(int(frequency), largest), []).append(row)
        rows = tuple(
            HoldoutRow(
                f"{frequency}+" if frequency == largest else str(frequency),
                len(members),
                sum(actual[row] for row in members) / len(members),
                sum(predicted[row] for row in members) / len(members),
            )
            for frequency, members in sorted(groups.items())
        )
        total, foreseen = sum(actual), sum(predicted)
        return HoldoutCheck(
            horizon=horizon,
            customers=len(history),
            actual=total,
            predicted=foreseen,
            error_rate=(foreseen - total) / total if total else None,
            mean_absolute_error=sum(abs(a - b) for a, b in zip(actual, predicted, strict=True)) / len(history),
            by_frequency=rows,
        )

    def tracking(
        self, first_purchases: Sequence[float], repeat_purchases: Sequence[float], *, until: float, every: Span
    ) -> list[tuple[float, int, float]]:
        """Cumulative repeat purchases, actual and expected, at the end of each step from time 0 to `until`.

        Times are counted from one common start in the model's unit: `first_purchases` one per customer,
        `repeat_purchases` one per repeat purchase. Rows are (time, actual, expected), cumulative.
        """
        step = as_span(every, "every").to(self.unit)
        if any(start < 0 for start in first_purchases):
            raise ParameterError("`first_purchases` are counted from the common start; got one below zero.")
        rows = []
        memory: dict[float, float] = {}
        for i in range(1, int(until / step + 1e-9) + 1):
            now = i * step
            expected = 0.0
            for start in first_purchases:
                age = round(now - start, 9)
                if age > 0:
                    if age not in memory:
                        memory[age] = self.expected_purchases_of_new_customer(Span(age, self.unit))
                    expected += memory[age]
            rows.append((now, sum(moment < now for moment in repeat_purchases), expected))
        return rows


def _laplace(delta: float) -> tuple[list[float], list[float]]:
    """Times and weights for ∫ δ e^(-δt) E(t) dt, by the double exponential rule v = exp(y - e^-y) for v = δt."""
    step = 1 / 16
    times, weights = [], []
    for i in range(-60, 76):
        y = i * step
        v = exp(y - exp(-y))
        times.append(v / delta)
        weights.append(step * v * (1 + exp(-y)) * exp(-v))
    return times, weights


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """The distinct (frequency, age) among patterns, and the index of each pattern's."""

    frequency: Any
    age: Any
    index: Any
    numpy: Any


def pairs_of(patterns: Any) -> Pairs:
    """The distinct (frequency, age): the future purchases of an alive customer do not depend on recency."""
    np = patterns.numpy
    if np is None:
        position: dict[tuple[float, float], int] = {}
        index = [
            position.setdefault(pair, len(position)) for pair in zip(patterns.frequency, patterns.age, strict=True)
        ]
        return Pairs([pair[0] for pair in position], [pair[1] for pair in position], index, None)
    ages, code = np.unique(patterns.age, return_inverse=True)
    width = int(patterns.frequency.max()) + 1
    code = code * width + patterns.frequency.astype(int)
    if len(ages) * width < 10_000_000:  # a table of flags is far faster than a sort
        taken = np.bincount(code) > 0
        unique, index = np.flatnonzero(taken), (np.cumsum(taken) - 1)[code]
    else:
        unique, index = np.unique(code, return_inverse=True)
    return Pairs((unique % width).astype(float), ages[unique // width], index, np)


def _spread(values: Any, patterns: Any, history: PurchaseHistory) -> Any:
    """Expand one value per pattern to one per customer: lists for lists, arrays for arrays."""
    if patterns.numpy is not None:
        spread = values[patterns.index]
        return spread if hasattr(history.frequency, "tolist") else spread.tolist()
    return [values[i] for i in patterns.index]
