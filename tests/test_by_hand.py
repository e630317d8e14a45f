"""A few records each, at the edge cases of definitions, with the numbers computed by hand."""

from datetime import date
from decimal import Decimal

import pytest

import crmkpi as ck
from crmkpi.definition.options import Options
from crmkpi.records import RECORDS


def variant(name: str) -> ck.Metric:
    return ck.catalogue.find(name)


# Leads: one converted on 20 January, one converted without a date, one not converted.
LEADS = [
    ck.Lead(id="1", created_at="2026-01-05", status="converted", converted_at="2026-01-20"),
    ck.Lead(id="2", created_at="2026-01-06", status="converted"),
    ck.Lead(id="3", created_at="2026-01-07", status="working"),
]


def test_a_conversion_without_a_day_counts_over_all_and_is_left_out_of_periods():
    """2 of 3 leads converted; of January it is known of one only."""
    by_event = variant("lead_conversion_rate.by_event")
    assert by_event(LEADS).value == 2 / 3
    january = by_event(LEADS, period="2026-01")
    assert (january.value, january.left_out) == (1 / 3, {"no converted_at": 1})


def test_whether_a_conversion_without_a_day_came_in_time_is_not_known():
    """Of the 2 leads of which it is known, 1 converted within 30 days."""
    within = variant("lead_conversion_rate.within")(LEADS, as_of=date(2026, 3, 31))
    assert (within.value, within.left_out) == (0.5, {"no converted_at": 1})


# Two customers of January; one has an end date a year before.
CUSTOMERS = [
    ck.Customer(id="A", since="2026-01-05"),
    ck.Customer(id="B", since="2026-01-06", until="2025-01-06"),
]
GIVEN = {
    "expenses": [ck.Expense(id="1", amount=100, team="marketing", spent_at="2026-01-02")],
    "leads": [ck.Lead(id="1", created_at="2026-01-02")],
    "campaigns": [ck.Campaign(id="1", sent=1, started_at="2026-01-02")],
    "orders": [ck.Order(id="1", customer_id="A", amount=31, ordered_at="2026-01-09")],
    "subscriptions": [
        ck.Subscription(id="1", customer_id="A", mrr=100, started_at="2025-01-05"),
        ck.Subscription(id="2", customer_id="B", mrr=100, started_at="2025-01-05", ended_at="2026-01-09"),
    ],
}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("new_customers", 1),
        ("customer_acquisition_cost", Decimal(100)),  # 100 / 1
        ("customer_acquisition_cost.marketing_only", Decimal(100)),
        ("acquisition_rate", 1.0),  # 1 new customer, 1 lead
        ("acquisition_rate.of_recipients", 1.0),
        ("ltv_to_cac_ratio", 0.1),  # 31 a month, 1 a day, 10 in 10 days; 10 / 100
        ("ltv_to_cac_ratio.arpu_over_churn", 2.0),  # ARPU 100, churn 1 of 2, so 200; 200 / 100
    ],
)
def test_a_customer_who_left_before_they_came_is_no_new_customer_of_any_kpi(name, expected):
    metric = ck.catalogue.find(name)
    given = {"lifespan": 10} if "lifespan" in metric.parameters else {}
    result = metric(customers=CUSTOMERS, period="2026-01", **GIVEN, **given)
    assert result.value == pytest.approx(expected)
    assert set(result.left_out) & {"negative duration", "left before they came"}
    assert sum(result.left_out.values()) == 1


def test_the_cost_is_paid_back_by_the_customers_that_new_customers_counts():
    """100 spent on 1 new customer, who brings 100 a month: one month of 365.25 / 12 days."""
    result = ck.cac_payback_period(customers=CUSTOMERS, period="2026-01", **GIVEN)
    assert result.to("days") == pytest.approx(30.4375)


def test_the_pipeline_of_the_past_says_which_closed_deals_it_does_not_know():
    """Open at the end of January: the 500, and the 30 closed at the first instant of February."""
    deals = [
        ck.Deal(id="1", status="open", amount=500, created_at="2026-01-10", closed_at="2026-01-20"),  # a hope
        ck.Deal(id="2", status="lost", amount=30, created_at="2026-01-10", closed_at="2026-02-01"),
        ck.Deal(id="3", status="open", amount=7, created_at="2026-02-01"),
        ck.Deal(id="4", status="won", amount=60, closed_at="2026-03-01"),  # since when?
        ck.Deal(id="5", status="won", amount=80, created_at="2026-01-02"),  # until when?
        ck.Deal(id="6", status="won", amount=90, closed_at="2026-01-20"),  # closed by then in any case
    ]
    january = ck.pipeline_value(deals, period="2026-01")
    assert (january.value, january.left_out) == (530, {"no created_at": 1, "no closed_at": 1})
    assert ck.pipeline_value(deals).value == 507


