"""A campaign: one paid or sent marketing activity, with its cost and its reach."""

from __future__ import annotations

from pydantic import Field

from crmkpi.records.base import Attributes, Money, Number, Timestamp, Whole, no_attributes, record

__all__ = ["Campaign"]


@record(table="campaigns")
class Campaign:
    """One campaign and its totals.

    `opened` and `clicked` count people: someone who clicks twice counts once. `clicks` counts each click on an ad, and
    `conversions` the conversions after them, of which an advertising system may credit fractions. `delivered` is `sent`
    without `bounced`. `cost` is the whole cost of the campaign and counts once, however many deals it brought.

    >>> campaign = Campaign(id="K1", channel="email", sent=1000, delivered=980, opened=310, clicked=42)
    >>> campaign.clicked / campaign.sent
    0.042
    """

    id: str
    name: str | None = None
    channel: str | None = None
    started_at: Timestamp | None = None
    ended_at: Timestamp | None = None
    cost: Money | None = Field(default=None, ge=0)
    currency: str | None = None
    impressions: Whole | None = Field(default=None, ge=0)
    clicks: Whole | None = Field(default=None, ge=0)
    conversions: Number | None = Field(default=None, ge=0)
    sent: Whole | None = Field(default=None, ge=0)
    delivered: Whole | None = Field(default=None, ge=0)
    opened: Whole | None = Field(default=None, ge=0)
    clicked: Whole | None = Field(default=None, ge=0)
    unsubscribed: Whole | None = Field(default=None, ge=0)
    bounced: Whole | None = Field(default=None, ge=0)
    attributes: Attributes = Field(default_factory=no_attributes)
