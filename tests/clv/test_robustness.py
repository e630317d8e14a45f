"""Random small data sets: no exception, no likelihood below that of the truth or of lifetimes.

24 sets by default, CRMKPI_ROBUSTNESS=240 for the full run. The comparison with lifetimes 0.11.3 (which needs pandas
below 3) is skipped where it is not installed.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from random import Random
from typing import Any

import pytest

from crmkpi.clv import BgNbd, GammaGamma, PurchaseHistory, days
from crmkpi.clv.beta_geometric import Data, log_likelihood
from crmkpi.clv.gamma_gamma import _data, _log_likelihood, _repeaters
from crmkpi.clv.history import patterns_of

SETS = int(os.environ.get("CRMKPI_ROBUSTNESS", "24"))


def simulated(seed: int) -> tuple[PurchaseHistory, list[float]]:
    """Simulated customers of a random BG/NBD and Gamma-Gamma model, in whole days."""
    random = Random(1000 + seed)
    size = random.choice([50, 200, 1000])
    parameters = [random.uniform(0.1, 3), random.uniform(5, 300), random.uniform(0.1, 3), random.uniform(0.5, 10)]
    r, alpha, a, b = parameters
    rows = []
    for _ in range(size):
        age = float(random.randint(30, 400))
        rate, leaving = random.gammavariate(r, 1 / alpha), random.betavariate(a, b)
        moment, frequency, recency = 0.0, 0, 0.0
        while rate > 0:
            moment += random.expovariate(rate)
            if moment > age:
                break
            day = max(1.0, float(int(moment)))
            frequency, recency = frequency + (day > recency), day
            if random.random() < leaving:
                break
        scale = random.gammavariate(4, 1 / 15)
        spend = random.gammavariate(6 * frequency, 1 / (scale * frequency)) if frequency else 0.0
        rows.append((frequency, recency, age, spend))
    return PurchaseHistory.of(rows, unit="days"), parameters


def likelihood_of_purchases(history: PurchaseHistory, parameters: Sequence[float]) -> float:
    return log_likelihood(Data.of(patterns_of(history, "python"), 0), parameters)[0]


@pytest.mark.parametrize("seed", range(SETS))
def test_any_small_data_set_gets_a_fit_at_least_as_likely_as_the_truth(seed: int) -> None:
    history, truth = simulated(seed)
    model = BgNbd.fit(history)
    summary = model.fit_summary
    assert summary is not None
    assert "the search did not settle" not in summary.weaknesses
    assert summary.log_likelihood >= likelihood_of_purchases(history, truth) - 1e-9
    assert all(0 <= chance <= 1 for chance in model.probability_alive(history))
    assert all(0 <= ahead < 1e4 for ahead in model.expected_purchases(history, horizon=days(90)))
    spend = GammaGamma.fit(history).fit_summary
    assert spend is not None
    assert "the search did not settle" not in spend.weaknesses


def test_no_fit_is_less_likely_than_that_of_lifetimes() -> None:
    lifetimes: Any = pytest.importorskip("lifetimes")
    np: Any = pytest.importorskip("numpy")
    compared = 0
    for seed in range(SETS):
        history, _ = simulated(seed)
        rows = _repeaters(history.frequency, history.spend or (), None)
        for rival, columns, mine, likelihood in (
            (
                lifetimes.BetaGeoFitter(),
                (history.frequency, history.recency, history.age),
                BgNbd.fit(history),
                lambda at, history=history: likelihood_of_purchases(history, at),
            ),
            (
                lifetimes.GammaGammaFitter(),
                rows,
                GammaGamma.fit(history),
                lambda at, rows=rows: _log_likelihood(_data(rows, None), at)[0],
            ),
        ):
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    rival.fit(*map(np.array, columns))
            except lifetimes.utils.ConvergenceError:
                continue  # nothing to compare with if the rival gives up
            compared += 1
            assert mine.fit_summary is not None
            assert mine.fit_summary.log_likelihood >= likelihood(list(rival.params_)) - 1e-7, (seed, rival.params_)
    assert compared > SETS
