# Written by `python .ci/stubs.py`; do not edit.
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

__all__ = ["Ticket"]

@dataclass(frozen=True, init=False)
class Ticket:
    id: str
    created_at: datetime | None
    customer_id: str | None
    channel: str | None
    kind: str | None
    priority: str | None
    agent: str | None
    status: Literal["open", "pending", "solved", "closed"] | None
    first_replied_at: datetime | None
    solved_at: datetime | None
    first_solved_at: datetime | None
    replies: int | None
    reopens: int | None
    escalated: bool
    self_served: bool
    handled_seconds: float | None
    sla_due_at: datetime | None
    opened_by: Literal["customer", "agent", "bot"] | None
    merged_into: str | None
    spam: bool
    attributes: Mapping[str, Any]
    def __init__(
        self,
        *,
        id: str,
        created_at: datetime | date | str | None = ...,
        customer_id: str | None = ...,
        channel: str | None = ...,
        kind: str | None = ...,
        priority: str | None = ...,
        agent: str | None = ...,
        status: Literal["open", "pending", "solved", "closed"] | None = ...,
        first_replied_at: datetime | date | str | None = ...,
        solved_at: datetime | date | str | None = ...,
        first_solved_at: datetime | date | str | None = ...,
        replies: int | str | None = ...,
        reopens: int | str | None = ...,
        escalated: bool = ...,
        self_served: bool = ...,
        handled_seconds: Decimal | float | str | None = ...,
        sla_due_at: datetime | date | str | None = ...,
        opened_by: Literal["customer", "agent", "bot"] | None = ...,
        merged_into: str | None = ...,
        spam: bool = ...,
        attributes: Mapping[str, Any] = ...,
    ) -> None: ...
