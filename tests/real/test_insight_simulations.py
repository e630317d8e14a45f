"""The insight layer in made-up worlds, against the shares that another simulation of the same design gave.

The cases lie in the file beside the public data sets. Two shares of w worlds each differ by chance, so a tolerance has
three standard errors beside what the case allows.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crmkpi.insight.control import control_chart
from crmkpi.insight.forecast import forecast_series
from crmkpi.insight.leading import leading_series
from crmkpi.insight.search import search_totals
from crmkpi.statistics.control_limits import limits_of_values, rules_of, signals
from crmkpi.statistics.drivers import correlated
from crmkpi.statistics.forecasting import half_widths
from crmkpi.statistics.pace import count_pace, curve_pace

pytestmark = pytest.mark.slow
Maker = Callable[[np.random.Generator], Any]


def test_every_case_is_held_by_its_name(cases: dict[str, Any]) -> None:
    here = Path(__file__)
    text = here.read_text("utf-8") + here.with_name("test_insight.py").read_text("utf-8")
    families = ("explain.kitagawa.", "pace.count.", "target.share.")  # tests run these cases one by one
    assert [name for name in cases if f'"{name}"' not in text and not name.startswith(families)] == []
    assert all(f'"{family}"' in text for family in families)


def near(share: float, allowed: float, worlds: int) -> Any:
    return pytest.approx(share, abs=allowed + 3 * math.sqrt(max(share * (1 - share), 0.01) / worlds))


def following(rng: np.random.Generator, points: int, r: float) -> Any:
    """Autocorrelated values, from the first shock on."""
    shocks = rng.normal(size=points)
    out = [shocks[0]]
    for shock in shocks[1:]:
        out.append(r * out[-1] + shock)
    return np.array(out)


def shifted(rng: np.random.Generator, by: float, last: int) -> Any:
    values = rng.normal(size=24)
    values[-last:] += by
    return values


RULES: Mapping[str, tuple[str, ...]] = {
    "r1": ("beyond",),
    "r1+run8": ("beyond", "run"),
    "r1+anhoej": ("beyond", "anhoej"),
    "NHS(r1,run7,trend7,2of3)": ("nhs",),
    "WE(r1,2of3,4of5,run8)": ("western_electric",),
    "r1+run8+2of3": ("beyond", "run", "two_of_three"),
}
SERIES: Mapping[str, Maker] = {
    "normal iid n=12": lambda rng: rng.normal(size=12),
    "normal iid n=24": lambda rng: rng.normal(size=24),
    "normal iid n=36": lambda rng: rng.normal(size=36),
    "poisson mean 20 n=24": lambda rng: rng.poisson(20, 24),
    "lognormal cv .5 n=24": lambda rng: np.exp(rng.normal(0, math.sqrt(math.log(1.25)), 24)),
    "AR(.5) n=24": lambda rng: following(rng, 24, 0.5),
    "shift 1sd last 8 of 24": lambda rng: shifted(rng, 1, 8),
    "shift 2sd last 4 of 24": lambda rng: shifted(rng, 2, 4),
    "shift 1.5sd last 6": lambda rng: shifted(rng, 1.5, 6),
    "spike 4sd last 1": lambda rng: shifted(rng, 4, 1),
    "season amp 2sd n=24": lambda rng: rng.normal(size=24) + 2 * np.sin(np.arange(24) * np.pi / 6),
}


def test_rules_call_as_much_as_they_say(cases: dict[str, Any]) -> None:
    expected, worlds, rng = cases["control.false_alarms"]["expected"], 300, np.random.default_rng(7)
    assert set(expected) == set(SERIES)
    for name, make in SERIES.items():
        called = dict.fromkeys(RULES, 0)
        for _ in range(worlds):
            values = [float(value) for value in make(rng)]
            limits = limits_of_values(values, screen=False)
            assert limits is not None
            for rules, those in RULES.items():
                called[rules] += bool(signals(values, limits, rules_of(those)))
        assert {rules: many / worlds for rules, many in called.items()} == {
            rules: near(expected[name][rules], 0.03, worlds) for rules in RULES
        }, name


def test_charts_of_values_that_follow_each_other_call_as_much_as_they_say(cases: dict[str, Any]) -> None:
    expected, worlds, rng = cases["control.autocorrelated"]["expected"], 400, np.random.default_rng(21)
    for name, shares in expected.items():
        if name.startswith("rho="):
            r, points = (float(one.partition("=")[2]) for one in name.split())
            for widened, share in ((False, shares["plain"]), (True, shares["widened (last: log chart)"])):
                called = sum(
                    bool(
                        control_chart(
                            [float(x) for x in following(rng, int(points), r)], rules="beyond", autocorrelation=widened
                        ).signals
                    )
                    for _ in range(worlds)
                )
                assert called / worlds == near(share, 0.03, worlds), (name, widened)
        else:  # skewed values are charted by their logarithm
            logs = [control_chart(list(SERIES["lognormal cv .5 n=24"](rng)), rules="beyond") for _ in range(worlds)]
            share = shares["widened (last: log chart)"]
            assert sum(bool(one.signals) for one in logs) / worlds == near(share, 0.03, worlds)


def test_the_search_finds_what_is_there(cases: dict[str, Any]) -> None:
    expected, worlds, rng = cases["explain.search.simulation"]["expected"], 60, np.random.default_rng(5)
    causes: Mapping[str, tuple[Callable[[Any, Any], Any], Any]] = {
        "null": (lambda owner, size: 0.0, None),
        "broad": (lambda owner, size: -0.06, None),
        "one value": (lambda owner, size: np.where(owner == 2, -0.15, 0), {"owner": 2}),
        "pair": (lambda owner, size: np.where((owner == 2) & (size == 3), -0.25, 0), {"owner": 2, "size": 3}),
    }
    for name, shares in expected.items():
        moved, right = next(cause for word, cause in causes.items() if name.startswith(word))
        many = int(name.partition("N=")[2])
        found = [
            search_totals(*(_deals(rng, many, one) for one in (causes["null"][0], moved)), names=["a", "owner", "size"])
            for _ in range(worlds)
        ]
        named = sum(not one.broad for one in found) / worlds
        exact = sum(not one.broad and one.found[0].cell == right for one in found) / worlds
        assert (named, exact) == (near(shares["any"], 0.05, worlds), near(shares["exact"], 0.05, worlds)), name


def _deals(rng: np.random.Generator, many: int, moved: Callable[[Any, Any], Any]) -> dict[Any, Any]:
    source, owner, size = (rng.integers(0, values, many) for values in (6, 4, 5))
    won = rng.random(many) < 0.3 + moved(owner, size)
    place = (source * 4 + owner) * 5 + size
    counts = zip(np.bincount(place[won], minlength=120), np.bincount(place, minlength=120), strict=True)
    return {(n // 20, n // 5 % 4, n % 5): (float(a), float(b), 0.0) for n, (a, b) in enumerate(counts) if b}


@pytest.mark.parametrize("kind", ["mean", "sum"])
def test_the_search_calls_skewed_amounts_by_chance_as_seldom_as_shares(kind: str) -> None:
    """3,000 lognormal amounts; the specification has 2, 7, 89 and 98 % for means, and none for sums."""
    worlds, rng = 60, np.random.default_rng(5)
    causes: list[tuple[Callable[[Any, Any], Any], Any]] = [
        (lambda owner, size: 1.0, None),
        (lambda owner, size: 0.8, None),
        (lambda owner, size: np.where(owner == 2, 0.75, 1), {"owner": 2}),
        (lambda owner, size: np.where((owner == 2) & (size == 3), 0.5, 1), {"owner": 2, "size": 3}),
    ]

    def amounts(moved: Callable[[Any, Any], Any]) -> dict[Any, Any]:
        many = 3000 if kind == "mean" else int(rng.poisson(3000))
        source, owner, size = (rng.integers(0, values, many) for values in (6, 4, 5))
        values = np.exp(rng.normal(6, 0.8, many)) * moved(owner, size)
        place = (source * 4 + owner) * 5 + size
        sums = [np.bincount(place, weights, minlength=120) for weights in (values, np.ones(many), values**2)]
        return {(n // 20, n // 5 % 4, n % 5): three for n, three in enumerate(zip(*sums, strict=True)) if three[1]}

    for (moved, right), least in zip(causes, (0, 0, *((0.89, 0.98) if kind == "mean" else (0.5, 0.6))), strict=True):
        found = [
            search_totals(amounts(causes[0][0]), amounts(moved), names=["a", "owner", "size"], kind=kind)
            for _ in range(worlds)
        ]
        if right is None:
            assert sum(not one.broad for one in found) / worlds <= 0.07 + 3 * math.sqrt(0.05 * 0.95 / worlds)
        else:
            exact = sum(not one.broad and one.found[0].cell == right for one in found) / worlds
            assert exact >= least - 0.05 - 3 * math.sqrt(least * (1 - least) / worlds)


def test_the_pace_of_a_month_comes_true_as_often_as_it_says(cases: dict[str, Any]) -> None:
    expected, worlds, rng = cases["pace.calibration"]["expected"], 700, np.random.default_rng(13)
    for name, shares in expected.items():
        dispersion, end, day = float(name.split()[1]), "True" in name, int(name.split()[-3])
        weight = np.array([1.0] * 16 + [2.5 if end else 1.0] * 5)
        means = 30 * weight / weight.sum()
        said: dict[str, list[list[bool]]] = {
            "run rate Poisson": [[], []],
            "run rate dispersed": [[], []],
            "curve": [[], []],
        }
        for _ in range(worlds):
            if dispersion > 1:
                months = rng.negative_binomial(means / (dispersion - 1), 1 / dispersion, (13, 21))
            else:
                months = rng.poisson(means, (13, 21))
            early, whole = months[:, :day].sum(axis=1), months.sum(axis=1)
            target = max(1, round(30 * math.exp(rng.normal(0, 0.2))))
            done = int(early[12])
            curve = curve_pace(list(zip(early[:12].tolist(), whole[:12].tolist(), strict=True)), done, target)
            chances = {
                "run rate Poisson": count_pace(done, day, 21, target).probability,
                "run rate dispersed": count_pace(done, day, 21, target, dispersion=dispersion).probability,
                "curve": None if curve is None else curve.probability,
            }
            for method, chance in chances.items():
                if chance is not None and not 0.2 <= chance < 0.8:
                    said[method][chance < 0.2].append(bool(whole[12] >= target))
        for method, (likely, unlikely) in said.items():
            came = [sum(one) / len(one) for one in (likely, unlikely)]
            wanted = [(shares[method]["said80"], likely), (shares[method]["said20"], unlikely)]
            assert came == [near(share, 0.03, len(those)) for share, those in wanted], (name, method)


def _pairs(rng: np.random.Generator, kind: str, points: int) -> tuple[Any, Any]:
    months = np.arange(points)
    if kind == "walks":
        return rng.normal(size=points).cumsum(), rng.normal(size=points).cumsum()
    if kind == "trends":
        return tuple(0.3 * months + rng.normal(size=points) for _ in range(2))  # type: ignore[return-value]
    if kind == "seasons":
        return tuple(  # type: ignore[return-value]
            2 * np.sin(2 * np.pi * (months + rng.integers(12)) / 12) + rng.normal(size=points) for _ in range(2)
        )
    steps = rng.normal(size=points + 2)
    return steps[2:].cumsum(), (0.8 * steps[:-2] + 0.6 * rng.normal(size=points)).cumsum()


def test_leads_by_chance_are_rare_and_true_ones_are_found(cases: dict[str, Any]) -> None:
    expected, worlds, rng = cases["drivers.false_leads"]["expected"], 150, np.random.default_rng(3)

    def led(kind: str, points: int, season: int | None) -> list[Any]:
        made = []
        for _ in range(worlds):
            leader, follower = _pairs(rng, kind, points)
            made.append(leading_series(list(follower), {"one": list(leader)}, season=season).leads)
        return made

    # A lead must also have the same sign in both halves, which the other simulation did not require.
    for kind, name in (
        ("walks", "independent walks differenced n_eff"),
        ("trends", "independent trends differenced n_eff"),
        ("seasons", "independent seasons yoy-differenced n_eff"),
    ):
        false = sum(bool(leads) for leads in led(kind, 36 + 13 * (kind == "seasons"), 12)) / worlds
        assert false <= expected[name] + 0.04 + 3 * math.sqrt(0.05 * 0.95 / worlds), kind
    for points in (36, 60):
        found = led("true", points, None)
        right = sum(bool(leads) and leads[0].lag == 2 for leads in found) / worlds
        assert right >= expected[f"true lead 2, b=.8, n={points}"] - 0.1, points
    leader, follower = _pairs(rng, "true", 24)
    assert correlated(list(np.diff(leader)), list(np.diff(follower)), 0) is None  # 23 changes are too few to say


def _scores(made: Any, coming: list[float], scale: float) -> tuple[float, float]:
    errors = [abs(a - b) for a, b in zip(made, coming, strict=True)]
    parts = [200 * e / (abs(a) + abs(b)) for e, a, b in zip(errors, made, coming, strict=True)]
    return sum(parts) / len(parts), sum(errors) / len(errors) / scale


def _scale(history: list[float], season: int) -> float:
    return sum(abs(a - b) for a, b in zip(history[season:], history, strict=False)) / (len(history) - season)


def test_forecasts_of_the_competition_are_as_good_as_they_say(cases: dict[str, Any], folder: Path) -> None:
    """All quarterly series, every 30th monthly one; benchmarks/forecast.py uses all of them."""
    lines = (folder / "series" / "m3.jsonl").read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    case = cases["forecast.m3_quarterly"]
    scores = []
    for row in (one for one in rows if one["period"] == "QUARTERLY"):
        made = forecast_series(row["x"], horizon=8, season=4, not_below=0.0, long=True)
        scores.append(_scores(made.values, row["xx"], _scale(row["x"], 4)))
    smape, mase = (sum(one) / len(scores) for one in zip(*scores, strict=True))
    naive = case["expected"]["Naive2"]
    assert (smape / naive["smape"] + mase / naive["mase"]) / 2 <= case["acceptance"]["owa_at_most"]
    monthly = [row for row in rows if row["period"] == "MONTHLY"]
    best = cases["forecast.m3_monthly"]["acceptance"]["smape_at_most"]
    some = monthly[::30]
    made_18 = [forecast_series(row["x"], horizon=18, season=12, not_below=0.0, long=True) for row in some]
    several = [_scores(one.values, row["xx"], _scale(row["x"], 12))[0] for one, row in zip(made_18, some, strict=True)]
    assert sum(several) / len(several) <= best + 3 * float(np.std(several)) / math.sqrt(len(several))


@pytest.mark.parametrize("months", [24, 36])
def test_forecasts_of_short_histories_hold_what_they_say(cases: dict[str, Any], folder: Path, months: int) -> None:
    accepted = cases["forecast.short_history"]["acceptance"]
    lines = (folder / "series" / "m3.jsonl").read_text("utf-8").splitlines()
    long = [row for row in map(json.loads, lines) if row["period"] == "MONTHLY" and len(row["x"]) >= 60][::3]
    error, held = 0.0, [0.0, 0.0]
    for row in long:
        made = forecast_series(row["x"][-months:], horizon=6, season=12, not_below=0.0)
        errors = [abs(a - b) for a, b in zip(made.values, row["xx"][:6], strict=True)]
        error += sum(errors) / 6 / _scale(row["x"], 12)
        half = [0.0 if one.interval is None else one.interval.high - one.value for one in made.points]
        narrow = [
            h * a / b for h, a, b in zip(half, *(half_widths([1.0] * 6, months, c) for c in (0.8, 0.95)), strict=True)
        ]
        for place, width in enumerate((narrow, half)):
            held[place] += sum(one <= wide for one, wide in zip(errors, width, strict=True)) / 6
    assert error / len(long) <= accepted[str(months)]
    for share, (low, high) in zip(held, (accepted["cov80"], accepted["cov95"]), strict=True):
        assert low <= share / len(long) <= high
