"""The account of each field of a table: how many records hold a value, lack one, or hold an unreadable one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from crmkpi.dates.calendars import Calendar
from crmkpi.definition.expressions import Field
from crmkpi.definition.measures import Table
from crmkpi.definition.planned_expressions import IsUnreadable, Unless
from crmkpi.engines.frames.backends import at_home
from crmkpi.engines.frames.snapshots import table_at_one_moment
from crmkpi.engines.frames.table import FrameTable
from crmkpi.engines.query import Anchor, Answer, Moments, Query, Slot
from crmkpi.records.base import record_class, record_type

__all__ = ["counted_fields"]

_PARTS = ("read", "empty", "unreadable")


def counted_fields(name: str, source: Any, calendar: Calendar) -> dict[str, dict[str, int]]:
    """Count, with the table's own engine, the records in which each field is read, empty and unreadable."""
    type_ = record_type(record_class(name))
    table = Table(type_.model)
    known = [each.name for each in type_.fields.values() if each.kind != "attributes" and each.name != "id"]
    anchor = Anchor(None, stock=False)
    numbers = {one: [anchor.add(slot) for slot in _slots(getattr(table, one))] for one in known}
    query = Query(type_, (), [anchor], unreadable=frozenset(known))
    states = _answer(name, query, source, calendar).groups[0].get(((), None), [0] * len(anchor.slots))
    return {
        one: dict(zip(_PARTS, (states[number] for number in places), strict=True)) for one, places in numbers.items()
    }


def _slots(field: Field) -> Iterable[Slot]:
    unread = IsUnreadable(field)
    yield Slot("count", field.present(), careful=field.present() & Unless(unread))
    yield Slot("count", field.missing(), careful=field.missing() & Unless(unread))
    yield Slot("count", None, careful=unread, only_unreadable=True)


def _answer(name: str, query: Query, source: Any, calendar: Calendar) -> Answer:
    if not isinstance(source, FrameTable):
        from crmkpi.engines.records.engine import answer  # noqa: PLC0415  # frames need no loops

        return answer(query, source, moments=Moments(), tables=_no_table, functions={}, parameters={})
    from crmkpi.engines.frames.engine import answer as answer_of_frame  # noqa: PLC0415  # only where there are frames

    with at_home(source.backend, name), table_at_one_moment(source) as whole:
        return answer_of_frame(
            query,
            whole,
            moments=Moments(),
            tables={name: whole},
            calendar=calendar,
            rates=None,
            currency=None,
            parameters={},
            confidence=None,
            merging=False,
        )


def _no_table(name: str) -> Any:
    raise AssertionError(name)  # no slot reads related records
