"""The fields that each KPI reads, with their role, derived from the definitions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

from crmkpi.definition.expressions import (
    BusinessTime,
    Comparison,
    Constant,
    Expression,
    Field,
    Membership,
    Operation,
    walk,
)
from crmkpi.definition.measures import Grouped, Measure
from crmkpi.definition.metric import Metric
from crmkpi.records import RECORDS
from crmkpi.records.base import record_type

__all__ = ["FieldUsage", "Role"]

Role = Literal["date", "value", "condition"]


class FieldUsage:
    """The fields that each KPI reads, by role: `date` assigns a record to a period, `value` is summed or timed.

    >>> from crmkpi import revenue, win_rate
    >>> usage = FieldUsage([win_rate, revenue])
    >>> usage.of("deals", "amount"), usage.of("deals", "closed_at", "date")
    (('revenue',), ('win_rate', 'revenue'))
    >>> usage.counting("deals", "status", "lost")
    ('win_rate',)
    >>> from crmkpi import sales_cycle_length
    >>> FieldUsage([win_rate, sales_cycle_length]).comparing("deals", "created_at", "closed_at")
    ('sales_cycle_length',)
    """

    __slots__ = ("_comparing", "_counting", "_reading", "_tables")

    def __init__(self, metrics: Iterable[Metric]) -> None:
        """The usage of fields by these KPIs."""
        self._tables: dict[str, dict[str, None]] = {}
        self._reading: dict[tuple[str, str, Role], dict[str, None]] = {}
        self._counting: dict[tuple[str, str, object], dict[str, None]] = {}
        self._comparing: dict[frozenset[tuple[str, str]], dict[str, None]] = {}
        for metric in sorted(metrics, key=lambda metric: len(metric.tables)):  # the most affected first
            for table in metric.tables:
                self._tables.setdefault(table, {})[metric.id] = None
            for role, root in _roots(metric):
                for part in walk(root):
                    self._add(metric.id, role, part)

    def _add(self, name: str, role: Role, part: Expression) -> None:
        if isinstance(part, Field) and part.table:
            self._reading.setdefault((*_place(part), role), {})[name] = None
        elif isinstance(part, Membership) and isinstance(part.item, Field):
            for option in part.options:
                self._counting.setdefault((*_place(part.item), option), {})[name] = None
        elif isinstance(part, Comparison | Operation | BusinessTime):
            left, right = (part.start, part.end) if isinstance(part, BusinessTime) else (part.left, part.right)
            if isinstance(left, Field) and isinstance(right, Field):
                self._comparing.setdefault(frozenset((_place(left), _place(right))), {})[name] = None
            elif isinstance(left, Field) and isinstance(right, Constant) and getattr(part, "sign", "") == "==":
                self._counting.setdefault((*_place(left), right.value), {})[name] = None

    def of_table(self, table: str) -> tuple[str, ...]:
        """The KPIs that read a table."""
        return tuple(self._tables.get(table, ()))

    def of(self, table: str, field: str, *roles: Role) -> tuple[str, ...]:
        """The KPIs that read a field, in one of these roles or in any."""
        found = (self._reading.get((table, field, role), {}) for role in roles or ("date", "value", "condition"))
        return tuple(dict.fromkeys(name for names in found for name in names))

    def counting(self, table: str, field: str, value: object) -> tuple[str, ...]:
        """The KPIs whose conditions compare a field with a value."""
        return tuple(self._counting.get((table, field, value), ()))

    def comparing(self, table: str, start: str, end: str) -> tuple[str, ...]:
        """The KPIs that subtract or compare two fields."""
        return tuple(self._comparing.get(frozenset(((table, start), (table, end))), ()))


def _roots(metric: Metric) -> Iterator[tuple[Role, Expression | None]]:
    yield "date", metric.at
    for what in metric.leave_out.values():
        yield "condition", what
    for measure in metric.measures.values():
        yield from _of_measure(measure)
        if isinstance(measure.table, Grouped):
            _, key, columns = measure.table.parts_
            yield "value", key
            for column in columns.values():
                yield from _of_measure(column)


def _of_measure(measure: Measure) -> Iterator[tuple[Role, Expression | None]]:
    yield "date", measure.at
    yield "value", measure.value
    yield "condition", measure.where


def _place(field: Field) -> tuple[str, str]:
    """The table and the name of a field, following its relations."""
    table = field.table
    for name in field.path[:-1]:
        relations = record_type(RECORDS[table]).relations if table in RECORDS else {}
        table = relations[name].table if name in relations else table
    return table, field.path[-1]
