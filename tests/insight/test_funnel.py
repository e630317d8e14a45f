from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkpi import StageVisit
from crmkpi.errors import InputError
from crmkpi.insight.funnel import funnel
from crmkpi.records.base import partly_read

STAGES = ["Lead", "Demo", "Offer", "Won"]


def visits(*seen: tuple[str | None, str | None]) -> list[StageVisit]:
    return [
        StageVisit(id=str(n), deal_id=deal, stage=stage, entered_at=datetime(2026, 1, 1 + n % 28))
        for n, (deal, stage) in enumerate(seen)
    ]


def test_a_stage_is_reached_by_those_who_were_seen_in_it_or_in_a_later_one():
    found = funnel(visits(("A", "Lead"), ("A", "Offer"), ("B", "Lead"), ("B", "Demo"), ("C", "Lead")), stages=STAGES)
    assert [stage.reached for stage in found.stages] == [3, 2, 1, 0]
    assert [stage.skipped for stage in found.stages] == [0, 1, 0, 0]
    assert [stage.from_previous for stage in found.stages] == [None, 2 / 3, 1 / 2, 0]
    assert [stage.from_first for stage in found.stages] == [None, 2 / 3, 1 / 3, 0]


def test_going_back_to_an_earlier_stage_and_coming_twice_change_nothing():
    once = visits(("A", "Lead"), ("A", "Demo"), ("B", "Lead"))
    back = [*once, *visits(("A", "Lead"), ("A", "Demo"), ("A", "Demo"))]
    assert funnel(back, stages=STAGES) == funnel(once, stages=STAGES)


def test_the_share_after_a_stage_that_nobody_reached_is_undefined():
    found = funnel(visits(("A", "Lead")), stages=STAGES)
    assert [stage.from_previous for stage in found.stages] == [None, 0, None, None]
    assert str(found).splitlines()[-1].split() == ["Won", "0", "–", "0.0%"]


def test_visits_that_cannot_be_used_are_counted_by_reason():
    found = funnel([*visits(("A", "Lead"), (None, "Lead"), ("B", "Nurture"), ("C", "Nurture"))], stages=STAGES)
    assert found.left_out == {"no deal or date": 1, "no stage of the funnel: Nurture": 2}
    assert str(found).endswith("left out: 1 no deal or date, 2 no stage of the funnel: Nurture")


@pytest.mark.parametrize("name", ["deal_id", "stage", "entered_at"])
def test_a_visit_of_which_a_field_cannot_be_read_is_set_aside_under_its_own_reason(name):
    known = {"deal_id": "B", "stage": "Lead", "entered_at": datetime(2026, 1, 1), name: None}
    partly: Any = partly_read(StageVisit)
    unread = partly(id="9", **known, unreadable={name: "'?'"})
    found = funnel([*visits(("A", "Lead")), unread], stages=STAGES)
    assert (found.stages[0].reached, found.left_out) == (1, {f"{name} unreadable": 1})


def test_the_interval_is_wilsons():
    found = funnel(visits(*((str(n), "Lead") for n in range(10)), *((str(n), "Demo") for n in range(5))), stages=STAGES)
    assert tuple(found.stages[1].interval) == pytest.approx((0.2366, 0.7634), abs=5e-5)  # Newcombe 1998


@given(st.lists(st.tuples(st.sampled_from("ABCDE"), st.sampled_from(STAGES)), min_size=1, max_size=25), st.randoms())
def test_fewer_reach_each_stage_than_the_one_before_in_any_order_of_the_visits(seen, random):
    found = funnel(visits(*seen), stages=STAGES)
    reached = [stage.reached for stage in found.stages]
    assert reached == sorted(reached, reverse=True)
    assert reached[0] == len({deal for deal, _ in seen})
    shuffled = list(seen)
    random.shuffle(shuffled)
    assert funnel(visits(*shuffled), stages=STAGES) == found


@pytest.mark.parametrize("stages", [["Lead"], [], ["Lead", "Demo", "Lead"], "Lead"])
def test_stages_that_are_no_order_are_refused(stages):
    with pytest.raises(InputError, match="`stages` names at least two different stages in their order; got "):
        funnel(visits(("A", "Lead")), stages=stages)


def test_no_usable_visit_is_an_error_with_the_reasons():
    with pytest.raises(InputError, match=r"No visit is of a stage of the funnel \(Lead, .*'no stage of the funnel: X'"):
        funnel(visits(("A", "X")), stages=STAGES)
