"""Wall-clock times as exact moments, and the time between two of them, also across a change of clocks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

__all__ = ["WallClock", "clocks_change"]

_NOTHING = timedelta(0)


@cache
def clocks_change(zone: ZoneInfo) -> bool:
    """Whether a zone has ever had another offset than in 1800."""
    if zone.key == "UTC":
        return False
    begin = datetime(1800, 1, 1, tzinfo=UTC)
    first = begin.astimezone(zone).utcoffset()
    # No zone has ever changed its clocks for less than half a week.
    moments = (begin + timedelta(days=3) * step for step in range(237 * 122))
    return any(moment.astimezone(zone).utcoffset() != first for moment in moments)


class WallClock:
    """The wall clock of a zone; the offset of each day is cached.

    A time that the clock shows twice means its first occurrence; a skipped time has the offset before the jump.
    """

    __slots__ = ("_offsets", "_zone")

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._offsets: dict[int, timedelta | None] = {}

    def offset(self, wall: datetime) -> timedelta:
        """The offset of the clock from UTC."""
        day = wall.toordinal()
        try:
            found = self._offsets[day]
        except KeyError:
            found = self._offsets[day] = self._of_day(day)
        return found if found is not None else self._at(wall)

    def instant(self, wall: datetime) -> datetime:
        """The exact moment of a wall-clock time, in UTC."""
        try:
            return (wall - self.offset(wall)).replace(tzinfo=UTC, fold=0)
        except OverflowError:  # within a day of the limits of datetime
            return wall.replace(tzinfo=UTC, fold=0)

    def elapsed(self, start: datetime, end: datetime) -> timedelta:
        """The time from one wall-clock time to another, or from one exact moment to another."""
        passed = end - start
        if start.tzinfo is not None:
            return passed
        return passed - self.offset(end) + self.offset(start)

    def _at(self, wall: datetime) -> timedelta:
        try:
            return wall.replace(tzinfo=self._zone, fold=0).utcoffset() or _NOTHING
        except OverflowError:
            return _NOTHING

    def _of_day(self, day: int) -> timedelta | None:
        """The offset on the whole day; None if clocks change on it."""
        # Some zones change their clocks at an odd hour, but none twice on one day.
        begin = datetime.fromordinal(day)
        last = begin + timedelta(hours=23, minutes=59, seconds=59, microseconds=999_999)
        first = self._at(begin)
        return first if first == self._at(last) else None
