"""Customer value: expected purchases × spend × margin, discounted, with a unit for every length of time."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, fields
from math import exp, hypot, log
from typing import Any

from crmkpi.clv.engine import Engine
from crmkpi.clv.gamma_gamma import GammaGamma
from crmkpi.clv.history import PurchaseHistory, listed
from crmkpi.clv.model import Estimate
from crmkpi.clv.purchases import PurchaseModel
from crmkpi.clv.time import DiscountRate, Span, as_discount, as_span
from crmkpi.errors import InputError, ParameterError
from crmkpi.tabular import Tabular

__all__ = ["CustomerValue", "ValueTable", "customer_value", "customer_value_interval", "discounting", "value_table"]

_ONE_MONTH = Span(1, "months")
_NO_DISCOUNT = DiscountRate(0.0, Span(1, "years"))


@dataclass(frozen=True, slots=True)
class CustomerValue:
    """The predictions for one customer; `decile` 1 holds the most valuable tenth."""

    customer_id: Hashable
    probability_alive: float
    expected_spend: float
    value: float
    decile: int


@dataclass(frozen=True, slots=True, repr=False)
class ValueTable(Tabular):
    """The value of each customer, the most valuable first."""

    rows: tuple[CustomerValue, ...]

    def __len__(self) -> int:
        """The number of customers."""
        return len(self.rows)

    def __getitem__(self, place: int) -> CustomerValue:
        """The customer at an index."""
        return self.rows[place]

    def __iter__(self) -> Iterator[CustomerValue]:
        """The customers in order."""
        return iter(self.rows)

    def __repr__(self) -> str:
        return f"<ValueTable of {len(self):,} customers>"

    def to_dicts(self) -> list[dict[str, Any]]:
        """One dict per customer, with the fields of `CustomerValue`."""
        return self._head(len(self))[0]

    def _head(self, count: int) -> tuple[list[dict[str, Any]], int]:
        return [{name: getattr(row, name) for name in _FIELDS} for row in self.rows[:count]], len(self)


_FIELDS = tuple(known.name for known in fields(CustomerValue))


def customer_value(
    purchases: PurchaseModel,
    spend: GammaGamma,
    history: PurchaseHistory,
    *,
    horizon: Span | None = Span(12, "months"),  # noqa: B008
    discount: DiscountRate = _NO_DISCOUNT,
    period: Span = _ONE_MONTH,
    margin: float = 1.0,
    engine: Engine = "auto",
) -> Any:
    """The future value of each customer within `horizon`: expected purchases × expected spend × `margin`.

    Value = margin · E[spend] · Σ_k (E[purchases in period k]) / (1 + d)^k: each `period` is discounted at its end, the
    last one may be shorter. With `horizon=None` it is for all time, discounted continuously, which needs a discount
    above zero. `margin` is the profit share of a purchase, above 0 and at most 1. The past does not count, so this is
    residual value; it is in the currency of `history.spend`.

    >>> from crmkpi.clv import BgNbd, PurchaseHistory, monthly, months
    >>> model = BgNbd(r=0.24259, alpha=4.41353, a=0.79289, b=2.42575, unit="weeks")
    >>> spend = GammaGamma(p=6.2488, q=3.74459, v=15.44775)
    >>> history = PurchaseHistory.of([(2, 30.43, 38.86, 22.35)], unit="weeks")
    >>> [round(value, 2) for value in customer_value(model, spend, history, discount=monthly(0.01))]
    [36.3]
    """
    if not 0 < margin <= 1:
        raise ParameterError(f"`margin` is a share of revenue, above 0 and at most 1; got {margin!r}.")
    rate = as_discount(discount)
    if horizon is None:
        ahead = purchases.purchases_ever(history, discount=rate, engine=engine)
    else:
        times, weights = discounting(purchases, as_span(horizon, "horizon"), rate, as_span(period, "period"))
        ahead = purchases.weighted_purchases(history, times, weights, engine=engine)
    each = spend.expected_spend(history.frequency, _spend(history), engine=engine)
    if hasattr(ahead, "tolist") and hasattr(each, "tolist"):
        return ahead * each * margin
    return [number * value * margin for number, value in zip(ahead, each, strict=True)]


def customer_value_interval(
    purchases: PurchaseModel,
    spend: GammaGamma,
    history: PurchaseHistory,
    *,
    confidence: float = 0.95,
    total: bool = False,
    **how: Any,
) -> list[Estimate]:
    """The value of each customer, or with `total` their sum, with an interval for the error of the two fits.

    Further keywords are those of `customer_value`. The delta method applies to the logarithm; the two fits are
    independent, so their variances add.
    """

    def figures(buying: Any, spending: Any) -> list[float]:
        values = [float(value) for value in customer_value(buying, spending, history, **how)]
        return [sum(values)] if total else values

    from_purchases = purchases.interval(lambda model: figures(model, spend), confidence=confidence)
    from_spend = spend.interval(lambda model: figures(purchases, model), confidence=confidence)
    estimates = []
    for one, other in zip(from_purchases, from_spend, strict=True):
        reach = hypot(log(one.high / one.value), log(other.high / other.value)) if one.value > 0 else 0.0
        estimates.append(Estimate(one.value, one.value * exp(-reach), one.value * exp(reach), confidence))
    return estimates


def value_table(purchases: PurchaseModel, spend: GammaGamma, history: PurchaseHistory, **how: Any) -> ValueTable:
    """One row per customer, the most valuable first, with deciles of value; keywords are those of `customer_value`."""
    ids = history.customer_ids if history.customer_ids is not None else range(len(history))
    columns = zip(
        ids,
        listed(purchases.probability_alive(history)),
        listed(spend.expected_spend(history.frequency, _spend(history))),
        listed(customer_value(purchases, spend, history, **how)),
        strict=True,
    )
    ordered = sorted(columns, key=lambda row: -row[3])
    rows = (CustomerValue(*row, decile=1 + 10 * place // len(ordered)) for place, row in enumerate(ordered))
    return ValueTable(tuple(rows))


def _spend(history: PurchaseHistory) -> Any:
    if history.spend is None:
        raise InputError("Customer value needs the mean spend of each customer; this history has none.")
    return history.spend


def discounting(
    model: PurchaseModel, horizon: Span, discount: DiscountRate, period: Span
) -> tuple[list[float], list[float]]:
    """The ends of the periods in the model's unit, and the weight of the purchases expected until each.

    The purchases of period k are E(t_k) - E(t_{k-1}), so E(t_k) itself counts with factor_k - factor_{k+1}.
    """
    end, step = horizon.to(model.unit), period.to(model.unit)
    count = max(1, -int(-(end / step - 1e-9) // 1))
    times = [min(k * step, end) for k in range(1, count + 1)]
    factors = [discount.factor(Span(time, model.unit)) for time in times]
    return times, [factor - following for factor, following in zip(factors, [*factors[1:], 0.0], strict=True)]
