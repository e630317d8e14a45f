"""Parse durations to seconds: 135, 02:15:00, or 1 day 3 hours."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from crmkpi.sources.limits import LONGEST_NUMBER
from crmkpi.sources.tallies import Count

__all__ = ["SECONDS", "DurationReader"]

SECONDS: Mapping[str, Decimal] = {
    "milliseconds": Decimal("0.001"),
    "seconds": Decimal(1),
    "minutes": Decimal(60),
    "hours": Decimal(3_600),
    "days": Decimal(86_400),
}
_CLOCK = re.compile(
    r"(?:(\d{1,5}) ?d(?:ays?)?,? +)?(\d{1,6}):([0-5]\d):([0-5]\d(?:\.\d{1,9})?)", re.ASCII | re.IGNORECASE
)
_WORD = re.compile(
    r"(\d{1,9}(?:\.\d{1,9})?)\s*"
    r"(milliseconds?|msecs?|ms|seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d|weeks?|w)(?![a-z])[\s,]*(?:and\s+)?",
    re.ASCII | re.IGNORECASE,
)
_ISO = re.compile(r"P(?:(\d{1,6})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,9}(?:\.\d{1,9})?)S)?)?", re.ASCII)


class DurationReader:
    """Reads the values of one column of durations as seconds.

    A bare number is in `unit`; a text with colons or words has its own units. Two numbers with one colon could be
    hours and minutes or minutes and seconds, and are refused. `number` parses a bare number in local notation.

    >>> from crmkpi.sources.tallies import uncounted
    >>> read = DurationReader(unit="minutes", number=lambda text: text, count=uncounted)
    >>> read("135"), read("02:15:00"), read("2 hours 15 minutes")
    (8100.0, 8100.0, 8100.0)
    """

    def __init__(self, *, unit: str, number: Callable[[Any], Any], count: Count) -> None:
        self._unit = unit
        self._number = number
        self._count = count

    def __call__(self, value: Any) -> float | None:
        """The seconds, or None for a missing value."""
        if isinstance(value, str):
            text = value.strip()
            if len(text) > LONGEST_NUMBER:
                raise ValueError(f"not a duration: it has more than {LONGEST_NUMBER} characters")
            if found := _CLOCK.fullmatch(text):
                self._count("hours, minutes and seconds to seconds")
                return _sum((found[1], 86_400), (found[2], 3_600), (found[3], 60), (found[4], 1))
            if (seconds := _in_words(text)) is not None:
                self._count("words to seconds")
                return seconds
            if re.fullmatch(r"\d+:\d\d", text):
                raise ValueError("an ambiguous duration: hours and minutes, or minutes and seconds")
            value = self._number(value)
            if value is None:
                return None
        try:
            seconds = float(Decimal(str(value)) * SECONDS[self._unit])
        except (InvalidOperation, OverflowError):
            raise ValueError("not a duration") from None
        if self._unit != "seconds":
            self._count(f"{self._unit} to seconds")
        return seconds


def _in_words(text: str) -> float | None:
    if (found := _ISO.fullmatch(text)) and any(found.groups()):
        return _sum((found[1], 86_400), (found[2], 3_600), (found[3], 60), (found[4], 1))
    place, total = 0, Decimal(0)
    while match := _WORD.match(text, place):
        total += Decimal(match[1]) * _seconds_of(match[2].lower())
        place = match.end()
    return float(total) if place and place == len(text) else None


def _seconds_of(word: str) -> Decimal:
    if word.startswith(("ms", "mil")):
        return SECONDS["milliseconds"]
    return {"s": Decimal(1), "m": Decimal(60), "h": Decimal(3_600), "d": Decimal(86_400), "w": Decimal(604_800)}[
        word[0]
    ]


def _sum(*parts: tuple[str | None, int]) -> float:
    return float(sum(Decimal(text or 0) * unit for text, unit in parts))
