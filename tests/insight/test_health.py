from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

import crmkpi as ck
from crmkpi.errors import InputError, ParameterError, UnknownNameError
from crmkpi.insight.health import HealthPart, health_score

TICKETS = [
    ck.Ticket(id="1", customer_id="A", created_at="2026-01-01T09:00", first_replied_at="2026-01-01T21:00"),
    ck.Ticket(id="2", customer_id="B", created_at="2026-01-01T09:00"),
    ck.Ticket(id="3", customer_id=None, created_at="2026-01-01T09:00"),
]
ORDERS = [ck.Order(id="1", customer_id="A", amount=30, ordered_at="2026-01-01")]
CUSTOMERS = [ck.Customer(id=name) for name in "ABC"]
REPLY = HealthPart(worst=timedelta(hours=48), best=timedelta(0))
VALUE = HealthPart(worst=0, best=100, weight=3)
VOLUME = HealthPart(worst=2, best=0)


def crm(**tables) -> ck.Dataset:
    return ck.Dataset(**{"tickets": TICKETS, "orders": ORDERS, "customers": CUSTOMERS} | tables)


def test_the_score_is_the_weighted_mean_of_the_points():
    (scored,) = [one for one in health_score(crm(), {"first_response_time": REPLY, "average_order_value": VALUE})
                 if one.customer_id == "A"]  # fmt: skip
    assert scored.points == {"first_response_time": 75.0, "average_order_value": 30.0}
    assert scored.score == (75 + 3 * 30) / 4


def test_missing_parts_leave_their_weight_to_the_others_and_are_named():
    table = health_score(crm(), {"first_response_time": REPLY, "average_order_value": VALUE, "ticket_volume": VOLUME})
    by_customer = {one.customer_id: one for one in table}
    assert by_customer["B"].missing == ("first_response_time", "average_order_value")
    assert by_customer["B"].score == by_customer["B"].points["ticket_volume"] == 50.0
    assert by_customer["B"].known_weight == pytest.approx(1 / 5)
    assert table.missing == {"first_response_time": 2, "average_order_value": 2, "ticket_volume": 0}


@pytest.mark.parametrize("customers", [CUSTOMERS, []], ids=["with customers", "of records alone"])
def test_a_missing_part_has_the_reason_that_its_kpi_gives(customers):
    spoilt = ck.read_dicts(
        [{"id": "9", "customer_id": "B", "created_at": "2026-01-01", "first_replied_at": "soon"}], record=ck.Ticket
    )
    tables = {"tickets": [TICKETS[0], *spoilt]} | ({"customers": customers} if customers else {})
    table = health_score(
        ck.Dataset(orders=ORDERS, **tables), {"first_response_time": REPLY, "average_order_value": VALUE}
    )
    for one in table:
        assert tuple(one.reasons) == one.missing
        for name, reason in one.reasons.items():
            alone = {key: [row for row in rows if row.customer_id == one.customer_id]
                     for key, rows in (("tickets", tables["tickets"]), ("orders", ORDERS))}  # fmt: skip
            assert reason == ck.Dataset(**alone).measure(name)[0].reason
    spoilt_reasons = {
        reason: n for reason, n in table.reasons["first_response_time"].items() if "cannot be read" in reason
    }
    assert list(spoilt_reasons.values()) == [1]


def test_a_customer_of_whom_nothing_is_known_has_no_score_and_comes_last():
    table = health_score(crm(), {"average_order_value": VALUE})
    assert [(one.customer_id, one.score) for one in table] == [("A", 30.0), ("B", None), ("C", None)]
    assert table.mean == 30.0
    assert table.to_dicts()[-1] == {"customer_id": "C", "score": None, "known_weight": 0, "average_order_value": None}


def test_without_a_table_of_customers_those_that_the_records_name_are_scored():
    crm_of_two = ck.Dataset(tickets=TICKETS)
    assert {one.customer_id for one in health_score(crm_of_two, {"ticket_volume": VOLUME})} == {"A", "B"}


def test_only_records_of_the_period_count():
    later = health_score(crm(), {ck.average_order_value: VALUE}, period="2026-02")
    assert later.mean is None


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_points_lie_between_0_and_100_and_are_so_at_the_bounds(worst, best, value):
    if worst != best:
        part = HealthPart(worst=worst, best=best)
        assert (part.points(worst), part.points(best)) == (0, 100)
        assert 0 <= part.points(value) <= 100


@given(st.permutations(range(3)))
def test_the_order_of_records_and_parts_does_not_matter(order):
    parts = [("first_response_time", REPLY), ("average_order_value", VALUE), ("ticket_volume", VOLUME)]
    expected = {one.customer_id: one.score for one in health_score(crm(), dict(parts))}
    found = health_score(crm(tickets=[TICKETS[n] for n in order]), dict(parts[n] for n in order))
    assert {one.customer_id: one.score for one in found} == pytest.approx(expected)


def test_frames_have_the_same_scores():
    pandas = pytest.importorskip("pandas")
    rows = [{"id": t.id, "customer_id": t.customer_id, "created_at": t.created_at} for t in TICKETS]
    frame = pandas.DataFrame(rows)
    found = health_score(ck.Dataset(tickets=frame), {"ticket_volume": VOLUME})
    assert [(one.customer_id, one.score) for one in found] == [("A", 50.0), ("B", 50.0)]


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        (lambda: health_score(crm(), {}), InputError, "needs at least one KPI with its bounds; got none"),
        (lambda: health_score(crm(), {"nps_": VALUE}), UnknownNameError, "nps_"),
        (lambda: HealthPart(worst=1, best=1), ParameterError, "The bounds .* differ; both are 1"),
        (lambda: HealthPart(worst=0, best=1, weight=0), ParameterError, "is above zero; got 0"),
        (lambda: HealthPart(worst=0, best="1").points(1), ParameterError, "are numbers or durations; got '1'"),
        (
            lambda: health_score(ck.Dataset(expenses=[]), {"customer_acquisition_cost": VALUE}),
            InputError,
            "The records of expenses name no customer, so a health score cannot use a KPI that reads them",
        ),
    ],
)
def test_what_makes_no_score_is_refused(wrong, error, message):
    with pytest.raises(error, match=message):
        wrong()


def test_a_kpi_that_needs_the_last_known_day_takes_the_datasets():
    customers = [ck.Customer(id="A", since=datetime(2026, 1, 1)), ck.Customer(id="B", since=datetime(2026, 3, 1))]
    data = ck.Dataset(customers=customers, as_of=date(2026, 3, 31))
    part = HealthPart(worst=timedelta(0), best=timedelta(days=40))
    table = health_score(data, {"customer_lifespan": part}, parameters={"horizon": 20})
    assert [(one.customer_id, one.score) for one in table] == [("A", 50.0), ("B", 50.0)]
