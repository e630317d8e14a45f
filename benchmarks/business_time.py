"""What business time costs beside calendar time: the same measure of the same tickets, over records.

    python benchmarks/business_time.py [tickets]

The two are measured in turn, and the ratio is that of the fastest runs, which are those least disturbed on a shared
machine. Both are asked for the values alone and, as reports are, with intervals by agent and month.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import crmkpi as ck

OFFICE = {"mon-fri": (("08:00", "12:00"), ("13:00", "18:00"))}
CALENDAR = ck.Calendar(tz="Europe/Berlin", opening_hours=OFFICE, holidays={date(2025, 12, 25), date(2025, 12, 26)})
QUESTIONS: dict[str, dict[str, Any]] = {
    "the value alone": {"confidence": None},
    "with its interval": {},
    "by agent and month": {"by": "agent", "period": "2025", "every": "month"},
}


def tickets(count: int) -> list[ck.Ticket]:
    """Tickets of 2025, answered after ten hours on average."""
    chance = random.Random(1)
    begin = datetime(2025, 1, 1, tzinfo=UTC)
    return [
        ck.Ticket(
            id=str(number),
            agent=f"Agent {number % 12}",
            created_at=(created := begin + timedelta(minutes=chance.randrange(525_600))),
            first_replied_at=created + timedelta(minutes=chance.expovariate(1 / 600)),
        )
        for number in range(count)
    ]


def seconds(work: Callable[..., object], *arguments: Any, **options: Any) -> float:
    """How long a call takes."""
    begin = time.perf_counter()
    work(*arguments, **options)
    return time.perf_counter() - begin


def main(count: int, runs: int = 5) -> None:
    """Print the table."""
    crm = ck.Dataset(tickets=tickets(count), calendar=CALENDAR)
    print(f"{count:,} tickets, fastest of {runs}      calendar time  business time  ratio")
    for words, question in QUESTIONS.items():
        names = ("first_response_time", "first_response_time.business")
        times: dict[str, list[float]] = {name: [] for name in names}
        for _ in range(runs):
            for name in names:
                times[name].append(seconds(crm.measure, name, **question))
        plain, business = (min(times[name]) for name in names)
        print(f"{words:<36} {plain:13.3f} s {business:13.3f} s {business / plain:6.2f}")
    never = datetime(9999, 12, 31, tzinfo=UTC)
    calendar = ck.Calendar(tz="Europe/Berlin", opening_hours=OFFICE, holidays={date(2025, 12, 25)})
    first = seconds(calendar.business_time, datetime(2025, 1, 1, tzinfo=UTC), never)
    print(f"the first span that ends on {never.date()}: {first:.3f} s")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
