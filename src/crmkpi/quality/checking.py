"""Check a dataset: one pass over each table, in which all checks see its records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from itertools import islice
from typing import Any

from crmkpi._read_only import ReadOnly
from crmkpi.definition.metric import Metric
from crmkpi.engines.frames.table import FrameTable
from crmkpi.errors import InputError
from crmkpi.measuring.dataset import Dataset
from crmkpi.measuring.measurement import chosen_metrics
from crmkpi.metrics.catalogue import catalogue
from crmkpi.quality.checks import CHECKS
from crmkpi.quality.field_usage import FieldUsage
from crmkpi.quality.findings import LEVELS, Finding, QualityReport
from crmkpi.quality.frames import records_of_frame
from crmkpi.quality.tables import CheckedTable, Inspector
from crmkpi.records.base import record_class, record_type
from crmkpi.sources.account import LoadAccount, Noted
from crmkpi.sources.loaded import Records

__all__ = ["check"]

_BATCH = 1_000


def check(
    crm: Dataset, *, metrics: Metric | str | Iterable[Metric | str] | None = None, founded: date | None = None
) -> QualityReport:
    """The faults of the records of a dataset, and their impact on its KPIs; see `Dataset.check`.

    >>> from crmkpi import Dataset, Deal
    >>> deals = [Deal(id="1", status="won", closed_at="2026-01-09"), Deal(id="1", status="lost")]
    >>> print(check(Dataset(deals=deals), metrics="win_rate").findings[0])
    deals: the id of another record again: 1 of 2 (50.0 %), such as '1'; left out of win_rate
    """
    if founded is not None and not isinstance(founded, date):
        raise InputError(f"`founded` is the day on which the firm began, such as date(2015, 1, 1); got {founded!r}.")
    allowed = (metric for metric in catalogue if set(metric.tables) <= set(crm.tables))
    usage = FieldUsage(allowed if metrics is None else chosen_metrics(metrics, of_theme=catalogue.by_theme))
    ids: dict[str, set[str]] = {}
    inspectors: list[Inspector] = []
    accounts: dict[str, LoadAccount] = {}
    for name, table in crm.tables.items():
        records = records_of_frame(name, table) if isinstance(table, FrameTable) else crm.records(name)
        batches = _batches(records)
        first = next(batches, [])
        checked = CheckedTable(
            name=name,
            type_=record_type(type(first[0]) if first else record_class(name)),
            crm=crm,
            usage=usage,
            founded=founded,
            ids=ids,
            rejected=records.rejected if isinstance(records, Records) else (),
            unreadable=records.account.unreadable if isinstance(records, Records) else (),
        )
        noted = Noted()
        found = [inspector for each in CHECKS for inspector in each(checked)]
        known = ids.setdefault(name, set())
        while first:
            if not isinstance(records, Records):
                noted.see(first, checked.count)
            checked.count += len(first)
            for inspector in found:
                inspector.see(first)
            if "id" in checked.type_.fields:
                known.update([record.id for record in first])
            first = next(batches, [])
        if not isinstance(records, Records):
            checked.unreadable = noted.found()
        inspectors += found
        count, record = checked.count, checked.type_.model.__name__
        accounts[name] = (
            records.account
            if isinstance(records, Records)
            else LoadAccount(source="memory", record=record, rows=count, used=count, unreadable=checked.unreadable)
        )
    findings = [finding for inspector in inspectors for finding in inspector.findings()]
    return QualityReport(tuple(sorted(findings, key=_rank)), ReadOnly(accounts), tuple(_notes(crm)))


def _batches(records: Iterable[Any]) -> Iterator[list[Any]]:
    rest = iter(records)
    while batch := list(islice(rest, _BATCH)):
        yield batch


def _rank(finding: Finding) -> int:
    return LEVELS.index(finding.level)


def _notes(crm: Dataset) -> Iterator[str]:
    """The checks that could not run, with the reason."""
    if crm.as_of is None:
        yield "without as_of: dates after today are found, and no open deals whose close date has passed"
    for name in crm.tables:
        others = record_type(record_class(name)).relations.values()
        lacking = [f"{other.key} ({other.table})" for other in others if other.table not in crm.tables]
        if lacking:
            yield f"{name}: not followed for lack of the other table: {', '.join(lacking)}"
