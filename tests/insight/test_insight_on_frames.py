"""Verdicts, explanations, searches, briefings and groups give equal numbers on records and on frames."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

import duckdb
import polars as pl
import pytest

import crmkpi as ck
from crmkpi.insight.at_risk import at_risk
from crmkpi.insight.groups import compare_measured_groups
from crmkpi.insight.health import HealthPart, health_score

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
    return [
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


@pytest.mark.parametrize("home", ["polars", "pandas", "duckdb"])
def test_every_home_gives_the_same_answers(home: str):
    frame = pl.DataFrame(rows())
    with duckdb.connect() as connection:
        tables: dict[str, Any] = {
            "polars": lambda: frame,
            "pandas": frame.to_pandas,
            "duckdb": lambda: connection.from_arrow(frame.to_arrow()),
        }
        assert answers(tables[home]()) == answers([ck.Deal(**row) for row in rows()])
