"""From metrics to queries: what each table must be asked so that every formula gets its inputs and its evidence.

All metrics of one call share one pass over each table. Two measures that say the same share one slot: by what is
declared, never by equal values. Beside its measures every metric asks for its account: how many records it used, and
how many it left out under which reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import reduce
from itertools import combinations
from operator import and_, or_
from typing import Any, Literal

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
    Unless,
    table_of,
    walk,
)
from crmkpi.definition.measures import Grouped, Measure
from crmkpi.definition.metric import Mean, Metric
from crmkpi.engines.query import Keep, Query, SegmentKey, Slot
from crmkpi.errors import PeriodError
from crmkpi.measuring.moments import sampled
from crmkpi.records.base import RecordType

__all__ = ["AccountPlan", "Column", "MeasurePlan", "MetricPlan", "Plan"]

_ZERO = Constant(timedelta(0), "duration")


@dataclass(frozen=True, slots=True)
class Column:
    """Where a number is found in the answers: the table, the number of the anchor and the number of the slot."""

    table: str
    anchor: int
    number: int
    measure: Measure
    slot: Slot
    stock: bool


@dataclass(frozen=True, slots=True)
class MeasurePlan:
    """Where a measure is found; of a grouped one, where each of its columns is."""

    measure: Measure
    columns: Mapping[str, Column]


@dataclass(frozen=True, slots=True)
class AccountPlan:
    """Where the evidence of one metric on one table and anchor is found."""

    table: str
    at: str | None
    anchor: int
    stock: bool
    used: int
    reasons: tuple[tuple[str, int], ...]

    @property
    def no_date(self) -> str:
        """The reason of records that lack the date which puts them into a period."""
        return f"no {self.at}"

    def left_out(self, counts: Sequence[int]) -> dict[str, int]:
        """How many records were left out under each reason: those of `reasons`, and last of all `no_date`."""
        found: dict[str, int] = {}
        for reason, count in zip((*(reason for reason, _ in self.reasons), self.no_date), counts, strict=True):
            if count:
                found[reason] = found.get(reason, 0) + count
        return found


@dataclass(frozen=True, slots=True)
class MetricPlan:
    """Where everything is found that a metric needs."""

    metric: Metric
    measures: Mapping[str, MeasurePlan]
    accounts: tuple[AccountPlan, ...]
    joints: Mapping[tuple[str, str], tuple[Column, ...]] | None = None  # what `moments_of` takes; None if not asked for


class Plan:
    """The queries for `metrics`, one a table, and where each metric finds its numbers in the answers.

    `undated` says that no period is asked for: flows then need no timestamp. `whole` says that no day matters either,
    as that of a rate would. Without `intervals` nothing is kept that only an interval needs, and without `moments`
    nothing that only the interval of a change needs.
    """

    __slots__ = ("_intervals", "_moments", "_undated", "_whole", "asks_business_time", "metrics", "queries", "shifting")

    def __init__(
        self,
        metrics: Iterable[Metric],
        segments: Mapping[str, tuple[SegmentKey, ...]],
        *,
        whole: bool,
        intervals: bool,
        undated: bool = False,
        moments: bool = False,
    ) -> None:
        """Plan `metrics` over tables that are grouped by `segments` (the keys of each table)."""
        self._whole = whole
        self._undated = undated or whole
        self._intervals = intervals
        self._moments = moments
        self.queries: dict[str, Query] = {}
        self.metrics = tuple(self._metric(metric, segments) for metric in metrics)
        measures = [measure for found in self.metrics for measure in _all_measures(found.metric)]
        self.shifting = tuple(measure for measure in measures if measure.shift != "none")
        parts = [part for measure in measures for root in (measure.where, measure.value) for part in walk(root)]
        self.asks_business_time = any(isinstance(part, BusinessTime) for part in parts)

    def _metric(self, metric: Metric, segments: Mapping[str, tuple[SegmentKey, ...]]) -> MetricPlan:
        for measure in metric.measures.values():
            type_ = measure.base.record_type_
            if type_.table not in self.queries:
                self.queries[type_.table] = Query(type_, segments.get(type_.table, ()))
        measures: dict[str, MeasurePlan] = {}
        # What each (table, anchor) of this metric counts, for the account.
        counted: dict[tuple[str, int], list[tuple[Measure, Slot]]] = {}
        for name, measure in metric.measures.items():
            columns = self._columns(metric, name, measure)
            measures[name] = MeasurePlan(measure, columns)
            for column in columns.values():
                if column.measure.shift == "none":
                    counted.setdefault((column.table, column.anchor), []).append((column.measure, column.slot))
        accounts = tuple(self._account(metric, table, anchor, found) for (table, anchor), found in counted.items())
        joints = self._joints(measures) if self._moments and sampled(metric) else None
        return MetricPlan(metric, measures, accounts, joints)

    def _joints(self, measures: Mapping[str, MeasurePlan]) -> dict[tuple[str, str], tuple[Column, ...]]:
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

    def _joint(self, mine: Column, theirs: Column) -> tuple[Column, ...] | None:
        """How many records two measures share, or the values there; None where their values cannot be added."""
        one, two = mine.slot, theirs.slot
        values = {repr(value): value for value in (one.value, two.value) if value is not None}
        if len(values) == 2 and one.value is not None and two.value is not None:
            if one.kind != two.kind or repr(one.currency) != repr(two.currency):
                return None
            values["both"] = Operation("+", one.value, two.value, one.kind)
        wheres = [_every([slot.where, None if slot.value is None else slot.value.present()]) for slot in (one, two)]
        if len(values) < 2 and _implies(one.where, two.where):
            where = one.where  # the very slot that is there already
        elif len(values) < 2 and _implies(two.where, one.where):
            where = two.where
        else:
            where = _every(wheres)
        anchor = self.queries[mine.table].anchors[mine.anchor]
        currency = one.currency if one.value is not None else two.currency
        slots = [Slot("values", where, value, None, None, currency, {"squares"}) for value in values.values()] or [
            Slot("count", where)
        ]
        numbers = [anchor.add(slot) for slot in slots]
        return tuple(replace(mine, number=number, slot=anchor.slots[number]) for number in numbers)

    def _columns(self, metric: Metric, name: str, measure: Measure) -> dict[str, Column]:
        if isinstance(measure.table, Grouped):
            _, key, inner = measure.table.parts_
            if measure.shift != "none":  # a shift of the whole is one of each of its columns
                inner = {each: replace(part, shift=measure.shift, steps=measure.steps) for each, part in inner.items()}
            return {column: self._column(metric, name, part, key) for column, part in inner.items()}
        return {"": self._column(metric, name, measure, None)}

    def _column(self, metric: Metric, name: str, measure: Measure, key: Expression | None) -> Column:
        type_ = measure.base.record_type_
        query = self.queries[type_.table]
        at = self._anchor_of(metric, measure, type_)
        stock = measure.is_stock and measure.at is None
        anchor = query.anchor(None if self._whole or stock else at, stock=stock)
        slot = Slot(
            _what(measure),
            _every([*_not_left_out(metric, type_.table, measure), measure.where, *_not_negative(measure.value)]),
            measure.value,
            key,
            at if measure.aggregate == "latest" else None,
            _currency_of(measure.value, type_),
            set(self._keep(metric, name, measure)),
            {measure.fraction} if measure.fraction is not None else set(),
        )
        number = query.anchors[anchor].add(slot)
        return Column(type_.table, anchor, number, measure, query.anchors[anchor].slots[number], stock)

    def _keep(self, metric: Metric, name: str, measure: Measure) -> tuple[Keep, ...]:
        """What must be kept of the values for the aggregate and for the interval."""
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

    def _account(self, metric: Metric, table: str, anchor: int, counted: Sequence[tuple[Measure, Slot]]) -> AccountPlan:
        """Count the records used and those left out, each under its first reason."""
        query = self.queries[table]
        plan = query.anchors[anchor]
        ways = {repr(way): way for way in (_used_by(slot) for _, slot in counted)}
        used = _union(list(ways.values()))
        reasons: list[tuple[str, int]] = []
        before: list[Expression] = []
        for reason, what in metric.leave_out.items():
            if table_of(what) == table:
                reasons.append((reason, plan.add(Slot("count", _every([*map(Unless, before), what])))))
                before.append(what)
        if used is not None:
            # A record that one measure cannot use may still be used by another.
            others = [Unless(used)] if len(ways) > 1 else []
            for measure, slot in counted:
                known = tuple(before)
                for reason, unusable in _own_reasons(measure, slot):
                    lost = _every([measure.where, unusable])
                    if lost is not None and not any(_implies(lost, other) for other in known):
                        rest = _every([*map(Unless, known), lost, *others])
                        reasons.append((reason, plan.add(Slot("count", rest))))
                        before.append(lost)
        at = None if plan.at is None else repr(plan.at).partition(".")[2]
        number = plan.add(Slot("count", used))
        return AccountPlan(table, at, anchor, plan.stock, number, tuple(reasons))


def _what(measure: Measure) -> Literal["count", "values", "distinct", "latest"]:
    aggregate = measure.aggregate
    return aggregate if aggregate in ("count", "distinct", "latest") else "values"


def _all_measures(metric: Metric) -> Iterable[Measure]:
    for measure in metric.measures.values():
        yield measure
        if isinstance(measure.table, Grouped):
            yield from measure.table.parts_[2].values()


def _not_negative(value: Expression | None) -> list[Expression]:
    """Durations below zero are mistakes in the data: they are left out and counted, never clipped."""
    if value is None or value.kind != "duration":
        return []
    if isinstance(value, BusinessTime):  # an end before the start is wrong, also where no opening hour lies between
        return [Comparison(">=", value.end, value.start)]
    return [Comparison(">=", value, _ZERO)]


def _own_reasons(measure: Measure, slot: Slot) -> Iterable[tuple[str, Expression | None]]:
    """Why a record that a measure is about may still not count: no value, a negative duration, no key."""
    present: list[Expression] = []
    for root in (slot.key, slot.moment, slot.value):
        fields = {repr(part): part for part in walk(root) if isinstance(part, Field) and _optional(measure, part)}
        for part in fields.values():
            if repr(part.present()) not in map(repr, present):
                yield f"no {part.path[-1]}", _every([*present, part.missing()])
                present.append(part.present())
    if slot.value is not None and slot.value.kind == "duration":
        negative = Comparison("<", slot.value, _ZERO)
        if isinstance(slot.value, BusinessTime):
            negative = Comparison("<", slot.value.end, slot.value.start)
        yield "negative duration", negative


def _optional(measure: Measure, part: Field) -> bool:
    """Whether a record may lack the field; over a relation, the related record may be missing."""
    return len(part.path) > 1 or measure.base.record_type_.fields[part.path[0]].optional


def _not_left_out(metric: Metric, table: str, measure: Measure) -> list[Expression]:
    """Nothing of what is left out; without what the measure's own condition or value excludes already."""
    present = None if measure.value is None else measure.value.present()
    own = _every([measure.where, present])
    return [Unless(what) for what in metric.leave_out.values() if table_of(what) == table and not _excludes(own, what)]


