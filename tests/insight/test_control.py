"""Control charts and funnel plots: limits by hand, rules on constructed runs, and false-alarm rates."""

from __future__ import annotations

import json
import math
import random
import re
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import crmkpi as ck
from crmkpi.errors import InputError, UnknownNameError
from crmkpi.insight.control import control_chart, detectable, funnel_plot
from crmkpi.statistics.control_limits import limits_of_values, rules_of

QUIET = [50, 54, 47, 52, 49, 55, 51, 46, 53, 50, 48, 52, 51, 49, 53, 47, 50, 54, 48, 51, 52, 49, 50, 53]
NUMBERS = st.lists(st.integers(-500, 500), min_size=12, max_size=40)


def test_single_values_have_the_limits_of_their_moving_ranges():
    chart = control_chart(QUIET)
    sigma = float(np.mean(np.abs(np.diff(QUIET)))) / 1.128
    assert (chart.centre, chart.low, chart.high) == pytest.approx(
        (np.mean(QUIET), np.mean(QUIET) - 3 * sigma, np.mean(QUIET) + 3 * sigma)
    )
    assert (chart.kind, chart.latest, chart.signals) == ("XmR", "common", ())


def test_a_range_that_is_no_common_one_is_screened_out_if_asked():
    values = [*QUIET[:11], 90, *QUIET[12:]]
    ranges = np.abs(np.diff(values))
    kept = ranges[ranges <= 3.267 * ranges.mean()]
    assert len(kept) == len(ranges) - 2
    assert limits_of_values(values, screen=True).sigmas[0] == pytest.approx(kept.mean() / 1.128)
    assert limits_of_values(values, screen=False).sigmas[0] == pytest.approx(ranges.mean() / 1.128)


def test_shares_are_centred_on_all_records_and_not_on_the_mean_of_the_rates():
    parts = [30, 5, 35, 40, 2, 31, 29, 33, 6, 27, 18, 34]
    wholes = [100, 20, 120, 130, 8, 105, 95, 110, 25, 92, 98, 108]
    chart = control_chart(parts, of=wholes)
    centre = sum(parts) / sum(wholes)
    assert chart.kind == "p"
    for point, part, whole in zip(chart.points, parts, wholes, strict=True):
        sigma = math.sqrt(centre * (1 - centre) / whole)
        assert (point.value, point.centre) == pytest.approx((part / whole, centre))
        assert (point.low, point.high) == pytest.approx((max(0, centre - 3 * sigma), min(1, centre + 3 * sigma)))


def test_shares_that_vary_beyond_chance_get_laneys_limits():
    rates = [0.3, 0.33, 0.27, 0.31, 0.26, 0.34, 0.29, 0.32, 0.28, 0.3, 0.33, 0.27]
    parts, wholes = [round(rate * 100_000) for rate in rates], [100_000] * 12
    chart = control_chart(parts, of=wholes)
    centre = sum(parts) / sum(wholes)
    sigma = math.sqrt(centre * (1 - centre) / 100_000)
    scores = (np.array(parts) / 100_000 - centre) / sigma
    wide = np.abs(np.diff(scores)).mean() / 1.128
    assert (chart.kind, chart.high) == ("p'", pytest.approx(centre + 3 * sigma * wide))


def test_counts_of_months_are_judged_by_their_days():
    rng = random.Random(5)
    tickets = [
        ck.Ticket(id=f"{month}-{n}", created_at=datetime(2024, 1, 1) + timedelta(days=month * 30.4375 + n * 30.4 / 100))
        for month in range(20)
        for n in range(90 + rng.randrange(20))
        if n < 100
    ]
    report = ck.Dataset(tickets=tickets).measure("ticket_volume", period="2024", every="month")
    chart = control_chart(report)
    rate = sum(result.value for result in report) / 366
    feb = chart.points[1]
    assert (chart.kind, feb.centre) == ("u", pytest.approx(rate * 29))
    assert feb.high == pytest.approx(rate * 29 + 3 * math.sqrt(rate * 29))
    assert [point.value for point in chart.points] == pytest.approx([result.value for result in report])


@pytest.mark.parametrize(
    ("rule", "values", "expected"),
    [
        ("beyond", [*QUIET, 75], [(25, 25, "up")]),
        ("run", [*QUIET, *[52] * 8], [(24, 32, "up")]),
        ("two_of_three", [*QUIET, 58, 50, 58], [(25, 27, "up")]),
        ("trend", [*QUIET[:14], 46, 47, 48, 48, 49, 50, 51, 52], [(15, 22, "up")]),
        ("trend", [*QUIET[:14], 53, 52, 51, 50, 49, 48], []),
    ],
)
def test_a_rule_finds_what_it_says(rule: str, values: list[int], expected: list[tuple[Any, ...]]):
    chart = control_chart(values, baseline=24 if len(values) > 24 else 14, rules=[rule])
    assert [(signal.first, signal.last, signal.direction) for signal in chart.signals] == expected


