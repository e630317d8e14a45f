"""Confidence intervals against published figures, scipy, statsmodels and exact arithmetic, and their laws."""

from __future__ import annotations

import json
import pickle
import statistics
from dataclasses import FrozenInstanceError
from datetime import timedelta
from decimal import Decimal, localcontext
from fractions import Fraction
from math import comb, inf, isfinite, nan
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from crmkpi.errors import InputError
from crmkpi.statistics.distributions import _stirling_error
from crmkpi.statistics.intervals import (
    Interval,
    adjusted_wald,
    newcombe,
    order_statistics,
    quantile,
    quantile_place,
    quantile_ranks,
    student,
    wilson,
)

ORACLES: dict[str, Any] = json.loads((Path(__file__).parent / "oracles" / "intervals.json").read_text("utf-8"))

confidences = st.sampled_from([0.5, 0.8, 0.9, 0.95, 0.99, 0.999])
any_confidence = st.floats(0, 1, exclude_min=True, exclude_max=True)
counts = st.integers(0, 10**9)
finite_floats = st.floats(-1e12, 1e12)
fractions = st.floats(0, 1)


def close(expected: Any) -> Any:
    return pytest.approx(expected, rel=1e-9, abs=1e-15)


def shares(limit: int = 10**9) -> st.SearchStrategy[tuple[int, int]]:
    """Successes and their total, which is at least 1."""
    return st.integers(1, limit).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total)))


class TestInterval:
    def test_it_unpacks_into_its_bounds(self):
        low, high = Interval(1.0, 2.0, 0.95, "student")
        assert (low, high) == (1.0, 2.0)

    def test_a_mapped_one_keeps_all_but_its_bounds(self):
        found = Interval(1.0, 2.0, 0.9, "student", 3)
        assert found.map(lambda bound: -bound) == Interval(-2.0, -1.0, 0.9, "student", 3)

    def test_it_contains_its_bounds_and_what_lies_between_and_nothing_else(self):
        interval = Interval(1.0, 2.0, 0.95, "student")
        assert [value in interval for value in (0.9, 1.0, 1.5, 2.0, 2.1)] == [False, True, True, True, False]

    def test_a_rising_function_maps_both_bounds(self):
        mapped = Interval(90.0, 150.0, 0.9, "student").map(lambda seconds: timedelta(seconds=seconds))
        assert mapped == Interval(timedelta(seconds=90), timedelta(seconds=150), 0.9, "student")

    def test_a_falling_function_swaps_the_bounds(self):
        assert Interval(0.25, 0.75, 0.9, "wilson").map(lambda x: Decimal(-x)) == Interval(
            Decimal("-0.75"), Decimal("-0.25"), 0.9, "wilson"
        )

    def test_it_does_not_change(self):
        interval = Interval(1.0, 2.0, 0.95, "student")
        with pytest.raises(FrozenInstanceError):
            interval.low = 0.0  # type: ignore[misc]

    def test_it_survives_a_pickle(self):
        interval = Interval(1.0, 2.0, 0.95, "student")
        assert pickle.loads(pickle.dumps(interval)) == interval


