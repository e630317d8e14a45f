"""Which records a measure can use: the fields it needs, their valid values, and the reasons for leaving one out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta

from crmkpi.definition.expressions import (
    Bound,
    BusinessTime,
    Comparison,
    Constant,
    Expression,
    Field,
    Presence,
    walk,
)
from crmkpi.definition.measures import Measure
from crmkpi.definition.planned_expressions import Happened, Unless
from crmkpi.engines.query import Slot
from crmkpi.measuring.conditions import every, excludes
from crmkpi.measuring.so_far import AFTER_AS_OF, lies_later
from crmkpi.records.base import RecordType

__all__ = ["currency_of", "not_left_out", "not_negative", "own_reasons", "tells_apart", "used_by"]

_ZERO = Constant(timedelta(0), "duration")


def not_negative(value: Expression | None) -> list[Expression]:
    """Durations below zero are mistakes in the data: they are left out and counted, never clipped."""
    if value is None or value.kind != "duration":
        return []
    if isinstance(value, BusinessTime):  # an end before the start is wrong, also where no opening hour lies between
        return [Comparison(">=", value.end, value.start)]
    return [Comparison(">=", value, _ZERO)]


def own_reasons(measure: Measure, slot: Slot, at: Expression | None) -> Iterable[tuple[str, Expression | None]]:
    """The reasons not to count a record that a measure covers: after `as_of`, no value, no key, a negative duration.

    `at` is the record's date; a record dated after the day up to which the data is known has not happened.
    """
    happened = [] if at is None else [Unless(lies_later(at))]
    present: list[Expression] = [*happened]
    if at is not None:
        yield AFTER_AS_OF, lies_later(at)
    for root in (slot.key, slot.moment, slot.value):
        for part in walk(root):
            field = part.item if isinstance(part, Happened) else part
            if not isinstance(field, Field) or repr(field.present()) in map(repr, present):
                continue
            if isinstance(part, Happened):
                yield AFTER_AS_OF, every([*present, lies_later(field)])
            if _optional(measure, field):
                yield f"no {field.path[-1]}", every([*present, field.missing()])
            present += [field.present(), *([part.present()] if isinstance(part, Happened) else [])]
    if slot.value is not None and slot.value.kind == "duration":
        negative = Comparison("<", slot.value, _ZERO)
        if isinstance(slot.value, BusinessTime):
            negative = Comparison("<", slot.value.end, slot.value.start)
        yield "negative duration", every([*happened, negative])


def _optional(measure: Measure, part: Field) -> bool:
    """Whether a record may lack the field; over a relation, the related record may be missing."""
    return len(part.path) > 1 or measure.base.record_type_.fields[part.path[0]].optional


def not_left_out(left_out: Mapping[str, Expression], measure: Measure) -> list[Expression]:
    """The negation of `leave_out`, without the parts that the measure's own condition or value already excludes."""
    present = None if measure.value is None else measure.value.present()
    own = every([measure.where, present])
    return [Unless(what) for what in left_out.values() if not excludes(own, what)]


def tells_apart(what: Expression) -> bool:
    """Whether the reason classifies a record (deleted, merged, spam), rather than naming a missing field."""
    return all(
        part.present_ if isinstance(part, Presence) else isinstance(part.right, Bound | Constant)
        for part in walk(what)
        if isinstance(part, Presence | Comparison)
    )


def used_by(slot: Slot) -> Expression | None:
    """The condition under which a record counts in a slot: the slot's filter holds, and the values are present."""
    needed = [part for part in (slot.value, slot.key, slot.moment) if part is not None]
    if slot.value is not None and slot.value.kind == "duration":
        needed.remove(slot.value)  # `x >= 0` already implies that x is present
    return every([slot.where, *(part.present() for part in needed)])


def currency_of(value: Expression | None, type_: RecordType) -> Field | None:
    """The field with the currency of an amount: the `currency` of the same record."""
    if value is None or value.kind != "money":
        return None
    amount = next(part for part in walk(value) if isinstance(part, Field) and part.kind == "money")
    if len(amount.path) == 1 and "currency" not in type_.fields:
        return None
    return Field(amount.table, (*amount.path[:-1], "currency"), "text")
