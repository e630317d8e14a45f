"""The user's own benchmarks: positions by hand, and refusals."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import crmkpi as ck
from crmkpi.errors import InputError
from crmkpi.insight.benchmarks import Benchmark
from crmkpi.statistics.differences import share_difference

GIVEN = Benchmark("win_rate", {10: 0.1, 50: 0.2, 90: 0.4}, source="trade survey", year=2025)


@pytest.mark.parametrize(
    ("value", "percentile", "text"),
    [
        (0.1, 10, "at the 10th percentile"),
        (0.15, 30, "at the 30th percentile"),
        (0.2, 50, "at the 50th percentile"),
        (0.25, 60, "at the 60th percentile"),
        (0.4, 90, "at the 90th percentile"),
        (0.05, None, "below the 10th percentile"),
        (0.41, None, "above the 90th percentile"),
    ],
)
def test_a_value_lies_linearly_between_the_given_percentiles_and_outside_them_only_beyond(
    value: float, percentile: float | None, text: str
):
    found = GIVEN.position(value)
    assert found.percentile == (None if percentile is None else pytest.approx(percentile))
    assert found.text == text


@given(st.floats(0.1, 0.4), st.floats(0.1, 0.4))
def test_positions_rise_with_the_value(one: float, other: float):
    first, second = sorted((one, other))
    assert GIVEN.position(first).percentile <= GIVEN.position(second).percentile + 1e-9


def test_amounts_and_durations_have_positions_and_other_definitions_have_none():
    money = Benchmark("revenue", {25: Decimal(100), 75: Decimal(300)}, source="s", year=2025)
    assert money.position(Decimal(150)).percentile == 37.5
    time = Benchmark("handle_time", {25: timedelta(hours=1), 75: timedelta(hours=3)}, source="s", year=2025)
    assert time.position(timedelta(hours=2)).percentile == 50
    assert GIVEN.position(ck.win_rate.from_totals(won=1, closed=5)).percentile == pytest.approx(50)
    assert GIVEN.position(ck.win_rate.from_totals(won=0, closed=0)).text.startswith("undefined")
    with pytest.raises(InputError, match="counts something else"):
        GIVEN.position(ck.lost_rate.from_totals(lost=1, closed=5))


@pytest.mark.parametrize(
    ("percentiles", "more", "message"),
    [
        ({50: 0.2}, {}, "two percentiles"),
        ({50: 0.2, 120: 0.3}, {}, "two percentiles"),
        ({25: 0.3, 75: 0.2}, {}, "increase with their percentiles"),
        ({25: 0.2, 75: 0.3}, {"source": " "}, "has a source"),
        ({25: 0.2, 75: 0.3}, {"year": "2025"}, "has a year"),
    ],
)
def test_what_is_no_benchmark_is_refused(percentiles: dict[float, float], more: dict[str, Any], message: str):
    with pytest.raises(InputError, match=message):
        Benchmark("win_rate", percentiles, **{"source": "s", "year": 2025, **more})


def test_a_share_differs_from_the_figure_of_others_as_two_shares_differ():
    given_ = Benchmark("win_rate", value=0.25, n=400, source="s", year=2025)
    found = given_.difference(ck.win_rate.from_totals(won=60, closed=150))
    assert found == share_difference(60, 150, 100, 400)
    assert given_.difference(ck.win_rate.from_totals(won=0, closed=0)) is None
    alone = Benchmark("win_rate", value=0.25, source="s", year=2025)
    bare = alone.difference(ck.win_rate.from_totals(won=60, closed=150))
    assert bare is not None
    assert (round(bare.value, 9), bare.interval, bare.p_value) == (0.15, None, None)
    with pytest.raises(InputError, match="counts something else"):
        given_.difference(ck.lost_rate.from_totals(lost=1, closed=5))
    with pytest.raises(InputError, match="has no percentiles"):
        given_.position(0.3)
    with pytest.raises(InputError, match="give it, such as value"):
        GIVEN.difference(ck.win_rate.from_totals(won=1, closed=5))
    with pytest.raises(InputError, match="at least 1; got 0"):
        Benchmark("win_rate", value=0.25, n=0, source="s", year=2025)
