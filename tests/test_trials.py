"""Subscriptions without revenue: trials, unpaid and paused ones, missing ends."""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest
from tests.engines.backends import arrow_of, frame_of

import crmkpi as ck
from crmkpi.records.base import record_type

ENGINES = ("records", "polars", "pandas", "pyarrow", "duckdb")
NOTHING = {"mrr": 0, "new_mrr": 0, "churned_mrr": 0, "net_new_mrr": 0, "reactivation_mrr": 0}
# A pays 100 throughout; this is what B adds to the figures of February 2026.
B: Mapping[str, tuple[Mapping[str, Any], Mapping[str, Any]]] = {
    "trialing": ({"status": "trialing", "trial_end": "2026-03-06"}, NOTHING),
    "trialing without a date": ({"status": "trialing"}, NOTHING),
    "in a trial by its date alone": ({"trial_end": "2026-03-06"}, NOTHING),
    "unpaid": ({"status": "unpaid"}, NOTHING),
    "paused": ({"status": "paused"}, NOTHING),
    "incomplete": ({"status": "incomplete"}, NOTHING),
    "past due": ({"status": "past_due", "started_at": "2026-01-10"}, NOTHING | {"mrr": 50}),
    "went on": (
        {"status": "active", "started_at": "2026-01-20", "trial_end": "2026-02-03"},
        NOTHING | {"mrr": 50, "new_mrr": 50, "net_new_mrr": 50},
    ),
    "went on a month ago": (
        {"status": "active", "started_at": "2026-01-01", "trial_end": "2026-01-15"},
        NOTHING | {"mrr": 50},
    ),
    "went on and left": (
        {"status": "canceled", "started_at": "2026-01-01", "trial_end": "2026-01-15", "ended_at": "2026-02-10"},
        NOTHING | {"churned_mrr": -50, "net_new_mrr": -50},
    ),
    "left in its trial": (
        {"status": "canceled", "started_at": "2026-01-20", "trial_end": "2026-02-03", "ended_at": "2026-02-01"},
        NOTHING,
    ),
    "left when its trial ended": (
        {"status": "canceled", "started_at": "2026-01-20", "trial_end": "2026-02-03", "ended_at": "2026-02-03"},
        NOTHING,
    ),
    "canceled without an end": ({"status": "canceled", "started_at": "2026-01-01"}, NOTHING),
    "canceled, to end later": (
        {"status": "canceled", "started_at": "2026-01-01", "ended_at": "2026-03-01"},
        NOTHING | {"mrr": 50},
    ),
}


def subscriptions(**of_b: Any) -> list[ck.Subscription]:
    started = {"started_at": "2026-02-10"}
    return [
        ck.Subscription(id="1", customer_id="A", mrr=100, started_at="2025-06-01", status="active"),
        ck.Subscription(id="2", customer_id="B", mrr=50, **(started | of_b)),
    ]


def table_on(engine: str, found: list[ck.Subscription]) -> Any:
    return found if engine == "records" else frame_of(engine, arrow_of(found, record_type(ck.Subscription)))


@pytest.mark.one_of(3)
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", B)
def test_what_a_subscription_brings_goes_by_its_trial_and_its_status(name: str, engine: str) -> None:
    of_b, adds = B[name]
    crm = ck.Dataset(subscriptions=table_on(engine, subscriptions(**of_b)))
    for result in crm.measure(list(adds), period="2026-02"):
        base = 100 if result.definition == "mrr" else 0
        assert result.value == base + adds[result.definition], (result.definition, result.left_out)
        for account in result.accounts:
            assert account.used + sum(account.left_out.values()) + account.outside == account.given == 2


@pytest.mark.parametrize("engine", ENGINES)
def test_who_tried_twice_and_pays_now_is_new_and_not_back(engine: str) -> None:
    tried = ck.Subscription(
        id="0", customer_id="B", mrr=50, started_at="2025-10-01", trial_end="2025-10-15", ended_at="2025-10-14"
    )
    crm = ck.Dataset(subscriptions=table_on(engine, [tried, *subscriptions()]))
    found = {
        result.definition: result.value for result in crm.measure(["new_mrr", "reactivation_mrr"], period="2026-02")
    }
    assert found == {"new_mrr": 50, "reactivation_mrr": 0}


@pytest.mark.parametrize("engine", ENGINES)
def test_without_a_period_what_is_not_paying_is_left_out_of_what_runs_now(engine: str) -> None:
    found = [*subscriptions(status="unpaid"), ck.Subscription(id="3", customer_id="C", mrr=7, status="canceled")]
    result = ck.mrr(table_on(engine, found))
    assert result.value == 100
    assert dict(result.left_out) == {"not paying": 1, "canceled, no ended_at": 1}
    assert ck.arpu(table_on(engine, found)).value == 100


def test_only_trials_bring_nothing_and_that_is_known() -> None:
    (_, trial) = subscriptions(status="trialing")
    assert ck.mrr([trial], period="2026-02").value == 0
    assert ck.mrr(subscriptions(status="trialing")[1:]).value == 0


def test_what_starts_later_is_outside_whatever_its_status() -> None:
    result = ck.mrr(subscriptions(status="unpaid", started_at="2026-05-01"), period="2026-02")
    assert (dict(result.left_out), result.accounts[0].outside) == ({}, 1)


def test_a_canceled_subscription_without_an_end_is_an_error_of_check() -> None:
    (finding,) = [
        one for one in ck.Dataset(subscriptions=subscriptions(status="canceled")).check() if one.field == "ended_at"
    ]
    assert (finding.code, finding.level, finding.count) == ("canceled_without_end", "error", 1)
    assert "mrr" in finding.metrics


def test_a_trial_that_ends_later_is_no_date_in_the_future() -> None:
    crm = ck.Dataset(subscriptions=subscriptions(trial_end="2026-03-06"), as_of=date(2026, 2, 28))
    assert [one.code for one in crm.check() if one.code == "future_dates"] == []


@pytest.mark.parametrize("day", ["2026-02-20", "2026-02-21"])
def test_the_preset_of_stripe_reads_the_end_of_a_trial(day: str) -> None:
    file = (
        "id,Customer ID,Status,Amount,Interval,Quantity,Currency,Start (UTC),Trial End (UTC),Ended At (UTC)\n"
        f"sub_1,cus_A,active,49.00,month,1,usd,2026-02-01 10:00,{day} 10:00,\n"
        "sub_2,cus_B,active,1200.00,year,2,usd,2025-02-01 10:00,,\n"
    )
    found = ck.read_csv(io.StringIO(file), preset="stripe_subscription")
    report = ck.Dataset(subscriptions=found).measure(["mrr", "new_mrr"], period=f"2026-02-01..{day}")
    assert [result.value for result in report] == [249, 49]
    before = ck.Dataset(subscriptions=found).measure(["mrr", "new_mrr"], period="2026-02-01..2026-02-19")
    assert [result.value for result in before] == [200, 0]
