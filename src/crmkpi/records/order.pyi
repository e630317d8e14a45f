# Written by `python .ci/stubs.py`; do not edit.
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

__all__ = ["Order"]

@dataclass(frozen=True, kw_only=True, init=False)
class Order:
    id: str
    customer_id: str | None = ...
    ordered_at: datetime | None = ...
    amount: Decimal | None = ...
    cost: Decimal | None = ...
    currency: str | None = ...
    status: Literal["completed", "cancelled", "returned", "abandoned"] = ...
    delivered_at: datetime | None = ...
    product: str | None = ...
    channel: str | None = ...
    attributes: Mapping[str, Any] = ...
    def __init__(
        self,
        *,
        id: str,
        customer_id: str | None = ...,
        ordered_at: datetime | date | str | None = ...,
        amount: Decimal | float | str | None = ...,
        cost: Decimal | float | str | None = ...,
        currency: str | None = ...,
        status: Literal["completed", "cancelled", "returned", "abandoned"] = ...,
        delivered_at: datetime | date | str | None = ...,
        product: str | None = ...,
        channel: str | None = ...,
        attributes: Mapping[str, Any] = ...,
    ) -> None: ...
