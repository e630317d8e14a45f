"""Results of analyses can be pickled and copied, and print in a few lines."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from functools import cache
from typing import Any

import pytest

import crmkpi as ck
from crmkpi.demo import sample_company
from crmkpi.insight.control import control_chart
from crmkpi.insight.funnel_plots import funnel_plot
from crmkpi.insight.survival import kaplan_meier

COMPANY = sample_company(scale=0.2)
AS_OF = date(2026, 9, 30)
ORDERS = [order for order in COMPANY["orders"] if order.currency != "CHF"]
CRM = ck.Dataset(**COMPANY, currency="EUR", rates={"CHF": "1.05"}, as_of=AS_OF, tz="Europe/Berlin")
YEAR: dict[str, Any] = {"period": "2025-10-01..2026-09-30", "every": "month"}


@cache
def history() -> Any:
    return ck.rfm.rfm(ORDERS, as_of=AS_OF).history("weeks")


KINDS: dict[str, Callable[[], Any]] = {
    "a result": lambda: ck.win_rate(CRM, period="Q3", compare="previous"),
    "a report": lambda: CRM.measure(["win_rate", "revenue"], **YEAR, by="kind"),
    "a scorecard": lambda: CRM.scorecard("sales", period="Q3"),
    "a comparison": lambda: CRM.compare("win_rate", by="owner"),
    "a grid": lambda: CRM.measure("win_rate", **YEAR).pivot(),
    "a check": CRM.check,
    "a change": lambda: ck.win_rate(CRM, period="Q3", compare="previous").change,
    "cohorts": lambda: ck.cohorts.cohorts(ORDERS, as_of=AS_OF),
    "a curve": lambda: kaplan_meier(ck.survival.customer_durations(COMPANY["customers"], as_of=AS_OF)),
    "a table of customers": lambda: ck.rfm.rfm(ORDERS, as_of=AS_OF),
    "a history": history,
    "a model": lambda: ck.clv.BgNbd.fit(history()),
    "a funnel": lambda: ck.funnel.funnel(COMPANY["stage_visits"], stages=["Discovery", "Proposal", "Negotiation"]),
    "a control chart": lambda: control_chart(CRM.measure("win_rate", **YEAR)),
    "a funnel plot": lambda: funnel_plot(CRM.measure("win_rate", by="owner")),
    "an explanation": lambda: CRM.explain("win_rate", period="Q3", by="owner"),
    "a search": lambda: CRM.search("win_rate", period="Q3", by=["owner", "source"]),
    "a period": lambda: ck.Period("Q3", as_of="2026-09-30"),
    "a calendar": lambda: ck.Calendar("Europe/Berlin", opening_hours="24/7"),
    "a KPI": lambda: ck.win_rate,
    "a preset": lambda: ck.preset("hubspot_deal"),
    "a table": lambda: ck.Table(ck.Deal),
    "a segment": lambda: ck.Segment("size", "amount", bins=(1, 2)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_values_are_pickled_and_copied(kind: str) -> None:
    value = KINDS[kind]()
    for back in (pickle.loads(pickle.dumps(value)), copy.deepcopy(value), copy.copy(value)):
        assert repr(back) == repr(value)
        assert str(back) == str(value)


@pytest.mark.parametrize("kind", KINDS)
def test_values_print_in_less_than_twenty_thousand_characters_and_show_in_a_notebook(kind: str) -> None:
    value = KINDS[kind]()
    assert len(repr(value)) < 20_000
    shown = getattr(type(value), "_repr_html_", None)
    assert shown is None or "<" in shown(value)


def test_one_duckdb_dataset_answers_eight_threads_and_its_customers_are_told_apart() -> None:
    duckdb = pytest.importorskip("duckdb")
    connection = duckdb.connect()
    connection.execute(
        "CREATE TABLE orders (id VARCHAR, customer_id VARCHAR, ordered_at TIMESTAMP, amount DECIMAL(18, 2))"
    )
    rows = [
        [order.id, order.customer_id, order.ordered_at.replace(tzinfo=None), order.amount] for order in ORDERS[:400]
    ]
    connection.executemany("INSERT INTO orders VALUES (?, ?, ?, ?)", rows)
    frame = connection.table("orders")
    crm = ck.Dataset(orders=frame, currency="EUR")

    def ask(number: int) -> tuple[Any, ...]:
        if number % 2:
            rows = ck.rfm.rfm(crm.tables["orders"], as_of=AS_OF).to_dicts()
            return tuple(sorted(tuple(map(str, row.values())) for row in rows))
        return tuple(one.value for one in crm.measure("average_order_value", period="2026", every="quarter"))

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(16)))
    assert answers == [ask(0), ask(1)] * 8
