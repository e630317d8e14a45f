# Written by `python .ci/stubs.py`; do not edit.
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

__all__ = ["StageVisit"]

@dataclass(frozen=True, kw_only=True, init=False)
class StageVisit:
    id: str
    deal_id: str | None = ...
    pipeline: str | None = ...
    stage: str | None = ...
    entered_at: datetime | None = ...
    left_at: datetime | None = ...
    attributes: Mapping[str, Any] = ...
    def __init__(
        self,
        *,
        id: str,
        deal_id: str | None = ...,
        pipeline: str | None = ...,
        stage: str | None = ...,
        entered_at: datetime | date | str | None = ...,
        left_at: datetime | date | str | None = ...,
        attributes: Mapping[str, Any] = ...,
    ) -> None: ...
