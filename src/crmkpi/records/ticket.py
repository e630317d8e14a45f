"""A ticket: one matter that a customer brings to the service team."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from crmkpi.records.base import Attributes, Number, Planned, Timestamp, Whole, no_attributes, record

__all__ = ["Ticket"]


@record(table="tickets", relations={"customer": ("customer_id", "customers")})
class Ticket:
    """One matter for the service team (a case).

    `first_replied_at` is the first public reply of a person. A ticket that is reopened and solved again has two solves:
    `first_solved_at` is the first, `solved_at` the latest. Some systems leave `solved_at` on a reopened ticket, so only
    the status shows that it is solved now. Unknown `replies` and `reopens` are missing, which is not zero.
    `handled_seconds` is the working time of agents. `merged_into` and `spam` mark tickets that do not count.

    >>> ticket = Ticket(id="T1", status="solved", created_at="2026-01-05T09:00Z", first_replied_at="2026-01-05T10:15Z")
    >>> str(ticket.first_replied_at - ticket.created_at)
    '1:15:00'
    """

    id: str
    created_at: Timestamp | None = None
    customer_id: str | None = None
    channel: str | None = None
    kind: str | None = None
    priority: str | None = None
    agent: str | None = None
    status: Literal["open", "pending", "solved", "closed"] | None = None
    first_replied_at: Timestamp | None = None
    solved_at: Timestamp | None = None
    first_solved_at: Timestamp | None = None
    replies: Whole | None = Field(default=None, ge=0)
    reopens: Whole | None = Field(default=None, ge=0)
    escalated: bool = False
    self_served: bool = False
    handled_seconds: Number | None = Field(default=None, ge=0)
    sla_due_at: Planned | None = None
    opened_by: Literal["customer", "agent", "bot"] | None = None
    merged_into: str | None = None
    spam: bool = False
    attributes: Attributes = Field(default_factory=no_attributes)