class TestWilson:
    @pytest.mark.parametrize("case", ORACLES["wilson"])
    def test_it_gives_the_known_figures(self, case):
        interval = wilson(case["successes"], case["total"], confidence=case["confidence"])
        assert interval is not None
        assert list(interval) == close(case["interval"])
        assert (interval.confidence, interval.method) == (case["confidence"], "wilson")

    @given(shares(), confidences)
    def test_it_agrees_with_statsmodels(self, share, confidence):
        expected = proportion_confint(*share, alpha=1 - confidence, method="wilson")
        assert list(wilson(*share, confidence=confidence)) == pytest.approx(expected, rel=1e-9, abs=1e-13)

    @given(shares(), st.floats(0.01, 0.999999))
    def test_it_contains_the_share_and_stays_within_0_and_1(self, share, confidence):
        successes, total = share
        low, high = wilson(successes, total, confidence=confidence)
        assert 0 <= low <= successes / total <= high <= 1

    @given(st.integers(1, 2**53), st.floats(0.01, 0.999999))
    def test_it_ends_exactly_at_0_and_1_where_all_fail_or_all_succeed(self, total, confidence):
        assert wilson(0, total, confidence=confidence).low == 0
        assert wilson(total, total, confidence=confidence).high == 1

    @given(shares(), confidences)
    def test_successes_and_failures_mirror_each_other(self, share, confidence):
        successes, total = share
        low, high = wilson(successes, total, confidence=confidence)
        mirrored_low, mirrored_high = wilson(total - successes, total, confidence=confidence)
        assert (low, high) == pytest.approx((1 - mirrored_high, 1 - mirrored_low), abs=1e-12)

    @given(shares(10**6), st.integers(2, 100), confidences)
    def test_more_records_of_the_same_share_narrow_it(self, share, times, confidence):
        successes, total = share
        few = wilson(successes, total, confidence=confidence)
        many = wilson(successes * times, total * times, confidence=confidence)
        assert many.high - many.low < few.high - few.low

    def test_no_records_give_no_interval(self):
        assert wilson(0, 0) is None

    @pytest.mark.parametrize(
        ("successes", "total", "message"),
        [
            (11, 10, r"`successes` must not exceed `total`; got 11 of 10\. Count both over the same records\."),
            (1, 0, r"`successes` must not exceed `total`; got 1 of 0\."),
            (-1, 10, r"`successes` must be a whole number from 0 up; got -1\. Count records, do not add up amounts\."),
            (2.5, 10, r"`successes` must be a whole number from 0 up; got 2\.5\."),
            (0, -1, r"`total` must be a whole number from 0 up; got -1\."),
            (nan, 10, r"`successes` must be a whole number from 0 up; got nan\."),
            (1, inf, r"`total` must be a whole number from 0 up; got inf\."),
        ],
    )
    def test_impossible_counts_are_refused(self, successes, total, message):
        with pytest.raises(InputError, match=message):
            wilson(successes, total)


class TestNewcombe:
    @pytest.mark.parametrize("case", ORACLES["newcombe"])
    def test_it_gives_the_known_figures(self, case):
        interval = newcombe(*case["counts"], confidence=case["confidence"])
        assert interval is not None
        assert list(interval) == close(case["interval"])
        assert (interval.method, interval.confidence) == ("newcombe", case["confidence"])

    @given(shares(10**6), shares(10**6), confidences)
    def test_it_agrees_with_statsmodels(self, first, second, confidence):
        expected = confint_proportions_2indep(*first, *second, method="newcomb", alpha=1 - confidence)
        assert list(newcombe(*first, *second, confidence=confidence)) == pytest.approx(expected, rel=1e-9, abs=1e-9)

    @given(shares(), shares(), confidences)
    def test_it_contains_the_difference_and_stays_within_minus_1_and_1(self, first, second, confidence):
        low, high = newcombe(*first, *second, confidence=confidence)
        assert -1 <= low <= first[0] / first[1] - second[0] / second[1] <= high <= 1

    @given(shares(), shares(), confidences)
    def test_swapping_the_shares_turns_the_sign(self, first, second, confidence):
        low, high = newcombe(*first, *second, confidence=confidence)
        swapped = newcombe(*second, *first, confidence=confidence)
        assert list(swapped) == pytest.approx([-high, -low], abs=1e-12)

    @given(shares(10**6), shares(10**6), st.integers(2, 100))
    def test_more_records_of_the_same_shares_narrow_it(self, first, second, times):
        few = newcombe(*first, *second)
        many = newcombe(*(times * count for count in (*first, *second)))
        assert many.high - many.low < few.high - few.low

    @pytest.mark.parametrize("arguments", [(0, 0, 1, 2), (1, 2, 0, 0)])
    def test_a_share_of_nothing_gives_no_interval(self, arguments):
        assert newcombe(*arguments) is None

    def test_impossible_counts_are_refused(self):
        with pytest.raises(InputError, match=r"`successes` must not exceed `total`; got 5 of 4\."):
            newcombe(1, 2, 5, 4)


