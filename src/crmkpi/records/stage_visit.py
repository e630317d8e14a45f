"""A stage visit: one stay of one deal in one stage of its pipeline."""

from __future__ import annotations

from pydantic import Field

from crmkpi.records.base import Attributes, Timestamp, no_attributes, record

__all__ = ["StageVisit"]


@record(table="stage_visits", relations={"deal": ("deal_id", "deals")})
class StageVisit:
    """One stay of a deal in a stage, from entering it to leaving it.

    A deal that goes back to a stage visits it twice: two records. `left_at` is missing while the deal is still there.
    Systems that keep only the date of the latest entry lose the earlier visits.

    >>> visit = StageVisit(id="V1", deal_id="D1", stage="Proposal", entered_at="2026-01-05", left_at="2026-01-12")
    >>> (visit.left_at - visit.entered_at).days
    7
    """

    id: str
    deal_id: str | None = None
    pipeline: str | None = None
    stage: str | None = None
    entered_at: Timestamp | None = None
    left_at: Timestamp | None = None
    attributes: Attributes = Field(default_factory=no_attributes)
