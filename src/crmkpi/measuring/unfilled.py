"""Fields that a KPI needs and that no column of a table fills: it has no value then, where 0 would look like one."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from crmkpi.definition.expressions import Combination, Expression, Field, Negation, Presence, walk
from crmkpi.definition.measures import Grouped, Measure
from crmkpi.definition.metric import Metric
from crmkpi.definition.planned_expressions import Unless
from crmkpi.measuring.unreadable import UnreadableReason
from crmkpi.records.survey import USUAL_SCALE

__all__ = ["needed_fields", "unfilled_field", "why_unfilled"]


def unfilled_field(metric: Metric, is_unfilled: Callable[[str, str], bool], *, dated: bool) -> tuple[str, str] | None:
    """The table and the name of the first field that the KPI needs and that no column fills; None if there is none."""
    return next((each for each in needed_fields(metric, dated=dated) if is_unfilled(*each)), None)


def why_unfilled(table: str, name: str) -> UnreadableReason:
    """Why a KPI has no value where no column fills a field that it needs."""
    return UnreadableReason(f"no column of {table} fills {name}; name the one that holds it with columns=")


@lru_cache(maxsize=500)
def needed_fields(metric: Metric, *, dated: bool) -> tuple[tuple[str, str], ...]:
    """The tables and names of the fields that every counted record needs.

    `dated` adds the timestamps that put records into a period. The scale of a survey is known by its kind.

    >>> from crmkpi import mql_rate, win_rate
    >>> needed_fields(mql_rate, dated=False)
    (('leads', 'mql_at'),)
    >>> needed_fields(win_rate, dated=True)
    (('deals', 'closed_at'), ('deals', 'status'))
    """
    found: dict[tuple[str, str], None] = {}
    for measure in metric.measures.values():
        at = metric.at if measure.at is None else measure.at
        names = _of_measure(measure) | (_all(at) if dated and not measure.is_stock else frozenset())
        table = measure.base.record_type_.table
        known = USUAL_SCALE if table == "surveys" else ()
        found |= dict.fromkeys((table, name) for name in sorted(names.difference(known)))
    return tuple(found)


def _of_measure(measure: Measure) -> frozenset[str]:
    if not isinstance(measure.table, Grouped):
        return _all(measure.value) | _needed(measure.where)
    _, key, columns = measure.table.parts_
    return _all(key).union(*(_all(columns[name].value) for name in _all(measure.value)))


def _needed(condition: Expression | None) -> frozenset[str]:
    """The fields that must hold something for the condition to be true."""
    match condition:
        case None | Unless() | Presence(_, False):
            return frozenset()
        case Combination("and", left, right):
            return _needed(left) | _needed(right)
        case Combination("or", left, right):
            return _needed(left) & _needed(right)
        case Negation(Combination("and", left, right)):
            return _needed(Negation(left)) & _needed(Negation(right))
        case Negation(Combination("or", left, right)):
            return _needed(Negation(left)) | _needed(Negation(right))
        case Negation(Negation(item) | Unless(item)):
            return _needed(item)
        case Negation(Presence(item, present)):
            return _needed(Presence(item, not present))
        case _:
            return _all(condition)


def _all(value: Expression | None) -> frozenset[str]:
    """The fields of the record itself in a value; those of related records may be missing."""
    return frozenset(part.path[0] for part in walk(value) if isinstance(part, Field) and len(part.path) == 1)
