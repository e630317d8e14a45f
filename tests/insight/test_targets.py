"""Targets, projections, alerts and KPI sets: against scipy, by hand, and refusals."""

from __future__ import annotations

import json
import math
import random
import re
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

import crmkpi as ck
from crmkpi.cli.main import main
from crmkpi.errors import CrmKpiError, InputError, UnknownNameError
from crmkpi.insight.alerts import WatchState, watch
from crmkpi.insight.bundles import INDUSTRIES
from crmkpi.insight.kpi_sets import kpi_set, read_kpi_set
from crmkpi.insight.targets import target_status
from crmkpi.metrics.roles import ROLES
from crmkpi.statistics.pace import count_pace, curve_pace, mean_meets, normal_meets, share_meets, sum_pace


@given(st.integers(0, 200), st.integers(1, 20), st.integers(0, 300))
def test_the_rest_of_a_count_is_negative_binomial(done: int, elapsed: int, target: int):
    pace = count_pace(done, elapsed, 21, target)
    expected = stats.nbinom.sf(target - done - 1, done + 0.5, elapsed / 21)
    assert pace.probability == pytest.approx(expected, rel=1e-8, abs=1e-12)
    assert pace.projected == pytest.approx(done * 21 / elapsed)


def test_a_sum_is_compound_poisson_and_a_curve_is_macks():
    pace = sum_pace(40_000, 3e8, 8, 20, 95_000)
    spread = math.sqrt(3e8 * 12 / 8 * (1 + 12 / 8))
    assert (pace.projected, pace.deviation) == pytest.approx((100_000, spread))
    assert pace.probability == pytest.approx(stats.norm.sf((95_000 - 100_000) / spread))
    history = [(10, 50), (12, 49), (9, 52), (14, 61), (11, 48), (8, 44), (13, 60)]
    early = sum(one for one, _ in history)
    factor = sum(whole for _, whole in history) / early
    variance = sum(one * (whole / one - factor) ** 2 for one, whole in history) / 6
    curve = curve_pace(history, 12, 60)
    error = math.sqrt(12 * variance + 144 * variance / early)
    assert (curve.factor, curve.projected, curve.deviation) == pytest.approx((factor, 12 * factor, error))
    assert curve.probability == pytest.approx(stats.t.sf((60 - 12 * factor) / error, 6))
    assert curve_pace([(0, 50), (0, 40), (0, 30), (2, 40)], 5, 60) is None


@given(st.integers(1, 300).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.floats(0.02, 0.98))
def test_how_sure_a_value_meets_its_target(counts: tuple[int, int], target: float):
    part, whole = counts
    z = (part / whole - target) / math.sqrt(target * (1 - target) / whole)
    assert share_meets(part, whole, target) == pytest.approx(stats.norm.cdf(z))
    assert mean_meets(20, 105, 20, 100) == pytest.approx(stats.t.cdf(5 / (20 / math.sqrt(20)), 19))
    assert normal_meets(3, 2, 1) == pytest.approx(stats.norm.cdf(1))
    assert (mean_meets(1, 3, 0, 2), normal_meets(1, 0, 2)) == (None, None)


def won_and_lost(won: int, closed: int, day: str, owner: str | None = "Ada") -> list[ck.Deal]:
    return [
        ck.Deal(id=f"{day}{owner}{n}", status="won" if n < won else "lost", closed_at=day, owner=owner, amount=100,
                currency="EUR")
        for n in range(closed)
    ]  # fmt: skip


GOALS = {"name": "Sales", "kpi": [{"id": "win_rate", "target": {"at_least": 0.35}}]}


@pytest.mark.parametrize(("won", "closed", "status", "sure"), [(30, 100, "missed", 0.147), (3, 8, "met", 0.559)])
def test_a_period_that_is_over_meets_its_target_or_not_and_says_how_sure(
    won: int, closed: int, status: str, sure: float
):
    crm = ck.Dataset(deals=won_and_lost(won, closed, "2026-01-10"), as_of=date(2026, 2, 3))
    card = target_status(crm, kpi_set(GOALS), period="2026-01")
    (one,) = card.targets
    assert (one.status, round(one.probability, 3)) == (status, sure)
    assert card.score == (status == "met")
    assert status in str(card)
    assert json.loads(card.to_json())[0]["status"] == status


