"""The records that a KPI leaves out, as text: those that its definition excludes, and those without a needed value."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from crmkpi.definition.expressions import (
    BusinessTime,
    Combination,
    Comparison,
    Constant,
    Expression,
    Field,
    Membership,
    Operation,
    Presence,
    walk,
)
from crmkpi.definition.measures import Grouped, Measure
from crmkpi.definition.metric import Metric
from crmkpi.display.wording import condition_in_words

__all__ = ["left_out_in_words"]


def left_out_in_words(metric: Metric) -> dict[str, str]:
    """Descriptions of the left out records, by the reason under which they are counted.

    >>> from crmkpi import revenue
    >>> for reason, records in left_out_in_words(revenue).items():
    ...     print(f"{reason}: {records}")
    deleted: deleted is true
    no amount: status is won and amount is missing
    no closed_at: closed at is missing, if a period is given
    """
    found = {reason: condition_in_words(what) for reason, what in metric.leave_out.items()}
    for measure in metric.measures.values():
        if measure.shift != "none":  # the account covers only the period itself
            continue
        if _speaks_alone(metric, measure):
            for reason, what in _unusable(metric, measure):
                found.setdefault(reason, condition_in_words(what))
        at = measure.at if measure.at is not None else metric.at
        if at is not None and not measure.is_stock and _may_lack(metric, measure, at):
            undated = f"{condition_in_words(at.missing())}, if a period is given"
            found.setdefault(f"no {repr(at).partition('.')[2]}", undated)
    return found


def _unusable(metric: Metric, measure: Measure) -> Iterator[tuple[str, Expression]]:
    """The reasons why a record in the scope of a measure may not count: no value, no key, a negative duration."""
    if isinstance(measure.table, Grouped):
        _, key, columns = measure.table.parts_
        yield from _lacking(metric, measure, key, None)
        for column in columns.values():
            yield from _lacking(metric, column, column.value, column.where)
        return
    yield from _lacking(metric, measure, measure.value, measure.where)
    if measure.value is not None and measure.value.kind == "duration":
        yield "negative duration", _both(measure.where, _backwards(measure.value))


def _lacking(
    metric: Metric, measure: Measure, root: Expression | None, where: Expression | None
) -> Iterator[tuple[str, Expression]]:
    for part in walk(root):
        if isinstance(part, Field) and _may_lack(metric, measure, part):
            yield f"no {part.path[-1]}", _both(where, part.missing())


def _speaks_alone(metric: Metric, measure: Measure) -> bool:
    """Whether all measures need the same value, so that a record which one cannot use is unusable for all."""
    same_table = [other for other in metric.measures.values() if other.base.record_type_ is measure.base.record_type_]
    if isinstance(measure.table, Grouped):
        return len({repr(other.table) for other in same_table}) == 1
    return len({(repr(other.table), repr(other.value)) for other in same_table}) == 1


def _may_lack(metric: Metric, measure: Measure, part: Expression) -> bool:
    """Whether a record in the scope of the measure may lack the field, without a reason of the definition for it."""
    if not isinstance(part, Field) or repr(part) in _asked_for(measure.where):
        return False
    wanted = {repr(side) for side in _sides(measure.where)}
    lacking = repr(part.missing())
    told = [{repr(side) for side in _sides(what)} for what in metric.leave_out.values()]
    if any(lacking in sides and sides <= wanted | {lacking} for sides in told):
        return False
    return len(part.path) > 1 or measure.base.record_type_.fields[part.path[0]].optional


def _sides(condition: Expression | None) -> list[Expression]:
    match condition:
        case None:
            return []
        case Combination("and", left, right):
            return [*_sides(left), *_sides(right)]
        case _:
            return [condition]


def _asked_for(condition: Expression | None) -> set[str]:
    """The fields that a record must have for the condition to be true."""
    asked = [side for side in _sides(condition) if isinstance(side, Comparison | Membership | Presence)]
    return {
        repr(part)
        for side in asked
        if not (isinstance(side, Presence) and not side.present_)
        for part in walk(side)
        if isinstance(part, Field)
    }


def _backwards(duration: Expression) -> Comparison:
    """The condition that a duration is negative, as a comparison of its two timestamps."""
    match duration:
        case BusinessTime(start, end) | Operation("-", end, start):
            return Comparison("<", end, start)
        case _:
            return Comparison("<", duration, Constant(timedelta(0), "duration"))


def _both(where: Expression | None, condition: Expression) -> Expression:
    return condition if where is None else where & condition
