"""Published or high-precision figures: closed forms to 1e-9, fits to 1e-7, standard errors to 1e-4."""

from __future__ import annotations

import math
from importlib.util import find_spec
from typing import Any

import pytest

from crmkpi.clv import (
    BgNbd,
    DiscountRate,
    GammaGamma,
    MbgNbd,
    ParetoNbd,
    PurchaseHistory,
    ShiftedBetaGeometric,
    Span,
    annual,
    customer_value,
    monthly,
    months,
    weeks,
)
from crmkpi.clv.beta_geometric import Data, log_likelihood
from crmkpi.clv.gamma_gamma import _data as spend_data
from crmkpi.clv.gamma_gamma import _log_likelihood as likelihood_of_spend
from crmkpi.clv.history import patterns_of
from crmkpi.clv.pareto_nbd import _log_likelihood as likelihood_of_pareto

ENGINES: list[Any] = ["python", *(["numpy"] if find_spec("numpy") else [])]


def close(value: Any) -> Any:
    return pytest.approx(value, rel=1e-9, abs=1e-12)


def one(case: dict[str, float]) -> PurchaseHistory:
    return PurchaseHistory.of([(case["x"], case["t_x"], case["T"])], unit="weeks")


def bg(parameters: list[float], kind: Any = BgNbd) -> Any:
    return kind(**dict(zip(kind.parameter_names, parameters, strict=True)), unit="weeks")


def test_new_customers_of_bg_nbd_buy_as_published(oracle: Any) -> None:
    model = BgNbd(**oracle["bgnbd"]["params"])
    for case in oracle["bgnbd"]["expected_purchases_new_customer"]:
        assert model.expected_purchases_of_new_customer(weeks(case["t"])) == close(case["value"])


@pytest.mark.parametrize("engine", ENGINES)
def test_known_customers_of_bg_nbd_buy_as_published_even_with_3000_purchases(oracle: Any, engine: Any) -> None:
    model = BgNbd(**oracle["bgnbd"]["params"])
    for case in oracle["bgnbd"]["conditional_expected_purchases"]:
        ahead = model.expected_purchases(one(case), horizon=weeks(case["t"]), engine=engine)[0]
        assert ahead == pytest.approx(case["value"], rel=1e-9)


@pytest.mark.parametrize("engine", ENGINES)
def test_bg_nbd_customers_are_alive_as_published(oracle: Any, engine: Any) -> None:
    model = BgNbd(**oracle["bgnbd"]["params"])
    for case in oracle["bgnbd"]["probability_alive"]:
        assert model.probability_alive(one(case), engine=engine)[0] == close(case["value"])


def test_purchase_counts_have_the_published_probabilities_up_to_200_purchases(oracle: Any) -> None:
    model = BgNbd(**oracle["bgnbd"]["params"])
    for case in oracle["bgnbd"]["pmf_new_customer"]:
        chance = model.probability_of_purchases(case["n"], weeks(case["t"]))
        assert chance == pytest.approx(case["value"], rel=1e-9)


def test_bg_nbd_has_no_pole_at_a_equals_1(oracle: Any) -> None:
    for case in oracle["bgnbd"]["a_equals_1_limit"]:
        ahead = bg(case["params"]).expected_purchases(one(case), horizon=weeks(case["t"]))[0]
        assert ahead == close(case["value"])


def test_the_likelihood_of_bg_nbd_is_stable_at_200_purchases(oracle: Any) -> None:
    stability = oracle["bgnbd"]["loglik_stability"]
    for case in stability["cases"]:
        data = Data.of(patterns_of(one(case), "python"), 0)
        assert log_likelihood(data, list(stability["params"].values()))[0] == pytest.approx(case["value"], rel=1e-9)


def test_mbg_nbd_predicts_as_published(oracle: Any) -> None:
    expected = oracle["mbgnbd"]
    model = MbgNbd(**expected["params"], unit="weeks")
    for case in expected["expected_purchases_new_customer"]:
        assert model.expected_purchases_of_new_customer(weeks(case["t"])) == close(case["value"])
    for case in expected["probability_alive"]:
        assert model.probability_alive(one(case))[0] == close(case["value"])
    for case in expected["conditional_expected_purchases"]:
        assert model.expected_purchases(one(case), horizon=weeks(case["t"]))[0] == close(case["value"])


