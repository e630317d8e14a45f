# Written by `python .ci/stubs.py`; do not edit.
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

__all__ = ["Visit"]

@dataclass(frozen=True, kw_only=True, init=False)
class Visit:
    id: str
    at: datetime | None = ...
    sessions: int = ...
    visitors: int | None = ...
    conversions: int | None = ...
    channel: str | None = ...
    campaign_id: str | None = ...
    attributes: Mapping[str, Any] = ...
    def __init__(
        self,
        *,
        id: str,
        at: datetime | date | str | None = ...,
        sessions: int | str = ...,
        visitors: int | str | None = ...,
        conversions: int | str | None = ...,
        channel: str | None = ...,
        campaign_id: str | None = ...,
        attributes: Mapping[str, Any] = ...,
    ) -> None: ...
