"""The current state, events up to `as_of`, and elapsed time: one rule on every engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engines.backends import arrow_of, frame_of

import crmkpi as ck
from crmkpi.records.base import record_type

ENGINES = ("records", "polars", "polars-lazy", "pandas", "pandas-arrow", "pyarrow", "duckdb")
NEVER = datetime(9999, 12, 31)
AS_OF = date(2026, 2, 28)


def table_of(engine: str, records: Sequence[Any]) -> Any:
    if engine == "records":
        return list(records)
    return frame_of(engine, arrow_of(records, record_type(type(records[0]))))


DEALS = [ck.Deal(id="1", status="open", amount=400_000), ck.Deal(id="2", status="open", amount=30_000, probability=0.5)]
NOW: Mapping[str, tuple[ck.Metric, Sequence[Any], Any]] = {
    "pipeline": (ck.pipeline_value, DEALS, Decimal(430_000)),
    "weighted": (ck.weighted_pipeline, DEALS, Decimal(15_000)),
    "backlog": (ck.backlog, [ck.Ticket(id="1", status="open"), ck.Ticket(id="2", status="solved")], 1),
    "mrr": (ck.mrr, [ck.Subscription(id="1", customer_id="A", mrr=49)], Decimal(49)),
    "arr": (ck.arr, [ck.Subscription(id="1", customer_id="A", mrr=49)], Decimal(588)),
    "active": (ck.active_customers, [ck.Customer(id="1"), ck.Customer(id="2", until="2026-01-01")], 1),
}


@pytest.mark.one_of(3)
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", NOW)
def test_what_is_open_now_needs_no_start_and_a_period_without_one_is_undefined(name: str, engine: str) -> None:
    metric, records, value = NOW[name]
    table = table_of(engine, records)
    assert metric(table).value == metric(table, as_of=AS_OF).value == value
    result = metric(table, period="2026-01")
    assert result.value is None
    assert "that would count is left out: " in str(result.reason)
    both = ck.Dataset(**{metric.tables[0]: table}).measure(metric, period=["all", "2026-01"])
    assert [one.value for one in both] == [value, None]  # each period by its own rule, in one pass


LACKING: Mapping[str, tuple[ck.Metric, Any, str]] = {
    "no amount": (
        ck.revenue,
        ck.Deal(id="1", status="won"),
        "every record of deals that would count is left out: 1 no amount",
    ),
    "no kind": (
        ck.recurring_issues,
        ck.Ticket(id="1"),
        "every record of tickets that would count is left out: 1 no kind",
    ),
    "no mrr": (ck.mrr, ck.Subscription(id="1", customer_id="A", started_at="2026-01-01"), "1 no mrr"),
    "negative": (ck.new_customers, ck.Customer(id="1", since="2026-02-01", until="2026-01-01"), "1 negative duration"),
    "no cost": (ck.customer_acquisition_cost, ck.Expense(id="1", team="sales"), "1 no amount"),
}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", LACKING)
def test_a_number_whose_every_record_was_left_out_is_undefined_with_the_reason(name: str, engine: str) -> None:
    metric, record, reason = LACKING[name]
    tables = {metric.tables[0]: table_of(engine, [record])}
    if "customers" in metric.tables and "customers" not in tables:
        tables["customers"] = table_of(engine, [ck.Customer(id="1", since="2026-01-01")])
    report = ck.Dataset(**tables).measure(metric)
    assert report[0].value is None
    assert reason in str(report[0].reason)
    assert report[0].to_dict()["value"] is None


def test_what_does_not_count_by_what_it_is_leaves_a_zero() -> None:
    assert ck.ticket_volume([ck.Ticket(id="1", spam=True)]).value == 0
    assert ck.lead_volume([ck.Lead(id="1", deleted=True)]).value == 0
    assert ck.revenue([]).value == 0
    # One deal without a date does not make every month without deals unknown.
    deals = [ck.Deal(id="1", status="won", amount=5), ck.Deal(id="2", status="won", amount=7, closed_at="2026-03-05")]
    months = ck.Dataset(deals=deals).measure(ck.revenue, period="2026-Q1", every="month")
    assert [month.value for month in months] == [0, 0, 7]


TICKETS = [
    ck.Ticket(
        id="1",
        created_at="2026-01-05T10:00",
        solved_at="2026-01-06T10:00",
        first_replied_at="2026-01-05T11:00",
        status="closed",
    ),
    ck.Ticket(
        id="2", created_at="2026-01-05T10:00", solved_at="1970-01-02", first_replied_at="1970-01-02", status="open"
    ),
    ck.Ticket(id="3", created_at="2026-01-05T10:00", solved_at=NEVER, first_replied_at=NEVER, status="open"),
    ck.Ticket(id="4", created_at="2050-01-01", status="open"),
]
CUSTOMERS = [
    ck.Customer(id="A", since="2025-01-05", until=NEVER),
    ck.Customer(id="B", since="2025-01-05", until="2026-01-10"),
]
SUBSCRIPTIONS = [
    ck.Subscription(id="1", customer_id="A", mrr=50, started_at="2026-01-05", ended_at=NEVER),
    ck.Subscription(id="2", customer_id="B", mrr=50, started_at="2026-01-05", ended_at="2099-12-31"),
    ck.Subscription(id="3", customer_id="C", mrr=50, started_at="2099-01-01"),
]
WON = [
    ck.Deal(id="1", status="won", amount=5, created_at="2026-01-01", closed_at="2026-01-31"),
    ck.Deal(id="2", status="won", amount=7, created_at="2026-01-01", closed_at="2050-01-01"),
    ck.Deal(id="3", status="lost", amount=7, created_at="2026-01-01", closed_at="2026-01-01"),
]
SO_FAR: Mapping[str, tuple[ck.Metric, Sequence[Any], Any, Mapping[str, int]]] = {
    "replies": (
        ck.first_response_time.variant("mean"),
        TICKETS,
        timedelta(hours=1),
        {"no reply yet": 2, "negative duration": 1},
    ),
    "solutions": (ck.resolution_time.variant("mean"), TICKETS, timedelta(days=1), {"open again": 1}),
    "volume": (ck.ticket_volume, TICKETS, 3, {"after as of": 1}),
    "backlog": (ck.backlog, TICKETS, 2, {}),
    "ends": (ck.customer_lifespan.variant("churned_only"), CUSTOMERS, timedelta(days=370), {}),
    "active": (ck.active_customers, CUSTOMERS, 1, {}),
    "lost": (ck.lost_customers, CUSTOMERS, 1, {}),
    "running": (ck.mrr, SUBSCRIPTIONS, Decimal(100), {}),
    "closings": (ck.win_rate, WON, 0.5, {"after as of": 1}),
    "revenue": (ck.revenue, WON, Decimal(5), {"after as of": 1}),
    "cycles": (ck.sales_cycle_length, WON, timedelta(days=30), {"after as of": 1}),
    "still open": (ck.pipeline_value, WON, Decimal(7), {}),
}


@pytest.mark.one_of(3)
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", SO_FAR)
def test_what_lies_after_as_of_has_not_happened(name: str, engine: str) -> None:
    metric, records, value, left_out = SO_FAR[name]
    result = metric(table_of(engine, records), as_of=AS_OF)
    assert (result.value, result.left_out) == (value, left_out)
    until_then = metric(table_of(engine, records), as_of=AS_OF, period="2020-01-01..2026-12-31")
    assert until_then.value == value
    assert until_then.complete is False


def test_a_plan_may_lie_after_as_of() -> None:
    ticket = ck.Ticket(
        id="1", created_at="2026-01-05", solved_at="2026-01-06", sla_due_at="2050-01-01", status="solved"
    )
    assert ck.sla_attainment([ticket], as_of=AS_OF).value == 1


moments = st.none() | st.datetimes(datetime(2026, 1, 1), datetime(2026, 4, 30))
FLOWS = [
    metric
    for metric in ck.catalogue.everything()
    if metric.tables == ("tickets",) and not any(measure.is_stock for measure in metric.measures.values())
]


@settings(deadline=None, max_examples=25)
@given(drawn=st.lists(st.tuples(moments, moments, moments, st.sampled_from(["open", "solved", None])), max_size=6))
def test_a_period_is_measured_as_if_later_dates_were_not_there(drawn: list[Any]) -> None:
    calendar = ck.Calendar(opening_hours="24/7")
    end = datetime(2026, 3, 1)
    tickets = [
        ck.Ticket(
            id=str(n),
            created_at=created,
            first_replied_at=replied,
            solved_at=solved,
            status=status,
            replies=1,
            reopens=0,
        )
        for n, (created, replied, solved, status) in enumerate(drawn)
    ]
    dates = ("created_at", "first_replied_at", "solved_at")

    def later(at: datetime | None) -> bool:
        return at is not None and at >= end

    def status_then(ticket: ck.Ticket) -> Any:
        return "open" if ticket.status == "solved" and later(ticket.solved_at) else ticket.status

    cleaned = [
        replace(ticket, **{name: None for name in dates if later(getattr(ticket, name))}, status=status_then(ticket))
        for ticket in tickets
    ]
    for metric in FLOWS:
        settings_ = {"as_of": AS_OF, "period": "2026", "calendar": calendar}
        found, known = (metric(tables, **settings_) for tables in (tickets, cleaned))
        assert found.inputs == known.inputs, metric.id


@pytest.mark.one_of(3)
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("created", "replied", "hours"),
    [
        (datetime(2026, 3, 28, 20), datetime(2026, 3, 29, 8), 11),
        (datetime(2026, 10, 24, 20), datetime(2026, 10, 25, 8), 13),
        (datetime(2026, 6, 1, 20), datetime(2026, 6, 2, 8), 12),
    ],
)
def test_a_span_over_a_change_of_clocks_is_what_passed(
    created: datetime, replied: datetime, hours: int, engine: str
) -> None:
    berlin = ck.Calendar(tz="Europe/Berlin", opening_hours="24/7")
    wall = [ck.Ticket(id="1", created_at=created, first_replied_at=replied)]
    zone = ZoneInfo("Europe/Berlin")
    exact = [ck.Ticket(id="1", created_at=created.replace(tzinfo=zone), first_replied_at=replied.replace(tzinfo=zone))]
    for records in (wall, exact):
        for metric in (ck.first_response_time, ck.first_response_time.variant("business")):
            result = metric(table_of(engine, records), calendar=berlin, period="2026")
            assert result.value == timedelta(hours=hours)
    plain = ck.Calendar(opening_hours="24/7")
    assert ck.first_response_time(table_of(engine, wall), calendar=plain).value == replied - created


@settings(deadline=None, max_examples=30)
@given(
    pairs=st.lists(
        st.tuples(*[st.datetimes(datetime(2026, 3, 27), datetime(2026, 3, 31))] * 2), min_size=1, max_size=4
    ),
    engine=st.sampled_from(ENGINES[:6]),
    zone=st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]),
)
def test_wall_clock_times_are_measured_as_the_moments_that_they_name(
    pairs: list[tuple[datetime, datetime]], engine: str, zone: str
) -> None:
    calendar = ck.Calendar(tz=zone, opening_hours={"mon-sun": ("01:00", "12:00")})
    wall = [ck.Ticket(id=str(n), created_at=a, first_replied_at=b) for n, (a, b) in enumerate(pairs)]

    def exact(moment: datetime) -> datetime:
        # An ambiguous wall-clock time is its first occurrence.
        return moment.replace(tzinfo=ZoneInfo(zone), fold=0).astimezone(UTC)

    moments_ = [ck.Ticket(id=str(n), created_at=exact(a), first_replied_at=exact(b)) for n, (a, b) in enumerate(pairs)]
    for metric in (ck.first_response_time.variant("mean"), ck.first_response_time.variant("business")):
        found, known = (metric(table_of(engine, records), calendar=calendar) for records in (wall, moments_))
        assert (found.value, found.left_out) == (known.value, known.left_out)