@pytest.mark.parametrize("engine", ENGINES)
def test_pareto_nbd_predicts_as_published(oracle: Any, engine: Any) -> None:
    expected = oracle["pareto_nbd"]
    model = ParetoNbd(**expected["params"], unit="weeks")
    for case in expected["expected_purchases_new_customer"]:
        assert model.expected_purchases_of_new_customer(weeks(case["t"])) == close(case["value"])
    for case in expected["conditional_expected_purchases"]:
        assert model.expected_purchases(one(case), horizon=weeks(case["t"]), engine=engine)[0] == close(case["value"])
    for case in expected["probability_alive"]:
        assert model.probability_alive(one(case), engine=engine)[0] == close(case["value"])


def test_pareto_nbd_is_alive_as_in_r_for_5_to_20_purchases(oracle: Any) -> None:
    model = ParetoNbd(**oracle["pareto_nbd"]["params"], unit="weeks")
    history = PurchaseHistory.of([(x, 30, 39) for x in range(5, 21)], unit="weeks")
    expected = oracle["pareto_nbd"]["R_BTYD"]["PAlive_x5to20_tx30_T39"]
    assert list(model.probability_alive(history)) == pytest.approx(expected, rel=1e-9)


def test_pareto_nbd_holds_for_many_purchases_and_for_alpha_above_beta(oracle: Any) -> None:
    cases = oracle["pareto_nbd"]["large_x_finite"] + oracle["pareto_nbd"]["alpha_ge_beta_branch"]
    for case in cases:
        assert bg(case["params"], ParetoNbd).probability_alive(one(case))[0] == close(case["p_alive"])


def test_pareto_nbd_has_no_pole_at_s_equals_1(oracle: Any) -> None:
    case = oracle["pareto_nbd"]["s_equals_1"]
    ahead = bg(case["params"], ParetoNbd).expected_purchases(one(case), horizon=weeks(case["t"]))[0]
    assert ahead == close(case["value"])


def test_pareto_nbd_likelihood_with_alpha_above_beta_is_the_published_one(oracle: Any) -> None:
    for case in oracle["pareto_nbd"]["alpha_ge_beta_branch"]:
        value = likelihood_of_pareto(patterns_of(one(case), "python"), case["params"])[0]
        assert value == pytest.approx(case["loglik"], rel=1e-9)


def test_discounted_purchases_of_all_time_are_the_published_ones(oracle: Any) -> None:
    expected = oracle["pareto_nbd"]["DERT"]
    model = ParetoNbd(**expected["params"], unit="weeks")
    rate = DiscountRate(math.expm1(expected["continuous_rate"]), weeks(1))
    for case in expected["cases"]:
        assert model.purchases_ever(one(case), discount=rate)[0] == close(case["value"])


def test_gamma_gamma_predicts_as_published(oracle: Any) -> None:
    expected = oracle["gamma_gamma"]
    model = GammaGamma(**expected["params"])
    assert model.population_mean == close(expected["population_mean"])
    cases = expected["conditional_mean"]
    for engine in ENGINES:
        spend = model.expected_spend([c["x"] for c in cases], [c["m"] for c in cases], engine=engine)
        assert list(spend) == close([c["value"] for c in cases])


def test_gamma_gamma_likelihood_is_the_published_one(oracle: Any) -> None:
    for case in oracle["gamma_gamma"]["loglik"]:
        data = spend_data(([case["x"]], [case["m"]]), None)
        value = likelihood_of_spend(data, list(oracle["gamma_gamma"]["params"].values()))[0]
        assert value == pytest.approx(case["value"], rel=1e-9)


CUSTOMER_1 = PurchaseHistory.of([(2, 30.43, 38.86, 22.35)], unit="weeks")


