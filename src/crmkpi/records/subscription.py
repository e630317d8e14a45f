"""A subscription: a recurring amount that a customer pays, from the day it starts to the day it ends."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from crmkpi.records.base import Attributes, Money, Planned, Timestamp, no_attributes, record

__all__ = ["Subscription"]


@record(table="subscriptions", relations={"customer": ("customer_id", "customers")})
class Subscription:
    """One recurring amount of one customer.

    `mrr` is its revenue per month, without tax: a yearly plan of 1,200 has 100. `ended_at` is when it stopped, not when
    it was cancelled. A change of price is a new subscription that starts when the old one ends. A customer may hold
    several at a time, so the end of a subscription is not yet the loss of a customer. `status` is the present status in
    the billing system, and `trial_end` the end of the free trial; both may be missing. A subscription that is in its
    trial, unpaid, paused or incomplete has no revenue.

    >>> subscription = Subscription(id="S1", customer_id="C1", mrr="49.90", currency="EUR", started_at="2026-01-01")
    >>> subscription.mrr * 12
    Decimal('598.80')
    """

    id: str
    customer_id: str | None = None
    plan: str | None = None
    mrr: Money | None = None
    currency: str | None = None
    started_at: Timestamp | None = None
    ended_at: Timestamp | None = None
    status: Literal["active", "trialing", "past_due", "unpaid", "paused", "incomplete", "canceled"] | None = None
    trial_end: Planned | None = None
    attributes: Attributes = Field(default_factory=no_attributes)
