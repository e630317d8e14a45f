"""Survival against R, lifelines and laws; figures in tests/oracles/survival.json."""

from __future__ import annotations

import json
import math
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import crmkpi as ck
from crmkpi.errors import InputError, ParameterError, TimeZoneError
from crmkpi.insight.durations import (
    Durations,
    customer_durations,
    deal_durations,
    mean_lifetime,
    subscription_durations,
    ticket_durations,
)
from crmkpi.insight.survival import chi_square_tail, kaplan_meier, log_rank

ORACLE = json.loads((Path(__file__).parents[1] / "oracles" / "survival.json").read_text())
STAYS = Durations([10, 40, 72], [True, True, False], "months")
some = st.lists(st.tuples(st.integers(1, 30), st.booleans()), min_size=1, max_size=40)


def of(rows: list[tuple[int, bool]]) -> Durations:
    return Durations([row[0] for row in rows], [row[1] for row in rows])


def test_the_small_example_is_the_one_of_r() -> None:
    tiny, r = ORACLE["expected"]["tiny"], ORACLE["expected"]["tiny"]["R_survfit"]
    curve = kaplan_meier(Durations(tiny["durations"], tiny["events"]))
    assert (list(curve.times), list(curve.at_risk), list(curve.ends)) == (r["time"], r["n_risk"], r["n_event"])
    assert list(curve.survival) == pytest.approx(r["surv"], rel=1e-12)
    assert [math.sqrt(s) for s in curve.variance_sums] == pytest.approx(r["std_err_cumhaz_scale"], rel=1e-12)
    assert [p.low for p in curve.points()] == pytest.approx(r["loglog_lower"], rel=1e-12)
    assert [p.high for p in curve.points()] == pytest.approx(r["loglog_upper"], rel=1e-12)
    for horizon in (10, 12):
        mean, expected = curve.restricted_mean(horizon), tiny[f"rmst_{horizon}"]
        assert (mean.value, mean.standard_error) == pytest.approx((expected["value"], expected["se"]), rel=1e-12)


def test_the_median_is_the_first_time_at_which_half_has_ended() -> None:
    assert kaplan_meier(Durations([1, 2, 3, 4], [True] * 4)).median.time == 2


@pytest.mark.parametrize(
    ("statistic", "degrees", "tail"), [(3.841459, 1, 0.05), (5.991465, 2, 0.05), (11.0705, 5, 0.05), (13.2767, 4, 0.01)]
)
def test_chi_square_tails_are_those_of_the_tables(statistic: float, degrees: int, tail: float) -> None:
    assert chi_square_tail(statistic, degrees) == pytest.approx(tail, rel=1e-5)


@given(some)
def test_without_open_ends_the_curve_is_the_share_that_lasts_longer(rows: list[tuple[int, bool]]) -> None:
    lasting = [row[0] for row in rows]
    curve = kaplan_meier(Durations(lasting, [True] * len(lasting)))
    for time, share in zip(curve.times, curve.survival, strict=True):
        assert share == pytest.approx(sum(length > time for length in lasting) / len(lasting), abs=1e-12)
    assert curve.restricted_mean(max(lasting)).value == pytest.approx(sum(lasting) / len(lasting))


@given(st.lists(st.integers(0, 5), min_size=1, max_size=20).filter(any), st.integers(1, 5))
def test_the_mean_within_a_horizon_counts_those_that_ended_at_once(lasting: list[int], horizon: int) -> None:
    horizon = min(horizon, max(lasting))
    curve = kaplan_meier(Durations(lasting, [True] * len(lasting)))
    expected = sum(min(length, horizon) for length in lasting) / len(lasting)
    assert curve.restricted_mean(horizon).value == pytest.approx(expected)
    assert curve.remaining_life(0, horizon=horizon) == curve.restricted_mean(horizon)


@given(some)
def test_the_curve_never_rises_and_stays_in_its_band(rows: list[tuple[int, bool]]) -> None:
    points = kaplan_meier(of(rows)).points()
    shares = [point.survival for point in points]
    assert shares == sorted(shares, reverse=True)
    assert all(0 <= point.low <= point.survival <= point.high <= 1 for point in points)


