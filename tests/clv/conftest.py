"""Published figures, and a simulated shop's customers."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

from crmkpi.clv import BgNbd, GammaGamma, ParetoNbd, PurchaseHistory

ORACLES = Path(__file__).parents[1] / "oracles"


@pytest.fixture(scope="session")
def oracle() -> dict[str, Any]:
    """Figures computed with 30 digits and cross-checked against R and the literature."""
    figures: dict[str, Any] = json.loads((ORACLES / "clv.json").read_text("utf-8"))
    return figures


@pytest.fixture(scope="session")
def shop() -> PurchaseHistory:
    """Weeks of 1,800 customers who began within a quarter, many with one purchase; purchases are on whole days."""
    random = Random(5)
    truth = ParetoNbd(r=0.55, alpha=10.6, s=0.61, beta=11.7, unit="weeks")
    history = truth.simulate([27 + random.randrange(84) / 7 for _ in range(1_800)], random)
    recency = [max(1, round(7 * time)) / 7 if time else 0.0 for time in history.recency]
    spend = []
    for x in history.frequency:
        rate = random.gammavariate(3.74, 1 / 15.4)
        spend.append(round(random.gammavariate(6.25 * x, 1 / (rate * x)), 2) if x else 0.0)
    ends = [max(time, age) for time, age in zip(recency, history.age, strict=True)]
    return PurchaseHistory(history.frequency, recency, ends, "weeks", spend)


@pytest.fixture(scope="session")
def purchases(shop: PurchaseHistory) -> BgNbd:
    """BG/NBD fitted to the shop."""
    return BgNbd.fit(shop)


@pytest.fixture(scope="session")
def spend(shop: PurchaseHistory) -> GammaGamma:
    """Gamma-Gamma fitted to the shop."""
    return GammaGamma.fit(shop)
