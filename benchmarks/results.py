"""What results cost: at the call, when they are read, and as a frame.

    python benchmarks/results.py [owners]

A million deals of 8,400 owners by owner and month of one year, which are 100,800 results: the win rate, and the mean
deal size, whose intervals take longer. Milliseconds of the processor, best of three, and microseconds per result: the
call with its query on Polars, the same for all owners together (whole), the intervals of all results when read, a frame
of Polars of results that nobody has read, and again of those.
"""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable
from typing import Any

import polars as pl
from frames import METRICS, made_deals

from crmkpi import Dataset

ROUNDS = 3


def taken(run: Callable[[], Any]) -> tuple[float, Any]:
    """The processor time of one run, in milliseconds, and what it gives."""
    gc.collect()
    start = time.process_time()
    found = run()
    return (time.process_time() - start) * 1e3, found


def line_of(name: str, crm: Dataset) -> str:
    """The times of one KPI, the best of each."""

    def asked(**by: Any) -> Any:
        return crm.measure(METRICS[name], period="2025", every="month", **by)

    best = [float("inf")] * 5
    size = 0
    for _ in range(ROUNDS):
        call, report = taken(lambda: asked(by="owner"))
        whole, _ = taken(asked)
        read, size = taken(lambda found=report: len([result.interval for result in found]))  # type: ignore[misc]
        fresh = asked(by="owner")
        frame, again = (taken(fresh.to_polars)[0] for _ in range(2))
        best = [min(pair) for pair in zip(best, (call, whole, read, frame, again), strict=True)]
    figures = "".join(f"{one:>10.0f}" for one in best)
    each = ", ".join(f"{one / size * 1e3:.1f}" for one in best)
    return f"{name:<20}{size:>9,}{figures}   {each}"


def main(owners: int) -> None:
    """Print a line per KPI."""
    numbered = pl.lit("Owner ") + (pl.int_range(pl.len()) % owners).cast(pl.String)
    crm = Dataset(deals=pl.read_parquet(made_deals(1_000_000)).with_columns(owner=numbered))
    heads = "".join(f"{name:>10}" for name in ("call", "whole", "read", "to_polars", "again"))
    print(f"{'KPI':<20}{'results':>9}{heads}   each, in microseconds")
    for name in ("win_rate", "average_deal_size"):
        print(line_of(name, crm), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 8_400)
