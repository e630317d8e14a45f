"""Verdicts, comparisons, explanations and the search give equal numbers on records and on frames."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

import duckdb
import polars as pl
import pytest

import crmkpi as ck

METRICS = ["win_rate", "revenue", "average_deal_size", "sales_cycle_length", "win_rate.by_amount", "lost_deals"]


def rows() -> list[dict[str, Any]]:
    rng, begin = random.Random(1), datetime(2026, 1, 1)
    return [
        {
            "id": str(number),
            "status": rng.choice(["won", "lost", "lost", "open"]),
            "source": rng.choice("abc"),
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