class TestStudent:
    @pytest.mark.parametrize("case", ORACLES["student"])
    def test_it_gives_the_known_figures(self, case):
        interval = student(case["count"], case["mean"], case["standard_deviation"], confidence=case["confidence"])
        assert interval is not None
        assert list(interval) == close(case["interval"])
        assert interval.method == "student"

    @pytest.mark.parametrize("case", ORACLES["student_quantiles"])
    def test_its_half_width_in_standard_errors_is_the_known_quantile(self, case):
        count = case["degrees"] + 1
        interval = student(count, 0.0, count**0.5, confidence=2 * case["probability"] - 1)
        assert interval is not None
        assert interval.high == pytest.approx(case["t"], rel=1e-10)

    @pytest.mark.parametrize("case", ORACLES["normal_quantiles"])
    def test_with_very_many_values_the_quantile_is_the_normal_one(self, case):
        interval = student(10**14, 0.0, 10.0**7, confidence=2 * case["probability"] - 1)
        assert interval is not None
        assert interval.high == pytest.approx(case["z"], rel=1e-10)

    @given(st.integers(2, 5000) | st.integers(2, 10**9), st.floats(0.01, 0.999999999))
    @example(127, 0.05)
    @example(141, 0.5)
    def test_its_quantile_agrees_with_scipy(self, count, confidence):
        expected = stats.t.isf((1 - confidence) / 2, count - 1)
        assert student(count, 0.0, count**0.5, confidence=confidence).high == pytest.approx(expected, rel=1e-11)

    @pytest.mark.parametrize("confidence", [0.5, 0.8, 0.9, 0.95, 0.99, 0.999])
    @pytest.mark.parametrize("degrees", [2, 4, 6, 10, 16, 32, 34, 64, 130])
    def test_its_quantile_encloses_the_confidence_to_the_last_digits(self, degrees, confidence):
        t = student(degrees + 1, 0.0, (degrees + 1) ** 0.5, confidence=confidence).high
        # Abramowitz and Stegun 26.7.4: for even degrees the area is a finite sum.
        with localcontext(prec=50):
            square = Decimal(t) ** 2
            cosine = degrees / (degrees + square)
            terms = [Decimal(1)]
            for number in range(1, degrees // 2):
                terms.append(terms[-1] * cosine * (2 * number - 1) / (2 * number))
            area = (1 - cosine).sqrt() * sum(terms)
        assert float(1 - area) == pytest.approx(1 - confidence, rel=1e-11, abs=0)

    @pytest.mark.parametrize("confidence", [0.5, 0.8, 0.95, 0.99, 0.999])
    def test_for_many_degrees_it_is_the_published_expansion(self, confidence):
        z = Fraction(-statistics.NormalDist().inv_cdf((1 - confidence) / 2))
        degrees = int(40 * (z * z + 3)) + 1
        expected = (  # Abramowitz and Stegun 26.7.5
            z
            + (z**3 + z) / (4 * degrees)
            + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * degrees**2)
            + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * degrees**3)
            + (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / (92160 * degrees**4)
        )
        quantile_ = student(degrees + 1, 0.0, (degrees + 1) ** 0.5, confidence=confidence).high
        assert quantile_ == pytest.approx(float(expected), rel=1e-15, abs=0)

    @given(st.integers(2, 10**6), any_confidence)
    @example(2, 1e-10)
    @example(2, 1 - 2**-53)
    def test_any_confidence_has_a_finite_quantile(self, count, confidence):
        high = student(count, 0.0, 1.0, confidence=confidence).high
        assert isfinite(high)
        assert high >= 0

    @given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=50), confidences)
    def test_it_agrees_with_scipy_on_data(self, values, confidence):
        mean, deviation = statistics.fmean(values), statistics.stdev(values)
        low, high = student(len(values), mean, deviation, confidence=confidence)
        half_width = stats.t.interval(confidence, len(values) - 1)[1] * deviation / len(values) ** 0.5
        assert (low, high) == pytest.approx((mean - half_width, mean + half_width), rel=1e-9, abs=1e-6)

    @given(st.integers(2, 10**6), finite_floats, st.floats(0, 1e12), confidences)
    def test_it_contains_the_mean(self, count, mean, deviation, confidence):
        assert mean in student(count, mean, deviation, confidence=confidence)

    @given(st.integers(2, 10**6), confidences)
    def test_one_value_more_narrows_it(self, count, confidence):
        assert (
            student(count + 1, 0.0, 1.0, confidence=confidence).high
            < student(count, 0.0, 1.0, confidence=confidence).high
        )

    def test_equal_values_leave_only_the_mean(self):
        assert student(8, 5.0, 0.0) == Interval(5.0, 5.0, 0.95, "student")

    @pytest.mark.parametrize("count", [0, 1])
    def test_below_two_values_there_is_no_interval(self, count):
        assert student(count, 3.0, nan) is None

    @pytest.mark.parametrize(
        ("count", "mean", "deviation", "message"),
        [
            (-2, 0.0, 1.0, r"`count` must be a whole number from 0 up; got -2\."),
            (3, nan, 1.0, r"`mean` must be a finite number; got nan\. Leave out the values that are not finite\."),
            (3, 0.0, -1.0, r"`standard_deviation` must be a finite number from 0 up; got -1\.0\. Take the root"),
            (3, 0.0, inf, r"`standard_deviation` must be a finite number from 0 up; got inf\."),
        ],
    )
    def test_unusable_figures_are_refused(self, count, mean, deviation, message):
        with pytest.raises(InputError, match=message):
            student(count, mean, deviation)


