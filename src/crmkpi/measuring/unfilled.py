"""Fields that a KPI needs and that no column of a table fills: it has no value then, where 0 would look like one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

from crmkpi.definition.expressions import Bound, Combination, Expression, Field, Negation, Presence, walk
from crmkpi.definition.measures import Grouped, Measure
from crmkpi.definition.metric import Metric
from crmkpi.definition.planned_expressions import Unless
from crmkpi.measuring.unreadable import UnreadableReason
from crmkpi.records.survey import USUAL_SCALE
from crmkpi.sources.reading import ENDS

__all__ = ["needed_fields", "unfilled_field", "why_unfilled"]


Need = tuple[str, tuple[str, ...]]  # a table, and the fields of it of which at least one must be filled


def unfilled_field(metric: Metric, is_unfilled: Callable[[str, str], bool], *, dated: bool) -> Need | None:
    """The first fields that the KPI needs and that no column fills, with their table; None where nothing is lacking."""
    return next(
        (
            (table, names)
            for table, names in needed_fields(metric, dated=dated)
            if all(is_unfilled(table, name) for name in names)
        ),
        None,
    )


def why_unfilled(table: str, names: Sequence[str]) -> UnreadableReason:
    """Why a KPI has no value where no column fills a field that it needs, nor one that could stand for it."""
    return UnreadableReason(
        f"no column of {table} fills {' or '.join(names)}; name the one that holds it with columns="
    )


@lru_cache(maxsize=500)
def needed_fields(metric: Metric, *, dated: bool) -> tuple[Need, ...]:
    """The tables and names of the fields without which no record can count, whatever else it holds.

    Of several names one suffices. `dated` adds the timestamps that put records into a period. The scale of a survey is
    known by its kind.

    >>> from crmkpi import lead_conversion_rate, mql_rate, win_rate
    >>> needed_fields(mql_rate, dated=False)
    (('leads', ('mql_at',)),)
    >>> needed_fields(win_rate, dated=True)
    (('deals', ('closed_at',)), ('deals', ('status',)))
    >>> needed_fields(lead_conversion_rate, dated=False)
    (('leads', ('converted_at', 'status')),)
    """
    found: dict[Need, None] = {}
    ends = _ends(metric)
    for measure in metric.measures.values():
        at = metric.at if measure.at is None else measure.at
        needs = _of_measure(measure) | (_all(at) if dated and not measure.is_stock else frozenset())
        needs |= ends.get(measure.base.record_type_.table, frozenset())
        table = measure.base.record_type_.table
        known = USUAL_SCALE if table == "surveys" else ()
        found |= dict.fromkeys((table, tuple(sorted(names))) for names in _sorted(needs) if names.isdisjoint(known))
    return tuple(found)


def _ends(metric: Metric) -> dict[str, frozenset[frozenset[str]]]:
    """The end dates that a KPI needs if it compares the records at the start of a period with those at its end.

    Where no column says when something ended, nothing ever seems to leave. A KPI of one moment does not need them: all
    that is listed may be there.
    """
    columns = [
        column
        for measure in metric.measures.values()
        for column in (measure.table.parts_[2].values() if isinstance(measure.table, Grouped) else (measure,))
    ]
    roots = [root for column in (*columns, *metric.measures.values()) for root in (column.where, column.value)]
    parts = [part for root in roots for part in walk(root)]
    if not {"start", "end"} <= {part.side for part in parts if isinstance(part, Bound)}:
        return {}
    ends = {part.table: part.path[0] for part in parts if isinstance(part, Field) and part.path[0] in ENDS}
    return {table: frozenset({frozenset({name})}) for table, name in ends.items()}


def _sorted(needs: frozenset[frozenset[str]]) -> list[frozenset[str]]:
    """The needs that say most, in a stable order: where one name is needed, so is one of it and others."""
    least = [names for names in needs if not any(other < names for other in needs)]
    return sorted(least, key=sorted)


def _of_measure(measure: Measure) -> frozenset[frozenset[str]]:
    if not isinstance(measure.table, Grouped):
        return _all(measure.value) | _needed(measure.where)
    _, key, columns = measure.table.parts_
    return _all(key).union(*(_all(columns[name].value) for (name,) in _all(measure.value)))


def _needed(condition: Expression | None) -> frozenset[frozenset[str]]:
    """The fields that must hold something for the condition to be true: of each set at least one."""
    match condition:
        case None | Unless() | Presence(_, False):
            return frozenset()
        case Combination("and", Presence(left, False), Presence(right, False)):
            # That several fields are empty together says something only where one of them is filled elsewhere.
            return frozenset({frozenset().union(*_all(left), *_all(right))})
        case Combination("and", left, right):
            return _needed(left) | _needed(right)
        case Combination("or", left, right):
            return frozenset(one | other for one in _needed(left) for other in _needed(right))
        case Negation(Combination("and", left, right)):
            return _needed(Combination("or", Negation(left), Negation(right)))
        case Negation(Combination("or", left, right)):
            return _needed(Combination("and", Negation(left), Negation(right)))
        case Negation(Negation(item) | Unless(item)):
            return _needed(item)
        case Negation(Presence(item, present)):
            return _needed(Presence(item, not present))
        case _:
            return _all(condition)


def _all(value: Expression | None) -> frozenset[frozenset[str]]:
    """The fields of the record itself in a value, all of which it needs; those of related records may be missing."""
    return frozenset(
        frozenset({part.path[0]}) for part in walk(value) if isinstance(part, Field) and len(part.path) == 1
    )
