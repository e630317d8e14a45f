# Written by `python .ci/stubs.py`; do not edit.
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

__all__ = ["Subscription"]

@dataclass(frozen=True, kw_only=True, init=False)
class Subscription:
    id: str
    customer_id: str | None = ...
    plan: str | None = ...
    mrr: Decimal | None = ...
    currency: str | None = ...
    started_at: datetime | None = ...
    ended_at: datetime | None = ...
    status: Literal["active", "trialing", "past_due", "unpaid", "paused", "incomplete", "canceled"] | None = ...
    trial_end: datetime | None = ...
    attributes: Mapping[str, Any] = ...
    def __init__(
        self,
        *,
        id: str,
        customer_id: str | None = ...,
        plan: str | None = ...,
        mrr: Decimal | float | str | None = ...,
        currency: str | None = ...,
        started_at: datetime | date | str | None = ...,
        ended_at: datetime | date | str | None = ...,
        status: Literal["active", "trialing", "past_due", "unpaid", "paused", "incomplete", "canceled"] | None = ...,
        trial_end: datetime | date | str | None = ...,
        attributes: Mapping[str, Any] = ...,
    ) -> None: ...
