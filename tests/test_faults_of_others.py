"""Wrong definitions of other tools, one test each: data that reveals the fault, and the right answer.

Each test first computes the wrong figure, to show that the data distinguishes the two.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

import crmkpi as ck
from crmkpi.errors import CrmKpiError, CurrencyError, InputError, TimeZoneError, UnknownNameError


def deals(*statuses: str, **fields: object) -> list[ck.Deal]:
    return [ck.Deal(id=str(number), status=status, **fields) for number, status in enumerate(statuses)]


EMPTY: dict[str, Any] = {
    "win_rate": {"deals": []},
    "customer_satisfaction_score": {"surveys": []},
    "net_promoter_score": {"surveys": []},
    "customer_acquisition_cost": {"expenses": [], "customers": []},
    "return_on_investment": {"deals": [], "expenses": []},
    "average_order_value": {"orders": []},
}


@pytest.mark.parametrize("name", EMPTY)
def test_an_empty_denominator_is_neither_0_nor_100_nor_infinite(name):
    result = ck.catalogue.find(name)(EMPTY[name])
    assert result.value is None
    assert re.search(r"\b(no|nobody|nothing)\b", result.reason)
    assert result.n == 0


@pytest.mark.parametrize("name", ["retention_rate", "churn_rate"])
def test_retention_and_churn_of_nobody_are_undefined(name):
    result = ck.catalogue.find(name)([], period="2026-01")
    assert (result.value, result.reason) == (None, "nobody was active at the start")


def test_growth_from_nothing_or_from_below_zero_is_undefined():
    growth = ck.revenue_growth_rate
    assert growth.formula(current=Decimal(100), previous=Decimal(0)) is None
    assert growth.formula(current=Decimal(100), previous=Decimal(-50)) is None  # and not -300 %


def test_a_missing_numerator_is_0_and_a_missing_denominator_does_not_return_the_numerator():
    won = [ck.Deal(id="1", status="won", amount=187)]
    assert ck.return_on_investment(deals=won, expenses=[]).value is None
    assert ck.return_on_investment(deals=[], expenses=[ck.Expense(id="1", amount=10)]).value == -1.0


def test_more_people_left_than_were_there_is_an_error_and_no_negative_churn():
    with pytest.raises(InputError, match="lost is a part of active at start; got 110 of 100"):
        ck.churn_rate.formula(lost=110, active_at_start=100)


def test_more_promoters_than_answers_are_an_error_and_no_score_above_100():
    with pytest.raises(InputError, match="are among the answers; got 170 and 10 of 100"):
        ck.net_promoter_score.formula(promoters=170, detractors=10, answers=100)


def test_a_score_off_its_scale_is_an_error_and_no_satisfaction_of_120_percent():
    with pytest.raises(ValueError, match="score 9 is off its scale, which goes from 1 to 5"):
        ck.Survey(id="1", kind="csat", score=9)


def test_customers_who_buy_every_month_do_not_churn():
    # A running sum of the buyers of each month as denominator shows 0 %, 50 % and 67 % here.
    customers = [ck.Customer(id=name, since="2025-12-01") for name in "ABC"]
    rates = ck.Dataset(customers=customers).measure("churn_rate", period="2026-Q1", every="month")
    assert [result.value for result in rates] == [0.0, 0.0, 0.0]


def test_churn_follows_the_opening_customers_and_reports_those_who_came_and_left_apart():
    opening = [ck.Customer(id=str(number), since="2025-01-01") for number in range(9)]
    lost = [ck.Customer(id="lost", since="2025-01-01", until="2026-01-20")]
    passing = [ck.Customer(id=f"p{number}", since="2026-01-05", until="2026-01-25") for number in range(5)]
    customers = [*opening, *lost, *passing]
    assert ck.churn_rate(customers, period="2026-01").value == 0.1  # not 6 / 10
    assert ck.lost_customers(customers, period="2026-01").value == 6
    assert ck.churn_rate.variant("stripe")(customers, period="2026-01").value == 6 / 15


def test_a_month_without_any_billing_does_not_read_as_everyone_churning_and_returning():
    running = [ck.Subscription(id="1", customer_id="A", mrr=50, started_at="2025-01-01")]
    months = ck.Dataset(subscriptions=running).measure(
        ["churned_mrr", "reactivation_mrr"], period="2026", every="month"
    )
    assert {result.value for result in months} == {0}


def test_movements_explain_recurring_revenue_to_the_cent_in_every_month_and_plan():
    prices = ["19.99", "49.90", "0.10", "0.20", "33.33"]
    subscriptions = [
        ck.Subscription(
            id=str(n),
            customer_id=f"C{n % 7}",
            plan="team" if n % 3 else "solo",
            mrr=prices[n % 5],
            started_at=datetime(2025, 1 + n % 12, 1 + n % 28),
            ended_at=datetime(2026, 1 + n % 11, 1 + n % 27) if n % 4 else None,
        )
        for n in range(60)
    ]
    subscriptions += [
        ck.Subscription(
            id="left", customer_id="R", plan="solo", mrr="5.55", started_at="2025-01-01", ended_at="2025-06-01"
        ),
        ck.Subscription(id="came back", customer_id="R", plan="solo", mrr="6.66", started_at="2026-05-01"),
    ]
    moves = ["new_mrr", "reactivation_mrr", "expansion_mrr", "contraction_mrr", "churned_mrr"]
    crm = ck.Dataset(subscriptions=subscriptions)
    for by in (None, "plan"):
        report = crm.measure([*moves, "net_new_mrr", "mrr"], period="2026", every="month", by=by)
        plans = [{}] if by is None else [{"plan": "solo"}, {"plan": "team"}]
        for plan in plans:
            closing = None
            for month in ck.Period("2026").split("month"):
                found = {
                    name: report.get(name, period=month.label, **plan).value for name in [*moves, "net_new_mrr", "mrr"]
                }
                assert sum(found[name] for name in moves) == found["net_new_mrr"]
                if closing is not None:
                    assert closing + found["net_new_mrr"] == found["mrr"]
                closing = found["mrr"]
    assert any(result.value for result in crm.measure("reactivation_mrr", period="2026", every="month"))


def test_cancelling_one_of_two_subscriptions_is_no_churn():
    subscriptions = [
        ck.Subscription(id="1", customer_id="A", mrr=30, started_at="2025-01-01"),
        ck.Subscription(id="2", customer_id="A", mrr=20, started_at="2025-01-01", ended_at="2026-01-10"),
    ]
    january = {"period": "2026-01"}
    assert ck.churned_mrr(subscriptions, **january).value == 0
    assert ck.contraction_mrr(subscriptions, **january).value == -20
    assert ck.revenue_churn_rate.variant("left_only")(subscriptions, **january).value == 0.0


def test_win_rate_counts_deals_and_says_so_where_it_weighs_amounts():
    some = [ck.Deal(id="1", status="won", amount=900), ck.Deal(id="2", status="lost", amount=100)]
    assert (ck.win_rate(some).value, ck.win_rate(some).definition) == (0.5, "win_rate")
    by_amount = ck.win_rate.variant("by_amount")(some)
    assert (by_amount.value, by_amount.definition) == (0.9, "win_rate.by_amount")


def test_amounts_are_not_rounded_before_they_are_divided():
    # Rounded to whole units first, 0.4 of 0.8 would be nothing of 1.
    some = [ck.Deal(id="1", status="won", amount="0.4"), ck.Deal(id="2", status="lost", amount="0.4")]
    assert ck.win_rate.variant("by_amount")(some).value == 0.5


def test_a_mean_divides_by_the_records_that_have_a_value():
    some = [ck.Deal(id="1", status="won", amount=300), ck.Deal(id="2", status="won")]
    result = ck.average_deal_size(some)
    assert result.value == 300  # not 150
    assert result.left_out == {"no amount": 1}


def test_a_mean_of_money_has_one_value_that_agrees_with_sum_over_count():
    some = [ck.Deal(id=str(n), status="won", amount=amount) for n, amount in enumerate(("0.10", "0.10", "0.11"))]
    result = ck.average_deal_size(some)
    assert result.value == result.inputs["amount"] / result.inputs["deals"]
    assert round(result.value, 6) == Decimal("0.103333")  # not cut to cents on the way


def test_the_cost_of_a_campaign_counts_once_and_not_once_per_deal():
    won = deals("won", "won", "won", amount=10_000, campaign_id="C1")
    campaign = [ck.Campaign(id="C1", cost=5_000)]
    joined = (30_000 - 3 * 5_000) / (3 * 5_000)
    assert joined == 1.0
    assert ck.campaign_roi(deals=won, campaigns=campaign).value == 5.0


def test_deals_in_two_currencies_are_not_added_in_silence():
    mixed = [
        ck.Deal(id="1", status="won", amount=100, currency="EUR"),
        ck.Deal(id="2", status="won", amount=100, currency="USD"),
    ]
    with pytest.raises(CurrencyError, match="1 in USD, 1 in EUR"):
        ck.revenue(mixed)
    assert ck.win_rate(mixed).value == 1.0  # a ratio of counts is not money


def test_one_customer_who_pays_in_two_currencies_is_not_compared_with_himself():
    mixed = [
        ck.Subscription(
            id="1", customer_id="A", mrr=100, currency="EUR", started_at="2025-01-01", ended_at="2026-01-10"
        ),
        ck.Subscription(id="2", customer_id="A", mrr=110, currency="USD", started_at="2026-01-10"),
    ]
    with pytest.raises(CurrencyError, match="expansion_mrr would add amounts in several currencies"):
        ck.expansion_mrr(mixed, period="2026-01")


def test_what_a_new_customer_pays_keeps_its_own_currency_whatever_the_usual_one_is():
    new = [ck.Subscription(id="1", customer_id="A", mrr=110, currency="USD", started_at="2026-01-10")]
    result = ck.new_mrr(new, period="2026-01", currency="EUR")
    assert (result.value, result.currency) == (110, "USD")


def test_a_deal_counts_when_it_is_closed_and_not_in_the_first_date_column_that_is_found():
    deal = [ck.Deal(id="1", status="won", created_at="2025-12-30", closed_at="2026-01-02")]
    assert ck.win_rate(deal, period="2026-01").inputs["won"] == 1
    assert ck.win_rate(deal, period="2025-12").inputs["won"] == 0


def test_an_open_deal_with_a_close_date_is_open():
    hoped = [
        ck.Deal(id="1", status="open", closed_at="2026-01-10"),
        ck.Deal(id="2", status="won", closed_at="2026-01-10"),
    ]
    assert ck.win_rate(hoped, period="2026-01").inputs["closed"] == 1


def test_the_month_of_a_record_is_that_of_the_named_time_zone():
    # Half past ten in the evening of 31 January in Los Angeles is already February in UTC.
    deal = [ck.Deal(id="1", status="won", closed_at=datetime(2026, 2, 1, 6, 30, tzinfo=UTC))]
    west = ck.Calendar(tz="America/Los_Angeles")
    assert ck.win_rate(deal, period="2026-01", calendar=west).inputs["won"] == 1
    assert ck.win_rate(deal, period="2026-02", calendar=west).inputs["won"] == 0
    assert ck.win_rate(deal, period="2026-02").inputs["won"] == 1


def test_timestamps_with_and_without_a_zone_are_not_mixed_in_silence():
    mixed = [
        ck.Deal(id="1", status="won", closed_at=datetime(2026, 1, 5, tzinfo=UTC)),
        ck.Deal(id="2", status="won", closed_at=datetime(2026, 1, 5)),
    ]
    with pytest.raises(TimeZoneError, match="a time zone in all records or in none"):
        ck.win_rate(mixed, period="2026-01")


def test_the_previous_period_of_a_long_month_is_the_whole_month_before():
    before = ck.Period("2026-03").previous()
    assert (before.first_day, before.last_day) == (date(2026, 2, 1), date(2026, 2, 28))
    march = ck.Period.between(date(2026, 3, 1), date(2026, 4, 1)).previous()
    assert (march.first_day, march.last_day) == (date(2026, 2, 1), date(2026, 2, 28))  # a month, however it is written


def test_the_previous_period_of_other_days_is_as_many_days_to_the_day_before():
    days = ck.Period.between(date(2026, 3, 5), date(2026, 4, 4)).previous()
    assert (days.first_day, days.last_day) == (date(2026, 2, 3), date(2026, 3, 4))  # 30 days, not 29


def test_a_month_without_records_between_two_is_not_skipped_by_growth():
    some = [
        ck.Deal(id="1", status="won", amount=100, closed_at="2026-01-10"),
        ck.Deal(id="2", status="won", amount=150, closed_at="2026-03-10"),
    ]
    result = ck.revenue_growth_rate(some, period="2026-03")
    assert (result.value, result.reason) == (None, "the period before brought nothing")  # not +50 % over January


def test_half_a_period_is_marked_as_incomplete():
    some = [ck.Deal(id="1", status="won", closed_at="2026-01-05")]
    crm = ck.Dataset(deals=some, as_of=date(2026, 1, 15))
    assert ck.win_rate(crm, period="2026-01").complete is False
    assert ck.win_rate(crm, period="2025-12").complete is None  # the data begins later


def test_young_leads_are_set_aside_and_not_shown_as_lost():
    leads = [
        ck.Lead(id="1", created_at="2026-01-05", converted_at="2026-01-20"),
        ck.Lead(id="2", created_at="2026-03-30"),
    ]
    within = ck.lead_conversion_rate.variant("within")(leads, days=30, as_of=date(2026, 3, 31))
    assert (within.value, within.left_out) == (1.0, {"immature": 1})  # not 0.5


def test_a_ticket_without_a_reply_is_counted_apart_and_takes_neither_0_nor_until_now():
    tickets = [
        ck.Ticket(id="1", created_at="2026-01-05T08:00", first_replied_at="2026-01-05T10:00"),
        ck.Ticket(id="2", created_at="2026-01-05T08:00"),
    ]
    result = ck.first_response_time.variant("mean")(tickets)
    assert result.to("hours") == 2.0
    assert result.left_out == {"no reply yet": 1}


def test_opening_hours_know_nights_weekends_holidays_and_the_change_of_the_clock():
    calendar = ck.Calendar(
        tz="Europe/Berlin", opening_hours={"mon-sun": ("00:00", "04:00")}, holidays={date(2026, 3, 30)}
    )
    # Four hours on the wall of 29 March are three, since the clock jumps; the 30th is a holiday.
    ticket = [
        ck.Ticket(
            id="1",
            created_at=datetime(2026, 3, 28, 22, 0, tzinfo=UTC),
            first_replied_at=datetime(2026, 3, 30, 12, 0, tzinfo=UTC),
        )
    ]
    # 28 March 22:00 UTC is 23:00 in Berlin.
    assert ck.first_response_time.variant("business")(ticket, calendar=calendar).to("hours") == 3.0


def test_a_reply_before_the_question_is_wrong_also_where_no_opening_hour_lies_between():
    calendar = ck.Calendar(opening_hours={"mon-fri": ("09:00", "17:00")})
    sunday = [ck.Ticket(id="1", created_at="2025-11-02T19:36", first_replied_at="2025-11-02T01:21")]
    result = ck.first_response_time.variant("business")(sunday, calendar=calendar)
    assert (result.value, result.left_out) == (None, {"negative duration": 1})  # not 0


def test_no_opening_hours_at_all_are_an_error_and_no_zero():
    ticket = [ck.Ticket(id="1", created_at="2026-01-05T08:00", first_replied_at="2026-01-05T10:00")]
    with pytest.raises(CrmKpiError, match="the calendar has none"):
        ck.first_response_time.variant("business")(ticket)


def test_every_excluded_record_is_counted_under_its_reason():
    some = [
        ck.Deal(id="1", status="won", created_at="2026-01-01", closed_at="2026-01-11"),
        ck.Deal(id="2", status="won", created_at="2026-01-11", closed_at="2026-01-01"),
        ck.Deal(id="3", status="won", closed_at="2026-01-11"),
        ck.Deal(id="4", status="won", created_at="2026-01-01", closed_at="2026-01-11", deleted=True),
        ck.Deal(id="5", status="open"),
    ]
    result = ck.sales_cycle_length(some)
    assert result.left_out == {"deleted": 1, "no created_at": 1, "negative duration": 1}
    (account,) = result.accounts
    assert account.given == account.used + sum(account.left_out.values()) + account.outside == 5


def test_a_duration_in_the_wrong_order_is_left_out_and_not_turned_round():
    some = [
        ck.Deal(id="1", status="won", created_at="2026-01-01", closed_at="2026-01-11"),
        ck.Deal(id="2", status="won", created_at="2026-01-21", closed_at="2026-01-01"),
    ]
    assert ck.sales_cycle_length(some).to("days") == 10.0  # not (10 + 20) / 2, nor (10 - 20) / 2


def test_lifetime_value_takes_its_times_in_days_so_that_months_and_years_never_meet():
    orders = [ck.Order(id="1", customer_id="A", amount=100, ordered_at="2026-01-05")]
    in_january = ck.customer_lifetime_value(orders, period="2026-01", lifespan=310).value
    assert in_january == 1000  # 100 in 31 days, for 310 days
    assert ck.customer_lifetime_value(orders, period="2026-01", lifespan=timedelta(days=310)).value == in_january


def test_churn_of_a_quarter_is_not_set_against_the_revenue_of_a_month():
    some = [
        ck.Subscription(id="1", customer_id="A", mrr=60, started_at="2025-01-10"),
        ck.Subscription(id="2", customer_id="B", mrr=40, started_at="2025-01-10", ended_at="2026-01-20"),
    ]
    by_churn = ck.customer_lifetime_value.variant("arpu_over_churn")
    assert by_churn(some, period="2026-01").value == 100
    assert by_churn(some, period="2026-Q1").value is None


def test_no_churn_gives_no_lifetime_value_rather_than_an_infinite_one():
    some = [ck.Subscription(id="1", customer_id="A", mrr=60, started_at="2025-01-10")]
    result = ck.customer_lifetime_value.variant("arpu_over_churn")(some, period="2026-01")
    assert (result.value, result.reason) == (None, "nobody left")


def test_customers_who_are_still_here_are_part_of_the_lifespan():
    customers = [
        ck.Customer(id="1", since="2026-01-01", until="2026-01-11"),
        *[ck.Customer(id=str(n), since="2026-01-01") for n in range(2, 11)],
    ]
    as_of = datetime(2026, 4, 1)
    assert ck.customer_lifespan.variant("churned_only")(customers).to("days") == 10.0  # the mistake, under its name
    assert ck.customer_lifespan.variant("exponential")(customers, as_of=as_of).to("days") == 10 + 9 * 90
    assert ck.customer_lifespan(customers, as_of=as_of, horizon=90).to("days") == pytest.approx(10 + 0.9 * 80)


def test_ratios_of_groups_are_not_averaged():
    some = [*deals("won", owner="Ada"), *[ck.Deal(id=f"b{n}", status="lost", owner="Bo") for n in range(9)]]
    crm = ck.Dataset(deals=some)
    by_owner = [result.value for result in crm.measure("win_rate", by="owner")]
    assert sum(by_owner) / 2 == 0.5
    assert ck.win_rate(crm).value == 0.1


def test_a_small_group_says_that_it_is_small_and_how_far_off_it_may_be():
    result = ck.win_rate(deals("won", "won"))
    assert result.value == 1.0
    assert result.small_sample
    assert result.interval.low < 0.5


def test_answers_without_a_score_leave_the_denominator():
    surveys = [ck.Survey(id="1", kind="csat", score=5), ck.Survey(id="2", kind="csat", answered_at="2026-01-05")]
    result = ck.customer_satisfaction_score(surveys)
    assert (result.value, result.left_out) == (1.0, {"no score": 1})


def test_the_same_word_satisfied_is_read_by_the_scale():
    on_three = [ck.Survey(id="1", kind="csat", scale_low=1, scale_high=3, score=2)]
    on_five = [ck.Survey(id="1", kind="csat", score=4)]
    on_ten = [ck.Survey(id="1", kind="csat", scale_low=1, scale_high=10, score=8)]
    values = [ck.customer_satisfaction_score(surveys).value for surveys in (on_three, on_five, on_ten)]
    assert values == [0.0, 1.0, 1.0]


def test_an_unresolved_ticket_has_no_outcome_of_its_promise():
    tickets = [
        ck.Ticket(id="1", status="solved", solved_at="2026-01-05", sla_due_at="2026-01-06"),
        ck.Ticket(id="2", status="open", sla_due_at="2026-01-01"),
    ]
    assert ck.sla_attainment(tickets).value == 1.0  # a stored flag would say 0.5


def test_a_misspelt_name_is_an_error_that_names_the_nearest():
    with pytest.raises(UnknownNameError, match="Did you mean 'win_rate'"):
        ck.Dataset(deals=[]).measure("winrate")
    with pytest.raises(UnknownNameError, match="Did you mean 'owner'"):
        ck.Dataset(deals=[]).measure("win_rate", by="ownr")
    with pytest.raises(ValueError, match="amout"):
        ck.Deal(id="1", status="won", amout=5)  # type: ignore[call-arg]


def test_a_missing_table_is_an_error_and_no_zero():
    with pytest.raises(CrmKpiError, match="needs the table 'expenses'"):
        ck.Dataset(customers=[]).measure("customer_acquisition_cost")


def test_missing_segments_are_a_group_of_their_own():
    some = [ck.Deal(id="1", status="won", owner="Ada"), ck.Deal(id="2", status="lost")]
    report = ck.Dataset(deals=some).measure("win_rate", by="owner")
    assert [(result.segment["owner"], result.value) for result in report] == [("Ada", 1.0), (None, 0.0)]
