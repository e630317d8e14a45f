"""Agreement with pymc-marketing, with flat priors, so that its mode is the maximum of the likelihood.

Skipped where it is not installed, as in CI: it installs a compiler and 150 other packages.

    pip install --only-binary :all: pymc-marketing && pytest tests/clv/test_against_pymc_marketing.py
"""

from __future__ import annotations

import warnings
from typing import Any

import pytest

from crmkpi.clv import BgNbd, GammaGamma, MbgNbd, ParetoNbd, PurchaseHistory, weeks

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    rivals: Any = pytest.importorskip("pymc_marketing.clv", reason="needs pymc-marketing")
    from pymc_extras.prior import Prior  # type: ignore[import-not-found]  # pyrefly: ignore
np: Any = pytest.importorskip("numpy")
pandas: Any = pytest.importorskip("pandas")

pytestmark = pytest.mark.filterwarnings("ignore")  # ignore warnings of the rival's dependencies


@pytest.fixture(scope="module")
def customers(shop: PurchaseHistory) -> Any:
    columns = {"frequency": shop.frequency, "recency": shop.recency, "T": shop.age}
    return pandas.DataFrame({"customer_id": range(len(shop.frequency)), **columns})


@pytest.mark.parametrize(
    ("kind", "rival"), [(BgNbd, "BetaGeoModel"), (MbgNbd, "ModifiedBetaGeoModel"), (ParetoNbd, "ParetoNBDModel")]
)
def test_fits_and_predictions_agree(kind: Any, rival: str, shop: PurchaseHistory, customers: Any) -> None:
    model = kind.fit(shop)
    names = model.parameter_names
    other = getattr(rivals, rival)(data=customers, model_config={name: Prior("HalfFlat") for name in names})
    other.fit(method="map", progressbar=False)
    found = other.fit_summary()
    assert model.parameters == pytest.approx([float(found[name]) for name in names], rel=0.01)
    alive = np.ravel(other.expected_probability_alive())
    assert np.asarray(model.probability_alive(shop)) == pytest.approx(alive, abs=2e-3)
    ahead = np.ravel(other.expected_purchases(future_t=39))
    assert np.asarray(model.expected_purchases(shop, horizon=weeks(39))) == pytest.approx(ahead, rel=5e-3)


def test_spend_agrees(shop: PurchaseHistory) -> None:
    assert shop.spend is not None
    rows = [(x, z) for x, z in zip(shop.frequency, shop.spend, strict=True) if x]
    columns = {"frequency": [x for x, _ in rows], "monetary_value": [z for _, z in rows]}
    other = rivals.GammaGammaModel(data=pandas.DataFrame({"customer_id": range(len(rows)), **columns}))
    other.fit(method="map", progressbar=False)
    found = other.fit_summary()
    model = GammaGamma.fit(shop)
    assert model.parameters == pytest.approx([float(found[name]) for name in ("p", "q", "v")], rel=0.01)
    theirs = np.ravel(other.expected_customer_spend(other.data))
    assert np.asarray(model.expected_spend(*map(list, zip(*rows, strict=True)))) == pytest.approx(theirs, rel=2e-3)
