"""How long the customers of a telephone company stay, against R and lifelines 0.30.3."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from crmkpi.insight.survival import Durations, kaplan_meier, log_rank, mean_lifetime

FIGURES = json.loads((Path(__file__).parents[1] / "oracles" / "survival.json").read_text("utf-8"))
CONTRACTS = {"telco_month_to_month": "Month-to-month", "telco_one_year": "One year", "telco_two_year": "Two year"}


@pytest.fixture(scope="module")
def stays(folder: Path) -> dict[str, Durations]:
    """Months of tenure, all together and by contract."""
    with (folder / "telco" / "Telco-Customer-Churn.csv").open(encoding="utf-8") as file:
        rows = [(int(row["tenure"]), row["Churn"] == "Yes", row["Contract"]) for row in csv.DictReader(file)]
    groups = {"telco_all": rows} | {
        name: [row for row in rows if row[2] == contract] for name, contract in CONTRACTS.items()
    }
    return {
        name: Durations([row[0] for row in group], [row[1] for row in group], "months")
        for name, group in groups.items()
    }


@pytest.mark.parametrize("name", ["telco_all", "telco_month_to_month"])
def test_curve_and_band_are_those_of_r(name: str, stays: Any) -> None:
    curve = kaplan_meier(stays[name])
    for time, expected in FIGURES["expected"][name]["survival_at"].items():
        point = curve.at(float(time))
        assert (point.survival, point.standard_error) == pytest.approx((expected["S"], expected["se"]), rel=1e-12)
        assert (point.low, point.high) == pytest.approx(tuple(expected["ci95_loglog"]), rel=1e-12)


@pytest.mark.parametrize("name", ["telco_all", "telco_month_to_month"])
def test_restricted_means_have_greenwoods_error_as_in_r(name: str, stays: Any) -> None:
    curve = kaplan_meier(stays[name])
    for horizon, expected in FIGURES["expected"][name]["rmst"].items():
        mean = curve.restricted_mean(float(horizon))
        assert mean.value == pytest.approx(expected["value"], rel=1e-12)
        assert mean.standard_error == pytest.approx(expected["se_greenwood"], rel=1e-12)


@pytest.mark.parametrize("name", ["telco_all", "telco_month_to_month"])
def test_median_and_its_interval_are_the_known_ones(name: str, stays: Any) -> None:
    expected = FIGURES["expected"][name]
    median = kaplan_meier(stays[name]).median
    assert median.time == expected["median"]
    assert [median.low, median.high] == expected["median_ci95_loglog"]


def test_the_mean_of_churned_customers_is_18_months_where_54_is_right(stays: Any) -> None:
    telco, expected = stays["telco_all"], FIGURES["expected"]["telco_all"]
    assert mean_lifetime(telco, method="churned_only") == pytest.approx(expected["naive_mean_of_churned_only"])
    assert mean_lifetime(telco) == pytest.approx(expected["exponential_mle_mean"])
    assert mean_lifetime(telco, method="inverse_churn") == pytest.approx(expected["naive_1_over_observed_churn_share"])
    assert kaplan_meier(telco).restricted_mean(72).value == pytest.approx(54.4924, abs=1e-4)


def test_the_log_rank_test_agrees_with_lifelines_for_two_and_three_groups(stays: Any) -> None:
    groups = {name: stays[name] for name in CONTRACTS}
    expected = FIGURES["log_rank_lifelines_0_30_3"]
    assert log_rank(groups).statistic == pytest.approx(expected["telco_by_contract"], rel=1e-10)
    del groups["telco_month_to_month"]
    both = log_rank(groups)
    assert [both.statistic, both.p_value] == pytest.approx(expected["telco_one_year_two_year"], rel=1e-9)
    assert sum(both.observed.values()) == pytest.approx(sum(both.expected.values()))
