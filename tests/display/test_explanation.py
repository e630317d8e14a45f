"""The manual of a KPI, from its docstring and its definition."""

from __future__ import annotations

from crmkpi import Lead, Table, catalogue, churn_rate, mrr, net_new_mrr, pipeline_value, sales_velocity, win_rate
from crmkpi.definition.metric import metric
from crmkpi.display.explanation import explanation, facts

leads = Table(Lead)


@metric(unit="count", leads=leads.count())
def bare(leads: int) -> int:
    """How many leads there are,
    said in two lines.

    Merged ones count.

    They are few.

    Returns:
        A count.
    """  # noqa: D205
    return leads


def test_a_docstring_falls_into_its_parts():
    told = explanation(bare)
    assert told.meaning == "How many leads there are, said in two lines."
    assert told.formula == ""
    assert told.text == "Merged ones count.\n\nThey are few."
    assert told.sections == {"Returns": "A count."}


def test_the_formula_comes_without_its_signs():
    assert explanation(win_rate).formula == r"\text{win rate} = \frac{\text{won}}{\text{won} + \text{lost}}"


def test_examples_keep_their_lines():
    assert explanation(win_rate).sections["Examples"].splitlines()[0] == ">>> from crmkpi import Deal, win_rate"


def test_what_is_not_said_is_empty():
    known = facts(bare)
    assert known["default"] == known["sources"] == known["shown by"] == known["for"] == []


def test_inputs_of_different_anchors_are_told_apart():
    stock, flow = facts(sales_velocity)["at"]
    assert stock == "as things stood at the end of the period (`open_deals`)"
    assert flow.startswith("`deals.closed_at` (`won`, `closed`")


def test_a_stock_of_two_bounds_names_both():
    assert facts(churn_rate)["at"] == [
        "as things stood at the start and the end of the period (`lost`)",
        "as things stood at the start of the period (`active_at_start`)",
    ]


def test_a_stock_inside_rows_per_customer_is_one_too():
    assert facts(net_new_mrr)["at"][0].startswith("as things stood at the")


def test_what_has_no_date_is_measured_over_the_whole_data():
    assert facts(bare)["at"] == ["no date, so that it is measured over the whole data"]


def test_a_stock_adds_up_over_segments_and_not_over_periods():
    for stock in (mrr, pipeline_value):
        assert facts(stock)["roll-up"] == [
            "additive over segments: a stock, so that the values of periods are not added"
        ]


def test_screens_of_other_systems_come_with_how_they_show_it():
    (stripe,) = facts(catalogue.find("churn_rate.stripe"))["shown by"]
    assert stripe.startswith(
        'Stripe, "Subscriber churn rate": shown as it is, over 30 days. The base is the customers active'
    )
    assert (
        'Mailchimp, "Open rate": shown in percent, 2 decimals.' in facts(catalogue.find("email_open_rate"))["shown by"]
    )
    one_touch, fewer_than_two = facts(catalogue.find("first_contact_resolution_rate"))["shown by"]
    assert one_touch.startswith('Zendesk, "One-touch tickets": shown in percent, no decimals. A ticket')
    assert "as `first_contact_resolution_rate.zero_or_one_reply`: shown in percent" in fewer_than_two


def test_roles_are_those_that_look_at_it():
    assert facts(win_rate)["for"] == ["sales manager", "founder"]
