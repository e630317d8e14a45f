"""A sample company, the same on every machine, to try the KPIs on: two years of a firm that sells and serves software.

It has what real exports have: seasons and growth, and also missing amounts, open deals with a close date, deals closed
before they were created, merged leads, tickets without a reply, a corner that bills in another currency, rows that
cannot be read, and names that a spreadsheet or a browser would take for code.
"""

from __future__ import annotations

import csv
import math
import shlex
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from types import MappingProxyType
from typing import Any

from crmkpi.calendars import Calendar
from crmkpi.dataset import Dataset
from crmkpi.display.text import report_text
from crmkpi.errors import ParameterError
from crmkpi.money import Rates
from crmkpi.records import (
    RECORDS,
    Campaign,
    Customer,
    Deal,
    Expense,
    Interaction,
    Lead,
    Order,
    StageVisit,
    Subscription,
    Survey,
    Ticket,
    Visit,
)
from crmkpi.sources import Records, read_csv, write_csv

__all__ = ["AS_OF", "run", "sample_company"]

AS_OF = date(2026, 9, 30)
_FIRST = datetime(2024, 10, 1)
_LAST = datetime(2026, 10, 1)  # the first moment that nobody knows yet
_MONTHS = [datetime(2024 + month // 12, month % 12 + 1, 1) for month in range(9, 33)]
_SEASON = (0.9, 1.0, 1.15, 1.05, 1.0, 0.95, 0.75, 0.65, 1.2, 1.15, 1.1, 0.7)
_SELLERS = ("Ada Okafor", "Bruno Keller", "Chloé Martin", "Dev Patel", "<b>Eve</b> & Sons", '=HYPERLINK("http://x.test")')
_AGENTS = ("Farah", "Goran", "Hana", "Ines")
_SOURCES = {"website": 0.40, "referral": 0.15, "fair": 0.15, "search ad": 0.20, "cold call": 0.10}
_WON = {"website": 0.34, "referral": 0.52, "fair": 0.30, "search ad": 0.27, "cold call": 0.18}
_CHANNELS = {"website": "organic", "referral": "referral", "fair": "events", "search ad": "paid", "cold call": "outbound"}
_PRICES = {"Starter": 1800.0, "Team": 5200.0, "Enterprise": 14500.0}
_INDUSTRIES = ("retail", "health", "software", "logistics", "education")
_STAGES = ("Discovery", "Proposal", "Negotiation")
_RATES = {"CHF": "1.05"}

# Rows as people and systems spoil them: each is a row of the file whose other cells are empty.
_SPOILED: Mapping[str, tuple[Mapping[str, str], ...]] = {
    "deals": (
        {"id": "D-import-1", "status": "won", "amount": "on request", "closed_at": "2026-08-11"},
        {"id": "D-import-2", "status": "Pending legal", "amount": "900", "closed_at": "2026-08-12"},
    ),
    "tickets": ({"id": "T-import-1", "created_at": "last Tuesday"},),
    "surveys": ({"id": "Q-import-1", "kind": "nps", "score": "11", "answered_at": "2026-07-02"},),
}


class _Dice(Random):
    """Chance in the words of this module."""

    def happens(self, probability: float) -> bool:
        return self.random() < probability

    def pick(self, weights: Mapping[str, float]) -> str:
        return self.choices(list(weights), list(weights.values()))[0]

    def after(self, moment: datetime, median: timedelta, spread: float = 0.8) -> datetime:
        """Some time later, mostly around the median and sometimes much more; to the minute."""
        seconds = median.total_seconds() * math.exp(self.gauss(0, spread))
        return moment + timedelta(minutes=round(seconds / 60))

    def working_moment(self, month: datetime) -> datetime:
        """A moment in the month, on a working day between eight and six."""
        day = month + timedelta(days=self.randrange(28))
        while day.weekday() > 4:  # noqa: PLR2004  # Saturday and Sunday
            day += timedelta(days=1)
        return day + timedelta(minutes=self.randrange(8 * 60, 18 * 60))

    def money(self, typical: float, spread: float = 0.45) -> Decimal:
        return Decimal(round(typical * math.exp(self.gauss(0, spread)) * 100)).scaleb(-2)

    def times(self, mean: float) -> int:
        """How often something happens that happens `mean` times on average."""
        return int(mean) + self.happens(mean - int(mean))


def sample_company(scale: float = 1) -> Mapping[str, list[Any]]:
    """The records of the sample company by table, the same at every call; `scale` makes it larger or smaller.

    >>> company = sample_company(scale=0.05)
    >>> len(company), type(company["deals"][0]).__name__
    (12, 'Deal')
    """
    if not 0 < scale <= 1000:  # noqa: PLR2004
        raise ParameterError(f"The scale of the sample company is above 0 and at most 1000; got {scale!r}.")
    dice = _Dice(20260930)
    campaigns = list(_campaigns(dice, scale))
    leads, deals, customers = _sales(dice, scale, campaigns)
    tickets = list(_tickets(dice, customers))
    return MappingProxyType(
        {
            "leads": leads,
            "deals": deals,
            "stage_visits": list(_stage_visits(dice, deals)),
            "customers": customers,
            "subscriptions": list(_subscriptions(dice, customers)),
            "orders": list(_orders(dice, customers)),
            "tickets": tickets,
            "surveys": list(_surveys(dice, customers, tickets)),
            "campaigns": campaigns,
            "interactions": list(_interactions(dice, deals, tickets)),
            "expenses": list(_expenses(dice, scale)),
            "visits": list(_visits(dice, scale)),
        }
    )


def _busy(month: datetime) -> float:
    """How busy a month is: seasons, on top of two percent growth a month."""
    return _SEASON[month.month - 1] * 1.02 ** _MONTHS.index(month)


def _campaigns(dice: _Dice, scale: float) -> Iterator[Campaign]:
    for number, month in enumerate(_MONTHS, 1):
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


def _sales(
    dice: _Dice, scale: float, campaigns: list[Campaign]
) -> tuple[list[Lead], list[Deal], list[Customer]]:
    """Leads, the deals that come of them, and the customers that come of those."""
    leads: list[Lead] = []
    deals: list[Deal] = []
    customers: list[Customer] = []
    for month in _MONTHS:
        for _ in range(dice.times(150 * scale * _busy(month))):
            lead, deal, customer = _way_of_one(dice, f"{len(leads) + 1:05}", month, campaigns)
            if leads and dice.happens(0.02):  # filled in the form twice
                leads.append(Lead(id=lead.id, created_at=lead.created_at, source=lead.source, merged_into=leads[-1].id))
                continue
            leads.append(lead)
            deals += [] if deal is None else [deal]
            customers += [] if customer is None else [customer]
    for customer in list(customers):
        deals += _more_business(dice, customer)
    return leads, deals, customers


def _known(moment: datetime) -> datetime | None:
    """What lies after the last day has not happened yet."""
    return moment if moment < _LAST else None


def _way_of_one(
    dice: _Dice, number: str, month: datetime, campaigns: list[Campaign]
) -> tuple[Lead, Deal | None, Customer | None]:
    """One lead, from the first sign of interest to what became of it."""
    source = dice.pick(_SOURCES)
    channel = "email" if source == "website" and dice.happens(0.2) else _CHANNELS[source]
    created = dice.working_moment(month)
    country = dice.pick({"DE": 0.6, "AT": 0.2, "FR": 0.14, "CH": 0.06})
    owner = None if dice.happens(0.03) else dice.choice(_SELLERS)
    contacted = None if dice.happens(0.06) else dice.after(created, timedelta(hours=3), 1.1)
    if contacted is not None and dice.happens(0.01):
        contacted = created - timedelta(minutes=20)  # two systems whose clocks disagree
    qualified = dice.after(created, timedelta(days=2)) if dice.happens(0.55) else None
    accepted = None if qualified is None or dice.happens(0.4) else dice.after(qualified, timedelta(days=4))
    campaign = next((one.id for one in campaigns if one.channel == channel and one.started_at == _start(month)), None)
    deal = None
    if accepted is not None and accepted < _LAST:
        deal = _deal(dice, number, accepted, source, owner, "CHF" if country == "CH" else "EUR", campaign)
    customer = None
    if deal is not None and deal.status == "won":
        customer = _customer(dice, deal, source)
    lead = Lead(
        id=f"L{number}",
        created_at=created,
        source=source,
        channel=channel,
        campaign_id=campaign,
        owner=owner,
        country=country,
        status="converted" if deal else "qualified" if qualified else "disqualified" if dice.happens(0.3) else "working",
        first_contacted_at=None if contacted is None else _known(contacted),
        mql_at=None if qualified is None else _known(qualified),
        sql_at=None if accepted is None else _known(accepted),
        converted_at=None if deal is None else deal.created_at,
        customer_id=None if customer is None else customer.id,
        deal_id=None if deal is None else deal.id,
        deleted=deal is None and dice.happens(0.01),
    )
    return lead, deal, customer


def _start(month: datetime) -> datetime:
    return month + timedelta(days=2, hours=9)


def _deal(
    dice: _Dice, number: str, created: datetime, source: str, owner: str | None, currency: str, campaign: str | None
) -> Deal:
    """The first deal with someone, won, lost or still open."""
    product = dice.pick({"Starter": 0.5, "Team": 0.35, "Enterprise": 0.15})
    closes = dice.after(created, timedelta(days={"Starter": 21, "Team": 34, "Enterprise": 62}[product]), 0.5)
    hoped = created.date() + timedelta(days=45)
    is_open = closes >= _LAST or dice.happens(0.02)  # a few lie around, long after the day they hoped to close
    won = not is_open and dice.happens(_WON[source])
    amount: Decimal | None = dice.money(_PRICES[product])
    if dice.happens(0.03):
        amount = None
    elif not is_open and not won and dice.happens(0.15):
        amount = Decimal(0)  # some sellers clear the amount when they lose
    closed: datetime | None = closes
    if is_open:  # the system fills the close date with a hope
        closed = datetime.combine(hoped, time()) if dice.happens(0.7) else None
    elif dice.happens(0.02):
        closed = None if dice.happens(0.5) else created - timedelta(hours=3)
    return Deal(
        id=f"D{number}",
        status="open" if is_open else "won" if won else "lost",
        created_at=created,
        closed_at=closed,
        expected_close_on=hoped,
        amount=amount,
        cost=None if amount is None else (amount * Decimal("0.35")).quantize(Decimal("0.01")),
        currency=currency,
        probability=dice.choice((0.2, 0.4, 0.6, 0.8)) if is_open else float(won),
        owner=owner,
        customer_id=f"C{number}" if won else None,
        lead_id=f"L{number}",
        campaign_id=campaign,
        pipeline="new business",
        stage=dice.choice(_STAGES) if is_open else None,
        product=product,
        industry=dice.choice(_INDUSTRIES),
        source=source,
        kind="new",
        lost_reason=None if is_open or won else dice.choice(("price", "timing", "competitor", "no answer")),
    )


def _customer(dice: _Dice, deal: Deal, source: str) -> Customer:
    since = deal.closed_at or deal.created_at
    assert since is not None
    months = {"Starter": 20, "Team": 34, "Enterprise": 60}[deal.product or "Team"]
    until = _known(since + timedelta(days=round(30 + dice.expovariate(1 / (30 * months)))))
    return Customer(
        id=deal.customer_id or "",
        since=since,
        until=until,
        status="active" if until is None else "churned",
        industry=deal.industry,
        region="Switzerland" if deal.currency == "CHF" else dice.choice(("north", "south", "west")),
        plan=deal.product,
        source=source,
        owner=deal.owner,
    )


def _more_business(dice: _Dice, customer: Customer) -> Iterator[Deal]:
    """Renewals every year, and now and then an expansion."""
    assert customer.since is not None
    price = _PRICES[customer.plan or "Team"]
    currency = "CHF" if customer.region == "Switzerland" else "EUR"
    occasions = [("renewal", customer.since + timedelta(days=365))]
    if dice.happens(0.45):
        occasions.append(("expansion", dice.after(customer.since, timedelta(days=150))))
    for kind, closed in occasions:
        if closed >= _LAST or (customer.until is not None and closed >= customer.until):
            continue
        won = dice.happens(0.9 if kind == "renewal" else 0.5)
        yield Deal(
            id=f"D{customer.id[1:]}-{kind}",
            status="won" if won else "lost",
            created_at=max(customer.since, closed - timedelta(days=dice.randrange(10, 40))),
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


def _stage_visits(dice: _Dice, deals: list[Deal]) -> Iterator[StageVisit]:
    for deal in deals:
        entered = deal.created_at
        assert entered is not None
        end = deal.closed_at if deal.status != "open" and deal.closed_at is not None else _LAST
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


def _subscriptions(dice: _Dice, customers: list[Customer]) -> Iterator[Subscription]:
    for customer in customers:
        assert customer.since is not None
        monthly = dice.money(_PRICES[customer.plan or "Team"] / 24, 0.2)
        changes = customer.since + timedelta(days=dice.randrange(120, 500))
        if dice.happens(0.7) or changes >= (customer.until or _LAST):
            changes = None
        common = {"customer_id": customer.id, "plan": customer.plan}
        common["currency"] = "CHF" if customer.region == "Switzerland" else "EUR"
        number = customer.id[1:]
        yield Subscription(id=f"S{number}", mrr=monthly, started_at=customer.since, ended_at=changes or customer.until, **common)
        if changes is not None:
            dearer = (monthly * dice.choice((Decimal("0.8"), Decimal("1.25"), Decimal("1.6")))).quantize(Decimal("0.01"))
            yield Subscription(id=f"S{number}b", mrr=dearer, started_at=changes, ended_at=customer.until, **common)


def _orders(dice: _Dice, customers: list[Customer]) -> Iterator[Order]:
    """Hardware and training, which customers order now and then while they are customers."""
    for customer in customers:
        assert customer.since is not None
        moment = dice.after(customer.since, timedelta(days=20))
        pace = dice.choice((25, 45, 90))
        number = 0
        while moment < (customer.until or _LAST):
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
                delivered_at=None if delivered is None else _known(delivered),
                product=dice.choice(("scanner", "label printer", "training day")),
                channel=dice.choice(("shop", "phone")),
            )
            moment = dice.after(moment, timedelta(days=pace))


def _tickets(dice: _Dice, customers: list[Customer]) -> Iterator[Ticket]:
    for customer in customers:
        assert customer.since is not None
        moment = dice.after(customer.since, timedelta(days=10))
        number = 0
        while moment < (customer.until or _LAST):
            number += 1
            yield _ticket(dice, f"T{customer.id[1:]}-{number}", customer, moment)
            moment = dice.after(moment, timedelta(days=60))


def _ticket(dice: _Dice, name: str, customer: Customer, created: datetime) -> Ticket:
    channel = dice.pick({"email": 0.5, "chat": 0.25, "phone": 0.2, "portal": 0.05})
    wait = {"email": 4.0, "chat": 0.1, "phone": 0.05, "portal": 7.0}[channel]
    replied = None if dice.happens(0.05) else _known(dice.after(created, timedelta(hours=wait)))
    solved = None if replied is None or dice.happens(0.06) else _known(dice.after(replied, timedelta(hours=20), 1.0))
    reopens = dice.pick({"0": 0.9, "1": 0.08, "2": 0.02})
    again = None if solved is None or reopens == "0" else _known(dice.after(solved, timedelta(days=2)))
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
        sla_due_at=created + timedelta(hours=8),
        opened_by="bot" if channel == "chat" and dice.happens(0.1) else "customer",
        spam=dice.happens(0.015),
    )


def _surveys(dice: _Dice, customers: list[Customer], tickets: list[Ticket]) -> Iterator[Survey]:
    number = 0
    for ticket in tickets:
        if ticket.solved_at is None or not dice.happens(0.9):
            continue
        number += 1
        kind = "csat" if dice.happens(0.6) else "ces"
        scores = {"5": 0.44, "4": 0.3, "3": 0.13, "2": 0.07, "1": 0.06} if kind == "csat" else (
            {"1": 0.25, "2": 0.3, "3": 0.2, "4": 0.12, "5": 0.08, "6": 0.03, "7": 0.02}
        )
        yield _survey(dice, f"Q{number:05}", kind, ticket.solved_at, scores, ticket.customer_id, ticket)
    for customer in customers:
        assert customer.since is not None
        sent = customer.since + timedelta(days=60, hours=2)
        while sent < (customer.until or _LAST):
            number += 1
            scores = {"10": 0.2, "9": 0.24, "8": 0.2, "7": 0.14, "6": 0.08, "5": 0.06, "3": 0.05, "0": 0.03}
            yield _survey(dice, f"Q{number:05}", "nps", sent, scores, customer.id, None)
            sent += timedelta(days=91)


def _survey(
    dice: _Dice, name: str, kind: Any, sent: datetime, scores: Mapping[str, float], customer: str | None, ticket: Ticket | None
) -> Survey:
    answered = _known(dice.after(sent, timedelta(hours=18))) if dice.happens(0.42) else None
    rated = answered is not None and not dice.happens(0.02)  # a comment alone rates nothing
    return Survey(
        id=name,
        kind=kind,
        sent_at=sent,
        answered_at=answered,
        score=float(dice.pick(scores)) if rated else None,
        customer_id=customer,
        ticket_id=None if ticket is None else ticket.id,
        agent=None if ticket is None else ticket.agent,
        comment="no number, sorry" if answered is not None and not rated else None,
    )


def _interactions(dice: _Dice, deals: list[Deal], tickets: list[Ticket]) -> Iterator[Interaction]:
    number = 0
    for deal in deals:
        assert deal.created_at is not None
        for kind in dice.choices(("call", "email", "email", "meeting", "sms"), k=dice.randrange(5)):
            number += 1
            moment = _known(deal.created_at + timedelta(days=dice.randrange(30), minutes=dice.randrange(480)))
            yield Interaction(
                id=f"I{number:06}",
                deal_id=deal.id,
                customer_id=deal.customer_id,
                kind=kind,  # type: ignore[arg-type]  # one of the kinds above
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


def _expenses(dice: _Dice, scale: float) -> Iterator[Expense]:
    monthly = {"marketing": 26_000.0, "sales": 38_000.0, "service": 21_000.0}
    for number, month in enumerate(_MONTHS, 1):
        for team, amount in monthly.items():
            yield Expense(
                id=f"X{number:02}-{team}",
                spent_at=month + timedelta(days=24),
                amount=dice.money(amount * scale * 1.015**number, 0.06),
                currency="EUR",
                team=team,  # type: ignore[arg-type]  # one of the three above
            )
        if dice.happens(0.1):
            yield Expense(id=f"X{number:02}-credit", spent_at=month + timedelta(days=26), amount=-dice.money(900 * scale),
                          currency="EUR", team="marketing")  # fmt: skip


def _visits(dice: _Dice, scale: float) -> Iterator[Visit]:
    """The website, a row per day and channel."""
    for day in range((_LAST - _FIRST).days):
        moment = _FIRST + timedelta(days=day)
        for channel, share in {"organic": 0.55, "paid": 0.3, "email": 0.15}.items():
            sessions = round(260 * scale * share * _SEASON[moment.month - 1] * dice.uniform(0.7, 1.3))
            yield Visit(
                id=f"W{day:03}-{channel}",
                at=moment,
                sessions=sessions,
                visitors=round(sessions * 0.8),
                conversions=round(sessions * dice.uniform(0.01, 0.035)),
                channel=channel,
            )


def run(directory: Path) -> None:
    """Write the sample company's exports to a directory, read them back, and show what its last quarter was like."""
    directory.mkdir(parents=True, exist_ok=True)
    for table, records in sample_company().items():
        path = directory / f"{table}.csv"
        write_csv(records, path)
        _spoil(path, _SPOILED.get(table, ()))
    tables: dict[str, Records[Any]] = {
        table: read_csv(directory / f"{table}.csv", record=record) for table, record in RECORDS.items()
    }
    crm = Dataset(
        calendar=Calendar(tz="Europe/Berlin"), currency="EUR", rates=Rates("EUR", _RATES), as_of=AS_OF, **tables
    )
    report = crm.scorecard(period="2026-Q3", parameters={"lifespan": 3 * 365})
    (directory / "report.html").write_text(report.to_html(), encoding="utf-8")
    rows = sum(len(records) + len(records.rejected) for records in tables.values())
    print(f"A sample company, made up: {rows:,} rows in {len(tables)} CSV files in {directory}.")
    print(f"Its last quarter, to {AS_OF}, beside the one before. Amounts in CHF are converted.\n")
    print(report_text(report))
    print(f"\nThe same as a page: {directory / 'report.html'}")
    print(f"\nTry next:\n{_commands(directory)}")


def _spoil(path: Path, rows: tuple[Mapping[str, str], ...]) -> None:
    """Add rows that cannot be read to a file."""
    with path.open("r+", encoding="utf-8", newline="") as file:
        headers = next(csv.reader(file))
        file.seek(0, 2)
        csv.DictWriter(file, headers, restval="").writerows(rows)


def _commands(directory: Path) -> str:
    def file(table: str) -> str:
        return shlex.quote(str(directory / f"{table}.csv"))

    money = "--currency EUR --rate CHF=1.05"
    return "\n".join(
        (
            f"  crmkpi report win_rate --deals {file('deals')} \\",
            "    --period 2026-Q3 --by owner --compare previous",
            f"  crmkpi report revenue average_deal_size --deals {file('deals')} \\",
            f"    --period 2026-Q3 --every month {money}",
            f"  crmkpi report first_response_time --tickets {file('tickets')} \\",
            "    --period 2026 --every quarter --by channel --as-of 2026-09-30",
            "  crmkpi show churn_rate",
        )
    )
