"""A lead: someone who might buy, from the first sign of interest until it is converted or given up."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from crmkpi.records.base import Attributes, Timestamp, no_attributes, record

__all__ = ["Lead"]


@record(
    table="leads",
    relations={
        "customer": ("customer_id", "customers"),
        "campaign": ("campaign_id", "campaigns"),
    },
)
class Lead:
    """Someone who might buy and is not yet a customer.

    A lead is a marketing-qualified lead from `mql_at` on, and a sales-qualified one from `sql_at` on. Some systems skip
    the first of the two, so `sql_at` may be the only one. `converted_at`, not the status, dates the conversion.
    A lead that was merged into another lead has that lead's id in `merged_into`: it is a duplicate of the same person.

    >>> lead = Lead(id="L1", created_at="2026-01-05T09:00", first_contacted_at="2026-01-05T09:30")
    >>> lead.first_contacted_at - lead.created_at
    datetime.timedelta(seconds=1800)
    """

    id: str
    created_at: Timestamp | None = None
    source: str | None = None
    channel: str | None = None
    campaign_id: str | None = None
    owner: str | None = None
    country: str | None = None
    status: Literal["new", "working", "qualified", "disqualified", "converted"] | None = None
    first_contacted_at: Timestamp | None = None
    mql_at: Timestamp | None = None
    sql_at: Timestamp | None = None
    converted_at: Timestamp | None = None
    customer_id: str | None = None
    deal_id: str | None = None
    merged_into: str | None = None
    deleted: bool = False
    attributes: Attributes = Field(default_factory=no_attributes)
