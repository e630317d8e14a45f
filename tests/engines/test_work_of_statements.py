"""The work of a statement for its backend, counted, not timed."""

from __future__ import annotations

import sqlite3
from random import Random
from typing import Any

import pytest

import crmkpi as ck
from crmkpi.engines.frames.homes.duckdb import DuckDbFrame, DuckDbHome

from .test_frames import METRICS
from .test_unreadable_frames import both

STEPS = 1_000  # SQLite VM instructions between two counts


def instructions(size: int, ask: dict[str, Any]) -> int:
    """The work of SQLite for a KPI over equally many deals and customers, in thousands of instructions."""
    pytest.importorskip("sqlalchemy")
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE deals (id text, customer_id text, status text, amount real, closed_at timestamp)")
    connection.execute("CREATE TABLE customers (id text, industry text, since timestamp)")
    rows = [(str(n), str(n), ("won", "lost")[n % 2], n % 100, "2025-03-01 00:00:00") for n in range(size)]
    connection.executemany("INSERT INTO deals VALUES (?, ?, ?, ?, ?)", rows)
    customers = [(str(n), ("Retail", "Energy", None)[n % 3], "2024-01-01 00:00:00") for n in range(size)]
    connection.executemany("INSERT INTO customers VALUES (?, ?, ?)", customers)
    counted: list[None] = []
    connection.set_progress_handler(lambda: counted.append(None), STEPS)
    database = ck.database(connection)
    crm = ck.Dataset(deals=database.table("deals"), customers=database.table("customers"), currency="EUR")
    assert len(crm.measure("win_rate", **ask)) > 0
    return len(counted)


@pytest.mark.parametrize(
    "ask",
    [{}, {"by": "customer.industry"}, {"by": ["customer.industry", "status"], "period": "2025", "every": "quarter"}],
    ids=str,
)
def test_sqlite_works_twice_as_much_for_twice_the_rows_related_tables_included(ask: dict[str, Any]) -> None:
    # A joined subquery that is not materialised has no index, and each deal is compared with all customers.
    few, many = instructions(1_000, ask), instructions(4_000, ask)
    assert 3 * few < many < 5 * few


@pytest.mark.parametrize("name", ["net_promoter_score", "win_rate", "churn_rate", "handle_time"])
def test_duckdb_plans_no_more_than_it_is_told(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # A condition that is pushed through all levels of a statement repeats their expressions thousands of times.
    pytest.importorskip("duckdb")
    planned: list[tuple[int, int]] = []
    leave = DuckDbHome.leave

    def left(self: DuckDbHome, frame: DuckDbFrame) -> Any:
        if frame.source != "measured":
            planned.append((len(frame.to_native().explain()), len(frame.statement)))
        return leave(self, frame)

    monkeypatch.setattr(DuckDbHome, "leave", left)
    for seed in range(3):
        _, frames, _ = both(METRICS[name], Random(seed), "duckdb")
        frames.measure(METRICS[name])
    assert planned
    assert [(plan, text) for plan, text in planned if plan > 2_000 + 3 * text] == []
