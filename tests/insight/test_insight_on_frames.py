"""Verdicts, explanations, searches, briefings and groups give equal numbers on records and on frames."""

from __future__ import annotations

import random
import sqlite3
from datetime import date, datetime, timedelta
from typing import Any

import duckdb
import polars as pl
import pytest
from tests.engines import servers

import crmkpi as ck
from crmkpi.insight.alerts import watch
from crmkpi.insight.at_risk import at_risk
from crmkpi.insight.control import control_chart, funnel_plot
from crmkpi.insight.explain import explain_totals
from crmkpi.insight.forecast import forecast_report
from crmkpi.insight.groups import compare_measured_groups
from crmkpi.insight.health import HealthPart, health_score
from crmkpi.insight.kpi_sets import kpi_set
from crmkpi.insight.review import review
from crmkpi.insight.targets import target_status
from crmkpi.measuring.results import Report

METRICS = ["win_rate", "revenue", "average_deal_size", "sales_cycle_length", "win_rate.by_amount", "lost_deals"]


def rows() -> list[dict[str, Any]]:
    rng, begin = random.Random(1), datetime(2026, 1, 1)
    return [
        {
            "id": str(number),
            "status": rng.choice(["won", "lost", "lost", "open"]),
            "source": rng.choice("abc"),
            "customer_id": f"C{number % 40}",
            "owner": rng.choice("AB"),
            "amount": rng.choice([None, 10, 25, 300]),
            "created_at": begin - timedelta(days=rng.randrange(60)),
            "closed_at": begin + timedelta(days=rng.randrange(59)),
        }
        for number in range(400)
    ]


def answers(table: Any) -> list[Any]:
    crm = ck.Dataset(deals=table, currency="EUR")
    report = crm.measure(METRICS, period="2026-02", compare="previous", by="source")
    weeks = crm.measure("lost_deals", period="2026-01-05..2026-03-01", every="week")
    goals = kpi_set({"kpi": [
        {"id": "win_rate", "by": "owner", "target": {"at_least": 0.3},
         "alert": [{"when": "below", "value": 0.4, "at_least_n": 5}, {"signal": "concern"}]},
        {"id": "revenue", "target": {"growth": 0.1, "against": "previous"}},
        {"id": "sales_cycle_length", "target": {"at_most": "20 d"}},
    ]})  # fmt: skip
    return [
        [(point.value, point.low) for point in control_chart(weeks).points],
        [(one.status, one.value, one.probability) for one in target_status(crm, goals, period="2026-02").targets],
        watch(crm, goals, period="2026-02").alerts,
        review(ck.Dataset(deals=table, currency="EUR", as_of=date(2026, 2, 28)), goals).findings,
        funnel_plot(crm.measure("win_rate", by="source")).points,
        [(one.change.verdict, one.change.p_value, one.change.interval, one.change.reason) for one in report],
        [crm.explain(metric, period="2026-02", by="source").effects for metric in METRICS],
        [(one.change.p_value, one.compared_to.value) for one in crm.compare("average_deal_size", by="source")],
        crm.search("win_rate", period="2026-02", by=["source", "owner"]).answer,
        crm.forecast("lost_deals", every="week", history="2026-01-05..2026-03-01", horizon=2).values,
        [line.facts for line in crm.briefing(period="2026-02", metrics=METRICS, by=["source"]).lines],
        compare_measured_groups(
            crm, "average_deal_size", groups={f"C{n}": "xy"[n % 2] for n in range(40)}, control="x", period="2026-02"
        ),
        at_risk(health=health_score(crm, {"won_deals": HealthPart(worst=0, best=5)}, period="2026-02")).customers,
    ]


def in_sqlite() -> Any:
    """The rows as a table of SQLite."""
    connection = sqlite3.connect(":memory:")
    connection.execute(
        "CREATE TABLE deals (id TEXT, status TEXT, source TEXT, customer_id TEXT, owner TEXT, amount INTEGER, "
        "created_at TIMESTAMP, closed_at TIMESTAMP)"
    )
    values = [[str(value) if isinstance(value, datetime) else value for value in row.values()] for row in rows()]
    connection.executemany("INSERT INTO deals VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)
    connection.commit()
    return ck.database(connection).table("deals")


def in_postgresql() -> Any:
    """The rows as a table of PostgreSQL."""
    sql = pytest.importorskip("sqlalchemy")
    url = servers.postgresql()
    kinds = {"amount": sql.Integer, "created_at": sql.DateTime, "closed_at": sql.DateTime}
    table = sql.Table(
        "deals_of_insight", sql.MetaData(), *(sql.Column(name, kinds.get(name, sql.String)) for name in rows()[0])
    )
    server = sql.create_engine(url)
    table.metadata.drop_all(server)
    table.metadata.create_all(server)
    with server.begin() as connection:
        connection.execute(table.insert(), rows())
    server.dispose()
    return ck.database(url).table("deals_of_insight")


@pytest.mark.parametrize(
    "home", ["polars", "pandas", "duckdb", "sqlite", pytest.param("postgresql", marks=pytest.mark.slow)]
)
def test_every_home_gives_the_same_answers(home: str):
    frame = pl.DataFrame(rows())
    with duckdb.connect() as connection:
        tables: dict[str, Any] = {
            "polars": lambda: frame,
            "pandas": frame.to_pandas,
            "duckdb": lambda: connection.from_arrow(frame.to_arrow()),
            "sqlite": in_sqlite,
            "postgresql": in_postgresql,
        }
        assert answers(tables[home]()) == answers([ck.Deal(**row) for row in rows()])


def test_the_report_of_a_tally_is_charted_forecast_and_explained_as_that_of_records():
    deals = [ck.Deal(**row) for row in rows()]
    asked: dict[str, Any] = {"period": "2026-01-05..2026-03-01", "every": "week", "by": None}
    parts = ck.Tally(["win_rate", "lost_deals"], **asked)
    tallied = parts.add(deals=deals[:150]).merge(parts.add(deals=deals[150:])).report()
    whole = ck.Dataset(deals=deals).measure(["win_rate", "lost_deals"], **asked)
    lost, lost_whole = (
        Report(tuple(one for one in each if one.metric.id == "lost_deals")) for each in (tallied, whole)
    )
    assert control_chart(lost) == control_chart(lost_whole)
    assert forecast_report(lost, horizon=2) == forecast_report(lost_whole, horizon=2)
    by = {"period": "2026-01-01..2026-02-28", "every": "month", "by": "source"}
    months = ck.Tally("win_rate", **by).add(deals=deals).report()
    sides: dict[str, dict[Any, Any]] = {"2026-01": {}, "2026-02": {}}
    for one in months:
        assert one.period is not None
        sides[one.period.label][one.segment["source"]] = dict(one.inputs)
    made = explain_totals("win_rate", sides["2026-01"], sides["2026-02"])
    of_records = ck.Dataset(deals=deals).explain("win_rate", period="2026-02", by="source")
    assert {one.name: one.total for one in made.effects} == {one.name: one.total for one in of_records.effects}
