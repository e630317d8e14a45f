"""Descriptions of definitions."""

from __future__ import annotations

from datetime import timedelta

import pytest

from crmkpi import Deal, Order, Parameter, StageVisit, Survey, Table, Ticket, catalogue
from crmkpi.definition.expressions import as_of, business_time, period
from crmkpi.display.wording import condition_in_words, measure_in_words, value_in_words

deals = Table(Deal)
orders = Table(Order)
surveys = Table(Survey)
tickets = Table(Ticket)
visits = Table(StageVisit)
days = Parameter("days", "how many days", unit="days")
cycle = deals.closed_at - deals.created_at

MEASURES = {
    "how many deals": deals.count(),
    "how many deals where status is won": deals.count(deals.status == "won"),
    "the sum of amount × probability over deals": deals.sum(deals.amount * deals.probability),
    "the mean of closed at − created at over deals": deals.mean(cycle),
    "the median of amount over deals": deals.median(deals.amount),
    "the 90% quantile of amount over deals": deals.quantile(deals.amount, 0.9),
    "how many different customer ids among orders": orders.distinct(orders.customer_id),
    "how many different days of ordered at among orders": orders.distinct(orders.ordered_at.day()),
    "the largest ordered at of orders": orders.max(orders.ordered_at),
    "the smallest ordered at of orders": orders.min(orders.ordered_at),
    "the latest score of surveys": surveys.latest(surveys.score),
    "each amount of orders": orders.values(orders.amount),
    "the sum of amount over deals, one period earlier": deals.sum(deals.amount).previous(),
    "the sum of amount over deals, 3 periods earlier": deals.sum(deals.amount).previous(3),
    "the sum of amount over deals, `days` periods earlier": deals.sum(deals.amount).previous(days),
    "the sum of amount over deals, a year earlier": deals.sum(deals.amount).year_ago(),
    "the mean of handled seconds over tickets": tickets.mean(timedelta(seconds=1) * tickets.handled_seconds),
}

CONDITIONS = {
    "deleted is true": deals.deleted == True,  # noqa: E712  # a flag, as `leave_out` holds it
    "status is not won": deals.status != "won",
    "(status is won or lost) and amount is missing": deals.status.is_in("won", "lost") & deals.amount.missing(),
    "amount is known or (status is open and deleted is true)": deals.amount.present()
    | ((deals.status == "open") & deals.deleted),
    "created at is before the end of the period": deals.created_at < period.end,
    "closed at is not before the start of the period": deals.closed_at >= period.start,
    "closed at is after `as_of`": deals.closed_at > as_of,
    "closed at is not after `as_of`": deals.closed_at <= as_of,
    "probability is above 0.5": deals.probability > 0.5,
    "probability is at most 0.5": deals.probability <= 0.5,
    "closed at − created at is below 0 s": cycle < timedelta(0),
    "not (status is won)": ~(deals.status == "won"),
}

VALUES = {
    "industry of the customer": deals.customer.industry,
    "industry of the customer of the deal": visits.deal.customer.industry,
    "created at + `days`": deals.created_at + days,
    "opening hours from created at to solved at": business_time(tickets.created_at, tickets.solved_at),
    "the day of ordered at": orders.ordered_at.day(),
}


@pytest.mark.parametrize("words", MEASURES)
def test_a_measure_is_told_in_words(words):
    assert measure_in_words(MEASURES[words]) == words


@pytest.mark.parametrize("words", CONDITIONS)
def test_a_condition_is_told_in_words(words):
    assert condition_in_words(CONDITIONS[words]) == words


@pytest.mark.parametrize("words", VALUES)
def test_a_value_is_told_in_words(words):
    assert value_in_words(VALUES[words]) == words


def test_a_measure_over_one_row_per_key_says_what_its_columns_hold_and_no_others():
    buyers = orders.per(orders.customer_id, purchases=orders.count(), spent=orders.sum(orders.amount))
    assert measure_in_words(buyers.count(buyers.purchases >= 2)) == (
        "how many customer ids where purchases is at least 2; for each customer id, purchases is how many orders"
    )


def test_rows_per_pair_of_keys_are_told_with_all_their_columns():
    by_day = orders.per(orders.customer_id, orders.ordered_at.day(), spent=orders.sum(orders.amount))
    assert measure_in_words(by_day.rows()) == (
        "the pairs of customer id and the day of ordered at; "
        "for each customer id and the day of ordered at, spent is the sum of amount over orders"
    )


@pytest.mark.parametrize("name", [metric.id for metric in catalogue.everything()])
def test_no_code_is_left_in_the_words_of_a_kpi(name):
    metric = catalogue.find(name)
    told = [*map(measure_in_words, metric.measures.values()), *map(condition_in_words, metric.leave_out.values())]
    assert not [text for text in told if "==" in text or "_at" in text or ".is_in" in text or "()" in text]
