"""Time in integers: the offset of a zone, the local day and opening time, equal on every backend.

No calendar of a backend is used. A quantity that changes at known instants, such as the offset of a zone, is a step
function of the timestamp, whose steps Python computes.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from crmkpi.dates.calendars import Calendar
from crmkpi.engines.frames.faults import stands_for_nothing
from crmkpi.engines.frames.homes.home import DAY, ColumnType, Home
from crmkpi.engines.frames.profile import Path, Prepared, ProfiledColumn
from crmkpi.engines.frames.words import Expr, Frame, Words, only_where
from crmkpi.engines.query import MICROSECOND
from crmkpi.records.base import Kind

__all__ = [
    "DAY",
    "day_after",
    "from_micros",
    "instant",
    "local_day",
    "micros",
    "open_name",
    "step_numbers",
    "to_utc",
    "wall_time",
    "with_clocks",
    "with_open_time",
]

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  # the origin of wall clocks
_EPOCH_UTC = _EPOCH.replace(tzinfo=UTC)
# Before the first of these years, every zone has its local mean time.
_FIRST, _NEAR, _FAR = (datetime(year, 1, 1, tzinfo=UTC) for year in (1800, 2100, 2500))
_CALENDAR = 146_097 * DAY  # 400 years: weekdays, leap years and daylight-saving changes repeat after them


def micros(moment: datetime) -> int:
    """A datetime as microseconds since 1970, on the wall clock or in UTC."""
    return (moment - (_EPOCH if moment.tzinfo is None else _EPOCH_UTC)) // MICROSECOND


_LAST_DAY = micros(datetime(9999, 12, 31))  # noqa: DTZ001  # on the wall clock
Stretch = tuple[int, int]  # a range of time in microseconds, without its end
_BEYOND = micros(_NEAR) - DAY
_STRETCH = 2**44  # about 200 days
_MANY_STEPS = 64  # the changes of some thirty years


def from_micros(number: int) -> datetime:
    """The wall-clock datetime for a number of microseconds since 1970."""
    return _EPOCH + number * MICROSECOND


def day_after(nw: Words, end: Expr, kind: Kind, known: ColumnType) -> Expr:
    """The start of the day after a wall-clock moment.

    Two kinds stay as they are: 9999-12-31, which means no end, and placeholder dates, which a later step finds.
    """
    day = nw.lit(DAY)
    start = end - ((end % day) + day) % day
    made = nw.when(end >= nw.lit(_LAST_DAY)).then(start).otherwise(start + day)
    for nothing in stands_for_nothing(nw, kind, end, aware=bool(known.aware)):
        made = nw.when(nothing).then(end).otherwise(made)
    return made


def step_numbers(home: Home, column: Expr, edges: Sequence[Expr | float]) -> Expr:
    """How many of the increasing `edges` a number has reached; NULL where the number is NULL."""
    nw = home.words
    return only_where(nw, ~column.is_null(), home.steps(column, edges, range(len(edges) + 1)))


@cache
def _offsets(zone: ZoneInfo, first: datetime, end: datetime) -> tuple[tuple[int, int, int], ...]:
    """The changes of a zone's offset: the instant, and the offsets before and after, in microseconds."""
    found = []
    hours = range(int((end - first) / timedelta(hours=1)))

    def offset(hour: int) -> int:
        return ((first + timedelta(hours=hour)).astimezone(zone).utcoffset() or timedelta()) // MICROSECOND

    step = 24 * 7 // 2  # no zone has ever changed its clocks for less than half a week
    before = offset(0)
    for hour in range(step, len(hours), step):
        if offset(hour) == before:
            continue
        start, seconds = first + timedelta(hours=hour - step), range(step * 3600 + 1)
        changed = bisect_left(
            seconds,
            x=True,
            key=lambda second: (
                ((start + timedelta(seconds=second)).astimezone(zone).utcoffset() or timedelta()) // MICROSECOND
                != before
            ),
        )
        found.append((micros(start + timedelta(seconds=changed)), before, offset(hour)))
        before = offset(hour)
    return tuple(found)


