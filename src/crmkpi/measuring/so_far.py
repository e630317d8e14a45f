"""The data as of a day, `as_of`: a later date is a plan, or a placeholder for "never".

Replies, ends, closings and solutions dated later have not happened: they count as missing, and so does the status or
score that reports them, unless a definition uses `as_of` itself. A record whose own date is later is left out as
"after as of". A stock is measured no later than on that day (`Moments.looked_at`), and needs none of this.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar

from crmkpi._read_only import ReadOnly
from crmkpi.definition.expressions import (
    AsOf,
    Comparison,
    Constant,
    Expression,
    Field,
    Membership,
    Presence,
    as_of,
    walk,
)
from crmkpi.definition.measures import Measure
from crmkpi.definition.metric import Metric
from crmkpi.definition.planned_expressions import Happened, Unless
from crmkpi.records.base import record_class, record_type

__all__ = ["AFTER_AS_OF", "lies_later", "measure_so_far", "so_far", "speaks_of_as_of"]

AFTER_AS_OF = "after as of"

What = TypeVar("What")

# The fields that report an event: the values that report it, the field with its date, and the value for "not yet".
_TOLD: Mapping[tuple[str, str], tuple[tuple[str, ...], str, str | None]] = ReadOnly(
    {
        ("deals", "status"): (("won", "lost"), "closed_at", "open"),
        ("tickets", "status"): (("solved", "closed"), "solved_at", "open"),
        ("leads", "status"): (("converted",), "converted_at", None),
        ("customers", "status"): (("churned",), "until", None),
        ("surveys", "score"): ((), "answered_at", None),
    }
)


def so_far(what: What, but: str | None = None) -> What:
    """Rewrite an expression, or a tuple of them, so that the timestamps of events are missing after `as_of`.

    A status or score then reports only events up to `as_of`, unless its date is `but`, by which records are counted:
    those dated later are left out as "after as of".
    """
    if isinstance(what, Comparison | Membership | Presence) and (told := _told(what, but)) is not None:
        return told  # type: ignore[return-value]
    if isinstance(what, Field) and what.table and what.kind == "timestamp" and not what.planned:
        return Happened(what)  # type: ignore[return-value]
    if isinstance(what, tuple):
        return tuple(so_far(part, but) for part in what)  # type: ignore[return-value]
    if not isinstance(what, Expression) or isinstance(what, Happened):
        return what
    parts = {name: getattr(what, name) for name in getattr(what, "__dataclass_fields__", {})}
    changed: dict[str, Any] = {
        name: so_far(part, but) for name, part in parts.items() if isinstance(part, Expression | tuple)
    }
    return replace(what, **changed) if changed else what  # type: ignore[type-var]


def _told(what: Comparison | Membership | Presence, but: str | None) -> Expression | None:
    """A condition on a status or score as it was on the day `as_of`; None if it needs no change."""
    item = what.left if isinstance(what, Comparison) else what.item
    if not isinstance(item, Field) or (known := _TOLD.get((_table_of(item), item.path[-1]))) is None:
        return None
    words, date, before = known
    when = Field(item.table, (*item.path[:-1], date), "timestamp")
    if repr(when) == but:
        return None
    later = when.present() & lies_later(when)  # `present` makes it false rather than unknown without a date
    then = Membership(item, words) & later if words else later  # not happened by `as_of`
    match what:
        case Presence(_, False):
            return None if words else what | then
        case Comparison("==", _, Constant(word)) if words:
            asked = {word}
        case Comparison("!=", _, Constant(word)) if words:
            asked = {*item.choices} - {word}
        case Membership(_, options) if words:
            asked = {*options}
        case _:
            return None if words else what & Unless(then)
    if before in asked:
        return what | then
    if not asked & {*words} or (before is None and asked - {*words}):  # the earlier word is unknown
        return None
    return what & Unless(then)


def _table_of(field: Field) -> str:
    """The table of the record that holds a field, followed over relations; "" for a custom attribute."""
    table = field.table
    for name in field.path[:-1]:
        relation = record_type(record_class(table)).relations.get(name)
        if relation is None:
            return ""
        table = relation.table
    return table


def measure_so_far(measure: Measure, at: Expression | None) -> Measure:
    """The measure restricted to events up to `as_of`, for records that count by the date `at`."""
    but = None if at is None else repr(at)
    where, value = so_far(measure.where, but), so_far(measure.value, but)
    return replace(measure, where=where, value=value)


def speaks_of_as_of(metric: Metric) -> bool:
    """Whether the definition itself uses `as_of`, like the share of leads that converted up to that day."""
    measures = [each for measure in metric.measures.values() for each in (measure, *measure.columns)]
    roots = [*metric.leave_out.values(), *(root for each in measures for root in (each.where, each.value))]
    return any(isinstance(part, AsOf) for root in roots for part in walk(root))


def lies_later(at: Expression) -> Expression:
    """The condition that a record's own date is after `as_of`."""
    return Comparison(">=", at, as_of)
