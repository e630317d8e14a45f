"""Each invalid input raises an error that names it, or returns a fit that reports its weakness."""

from __future__ import annotations

import json
from datetime import timedelta
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
    ShiftedBetaGeometric,
    Span,
    annual,
    customer_value,
    load_model,
    months,
    weeks,
)
from crmkpi.errors import InputError, ParameterError, UnknownNameError

KINDS: list[Any] = [BgNbd, MbgNbd, ParetoNbd]
MODEL = BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426, unit="weeks")
SPEND = GammaGamma(p=6.25, q=3.74, v=15.44)
ONE = PurchaseHistory.of([(2, 30.43, 38.86, 22.35)], unit="weeks")


def rows(*values: Any, engine: Any = "python") -> Any:
    return BgNbd.fit(PurchaseHistory.of(values, unit="weeks"), engine=engine)


@pytest.mark.parametrize("engine", ["python", "numpy"])
@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            (2, 40.0, 38.0),
            "Customer 1 has frequency 2, recency 40 and age 38 weeks: the last purchase cannot be after",
        ),
        ((0, 5.0, 38.0), "and 0 without"),
        ((3, 0.0, 38.0), "recency is above 0 with repeat purchases"),
        ((1, -1.0, 38.0), "none of them can be negative"),
        ((1, 1.0, float("nan")), "all three are finite"),
    ],
)
def test_a_customer_whose_numbers_cannot_be_is_named(row: Any, message: str, engine: str) -> None:
    if engine == "numpy":
        pytest.importorskip("numpy")
    with pytest.raises(InputError, match=message):
        rows((1, 2.0, 30.0), row, engine=engine)


@pytest.mark.parametrize("kind", KINDS)
def test_one_customer_is_too_few(kind: Any) -> None:
    with pytest.raises(InputError, match="at least two customers; got one"):
        kind.fit(ONE)


@pytest.mark.parametrize("kind", KINDS)
def test_no_repeat_purchase_is_an_error_in_words(kind: Any) -> None:
    history = PurchaseHistory.of([(0, 0, 10), (0, 0, 20)], unit="weeks")
    with pytest.raises(InputError, match="None of the 2 customers bought again"):
        kind.fit(history)


@pytest.mark.parametrize("kind", KINDS)
def test_customers_who_all_still_buy_give_a_weak_fit_and_no_exception(kind: Any) -> None:
    history = PurchaseHistory.of([(10, 30.0, 30.0), (12, 30.0, 30.0), (8, 29.9, 30.0), (9, 30.0, 30.0)], unit="weeks")
    model = kind.fit(history)
    assert model.fit_summary.weakly_identified
    assert min(model.probability_alive(history)) > 0.9


@pytest.mark.parametrize("kind", KINDS)
def test_customers_who_all_left_long_ago_give_a_fit(kind: Any) -> None:
    history = PurchaseHistory.of([(5, 5.0, 200.0), (4, 4.0, 200.0), (6, 6.5, 200.0), (3, 4.0, 200.0)], unit="weeks")
    assert max(kind.fit(history).probability_alive(history)) < 0.2


def test_a_weak_fit_refuses_the_delta_interval_and_takes_the_bootstrap() -> None:
    history = PurchaseHistory.of([(1, 1.0, 30.0), (1, 30.0, 30.0), (2, 2.0, 30.0)], unit="weeks")
    model = BgNbd.fit(history)
    assert model.fit_summary is not None
    assert model.fit_summary.weaknesses
    if model.fit_summary.covariance is None:
        with pytest.raises(InputError, match="Use `bootstrap` instead"):
            model.interval(lambda m: m.probability_alive(history))


def test_spend_of_zero_or_below_is_left_out_and_counted() -> None:
    spend = [(1, 1, 5, 10.0), (2, 2, 5, 14.0), (3, 3, 5, 9.0), (1, 1, 5, 0.0), (1, 1, 5, -3.0), (0, 0, 5, 0.0)]
    model = GammaGamma.fit(PurchaseHistory.of(spend, unit="weeks"))
    assert model.fit_summary is not None
    assert (model.fit_summary.customers, model.fit_summary.left_out) == (3, 3)


def test_a_single_repeat_customer_is_too_few_for_spend() -> None:
    history = PurchaseHistory.of([(1, 1, 5, 10.0), (0, 0, 5, 0.0)], unit="weeks")
    with pytest.raises(
        InputError, match="at least two customers with a repeat purchase of positive value; got 1 among 2"
    ):
        GammaGamma.fit(history)


def test_spend_that_is_no_number_is_an_error() -> None:
    history = PurchaseHistory.of([(1, 1, 5, float("nan")), (1, 1, 5, 3.0)], unit="weeks")
    with pytest.raises(InputError, match="Mean spend must be finite"):
        GammaGamma.fit(history)


def test_spend_without_a_mean_is_undefined_and_not_negative() -> None:
    model = GammaGamma(p=0.5, q=0.4, v=10.0)
    assert model.population_mean is None
    with pytest.raises(InputError, match="no mean spend for customers with 0 repeat purchases"):
        model.expected_spend([0], [0.0])


def test_a_history_without_spend_has_no_value() -> None:
    history = PurchaseHistory.of([(2, 30.43, 38.86)], unit="weeks")
    with pytest.raises(InputError, match="this history has none"):
        customer_value(MODEL, SPEND, history)


def test_a_horizon_without_a_unit_is_refused() -> None:
    with pytest.raises(ParameterError, match="`horizon` needs a unit of time; got 39"):
        MODEL.expected_purchases(ONE, horizon=39)  # type: ignore[arg-type]


