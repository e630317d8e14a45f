"""Business time over records and frames: changing hours, short summer times, placeholder dates for "never"."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import pytest

import crmkpi as ck
from crmkpi.definition.expressions import business_time
from crmkpi.errors import ParameterError

from .backends import frames_of

pytest.importorskip("pyarrow", reason="PyArrow is not installed")

BUSINESS = ck.first_response_time.variant("business")
TABLE = ck.Table(ck.Ticket)
SPANS = TABLE.sum(business_time(TABLE.created_at, TABLE.first_replied_at))
CHANGING = {
    date(2000, 1, 1): {"mon-fri": (("08:30", "12:00"), ("13:00", "17:15"))},
    datetime(2000, 10, 10, 11, 15): "24/7",
    datetime(2000, 10, 10, 15, 45): {"mon-sat": ("09:00", "24:00")},
}


def tickets(zone: Any) -> list[ck.Ticket]:
    chance = Random(4)
    begin = datetime(2000, 10, 1, tzinfo=zone)
    return [
        ck.Ticket(
            id=str(number),
            created_at=(created := begin + timedelta(minutes=chance.randrange(30 * 1440))),
            first_replied_at=created + timedelta(seconds=chance.randrange(300_000)),
        )
        for number in range(300)
    ]


@pytest.mark.in_turns
@pytest.mark.parametrize("zone", [None, UTC])
@pytest.mark.parametrize("tz", ["Europe/Berlin", "America/Boa_Vista"])
def test_changing_hours_give_the_same_over_frames_and_the_sum_of_single_spans(backend: str, tz: str, zone: Any) -> None:
    records = tickets(zone)
    calendar = ck.Calendar(tz=tz, opening_hours=CHANGING, holidays={date(2000, 10, 12)})

    @ck.metric(unit="duration", waited=SPANS)
    def waited(waited: float) -> float:
        """How many opening hours customers waited in all."""
        return waited

    spans = [calendar.business_time(ticket.created_at, ticket.first_replied_at) for ticket in records]
    for crm in (
        ck.Dataset(tickets=records, calendar=calendar),
        ck.Dataset(**frames_of(backend, {"tickets": records}), calendar=calendar),
    ):
        assert waited(crm).value == sum(spans, timedelta())
        assert sum((result.value for result in crm.measure(waited, by="id")), timedelta()) == sum(spans, timedelta())


@pytest.mark.in_turns
@pytest.mark.parametrize("zone", [None, UTC])
def test_a_date_that_stands_for_never_is_counted_like_any_other(backend: str, zone: Any) -> None:
    never = datetime(9999, 12, 31, tzinfo=zone)
    records = [ck.Ticket(id="1", created_at=datetime(2026, 1, 5, 9, tzinfo=zone), first_replied_at=never)]
    calendar = ck.Calendar(tz="UTC", opening_hours="24/7")
    elapsed = never - records[0].created_at
    assert BUSINESS(records, calendar=calendar).value == elapsed
    assert BUSINESS(ck.Dataset(**frames_of(backend, {"tickets": records}), calendar=calendar)).value == elapsed


def test_a_ticket_before_the_first_known_hours_is_an_error_on_every_engine(backend: str) -> None:
    records = [ck.Ticket(id="1", created_at="2000-01-03T09:00", first_replied_at="2000-10-03T10:00")]
    calendar = ck.Calendar(opening_hours={date(2000, 2, 1): "24/7"})
    for data in ({"tickets": records}, frames_of(backend, {"tickets": records})):
        with pytest.raises(ParameterError, match="hours are known from 2000-02-01 00:00:00 on; got 2000-01"):
            BUSINESS(ck.Dataset(**data, calendar=calendar))


@pytest.mark.parametrize("zone", [None, UTC])
def test_outside_opening_hours_only_is_zero(backend: str, zone: Any) -> None:
    sunday = datetime(2026, 1, 4, 9, tzinfo=zone)
    records = [ck.Ticket(id="1", created_at=sunday, first_replied_at=sunday + timedelta(hours=3))]
    calendar = ck.Calendar(opening_hours={"mon-fri": ("09:00", "17:00")})
    for data in ({"tickets": records}, frames_of(backend, {"tickets": records})):
        assert BUSINESS(ck.Dataset(**data, calendar=calendar)).value == timedelta(0)


def test_no_opening_hours_at_all_are_an_error_on_every_engine_and_no_zero(backend: str) -> None:
    records = [ck.Ticket(id="1", created_at="2000-01-03T09:00", first_replied_at="2000-10-03T10:00")]
    for data in ({"tickets": records}, frames_of(backend, {"tickets": records})):
        with pytest.raises(ParameterError, match="Business time needs opening hours, and the calendar has none; give"):
            BUSINESS(ck.Dataset(**data))


def test_the_local_day_is_right_where_summer_time_lasted_a_week(backend: str) -> None:
    # Boa Vista had summer time from 8 to 15 October 2000: half past three in UTC was half past midnight.
    records = [ck.Ticket(id="1", created_at=datetime(2000, 10, 10, 3, 30, tzinfo=UTC))]
    calendar = ck.Calendar(tz="America/Boa_Vista")

    @ck.metric(unit="count", tickets=TABLE.count(TABLE.created_at.day() == date(2000, 10, 10)))
    def of_the_day(tickets: int) -> int:
        """How many tickets the tenth brought."""
        return tickets

    for data in ({"tickets": records}, frames_of(backend, {"tickets": records})):
        assert of_the_day(ck.Dataset(**data, calendar=calendar)).value == 1