@given(some, st.randoms())
def test_the_order_does_not_matter(rows: list[tuple[int, bool]], random: Any) -> None:
    mixed = random.sample(rows, len(rows))
    assert kaplan_meier(of(mixed)) == kaplan_meier(of(rows))


@given(some)
def test_arrays_and_lists_give_the_same_curve(rows: list[tuple[int, bool]]) -> None:
    np = pytest.importorskip("numpy")
    entries = [row[0] / 2 if i % 2 else 0.0 for i, row in enumerate(rows)]
    for late in (None, entries):
        lists = Durations([float(r[0]) for r in rows], [r[1] for r in rows], entries=late)
        arrays = Durations(np.array(lists.durations), np.array(lists.ended), entries=late and np.array(late))
        first, second = kaplan_meier(lists), kaplan_meier(arrays)
        assert (first.times, first.at_risk, first.ends) == (second.times, second.at_risk, second.ends)
        assert second.survival == pytest.approx(first.survival, rel=1e-12)
        assert second.variance_sums == pytest.approx(first.variance_sums, rel=1e-12)


@given(some)
def test_who_enters_at_the_start_does_not_enter_late(rows: list[tuple[int, bool]]) -> None:
    late = Durations([r[0] for r in rows], [r[1] for r in rows], entries=[0] * len(rows))
    assert kaplan_meier(late) == kaplan_meier(of(rows))


def test_delayed_entry_counts_customers_only_while_they_are_watched() -> None:
    curve = kaplan_meier(Durations([4, 6, 8], [True, True, True], entries=[0, 5, 3]))
    assert curve.at_risk == (2, 2, 1)
    assert curve.survival == (0.5, 0.25, 0.0)


@given(some, st.integers(1, 10))
def test_remaining_life_is_the_restricted_mean_of_those_still_there(rows: list[tuple[int, bool]], after: int) -> None:
    rows = [*rows, (40, True)]  # some customers remain
    left = kaplan_meier(of(rows)).remaining_life(after, horizon=30)
    rest = kaplan_meier(of([(length - after, ended) for length, ended in rows if length > after]))
    expected = rest.restricted_mean(30 - after)
    assert left.value == pytest.approx(expected.value, rel=1e-12)
    assert left.standard_error == pytest.approx(expected.standard_error, rel=1e-12)


def test_the_mean_of_those_who_left_is_too_short_while_others_stay() -> None:
    assert mean_lifetime(STAYS, method="churned_only") == 25
    assert mean_lifetime(STAYS) == 61
    assert mean_lifetime(STAYS, method="inverse_churn") == 1.5


def day(number: int) -> datetime:
    return datetime(2026, 1, number, tzinfo=UTC)


def test_customers_who_stay_have_lasted_until_now() -> None:
    customers = [
        SimpleNamespace(since=day(1), until=day(8)),
        SimpleNamespace(since=day(1), until=None),
        SimpleNamespace(since=day(20), until=None),
        SimpleNamespace(since=day(9), until=day(2)),
        SimpleNamespace(since=None, until=None),
        SimpleNamespace(since=day(8), until=day(29)),
    ]
    durations = customer_durations(customers, as_of=day(15), unit="weeks")
    assert (durations.durations, durations.ended) == ([1.0, 2.0, 1.0], [True, False, False])
    assert durations.left_out == {"starts after the observation": 1, "ends before it starts": 1, "no start": 1}


def test_data_that_begin_mid_life_enter_late() -> None:
    customers = [SimpleNamespace(since=day(1), until=day(12)), SimpleNamespace(since=day(1), until=day(4))]
    durations = customer_durations(customers, as_of=day(15), unit="days", observed_from=day(5))
    assert (durations.durations, durations.entries) == ([11.0], [4.0])
    assert durations.left_out == {"ended before the observation began": 1}


def test_subscriptions_last_from_start_to_end() -> None:
    running = SimpleNamespace(started_at=day(1), ended_at=None)
    assert subscription_durations([running], as_of=day(4), unit="days").durations == [3.0]


