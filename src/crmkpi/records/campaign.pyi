# Written by `python .ci/stubs.py`; do not edit.
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

__all__ = ["Campaign"]

@dataclass(frozen=True, init=False)
class Campaign:
    id: str
    name: str | None
    channel: str | None
    started_at: datetime | None
    ended_at: datetime | None
    cost: Decimal | None
    currency: str | None
    impressions: int | None
    clicks: int | None
    conversions: float | None
    sent: int | None
    delivered: int | None
    opened: int | None
    clicked: int | None
    unsubscribed: int | None
    bounced: int | None
    attributes: Mapping[str, Any]
    def __init__(
        self,
        *,
        id: str,
        name: str | None = ...,
        channel: str | None = ...,
        started_at: datetime | date | str | None = ...,
        ended_at: datetime | date | str | None = ...,
        cost: Decimal | float | str | None = ...,
        currency: str | None = ...,
        impressions: int | str | None = ...,
        clicks: int | str | None = ...,
        conversions: Decimal | float | str | None = ...,
        sent: int | str | None = ...,
        delivered: int | str | None = ...,
        opened: int | str | None = ...,
        clicked: int | str | None = ...,
        unsubscribed: int | str | None = ...,
        bounced: int | str | None = ...,
        attributes: Mapping[str, Any] = ...,
    ) -> None: ...
