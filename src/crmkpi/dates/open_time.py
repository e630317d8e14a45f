"""Opening time between two moments: its amount, and its intervals.

The open time before each queried day is cached, so a span costs two lookups however long it is. Naive moments are
wall-clock times; aware moments are exact, and their days are days of UTC.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Container, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from crmkpi.dates.opening_hours import DAY, FIRST_KNOWN, LAST_KNOWN, Schedules, WeekHours
from crmkpi.dates.wall_clock import WallClock, clocks_change
from crmkpi.errors import ParameterError, PeriodError, TimeZoneError

__all__ = ["FIRST_YEAR", "LAST_YEAR", "OpenTime", "instant"]

FIRST_YEAR, LAST_YEAR = 2, 9998  # one year inside the range of datetime, so that no offset leaves it
_MICROSECOND = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 the origin of wall clocks
_EPOCH_UTC = _EPOCH.replace(tzinfo=UTC)
_ORIGIN = _EPOCH.toordinal()
_LAST_MOMENT = (datetime.max - _EPOCH) // _MICROSECOND  # noqa: DTZ901 on the wall clock

# Open time is summed by chunks of 27 weeks, 773 of which are the 400 years after which weekdays and time zones repeat.
_WEEK = 7 * DAY
_CHUNK = 27 * _WEEK
_CYCLE = 773
_FIRST_KNOWN, _LAST_KNOWN = (day.toordinal() - _ORIGIN for day in (FIRST_KNOWN, LAST_KNOWN))
_EARLY, _LATE = _FIRST_KNOWN * DAY // _CHUNK, _LAST_KNOWN * DAY // _CHUNK + 2

# An opening window: its edges, the open time before it, and the next window of the same day.
_Window = tuple[datetime, datetime, timedelta, Any]


class OpenTime:
    """The opening time of a company, by its schedules, its holidays and the time zone of both."""

    __slots__ = (
        "_before", "_chunks", "_clock", "_days", "_holidays", "_known", "_origins", "_schedules", "_totals", "_zone"
    )  # fmt: skip

    def __init__(self, schedules: Schedules, holidays: Container[date], zone: ZoneInfo) -> None:
        """Schedules in order of time; each holds from its day on, and the first one may always have held."""
        self._schedules = tuple(
            (None if begins is None else (begins - _EPOCH) // _MICROSECOND, week) for begins, week in schedules
        )
        self._holidays = holidays
        self._zone = zone
        # If clocks change, wall-clock times are converted to exact moments.
        self._clock = WallClock(zone) if clocks_change(zone) else None
        begins = schedules[0][0]
        self._known = None if begins is None else (begins, instant(begins, zone))
        # One cache for wall-clock times and one for exact moments, which are two scales.
        self._days: tuple[dict[int, _Window], dict[int, _Window]] = ({}, {})
        self._origins: dict[bool, int] = {}
        self._chunks: dict[tuple[bool, int], tuple[array[int], array[int]]] = {}
        self._totals: dict[tuple[bool, int], int] = {}
        self._before: dict[tuple[bool, int], int] = {}

    def between(self, start: datetime, end: datetime) -> timedelta:
        """The open time from `start` to `end`; negative if the end is before the start."""
        try:
            zone = start.tzinfo
            alike = end.tzinfo is zone and (zone is UTC or (zone is None and self._clock is None))
        except AttributeError:  # not a datetime
            alike = False
        if not alike:
            start, end = self._alike(start, end)
        days = self._days[start.tzinfo is not None]
        # This runs for every record: repeated lines are faster than a function call, and a condition than min().
        try:
            opens, closes, before, later = days[start.toordinal()]
        except KeyError:
            opens, closes, before, later = self._day(start)
        while later is not None and start >= later[0]:
            opens, closes, before, later = later
        first = before if start <= opens else before + ((start if start < closes else closes) - opens)  # noqa: FURB136
        try:
            opens, closes, before, later = days[end.toordinal()]
        except KeyError:
            opens, closes, before, later = self._day(end)
        while later is not None and end >= later[0]:
            opens, closes, before, later = later
        return (before if end <= opens else before + ((end if end < closes else closes) - opens)) - first  # noqa: FURB136

    def stretches(self, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
        """The windows between two moments, clipped to them; the second moment must not be before the first."""
        start, end = self._alike(start, end)
        self._check(start)
        exact = start.tzinfo is not None
        origin = _EPOCH_UTC if exact else _EPOCH
        for opens, closes in self._windows(_count(start), _count(end), exact=exact):
            yield origin + timedelta(microseconds=opens), origin + timedelta(microseconds=closes)

    def _alike(self, start: datetime, end: datetime) -> tuple[datetime, datetime]:
        """Both moments in UTC, or both as wall-clock times of a zone whose clocks never change."""
        start, end = _alike(start, end)
        if start.tzinfo is None and self._clock is not None:
            return self._clock.instant(start), self._clock.instant(end)
        return start, end

    def of_day(self, number: int, *, exact: bool) -> tuple[int, Sequence[tuple[int, int]]]:
        """The open time before a day, and the windows in it, in microseconds; days and windows count from 1970.

        The open time before all days counts from one origin, so that the difference of two days is business time.
        """
        start = number * DAY
        chunk = start // _CHUNK
        apart = (chunk - _repeated(chunk)) * _CHUNK
        windows = self._windows(start - apart, start - apart + DAY, exact=exact)
        return self._until(start, exact=exact), [(opens + apart, closes + apart) for opens, closes in windows]

    def check(self, first: int, *, exact: bool) -> None:
        """Refuse a moment, in microseconds since 1970, before the first schedule."""
        if self._known is not None and first < _count(self._known[exact]):
            self._check((_EPOCH_UTC if exact else _EPOCH) + timedelta(microseconds=first))

    def _check(self, moment: datetime) -> None:
        if self._known is not None and moment < self._known[moment.tzinfo is not None]:
            msg = (
                f"The opening hours are known from {self._known[0]} on; got {moment}. Give the hours that held before "
                "it as well."
            )
            raise ParameterError(msg)

    def _day(self, moment: datetime) -> _Window:
        """The windows of the day that contains a moment, cached."""
        self._check(moment)
        exact = moment.tzinfo is not None
        origin, never = (_EPOCH_UTC, datetime.max.replace(tzinfo=UTC)) if exact else (_EPOCH, datetime.max)  # noqa: DTZ901
        ordinal = moment.toordinal()
        before, windows = self.of_day(ordinal - _ORIGIN, exact=exact)
        passed = before + sum(closes - opens for opens, closes in windows)
        found: Any = None
        for opens, closes in reversed(windows):
            passed -= closes - opens
            first, last = (origin + timedelta(microseconds=min(edge, _LAST_MOMENT)) for edge in (opens, closes))
            found = (first, last, timedelta(microseconds=passed), found)
        window: _Window = found or (never, never, timedelta(microseconds=passed), None)
        # The day on which the first schedule begins is not cached, as each of its moments must be checked.
        if self._known is None or ordinal != self._known[exact].toordinal():
            self._days[exact][ordinal] = window
        return window

    def _until(self, moment: int, *, exact: bool) -> int:
        """Open time up to a moment, since the beginning of the chunk that was queried first."""
        number, rest = divmod(moment, _CHUNK)
        before = self._before.get((exact, number))
        if before is None:
            origin = self._origins.setdefault(exact, number)
            steps = range(origin, number) if number >= origin else range(number, origin)
            before = sum(self._total(step, exact=exact) for step in steps) * (1 if number >= origin else -1)
            self._before[exact, number] = before
        starts, totals = self._chunk(number, exact=exact)
        window = bisect_right(starts, rest) - 1
        return before + (min(totals[window] + rest - starts[window], totals[window + 1]) if window >= 0 else 0)

    def _total(self, number: int, *, exact: bool) -> int:
        """The open time of a whole chunk: all weeks are alike, except for holidays and changes of hours or clocks."""
        number = _repeated(number)
        if (exact, number) in self._totals:
            return self._totals[exact, number]
        low, high = number * _CHUNK, (number + 1) * _CHUNK
        odd = [begins for begins, _ in self._schedules if begins is not None]
        odd += [day * DAY for day in range(low // DAY - 1, high // DAY + 2) if self._is_holiday(day)]
        # No zone has ever changed its clocks for less than half a week.
        offsets = [self._offset_at(moment) for moment in range(low, high + 1, _WEEK // 2)] if exact else []
        total = 0
        for week, start in enumerate(range(low, high, _WEEK)):
            same = len(set(offsets[2 * week : 2 * week + 3])) <= 1
            if same and not any(start - 2 * DAY < moment < start + _WEEK + DAY for moment in odd):
                windows = [window for day in self._week_at(start) for window in day]
            else:
                windows = list(self._windows(start, start + _WEEK, exact=exact))
            total += sum(closes - opens for opens, closes in windows)
        self._totals[exact, number] = total
        return total

    def _offset_at(self, moment: int) -> timedelta | None:
        return (_EPOCH_UTC + timedelta(microseconds=moment)).astimezone(self._zone).utcoffset()

    def _is_holiday(self, number: int) -> bool:
        return _FIRST_KNOWN <= number <= _LAST_KNOWN and date.fromordinal(_ORIGIN + number) in self._holidays

    def _chunk(self, number: int, *, exact: bool) -> tuple[array[int], array[int]]:
        """The starts of the windows of a chunk, and the open time before each and, last, of the whole chunk."""
        number = _repeated(number)
        chunk = self._chunks.get((exact, number))
        if chunk is None:
            chunk = (array("q"), array("q", [0]))
            low = number * _CHUNK
            for opens, closes in self._windows(low, low + _CHUNK, exact=exact):
                chunk[0].append(opens - low)
                chunk[1].append(chunk[1][-1] + closes - opens)
            self._chunks[exact, number] = chunk
        return chunk

    def _windows(self, low: int, high: int, *, exact: bool) -> Iterator[tuple[int, int]]:
        """The opening windows between two moments, in order and clipped to them."""
        # A zone is less than a day away from UTC, so local days are within one day of the UTC days.
        first = max(low // DAY - 1, date(FIRST_YEAR, 1, 2).toordinal() - _ORIGIN)
        last = min(high // DAY + 1, date(LAST_YEAR, 12, 30).toordinal() - _ORIGIN)
        for number in range(first, last + 1):
            windows = self._wall_windows(number)
            if not windows or self._is_holiday(number):
                continue
            offset = self._offset(number) if exact else 0
            for window in windows:
                opens, closes = (self._edge(number * DAY + edge, offset) for edge in window)
                if opens < high and low < closes and opens < closes:
                    yield max(opens, low), min(closes, high)

    def _week_at(self, moment: int) -> WeekHours:
        """The week's hours at a moment of the wall clock; before the first schedule, its hours."""
        number = sum(begins is not None and begins <= moment for begins, _ in self._schedules[1:])
        return self._schedules[number][1]

    def _wall_windows(self, number: int) -> Sequence[tuple[int, int]]:
        """The windows of a day on the wall clock since its midnight, ignoring holidays."""
        start, weekday = number * DAY, (number + 3) % 7  # 1970 began on a Thursday
        changes = [begins - start for begins, _ in self._schedules if begins is not None and 0 < begins - start < DAY]
        if not changes:
            return self._week_at(start)[weekday]
        edges = [0, *changes, DAY]
        return [
            (max(opens, low), min(closes, high))
            for low, high in pairwise(edges)
            for opens, closes in self._week_at(start + low)[weekday]
            if max(opens, low) < min(closes, high)
        ]

    def _offset(self, number: int) -> int | None:
        """The offset from UTC on the whole day, or None if clocks change on the day or at its ends."""
        midnight = datetime.fromordinal(_ORIGIN + number).replace(tzinfo=self._zone)
        offset = midnight.utcoffset()
        # Adding a day to a time in a zone moves its wall clock, so this is the midnight at which the day ends.
        if offset is None or offset != (midnight + timedelta(days=1)).replace(fold=1).utcoffset():
            return None
        return offset // _MICROSECOND

    def _edge(self, wall: int, offset: int | None) -> int:
        if offset is not None:
            return wall - offset
        return _count(instant(_EPOCH + timedelta(microseconds=wall), self._zone))