def test_a_point_on_the_centre_neither_counts_nor_breaks_a_run():
    values = [49, 51] * 12 + [52] * 4 + [50] + [52] * 4
    chart = control_chart(values, baseline=24, rules="run")
    assert [(signal.first, signal.last) for signal in chart.signals] == [(26 - 2, 33)]


def test_gaps_break_moving_ranges_and_not_runs():
    values: list[float | None] = [49, 51, 50, None, 90, *QUIET]
    ranges = [abs(b - a) for a, b in pairwise(values) if a is not None and b is not None]
    assert limits_of_values(values, screen=False).sigmas[0] == pytest.approx(np.mean(ranges) / 1.128)


def test_a_share_of_nothing_has_no_limits_and_the_chart_those_of_the_points_before():
    parts, wholes = [30, 28, 35, 40, 22, 31, 29, 33, 36, 27, 18, 3, 0], [100] * 12 + [0]
    chart, short = control_chart(parts, of=wholes), control_chart(parts[:-1], of=wholes[:-1])
    assert (chart.points[-1].low, chart.points[-1].high, chart.points[-1].centre) == (None, None, short.centre)
    assert (chart.low, chart.high) == (short.low, short.high)


@given(st.integers(-5, 5), st.integers(2, 40))
def test_a_chart_of_constant_values_has_no_signal(value: int, count: int):
    chart = control_chart([value] * count)
    assert (chart.signals, chart.centre, chart.latest) == ((), None, None)
    assert any("limits" in note for note in chart.notes)


@settings(max_examples=40)
@given(NUMBERS, st.integers(1, 9), st.integers(-50, 50))
def test_a_chart_moves_and_stretches_with_its_values(values: list[int], scale: int, shift: int):
    plain, moved = control_chart(values), control_chart([scale * value + shift for value in values])
    if "logarithm" in plain.kind + moved.kind:
        return
    assert [(s.rule, s.first, s.last) for s in plain.signals] == [(s.rule, s.first, s.last) for s in moved.signals]
    if plain.low is not None:
        assert (moved.low, moved.high) == pytest.approx((scale * plain.low + shift, scale * plain.high + shift))


def test_too_few_points_have_values_and_no_limits_and_the_reason():
    chart = control_chart(QUIET[:11])
    assert [point.value for point in chart.points] == QUIET[:11]
    assert (chart.low, chart.latest) == (None, None)
    assert "no limits: they need 12 points, and there are 11" in str(chart)
    assert "no runs are looked for below 20 points" in control_chart(QUIET[:12]).notes


def test_skewed_values_are_charted_by_their_logarithms_and_shown_back():
    rng = random.Random(2)
    values = [math.exp(rng.gauss(3, 0.5)) for _ in range(30)]
    chart = control_chart(values)
    logs = np.log(values)
    sigma = np.abs(np.diff(logs)).mean() / 1.128
    assert chart.kind == "XmR of the logarithm"
    assert (chart.low, chart.high) == pytest.approx((np.exp(logs.mean() - 3 * sigma), np.exp(logs.mean() + 3 * sigma)))


def test_a_season_that_the_years_agree_on_is_taken_out():
    rng = random.Random(4)
    season = [20, 5, -5, -20, 0, 10, 25, -10, -15, 0, -10, 0]
    values = [100 + season[n % 12] + rng.gauss(0, 2) for n in range(36)]
    values[30] += 25
    seasonal = control_chart(values, season=12, rules="beyond")
    assert seasonal.season is not None
    assert [signal.last for signal in seasonal.signals] == [31]
    assert "season unknown" in " ".join(control_chart(values[:20], season=12).notes)


def test_values_that_follow_each_other_widen_the_limits():
    rng, values = random.Random(11), [0.0]
    for _ in range(30):
        values.append(0.9 * values[-1] + rng.gauss(0, 1))
    chart = control_chart(values)
    away = np.array(values) - np.mean(values)
    r = float((away[:-1] * away[1:]).sum() / (away**2).sum())
    sigma = np.abs(np.diff(values)).mean() / 1.128 / math.sqrt(1 - r)
    assert chart.high - chart.centre == pytest.approx(3 * sigma)
    assert {signal.rule for signal in chart.signals} <= {"beyond"}


