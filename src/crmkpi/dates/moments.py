"""Moments: exact instants, wall-clock times and whole days, and the timestamps of records."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime

from crmkpi.dates.calendars import Calendar
from crmkpi.errors import InputError, UnknownNameError, did_you_mean

__all__ = ["instant_of", "is_aware", "timestamp_of"]


def is_aware(moment: date) -> bool:
    """Whether a date is a moment with a time zone."""
    return isinstance(moment, datetime) and moment.tzinfo is not None


def instant_of(moment: date, calendar: Calendar) -> datetime:
    """The exact moment, in UTC, of a wall-clock time, of a moment with a time zone, or of the start of a date."""
    if not isinstance(moment, datetime):
        return calendar.midnight(moment)
    return calendar.instant(moment) if moment.tzinfo is None else moment.astimezone(UTC).replace(fold=0)


def timestamp_of(record: object, name: str, number: int) -> date | None:
    """The timestamp of one record, an object or a dict; None if it is missing."""
    try:
        moment = record[name] if isinstance(record, Mapping) else getattr(record, name)
    except (KeyError, AttributeError) as error:
        known = record if isinstance(record, Mapping) else [known for known in dir(record) if not known.startswith("_")]
        msg = f"Record {number} has no {name!r} that assigns it to a period. {did_you_mean(name, map(str, known))}"
        raise UnknownNameError(msg) from error
    if moment is None or moment != moment:  # noqa: PLR0124 a missing timestamp of pandas is a datetime that is not equal to itself
        return None
    if not isinstance(moment, date):
        msg = f"{name} of record {number} must be a date or a datetime; got {moment!r}."
        raise InputError(msg)
    return moment
