"""How fast and how large measuring is, as ratios against loops written by hand, in one process.

    python benchmarks/measure.py [--records 1000000] [--stream 10000000] [--runs 5]

Each pair is run in turn, A B A B ..., and the ratio is that of the fastest runs: on a shared machine the fastest run is
the one least disturbed. The hand-written loops are as fast as we could make them; send a faster one.
"""

from __future__ import annotations

import argparse
import gc
import random
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import crmkpi as ck

OWNERS = [f"Owner {number}" for number in range(40)]
SALES = [ck.win_rate, ck.average_deal_size, ck.sales_cycle_length, ck.revenue]
TEN = [
    ck.win_rate,
    ck.win_rate.variant("of_created"),
    ck.win_rate.variant("by_amount"),
    ck.average_deal_size,
    ck.average_deal_size.variant("all_closed"),
    ck.sales_cycle_length,
    ck.sales_cycle_length.variant("median"),
    ck.sales_cycle_length.variant("all_closed"),
    ck.revenue,
    ck.revenue_growth_rate,
]
ZERO = timedelta(0)


def deals(count: int, seed: int = 1) -> Iterator[ck.Deal]:
    """Deals with 40 owners over two years: 40 % won, 40 % lost, 20 % open, a few without an amount."""
    rng = random.Random(seed)
    start = datetime(2025, 1, 1)
    amounts = [Decimal(rng.randrange(100, 10_000_000)) / 100 for _ in range(1000)]
    for number in range(count):
        created = start + timedelta(minutes=rng.randrange(1_000_000))
        status: Any = rng.choice(("won", "won", "lost", "lost", "open"))
        yield ck.Deal(
            id=str(number),
            status=status,
            owner=OWNERS[number % 40],
            created_at=created,
            closed_at=None if status == "open" else created + timedelta(minutes=rng.randrange(150_000)),
            amount=None if number % 97 == 0 else rng.choice(amounts) + number % 7,
            currency="EUR",
        )


def by_hand(records: list[ck.Deal]) -> dict[Any, Any]:
    """The four values by owner and month of 2026, and nothing else: no interval, no account, no currency."""
    states: dict[Any, list[Any]] = {}
    for deal in records:
        status = deal.status
        if status == "open" or deal.deleted:
            continue
        at = deal.closed_at
        if at is None or at.year != 2026:
            continue
        key = (deal.owner, at.month)
        state = states.get(key)
        if state is None:
            state = states[key] = [0, 0, Decimal(0), 0, ZERO, 0]
        state[1] += 1
        if status == "won":
            state[0] += 1
            amount = deal.amount
            if amount is not None:
                state[2] += amount
                state[3] += 1
            created = deal.created_at
            if created is not None:
                cycle = at - created
                if cycle >= ZERO:
                    state[4] += cycle
                    state[5] += 1
    return {
        key: (won / closed, amount / sized if sized else None, cycle / timed if timed else None, amount)
        for key, (won, closed, amount, sized, cycle, timed) in states.items()
    }


def by_hand_with_evidence(records: list[ck.Deal]) -> dict[Any, list[Any]]:
    """The same with what a result carries: squares for the intervals, records left out by reason, one currency."""
    states: dict[Any, list[Any]] = {}
    given: dict[Any, int] = {}
    microsecond = timedelta(microseconds=1)
    currency = None
    for deal in records:
        owner = deal.owner
        given[owner] = given.get(owner, 0) + 1
        status = deal.status
        if status == "open" and not deal.deleted:
            continue
        at = deal.closed_at
        key = (owner, 0 if at is None else at.month if at.year == 2026 else -1)
        if key[1] == -1:
            continue
        state = states.get(key)
        if state is None:
            state = states[key] = [0, 0, 0, Decimal(0), 0, Decimal(0), 0, 0, 0, 0, 0, 0]
        if deal.deleted:
            state[2] += 1
            continue
        state[1] += 1
        if status == "won":
            state[0] += 1
            amount = deal.amount
            if amount is None:
                state[6] += 1
            else:
                if deal.currency != currency:
                    if currency is not None:
                        raise ValueError(currency)
                    currency = deal.currency
                state[3] += amount
                state[4] += 1
                state[5] += amount * amount
            created = deal.created_at
            if created is None or at is None:
                state[10] += 1
            else:
                cycle = at - created
                if cycle >= ZERO:
                    micros = cycle // microsecond
                    state[7] += micros
                    state[8] += 1
                    state[9] += micros * micros
                else:
                    state[11] += 1
    return states


