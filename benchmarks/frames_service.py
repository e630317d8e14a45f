"""Leads and tickets, against queries written by hand, as ratios within one process.

    python benchmarks/frames_service.py [rows] [library ...]

The lead conversion rate, and the median and the mean first response time, by owner or agent and month of one year. A
rival leaves out the same rows and gives the bare value.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from frames import END, HEAD, START, best_of

from crmkpi import Dataset, first_response_time, lead_conversion_rate
from crmkpi.definition.metric import Metric

DAY = 86_400
METRICS: dict[str, Metric] = {
    "lead_conversion_rate": lead_conversion_rate,
    "first_response_time.mean": first_response_time.variant("mean"),
    "first_response_time": first_response_time,
}
# Each KPI: its table, whom it is grouped by, the rows that it leaves out, and the word that adds up.
ASKED = {
    "lead_conversion_rate": ("leads", "owner", "deleted", "share"),
    "first_response_time.mean": ("tickets", "agent", "spam", "mean"),
    "first_response_time": ("tickets", "agent", "spam", "median"),
}


def made(table: str, rows: int) -> Path:
    """A Parquet file of leads or tickets, the same for the same number of rows."""
    path = Path(tempfile.gettempdir()) / f"crmkpi-{table}-{rows}.parquet"
    if path.exists():
        return path
    random = np.random.default_rng(11)
    created = np.datetime64("2024-06-01", "us") + random.integers(0, 700 * DAY, rows) * np.timedelta64(1, "s")
    later = created + random.integers(60, 20 * DAY, rows) * np.timedelta64(1, "s")
    who = np.array([f"Person {number}" for number in range(50)])[random.integers(0, 50, rows)]
    reached = pl.when(pl.Series(random.random(rows) < (0.3 if table == "leads" else 0.9))).then(pl.Series(later))
    columns: dict[str, Any] = {"id": np.arange(rows).astype(str), "created_at": created}
    frame = pl.DataFrame(columns)
    if table == "leads":
        frame = frame.with_columns(reached.alias("converted_at"), owner=who, deleted=random.random(rows) < 0.01)
        status = pl.when(pl.col("converted_at").is_null()).then(pl.lit("working")).otherwise(pl.lit("converted"))
        frame = frame.with_columns(status=status)
    else:
        frame = frame.with_columns(reached.alias("first_replied_at"), agent=who, spam=random.random(rows) < 0.02)
    frame.write_parquet(path)
    return path


def in_polars(frame: pl.LazyFrame, by: str, out: str, word: str) -> Callable[[], Any]:
    """One query by hand."""
    inside = frame.filter(~pl.col(out), pl.col("created_at") >= START, pl.col("created_at") < END)
    if word == "share":
        asked = pl.col("converted_at").is_not_null().mean()
    else:
        asked = getattr(pl.col("first_replied_at") - pl.col("created_at"), word)()
    return inside.group_by(by, pl.col("created_at").dt.truncate("1mo").alias("month")).agg(asked.alias("value")).collect


def in_duckdb(connection: Any, by: str, out: str, word: str) -> Callable[[], Any]:
    """One query by hand."""
    waited = "epoch_us(first_replied_at) - epoch_us(created_at)"
    asked = {"share": "avg((converted_at IS NOT NULL)::INT)", "mean": f"avg({waited})", "median": f"median({waited})"}
    query = (
        f"SELECT {by}, date_trunc('month', created_at), {asked[word]} FROM {'leads' if word == 'share' else 'tickets'} "  # noqa: S608
        f"WHERE NOT {out} AND created_at >= '{START}' AND created_at < '{END}' GROUP BY ALL"
    )
    return lambda: connection.execute(query).fetchall()


def in_pandas(frame: pd.DataFrame, by: str, out: str, word: str) -> Callable[[], Any]:
    """One query by hand."""

    def query() -> Any:
        chosen = frame[~frame[out] & (frame["created_at"] >= START) & (frame["created_at"] < END)]
        keys = [chosen[by], chosen["created_at"].dt.to_period("M")]
        if word == "share":
            return chosen["converted_at"].notna().groupby(keys).mean()
        return (chosen["first_replied_at"] - chosen["created_at"]).groupby(keys).agg(word)

    return query


def in_pyarrow(table: pa.Table, by: str, out: str, word: str) -> Callable[[], Any]:
    """One query by hand; its median is approximate, since PyArrow has no other for groups."""

    def query() -> Any:
        within = pc.and_(pc.greater_equal(table["created_at"], START), pc.less(table["created_at"], END))
        chosen = table.filter(pc.and_(within, pc.invert(table[out])))
        if word == "share":
            values = pc.cast(pc.is_valid(chosen["converted_at"]), pa.int64())
        else:
            values = pc.cast(pc.subtract(chosen["first_replied_at"], chosen["created_at"]), pa.int64())
        month = pc.floor_temporal(chosen["created_at"], unit="month")
        grouped = pa.table({"by": chosen[by], "month": month, "value": values}).group_by(["by", "month"])
        return grouped.aggregate([("value", "approximate_median" if word == "median" else "mean")])

    return query


def main(rows: int, libraries: list[str]) -> None:
    """Print a line for each KPI and library."""
    print(f"{rows:,} leads and as many tickets, 50 people, the twelve months of a year; milliseconds\n")
    print(f"{'library':<10}{'KPI':<28}{HEAD}")
    for library in libraries:
        connection = duckdb.connect()
        for name, (table, by, out, word) in ASKED.items():
            path = made(table, rows)
            frame: Any
            if library == "polars":
                frame = pl.read_parquet(path).lazy()
                rival = in_polars(frame, by, out, word)
            elif library == "duckdb":
                connection.execute(f"CREATE TABLE IF NOT EXISTS {table} AS FROM '{path}'")
                frame = connection.table(table)
                rival = in_duckdb(connection, by, out, word)
            elif library == "pandas":
                frame = pd.read_parquet(path)
                rival = in_pandas(frame, by, out, word)
            else:
                frame = pq.read_table(path)
                rival = in_pyarrow(frame, by, out, word)
            crm = Dataset(**{table: frame})

            def ours(crm: Dataset = crm, name: str = name, by: str = by) -> Any:
                return crm.measure(METRICS[name], period="2025", every="month", by=by)

            ours()  # the look over the columns is kept with the dataset
            found = best_of(hand=rival, ours=ours)
            print(f"{library:<10}{name:<28}{found['hand']}{found['ours']}{found['ours'].over(found['hand'])}")


if __name__ == "__main__":
    named = [argument for argument in sys.argv[1:] if not argument.isdigit()]
    sizes = [int(argument) for argument in sys.argv[1:] if argument.isdigit()]
    main(sizes[0] if sizes else 1_000_000, named or ["polars", "duckdb", "pandas", "pyarrow"])
