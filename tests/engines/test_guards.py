"""A condition on a computed value first tests that its inputs are present."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

import crmkpi as ck
from crmkpi.definition.expressions import business_time

tickets = ck.Table(ck.Ticket)
OPEN = ck.Calendar(opening_hours={"mon-fri": ("09:00", "17:00")})
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    "condition",
    [
        pytest.param((tickets.first_replied_at - tickets.created_at) <= HOUR, id="a difference"),
        pytest.param(~((tickets.first_replied_at - tickets.created_at) > HOUR), id="a difference denied"),
        pytest.param(business_time(tickets.created_at, tickets.first_replied_at) <= HOUR, id="business time"),
        pytest.param((tickets.first_replied_at - tickets.created_at) / HOUR <= 1, id="a quotient"),
        pytest.param(tickets.first_replied_at.day() <= tickets.created_at.day(), id="a day"),
    ],
)
def test_a_record_without_the_values_is_not_counted(condition: Any) -> None:
    @ck.metric(unit="count", quick=tickets.count(condition))
    def quick_replies(quick: int) -> int:
        """How many tickets are answered quickly."""
        return quick

    monday = datetime(2026, 1, 5, 9)
    answered = ck.Ticket(id="1", created_at=monday, first_replied_at=monday + HOUR / 2)
    waiting = ck.Ticket(id="2", created_at=monday)
    undated = ck.Ticket(id="3")
    assert quick_replies([answered, waiting, undated], calendar=OPEN).value == 1