def test_the_status_of_a_deal_and_not_its_date_says_whether_it_is_closed() -> None:
    deals = [
        SimpleNamespace(created_at=day(1), closed_at=day(5), status="won"),
        SimpleNamespace(created_at=day(1), closed_at=day(3), status="lost"),
        SimpleNamespace(created_at=day(1), closed_at=day(2), status="open"),
    ]
    closed = deal_durations(deals, as_of=day(11))
    assert (closed.durations, closed.ended) == ([4.0, 2.0, 10.0], [True, True, False])
    won = deal_durations(deals, as_of=day(11), outcome="won")
    assert (won.durations, won.ended) == ([4.0, 2.0, 10.0], [True, False, False])


def test_a_reopened_ticket_is_open() -> None:
    tickets = [
        SimpleNamespace(created_at=day(1), solved_at=day(2), status="solved"),
        SimpleNamespace(created_at=day(1), solved_at=day(2), status="open"),
    ]
    durations = ticket_durations(tickets, as_of=day(5))
    assert (durations.durations, durations.ended) == ([1.0, 4.0], [True, False])


def test_dates_and_zoned_timestamps_do_not_mix() -> None:
    with pytest.raises(TimeZoneError, match="give them all one"):
        customer_durations([SimpleNamespace(since=day(1), until=None)], as_of=date(2026, 1, 9))


@pytest.mark.parametrize(
    ("durations", "message"),
    [
        (Durations([], []), "at least one duration; got none"),
        (Durations([-1.0, 2.0], [True, True]), "finite and not negative; got -1.0"),
        (Durations([float("nan")], [True]), "finite and not negative"),
        (Durations([1.0, float("nan"), 2.0], [True] * 3), "finite and not negative"),
        (Durations([1.0, float("inf")], [True] * 2), "finite and not negative; got 1.0 to inf"),
        (Durations([3.0], [True], entries=[5.0]), "5.0 is not between 0 and 3.0"),
    ],
)
def test_durations_that_cannot_be_are_refused(durations: Durations, message: str) -> None:
    with pytest.raises(InputError, match=message):
        kaplan_meier(durations)


def test_columns_of_different_length_are_refused() -> None:
    with pytest.raises(InputError, match="`ended` needs one value per duration; got 1 for 2"):
        Durations([1, 2], [True])


def test_an_unknown_unit_is_refused() -> None:
    with pytest.raises(ParameterError, match="one of days, weeks, months or years; got 'hours'"):
        Durations([1], [True], "hours")  # type: ignore[arg-type]


def test_a_horizon_beyond_the_data_is_refused() -> None:
    with pytest.raises(ParameterError, match="at or before the longest duration seen, 72 months; got 100"):
        kaplan_meier(STAYS).restricted_mean(100)


def test_a_time_beyond_the_data_is_refused() -> None:
    with pytest.raises(ParameterError, match="between 0 and the longest duration seen"):
        kaplan_meier(STAYS).at(100)


def test_a_single_group_has_nothing_to_compare_with() -> None:
    with pytest.raises(InputError, match="at least two groups; got 1"):
        log_rank({"all": STAYS})


def test_nothing_ended_has_no_mean_lifetime() -> None:
    assert mean_lifetime(Durations([3, 4], [False, False])) is None


def test_durations_of_a_dataset_take_its_day_and_its_zone():
    times = {"since": "2026-01-01T00:00+00:00"}
    customers = [ck.Customer(id="1", until="2026-01-11T00:00+00:00", **times), ck.Customer(id="2", **times)]
    crm = ck.Dataset(customers=customers, as_of="2026-01-31", tz="Europe/Berlin")
    found = customer_durations(crm, unit="days")
    assert list(found.durations) == [10.0, 30 - 1 / 24]  # 00:00 in London is 01:00 in Berlin
    assert list(found.ended) == [True, False]
    with pytest.raises(ck.errors.MissingTableError, match="no table 'subscriptions'; it has customers"):
        subscription_durations(crm)


def test_a_canceled_subscription_without_an_end_does_not_run_on():
    subscriptions = [
        ck.Subscription(id="1", customer_id="A", started_at="2026-01-01", status="canceled"),
        ck.Subscription(id="2", customer_id="B", started_at="2026-01-01", status="active"),
    ]
    found = subscription_durations(ck.Dataset(subscriptions=subscriptions, as_of="2026-01-31"), unit="days")
    assert (list(found.durations), found.left_out) == ([30.0], {"canceled, no ended_at": 1})
