"""The data as of a day, `as_of`: a later date is a plan, or stands for "never".

Replies, ends, closings and solutions dated later have not happened: they are missing, unless a definition says itself
what `as_of` means. A record whose own date lies later is left out as "after as of". A stock is looked at no later than
on that day (`Moments.looked_at`), and needs none of this.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeVar

from crmkpi.definition.expressions import AsOf, Comparison, Expression, Field, as_of, walk
from crmkpi.definition.measures import Grouped, Measure
from crmkpi.definition.metric import Metric
from crmkpi.definition.planned_expressions import Happened

__all__ = ["AFTER_AS_OF", "lies_later", "measure_so_far", "so_far", "speaks_of_as_of"]

AFTER_AS_OF = "after as of"

What = TypeVar("What")


def so_far(what: What) -> What:
    """An expression, or several, in which every timestamp that says what happened is known only up to `as_of`."""
    if isinstance(what, Field) and what.table and what.kind == "timestamp" and not what.planned:
        return Happened(what)  # type: ignore[return-value]
    if isinstance(what, tuple):
        return tuple(so_far(part) for part in what)  # type: ignore[return-value]
    if not isinstance(what, Expression) or isinstance(what, Happened):
        return what
    parts = {name: getattr(what, name) for name in getattr(what, "__dataclass_fields__", {})}
    changed: dict[str, Any] = {
        name: so_far(part) for name, part in parts.items() if isinstance(part, Expression | tuple)
    }
    return replace(what, **changed) if changed else what  # type: ignore[type-var]


def measure_so_far(measure: Measure) -> Measure:
    """The measure of what has happened up to `as_of`."""
    return replace(measure, where=so_far(measure.where), value=so_far(measure.value))


def speaks_of_as_of(metric: Metric) -> bool:
    """Whether the definition itself uses the day, like the share of leads that converted up to it."""
    measures = [
        each
        for measure in metric.measures.values()
        for each in (measure, *(measure.table.parts_[2].values() if isinstance(measure.table, Grouped) else ()))
    ]
    roots = [*metric.leave_out.values(), *(root for each in measures for root in (each.where, each.value))]
    return any(isinstance(part, AsOf) for root in roots for part in walk(root))


def lies_later(at: Expression) -> Expression:
    """Where a record's own date lies after `as_of`."""
    return Comparison(">=", at, as_of)
