"""Laws of every model, and faults of other libraries that ours do not have."""

from __future__ import annotations

import math
from importlib.util import find_spec
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmkpi.clv import (
    BgBb,
    BgNbd,
    GammaGamma,
    MbgNbd,
    ParetoNbd,
    PurchaseHistory,
    ShiftedBetaGeometric,
    Span,
    annual,
    customer_value,
    customer_value_interval,
    days,
    load_model,
    monthly,
    months,
    value_table,
    weeks,
)
from crmkpi.clv.beta_geometric import Data, log_likelihood
from crmkpi.clv.bg_bb import _log_likelihood as likelihood_of_bg_bb
from crmkpi.clv.history import patterns_of
from crmkpi.clv.pareto_nbd import _log_likelihood as likelihood_of_pareto

KINDS: list[Any] = [BgNbd, MbgNbd, ParetoNbd]
parameter = st.floats(0.05, 20)
four = st.tuples(parameter, parameter, parameter, parameter)


def model_of(kind: Any, parameters: Any) -> Any:
    return kind(**dict(zip(kind.parameter_names, parameters, strict=True)), unit="weeks")


@st.composite
def customers(draw: st.DrawFn) -> PurchaseHistory:
    rows = []
    for _ in range(draw(st.integers(1, 5))):
        age = draw(st.floats(1, 100))
        frequency = draw(st.integers(0, 60))
        rows.append((frequency, draw(st.floats(0.01, 1)) * age if frequency else 0.0, age))
    return PurchaseHistory.of(rows, unit="weeks")


def subset(history: PurchaseHistory, rows: Any) -> PurchaseHistory:
    return PurchaseHistory(
        [history.frequency[i] for i in rows],
        [history.recency[i] for i in rows],
        [history.age[i] for i in rows],
        history.unit,
        [history.spend[i] for i in rows] if history.spend is not None else None,
    )


@pytest.mark.parametrize("kind", KINDS)
@given(parameters=four, history=customers())
def test_the_probability_to_be_alive_lies_in_0_to_1(kind: Any, parameters: Any, history: PurchaseHistory) -> None:
    assert all(0 <= chance <= 1 for chance in model_of(kind, parameters).probability_alive(history))


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=40, deadline=None)
@given(parameters=four, history=customers(), short=st.floats(0.5, 50), more=st.floats(0.5, 50))
def test_expected_purchases_grow_with_the_horizon(
    kind: Any, parameters: Any, history: PurchaseHistory, short: float, more: float
) -> None:
    model = model_of(kind, parameters)
    soon = model.expected_purchases(history, horizon=weeks(short), engine="python")
    later = model.expected_purchases(history, horizon=weeks(short + more), engine="python")
    assert all(0 <= a <= b * (1 + 1e-9) + 1e-300 for a, b in zip(soon, later, strict=True))


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=10, deadline=None)
@given(
    parameters=st.tuples(st.floats(0.3, 3), st.floats(3, 9), st.floats(0.3, 3), st.floats(1, 5)), time=st.floats(1, 9)
)
def test_the_probabilities_of_all_purchase_counts_add_up_to_1_and_give_the_mean(
    kind: Any, parameters: Any, time: float
) -> None:
    model = model_of(kind, parameters)
    chances: list[float] = []
    while len(chances) < 20 or chances[-1] > 1e-14:
        chances.append(model.probability_of_purchases(len(chances), weeks(time)))
    assert sum(chances) == pytest.approx(1, abs=1e-9)
    mean = sum(n * chance for n, chance in enumerate(chances))
    assert mean == pytest.approx(model.expected_purchases_of_new_customer(weeks(time)), rel=1e-6)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=40, deadline=None)
