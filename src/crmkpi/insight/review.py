"""Review a KPI set: gaps, KPIs with too few records, and redundant KPIs.

Every finding has its evidence and a suggestion. The review changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import combinations, pairwise
from statistics import StatisticsError, correlation, median
from typing import Any

from crmkpi.dates.periods import Period
from crmkpi.errors import CrmKpiError, InputError
from crmkpi.insight.coming import earlier_periods
from crmkpi.insight.control import control_chart
from crmkpi.insight.kpi_sets import Kpi, KpiSet
from crmkpi.insight.tables import InsightTable, ShownTable
from crmkpi.measuring.dataset import Dataset
from crmkpi.measuring.results import Report, Result

__all__ = ["Review", "ReviewFinding", "review"]

_PERIODS = 24
_LATELY = 6
_FEWEST_RECORDS = 30
_FIRST_TIER = 7
_ALIKE, _FEWEST_CHANGES = 0.9, 12
_OLD = timedelta(days=180)
_SUGGESTIONS = {
    "no target": 'say what it should reach, or move it to tier = "supporting"',
    "no owner": "name who answers for it",
    "no end": "say until when the target holds",
    "no reason": "say which plan or objective the target is from",
    "no value": "record what it needs, or drop it",
    "few records": "use longer periods, or measure all segments together",
    "not measured": "give the table or parameter, or drop it",
    "always reached": "raise the target, or drop the KPI",
    "says the same": "keep one of the two",
    "only grows": "add a rate to the set, or give it a target",
    "too many": 'move some to tier = "supporting"',
    "none leads": "add one that moves before the outcome",
    "no guard": "add one of them to the set",
    "target changed": "keep the old target for the period that it was set for",
    "review is due": "review the set, and set reviewed to the day",
}


@dataclass(frozen=True, slots=True)
class ReviewFinding:
    """A finding: `code` names the kind, `evidence` the observation, `suggestion` the remedy."""

    code: str
    metrics: tuple[str, ...]
    evidence: str

    @property
    def suggestion(self) -> str:
        """The remedy."""
        return _SUGGESTIONS[self.code]


@dataclass(frozen=True, slots=True, repr=False)
class Review(InsightTable):
    """The findings on a KPI set, in the order of its KPIs; those on the whole set come first."""

    name: str
    findings: tuple[ReviewFinding, ...]
    periods: int

    def to_dicts(self) -> list[dict[str, Any]]:
        """One row per finding."""
        return [
            {
                "code": one.code,
                "metrics": ", ".join(one.metrics),
                "evidence": one.evidence,
                "suggestion": one.suggestion,
            }
            for one in self.findings
        ]

    def grid(self) -> ShownTable:
        """The table for display."""
        rows = [(", ".join(one.metrics) or "the set", one.code, one.evidence, one.suggestion) for one in self.findings]
        many = len(self.findings)
        heading = f"{self.name}: {many or 'no'} {'finding' if many == 1 else 'findings'} over {self.periods} periods"
        return ShownTable(heading, ("KPI", "finding", "evidence", "suggestion"), rows, (), 1, 3)


def review(crm: Dataset, kpis: KpiSet, *, before: KpiSet | None = None) -> Review:
    """Review a KPI set over the last 24 complete periods before the dataset's `as_of`.

    `before` is an earlier version of the set: a target that changed during its term is a finding.

    >>> from crmkpi import Deal
    >>> from crmkpi.insight.kpi_sets import kpi_set
    >>> deals = [Deal(id=f"{month}{n}", status="won" if n % 3 else "lost", closed_at=f"2026-0{month}-05")
    ...          for month in range(1, 7) for n in range(10)]
    >>> goals = kpi_set({"kpi": [{"id": "win_rate", "target": {"at_least": 0.3}, "owner": "Ada", "until": "2026-12"}]})
    >>> found = review(Dataset(deals=deals, as_of=date(2026, 6, 30)), goals)
    >>> [one.code for one in found.findings]
    ['none leads', 'no reason', 'few records']
    """
    if crm.as_of is None:
        raise InputError("A review looks back from a day; give the Dataset as_of=date(2026, 6, 30), or another.")
    today = crm.as_of.date() if isinstance(crm.as_of, datetime) else crm.as_of
    current = Period.of(today, _unit(kpis.period), calendar=crm.calendar)
    periods = earlier_periods(current, _PERIODS)
    if current.is_complete(crm.as_of):
        periods = [*periods[1:], current]
    histories, failed = _histories(crm, kpis.kpis, periods)
    findings = [*_of_set(kpis, today), *_changed(kpis, before, today)]
    for kpi in kpis.kpis:
        name = kpi.metric.id
        findings += _of_words(kpi, kpis)
        if name in failed:
            findings.append(ReviewFinding("not measured", (name,), failed[name]))
        else:
            findings += _of_values(kpi, histories[name])
    findings += _alike(histories)
    return Review(kpis.name, tuple(findings), len(periods))


def _unit(text: str) -> Any:
    return text


def _histories(
    crm: Dataset, kpis: Iterable[Kpi], periods: Sequence[Period]
) -> tuple[dict[str, list[Result]], dict[str, str]]:
    """The results of each KPI period by period, and the reasons why some cannot be measured."""
    found: dict[str, list[Result]] = {}
    failed: dict[str, str] = {}
    for kpi in kpis:
        try:
            report = crm.measure(kpi.metric, period=periods, parameters=kpi.parameters)
        except CrmKpiError as error:
            failed[kpi.metric.id] = str(error)
        else:
            found[kpi.metric.id] = list(report)
    return found, failed


def _of_set(kpis: KpiSet, today: date) -> Iterator[ReviewFinding]:
    first = [kpi.metric for kpi in kpis.kpis if kpi.tier == "first"]
    if len(first) > _FIRST_TIER:
        yield ReviewFinding("too many", (), f"{len(first)} KPIs in the first tier, where {_FIRST_TIER} are looked at")
    if not any(kpi.metric.timing == "leading" for kpi in kpis.kpis):
        yield ReviewFinding("none leads", (), "every KPI tells an outcome")
    if kpis.reviewed is not None and today - kpis.reviewed > _OLD:
        yield ReviewFinding("review is due", (), f"reviewed {(today - kpis.reviewed).days} days ago")


def _of_words(kpi: Kpi, kpis: KpiSet) -> Iterator[ReviewFinding]:
    """The findings on missing settings of a KPI."""
    name = (kpi.metric.id,)
    if kpi.target is None and not kpi.segments:
        if kpi.tier == "first":
            yield ReviewFinding("no target", name, "it has no standard of comparison")
        if kpi.metric.additive and kpi.metric.better != "lower":
            yield ReviewFinding("only grows", name, "a count or sum without a target is larger in a larger firm")
    else:
        for code, said in (("no owner", kpi.owner), ("no end", kpi.until), ("no reason", kpi.why)):
            if not said:
                yield ReviewFinding(code, name, "the target stands alone")
    others = {each.metric.name for each in kpis.kpis}
    guards = kpi.metric.guarded_by
    if guards and not others & set(guards):
        yield ReviewFinding("no guard", name, f"it can be pushed at the cost of {' or '.join(guards)}")


def _of_values(kpi: Kpi, results: Sequence[Result]) -> Iterator[ReviewFinding]:
    """The findings on the last results of a KPI."""
    name = (kpi.metric.id,)
    lately = results[-_LATELY:]
    empty = [one for one in lately if one.value is None]
    if lately and 2 * len(empty) >= len(lately):
        evidence = f"undefined in {len(empty)} of the last {len(lately)} periods: {empty[-1].reason}"
        yield ReviewFinding("no value", name, evidence)
        return
    usual = median(one.n for one in lately) if lately else 0
    if not kpi.metric.additive and usual < _FEWEST_RECORDS:
        yield ReviewFinding("few records", name, f"it rests on {usual:g} records in a usual period")
    target = kpi.target
    if target is None or target.growth is not None or (target.low is not None and target.high is not None):
        return
    chart = control_chart(Report(tuple(results)))
    bound = target.low if target.low is not None else target.high
    if not chart.signals and chart.assurance(bound, at_least=target.low is not None) == "will hit it":
        yield ReviewFinding("always reached", name, "its process is beyond the target, and stable")


def _alike(histories: dict[str, list[Result]]) -> Iterator[ReviewFinding]:
    """Redundant pairs: the ranks of their changes are correlated, or they have the same inputs."""
    for (one, mine), (other, theirs) in combinations(histories.items(), 2):
        if not mine or not theirs:
            continue
        inputs = [{measure.text for measure in side[0].metric.measures.values()} for side in (mine, theirs)]
        if inputs[0] == inputs[1]:
            yield ReviewFinding("says the same", (one, other), "both are made of the same inputs")
            continue
        changes = _changes(mine, theirs)
        if len(changes) < _FEWEST_CHANGES:
            continue
        try:
            ranks = correlation(*(_ranks(side) for side in zip(*changes, strict=True)))
        except StatisticsError:  # one of the two KPIs never changed
            continue
        if abs(ranks) > _ALIKE:
            evidence = f"the ranks of {len(changes)} changes are correlated by {ranks:.2f}"
            yield ReviewFinding("says the same", (one, other), evidence)


def _changes(mine: Sequence[Result], theirs: Sequence[Result]) -> list[tuple[float, float]]:
    known = [
        None if a.value is None or b.value is None or not (a.n and b.n) else (_number(a.value), _number(b.value))
        for a, b in zip(mine, theirs, strict=True)
    ]
    return [(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(known) if a is not None and b is not None]


def _ranks(values: Sequence[float]) -> list[float]:
    """The rank of each value; equal values share their mean rank."""
    ordered = sorted(values)
    places = {value: [place for place, one in enumerate(ordered) if one == value] for value in set(values)}
    return [sum(places[value]) / len(places[value]) for value in values]


def _number(value: Any) -> float:
    return value.total_seconds() if isinstance(value, timedelta) else float(value)


def _changed(kpis: KpiSet, before: KpiSet | None, today: date) -> Iterator[ReviewFinding]:
    """Targets that changed during or after their term."""
    if before is None:
        return
    old = {kpi.metric.id: kpi for kpi in before.kpis}
    for kpi in kpis.kpis:
        was = old.get(kpi.metric.id)
        if was is None or was.target is None or kpi.target == was.target:
            continue
        begun = was.start is not None and Period(was.start).first_day <= today
        if begun:
            evidence = f"its target from {was.start} on has changed since"
            yield ReviewFinding("target changed", (kpi.metric.id,), evidence)
