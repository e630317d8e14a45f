"""Faults of the data: invalid records and settings are an error with the way out, or are counted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

import crmkpi as ck
from crmkpi.errors import CrmKpiError, CurrencyError, InputError, ParameterError, UnknownNameError

RATES = ck.Rates("EUR", {"USD": {date(2026, 1, 1): "0.9"}})
HOURS = ("09:00", "17:00")


def won(**fields: Any) -> list[ck.Deal]:
    return [ck.Deal(id="1", status="won", amount=100, **fields)]


REFUSED: Mapping[str, tuple[Callable[[], Any], type[CrmKpiError], str]] = {
    "an unknown time zone": (
        lambda: ck.Calendar(tz="Europe/Berln"),
        UnknownNameError,
        r"tz must be the name of a time zone; got 'Europe/Berln'\. Did you mean 'Europe/Berlin'\?",
    ),
    "opening hours that overlap": (
        lambda: ck.Calendar(opening_hours={"monday": (HOURS, ("16:00", "18:00"))}),
        ParameterError,
        r"The opening hours of 'monday' must not overlap; got 16:00 as a beginning before the end at 17:00\.",
    ),
    "opening hours of a day that is in two ranges": (
        lambda: ck.Calendar(opening_hours={"mon-fri": HOURS, "thu-sat": HOURS}),
        ParameterError,
        r"opening_hours must give each weekday once; got thursday again in 'thu-sat'\.",
    ),
    "opening hours that are reversed": (
        lambda: ck.Calendar(opening_hours={"monday": ("17:00", "09:00")}),
        ParameterError,
        r"The opening hours of 'monday' must end after they begin; got 17:00 to 09:00\. Write midnight at the end as ",
    ),
    "opening hours that change on no day": (
        lambda: ck.Calendar(opening_hours={date(2026, 1, 1): "24/7", "2026-07-01": "24/7"}),
        ParameterError,
        r"opening_hours that change must name the days, .* from which they hold, .*; got '2026-07-01'\.",
    ),
    "a holiday that is no date": (
        lambda: ck.Calendar(holidays=[date(2026, 1, 1), "2026-12-25"]),  # type: ignore[list-item]
        ParameterError,
        r"holidays must be dates without a time; got '2026-12-25'\.",
    ),
    "a holiday with a time": (
        lambda: ck.Calendar(holidays=[datetime(2026, 12, 25, 9)]),
        ParameterError,
        r"holidays must be dates without a time; got datetime\.datetime\(2026, 12, 25, 9, 0\)\.",
    ),
    "a day without a rate": (
        lambda: ck.revenue(won(currency="USD", closed_at="2025-12-31"), rates=RATES),
        CurrencyError,
        r"There is no rate from USD to EUR on 2025-12-31; the first is of 2026-01-01\.",
    ),
    "a currency without a rate": (
        lambda: ck.revenue(won(currency="CHF", closed_at="2026-03-31"), rates=RATES),
        CurrencyError,
        r"There is no rate from CHF to EUR; add it to rates\.",
    ),
    "a score above its scale": (
        lambda: ck.Survey(id="1", kind="nps", score=11),
        InputError,
        r"The score 11 is off its scale, which goes from 0 to 10\.",
    ),
    "a score below its scale": (
        lambda: ck.Survey(id="1", kind="csat", score=0),
        InputError,
        r"The score 0 is off its scale, which goes from 1 to 5\.",
    ),
    "a scale that is upside down": (
        lambda: ck.Survey(id="1", kind="csat", scale_low=5, scale_high=1),
        InputError,
        r"A scale must end above its start, and this one goes from 5 to 1\.",
    ),
    "a scale of one step": (
        lambda: ck.Survey(id="1", kind="csat", scale_low=5),
        InputError,
        r"A scale must end above its start, and this one goes from 5 to 5\.",
    ),
    "a scale without an end": (
        lambda: ck.Survey(id="1", kind="csat", scale_high=float("inf")),
        InputError,
        r"Survey: scale_high inf is not a finite number\.",
    ),
    "a campaign of a negative cost": (
        lambda: ck.Campaign(id="1", cost=-10),
        InputError,
        r"Campaign: cost -10 is below 0, the least that the field takes\.",
    ),
    "an interaction of a negative cost": (
        lambda: ck.Interaction(id="1", cost="-0.01"),
        InputError,
        r"Interaction: cost '-0\.01' is below 0, the least that the field takes\.",
    ),
    "a share in percent": (
        lambda: ck.customer_lifetime_value([], period="2026", lifespan=365, margin=35),
        ParameterError,
        r"The parameter 'margin' of customer_lifetime_value is a fraction \(.*\), so that 35 % is 0\.35; got 35\.",
    ),
    "a duration for money": (
        lambda: ck.quota_attainment([], quota=timedelta(days=1)),
        ParameterError,
        r"The parameter 'quota' of quota_attainment is in money, not a duration; got datetime\.timedelta\(days=1\)\.",
    ),
    "money for days": (
        lambda: ck.customer_lifetime_value([], period="2026", lifespan="365 EUR"),
        ParameterError,
        r"The parameter 'lifespan' of customer_lifetime_value is a number \(how long .*\); got '365 EUR'\.",
    ),
    "half a period": (
        lambda: ck.customer_acquisition_cost.variant("lagged")(
            expenses=[], customers=[], period="2026-03", periods=Decimal("1.5")
        ),
        ParameterError,
        r"A number of periods is a whole number from 1; got Decimal\('1\.5'\) for parameter\('periods', 1\)\.",
    ),
    "no period": (
        lambda: ck.customer_acquisition_cost.variant("lagged")(
            expenses=[], customers=[], period="2026-03", periods=0
        ),
        ParameterError,
        r"A number of periods is a whole number from 1; got 0 for",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_right_is_refused_in_words(name: str) -> None:
    ask, error, message = REFUSED[name]
    with pytest.raises(error, match=message):
        ask()


SUBSCRIPTION_KPIS = ("mrr", "arr", "arpu", "net_new_mrr", "new_mrr", "churned_mrr", "net_revenue_retention")


@pytest.mark.parametrize("name", SUBSCRIPTION_KPIS)
def test_a_subscription_that_ends_before_it_starts_is_left_out_and_counted_everywhere(name: str) -> None:
    right = ck.Subscription(id="1", customer_id="A", mrr=30, started_at="2025-01-01")
    wrong = ck.Subscription(id="2", customer_id="B", mrr=70, started_at="2026-02-01", ended_at="2026-01-15")
    alone, both = (ck.catalogue.find(name)(found, period="2026-01") for found in ([right], [right, wrong]))
    assert both.value == alone.value
    assert both.left_out == {"negative duration": 1}


def test_subscriptions_of_one_customer_that_overlap_are_added_and_make_one_customer() -> None:
    overlapping = [
        ck.Subscription(id="1", customer_id="A", mrr=30, started_at="2025-01-01", ended_at="2026-01-20"),
        ck.Subscription(id="2", customer_id="A", mrr=50, started_at="2026-01-10"),
    ]
    january = ck.Period("2026-01")
    early = ck.Period.between(date(2026, 1, 1), date(2026, 1, 15))
    assert ck.mrr(overlapping, period=early).value == 80
    assert ck.arpu(overlapping, period=early).value == 80  # one customer, not two
    assert ck.mrr(overlapping, period=january).value == 50
    assert ck.expansion_mrr(overlapping, period=january).value == 20
    assert ck.new_mrr(overlapping, period=january).value == ck.churned_mrr(overlapping, period=january).value == 0
    assert ck.net_revenue_retention(overlapping, period=january).value == 50 / 30


def test_a_credit_note_is_a_negative_expense_and_lowers_the_cost() -> None:
    expenses = [
        ck.Expense(id="1", amount=100, spent_at="2026-01-10", team="marketing"),
        ck.Expense(id="2", amount=-40, spent_at="2026-01-20", team="marketing"),
    ]
    customers = [ck.Customer(id="1", since="2026-01-15")]
    assert ck.customer_acquisition_cost(expenses=expenses, customers=customers, period="2026-01").value == 60
