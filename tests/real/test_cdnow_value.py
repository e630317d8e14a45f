"""CDNOW from order lines to value: the published fits, and a holdout of 39 weeks."""

from __future__ import annotations

import csv
import json
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from crmkpi.clv import BgNbd, GammaGamma, MbgNbd, ParetoNbd, PurchaseHistory, annual, customer_value, weeks
from crmkpi.insight.cohorts import cohorts
from crmkpi.insight.rfm import split_holdout

FIGURES = Path(__file__).parents[1] / "oracles" / "clv.json"
MODELS: dict[str, Any] = {"bgnbd_D1": BgNbd, "mbgnbd_D1": MbgNbd, "pnbd_D1": ParetoNbd}


@pytest.fixture(scope="module")
def figures() -> Any:
    return json.loads(FIGURES.read_text("utf-8"))


@pytest.fixture(scope="module")
def sample(folder: Path) -> PurchaseHistory:
    """Weeks of a tenth of the cohort."""
    with (folder / "cdnow" / "cdnow_customers_summary.csv").open(encoding="utf-8") as file:
        rows = [(int(r["frequency"]), float(r["recency"]), float(r["T"])) for r in csv.DictReader(file)]
    return PurchaseHistory.of(rows, unit="weeks")


@pytest.fixture(scope="module")
def orders(folder: Path) -> list[Any]:
    lines = (line.split() for line in (folder / "cdnow" / "CDNOW_master.txt").read_text("utf-8").splitlines()[1:])
    return [
        SimpleNamespace(customer_id=customer, ordered_at=date.fromisoformat(day), amount=float(amount))
        for customer, day, _, amount in lines
    ]


@pytest.mark.parametrize("name", MODELS)
def test_fits_to_the_sample_are_the_published_ones(name: str, sample: PurchaseHistory, figures: Any) -> None:
    expected = figures["mle_fits"][name]
    model = MODELS[name].fit(sample)
    fitted = dict(zip(model.parameter_names, model.parameters, strict=True))
    assert fitted == pytest.approx(expected["params"], rel=1e-7)
    assert model.fit_summary.log_likelihood == pytest.approx(expected["loglik"], abs=1e-7)
    assert list(model.fit_summary.standard_errors) == pytest.approx(list(expected["se"].values()), rel=1e-4)
    assert not model.fit_summary.weakly_identified


@pytest.mark.parametrize(("kind", "key"), [(BgNbd, "bgnbd_predicted_total"), (ParetoNbd, "pnbd_predicted_total")])
def test_the_39_weeks_to_come_are_predicted_as_published(kind: Any, key: str, sample: Any, figures: Any) -> None:
    predicted = kind.fit(sample).expected_purchases(sample, horizon=weeks(39))
    assert sum(predicted) == pytest.approx(figures["clv_cdnow_D1"]["holdout_39_weeks"][key], rel=1e-7)


def test_cohort_retention_is_the_expected_one(orders: Any, folder: Path) -> None:
    checks = json.loads((folder / "cdnow.expected.json").read_text("utf-8"))["checks"]
    expected = next(check["value"] for check in checks if check["id"] == "cohort_retention")
    table = cohorts(orders, as_of=date(1998, 6, 30))
    assert [cohort.label for cohort in table.cohorts] == sorted(expected)
    for cohort in table.cohorts:
        rates = [expected[cohort.label][month] for month in sorted(expected[cohort.label])]
        assert [cohort.rate(k) for k in range(len(rates))] == pytest.approx(rates, rel=1e-12)


@pytest.mark.parametrize("kind", [BgNbd, ParetoNbd])
def test_39_weeks_are_foreseen_within_15_percent(kind: Any, orders: Any) -> None:
    holdout = split_holdout(orders, as_of=date(1997, 9, 30), until=date(1998, 6, 30))
    history = holdout.table.history("weeks")
    assert (len(history), holdout.new_customers, holdout.horizon.to("weeks")) == (23570, 0, 39)
    model = kind.fit(history)
    check = model.check(history, holdout.actual, horizon=holdout.horizon)
    assert abs(check.error_rate or 0) < 0.15
    spend = GammaGamma.fit(history)
    values = customer_value(model, spend, history, discount=annual(0.15))
    assert 500_000 < sum(values) < 1_200_000
