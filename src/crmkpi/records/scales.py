"""The scales of surveys, apart from the record class, which frames validate scores without."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["LONGEST_SCALES", "SHARES", "USUAL_SCALE", "USUAL_SCALES"]

USUAL_SCALES: Mapping[str, tuple[float, float | None]] = {
    "nps": (0.0, 10.0),
    "csat": (1.0, 5.0),
    "ces": (1.0, None),  # they end at 5 or at 7
    "awareness": (0.0, 1.0),
    "review": (1.0, 5.0),
}
USUAL_SCALE = ("scale_low", "scale_high")  # the fields that the kind of a survey fills
LONGEST_SCALES: Mapping[str, float] = {"ces": 7.0}  # of kinds whose scale has no usual end
SHARES = ("nps", 0.0, 1.0)  # an nps score between these is a share of its scale and not a score
