"""What the first answer costs: each round has a fresh `Dataset`, beside queries by hand in the same process.

    python benchmarks/first_question.py [rows] [library ...] [--memory]

Libraries are polars, duckdb, pandas and pyarrow. Each KPI of `frames.py` by owner and month of one year, all five at
once, and the scorecard of twelve with the previous month beside each. There are two rivals: the `bare` query, which
filters first and counts nothing that is left out; and the query with the same `evidence`, which also looks whether the
columns hold what they should, adds up whole cents, and counts per owner and month what was left out and why. `again` is
the second question of the same dataset. Rivals and crmkpi take turns, and the best of each counts. The time of the
processor adds up all cores, and says more than the wall clock on a machine that others use. With --memory each way runs
in a process of its own, and what is printed is its peak above what the process took when the frame was loaded.
"""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from frames import (
    END,
    METRICS,
    START,
    YEAR,
    Taken,
    duckdb_rivals,
    made_deals,
    pandas_rivals,
    polars_rivals,
    pyarrow_rivals,
)
from frames_scorecard import KPIS, in_duckdb, in_pandas, in_polars, in_pyarrow, metric_of

from crmkpi import Dataset

ROUNDS = 5
LIBRARIES = ("polars", "duckdb", "pandas", "pyarrow")
STATUSES = ["won", "lost", "open"]
FIVE, TWELVE = "five at once", "scorecard of twelve"
Way = Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Case:
    """One question: what crmkpi is asked, and the same by hand, bare and with its evidence."""

    name: str
    first: Way
    again: Way
    bare: Way
    evidence: Way | None


def polars_evidence(frame: pl.LazyFrame, name: str) -> Way:
    """What a careful analyst runs: are the columns what they should be, exact sums, and who was left out and why."""
    month = pl.col("closed_at").dt.truncate("1mo").alias("month")
    won, closed = pl.col("status") == "won", pl.col("status").is_in(["won", "lost"])
    cents = (pl.col("amount") * 100).round()
    looks = [
        pl.len(),
        (~pl.col("status").is_in(STATUSES)).sum().alias("unknown"),
        (pl.col("closed_at") < pl.col("created_at")).sum().alias("negative"),
    ]
    if name in ("revenue", "average_deal_size"):
        looks += [
            ((cents / 100) != pl.col("amount")).sum().alias("off"),
            pl.col("amount").is_null().sum().alias("none"),
        ]
    span = (pl.col("closed_at") - pl.col("created_at")).dt.total_microseconds()
    used, kept = closed if name == "win_rate" else won, ~pl.col("deleted")
    values = {
        "win_rate": [(won & kept).sum().alias("won")],
        "revenue": [cents.cast(pl.Int64).filter(won & kept).sum().alias("sum")],
        "average_deal_size": [
            cents.cast(pl.Int64).filter(won & kept).sum().alias("sum"),
            (cents * cents).filter(won & kept).sum().alias("squares"),
        ],
        "sales_cycle_length": [
            span.filter(won & kept).sum().alias("sum"),
            (span.cast(pl.Float64) ** 2).filter(won & kept).sum().alias("squares"),
        ],
        "sales_cycle_length.median": [span.filter(won & kept).sort().alias("sorted")],
    }[name]
    counts = [(used & kept).sum().alias("used"), (used & ~kept).sum().alias("left_out"), pl.len().alias("rows")]
    asked = [
        frame.select(looks),
        frame.filter(pl.col("closed_at") >= START, pl.col("closed_at") < END)
        .group_by("owner", month)
        .agg(*values, *counts),
        frame.group_by("owner").agg(pl.len(), (pl.col("closed_at").is_null() & used).sum().alias("undated")),
    ]
    return lambda: pl.collect_all(asked)


def duckdb_evidence(connection: Any, name: str) -> Way:
    """The same in SQL."""
    looks = "count(*), count_if(status NOT IN ('won', 'lost', 'open')), count_if(closed_at < created_at)"
    if name in ("revenue", "average_deal_size"):
        looks += ", count_if(round(amount * 100) / 100 <> amount), count_if(amount IS NULL)"
    used = "status IN ('won', 'lost')" if name == "win_rate" else "status = 'won'"
    cents, span = "CAST(round(amount * 100) AS BIGINT)", "(epoch_us(closed_at) - epoch_us(created_at))"
    where = "FILTER (status = 'won' AND NOT deleted)"
    values = {
        "win_rate": f"count(*) {where}",
        "revenue": f"sum({cents}) {where}",
        "average_deal_size": f"sum({cents}) {where}, sum({cents} * {cents}) {where}",
        "sales_cycle_length": f"sum({span}) {where}, sum({span}::HUGEINT * {span}) {where}",
        "sales_cycle_length.median": f"list({span} ORDER BY {span}) {where}",
    }[name]
    inside = f"closed_at >= '{START}' AND closed_at < '{END}'"
    counts = f"count_if({used} AND NOT deleted), count_if({used} AND deleted), count(*)"
    undated = f"count_if({used} AND closed_at IS NULL)"
    keys = "owner, date_trunc('month', closed_at)"
    asked = [  # all of it is from the tables above
        f"SELECT {looks} FROM deals",  # noqa: S608
        f"SELECT {keys}, {values}, {counts} FROM deals WHERE {inside} GROUP BY 1, 2",  # noqa: S608
        f"SELECT owner, count(*), {undated} FROM deals GROUP BY 1",  # noqa: S608
    ]
    return lambda: [connection.execute(each).fetchall() for each in asked]


