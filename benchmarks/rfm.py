"""RFM from 10,000,000 orders in DuckDB and Polars, against the query written by hand, as ratios within one process.

    python benchmarks/rfm.py [orders]

Orders lie in a DuckDB table and in a Polars frame. A rival is what a good user of the library would write for the same
columns, and both sides end with one numpy array per column. Wall-clock time, best of several, taken in turns.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import date
from typing import Any

import duckdb
import polars as pl

from crmkpi.insight.rfm import rfm

ROUNDS = 5
AS_OF = date(2026, 6, 30)
BY_HAND = """
WITH days AS (
    SELECT customer_id, ordered_at::DATE AS day, count(*) AS orders, sum(amount) AS spent FROM orders
    WHERE status = 'completed' AND customer_id IS NOT NULL AND amount IS NOT NULL AND ordered_at < '2026-07-01'
    GROUP BY ALL
)
SELECT customer_id, sum(orders)::BIGINT AS orders, count(*) AS purchases,
    DATE '2026-06-30' - max(day) AS days_since_last, max(day) - min(day) AS recency,
    DATE '2026-06-30' - min(day) AS age, sum(spent)::DOUBLE AS value,
    CASE WHEN count(*) > 1 THEN (sum(spent) - arg_min(spent, day))::DOUBLE / (count(*) - 1) ELSE 0 END AS repeat_spend
FROM days GROUP BY customer_id
"""


def made_orders(database: duckdb.DuckDBPyConnection, count: int) -> None:
    """A table of orders of a tenth as many customers over two and a half years."""
    database.execute("SELECT setseed(0.5)")
    database.execute(
        f"""
        CREATE TABLE orders AS SELECT i::VARCHAR AS id, 'C' || (random() ** 2 * {count} / 10)::BIGINT AS customer_id,
            TIMESTAMP '2024-01-01' + to_seconds((random() * 86400 * 911)::BIGINT) AS ordered_at,
            (random() * 50000)::BIGINT / 100.0::DECIMAL(12, 2) AS amount,
            CASE WHEN random() < 0.95 THEN 'completed' ELSE 'cancelled' END AS status
        FROM range({count}) AS t(i)
        """  # noqa: S608  # a number of our own
    )
    database.execute("ALTER TABLE orders ALTER amount TYPE DECIMAL(12, 2)")


def polars_by_hand(orders: pl.DataFrame) -> dict[str, Any]:
    """What a good user of Polars would write."""
    day = pl.col("day")
    found = (
        orders.lazy()
        .filter(
            pl.col("status") == "completed",
            pl.col("customer_id").is_not_null(),
            pl.col("amount").is_not_null(),
            pl.col("ordered_at") < pl.datetime(2026, 7, 1),
        )
        .group_by("customer_id", pl.col("ordered_at").dt.date().alias("day"))
        .agg(pl.len().alias("orders"), pl.col("amount").sum().alias("spent"))
        .group_by("customer_id")
        .agg(
            pl.col("orders").sum(),
            pl.len().alias("purchases"),
            (pl.lit(AS_OF) - day.max()).dt.total_days().alias("days_since_last"),
            (day.max() - day.min()).dt.total_days().alias("recency"),
            (pl.lit(AS_OF) - day.min()).dt.total_days().alias("age"),
            pl.col("spent").sum().alias("value"),
            pl.col("spent").filter(day > day.min()).mean().alias("repeat_spend"),
        )
        .collect()
    )
    return {name: found[name].to_numpy() for name in found.columns}


def compared(name: str, ours: Callable[[], Any], theirs: Callable[[], Any]) -> None:
    """One line: both times and their ratio."""
    best = [float("inf"), float("inf")]
    for _ in range(ROUNDS):
        for number, run in enumerate((ours, theirs)):
            start = time.perf_counter()
            run()
            best[number] = min(best[number], time.perf_counter() - start)
    print(f"{name:<10} {best[0]:10.3f} {best[1]:10.3f} {best[0] / best[1]:7.2f}", flush=True)


def main(count: int) -> None:
    """Print one line per library."""
    database = duckdb.connect()
    made_orders(database, count)
    relation = database.table("orders")
    print(f"{count:,} orders\n{'library':<10} {'crmkpi s':>10} {'by hand s':>10} {'ratio':>7}")
    mine, theirs = rfm(relation, as_of=AS_OF), database.sql(BY_HAND).fetchnumpy()
    assert len(mine) == len(theirs["customer_id"])
    assert (
        sum(mine.columns["repeat_spend"].tolist()) == sum(theirs["repeat_spend"].tolist())
        or abs(mine.columns["repeat_spend"].sum() / theirs["repeat_spend"].sum() - 1) < 1e-9
    )
    compared("duckdb", lambda: rfm(relation, as_of=AS_OF), lambda: database.sql(BY_HAND).fetchnumpy())
    frame = relation.pl()
    compared("polars", lambda: rfm(frame, as_of=AS_OF), lambda: polars_by_hand(frame))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000)
