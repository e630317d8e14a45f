"""Forecasts: against statsmodels and by hand, laws, refusals, and interval coverage."""

from __future__ import annotations

import json
import math
import random
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize
from statsmodels.tsa.seasonal import seasonal_decompose

import crmkpi as ck
from crmkpi.errors import InputError
from crmkpi.insight.forecast import forecast_report, forecast_series, forecast_shares
from crmkpi.statistics.forecasting import (
    _trended,
    damped,
    exponential,
    forecast_values,
    half_widths,
    seasonal,
    seasonal_index,
    theta,
)

SERIES = [31, 35, 33, 38, 36, 41, 39, 44, 43, 46, 44, 49, 47, 52, 50, 53, 55, 54, 58, 57]
VALUES = st.lists(st.integers(1, 1000), min_size=8, max_size=40).filter(lambda values: len(set(values)) > 2)


def airline(months: int, seed: int = 2) -> list[float]:
    """A simulated series with a trend and a multiplicative season."""
    rng = random.Random(seed)
    index = [0.9, 0.86, 1.02, 0.98, 0.99, 1.12, 1.24, 1.22, 1.05, 0.92, 0.8, 0.9]
    return [(120 + 2 * n) * index[n % 12] * math.exp(rng.gauss(0, 0.03)) for n in range(months)]


@pytest.mark.parametrize("months", [24, 36, 60, 61])
@pytest.mark.parametrize("additive", [False, True])
def test_the_classical_season_is_that_of_statsmodels(months: int, additive: bool):
    values = airline(months)
    model = "additive" if additive else "multiplicative"
    expected = seasonal_decompose(values, model=model, period=12).seasonal[:12]
    assert seasonal_index(values, 12, additive=additive) == pytest.approx(list(expected), rel=1e-9)


def test_a_season_is_believed_as_far_as_the_years_agree():
    values = np.array(airline(36))
    middle = np.convolve(values, [0.5 / 12, *[1 / 12] * 11, 0.5 / 12], mode="valid")
    ratios = values / np.concatenate([[middle[0]] * 6, middle, [middle[-1]] * 6])
    groups = ratios.reshape(3, 12)
    index = groups.mean(axis=0) / groups.mean()
    chance = ((groups - groups.mean(axis=0)) ** 2).sum() / (36 - 12) / 3
    weight = 1 - chance / (((index - 1) ** 2).sum() / 11)
    found = seasonal(list(values), 12)
    assert found.weight == pytest.approx(weight, rel=1e-9)
    assert list(found.index) == pytest.approx(list(1 + weight * (index - 1)), rel=1e-9)
    rng = random.Random(8)
    noise = [seasonal([100 + rng.gauss(0, 10) for _ in range(36)], 12).weight for _ in range(60)]
    assert sum(noise) / 60 < 0.3


def test_exponential_smoothing_is_the_least_squares_one():
    def errors(x: np.ndarray[Any, Any]) -> float:
        level, total = x[1], 0.0
        for value in SERIES:
            total += (value - level) ** 2
            level += x[0] * (value - level)
        return total

    best = optimize.minimize(errors, [0.5, 31], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12})
    found = exponential(SERIES, 2)
    assert found.parameters == pytest.approx(tuple(best.x), rel=1e-4)
    sigma = math.sqrt(sum(error**2 for error in found.errors[1:]) / (len(SERIES) - 1))
    assert found.deviations == pytest.approx((sigma, sigma * math.sqrt(1 + found.parameters[0] ** 2)))


def test_theta_adds_half_the_slope_of_the_line():
    level = exponential(SERIES, 3)
    slope = float(np.polyfit(range(len(SERIES)), SERIES, 1)[0])
    alpha = level.parameters[0]
    begun = (1 - (1 - alpha) ** len(SERIES)) / alpha
    expected = [level.values[0] + slope / 2 * (step + begun) for step in range(3)]
    assert theta(SERIES, 3).values == pytest.approx(expected, rel=1e-9)


