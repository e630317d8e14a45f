"""Tables without faults, for tests that plant one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from crmkpi import Customer, Dataset, Deal, Order, Subscription, Survey, Ticket
from crmkpi.quality import Finding

FIRST = datetime.fromisoformat("2026-01-05T09:00")


def moment(number: int) -> datetime:
    """A timestamp for each number: three per day, all distinct."""
    return FIRST + timedelta(hours=7 * number, minutes=number)


def clean(table: str, count: int = 60) -> list[Any]:
    """A number of records of a table, without a fault."""
    return [_MADE[table](number) for number in range(count)]


def with_faults(records: list[Any], count: int, **changes: Any) -> list[Any]:
    """The records, the first `count` of them changed."""
    return [replace(record, **changes) for record in records[:count]] + records[count:]


def _deal(number: int) -> Deal:
    closed = None if number % 3 == 2 else moment(number) + timedelta(days=10, minutes=number)
    return Deal(
        id=f"D{number}",
        status=("won", "lost", "open")[number % 3],
        created_at=moment(number),
        closed_at=closed,
        amount=100 + number * 37,
        currency="EUR",
        owner=("Ada", "Chloé")[number % 2],
        customer_id=f"C{number}",
    )


def _customer(number: int) -> Customer:
    until = moment(number) + timedelta(days=20, minutes=number) if number % 4 == 0 else None
    return Customer(id=f"C{number}", since=moment(number), until=until, status=None if until is None else "churned")


def _subscription(number: int) -> Subscription:
    return Subscription(
        id=f"S{number}",
        customer_id=f"C{number}",
        plan=("team", "solo")[number % 2],
        mrr=f"{20 + number}.50",
        currency="EUR",
        started_at=moment(number),
        ended_at=moment(number) + timedelta(days=20, minutes=number) if number % 4 == 0 else None,
    )


def _ticket(number: int) -> Ticket:
    return Ticket(
        id=f"T{number}",
        created_at=moment(number),
        customer_id=f"C{number % 40}",
        status=("open", "solved")[number % 2],
        solved_at=moment(number) + timedelta(hours=number) if number % 2 else None,
    )


def _survey(number: int) -> Survey:
    answered = moment(number) + timedelta(minutes=number)
    return Survey(id=f"Q{number}", kind="nps", sent_at=moment(number), answered_at=answered, score=number % 11)


def _order(number: int) -> Order:
    return Order(id=f"O{number}", ordered_at=moment(number), amount=f"{7 * number + 3}.10", customer_id=f"C{number}")


_MADE: dict[str, Callable[[int], Any]] = {
    "deals": _deal,
    "customers": _customer,
    "subscriptions": _subscription,
    "tickets": _ticket,
    "surveys": _survey,
    "orders": _order,
}


def faults(code: str, *, founded: date | None = None, **given: Any) -> list[Finding]:
    """The findings of one code in these tables, checked with these settings."""
    return [finding for finding in Dataset(**given).check(founded=founded) if finding.code == code]
