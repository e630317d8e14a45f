"""Reactions to the sample company: clicks on its advertisements, calls, posts and reviews."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Literal

from crmkpi.demo.chance import MONTHS, Dice, busy
from crmkpi.records import Campaign, Interaction, Survey

__all__ = ["clicked", "mentions_of", "reviews_of", "taken"]

Outcome = Literal["answered", "missed", "abandoned", "voicemail"]
Sentiment = Literal["positive", "neutral", "negative"]
_INBOUND: tuple[Outcome, ...] = ("answered",) * 9 + ("abandoned", "missed")
_OUTBOUND: tuple[Outcome, ...] = ("answered",) * 5 + ("voicemail", "missed")
_SENTIMENTS: tuple[Sentiment, ...] = ("positive",) * 5 + ("neutral",) * 4 + ("negative",) * 2


def clicked(dice: Dice, campaigns: Iterable[Campaign]) -> Iterator[Campaign]:
    """The campaigns, with clicks and conversions for those with impressions."""
    for campaign in campaigns:
        if campaign.impressions is None:
            yield campaign
            continue
        clicks = round(campaign.impressions * dice.uniform(0.02, 0.04))
        yield replace(campaign, clicks=clicks, conversions=round(clicks * dice.uniform(0.03, 0.06)))


def taken(dice: Dice, interactions: Iterable[Interaction]) -> Iterator[Interaction]:
    """The interactions, with the outcome of calls; a call that nobody takes has no length."""
    for one in interactions:
        if one.kind != "call":
            yield one
            continue
        outcome = dice.choice(_INBOUND if one.direction == "inbound" else _OUTBOUND)
        if outcome == "answered":
            yield replace(one, outcome=outcome, resolved=dice.happens(0.7))
        else:
            yield replace(one, outcome=outcome, seconds=None)


def mentions_of(dice: Dice, scale: float) -> Iterator[Interaction]:
    """Posts that mention the firm; some have no recognisable sentiment."""
    number = 0
    for month in MONTHS:
        for _ in range(dice.times(20 * scale * busy(month))):
            number += 1
            yield Interaction(
                id=f"M{number:05}",
                kind="social",
                direction="inbound",
                at=dice.working_moment(month),
                sentiment=None if dice.happens(0.05) else dice.choice(_SENTIMENTS),
            )


def reviews_of(dice: Dice, scale: float) -> Iterator[Survey]:
    """Unsolicited reviews of one to five stars."""
    number = 0
    for month in MONTHS:
        for _ in range(dice.times(12 * scale * busy(month))):
            number += 1
            written = dice.working_moment(month) + timedelta(hours=2)
            stars = float(dice.pick({"5": 0.45, "4": 0.3, "3": 0.12, "2": 0.06, "1": 0.07}))
            yield Survey(id=f"R{number:05}", kind="review", answered_at=written, score=stars)
