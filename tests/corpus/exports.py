"""Small export files in the manner of each system that has a preset, in the locales of their users.

Every file is written from the same few facts, so that its KPIs are known before it is read. A system says its headers
and how it writes each value; a locale says what the user's settings make of numbers, days and text. Nothing here is
taken from a preset: what a preset knows of a system is what these files test.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

__all__ = ["FACTS", "LOCALES", "Export", "Fact", "Locale", "System", "expected_of", "export_of"]

Fact = SimpleNamespace
START = datetime(2026, 1, 5, 9)


@dataclass(frozen=True)
class Locale:
    """A user's number, amount and date formats, and the file format of a spreadsheet in that country."""

    name: str
    delimiter: str
    thousands: str
    decimal: str
    amount: str
    sign: str
    currency: str
    day: str
    encoding: str = "utf-8"
    indian: bool = False
    person: str = "Ada"

    def number(self, value: Decimal) -> str:
        """A number with thousands separators, and decimals if it has any."""
        whole, _, cents = f"{abs(value):.2f}".partition(".")
        groups, rest, size = [whole[-3:]], whole[:-3], 2 if self.indian else 3
        while rest:
            groups.insert(0, rest[-size:])
            rest = rest[:-size]
        text = self.thousands.join(groups) + ("" if cents == "00" else f"{self.decimal}{cents}")
        return f"-{text}" if value < 0 else text

    def money(self, value: Decimal) -> str:
        """An amount with the sign or code of its currency."""
        return self.amount.format(self.number(value))


LOCALES = {
    each.name: each
    for each in (
        Locale("en-US", ",", ",", ".", "${}", "$", "USD", "%m/%d/%Y"),
        Locale("en-GB", ",", ",", ".", "£{}", "£", "GBP", "%d/%m/%Y", "utf-8-sig"),
        Locale("de", ";", ".", ",", "{} €", "€", "EUR", "%d.%m.%Y", "cp1252", person="Jörg Müßig"),
        Locale("fr", ";", "\u202f", ",", "{}\u00a0€", "€", "EUR", "%d/%m/%Y", person="Zoë Lefèvre"),
        Locale("es", ";", ".", ",", "{} €", "€", "EUR", "%d/%m/%Y", "utf-8-sig", person="Íñigo Muñoz"),
        Locale("nl", ";", ".", ",", "€ {}", "€", "EUR", "%d-%m-%Y", person="Loïs van Dijk"),
        Locale("pl", ";", "\u00a0", ",", "{} zł", "zł", "PLN", "%d.%m.%Y", "cp1250", person="Łukasz Żak"),
        Locale("sv", ";", "\u00a0", ",", "{} kr", "kr", "SEK", "%Y-%m-%d", person="Åsa Öberg"),
        Locale("pt-BR", ";", ".", ",", "R$ {}", "R$", "BRL", "%d/%m/%Y", "utf-16", person="João Conceição"),
        Locale("hi-IN", ",", ",", ".", "₹{}", "₹", "INR", "%d-%m-%Y", indian=True, person="अनीता"),
        Locale("ja", ",", ",", ".", "\uffe5{}", "¥", "JPY", "%Y/%m/%d", "cp932", person="山田 花子"),
    )
}


# facts


def _amounts(currency: str) -> list[Decimal | None]:
    """Amounts of every length; some currencies have no cents, and one amount is missing."""
    cents = Decimal(0) if currency == "JPY" else Decimal("0.50")
    return [Decimal(950), Decimal(1200) + cents, Decimal(50_000), None, Decimal(1_234_567) + cents, Decimal(24_900)]


