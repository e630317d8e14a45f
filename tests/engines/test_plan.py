"""The plan queries everything that the formula and its evidence need, nothing twice, and nothing unused."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

import crmkpi as ck
from crmkpi.definition.expressions import Expression, business_time, period
from crmkpi.definition.measures import Measure
from crmkpi.definition.planned_expressions import Unless
from crmkpi.engines.query import Slot
from crmkpi.measuring.plan import Plan

deals = ck.Table(ck.Deal)
status, amount, cost, probability = deals.status, deals.amount, deals.cost, deals.probability
won, closed, hers = status == "won", status.is_in("won", "lost"), deals.owner == "Ada"
took = deals.closed_at - deals.created_at


def plan_of(*measures: Measure, whole: bool = True, intervals: bool = False, **options: Any) -> Plan:
    """The plan of a KPI that is made of some measures."""
    named = {f"m{number}": measure for number, measure in enumerate(measures)}
    parameters = ", ".join(named)
    formula = eval(f"lambda {parameters}: m0", {})  # as many parameters as there are measures
    formula.__doc__ = "Only the first of the measures."
    return Plan([ck.metric(unit="number", **named, **options)(formula)], {}, whole=whole, intervals=intervals)


def slots_of(plan: Plan) -> list[Slot]:
    """The plan's query of deals."""
    (anchor,) = plan.queries["deals"].anchors
    return anchor.slots


def account_of(plan: Plan) -> tuple[Expression | None, dict[str, Expression | None]]:
    """The records that the plan counts as used, and as left out by reason."""
    (account,) = plan.metrics[0].accounts
    slots = slots_of(plan)
    return slots[account.used].where, {reason: slots[number].where for reason, number in account.reasons}


# The first of two conditions implies the second.
COVERED: Mapping[str, tuple[Expression, Expression]] = {
    "the same": (won, status == "won"),
    "one more condition": (won & hers, won),
    "one more condition before": (hers & won, won),
    "two of three conditions": (won & hers & (amount > 5), won & hers),
    "one of two": (won, won | hers),
    "the other of two": (hers, won | hers),
    "both of two": (won | (status == "lost"), closed),
    "one of several values": (won, closed),
    "some of several values": (closed, status.is_in("won", "lost", "open")),
    "a value computed of what must be there": ((amount * probability).present(), amount.present()),
    "both of what a value is computed of": (
        (amount * probability).present(),
        amount.present() & probability.present(),
    ),
}


@pytest.mark.parametrize("name", COVERED)
@pytest.mark.parametrize("turned", [False, True], ids=["narrow first", "wide first"])
def test_a_record_is_used_where_the_wider_condition_takes_it_and_the_other_is_not_asked(
    name: str, *, turned: bool
) -> None:
    narrow, wide = COVERED[name]
    first, second = (wide, narrow) if turned else (narrow, wide)
    used, _ = account_of(plan_of(deals.count(first), deals.count(second)))
    assert repr(used) == repr(wide)


def test_of_two_conditions_that_cover_each_other_the_first_is_asked() -> None:
    used, _ = account_of(plan_of(deals.count(closed), deals.count(status.is_in("lost", "won"))))
    assert repr(used) == repr(closed)


# Neither of two conditions implies the other, however similar they look.
APART: Mapping[str, tuple[Expression, Expression]] = {
    "different values": (won, status == "lost"),
    "values that overlap": (closed, status.is_in("won", "open")),
    "all but a value": (status != "won", closed),
    "another field": (won, deals.stage.is_in("won", "lost")),
    "one of two, and another": (won | hers, closed),
    "one condition of two": (won, hers & (status != "lost")),
    "missing and there": (amount.missing(), amount.present()),
    "both missing": (amount.missing(), probability.missing()),
    "a value and a part of it that is missing": ((amount * probability).present(), amount.missing()),
    "a product and a quotient, which is missing where it divides by 0": (
        (amount * probability).present(),
        (amount / probability).present(),
    ),
    "more and less": (amount > 5, amount > 4),
}


@pytest.mark.parametrize("name", APART)
@pytest.mark.parametrize("turned", [False, True], ids=["as said", "turned"])
def test_a_record_is_used_where_either_of_two_conditions_takes_it(name: str, *, turned: bool) -> None:
    first, second = reversed(APART[name]) if turned else APART[name]
    used, _ = account_of(plan_of(deals.count(first), deals.count(second)))
    assert repr(used) == repr(first | second)


