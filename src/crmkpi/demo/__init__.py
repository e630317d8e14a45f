"""A deterministic sample company to try the KPIs on: two years of a firm that sells and supports software.

It has the properties of real exports: seasons and growth, and also missing amounts, open deals with a close date, deals
closed before they were created, merged leads, tickets without a reply, a region that bills in another currency,
unreadable rows, and names that a spreadsheet or a browser could execute. And it has two effects to find in the first
quarter of 2026: a source that wins less, and an agent who answers later.
"""

from __future__ import annotations

import csv
import shlex
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from crmkpi._read_only import ReadOnly
from crmkpi.dates.calendars import Calendar
from crmkpi.demo.audience import clicked, mentions_of, reviews_of, taken
from crmkpi.demo.chance import Dice
from crmkpi.demo.customers import (
    expenses_of,
    interactions_of,
    orders_of,
    subscriptions_of,
    surveys_of,
    tickets_of,
    visits_of,
)
from crmkpi.demo.planted import slowed, widened_search
from crmkpi.demo.sales import campaigns_of, sales_of, stage_visits_of
from crmkpi.display.text import report_text
from crmkpi.errors import ParameterError
from crmkpi.measuring.dataset import Dataset
from crmkpi.money import Rates
from crmkpi.records import RECORDS
from crmkpi.sources import read_csv, write_csv

__all__ = ["AS_OF", "run", "sample_company"]

AS_OF = date(2026, 9, 30)
_LARGEST_SCALE = 1000
_RATES = {"CHF": "1.05"}

# Faulty rows as in real exports: each is a row of the file whose other cells are empty.
_SPOILED: Mapping[str, tuple[Mapping[str, str], ...]] = {
    "deals": (
        {"id": "D-import-1", "status": "won", "amount": "on request", "closed_at": "2026-03-11"},
        {"id": "D-import-2", "status": "open", "amount": "900", "expected_close_on": "after the audit"},
        {"id": "", "status": "", "amount": "2500"},
    ),
    "tickets": ({"id": "T-import-1", "created_at": "last Tuesday", "channel": "email"},),
    "surveys": ({"id": "Q-import-1", "kind": "nps", "score": "11", "answered_at": "2026-07-02"},),
}


def sample_company(scale: float = 1) -> Mapping[str, Any]:
    """The records of the sample company by table, the same at every call; `scale` makes it larger or smaller.

    >>> company = sample_company(scale=0.05)
    >>> len(company), type(company["deals"][0]).__name__
    (12, 'Deal')
    """
    if not 0 < scale <= _LARGEST_SCALE:
        raise ParameterError(f"The scale of the sample company is above 0 and at most {_LARGEST_SCALE}; got {scale!r}.")
    dice = Dice(20260930)
    campaigns = list(campaigns_of(dice, scale))
    leads, deals, customers = sales_of(dice, scale, campaigns)
    tickets = list(tickets_of(dice, customers))
    answers = Dice(20261001)  # a separate generator, so that answers do not affect other records
    planted = Dice(20260101)
    widened = list(widened_search(planted, scale))
    stage_visits = [*stage_visits_of(dice, deals), *stage_visits_of(planted, [deal for _, deal in widened])]
    return ReadOnly(
        {
            "leads": [*leads, *(lead for lead, _ in widened)],
            "deals": [*deals, *(deal for _, deal in widened)],
            "stage_visits": stage_visits,
            "customers": customers,
            "subscriptions": list(subscriptions_of(dice, customers)),
            "orders": list(orders_of(dice, customers)),
            "tickets": list(slowed(tickets)),
            "surveys": [*surveys_of(dice, customers, tickets), *reviews_of(answers, scale)],
            "campaigns": list(clicked(answers, campaigns)),
            "interactions": [
                *taken(answers, interactions_of(dice, deals, tickets)),
                *mentions_of(answers, scale),
            ],
            "expenses": list(expenses_of(dice, scale)),
            "visits": list(visits_of(dice, scale)),
        }
    )


def run(directory: Path) -> str:
    """Write the sample company's exports to a directory, read them back, and report on its last quarter."""
    directory.mkdir(parents=True, exist_ok=True)
    for table, records in sample_company().items():
        path = directory / f"{table}.csv"
        write_csv(records, path)
        _spoil(path, _SPOILED.get(table, ()))
    tables: dict[str, Any] = {
        table: read_csv(directory / f"{table}.csv", record=record) for table, record in RECORDS.items()
    }
    crm = Dataset(
        calendar=Calendar(tz="Europe/Berlin"), currency="EUR", rates=Rates("EUR", _RATES), as_of=AS_OF, **tables
    )
    report = crm.scorecard(period="2026-Q3", parameters={"lifespan": 3 * 365, "horizon": 90})
    (directory / "report.html").write_text(report.to_html(), encoding="utf-8")
    rows = sum(len(records) + len(records.rejected) for records in tables.values())
    return (
        f"A sample company, made up: {rows:,} rows in {len(tables)} CSV files in {directory}.\n"
        "Its last quarter against the one before; 1 CHF counts as 1.05 EUR.\n\n"
        f"{report_text(report)}\n\nThe same as a page: {directory / 'report.html'}\n\nTry next:\n{_commands(directory)}"
    )


def _spoil(path: Path, rows: tuple[Mapping[str, str], ...]) -> None:
    """Append unreadable rows to a file."""
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
            "    --period 2026-Q3 --every month --by channel --as-of 2026-09-30",
            "  crmkpi show churn_rate",
        )
    )
