"""Formulas of textbooks, with their worked examples: each is a default or a variant of the catalogue."""

from __future__ import annotations

from typing import Any

import pytest

import crmkpi as ck
from crmkpi.errors import InputError

DAY = "2026-01-05"


def asked(crm: ck.Dataset, name: str, **question: Any) -> Any:
    return crm.measure(name, **question)[0].value


def test_the_return_takes_off_what_the_goods_cost_where_that_is_asked_for() -> None:
    sale = ck.Deal(id="1", status="won", amount=3_000, cost=1_000, closed_at=DAY)
    crm = ck.Dataset(deals=[sale], expenses=[ck.Expense(id="1", amount=1_500, spent_at=DAY, team="marketing")])
    assert asked(crm, "return_on_investment") == 1
    assert asked(crm, "return_on_investment.net_profit") == pytest.approx(500 / 1_500)


def test_two_of_three_buyers_came_back_though_one_bought_twice_in_the_month() -> None:
    bought = [("A", DAY), ("A", "2026-02-05"), ("B", "2026-02-05"), ("B", "2026-02-06"), ("C", "2026-02-07")]
    orders = [ck.Order(id=str(n), customer_id=who, ordered_at=day, amount=1) for n, (who, day) in enumerate(bought)]
    crm = ck.Dataset(orders=orders)
    assert asked(crm, "repeat_purchase_rate", period="2026-02") == pytest.approx(1 / 3)
    assert asked(crm, "repeat_purchase_rate.returning", period="2026-02") == pytest.approx(2 / 3)


def test_all_who_left_are_four_of_the_ten_at_the_start_and_three_of_them_were_there() -> None:
    there = [ck.Customer(id=str(n), since="2025-01-01", until="2026-01-10" if n < 3 else None) for n in range(10)]
    passing = ck.Customer(id="passing", since="2026-01-05", until="2026-01-20")
    crm = ck.Dataset(customers=[*there, passing])
    assert asked(crm, "churn_rate", period="2026-01") == pytest.approx(0.3)
    assert asked(crm, "churn_rate.all_lost", period="2026-01") == pytest.approx(0.4)


def test_low_effort_on_a_scale_to_five_needs_the_scale_where_no_answer_shows_it() -> None:
    def answers(**scale: Any) -> ck.Dataset:
        return ck.Dataset(
            surveys=[ck.Survey(id=str(n), kind="ces", score=n, answered_at=DAY, **scale) for n in range(1, 6)]
        )

    report = answers().measure("customer_effort_score.low_effort_share")
    assert report[0].value is None
    assert "5 answers name no scale" in report[0].reason
    assert asked(answers(scale_low=1, scale_high=5), "customer_effort_score.low_effort_share") == pytest.approx(0.4)
    with pytest.raises(InputError, match="The score 6 is off its scale, which goes from 1 to 5"):
        ck.Survey(id="1", kind="ces", score=6, scale_low=1, scale_high=5)


@pytest.mark.parametrize(
    ("name", "common"),
    [
        ("first_response_time", "mean"),
        ("resolution_time", "mean"),
        ("sales_cycle_length", "from_lead"),
        ("first_contact_resolution_rate", "of_all"),
        ("win_rate", "of_created"),
        ("retention_rate", "from_counts"),
        ("lead_conversion_rate", "by_event"),
    ],
)
def test_the_notes_of_a_default_name_the_variant_with_the_common_formula_first(name: str, common: str) -> None:
    metric = getattr(ck, name)
    assert common in metric.variants
    notes = (metric.function.__doc__ or "").partition("Notes:")[2].strip()
    assert f"`{common}`" in notes.split(". ")[0]
