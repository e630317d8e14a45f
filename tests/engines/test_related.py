"""KPIs by fields of related records: each record counts once, whatever its relation, on every engine."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from hypothesis import given

import crmkpi as ck
from crmkpi.errors import InputError
from crmkpi.testing import datasets

from .backends import frames_of, homed

pytest.importorskip("pyarrow", reason="PyArrow is not installed")

CUSTOMERS = [
    ck.Customer(id="law", industry="law", plan="team", since="2024-05-01"),
    ck.Customer(id="bakery", industry="food", plan="solo", since="2025-05-01"),
    ck.Customer(id="diner", industry="food", plan="team", since="2025-06-01"),
    ck.Customer(id="blank"),
]
CAMPAIGNS = [
    ck.Campaign(id="mail", channel="email", cost=1000, started_at="2026-01-01"),
    ck.Campaign(id="letter", channel="email", cost=500, started_at="2026-01-01"),
    ck.Campaign(id="fair", channel="event", cost=4000, started_at="2026-01-01"),
    ck.Campaign(id="silent", channel="radio", cost=300, started_at="2026-01-01"),
]
LEADS = [
    ck.Lead(id="l1", created_at="2026-01-02", campaign_id="fair"),
    ck.Lead(id="l2", created_at="2026-01-02", campaign_id="mail"),
]
DEALS = [
    ck.Deal(id=str(number), status=status, amount=amount, customer_id=customer, campaign_id=campaign, lead_id=lead,
            owner=owner, created_at="2026-01-05", closed_at="2026-01-20")
    for number, (status, amount, customer, campaign, lead, owner) in enumerate([
        ("won", 3000, "law", "mail", "l1", "Ada"),
        ("won", 2000, "law", "mail", "l1", "Bo"),
        ("won", 1000, "bakery", "letter", "l2", "Ada"),
        ("lost", 9000, "diner", "fair", None, "Ada"),
        ("won", 6000, "gone", "fair", "l9", "Bo"),
        ("won", 700, None, "lost and gone", None, "Bo"),
        ("lost", 50, "blank", None, None, None),
    ])
]  # fmt: skip
SURVEYS = [
    ck.Survey(id=str(number), kind="csat", score=score, customer_id=customer, answered_at="2026-01-10")
    for number, (score, customer) in enumerate(
        [(5, "law"), (2, "law"), (4, "bakery"), (4, "diner"), (1, "gone"), (5, None), (3, "blank")]
    )
]
CREATED = datetime(2026, 1, 5, 9)
TICKETS = [
    ck.Ticket(
        id=str(number),
        status="solved",
        customer_id=customer,
        created_at=CREATED,
        solved_at=CREATED + timedelta(hours=hours),
    )
    for number, (hours, customer) in enumerate([(2, "law"), (4, "diner"), (9, "diner"), (1, "bakery"), (7, "gone")])
]
TABLES = {
    "deals": DEALS,
    "customers": CUSTOMERS,
    "campaigns": CAMPAIGNS,
    "leads": LEADS,
    "surveys": SURVEYS,
    "tickets": TICKETS,
}
BINNED = ck.Segment("joined", "customer.since", bins=(datetime(2025, 1, 1), datetime(2025, 6, 1)))

# The arguments, and the value and the number of given records per group, computed by hand.
ASKED: Mapping[str, tuple[str, Any, dict[tuple[Any, ...], tuple[Any, int]]]] = {
    "satisfaction by the customer's industry": (
        "customer_satisfaction_score", "customer.industry",
        {("law",): (0.5, 2), ("food",): (1.0, 2), (None,): (1 / 3, 3)},
    ),
    "resolution time by the customer's plan": (
        "resolution_time", "customer.plan",
        {("team",): (timedelta(hours=4), 3), ("solo",): (timedelta(hours=1), 1), (None,): (timedelta(hours=7), 1)},
    ),
    "revenue over two relations": (
        "revenue", "lead.campaign.channel",
        {("event",): (Decimal(5000), 2), ("email",): (Decimal(1000), 1), (None,): (Decimal(6700), 4)},
    ),
    "revenue by a field of its own and a related one": (
        "revenue", ["owner", "customer.industry"],
        {
            ("Ada", "law"): (Decimal(3000), 1), ("Bo", "law"): (Decimal(2000), 1), ("Ada", "food"): (Decimal(1000), 2),
            ("Bo", None): (Decimal(6700), 2), (None, None): (Decimal(0), 1),
        },
    ),
    "revenue by bins of a related field": (
        "revenue", BINNED,
        {
            (BINNED.labels[0],): (Decimal(5000), 2), (BINNED.labels[1],): (Decimal(1000), 1),
            (BINNED.labels[2],): (Decimal(0), 1), (None,): (Decimal(6700), 3),
        },
    ),
}  # fmt: skip


def crm_of(engine: str) -> ck.Dataset:
    return ck.Dataset(**(TABLES if engine == "records" else frames_of(engine, TABLES)))


def check_groups(engine: str, name: str) -> None:
    metric, by, expected = ASKED[name]
    report = crm_of(engine).measure(metric, by=by)
    found = {tuple(result.segment.values()): (result.value, result.accounts[0].given) for result in report}
    assert found == expected
    assert sum(given for _, given in found.values()) == len(TABLES[report[0].accounts[0].table])


@pytest.mark.parametrize("name", ASKED)
def test_records_are_grouped_by_related_fields(name: str) -> None:
    check_groups("records", name)


@pytest.mark.in_turns
@pytest.mark.parametrize("name", ASKED)
def test_frames_are_grouped_by_related_fields(backend: str, name: str) -> None:
    check_groups(backend, name)


def check_campaigns(engine: str) -> None:
    report = crm_of(engine).measure("campaign_roi", by="campaign.channel")
    found = {result.segment["campaign.channel"]: (result.value, result.inputs) for result in report}
    # 6,000 from two campaigns of 1,500, though three deals came of them; 6,000 from 4,000; nothing from 300.
    values = {channel: (value, inputs["revenue"], inputs["cost"]) for channel, (value, inputs) in found.items()}
    assert values == {
        "email": (3.0, Decimal(6000), Decimal(1500)),
        "event": (0.5, Decimal(6000), Decimal(4000)),
        "radio": (-1.0, Decimal(0), Decimal(300)),
        None: (None, Decimal(700), Decimal(0)),
    }


def test_the_return_of_campaigns_by_channel_counts_each_cost_once() -> None:
    check_campaigns("records")


def test_the_return_of_campaigns_by_channel_counts_each_cost_once_over_frames(backend: str) -> None:
    check_campaigns(backend)


def test_a_function_of_the_record_may_stand_beside_a_related_field() -> None:
    def size(deal: ck.Deal) -> str:
        return "large" if (deal.amount or 0) >= 2000 else "small"

    report = crm_of("records").measure("revenue", by=[{"size": size}, "customer.industry"])
    assert {tuple(result.segment.values()): result.value for result in report if result.value} == {
        ("large", "law"): 5000,
        ("small", "food"): 1000,
        ("large", None): 6000,
        ("small", None): 700,
    }


def test_a_function_of_the_record_is_refused_for_frames_and_not_guessed_at(backend: str) -> None:
    with pytest.raises(InputError, match="function"):
        crm_of(backend).measure("revenue", by={"size": lambda deal: deal.amount})


RELATED = [
    ("revenue", "customer.industry"),
    ("revenue", ["lead.campaign.channel", "owner"]),
    ("win_rate", "campaign.channel"),
    ("complaints", "customer.plan"),
]


def check_sums(crm: ck.Dataset, metric: str, by: Any) -> None:
    """Inputs of the groups add up to those of the whole, and each record is in one group."""
    (whole,), parts = crm.measure(metric), crm.measure(metric, by=by)
    for name, total in whole.inputs.items():
        assert sum((part.inputs[name] for part in parts), start=type(total)(0)) == total
    assert sum(part.accounts[0].given for part in parts) == whole.accounts[0].given


@pytest.mark.parametrize("metric, by", RELATED)
@given(crm=datasets(ck.Deal, ck.Customer, ck.Lead, ck.Campaign, ck.Ticket))
def test_no_relation_multiplies_a_sum(metric: str, by: Any, crm: ck.Dataset) -> None:
    check_sums(crm, metric, by)


@pytest.mark.in_turns
@pytest.mark.parametrize("metric, by", RELATED)
def test_no_relation_multiplies_a_sum_over_frames(backend: str, metric: str, by: Any) -> None:
    chance = Random(9)
    deals = [
        ck.Deal(
            id=str(number),
            status=chance.choice(("won", "lost", "open")),
            amount=Decimal(chance.randrange(10**6)) / 100,
            owner=chance.choice(("Ada", "Bo", None)),
            customer_id=chance.choice((*(customer.id for customer in CUSTOMERS), "gone", None)),
            lead_id=chance.choice(("l1", "l2", "gone", None)),
            campaign_id=chance.choice((*(campaign.id for campaign in CAMPAIGNS), "gone", None)),
        )
        for number in range(500)
    ]
    tables = {**TABLES, "deals": deals}
    check_sums(ck.Dataset(**frames_of(backend, tables)), metric, by)
    expected = {tuple(one.segment.values()): one.inputs for one in ck.Dataset(**tables).measure(metric, by=by)}
    found = ck.Dataset(**frames_of(backend, tables)).measure(metric, by=by)
    assert {tuple(one.segment.values()): one.inputs for one in found} == expected


@pytest.mark.in_turns
def test_rows_without_an_id_are_refused_where_others_refer_to_them_and_count_elsewhere(backend: str) -> None:
    pa = pytest.importorskip("pyarrow")
    deals = pa.table({"id": ["1", "2"], "status": ["won", "lost"], "customer_id": ["A", None]})
    customers = pa.table({"id": ["A", None], "industry": ["food", "law"], "number": ["1", "2"]})
    frames = homed(backend, {"deals": deals, "customers": customers})
    with pytest.raises(InputError, match=r"Fields of customers are looked up by their ids, and .* rows without one"):
        ck.Dataset(**frames).measure("win_rate", by="customer.industry")
    assert [one.value for one in ck.Dataset(**frames).measure(["win_rate", "active_customers"])] == [0.5, 2]
    told = ck.table(frames["customers"], record=ck.Customer, columns={"id": "number"})
    crm = ck.Dataset(deals=frames["deals"], customers=told)
    assert [one.segment["customer.industry"] for one in crm.measure("win_rate", by="customer.industry")] == [None]
    left = frames_of(backend, {"customers": [ck.Customer(id="A", industry="food")], "deals": DEALS})
    assert ck.Dataset(**left).measure("win_rate", by="customer.industry")


def test_related_tables_of_two_connections_of_duckdb_are_refused_and_the_way_out_works() -> None:
    duckdb = pytest.importorskip("duckdb")
    one, other = duckdb.connect(), duckdb.connect()
    deals = one.sql("SELECT '1' AS id, 'won' AS status, 'A' AS customer_id")
    customers = "SELECT 'A' AS id, 'retail' AS industry"
    apart = ck.Dataset(deals=deals, customers=other.sql(customers))
    with pytest.raises(InputError, match=r"^Related tables of DuckDB must be on one connection; take both"):
        apart.measure("win_rate", by="customer.industry")
    assert apart.measure("active_customers")[0].value == 1  # unrelated tables need not be
    together = ck.Dataset(deals=deals, customers=one.sql(customers))
    assert [found.value for found in together.measure("win_rate", by="customer.industry")] == [1.0]
