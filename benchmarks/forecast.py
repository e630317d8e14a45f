"""How good the forecasts are: on the series of the M1 and M3 competitions, and on made-up shares, ratios and weeks.

    python benchmarks/forecast.py made-up
    python benchmarks/forecast.py m3 FOLDER        # a folder with m3.jsonl: id, period, x (history), xx (what came)
    python benchmarks/forecast.py m1 FOLDER
    python benchmarks/forecast.py m3 FOLDER --short  # the last 24, 36, 48 and 60 months of every third long series
    python benchmarks/forecast.py speed            # the time of one forecast of 24, 36 and 60 months

sMAPE is the mean of 200 |error| / (|forecast| + |value|), MASE the mean error over that of the seasonal naive forecast
of the history, both averaged over series. OWA is the mean of both, each over that of Naive 2: the last value, with a
classical season where the series shows one at 90 %. Coverage is the share of values within the 80 and 95 % intervals.
"""

from __future__ import annotations

import json
import math
import random
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from crmkpi.insight.forecast import Forecast, forecast_series, forecast_shares
from crmkpi.statistics.forecasting import half_widths, seasonal_index

LEVELS = (0.8, 0.95)


def held_in(made: Forecast, coming: Sequence[float]) -> int:
    """How many of the values that came lie within their intervals."""
    pairs = zip(made.points, coming, strict=True)
    return sum(point.interval is not None and value in point.interval for point, value in pairs)