def test_the_damped_trend_is_at_least_as_good_as_any_on_a_grid():
    def total(alpha: float, beta: float, phi: float) -> float:
        plain = _errors(SERIES, alpha, beta, phi, 0.0, 0.0)
        of_level = _errors([0] * len(SERIES), alpha, beta, phi, 1.0, 0.0)
        of_trend = _errors([0] * len(SERIES), alpha, beta, phi, 0.0, 1.0)
        return float(np.linalg.lstsq(-np.array([of_level, of_trend]).T, np.array(plain), rcond=None)[1][0])

    found = sum(error**2 for error in damped(SERIES, 1).errors)
    grid = [
        total(alpha, alpha * share, phi)
        for alpha in (0.1, 0.3, 0.5, 0.7, 0.9)
        for share in (0.05, 0.3, 0.7)
        for phi in (0.8, 0.9, 0.98)
    ]
    assert found <= min(grid) * 1.001


def test_the_loss_of_a_damped_trend_is_that_of_the_errors_it_makes():
    for alpha, beta, phi in ((0.3, 0.1, 0.9), (0.7, 0.5, 0.8)):
        loss, level, trend = _trended(SERIES, alpha, beta, phi)
        assert loss == pytest.approx(sum(error**2 for error in _errors(SERIES, alpha, beta, phi, level, trend)))
        for more in (-0.5, 0.5):
            assert sum(e**2 for e in _errors(SERIES, alpha, beta, phi, level + more, trend)) > loss
            assert sum(e**2 for e in _errors(SERIES, alpha, beta, phi, level, trend + more)) > loss


def test_a_season_that_multiplies_widens_busy_months_and_one_that_adds_does_not():
    for values in (airline(48), [value - 400 for value in airline(48)]):
        found = forecast_values(values, 12, season=12)
        assert found.season.weight
        plain = forecast_values(found.season.removed(values), 12)
        factors = [1.0 if found.season.additive else found.season.of(48 + step) for step in range(12)]
        expected = [size * factor for size, factor in zip(plain.deviations, factors, strict=True)]
        assert found.deviations == pytest.approx(expected)
    assert found.season.additive


def _errors(values: list[int], alpha: float, beta: float, phi: float, level: float, trend: float) -> list[float]:
    out = []
    for value in values:
        error = value - level - phi * trend
        out.append(error)
        level, trend = level + phi * trend + alpha * error, phi * trend + beta * error
    return out


@settings(max_examples=30, deadline=None)
@given(VALUES, st.integers(2, 50), st.integers(-200, 200))
def test_forecasts_scale_and_shift_with_the_data(values: list[int], scale: int, shift: int):
    size = max(values)
    plain = forecast_values(values, 3)
    scaled = forecast_values([scale * value for value in values], 3)
    assert scaled.values == pytest.approx([scale * value for value in plain.values], rel=1e-3, abs=1e-3 * scale * size)
    moved = forecast_values([value + shift for value in values], 3)
    assert moved.values == pytest.approx([value + shift for value in plain.values], rel=1e-3, abs=5e-3 * size)


@settings(max_examples=30, deadline=None)
@given(VALUES, st.lists(st.integers(1, 1000), min_size=1, max_size=6))
def test_a_forecast_never_looks_ahead(values: list[int], future: list[int]):
    assert forecast_series([*values, *future][: len(values)], horizon=2) == forecast_series(values, horizon=2)


@settings(max_examples=30, deadline=None)
@given(VALUES)
def test_intervals_widen_with_the_horizon_and_with_the_confidence(values: list[int]):
    made = {level: forecast_series(values, horizon=4, confidence=level) for level in (0.5, 0.8, 0.95, 0.99)}
    widths = [[point.interval.high - point.interval.low for point in one.points] for one in made.values()]
    for one in widths:
        assert one == sorted(one)
    assert all(narrow <= wide for a, b in pairwise(widths) for narrow, wide in zip(a, b, strict=True))


