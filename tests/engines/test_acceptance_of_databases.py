"""Figures of one data set in every database, to the cent and the microsecond, against integer arithmetic.

`CRMKPI_ACCEPTANCE=1000000 pytest --slow -k accept` runs them on any number of deals.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from random import Random
from typing import Any

import pytest
from scipy.stats import binom

import crmkpi as ck

from .backends import homed

pa = pytest.importorskip("pyarrow")
START, MICROSECOND = datetime(2024, 1, 1), timedelta(microseconds=1)
DAY = 86_400_000_000
CUSTOMERS, INDUSTRIES, PLANS = 500, 7, ("basic", "plus", "pro")
SIXTH = "2025-06"
DATABASES = [
    "postgresql",
    "mariadb",
    "sqlite",
    "duckdb",
    pytest.param("clickhouse", marks=pytest.mark.slow),
]


@cache
def rows(count: int) -> list[dict[str, Any]]:
    """Deals as integers: microseconds since 2024, and cents."""
    random = Random(7)

    def drawn(of: int) -> int:
        return int(random.random() * of)

    made = []
    for number in range(count):
        created = drawn(500 * DAY)
        made.append(
            {
                "id": str(number),
                "status": ("won", "won", "lost", "lost", "open")[drawn(5)],
                "owner": f"owner {drawn(20)}",
                "customer_id": str(drawn(CUSTOMERS)),
                "cents": None if drawn(50) == 0 else drawn(9_700_000) + 1,
                "created": created,
                "closed": created + drawn(120 * DAY),
            }
        )
    return made


@cache
def plans() -> list[tuple[str, int, int]]:
    """The plan, the cents per month and the start of each customer's subscription."""
    random = Random(8)
    return [
        (PLANS[int(random.random() * 3)], int(random.random() * 90_000) + 1, int(random.random() * 700 * DAY))
        for _ in range(CUSTOMERS)
    ]


def moments(micros: list[int]) -> Any:
    return pa.array([START + each * MICROSECOND for each in micros], pa.timestamp("us"))


def decimals(cents: list[int | None]) -> Any:
    return pa.array([None if each is None else Decimal(each).scaleb(-2) for each in cents], pa.decimal128(18, 2))


def tables(count: int) -> dict[str, Any]:
    """The deals, their customers and the customers' subscriptions as Arrow tables."""
    found = rows(count)
    deals = {name: [row[name] for row in found] for name in ("id", "status", "owner", "customer_id")}
    deals["amount"] = decimals([row["cents"] for row in found])
    deals["created_at"] = moments([row["created"] for row in found])
    deals["closed_at"] = moments([row["closed"] for row in found])
    ids = [str(number) for number in range(CUSTOMERS)]
    customers = {"id": ids, "industry": [f"industry {number % INDUSTRIES}" for number in range(CUSTOMERS)]}
    subscriptions = {
        "id": ids,
        "customer_id": ids,
        "plan": [plan for plan, _, _ in plans()],
        "mrr": decimals([cents for _, cents, _ in plans()]),
        "started_at": moments([start for _, _, start in plans()]),
    }
    every = {"deals": deals, "customers": customers, "subscriptions": subscriptions}
    return {name: pa.table(columns) for name, columns in every.items()}


def edge(moment: datetime) -> int:
    return (moment - START) // MICROSECOND


def size() -> int:
    return int(os.environ.get("CRMKPI_ACCEPTANCE", "2000"))