def test_the_backlog_of_the_past_says_which_solved_tickets_it_does_not_know():
    """Open at the end of January: tickets 1 and 2."""
    tickets = [
        ck.Ticket(id="1", status="open", created_at="2026-01-10"),
        ck.Ticket(id="2", status="solved", created_at="2026-01-10", solved_at="2026-02-01"),
        ck.Ticket(id="3", status="solved", solved_at="2026-03-01"),  # since when?
        ck.Ticket(id="4", status="solved", solved_at="2026-01-20"),  # solved by then in any case
    ]
    january = ck.backlog(tickets, period="2026-01")
    assert (january.value, january.left_out) == (2, {"no created_at": 1})


def test_a_ticket_that_was_never_solved_does_not_lack_a_date_of_its_first_solution():
    tickets = [
        ck.Ticket(id="1", status="open", created_at="2026-01-01", first_solved_at="2026-01-03"),
        ck.Ticket(id="2", status="solved", created_at="2026-01-01", solved_at="2026-01-03"),
        ck.Ticket(id="3", status="open", created_at="2026-01-01"),
    ]
    first = variant("resolution_time.first_solve")(tickets)
    assert (first.to("days"), first.left_out) == (2.0, {"no first_solved_at": 1})


def test_a_ticket_that_was_opened_again_was_solved_once_also_where_the_system_clears_the_date():
    """2 of 3 tickets that were solved were opened again; of January it is known of one, which was."""
    tickets = [
        ck.Ticket(id="1", status="solved", solved_at="2026-02-03", reopens=0),
        ck.Ticket(id="2", status="solved", solved_at="2026-01-03", reopens=2),
        ck.Ticket(id="3", status="open", reopens=1),
        ck.Ticket(id="4", status="open", reopens=0),
    ]
    assert ck.reopen_rate(tickets).value == 2 / 3
    january = ck.reopen_rate(tickets, period="2026-01")
    assert (january.value, january.left_out) == (1.0, {"no solved_at": 1})


def test_a_promise_has_no_outcome_where_the_day_of_the_solution_is_not_known():
    tickets = [
        ck.Ticket(id="1", status="solved", solved_at="2026-01-05", sla_due_at="2026-01-05"),
        ck.Ticket(id="2", status="solved", sla_due_at="2026-01-05"),
    ]
    for period in (None, "2026-01"):
        result = ck.sla_attainment(tickets, period=period)
        assert (result.value, result.left_out) == (1.0, {"no solved_at": 1})


def test_a_recommendation_on_another_scale_is_no_net_promoter_answer():
    """A 5 of 5 was a detractor: 10 and 5 made 0."""
    surveys = [
        ck.Survey(id="1", kind="nps", score=10, customer_id="A", answered_at="2026-01-05"),
        ck.Survey(id="2", kind="nps", score=5, scale_low=1, scale_high=5, customer_id="B", answered_at="2026-01-05"),
    ]
    for name in ("net_promoter_score", "net_promoter_score.latest_per_customer"):
        result = ck.catalogue.find(name)(surveys)
        assert (result.value, result.left_out) == (100.0, {"other scale": 1})


@pytest.mark.parametrize(
    ("low", "high", "score", "satisfied"),
    [
        (1, 3, 3, True), (1, 3, 2, False),  # the top one of three
        (1, 4, 3, True), (1, 4, 2, False),  # the top two of four
        (1, 5, 4, True), (1, 5, 3, False),
        (1, 7, 6, True), (1, 7, 5, False),
        (1, 10, 8, True), (1, 10, 7, False),  # the top three of ten
        (0, 10, 8, True), (0, 10, 7, False),
        (0, 1, 1, True), (0, 1, 0, False),
        (0, 2.5, 2, True),  # half points: from four steps on there is no gap between the rules
        (0, 7.5, 7, True),
    ],
)  # fmt: skip
def test_satisfied_is_read_by_the_length_of_the_scale(low, high, score, satisfied):
    answer = ck.Survey(id="1", kind="csat", score=score, scale_low=low, scale_high=high)
    assert ck.customer_satisfaction_score([answer]).value == satisfied


def test_an_answer_without_a_day_counts_over_all_and_is_left_out_of_periods():
    """Both surveys are answered; of January it is known of one."""
    surveys = [
        ck.Survey(id="1", kind="nps", score=5, sent_at="2026-01-01"),
        ck.Survey(id="2", kind="nps", score=5, sent_at="2026-01-01", answered_at="2026-01-02"),
    ]
    by_event = variant("survey_response_rate.by_event")
    assert by_event(surveys).value == 1.0
    january = by_event(surveys, period="2026-01")
    assert (january.value, january.left_out) == (0.5, {"no answered_at": 1})