def _offset_of(
    home: Home, column: Expr, known: ProfiledColumn, zone: ZoneInfo, *, wall: bool, held: Sequence[Stretch] = ()
) -> Expr:
    """The offset of `zone` at each `_near` instant; with `wall` at each wall-clock time, the first if it occurs twice.

    `held` are the ranges of time that contain all moments, if more is known than the first and the last moment.
    """
    edges, offsets = _changes(zone, known, wall=wall)
    steps: dict[int, int] = {}
    for first, end in held or [_range(known)]:
        within = range(bisect_right(edges, first), bisect_left(edges, end))
        for moment, offset in ((first, offsets[within.start]), *((edges[one], offsets[one + 1]) for one in within)):
            if not steps or offset != next(reversed(steps.values())):
                steps[moment] = offset
    return home.steps(column, list(steps)[1:], list(steps.values()))


def _changes(zone: ZoneInfo, known: ProfiledColumn, *, wall: bool) -> tuple[list[int], list[int]]:
    """The moments at which the clocks of a zone change, and its offsets: before the first change, and after each."""
    changes = _offsets(zone, _FIRST, _NEAR)
    if _is_far(known):
        changes += _offsets(zone, _NEAR - timedelta(days=1), _FAR)
    edges = [moment + (max(before, after) if wall else 0) for moment, before, after in changes]
    first = (_FIRST.astimezone(zone).utcoffset() or timedelta()) // MICROSECOND
    return edges, [first, *(after for _, _, after in changes)]


def _range(known: ProfiledColumn) -> Stretch:
    """The range from the first to the last `_near` moment of a column."""
    return (min(known.low, _BEYOND), micros(_FAR)) if _is_far(known) else (known.low, known.high + 1)


def _is_far(known: ProfiledColumn) -> bool:
    return known.high >= _BEYOND


