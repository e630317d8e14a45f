"""How fast frames are measured, against queries written by hand in each library, as ratios within one process.

    python benchmarks/frames.py [rows] [library ...]

Spark is run where it is named. What its Java process takes of the processor is not counted.

Deals lie in a Parquet file that is made once. A rival is what a good user of the library would write for the same KPI
by owner and month of one year: it filters first, and counts nothing that was left out. Best of several, taken in turns
so that a busy machine is busy for both sides. The wall clock is what a user waits for; on a machine that others use the
time of the processor says more, and it adds up the cores that a library uses at once.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from crmkpi import Dataset, Metric, average_deal_size, revenue, sales_cycle_length, win_rate

ROUNDS = 3
START, END = datetime(2025, 1, 1), datetime(2026, 1, 1)
YEAR: dict[str, Any] = {"period": "2025", "every": "month", "by": "owner"}
METRICS: dict[str, Metric] = {
    "win_rate": win_rate,
    "revenue": revenue,
    "average_deal_size": average_deal_size,
    "sales_cycle_length": sales_cycle_length,
    "sales_cycle_length.median": sales_cycle_length.variant("median"),
}


def made_deals(rows: int) -> Path:
    """A Parquet file of deals, the same for the same number of rows."""
    path = Path(tempfile.gettempdir()) / f"crmkpi-deals-{rows}.parquet"
    if path.exists():
        return path
    random = np.random.default_rng(7)
    created = np.datetime64("2024-01-01", "us") + random.integers(0, 900 * 86_400, rows) * np.timedelta64(1, "s")
    closed = created + random.integers(1, 120 * 86_400, rows) * np.timedelta64(1, "s")
    status = random.choice(["won", "lost", "open"], rows, p=[0.35, 0.45, 0.2])
    frame = pl.DataFrame(
        {
            "id": np.arange(rows).astype(str),
            "status": status,
            "created_at": created,
            "closed_at": closed,
            "amount": random.integers(0, 5_000_000, rows) / 100,
            "owner": np.array([f"Owner {number}" for number in range(50)])[random.integers(0, 50, rows)],
            "deleted": random.random(rows) < 0.01,
        }
    )
    frame.with_columns(pl.when(pl.col("status") != "open").then("closed_at").alias("closed_at")).write_parquet(path)
    return path


def polars_rivals(frame: pl.LazyFrame) -> dict[str, Callable[[], Any]]:
    month = pl.col("closed_at").dt.truncate("1mo").alias("month")
    inside = frame.filter(~pl.col("deleted"), pl.col("closed_at") >= START, pl.col("closed_at") < END)
    won = inside.filter(pl.col("status") == "won")
    cycle = pl.col("closed_at") - pl.col("created_at")
    closed = pl.col("status").is_in(["won", "lost"])
    asked = {
        "win_rate": inside.group_by("owner", month).agg((pl.col("status") == "won").sum().alias("won"), closed.sum()),
        "revenue": won.group_by("owner", month).agg(pl.col("amount").sum()),
        "average_deal_size": won.group_by("owner", month).agg(
            pl.col("amount").mean(), pl.col("amount").std().alias("sd"), pl.len()
        ),
        "sales_cycle_length": won.group_by("owner", month).agg(
            cycle.mean(), cycle.dt.total_microseconds().std().alias("sd"), pl.len()
        ),
        "sales_cycle_length.median": won.group_by("owner", month).agg(cycle.median()),
    }
    return {name: query.collect for name, query in asked.items()}


def sql_rivals(table: str, counted: str, cycle: str, ask: Callable[[str], Any]) -> dict[str, Callable[[], Any]]:
    """The questions by hand, in the words that a dialect has for a conditional count and a span in microseconds."""
    inside = f"FROM {table} WHERE NOT deleted AND closed_at >= '{START}' AND closed_at < '{END}'"
    won, closed = counted.format("status = 'won'"), counted.format("status IN ('won', 'lost')")
    asked = {
        "win_rate": f"{won}, {closed} {inside}",
        "revenue": f"sum(amount) {inside} AND status = 'won'",
        "average_deal_size": f"avg(amount), stddev(amount), count(*) {inside} AND status = 'won'",
        "sales_cycle_length": f"avg({cycle}), stddev({cycle}), count(*) {inside} AND status = 'won'",
        "sales_cycle_length.median": f"median({cycle}) {inside} AND status = 'won'",
    }
    grouped = "SELECT owner, date_trunc('month', closed_at) AS month, {} GROUP BY 1, 2"
    return {name: partial(ask, grouped.format(columns)) for name, columns in asked.items()}


def duckdb_rivals(table: str, connection: Any) -> dict[str, Callable[[], Any]]:
    cycle = "epoch_us(closed_at) - epoch_us(created_at)"
    return sql_rivals(table, "count(*) FILTER ({})", cycle, lambda query: connection.execute(query).fetchall())


def pandas_rivals(frame: pd.DataFrame) -> dict[str, Callable[[], Any]]:
    def inside() -> pd.DataFrame:
        chosen = frame[~frame["deleted"] & (frame["closed_at"] >= START) & (frame["closed_at"] < END)]
        return chosen.assign(month=chosen["closed_at"].dt.to_period("M"))

    def won() -> Any:
        chosen = inside()
        chosen = chosen[chosen["status"] == "won"]
        return chosen.assign(cycle=chosen["closed_at"] - chosen["created_at"]).groupby(["owner", "month"])

    def rates() -> Any:
        chosen = inside()
        flags = chosen.assign(won=chosen["status"] == "won", closed=chosen["status"].isin(["won", "lost"]))
        return flags.groupby(["owner", "month"])[["won", "closed"]].sum()

    return {
        "win_rate": rates,
        "revenue": lambda: won()["amount"].sum(),  # noqa: PLW0108  # `won` is run each time
        "average_deal_size": lambda: won()["amount"].agg(["mean", "std", "count"]),
        "sales_cycle_length": lambda: won()["cycle"].agg(["mean", "std", "count"]),
        "sales_cycle_length.median": lambda: won()["cycle"].median(),  # noqa: PLW0108  # likewise
    }


def tuned_pandas_rivals(frame: pd.DataFrame) -> dict[str, Callable[[], Any]]:
    """The same for somebody who knows pandas well: words are categories, and no column is copied that is not asked."""
    owner, status = (
        frame["owner"].astype("category"),
        frame["status"].astype("category"),
    )  # once, as a look is taken once
    created, closed, amount = (frame[name].to_numpy() for name in ("created_at", "closed_at", "amount"))
    deleted, months = frame["deleted"].to_numpy(), np.datetime64("2025-01", "M")
    is_won, is_open = (status == word for word in ("won", "open"))

    def rows(also: Any) -> Any:
        start, end = np.datetime64(START, "us"), np.datetime64(END, "us")
        return np.flatnonzero((closed >= start) & (closed < end) & ~deleted & also)

    def grouped(chosen: Any, **columns: Any) -> Any:
        month = (closed[chosen].astype("datetime64[M]") - months).astype("int8")
        made = pd.DataFrame({"owner": owner.take(chosen).array, "month": month} | columns, copy=False)
        return made.groupby(["owner", "month"], observed=True, sort=False)

    def rates() -> Any:
        chosen = rows(~is_open.to_numpy())
        return grouped(chosen, won=is_won.to_numpy()[chosen])["won"].agg(["sum", "size"])

    def won(*, cycle: bool) -> Any:
        chosen = rows(is_won.to_numpy())
        values = (closed[chosen] - created[chosen]).astype("int64") if cycle else amount[chosen]
        return grouped(chosen, value=values)["value"]

    return {
        "win_rate": rates,
        "revenue": lambda: won(cycle=False).sum(),
        "average_deal_size": lambda: won(cycle=False).agg(["mean", "std", "count"]),
        "sales_cycle_length": lambda: won(cycle=True).agg(["mean", "std", "count"]),
        "sales_cycle_length.median": lambda: won(cycle=True).median(),
    }


def pyarrow_rivals(table: pa.Table) -> dict[str, Callable[[], Any]]:
    def inside() -> pa.Table:
        within = pc.and_(pc.greater_equal(table["closed_at"], START), pc.less(table["closed_at"], END))
        chosen = table.filter(pc.and_(within, pc.invert(table["deleted"])))
        return chosen.append_column("month", pc.floor_temporal(chosen["closed_at"], unit="month"))

    def won() -> pa.Table:
        chosen = inside()
        return chosen.filter(pc.equal(chosen["status"], "won"))

    def rates() -> Any:
        chosen = inside()
        chosen = chosen.append_column("won", pc.cast(pc.equal(chosen["status"], "won"), pa.int64()))
        closed = pc.is_in(chosen["status"], pa.array(["won", "lost"]))
        chosen = chosen.append_column("closed", pc.cast(closed, pa.int64()))
        return chosen.group_by(["owner", "month"]).aggregate([("won", "sum"), ("closed", "sum")])

    def cycles() -> Any:
        chosen = won()
        cycle = pc.cast(pc.subtract(chosen["closed_at"], chosen["created_at"]), pa.int64())
        grouped = chosen.append_column("cycle", cycle).group_by(["owner", "month"])
        return grouped.aggregate([("cycle", "mean"), ("cycle", "stddev"), ("cycle", "count")])

    return {
        "win_rate": rates,
        "revenue": lambda: won().group_by(["owner", "month"]).aggregate([("amount", "sum")]),
        "average_deal_size": lambda: (
            won().group_by(["owner", "month"]).aggregate([("amount", "mean"), ("amount", "stddev")])
        ),
        "sales_cycle_length": cycles,
    }


def spark_session() -> Any:
    """A local session on two cores, as Spark is set up but for its page and its two hundred partitions."""
    from pyspark.sql import SparkSession  # noqa: PLC0415  # only where Spark is asked for

    session = (
        SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.driver.host", "127.0.0.1")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")
    return session


def spark_rivals(session: Any) -> dict[str, Callable[[], Any]]:
    cycle = "timestampdiff(MICROSECOND, created_at, closed_at)"
    return sql_rivals("deals", "count_if({})", cycle, lambda query: session.sql(query).collect())


class Taken(NamedTuple):
    """Milliseconds: on the wall clock, and of all processor cores together."""

    wall: float
    cpu: float

    def __str__(self) -> str:
        return f"{self.wall:>7.0f}{self.cpu:>7.0f}"

    def over(self, other: Taken) -> str:
        """How many times the other's time, on both clocks."""
        return f"{self.wall / other.wall:>7.2f}{self.cpu / other.cpu:>7.2f}"