def test_who_is_inactive_on_a_day_is_not_told_by_later_orders():
    """On 30 June, 176 days after the order of 5 January, nobody knew of August."""
    orders = [
        ck.Order(id="1", customer_id="A", ordered_at="2026-01-05"),
        ck.Order(id="2", customer_id="A", ordered_at="2026-08-05"),
    ]
    by_inactivity = variant("churn_rate.by_inactivity")
    assert by_inactivity(orders, as_of=date(2026, 6, 30)).value == 1.0
    assert by_inactivity(orders, as_of=date(2026, 8, 31)).value == 0.0


def test_money_is_written_in_full():
    """One open deal, every deal won at 100, in one day: 100 a day, and not 1E+2."""
    deals = [
        ck.Deal(id="1", status="won", amount=100, created_at="2026-01-01", closed_at="2026-01-02"),
        ck.Deal(id="2", status="open", created_at="2026-01-01"),
    ]
    assert str(ck.sales_velocity(deals).value) == "100"
    assert str(ck.sales_velocity(deals[:1]).value) == "0"


def test_a_return_on_less_than_nothing_is_undefined():
    """More was credited than spent: (30 + 10) / -10 would be a loss of 400 %."""
    deals = [ck.Deal(id="1", status="won", amount=30)]
    credited = [ck.Expense(id="1", amount=20), ck.Expense(id="2", amount=-30)]
    result = ck.return_on_investment(deals=deals, expenses=credited)
    assert (result.value, result.reason) == (None, "the cost is negative, and a return on it means nothing")


def test_customers_who_are_still_here_do_not_lack_an_end():
    customers = [ck.Customer(id="1", since="2026-01-01", until="2026-01-11"), ck.Customer(id="2", since="2020-01-01")]
    lost = variant("customer_lifespan.churned_only")(customers, period="2026-01")
    assert (lost.to("days"), lost.left_out) == (10.0, {})


def test_two_scales_are_kept_apart_by_grouping():
    surveys = [
        ck.Survey(id="1", kind="csat", score=4),
        ck.Survey(id="2", kind="csat", score=8, scale_low=1, scale_high=10),
    ]
    report = ck.Dataset(surveys=surveys).measure("customer_satisfaction_rating", by="scale_high")
    assert [(result.segment["scale_high"], result.value) for result in report] == [(5.0, 4.0), (10.0, 8.0)]


def test_customers_who_left_the_moment_they_came_count_in_the_lifespan() -> None:
    found = [
        ck.Customer(id="1", since="2026-01-01", until="2026-01-01"),
        ck.Customer(id="2", since="2026-01-01", until="2026-01-11"),
    ]
    known = {"as_of": date(2026, 3, 31)}
    assert ck.customer_lifespan(found, horizon=30, **known).to("days") == 5
    assert ck.customer_lifespan.variant("exponential")(found, **known).to("days") == 5
    assert ck.customer_lifespan.variant("churned_only")(found).to("days") == 5


def test_money_that_a_formula_divides_is_not_rounded() -> None:
    orders = [ck.Order(id="1", customer_id="A", amount=Decimal("0.004"), ordered_at="2026-03-01")]
    assert ck.customer_lifetime_value(orders, period="2026", lifespan=365).value == Decimal("0.004")
    customers = [ck.Customer(id="A", since="2025-03-01", until="2026-03-01")]
    worth = ck.customer_lifetime_value.variant("discounted")
    found = worth(customers=customers, orders=orders, as_of=date(2026, 3, 31), horizon=365, discount=0)
    assert found.value == pytest.approx(Decimal("0.004"))


def test_working_time_without_an_hourly_rate_is_no_cost_of_nothing() -> None:
    calls = [
        ck.Interaction(id="1", kind="call", seconds=1800, cost=1),
        ck.Interaction(id="2", kind="call", seconds=900),
    ]
    result = ck.average_interaction_cost(calls)
    assert (result.value, result.reason) == (None, "1 interaction has a time and no cost, and no hourly_rate is given")
    assert ck.average_interaction_cost(calls, hourly_rate=40).value == Decimal("15.5")
    assert ck.average_interaction_cost(calls[:1]).value == 1


def test_the_options_that_a_call_completes_are_those_that_it_takes() -> None:
    parameters = {name for metric in ck.catalogue.everything() for name in metric.parameters}
    asked = {"period", "compare", "confidence", "parameters"}
    kept = {"as_of", "calendar", "currency", "rates", "most_unreadable", "tz"}
    assert {*Options.__annotations__} == asked | kept | parameters | set(RECORDS)