def instant(wall: datetime, zone: ZoneInfo) -> datetime:
    """The exact moment, in UTC, at which the wall clock of a zone first shows or passes a time."""
    if not FIRST_YEAR <= wall.year <= LAST_YEAR:
        msg = f"Periods lie in the years {FIRST_YEAR} to {LAST_YEAR}; got {wall}."
        raise PeriodError(msg)
    local = wall.replace(tzinfo=zone, fold=0)
    before = local.utcoffset() or timedelta()
    after = local.replace(fold=1).utcoffset() or timedelta()
    if before >= after:
        return wall.replace(tzinfo=UTC, fold=0) - before
    low = wall.replace(tzinfo=UTC, fold=0, microsecond=0) - after
    seconds = range(int((after - before).total_seconds()) + 2)
    jumped = bisect_left(
        seconds,
        x=True,
        key=lambda second: (low + timedelta(seconds=second)).astimezone(zone).utcoffset() != before,
    )
    return low + timedelta(seconds=jumped)


def _repeated(number: int) -> int:
    """The chunk with equal weekdays and clock changes that stands for a chunk far from today, which has no holidays."""
    if number >= _LATE:
        return _LATE + (number - _LATE) % _CYCLE
    return number if number >= _EARLY else _EARLY - 1 - (_EARLY - 1 - number) % _CYCLE


def _alike(start: datetime, end: datetime) -> tuple[datetime, datetime]:
    """Both moments as wall-clock times, or both in UTC."""
    if isinstance(start, datetime) and isinstance(end, datetime) and (start.tzinfo is None) == (end.tzinfo is None):
        if start.tzinfo is None:
            return start, end
        try:
            return start.astimezone(UTC), end.astimezone(UTC)
        except OverflowError as error:
            msg = f"Business time lies in the years {FIRST_YEAR} to {LAST_YEAR}; got {start} to {end}."
            raise PeriodError(msg) from error
    msg = f"Business time needs two datetimes, both with a time zone or both without; got {start!r} and {end!r}."
    raise TimeZoneError(msg)


def _count(moment: datetime) -> int:
    """A moment in microseconds since 1970, of UTC or on the wall clock."""
    return (moment - (_EPOCH if moment.tzinfo is None else _EPOCH_UTC)) // _MICROSECOND