def test_a_timedelta_is_a_horizon_too() -> None:
    by_delta = MODEL.expected_purchases(ONE, horizon=timedelta(weeks=39))  # type: ignore[arg-type]
    assert by_delta == pytest.approx(MODEL.expected_purchases(ONE, horizon=weeks(39)))


def test_a_bare_discount_rate_is_refused() -> None:
    with pytest.raises(ParameterError, match=r"`discount` needs its period; got 0.1. Give annual\(0.1\) or monthly"):
        customer_value(MODEL, SPEND, ONE, discount=0.1)  # type: ignore[arg-type]


def test_a_rate_in_percent_is_refused() -> None:
    with pytest.raises(ParameterError, match=r"a fraction, 0\.1 for 10 %; got 15"):
        annual(15)


def test_a_negative_rate_is_refused() -> None:
    with pytest.raises(ParameterError, match="zero or above"):
        annual(-0.1)


def test_units_of_time_do_not_mix() -> None:
    with pytest.raises(
        ParameterError, match=r"counts time in weeks and the history in days; convert it with history.to"
    ):
        MODEL.probability_alive(ONE.to("days"))


def test_an_unknown_unit_names_the_nearest() -> None:
    with pytest.raises(ParameterError, match=r"got 'week'\. Did you mean 'weeks'"):
        Span(1, "week")  # type: ignore[arg-type]


def test_a_span_of_nothing_is_refused() -> None:
    with pytest.raises(ParameterError, match="above zero and finite; got 0"):
        weeks(0)


def test_an_infinite_horizon_needs_a_discount() -> None:
    with pytest.raises(ParameterError, match="give a rate above zero or a horizon"):
        customer_value(MODEL, SPEND, ONE, horizon=None)


def test_a_margin_in_percent_is_refused() -> None:
    with pytest.raises(ParameterError, match="`margin` is a share of revenue, above 0 and at most 1; got 30"):
        customer_value(MODEL, SPEND, ONE, margin=30)


def test_parameters_below_zero_are_refused() -> None:
    with pytest.raises(ParameterError, match="`alpha` must be finite and above zero; got -1"):
        BgNbd(r=1, alpha=-1, a=1, b=1, unit="weeks")


def test_an_empty_history_is_refused() -> None:
    with pytest.raises(InputError, match="at least one customer; got none"):
        PurchaseHistory([], [], [], "weeks")


def test_columns_of_different_length_are_refused() -> None:
    with pytest.raises(InputError, match="`age` has 1, `frequency` has 2"):
        PurchaseHistory([1, 2], [1.0, 2.0], [3.0], "weeks")


def test_rows_of_another_length_are_refused() -> None:
    with pytest.raises(InputError, match="A row holds frequency, recency, age and perhaps spend; got 2"):
        PurchaseHistory.of([(1, 2)], unit="weeks")


def test_half_a_purchase_has_no_probability() -> None:
    with pytest.raises(ParameterError, match="a whole number of purchases"):
        MODEL.probability_of_purchases(0.5, weeks(3))  # type: ignore[arg-type]


def test_a_holdout_of_another_length_is_refused() -> None:
    with pytest.raises(InputError, match="one number of purchases per customer of the history; got 2 for 1"):
        MODEL.check(ONE, [1, 2], horizon=weeks(39))


def test_a_confidence_in_percent_is_refused() -> None:
    fitted = BgNbd.fit(PurchaseHistory.of([(2, 5, 10), (0, 0, 12), (5, 8, 10), (1, 1, 15), (3, 9, 15)], unit="weeks"))
    with pytest.raises(ParameterError, match="`confidence` must lie between 0 and 1; got 95"):
        fitted.bootstrap(lambda m: [m.r], ONE, confidence=95)


def test_an_engine_that_is_none_is_refused() -> None:
    with pytest.raises(ParameterError, match="`engine` must be 'auto', 'python' or 'numpy'; got 'cuda'"):
        MODEL.probability_alive(ONE, engine="cuda")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("survivors", "message"),
    [
        ([1000, 600], "at least two renewals; got 2 counts"),
        ([0, 0, 0], "An empty cohort"),
        ([100, 110, 90], "can neither increase nor be negative"),
        ([100, 100, 100], "Nobody has left yet"),
    ],
)
def test_cohorts_that_tell_nothing_are_refused(survivors: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        ShiftedBetaGeometric.fit(survivors, period=months(1))


def test_an_infinite_mean_lifetime_is_refused_in_words() -> None:
    model = ShiftedBetaGeometric(alpha=0.7, beta=1.2, period=months(1))
    with pytest.raises(ParameterError, match="the mean lifetime is infinite for alpha ≤ 1"):
        model.discounted_lifetime(annual(0.0))


def test_opportunities_that_cannot_be_are_refused() -> None:
    with pytest.raises(InputError, match="taken ≤ last ≤ opportunities"):
        BgBb.fit([(3, 2, 6), (1, 1, 6)])


def test_text_that_is_no_model_is_refused() -> None:
    with pytest.raises(InputError, match="not a model written by `to_json`"):
        load_model("[1, 2]")


def test_a_model_of_another_version_is_refused() -> None:
    text = json.dumps({**json.loads(MODEL.to_json()), "version": 99})
    with pytest.raises(InputError, match="written in version 99; this release reads version 1"):
        load_model(text)


def test_an_unknown_kind_of_model_names_the_nearest() -> None:
    text = json.dumps({**json.loads(MODEL.to_json()), "crmkpi_model": "bgnbd"})
    with pytest.raises(UnknownNameError, match="Did you mean 'bg_nbd'"):
        load_model(text)


def test_a_discount_rate_that_is_not_finite_is_refused() -> None:
    with pytest.raises(ParameterError, match="as a fraction; got nan"):
        DiscountRate(float("nan"), months(1))
