"""An interaction: one call, message or meeting with a lead or a customer."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from crmkpi.records.base import Attributes, Money, Number, Timestamp, no_attributes, record

__all__ = ["Interaction"]


@record(table="interactions", relations={"customer": ("customer_id", "customers")})
class Interaction:
    """One contact, inbound or outbound.

    Outbound means from the company to the person. `seconds` is the duration, `cost` the cost in addition to the agent's
    time. A message to several recipients is one interaction. A social mention is an inbound interaction of the kind
    social; its sentiment is a word in `sentiment`, or a `sentiment_score` from -1 to 1. For a call, `outcome` says
    whether somebody answered and `resolved` whether the call settled the matter.

    >>> call = Interaction(id="I1", kind="call", direction="outbound", at="2026-01-05T09:00", seconds=240)
    >>> call.seconds / 60
    4.0
    """

    id: str
    customer_id: str | None = None
    lead_id: str | None = None
    deal_id: str | None = None
    ticket_id: str | None = None
    kind: Literal["call", "email", "sms", "meeting", "chat", "social"] | None = None
    direction: Literal["inbound", "outbound"] | None = None
    at: Timestamp | None = None
    outcome: Literal["answered", "missed", "abandoned", "voicemail"] | None = None
    resolved: bool | None = None
    sentiment: Literal["positive", "neutral", "negative"] | None = None
    sentiment_score: Number | None = Field(default=None, ge=-1, le=1)
    seconds: Number | None = Field(default=None, ge=0)
    cost: Money | None = Field(default=None, ge=0)
    currency: str | None = None
    agent: str | None = None
    attributes: Attributes = Field(default_factory=no_attributes)
