"""A customer: a person or company that buys, from the first day to the last."""

from __future__ import annotations

from pydantic import Field

from crmkpi.records.base import Attributes, Timestamp, no_attributes, record

__all__ = ["Customer"]


@record(table="customers")
class Customer:
    """A person or company that buys.

    A customer is active from `since` on and before `until`, and no longer on the day of `until`. A customer without
    `until` is still active. `status` is the word of the source system and matters only to a metric that reads it.

    >>> customer = Customer(id="C1", since="2025-03-01", plan="team")
    >>> customer.until is None
    True
    """

    id: str
    since: Timestamp | None = None
    until: Timestamp | None = None
    status: str | None = None
    industry: str | None = None
    region: str | None = None
    plan: str | None = None
    channel: str | None = None
    source: str | None = None
    owner: str | None = None
    attributes: Attributes = Field(default_factory=no_attributes)