@given(parameters=four, history=customers(), time=st.floats(0.5, 50))
def test_silence_is_at_least_as_likely_as_being_gone_and_falls_with_the_horizon(
    kind: Any, parameters: Any, history: PurchaseHistory, time: float
) -> None:
    model = model_of(kind, parameters)
    alive = model.probability_alive(history)
    soon = model.probability_of_no_purchase(history, horizon=weeks(time))
    later = model.probability_of_no_purchase(history, horizon=weeks(2 * time))
    for chance, a, b in zip(alive, soon, later, strict=True):
        assert 1 - chance - 1e-12 <= b <= a + 1e-12 <= 1 + 2e-12


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_customer_is_silent_as_often_as_zero_purchases_are_likely(kind: Any) -> None:
    model = model_of(kind, (0.5, 5.0, 0.8, 3.0))
    history = PurchaseHistory.of([(0, 0, 0)], unit="weeks")
    silent = model.probability_of_no_purchase(history, horizon=weeks(20))[0]
    assert silent == pytest.approx(model.probability_of_purchases(0, weeks(20)), rel=1e-12)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=25, deadline=None)
@given(parameters=four, history=customers(), time=st.floats(0.5, 80))
def test_both_engines_give_the_same_predictions(kind: Any, parameters: Any, history: Any, time: float) -> None:
    pytest.importorskip("numpy")
    model = model_of(kind, parameters)
    python = model.expected_purchases(history, horizon=weeks(time), engine="python")
    assert model.expected_purchases(history, horizon=weeks(time), engine="numpy") == pytest.approx(python, rel=1e-9)
    alive = model.probability_alive(history, engine="python")
    assert model.probability_alive(history, engine="numpy") == pytest.approx(alive, rel=1e-9, abs=1e-290)


@pytest.mark.parametrize("kind", [*KINDS, GammaGamma])
def test_both_engines_give_the_same_fit(kind: Any, shop: PurchaseHistory) -> None:
    pytest.importorskip("numpy")
    python, numpy = kind.fit(shop, engine="python"), kind.fit(shop, engine="numpy")
    assert numpy.parameters == pytest.approx(python.parameters, rel=1e-9)


def test_arrays_give_arrays_and_lists_give_lists(shop: PurchaseHistory, purchases: BgNbd) -> None:
    np = pytest.importorskip("numpy")
    arrays = PurchaseHistory(np.array(shop.frequency), np.array(shop.recency), np.array(shop.age), "weeks")
    from_arrays = purchases.probability_alive(arrays)
    assert isinstance(from_arrays, np.ndarray)
    from_lists = purchases.probability_alive(shop)
    assert isinstance(from_lists, list)
    assert from_arrays.tolist() == from_lists