def pandas_evidence(frame: pd.DataFrame, name: str, bare: Way) -> Way:
    """The bare query, and beside it the look and the account."""

    def run() -> Any:
        found: list[Any] = [
            bare(),
            frame["status"].isin(STATUSES).all(),
            (frame["closed_at"] < frame["created_at"]).any(),
        ]
        if name in ("revenue", "average_deal_size"):
            found += [((frame["amount"] * 100).round() / 100 != frame["amount"]).any(), frame["amount"].count()]
        used = frame["status"].isin(["won", "lost"] if name == "win_rate" else ["won"])
        inside = frame[used & (frame["closed_at"] >= START) & (frame["closed_at"] < END)]
        months = inside["closed_at"].dt.to_period("M")
        found.append(inside.groupby(["owner", months])["deleted"].agg(["sum", "size"]))
        return [*found, frame.groupby("owner").size(), frame[used & frame["closed_at"].isna()].groupby("owner").size()]

    return run


def pyarrow_evidence(table: pa.Table, name: str, bare: Way) -> Way:
    """The same in PyArrow."""

    def run() -> Any:
        negative = pc.any(pc.less(table["closed_at"], table["created_at"]))
        found: list[Any] = [bare(), pc.all(pc.is_in(table["status"], pa.array(STATUSES))), negative]
        if name in ("revenue", "average_deal_size"):
            cents = pc.round(pc.multiply(table["amount"], 100.0))
            found += [pc.any(pc.not_equal(pc.divide(cents, 100.0), table["amount"])), pc.count(table["amount"])]
        used = pc.is_in(table["status"], pa.array(["won", "lost"] if name == "win_rate" else ["won"]))
        within = pc.and_(pc.greater_equal(table["closed_at"], START), pc.less(table["closed_at"], END))
        inside = table.select(["owner", "closed_at", "deleted"]).filter(pc.and_(used, within))
        inside = inside.append_column("month", pc.floor_temporal(inside["closed_at"], unit="month"))
        inside = inside.append_column("left_out", pc.cast(inside["deleted"], pa.int64()))
        found.append(inside.group_by(["owner", "month"]).aggregate([("left_out", "sum"), ("left_out", "count")]))
        undated = table.select(["owner"]).filter(pc.and_(used, pc.is_null(table["closed_at"])))
        return [*found, *(each.group_by("owner").aggregate([([], "count_all")]) for each in (table, undated))]

    return run


@dataclass(frozen=True, slots=True)
class Home:
    """A library with the deals in it: a fresh frame of them, and the rivals by hand."""

    frame: Callable[[], Any]
    bare: dict[str, Way]
    evidence: dict[str, Way]
    twelve: list[Way]


def home_of(library: str, path: Path) -> Home:
    """The deals in a library; a `frame` that a dataset takes is as new as one that was just read."""
    if library == "polars":
        whole = pl.read_parquet(path)
        lazy = whole.lazy()
        bare = polars_rivals(lazy)
        evidence = {name: polars_evidence(lazy, name) for name in bare}
        return Home(whole.clone, bare, evidence, [in_polars(lazy, *asked) for asked in KPIS.values()])
    if library == "duckdb":
        connection = duckdb.connect()
        connection.execute(f"CREATE TABLE deals AS FROM '{path}'")
        bare = duckdb_rivals("deals", connection)
        evidence = {name: duckdb_evidence(connection, name) for name in bare}
        twelve = [in_duckdb(connection, *asked) for asked in KPIS.values()]
        return Home(lambda: connection.table("deals"), bare, evidence, twelve)
    if library == "pandas":
        frame = pd.read_parquet(path)
        bare = pandas_rivals(frame)
        evidence = {name: pandas_evidence(frame, name, way) for name, way in bare.items()}
        return Home(lambda: frame, bare, evidence, [in_pandas(frame, *asked) for asked in KPIS.values()])
    table = pq.read_table(path)
    bare = pyarrow_rivals(table)
    evidence = {name: pyarrow_evidence(table, name, way) for name, way in bare.items()}
    return Home(lambda: table, bare, evidence, [in_pyarrow(table, *asked) for asked in KPIS.values()])


