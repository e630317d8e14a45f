"""Cohorts, RFM and the holdout of a dataset: its rates, currency, time zone and last day, on every engine."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from tests.engines.backends import arrow_of, frame_of

import crmkpi as ck
from crmkpi.errors import CurrencyError, InputError, MissingTableError, ParameterError
from crmkpi.insight.cohorts import cohorts
from crmkpi.insight.rfm import rfm, split_holdout
from crmkpi.records.base import record_type

ENGINES = ("records", "polars", "pandas", "pyarrow", "duckdb")
RATES = ck.Rates("EUR", {"USD": "0.5"})
ORDERS = [
    ck.Order(id="1", customer_id="A", ordered_at="2026-01-10T12:00+00:00", amount=100, currency="USD"),
    ck.Order(id="2", customer_id="A", ordered_at="2026-01-31T23:30+00:00", amount=30),  # 1 February in Berlin
    ck.Order(id="3", customer_id="B", ordered_at="2026-01-15T12:00+00:00", amount=80, currency="EUR"),
    ck.Order(id="4", customer_id="B", ordered_at="2026-02-15T12:00+00:00", amount=-80, currency="EUR"),
    ck.Order(id="5", customer_id="B", ordered_at="2026-03-15T12:00+00:00", amount=7, currency="EUR"),  # not yet
]


def crm(engine: str, orders: list[ck.Order] = ORDERS, **settings: Any) -> ck.Dataset:
    table: Any = orders if engine == "records" else frame_of(engine, arrow_of(orders, record_type(ck.Order)))
    known = {"rates": RATES, "currency": "EUR", "as_of": date(2026, 2, 28), "calendar": ck.Calendar(tz="Europe/Berlin")}
    return ck.Dataset(orders=table, **(known | settings))


@pytest.mark.parametrize("engine", ENGINES)
def test_rfm_takes_rates_zone_and_last_day_from_the_dataset(engine: str) -> None:
    table = rfm(crm(engine))
    rows = sorted((row.customer_id, row.purchases, row.value, row.recency, row.age) for row in table.rows)
    assert rows == [("A", 2, 80.0, 22, 49), ("B", 1, 80.0, 0, 44)]
    assert dict(table.left_out) == {"refund": 1, "after the observation": 1}
    assert table.as_of == date(2026, 2, 28)


@pytest.mark.parametrize("engine", ENGINES)
def test_refunds_count_where_they_are_asked_for(engine: str) -> None:
    rows = {row.customer_id: (row.purchases, row.value) for row in rfm(crm(engine), with_refunds=True).rows}
    assert rows == {"A": (2, 80.0), "B": (2, 0.0)}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("measure", "with_refunds", "expected"),
    [
        ("customers", False, [2.0, 1.0]),
        ("customers", True, [2.0, 2.0]),
        ("orders", False, [2.0, 1.0]),
        ("orders", True, [2.0, 2.0]),
        ("value", False, [130.0, -50.0]),  # 50 + 80, and 30 - 80
    ],
)
def test_cohorts_take_them_too(engine: str, measure: Any, with_refunds: bool, expected: list[float]) -> None:
    table = cohorts(crm(engine), measure=measure, with_refunds=with_refunds)
    assert [cell.value for cell in table.cohorts[0].cells] == expected
    assert {type(cell.value) for cell in table.cohorts[0].cells} == {float}, "of records and of frames"
    assert table.as_of == date(2026, 2, 28)


@pytest.mark.parametrize("engine", ENGINES)
def test_cohorts_of_customers_and_orders_need_no_rates(engine: str) -> None:
    mixed = crm(engine, rates=None)
    assert [cell.value for cell in cohorts(mixed).cohorts[0].cells] == [2.0, 1.0]
    assert [cell.value for cell in cohorts(mixed, measure="orders").cohorts[0].cells] == [2.0, 1.0]
    for call in (lambda: cohorts(mixed, measure="value"), lambda: rfm(mixed)):
        with pytest.raises(CurrencyError, match=r"EUR, USD; convert them first, or give a Dataset with rates"):
            call()


@pytest.mark.parametrize("engine", ENGINES)
def test_the_holdout_takes_them_too(engine: str) -> None:
    found = split_holdout(crm(engine), until=date(2026, 3, 31))
    bought = dict(zip((row.customer_id for row in found.table.rows), found.actual, strict=True))
    assert bought == {"A": 0, "B": 1}
    assert sorted(row.value for row in found.table.rows) == [80.0, 80.0]


def test_rates_that_change_convert_records_and_say_that_frames_are_not_converted() -> None:
    rates = ck.Rates("EUR", {"USD": {date(2026, 1, 1): "0.5", date(2026, 2, 1): "0.25"}})
    assert {row.customer_id: row.value for row in rfm(crm("records", rates=rates)).rows} == {"A": 80.0, "B": 80.0}
    with pytest.raises(CurrencyError, match="read the orders as records"):
        rfm(crm("polars", rates=rates))


def test_an_order_that_comes_twice_is_one_purchase() -> None:
    table = rfm(crm("records", [*ORDERS, ORDERS[1]]))
    assert dict(table.left_out) == {"duplicate id": 1, "refund": 1, "after the observation": 1}
    assert {row.customer_id: row.orders for row in table.rows} == {"A": 2, "B": 1}
    other = ck.Order(id="1", customer_id="A", ordered_at="2026-01-10T12:00+00:00", amount=101, currency="USD")
    with pytest.raises(InputError, match="several orders have the id '1' and differ in amount: record 1 and record 6"):
        rfm(crm("records", [*ORDERS, other]))


@pytest.mark.parametrize("call", [rfm, cohorts, lambda orders: split_holdout(orders, until=date(2026, 3, 1))])
def test_what_is_missing_is_said(call: Callable[[Any], Any]) -> None:
    with pytest.raises(ParameterError, match=r"`as_of` is the last day .* or a Dataset that has one"):
        call(ORDERS)
    with pytest.raises(MissingTableError, match="no table 'orders'; it has deals"):
        call(ck.Dataset(deals=[], as_of=date(2026, 1, 1)))