def deals(locale: Locale) -> list[Fact]:
    """Won, lost and open deals."""
    made = []
    for number, amount in enumerate(_amounts(locale.currency) * 3):
        status = ("won", "lost", "open")[(number + number // 6) % 3]
        opened = START + timedelta(days=number)
        closed = opened + timedelta(days=30 + number) if status != "open" else None
        sure = {"won": 100, "lost": 0, "open": 40}[status]
        made.append(
            Fact(
                id=f"D-{number:04}",
                status=status,
                amount=amount,
                opened=opened,
                closed=closed,
                sure=sure,
                owner=locale.person,
            )
        )
    return made


def leads(locale: Locale) -> list[Fact]:
    """Leads; one in three is converted."""
    return [
        Fact(id=f"L{n}", opened=START + timedelta(days=n), converted=n % 3 == 0, owner=locale.person) for n in range(9)
    ]


def tickets(locale: Locale) -> list[Fact]:
    """Tickets; each is solved after as many hours as its number, except the last."""
    made = []
    for number in range(8):
        opened = START + timedelta(days=number * 3)
        solved = opened + timedelta(hours=24 * (number % 3 + 1)) if number < 7 else None
        made.append(
            Fact(
                id=str(10_001 + number),
                opened=opened,
                replied=opened + timedelta(minutes=30),
                solved=solved,
                agent=locale.person,
            )
        )
    return made


def subscriptions(locale: Locale) -> list[Fact]:
    """Monthly and yearly subscriptions; one has ended."""
    del locale
    kinds = [("49.00", 2, "month"), ("1200.00", 1, "year"), ("60.00", 1, "month"), ("30.00", 3, "month")]
    return [
        Fact(
            id=f"sub_{n}", customer=f"cus_{n}", amount=Decimal(amount), pieces=pieces, interval=interval,
            started=START + timedelta(days=n), ended=START + timedelta(days=40) if n == 2 else None,
        )
        for n, (amount, pieces, interval) in enumerate(kinds)
    ]  # fmt: skip


def campaigns(locale: Locale) -> list[Fact]:
    """Campaigns with costs and the numbers of e-mails delivered, opened and clicked."""
    costs = [each for each in _amounts(locale.currency) if each is not None]
    return [
        Fact(
            id=f"c{n}", name=f"Spring, part {n}", start=START + timedelta(days=n), cost=cost, sent=1_000 * (n + 1) + 5,
            opened=200 * (n + 1), clicked=30 * (n + 1),
        )
        for n, cost in enumerate(costs)
    ]  # fmt: skip


def answers(locale: Locale) -> list[Fact]:
    """Answers on a scale to ten."""
    del locale
    return [
        Fact(id=f"R_{n}", score=score, at=START + timedelta(days=n)) for n, score in enumerate([10, 9, 7, 3, 10, 8])
    ]


def stars(locale: Locale) -> list[Fact]:
    """Ratings on a scale to five."""
    del locale
    return [Fact(id=f"S{n}", score=score, at=START + timedelta(days=n)) for n, score in enumerate([5, 4, 2, 5])]


def responses(locale: Locale) -> list[Fact]:
    """First responses of leads to a campaign."""
    del locale
    return [Fact(id=f"00v{n}", lead=f"00Q{n}", at=START + timedelta(days=n)) for n in range(7)]


FACTS: Mapping[str, Callable[[Locale], list[Fact]]] = {
    "deals": deals, "leads": leads, "tickets": tickets, "subscriptions": subscriptions, "customers": subscriptions,
    "orders": subscriptions, "campaigns": campaigns, "surveys": answers, "stage_visits": deals,
    "interactions": responses,
}  # fmt: skip


def expected_of(facts: Sequence[Fact], kpi: str) -> Any:
    """The value of a KPI, computed from the facts by hand."""
    won = [each for each in facts if getattr(each, "status", "") == "won"]
    solved = [each for each in facts if getattr(each, "solved", None)]
    values: Mapping[str, Callable[[], Any]] = {
        "win_rate": lambda: len(won) / sum(each.status != "open" for each in facts),
        "revenue": lambda: sum(each.amount for each in won if each.amount is not None),
        "lead_conversion_rate": lambda: sum(each.converted for each in facts) / len(facts),
        "ticket_volume": lambda: len(facts),
        "resolution_time.mean": lambda: sum((each.solved - each.opened for each in solved), timedelta()) / len(solved),
        "mrr": lambda: sum(
            each.amount * each.pieces / (12 if each.interval == "year" else 1) for each in facts if each.ended is None
        ),
        "active_customers": lambda: len(facts),
        "average_order_value": lambda: sum(each.amount for each in facts) / len(facts),
        "spend": lambda: sum(each.cost for each in facts),
        "email_open_rate": lambda: sum(each.opened for each in facts) / sum(each.sent - 5 for each in facts),
        "net_promoter_score": lambda: (
            100 * (sum(f.score >= 9 for f in facts) - sum(f.score <= 6 for f in facts)) / len(facts)
        ),
        "customer_satisfaction": lambda: sum(each.score >= 4 for each in facts) / len(facts),
        "stage_visits": lambda: len(facts),
        "responses": lambda: len(facts),
    }
    return values[kpi]()


# formats of systems


Write = Callable[[Fact, Locale], str]


def text(name: str) -> Write:
    return lambda fact, _: str(getattr(fact, name))


def always(what: str) -> Write:
    return lambda _, __: what


def word(name: str, **words: str) -> Write:
    return lambda fact, _: words[str(getattr(fact, name))]


def local_money(name: str, nothing: str = "") -> Write:
    return lambda fact, locale: nothing if getattr(fact, name) is None else locale.money(getattr(fact, name))


def local_number(name: str, nothing: str = "") -> Write:
    return lambda fact, locale: nothing if getattr(fact, name) is None else locale.number(getattr(fact, name))


def plain(name: str, nothing: str = "") -> Write:
    return lambda fact, _: nothing if getattr(fact, name) is None else str(getattr(fact, name))


def local_day(name: str, nothing: str = "") -> Write:
    return lambda fact, locale: f"{getattr(fact, name):{locale.day}}" if getattr(fact, name) else nothing


def local_moment(name: str, nothing: str = "") -> Write:
    return lambda fact, locale: f"{getattr(fact, name):{locale.day} %H:%M}" if getattr(fact, name) else nothing


def moment(name: str, form: str = "%Y-%m-%d %H:%M:%S", nothing: str = "") -> Write:
    return lambda fact, _: f"{getattr(fact, name):{form}}" if getattr(fact, name) else nothing


def currency(_: Fact, locale: Locale) -> str:
    return locale.currency


def minutes_to(name: str) -> Write:
    return lambda fact, _: (
        "-" if getattr(fact, name) is None else f"{(getattr(fact, name) - fact.opened).total_seconds() / 60:.0f}"
    )


@dataclass(frozen=True)
class System:
    """One kind of export: its headers with their cells, and the lines above and below the table."""

    preset: str
    table: str
    columns: tuple[tuple[str, Write], ...]
    kpis: tuple[str, ...]
    locales: tuple[str, ...]
    above: tuple[str, ...] = ()
    below: tuple[str, ...] = ()
    more_headers: tuple[tuple[str, ...], ...] = ()
    delimiter: str | None = None
    encoding: str | None = None
    local: bool = True  # True if numbers and dates follow the user's settings
    options: Mapping[str, Any] = field(default_factory=dict)
    recognised: bool = True


# files


@dataclass(frozen=True)
class Export:
    """One file: its system, its locale, its bytes, and the arguments that a reader needs."""

    system: System
    locale: Locale
    facts: Sequence[Fact]
    content: bytes
    options: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The mapping of the preset and the locale."""
        return f"{self.system.preset}-{self.locale.name}"


def export_of(system: System, locale: Locale) -> Export:
    """The export file of a system in a locale."""
    facts = FACTS[system.table](locale)
    if system.preset == "chatwoot_csat":
        facts = stars(locale)
    mark = system.delimiter or (locale.delimiter if system.local else ",")
    encoding = system.encoding or locale.encoding
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=mark)
    for line in system.above:
        out.write(f"{line}\r\n")
    writer.writerow(header.replace("<currency>", locale.currency) for header, _ in system.columns)
    for more in system.more_headers:
        writer.writerow([*more, *[""] * (len(system.columns) - len(more))])
    for fact in facts:
        writer.writerow([write(fact, locale) for _, write in system.columns])
    for line in system.below:
        out.write(f"{line}\r\n")
    content = out.getvalue().encode(encoding, errors="replace")
    return Export(system, locale, facts, content, _options(system, locale, encoding, out.getvalue()))


def _options(system: System, locale: Locale, encoding: str, written: str) -> dict[str, Any]:
    """Arguments that the file does not determine: encoding, order of dates, and the currency of an ambiguous sign."""
    said = dict(system.options)
    if encoding not in ("utf-8", "utf-8-sig", "utf-16"):
        said["encoding"] = encoding
    if system.local and locale.day[1] in "md" and locale.day in written_days(system):
        said["day_first"] = locale.day.startswith("%d")
    if locale.sign in ("$", "kr", "¥") and any(_has_sign(line, locale.sign) for line in written.splitlines()):
        said["values"] = {**said.get("values", {}), "currency": {locale.sign: locale.currency}}
    return said


def written_days(system: System) -> set[str]:
    """The date formats that a system takes from its user's settings."""
    local = any(
        "local_day" in write.__qualname__ or "local_moment" in write.__qualname__ for _, write in system.columns
    )
    return {each.day for each in LOCALES.values()} if local else set()


def _has_sign(line: str, sign: str) -> bool:
    return sign in line or (sign == "¥" and "\uffe5" in line)
