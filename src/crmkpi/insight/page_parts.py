"""Optional parts of a page: cohorts, a funnel, and the limits of the data."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime, time
from typing import Any

from crmkpi.dates.periods import Period
from crmkpi.engines.frames.table import FrameTable
from crmkpi.errors import CrmKpiError, InputError
from crmkpi.insight.cohorts import CohortTable, cohorts
from crmkpi.insight.funnel import Funnel, funnel
from crmkpi.insight.pages import DataLimit
from crmkpi.measuring.accounts import Account
from crmkpi.measuring.dataset import Dataset
from crmkpi.measuring.reach import silent_tables
from crmkpi.measuring.results import Report
from crmkpi.measuring.unreadable import commonest

__all__ = ["cohort_of", "funnel_of", "limits_of"]

_COHORTS = 12
_FEWEST_COHORTS = 3


def limits_of(results: Report, lacking: Sequence[str]) -> tuple[DataLimit, ...]:
    """Rejected, unreadable and left out records, and KPIs without a value or a measurement; one row per reason."""
    accounts: dict[str, Account] = {}
    left_out: dict[tuple[str, str], dict[str, Any]] = {}
    unreadable: dict[str, Counter[str]] = defaultdict(Counter)
    undefined: dict[str, list[str]] = {}
    for result in results:
        if result.reason is not None:
            undefined.setdefault(result.reason, []).append(result.definition)
        for field, values in result.unreadable.items():
            for value, count in values.items():
                unreadable[field][value] = max(unreadable[field][value], count)
        for account in result.accounts:
            accounts.setdefault(account.table, account)
            for reason, count in account.left_out.items():
                row = left_out.setdefault((account.table, reason), {"count": 0, "of": account.given, "kpis": {}})
                row["count"] = max(row["count"], count)
                row["of"] = max(row["of"], account.given)
                row["kpis"][result.definition] = None
    found = [DataLimit(note, 0, None, ()) for note in silent_tables(results)]
    for table, account in accounts.items():
        for reason, count in account.unread.items():
            found.append(DataLimit(f"{table}: rows that could not be read: {reason}", count, account.given, ()))
        if account.rejected and not account.unread:
            found.append(DataLimit(f"{table}: rows that could not be read", account.rejected, account.given, ()))
        for reason, count in account.skipped.items():
            found.append(DataLimit(f"{table}: rows that are no records: {reason}", count, None, ()))
    for (table, reason), row in sorted(left_out.items(), key=lambda one: -one[1]["count"] / max(1, one[1]["of"])):
        field = reason.removesuffix(" unreadable")
        told = f" ({commonest(dict(unreadable[field]))})" if field != reason and unreadable.get(field) else ""
        found.append(DataLimit(f"{table}: left out, {reason}{told}", row["count"], row["of"], tuple(row["kpis"])))
    found += [DataLimit(f"no value: {reason}", len(names), None, tuple(names)) for reason, names in undefined.items()]
    found += [DataLimit(note, 0, None, ()) for note in lacking]
    return tuple(found)


def cohort_of(crm: Dataset, when: Period) -> CohortTable | None:
    """The monthly cohorts of orders up to the end of the period, the last twelve; None where the data has none."""
    if "orders" not in crm.tables:
        return None
    known = crm.known_until()[0].date()
    try:
        table = cohorts(crm, as_of=min(when.last_day, known))
    except CrmKpiError:
        return None
    kept = table.cohorts[-_COHORTS:]
    if len(kept) < _FEWEST_COHORTS:
        return None
    cells = len(kept[0].cells)
    shown = tuple(type(one)(one.label, one.start, one.size, one.cells[: min(cells, _COHORTS)]) for one in kept)
    return CohortTable(shown, table.every, table.measure, table.retention, table.as_of, table.left_out)


def funnel_of(crm: Dataset, when: Period, stages: Sequence[str] | None) -> Funnel | None:
    """The funnel of the deals that entered their first stage in the period; None where the data has no visits.

    Unless `stages` are given, they are in the order in which most deals pass them.
    """
    visits = crm.tables.get("stage_visits")
    if visits is None or isinstance(visits, FrameTable):
        if stages is not None:
            raise InputError("A funnel needs the table stage_visits as records; leave out stages=.")
        return None
    paths: dict[Any, list[tuple[datetime, int, Any]]] = defaultdict(list)
    moments: dict[date, datetime] = {}  # a cache: days repeat, and a calendar lookup is slow
    for number, visit in enumerate(visits):
        entered = visit.entered_at
        if visit.deal_id is not None and entered is not None and visit.stage is not None:
            moment = moments.get(entered)
            if moment is None:
                moment = moments[entered] = _moment(crm, entered)
            paths[visit.deal_id].append((moment, number, visit))
    begun = []
    for path in paths.values():
        path.sort()
        if when.start <= path[0][0] < when.end:
            begun += [visit for _, _, visit in path]
    if not begun:
        return None
    with suppress(CrmKpiError):
        return funnel(begun, stages=list(stages or _usual_order(paths.values())))
    return None


def _moment(crm: Dataset, entered: date) -> datetime:
    """The exact moment of a timestamp, which may be a day or lack a zone."""
    moment = entered if isinstance(entered, datetime) else datetime.combine(entered, time())
    return crm.calendar.instant(moment) if moment.tzinfo is None else moment


def _usual_order(paths: Any) -> list[str]:
    """The stages, sorted by the mean position at which deals first reach them."""
    places: Mapping[str, list[int]] = defaultdict(list)
    for path in paths:
        for place, stage in enumerate(dict.fromkeys([visit.stage for _, _, visit in path])):
            places[stage].append(place)
    return sorted(places, key=lambda stage: (sum(places[stage]) / len(places[stage]), stage))
