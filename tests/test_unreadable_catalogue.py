"""For every KPI and every field: one record with an unreadable field changes only KPIs that read the field.

A KPI that reads the field either leaves the record out, and then has the value of the other records, or does not use
this record at all, and then keeps its value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import cache
from typing import Any

import pytest

import crmkpi as ck
from crmkpi.demo import sample_company
from crmkpi.measuring.asking import read
from crmkpi.measuring.results import Result
from crmkpi.metrics.catalogue import catalogue
from crmkpi.records.base import partly_read, record_type

PARAMETERS = {"lifespan": 1000, "market_revenue": 1_000_000, "quota": 100_000, "horizon": 60}
AS_OF = date(2026, 9, 30)
METRICS = [metric for metric in catalogue if not set(metric.parameters) - set(PARAMETERS) - {"discount_rate"}]
LOOKED_UP = ("industry", "since")  # for customers, through a relation


@cache
def company() -> Mapping[str, list[Any]]:
    return {table: records[-60:] for table, records in sample_company(scale=0.1).items()}


def dataset(**tables: list[Any]) -> ck.Dataset:
    crm: Any = {**company(), **tables}
    rates = ck.Rates("EUR", {"CHF": "1.05"})
    return ck.Dataset(currency="EUR", rates=rates, as_of=AS_OF, most_unreadable=1, **crm)


def spoiled(record: Any, *fields: str) -> Any:
    """The record with these fields unreadable."""
    names = record_type(type(record)).fields
    values = {name: getattr(record, name) for name in names} | dict.fromkeys(fields)
    return partly_read(type(record))(**values, unreadable=dict.fromkeys(fields, "'?'"))


def cases() -> Iterator[tuple[str, str]]:
    for table, records in sample_company(scale=0.1).items():
        for field in record_type(type(records[0])).fields.values():
            if field.name != "id" and field.kind != "attributes":
                yield table, field.name


@cache
def readers() -> Mapping[str, frozenset[tuple[str, str]]]:
    """The fields that each KPI reads in a period, in its own tables and in related records."""
    found: dict[str, frozenset[tuple[str, str]]] = {}
    for metric in METRICS:
        period = ck.Period("2026-Q3")
        given = {name: value for name, value in PARAMETERS.items() if name in metric.parameters}
        _, plan = read(dataset(), (metric,), [period], (), given, confidence=0.95)
        fields = set()
        for query in plan.queries.values():
            for path in query.fields:
                *way, name = path
                tables = [query.type_.table, *query.type_.tables_towards(path)]
                fields.add((tables[-1], name))
                type_ = query.type_
                for step in way:
                    if step in type_.relations:
                        fields.add((type_.table, type_.relations[step].key))
        found[metric.id] = frozenset(fields)
    return found


def measured(crm: ck.Dataset, metrics: Sequence[ck.Metric]) -> dict[str, Result]:
    names = {name for metric in metrics for name in metric.parameters}
    given = {name: value for name, value in PARAMETERS.items() if name in names}
    return {result.definition: result for result in crm.measure(metrics, period="2026-Q3", parameters=given)}


@cache
def untouched() -> Mapping[str, Result]:
    return measured(dataset(), METRICS)


def facts(result: Result) -> tuple[Any, ...]:
    return result.value, result.reason, dict(result.inputs), result.interval, result.n


@pytest.mark.parametrize(("table", "field"), list(cases()))
def test_one_unreadable_field_changes_only_kpis_that_read_it(table: str, field: str) -> None:
    of_table = [metric for metric in METRICS if table in dict(readers()[metric.id])]
    turn = len(field)  # a third of the KPIs that do not read the field
    check(table, field, [m for n, m in enumerate(of_table, turn) if n % 3 == 0 or (table, field) in readers()[m.id]])


@pytest.mark.slow
@pytest.mark.parametrize(("table", "field"), list(cases()))
def test_one_unreadable_field_changes_no_kpi_that_does_not_read_it(table: str, field: str) -> None:
    check(table, field, METRICS)


def check(table: str, field: str, metrics: Sequence[ck.Metric]) -> None:
    reading = [metric for metric in metrics if (table, field) in readers()[metric.id]]
    records = company()[table]
    places = [place for place, record in enumerate(records) if getattr(record, field) is not None] or [0]
    place = places[len(places) // 2]
    mine = dataset(**{table: [*records[:place], spoiled(records[place], field), *records[place + 1 :]]})
    without = measured(dataset(**{table: [*records[:place], *records[place + 1 :]]}), reading) if reading else {}
    before = untouched()
    for name, result in (measured(mine, metrics) if metrics else {}).items():
        for account in result.accounts:
            counts = [account.used, *account.left_out.values(), account.outside, account.rejected]
            assert min(counts) >= 0, (name, account)
            assert sum(counts) == account.given == len(company()[account.table]), (name, account)
        aside = [one.left_out.get(f"{field} unreadable", 0) for one in result.accounts if one.table == table]
        assert set(aside) <= {0, 1}, (name, result.accounts)
        if (table, field) not in readers()[name]:
            assert facts(result) == facts(before[name]), name
            assert result.accounts == before[name].accounts, name
        elif not any(aside):
            if not any(part.shift != "none" for part in result.metric.measures.values()):
                assert facts(result) in (facts(before[name]), facts(without[name])), name
        elif all(aside):
            assert facts(result)[:3] == facts(without[name])[:3], name
            if result.interval is not None:
                assert result.interval.without >= 1, name
