"""A small company whose numbers can be checked by hand."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from crmkpi import Dataset, Deal
from crmkpi.measuring.results import Report


@pytest.fixture
def crm() -> Dataset:
    """Eight closed deals over two quarters, of two owners or none; one deal is won without a close date."""
    rows: list[tuple[Any, ...]] = [
        ("won", "Ada", "2026-01-10", 100),
        ("lost", "Ada", "2026-02-10", 50),
        ("won", "Ada", "2026-04-10", 300),
        ("won", "Ada", "2026-05-10", 100),
        ("won", "Bo", "2026-01-20", 400),
        ("lost", "Bo", "2026-04-20", 10),
        ("lost", None, "2026-06-01", None),
        ("won", None, None, 70),
    ]
    deals = [
        Deal(id=str(number), status=status, owner=owner, closed_at=closed, amount=amount, currency="EUR")
        for number, (status, owner, closed, amount) in enumerate(rows)
    ]
    return Dataset(deals=deals, currency="EUR", as_of=date(2026, 6, 10))


@pytest.fixture
def by_owner(crm: Dataset) -> Report:
    return crm.measure("win_rate", period="2026-Q2", by="owner", compare="previous")