class TestQuantile:
    @pytest.mark.parametrize(("fraction", "expected"), ORACLES["quantile"]["linear"].items())
    def test_it_gives_the_known_figures(self, fraction, expected):
        assert quantile(sorted(ORACLES["quantile"]["values"]), float(fraction)) == close(expected)

    @pytest.mark.parametrize("case", ORACLES["median"])
    def test_the_default_is_the_median(self, case):
        assert quantile(sorted(case["values"])) == close(case["median"])

    @given(st.lists(finite_floats, min_size=1), fractions)
    def test_it_agrees_with_numpy(self, values, fraction):
        expected = np.quantile(values, fraction)
        assert quantile(sorted(values), fraction) == pytest.approx(expected, rel=1e-9, abs=1e-3)

    @given(st.lists(finite_floats, min_size=1))
    def test_the_median_of_floats_is_the_one_of_the_standard_library(self, values):
        assert quantile(sorted(values)) == statistics.median(values)

    @given(st.lists(st.decimals(-(10**12), 10**12, places=2), min_size=1))
    def test_the_median_of_money_is_exact(self, values):
        assert quantile(sorted(values)) == statistics.median(values)

    @given(st.lists(st.timedeltas(timedelta(days=-(10**6)), timedelta(days=10**6)), min_size=1))
    def test_the_median_of_durations_is_the_mean_of_the_middle_two(self, values):
        ordered = sorted(values)
        low, high = ordered[(len(values) - 1) // 2], ordered[len(values) // 2]
        assert quantile(ordered) == (low + high) / 2

    @given(st.lists(st.integers(-(10**30), 10**30), min_size=1))
    def test_the_median_of_integers_of_any_size_is_exact(self, values):
        ordered = sorted(values)
        low, high = ordered[(len(values) - 1) // 2], ordered[len(values) // 2]
        assert quantile(ordered) == (low if len(values) % 2 else float(Fraction(low + high, 2)))

    @given(st.lists(finite_floats, min_size=1), fractions, fractions)
    def test_it_never_falls_with_the_fraction(self, values, one, other):
        ordered = sorted(values)
        assert quantile(ordered, min(one, other)) <= quantile(ordered, max(one, other))

    @given(st.lists(finite_floats, min_size=1))
    def test_the_fractions_0_and_1_are_the_smallest_and_the_largest(self, values):
        assert (quantile(sorted(values), 0), quantile(sorted(values), 1)) == (min(values), max(values))

    def test_the_fraction_is_taken_as_it_is_written(self):
        values = [Decimal(number) for number in range(11)]
        assert [quantile(values, tenth / 10) for tenth in range(11)] == values
        assert quantile([timedelta(0), timedelta(hours=10)], 0.1) == timedelta(hours=1)

    @pytest.mark.parametrize("make", [int, float, Decimal, lambda number: timedelta(hours=number)])
    def test_between_two_values_it_lies_as_far_as_the_fraction_says(self, make):
        assert [quantile([make(10), make(20)], tenth / 10) for tenth in (3, 7)] == [make(13), make(17)]

    def test_between_long_durations_no_microsecond_is_lost(self):
        long = timedelta(days=200_001, microseconds=1)  # more microseconds than a float holds
        assert quantile([long, long]) == long
        assert quantile([long, long + timedelta(microseconds=2)]) == long + timedelta(microseconds=1)

    def test_between_a_whole_number_and_a_float_it_is_rounded_once(self):
        exact = Fraction(6) + (Fraction(8.273863208820908) - 6) * Fraction(9, 10)
        assert quantile([6, 8.273863208820908], 0.9) == float(exact) == 8.046476887938816

    def test_its_place_is_that_of_the_median_unless_a_fraction_is_given(self):
        assert [quantile_place(4), quantile_place(5), quantile_place(5, 0.9)] == [
            (1, Fraction(1, 2)),
            (2, Fraction(0)),
            (3, Fraction(3, 5)),
        ]

    def test_money_keeps_its_digits_whatever_the_decimal_context(self):
        with localcontext() as context:
            context.prec = 3
            assert quantile([Decimal("1000000.01"), Decimal("1000000.03")]) == Decimal("1000000.02")

    def test_no_values_have_no_quantile(self):
        assert quantile([]) is None

    @pytest.mark.parametrize(("fraction", "got"), [(-0.1, r"-0\.1"), (1.5, r"1\.5"), (90, "90"), (nan, "nan")])
    @pytest.mark.parametrize("function", [quantile, order_statistics])
    def test_a_fraction_outside_0_and_1_is_refused(self, function, fraction, got):
        message = rf"`fraction` must lie within 0 and 1; got {got}\. Write the 90th percentile as 0\.9\."
        with pytest.raises(InputError, match=message):
            function([1.0, 2.0], fraction)

    @pytest.mark.parametrize("values", [[1.0, inf], [nan], [Decimal(1), Decimal("NaN")], [Decimal("-Infinity")]])
    def test_a_value_that_is_not_finite_is_refused(self, values):
        with pytest.raises(InputError, match=r"`sorted_values` must be finite; got .* Leave out the values"):
            quantile(values)


def exact_ranks(count: int, fraction: Fraction, confidence: Fraction) -> tuple[int, int, Fraction] | None:
    """The definition, word for word, in exact arithmetic."""
    half = (1 - confidence) / 2
    mass = [comb(count, k) * fraction**k * (1 - fraction) ** (count - k) for k in range(count + 1)]
    lows = [rank for rank in range(1, count + 1) if sum(mass[:rank]) <= half]
    highs = [rank for rank in range(1, count + 1) if sum(mass[rank:]) <= half]
    if not lows or not highs:
        return None
    return max(lows), min(highs), sum(mass[max(lows) : min(highs)], Fraction(0))


class TestQuantileRanks:
    @pytest.mark.parametrize("case", ORACLES["median"])
    def test_it_gives_the_known_figures(self, case):
        ranks = quantile_ranks(len(case["values"]), confidence=case["confidence"])
        assert ranks is not None
        assert list(ranks) == close([*case["ranks"], case["coverage"]])

    @given(
        st.integers(0, 60),
        st.sampled_from(["0.01", "0.1", "0.25", "0.5", "0.6", "0.75", "0.9", "0.95"]),
        st.sampled_from(["0.5", "0.8", "0.9", "0.95", "0.96875", "0.99", "0.9999"]),
    )
    @example(40, "0.5", "0.5")
    @example(60, "0.6", "0.5")
    @example(60, "0.25", "0.8")
    def test_it_agrees_with_the_definition_in_exact_arithmetic(self, count, fraction, confidence):
        expected = exact_ranks(count, Fraction(fraction), Fraction(confidence))
        ranks = quantile_ranks(count, float(fraction), confidence=float(confidence))
        assert (ranks and ranks[:2]) == (expected and expected[:2])
        if ranks is not None and expected is not None:
            assert ranks[2] == pytest.approx(float(expected[2]), abs=1e-14)

    def test_large_numbers_are_taken_by_the_series_of_stirling(self):
        bernoulli = [Fraction(1, 6), Fraction(-1, 30), Fraction(1, 42), Fraction(-1, 30)]
        for z in (16, 17.5, 40, 1e6):
            terms = [
                number / (2 * k * (2 * k - 1) * Fraction(z) ** (2 * k - 1)) for k, number in enumerate(bernoulli, 1)
            ]
            assert _stirling_error(z) == pytest.approx(float(sum(terms)), rel=1e-15, abs=0)

    @given(
        st.integers(1, 10**7),
        st.sampled_from([0.0001, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99]) | st.floats(1e-6, 1 - 1e-6),
        st.sampled_from([0.8, 0.9, 0.95, 0.99, 0.999999]),
    )
    @example(10, 0.5551, 0.5)
    @example(482, 0.0035, 0.01)
    @example(22, 0.8525, 0.3)
    def test_it_agrees_with_scipy_up_to_ten_million_values(self, count, fraction, confidence):
        binomial = stats.binom(count, fraction)
        low = int(binomial.ppf((1 - confidence) / 2))
        high = int(binomial.isf((1 - confidence) / 2)) + 1
        ranks = quantile_ranks(count, fraction, confidence=confidence)
        if low < 1 or high > count:
            assert ranks is None
        else:
            assert ranks is not None
            assert ranks[:2] == (low, high)
            assert ranks[2] == close(binomial.cdf(high - 1) - binomial.cdf(low - 1))

    @given(st.integers(0, 10**7), fractions, st.floats(1e-9, 1, exclude_max=True))
    def test_whenever_there_are_ranks_they_are_in_order_and_cover_the_confidence(self, count, fraction, confidence):
        ranks = quantile_ranks(count, fraction, confidence=confidence)
        if ranks is not None:
            low, high, coverage = ranks
            assert 1 <= low < high <= count
            assert confidence - 1e-9 <= coverage <= 1

    @given(st.integers(1, 10**7), confidences)
    def test_the_ranks_of_a_median_are_the_same_from_both_ends(self, count, confidence):
        ranks = quantile_ranks(count, confidence=confidence)
        if ranks is not None:
            assert ranks[0] + ranks[1] == count + 1

    @pytest.mark.parametrize(("count", "low", "high"), [(6, 1, 6), (7, 3, 5), (11, 3, 9), (12, 3, 10)])
    def test_a_tail_of_exactly_the_allowed_size_is_allowed(self, count, low, high):
        coverage = 1 - 2 * sum(comb(count, k) for k in range(low)) / 2**count
        assert quantile_ranks(count, confidence=coverage) == (low, high, close(coverage))

    @pytest.mark.parametrize("fraction", [0, 1])
    def test_the_extremes_cannot_be_enclosed(self, fraction):
        assert quantile_ranks(1000, fraction) is None

    def test_an_impossible_count_is_refused(self):
        with pytest.raises(InputError, match=r"`count` must be a whole number from 0 up; got -1\."):
            quantile_ranks(-1)


class TestOrderStatistics:
    @pytest.mark.parametrize("case", ORACLES["median"])
    def test_it_gives_the_known_figures(self, case):
        interval = order_statistics(sorted(case["values"]), confidence=case["confidence"])
        low, high = case["interval"]
        assert interval == Interval(low, high, case["confidence"], "order statistics")

    @given(st.lists(finite_floats, min_size=1, max_size=200), st.sampled_from([0.25, 0.5, 0.9]))
    def test_it_agrees_with_scipy(self, values, fraction):
        expected = stats.quantile_test(values, p=fraction).confidence_interval(0.95)
        interval = order_statistics(sorted(values), fraction)
        if interval is None:
            assert not (isfinite(expected.low) and isfinite(expected.high))
        else:
            assert tuple(interval) == tuple(expected)

    @given(st.lists(st.timedeltas(), max_size=100), st.floats(0.01, 0.99), st.sampled_from([0.9, 0.95, 0.99]))
    def test_it_contains_the_quantile(self, values, fraction, confidence):
        ordered = sorted(values)
        interval = order_statistics(ordered, fraction, confidence=confidence)
        if interval is not None:
            assert quantile(ordered, fraction) in interval

    def test_more_values_of_the_same_distribution_narrow_it(self):
        widths = []
        for count in (10, 100, 1000, 10_000):
            interval = order_statistics([step / count for step in range(count)])
            assert interval is not None
            widths.append(interval.high - interval.low)
        assert widths == sorted(widths, reverse=True)

    def test_the_bounds_are_values_of_their_own_type(self):
        low, high = order_statistics([Decimal(number) for number in range(6)])
        assert (low, high) == (Decimal(0), Decimal(5))
        assert isinstance(low, Decimal)

    @pytest.mark.parametrize(("count", "enough"), [(0, False), (5, False), (6, True)])
    def test_a_median_at_95_percent_needs_six_values(self, count, enough):
        assert (order_statistics([1.0] * count) is not None) is enough


class TestAdjustedWald:
    @pytest.mark.parametrize("case", ORACLES["adjusted_wald"])
    def test_it_gives_the_known_figures_clipped_to_the_scale(self, case):
        interval = adjusted_wald(case["promoters"], case["passives"], case["detractors"], confidence=case["confidence"])
        assert interval is not None
        assert list(interval) == close([max(-100, min(100, 100 * bound)) for bound in case["interval"]])
        assert (interval.method, interval.confidence) == ("adjusted wald", case["confidence"])

    def test_at_low_confidence_it_ends_at_the_score_that_added_answers_pull_it_away_from(self):
        assert adjusted_wald(9, 1, 0, confidence=0.01).high == 90
        assert adjusted_wald(0, 1, 9, confidence=0.01).low == -90

    @given(counts, counts, counts, confidences)
    def test_it_stays_on_the_scale(self, promoters, passives, detractors, confidence):
        interval = adjusted_wald(promoters, passives, detractors, confidence=confidence)
        if interval is not None:
            assert -100 <= interval.low < interval.high <= 100

    @given(counts, counts, counts, st.sampled_from([0.95, 0.99]))
    def test_it_contains_the_score_from_two_answers_on(self, promoters, passives, detractors, confidence):
        answers = promoters + passives + detractors
        if answers >= 2:
            interval = adjusted_wald(promoters, passives, detractors, confidence=confidence)
            assert 100 * (promoters - detractors) / answers in interval

    @given(counts, counts, counts, confidences)
    def test_promoters_and_detractors_mirror_each_other(self, promoters, passives, detractors, confidence):
        interval = adjusted_wald(promoters, passives, detractors, confidence=confidence)
        mirrored = adjusted_wald(detractors, passives, promoters, confidence=confidence)
        if interval is not None and mirrored is not None:
            assert list(mirrored) == pytest.approx([-interval.high, -interval.low])

    @given(st.integers(1, 10**6), st.integers(1, 10**6), st.integers(1, 10**6), st.integers(2, 100))
    def test_more_answers_of_the_same_shares_narrow_it(self, promoters, passives, detractors, times):
        few = adjusted_wald(promoters, passives, detractors)
        many = adjusted_wald(promoters * times, passives * times, detractors * times)
        assert many.high - many.low < few.high - few.low

    def test_no_answers_give_no_interval(self):
        assert adjusted_wald(0, 0, 0) is None

    @pytest.mark.parametrize("position", [0, 1, 2])
    def test_impossible_counts_are_refused(self, position):
        counts = [1, 1, 1]
        counts[position] = -1
        name = ("promoters", "passives", "detractors")[position]
        with pytest.raises(InputError, match=rf"`{name}` must be a whole number from 0 up; got -1\."):
            adjusted_wald(*counts)


@pytest.mark.parametrize("confidence", [0, 1, 95, -0.5, nan])
@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (wilson, (1, 2)),
        (newcombe, (1, 2, 1, 2)),
        (student, (0, 0.0, 0.0)),
        (adjusted_wald, (0, 0, 0)),
        (order_statistics, ([],)),
        (quantile_ranks, (10,)),
    ],
)
def test_a_confidence_that_is_no_probability_is_refused_even_without_data(function, arguments, confidence):
    message = rf"`confidence` must lie between 0 and 1, both excluded; got {confidence}\. Write 95 % as 0\.95\."
    with pytest.raises(InputError, match=message):
        function(*arguments, confidence=confidence)