def _used_by(slot: Slot) -> Expression | None:
    """The condition under which a record counts in a slot: it is wanted, and there is something to count."""
    needed = [part for part in (slot.value, slot.key, slot.moment) if part is not None]
    if slot.value is not None and slot.value.kind == "duration":
        needed.remove(slot.value)  # that it is not negative says that it is there
    return _every([slot.where, *(part.present() for part in needed)])


def _currency_of(value: Expression | None, type_: RecordType) -> Field | None:
    """The field that tells in which currency an amount is: the `currency` of the same record."""
    if value is None or value.kind != "money":
        return None
    amount = next(part for part in walk(value) if isinstance(part, Field) and part.kind == "money")
    if len(amount.path) == 1 and "currency" not in type_.fields:
        return None
    return Field(amount.table, (*amount.path[:-1], "currency"), "text")


def _every(conditions: Iterable[Expression | None]) -> Expression | None:
    """All of the conditions; None where there is none to meet."""
    # Flat and without repetitions, so that the same condition has the same text however it came about.
    parts = {repr(part): part for condition in conditions for part in _sides(condition)}
    return reduce(and_, parts.values()) if parts else None


def _union(ways: Sequence[Expression | None]) -> Expression | None:
    """Any of the conditions, without those that another one covers; None, which every record meets, covers all."""
    widest: list[Any] = []
    for way in ways:
        if not any(_implies(way, known) for known in widest):
            widest = [*(known for known in widest if not _implies(known, way)), way]
    union: Expression | None = reduce(or_, widest)
    return union