def test_a_condition_that_covers_two_others_stands_for_both() -> None:
    used, _ = account_of(plan_of(deals.count(won), deals.count(hers), deals.count(closed | hers)))
    assert repr(used) == repr(closed | hers)


@pytest.mark.parametrize("measures", [(deals.count(), deals.count(won)), (deals.count(won), deals.count())])
def test_where_every_record_is_used_none_is_left_out(measures: tuple[Measure, ...]) -> None:
    assert account_of(plan_of(*measures, deals.sum(amount))) == (None, {})
    assert len(slots_of(plan_of(*measures, deals.sum(amount)))) == 3


def unless(condition: Expression) -> Expression:
    return Unless(condition)


# Left-out records of some measures, by reason.
LEFT_OUT: Mapping[str, tuple[tuple[Measure, ...], Mapping[str, Expression]]] = {
    "no value": ((deals.sum(amount),), {"no amount": amount.missing()}),
    "no value where one is wanted": ((deals.sum(amount, won),), {"no amount": won & amount.missing()}),
    "the first of two values that is missing": (
        (deals.sum(amount * probability),),
        {"no amount": amount.missing(), "no probability": amount.present() & probability.missing()},
    ),
    "no key": (
        (deals.per(deals.customer_id, n=deals.count()).count(),),
        {"no customer_id": deals.customer_id.missing()},
    ),
    "a key that is also the value": (
        (deals.per(deals.customer_id, same=deals.distinct(deals.customer_id)).count(),),
        {"no customer_id": deals.customer_id.missing()},
    ),
    "a key and no value": (
        (deals.per(deals.customer_id, total=deals.sum(amount)).count(),),
        {
            "no customer_id": deals.customer_id.missing(),
            "no amount": deals.customer_id.present() & amount.missing(),
        },
    ),
    "a key, and no moment to be the latest": (
        (deals.per(deals.customer_id, last=deals.latest(deals.stage, at=deals.closed_at)).count(),),
        {
            "no customer_id": deals.customer_id.missing(),
            "no closed_at": deals.customer_id.present() & deals.closed_at.missing(),
            "no stage": deals.customer_id.present() & deals.closed_at.present() & deals.stage.missing(),
        },
    ),
    "a field that every record has": ((deals.distinct(deals.id),), {}),
    "one way of two measures": ((deals.sum(amount), deals.mean(amount)), {"no amount": amount.missing()}),
    "a value that one measure lacks and another needs not": (
        (deals.sum(amount), deals.count(won)),
        {"no amount": amount.missing() & unless(amount.present() | won)},
    ),
    "a reason that the one before covers": (
        (deals.sum(amount), deals.sum(amount, hers)),
        {"no amount": amount.missing() & unless(amount.present())},
    ),
    "a duration": (
        (deals.mean(took),),
        {
            "no closed_at": deals.closed_at.missing(),
            "no created_at": deals.closed_at.present() & deals.created_at.missing(),
            "negative duration": took < timedelta(0),
        },
    ),
    "hours of business": (
        (deals.mean(business_time(deals.created_at, deals.closed_at)),),
        {
            "no created_at": deals.created_at.missing(),
            "no closed_at": deals.created_at.present() & deals.closed_at.missing(),
            "negative duration": deals.closed_at < deals.created_at,
        },
    ),
}


@pytest.mark.parametrize("name", LEFT_OUT)
def test_a_record_is_left_out_under_the_first_reason_that_it_gives(name: str) -> None:
    measures, expected = LEFT_OUT[name]
    _, reasons = account_of(plan_of(*measures))
    assert {reason: repr(where) for reason, where in reasons.items()} == {
        reason: repr(where) for reason, where in expected.items()
    }


def test_what_is_left_out_is_asked_before_what_a_measure_lacks() -> None:
    plan = plan_of(deals.sum(amount, won), leave_out={"tests": hers, "of them tiny": amount < 1})
    kept = unless(hers) & unless(amount < 1) & won
    used, reasons = account_of(plan)
    assert repr(used) == repr(kept & amount.present())
    assert {reason: repr(where) for reason, where in reasons.items()} == {
        "tests": repr(hers),
        "of them tiny": repr(unless(hers) & (amount < 1)),
        "no amount": repr(unless(hers) & unless(amount < 1) & won & amount.missing()),
    }