@pytest.mark.parametrize("kind", [*KINDS, GammaGamma])
def test_the_order_of_the_rows_does_not_matter(kind: Any, shop: PurchaseHistory) -> None:
    rows = list(range(0, len(shop), 3))
    shuffled = Random(1).sample(rows, len(rows))
    first, second = kind.fit(subset(shop, rows)), kind.fit(subset(shop, shuffled))
    assert second.parameters == pytest.approx(first.parameters, rel=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_the_unit_of_time_does_not_matter(kind: Any, shop: PurchaseHistory) -> None:
    in_weeks = kind.fit(shop)
    in_days = kind.fit(shop.to("days"))
    assert in_days.expected_purchases(shop.to("days"), horizon=weeks(39)) == pytest.approx(
        in_weeks.expected_purchases(shop, horizon=days(273)), rel=1e-8
    )


def test_the_unit_of_money_scales_the_value_and_nothing_else(shop: PurchaseHistory, purchases: Any, spend: Any) -> None:
    cents = PurchaseHistory(shop.frequency, shop.recency, shop.age, "weeks", [100 * m for m in shop.spend or ()])
    in_cents = GammaGamma.fit(cents)
    assert (in_cents.p, in_cents.q, in_cents.v) == pytest.approx((spend.p, spend.q, 100 * spend.v), rel=1e-8)
    value = customer_value(purchases, spend, shop)
    assert customer_value(purchases, in_cents, cents) == pytest.approx([100 * v for v in value], rel=1e-8)


def test_equal_rows_count_as_often_as_they_occur(shop: PurchaseHistory) -> None:
    part = subset(shop, range(300))
    twice = subset(shop, [*range(300), *range(300)])
    once, doubled = BgNbd.fit(part), BgNbd.fit(twice)
    assert doubled.parameters == pytest.approx(once.parameters, rel=1e-8)
    assert once.fit_summary is not None
    assert doubled.fit_summary is not None
    assert doubled.fit_summary.log_likelihood == pytest.approx(2 * once.fit_summary.log_likelihood, rel=1e-10)


def test_many_customers_are_fitted_like_few() -> None:
    truth = BgNbd(r=0.6, alpha=20.0, a=0.8, b=2.5, unit="days")
    random = Random(3)
    history = truth.simulate([100 + random.random() * 300 for _ in range(25_000)], random)
    model = BgNbd.fit(history)
    assert model.fit_summary is not None
    assert model.fit_summary.standard_errors is not None
    for value, error, true in zip(model.parameters, model.fit_summary.standard_errors, truth.parameters, strict=True):
        assert abs(value - true) < 4 * error


@pytest.mark.parametrize("kind", KINDS)
def test_the_gradient_and_hessian_are_those_of_the_likelihood(kind: Any, shop: PurchaseHistory) -> None:
    patterns = patterns_of(subset(shop, range(400)), "python")
    data = Data.of(patterns, getattr(kind, "chances", 0))

    def value(at: Any) -> Any:
        if kind is ParetoNbd:
            return likelihood_of_pareto(patterns, at)
        return log_likelihood(data, at)

    at = [0.4, 7.0, 0.9, 2.2]
    _, gradient, hessian = value(at)
    for i in range(4):
        step = 1e-5 * at[i]
        up, down = list(at), list(at)
        up[i] += step
        down[i] -= step
        high, low = value(up), value(down)
        assert gradient[i] == pytest.approx((high[0] - low[0]) / (2 * step), rel=1e-5, abs=1e-5)
        for j in range(4):
            slope = (high[1][j] - low[1][j]) / (2 * step)
            assert hessian[i][j] == pytest.approx(slope, rel=1e-5, abs=1e-4)


def test_one_time_buyers_are_alive_for_certain_in_bg_nbd_and_not_in_mbg_nbd(shop: PurchaseHistory) -> None:
    once = PurchaseHistory.of([(0, 0, 38.86)], unit="weeks")
    assert BgNbd.fit(shop).probability_alive(once)[0] == 1.0
    assert MbgNbd.fit(shop).probability_alive(once)[0] < 0.5


def test_a_horizon_of_a_thousand_years_stays_finite_and_below_the_limit() -> None:
    model = BgNbd(r=0.243, alpha=4.414, a=2.5, b=2.426, unit="weeks")
    history = PurchaseHistory.of([(2, 30.43, 38.86)], unit="weeks")
    limit = model.probability_alive(history)[0] * (2.5 + 2.426 + 2 - 1) / 1.5
    ahead = model.expected_purchases(history, horizon=weeks(1e9))[0]
    assert ahead == pytest.approx(limit, rel=1e-6)
    assert ahead < limit


def test_a_million_to_one_parameters_give_the_limit_of_equal_customers() -> None:
    history = PurchaseHistory.of([(3, 20, 30)], unit="weeks")
    nearly_equal = BgNbd(r=2.0, alpha=10.0, a=2e8, b=8e8, unit="weeks")
    ahead = nearly_equal.expected_purchases(history, horizon=weeks(20), engine="python")[0]
    expected = nearly_equal.probability_alive(history)[0] * -math.expm1(-5 * math.log1p(0.2 * 20 / 40)) / 0.2
    assert ahead == pytest.approx(expected, rel=1e-6)


def test_value_over_half_the_time_is_less_and_a_discount_lowers_it(shop: Any, purchases: Any, spend: Any) -> None:
    full = sum(customer_value(purchases, spend, shop, horizon=months(12)))
    half = sum(customer_value(purchases, spend, shop, horizon=months(6)))
    discounted = sum(customer_value(purchases, spend, shop, horizon=months(12), discount=annual(0.1)))
    assert half < discounted < full
    assert sum(customer_value(purchases, spend, shop, margin=0.3)) == pytest.approx(0.3 * full)


def test_annual_and_monthly_rates_that_compound_to_the_same_give_the_same_value(
    shop: Any, purchases: Any, spend: Any
) -> None:
    by_year = customer_value(purchases, spend, shop, discount=annual(0.12))
    by_month = customer_value(purchases, spend, shop, discount=monthly(1.12 ** (1 / 12) - 1))
    assert by_month == pytest.approx(by_year, rel=1e-12)


def test_a_period_that_does_not_divide_the_horizon_ends_with_it(shop: Any, purchases: Any, spend: Any) -> None:
    whole = customer_value(purchases, spend, shop, horizon=days(100))
    assert customer_value(purchases, spend, shop, horizon=days(100), period=days(30)) == pytest.approx(whole, rel=1e-9)


def test_the_value_table_is_in_order_and_has_tenths(shop: Any, purchases: Any, spend: Any) -> None:
    table = value_table(purchases, spend, shop, discount=annual(0.1))
    values = [row.value for row in table]
    assert values == sorted(values, reverse=True)
    assert sum(values) == pytest.approx(sum(customer_value(purchases, spend, shop, discount=annual(0.1))))
    sizes = [sum(row.decile == decile for row in table) for decile in range(1, 11)]
    assert max(sizes) - min(sizes) <= 1


def test_the_delta_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    truth = BgNbd(r=0.8, alpha=5.0, a=0.9, b=3.0, unit="weeks")
    random = Random(11)
    target = truth.expected_purchases_of_new_customer(weeks(26))
    covered = 0
    for _ in range(60):
        model = BgNbd.fit(truth.simulate([random.uniform(20, 60) for _ in range(400)], random))
        if model.fit_summary is None or model.fit_summary.covariance is None:
            continue
        band = model.interval(lambda m: [m.expected_purchases_of_new_customer(weeks(26))], confidence=0.9)[0]
        covered += band.low <= target <= band.high
    assert 46 <= covered <= 60


def test_bootstrap_and_delta_method_agree(shop: PurchaseHistory, purchases: BgNbd) -> None:
    def ahead(model: Any) -> list[float]:
        return [model.expected_purchases_of_new_customer(weeks(39))]

    delta = purchases.interval(ahead)[0]
    drawn = purchases.bootstrap(ahead, shop, resamples=40, seed=5)[0]
    assert drawn.value == delta.value
    assert drawn.high - drawn.low == pytest.approx(delta.high - delta.low, rel=0.5)
    assert purchases.bootstrap(ahead, shop, resamples=3, seed=5) == purchases.bootstrap(
        ahead, shop, resamples=3, seed=5
    )


def test_intervals_of_probabilities_stay_in_0_to_1(shop: PurchaseHistory, purchases: BgNbd) -> None:
    bands = purchases.interval(lambda m: m.probability_alive(shop), scale="logit", confidence=0.99)
    assert all(0 <= band.low <= band.value <= band.high <= 1 for band in bands)


def test_the_interval_of_the_total_value_holds_the_total(shop: Any, purchases: Any, spend: Any) -> None:
    band = customer_value_interval(purchases, spend, shop, total=True, discount=annual(0.1))[0]
    assert band.value == pytest.approx(sum(customer_value(purchases, spend, shop, discount=annual(0.1))))
    only_purchases = purchases.interval(lambda m: [sum(customer_value(m, spend, shop, discount=annual(0.1)))])[0]
    assert band.low < only_purchases.low < only_purchases.high < band.high


def all_models(shop: PurchaseHistory) -> list[Any]:
    return [
        *(kind.fit(shop) for kind in [*KINDS, GammaGamma]),
        ShiftedBetaGeometric.fit([100, 70, 60], period=months(1)),
        BgBb.fit([(1, 2, 3), (0, 0, 3), (3, 3, 3), (1, 1, 3)]),
        BgNbd(r=1, alpha=2, a=3, b=4, unit="days"),
    ]


def test_every_model_comes_back_from_json_as_it_was(shop: PurchaseHistory) -> None:
    for model in all_models(shop):
        assert load_model(model.to_json()) == model


def test_models_cannot_be_changed(purchases: BgNbd) -> None:
    with pytest.raises(AttributeError):
        purchases.r = 1.0  # type: ignore[misc]


def test_the_holdout_check_adds_up(shop: PurchaseHistory, purchases: BgNbd) -> None:
    actual = [x % 3 for x in shop.frequency]
    check = purchases.check(shop, actual, horizon=weeks(39))
    assert check.actual == sum(actual)
    assert sum(row.customers for row in check.by_frequency) == len(shop)
    assert sum(row.customers * row.predicted_mean for row in check.by_frequency) == pytest.approx(check.predicted)
    assert sum(row.customers * row.actual_mean for row in check.by_frequency) == pytest.approx(check.actual)
    assert check.error_rate == pytest.approx(check.predicted / check.actual - 1)
    assert "Holdout of 39 weeks" in str(check)


def test_tracking_counts_what_was_bought_and_expects_what_new_customers_buy(purchases: BgNbd) -> None:
    rows = purchases.tracking([0.0, 0.0, 6.0], [1.0, 3.5, 9.0], until=10, every=weeks(5))
    assert [(time, actual) for time, actual, _ in rows] == [(5, 2), (10, 3)]
    expect = purchases.expected_purchases_of_new_customer
    assert rows[0][2] == pytest.approx(2 * expect(weeks(5)))
    assert rows[1][2] == pytest.approx(2 * expect(weeks(10)) + expect(weeks(4)))


def test_bg_bb_chances_add_up_to_1_over_all_that_can_happen() -> None:
    total, n = 0.0, 6
    for last in range(n + 1):
        for taken in range(1 if last else 0, last + 1 if last else 1):
            ways = math.comb(last - 1, taken - 1) if last else 1
            total += ways * math.exp(likelihood_of_bg_bb({(taken, last, n): 1}, (1.2, 0.75, 0.66, 2.8))[0])
    assert total == pytest.approx(1, abs=1e-12)


def test_bg_bb_expects_the_mean_of_its_own_simulation() -> None:
    model = BgBb(alpha=1.2, beta=0.75, gamma=0.66, delta=2.8)
    rows = model.simulate([6] * 40_000, Random(2))
    mean = sum(taken for taken, _, _ in rows) / len(rows)
    assert mean == pytest.approx(model.expected_purchases_of_new_customer(opportunities=6), rel=0.02)
    fitted = BgBb.fit(rows)
    assert fitted.expected_purchases_of_new_customer(opportunities=6) == pytest.approx(mean, rel=0.01)


@pytest.mark.parametrize("kind", KINDS)
def test_simulated_customers_buy_as_often_as_expected(kind: Any) -> None:
    model = model_of(kind, (0.8, 5.0, 0.9, 3.0))
    history = model.simulate([26.0] * 20_000, Random(4))
    mean = sum(history.frequency) / len(history)
    assert mean == pytest.approx(model.expected_purchases_of_new_customer(weeks(26)), rel=0.04)


def test_the_discounted_lifetime_of_a_contract_is_the_discounted_sum_of_its_survival() -> None:
    model = ShiftedBetaGeometric(alpha=0.7, beta=1.2, period=Span(1, "years"))
    total = sum(model.survival(t) / 1.25**t for t in range(150))
    assert model.discounted_lifetime(annual(0.25)) == pytest.approx(total, rel=1e-9)
    assert model.value(10.0, annual(0.25)) == pytest.approx(10 * total, rel=1e-9)


def test_the_restricted_lifetime_of_a_contract_is_the_sum_of_its_survival() -> None:
    model = ShiftedBetaGeometric(alpha=0.7, beta=1.2, period=Span(1, "years"))
    assert model.restricted_lifetime(8) == pytest.approx(sum(model.survival(t) for t in range(8)))


def test_a_lifetime_with_loyal_customers_is_finite_without_a_discount() -> None:
    model = ShiftedBetaGeometric(alpha=3.0, beta=2.0, period=months(1))
    total = sum(model.survival(t) for t in range(2000))
    assert model.discounted_lifetime(annual(0.0)) == pytest.approx(total, rel=1e-4)


@pytest.mark.skipif(find_spec("numpy") is None, reason="compares with numpy")
def test_time_shorter_than_a_tick_expects_next_to_nothing_without_losing_digits() -> None:
    model = BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426, unit="weeks")
    tick = 1e-9
    rate = 0.243 / 4.414
    assert model.expected_purchases_of_new_customer(weeks(tick)) == pytest.approx(rate * tick, rel=1e-6)
