"""Two effects planted in the sample company in the first quarter of 2026, for users to find.

A search campaign is widened and brings leads who do not buy, so that the win rate of its source falls; and one agent
answers later than before. Both have their own random generators, so that nothing else changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from crmkpi.demo.chance import MONTHS, PRICES, Dice
from crmkpi.demo.sales import INDUSTRIES, SELLERS
from crmkpi.records import Deal, Lead, Ticket

__all__ = ["slowed", "widened_search"]

_MONTHS = [month for month in MONTHS if (month.year, month.month) in ((2026, 1), (2026, 2), (2026, 3))]
_SLOW_AGENT = "Goran"
_SLOWER = 6


def widened_search(dice: Dice, scale: float) -> Iterator[tuple[Lead, Deal]]:
    """Leads of a search campaign that was widened, and their deals, which are lost within the quarter."""
    number = 0
    for month in _MONTHS:
        for _ in range(dice.times(30 * scale)):
            number += 1
            created = month + timedelta(days=dice.randrange(12), minutes=dice.randrange(8 * 60, 18 * 60))
            accepted = created + timedelta(hours=dice.randrange(4, 60))
            closed = accepted + timedelta(days=dice.randrange(5, 13))
            product = dice.pick({"Starter": 0.8, "Team": 0.2})
            amount = dice.money(PRICES[product])
            lead = Lead(
                id=f"LS{number:04}",
                created_at=created,
                source="search ad",
                channel="paid",
                campaign_id=f"K{MONTHS.index(month) + 1:02}-paid",
                owner=dice.choice(SELLERS),
                country=dice.pick({"DE": 0.7, "AT": 0.2, "FR": 0.1}),
                status="converted",
                first_contacted_at=created + timedelta(minutes=dice.randrange(20, 240)),
                mql_at=accepted,
                sql_at=accepted,
                converted_at=accepted,
                deal_id=f"DS{number:04}",
            )
            deal = Deal(
                id=f"DS{number:04}",
                status="lost",
                created_at=accepted,
                closed_at=closed,
                expected_close_on=accepted.date() + timedelta(days=45),
                amount=amount,
                cost=(amount * Decimal("0.35")).quantize(Decimal("0.01")),
                currency="EUR",
                probability=0.0,
                owner=lead.owner,
                lead_id=lead.id,
                campaign_id=lead.campaign_id,
                pipeline="new business",
                product=product,
                industry=dice.choice(INDUSTRIES),
                source="search ad",
                kind="new",
                lost_reason=dice.choice(("no answer", "no answer", "price")),
            )
            yield lead, deal


def slowed(tickets: Iterable[Ticket]) -> Iterator[Ticket]:
    """The tickets, with later replies by one agent in two months of the quarter, but never after the solution."""
    for ticket in tickets:
        created, replied = ticket.created_at, ticket.first_replied_at
        late = created is not None and any(
            (created.year, created.month) == (one.year, one.month) for one in _MONTHS[1:]
        )
        if not late or created is None or replied is None or ticket.agent != _SLOW_AGENT:
            yield ticket
            continue
        later = created + _SLOWER * (replied - created)
        if ticket.first_solved_at is not None:
            later = min(later, max(replied, ticket.first_solved_at - timedelta(minutes=5)))
        yield replace(ticket, first_replied_at=later.replace(second=0, microsecond=0))