@pytest.mark.parametrize(
    ("measure", "where"),
    [
        (deals.sum(amount, won), won),
        (deals.count(won & amount.present()), won & amount.present()),
        (deals.count(won), unless(amount.missing()) & won),
        (deals.sum(probability, won), unless(amount.missing()) & won),
        (deals.count(amount.missing()), unless(amount.missing()) & amount.missing()),
    ],
    ids=repr,
)
def test_what_a_measure_asks_for_anyhow_is_not_also_asked_not_to_be_missing(
    measure: Measure, where: Expression
) -> None:
    plan = plan_of(measure, leave_out={"unpriced": amount.missing()})
    assert repr(slots_of(plan)[0].where) == repr(where)


@pytest.mark.parametrize(
    ("measure", "kept"),
    [
        (deals.count(), set()),
        (deals.distinct(deals.owner), set()),
        (deals.sum(amount), set()),
        (deals.mean(amount), {"squares"}),
        (deals.median(amount), {"values"}),
        (deals.quantile(amount, 0.9), {"values"}),
        (deals.values(amount), {"values", "all"}),
        (deals.min(amount), {"extremes"}),
        (deals.max(amount), {"extremes"}),
    ],
    ids=lambda item: " ".join(sorted(item)) if isinstance(item, set) else repr(item),
)
def test_no_more_is_kept_of_values_than_the_number_and_its_interval_rest_on(measure: Measure, kept: set[str]) -> None:
    assert slots_of(plan_of(measure, intervals=True))[0].keep == kept
    assert slots_of(plan_of(measure, intervals=False))[0].keep == kept - {"squares"}


def test_squares_are_kept_of_the_total_whose_mean_has_an_interval_and_of_no_other() -> None:
    options = {"interval": ck.Mean("m0", "m2")}
    measures = (deals.sum(amount, won), deals.sum(amount, hers), deals.count(won & amount.present()))
    plan = plan_of(*measures, intervals=True, **options)
    assert [slot.keep for slot in slots_of(plan)[:2]] == [{"squares"}, set()]
    assert [slot.keep for slot in slots_of(plan_of(*measures, **options))[:2]] == [set(), set()]


def test_which_quantiles_are_asked_of_the_same_values_is_remembered() -> None:
    plan = plan_of(deals.median(amount), deals.quantile(amount, 0.9), deals.quantile(probability, 0.1), deals.sum(cost))
    assert [slot.fractions for slot in slots_of(plan)[:3]] == [{0.5, 0.9}, {0.1}, set()]


def test_only_a_measure_of_another_period_asks_for_one() -> None:
    before = deals.count(won).previous()
    assert plan_of(deals.count()).shifting == ()
    assert list(map(repr, plan_of(deals.count(), before).shifting)) == [repr(before)]


def test_a_stock_of_another_period_is_told_apart_from_flows() -> None:
    stock = deals.count(deals.created_at < period.end).previous()
    plan = plan_of(deals.count(), stock)
    assert plan.shifting == ()
    assert list(map(repr, plan.shifting_stocks)) == [repr(stock)]


@pytest.mark.parametrize(
    ("measure", "used"),
    [
        (deals.count(won), won),
        (deals.sum(amount, won), won & amount.present()),
        (deals.distinct(deals.owner), deals.owner.present()),
        (deals.mean(took), took >= timedelta(0)),
        (deals.mean(took, won), won & (took >= timedelta(0))),
        (
            deals.per(deals.owner, cost=deals.sum(cost)).count(),
            cost.present() & deals.owner.present(),
        ),
        (
            deals.mean(business_time(deals.created_at, deals.closed_at)),
            deals.closed_at >= deals.created_at,
        ),
    ],
    ids=lambda given: repr(given) if isinstance(given, Measure) else "",
)
def test_a_record_is_used_where_it_is_wanted_and_has_what_is_asked_of_it(measure: Measure, used: Expression) -> None:
    assert repr(account_of(plan_of(measure))[0]) == repr(used)


def test_a_stock_is_asked_of_every_record_and_all_else_by_the_timestamp_that_is_nearest() -> None:
    measures = (
        deals.count(deals.created_at < period.end),
        deals.count(deals.created_at < period.end, at=deals.created_at),
        deals.count(won),
        deals.count(won, at=deals.created_at),
    )

    def anchors(**options: Any) -> list[tuple[str, bool]]:
        plan = plan_of(*measures, at=deals.closed_at, **options)
        return [(repr(anchor.at), anchor.stock) for anchor in plan.queries["deals"].anchors]

    assert anchors(whole=True) == [("None", True), ("None", False)]
    by = [("None", True), ("deals.created_at", False), ("deals.closed_at", False)]
    assert anchors(whole=False) == by
