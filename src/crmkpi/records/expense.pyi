# Written by `python .ci/stubs.py`; do not edit.
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

__all__ = ["Expense"]

@dataclass(frozen=True, kw_only=True, init=False)
class Expense:
    id: str
    spent_at: datetime | None = ...
    amount: Decimal | None = ...
    currency: str | None = ...
    team: Literal["marketing", "sales", "service"] | None = ...
    channel: str | None = ...
    campaign_id: str | None = ...
    attributes: Mapping[str, Any] = ...
    def __init__(
        self,
        *,
        id: str,
        spent_at: datetime | date | str | None = ...,
        amount: Decimal | float | str | None = ...,
        currency: str | None = ...,
        team: Literal["marketing", "sales", "service"] | None = ...,
        channel: str | None = ...,
        campaign_id: str | None = ...,
        attributes: Mapping[str, Any] = ...,
    ) -> None: ...
