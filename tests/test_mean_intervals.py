"""Intervals of means: coverage, containing the value, staying in range, and matching the formula."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import stats

import crmkpi as ck
from crmkpi.errors import DefinitionError, InputError
from crmkpi.statistics.intervals import Interval, adjusted_wald, log_student, student
from crmkpi.testing import check_metric
from crmkpi.testing.examples import parameters_of
from crmkpi.testing.pools import random_dataset

deals = ck.Table(ck.Deal)
tickets = ck.Table(ck.Ticket)
EVERY = {metric.id: metric for metric in ck.catalogue.everything()}
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)

few_amounts = st.lists(st.decimals(0, 10**9, places=2), min_size=1, max_size=12)


def won(amounts: Any) -> list[ck.Deal]:
    return [ck.Deal(id=str(n), status="won", amount=amount) for n, amount in enumerate(amounts)]


def bounds_in_seconds(number: Any) -> float:
    return number.total_seconds() if isinstance(number, timedelta) else float(number)


class TestLogStudent:
    @pytest.mark.parametrize("count", [5, 10, 100])
    @pytest.mark.parametrize("variation", [0.1, 1.0, 2.0])
    def test_it_is_the_formula_of_its_docstring_with_the_quantile_of_scipy(self, count, variation):
        degrees = max(2, 2 * count / (6 * variation**2 + 2 * count / (count - 1)))
        factor = math.exp(stats.t.ppf(0.975, degrees) * variation / math.sqrt(count))
        assert list(log_student(count, 40.0, 40.0 * variation)) == pytest.approx([40 / factor, 40 * factor], rel=1e-9)

    @given(st.integers(2, 10**6), st.floats(1e-3, 1e9), st.floats(0, 10), st.floats(0.01, 0.999))
    def test_it_stays_above_0_and_contains_the_mean(self, count, mean, variation, confidence):
        found = log_student(count, mean, mean * variation, confidence=confidence)
        assert found is None or 0 <= found.low <= mean <= found.high < math.inf

    def test_of_values_that_vary_little_it_is_students(self):
        assert list(log_student(30, 100.0, 0.1)) == pytest.approx(list(student(30, 100.0, 0.1)), rel=1e-6)

    def test_equal_values_and_nothing_but_zeros_give_the_mean_itself(self):
        assert list(log_student(6, 5.0, 0.0)) == [5.0, 5.0]
        assert list(log_student(6, 0.0, 0.0)) == [0.0, 0.0]
        assert list(log_student(6, 0.0, 1.0)) == [0.0, 0.0]  # as user's totals may be, rounded

    @pytest.mark.parametrize("mean", [0.0, 5.0])
    def test_it_says_its_confidence_and_its_method(self, mean):
        found = log_student(6, mean, 0.0, confidence=0.8)
        assert found == Interval(mean, mean, 0.8, "log student")

    def test_one_value_gives_none_and_a_mean_below_0_is_refused(self):
        assert log_student(1, 5.0, math.nan) is None
        with pytest.raises(
            InputError, match=r"`mean` must not be below 0 for `log_student`; got -1\.0\. Use `student`"
        ):
            log_student(5, -1.0, 1.0)

    @pytest.mark.parametrize(
        ("draw", "truth", "least"),
        [
            (lambda r, size: r.lognormal(0, 0.5, size), math.exp(0.125), 93.0),
            (lambda r, size: r.lognormal(0, 1.0, size), math.exp(0.5), 90.5),
            (lambda r, size: r.lognormal(0, 1.5, size), math.exp(1.125), 88.0),
            (lambda r, size: r.exponential(1, size), 1.0, 94.0),
            (lambda r, size: r.gamma(0.5, 1, size), 0.5, 94.0),
        ],
    )
    @pytest.mark.parametrize("count", [5, 10, 30, 100])
    def test_it_holds_what_the_page_says_of_skewed_amounts(self, draw, truth, least, count):
        values = draw(np.random.default_rng(11), (1500, count))
        held = 0
        for mean, deviation in zip(values.mean(axis=1), values.std(axis=1, ddof=1), strict=True):
            low, high = log_student(count, float(mean), float(deviation))
            held += low <= truth <= high
        assert 100 * held / 1500 >= least


class TestMeans:
    def test_the_interval_of_amounts_stays_above_0(self):
        result = ck.average_deal_size(won([100, 250, 400, 90, 2_000]))
        assert result.interval.method == "log student"
        assert type(result.interval.low) is Decimal
        assert 0 < result.interval.low < result.value < result.interval.high

    def test_the_interval_of_durations_stays_above_0(self):
        asked = [
            ck.Ticket(id=str(n), created_at=NOON, first_replied_at=NOON + timedelta(hours=hours))
            for n, hours in enumerate([1, 1, 1, 2, 90])
        ]
        result = ck.average_response_time(asked)
        assert result.interval.method == "log student"
        assert timedelta(0) < result.interval.low < result.value < result.interval.high

    @pytest.mark.parametrize("count", [1, 2, 4])
    def test_fewer_than_five_values_have_no_interval_and_the_reason(self, count):
        result = ck.average_deal_size(won(range(1, count + 1)))
        assert result.interval is None
        assert result.no_interval == "a mean of fewer than 5 values has no interval"
        assert result.no_interval in str(ck.Dataset(deals=won([1, 2]), currency="EUR").measure("average_deal_size"))

    def test_five_values_have_one_and_what_has_none_by_its_kind_gives_no_reason(self):
        assert ck.average_deal_size(won([1, 2, 3, 4, 5])).no_interval is None
        assert ck.revenue(won([1])).no_interval is None
        assert ck.win_rate(won([1])).no_interval is None
        assert ck.average_deal_size([]).no_interval is None

    @given(few_amounts)
    @example([Decimal("33.33")] * 7)
    @example([Decimal("0.01")] * 6 + [Decimal("999999999.99")])
    @settings(max_examples=60)
    def test_it_contains_the_exact_mean_whatever_the_amounts(self, amounts):
        result = ck.average_deal_size(won(amounts))
        assert result.interval is None or 0 <= result.interval.low <= result.value <= result.interval.high

    @given(few_amounts, st.integers(0, 12))
    @settings(max_examples=40)
    def test_parts_merge_to_exactly_the_interval_of_the_whole(self, amounts, cut):
        records = won(amounts)
        tally = ck.Tally("average_deal_size", currency="EUR")
        parts = [tally.add(deals=part) for part in (records[:cut], records[cut:])]
        whole = ck.Dataset(deals=records, currency="EUR").measure("average_deal_size")[0]
        assert parts[0].merge(parts[1]).report()[0].interval == whole.interval

    def test_refunds_are_no_deals_and_no_orders(self):
        result = ck.average_deal_size(won([100, 200, -300]))
        assert (result.value, result.left_out) == (150, {"refund": 1})
        orders = [ck.Order(id=str(n), amount=amount) for n, amount in enumerate([30, 50, -80])]
        assert (ck.average_order_value(orders).value, ck.average_order_value(orders).left_out) == (40, {"refund": 1})


@pytest.mark.one_of(3)
@pytest.mark.parametrize("name", sorted(EVERY))
def test_an_interval_contains_its_value_and_stays_in_the_range_of_the_kpi(name):
    metric = EVERY[name]
    low, high = metric.within

    @given(st.randoms(use_true_random=False), st.sampled_from([0.5, 0.8, 0.95, 0.999]))
    @settings(max_examples=10)
    def holds(random: Random, confidence: float) -> None:
        result = metric(random_dataset(metric, random), confidence=confidence, **parameters_of(metric))
        if result.interval is None:
            return
        first, value, last = (
            bounds_in_seconds(one) for one in (result.interval.low, result.value, result.interval.high)
        )
        assert first <= value <= last
        assert low is None or low <= first
        assert high is None or last <= high

    holds()


class TestNetPromoterScore:
    @given(st.integers(0, 50), st.integers(0, 50), st.integers(0, 50), st.floats(0.01, 0.9999))
    @example(1, 0, 0, 0.95)
    @example(0, 0, 1, 0.95)
    @example(10**6, 0, 0, 0.01)
    def test_its_interval_contains_it(self, promoters, passives, detractors, confidence):
        found = adjusted_wald(promoters, passives, detractors, confidence=confidence)
        answers = promoters + passives + detractors
        assert (found is None) == (answers == 0)
        assert found is None or -100 <= found.low <= 100 * (promoters - detractors) / answers <= found.high <= 100


def kpi(formula: Any, measure: Any, **said: Any) -> ck.Metric:
    """A KPI of one measure, named x, with this formula."""

    def own(x):
        """Own."""
        return formula(x)

    return ck.metric(**{"unit": "number", "x": measure, **said})(own)


CYCLE = deals.mean(deals.closed_at - deals.created_at)
CLOSED = [
    ck.Deal(id=str(n), status="won", created_at=NOON, closed_at=NOON + timedelta(days=days), probability=days / 10)
    for n, days in enumerate([1, 2, 3, 4, 5, 6, 7])
]


class TestFormulas:
    """An interval belongs to the value it surrounds."""

    @pytest.mark.parametrize(
        "formula",
        [
            lambda x: 20 * x,
            lambda x: x / 86_400,
            lambda x: -x,
            lambda x: x + 1,
            round,
            lambda x: min(x, 0.4),
        ],
    )
    @pytest.mark.parametrize("measure", [deals.mean(deals.probability), deals.median(deals.probability), CYCLE])
    def test_a_formula_that_changes_its_measure_has_no_interval(self, formula, measure):
        result = kpi(formula, measure)(CLOSED)
        assert result.value is not None
        assert result.interval is None

    @pytest.mark.parametrize("formula", [lambda x: x, lambda x: x if x >= 0 else None, float, abs])
    def test_a_formula_that_gives_its_measure_back_has_the_interval_of_it(self, formula):
        result = kpi(formula, deals.mean(deals.probability))(CLOSED)
        assert result.value in result.interval
        assert result.interval == kpi(lambda x: x, deals.mean(deals.probability))(CLOSED).interval

    @pytest.mark.parametrize(
        ("measure", "said"),
        [
            (deals.mean(deals.probability), {}),
            (deals.median(deals.probability), {"unit": "ratio"}),
            (CYCLE, {"unit": "duration"}),
            (CYCLE, {}),
            (deals.median(deals.closed_at - deals.created_at), {"unit": "duration"}),
            (CYCLE, {"unit": "duration", "interval": ck.Monotone("x")}),
            (deals.sum(deals.probability), {}),
        ],
    )
    def test_a_kpi_that_is_its_measure_has_the_interval_of_a_formula_that_gives_it_back(self, measure, said):
        def own():
            """Own."""

        measured = ck.metric(**{"unit": "number", "x": measure, **said})(own)
        told = kpi(lambda x: x, measure, **said)
        assert (measured.is_measure, told.is_measure) == (True, False)
        assert measured(CLOSED).interval == told(CLOSED).interval
        assert measured([]).interval is None

    @pytest.mark.parametrize("formula", [lambda x: x / 86_400, lambda x: 10 - x / 86_400, lambda x: (x / 86_400) ** 2])
    @pytest.mark.parametrize("measure", [CYCLE, deals.median(deals.closed_at - deals.created_at)])
    def test_one_that_says_that_it_rises_or_falls_has_that_of_its_bounds(self, formula, measure):
        plain = kpi(lambda x: x, measure, unit="duration")(CLOSED).interval
        ends = sorted(formula(bound.total_seconds()) for bound in plain)
        result = kpi(formula, measure, interval=ck.Monotone("x"))(CLOSED)
        assert list(result.interval) == pytest.approx(ends)
        assert result.value in result.interval

    def test_a_mean_duration_told_as_a_number_has_its_interval_in_seconds(self):
        result = kpi(lambda x: x, CYCLE)(CLOSED)
        assert result.value == 4 * 86_400
        assert result.value in result.interval
        assert result.interval.high < 20 * 86_400

    def test_a_range_cuts_the_interval_of_a_mean(self):
        scores = [ck.Survey(id=str(n), kind="csat", score=score) for n, score in enumerate([5, 5, 5, 5, 4])]
        surveys = ck.Table(ck.Survey)
        free = kpi(lambda x: x, surveys.mean(surveys.score), unit="score")(scores)
        held = kpi(lambda x: x, surveys.mean(surveys.score), unit="score", within=(1, 5))(scores)
        assert free.interval.high > 5
        assert (held.interval.low, held.interval.high) == (free.interval.low, 5)

    def test_check_metric_finds_a_value_outside_of_its_own_interval(self):
        @ck.metric(
            unit="number",
            x=deals.sum(deals.probability),
            n=deals.count(deals.probability.present()),
            interval=ck.Mean("x", "n"),
        )
        def twentyfold(x, n):
            """Twenty times the mean.

            $$20 x / n$$

            Returns:
                A number; undefined without deals.

            Examples:
                >>> twentyfold.formula(x=1, n=2)
                10.0
            """
            return 20 * x / n

        with pytest.raises(AssertionError, match="lies outside its own interval"):
            check_metric(twentyfold, examples=60)

    @pytest.mark.parametrize("within", [(1, 0), (0,), "0", (True, 2), 5, (0, "1")])
    def test_what_is_no_range_is_refused(self, within):
        with pytest.raises(DefinitionError, match="within of own is the lowest and the highest number"):
            kpi(lambda x: x, deals.mean(deals.probability), within=within)

    def test_monotone_is_for_one_mean_median_or_quantile(self):
        with pytest.raises(
            DefinitionError, match=r"Monotone\('x'\) is for a formula of one mean, median or quantile; own"
        ):
            kpi(lambda x: x, deals.count(), interval=ck.Monotone("x"))


def test_a_seed_gives_the_same_data_and_so_the_same_interval():
    random = Random(5)
    amounts = [Decimal(random.randint(1, 10**6)) / 100 for _ in range(40)]
    assert ck.average_deal_size(won(amounts)).interval == ck.average_deal_size(won(amounts[::-1])).interval
