"""The planner: one query per table that returns the inputs and the evidence of every formula.

All metrics of one call share one pass over each table. Two measures with the same definition share one slot. The query
of a metric also counts the records that it used, and those that it left out, by reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any, Literal

from crmkpi._read_only import ReadOnly
from crmkpi.definition.expressions import (
    BusinessTime,
    Expression,
    Field,
    Operation,
    table_of,
    walk,
)
from crmkpi.definition.measures import Grouped, Measure
from crmkpi.definition.metric import Mean, Metric
from crmkpi.definition.planned_expressions import IsUnreadable, Unless, UnreadValue
from crmkpi.engines.query import Anchor, Keep, Query, SegmentKey, Slot
from crmkpi.errors import PeriodError
from crmkpi.measuring.conditions import every, implies, union
from crmkpi.measuring.duplicates import read_of_others
from crmkpi.measuring.locations import AccountPlan, Location, MeasurePlan, MetricPlan, UnreadPlan
from crmkpi.measuring.moments import sampled
from crmkpi.measuring.so_far import AFTER_AS_OF, lies_later, measure_so_far, so_far, speaks_of_as_of
from crmkpi.measuring.uncertain import Doubt, Uncertainty, doubt_of
from crmkpi.measuring.usable import currency_of, not_left_out, not_negative, own_reasons, tells_apart, used_by
from crmkpi.records.base import RecordType, record_class, record_type

__all__ = ["Plan"]


@dataclass(slots=True, eq=False, repr=False)
class _Draft:
    """A column of a measure before its slot has a number."""

    name: str
    column: str
    measure: Measure
    slot: Slot
    table: str
    anchor: int
    stock: bool

    @property
    def shift(self) -> tuple[Any, ...]:
        return (self.table, self.anchor, self.measure.shift, repr(self.measure.steps))


class Plan:
    """The queries for `metrics`, one per table, and the locations of each metric's numbers in the answers.

    `undated` means a query without periods: flows then need no timestamp. `whole` means that no day matters, not even
    that of an exchange rate. Without `intervals` the plan drops slots that only an interval needs, without `moments`
    those that only the interval of a change needs. `so_far` means that `as_of` is given, `again` that a table has
    duplicate ids. `unreadable` are the fields of each table that may hold unreadable values; None means every field.
    """

    def __init__(
        self,
        metrics: Iterable[Metric],
        segments: Mapping[str, tuple[SegmentKey, ...]],
        *,
        whole: bool,
        intervals: bool,
        undated: bool = False,
        moments: bool = False,
        so_far: bool = False,
        again: bool = False,
        unreadable: Mapping[str, frozenset[str] | None] = ReadOnly({}),
    ) -> None:
        """Plan `metrics` over tables that are grouped by `segments` (the keys of each table)."""
        self._whole = whole
        self._undated = undated or whole
        self._intervals = intervals
        self._moments = moments
        self._so_far = so_far
        self._again = again
        self.unreadable = unreadable
        self.queries: dict[str, Query] = {}
        self.metrics = tuple(self._metric(metric, segments) for metric in metrics)
        measures = [measure for found in self.metrics for measure in _all_measures(found.metric)]
        plans = [plan for found in self.metrics for plan in found.measures.values()]
        shifting = [each for plan in plans for each in plan.columns.values() if each.measure.shift != "none"]
        self.shifting = tuple(each.measure for each in shifting if not each.stock)
        self.shifting_stocks = tuple(each.measure for each in shifting if each.stock)
        for query in self.queries.values():
            self._mark(query)
        self.related = {table: read_of_others(query.type_, query.fields) for table, query in self.queries.items()}
        self.attributes = tuple((query, field) for query in self.queries.values() for field in _attributes(query))
        parts = [part for measure in measures for root in (measure.where, measure.value) for part in walk(root)]
        self.asks_business_time = any(isinstance(part, BusinessTime) for part in parts)

    def _metric(self, metric: Metric, segments: Mapping[str, tuple[SegmentKey, ...]]) -> MetricPlan:
        for measure in metric.measures.values():
            type_ = measure.base.record_type_
            if type_.table not in self.queries:
                self.queries[type_.table] = Query(type_, segments.get(type_.table, ()))
        drafts = [
            self._draft(metric, name, column, part, key)
            for name, measure in metric.measures.items()
            for column, part, key in _columns(measure)
        ]
        together: dict[Any, list[_Draft]] = {}
        for draft in drafts:
            together.setdefault(draft.shift, []).append(draft)
        doubts = {shift: self._doubt(alike) for shift, alike in together.items()}
        columns: dict[str, dict[str, Location]] = {name: {} for name in metric.measures}
        for draft in drafts:
            anchor = self.queries[draft.table].anchors[draft.anchor]
            number = anchor.add(draft.slot)
            draft.slot = anchor.slots[number]
            columns[draft.name][draft.column] = Location(
                draft.table, draft.anchor, number, draft.measure, draft.slot, draft.stock
            )
        measures = {name: MeasurePlan(measure, columns[name]) for name, measure in metric.measures.items()}
        accounts: list[AccountPlan] = []
        earlier: list[AccountPlan] = []
        for shift, alike in together.items():
            mine = alike[0].measure.shift == "none"
            if mine or self.unreadable or self._again:
                counted = [(draft.measure, draft.slot) for draft in alike]
                account = self._account(metric, alike[0].table, alike[0].anchor, counted, doubts[shift])
                if mine or self._again or account.unread is not None:
                    (accounts if mine else earlier).append(account)
        joints = self._joints(measures) if self._moments and sampled(metric) else None
        return MetricPlan(metric, measures, tuple(accounts), tuple(earlier), joints, _shifted(measures))

    def _joints(self, measures: Mapping[str, MeasurePlan]) -> dict[tuple[str, str], tuple[Location, ...]]:
        """The slots for the records that two inputs share, for each pair that can share any."""
        found = {}
        for (first, one), (second, two) in combinations(measures.items(), 2):
            mine, theirs = one.columns[""], two.columns[""]
            moved = (one.measure.shift, one.measure.steps) == (two.measure.shift, two.measure.steps)
            if moved and (mine.table, mine.anchor, mine.stock) == (theirs.table, theirs.anchor, theirs.stock):
                columns = self._joint(mine, theirs)
                if columns is not None:
                    found[first, second] = columns
        return found

    def _joint(self, mine: Location, theirs: Location) -> tuple[Location, ...] | None:
        """The slots for the count or values of records that two measures share; None if values cannot be added."""
        one, two = mine.slot, theirs.slot
        values = {repr(value): value for value in (one.value, two.value) if value is not None}
        if len(values) == 2 and one.value is not None and two.value is not None:
            if one.kind != two.kind or repr(one.currency) != repr(two.currency):
                return None
            values["both"] = Operation("+", one.value, two.value, one.kind)
        wheres = [every([slot.where, None if slot.value is None else slot.value.present()]) for slot in (one, two)]
        if len(values) < 2 and implies(one.where, two.where):
            where, careful = one.where, one.careful  # reuses an existing slot
        elif len(values) < 2 and implies(two.where, one.where):
            where, careful = two.where, two.careful
        else:
            where = every(wheres)
            careful = every([slot.where if slot.careful is None else slot.careful for slot in (one, two)])
            careful = None if one.careful is two.careful is None else careful
        anchor = self.queries[mine.table].anchors[mine.anchor]
        currency = one.currency if one.value is not None else two.currency
        slots = [
            Slot("values", where, value, None, None, currency, {"squares"}, careful=careful)
            for value in values.values()
        ] or [Slot("count", where, careful=careful)]
        numbers = [anchor.add(slot) for slot in slots]
        return tuple(replace(mine, number=number, slot=anchor.slots[number]) for number in numbers)

    def _draft(self, metric: Metric, name: str, column: str, measure: Measure, key: Expression | None) -> _Draft:
        type_ = measure.base.record_type_
        query = self.queries[type_.table]
        at = self._anchor_of(metric, measure, type_)
        stock = measure.is_stock and measure.at is None
        happened: list[Expression] = []
        if self._so_far and not stock:
            measure = measure if speaks_of_as_of(metric) else measure_so_far(measure, at)
            happened = [] if at is None else [Unless(lies_later(at))]
        left_out = self._left_out(metric, type_.table, stock=stock)
        anchor = query.anchor(None if self._whole or stock else at, stock=stock)
        slot = Slot(
            _what(measure),
            every([*happened, *not_left_out(left_out, measure), measure.where, *not_negative(measure.value)]),
            measure.value,
            key,
            at if measure.aggregate == "latest" else None,
            currency_of(measure.value, type_),
            set(self._keep(metric, name, measure)),
            {measure.fraction} if measure.fraction is not None else set(),
        )
        return _Draft(name, column, measure, slot, type_.table, anchor, stock)

    def _left_out(self, metric: Metric, table: str, *, stock: bool) -> dict[str, Expression]:
        """The `leave_out` of a metric for one table, simplified."""
        found = {reason: what for reason, what in metric.leave_out.items() if table_of(what) == table}
        if stock or not self._so_far or speaks_of_as_of(metric):
            return found
        return {reason: so_far(what) for reason, what in found.items()}

    def _doubt(self, drafts: Sequence[_Draft]) -> Doubt | None:
        """The doubt about records that are used together; makes their slots count only certain records."""
        if not self.unreadable:
            return None
        uncertainty = self._uncertainty(drafts[0].table)
        ways = [(used_by(draft.slot), draft.slot.currency) for draft in drafts]
        doubt = doubt_of(uncertainty, ways)
        if doubt is not None:
            for draft, (used, _) in zip(drafts, ways, strict=True):
                draft.slot.careful = doubt.certain[repr(used)]
        return doubt

    def _uncertainty(self, table: str) -> Uncertainty:
        return Uncertainty(lambda field: self._may(self.queries[table].type_, field.path))

    def _may(self, type_: RecordType, path: tuple[str, ...]) -> bool:
        """Whether a field, or the key of a relation on the way to it, may be unreadable."""
        first, *rest = path
        known = self.unreadable.get(type_.table, frozenset())
        if first in type_.relations and rest:
            relation = type_.relations[first]
            if known is None or relation.key in known:
                return True
            return self._may(record_type(record_class(relation.table)), tuple(rest))
        return path != ("id",) and (known is None or ".".join(path) in known)

    def _mark(self, query: Query) -> None:
        """Mark the fields of the query that may be unreadable."""
        may = [path for path in query.fields if self._may(query.type_, path)]
        query.unreadable = frozenset(".".join(path) for path in may)

    def _keep(self, metric: Metric, name: str, measure: Measure) -> tuple[Keep, ...]:
        """The state that the aggregate and the interval need."""
        match measure.aggregate:
            case "median" | "quantile":
                return ("values",)
            case "values":
                return ("values", "all")
            case "min" | "max":
                return ("extremes",)
            case "mean" if self._intervals:
                return ("squares",)
            case "sum" if self._intervals and (
                self._moments or (isinstance(metric.interval, Mean) and metric.interval.total == name)
            ):
                return ("squares",)
            case _:
                return ()

    def _anchor_of(self, metric: Metric, measure: Measure, type_: RecordType) -> Expression | None:
        at = measure.at
        if at is None and metric.at is not None and table_of(metric.at) == type_.table:
            at = metric.at
        if at is None and not self._undated and not measure.is_stock:
            raise PeriodError(
                f"{metric.id} cannot be measured in a period: {type_.table} have no timestamp in its definition; "
                "measure it without period, every and compare."
            )
        return at

    def _account(
        self,
        metric: Metric,
        table: str,
        anchor: int,
        counted: Sequence[tuple[Measure, Slot]],
        doubt: Doubt | None,
    ) -> AccountPlan:
        """Count the records used and those left out, each under its first reason."""
        query = self.queries[table]
        plan = query.anchors[anchor]
        ways = {repr(way): way for way in (used_by(slot) for _, slot in counted)}
        used = union(list(ways.values()))
        reasons: list[tuple[str, int]] = []
        lacking: list[bool] = []
        before: list[Expression] = []
        for reason, what in self._left_out(metric, table, stock=plan.stock).items():
            reasons.append((reason, plan.add(self._counting(table, every([*map(Unless, before), what]), doubt))))
            lacking.append(not tells_apart(what))
            before.append(what)
        if used is not None:
            # A record that one measure cannot use may still be used by another.
            others = [Unless(used)] if len(ways) > 1 else []
            for measure, slot in counted:
                known = tuple(before)
                dated = self._anchor_of(metric, measure, query.type_) if self._so_far and not plan.stock else None
                for reason, unusable in own_reasons(measure, slot, dated):
                    lost = every([measure.where, unusable])
                    if lost is not None and not any(implies(lost, other) for other in known):
                        rest = every([*map(Unless, known), lost, *others])
                        reasons.append((reason, plan.add(self._counting(table, rest, doubt))))
                        lacking.append(reason != AFTER_AS_OF)
                        before.append(lost)
        at = None if plan.at is None else repr(plan.at).partition(".")[2]
        number = plan.add(self._counting(table, used, doubt))
        unread = self._unread(query, anchor, used, doubt)
        measure = counted[0][0]
        shifted = measure if measure.shift != "none" else None
        return AccountPlan(table, at, anchor, plan.stock, number, tuple(reasons), unread, tuple(lacking), shifted)

    def _counting(self, table: str, condition: Expression | None, doubt: Doubt | None) -> Slot:
        """A slot that counts the records that certainly meet the condition."""
        if doubt is None:
            return self._careful(table, condition)
        certain = condition if condition is None else self._uncertainty(table).certainly(condition)
        return Slot("count", condition, careful=every([certain, Unless(doubt.aside)]))

    def _careful(self, table: str, condition: Expression | None) -> Slot:
        if condition is None or not self.unreadable:
            return Slot("count", condition)
        certain = self._uncertainty(table).certainly(condition)
        return Slot("count", condition, careful=None if certain is condition else certain)

    def _unread(self, query: Query, anchor: int, used: Expression | None, doubt: Doubt | None) -> UnreadPlan | None:
        """Count the records with an unreadable field that decides whether the metric uses them."""
        table, plan = query.type_.table, query.anchors[anchor]
        uncertainty = self._uncertainty(table)
        dates = uncertainty.fields(plan.at)
        keys = [key.source for key in query.segments if isinstance(key.source, Field)]
        keys = uncertainty.fields(*keys)
        functions = [key for key in query.segments if not isinstance(key.source, Field)]
        grouped = bool(keys) or (bool(functions) and self.unreadable.get(table, frozenset()) != frozenset())
        if doubt is None and not dates and not grouped:
            return None
        possible = used if doubt is None else doubt.possible
        fields = () if doubt is None else _values(plan, doubt.fields, doubt.aside)
        undated = None
        if dates:
            sure = self._counting(table, used, doubt)
            certain = sure.where if sure.careful is None else sure.careful
            (name, values) = _values(plan, dates[:1], possible)[0]
            lost = IsUnreadable(dates[0])
            without = plan.add(Slot("count", None, careful=every([certain, lost]), only_unreadable=True))
            whole = query.anchor(None, stock=False)
            any_date = None if certain is None else certain | (lost if possible is None else possible & lost)
            counted = query.anchors[whole].add(Slot("count", used, careful=any_date))
            undated = (name, values, without, whole, counted)
        segment = plan.add(Slot("count", None, careful=possible, only_unreadable=True)) if grouped else None
        return UnreadPlan(fields, undated, segment, _values(plan, keys, possible))


def _attributes(query: Query) -> list[Field]:
    """The custom attributes that measures read, and not only segments."""
    segments = [repr(key.source) for key in query.segments]
    found = [field for field in query.fields.values() if field.path[-2:-1] == ("attributes",)]
    return [field for field in found if repr(field) not in segments]


def _shifted(measures: Mapping[str, MeasurePlan]) -> dict[str, tuple[Measure, ...]]:
    """The measures that read another period, by the input that they belong to."""
    looking = {
        name: (found.measure, *(column.measure for column in found.columns.values()))
        for name, found in measures.items()
    }
    shifted = {name: tuple(part for part in parts if part.shift != "none") for name, parts in looking.items()}
    return {name: parts for name, parts in shifted.items() if parts}


def _values(plan: Anchor, fields: Sequence[Field], where: Expression | None) -> tuple[tuple[str, int], ...]:
    """Slots that count unreadable values by field; a record counts under its first unreadable field."""
    found = []
    for number, field in enumerate(fields):
        first = [Unless(IsUnreadable(other)) for other in fields[:number]]
        condition = every([where, IsUnreadable(field), *first])
        slot = Slot("count", None, key=UnreadValue(field), careful=condition, only_unreadable=True)
        found.append((field.path[-1], plan.add(slot)))
    return tuple(found)


def _columns(measure: Measure) -> Iterable[tuple[str, Measure, Expression | None]]:
    """The columns of a measure, each with the key of its rows; a plain measure is one column without a name."""
    if not isinstance(measure.table, Grouped):
        return [("", measure, None)]
    _, key, inner = measure.table.parts_
    if measure.shift != "none":  # shifting the whole shifts each of its columns
        inner = {each: replace(part, shift=measure.shift, steps=measure.steps) for each, part in inner.items()}
    return [(column, part, key) for column, part in inner.items()]


def _what(measure: Measure) -> Literal["count", "values", "distinct", "latest"]:
    aggregate = measure.aggregate
    return aggregate if aggregate in ("count", "distinct", "latest") else "values"


def _all_measures(metric: Metric) -> Iterable[Measure]:
    for measure in metric.measures.values():
        yield from (measure, *measure.columns)
