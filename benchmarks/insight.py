"""How often the insight layer calls chance news, and how often it finds what is there: seeded simulations.

    python benchmarks/insight.py [worlds] [charts] [comparisons] [paces] [searches] [amounts]    # all, or those named

Charts: the share of series with at least one signal, under each set of rules. Comparisons: the share of calls of twenty
segments with a verdict though nothing differs. Search: the share of worlds in which a part is named, and in which it is
the right one. Pace: of the targets called likely (80 % and more) and unlikely (below 20 %), the share that was reached.
"""

from __future__ import annotations

import math
import random
import sys
from collections.abc import Callable, Sequence
from typing import Any

import crmkpi as ck
from crmkpi.insight.control import control_chart
from crmkpi.insight.search import search_totals
from crmkpi.statistics.differences import benjamini_hochberg, share_difference
from crmkpi.statistics.pace import count_pace, curve_pace


def quiet(rng: random.Random, points: int) -> list[float]:
    return [rng.gauss(100, 5) for _ in range(points)]


def moved(rng: random.Random, points: int) -> list[float]:
    return [rng.gauss(110 if number >= points - 4 else 100, 5) for number in range(points)]


def skewed(rng: random.Random, points: int) -> list[float]:
    return [math.exp(rng.gauss(4, math.sqrt(math.log(1.25)))) for _ in range(points)]


def following(rng: random.Random, points: int) -> list[float]:
    value, out = rng.gauss(0, 1), []
    for _ in range(points):
        value = 0.5 * value + rng.gauss(0, 1)
        out.append(100 + value)
    return out


def charts(rng: random.Random, worlds: int) -> None:
    makers: Sequence[tuple[str, Callable[[random.Random, int], list[float]]]] = (
        ("quiet", quiet),
        ("2 sigma in the last four", moved),
        ("skewed, CV 0.5", skewed),
        ("following, r 0.5", following),
    )
    for name, make in makers:
        for points in (24, 36):
            shares = {
                rules: sum(bool(control_chart(make(rng, points), rules=rules).signals) for _ in range(worlds)) / worlds
                for rules in ("beyond", "default", "nhs", "western_electric")
            }
            told = ", ".join(f"{rules} {100 * share:.0f} %" for rules, share in shares.items())
            print(f"{name}, {points} points: {told}", flush=True)


def comparisons(rng: random.Random, worlds: int) -> None:
    named = 0
    worlds *= 10
    for _ in range(worlds):
        won = [sum(rng.random() < 0.3 for _ in range(60)) for _ in range(20)]
        whole = sum(won)
        found = [share_difference(one, 60, whole - one, 19 * 60) for one in won]
        adjusted = benjamini_hochberg([None if one is None else one.p_value for one in found])
        named += any(p is not None and p < 0.05 for p in adjusted)
    share = named / worlds
    error = math.sqrt(share * (1 - share) / worlds)
    print(
        f"twenty alike segments against the rest, {worlds} worlds: "
        f"one is named in {100 * share:.1f} ± {100 * error:.1f} %",
        flush=True,
    )


def searches(rng: random.Random, worlds: int) -> None:
    causes: Sequence[tuple[str, Any, Any]] = (
        ("nothing changed", lambda cell: 0.3, None),
        ("all fell 6 points", lambda cell: 0.24, None),
        ("one value of four fell 15 points", lambda cell: 0.15 if cell[1] == 2 else 0.3, {"owner": 2}),
        (
            "one pair of twenty fell 25 points",
            lambda cell: 0.05 if cell[1:] == (2, 3) else 0.3,
            {"owner": 2, "size": 3},
        ),
    )
    for deals in (1000, 2000, 5000):
        for name, later, right in causes:
            named = exact = 0
            for _ in range(worlds):
                sides = [_world(rng, deals, rate) for rate in (lambda cell: 0.3, later)]
                found = search_totals(sides[0], sides[1], names=("source", "owner", "size")).found
                named += bool(found)
                exact += bool(found) and found[0].cell == right
            told = f"named {100 * named / worlds:.0f} %, right {100 * exact / worlds:.0f} %"
            print(f"search, {deals} deals, {name}: {told}", flush=True)


def _world(rng: random.Random, deals: int, rate: Any) -> dict[tuple[Any, ...], tuple[float, float, float]]:
    side: dict[tuple[int, int, int], list[int]] = {}
    for _ in range(deals):
        cell = (rng.randrange(6), rng.randrange(4), rng.randrange(5))
        pair = side.setdefault(cell, [0, 0])
        pair[1] += 1
        pair[0] += rng.random() < rate(cell)
    return {cell: (float(won), float(closed), 0.0) for cell, (won, closed) in side.items()}


