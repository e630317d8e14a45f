"""Fields that a KPI needs and that no column of a table fills: the KPI is then undefined, and not 0."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from crmkpi.definition.expressions import (
    Bound,
    Combination,
    Comparison,
    Constant,
    Expression,
    Field,
    Membership,
    Negation,
    Presence,
    walk,
)
from crmkpi.definition.measures import Grouped, Measure
from crmkpi.definition.metric import Metric
from crmkpi.definition.planned_expressions import Unless
from crmkpi.engines.records.interpreter import evaluate
from crmkpi.measuring.unreadable import UnreadableReason
from crmkpi.records.base import RecordType
from crmkpi.records.scales import USUAL_SCALE
from crmkpi.sources.reading import ENDS

__all__ = ["needed_fields", "unfilled_field", "why_unfilled"]


Need = tuple[str, tuple[str, ...]]  # a table, and the fields of it of which at least one must be filled


def unfilled_field(metric: Metric, is_unfilled: Callable[[str, str], bool], *, dated: bool) -> Need | None:
    """The first fields that the KPI needs and that no column fills, with their table; None if all are filled."""
    return next(
        (
            (table, names)
            for table, names in needed_fields(metric, dated=dated)
            if all(is_unfilled(table, name) for name in names)
        ),
        None,
    )


def why_unfilled(table: str, names: Sequence[str]) -> UnreadableReason:
    """The reason for an undefined KPI: no column fills a field that it needs, or an alternative to that field."""
    return UnreadableReason(
        f"no column of {table} fills {' or '.join(names)}; name the one that holds it with columns="
    )


@lru_cache(maxsize=500)
def needed_fields(metric: Metric, *, dated: bool) -> tuple[Need, ...]:
    """The tables and names of the fields without which no record can count, whatever else it holds.

    Of several names one suffices. `dated` adds the timestamps that assign records to a period. The scale of a survey
    follows from its kind. A field with a default, such as the status of an order, is needed if the default does not
    meet the condition.

    >>> from crmkpi import average_order_value, lead_conversion_rate, mql_rate, return_rate, win_rate
    >>> needed_fields(mql_rate, dated=False)
    (('leads', ('mql_at',)),)
    >>> needed_fields(win_rate, dated=True)
    (('deals', ('closed_at',)), ('deals', ('status',)))
    >>> needed_fields(lead_conversion_rate, dated=False)
    (('leads', ('converted_at', 'status')),)
    >>> needed_fields(average_order_value, dated=False), needed_fields(return_rate, dated=False)
    ((('orders', ('amount',)),), (('orders', ('status',)),))
    """
    found: dict[Need, None] = {}
    ends = _ends(metric)
    for measure in metric.measures.values():
        at = metric.at if measure.at is None else measure.at
        type_ = measure.base.record_type_
        needs = _of_measure(measure, _defaults(type_)) | (_all(at) if dated and not measure.is_stock else frozenset())
        needs |= ends.get(type_.table, frozenset())
        known = USUAL_SCALE if type_.table == "surveys" else ()
        found |= dict.fromkeys(
            (type_.table, tuple(sorted(names))) for names in _sorted(needs) if names.isdisjoint(known)
        )
    return tuple(found)


def _ends(metric: Metric) -> dict[str, frozenset[frozenset[str]]]:
    """The end dates that a KPI needs if it compares the records at the start of a period with those at its end.

    Without end dates, no record ever seems to leave. A KPI of one moment does not need them: every listed record may
    be active.
    """
    columns = [column for measure in metric.measures.values() for column in measure.columns or (measure,)]
    roots = [root for column in (*columns, *metric.measures.values()) for root in (column.where, column.value)]
    parts = [part for root in roots for part in walk(root)]
    if not {"start", "end"} <= {part.side for part in parts if isinstance(part, Bound)}:
        return {}
    ends = {part.table: part.path[0] for part in parts if isinstance(part, Field) and part.path[0] in ENDS}
    return {table: frozenset({frozenset({name})}) for table, name in ends.items()}


def _sorted(needs: frozenset[frozenset[str]]) -> list[frozenset[str]]:
    """The strictest needs in a stable order: {a} already implies {a or b}."""
    least = [names for names in needs if not any(other < names for other in needs)]
    return sorted(least, key=sorted)


def _defaults(type_: RecordType) -> dict[str, Any]:
    """The fields of a record that have a default other than None, with this default."""
    return {name: known.default for name, known in type_.fields.items() if known.default is not None}


def _of_measure(measure: Measure, defaults: Mapping[str, Any]) -> frozenset[frozenset[str]]:
    if not isinstance(measure.table, Grouped):
        return _missing(measure.value, defaults) | _needed(measure.where, defaults)
    _, key, columns = measure.table.parts_
    values = (columns[name].value for (name,) in _all(measure.value))
    return _missing(key, defaults).union(*(_missing(value, defaults) for value in values))


def _needed(condition: Expression | None, defaults: Mapping[str, Any]) -> frozenset[frozenset[str]]:
    """The fields that must have a value for the condition to be true: at least one of each set."""
    match condition:
        case None | Unless() | Presence(_, False):
            return frozenset()
        case Combination("and", Presence(left, False), Presence(right, False)):
            # A test that several fields are all empty needs a column for one of them, or it is always true.
            return frozenset({frozenset().union(*_all(left), *_all(right))})
        case Combination("and", left, right):
            return _needed(left, defaults) | _needed(right, defaults)
        case Combination("or", left, right):
            return frozenset(one | other for one in _needed(left, defaults) for other in _needed(right, defaults))
        case Negation(Combination("and", left, right)):
            return _needed(Combination("or", Negation(left), Negation(right)), defaults)
        case Negation(Combination("or", left, right)):
            return _needed(Combination("and", Negation(left), Negation(right)), defaults)
        case Negation(Negation(item) | Unless(item)):
            return _needed(item, defaults)
        case Negation(Presence(item, present)):
            return _needed(Presence(item, not present), defaults)
        case _:
            lacking = _missing(condition, defaults)
            return _all(condition) if not lacking and _is_false(condition, defaults) else lacking


def _all(value: Expression | None) -> frozenset[frozenset[str]]:
    """The fields of the record itself in a value, all of which it needs; those of related records may be missing."""
    return frozenset(
        frozenset({part.path[0]}) for part in walk(value) if isinstance(part, Field) and len(part.path) == 1
    )


def _missing(value: Expression | None, defaults: Mapping[str, Any]) -> frozenset[frozenset[str]]:
    """The fields of a value that are empty if no column fills them, as they have no default."""
    return frozenset(names for names in _all(value) if names.isdisjoint(defaults))


def _is_false(condition: Expression, defaults: Mapping[str, Any]) -> bool:
    """Whether a condition on fields with a default is false for a record that holds only defaults."""
    for part in walk(condition):
        if not isinstance(part, Comparison | Constant | Field | Membership | Negation):
            return False
        if isinstance(part, Field) and len(part.path) > 1:
            return False
    return evaluate(condition, defaults, {}) is False
