"""Sales KPIs by owner and month in databases, beside SQL by hand, in one run: how many times longer they take.

    python benchmarks/databases.py [rows] [database ...]      # 1,000,000 rows; all databases, on servers of its own
    python benchmarks/databases.py --processor        # processor time of this process and its servers; Linux
    CRMKPI_POSTGRESQL=postgresql+psycopg://... python benchmarks/databases.py 10000000 postgresql

By hand there are the bare aggregate of each KPI and one statement with the evidence of all: counts by reason, squares,
extremes. Both sides give the same counts and sums, which is checked. Times are those of the wall clock or of the
processor, which other work on the machine changes less, the best of three in turns; the tables are dropped at the end.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import crmkpi as ck

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "engines"))

DEALS, CUSTOMERS = "crmkpi_benchmark_deals", "crmkpi_benchmark_customers"
KPIS = ("win_rate", "revenue", "average_deal_size", "sales_cycle_length", "deal_volume")
ROUNDS = 3
MOST_CUSTOMERS = 20_000
FILL = """
    SELECT {text} AS id, CASE mod(g * 7919, 5) WHEN 0 THEN 'won' WHEN 1 THEN 'won' WHEN 2 THEN 'lost' ELSE 'open' END
    AS status, {owner} AS owner, {customer} AS customer_id, {amount} AS amount, {created} AS created_at,
    {closed} AS closed_at FROM {numbers}