def test_a_target_at_its_bound_is_met_and_an_alert_at_its_threshold_is_silent():
    crm = ck.Dataset(deals=won_and_lost(7, 20, "2026-01-10"), as_of=date(2026, 2, 3))
    rules = kpi_set({"kpi": [{"id": "win_rate", "target": {"at_least": 0.35},
                              "alert": [{"when": "below", "value": 0.35, "at_least_n": 5}]}]})  # fmt: skip
    assert target_status(crm, rules, period="2026-01").targets[0].status == "met"
    assert watch(crm, rules, period="2026-01").alerts == ()


def test_targets_by_segment_growth_and_between():
    deals = won_and_lost(30, 100, "2026-01-10") + won_and_lost(50, 100, "2026-01-10", "Bo")
    deals += won_and_lost(40, 100, "2025-01-10") + won_and_lost(40, 100, "2025-01-10", "Bo")
    crm = ck.Dataset(deals=deals, as_of=date(2026, 2, 3))
    rules = kpi_set({
        "kpi": [
            {"id": "win_rate", "by": "owner", "target": {"at_least": 0.4}, "segments": {"Ada": {"at_least": 0.25}}},
            {"id": "revenue", "target": {"growth": 0.1}},
            {"id": "lost_rate", "target": {"between": [0.5, 0.7]}, "weight": 2},
        ]
    })  # fmt: skip
    ada, bo, revenue, lost = target_status(crm, rules, period="2026-01").targets
    assert [one.status for one in (ada, bo, revenue, lost)] == ["met", "met", "missed", "met"]
    assert revenue.target.low == Decimal(8000) * Decimal("1.1")
    assert target_status(crm, rules, period="2026-01").score == pytest.approx(4 / 5)


def test_records_without_a_segment_have_a_row_of_that_name_and_a_target_of_their_own():
    deals = won_and_lost(30, 100, "2026-01-10") + won_and_lost(50, 100, "2026-01-10", None)
    targets = {"target": {"at_least": 0.4}, "segments": {"(none)": {"at_least": 0.6}}}
    rules = kpi_set({"kpi": [{"id": "win_rate", "by": "owner", **targets}]})
    crm = ck.Dataset(deals=deals, as_of=date(2026, 2, 3))
    found = {one.segment: one.status for one in target_status(crm, rules, period="2026-01").targets}
    assert found == {"Ada": "missed", "(none)": "missed"}
    assert "win_rate (none)" in str(target_status(crm, rules, period="2026-01"))


