# Written by `python .ci/stubs.py`; do not edit.
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

__all__ = ["Interaction"]

@dataclass(frozen=True, init=False)
class Interaction:
    id: str
    customer_id: str | None
    lead_id: str | None
    deal_id: str | None
    ticket_id: str | None
    kind: Literal["call", "email", "sms", "meeting", "chat", "social"] | None
    direction: Literal["inbound", "outbound"] | None
    at: datetime | None
    outcome: Literal["answered", "missed", "abandoned", "voicemail"] | None
    resolved: bool | None
    sentiment: Literal["positive", "neutral", "negative"] | None
    sentiment_score: float | None
    seconds: float | None
    cost: Decimal | None
    currency: str | None
    agent: str | None
    attributes: Mapping[str, Any]
    def __init__(
        self,
        *,
        id: str,
        customer_id: str | None = ...,
        lead_id: str | None = ...,
        deal_id: str | None = ...,
        ticket_id: str | None = ...,
        kind: Literal["call", "email", "sms", "meeting", "chat", "social"] | None = ...,
        direction: Literal["inbound", "outbound"] | None = ...,
        at: datetime | date | str | None = ...,
        outcome: Literal["answered", "missed", "abandoned", "voicemail"] | None = ...,
        resolved: bool | None = ...,
        sentiment: Literal["positive", "neutral", "negative"] | None = ...,
        sentiment_score: Decimal | float | str | None = ...,
        seconds: Decimal | float | str | None = ...,
        cost: Decimal | float | str | None = ...,
        currency: str | None = ...,
        agent: str | None = ...,
        attributes: Mapping[str, Any] = ...,
    ) -> None: ...