HEAD = f"{'by hand':>14}{'crmkpi':>14}{'ratio':>14}\n{'':<38}" + f"{'wall':>7}{'cpu':>7}" * 3


def best_of(**ways: Callable[[], Any]) -> dict[str, Taken]:
    """The shortest time of each way; the clocks are taken apart, since others use the machine too."""
    best = dict.fromkeys(ways, Taken(float("inf"), float("inf")))
    for _ in range(ROUNDS):
        for name, way in ways.items():
            wall, cpu = time.perf_counter(), time.process_time()
            way()
            found = Taken((time.perf_counter() - wall) * 1e3, (time.process_time() - cpu) * 1e3)
            best[name] = Taken(min(best[name].wall, found.wall), min(best[name].cpu, found.cpu))
    return best


def compare(library: str, frame: Any, rivals: dict[str, Callable[[], Any]]) -> None:
    """Each KPI beside its rival, then all of them in one call beside all rivals one after the other."""
    crm = Dataset(deals=frame)
    print(f"{library:<15}{'KPI':<23}{HEAD}")
    for name, rival in rivals.items():
        crm.measure(METRICS[name], **YEAR)  # the look over the columns is kept with the dataset
        found = best_of(hand=rival, ours=lambda name=name: crm.measure(METRICS[name], **YEAR))  # type: ignore[misc]
        print(f"{'':<10}{name:<28}{found['hand']}{found['ours']}{found['ours'].over(found['hand'])}")
    names = list(rivals)
    crm.measure(names, **YEAR)
    found = best_of(hand=lambda: [rivals[name]() for name in names], ours=lambda: crm.measure(names, **YEAR))
    print(f"{'':<10}{'all of them, one call':<28}{found['hand']}{found['ours']}{found['ours'].over(found['hand'])}")


