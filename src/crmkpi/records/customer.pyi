# Written by `python .ci/stubs.py`; do not edit.
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

__all__ = ["Customer"]

@dataclass(frozen=True, init=False)
class Customer:
    id: str
    since: datetime | None
    until: datetime | None
    status: str | None
    industry: str | None
    region: str | None
    plan: str | None
    channel: str | None
    source: str | None
    owner: str | None
    attributes: Mapping[str, Any]
    def __init__(
        self,
        *,
        id: str,
        since: datetime | date | str | None = ...,
        until: datetime | date | str | None = ...,
        status: str | None = ...,
        industry: str | None = ...,
        region: str | None = ...,
        plan: str | None = ...,
        channel: str | None = ...,
        source: str | None = ...,
        owner: str | None = ...,
        attributes: Mapping[str, Any] = ...,
    ) -> None: ...
