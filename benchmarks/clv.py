"""BG/NBD fit + Gamma-Gamma fit + 12-month value on 2,357, 100,000 and 1,000,000 customers, against lifetimes.

    python benchmarks/clv.py [customers ...] [--memory]

All run in one process, and the ratio is to lifetimes.
Memory is the peak that `tracemalloc` sees beyond the inputs.
"""

from __future__ import annotations

import sys
import tracemalloc
import warnings
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
from lifetimes import BetaGeoFitter, GammaGammaFitter

from crmkpi.clv import BgNbd, GammaGamma, PurchaseHistory, customer_value, monthly
from crmkpi.clv.history import listed


def simulated(customers: int, seed: int = 7) -> PurchaseHistory:
    """A BG/NBD and Gamma-Gamma world in whole days, 120 to 400 days old."""
    random = np.random.default_rng(seed)
    rate = random.gamma(0.6, 1 / 20.0, customers)
    leaving = random.beta(0.8, 2.5, customers)
    age = random.integers(120, 400, customers).astype(float)
    moment, frequency, recency = np.zeros(customers), np.zeros(customers, dtype=int), np.zeros(customers)
    alive = np.ones(customers, dtype=bool)
    while alive.any():
        moment += random.exponential(1.0, customers) / np.maximum(rate, 1e-300)
        bought = alive & (moment <= age)
        day = np.maximum(np.floor(moment), 1.0)
        frequency += bought & (day > recency)
        recency = np.where(bought, day, recency)
        alive = bought & (random.random(customers) >= leaving)
    spend = random.gamma(6.0, 1.0, customers) / random.gamma(4.0, 1 / 15.0, customers)
    return PurchaseHistory(frequency, recency, age, "days", np.where(frequency > 0, spend, 0.0))


def ours(history: PurchaseHistory, engine: Any) -> list[float]:
    """Seconds for the two fits and the value."""
    # a fresh history each time: patterns are kept on it
    history = PurchaseHistory(history.frequency, history.recency, history.age, history.unit, history.spend)
    times = [perf_counter()]
    purchases = BgNbd.fit(history, engine=engine)
    times.append(perf_counter())
    spend = GammaGamma.fit(history, engine=engine)
    times.append(perf_counter())
    customer_value(purchases, spend, history, discount=monthly(0.01), engine=engine)
    times.append(perf_counter())
    return [after - before for before, after in pairwise(times)]


def theirs(columns: tuple[pd.Series, ...]) -> list[float]:
    """The same with lifetimes; its Gamma-Gamma fit is tried with a penalizer where it does not converge without."""
    frequency, recency, age, spend = columns
    times = [perf_counter()]
    purchases = BetaGeoFitter()
    purchases.fit(frequency, recency, age)
    times.append(perf_counter())
    again = frequency > 0
    model = GammaGammaFitter()
    try:
        model.fit(frequency[again], spend[again])
    except Exception:  # noqa: BLE001
        model = GammaGammaFitter(penalizer_coef=1e-4)
        model.fit(frequency[again], spend[again])
    times.append(perf_counter())
    model.customer_lifetime_value(purchases, frequency, recency, age, spend, time=12, discount_rate=0.01, freq="D")
    times.append(perf_counter())
    return [after - before for before, after in pairwise(times)]


def best(run: Callable[[], list[float]], repeats: int) -> list[float]:
    """The fastest of a few runs."""
    return min((run() for _ in range(repeats)), key=sum)


def peak(run: Callable[[], object]) -> float:
    """The peak memory of a run in MB."""
    tracemalloc.start()
    run()
    memory = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    return memory


def main(sizes: list[int], *, measure_memory: bool) -> None:
    """Print one line per size and contestant."""
    warnings.simplefilter("ignore")
    print(f"{'customers':>10} {'who':<10} {'bg/nbd':>8} {'spend':>8} {'value':>8} {'sum s':>8} {'ratio':>7} {'MB':>8}")
    for size in sizes:
        repeats = 9 if size < 10_000 else 3 if size < 500_000 else 1
        arrays = simulated(size)
        lists = PurchaseHistory(
            listed(arrays.frequency), listed(arrays.recency), listed(arrays.age), "days", listed(arrays.spend)
        )
        frame = pd.DataFrame({name: getattr(arrays, name) for name in ("frequency", "recency", "age", "spend")})
        runs = {
            "lifetimes": partial(theirs, tuple(frame[name] for name in frame)),
            "python": partial(ours, lists, "python"),
            "numpy": partial(ours, arrays, "numpy"),
        }
        reference = 0.0
        for who, run in runs.items():
            seconds = best(run, repeats)
            total = sum(seconds)
            reference = reference or total
            memory = peak(run) if measure_memory else float("nan")
            figures = " ".join(f"{value:8.4f}" for value in (*seconds, total))
            print(f"{size:>10,} {who:<10} {figures} {total / reference:7.3f} {memory:8.1f}", flush=True)


if __name__ == "__main__":
    wanted = [int(size) for size in sys.argv[1:] if size != "--memory"]
    main(wanted or [2_357, 100_000, 1_000_000], measure_memory="--memory" in sys.argv)
