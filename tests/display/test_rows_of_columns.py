"""Rows, JSON, CSV and wide frames of many results equal those of each result, created or not."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

import crmkpi as ck
from crmkpi.errors import CrmKpiError
from crmkpi.metrics.catalogue import catalogue
from crmkpi.records import RECORDS
from crmkpi.records.base import record_type

ASKED: Mapping[str, Mapping[str, Any]] = {
    "whole": {},
    "month": {"period": "2025", "every": "month"},
    "compared": {"period": "2025-Q3", "compare": "previous"},
    "no interval": {"period": "2025-Q2", "confidence": None},
}
BY: Mapping[str, str] = {"deals": "owner", "tickets": "channel", "orders": "channel", "leads": "source"}
KPIS = [metric.id for each in catalogue for metric in (each, *each.variants.values())]


def plain(value: Any) -> Any:
    """A value as JSON holds it."""
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, date):
        return value.isoformat()
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def told(result: Any) -> dict[str, Any]:
    """The row of a result, from its attributes."""
    row: dict[str, Any] = {"metric": result.definition, "title": result.metric.title, "unit": result.unit}
    period = result.period
    bounds = period is not None and period.unit != "all"
    low, high = (None, None) if result.interval is None else result.interval
    rest: dict[str, Any] = {
        "period": None if period is None else period.label,
        "period_start": period.start.astimezone(period.calendar.zone).isoformat() if bounds else None,
        "period_end": period.end.astimezone(period.calendar.zone).isoformat() if bounds else None,
        "value": plain(result.value),
        "currency": result.currency,
        "low": plain(low),
        "high": plain(high),
        "confidence": None if result.interval is None else result.interval.confidence,
        "n": result.n,
        "small_sample": result.small_sample,
        "given": sum(one.given for one in result.accounts),
        "used": sum(one.used for one in result.accounts),
        "left_out": result.left_out,
        "outside": sum(one.outside for one in result.accounts),
        "rejected": sum(one.rejected for one in result.accounts),
        "unread": result.unread,
        "skipped": result.skipped,
        "unreadable": result.unreadable,
        "complete": result.complete,
        "reason": result.reason,
        "inputs": {name: plain(value) for name, value in result.inputs.items()},
        "parameters": {name: plain(value) for name, value in result.parameters.items()},
    }
    if result.compared_to is not None:
        other, change = result.compared_to, result.change
        rest |= {
            "previous_period": None if other.period is None else other.period.label,
            "previous_value": plain(other.value),
            "change": plain(change.absolute),
            "relative_change": change.relative,
            "better": change.better,
            "change_low": None if change.interval is None else plain(change.interval.low),
            "change_high": None if change.interval is None else plain(change.interval.high),
            "p_value": change.p_value,
            "adjusted_p": change.adjusted_p,
            "comparisons": change.comparisons,
            "verdict": change.verdict,
            "detectable": plain(change.detectable),
            "no_verdict": change.reason,
        }
    names = {*row, *rest}
    segments = {f"by_{key}" if key in names else key: plain(value) for key, value in result.segment.items()}
    return row | segments | rest


@pytest.fixture(scope="module")
def company() -> ck.Dataset:
    """A company with wholly or partly unreadable deals and tickets, and duplicate ids."""
    tables = dict(ck.sample_company(0.05))
    bad = {"deals": {"id": "x", "status": "Dead", "amount": "much"}, "tickets": {"id": "y", "created_at": "soon"}}
    for table, row in bad.items():
        kind = RECORDS[table]
        known = record_type(kind).fields
        given = {name: value for name, value in row.items() if name in known}
        tables[table] = [*tables[table], *ck.read_dicts([given], record=kind), *list(tables[table])[:2]]
    return ck.Dataset(**tables, currency="EUR", as_of=date(2025, 8, 15), most_unreadable=0.5)


def measured(company: ck.Dataset, name: str, asked: Mapping[str, Any]) -> Any:
    metric = catalogue.find(name)
    by = next((BY[table] for table in metric.tables if table in BY), None)
    parameters = {key: one.example for key, one in metric.parameters.items() if hasattr(one, "example")}
    try:
        return company.measure(metric, by=by, parameters=parameters or None, **asked)
    except CrmKpiError:  # a parameter without a default, a field that is no segment: no report, so no rows
        return None


@pytest.mark.parametrize("asked", ASKED.values(), ids=list(ASKED))
def test_rows_of_every_kpi_are_those_of_each_result(company: ck.Dataset, asked: Mapping[str, Any]) -> None:
    reports = [found for name in KPIS if (found := measured(company, name, asked)) is not None and len(found)]
    assert len(reports) > len(KPIS) / 2
    for report in reports:
        rows, text, sheet = report.to_dicts(), report.to_json(), report.to_csv()
        expected = [told(result) for result in report]
        assert [list(row.items()) for row in rows] == [list(row.items()) for row in expected], report[0].definition
        assert report.to_dicts() == rows  # after all results are created
        assert text == "[\n" + ",\n".join(json.dumps(row, ensure_ascii=False) for row in expected) + "\n]\n"
        assert report.to_csv() == sheet
        _check_sheet(sheet, expected)


def _check_sheet(sheet: str, expected: Sequence[Mapping[str, Any]]) -> None:
    cells = list(csv.DictReader(io.StringIO(sheet)))
    assert [row["title"] for row in cells] == [row["title"] for row in expected]
    assert [json.loads(row["left_out"]) for row in cells] == [row["left_out"] for row in expected]
    assert [row["given"] for row in cells] == [str(row["given"]) for row in expected]


def test_a_wide_frame_has_the_value_of_each_result(company: ck.Dataset) -> None:
    names = ["win_rate", "revenue", "average_deal_size", "sales_cycle_length", "lost_deals"]
    report = company.measure(names, period="2025", every="quarter", by=["owner", "pipeline"])
    wide = report.to_arrow(wide=True).to_pylist()
    assert {(row["period"], row["owner"], row["pipeline"]) for row in wide} == {
        (result.period.label, *result.segment.values()) for result in report
    }
    for row in wide:
        for name in names:
            value = report.get(name, period=row["period"], owner=row["owner"], pipeline=row["pipeline"]).value
            assert plain(row[name]) == pytest.approx(plain(value)) or Decimal(row[name]) == value, name
            assert not isinstance(value, datetime)