def test_limits_start_anew_only_where_they_are_told_to():
    values = [*QUIET[:14], *[value + 40 for value in QUIET[:14]]]
    rebased = control_chart(values, rebase=[15])
    assert (rebased.points[13].centre, rebased.centre) == pytest.approx((np.mean(values[:14]), np.mean(values[14:])))
    assert rebased.signals == ()
    assert control_chart(values, baseline=12).points[0].centre == pytest.approx(np.mean(values[:12]))
    with pytest.raises(UnknownNameError, match="`rebase` names points"):
        control_chart(values, rebase=[99])


def test_a_target_beyond_the_limits_is_never_reached():
    chart = control_chart(QUIET, better="higher")
    assert chart.assurance(90) == "will miss it"
    assert chart.assurance(20) == "will hit it"
    assert chart.assurance(51) == "hit and miss"
    assert chart.assurance(90, at_least=False) == "will hit it"
    with pytest.raises(InputError, match="at_least=True"):
        control_chart(QUIET).assurance(50)


def monthly(rates: list[float]) -> ck.Report:
    deals = [
        ck.Deal(id=f"{month}-{n}", status="won" if n < rate * 100 else "lost",
                closed_at=datetime(2024 + month // 12, month % 12 + 1, 5))
        for month, rate in enumerate(rates)
        for n in range(100)
    ]  # fmt: skip
    crm = ck.Dataset(deals=deals, as_of=datetime(2024 + len(rates) // 12, len(rates) % 12 + 1, 20))
    last = f"{2024 + len(rates) // 12}-{len(rates) % 12 + 1:02}-28"
    return crm.measure("win_rate", period=f"2024-01-01..{last}", every="month")


def test_a_report_is_charted_by_its_rule_and_an_open_period_is_left_out():
    report = monthly([0.3, 0.32, 0.28, 0.31, 0.29, 0.33, 0.27, 0.3, 0.31, 0.3, 0.29, 0.3, 0.1])
    chart = control_chart(report)
    assert (chart.kind, chart.points[-1].label, chart.latest) == ("p", "2025-01", "concern")
    assert "1 period that is not over left out" in chart.notes
    (signal,) = [one for one in chart.signals if one.rule == "beyond"]
    assert (signal.last, signal.direction, signal.better) == ("2025-01", "down", False)
    assert json.loads(chart.to_json())[-1]["signals"] == "beyond"
    assert "concern: beyond" in chart.to_markdown()
    assert "<table>" in chart.to_html()


def test_a_chart_is_of_one_kpi_and_segment():
    crm = ck.Dataset(deals=[ck.Deal(id="1", status="won", owner="A", closed_at="2026-01-05")])
    with pytest.raises(InputError, match=r"one KPI and one segment.*report\.where"):
        control_chart(crm.measure(["win_rate", "lost_rate"], period="2026", every="month"))
    with pytest.raises(InputError, match="needs periods"):
        control_chart(crm.measure("win_rate"))
    windows = ck.Period("2026").windows("3 months", every="month")
    with pytest.raises(InputError, match="begins before"):
        control_chart(crm.measure("win_rate", period=windows))
    with pytest.raises(UnknownNameError, match="Did you mean 'beyond'"):
        rules_of("beyound")


def test_a_quiet_process_alarms_in_no_more_than_nine_of_a_hundred_series():
    rng = random.Random(7)
    alarms = sum(bool(control_chart([100 + rng.gauss(0, 5) for _ in range(24)]).signals) for _ in range(500))
    assert 0.04 <= alarms / 500 <= 0.1


def test_a_segment_is_outside_by_the_limits_for_its_size():
    sides = {"Ada": (62, 100), "Bo": (38, 100), "Cy": (4, 10), "Di": (400, 1000)}
    plot = funnel_plot(sides)
    centre = sum(part for part, _ in sides.values()) / sum(whole for _, whole in sides.values())
    for point in plot.points:
        part, whole = sides[point.label]
        assert point.z == pytest.approx((part / whole - centre) / math.sqrt(centre * (1 - centre) / whole))
    assert [point.label for point in plot.outside] == ["Ada"]
    deals = [ck.Deal(id=f"{name}{n}", status="won" if n < part else "lost", owner=name)
             for name, (part, whole) in sides.items() for n in range(whole)]  # fmt: skip
    by_owner = funnel_plot(ck.Dataset(deals=deals).measure("win_rate", by="owner"))
    assert [(point.label, point.z) for point in by_owner.points] == [(point.label, point.z) for point in plot.points]
    assert by_owner.outside[0].better is True


def test_means_have_a_funnel_of_their_common_spread():
    amounts = {"Ada": [100, 140, 90, 120], "Bo": [300, 280, 310, 330, 290, 305]}
    deals = [ck.Deal(id=f"{name}{n}", status="won", owner=name, amount=amount, currency="EUR")
             for name, many in amounts.items() for n, amount in enumerate(many)]  # fmt: skip
    plot = funnel_plot(ck.Dataset(deals=deals).compare("average_deal_size", by="owner"))
    everything = [amount for many in amounts.values() for amount in many]
    within = sum(stats.tvar(many) * (len(many) - 1) for many in amounts.values()) / (len(everything) - 2)
    for point in plot.points:
        expected = (np.mean(amounts[point.label]) - np.mean(everything)) / math.sqrt(within / point.n)
        assert point.z == pytest.approx(expected)


def test_what_records_could_show_is_told_before_they_are_there():
    assert detectable(0.2, 1000) == pytest.approx(0.0523864372)
    assert detectable(70, 50, spread=12) == pytest.approx((stats.norm.ppf(0.975) + stats.norm.ppf(0.8)) * 12 * 0.2)
    with pytest.raises(InputError, match="`n` is the number of records"):
        detectable(0.2)


def test_a_season_of_quarters_shows_from_two_years_on():
    values = [30, 10, 20, 40, 31, 11, 21, 41]
    assert control_chart(values, season=4).season is not None
    short = control_chart(values[:7], season=4)
    assert (short.season, "season unknown: it takes two years to see one" in short.notes) == (None, True)


def test_the_season_of_positive_values_is_a_factor_that_is_taken_out():
    factors = [1.4, 1.3, 1.0, 0.8, 0.7, 0.6, 0.7, 0.9, 1.0, 1.1, 1.2, 1.3]
    values = [(100 + 3 * math.sin(7 * n)) * factors[n % 12] for n in range(36)]
    chart = control_chart(values, season=12)
    assert (chart.season.additive, chart.signals) == (False, ())
    assert chart.points[5].raw == values[5]
    assert chart.points[5].value == pytest.approx(100, abs=6)


def test_a_kpi_of_two_counts_is_charted_per_exposure():
    # 20 tickets of 10 customers in each month; in one 60.
    tickets = [
        ck.Ticket(id=f"{month}-{n}", created_at=datetime(2025, month, 3), customer_id=f"C{n % 10}")
        for month in range(1, 13)
        for n in range(60 if month == 6 else 20)
    ]
    customers = [ck.Customer(id=f"C{n}", since=datetime(2024, 1, 1)) for n in range(10)]
    crm = ck.Dataset(tickets=tickets, customers=customers, as_of="2025-12-31")
    chart = control_chart(crm.measure("tickets_per_customer", period="2025", every="month"))
    assert (chart.kind, chart.centre) == ("u'", pytest.approx((11 * 20 + 60) / 120))
    assert chart.grid().headers[0] == "period"


def test_limits_screen_ranges_unless_they_are_told_not_to():
    values = [*QUIET[:11], 90, *QUIET[12:]]
    assert limits_of_values(values) == limits_of_values(values, screen=True) != limits_of_values(values, screen=False)


@pytest.mark.parametrize(
    ("values", "options", "message"),
    [
        ([], {}, "A control chart needs values; got none."),
        ("abc", {}, "The values of a chart are finite numbers, or None for a gap; got 'abc'."),
        (["a"] * 12, {}, "The values of a chart are finite numbers, or None for a gap; got 'a'."),
        ([5], {"of": [3]}, "A part is not above its whole, and an exposure is not below 0; got 5 of 3."),
        ([5], {"exposure": [-3]}, "A part is not above its whole, and an exposure is not below 0; got 5 of -3."),
        ([None], {"of": [-3]}, "A whole or an exposure is not below 0; got -3."),
        (QUIET, {"season": 1}, "`season` is the number of periods in a year, such as 12 for months; got 1."),
        (QUIET, {"season": 2.5}, "`season` is the number of periods in a year, such as 12 for months; got 2.5."),
        (QUIET, {"baseline": 40}, "`baseline` takes the first of 24 points; got 40."),
        (QUIET, {"rebase": "12"}, "`rebase` names points in a list, such as rebase=['12']; got '12'."),
        (
            QUIET,
            {"better": "hihger"},
            "`better` cannot be 'hihger'. Did you mean 'higher'?",
        ),
    ],
)
def test_numbers_that_cannot_be_charted_are_refused_in_a_sentence(values: Any, options: Any, message: str):
    with pytest.raises((InputError, UnknownNameError), match=f"^{re.escape(message)}$"):
        control_chart(values, **options)
