"""A deal: one possible sale, from the day it was opened to the day it was won or lost."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from crmkpi.records.base import Attributes, Day, Money, Number, Timestamp, no_attributes, record

__all__ = ["Deal"]


@record(
    table="deals",
    relations={
        "customer": ("customer_id", "customers"),
        "lead": ("lead_id", "leads"),
        "campaign": ("campaign_id", "campaigns"),
    },
)
class Deal:
    """One possible sale (an opportunity).

    `status` alone decides whether a deal is closed: many systems fill `closed_at` on open deals with the expected day
    of closing. `amount` is the price that the customer pays, `cost` the cost of delivery, both in `currency`.
    `campaign_id` is the primary campaign that the deal is credited to.

    >>> deal = Deal(id="D1", status="won", amount="1200.50", currency="EUR", created_at="2026-01-05")
    >>> deal.amount
    Decimal('1200.50')
    """

    id: str
    status: Literal["open", "won", "lost"]
    created_at: Timestamp | None = None
    closed_at: Timestamp | None = None
    expected_close_on: Day | None = None
    amount: Money | None = None
    cost: Money | None = None
    currency: str | None = None
    probability: Number | None = Field(default=None, ge=0, le=1)
    owner: str | None = None
    customer_id: str | None = None
    lead_id: str | None = None
    campaign_id: str | None = None
    pipeline: str | None = None
    stage: str | None = None
    product: str | None = None
    industry: str | None = None
    source: str | None = None
    channel: str | None = None
    kind: Literal["new", "expansion", "renewal"] | None = None
    lost_reason: str | None = None
    deleted: bool = False
    attributes: Attributes = Field(default_factory=no_attributes)
