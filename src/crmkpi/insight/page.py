"""Measure the content of a page: the KPIs of a period and its comparison period, their trends, targets and limits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any

from crmkpi.dates.periods import Period
from crmkpi.definition.metric import Metric
from crmkpi.errors import CrmKpiError, InputError, PeriodError
from crmkpi.insight.arguments import one_period, split_fields
from crmkpi.insight.briefing import briefing_of
from crmkpi.insight.kpi_sets import KpiSet
from crmkpi.insight.page_parts import cohort_of, funnel_of, limits_of
from crmkpi.insight.pages import Page, Tile
from crmkpi.insight.targets import earlier_periods, target_status
from crmkpi.measuring.dataset import Compare, Dataset
from crmkpi.measuring.measurement import chosen_metrics, measure_with_trend
from crmkpi.measuring.narrowing import told
from crmkpi.measuring.results import Report, Result
from crmkpi.metrics.catalogue import catalogue
from crmkpi.sources.loaded import Records

__all__ = ["page"]

_BACK = 12  # periods of a trend, including the page's
_MOST_TILES, _FEWEST_TILES = 8, 5


def page(
    crm: Dataset,
    *,
    period: Period | str,
    compare: Compare = "previous",
    name: str | None = None,
    metrics: Metric | str | Iterable[Metric | str] | None = None,
    role: str | None = None,
    kpis: KpiSet | None = None,
    by: Sequence[str] | None = None,
    at_risk: Any = None,
    stages: Sequence[str] | None = None,
    parameters: Mapping[str, Any] | None = None,
    confidence: float = 0.95,
) -> Page:
    """The page of a period and its comparison period; see `Dataset.page`.

    >>> from crmkpi import Deal
    >>> deals = [Deal(id=f"{month}-{n}", status="won" if n % 3 else "lost", closed_at=f"2026-0{month}-05")
    ...          for month in (1, 2, 3) for n in range(60)]
    >>> from datetime import date
    >>> made = page(Dataset(deals=deals, as_of=date(2026, 3, 31)), period="2026-03", name="Muster GmbH")
    >>> made.title
    'Muster GmbH: 2026-03 against 2026-02, data until 2026-03-31'
    >>> made.tiles[0].result.definition, len(made.tiles[0].trend)
    ('win_rate', 3)
    """
    when = one_period(crm, period, "A page is of")
    other = crm.other_period(when, compare)
    if other is None or other == when:
        raise InputError("A page compares a period with another; give compare='previous', or a period.")
    _check(crm, when, name, stages)
    by = split_fields(crm, by)
    of_set = () if kpis is None else kpis.kpis
    given = {name: value for kpi in of_set for name, value in kpi.parameters.items()} | dict(parameters or {})
    named, lacking = (chosen_metrics(metrics), ()) if metrics is not None else crm.measurable(None, given)
    own = tuple(dict.fromkeys(kpi.metric for kpi in of_set))
    chosen = tuple(dict.fromkeys([*own, *named]))
    used = {name: value for name, value in given.items() if any(name in metric.parameters for metric in chosen)}
    earlier = earlier_periods(when, _BACK - 1)
    results, trend = measure_with_trend(
        crm, chosen, period=when, against=other, earlier=earlier, parameters=used, confidence=confidence
    )
    heads = _heads(results, role, kpis, named=metrics is not None)
    series = _series(trend)
    targets = None if kpis is None else target_status(crm, kpis, period=when)
    status = {} if targets is None else {one.metric.id: one for one in targets.targets if one.segment is None}
    tiles = tuple(Tile(results.get(head), series[head.id], status.get(head.id)) for head in heads)
    everything = metrics is None and kpis is None and role is None
    looked_at = named if metrics is not None or everything else own if kpis is not None else heads
    told_of = briefing_of(
        crm,
        replace(results, results=tuple(result for result in results if result.metric in looked_at)),
        (when, other),
        kpis=kpis,
        by=by,
        at_risk=at_risk,
        parameters=used,
        left_off=lacking if everything else (),
        targets=targets,
    )
    return Page(
        ", ".join(filter(None, (name or "CRM", told(crm.narrowings)))),
        when,
        other,
        crm.as_of,
        told_of,
        tiles,
        results,
        series,
        targets,
        None if crm.narrowings else cohort_of(crm, when),  # cohorts ignore narrowings
        None if crm.narrowings else funnel_of(crm, when, stages),
        limits_of(results, lacking),
        _settings(crm, used, confidence),
        datetime.now(crm.calendar.zone),
    )


def _check(crm: Dataset, when: Period, name: object, stages: object) -> None:
    if crm.known_until()[1] <= when.start:
        raise PeriodError(
            f"A page is of a period that has begun; {when.label} begins after {crm.as_of}, up to which the data is "
            "known (as_of). Choose an earlier one, or give a later as_of."
        )
    if name is not None and not isinstance(name, str):
        raise InputError(f"The name of a page is a text; got {name!r}.")
    if isinstance(stages, str) or stages == []:
        raise InputError(f"`stages` lists the stages of the funnel in their order; got {stages!r}.")
    for table, records in crm.tables.items():
        if hasattr(records, "__next__"):
            raise InputError(f"A page reads its tables several times, and {table} is a stream; give a list or a frame.")


def _heads(results: Report, role: str | None, kpis: KpiSet | None, *, named: bool) -> tuple[Metric, ...]:
    """The five to eight KPIs at the head: those of the set or the role, else the first ones of each role."""
    known = {result.metric: result for result in results}
    if role is not None:
        candidates = [metric for metric in catalogue.by_role(role) if metric in known]
    elif kpis is not None:
        candidates = [kpi.metric for kpi in kpis.kpis if kpi.tier == "first"] or [kpi.metric for kpi in kpis.kpis]
    elif named:
        candidates = list(known)
    else:
        by_role = [catalogue.by_role(each) for each in catalogue.roles()]
        ranked = [metric for place in range(_MOST_TILES) for those in by_role for metric in those[place : place + 1]]
        candidates = [metric for metric in dict.fromkeys(ranked) if metric in known]
    candidates = list(dict.fromkeys(candidates))
    valued = [metric for metric in candidates if known[metric].value is not None]
    chosen = (valued + [metric for metric in candidates if metric not in valued])[:_MOST_TILES]
    spare = [metric for metric in known if metric not in chosen and known[metric].value is not None]
    return tuple(chosen if kpis is not None or named else [*chosen, *spare[: max(0, _FEWEST_TILES - len(chosen))]])


def _series(trend: Iterable[Result]) -> dict[str, tuple[Result, ...]]:
    """The results of each KPI over the periods, oldest first."""
    found: dict[str, list[Result]] = {}
    for result in trend:
        found.setdefault(result.definition, []).append(result)
    return {name: _since_there_is_data(results) for name, results in found.items()}


def _since_there_is_data(results: list[Result]) -> tuple[Result, ...]:
    """The results from the first period with a record on: before it a count of 0 means nothing."""
    first = next((number for number, one in enumerate(results) if one.value is not None and one.n), len(results))
    return tuple(results[first:])


def _settings(crm: Dataset, parameters: Mapping[str, Any], confidence: float) -> dict[str, str]:
    """The settings of the measurement, as text."""
    from crmkpi import __version__  # noqa: PLC0415  # the package stands above

    calendar, rates = crm.calendar, crm.rates
    hours = calendar.opening_hours
    found = {
        "crmkpi": __version__,
        "data until": "not said" if crm.as_of is None else crm.as_of.isoformat(),
        "time zone": calendar.tz,
        "fiscal year": "" if calendar.fiscal_year_start == 1 else f"from month {calendar.fiscal_year_start}",
        "opening hours": "" if hours is None else str(hours),
        "currency": crm.currency or "",
        "rates": ""
        if rates is None
        else ", ".join(f"1 {name} = {rate} {rates.to}" for name, rate in rates.rates.items()),
        "parameters": ", ".join(f"{name} = {value}" for name, value in parameters.items()),
        "confidence": f"{100 * confidence:g} %",
        "verdicts": "take into account how many KPIs are compared (Benjamini-Hochberg)",
    }
    for table, records in crm.tables.items():
        with suppress(CrmKpiError, TypeError):
            source = f" from {records.source}" if isinstance(records, Records) else ""
            size = f"{len(records):,} records" if isinstance(records, Sequence) else "measured in place"
            found[table] = f"{size}{source}"
    return {name: text for name, text in found.items() if text}