def test_the_factors_of_the_intervals_are_those_of_the_page():
    assert half_widths([1.0, 1.0], 24, 0.8)[1] == pytest.approx(1.2815515655 * (1.1 + 12.5 / 24) * 1.008)
    assert half_widths([1.0, 1.0], 24, 0.95)[1] == pytest.approx(1.9599639845 * (1.25 + 18 / 24) * 1.012)


@pytest.mark.parametrize(
    ("count", "method"), [(8, "level"), (14, "level"), (15, "theta"), (23, "theta"), (24, "theta and damped trend")]
)
def test_the_method_grows_with_the_history(count: int, method: str):
    made = forecast_series(airline(count), horizon=3, season=12)
    assert made.method == method
    assert (made.season_weight is None) is (count < 24)
    assert ("no season can be seen in less than two years" in made.notes) is (count < 24)


@pytest.mark.parametrize(
    ("values", "horizon", "message"),
    [
        ([1, 2, 3, 4, 5, 6, 7], 1, "needs 8 complete periods; got 7"),
        ([1, 2, 3, None, 5, 6, 7, 8], 1, "value number 4 is None. Begin after it, or take longer periods"),
        ([1, 2, 3, float("nan"), 5, 6, 7, 8], 1, "without holes; value number 4 is nan"),
        ([1, 2, 3, 4, 5, 6, 7, 8], 5, "looks at most 4 ahead; got horizon=5"),
        (list(range(60)), 13, "looks at most 12 ahead; got horizon=13; long=True allows 18"),
        ([1, 2, 3, 4, 5, 6, 7, 8], 0, "`horizon` is the number of periods"),
    ],
)
def test_what_is_too_little_is_refused(values: list[Any], horizon: int, message: str):
    with pytest.raises(InputError, match=message):
        forecast_series(values, horizon=horizon)


def test_equal_values_have_a_forecast_and_no_interval():
    made = forecast_series([7.0] * 12, horizon=2)
    assert [(point.value, point.interval) for point in made.points] == [(7.0, None)] * 2
    assert "all values are equal" in made.notes[0]


def test_shares_stay_within_0_and_1_and_few_records_widen_their_interval():
    low = forecast_shares([0, 1, 0, 0, 2, 0, 1, 0, 0, 1], [9] * 10, horizon=3)
    assert all(0 < point.interval.low < point.value < point.interval.high < 1 for point in low.points)
    many, fewer = (forecast_shares([30] * 9 + [31], [100] * 9 + [last], horizon=1).points[0] for last in (100, 40))
    assert fewer.interval.high - fewer.interval.low >= many.interval.high - many.interval.low
    with pytest.raises(InputError, match="A part is not above its whole; got 3 of 2"):
        forecast_shares([3] * 8, [2] * 8, horizon=1)
    with pytest.raises(InputError, match="number 8 has no records"):
        forecast_shares([0] * 8, [2] * 7 + [0], horizon=1)


