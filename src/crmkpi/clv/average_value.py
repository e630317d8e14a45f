"""The average future value of a customer: BG/NBD and Gamma-Gamma, fitted to the purchases of all customers."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from crmkpi.clv import BgNbd, GammaGamma, PurchaseHistory, annual, customer_value, customer_value_interval
from crmkpi.errors import InputError, UndefinedError

__all__ = ["Purchase", "average_value", "average_value_interval"]

Purchase = tuple[Hashable, date, Decimal]  # a customer, a day, and the amount spent on it


def average_value(purchases: Sequence[Purchase], until: date, *, discount: float, margin: float) -> float:
    """The mean value of the next twelve months over all customers, as known on the day `until`.

    Raises:
        UndefinedError: the models cannot be fitted to these purchases; the message has the reason.

    >>> average_value([], date(2026, 1, 31), discount=0.1, margin=1)
    Traceback (most recent call last):
    crmkpi.errors.UndefinedError: nobody has bought anything
    """
    if not purchases:
        raise UndefinedError("nobody has bought anything")
    rate = annual(discount)
    try:
        buying, spending, history = _fitted(purchases, until)
        values = customer_value(buying, spending, history, discount=rate, margin=margin, engine="python")
    except InputError as error:
        text = str(error).rstrip(".")
        raise UndefinedError(text[0].lower() + text[1:]) from None
    return float(sum(values) / len(values))


def average_value_interval(
    purchases: Sequence[Purchase], until: date, *, discount: float, margin: float, confidence: float
) -> tuple[float, float] | None:
    """The interval of `average_value` for the error of the fits; None where the likelihood has no clear maximum."""
    buying, spending, history = _fitted(purchases, until)
    how: dict[str, Any] = {"discount": annual(discount), "margin": margin, "engine": "python"}
    try:
        (total,) = customer_value_interval(buying, spending, history, confidence=confidence, total=True, **how)
    except (InputError, OverflowError):
        return None
    return total.low / len(history), total.high / len(history)


def _fitted(purchases: Sequence[Purchase], until: date) -> tuple[BgNbd, GammaGamma, PurchaseHistory]:
    """The two models, and the history of the fit."""
    history = _history(purchases, until)
    return BgNbd.fit(history, engine="python"), GammaGamma.fit(history, engine="python"), history


def _history(purchases: Sequence[Purchase], until: date) -> PurchaseHistory:
    by_customer: dict[Hashable, dict[date, float]] = {}
    for customer, day, spent in purchases:
        by_customer.setdefault(customer, {})[day] = float(spent)
    frequency, recency, age, spend = [], [], [], []
    for spent_on in by_customer.values():
        first, *repeats = sorted(spent_on)
        frequency.append(len(repeats))
        recency.append(float((max(spent_on) - first).days))
        age.append(float((until - first).days))
        spend.append(sum(spent_on[day] for day in repeats) / len(repeats) if repeats else 0.0)
    return PurchaseHistory(frequency, recency, age, "days", spend, list(by_customer))
