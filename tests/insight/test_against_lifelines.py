"""Agreement with lifelines 0.30.3 on random data with delayed entry, and with R on the data set that it brings."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from crmkpi.insight.survival import Durations, kaplan_meier, log_rank

lifelines: Any = pytest.importorskip("lifelines", reason='needs lifelines: pip install ".[rivals]"')
datasets: Any = pytest.importorskip("lifelines.datasets")
statistics: Any = pytest.importorskip("lifelines.statistics")

FIGURES = json.loads((Path(__file__).parents[1] / "oracles" / "survival.json").read_text("utf-8"))["expected"]


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Ignore lifelines' warnings about deprecated numpy and pandas functions."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def sample(seed: int, *, late: bool) -> Durations:
    random = Random(seed)
    entries = [random.randint(0, 20) if late else 0 for _ in range(300)]
    lasting = [entry + random.randint(1, 40) for entry in entries]
    return Durations(lasting, [random.random() < 0.6 for _ in lasting], entries=entries if late else None)


def waltons(name: str) -> Durations:
    rows = datasets.load_waltons()
    if name == "waltons_control":
        rows = rows[rows["group"] == "control"]
    return Durations(rows["T"].tolist(), [bool(ended) for ended in rows["E"]])


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_curves_bands_and_medians_agree(seed: int, *, late: bool) -> None:
    data = sample(seed, late=late)
    other = lifelines.KaplanMeierFitter().fit(data.durations, data.ended, entry=data.entries)
    curve = kaplan_meier(data)
    for point in curve.points():
        assert point.survival == pytest.approx(other.survival_function_at_times(point.time).iloc[0], abs=1e-12)
        band = other.confidence_interval_.asof(point.time)
        if 0 < point.survival < 1:
            assert (point.low, point.high) == pytest.approx(tuple(band), abs=1e-9)
    assert curve.median.time == other.median_survival_time_


def test_log_rank_statistics_agree_with_ties() -> None:
    groups = {seed: sample(seed, late=False) for seed in range(4)}
    flat = [(d, e, g) for g, data in groups.items() for d, e in zip(data.durations, data.ended, strict=True)]
    other = statistics.multivariate_logrank_test(*([row[i] for row in flat] for i in (0, 2, 1)))
    mine = log_rank(groups)
    assert (mine.statistic, mine.p_value) == pytest.approx((other.test_statistic, other.p_value), rel=1e-9)


@pytest.mark.parametrize("name", ["waltons_all", "waltons_control"])
def test_curve_means_and_median_are_those_of_r(name: str) -> None:
    curve, expected = kaplan_meier(waltons(name)), FIGURES[name]
    for time, figures in expected["survival_at"].items():
        point = curve.at(float(time))
        assert (point.survival, point.standard_error) == pytest.approx((figures["S"], figures["se"]), rel=1e-12)
        assert (point.low, point.high) == pytest.approx(tuple(figures["ci95_loglog"]), rel=1e-12)
    for horizon, figures in expected["rmst"].items():
        mean = curve.restricted_mean(float(horizon))
        assert (mean.value, mean.standard_error) == pytest.approx(
            (figures["value"], figures["se_greenwood"]), rel=1e-12
        )
    assert [curve.median.time, curve.median.low, curve.median.high] == [
        expected["median"],
        *expected["median_ci95_loglog"],
    ]