def cases_of(library: str, path: Path) -> list[Case]:
    """All questions to a library."""
    home = home_of(library, path)

    def asked(metrics: Any, **more: Any) -> tuple[Way, Way]:
        def first() -> Any:
            return Dataset(deals=home.frame(), currency="EUR").measure(metrics, **YEAR, **more)

        known = Dataset(deals=home.frame(), currency="EUR")
        return first, lambda: known.measure(metrics, **YEAR, **more)

    made = [Case(name, *asked(METRICS[name]), bare, home.evidence[name]) for name, bare in home.bare.items()]
    names = list(home.bare)
    made.append(
        Case(
            FIVE,
            *asked([METRICS[name] for name in names]),
            lambda: [home.bare[name]() for name in names],
            lambda: [home.evidence[name]() for name in names],
        )
    )
    twelve = asked([metric_of(name) for name in KPIS], compare="previous")
    made.append(Case(TWELVE, *twelve, lambda: [each() for each in home.twelve], None))
    return made


def best_of(ways: dict[str, Way], rounds: int) -> dict[str, Taken]:
    """The shortest time of each way, taken in turns; the first round warms all of them up."""
    best = dict.fromkeys(ways, Taken(float("inf"), float("inf")))
    for number in range(rounds + 1):
        for name, way in ways.items():
            gc.collect()
            wall, cpu = time.perf_counter(), time.process_time()
            way()
            found = Taken((time.perf_counter() - wall) * 1e3, (time.process_time() - cpu) * 1e3)
            if number:
                best[name] = Taken(min(best[name].wall, found.wall), min(best[name].cpu, found.cpu))
    return best


def ways_of(case: Case) -> dict[str, Way]:
    """What is timed of a question."""
    ways = {"bare": case.bare, "first": case.first, "again": case.again}
    return ways if case.evidence is None else ways | {"evidence": case.evidence}


def timed(library: str, path: Path, rounds: int) -> None:
    """One line for each question: milliseconds of the processor, and ratios of it and of the wall clock."""
    head = f"{'bare':>8}{'evidence':>10}{'first':>8}{'again':>8}"
    print(f"{library:<10}{'processor, ms':<26}{head}   first/bare (wall)  first/evidence  again/bare")
    for case in cases_of(library, path):
        found = best_of(ways_of(case), rounds)
        bare, first, again = found["bare"], found["first"], found["again"]
        evidence = found.get("evidence")
        beside = f"{evidence.cpu:>10.0f}" if evidence else f"{'':>10}"
        over = f"{first.cpu / evidence.cpu:>15.2f}" if evidence else f"{'':>15}"
        print(
            f"{'':<10}{case.name:<26}{bare.cpu:>8.0f}{beside}{first.cpu:>8.0f}{again.cpu:>8.0f}"
            f"{first.cpu / bare.cpu:>13.2f} ({first.wall / bare.wall:.2f}){over}{again.cpu / bare.cpu:>12.2f}",
            flush=True,
        )


def peak(library: str, path: Path, question: str, way: str) -> float:
    """How many MB one way takes at most, above what the process had when the data was there."""
    case = next(each for each in cases_of(library, path) if each.name == question)
    gc.collect()
    most = before = _resident()
    done = threading.Event()

    def watch() -> None:
        nonlocal most
        while not done.wait(0.002):
            most = max(most, _resident())

    watching = threading.Thread(target=watch)
    watching.start()
    ways_of(case)[way]()
    done.set()
    watching.join()
    return (max(most, _resident()) - before) / 1e6


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def remembered(library: str, rows: int) -> None:
    """The peaks of memory of the bare queries and of first answers."""
    print(f"{library:<10}{'peak above the data, MB':<26}{'bare':>8}{'first':>8}")
    for question in (*METRICS, FIVE, TWELVE):
        if library == "pyarrow" and question == "sales_cycle_length.median":
            continue
        found = [
            subprocess.run(  # this file itself
                [sys.executable, __file__, str(rows), library, "--peak", question, way],
                capture_output=True,
                text=True,
                check=True,
            ).stdout
            for way in ("bare", "first")
        ]
        print(f"{'':<10}{question:<26}" + "".join(f"{float(each):>8.0f}" for each in found), flush=True)


def main(rows: int, libraries: list[str], *, memory: bool) -> None:
    """Print a table for each library."""
    path = made_deals(rows)
    rounds = ROUNDS if rows <= 1_000_000 else 3
    load = ", ".join(f"{each:.2f}" for each in os.getloadavg())
    print(f"{rows:,} deals, 50 owners, the twelve months of a year; best of {rounds}; load {load}\n")
    for library in libraries:
        if memory:
            remembered(library, rows)
        else:
            timed(library, path, rounds)


if __name__ == "__main__":
    sizes = [int(argument) for argument in sys.argv[1:] if argument.isdigit()]
    size = sizes[0] if sizes else 1_000_000
    if "--peak" in sys.argv:
        asked_for, each_way = sys.argv[-2:]
        chosen = next(each for each in LIBRARIES if each in sys.argv)
        print(peak(chosen, made_deals(size), asked_for, each_way))
    else:
        named = [each for each in sys.argv[1:] if each in LIBRARIES]
        main(size, named or list(LIBRARIES), memory="--memory" in sys.argv)