def ten_loops(records: list[ck.Deal]) -> None:
    """Ten loops, one for each of the ten metrics, by month of 2026."""

    def loop(at: Callable[[ck.Deal], Any], value: Callable[[ck.Deal], Any]) -> dict[int, list[Any]]:
        groups: dict[int, list[Any]] = {}
        for deal in records:
            moment = at(deal)
            if moment is not None and moment.year == 2026 and not deal.deleted:
                found = value(deal)
                if found is not None:
                    groups.setdefault(moment.month, []).append(found)
        return groups

    def won_only(value: Callable[[ck.Deal], Any]) -> Callable[[ck.Deal], Any]:
        return lambda deal: value(deal) if deal.status == "won" else None

    def closed_only(value: Callable[[ck.Deal], Any]) -> Callable[[ck.Deal], Any]:
        return lambda deal: value(deal) if deal.status in ("won", "lost") else None

    def closed_at(deal: ck.Deal) -> Any:
        return deal.closed_at

    def cycle(deal: ck.Deal) -> Any:
        return deal.closed_at - deal.created_at if deal.closed_at is not None and deal.created_at is not None else None

    def amount(deal: ck.Deal) -> Any:
        return deal.amount

    for at, value in (
        (closed_at, closed_only(lambda deal: deal.status == "won")),
        (lambda deal: deal.created_at, lambda deal: deal.status == "won"),
        (closed_at, closed_only(lambda deal: (deal.amount, deal.status))),
        (closed_at, won_only(amount)),
        (closed_at, closed_only(amount)),
        (closed_at, won_only(cycle)),
        (closed_at, won_only(cycle)),
        (closed_at, closed_only(cycle)),
        (closed_at, won_only(amount)),
        (closed_at, won_only(amount)),
    ):
        loop(at, value)


def fastest(runs: int, **contestants: Callable[[], Any]) -> dict[str, float]:
    """The fastest run of each, in seconds; run in turn."""
    best = dict.fromkeys(contestants, float("inf"))
    for _ in range(runs):
        for name, run in contestants.items():
            gc.collect()
            started = time.perf_counter()
            run()
            best[name] = min(best[name], time.perf_counter() - started)
    return best


def row(what: str, ours: float, rival: float, against: str, goal: str) -> None:
    """One line of the table."""
    print(f"{what:<46} {ours:>9.3f} s {rival:>9.3f} s {ours / rival:>6.2f}  {against} (goal {goal})")


def peak_of_stream(count: int) -> None:
    """Measure a stream of deals in a process of its own and print its peak memory."""
    started = time.perf_counter()
    crm = ck.Dataset(deals=deals(count))
    report = crm.measure(SALES, period="2026", every="month", by="owner")
    used = sum(result.accounts[0].used for result in report if result.definition == "win_rate")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    seconds = time.perf_counter() - started
    print(f"stream of {count:,} deals: {used:,} closed in 2026, {seconds:.0f} s with making them, peak {peak:.0f} MB")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--stream", type=int, default=0, help="only measure a stream of that many deals")
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    if options.stream:
        peak_of_stream(options.stream)
        return

    records = list(deals(options.records))
    gc.freeze()
    crm = ck.Dataset(deals=records)

    def ours(confidence: float | None) -> Callable[[], Any]:
        return lambda: crm.measure(SALES, period="2026", every="month", by="owner", confidence=confidence)

    print(f"{options.records:,} deals in memory{'':<27} {'ours':>9}   {'by hand':>9}  ratio")
    best = fastest(
        options.runs,
        values=ours(None),
        evidence=ours(0.95),
        hand=lambda: by_hand(records),
        hand_evidence=lambda: by_hand_with_evidence(records),
        ten=lambda: crm.measure(TEN, period="2026", every="month"),
        ten_loops=lambda: ten_loops(records),
    )
    row("four measures by owner and month, values", best["values"], best["hand"], "one loop, values only", "1.15")
    row("the same with intervals", best["evidence"], best["hand_evidence"], "one loop, same evidence", "1.15")
    row("ten metrics by month in one call", best["ten"], best["ten_loops"], "ten loops", "1.00")
    few = records[:100]
    ck.win_rate(few)
    calls = 2000
    small = fastest(options.runs * 3, call=lambda: [ck.win_rate(few) for _ in range(calls)])["call"] / calls
    print(f"{'win_rate on 100 records, each call':<46} {small * 1e6:>9.1f} µs (goal 60 µs)")
    for count in (1_000_000, 10_000_000) if options.records >= 1_000_000 else ():
        subprocess.run([sys.executable, __file__, "--stream", str(count)], check=True)


if __name__ == "__main__":
    main()
