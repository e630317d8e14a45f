"""Activities of the sample company's customers: subscriptions, orders, tickets, surveys; and the expenses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal

from crmkpi.demo.chance import FIRST, LAST, MONTHS, PRICES, SEASON, Dice, date_of, known
from crmkpi.records import Customer, Deal, Expense, Interaction, Order, Subscription, Survey, Ticket, Visit

__all__ = ["expenses_of", "interactions_of", "orders_of", "subscriptions_of", "surveys_of", "tickets_of", "visits_of"]

_CONTACTS: tuple[Literal["call", "email", "meeting", "sms"], ...] = ("call", "email", "email", "meeting", "sms")
_AGENTS = ("Farah", "Goran", "Hana", "Ines")


def subscriptions_of(dice: Dice, customers: list[Customer]) -> Iterator[Subscription]:
    """One subscription per customer, or two where the price changed."""
    for customer in customers:
        since = date_of(customer.since)
        monthly = dice.money(PRICES[customer.plan or "Team"] / 24, 0.2)
        currency = "CHF" if customer.region == "Switzerland" else "EUR"
        changed: datetime | None = since + timedelta(days=dice.randrange(120, 500))
        if dice.happens(0.7) or (changed is not None and changed >= (customer.until or LAST)):
            changed = None
        first = Subscription(
            id=f"S{customer.id[1:]}",
            customer_id=customer.id,
            plan=customer.plan,
            mrr=monthly,
            currency=currency,
            started_at=since,
            ended_at=changed or customer.until,
        )
        yield first
        if changed is not None:
            factor = dice.choice((Decimal("0.8"), Decimal("1.25"), Decimal("1.6")))
            dearer = (monthly * factor).quantize(Decimal("0.01"))
            yield replace(first, id=f"{first.id}b", mrr=dearer, started_at=changed, ended_at=customer.until)


def orders_of(dice: Dice, customers: list[Customer]) -> Iterator[Order]:
    """Orders of hardware and training, now and then, by current customers."""
    for customer in customers:
        since = date_of(customer.since)
        moment = dice.after(since, timedelta(days=20))
        pace = dice.choice((25, 45, 90))
        number = 0
        while moment < (customer.until or LAST):
            number += 1
            status = dice.pick({"completed": 0.82, "abandoned": 0.1, "cancelled": 0.04, "returned": 0.04})
            amount = None if dice.happens(0.01) else dice.money(240, 0.7)
            delivered = dice.after(moment, timedelta(days=4), 0.4) if status in ("completed", "returned") else None
            yield Order(
                id=f"O{customer.id[1:]}-{number}",
                customer_id=customer.id,
                ordered_at=moment,
                amount=amount,
                cost=None if amount is None else (amount * Decimal("0.6")).quantize(Decimal("0.01")),
                currency="CHF" if customer.region == "Switzerland" else "EUR",
                status=status,  # type: ignore[arg-type]  # one of the four above
                delivered_at=None if delivered is None else known(delivered),
                product=dice.choice(("scanner", "label printer", "training day")),
                channel=dice.choice(("shop", "phone")),
            )
            moment = dice.after(moment, timedelta(days=pace))


def tickets_of(dice: Dice, customers: list[Customer]) -> Iterator[Ticket]:
    """Tickets, on average one every two months per customer."""
    for customer in customers:
        since = date_of(customer.since)
        moment = dice.after(since, timedelta(days=10))
        number = 0
        while moment < (customer.until or LAST):
            number += 1
            yield _ticket(dice, f"T{customer.id[1:]}-{number}", customer, moment)
            moment = dice.after(moment, timedelta(days=60))


def _ticket(dice: Dice, name: str, customer: Customer, created: datetime) -> Ticket:
    channel = dice.pick({"email": 0.5, "chat": 0.25, "phone": 0.2, "portal": 0.05})
    wait = {"email": 4.0, "chat": 0.1, "phone": 0.05, "portal": 7.0}[channel]
    replied = None if dice.happens(0.05) else known(dice.after(created, timedelta(hours=wait)))
    solved = None if replied is None or dice.happens(0.06) else known(dice.after(replied, timedelta(hours=20), 1.0))
    reopens = dice.pick({"0": 0.9, "1": 0.08, "2": 0.02})
    again = None if solved is None or reopens == "0" else known(dice.after(solved, timedelta(days=2)))
    return Ticket(
        id=name,
        created_at=created,
        customer_id=customer.id,
        channel=channel,
        kind=dice.pick({"question": 0.5, "incident": 0.3, "complaint": 0.12, "request": 0.08}),
        priority=dice.pick({"normal": 0.7, "high": 0.2, "urgent": 0.1}),
        agent=dice.choice(_AGENTS),
        status="open" if solved is None else "solved",
        first_replied_at=replied,
        solved_at=again or solved,
        first_solved_at=solved,
        replies=0 if replied is None else dice.choice((1, 1, 1, 2, 3)),
        reopens=0 if again is None else int(reopens),
        escalated=dice.happens(0.07),
        self_served=channel == "portal",
        handled_seconds=None if replied is None else float(round(60 * dice.lognormvariate(2.5, 0.6))),
        sla_due_at=created + timedelta(days=2),
        opened_by="bot" if channel == "chat" and dice.happens(0.1) else "customer",
        spam=dice.happens(0.015),
    )


def surveys_of(dice: Dice, customers: list[Customer], tickets: list[Ticket]) -> Iterator[Survey]:
    """A survey after most solved tickets, and one every quarter for every customer."""
    number = 0
    for ticket in tickets:
        if ticket.solved_at is None or not dice.happens(0.9):
            continue
        number += 1
        kind: Literal["csat", "ces"] = "csat" if dice.happens(0.6) else "ces"
        scores = (
            {"5": 0.44, "4": 0.3, "3": 0.13, "2": 0.07, "1": 0.06}
            if kind == "csat"
            else ({"1": 0.25, "2": 0.3, "3": 0.2, "4": 0.12, "5": 0.08, "6": 0.03, "7": 0.02})
        )
        asked = Survey(
            id=f"Q{number:05}",
            kind=kind,
            sent_at=ticket.solved_at,
            customer_id=ticket.customer_id,
            ticket_id=ticket.id,
            agent=ticket.agent,
            scale_high=7 if kind == "ces" else None,
        )
        yield _answered(dice, asked, scores)
    for customer in customers:
        since = date_of(customer.since)
        sent = since + timedelta(days=60, hours=2)
        while sent < (customer.until or LAST):
            number += 1
            scores = {"10": 0.2, "9": 0.24, "8": 0.2, "7": 0.14, "6": 0.08, "5": 0.06, "3": 0.05, "0": 0.03}
            asked = Survey(id=f"Q{number:05}", kind="nps", sent_at=sent, customer_id=customer.id)
            yield _answered(dice, asked, scores)
            sent += timedelta(days=91)


def _answered(dice: Dice, survey: Survey, scores: Mapping[str, float]) -> Survey:
    """The survey with an answer, if there is one; some answers have a comment and no score."""
    answered = known(dice.after(date_of(survey.sent_at), timedelta(hours=18)))
    if answered is None or not dice.happens(0.42):
        return survey
    if dice.happens(0.02):
        return replace(survey, answered_at=answered, comment="no number, sorry")
    return replace(survey, answered_at=answered, score=float(dice.pick(scores)))


def interactions_of(dice: Dice, deals: list[Deal], tickets: list[Ticket]) -> Iterator[Interaction]:
    """Calls, messages and meetings about deals, and tickets by phone and chat."""
    number = 0
    for deal in deals:
        created = date_of(deal.created_at)
        for kind in dice.choices(_CONTACTS, k=dice.randrange(5)):
            number += 1
            moment = known(created + timedelta(days=dice.randrange(30), minutes=dice.randrange(480)))
            yield Interaction(
                id=f"I{number:06}",
                deal_id=deal.id,
                customer_id=deal.customer_id,
                kind=kind,
                direction="outbound",
                at=moment,
                seconds=float(dice.randrange(60, 2400)) if kind in ("call", "meeting") else None,
                agent=deal.owner,
            )
    for ticket in tickets:
        if ticket.channel in ("phone", "chat"):
            number += 1
            yield Interaction(
                id=f"I{number:06}",
                ticket_id=ticket.id,
                customer_id=ticket.customer_id,
                kind="call" if ticket.channel == "phone" else "chat",
                direction="inbound",
                at=ticket.created_at,
                seconds=ticket.handled_seconds,
                cost=dice.money(0.4),
                currency="EUR",
                agent=ticket.agent,
            )


def expenses_of(dice: Dice, scale: float) -> Iterator[Expense]:
    """Expenses of the teams, including salaries, and a credit note now and then."""
    monthly: dict[Literal["marketing", "sales", "service"], float] = {
        "marketing": 26_000.0,
        "sales": 38_000.0,
        "service": 21_000.0,
    }
    for number, month in enumerate(MONTHS, 1):
        for team, amount in monthly.items():
            yield Expense(
                id=f"X{number:02}-{team}",
                spent_at=month + timedelta(days=24),
                amount=dice.money(amount * scale * 1.015**number, 0.06),
                currency="EUR",
                team=team,
            )
        if dice.happens(0.1):
            credit = -dice.money(900 * scale)
            spent_at = month + timedelta(days=26)
            yield Expense(id=f"X{number:02}-credit", spent_at=spent_at, amount=credit, currency="EUR", team="marketing")


def visits_of(dice: Dice, scale: float) -> Iterator[Visit]:
    """Visits of the website, one row per day and channel."""
    for day in range((LAST - FIRST).days):
        moment = FIRST + timedelta(days=day)
        for channel, share in {"organic": 0.55, "paid": 0.3, "email": 0.15}.items():
            sessions = round(260 * scale * share * SEASON[moment.month - 1] * dice.uniform(0.7, 1.3))
            yield Visit(
                id=f"W{day:03}-{channel}",
                at=moment,
                sessions=sessions,
                visitors=round(sessions * 0.8),
                conversions=round(sessions * dice.uniform(0.01, 0.035)),
                channel=channel,
            )
