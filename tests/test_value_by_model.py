"""Lifespans and lifetime values from a survival curve or a purchase model."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import crmkpi as ck
from crmkpi.errors import ParameterError

LIFETIMES = st.lists(st.tuples(st.integers(1, 300), st.booleans()), min_size=1, max_size=12)
AS_OF = date(2026, 12, 31)
DISCOUNTED = ck.customer_lifetime_value.variant("discounted")
PREDICTIVE = ck.customer_lifetime_value.variant("predictive")


def customers(lifetimes: list[tuple[int, bool]]) -> list[ck.Customer]:
    """Customers with the given days of stay, up to the end of 2026."""
    end = datetime(2027, 1, 1)
    return [
        ck.Customer(id=str(n), since=end - timedelta(days=days + 7), until=end - timedelta(days=7))
        if ended
        else ck.Customer(id=str(n), since=end - timedelta(days=days))
        for n, (days, ended) in enumerate(lifetimes)
    ]


def test_a_month_is_as_long_to_a_kpi_as_it_is_to_the_models():
    totals = {"spend": Decimal(1200), "new_customers": 1, "mrr": Decimal(100), "subscribers": 1}
    assert (
        ck.cac_payback_period.from_totals(**totals).value / timedelta(days=1) == ck.clv.months(12).to("days") == 365.25
    )


def test_a_time_longer_than_a_duration_can_be_is_undefined():
    totals = {"spend": Decimal("1e15"), "new_customers": 1, "mrr": Decimal("0.01"), "subscribers": 1}
    found = ck.cac_payback_period.from_totals(**totals)
    assert (found.value, found.reason) == (None, "2.6e+23 seconds are more than a duration can be")


def buyers(count: int = 80) -> list[ck.Order]:
    chance = Random(3)
    made: list[ck.Order] = []
    for customer in range(count):
        day, rate = float(chance.randrange(60)), chance.gammavariate(0.8, 1 / 30)
        while day < 365:
            stamp = datetime(2026, 1, 1) + timedelta(days=int(day))
            amount = Decimal(chance.randrange(500, 9000)) / 100
            made.append(ck.Order(id=str(len(made)), customer_id=f"C{customer}", ordered_at=stamp, amount=amount))
            day += 1 + chance.expovariate(rate)
    return made


@given(LIFETIMES, st.integers(1, 300))
def test_a_lifespan_lies_between_nothing_and_the_horizon_and_in_its_interval(lifetimes, horizon):
    result = ck.customer_lifespan(customers(lifetimes), as_of=AS_OF, horizon=horizon)
    if result.value is None:
        assert max(days for days, _ in lifetimes) < horizon
    else:
        assert timedelta(0) <= result.value <= timedelta(days=horizon)
        assert result.interval is None or result.value in result.interval


@given(LIFETIMES, st.integers(1, 300))
def test_a_longer_horizon_never_gives_a_shorter_lifespan(lifetimes, horizon):
    spans = [ck.customer_lifespan(customers(lifetimes), as_of=AS_OF, horizon=days) for days in (horizon, horizon + 30)]
    if None not in (spans[0].value, spans[1].value):
        assert spans[0].exact <= spans[1].exact + 1e-6


@given(LIFETIMES, st.integers(1, 300))
def test_without_a_discount_a_customer_is_worth_the_revenue_of_a_month_times_the_lifespan(lifetimes, horizon):
    people = customers(lifetimes)
    orders = [ck.Order(id=one.id, customer_id=one.id, amount=100, ordered_at=one.since) for one in people]
    worth = DISCOUNTED(customers=people, orders=orders, as_of=AS_OF, horizon=horizon, discount=0)
    span = ck.customer_lifespan(people, as_of=AS_OF, horizon=horizon)
    lived = sum(days for days, _ in lifetimes)
    if worth.value is not None:
        expected = 100 * len(people) / lived * span.to("days")
        assert float(worth.value) == pytest.approx(expected, abs=0.006)
    else:
        assert span.value is None or not lived
    dearer = DISCOUNTED(customers=people, orders=orders, as_of=AS_OF, horizon=horizon, discount=0.5)
    assert worth.value is None or dearer.value <= worth.value


def test_predictive_value_is_of_what_was_known_at_the_end_of_the_period():
    orders = buyers()
    at_end = PREDICTIVE(orders, period="2026-01-01..2026-06-30", as_of=AS_OF, discount=0.1)
    then = [order for order in orders if order.ordered_at < datetime(2026, 7, 1)]
    assert at_end.value == PREDICTIVE(then, as_of=date(2026, 6, 30), discount=0.1).value
    assert at_end.value != PREDICTIVE(orders, as_of=AS_OF, discount=0.1).value
    assert at_end.value in at_end.interval


def test_predictive_value_grows_with_the_margin_and_falls_with_the_discount():
    orders = buyers()
    results = [
        PREDICTIVE(orders, as_of=AS_OF, margin=margin, discount=discount)
        for margin, discount in ((1, 0), (0.5, 0), (1, 0.3))
    ]
    for figures in ([result.value for result in results], *zip(*(result.interval for result in results), strict=True)):
        full, half, dear = map(float, figures)
        assert half == pytest.approx(full / 2, abs=0.006)
        assert dear < 0.9 * full


@settings(max_examples=3)
@given(st.randoms())
def test_predictive_value_is_to_the_cent_the_same_in_any_order_and_by_segment_as_alone(random):
    orders = buyers()
    first = [order for order in orders if int(order.customer_id[1:]) % 2]
    marked = [ck.Order(**{**vars_of(order), "channel": "web" if order in first else "shop"}) for order in orders]
    random.shuffle(marked)
    crm = ck.Dataset(orders=marked, as_of=AS_OF)
    by = crm.measure(PREDICTIVE, by="channel", parameters={"discount": 0.1}, confidence=None)
    assert by.get(PREDICTIVE, channel="web").value == PREDICTIVE(first, as_of=AS_OF, discount=0.1).value


def vars_of(order: ck.Order) -> dict[str, Any]:
    return {name: getattr(order, name) for name in ("id", "customer_id", "ordered_at", "amount")}


def test_one_time_buyers_alone_have_no_predictive_value_and_the_reason_is_said():
    once = [ck.Order(id=str(n), customer_id=str(n), amount=5, ordered_at="2026-03-01") for n in range(5)]
    result = PREDICTIVE(once, as_of=AS_OF, discount=0.1)
    assert result.value is None
    assert result.reason.startswith(
        "none of the 5 customers bought again, so buying and leaving cannot be distinguished"
    )
    assert PREDICTIVE([], as_of=AS_OF, discount=0.1).reason == "nobody has bought anything"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: PREDICTIVE(buyers(9), as_of=AS_OF), r"needs the parameter 'discount' \(what money loses in a year"),
        (lambda: PREDICTIVE(buyers(9), discount=0.1), "must know up to which day the data goes; give as_of="),
        (
            lambda: PREDICTIVE(buyers(9), as_of=AS_OF, discount=10),
            r"'discount' .* is a fraction .*; got 10",
        ),
        (lambda: PREDICTIVE(buyers(9), as_of=AS_OF, discount=-0.1), "must be zero or above, as a fraction; got -0.1"),
        (lambda: PREDICTIVE(buyers(9), as_of=AS_OF, discount=0, margin=30), r"'margin' .* is a fraction .*; got 30"),
        (
            lambda: ck.customer_lifespan(customers([(5, True)]), as_of=AS_OF, horizon=0),
            "The parameter 'horizon' must be above zero days; got 0",
        ),
        (
            lambda: DISCOUNTED(customers=customers([(5, True)]), orders=[], as_of=AS_OF, discount=8),
            r"'discount' .* is a fraction .*; got 8",
        ),
    ],
)
def test_what_has_no_meaning_is_refused(wrong, message):
    with pytest.raises(ParameterError, match=message):
        wrong()
