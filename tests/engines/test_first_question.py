"""The first call on a fresh dataset: the number of its queries, and the effect of an invalid row."""

from __future__ import annotations

import math
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from crmkpi import (
    Dataset,
    Deal,
    Rates,
    average_deal_size,
    deal_volume,
    pipeline_value,
    revenue,
    sales_cycle_length,
    win_rate,
)
from crmkpi.records.base import partly_read, record_type

from .backends import arrow_of, assert_same, homed

pl = pytest.importorskip("polars", reason="Polars is not installed")
pytest.importorskip("pyarrow", reason="PyArrow is not installed")

TYPE = record_type(Deal)
YEAR: dict[str, Any] = {"period": "2025", "every": "quarter", "by": "owner"}
MEDIAN = sales_cycle_length.variant("median")
DEALS = [
    Deal(
        id=str(number),
        status=("won", "lost", "open")[number % 3],
        created_at=datetime(2024, 11, 1) + timedelta(days=11 * number),
        closed_at=None if number % 3 == 2 else datetime(2025, 1, 1) + timedelta(days=17 * number, hours=number),
        amount=Decimal(number) + Decimal("0.25"),
        owner=("Ada", "Bo")[number % 2],
    )
    for number in range(1, 20)
]


def frames(backend: str, records: Any, money: str = "float") -> Dataset:
    return Dataset(**homed(backend, {"deals": arrow_of(records, TYPE, money=money)}), currency="EUR")


@pytest.mark.parametrize("home", ["duckdb", "sqlite"])
@pytest.mark.parametrize("metric", [win_rate, revenue, average_deal_size, MEDIAN], ids=lambda metric: metric.id)
def test_each_answer_of_a_database_takes_one_statement(metric: Any, home: str) -> None:
    # It returns the groups, records without a date, the records per segment, and the rows that break an assumption.
    if home == "duckdb":
        pytest.importorskip("duckdb", reason="DuckDB is not installed")
    crm = frames(home, DEALS)
    taken = 2 if metric is MEDIAN and home == "sqlite" else 1  # values at ranks take another, where there are no lists
    assert [len(statements(crm.measure(metric, period="2025", by="owner"))) for _ in range(3)] == [taken] * 3


@pytest.mark.parametrize("home", ["duckdb", "sqlite"])
def test_a_table_that_is_not_as_assumed_is_looked_at_first_from_then_on(home: str) -> None:
    crm = frames(home, [*DEALS, Deal(id="x", status="won", created_at=datetime(2025, 1, 2), amount=Decimal("1.2345"))])
    taken = [len(statements(crm.measure(revenue, period="2025", by="owner"))) for _ in range(3)]
    assert taken[0] > taken[1] == taken[2]


@pytest.mark.parametrize("home", ["duckdb", "sqlite"])
def test_what_is_assumed_is_checked_by_one_statement_of_a_question(home: str) -> None:
    asked = statements(frames(home, DEALS).measure([win_rate, deal_volume], period="2025", by="owner"))
    assert [text.count('sum("unlike_")') > 0 for text in asked] == [True, False]  # closed in 2025, created in 2025


@pytest.mark.parametrize("home", ["duckdb", "sqlite"])
def test_moments_later_than_now_take_one_more_statement_once(home: str) -> None:
    crm = Dataset(**homed(home, {"deals": arrow_of(DEALS, TYPE)}), as_of=date(2025, 6, 30))
    assert [len(statements(crm.measure(win_rate, period="2025", by="owner"))) for _ in range(2)] == [2, 1]


def statements(report: Any) -> list[str]:
    return [part for part in report.sql().split(";") if part.strip()]


