"""An expense: money that marketing, sales or service spent."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from crmkpi.records.base import Attributes, Money, Timestamp, no_attributes, record

__all__ = ["Expense"]


@record(table="expenses", relations={"campaign": ("campaign_id", "campaigns")})
class Expense:
    """One amount spent, salaries included.

    A credit note is a negative amount. The cost of a campaign may also be on the campaign itself: if it is recorded in
    both places, it counts twice.

    >>> expense = Expense(id="X1", spent_at="2026-01-31", amount="2500", currency="EUR", team="marketing")
    >>> expense.amount
    Decimal('2500')
    """

    id: str
    spent_at: Timestamp | None = None
    amount: Money | None = None
    currency: str | None = None
    team: Literal["marketing", "sales", "service"] | None = None
    channel: str | None = None
    campaign_id: str | None = None
    attributes: Attributes = Field(default_factory=no_attributes)