@cache
def reckoned(count: int) -> Mapping[str, Any]:
    """The figures, in integer cents and microseconds."""
    year = [row for row in rows(count) if edge(datetime(2025, 1, 1)) <= row["closed"] < edge(datetime(2026, 1, 1))]
    sixth = [row for row in year if edge(datetime(2025, 6, 1)) <= row["closed"] < edge(datetime(2025, 7, 1))]
    ended = {name: [row for row in part if row["status"] != "open"] for name, part in (("all", year), ("6", sixth))}
    sold = {name: [row for row in part if row["status"] == "won"] for name, part in ended.items()}
    cycles = sorted(row["closed"] - row["created"] for row in sixth if row["status"] == "won")
    n = len(cycles)
    low = int(binom.ppf(0.025, n, 0.5))  # the usual ranks of a median's interval, from the other end
    while binom.cdf(low - 1, n, 0.5) > 0.025:
        low -= 1
    industries = Counter(int(row["customer_id"]) % INDUSTRIES for row in ended["6"])
    won = Counter(int(row["customer_id"]) % INDUSTRIES for row in ended["6"] if row["status"] == "won")
    at = edge(datetime(2025, 7, 1))
    recurring: Counter[str] = Counter()
    for plan, cents, start in plans():
        recurring[plan] += cents if start < at else 0
    return {
        "won": {name: len(part) for name, part in sold.items()},
        "closed": {name: len(part) for name, part in ended.items()},
        "cents": {
            name: sum(row["cents"] or 0 for row in part if row["status"] == "won") for name, part in ended.items()
        },
        "no amount": sum(row["cents"] is None for row in sold["all"]),
        "median": (cycles[(n - 1) // 2] + cycles[n // 2], 2),
        "bounds": (cycles[low - 1], cycles[n - low]),
        "industries": {f"industry {number}": (won[number], industries[number]) for number in industries},
        "plans": {name: Decimal(cents).scaleb(-2) for name, cents in recurring.items()},
    }


@pytest.fixture(params=DATABASES, scope="module")
def crm(request: pytest.FixtureRequest) -> ck.Dataset:
    return ck.Dataset(**homed(request.param, tables(size())), currency="EUR")


def test_won_and_closed_deals_of_a_year_and_of_its_sixth_month(crm) -> None:
    right = reckoned(size())
    found = crm.measure("win_rate", period="2025", every="month")
    assert found[5].inputs == {"won": right["won"]["6"], "closed": right["closed"]["6"]}
    assert crm.measure("win_rate", period="2025")[0].inputs == {
        "won": right["won"]["all"],
        "closed": right["closed"]["all"],
    }


def test_revenue_to_the_cent(crm) -> None:
    right = reckoned(size())
    (whole,) = crm.measure("revenue", period="2025")
    assert whole.value == Decimal(right["cents"]["all"]).scaleb(-2)
    assert whole.left_out == {"no amount": right["no amount"]}
    assert crm.measure("revenue", period="2025", every="month")[5].value == Decimal(right["cents"]["6"]).scaleb(-2)


def test_the_median_cycle_and_its_interval_to_the_microsecond(crm) -> None:
    right = reckoned(size())
    found = crm.measure("sales_cycle_length.median", period="2025", every="month")[5]
    total, parts = right["median"]
    assert abs(found.value * parts - total * MICROSECOND) <= MICROSECOND
    assert found.interval is not None
    assert (found.interval.low // MICROSECOND, found.interval.high // MICROSECOND) == right["bounds"]


def test_recurring_revenue_by_plan(crm) -> None:
    found = crm.measure("mrr", period="2025", every="month", by="plan")
    sixth = {result.segment["plan"]: result.value for result in found if str(result.period) == SIXTH}
    assert sixth == reckoned(size())["plans"]


def test_win_rate_by_a_field_of_a_related_table(crm) -> None:
    found = crm.measure("win_rate", period="2025", every="month", by="customer.industry")
    sixth = {
        result.segment["customer.industry"]: (result.inputs["won"], result.inputs["closed"])
        for result in found
        if str(result.period) == SIXTH and result.inputs["closed"]
    }
    assert sixth == reckoned(size())["industries"]


def test_whole_cents_by_hand_lose_money_in_sqlite() -> None:
    """The failing control: the usual statement by hand."""
    deals = homed("sqlite", tables(size()))["deals"]
    text = (
        "SELECT sum(CAST(amount * 100 AS INTEGER)) FROM deals WHERE status = 'won' "
        "AND closed_at >= '2025-01-01' AND closed_at < '2026-01-01'"
    )
    (((lost,),),) = (deals.source.connected.execute(text).fetchall(),)
    assert reckoned(size())["cents"]["all"] - lost > 0
