"""Detect inclusive ends: a subscription ends the day before the same customer's next one begins."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, Protocol

from crmkpi.dates.calendars import Calendar
from crmkpi.definition.metric import Metric
from crmkpi.records.base import is_record, record_class, record_type

__all__ = ["Term", "day_before", "end_notes"]

Term = tuple[datetime, datetime | None, str]  # start, end and id
_DAY = timedelta(days=1)
_WHOLE_DAY = {(0, 0), (23, 59)}  # how a day without a time, and its end, are written


class _Tables(Protocol):
    """The part of a dataset that this module uses."""

    @property
    def tables(self) -> Mapping[str, Iterable[Any]]: ...
    @property
    def calendar(self) -> Calendar: ...


def day_before(terms: Sequence[Term]) -> Iterator[tuple[str, str]]:
    """The ids of each term that ends the day before another term of the customer begins, and of that other term.

    The last day is written as its midnight or as its last minute.
    """
    begins = {start: name for start, _, name in terms}
    days = {start.date(): name for start, name in begins.items() if start.time() == time()}
    for _, end, name in terms:
        if end is None or end in begins or end.date() == date.max or (end.hour, end.minute) not in _WHOLE_DAY:
            continue
        if (then := days.get(end.date() + _DAY)) is not None and (end.hour == 23 or end.time() == time()):
            yield name, then


def end_notes(crm: _Tables, metrics: Sequence[Metric]) -> tuple[str, ...]:
    """A note if subscriptions of a list or file seem to end on the last day of their term: each renewal is a loss."""
    table = crm.tables.get("subscriptions") if any("subscriptions" in metric.tables for metric in metrics) else None
    if not isinstance(table, Sequence) or not table:
        return ()
    if not is_record(table[0], record_type(record_class("subscriptions"))):
        return ()
    terms: dict[str, list[Term]] = {}
    for one in table:
        if one.customer_id is not None and one.started_at is not None:
            terms.setdefault(one.customer_id, []).append((one.started_at, one.ended_at, one.id))
    wall = crm.calendar.wall
    several = (
        [(wall(start), None if end is None else wall(end), name) for start, end, name in each]
        for each in terms.values()
        if len(each) > 1
    )
    pairs = [pair for each in several for pair in day_before(each)]
    if not pairs:
        return ()
    first, second = pairs[0]
    told = (
        f"{len(pairs):,} of {len(table):,} subscriptions end the day before the same customer's next begins, such as "
        f"{first} before {second}: where an end includes its day, say ends='inclusive' when the file is read"
    )
    return (told,)
