"""Numbers of other systems, computed by hand from the definitions of those systems."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal

import pytest

import crmkpi as ck
from crmkpi import vendors
from crmkpi.errors import UnknownNameError

VENDORS = [
    vendors.chatwoot,
    vendors.hubspot,
    vendors.intercom,
    vendors.mailchimp,
    vendors.salesforce,
    vendors.stripe,
    vendors.zendesk,
    vendors.zoho,
]


def shown(screen: vendors.Screen, data: object, **options: object) -> Decimal | None:
    return screen.shown(screen.metric(data, **options))


def test_mailchimp_divides_unique_clicks_by_deliveries():
    sample = [ck.Campaign(id="1", channel="email", sent=110, delivered=108, clicked=7)]
    assert shown(vendors.mailchimp["Click rate"], sample) == Decimal("6.48")


def test_hubspot_has_two_click_rates_with_one_numerator():
    mail = [ck.Campaign(id="1", channel="email", sent=1000, delivered=800, opened=200, clicked=40)]
    assert shown(vendors.hubspot["Click rate"], mail) == Decimal("5.00")
    assert shown(vendors.hubspot["Click-through rate"], mail) == Decimal("20.00")


def test_zoho_counts_days_of_the_calendar_and_not_of_24_hours():
    deal = ck.Deal(id="1", status="won", created_at="2021-04-15T23:30", closed_at="2021-04-17T00:03")
    assert shown(vendors.zoho["Average sales cycle"], [deal]) == 2
    assert shown(vendors.zoho["Average sales cycle"], [deal]) > ck.sales_cycle_length([deal]).to("days")


def test_zendesk_rounds_the_resolution_to_whole_hours():
    ticket = ck.Ticket(id="1", status="solved", created_at="2026-01-05T09:00", solved_at="2026-01-05T12:40")
    assert shown(vendors.zendesk["Resolution time"], [ticket]) == 4


def test_zendesk_takes_the_last_schedule_for_the_whole_span_and_others_each_for_its_own():
    ticket = ck.Ticket(id="1", status="solved", created_at="2026-03-02T04:30", solved_at="2026-03-02T20:30:08")
    business = ck.resolution_time.variant("business")
    changed = {date(2026, 1, 1): {"mon-fri": ("09:00", "17:00")}, datetime(2026, 3, 2, 10): "24/7"}
    each = business([ticket], calendar=ck.Calendar(opening_hours=changed))
    last = business([ticket], calendar=ck.Calendar(opening_hours="24/7"))
    assert (round(each.to("minutes"), 2), round(last.to("minutes"), 2)) == (690.13, 960.13)


def test_zendesk_took_tickets_without_a_reply_for_one_touch():
    replies = [0, 1, 1, 2]
    tickets = [ck.Ticket(id=str(n), status="solved", replies=count, reopens=0) for n, count in enumerate(replies)]
    assert shown(vendors.zendesk["One-touch tickets"], tickets) == 50
    assert shown(vendors.zendesk["One-touch tickets (fewer than two replies)"], tickets) == 75


def test_zendesk_divides_good_by_good_and_bad_and_an_offer_is_no_answer():
    scores = [1, 1, 1, 0, None]
    surveys = [ck.Survey(id=str(n), kind="csat", scale_low=0, scale_high=1, score=s) for n, s in enumerate(scores)]
    assert shown(vendors.zendesk["Satisfaction score"], surveys) == 75


def test_stripe_counts_who_came_and_left_within_the_30_days():
    period = ck.Period("2026-04")  # 30 days
    assert (period.wall_end - period.wall_start).days == vendors.stripe["Subscriber churn rate"].period_days
    stayed = [ck.Customer(id=f"s{n}", since="2025-01-01") for n in range(7)]
    left = [ck.Customer(id="l", since="2025-01-01", until="2026-04-10")]
    came = [ck.Customer(id="n", since="2026-04-05")]
    both = [ck.Customer(id="b", since="2026-04-05", until="2026-04-20")]
    customers = [*stayed, *left, *came, *both]
    assert shown(vendors.stripe["Subscriber churn rate"], customers, period=period) == Decimal("0.2")  # 2 of 8 + 2
    assert ck.churn_rate(customers, period=period).value == 0.125  # 1 of 8


def test_stripe_takes_one_of_two_cancelled_subscriptions_for_a_contraction():
    subscriptions = [
        ck.Subscription(id="1", customer_id="A", mrr=30, started_at="2026-01-01"),
        ck.Subscription(id="2", customer_id="A", mrr=20, started_at="2026-01-01", ended_at="2026-04-10"),
    ]
    april = {"period": "2026-04"}
    assert shown(vendors.stripe["Contraction MRR"], subscriptions, **april) == -20
    assert shown(vendors.stripe["Churned MRR"], subscriptions, **april) == 0


def test_chatwoot_cuts_the_decimals_of_bot_rates_off():
    tickets = [ck.Ticket(id=str(n), self_served=n < 2) for n in range(3)]
    assert shown(vendors.chatwoot["Bot resolution rate"], tickets) == 66


def test_chatwoot_can_have_more_answers_than_surveys():
    surveys = [
        ck.Survey(id="1", kind="csat", sent_at="2026-01-30", answered_at="2026-02-01", score=5),
        ck.Survey(id="2", kind="csat", sent_at="2026-01-31", answered_at="2026-02-01", score=4),
        ck.Survey(id="3", kind="csat", sent_at="2026-02-02", answered_at="2026-02-03", score=3),
    ]
    february = {"period": "2026-02"}
    assert shown(vendors.chatwoot["Response rate"], surveys, **february) == 300
    assert shown(vendors.chatwoot["CSAT"], surveys, **february) == Decimal("66.67")


def test_chatwoot_puts_a_response_into_the_day_of_the_reply_and_intercom_into_that_of_the_question():
    ticket = ck.Ticket(id="1", created_at="2026-01-31T22:00", first_replied_at="2026-02-01T04:00")
    assert shown(vendors.chatwoot["First response time"], [ticket], period="2026-02") == 6 * 3600
    assert shown(vendors.intercom["First response time"], [ticket], period="2026-01") == 6 * 3600


def test_salesforce_shows_two_win_rates_on_one_page():
    deals = [
        ck.Deal(id=str(n), status=status) for n, status in enumerate(["won", "won", "won", "lost", "open", "open"])
    ]
    assert shown(vendors.salesforce["Win rate"], deals) == Decimal("0.75")
    assert shown(vendors.salesforce["Won of all"], deals) == Decimal("0.5")


@pytest.mark.parametrize("vendor", VENDORS, ids=lambda vendor: vendor.name)
def test_every_number_of_a_system_is_a_definition_of_the_catalogue(vendor):
    everything = list(ck.catalogue.everything())
    assert len(vendor) >= 2
    assert all(metric in everything for metric in vendor.metrics)


def test_an_unknown_screen_is_an_error_that_names_the_nearest():
    with pytest.raises(
        UnknownNameError, match=r"Mailchimp shows no 'Click rat' that is known here\. Did you mean 'Click rate'"
    ):
        vendors.mailchimp["Click rat"]


REFUSED = [(vendor, name) for vendor in VENDORS for name in vendor.refused]


@pytest.mark.parametrize(("vendor", "name"), REFUSED, ids=[f"{vendor.name}: {name}" for vendor, name in REFUSED])
def test_what_a_system_shows_and_records_cannot_tell_is_refused_with_the_reason(vendor, name):
    assert name not in vendor
    with pytest.raises(UnknownNameError) as refused:
        vendor[name]
    assert str(refused.value) == f"{name!r} of {vendor.name} cannot be reproduced: {vendor.refused[name]}."
    for metric in re.findall(r"[a-z]+_[a-z_.]+", vendor.refused[name].replace("self_served", "")):
        assert ck.catalogue.find(metric).id == metric  # the suggested way out exists


def test_intercom_and_zendesk_show_business_hours_too():
    calendar = ck.Calendar(opening_hours={"mon-fri": ("09:00", "17:00")})
    friday = ck.Ticket(
        id="1",
        status="solved",
        created_at="2026-01-09T16:00",
        first_replied_at="2026-01-12T09:30",
        solved_at="2026-01-12T10:00",
    )
    office = {"calendar": calendar}
    assert shown(vendors.intercom["First response time within office hours"], [friday], **office) == 90 * 60
    assert shown(vendors.intercom["Time to close within office hours"], [friday], **office) == 2 * 3600
    assert shown(vendors.zendesk["First reply time in business hours"], [friday], **office) == 90
    assert shown(vendors.zendesk["Resolution time in business hours"], [friday], **office) == 120


def test_a_whole_screen_is_measured_at_once():
    crm = ck.Dataset(subscriptions=[], customers=[])
    report = crm.measure(vendors.stripe.metrics, period="2026-04")
    assert [result.definition for result in report] == [screen.metric.id for screen in vendors.stripe.values()]
