"""Five sales KPIs by owner and month on PostgreSQL, beside SQL by hand, in one run: how many times longer they take.

    python benchmarks/databases.py 1000000            # on a server that the tests' helper starts
    CRMKPI_POSTGRESQL=postgresql+psycopg://... python benchmarks/databases.py 10000000

Both give the same counts and sums, which is checked. The table is dropped at the end.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import crmkpi as ck

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "engines"))

TABLE = "crmkpi_benchmark_deals"
KPIS = ("win_rate", "revenue", "average_deal_size", "sales_cycle_length", "deal_volume")
FILL = f"""
    INSERT INTO {TABLE}
    SELECT 'D' || g, (ARRAY['won', 'lost', 'lost', 'open', 'open'])[1 + mod(hashint8(g) & 255, 5)],
        'owner ' || mod(g, 20),
        (1 + mod(hashint8(g) & 1048575, 9999999)) / 100.0,
        TIMESTAMP '2024-01-01' + mod(g * 7919, 63072000) * INTERVAL '1 second',
        TIMESTAMP '2024-03-01' + mod(g * 7919, 63072000) * INTERVAL '1 second'
    FROM generate_series(1, :rows) AS g
"""  # noqa: S608  # all of it is ours
BARE = f"""
    SELECT owner, date_trunc('month', closed_at), count(*) FILTER (WHERE status = 'won'),
        count(*) FILTER (WHERE status IN ('won', 'lost')), sum(amount) FILTER (WHERE status = 'won')
    FROM {TABLE} WHERE closed_at >= '2025-01-01' AND closed_at < '2026-01-01' GROUP BY 1, 2
"""  # noqa: S608  # likewise
EVIDENCE = f"""
    SELECT owner, date_trunc('month', closed_at), count(*), count(*) FILTER (WHERE status = 'won'),
        count(*) FILTER (WHERE status IN ('won', 'lost')), count(*) FILTER (WHERE status = 'won' AND amount IS NULL),
        sum(amount) FILTER (WHERE status = 'won'), sum(amount * amount) FILTER (WHERE status = 'won'),
        sum(EXTRACT(EPOCH FROM closed_at - created_at)) FILTER (WHERE status = 'won'),
        sum(EXTRACT(EPOCH FROM closed_at - created_at) ^ 2) FILTER (WHERE status = 'won'),
        count(*) FILTER (WHERE status = 'won' AND closed_at < created_at), count(created_at), min(amount), max(amount)
    FROM {TABLE} WHERE closed_at >= '2025-01-01' AND closed_at < '2026-01-01' GROUP BY 1, 2
"""  # noqa: S608  # likewise


def seconds(what: Callable[[], Any], times: int = 3) -> tuple[float, Any]:
    """How long something takes, and what it gives."""
    taken = []
    for _ in range(times):
        begun = time.perf_counter()
        found = what()
        taken.append(time.perf_counter() - begun)
    return median(taken), found


def main() -> None:
    """Measure, and print a line for each question."""
    import sqlalchemy as sa  # noqa: PLC0415  # an extra
    from servers import engine, postgresql  # noqa: PLC0415  # of the tests

    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    server = engine(postgresql())
    columns = (
        "id TEXT PRIMARY KEY, status TEXT, owner TEXT, amount NUMERIC(18, 2), created_at TIMESTAMP, closed_at TIMESTAMP"
    )
    with server.begin() as connection:
        connection.execute(sa.text(f"DROP TABLE IF EXISTS {TABLE}"))
        connection.execute(sa.text(f"CREATE TABLE {TABLE}({columns})"))
        connection.execute(sa.text(FILL), {"rows": rows})
    with server.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text(f"VACUUM ANALYZE {TABLE}"))

    def by_hand(text: str) -> Callable[[], Any]:
        def asks() -> Any:
            with server.connect() as connection:
                return connection.exec_driver_sql(text).all()

        return asks

    crm = ck.Dataset(deals=ck.database(server).table(TABLE), currency="EUR")
    asked: dict[str, Any] = {"period": "2025", "every": "month", "by": "owner"}
    bare, totals = seconds(by_hand(BARE))
    evidence, _ = seconds(by_hand(EVIDENCE))
    one, report = seconds(lambda: crm.measure("win_rate", **asked))
    all_, _ = seconds(lambda: crm.measure(KPIS, **asked))
    assert sum(found.inputs["won"] for found in report) == sum(row[2] for row in totals), "the same deals were won"
    print(f"{rows:,} deals: the bare aggregate {bare:.2f} s, with evidence {evidence:.2f} s")
    print(f"win_rate {one:.2f} s: {one / bare:.1f} x the bare aggregate, {one / evidence:.1f} x the evidence by hand")
    print(f"five KPIs {all_:.2f} s: {all_ / evidence:.1f} x the evidence by hand; {report.sql().count(';')} statements")
    with server.begin() as connection:
        connection.execute(sa.text(f"DROP TABLE {TABLE}"))


if __name__ == "__main__":
    main()