def _near(home: Home, column: Expr, known: ProfiledColumn) -> Expr:
    """A moment with the same offset: moments after 2100 move back by multiples of 400 years."""
    nw = home.words
    later = column - ((column - nw.lit(_BEYOND)) // nw.lit(_CALENDAR)) * nw.lit(_CALENDAR)
    return nw.when(column >= nw.lit(_BEYOND)).then(later).otherwise(column) if _is_far(known) else column


def wall_time(home: Home, column: Expr, known: ProfiledColumn, calendar: Calendar) -> Expr:
    """A timestamp on the wall clock of the calendar, in microseconds since 1970."""
    if known.aware and calendar.tz != "UTC":
        return column + _offset_of(home, _near(home, column, known), known, calendar.zone, wall=False)
    return column


def local_day(home: Home, column: Expr, known: ProfiledColumn, calendar: Calendar) -> Expr:
    """The calendar day of a timestamp, as days since 1970."""
    return wall_time(home, column, known, calendar) // home.words.lit(DAY)


def instant(home: Home, column: Expr, known: ProfiledColumn, zone: ZoneInfo) -> Expr:
    """The instant at which the clock of a zone shows a wall-clock time, in microseconds since 1970."""
    return column - _offset_of(home, _near(home, column, known), known, zone, wall=True)


def with_clocks(prepared: Prepared, paths: Iterable[Path], zone: ZoneInfo) -> Prepared:
    """The frame with a twin of each timestamp: the instant of a wall-clock time, the wall-clock time of an instant.

    Each twin is a column, so that the offset of the zone is looked up once per row, however many durations and days
    need it.
    """
    home, nw = prepared.backend.home, prepared.backend.home.words
    known = {path: column for path in paths if (column := prepared.columns[path]).kind == "timestamp"}
    if not known:
        return prepared
    near = {one.name: _near(home, nw.col(one.name), one).alias(f"{one.name}_near") for one in known.values()}
    frame, made, exact = prepared.frame.with_columns(*near.values()), [], dict(prepared.exact)
    for path, one in known.items():
        wall, nearby = not one.aware, nw.col(f"{one.name}_near")
        edges, (first, end) = _changes(zone, one, wall=wall)[0], _range(one)
        many = bisect_left(edges, end) - bisect_right(edges, first) > _MANY_STEPS
        held = _stretches(home, frame, nearby) if many else ()  # one date in the year 9999 suffices for many steps
        offset = _offset_of(home, nearby, one, zone, wall=wall, held=held)
        name, source = f"{one.name}_clock", nw.col(one.name)
        made.append((source - offset if wall else source + offset).alias(name))
        exact[path] = one._replace(name=name, low=one.low - DAY, high=one.high + DAY, aware=wall, raw=None)
    return prepared._replace(frame=frame.with_columns(*made), exact=exact)


def _stretches(home: Home, frame: Frame, column: Expr) -> list[Stretch]:
    """The ranges of about 200 days that contain any moment."""
    asked = frame.select((column // home.words.lit(_STRETCH)).alias("stretch")).unique()
    numbers = sorted(int(number) for (number,) in home.leave(asked) if number is not None)
    return [(number * _STRETCH, (number + 1) * _STRETCH) for number in numbers]


def to_utc(prepared: Prepared, zone: ZoneInfo) -> Prepared:
    """The frame with wall-clock times converted to instants of a zone."""
    nw = prepared.backend.home.words
    columns = dict(prepared.columns)
    made = []
    for path, known in prepared.columns.items():
        if known.kind == "timestamp" and not known.aware:
            made.append(instant(prepared.backend.home, nw.col(known.name), known, zone).alias(known.name))
            columns[path] = known._replace(raw=None, aware=True, low=known.low - DAY, high=known.high + DAY)
    return prepared._replace(frame=prepared.frame.with_columns(*made), columns=columns) if made else prepared


def with_open_time(prepared: Prepared, path: Path, calendar: Calendar) -> Prepared:
    """The frame with a column of the opening time from 1970 to the timestamp; differences of it are business time."""
    home = prepared.backend.home
    nw, known = home.words, prepared.columns[path]
    known = known if known.aware else prepared.exact.get(path, known)
    day, name, moment, exact = f"{known.name}_day", open_name(prepared, path), known.name, bool(known.aware)
    frame = prepared.frame.with_columns((nw.col(moment) // nw.lit(DAY)).alias(day))
    there = frame.select(nw.col(day), nw.col(moment)).filter(~nw.col(day).is_null())
    asked = there.group_by(day).agg(nw.col(moment).min())
    firsts = {int(number): int(moment) for number, moment in sorted(home.leave(asked))}
    days = list(firsts)
    hours = calendar.open_time()
    if days:
        hours.check(firsts[days[0]], exact=exact)
    counted = [hours.of_day(number, exact=exact) for number in days]
    columns: dict[str, list[int]] = {f"{day}_key": days, f"{name}_before": [before for before, _ in counted]}
    size = max((len(windows) for _, windows in counted), default=0)
    for number in range(size):
        edges = [windows[number] if number < len(windows) else (0, 0) for _, windows in counted]
        columns[f"{name}_opens{number}"] = [opens for opens, _ in edges]
        columns[f"{name}_closes{number}"] = [closes for _, closes in edges]
    frame = frame.join(home.beside(frame, columns), left_on=day, right_on=f"{day}_key", how="left")
    passed = nw.col(f"{name}_before")
    for number in range(size):
        opens, closes = nw.col(f"{name}_opens{number}"), nw.col(f"{name}_closes{number}")
        stamp = nw.col(moment)
        passed = passed + nw.when(stamp < opens).then(nw.lit(0)).otherwise(
            nw.when(stamp < closes).then(stamp - opens).otherwise(closes - opens)
        )
    frame = frame.with_columns(only_where(nw, ~nw.col(moment).is_null(), passed).alias(name))
    return prepared._replace(frame=frame)


def open_name(prepared: Prepared, path: Path) -> str:
    """The name of the column that `with_open_time` adds."""
    return f"{prepared.columns[path].name}_open"
