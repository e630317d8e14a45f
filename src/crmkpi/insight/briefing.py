"""A briefing on a period: five lines of measured statements.

They list the changes, the segments that account for them, the targets that will be missed, the customers at risk, and
the limits of the data. They make no claim about causes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from crmkpi.dates.given import PeriodLike
from crmkpi.dates.periods import Period
from crmkpi.definition.metric import Metric
from crmkpi.engines.frames.table import FrameTable
from crmkpi.errors import CrmKpiError, InputError
from crmkpi.insight.arguments import one_period, split_fields
from crmkpi.insight.at_risk import AtRisk
from crmkpi.insight.briefings import Briefing, BriefingFact, BriefingLine
from crmkpi.insight.explain import explain_inputs
from crmkpi.insight.kpi_sets import KpiSet
from crmkpi.insight.search import Found, Search, search
from crmkpi.insight.tables import shown_value
from crmkpi.insight.targets import Scorecard, TargetStatus, target_status
from crmkpi.measuring.dataset import Compare, Dataset
from crmkpi.measuring.measurement import chosen_metrics, report
from crmkpi.measuring.reach import silent_tables
from crmkpi.measuring.results import Report, Result

__all__ = ["briefing", "briefing_of"]

_EXPLAINED = 3  # changes that are split by segment
_PARTS = 2  # of one change
_NAMED = 4  # KPIs that a sentence names
_CUSTOMERS = 3
_MUCH = 0.05  # the share of records left out that is worth a line
_MISSES = ("missed", "off track", "at risk")

# The usual attributes by which people split the records of a table; by= names others.
_ATTRIBUTES: Mapping[str, tuple[str, ...]] = {
    "leads": ("source", "owner", "country"),
    "deals": ("source", "owner", "product"),
    "stage_visits": ("pipeline", "stage"),
    "customers": ("source", "plan", "region"),
    "subscriptions": ("plan",),
    "orders": ("product", "channel"),
    "tickets": ("channel", "agent", "priority"),
    "surveys": ("agent",),
    "interactions": ("kind", "agent"),
}


def briefing(
    crm: Dataset,
    *,
    period: PeriodLike,
    compare: Compare = "previous",
    metrics: Metric | str | Iterable[Metric | str] | None = None,
    kpis: KpiSet | None = None,
    by: Sequence[str] | None = None,
    at_risk: AtRisk | None = None,
    parameters: Mapping[str, Any] | None = None,
) -> Briefing:
    """The briefing of a period compared with another one.

    `metrics` are the KPIs to measure; the default is those of the KPI set, and without a set all that the tables
    allow. The targets of `kpis` are checked: for a period that is over, the targets that it missed, and those that the
    forecast misses in the next. `by` names the attributes by which changes are split; the default is the usual ones of
    each table. `at_risk` is the result of `crmkpi.insight.at_risk.at_risk`.

    >>> from crmkpi import Deal
    >>> deals = [Deal(id=f"{month}{source}{n}", source=source, closed_at=f"2026-0{month}-05",
    ...               status="won" if n % 10 < (4 if month == 1 or source != "web" else 1) else "lost")
    ...          for month in (1, 2) for source in ("web", "fair", "partner") for n in range(400)]
    >>> found = briefing(Dataset(deals=deals), period="2026-02", metrics="win_rate", by=["source"])
    >>> found.line("changed").text
    'win_rate 30.0 %, -10.0 pp (-13.8 pp to -6.2 pp), worse'
    >>> found.line("accounts for it").text
    'win_rate: source web -30.0 pp beyond the rest (-37.4 pp to -22.6 pp), 100 % of the change'
    """
    when = one_period(crm, period, "A briefing is of")
    other = crm.other_period(when, compare)
    if other is None or other == when:
        raise InputError("A briefing compares a period with another; give compare='previous', or a period.")
    given = {**(parameters or {})}
    left_off: tuple[str, ...] = ()
    if metrics is not None:
        chosen = chosen_metrics(metrics)
    elif kpis is not None:
        chosen = tuple(dict.fromkeys(kpi.metric for kpi in kpis.kpis))
        given = {name: value for kpi in kpis.kpis for name, value in kpi.parameters.items()} | given
    else:
        chosen, left_off = crm.measurable(None, given)
    results = crm.measure(chosen, period=when, compare=other, parameters=given)
    return briefing_of(
        crm,
        results,
        (when, other),
        kpis=kpis,
        by=split_fields(crm, by),
        at_risk=at_risk,
        parameters=given,
        left_off=left_off,
    )


def briefing_of(
    crm: Dataset,
    results: Report,
    periods: tuple[Period, Period],
    *,
    kpis: KpiSet | None,
    by: Sequence[str] | None,
    at_risk: AtRisk | None,
    parameters: Mapping[str, Any],
    left_off: Sequence[str] = (),
    targets: Scorecard | None = None,
) -> Briefing:
    """The briefing of measured results; `targets` are the states of the targets of `kpis`."""
    when, other = periods
    changed = _changed(results)
    accounts, tables = _accounts(crm, changed, when, other, by, parameters)
    missed, cards = _missed(crm, kpis, when, targets)
    lines = (
        BriefingLine("changed", _told_changes(results, changed)),
        BriefingLine("accounts for it", accounts),
        BriefingLine("will be missed", missed),
        BriefingLine("at risk", _at_risk(at_risk)),
        BriefingLine("cannot say", _cannot_say(results, left_off)),
    )
    details: list[tuple[Any, Any]] = [("changed", report(results.results, [when], None, None))]
    details += [("accounts for it", table) for table in tables] + [("will be missed", card) for card in cards]
    if at_risk is not None:
        details.append(("at risk", at_risk))
    return Briefing(f"Briefing, {when.label} against {other.label}", when, other, lines, tuple(details))


def _changed(results: Report) -> list[Result]:
    """The results with a significant change, the surest first; only one of two complements, such as won and lost."""
    found: dict[Any, Result] = {}
    for one in results:
        change = one.change
        if change is not None and change.verdict in ("up", "down"):
            size = abs(change.absolute)
            number = size.total_seconds() if isinstance(size, timedelta) else float(size)
            found.setdefault((one.unit, f"{change.p_value:.6g} {number:.6g}"), one)
    return sorted(found.values(), key=_surest)


def _surest(result: Result) -> float:
    change = result.change
    assert change is not None  # it was shown
    return change.p_value if change.p_value is not None else 1.0


def _told_changes(results: Report, changed: Sequence[Result]) -> tuple[BriefingFact, ...]:
    asked = sum(one.change is not None and one.change.verdict is not None for one in results)
    if not changed:
        return (BriefingFact(f"nothing by more than chance, of {_many(asked, 'KPI')} that can be compared"),)
    return tuple(map(_told_change, changed))


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}" + ("" if count == 1 else "s")


def _told_change(result: Result) -> BriefingFact:
    change = result.change
    assert change is not None  # `_changed` has selected it
    assert change.interval is not None  # else it has no verdict
    low, high = change.interval
    side = change.verdict if change.better is None else "better" if change.better else "worse"
    span = f"{_difference(result, low)} to {_difference(result, high)}"
    return BriefingFact(
        f"{result.definition} {_value(result, result.value)}, {_difference(result, change.absolute)} ({span}), {side}",
        (result.definition,),
        None,
        None if result.period is None else result.period.label,
        result.value,
        change.absolute,
        low,
        high,
        change.p_value,
        None,
        change.better,
    )


def _value(result: Result, value: Any) -> str:
    return shown_value(value, result.unit, currency=result.currency)


def _difference(result: Result, value: Any) -> str:
    return shown_value(value, result.unit, currency=result.currency, change=True)


def _accounts(
    crm: Dataset,
    changed: Sequence[Result],
    when: Period,
    other: Period,
    by: Sequence[str] | None,
    parameters: Mapping[str, Any],
) -> tuple[tuple[BriefingFact, ...], list[Any]]:
    """The segments that account for the surest changes, and the tables that show it."""
    facts: list[BriefingFact] = []
    tables: list[Any] = []
    for result in changed[:_EXPLAINED]:
        names = _attributes(crm, result.metric) if by is None else list(by)
        try:
            if not names:
                raise InputError("there is no attribute to split by")
            found = search(crm, result.metric, period=when, compare=other, by=names, parameters=_of(result, parameters))
            facts += _told_search(result, found, names)
        except CrmKpiError:
            made = _by_inputs(result)
            facts.append(made)
            continue
        tables.append(found)
    if not facts:
        facts.append(BriefingFact("no change to account for"))
    return tuple(facts), tables


def _of(result: Result, parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in parameters.items() if name in result.metric.parameters}


def _attributes(crm: Dataset, metric: Metric) -> list[str]:
    """The usual attributes that all tables of the KPI have."""
    known: list[set[str]] = []
    for table in metric.tables:
        usual = _ATTRIBUTES.get(table, ())
        data = crm.tables[table]
        known.append({name for name in usual if not isinstance(data, FrameTable) or name in data.columns})
    first = _ATTRIBUTES.get(metric.tables[0], ())
    return [name for name in first if all(name in names for names in known)]


def _told_search(result: Result, found: Search, names: Sequence[str]) -> list[BriefingFact]:
    if found.broad:
        said = f"the change is broad, no part by {', '.join(names)} moved differently from the rest"
        return [BriefingFact(f"{result.definition}: {said}", (result.definition,))]
    return [_told_part(result, found, one) for one in found.found[:_PARTS]]


def _told_part(result: Result, found: Search, one: Found) -> BriefingFact:
    def shown(value: Any) -> str:
        return f"{100 * value:+.1f} %" if found.growth else _difference(result, value)

    part = ", ".join(f"{name} {'(none)' if value is None else value}" for name, value in one.cell.items())
    share = "" if one.share is None else f", {100 * one.share + 0:.0f} % of the change"
    low, high = one.interval
    return BriefingFact(
        f"{result.definition}: {part} {shown(one.difference)} beyond the rest ({shown(low)} to {shown(high)}){share}",
        (result.definition,),
        part,
        found.labels[1],
        one.after,
        one.difference,
        low,
        high,
        one.p_value,
    )


def _by_inputs(result: Result) -> BriefingFact:
    """The contributions of the inputs of a formula, where records cannot be split."""
    other = result.compared_to
    assert other is not None  # a result with a change has one
    try:
        made = explain_inputs(result.metric, other, result)
    except CrmKpiError:
        return BriefingFact(f"{result.definition}: not split over segments, nor over inputs", (result.definition,))
    first = made.effects[0]
    text = f"{result.definition}: {first.name} accounts for {_difference(result, first.total)}"
    return BriefingFact(text, (result.definition,), str(first.name), change=first.total)


def _missed(
    crm: Dataset, kpis: KpiSet | None, when: Period, known_targets: Scorecard | None
) -> tuple[tuple[BriefingFact, ...], list[Scorecard]]:
    """The targets that the period missed or will miss, and the forecast for the next one."""
    if kpis is None or not any(kpi.target is not None or kpi.segments for kpi in kpis.kpis):
        return (BriefingFact("not known: no targets were given (kpis=)"),), []
    cards = [known_targets or target_status(crm, kpis, period=when)]
    if when.end <= crm.known_until()[1]:
        cards.append(target_status(crm, kpis, period=when.next(), assurance=False))
    facts = [_told_target(one, card.period) for card in cards for one in card.targets if one.status in _MISSES]
    if not facts:
        known = sum(one.good is not None for card in cards for one in card.targets)
        facts = [BriefingFact(f"nothing, of {_many(known, 'target')} with data")]
    return tuple(facts), cards


def _told_target(one: TargetStatus, period: Period) -> BriefingFact:
    name = " ".join(filter(None, (one.metric.id, "" if one.segment is None else str(one.segment))))
    value = one.value if one.projected is None else one.projected
    shown = shown_value(value, one.metric.unit, currency=one.currency)
    sure = "" if one.probability is None else f" ({100 * one.probability:.0f} % to be met)"
    process = "; the process as it is cannot reach it" if one.assurance == "will miss it" else ""
    return BriefingFact(
        f"{name} {period.label} {one.status}: {shown}, target {one.bounds}{sure}{process}",
        (one.metric.id,),
        None if one.segment is None else str(one.segment),
        period.label,
        value,
        probability=one.probability,
        better=False if one.status == "missed" else None,
    )


def _at_risk(found: AtRisk | None) -> tuple[BriefingFact, ...]:
    if found is None:
        return (BriefingFact("not known: no customers at risk were given (at_risk=)"),)
    known = [one for one in found.customers if one.at_stake]
    if not known:
        return (BriefingFact("nobody with a known value at stake"),)
    facts = [
        BriefingFact(
            f"{one.customer_id}: {one.at_stake:,.0f} at stake"
            + ("" if one.alive is None else f", {100 * one.alive:.0f} % alive")
            + ("" if one.most_lost is None else f", lost most by {one.most_lost}"),
            subject=str(one.customer_id),
            value=one.at_stake,
            probability=one.alive,
        )
        for one in known[:_CUSTOMERS]
    ]
    if len(known) > _CUSTOMERS:
        rest = sum(one.at_stake or 0.0 for one in known[_CUSTOMERS:])
        facts.append(BriefingFact(f"{_many(len(known) - _CUSTOMERS, 'other')}: {rest:,.0f} at stake", value=rest))
    return tuple(facts)


def _cannot_say(results: Report, left_off: Sequence[str]) -> tuple[BriefingFact, ...]:
    """The KPIs with too few records to show a change, without a value or a comparison, or with many left out."""
    few = [one for one in results if one.change is not None and one.change.verdict == "too few to say"]
    facts = [BriefingFact(note) for note in silent_tables(results)]
    facts += [_together("too few records to show a change by a fifth", few)] if few else []
    valueless = _grouped((one, one.reason) for one in results if one.value is None)
    facts += [_together(f"no value, {why}", those) for why, those in valueless]
    changes = [(one, one.change) for one in results if one.value is not None]
    unknown = _grouped((one, change.reason) for one, change in changes if change is not None and not change.verdict)
    facts += [_together(f"no verdict on the change, {why}", those) for why, those in unknown]
    much = [one for one in results if _left_out(one) > _MUCH]
    if much:
        facts.append(_together(f"more than {100 * _MUCH:.0f} % of the records left out", much))
    facts += [BriefingFact(note) for note in left_off]
    return tuple(facts) or (BriefingFact("nothing about the requested KPIs"),)


def _grouped(rows: Iterable[tuple[Result, str | None]]) -> list[tuple[str, list[Result]]]:
    found: dict[str, list[Result]] = {}
    for result, why in rows:
        found.setdefault(why or "for no known reason", []).append(result)
    return sorted(found.items(), key=lambda group: -len(group[1]))


def _together(what: str, results: Sequence[Result]) -> BriefingFact:
    names = tuple(one.definition for one in results)
    more = len(names) - _NAMED
    told = ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
    return BriefingFact(f"{told}: {what}", names)


def _left_out(result: Result) -> float:
    """The share of the records that were left out."""
    aside = sum(result.left_out.values())
    used = sum(account.used for account in result.accounts)
    return aside / (aside + used) if aside else 0.0