def _implies(narrow: Expression | None, wide: Expression | None) -> bool:
    """Whether the one condition can only hold where the other does, as far as their form shows."""
    if wide is None or repr(narrow) == repr(wide):
        return True
    if isinstance(wide, Combination) and wide.word == "and":
        return _implies(narrow, wide.left) and _implies(narrow, wide.right)
    if isinstance(narrow, Combination):
        sides = (_implies(narrow.left, wide), _implies(narrow.right, wide))
        return any(sides) if narrow.word == "and" else all(sides)
    if isinstance(wide, Membership):
        options = _options(narrow, wide.item)
        return options is not None and options <= set(wide.options)
    if isinstance(wide, Combination):
        return _implies(narrow, wide.left) or _implies(narrow, wide.right)
    return (  # what is computed of a field is only there where the field is
        isinstance(narrow, Presence)
        and isinstance(wide, Presence)
        and narrow.present_
        and wide.present_
        and isinstance(wide.item, Field)
        and repr(wide.item) in map(repr, walk(narrow.item))
    )


def _excludes(condition: Expression | None, other: Expression) -> bool:
    """Whether the two cannot both hold, since one asks for a value and the other for its absence."""
    present = {repr(part.item) for part in _sides(condition) if isinstance(part, Presence) and part.present_}
    missing = {repr(part.item) for part in _sides(other) if isinstance(part, Presence) and not part.present_}
    return bool(present & missing)


def _sides(condition: Expression | None) -> list[Expression]:
    """The parts of a chain of `&`."""
    if condition is None:
        return []
    if isinstance(condition, Combination) and condition.word == "and":
        return [*_sides(condition.left), *_sides(condition.right)]
    return [condition]


def _options(condition: Expression | None, item: Expression) -> set[object] | None:
    if isinstance(condition, Membership) and repr(condition.item) == repr(item):
        return set(condition.options)
    if (
        isinstance(condition, Comparison)
        and condition.sign == "=="
        and isinstance(condition.right, Constant)
        and repr(condition.left) == repr(item)
    ):
        return {condition.right.value}
    return None
