"""A survey: one question put to one customer, and the answer if there is one."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from crmkpi.records.base import Attributes, Number, Timestamp, no_attributes, record
from crmkpi.records.faults import FaultyFieldsError
from crmkpi.records.scales import LONGEST_SCALES, SHARES, USUAL_SCALES

__all__ = ["Survey"]


@record(table="surveys", relations={"customer": ("customer_id", "customers"), "ticket": ("ticket_id", "tickets")})
class Survey:
    """One survey sent to one person.

    `score` is on the scale from `scale_low` to `scale_high`, both included; a score off the scale is an error. The
    default scale depends on the kind: nps 0 to 10, csat 1 to 5, awareness 0 (does not know the brand) to 1 (knows it),
    review 1 to 5. An nps score between 0 and 1, such as 0.9, is a share of its scale and an error, too. The scale of a
    ces begins at 1 and ends at 5 or 7, so without one `scale_high` is missing. A review is an unsolicited answer, such
    as stars in a shop. A survey without an answer has neither score nor `answered_at`. An answer may have a comment and
    no score: it counts as answered and rates nothing.

    >>> survey = Survey(id="Q1", kind="csat", score=4)
    >>> survey.scale_low, survey.scale_high
    (1.0, 5.0)
    """

    id: str
    kind: Literal["nps", "csat", "ces", "awareness", "review"]
    sent_at: Timestamp | None = None
    answered_at: Timestamp | None = None
    scale_low: Number | None = None
    scale_high: Number | None = None
    score: Number | None = None
    customer_id: str | None = None
    ticket_id: str | None = None
    agent: str | None = None
    comment: str | None = None
    attributes: Attributes = Field(default_factory=no_attributes)

    def __post_init__(self) -> None:
        unreadable = getattr(self, "unreadable")  # noqa: B009  # only a partly read record has entries
        usual = USUAL_SCALES.get(self.kind, (None, None))
        low, high = (
            at if said is None and name not in unreadable else said
            for name, said, at in (
                ("scale_low", self.scale_low, usual[0]),
                ("scale_high", self.scale_high, usual[1]),
            )
        )
        most = LONGEST_SCALES.get(self.kind) if high is None else high
        if low is not None and most is not None:
            if low >= most:
                raise FaultyFieldsError(
                    f"A scale must end above its start, and this one goes from {low:g} to {most:g}.",
                    ("scale_low", "scale_high", "score"),
                )
            if self.score is not None and not low <= self.score <= most:
                raise FaultyFieldsError(
                    f"The score {self.score:g} is off its scale, which goes from {low:g} to {most:g}.", ("score",)
                )
            kind, nothing, whole = SHARES
            if self.kind == kind and self.score is not None and most > whole and nothing < self.score < whole:
                raise FaultyFieldsError(
                    f"The score {self.score:g} is a share, and the scale goes from {low:g} to {most:g}: give all "
                    f"scores times {most:g}, or scale_low=0 and scale_high=1.",
                    ("score",),
                )
        object.__setattr__(self, "scale_low", low)  # frozen; filled in so that readers need not know the defaults
        object.__setattr__(self, "scale_high", high)
