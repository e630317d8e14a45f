"""A visit: traffic on the website, one session or the totals of many."""

from __future__ import annotations

from pydantic import Field

from crmkpi.records.base import Attributes, Timestamp, Whole, no_attributes, record

__all__ = ["Visit"]


@record(table="visits", relations={"campaign": ("campaign_id", "campaigns")})
class Visit:
    """Sessions on the website and their conversions.

    One record is one session, or a whole day of a channel with its totals. `visitors` counts different people and does
    not add up over days: someone who comes on two days is a visitor of both.

    >>> day = Visit(id="W1", at="2026-01-05", sessions=400, conversions=12)
    >>> day.conversions / day.sessions
    0.03
    """

    id: str
    at: Timestamp | None = None
    sessions: Whole = Field(default=1, ge=0)
    visitors: Whole | None = Field(default=None, ge=0)
    conversions: Whole | None = Field(default=None, ge=0)
    channel: str | None = None
    campaign_id: str | None = None
    attributes: Attributes = Field(default_factory=no_attributes)