def deals(months: int) -> list[ck.Deal]:
    rng = random.Random(3)
    return [
        ck.Deal(id=f"{month}-{n}", status="won" if rng.random() < 0.3 else "lost", amount=100 + n, currency="EUR",
                closed_at=datetime(2024 + month // 12, month % 12 + 1, 1 + n % 28))
        for month in range(months)
        for n in range(40 + month)
    ]  # fmt: skip


def test_kpis_are_forecast_by_their_rule_and_an_open_period_is_left_out():
    crm = ck.Dataset(deals=deals(26), as_of=datetime(2026, 2, 10))
    revenue = crm.forecast("revenue", history="2024-01-01..2026-02-28", horizon=3)
    assert [point.label for point in revenue.points] == ["2026-02", "2026-03", "2026-04"]
    assert "1 period that is not over left out" in revenue.notes
    assert {type(point.value) for point in revenue.points} == {Decimal}
    assert (revenue.currency, len(revenue.history)) == ("EUR", 25)
    with pytest.raises(InputError, match=r"`horizon` is the number of periods to forecast, at least 1; got '3'"):
        crm.forecast("revenue", history="2024-01-01..2026-02-28", horizon="3")
    with pytest.raises(InputError, match=r"no value in 2023-06: no deal was closed. Begin after it, or take longer"):
        crm.forecast("win_rate", history="2023-06-01..2026-01-31", horizon=3)
    rate = crm.forecast("win_rate", history="2024-01-01..2026-01-31", horizon=3)
    results = crm.measure("win_rate", period="2024-01-01..2026-01-31", every="month")
    parts = [result.inputs["won"] for result in results]
    plain = forecast_shares(parts, [result.inputs["closed"] for result in results], horizon=3, season=12)
    assert rate.values == plain.values
    size = crm.forecast("average_deal_size", history="2024-01-01..2025-12-31", horizon=3)
    assert all(0 <= point.interval.low <= point.value <= point.interval.high for point in size.points)
    quarters = crm.forecast("lost_deals", every="quarter", history="2024-01-01..2025-12-31", horizon=2)
    assert [point.label for point in quarters.points] == ["2026-Q1", "2026-Q2"]
    weeks = crm.forecast("lost_deals", every="week", history="2024-01-08..2025-12-28", horizon=2)
    assert [point.label for point in weeks.points] == ["2026-W01", "2026-W02"]
    assert json.loads(quarters.to_json())[0]["period"] == "2026-Q1"
    assert "forecast" in revenue.to_markdown()
    assert "<table>" in revenue.to_html()


def test_counts_and_sums_may_be_taken_per_working_day():
    calendar = ck.Calendar(opening_hours={"mon-fri": ("09:00", "17:00")})
    found = [
        ck.Deal(id=f"{day}-{n}", status="won", amount=10, currency="EUR", closed_at=day + timedelta(hours=10))
        for day in (datetime(2024, 1, 1) + timedelta(days=n) for n in range(731))
        if day.weekday() < 5
        for n in range(4)
    ]
    crm = ck.Dataset(deals=found, calendar=calendar)
    made = crm.forecast("revenue", history="2024-01-01..2025-12-31", horizon=2)
    assert list(map(float, made.values)) == pytest.approx(
        [22 * 40, 20 * 40]
    )  # working days of January and February 2026
    assert "per working day, and multiplied by those to come" in made.notes


def test_what_is_no_series_is_refused_in_words():
    crm = ck.Dataset(deals=deals(12))
    with pytest.raises(InputError, match=r"sales_cycle_length\.median is not forecast.*use sales_cycle_length\."):
        crm.forecast("sales_cycle_length.median", history="2024")
    with pytest.raises(InputError, match="history"):
        crm.forecast("revenue")
    with pytest.raises(InputError, match="without holes; win_rate has no value in 2025-01"):
        crm.forecast("win_rate", history="2024-01-01..2025-01-31")
    with pytest.raises(InputError, match="periods that follow each other"):
        forecast_report(crm.measure("win_rate", period=[f"2024-{month:02}" for month in range(2, 12, 2)]), horizon=1)


def test_intervals_hold_about_what_they_say():
    rng = random.Random(12)
    held = {0.8: 0, 0.95: 0}
    for _ in range(60):
        level, values = 100.0, []
        for _month in range(42):
            level += rng.gauss(0.3, 3)
            values.append(level + rng.gauss(0, 4))
        for confidence in held:
            made = forecast_series(values[:36], horizon=6, confidence=confidence)
            held[confidence] += sum(b in p.interval for p, b in zip(made.points, values[36:], strict=True))
    assert 0.74 <= held[0.8] / 360 <= 0.95
    assert held[0.95] / 360 >= 0.9


@pytest.mark.parametrize(
    ("values", "season", "message"),
    [
        (["1"] * 12, None, "A forecast takes numbers; got '1'."),
        ([1.0, 2.0] * 18, 1, "`season` is the number of periods in a year, such as 12 for months; got 1."),
    ],
)
def test_what_is_no_number_and_no_season_is_refused(values, season, message):
    with pytest.raises(InputError) as caught:
        forecast_series(values, horizon=2, season=season)
    assert str(caught.value) == message
