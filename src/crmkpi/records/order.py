"""An order: one purchase of one customer."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from crmkpi.records.base import Attributes, Money, Timestamp, no_attributes, record

__all__ = ["Order"]


@record(table="orders", relations={"customer": ("customer_id", "customers")})
class Order:
    """One purchase.

    An order without a status is completed, because most exports hold only completed orders. An abandoned order is a
    cart that was never checked out. `amount` is the price that the customer pays, `cost` the cost of the goods, both in
    `currency`.

    >>> order = Order(id="O1", customer_id="C1", ordered_at="2026-02-03", amount="80")
    >>> order.status
    'completed'
    """

    id: str
    customer_id: str | None = None
    ordered_at: Timestamp | None = None
    amount: Money | None = None
    cost: Money | None = None
    currency: str | None = None
    status: Literal["completed", "cancelled", "returned", "abandoned"] = "completed"
    delivered_at: Timestamp | None = None
    product: str | None = None
    channel: str | None = None
    attributes: Attributes = Field(default_factory=no_attributes)