def test_customer_1_is_worth_36_and_not_140(oracle: Any) -> None:
    customer = oracle["clv_cdnow_D1"]["customers"][0]
    purchases = BgNbd(**oracle["mle_fits"]["bgnbd_D1"]["params"], unit="weeks")
    spend = GammaGamma(**oracle["mle_fits"]["gg_D1"]["params"])
    month = weeks(4.345)
    values = customer_value(
        purchases, spend, CUSTOMER_1, horizon=weeks(12 * 4.345), period=month, discount=DiscountRate(0.01, month)
    )
    assert values[0] == close(customer["clv_12m_1pct_month_4_345w"])
    exact = customer_value(purchases, spend, CUSTOMER_1, discount=monthly(0.01))
    assert exact[0] == close(customer["clv_12m_1pct_month_365_25_over_84_w"])
    plain = customer_value(purchases, spend, CUSTOMER_1, horizon=months(12))
    assert plain[0] == close(customer["clv_12m_0pct_month_365_25_over_84_w"])


def test_all_that_customer_1_will_ever_bring_is_the_published_value(oracle: Any) -> None:
    customer = oracle["clv_cdnow_D1"]["customers"][0]
    model = ParetoNbd(**oracle["mle_fits"]["pnbd_D1"]["params"], unit="weeks")
    spend = GammaGamma(**oracle["mle_fits"]["gg_D1"]["params"])
    rate = DiscountRate(0.15, weeks(52))
    assert model.probability_alive(CUSTOMER_1)[0] == close(customer["p_alive_pnbd"])
    assert model.purchases_ever(CUSTOMER_1, discount=rate)[0] == close(customer["dert_pnbd_15pct_annual"])
    value = customer_value(model, spend, CUSTOMER_1, horizon=None, discount=rate)[0]
    assert value == close(customer["residual_clv_infinite_pnbd_15pct_annual"])


@pytest.mark.parametrize("cohort", ["regular", "highend"])
def test_sbg_fits_and_projects_as_published(cohort: str, oracle: Any) -> None:
    expected = oracle["sbg"]["mle"][cohort]
    model = ShiftedBetaGeometric.fit(oracle["sbg"]["survivors_per_1000_years_0_to_7"][cohort], period=Span(1, "years"))
    assert (model.alpha, model.beta) == pytest.approx((expected["alpha"], expected["beta"]), rel=1e-8)
    assert model.fit_summary is not None
    assert model.fit_summary.log_likelihood == pytest.approx(expected["loglik"], abs=1e-7)
    projected = [100 * model.survival(year) for year in range(1, 13)]
    assert projected == pytest.approx(expected["survival_pct_1_to_12"], rel=1e-8)
    retained = [model.retention_rate(year) for year in range(1, 13)]
    assert retained == pytest.approx(expected["retention_rate_1_to_12"], rel=1e-8)


@pytest.mark.parametrize("cohort", ["regular", "highend"])
def test_sbg_lifetimes_are_the_published_ones(cohort: str, oracle: Any) -> None:
    expected = oracle["sbg"]["at_published_rounded"][cohort]
    alpha, beta = expected["params"]
    model = ShiftedBetaGeometric(alpha=alpha, beta=beta, period=Span(1, "years"))
    rate = annual(0.10)
    assert model.discounted_lifetime(rate) == close(expected["discounted_expected_lifetime_d10pct"])
    residual = [model.discounted_residual_lifetime(rate, paid=n) for n in range(1, 6)]
    assert residual == close(expected["discounted_expected_residual_lifetime_d10pct_n1_to_5"])
    assert [model.survival(year) for year in range(1, 13)] == close(expected["survival_1_to_12"])


def test_the_five_point_cohort_fits_as_published(oracle: Any) -> None:
    expected = oracle["sbg"]["five_point_fit"]
    model = ShiftedBetaGeometric.fit(expected["survivors"], period=Span(1, "years"))
    assert (model.alpha, model.beta) == pytest.approx((expected["alpha"], expected["beta"]), rel=1e-8)


def test_an_annual_rate_of_15_percent_is_the_published_monthly_one(oracle: Any) -> None:
    expected = oracle["clv_formulas"]["annual_to_monthly_discount"]
    assert annual(0.15).over(months(1)) == close(expected["monthly_effective"])
