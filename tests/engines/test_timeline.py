"""Periods are cut into disjoint intervals, and each period is the union of the intervals within it."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

import crmkpi as ck
from crmkpi.engines.query import NO_DATE
from crmkpi.measuring.reading import EVER, Timeline

BERLIN = ck.Calendar(tz="Europe/Berlin")
MONTHS = [ck.Period(f"2026-{month:02}", calendar=BERLIN) for month in range(1, 13)]
YEAR = ck.Period("2026", calendar=BERLIN)
days = st.integers(0, 60)
spans = st.tuples(days, days).map(sorted).filter(lambda pair: pair[0] < pair[1])
DAY = timedelta(days=1)
START = datetime(2026, 3, 1)  # the clocks change at the end of the month
periods = spans.map(lambda pair: ck.Period.between(START + pair[0] * DAY, START + pair[1] * DAY, calendar=BERLIN))


@given(st.lists(periods, max_size=5))
def test_the_parts_of_a_period_begin_where_it_begins_and_end_where_it_ends(asked: list[ck.Period]) -> None:
    timeline = Timeline(asked, EVER, whole=False)
    exact, wall = list(pairwise(timeline.moments.edges)), list(pairwise(timeline.moments.wall_edges))
    assert all(first < second for first, second in (*exact, *wall))
    for period in asked:
        parts = timeline.parts(period, stock=False)
        assert list(parts) == list(range(parts[0], parts[-1] + 1))
        assert (exact[parts[0]][0], exact[parts[-1]][1]) == (period.start, period.end)
        assert (wall[parts[0]][0], wall[parts[-1]][1]) == (period.wall_start, period.wall_end)
    assert {edge for pair in exact for edge in pair} == {edge for one in asked for edge in (one.start, one.end)}


@given(st.lists(periods, max_size=5))
def test_only_intervals_in_a_period_are_wanted(asked: list[ck.Period]) -> None:
    moments = Timeline(asked, EVER, whole=False).moments
    assert moments.wanted == [
        any(period.start <= first and second <= period.end for period in asked)
        for first, second in pairwise(moments.edges)
    ]


@pytest.mark.parametrize(
    ("asked", "merging"),
    [([], False), ([YEAR], False), (MONTHS, False), ([MONTHS[0], YEAR], True), ([YEAR, *MONTHS], True)],
    ids=["none", "a year", "months", "a year and its first month", "a year and its months"],
)
def test_parts_are_merged_where_periods_overlap(asked: list[ck.Period], *, merging: bool) -> None:
    assert Timeline(asked, EVER, whole=False).merging is merging


def test_what_was_not_asked_for_has_no_parts() -> None:
    timeline = Timeline(MONTHS[:2], EVER, whole=False)
    assert [timeline.parts(MONTHS[5], stock=stock) for stock in (False, True)] == [(), ()]
    assert [timeline.parts(None, stock=stock) for stock in (False, True)] == [(), ()]


def test_the_whole_is_all_of_time_and_what_has_no_date() -> None:
    timeline = Timeline([None, YEAR], EVER, whole=False)
    assert list(timeline.parts(None, stock=False)) == [0, 1, 2, NO_DATE, None]
    assert list(timeline.parts(YEAR, stock=False)) == [1]
    undivided = Timeline([None], EVER, whole=True)
    assert (list(undivided.parts(None, stock=False)), undivided.moments.edges) == ([None], [])


def test_a_stock_is_looked_at_once_at_the_bounds_of_each_period() -> None:
    asked = [MONTHS[0], YEAR, MONTHS[0], None]
    timeline = Timeline(asked, (datetime(2026, 5, 1), datetime(2026, 5, 1).astimezone()), whole=False)
    ever = ck.Period.all()
    assert [timeline.parts(period, stock=True) for period in asked] == [(0,), (1,), (0,), (2,)]
    assert timeline.moments.bounds == [
        (period.wall_start, period.start, period.wall_end, period.end) for period in (MONTHS[0], YEAR, ever)
    ]
    assert (timeline.moments.as_of_wall, timeline.moments.as_of.tzinfo is None) == (datetime(2026, 5, 1), False)


def test_no_stock_is_looked_at_in_an_earlier_period_that_only_flows_read() -> None:
    timeline = Timeline([MONTHS[1]], EVER, whole=False, earlier=[MONTHS[0], MONTHS[1]])
    assert [list(timeline.parts(month, stock=False)) for month in MONTHS[:2]] == [[0], [1]]
    assert [timeline.parts(month, stock=True) for month in MONTHS[:2]] == [(), (0,)]
    assert len(timeline.moments.bounds) == 1


def test_a_period_of_several_parts_has_what_is_in_all_of_them() -> None:
    found = [
        ck.Deal(
            id=str(n), status="won", amount=10**n, owner="Ada" if n % 2 else "Bo", closed_at=datetime(2026, 1 + n, 5)
        )
        for n in range(4)
    ]
    deals = ck.Table(ck.Deal)

    @ck.metric(unit="number", at=deals.closed_at, amount=deals.sum(deals.amount), owners=deals.distinct(deals.owner))
    def each(amount: Decimal, owners: int) -> float:
        """What an owner closed."""
        return float(amount) / owners

    asked = ["2026", "2026-Q1", "2026-01", "2026-02", "2026-05", "2026-Q3", "2026-02-01..2026-03-31"]
    report = ck.Dataset(deals=found).measure(each, period=asked)
    assert [(dict(result.inputs), result.n) for result in report] == [
        ({"amount": 1111, "owners": 2}, 4),
        ({"amount": 111, "owners": 2}, 3),
        ({"amount": 1, "owners": 1}, 1),
        ({"amount": 10, "owners": 1}, 1),
        ({"amount": 0, "owners": 0}, 0),
        ({"amount": 0, "owners": 0}, 0),
        ({"amount": 110, "owners": 2}, 2),
    ]
