"""The status of each target of a KPI set, in a period that is over, in progress or ahead."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from math import sqrt
from typing import Any, Literal

from crmkpi.dates.given import PeriodLike
from crmkpi.dates.periods import Period
from crmkpi.definition.metric import Metric, NetPromoter, Share
from crmkpi.errors import InputError
from crmkpi.insight.arguments import one_period
from crmkpi.insight.coming import (
    chance_within,
    coming_value,
    daily_counts,
    earlier_periods,
    segment_of,
    working_days,
)
from crmkpi.insight.control import Assurance, control_chart
from crmkpi.insight.kpi_sets import Kpi, KpiSet, Target
from crmkpi.insight.tables import InsightTable, ShownTable, number_in, shown_value
from crmkpi.measuring.dataset import Dataset
from crmkpi.measuring.measurement import measure
from crmkpi.measuring.moments import is_mean, standard_error
from crmkpi.measuring.results import Report, Result
from crmkpi.statistics.pace import (
    Pace,
    count_pace,
    curve_pace,
    dispersion,
    mean_meets,
    normal_meets,
    share_meets,
    sum_pace,
)

__all__ = ["Scorecard", "Status", "TargetStatus", "earlier_periods", "meets", "target_status"]

Status = Literal["met", "missed", "reached", "on track", "at risk", "off track", "no data", "too early", "no target"]

_ON_TRACK, _OFF_TRACK = 0.8, 0.2
_FEWEST_PERIODS = 6  # earlier periods that a completion curve needs
_LOOK_BACK = 12
_CHART_BACK = 24
_FEWEST_RECORDS = 3
_EARLIEST = 0.1  # the share of the period before which it is too early


@dataclass(frozen=True, slots=True)
class TargetStatus:
    """One target: the value, its status, and the probability of meeting the target.

    For a period that is over, `probability` is that of the true value meeting the target (None for counts and sums,
    which are facts). For one in progress it is the probability that the period will meet it: `projected` is the
    expected final value, `needed` the required value per remaining working day. `assurance` says whether the current
    process can reach the target at all.
    """

    metric: Metric
    segment: Hashable
    value: Any
    target: Target | None
    status: Status
    probability: float | None = None
    projected: Any = None
    needed: Any = None
    assurance: Assurance | None = None
    note: str = ""
    weight: float = 1.0
    owner: str | None = None
    currency: str | None = None

    @property
    def good(self) -> bool | None:
        """Whether the target is met, reached or on track; None without data."""
        if self.status in ("no data", "too early", "no target"):
            return None
        return self.status in ("met", "reached", "on track")

    @property
    def bounds(self) -> str:
        """The target as text; empty where there is none."""
        target = self.target
        if target is None:
            return ""
        low, high = (
            None if bound is None else shown_value(bound, self.metric.unit, currency=self.currency)
            for bound in (target.low, target.high)
        )
        if low is not None and high is not None:
            return f"{low} to {high}"
        return f"at most {high}" if low is None else f"at least {low}"


@dataclass(frozen=True, slots=True, repr=False)
class Scorecard(InsightTable):
    """All targets of a KPI set in one period."""

    name: str
    period: Period
    targets: tuple[TargetStatus, ...]

    @property
    def score(self) -> float | None:
        """The share of the weights whose targets are met, reached or on track; those without data are left out."""
        known = [one for one in self.targets if one.good is not None]
        weights = sum(one.weight for one in known)
        return sum(one.weight for one in known if one.good) / weights if weights else None

    @property
    def missing(self) -> tuple[str, ...]:
        """The KPIs that the score leaves out for lack of data."""
        return tuple(one.metric.id for one in self.targets if one.good is None and one.status != "no target")

    def to_dicts(self) -> list[dict[str, Any]]:
        """One row per target."""
        return [
            {
                "metric": one.metric.id,
                "segment": None if one.segment is None else str(one.segment),
                "value": one.value,
                "low": None if one.target is None else one.target.low,
                "high": None if one.target is None else one.target.high,
                "status": one.status,
                "probability": one.probability,
                "projected": one.projected,
                "needed": one.needed,
                "assurance": one.assurance,
                "owner": one.owner,
                "note": one.note,
            }
            for one in self.targets
        ]

    def grid(self) -> ShownTable:
        """The table for display."""
        rows = [
            (
                " ".join(filter(None, (one.metric.id, "" if one.segment is None else str(one.segment)))),
                shown_value(one.value, one.metric.unit, currency=one.currency),
                one.bounds,
                one.status,
                "" if one.probability is None else f"{100 * one.probability:.0f} %",
                "" if one.projected is None else shown_value(one.projected, one.metric.unit, currency=one.currency),
                "; ".join(filter(None, (one.note, _of_process(one.assurance)))),
            )
            for one in self.targets
        ]
        score = self.score
        notes = [] if score is None else [f"{100 * score:.0f} % of the weights are met or on track"]
        if self.missing:
            notes.append(f"not in the score, for lack of data: {', '.join(self.missing)}")
        headers = ("KPI", "value", "target", "status", "sure", "comes to", "")
        return ShownTable(f"{self.name}, {self.period.label}", headers, rows, notes, 1, 1)


def _of_process(assurance: Assurance | None) -> str:
    return {
        "will miss it": "the process as it is cannot reach it",
        "will hit it": "the process as it is always reaches it",
    }.get(assurance or "", "")


def target_status(crm: Dataset, kpis: KpiSet, *, period: PeriodLike, assurance: bool = True) -> Scorecard:
    """The status of each target of a set in a period; the dataset's `as_of` decides how much of it is over.

    >>> from datetime import date
    >>> from crmkpi import Deal
    >>> from crmkpi.insight.kpi_sets import kpi_set
    >>> deals = [Deal(id=str(n), status="won" if n < 30 else "lost", closed_at="2026-01-10") for n in range(100)]
    >>> goals = kpi_set({"kpi": [{"id": "win_rate", "target": {"at_least": 0.35}}]})
    >>> (one,) = target_status(Dataset(deals=deals, as_of=date(2026, 2, 1)), goals, period="2026-01").targets
    >>> one.status, round(one.probability, 3)
    ('missed', 0.147)
    """
    when = one_period(crm, period, "Targets are checked in")
    made: list[TargetStatus] = []
    for kpi in kpis.kpis:
        made += _of_kpi(crm, kpi, when, assurance=assurance)
    return Scorecard(kpis.name, when, tuple(made))


def _of_kpi(crm: Dataset, kpi: Kpi, when: Period, *, assurance: bool) -> list[TargetStatus]:
    """The status of one KPI, for each of its segments."""
    earlier = earlier_periods(when, _CHART_BACK if assurance else 0)
    targets = [target for target in (kpi.target, *kpi.segments.values()) if target is not None]
    against = {target.against for target in targets if target.growth is not None}
    others = {one: when.previous() if one == "previous" else when.year_ago() for one in against}
    periods = list(dict.fromkeys([*earlier, *others.values(), when]))
    results = measure(
        crm,
        (kpi.metric,),
        periods=periods,
        against=None,
        by=kpi.by,
        parameters=kpi.parameters,
        confidence=0.95,
        moments=True,
    )
    by_segment: dict[Hashable, dict[Period | None, Result]] = {}
    for one in results:
        by_segment.setdefault(segment_of(one), {})[one.period] = one
    made = []
    for segment, known in by_segment.items():
        now = known[when]
        target = kpi.target_of(segment)
        if target is not None and target.growth is not None:
            other = known[others[target.against]]
            if other.value is None:
                made.append(_plain_status(kpi, segment, now, None, "no data", f"nothing to grow from: {other.reason}"))
                continue
            target = target.of(other.value, kpi.metric)
        status = _status(crm, kpi, segment, now, target, when)
        if assurance and target is not None:
            history = Report(tuple(known[each] for each in earlier if each in known))
            status = _with_assurance(status, history, target)
        made.append(status)
    return made


def _plain_status(
    kpi: Kpi, segment: Hashable, now: Result, target: Target | None, status: Status, note: str = "", **more: Any
) -> TargetStatus:
    return TargetStatus(
        kpi.metric,
        segment,
        now.value,
        target,
        status,
        note=note,
        weight=kpi.weight,
        owner=kpi.owner,
        currency=now.currency,
        **more,
    )


def _status(
    crm: Dataset, kpi: Kpi, segment: Hashable, now: Result, target: Target | None, when: Period
) -> TargetStatus:
    if target is None:
        return _plain_status(kpi, segment, now, None, "no target")
    if when.start >= crm.known_until()[1]:
        return _coming(crm, kpi, segment, now, target, when)
    if now.value is None:
        return _plain_status(kpi, segment, now, target, "no data", now.reason or "")
    if now.complete is not False:
        status: Status = "met" if target.met(now.value) else "missed"
        return _plain_status(kpi, segment, now, target, status, probability=meets(now, target))
    if not (kpi.metric.additive and _is_flow(kpi.metric)):
        sure = meets(now, target)
        judged: Status = "met" if target.met(now.value) else "missed"
        if sure is not None:
            judged = _by_probability(sure)
        return _plain_status(kpi, segment, now, target, judged, "so far", probability=sure)
    return _open_total(crm, kpi, segment, now, target, when)


def _coming(crm: Dataset, kpi: Kpi, segment: Hashable, now: Result, target: Target, when: Period) -> TargetStatus:
    """The state of a target in a period that has not begun, from its forecast."""
    now = replace(now, value=None)
    try:
        point = coming_value(crm, kpi, segment, when)
    except InputError as error:
        return _plain_status(kpi, segment, now, target, "no data", f"not forecast: {error}")
    if point.interval is None:
        sure = 1.0 if target.met(point.value) else 0.0
        return _plain_status(kpi, segment, now, target, _by_probability(sure), "forecast", projected=point.value)
    low, high = (shown_value(bound, kpi.metric.unit, currency=now.currency) for bound in point.interval)
    sure = chance_within(point, target.low, target.high)
    note = f"forecast, {100 * point.interval.confidence:.0f} % from {low} to {high}"
    status = _by_probability(sure)
    return _plain_status(kpi, segment, now, target, status, note, probability=sure, projected=point.value)


def meets(result: Result, target: Target) -> float | None:
    """The probability that a value meets its target; None for counts and sums, which are facts, or unknown."""
    metric = result.metric
    if metric.additive or result.value is None:
        return None
    low = None if target.low is None else _at_least(result, _number(target.low))
    high = None if target.high is None else _at_least(result, _number(target.high))
    if (target.low is not None and low is None) or (target.high is not None and high is None):
        return None
    return (1.0 if low is None else low) - (0.0 if high is None else high)


def _at_least(result: Result, bound: float) -> float | None:
    """The probability that the value is at or above a bound."""
    metric = result.metric
    if isinstance(metric.interval, Share):
        return share_meets(result.inputs[metric.interval.part], result.inputs[metric.interval.whole], bound)
    if isinstance(metric.interval, NetPromoter):
        rule = metric.interval
        answers = result.inputs[rule.answers]
        for_, against = result.inputs[rule.promoters] / answers, result.inputs[rule.detractors] / answers
        error = 100 * sqrt(max(0.0, for_ + against - (for_ - against) ** 2) / answers)
        return normal_meets(_number(result.value), error, bound)
    if result.moments is None:
        return None
    mean = is_mean(metric)
    if mean is not None:
        totals, products = result.moments.totals, result.moments.products
        count = int(totals[mean[1]])
        if count < 2:
            return None
        middle = totals[mean[0]] / count
        spread = (products[mean[0], mean[0]] - totals[mean[0]] * middle) / (count - 1)
        return mean_meets(count, float(middle), sqrt(spread), bound)
    error = standard_error(metric, result.moments) or 0.0
    return normal_meets(_number(result.value), error, bound)


def _open_total(crm: Dataset, kpi: Kpi, segment: Hashable, now: Result, target: Target, when: Period) -> TargetStatus:
    """The status of a count or sum in a period in progress, which grows until the period is over."""
    days = working_days(when)
    elapsed = [day for day in days if day <= _last_known(crm)]
    t, of = len(elapsed), len(days)
    low = None if target.low is None else _number(target.low)
    high = None if target.high is None else _number(target.high)
    done = _number(now.value)
    if low is not None and high is None and done >= low:
        return _plain_status(kpi, segment, now, target, "reached", probability=1.0)
    if high is not None and done > high:
        return _plain_status(kpi, segment, now, target, "missed", probability=0.0)
    if not t or t >= of:
        return _plain_status(kpi, segment, now, target, "too early" if not t else "missed")
    bound = low if low is not None else high
    assert bound is not None  # every target has a bound
    paces = _paces(crm, kpi, segment, now, when, t, of)
    found = paces(bound)
    if found is None:
        return _plain_status(kpi, segment, now, target, "too early", "fewer than 3 records, or a tenth of the period")
    probability = found.probability
    if high is not None:  # "at most" means not reaching the next value
        step = 1.0 if kpi.metric.unit == "count" else 0.0
        above = paces(high + step)
        probability = (1.0 if low is None else probability) - (above.probability if above is not None else 0.0)
    needed = number_in((low - done) / (of - t), _unit_of(kpi)) if low is not None else None
    return _plain_status(
        kpi,
        segment,
        now,
        target,
        _by_probability(probability),
        "" if needed is None else f"{shown_value(needed, _unit_of(kpi), currency=now.currency)} needed per working day",
        probability=probability,
        projected=number_in(found.projected, _unit_of(kpi)),
        needed=needed,
    )


def _unit_of(kpi: Kpi) -> str:
    return "number" if kpi.metric.unit == "count" else kpi.metric.unit


def _paces(
    crm: Dataset, kpi: Kpi, segment: Hashable, now: Result, when: Period, t: int, of: int
) -> Callable[[float], Pace | None]:
    """A function that returns the pace towards a bound: by six or more earlier periods, else at the rate so far."""
    history = _history(crm, kpi, segment, when, t)
    done = _number(now.value)
    squares = 0.0 if now.moments is None else sum(float(one) for one in now.moments.products.values())
    count = kpi.metric.unit == "count" and not kpi.metric.parameters
    scale = 1.0
    if not count and now.moments is not None and kpi.metric.parameters:  # such as a share of a quota
        total = float(next(iter(now.moments.totals.values())))
        scale = done / total if total else 0.0

    def pace(bound: float) -> Pace | None:
        if len(history) >= _FEWEST_PERIODS:
            curve = curve_pace(history, done, bound)
            if curve is not None:
                return curve
        if now.n < _FEWEST_RECORDS or t / of < _EARLIEST:
            return None
        varies = dispersion(daily_counts(crm, kpi, segment, when, _FEWEST_PERIODS - 1))
        if count:
            return count_pace(int(done), t, of, bound, dispersion=varies)
        return sum_pace(done, squares * scale * scale, t, of, bound, dispersion=varies)

    return pace


def _history(crm: Dataset, kpi: Kpi, segment: Hashable, when: Period, t: int) -> list[tuple[float, float]]:
    """The totals of earlier periods with records, up to the same working day and at their end."""
    pairs: list[tuple[Period, Period]] = []
    for one in earlier_periods(when, _LOOK_BACK):
        days = working_days(one)
        if len(days) > t:
            start, end = one.first_day, days[t - 1] + timedelta(days=1)
            pairs.append((Period.between(start, end, calendar=one.calendar), one))
    if not pairs:
        return []
    periods = [each for pair in pairs for each in pair]
    results = measure(
        crm,
        (kpi.metric,),
        periods=periods,
        against=None,
        by=kpi.by,
        parameters=kpi.parameters,
        confidence=None,
    )
    values = {(one.period, segment_of(one)): 0.0 if one.value is None else _number(one.value) for one in results}
    found = [(values.get((early, segment), 0.0), values.get((whole, segment), 0.0)) for early, whole in pairs]
    return [(early, whole) for early, whole in found if whole > 0]


def _by_probability(probability: float) -> Status:
    return "on track" if probability >= _ON_TRACK else "at risk" if probability >= _OFF_TRACK else "off track"


def _with_assurance(one: TargetStatus, history: Report, target: Target) -> TargetStatus:
    bound = target.low if target.low is not None else target.high
    if len(history) < _LOOK_BACK or (target.low is not None and target.high is not None):
        return one
    chart = control_chart(history)
    found = chart.assurance(bound, at_least=target.low is not None)
    return one if found is None else replace(one, assurance=found)


def _is_flow(metric: Metric) -> bool:
    return not any(one.is_stock for one in metric.measures.values())


def _last_known(crm: Dataset) -> date:
    wall, _ = crm.known_until()
    return (wall - timedelta(microseconds=1)).date()


def _number(value: Any) -> float:
    return value.total_seconds() if isinstance(value, timedelta) else float(value)
