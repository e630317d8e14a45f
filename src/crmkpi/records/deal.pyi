# Written by `python .ci/stubs.py`; do not edit.
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

__all__ = ["Deal"]

@dataclass(frozen=True, init=False)
class Deal:
    id: str
    status: Literal["open", "won", "lost"]
    created_at: datetime | None
    closed_at: datetime | None
    expected_close_on: date | None
    amount: Decimal | None
    cost: Decimal | None
    currency: str | None
    probability: float | None
    owner: str | None
    customer_id: str | None
    lead_id: str | None
    campaign_id: str | None
    pipeline: str | None
    stage: str | None
    product: str | None
    industry: str | None
    source: str | None
    channel: str | None
    kind: Literal["new", "expansion", "renewal"] | None
    lost_reason: str | None
    deleted: bool
    attributes: Mapping[str, Any]
    def __init__(
        self,
        *,
        id: str,
        status: Literal["open", "won", "lost"],
        created_at: datetime | date | str | None = ...,
        closed_at: datetime | date | str | None = ...,
        expected_close_on: date | str | None = ...,
        amount: Decimal | float | str | None = ...,
        cost: Decimal | float | str | None = ...,
        currency: str | None = ...,
        probability: Decimal | float | str | None = ...,
        owner: str | None = ...,
        customer_id: str | None = ...,
        lead_id: str | None = ...,
        campaign_id: str | None = ...,
        pipeline: str | None = ...,
        stage: str | None = ...,
        product: str | None = ...,
        industry: str | None = ...,
        source: str | None = ...,
        channel: str | None = ...,
        kind: Literal["new", "expansion", "renewal"] | None = ...,
        lost_reason: str | None = ...,
        deleted: bool = ...,
        attributes: Mapping[str, Any] = ...,
    ) -> None: ...
