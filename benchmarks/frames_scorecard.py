"""A whole sales scorecard in one call, against the twelve queries that somebody would write by hand in turn.

    python benchmarks/frames_scorecard.py [rows] [library ...]

Twelve KPIs by owner and month of one year. The one call gives each with the previous month beside it, what was left out
under which reason, and the interval; the queries by hand give the bare values of the same thirteen months.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import datetime
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from frames import HEAD, best_of, made_deals

from crmkpi import Dataset, catalogue
from crmkpi.definition.metric import Metric

START, END = datetime(2024, 12, 1), datetime(2026, 1, 1)

# Each KPI: the date that puts a deal into a month, the deals that count, and what is asked of them.
KPIS: dict[str, tuple[str, str, str]] = {
    "win_rate": ("closed_at", "closed", "share won"),
    "win_rate.of_created": ("created_at", "all", "share won"),
    "win_rate.by_amount": ("closed_at", "closed", "share of amount"),
    "lost_rate": ("closed_at", "closed", "share lost"),
    "lost_deals": ("closed_at", "lost", "count"),
    "deal_volume": ("created_at", "all", "count"),
    "average_deal_size": ("closed_at", "won", "mean amount"),
    "average_deal_size.median": ("closed_at", "won", "median amount"),
    "average_deal_size.all_closed": ("closed_at", "closed", "mean amount"),
    "revenue": ("closed_at", "won", "sum amount"),
    "sales_cycle_length": ("closed_at", "won", "mean cycle"),
    "sales_cycle_length.median": ("closed_at", "won", "median cycle"),
}
STATUSES = {"won": ["won"], "lost": ["lost"], "closed": ["won", "lost"], "all": ["won", "lost", "open"]}


def in_polars(frame: pl.LazyFrame, at: str, which: str, what: str) -> Callable[[], Any]:
    """One query by hand."""
    chosen = frame.filter(~pl.col("deleted"), pl.col(at) >= START, pl.col(at) < END)
    if which != "all":
        chosen = chosen.filter(pl.col("status").is_in(STATUSES[which]))
    cycle, amount = pl.col("closed_at") - pl.col("created_at"), pl.col("amount")
    asked = {
        "share won": (pl.col("status") == "won").mean(),
        "share lost": (pl.col("status") == "lost").mean(),
        "share of amount": amount.filter(pl.col("status") == "won").sum() / amount.sum(),
        "count": pl.len(),
        "mean amount": amount.mean(),
        "median amount": amount.median(),
        "sum amount": amount.sum(),
        "mean cycle": cycle.mean(),
        "median cycle": cycle.median(),
    }[what]
    grouped = chosen.group_by("owner", pl.col(at).dt.truncate("1mo").alias("month")).agg(asked.alias("value"))
    return lambda: grouped.collect()  # noqa: PLW0108  # its overloads have no plain type


def in_duckdb(connection: Any, at: str, which: str, what: str) -> Callable[[], Any]:
    """One query by hand."""
    asked = {
        "share won": "avg(CASE WHEN status = 'won' THEN 1 ELSE 0 END)",
        "share lost": "avg(CASE WHEN status = 'lost' THEN 1 ELSE 0 END)",
        "share of amount": "sum(amount) FILTER (status = 'won') / sum(amount)",
        "count": "count(*)",
        "mean amount": "avg(amount)",
        "median amount": "median(amount)",
        "sum amount": "sum(amount)",
        "mean cycle": "avg(epoch_us(closed_at) - epoch_us(created_at))",
        "median cycle": "median(epoch_us(closed_at) - epoch_us(created_at))",
    }[what]
    listed = ", ".join(f"'{status}'" for status in STATUSES[which])
    status = "" if which == "all" else f" AND status IN ({listed})"
    query = (
        f"SELECT owner, date_trunc('month', {at}) AS month, {asked} FROM deals "  # noqa: S608  # from the table above
        f"WHERE NOT deleted AND {at} >= '{START}' AND {at} < '{END}'{status} GROUP BY 1, 2"
    )
    return lambda: connection.execute(query).fetchall()


def in_pandas(frame: pd.DataFrame, at: str, which: str, what: str) -> Callable[[], Any]:
    """One query by hand."""

    def query() -> Any:
        inside = ~frame["deleted"] & (frame[at] >= START) & (frame[at] < END)
        chosen = frame[inside if which == "all" else inside & frame["status"].isin(STATUSES[which])]
        keys = [chosen["owner"], chosen[at].dt.to_period("M")]
        word, _, of = what.partition(" ")
        if word == "count":
            return chosen.groupby(keys).size()
        if word == "share" and of != "of amount":
            return (chosen["status"] == of).groupby(keys).mean()
        if word == "share":
            won = chosen["amount"].where(chosen["status"] == "won", 0.0)
            return won.groupby(keys).sum() / chosen["amount"].groupby(keys).sum()
        values = chosen["amount"] if of == "amount" else chosen["closed_at"] - chosen["created_at"]
        return values.groupby(keys).agg(word)

    return query


def in_pyarrow(table: pa.Table, at: str, which: str, what: str) -> Callable[[], Any]:
    """One query by hand; its medians are approximate, since PyArrow has no others for groups."""

    def query() -> Any:
        inside = pc.and_(pc.greater_equal(table[at], START), pc.less(table[at], END))
        inside = pc.and_(inside, pc.invert(table["deleted"]))
        if which != "all":
            inside = pc.and_(inside, pc.is_in(table["status"], pa.array(STATUSES[which])))
        chosen = table.filter(inside)
        word, _, of = what.partition(" ")
        if of in ("won", "lost"):
            values = pc.cast(pc.equal(chosen["status"], of), pa.int64())
        elif of == "cycle":
            values = pc.cast(pc.subtract(chosen["closed_at"], chosen["created_at"]), pa.int64())
        else:
            values = chosen["amount"]
        made = pa.table(
            {
                "owner": chosen["owner"],
                "month": pc.floor_temporal(chosen[at], unit="month"),
                "value": values,
                "won": pc.if_else(pc.equal(chosen["status"], "won"), chosen["amount"], 0.0),
            }
        )
        grouped = made.group_by(["owner", "month"])
        if what == "share of amount":
            return grouped.aggregate([("won", "sum"), ("value", "sum")])
        words = {"share": "mean", "median": "approximate_median"}
        return grouped.aggregate([("value", words.get(word, word))])

    return query


def metric_of(name: str) -> Metric:
    """The KPI, or its variant."""
    base, _, variant = name.partition(".")
    return catalogue.find(base).variant(variant) if variant else catalogue.find(base)


def main(rows: int, libraries: list[str]) -> None:
    """Print one line for each library."""
    path = made_deals(rows)
    print(f"{rows:,} deals, 50 owners, twelve months and the ones before; twelve KPIs\n")
    print(f"{'library':<38}{HEAD}")
    metrics = [metric_of(name) for name in KPIS]
    for library in libraries:
        frame: Any
        if library == "polars":
            frame = pl.read_parquet(path).lazy()
            rivals = [in_polars(frame, *asked) for asked in KPIS.values()]
        elif library == "duckdb":
            connection = duckdb.connect()
            connection.execute(f"CREATE TABLE deals AS FROM '{path}'")
            frame = connection.table("deals")
            rivals = [in_duckdb(connection, *asked) for asked in KPIS.values()]
        elif library == "pandas":
            frame = pd.read_parquet(path)
            rivals = [in_pandas(frame, *asked) for asked in KPIS.values()]
        else:
            frame = pq.read_table(path)
            rivals = [in_pyarrow(frame, *asked) for asked in KPIS.values()]
        crm = Dataset(deals=frame, currency="EUR")

        def ours(crm: Dataset = crm) -> Any:
            return crm.measure(metrics, period="2025", every="month", by="owner", compare="previous")

        def by_hand(rivals: list[Callable[[], Any]] = rivals) -> Any:
            return [rival() for rival in rivals]

        ours()  # the look over the columns is kept with the dataset
        found = best_of(hand=by_hand, ours=ours)
        print(f"{library:<38}{found['hand']}{found['ours']}{found['ours'].over(found['hand'])}")


if __name__ == "__main__":
    named = [argument for argument in sys.argv[1:] if not argument.isdigit()]
    sizes = [int(argument) for argument in sys.argv[1:] if argument.isdigit()]
    main(sizes[0] if sizes else 1_000_000, named or ["polars", "duckdb", "pandas", "pyarrow"])
