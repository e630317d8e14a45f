"""Files as people export and edit them: every kind of delimiter, encoding, number, date and dirt, by seed."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from typing import Any

import crmkpi as ck
from crmkpi.records.base import FieldType, record_type

NOTHING = ("", "-", "--", "—", "N/A", "n/a", "NA", "nan", "NaT", "NULL", "null", "None", r"\N", "#N/A", " ", "\u00a0")
SIGNS = (
    *("{}", "{}", "{}", "€{}", "{} €", "${}", "USD {}", "{} EUR", "£{}", "({})", "{}-", "-{}", "{} %", "{}K", "R$ {}"),
)
WRITTEN = {  # number formats of a locale
    "point": lambda whole, part: f"{whole:,}.{part:02}",
    "plain": lambda whole, part: f"{whole}.{part:02}",
    "comma": lambda whole, part: f"{whole:,}".replace(",", ".") + f",{part:02}",
    "blank": lambda whole, part: f"{whole:,}".replace(",", "\u202f") + f",{part:02}",
    "swiss": lambda whole, part: f"{whole:,}".replace(",", "\u2019") + f".{part:02}",
    "whole": lambda whole, _: str(whole),
}
DATES = (
    *("%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%Y/%m/%d"),
    *("%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d %b %Y"),
)
NOISE = (
    *("?", "yesterday", "12-", "1.2.3", "0x1F", "1e5", "9" * 25, "=1+1", "31/02/2026", "١٢", "Besiegelt"),
    *("a\nb", 'say "no"'),
)
ENCODINGS = ("utf-8", "utf-8", "utf-8-sig", "cp1252", "utf-16", "latin-1")
ENDS = ("\n", "\n", "\r\n", "\r\n", "\r")
RECORDS = (ck.Deal, ck.Order, ck.Lead, ck.Ticket, ck.Survey, ck.Subscription, ck.Expense)


def dirty_file(random: Random) -> tuple[bytes, type[Any], dict[str, Any]]:
    """The bytes of a file, its record class, and a careful user's arguments for it."""
    model = random.choice(RECORDS)
    fields = [one for one in record_type(model).fields.values() if one.kind != "attributes" and one.name != "id"]
    fields = [one for one in fields if one.required or random.random() < 0.6]
    number, day = random.choice(list(WRITTEN)), random.choice(DATES)
    sign, dirt = random.choice(SIGNS), random.choice((0.0, 0.02, 0.1, 0.4))
    delimiter = random.choice((",", ",", ";", "\t", "|"))
    names = [*(["id"] if random.random() < 0.9 else []), *(_header(one.name, random) for one in fields), "Note"]
    rows: list[list[str]] = []
    for place in range(random.choice((0, 1, 3, 8, 20))):
        cells = [_cell(one, number, day, sign, dirt, random) for one in fields]
        own = [_id(place, random)] if names[0] == "id" else []
        rows.append(_ragged([*own, *cells, random.choice(("", "x", "déjà", *NOISE))], dirt, random))
        if random.random() < dirt / 4:
            rows.append(random.choice(([""] * len(names), names, ["Total", "", "12.00"], ["Report of January"])))
    end, quoting = random.choice(ENDS), random.random()
    text = end.join(delimiter.join(_quoted(cell, delimiter, quoting, random) for cell in row) for row in [names, *rows])
    said = random.choice(({}, {}, {"tz": "Europe/Berlin"}, {"day_first": True}, {"decimal": ","}))
    data = (text + random.choice(("", end))).encode(random.choice(ENCODINGS), errors="replace")
    if random.random() < 0.03:  # truncated, like a download
        data = data[: random.randrange(len(data) + 1)]
    return data, model, dict(said)


def _header(name: str, random: Random) -> str:
    return random.choice((name, name, name.replace("_", " ").title(), name.upper(), f" {name} "))


def _id(place: int, random: Random) -> str:
    return f"A{place}" if random.random() > 0.1 else random.choice((f"{place:04}", str(place), "", "A1"))


def _cell(one: FieldType, number: str, day: str, sign: str, dirt: float, random: Random) -> str:
    if random.random() < dirt:
        return random.choice((*NOTHING, *NOISE))
    if random.random() < 0.15 and not one.required:
        return ""
    if one.kind == "choice":
        word = random.choice(one.choices)
        return random.choice((word, word.title(), word.upper().replace("_", " ")))
    if one.kind == "flag":
        return random.choice(("true", "false", "Yes", "no", "1", "0"))
    if one.kind in ("timestamp", "date"):
        return _moment(random, day)
    if one.kind in ("money", "number", "integer"):
        whole = random.choice((0, 1, 7, 950, 1200, 1_234_567))
        written = str(whole % 100) if one.kind != "money" else WRITTEN[number](whole, random.choice((0, 5, 50, 99)))
        return sign.format(written) if one.kind == "money" else written
    if one.name == "currency":
        return random.choice(("EUR", "EUR", "usd", ""))
    return random.choice(("Ada", "Bo", "R1", "007", "Zürich, Süd"))


def _moment(random: Random, day: str) -> str:
    moment = datetime(2026, 1, 1, 9) + timedelta(days=random.randrange(200), hours=random.randrange(24))
    return moment.strftime(day)


def _ragged(row: list[str], dirt: float, random: Random) -> list[str]:
    if random.random() < dirt / 4:
        return random.choice((row[:-2], [*row, "more"], row[:1]))
    return row


def _quoted(cell: str, delimiter: str, quoting: float, random: Random) -> str:
    needed = any(mark in cell for mark in (delimiter, '"', "\n", "\r"))
    if quoting < 0.02 and random.random() < 0.05:  # a writer without quoting
        return cell
    if needed or quoting > 0.8:
        return '"' + cell.replace('"', '""') + '"'
    return cell
