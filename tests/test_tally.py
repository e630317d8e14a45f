"""The tally of parts equals the measurement of the whole, for every order of adding, merging and storing."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkpi import Calendar, Dataset, Deal, Order, Rates, Table, Tally, Ticket, catalogue, metric, read_dicts
from crmkpi.demo import sample_company
from crmkpi.errors import InputError, UnknownNameError
from crmkpi.testing.laws import takes_period
from crmkpi.testing.pools import with_unreadable_fields

SETTINGS: dict[str, Any] = {
    "calendar": Calendar(tz="Europe/Berlin", opening_hours={"mon-fri": ("09:00", "17:00")}),
    "as_of": date(2026, 9, 30),
    "currency": "EUR",
    "rates": Rates("EUR", {"CHF": {date(2020, 1, 1): "1.05", date(2026, 3, 1): "1.07"}}),
}
COMPANY = sample_company(0.05)


def every_metric():
    return [found for metric in catalogue for found in (metric, *metric.variants.values())]


PARAMETERS = {
    "discount": 0.1,
    "lifespan": timedelta(days=900),
    "quota": Decimal(90_000),
    "market_revenue": Decimal(10_000_000),
}
DATELESS = ("churn_rate.by_status",)  # a customer with a status has no timestamp


def options(metric):
    asked = {"period": "2026", "every": "quarter"} if takes_period(metric) and metric.id not in DATELESS else {}
    return asked | {"parameters": {name: value for name, value in PARAMETERS.items() if name in metric.parameters}}


def shares(tables, number):
    """The tables cut into parts; lookup tables are in every part."""
    return [{name: records[place::number] for name, records in tables.items()} for place in range(number)]


# They measure customers, and look customers up for orders: a part without an order's customer would lose the order.
INSEPARABLE = {"customer_lifetime_value.discounted"}


def refusal(metrics, **asked):
    """The error of a tally of these metrics that cannot merge exactly, or None."""
    try:
        Tally(metrics, **asked, **SETTINGS | {"rates": None})
    except InputError as error:
        return str(error)
    return None


def test_metrics_whose_parts_do_not_merge_are_refused_and_no_others():
    assert {metric.id for metric in every_metric() if refusal(metric, **options(metric))} == INSEPARABLE


def test_the_refusal_names_the_table_and_the_field_and_the_way_out():
    assert refusal("customer_lifetime_value.discounted", parameters={"discount": 0.1}) == (
        "A tally cannot measure customers in parts and look up orders.customer.since in them, since a part may hold "
        "orders without their customers; use Dataset.measure on all records, or a tally for each metric."
    )


def test_a_segment_of_looked_up_records_is_refused_beside_a_metric_of_these():
    assert refusal("revenue", by="customer.industry") is None
    assert refusal("new_customers", by="customer.industry") is None
    assert "deals.customer.industry" in refusal(["revenue", "new_customers"], by="customer.industry")


def together():
    """The metrics that one tally can measure: those of the same tables, with or without periods."""
    groups: dict[tuple[str, ...], list[Any]] = {}
    for found in every_metric():
        dated = "period" in options(found)
        if found.id not in INSEPARABLE:
            groups.setdefault((*found.tables, "in periods" if dated else "of all time"), []).append(found)
    return groups


def check_parts(metrics, company=COMPANY, turn=0):
    own = {name: company[name] for name in metrics[0].tables}
    beside = {name: records for name, records in company.items() if name not in own}
    asked = [options(found) for found in metrics]
    parameters = {name: value for each in asked for name, value in each["parameters"].items()}
    # Dated rates need each record's day, so they cannot be used for a metric without a timestamp.
    settings = SETTINGS | ({"rates": None} if any(found.id in DATELESS for found in metrics) else {})
    settings |= {"most_unreadable": 1}
    empty = Tally(metrics, **asked[0] | {"parameters": parameters}, **settings)
    whole = empty
    parts = shares(own, 3)
    for part in [*parts[turn:], *parts[:turn]]:
        stored = empty.add(**part, **beside).to_json()
        whole = whole.merge(empty.from_json(stored))
    expected = Dataset(**company, **settings).measure(metrics, **asked[0] | {"parameters": parameters})
    assert whole.report().results == expected.results
    return expected


@pytest.mark.one_of(3)
@pytest.mark.parametrize("metrics", together().values(), ids=map(" ".join, together()))
def test_parts_merge_into_the_whole_over_json(metrics):
    check_parts(metrics)


@cache
def spoiled():
    """The sample company with an unreadable field in every fifth record."""
    return dict(with_unreadable_fields(Dataset(**COMPANY), Random(5)).tables)


@pytest.mark.slow
@pytest.mark.parametrize(("turn", "metrics"), list(enumerate(together().values())), ids=map(" ".join, together()))
def test_parts_with_unreadable_fields_merge_into_the_whole_in_any_order(turn, metrics):
    found = check_parts(metrics, spoiled(), turn % 3)
    assert any(result.unreadable for result in found) or metrics[0].id in DATELESS


@pytest.mark.slow
@pytest.mark.parametrize(
    "metric", [metric for metric in every_metric() if metric.id not in INSEPARABLE], ids=lambda metric: metric.id
)
def test_parts_merge_into_the_whole_for_each_kpi_alone(metric):
    check_parts([metric])


@given(st.lists(st.integers(0, 3), min_size=0, max_size=60))
def test_the_order_and_size_of_parts_change_nothing(homes):
    deals = COMPANY["deals"][: len(homes)]
    empty = Tally(
        ["win_rate", "revenue", "sales_cycle_length.median"], by="owner", currency="EUR", rates=SETTINGS["rates"]
    )
    parts = [[deal for deal, home in zip(deals, homes, strict=True) if home == number] for number in range(4)]
    forward, backward = empty, empty
    for part in parts:
        forward = forward.add(deals=part)
    for part in reversed(parts):
        backward = empty.add(deals=part).merge(backward)
    assert forward.report().results == backward.report().results == empty.add(deals=deals).report().results


@given(st.lists(st.integers(0, 3), min_size=0, max_size=60), st.sampled_from([0.02, 1]))
def test_the_order_and_size_of_parts_with_unreadable_fields_change_nothing(homes, most):
    deals = spoiled()["deals"][: len(homes)]
    asked = {"metrics": ["win_rate", "revenue", "sales_cycle_length.median"], "by": "owner"}
    known = {"currency": "EUR", "rates": SETTINGS["rates"], "most_unreadable": most}
    empty = Tally(**asked, **known)
    parts = [[deal for deal, home in zip(deals, homes, strict=True) if home == number] for number in range(4)]
    forward, backward = empty, empty
    for part in parts:
        forward = forward.add(deals=part)
    for part in reversed(parts):
        backward = empty.from_json(empty.add(deals=part).to_json()).merge(backward)
    expected = Dataset(deals=deals, **known).measure(**asked)
    assert forward.report().results == backward.report().results == expected.results


def ended_cases(end):
    """Customers who asked twice, in the period of their first or last solved ticket."""
    tickets = Table(Ticket)
    solved = {"min": tickets.min, "max": tickets.max}[end](tickets.solved_at)
    cases = tickets.per(tickets.customer_id, solved=solved, asked=tickets.count())

    @metric(unit="count", ended=cases.count(cases.asked >= 2, at=cases.solved))
    def ended(ended):
        """How many cases ended."""
        return ended

    return ended


@pytest.mark.parametrize("most", [0.02, 1])
@pytest.mark.parametrize("end", ["min", "max"])
def test_rows_of_one_key_that_lie_in_several_parts_count_in_the_period_of_their_own_end(end, most):
    known = {"calendar": SETTINGS["calendar"], "most_unreadable": most}
    rows = [{"id": n, "customer_id": f"C{n % 9}", "solved_at": f"2026-0{1 + n % 5}-1{n % 7}T10:00"} for n in range(20)]
    rows[3]["solved_at"] = "?"
    rows[7]["customer_id"] = None
    tickets = list(read_dicts(rows, record=Ticket))
    asked = {"metrics": ended_cases(end), "period": "2026", "every": "month"}
    expected = Dataset(tickets=tickets, **known).measure(**asked)
    empty = Tally(**asked, **known)
    for turn in range(3):
        parts = shares({"tickets": tickets}, 3)
        whole = empty
        for part in [*parts[turn:], *parts[:turn]]:
            whole = empty.from_json(empty.add(**part).to_json()).merge(whole)
        assert whole.report().results == expected.results
    assert sum(result.value or 0 for result in expected) > 0 or most < 1


EVERY_STATE = (  # counts, sums, values, distinct values, one row per key, business time, related records, stocks
    *("win_rate", "revenue", "average_deal_size.median", "win_rate.by_amount", "customer_lifetime_value.historic"),
    *("repeat_purchase_rate", "first_response_time.business", "sales_cycle_length.from_lead", "pipeline_value", "mrr"),
)


@pytest.mark.in_turns
def test_records_and_frames_meet(backends, backend):
    empty = Tally(EVERY_STATE, period="2026", every="quarter", **SETTINGS)
    own = {name for each in map(catalogue.find, EVERY_STATE) for name in each.tables}
    first, second = shares({name: COMPANY[name] for name in own}, 2)
    beside = {name: records for name, records in COMPANY.items() if name not in own}
    # Fields of leads are looked up for deals, and each half has only half of the leads.
    records, frames = (beside | part | {"leads": COMPANY["leads"]} for part in (first, second))
    mixed = empty.add(**records).add(**backends.frames_of(backend, frames))
    expected = empty.add(**records).add(**frames)
    assert mixed.report().results == expected.report().results
    assert sum(result.value not in (None, 0) for result in expected.report()) >= 3 * len(EVERY_STATE)


def test_adding_makes_a_new_tally():
    empty = Tally("win_rate")
    empty.add(deals=[Deal(id="1", status="won")])
    assert empty.report()[0].value is None


def test_rows_that_could_not_be_read_are_counted_over_all_parts():
    part = read_dicts([{"id": "1", "status": "won"}, {"status": None}], record=Deal)
    (account,) = Tally("win_rate").add(deals=part).add(deals=part).report()[0].accounts
    assert (account.given, account.used, account.rejected) == (4, 2, 2)


def test_different_values_are_counted_once_over_all_parts():
    deals = [Order(id=str(n), customer_id="C1", amount=10) for n in range(4)]
    tally = Tally("customer_lifetime_value.historic").add(orders=deals[:2]).add(orders=deals[2:])
    assert tally.report()[0].inputs["buyers"] == 1


def variant_of_the_share(limit):
    deals = Table(Deal)

    @metric(unit="count", large=deals.count(deals.amount > limit))
    def large_deals(large):
        """How many deals are large."""
        return large

    return large_deals


def test_two_formulas_written_on_one_line_are_two_definitions():
    deals = Table(Deal)

    def thing(formula):
        formula.__name__, formula.__doc__ = "thing", "A thing."
        return metric(won=deals.count(deals.status == "won"), unit="count")(formula)

    once, twice = (thing(formula) for formula in (lambda won: won, lambda won: won * 2))
    with pytest.raises(InputError, match="Only tallies of the same definitions"):
        Tally(once).merge(Tally(twice))
    assert Tally(once).merge(Tally(once)).digest == Tally(once).digest


def test_a_changed_measure_refuses_to_merge():
    with pytest.raises(InputError, match="Only tallies of the same definitions"):
        Tally(variant_of_the_share(1)).merge(Tally(variant_of_the_share(2)))


def test_a_changed_setting_refuses_a_stored_state():
    stored = Tally("win_rate", calendar=Calendar(tz="Europe/Berlin")).to_json()
    with pytest.raises(InputError, match="stored tally has other definitions or settings"):
        Tally("win_rate").from_json(stored)


def test_another_version_is_refused():
    stored = json.loads(Tally("win_rate").to_json()) | {"version": 99}
    with pytest.raises(InputError, match="written in version 99, and this is version 2"):
        Tally("win_rate").from_json(json.dumps(stored))


def test_what_is_no_tally_is_refused():
    with pytest.raises(InputError, match="A tally is read from what"):
        Tally("win_rate").from_json("[1, 2")


def test_a_table_that_nothing_reads_is_refused():
    with pytest.raises(UnknownNameError, match="The tally reads deals; got tickets"):
        Tally("win_rate").add(tickets=[])


def test_a_definition_has_the_same_digest_in_another_process():
    code = "import crmkpi; print(crmkpi.Tally(['win_rate', 'revenue'], period='2026', by='owner').digest)"
    found = {
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    }
    assert found == {Tally(["win_rate", "revenue"], period="2026", by="owner").digest + "\n"}
