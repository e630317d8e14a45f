"""The same four KPIs of the same DuckDB table through boring-semantic-layer, as a ratio within one process.

    pip install boring-semantic-layer 'ibis-framework[duckdb]' pandas; python benchmarks/frames_semantic_layer.py [rows]

By owner and month of one year: deals won, deals closed, the win rate and the revenue. Both sides filter and group in
DuckDB and hand out the rows; crmkpi adds intervals and what was left out. A statement by hand gives this evidence too:
it groups all rows, counts those that are deleted, without a date or not as assumed, and adds up whole cents. Best of
several, in turns.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ibis
from boring_semantic_layer import to_semantic_table

from crmkpi import Dataset, Deal, Table, lost_deals, metric, revenue, win_rate

ROUNDS = 5
deals = Table(Deal)
EVIDENCE = """
SELECT owner, part, sum(n), sum(unlike), sum(n) FILTER (NOT deleted AND status = 'won'),
       sum(n) FILTER (NOT deleted AND status = 'lost'), sum(n) FILTER (deleted),
       sum(cents) FILTER (NOT deleted AND status = 'won')
FROM (SELECT owner, CASE WHEN closed_at IS NULL THEN -1
                         WHEN closed_at >= '2025-01-01' AND closed_at < '2026-01-01' THEN month(closed_at)
                         ELSE -2 END AS part, deleted, status, count(*) AS n,
             count(*) FILTER (NOT (round(amount * 100) / 100 = amount AND amount BETWEEN 0 AND 1e9)) AS unlike,
             sum(round(amount * 100)::BIGINT) AS cents
      FROM deals GROUP BY ALL)
GROUP BY ALL
"""


@metric(unit="count", at=deals.closed_at, won=deals.count(deals.status == "won"), leave_out={"deleted": deals.deleted})
def won_deals(won: int) -> int:
    """Deals that were won."""
    return won


def rival(table: Any) -> Callable[[], Any]:
    """The four KPIs as a model of the semantic layer."""
    model = (
        to_semantic_table(table, name="deals")
        .with_dimensions(owner=lambda t: t.owner, month=lambda t: t.closed_at.truncate("M"))
        .with_measures(
            won=lambda t: (t.status == "won").sum(),
            lost=lambda t: (t.status == "lost").sum(),
            win_rate=lambda t: (t.status == "won").sum() / t.status.isin(["won", "lost"]).sum(),
            revenue=lambda t: t.amount.sum(where=t.status == "won"),
        )
    )

    def query() -> Any:
        inside = model.filter(lambda t: ~t.deleted & (t.closed_at >= "2025-01-01") & (t.closed_at < "2026-01-01"))
        return inside.group_by("owner", "month").aggregate("won", "lost", "win_rate", "revenue").execute()

    return query


def main(rows: int) -> None:
    """Print one line."""
    path = Path(tempfile.gettempdir()) / f"crmkpi-deals-{rows}.parquet"
    if not path.exists():
        raise SystemExit(f"Run python benchmarks/frames.py {rows} first; it makes {path}.")
    connection = ibis.duckdb.connect()
    connection.raw_sql(f"CREATE TABLE deals AS FROM '{path}'")
    crm = Dataset(deals=connection.con.table("deals"), currency="EUR")
    asked = [won_deals, lost_deals, win_rate, revenue]

    def ours() -> Any:
        return crm.measure(asked, period="2025", every="month", by="owner")

    def evidence() -> Any:
        return connection.con.execute(EVIDENCE).fetchall()

    ways = {"semantic layer": rival(connection.table("deals")), "by hand, same evidence": evidence, "crmkpi": ours}
    best = dict.fromkeys(ways, (float("inf"), float("inf")))
    for _ in range(ROUNDS + 1):
        for name, way in ways.items():
            wall, cpu = time.perf_counter(), time.process_time()
            way()
            found = (time.perf_counter() - wall, time.process_time() - cpu)
            best[name] = (min(best[name][0], found[0]), min(best[name][1], found[1]))
    print(f"{rows:,} deals, four KPIs by owner and month: milliseconds on the wall clock, and of the processor")
    for name, (wall, cpu) in best.items():
        print(f"{name:<24}{wall * 1e3:>8.0f}{cpu * 1e3:>8.0f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
