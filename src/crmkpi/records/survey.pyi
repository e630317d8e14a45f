# Written by `python .ci/stubs.py`; do not edit.
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

__all__ = ["Survey"]

@dataclass(frozen=True, kw_only=True, init=False)
class Survey:
    id: str
    kind: Literal["nps", "csat", "ces", "awareness", "review"]
    sent_at: datetime | None = ...
    answered_at: datetime | None = ...
    scale_low: float | None = ...
    scale_high: float | None = ...
    score: float | None = ...
    customer_id: str | None = ...
    ticket_id: str | None = ...
    agent: str | None = ...
    comment: str | None = ...
    attributes: Mapping[str, Any] = ...
    def __init__(
        self,
        *,
        id: str,
        kind: Literal["nps", "csat", "ces", "awareness", "review"],
        sent_at: datetime | date | str | None = ...,
        answered_at: datetime | date | str | None = ...,
        scale_low: Decimal | float | str | None = ...,
        scale_high: Decimal | float | str | None = ...,
        score: Decimal | float | str | None = ...,
        customer_id: str | None = ...,
        ticket_id: str | None = ...,
        agent: str | None = ...,
        comment: str | None = ...,
        attributes: Mapping[str, Any] = ...,
    ) -> None: ...
