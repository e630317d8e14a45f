"""Placeholder dates that programs write for a missing date: the epochs of their calendars."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

__all__ = ["LAST_PLACEHOLDER", "OFFSETS", "PLACEHOLDERS", "WIDEST_OFFSET", "is_placeholder"]

# The epochs of .NET, SQL Server, Excel, COBOL and Unix.
PLACEHOLDERS = (
    date(1, 1, 1), date(1753, 1, 1), date(1899, 12, 30), date(1899, 12, 31), date(1900, 1, 1), date(1970, 1, 1),
)  # fmt: skip
LAST_PLACEHOLDER = PLACEHOLDERS[-1]
WIDEST_OFFSET, OFFSETS = timedelta(hours=14), timedelta(minutes=15)  # of time zones, which are whole quarter hours
_DAYS = frozenset(PLACEHOLDERS)
_INSTANTS = tuple(datetime(day.year, day.month, day.day, tzinfo=UTC) for day in PLACEHOLDERS)


def is_placeholder(moment: date) -> bool:
    """Whether a day, or a moment at its midnight, is a placeholder; for an instant, the midnight of any zone counts.

    >>> from datetime import timezone
    >>> is_placeholder(datetime(1970, 1, 1)), is_placeholder(datetime(1970, 1, 1, 9)), is_placeholder(date(1970, 1, 2))
    (True, False, False)
    >>> is_placeholder(datetime(1970, 1, 1, tzinfo=timezone(timedelta(hours=2))))
    True
    """
    if moment.year > LAST_PLACEHOLDER.year:
        return False
    if not isinstance(moment, datetime):
        return moment in _DAYS
    if moment.time() == time.min and moment.date() in _DAYS:
        return True
    if moment.tzinfo is None:
        return False
    return any(abs(apart := moment - day) <= WIDEST_OFFSET and not apart % OFFSETS for day in _INSTANTS)
