"""A later export, measured as of a day, equals the export of that day: the law of `as_of` for every KPI."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

import pytest
from tests.engines.backends import frames_of

import crmkpi as ck
from crmkpi.records.base import record_class, record_type

AS_OF = date(2026, 2, 28)
END = datetime(2026, 3, 1)
CALENDAR = ck.Calendar(opening_hours="24/7")
Tables = dict[str, list[Any]]
# The start date of each table's records; for later events, their date field and its value before the event.
BEGINS = {
    "deals": "created_at",
    "stage_visits": "entered_at",
    "leads": "created_at",
    "tickets": "created_at",
    "surveys": "sent_at",
    "subscriptions": "started_at",
    "customers": "since",
    "orders": "ordered_at",
    "interactions": "at",
    "expenses": "spent_at",
    "visits": "at",
}
BEFORE: dict[str, dict[str, dict[str, Any]]] = {
    "deals": {"closed_at": {"status": "open"}},
    "stage_visits": {"left_at": {}},
    "leads": {"first_contacted_at": {}, "mql_at": {}, "sql_at": {}, "converted_at": {"status": "working"}},
    "tickets": {"first_replied_at": {}, "solved_at": {"status": "open", "first_solved_at": None}},
    "surveys": {"answered_at": {"score": None}},
    "subscriptions": {"ended_at": {}},
    "customers": {"until": {}},
}
# KPIs of customer flags, "for data without dates", and of campaigns, which are totals without a date.
UNDATED = {"churn_rate.by_status"}
KPIS = [one for one in ck.catalogue.everything() if "campaigns" not in one.tables and one.id not in UNDATED]
GIVEN = {"market_revenue": 10_000, "quota": 500, "lifespan": timedelta(days=300), "discount": 0.1, "horizon": 60}


def that_day(tables: Tables) -> Tables:
    """The tables as exported on the day."""
    return {
        name: [_that_day(one, BEFORE.get(name, {})) for one in records if getattr(one, BEGINS[name]) < END]
        for name, records in tables.items()
    }


def _that_day(record: Any, dates: dict[str, dict[str, Any]]) -> Any:
    later = {name: before for name, before in dates.items() if (at := getattr(record, name)) is not None and at >= END}
    return replace(record, **dict.fromkeys(later), **{k: v for before in later.values() for k, v in before.items()})


def drawn(random: Random, size: int = 8) -> Tables:
    """Records that begin, continue and end around the day."""
    tables: Tables = {name: [] for name in BEGINS}

    def add(table: str, begin: datetime, **fields: Any) -> None:
        known = record_type(record_class(table)).model
        number = len(tables[table])
        name = "ABCDEFGH"[number % 8] if table == "customers" else f"{table}{number}"
        tables[table].append(known(id=name, **{BEGINS[table]: begin}, **fields))

    def after(moment: datetime, days: int) -> datetime:
        return moment + timedelta(hours=random.randrange(24 * days))

    for number in range(size):
        begin = after(datetime(2026, 1, 1), 90)
        end = after(begin, 60)
        customer = random.choice(["A", "B", "C", "D"])
        status = random.choice(["open", "won", "lost"])
        closed = None if status == "open" else end
        money: dict[str, Any] = {"amount": random.randrange(1, 99), "customer_id": customer}
        add(
            "deals",
            begin,
            status=status,
            closed_at=closed,
            probability=0.5,
            kind="new",
            cost=3,
            lead_id=f"leads{number}",
            **money,
        )
        middle = after(begin, 30) if closed is None else min(after(begin, 30), closed)
        add("stage_visits", begin, deal_id=f"deals{number}", stage="Demo", left_at=middle)
        add("stage_visits", middle, deal_id=f"deals{number}", stage="Offer", left_at=closed)
        status = random.choice(["new", "qualified", "converted"])
        converted = {"status": status, "converted_at": end if status == "converted" else None}
        add("leads", begin, first_contacted_at=after(begin, 9), mql_at=middle, sql_at=after(middle, 9), **converted)
        status = random.choice(["open", "pending", "solved", "closed"])
        solved = end if status in ("solved", "closed") else None
        add(
            "tickets", begin, first_replied_at=after(begin, 30), solved_at=solved, first_solved_at=solved,
            status=status, sla_due_at=after(begin, 40), replies=1, reopens=0,
            kind=random.choice(["complaint", "login"]), customer_id=customer, handled_seconds=60, channel="email",
        )  # fmt: skip
        answered = random.choice([None, end])
        score = None if answered is None else random.randrange(1, 6)
        kind = random.choice(["nps", "csat", "ces"])
        scale: dict[str, Any] = (
            {"scale_low": 0, "scale_high": 10} if kind == "nps" else {"scale_low": 1, "scale_high": 5}
        )
        add("surveys", begin, kind=kind, answered_at=answered, score=score, customer_id=customer, **scale)
        ended = random.choice([None, end])
        add("subscriptions", begin, customer_id=customer, mrr=random.randrange(1, 99), ended_at=ended)
        add("customers", begin, until=ended)
        add("orders", end, status="completed", **money)
        add("interactions", begin, kind="call", direction="inbound", customer_id=customer, outcome="answered",
            seconds=9, cost=3, resolved=True)  # fmt: skip
        add("expenses", end, amount=random.randrange(99), team=random.choice(["sales", "marketing", "service"]))
        add("visits", begin, sessions=20, visitors=10, conversions=2)
    return tables


PERIODS = (None, ["2026-02", "2026-Q1", "2026"])


def measured(metric: ck.Metric, tables: Any, period: Any) -> list[Any]:
    needed = {name: table for name, table in tables.items() if name in metric.tables or name in ("deals", "leads")}
    given = {name: value for name, value in GIVEN.items() if name in metric.parameters}
    crm = ck.Dataset(needed, as_of=AS_OF, calendar=CALENDAR)
    report = crm.measure(metric, period=period, parameters=given)
    return [(one.value, None if one.value is None else one.inputs) for one in report]


@pytest.mark.one_of(3)
@pytest.mark.parametrize("metric", KPIS, ids=lambda metric: metric.id)
def test_a_later_export_measured_as_of_a_day_gives_what_that_day_gave(metric: ck.Metric) -> None:
    for seed in range(2):
        tables = drawn(Random(seed))
        for period in PERIODS:
            assert measured(metric, tables, period) == measured(metric, that_day(tables), period), period


TOLD = [
    ck.win_rate.variant("of_created"),
    ck.first_contact_resolution_rate.variant("of_all"),
    ck.sla_attainment.variant("overdue_missed"),
    ck.survey_response_rate,
    ck.stage_conversion_rate,
    ck.cohort_retention.variant("rolling"),
]


@pytest.mark.one_of(3)
@pytest.mark.parametrize("engine", ["polars", "pandas", "pyarrow", "duckdb", "sqlite"])
@pytest.mark.parametrize("metric", TOLD, ids=lambda metric: metric.id)
def test_what_a_status_or_score_tells_is_as_of_the_day_on_every_engine(metric: ck.Metric, engine: str) -> None:
    tables = drawn(Random(2), size=20)
    frames = frames_of(engine, {name: records for name, records in tables.items() if name in (*metric.tables, "deals")})
    for period in PERIODS:
        assert measured(metric, frames, period) == measured(metric, that_day(tables), period)


deals = ck.Table(ck.Deal)
tickets = ck.Table(ck.Ticket)
surveys = ck.Table(ck.Survey)
OWN: dict[str, tuple[Callable[[], Any], int]] = {
    "is won": (lambda: deals.count(deals.status == "won", at=deals.created_at), 1),
    "is lost or won": (lambda: deals.count(deals.status.is_in("won", "lost"), at=deals.created_at), 2),
    "is open": (lambda: deals.count(deals.status == "open", at=deals.created_at), 2),
    "is not won": (lambda: deals.count(deals.status != "won", at=deals.created_at), 3),
    "is not open": (lambda: deals.count(deals.status != "open", at=deals.created_at), 2),
    "is open or won": (lambda: deals.count(deals.status.is_in("open", "won"), at=deals.created_at), 3),
    "scored high": (lambda: surveys.count(surveys.score >= 4, at=surveys.sent_at), 1),
    "no score": (lambda: surveys.count(surveys.score.missing(), at=surveys.sent_at), 1),
}
GIVEN_OWN: dict[str, list[Any]] = {
    "deals": [
        ck.Deal(id="1", status="won", created_at="2026-01-05", closed_at="2026-01-20"),
        ck.Deal(id="2", status="won", created_at="2026-01-05", closed_at="2026-03-20"),
        ck.Deal(id="3", status="lost", created_at="2026-01-05"),
        ck.Deal(id="4", status="open", created_at="2026-01-05", closed_at="2026-03-20"),
    ],
    "surveys": [
        ck.Survey(id="1", kind="csat", score=5, sent_at="2026-01-05", answered_at="2026-01-06"),
        ck.Survey(id="2", kind="csat", score=5, sent_at="2026-01-05", answered_at="2026-03-06"),
    ],
}


@pytest.mark.parametrize("engine", ["records", "polars", "duckdb"])
@pytest.mark.parametrize("name", OWN)
def test_a_status_in_a_kpi_of_ones_own_is_that_of_the_day(name: str, engine: str) -> None:
    make, count = OWN[name]
    measure = make()

    @ck.metric(counted=measure, unit="count", better="higher", theme="sales")
    def counted() -> None:
        """How many."""

    table = "surveys" if "score" in name else "deals"
    given = GIVEN_OWN[table]
    data = given if engine == "records" else frames_of(engine, {table: given})[table]
    assert ck.Dataset({table: data}, as_of=AS_OF).measure(counted, period="2026")[0].value == count
