"""Kaplan-Meier on 1,000,000 durations, against lifelines in the same process.

    python benchmarks/survival.py [durations]

Whole days and times that are all different: as arrays, as lists, and as lists without numpy; lifelines always gets the
arrays.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from functools import partial
from time import perf_counter

import numpy as np
from lifelines import KaplanMeierFitter

from crmkpi.insight.durations import Durations
from crmkpi.insight.survival import kaplan_meier


def best(run: Callable[[], object], repeats: int = 3) -> float:
    """The fastest of a few runs, in seconds."""
    times = []
    for _ in range(repeats):
        start = perf_counter()
        run()
        times.append(perf_counter() - start)
    return min(times)


def main(size: int) -> None:
    """Print one line per kind of data."""
    warnings.simplefilter("ignore")
    random = np.random.default_rng(1)
    ended = random.random(size) < 0.5
    heads = " ".join(f"{name:>9} {'ratio':>6}" for name in ("arrays s", "lists s", "stdlib s"))
    print(f"{'data':<14} {'lifelines s':>12} {heads}")
    for name, lasting in (
        ("whole days", random.integers(0, 2000, size).astype(float)),
        ("all different", random.exponential(100, size)),
    ):
        arrays, lists = Durations(lasting, ended), Durations(lasting.tolist(), ended.tolist())
        theirs = best(partial(KaplanMeierFitter().fit, lasting, ended))
        runs = (
            partial(kaplan_meier, arrays),
            partial(kaplan_meier, lists),
            partial(kaplan_meier, lists, engine="python"),
        )
        ours = map(best, runs)
        figures = " ".join(f"{seconds:9.3f} {seconds / theirs:6.2f}" for seconds in ours)
        print(f"{name:<14} {theirs:12.3f} {figures}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
