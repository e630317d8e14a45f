"""The sample company's campaigns, leads, deals and resulting customers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, time, timedelta
from decimal import Decimal

from crmkpi.demo.chance import LAST, MONTHS, PRICES, Dice, busy, date_of, known
from crmkpi.records import Campaign, Customer, Deal, Lead, StageVisit

__all__ = ["INDUSTRIES", "SELLERS", "campaigns_of", "sales_of", "stage_visits_of"]

SELLERS = (
    "Ada Okafor",
    "Bruno Keller",
    "Chloé Martin",
    "Dev Patel",
    "<b>Eve</b> & Sons",
    '=HYPERLINK("http://x.test")',
)
_SOURCES = {"website": 0.40, "referral": 0.15, "fair": 0.15, "search ad": 0.20, "cold call": 0.10}
_WON = {"website": 0.34, "referral": 0.52, "fair": 0.30, "search ad": 0.27, "cold call": 0.18}
_CHANNELS = {
    "website": "organic",
    "referral": "referral",
    "fair": "events",
    "search ad": "paid",
    "cold call": "outbound",
}
INDUSTRIES = ("retail", "health", "software", "logistics", "education")
_STAGES = ("Discovery", "Proposal", "Negotiation")


def campaigns_of(dice: Dice, scale: float) -> Iterator[Campaign]:
    """A newsletter, search advertising and a fair every month."""
    for number, month in enumerate(MONTHS, 1):
        for channel in ("email", "paid", "events"):
            sent = round(2400 * scale * dice.uniform(0.8, 1.2)) if channel == "email" else None
            bounced = None if sent is None else round(sent * dice.uniform(0.01, 0.03))
            delivered = None if sent is None or bounced is None else sent - bounced
            opened = None if delivered is None else round(delivered * dice.uniform(0.22, 0.34))
            yield Campaign(
                id=f"K{number:02}-{channel}",
                name=f"{channel.capitalize()} {month:%B %Y}",
                channel=channel,
                started_at=month + timedelta(days=2, hours=9),
                ended_at=month + timedelta(days=26),
                cost=dice.money({"email": 1500, "paid": 9000, "events": 7000}[channel] * scale, 0.2),
                currency="EUR",
                impressions=round(90_000 * scale) if channel == "paid" else None,
                sent=sent,
                delivered=delivered,
                opened=opened,
                clicked=None if opened is None else round(opened * dice.uniform(0.08, 0.15)),
                unsubscribed=None if delivered is None else round(delivered * 0.004),
                bounced=bounced,
            )


def sales_of(dice: Dice, scale: float, campaigns: list[Campaign]) -> tuple[list[Lead], list[Deal], list[Customer]]:
    """Leads, the deals from these leads, and the customers from these deals."""
    leads: list[Lead] = []
    deals: list[Deal] = []
    customers: list[Customer] = []
    for month in MONTHS:
        for _ in range(dice.times(150 * scale * busy(month))):
            lead, deal, customer = _way_of_one(dice, f"{len(leads) + 1:05}", month, campaigns)
            if leads and dice.happens(0.02):  # a duplicate: the form was submitted twice
                leads.append(Lead(id=lead.id, created_at=lead.created_at, source=lead.source, merged_into=leads[-1].id))
                continue
            leads.append(lead)
            deals += [] if deal is None else [deal]
            customers += [] if customer is None else [customer]
    for customer in list(customers):
        deals += _more_business(dice, customer)
    return leads, deals, customers


def _way_of_one(
    dice: Dice, number: str, month: datetime, campaigns: list[Campaign]
) -> tuple[Lead, Deal | None, Customer | None]:
    """One lead, with the deal and the customer that it leads to, if any."""
    source = dice.pick(_SOURCES)
    channel = "email" if source == "website" and dice.happens(0.2) else _CHANNELS[source]
    created = dice.working_moment(month)
    country = dice.pick({"DE": 0.6, "AT": 0.2, "FR": 0.14, "CH": 0.06})
    owner = None if dice.happens(0.03) else dice.choice(SELLERS)
    contacted = None if dice.happens(0.06) else dice.after(created, timedelta(hours=3), 1.1)
    if contacted is not None and dice.happens(0.01):
        contacted = created - timedelta(minutes=20)  # two systems whose clocks disagree
    qualified = dice.after(created, timedelta(days=2)) if dice.happens(0.55) else None
    accepted = None if qualified is None or dice.happens(0.4) else dice.after(qualified, timedelta(days=4))
    campaign = next((one.id for one in campaigns if one.channel == channel and one.started_at == _start(month)), None)
    lead = Lead(
        id=f"L{number}",
        created_at=created,
        source=source,
        channel=channel,
        campaign_id=campaign,
        owner=owner,
        country=country,
        status="qualified" if qualified else "disqualified" if dice.happens(0.3) else "working",
        first_contacted_at=None if contacted is None else known(contacted),
        mql_at=None if qualified is None else known(qualified),
        sql_at=None if accepted is None else known(accepted),
    )
    if lead.sql_at is None:
        return replace(lead, deleted=dice.happens(0.01)), None, None
    deal = _deal(dice, lead)
    converted = replace(
        lead, status="converted", converted_at=deal.created_at, deal_id=deal.id, customer_id=deal.customer_id
    )
    return converted, deal, _customer(dice, deal) if deal.status == "won" else None


def _start(month: datetime) -> datetime:
    return month + timedelta(days=2, hours=9)


def _deal(dice: Dice, lead: Lead) -> Deal:
    """The first deal with a lead, won, lost or still open."""
    created = date_of(lead.sql_at)
    product = dice.pick({"Starter": 0.5, "Team": 0.35, "Enterprise": 0.15})
    closes = dice.after(created, timedelta(days={"Starter": 21, "Team": 34, "Enterprise": 62}[product]), 0.5)
    hoped = created.date() + timedelta(days=45)
    is_open = closes >= LAST or dice.happens(0.02)  # a few stay open long after their expected close date
    won = not is_open and dice.happens(_WON[lead.source or ""])
    amount: Decimal | None = dice.money(PRICES[product])
    if dice.happens(0.03):
        amount = None
    elif not is_open and not won and dice.happens(0.15):
        amount = Decimal(0)  # some sellers clear the amount when they lose
    closed: datetime | None = closes
    if is_open:  # the system fills the close date with the expected one
        closed = datetime.combine(hoped, time()) if dice.happens(0.7) else None
    elif dice.happens(0.02):
        closed = None if dice.happens(0.5) else created - timedelta(hours=3)
    return Deal(
        id=f"D{lead.id[1:]}",
        status="open" if is_open else "won" if won else "lost",
        created_at=created,
        closed_at=closed,
        expected_close_on=hoped,
        amount=amount,
        cost=None if amount is None else (amount * Decimal("0.35")).quantize(Decimal("0.01")),
        currency="CHF" if lead.country == "CH" else "EUR",
        probability=dice.choice((0.2, 0.4, 0.6, 0.8)) if is_open else float(won),
        owner=lead.owner,
        customer_id=f"C{lead.id[1:]}" if won else None,
        lead_id=lead.id,
        campaign_id=lead.campaign_id,
        pipeline="new business",
        stage=dice.choice(_STAGES) if is_open else None,
        product=product,
        industry=dice.choice(INDUSTRIES),
        source=lead.source,
        kind="new",
        lost_reason=None if is_open or won else dice.choice(("price", "timing", "competitor", "no answer")),
    )


def _customer(dice: Dice, deal: Deal) -> Customer:
    since = date_of(deal.closed_at or deal.created_at)
    months = {"Starter": 20, "Team": 34, "Enterprise": 60}[deal.product or "Team"]
    until = known(since + timedelta(days=round(30 + dice.expovariate(1 / (30 * months)))))
    return Customer(
        id=deal.customer_id or "",
        since=since,
        until=until,
        status="active" if until is None else "churned",
        industry=deal.industry,
        region="Switzerland" if deal.currency == "CHF" else dice.choice(("north", "south", "west")),
        plan=deal.product,
        source=deal.source,
        owner=deal.owner,
    )


def _more_business(dice: Dice, customer: Customer) -> Iterator[Deal]:
    """Renewals every year, and now and then an expansion."""
    since = date_of(customer.since)
    price = PRICES[customer.plan or "Team"]
    currency = "CHF" if customer.region == "Switzerland" else "EUR"
    occasions = [("renewal", since + timedelta(days=365))]
    if dice.happens(0.45):
        occasions.append(("expansion", dice.after(since, timedelta(days=150))))
    for kind, closed in occasions:
        if closed >= LAST or (customer.until is not None and closed >= customer.until):
            continue
        won = dice.happens(0.9 if kind == "renewal" else 0.5)
        yield Deal(
            id=f"D{customer.id[1:]}-{kind}",
            status="won" if won else "lost",
            created_at=max(since, closed - timedelta(days=dice.randrange(10, 40))),
            closed_at=closed,
            amount=dice.money(price * (0.9 if kind == "renewal" else 0.4), 0.2),
            currency=currency,
            owner=customer.owner,
            customer_id=customer.id,
            pipeline="existing customers",
            product=customer.plan,
            industry=customer.industry,
            kind="renewal" if kind == "renewal" else "expansion",
        )


def stage_visits_of(dice: Dice, deals: list[Deal]) -> Iterator[StageVisit]:
    """The stage visits of each deal; lost deals do not reach the last stage."""
    for deal in deals:
        entered = date_of(deal.created_at)
        end = deal.closed_at if deal.status != "open" and deal.closed_at is not None else LAST
        reached = _STAGES if deal.status == "won" else _STAGES[: dice.randrange(1, len(_STAGES) + 1)]
        step = (end - entered) / len(reached)
        for number, stage in enumerate(reached):
            last = number == len(reached) - 1
            left = None if last and deal.status == "open" else entered + step
            yield StageVisit(
                id=f"{deal.id}-{number + 1}",
                deal_id=deal.id,
                pipeline=deal.pipeline,
                stage=stage,
                entered_at=entered.replace(second=0, microsecond=0),
                left_at=None if left is None else left.replace(second=0, microsecond=0),
            )
            entered += step