def scored(series: Iterable[tuple[list[float], list[float]]], season: int, last: int | None = None) -> str:
    """The figures of many series."""
    smape = mase = 0.0
    naive = [0.0, 0.0]
    covered = dict.fromkeys(LEVELS, 0.0)
    many, seconds = 0, 0.0
    for history, whole in series:
        seen = history[-last:] if last else history
        coming = whole[: len(seen) // 2]  # as far as a forecast looks
        floor = 0.0 if min(seen) >= 0 else None
        begun = time.process_time()
        made = forecast_series(seen, horizon=len(coming), season=season, not_below=floor, long=True)
        seconds += time.process_time() - begun
        errors = [abs(a - b) for a, b in zip(made.values, coming, strict=True)]
        scale = sum(abs(a - b) for a, b in zip(history[season:], history, strict=False)) / (len(history) - season)
        smape += _smape(made.values, coming)
        mase += sum(errors) / len(errors) / scale
        simple = naive_2(seen, season, len(coming))
        naive[0] += _smape(simple, coming)
        naive[1] += sum(abs(a - b) for a, b in zip(simple, coming, strict=True)) / len(coming) / scale
        half = [(p.interval.high - p.value) if p.interval is not None else 0.0 for p in made.points]
        narrower = [
            a / b for a, b in zip(half_widths(half, len(seen), 0.8), half_widths(half, len(seen), 0.95), strict=True)
        ]
        for level, part in ((0.8, narrower), (0.95, [1.0] * len(half))):
            inside = [abs(v - w) <= h * k for v, w, h, k in zip(made.values, coming, half, part, strict=True)]
            covered[level] += sum(inside) / len(coming)
        many += 1
    owa = (smape / naive[0] + mase / naive[1]) / 2
    cover = ", ".join(f"{100 * level:g} %: {100 * share / many:.1f} %" for level, share in covered.items())
    return (
        f"{many} series: sMAPE {smape / many:.2f}, MASE {mase / many:.4f} "
        f"(Naive 2: {naive[0] / many:.2f}, {naive[1] / many:.4f}; OWA {owa:.4f}); "
        f"held {cover}; {1000 * seconds / many:.1f} ms each"
    )


def _smape(made: Sequence[float], coming: Sequence[float]) -> float:
    return sum(200 * abs(a - b) / (abs(a) + abs(b)) for a, b in zip(made, coming, strict=True)) / len(coming)


def naive_2(history: Sequence[float], season: int, horizon: int) -> list[float]:
    """The last value again and again, with the season of the competition's yardstick where one shows at 90 %."""
    mean = sum(history) / len(history)
    spread = sum((x - mean) ** 2 for x in history)
    follows = [
        sum((a - mean) * (b - mean) for a, b in zip(history, history[lag:], strict=False)) / spread if spread else 0.0
        for lag in range(1, season + 1)
    ]
    limit = 1.645 * math.sqrt((1 + 2 * sum(r * r for r in follows[:-1])) / len(history))
    shows = len(history) >= 3 * season and min(history) > 0 and abs(follows[-1]) > limit
    index = seasonal_index(history, season) if shows else [1.0] * season
    last = history[-1] / index[(len(history) - 1) % season]
    return [last * index[(len(history) + step) % season] for step in range(horizon)]


def competition(name: str, folder: Path, *, short: bool) -> None:
    rows = [json.loads(line) for line in (folder / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]
    monthly = [(row["x"], row["xx"]) for row in rows if row["period"] == "MONTHLY"]
    if short:
        some = [(x, xx[:6]) for x, xx in monthly if len(x) >= 60][::3]
        for last in (24, 36, 48, 60):
            print(f"last {last} months, 6 ahead:", scored(some, 12, last), flush=True)
        return
    print("quarterly, 8 ahead:", scored([(r["x"], r["xx"]) for r in rows if r["period"] == "QUARTERLY"], 4), flush=True)
    print("monthly, 18 ahead:", scored(monthly, 12), flush=True)


def speed(rng: random.Random) -> None:
    """The processor time of one forecast of six months: the best of many, and the middle one."""
    for months in (24, 36, 60):
        took = []
        for _ in range(60):
            values = [1000 * math.exp(x) for x in wandering(rng, months, 0.05, 0.2)]
            begun = time.process_time()
            forecast_series(values, horizon=6, season=12, not_below=0.0)
            took.append(1000 * (time.process_time() - begun))
        took.sort()
        print(f"{months} months: {took[0]:.1f} ms at best, {took[len(took) // 2]:.1f} ms in the middle", flush=True)


def wandering(rng: random.Random, many: int, step: float, season: float) -> list[float]:
    """Logits that wander, with a season."""
    level, out = rng.uniform(-1.5, 0.5), []
    for month in range(many):
        level += rng.gauss(0, step)
        out.append(level + season * math.sin(month * math.pi / 6))
    return out


def shares(rng: random.Random, worlds: int = 300) -> None:
    """Shares by their logits against shares as plain numbers, and what the intervals hold."""
    for size, season in ((25, 0.0), (100, 0.0), (400, 0.3)):
        errors = {"logits": 0.0, "plain numbers": 0.0}
        held = dict.fromkeys(LEVELS, 0)
        for _ in range(worlds):
            logits = wandering(rng, 42, 0.06, season)
            wholes = [max(1, round(rng.gauss(size, size**0.5))) for _ in logits]
            parts = [
                sum(rng.random() < 1 / (1 + math.exp(-x)) for _ in range(n))
                for x, n in zip(logits, wholes, strict=True)
            ]
            rates = [a / b for a, b in zip(parts, wholes, strict=True)]
            truth = rates[36:]
            for level in LEVELS:
                made = forecast_shares(parts[:36], wholes[:36], horizon=6, season=12, confidence=level)
                held[level] += held_in(made, truth)
            plain = forecast_series(rates[:36], horizon=6, season=12)
            for name, found in (("logits", made), ("plain numbers", plain)):
                errors[name] += sum(abs(a - b) for a, b in zip(found.values, truth, strict=True)) / 6
        told = ", ".join(f"{name} {100 * error / worlds:.2f} points" for name, error in errors.items())
        cover = ", ".join(f"{100 * level:g} %: {100 * many / worlds / 6:.1f} %" for level, many in held.items())
        print(f"shares of about {size} records, season {season}: error of {told}; held {cover}", flush=True)


def ratios(rng: random.Random, worlds: int = 300) -> None:
    """A ratio by its value against its numerator and denominator, each forecast."""
    errors = {"value": 0.0, "parts": 0.0}
    for _ in range(worlds):
        deals = [max(5, round(math.exp(x) * 60)) for x in wandering(rng, 42, 0.05, 0.2)]
        sizes = [1000 * math.exp(x) for x in wandering(rng, 42, 0.03, 0.0)]
        sums = [
            sum(rng.lognormvariate(math.log(size), 0.8) for _ in range(n)) for size, n in zip(sizes, deals, strict=True)
        ]
        rates = [a / b for a, b in zip(sums, deals, strict=True)]
        value = forecast_series(rates[:36], horizon=6, season=12).values
        above, below = (forecast_series(one[:36], horizon=6, season=12).values for one in (sums, deals))
        for name, found in (("value", value), ("parts", [a / b for a, b in zip(above, below, strict=True)])):
            errors[name] += sum(abs(a / b - 1) for a, b in zip(found, rates[36:], strict=True)) / 6
    print("mean amounts of about 60 deals:", ", ".join(f"by {k} {100 * v / worlds:.1f} %" for k, v in errors.items()))


def weeks(rng: random.Random, worlds: int = 60) -> None:
    """Weekly sums of three years with a yearly season: with the season of 52, and without one."""
    errors = {"season": 0.0, "no season": 0.0}
    for _ in range(worlds):
        level = 100.0
        values = []
        for week in range(164):
            level *= math.exp(rng.gauss(0, 0.01))
            values.append(level * (1 + 0.25 * math.sin(week * math.pi / 26)) * math.exp(rng.gauss(0, 0.1)))
        for name, season in (("season", 52), ("no season", None)):
            found = forecast_series(values[:156], horizon=8, season=season).values
            errors[name] += sum(abs(a / b - 1) for a, b in zip(found, values[156:], strict=True)) / 8
    print("weeks:", ", ".join(f"{k} {100 * v / worlds:.1f} %" for k, v in errors.items()))


def main(arguments: Sequence[str]) -> None:
    rng = random.Random(5)
    made_up: tuple[Callable[[Any], None], ...] = (shares, ratios, weeks)
    if arguments and arguments[0] in ("m1", "m3") and len(arguments) > 1:
        competition(arguments[0], Path(arguments[1]), short="--short" in arguments)
    elif arguments == ["speed"]:
        speed(rng)
    elif arguments == ["made-up"]:
        for part in made_up:
            part(rng)
    else:
        print(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
