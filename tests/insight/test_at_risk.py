"""Customers at risk: the value at stake by hand, score validation against ranks and published figures, refusals."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from random import Random
from statistics import mean, stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

import crmkpi as ck
from crmkpi.clv.value import CustomerValue, ValueTable
from crmkpi.errors import InputError
from crmkpi.insight.at_risk import at_risk, check_health, check_score
from crmkpi.insight.health import HealthPart, health_score

CRM = ck.Dataset(
    customers=[ck.Customer(id=name) for name in "AB"],
    surveys=[ck.Survey(id="1", kind="csat", customer_id="A", score=4, scale_low=1, scale_high=5)],
    tickets=[ck.Ticket(id="1", customer_id="A"), ck.Ticket(id="2", customer_id="B")],
)
HEALTH = health_score(
    CRM,
    {
        "customer_satisfaction_score": HealthPart(worst=0, best=2, weight=2),
        "ticket_volume": HealthPart(worst=4, best=0),
    },
)


def test_the_value_at_stake_is_what_a_customer_brings_times_the_chance_that_they_leave():
    found = at_risk(health=HEALTH, alive={"A": 0.75, "B": 0.5}, value={"A": 1000, "B": 100})
    assert [(one.customer_id, one.at_stake) for one in found.customers] == [("A", 250), ("B", 50)]
    assert found.at_stake == 300


def test_the_values_of_a_model_hold_p_alive_already():
    table = ValueTable((CustomerValue("A", 0.25, 10.0, 50.0, 1),))
    (one,) = at_risk(alive=table).customers
    assert (one.value, one.at_stake) == (200.0, 150.0)


def test_the_points_lost_by_each_part_are_what_the_score_lacks_of_100():
    for one in at_risk(health=HEALTH).customers:
        assert one.score is not None
        assert sum(one.lost.values()) == pytest.approx(100 - one.score)
    by_customer = {one.customer_id: one for one in at_risk(health=HEALTH).customers}
    assert by_customer["A"].lost == pytest.approx({"customer_satisfaction_score": 100 / 3, "ticket_volume": 25 / 3})
    assert by_customer["A"].most_lost == "customer_satisfaction_score"
    assert by_customer["B"].lost == {"ticket_volume": 25.0}


def test_what_is_not_known_comes_last_and_is_counted():
    found = at_risk(health=HEALTH, alive={"B": 0.5, "C": 0.1}, value={"B": 10})
    assert [(one.customer_id, one.at_stake) for one in found.customers] == [("B", 5.0), ("A", None), ("C", None)]
    assert found.notes == ("2 without a value at stake: P(alive) or the value is not known",)


scored = st.lists(st.tuples(st.integers(0, 20), st.booleans()), min_size=70, max_size=150)


@given(scored)
def test_the_area_is_the_share_of_pairs_in_which_the_one_who_left_was_worse(rows: list[tuple[int, bool]]):
    rows = [(score, gone or number < 30) for number, (score, gone) in enumerate(rows)]
    found = check_score(
        {n: float(score) for n, (score, _) in enumerate(rows)}, [n for n, row in enumerate(rows) if row[1]]
    )
    left = [score for score, gone in rows if gone]
    stayed = [score for score, gone in rows if not gone]
    if not stayed:
        assert found.auc is None
        return
    pairs = [1.0 if a < b else 0.5 if a == b else 0.0 for a in left for b in stayed]
    assert found.auc == pytest.approx(sum(pairs) / len(pairs))


@given(scored, st.sampled_from([2.0, 10.0]), st.floats(-50, 50))
def test_the_check_does_not_depend_on_the_scale_of_the_score(rows: list[tuple[int, bool]], size: float, shift: float):
    left = [n for n, (_, gone) in enumerate(rows) if gone or n < 30]
    one = check_score({n: float(score) for n, (score, _) in enumerate(rows)}, left)
    other = check_score({n: shift + size * score for n, (score, _) in enumerate(rows)}, left)
    assert one.auc == pytest.approx(other.auc)
    assert one.lift == pytest.approx(other.lift)


def test_the_interval_is_as_wide_as_areas_vary_from_sample_to_sample():
    # Of exponential scores the errors of Hanley and McNeil are exact.
    random, found = Random(11), []
    for _ in range(400):
        scores = {n: random.expovariate(3.0 if n < 40 else 1.0) for n in range(100)}
        found.append(check_score(scores, range(40)))
    areas = [one.auc for one in found]
    assert mean(areas) == pytest.approx(0.75, abs=0.01)
    assert mean((one.interval.high - one.interval.low) / 2 / 1.96 for one in found) == pytest.approx(
        stdev(areas), rel=0.1
    )


def test_equal_scores_tell_nothing_and_have_no_lift():
    found = check_score(dict.fromkeys(range(100), 50.0), range(30))
    assert (found.auc, found.lift, found.tells) == (0.5, 1.0, False)


def test_below_thirty_leavers_a_score_cannot_be_checked_and_who_had_no_score_is_named():
    found = check_score({n: float(n) for n in range(100)}, range(90, 130))
    assert found.auc is None
    assert str(found.reason).startswith("cannot be checked yet: 10 left")
    assert found.notes == ("30 who left had no score then",)


def test_a_threshold_is_refused_until_the_score_told_who_left():
    scores = {n: float(n) for n in range(200)}
    told, silent = check_score(scores, range(40)), check_score(scores, range(0, 200, 5))
    assert [one.customer_id for one in at_risk(health=HEALTH, below=70, check=told).customers] == ["A"]
    for check, message in ((None, "give check=check_score"), (check_score(scores, [1]), "1 left"), (silent, "a coin")):
        with pytest.raises(InputError, match=message):
            at_risk(health=HEALTH, below=70, check=check)
    with pytest.raises(InputError, match="give health="):
        at_risk(alive={"A": 0.5}, below=70, check=told)


@pytest.mark.parametrize(
    ("given_", "message"),
    [
        ({}, "got neither"),
        ({"alive": {"A": 1.5}}, "between 0 and 1"),
        ({"alive": {"A": 0.5}, "value": {"A": float("nan")}}, "finite number"),
    ],
)
def test_what_is_no_chance_or_value_is_refused(given_: dict, message: str):
    with pytest.raises(InputError, match=message):
        at_risk(**given_)


def test_a_health_score_is_held_against_who_left_after_it():
    random = Random(5)
    customers, tickets = [], []
    for number in range(300):
        unhappy = random.random() < 0.3
        gone = random.random() < (0.5 if unhappy else 0.05)
        until = date(2026, 4, 1) + timedelta(days=random.randrange(60)) if gone else None
        customers.append(ck.Customer(id=str(number), since=date(2025, 1, 1), until=until))
        tickets += [
            ck.Ticket(id=f"{number}-{each}", customer_id=str(number), created_at=datetime(2026, 2, 3))
            for each in range(3 if unhappy else 1)
        ]
    early = ck.Customer(id="early", since=date(2024, 1, 1), until=date(2025, 6, 1))  # no longer a customer
    crm = ck.Dataset(customers=[*customers, early], tickets=tickets, as_of=date(2026, 6, 30))
    parts = {"ticket_volume": HealthPart(worst=5, best=0)}
    found = check_health(crm, parts, period="2026-Q1", until="2026-Q2")
    assert found.leavers + found.stayers == 300
    assert found.leavers == sum(one.until is not None for one in customers)
    assert found.tells
    assert found.lift is not None
    assert found.lift > 2
    with pytest.raises(InputError, match="after it was measured"):
        check_health(crm, parts, period="2026-Q1", until="2026-Q1")


def test_tables_are_shown_in_text_json_and_html():
    check = check_score({n: float(n) for n in range(200)}, range(40))
    found = at_risk(health=HEALTH, alive={"A": 0.75, "B": 0.5}, value={"A": 1000, "B": 100}, check=check)
    assert "customer_satisfaction_score (-33)" in str(found)
    assert "area under the curve 1.00" in str(found)
    assert json.loads(found.to_json())[0]["at_stake"] == 250
    assert "<table" in found.to_html()
    assert "5.0 times" in str(check)