def overhead() -> None:
    """One call on a frame of one row, beyond the bare query."""
    frame = pl.DataFrame({"id": ["1"], "status": ["won"]})
    crm = Dataset(deals=frame)
    crm.measure(win_rate)
    bare = frame.lazy().select((pl.col("status") == "won").sum())
    found = best_of(bare=bare.collect, ours=lambda: crm.measure(win_rate), fresh=lambda: win_rate(frame))
    print(
        f"one call on one row: bare {found['bare'].wall:.1f} ms, crmkpi {found['ours'].wall:.1f} ms, "
        f"with a new dataset {found['fresh'].wall:.1f} ms"
    )


def evidence(path: Path) -> None:
    """What it takes to look at the interval and the accounts of all results, which a call alone does not find."""
    frame: Any = pl.read_parquet(path).lazy()
    crm = Dataset(deals=frame)
    for name, metric in METRICS.items():
        taken = []
        for _ in range(ROUNDS):
            report = crm.measure(metric, **YEAR)
            begun = time.process_time()
            _ = [result.interval for result in report]  # it is found with all other evidence
            taken.append((time.process_time() - begun) * 1e3)
        print(f"looking at the evidence of {len(report)} results of {name}: {min(taken):.1f} ms")


def main(rows: int, libraries: list[str]) -> None:
    """Print a table for each library."""
    path = made_deals(rows)
    print(f"{rows:,} deals, 50 owners, the twelve months of a year; milliseconds, best of {ROUNDS}\n")
    overhead()
    evidence(path)
    if "polars" in libraries:
        lazy = pl.read_parquet(path).lazy()
        compare("polars", lazy, polars_rivals(lazy))
    if "duckdb" in libraries:
        connection = duckdb.connect()
        connection.execute(f"CREATE TABLE deals AS FROM '{path}'")
        compare("duckdb", connection.table("deals"), duckdb_rivals("deals", connection))
    if "pyarrow" in libraries:
        table = pq.read_table(path)
        compare("pyarrow", table, pyarrow_rivals(table))
    if "pandas" in libraries:
        frame = pd.read_parquet(path)
        compare("pandas", frame, pandas_rivals(frame))
        compare("pandas, tuned", frame, tuned_pandas_rivals(frame))
    if "spark" in libraries:
        session = spark_session()
        table = session.read.parquet(str(path)).cache()
        table.createOrReplaceTempView("deals")
        compare("spark", table, spark_rivals(session))


if __name__ == "__main__":
    named = [argument for argument in sys.argv[1:] if not argument.isdigit()]
    sizes = [int(argument) for argument in sys.argv[1:] if argument.isdigit()]
    main(sizes[0] if sizes else 1_000_000, named or ["polars", "duckdb", "pyarrow", "pandas"])