@pytest.mark.parametrize("metric", [win_rate, revenue, average_deal_size], ids=lambda metric: metric.id)
def test_a_first_answer_takes_polars_four_collects_and_a_second_one(
    metric: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    collect = pl.LazyFrame.collect

    def counted(frame: Any, **more: Any) -> Any:
        asked.append(frame)
        return collect(frame, **more)

    monkeypatch.setattr(pl.LazyFrame, "collect", counted)
    crm, counts = frames("polars", DEALS), []
    for _ in range(3):
        asked.clear()
        crm.measure(metric, **YEAR)
        counts.append(len(asked))
    assert counts == [4, 1, 1]


@pytest.mark.parametrize("metric", [revenue, average_deal_size, sales_cycle_length, MEDIAN], ids=lambda one: one.id)
def test_rows_of_another_status_are_left_out_before_polars_groups(metric: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    plans: list[str] = []
    collect = pl.LazyFrame.collect

    def noted(frame: Any, **more: Any) -> Any:
        plans.append(frame.explain())
        return collect(frame, **more)

    monkeypatch.setattr(pl.LazyFrame, "collect", noted)
    frames("polars", DEALS).measure(metric, **YEAR)
    filters = [line for plan in plans if "AGGREGATE" in plan for line in plan.splitlines() if "FILTER" in line]
    assert len(filters) == 2  # the rows of the year, and those without a date
    assert all('(col("status") == "won")' in line and "deleted" in line for line in filters)


def test_five_kpis_take_as_many_questions_as_one() -> None:
    pytest.importorskip("duckdb", reason="DuckDB is not installed")
    crm = frames("duckdb", DEALS)
    metrics = [win_rate, revenue, average_deal_size, sales_cycle_length, MEDIAN]
    assert len(statements(crm.measure(metrics, period="2025", by="owner"))) == 1


@pytest.mark.parametrize("home", ["polars", "duckdb"])
def test_a_stock_with_rates_of_each_day_takes_one_pass_for_a_year(home: str) -> None:
    rates = Rates("EUR", {"CHF": {date(2025, month, 1): f"1.{month:02}" for month in range(1, 13)}})
    deals = [
        Deal(id=str(number), status="open", created_at=datetime(2025, 1 + number, 5), amount=100, currency=currency)
        for number, currency in enumerate(["CHF", "EUR", "CHF"] * 3)
    ]
    table = homed(home, {"deals": arrow_of(deals, TYPE)})
    mine, theirs = (Dataset(**each, rates=rates) for each in ({"deals": deals}, table))
    asked: dict[str, Any] = {"period": "2025", "every": "month"}
    assert_same(mine.measure(pipeline_value, **asked), theirs.measure(pipeline_value, **asked))
    if home == "duckdb":
        assert len(statements(theirs.measure(pipeline_value, **asked))) == 1


BAD: dict[str, tuple[dict[str, Any], dict[str, str], str]] = {  # the record's value, unreadable text and amounts
    "a float of four digits": ({"amount": Decimal("3.1257")}, {}, "float"),
    "a word that nobody knows": ({"status": "Dead"}, {"status": "'Dead'"}, "float"),
    "no status": ({"status": None}, {"status": ""}, "float"),
    "an amount that is none": ({"amount": math.inf}, {"amount": "inf"}, "float"),
    "a sum that takes more than 64 bits": ({"amount": Decimal("9999999999999999.75")}, {}, "decimal"),
    "a moment long ago": ({"closed_at": datetime(1, 1, 2)}, {}, "float"),
}


@pytest.mark.parametrize(
    "home", ["polars", *(pytest.param(each, marks=pytest.mark.slow) for each in ("duckdb", "sqlite"))]
)
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, len(DEALS)), bad=st.sampled_from(sorted(BAD)), metric=st.sampled_from([revenue, MEDIAN]))
def test_a_bad_row_anywhere_gives_what_records_give(home: str, place: int, bad: str, metric: Any) -> None:
    cells, lost, money = BAD[bad]
    assume(home != "sqlite" or money == "float")  # it keeps decimals as floats, and refuses those with too many digits
    values: dict[str, Any] = {"status": "won", "amount": Decimal("7.25"), "owner": "Ada", "id": "bad"}
    values |= {"created_at": datetime(2025, 1, 2), "closed_at": datetime(2025, 5, 6)}
    marked: Any = partly_read(Deal)
    bad_one = marked(**{**values, **dict.fromkeys(lost)}, unreadable=lost)
    stored = [*DEALS[:place], bad_one, *DEALS[place:]]
    if not lost:
        stored[place] = Deal(**{**values, **cells})
    arrow = arrow_of(stored, TYPE, money=money)
    for name in lost:
        column = arrow.column(name).to_pylist()
        column[place] = cells[name]
        arrow = arrow.set_column(arrow.column_names.index(name), name, [column])
    kept: dict[str, Any] = {"currency": "EUR", "most_unreadable": 1}
    mine, theirs = Dataset(deals=stored, **kept), Dataset(**homed(home, {"deals": arrow}), **kept)
    for asked in (YEAR, {}):
        assert_same(mine.measure([metric, win_rate], **asked), theirs.measure([metric, win_rate], **asked))