def growing(months: int, per_month: int, last: int) -> list[ck.Deal]:
    rng = random.Random(2)
    deals = []
    for month in range(months):
        start = datetime(2025 + month // 12, month % 12 + 1, 1)
        days = 28 if month < months - 1 else last
        many = per_month if month < months - 1 else per_month * last // 28
        deals += [
            ck.Deal(id=f"{month}-{n}", status="won", amount=100, currency="EUR",
                    closed_at=start + timedelta(days=rng.randrange(days)))
            for n in range(many)
        ]  # fmt: skip
    return deals


def test_an_open_period_is_projected_by_what_earlier_ones_made_of_it():
    crm = ck.Dataset(deals=growing(13, 60, 14), as_of=date(2026, 1, 14))
    goals = {"kpi": [{"id": "revenue", "target": {"at_least": 4500}}]}
    (one,) = target_status(crm, kpi_set(goals), period="2026-01").targets
    assert one.status == "on track"
    assert 4500 < float(one.projected) < 8000
    assert float(one.needed) == pytest.approx((4500 - float(one.value)) / 17)
    goals["kpi"][0]["target"] = {"at_least": 20_000}  # type: ignore[index]
    hard = target_status(crm, kpi_set(goals), period="2026-01").targets[0]
    assert (hard.status, hard.assurance) == ("off track", "will miss it")
    assert "the process as it is cannot reach it" in str(target_status(crm, kpi_set(goals), period="2026-01"))
    goals["kpi"][0]["target"] = {"at_least": 1000}  # type: ignore[index]
    assert target_status(crm, kpi_set(goals), period="2026-01").targets[0].status == "reached"


def test_without_earlier_periods_the_rate_goes_on_and_too_little_is_too_early():
    deals = [ck.Deal(id=str(n), status="lost", closed_at=f"2026-01-{1 + n % 10:02}") for n in range(30)]
    crm = ck.Dataset(deals=deals, as_of=date(2026, 1, 10))
    goals = kpi_set({"kpi": [{"id": "lost_deals", "target": {"at_most": 100}}]})
    (one,) = target_status(crm, goals, period="2026-01").targets
    expected = 1 - stats.nbinom.sf(101 - 30 - 1, 30.5, 10 / 31)
    assert (one.probability, one.projected) == pytest.approx((expected, 93))
    few = ck.Dataset(deals=deals[:2], as_of=date(2026, 1, 10))
    assert target_status(few, goals, period="2026-01").targets[0].status == "too early"


def test_the_weights_of_what_is_undefined_go_to_the_others_and_are_named():
    crm = ck.Dataset(deals=won_and_lost(40, 100, "2026-01-10"), tickets=[], as_of=date(2026, 2, 3))
    rules = kpi_set({"kpi": [{"id": "win_rate", "target": {"at_least": 0.3}},
                             {"id": "reopen_rate", "target": {"at_most": 0.1}, "weight": 5}]})  # fmt: skip
    card = target_status(crm, rules, period="2026-01")
    assert (card.score, card.missing) == (1.0, ("reopen_rate",))
    assert "for lack of data: reopen_rate" in str(card)


def tickets(counts: dict[str, int]) -> ck.Dataset:
    return ck.Dataset(
        tickets=[
            ck.Ticket(id=f"{month}{n}", created_at=f"{month}-05") for month, many in counts.items() for n in range(many)
        ],
        as_of=date(2026, 12, 31),
    )


def states(rule: dict[str, Any], counts: list[int]) -> list[str]:
    months = {f"2026-{number:02}": many for number, many in enumerate(counts, 1)}
    crm, rules, state = tickets(months), kpi_set({"kpi": [{"id": "ticket_volume", "alert": [rule]}]}), WatchState()
    told = []
    for month in months:
        found = watch(crm, rules, period=month, state=state)
        state = WatchState.from_json(found.state.to_json())
        assert watch(crm, rules, period=month, state=state).state == state, "the same period twice changes nothing"
        told.append(" ".join(("new " if one.changed else "") + one.state for one in found.alerts) or "-")
    return told


@pytest.mark.parametrize(
    ("rule", "counts", "expected"),
    [
        ({"value": 10}, [9, 11, 12, 10, 11], ["-", "new firing", "firing", "new ok", "new firing"]),
        ({"value": 10, "clear": 7}, [11, 8, 9, 7, 9], ["new firing", "firing", "firing", "new ok", "-"]),
        ({"value": 10, "for": 3}, [11, 12, 9, 11, 12, 13], ["-", "-", "-", "-", "-", "new firing"]),
        ({"value": 10, "clear_for": 2}, [11, 9, 11, 9, 9], ["new firing", "firing", "firing", "firing", "new ok"]),
    ],
)
def test_alerts_wait_fire_and_clear_on_the_far_side(rule: dict[str, Any], counts: list[int], expected: list[str]):
    assert states({"when": "above", **rule}, counts) == expected


def test_no_data_keeps_the_state_and_an_open_period_is_left_alone():
    rule = {"when": "below", "value": 0.2, "at_least_n": 30, "severity": "critical"}
    rules = kpi_set({"kpi": [{"id": "win_rate", "alert": [rule]}]})
    deals = won_and_lost(2, 40, "2026-01-10") + won_and_lost(2, 5, "2026-02-10") + won_and_lost(0, 90, "2026-03-10")
    crm = ck.Dataset(deals=deals, as_of=date(2026, 3, 20))
    january = watch(crm, rules, period="2026-01")
    assert january.critical
    february = watch(crm, rules, period="2026-02", state=january.state)
    assert [(one.state, one.changed, one.since) for one in february.alerts] == [("firing", False, "2026-01")]
    march = watch(crm, rules, period="2026-03")
    assert (march.alerts, march.notes) == ((), ("win_rate: 2026-03 is not over",))
    above = kpi_set({"kpi": [{"id": "lost_deals", "alert": [{"when": "above", "value": 50}]}]})
    assert watch(crm, above, period="2026-03").firing, "a count above its limit stays there"


def test_sure_asks_the_interval_and_not_the_value():
    def fires(**more: Any) -> bool:
        rule = {"when": "below", "value": 0.35, "at_least_n": 1, **more}
        crm = ck.Dataset(deals=won_and_lost(12, 40, "2026-01-10"), as_of=date(2026, 2, 3))
        return bool(watch(crm, kpi_set({"kpi": [{"id": "win_rate", "alert": [rule]}]}), period="2026-01").firing)

    assert (fires(), fires(sure=0.95)) == (True, False)
    assert fires(value=0.6, sure=0.95), "the whole interval lies below"


def test_a_signal_of_the_chart_is_an_alert():
    counts = {f"{2024 + n // 12}-{1 + n % 12:02}": 40 + (n * 7) % 9 for n in range(24)} | {"2026-01": 150}
    rules = kpi_set({"kpi": [{"id": "complaints", "alert": [{"signal": "concern"}]}]})
    crm = ck.Dataset(
        tickets=[
            ck.Ticket(id=f"{month}{n}", created_at=f"{month}-05", kind="complaint")
            for month, many in counts.items()
            for n in range(many)
        ],
        as_of=date(2026, 2, 3),
    )
    assert [one.rule for one in watch(crm, rules, period="2026-01").firing] == ["signal concern"]
    assert not watch(crm, rules, period="2025-12").firing


def test_another_definition_starts_anew_and_a_broken_state_is_refused():
    crm = tickets({"2026-01": 12})
    first, second = (kpi_set({"kpi": [{"id": "ticket_volume", "alert": [{"when": "above", "value": value}]}]})
                     for value in (10, 11))  # fmt: skip
    state = watch(crm, first, period="2026-01").state
    assert not watch(crm, first, period="2026-01", state=state).notes
    anew = watch(crm, second, period="2026-01", state=state)
    assert anew.alerts[0].changed
    (note,) = anew.notes
    assert note.startswith("1 alert of the state is forgotten, since the set has no such alert or segment any more")
    wrongs: list[Any] = [{}, "alerts.json"]
    for wrong in wrongs:
        with pytest.raises(InputError, match=r"of a file, WatchState\.read\(path\); got"):
            watch(crm, first, period="2026-01", state=wrong)
    for text in (
        "",
        "[]",
        '{"version": 2, "alerts": {}}',
        '{"version": 1, "alerts": {"a": ["lost", 1, 1, null, null]}}',
    ):
        with pytest.raises(InputError, match="Remove the file to begin anew"):
            WatchState.from_json(text)


@pytest.mark.parametrize(
    ("kpi", "message"),
    [
        ({"id": "win_rat"}, "win_rate"),
        ({"id": "win_rate", "at_least": 0.3}, "no key 'at_least', but its target has; write it there"),
        ({"id": "win_rate", "severity": "critical"}, "no key 'severity', but its alert has; write it there"),
        ({"id": "win_rate", "targt": {}}, "Did you mean 'target'"),
        ({"id": "win_rate", "target": {"at_lest": 0.3}}, "Did you mean 'at_least'"),
        ({"id": "win_rate", "target": {}}, "has one of at_least"),
        ({"id": "win_rate", "target": {"at_least": "high"}}, "A bound is a number"),
        ({"id": "win_rate", "target": {"between": [0.5, 0.4]}}, "low and a high bound"),
        ({"id": "win_rate", "target": {"at_least": 30}}, r"from 0 to 1, and so do its bounds \(write 0.3 for 30 %\)"),
        ({"id": "win_rate", "target": {"at_least": 300}}, "from 0 to 1, and so do its bounds; got 300"),
        ({"id": "win_rate", "alert": [{"when": "below", "value": 20, "sure": 0.9}]}, "write 0.2 for 20 %"),
        ({"id": "net_promoter_score", "target": {"at_least": 120}}, "from -100 to 100"),
        ({"id": "churn_rate", "target": {"at_least": 0.1}}, "add despite_direction = true to the target"),
        ({"id": "win_rate", "weight": 0}, "number above 0"),
        ({"id": "win_rate", "alert": [{"when": "below", "value": 0.2}]}, "needs at_least_n"),
        ({"id": "ticket_volume", "alert": [{"when": "under", "value": 2}]}, "'below' or 'above'"),
        ({"id": "ticket_volume", "alert": [{"when": "above", "value": 2, "clear": 3}]}, "clears on the other side"),
        ({"id": "ticket_volume", "alert": [{"when": "above", "value": 2, "for": 0}]}, "whole number from 1"),
        ({"id": "ticket_volume", "alert": [{"signal": "worry"}]}, "'concern' or 'change'"),
        ({"id": "first_response_time", "target": {"at_most": 4}}, "such as '4 h'"),
        ({"id": "win_rate", "from": "2026-13"}, "2026-13"),
        ({"id": "win_rate", "alert": [{"when": "below", "value": 0.2, "sure": 99}]}, "write 0.99 for 99 %"),
        ({"id": "win_rate", "alert": [{"when": "below", "value": 0.2, "sure": 100}]}, r"got 100.0?\.$"),
    ],
)
def test_what_a_kpi_set_says_wrongly_is_refused_in_words(kpi: dict[str, Any], message: str):
    with pytest.raises(CrmKpiError, match=message):
        kpi_set({"kpi": [kpi]})


def test_what_the_errors_advise_works():
    assert kpi_set({"kpi": [{"id": "churn_rate", "target": {"at_least": 0.1, "despite_direction": True}}]})
    made = kpi_set({"kpi": [{"id": "first_response_time", "target": {"at_most": "4 h"}}]})
    assert made.kpis[0].target.high == timedelta(hours=4)
    with pytest.raises(UnknownNameError, match="Did you mean 'kpi'"):
        kpi_set({"kpis": []})
    with pytest.raises(InputError, match="at least one"):
        kpi_set({"name": "nothing"})


TOML = """
name = "Sales"
[[kpi]]
id = "win_rate"
target = { at_least = 0.5 }
owner = "Ada"
[[kpi.alert]]
when = "below"
value = 0.4
at_least_n = 5
severity = "critical"
"""


def test_the_command_tells_targets_and_alerts_and_ends_with_3_while_a_critical_one_fires(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "kpis.toml").write_text(TOML, encoding="utf-8")
    rows = ["id,status,closed_at", *(f"{n},{'won' if n < 3 else 'lost'},2026-01-10" for n in range(10))]
    (tmp_path / "deals.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    command = ["watch", str(tmp_path / "kpis.toml"), "--deals", str(tmp_path / "deals.csv"), "--as-of", "2026-01-31",
               "--state", str(tmp_path / "state.json")]  # fmt: skip
    assert main(command) == 3
    out = capsys.readouterr().out
    assert "missed" in out
    assert "new: firing since 2026-01" in out
    assert main([*command, "--format", "json"]) == 3
    assert json.loads(capsys.readouterr().out)[0]["new"] is False
    (tmp_path / "state.json").write_text("{", encoding="utf-8")
    assert main(command) == 1
    assert "Remove the file" in capsys.readouterr().err
    (tmp_path / "kpis.toml").write_text("name = ", encoding="utf-8")
    assert main(command) == 1
    assert "is no KPI set" in capsys.readouterr().err
    with pytest.raises(CrmKpiError, match="is no KPI set"):
        read_kpi_set(tmp_path / "kpis.toml")


@pytest.mark.parametrize("name", [*ROLES, *INDUSTRIES])
def test_every_starter_set_is_a_kpi_set_of_the_catalogue_without_figures(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    option = "--role" if name in ROLES else "--industry"
    assert main(["kpi-set", option, name]) == 0
    (tmp_path / "kpis.toml").write_text(capsys.readouterr().out, encoding="utf-8")
    made = read_kpi_set(tmp_path / "kpis.toml")
    assert all(kpi.target is None for kpi in made.kpis)
    assert sum(kpi.tier == "first" for kpi in made.kpis) <= 7


def test_a_period_to_come_is_judged_by_its_forecast():
    counts = [40, 44, 39, 42, 41, 45, 43, 40, 42, 44]
    tickets = [
        ck.Ticket(id=f"{month}-{n}", created_at=date(2025, month, 1 + n % 28), channel=("mail", "chat")[n % 2])
        for month, many in enumerate(counts, 1)
        for n in range(many)
    ]
    crm = ck.Dataset(tickets=tickets, as_of=date(2025, 10, 31))
    forecast = crm.forecast("ticket_volume", history="2025-01-01..2025-10-31", horizon=2)
    looked_at = []
    for bound in (20, 30, 42, 50, 80):
        goals = kpi_set({"kpi": [{"id": "ticket_volume", "target": {"at_most": bound}}]})
        (one,) = target_status(crm, goals, period="2025-12").targets
        assert one.projected == pytest.approx(forecast.values[1])
        looked_at.append(one)
    assert [looked_at[place].status for place in (0, 2, 4)] == ["off track", "at risk", "on track"]
    chances = [one.probability for one in looked_at]
    assert chances == sorted(chances)
    short = ck.Dataset(tickets=tickets[-100:], as_of=date(2025, 10, 31))
    goals = kpi_set({"kpi": [{"id": "ticket_volume", "target": {"at_most": 50}}]})
    (one,) = target_status(short, goals, period="2025-11").targets
    assert one.status == "no data"
    assert "needs 8 complete periods" in one.note


def test_any_alert_ends_the_command_with_3_if_strict_and_a_row_that_cannot_be_read_does_not_stop_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    rule = '[[kpi]]\nid = "lost_deals"\n[[kpi.alert]]\nwhen = "above"\nvalue = 2\n'
    (tmp_path / "kpis.toml").write_text(rule, encoding="utf-8")
    rows = ["id,status,closed_at,amount", *(f"{n},lost,2026-01-10,{'much' if n == 9 else 5}" for n in range(10))]
    (tmp_path / "deals.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    command = ["watch", str(tmp_path / "kpis.toml"), "--deals", str(tmp_path / "deals.csv"), "--as-of", "2026-01-31"]
    assert main(command) == 0
    assert main([*command, "--strict"]) == 3
    assert "new: firing since 2026-01" in capsys.readouterr().out


@pytest.mark.parametrize("day", [1, 2, 3])
def test_a_count_so_far_grows_as_earlier_periods_grew_from_the_end_of_the_same_day(day: int):
    """Ten deals are lost on each of the first three days of a month, and thirty afterwards."""
    days = [1 + n // 10 if n < 30 else 20 for n in range(60)]
    deals = [
        ck.Deal(id=f"{month}-{n}", status="lost", closed_at=f"2026-{month:02}-{on:02}")
        for month in range(1, 10) for n, on in enumerate(days) if month < 9 or on <= day
    ]  # fmt: skip
    goals = kpi_set({"kpi": [{"id": "lost_deals", "target": {"at_most": 80}}]})
    crm = ck.Dataset(deals=deals, as_of=date(2026, 9, day))
    (one,) = target_status(crm, goals, period="2026-09").targets
    assert one.projected == pytest.approx(60)


def test_the_rows_of_a_watch_name_segments_and_a_set_without_a_name_is_called_kpis():
    rules = kpi_set({"kpi": [{"id": "won_deals", "by": "owner", "alert": [{"when": "above", "value": 0}]}]})
    deals = [ck.Deal(id="1", status="won", owner="Ada", closed_at="2026-01-05")]
    found = watch(ck.Dataset(deals=deals, as_of=date(2026, 1, 31)), rules, period="2026-01")
    assert [row["segment"] for row in found.to_dicts()] == ["Ada"]
    assert (found.name, found.grid().heading) == ("KPIs", "KPIs, 2026-01: 1 firing")
    assert repr(found) == "<Watch: KPIs, 2026-01: 1 firing; rows: 1>"
    whole = kpi_set({"kpi": [{"id": "won_deals", "alert": [{"when": "above", "value": 0}]}]})
    found = watch(ck.Dataset(deals=deals, as_of=date(2026, 1, 31)), whole, period="2026-01")
    assert [row["segment"] for row in found.to_dicts()] == [None]


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"target": {"at_least": math.nan}}, "A bound is a number; got nan."),
        (
            {"target": {"at_least": 0.3}, "from": "2026-12", "until": "2026-01"},
            "win_rate has a target from 2026-12 until 2026-01, which is earlier.",
        ),
        (
            {"alert": [{"when": "below", "value": 0.2, "sure": 95}]},
            "sure of an alert of win_rate is a confidence from 0.5 to below 1; got 95.0; write 0.95 for 95 %.",
        ),
        (
            {"alert": [{"when": "below", "value": 0.2, "signal": "concern"}]},
            "An alert of win_rate has a threshold or a signal; got both. Make two alerts of it.",
        ),
    ],
)
def test_figures_of_a_kpi_set_that_cannot_be_meant_are_refused(keys: dict[str, Any], message: str):
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        kpi_set({"kpi": [{"id": "win_rate", **keys}]})
    with pytest.raises(InputError, match=r"each KPI once, with all its alerts; got win_rate by owner twice"):
        kpi_set({"kpi": [{"id": "win_rate", "by": "owner"}, {"id": "win_rate", "by": "owner"}]})
    assert len(kpi_set({"kpi": [{"id": "win_rate", "by": "owner"}, {"id": "win_rate"}]}).kpis) == 2


def test_a_state_that_is_no_text_or_no_file_is_told_by_its_name(tmp_path: Path):
    broken = tmp_path / "state.json"
    broken.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match=r"state\.json is not a state of alerts from watch; remove it to begin anew"):
        WatchState.read(broken)
    with pytest.raises(InputError, match=r"cannot be read: Is a directory"):
        WatchState.read(tmp_path)
    with pytest.raises(InputError, match="must be JSON from watch"):
        WatchState.from_json('{"version": 1, "alerts": {"a": ["firing", 1, 0, 5, 7]}}')
