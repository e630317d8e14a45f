"""The fields that each KPI reads, derived from its definition, match the effect of changing the data."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from crmkpi import Dataset, Mean, Metric, Rates, Table, Ticket, catalogue, metric
from crmkpi.demo import AS_OF, sample_company
from crmkpi.quality.field_usage import FieldUsage
from crmkpi.records import Deal

READERS = FieldUsage(catalogue)
PARAMETERS = {"lifespan": 1000, "market_size": 10**8, "target": 10**6, "quota": 10**6}


def values(tables: dict[str, Any]) -> dict[str, Any]:
    """The value of every KPI that can be measured in a quarter of the sample company."""
    crm = Dataset(**tables, currency="EUR", rates=Rates("EUR", {"CHF": "1.05"}), as_of=AS_OF)
    known = {name for each in catalogue for name in each.parameters}
    given = {name: number for name, number in PARAMETERS.items() if name in known}
    chosen, _ = crm.measurable(parameters=given)
    report = crm.measure(chosen, period="2026-Q2", parameters=given, confidence=None)
    return {result.definition: result.value for result in report}


@pytest.fixture(scope="module")
def company() -> dict[str, Any]:
    return dict(sample_company(scale=0.3))


@pytest.mark.parametrize("table, field", [("deals", "amount"), ("orders", "amount"), ("subscriptions", "mrr"),
                                          ("tickets", "handled_seconds"), ("expenses", "amount")])  # fmt: skip
def test_the_readers_of_an_amount_are_those_that_change_with_it(
    table: str, field: str, company: dict[str, Any]
) -> None:
    def doubled(record: Any) -> Any:
        value = getattr(record, field)
        return record if value is None else replace(record, **{field: value * 2 + type(value)(len(record.id))})

    before = values(company)
    after = values(company | {table: [doubled(record) for record in company[table]]})
    changed = {name for name in before if before[name] != after[name]}
    readers = set(READERS.of(table, field, "value"))
    assert changed <= readers
    assert {name for name in readers & set(before) if before[name] not in (None, Decimal(0))} <= changed


def test_the_readers_of_a_date_are_those_that_change_with_it(company: dict[str, Any]) -> None:
    before = values(company)
    moved = [replace(deal, closed_at=None) for deal in company["deals"]]
    after = values(company | {"deals": moved})
    changed = {name for name in before if before[name] != after[name]}
    assert changed
    assert changed <= set(READERS.of("deals", "closed_at"))
    assert {"win_rate", "revenue", "average_deal_size"} <= set(READERS.of("deals", "closed_at", "date")) & changed


def test_a_kpi_of_your_own_is_read_like_those_of_the_catalogue() -> None:
    tickets = Table(Ticket)

    @metric(
        unit="duration",
        hours=tickets.sum(tickets.solved_at - tickets.created_at, tickets.customer.plan == "team"),
        solved=tickets.count(tickets.status.is_in("solved", "closed")),
        at=tickets.solved_at,
        leave_out={"spam": tickets.spam},
        interval=Mean("hours", "solved"),
    )
    def team_time(hours: float, solved: int) -> float:
        """How long tickets of teams take."""
        return hours / solved

    readers = FieldUsage([team_time])
    assert isinstance(team_time, Metric)
    assert readers.of_table("tickets") == readers.of("tickets", "solved_at", "date") == ("team_time",)
    assert readers.of("customers", "plan", "condition") == ("team_time",)
    assert readers.of("tickets", "spam", "condition") == ("team_time",)
    assert readers.of("tickets", "spam", "date", "value") == ()
    assert readers.comparing("tickets", "created_at", "solved_at") == ("team_time",)
    assert readers.counting("tickets", "status", "closed") == ("team_time",)
    assert readers.counting("tickets", "status", "open") == ()


def test_the_impacts_name_only_kpis_that_the_tables_allow_or_that_were_asked_for() -> None:
    deals = [Deal(id="1", status="won")]
    found = Dataset(deals=deals).check().findings
    named = {name for finding in found for name in finding.metrics}
    assert named
    assert all(set(catalogue.find(name).tables) <= {"deals"} for name in named)
    (asked,) = {name for one in Dataset(deals=deals).check(metrics=["win rate"]) for name in one.metrics}
    assert asked == "win_rate"


def test_the_kpis_most_concerned_come_first() -> None:
    names = FieldUsage(catalogue).of("deals", "closed_at")
    assert [len(catalogue.find(name).tables) for name in names[:5]] == [1] * 5


def test_a_shift_of_all_dates_moves_no_finding(company: dict[str, Any]) -> None:
    def later(deal: Deal) -> Deal:
        week = timedelta(weeks=1)
        closed = None if deal.closed_at is None else deal.closed_at + week
        return replace(deal, created_at=deal.created_at + week, closed_at=closed)

    def found(deals: list[Deal]) -> list[tuple[str, int]]:
        return [(finding.code, finding.count) for finding in Dataset(deals=deals).check()]

    assert found(company["deals"]) == found([later(deal) for deal in company["deals"]])