def amounts(rng: random.Random, worlds: int) -> None:
    """The search among means and sums of 3,000 skewed amounts (lognormal, sigma 0.8)."""
    causes: Sequence[tuple[str, Callable[[Any], float], Any]] = (
        ("nothing changed", lambda cell: 1.0, None),
        ("all fell by 20 %", lambda cell: 0.8, None),
        ("one value of four fell by 25 %", lambda cell: 0.75 if cell[1] == 2 else 1.0, {"owner": 2}),
        ("one pair of twenty halved", lambda cell: 0.5 if cell[1:] == (2, 3) else 1.0, {"owner": 2, "size": 3}),
    )
    for kind in ("mean", "sum"):
        for name, later, right in causes:
            named = exact = 0
            for _ in range(worlds):
                sides = [_amounts(rng, kind, moved) for moved in (causes[0][1], later)]
                found = search_totals(*sides, names=("source", "owner", "size"), kind=kind).found
                named += bool(found)
                exact += bool(found) and found[0].cell == right
            told = f"named {100 * named / worlds:.0f} %, right {100 * exact / worlds:.0f} %"
            print(f"search, {kind} of 3000 amounts, {name}: {told}", flush=True)


def _amounts(rng: random.Random, kind: str, moved: Callable[[Any], float]) -> dict[Any, Any]:
    many = 3000 if kind == "mean" else round(rng.gauss(3000, math.sqrt(3000)))
    side: dict[tuple[int, int, int], list[float]] = {}
    for _ in range(many):
        cell = (rng.randrange(6), rng.randrange(4), rng.randrange(5))
        amount = rng.lognormvariate(6, 0.8) * moved(cell)
        sums = side.setdefault(cell, [0.0, 0.0, 0.0])
        for place, more in enumerate((amount, 1.0, amount * amount)):
            sums[place] += more
    return {cell: tuple(sums) for cell, sums in side.items()}


def paces(rng: random.Random, worlds: int) -> None:
    for end in (1.0, 2.5):
        shape = [1.0] * 16 + [end] * 5
        for day in (7, 14):
            told: dict[str, list[list[bool]]] = {"rate": [[], []], "curve": [[], []]}
            for _ in range(worlds * 3):
                months = [_month(rng, shape) for _ in range(13)]
                done, whole = sum(months[12][:day]), sum(months[12])
                target = max(1, round(30 * math.exp(rng.gauss(0, 0.2))))
                curve = curve_pace([(sum(one[:day]), sum(one)) for one in months[:12]], done, target)
                found = {"rate": count_pace(done, day, 21, target).probability}
                if curve is not None:
                    found["curve"] = curve.probability
                for name, probability in found.items():
                    if probability >= 0.8:
                        told[name][0].append(whole >= target)
                    elif probability < 0.2:
                        told[name][1].append(whole >= target)
            text = "; ".join(
                f"{name}: of the likely {_share(likely)} came, of the unlikely {_share(unlikely)}"
                for name, (likely, unlikely) in told.items()
            )
            print(f"pace, day {day} of 21, last five days count {end:g}-fold: {text}", flush=True)


def _month(rng: random.Random, shape: Sequence[float]) -> list[int]:
    mean = 30 / sum(shape)
    return [_poisson(rng, mean * one) for one in shape]


def _poisson(rng: random.Random, mean: float) -> int:
    limit, count, product = math.exp(-mean), 0, rng.random()
    while product > limit:
        count += 1
        product *= rng.random()
    return count


def _share(outcomes: Sequence[bool]) -> str:
    return f"{100 * sum(outcomes) / len(outcomes):.0f} %" if outcomes else "none"


def main(arguments: Sequence[str]) -> None:
    worlds = next((int(one) for one in arguments if one.isdigit()), 300)
    parts: dict[str, Callable[[random.Random, int], None]] = {
        "charts": charts,
        "comparisons": comparisons,
        "paces": paces,
        "searches": searches,
        "amounts": amounts,
    }
    asked = [one for one in arguments if not one.isdigit()] or list(parts)
    print(f"crmkpi {ck.__version__}, {worlds} worlds")
    for name in asked:
        parts[name](random.Random(7), worlds)


if __name__ == "__main__":
    main(sys.argv[1:])
