# Written by `python .ci/stubs.py`; do not edit.
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

__all__ = ["Lead"]

@dataclass(frozen=True, init=False)
class Lead:
    id: str
    created_at: datetime | None
    source: str | None
    channel: str | None
    campaign_id: str | None
    owner: str | None
    country: str | None
    status: Literal["new", "working", "qualified", "disqualified", "converted"] | None
    first_contacted_at: datetime | None
    mql_at: datetime | None
    sql_at: datetime | None
    converted_at: datetime | None
    customer_id: str | None
    deal_id: str | None
    merged_into: str | None
    deleted: bool
    attributes: Mapping[str, Any]
    def __init__(
        self,
        *,
        id: str,
        created_at: datetime | date | str | None = ...,
        source: str | None = ...,
        channel: str | None = ...,
        campaign_id: str | None = ...,
        owner: str | None = ...,
        country: str | None = ...,
        status: Literal["new", "working", "qualified", "disqualified", "converted"] | None = ...,
        first_contacted_at: datetime | date | str | None = ...,
        mql_at: datetime | date | str | None = ...,
        sql_at: datetime | date | str | None = ...,
        converted_at: datetime | date | str | None = ...,
        customer_id: str | None = ...,
        deal_id: str | None = ...,
        merged_into: str | None = ...,
        deleted: bool = ...,
        attributes: Mapping[str, Any] = ...,
    ) -> None: ...