"""


class Words(NamedTuple):
    """What a database says in its own way."""

    month: str
    seconds: str
    fill: str
    owned: str
    keys: str = ""


def fill(**words: str) -> str:
    return FILL.format(**words)


CYCLE = 60 * 86_400
ENDS = "mod(g * 7919, 63072000)"
WORDS = {
    "postgresql": Words(
        "date_trunc('month', {})",
        "EXTRACT(EPOCH FROM closed_at - created_at)",
        fill(
            text="CAST(g AS TEXT)", owner="'owner ' || mod(g, 20)", customer="CAST(mod(g, {customers}) AS TEXT)",
            amount="CAST((1 + mod(g * 48271, 9999999)) / 100.0 AS NUMERIC(18, 2))",
            created=f"TIMESTAMP '2024-01-01' + {ENDS} * INTERVAL '1 second'",
            closed=f"TIMESTAMP '2024-03-01' + {ENDS} * INTERVAL '1 second'",
            numbers="generate_series(CAST(1 AS BIGINT), {rows}) AS t(g)",
        ),
        "SELECT CAST(g AS TEXT) AS id, 'industry ' || mod(g, 7) AS industry "
        "FROM generate_series(0, {customers} - 1) AS t(g)",
    ),
    "mariadb": Words(
        "DATE_FORMAT({}, '%Y-%m')",
        "TIMESTAMPDIFF(MICROSECOND, created_at, closed_at) / 1000000",
        fill(
            text="CAST(g AS CHAR(20))", owner="CONCAT('owner ', mod(g, 20))",
            customer="CAST(mod(g, {customers}) AS CHAR(20))",
            amount="CAST((1 + mod(g * 48271, 9999999)) / 100 AS DECIMAL(18, 2))",
            created=f"CAST(TIMESTAMP '2024-01-01 00:00:00' + INTERVAL {ENDS} SECOND AS DATETIME)",
            closed=f"CAST(TIMESTAMP '2024-03-01 00:00:00' + INTERVAL {ENDS} SECOND AS DATETIME)",
            numbers="(SELECT seq AS g FROM seq_1_to_{rows}) AS t",
        ),
        "SELECT CAST(seq AS CHAR(20)) AS id, CONCAT('industry ', mod(seq, 7)) AS industry FROM seq_0_to_{customers}",
        "ALTER TABLE {} ADD PRIMARY KEY (id)",
    ),
    "sqlite": Words(
        "substr({}, 1, 7)",
        "(strftime('%s', closed_at) - strftime('%s', created_at))",
        "WITH RECURSIVE n(g) AS (SELECT 1 UNION ALL SELECT g + 1 FROM n WHERE g < {rows}) "
        + fill(
            text="CAST(g AS TEXT)", owner="'owner ' || (g % 20)", customer="CAST(g % {customers} AS TEXT)",
            amount="(1 + (g * 48271) % 9999999) / 100.0",
            created="datetime('2024-01-01', ((g * 7919) % 63072000) || ' seconds')",
            closed="datetime('2024-03-01', ((g * 7919) % 63072000) || ' seconds')", numbers="n",
        ).replace("mod(g * 7919, 5)", "(g * 7919) % 5"),
        "WITH RECURSIVE n(g) AS (SELECT 0 UNION ALL SELECT g + 1 FROM n WHERE g < {customers}) "
        "SELECT CAST(g AS TEXT) AS id, 'industry ' || (g % 7) AS industry FROM n",
    ),
    "clickhouse": Words(
        "toStartOfMonth({})",
        "(toUnixTimestamp(closed_at) - toUnixTimestamp(created_at))",
        fill(
            text="toString(g)", owner="concat('owner ', toString(g % 20))", customer="toString(g % {customers})",
            amount="CAST((1 + g * 48271 % 9999999) AS Decimal(18, 2)) / 100",
            created="toDateTime('2024-01-01 00:00:00', 'UTC') + g * 7919 % 63072000",
            closed="toDateTime('2024-03-01 00:00:00', 'UTC') + g * 7919 % 63072000",
            numbers="(SELECT toInt64(number) AS g FROM numbers(1, {rows})) AS t",
        ),
        "SELECT toString(number) AS id, concat('industry ', toString(number % 7)) AS industry "
        "FROM numbers({customers})",
    ),
    "duckdb": Words(
        "date_trunc('month', {})",
        "epoch(closed_at - created_at)",
        fill(
            text="CAST(g AS VARCHAR)", owner="'owner ' || (g % 20)", customer="CAST(g % {customers} AS VARCHAR)",
            amount="CAST((1 + g * 48271 % 9999999) / 100.0 AS DECIMAL(18, 2))",
            created="TIMESTAMP '2024-01-01' + to_seconds(g * 7919 % 63072000)",
            closed="TIMESTAMP '2024-03-01' + to_seconds(g * 7919 % 63072000)",
            numbers="(SELECT CAST(range AS BIGINT) AS g FROM range(1, {rows} + 1)) AS t",
        ).replace("mod(g * 7919, 5)", "(g * 7919) % 5"),
        "SELECT CAST(range AS VARCHAR) AS id, 'industry ' || (range % 7) AS industry FROM range({customers})",
    ),
}  # fmt: skip
TYPED = {  # of SQLite, whose tables made of a query have no types
    DEALS: "id TEXT, status TEXT, owner TEXT, customer_id TEXT, amount DECIMAL(18, 2), created_at TIMESTAMP, "
    "closed_at TIMESTAMP",
    CUSTOMERS: "id TEXT, industry TEXT",
}


class Database(NamedTuple):
    """A database that is connected: what runs a statement, and the table of a name as the library takes it."""

    run: Callable[[str], Any]
    table: Callable[[str], Any]


def connected(name: str) -> Database:
    """A server of the tests, or a database within the process."""
    if name == "duckdb":
        import duckdb  # noqa: PLC0415  # an extra

        made = duckdb.connect()
        return Database(lambda text: made.execute(text).fetchall(), made.table)
    if name == "sqlite":
        file = sqlite3.connect(":memory:", isolation_level=None)
        return Database(lambda text: file.execute(text).fetchall(), ck.database(file).table)
    from servers import clickhouse, engine, mariadb, postgresql  # noqa: PLC0415  # of the tests

    if name == "clickhouse":
        within = clickhouse()

        def asks(text: str) -> Any:
            cursor = within.cursor()
            cursor.execute(text)
            return cursor.fetchall()

        return Database(asks, ck.database(within).table)
    server = engine(postgresql() if name == "postgresql" else mariadb())

    def runs(text: str) -> Any:
        with server.begin() as connection:
            found = connection.exec_driver_sql(text, execution_options={"no_parameters": True})
            return found.all() if found.returns_rows else []

    return Database(runs, ck.database(server).table)


def filled(name: str, home: Database, rows: int) -> None:
    """The two tables."""
    words, numbers = WORDS[name], {"rows": rows, "customers": MOST_CUSTOMERS}
    for table, text in ((DEALS, words.fill), (CUSTOMERS, words.owned)):
        home.run(f"DROP TABLE IF EXISTS {table}")
        order = " ENGINE = MergeTree ORDER BY id" if name == "clickhouse" else ""
        if name == "sqlite":
            home.run(f"CREATE TABLE {table}({TYPED[table]})")
            home.run(f"INSERT INTO {table} {text.format(**numbers)}")
        else:
            home.run(f"CREATE TABLE {table}{order} AS {text.format(**numbers)}")
        if words.keys:
            home.run(words.keys.format(table))
        with suppress(Exception):  # where there is such a word
            home.run(f"ANALYZE TABLE {table}" if name == "mariadb" else f"ANALYZE {table}")


def by_hand(name: str) -> tuple[dict[str, str], str, str]:
    """The bare statement of each KPI, the one with the evidence of all, and that of a related table."""
    words = WORDS[name]
    won, closed = "CASE WHEN status = 'won' THEN {} END", "CASE WHEN status IN ('won', 'lost') THEN 1 END"
    number = "CAST(amount AS Nullable(Float64))" if name == "clickhouse" else "amount"
    year = "{0} >= '2025-01-01 00:00:00' AND {0} < '2026-01-01 00:00:00'"

    def statement(columns: str, at: str = "closed_at") -> str:
        month = words.month.format(at)
        where = year.format(at)
        return f"SELECT owner, {month} AS m, {columns} FROM {DEALS} WHERE {where} GROUP BY owner, {month}"

    counts = f"count({won.format(1)}), count({closed})"
    cycle = won.format(words.seconds)
    bare = {
        "win_rate": statement(counts),
        "revenue": statement(f"sum({won.format('amount')})"),
        "average_deal_size": statement(f"avg({won.format('amount')}), count({won.format('amount')})"),
        "sales_cycle_length": statement(f"avg({cycle})"),
        "deal_volume": statement("count(*)", "created_at"),
    }
    evidence = statement(
        f"{counts}, count(*), sum({won.format('amount')}), sum({won.format(f'{number} * {number}')}), sum({cycle}), "
        f"sum({won.format(f'{words.seconds} * {words.seconds}')}), count(created_at), min(amount), max(amount), "
        "count(CASE WHEN status = 'won' AND amount IS NULL THEN 1 END), "
        "count(CASE WHEN status = 'won' AND closed_at < created_at THEN 1 END)"
    )
    related = (
        f"SELECT c.industry, {counts} FROM {DEALS} AS d LEFT JOIN {CUSTOMERS} AS c ON d.customer_id = c.id "
        f"WHERE {year.format('closed_at')} GROUP BY c.industry"
    )
    return bare, evidence, related


def processor() -> float:
    """Processor time of this process and of all below it, those that have ended too, as /proc counts it."""
    counted = {int(path.name): times for path in Path("/proc").glob("[0-9]*") if (times := times_of(path))}
    below, own = {os.getpid()}, 0
    while own != len(below):
        own = len(below)
        below |= {number for number, (parent, _) in counted.items() if parent in below}
    return sum(counted[number][1] for number in below if number in counted) / os.sysconf("SC_CLK_TCK")


def times_of(process: Path) -> tuple[int, int] | None:
    """The parent of a process, and its time with that of its children that have ended; None where it has gone."""
    with suppress(OSError):
        fields = (process / "stat").read_text().rpartition(")")[2].split()
        return int(fields[1]), sum(map(int, fields[11:15]))
    return None


def best(clock: Callable[[], float], **ways: Callable[[], Any]) -> dict[str, float]:
    """Seconds of each way."""
    found = dict.fromkeys(ways, float("inf"))
    for _ in range(ROUNDS):
        for name, way in ways.items():
            begun = clock()
            way()
            found[name] = min(found[name], max(clock() - begun, 1 / os.sysconf("SC_CLK_TCK")))  # less is not told
    return found


def compare(name: str, rows: int, clock: Callable[[], float]) -> None:
    """Fill a database, ask both ways, and print the ratios."""
    home = connected(name)
    filled(name, home, rows)
    bare, evidence, related = by_hand(name)
    asked: dict[str, Any] = {"period": "2025", "every": "month", "by": "owner"}

    def crm() -> ck.Dataset:
        return ck.Dataset(deals=home.table(DEALS), customers=home.table(CUSTOMERS), currency="EUR")

    kept = crm()
    report = kept.measure(KPIS, **asked)
    won = sum(row[2] for row in home.run(bare["win_rate"]))
    assert won == sum(found.inputs["won"] for found in report if found.definition == "win_rate") > 0
    ways: dict[str, Callable[[], Any]] = {f"bare {kpi}": partial(home.run, text) for kpi, text in bare.items()}

    def first(kpi: str) -> Any:
        return crm().measure(kpi, **asked)

    for kpi in KPIS:
        ways[f"first {kpi}"] = partial(first, kpi)
        ways[f"again {kpi}"] = partial(kept.measure, kpi, **asked)
    ways |= {
        "evidence": lambda: home.run(evidence),
        "five": lambda: crm().measure(KPIS, **asked),
        "related by hand": lambda: home.run(related),
        "related": lambda: crm().measure("win_rate", by="customer.industry", period="2025"),
    }
    took = best(clock, **ways)
    hand = sum(took[f"bare {kpi}"] for kpi in KPIS)
    print(f"\n{name}, {rows:,} deals, load {os.getloadavg()[0]:.1f}; the evidence by hand {took['evidence']:.2f} s")
    for kpi in KPIS:
        new, again, alone = (took[f"{which} {kpi}"] for which in ("first", "again", "bare"))
        print(
            f"  {kpi:20} {new:6.2f} s: {new / alone:5.1f} of bare, {new / took['evidence']:5.1f} of the same "
            f"evidence; again {again / new:4.2f} of first"
        )
    five, statements = took["five"], report.sql().count(";\n")
    print(
        f"  all five in one call {five:6.2f} s: {five / hand:5.2f} of five statements by hand; {statements} statements"
    )
    print(
        f"  by customer.industry {took['related']:6.2f} s: {took['related'] / took['related by hand']:5.1f} of by hand"
    )
    for table in (DEALS, CUSTOMERS):
        home.run(f"DROP TABLE {table}")


def main(*given: str) -> None:
    """Compare in each database that is named, or in all."""
    words = [word for word in given if word != "--processor"]
    numbers = [int(word) for word in words if word.isdecimal()]
    for name in [word for word in words if not word.isdecimal()] or list(WORDS):
        compare(name, numbers[0] if numbers else 1_000_000, processor if "--processor" in given else time.perf_counter)


if __name__ == "__main__":
    main(*sys.argv[1:])
