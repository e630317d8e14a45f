"""Agreement with lifetimes 0.11.3 where it is right, on the data that it brings; skipped where it is not installed."""

from __future__ import annotations

import csv
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from crmkpi.clv import (
    BgBb,
    BgNbd,
    DiscountRate,
    GammaGamma,
    MbgNbd,
    ParetoNbd,
    PurchaseHistory,
    customer_value,
    weeks,
)
from crmkpi.clv.beta_geometric import Data
from crmkpi.clv.beta_geometric import log_likelihood as of_purchases
from crmkpi.clv.history import patterns_of
from crmkpi.clv.pareto_nbd import _log_likelihood as of_lifetimes

np: Any = pytest.importorskip("numpy", reason="needs numpy, which comes with lifetimes")
pandas: Any = pytest.importorskip("pandas", reason="needs pandas, which comes with lifetimes")
lifetimes: Any = pytest.importorskip("lifetimes", reason='needs lifetimes: pip install ".[rivals]"')
DATA = Path(lifetimes.__file__).parent / "datasets"  # read the file directly, since its loaders need an old setuptools


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Ignore the rivals' warnings about their arithmetic and about deprecated numpy and pandas functions."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.fixture(scope="module")
def cdnow() -> PurchaseHistory:
    """Weeks of 2,357 customers of a music shop: a tenth of the CDNOW cohort."""
    with (DATA / "cdnow_customers_summary_with_transactions.csv").open(encoding="utf-8") as file:
        rows = [[float(row[name]) for name in ("x", "t_x", "T", "zbar")] for row in csv.DictReader(file)]
    return PurchaseHistory.of(rows, unit="weeks")


@pytest.mark.parametrize("engine", ["python", "numpy"])
@pytest.mark.parametrize(
    ("name", "kind"), [("bgnbd_D1", BgNbd), ("mbgnbd_D1", MbgNbd), ("pnbd_D1", ParetoNbd), ("gg_D1", GammaGamma)]
)
def test_fits_to_the_cdnow_sample_are_the_published_ones(
    name: str, kind: Any, engine: Any, cdnow: PurchaseHistory, oracle: Any
) -> None:
    expected = oracle["mle_fits"][name]
    model = kind.fit(cdnow, engine=engine)
    fitted = dict(zip(model.parameter_names, model.parameters, strict=True))
    assert fitted == pytest.approx(expected["params"], rel=1e-7)
    assert model.fit_summary.log_likelihood == pytest.approx(expected["loglik"], abs=1e-7)
    assert list(model.fit_summary.standard_errors) == pytest.approx(list(expected["se"].values()), rel=1e-4)
    assert not model.fit_summary.weakly_identified


def test_all_customers_together_are_worth_what_was_published(cdnow: PurchaseHistory, oracle: Any) -> None:
    expected = oracle["clv_cdnow_D1"]
    month = weeks(4.345)
    values = customer_value(
        BgNbd.fit(cdnow),
        GammaGamma.fit(cdnow),
        cdnow,
        horizon=weeks(12 * 4.345),
        period=month,
        discount=DiscountRate(0.01, month),
    )
    assert sum(values) == pytest.approx(expected["total_12m_1pct_4_345w_all_2357"], rel=1e-7)
    assert list(values[:10]) == pytest.approx(expected["lifetimes_W_output"], rel=1e-6)


@pytest.mark.parametrize(
    ("kind", "rival", "likelihood"),
    [
        (BgNbd, "BetaGeoFitter", lambda patterns, at: of_purchases(Data.of(patterns, 0), at)),
        (MbgNbd, "ModifiedBetaGeoFitter", lambda patterns, at: of_purchases(Data.of(patterns, 1), at)),
        (ParetoNbd, "ParetoNBDFitter", of_lifetimes),
    ],
)
def test_fits_and_predictions_agree(kind: Any, rival: str, likelihood: Any, cdnow: PurchaseHistory) -> None:
    columns = [np.array(column) for column in (cdnow.frequency, cdnow.recency, cdnow.age)]
    np.random.seed(20261122)  # seeds the starting values of lifetimes' Pareto/NBD fit
    other = getattr(lifetimes, rival)().fit(*columns)
    model = kind.fit(cdnow)
    # lifetimes stops early on a flat maximum, up to 0.2 % off in one parameter: the likelihood decides.
    assert model.parameters == pytest.approx(list(other.params_), rel=5e-3)
    assert model.fit_summary.log_likelihood >= likelihood(patterns_of(cdnow, "python"), list(other.params_))[0] - 1e-9
    alive = np.ravel(other.conditional_probability_alive(*columns))
    assert np.asarray(model.probability_alive(cdnow)) == pytest.approx(alive, rel=1e-3)
    ahead = np.ravel(other.conditional_expected_number_of_purchases_up_to_time(39, *columns))
    assert np.asarray(model.expected_purchases(cdnow, horizon=weeks(39))) == pytest.approx(ahead, rel=1e-3)


def test_spend_agrees(cdnow: PurchaseHistory) -> None:
    frequency, spend = np.array(cdnow.frequency), np.array(cdnow.spend)
    other = lifetimes.GammaGammaFitter().fit(frequency[frequency > 0], spend[frequency > 0])
    assert GammaGamma.fit(cdnow).parameters == pytest.approx(list(other.params_), rel=1e-5)


def test_opportunities_agree_on_the_donation_data() -> None:
    donations = pandas.read_csv(DATA / "donations.csv")
    rows = [
        (int(row.frequency), int(row.recency), int(row.periods))
        for row in donations.itertuples()
        for _ in range(int(row.weights))
    ]
    other = lifetimes.BetaGeoBetaBinomFitter().fit(
        donations["frequency"], donations["recency"], donations["periods"], donations["weights"]
    )
    model = BgBb.fit(rows)
    assert model.parameters == pytest.approx(list(other.params_), rel=1e-4)
    assert model.fit_summary is not None
    assert model.fit_summary.log_likelihood == pytest.approx(-33225.58, abs=0.01)  # Fader, Hardie and Shang 2010
    one = donations.iloc[[0, 5, 21]]
    ahead = other.conditional_expected_number_of_purchases_up_to_time(5, one.frequency, one.recency, one.periods)
    mine = model.expected_purchases(
        [(int(r.frequency), int(r.recency), int(r.periods)) for r in one.itertuples()], opportunities=5
    )
    assert mine == pytest.approx(list(ahead), rel=1e-3)
