"""Valid and invalid calls of a user; a line that type checkers refuse has mypy's error code."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, assert_type

import crmkpi as ck
from crmkpi.definition.metric import Metric

deals = [ck.Deal(id="1", status="won", amount=Decimal(120), closed_at=datetime(2026, 1, 5))]
crm = ck.Dataset(deals=deals, currency="EUR")
ck.Dataset(**ck.sample_company(), currency="EUR", rates={"CHF": 1.05}, as_of="2026-09-30")
ck.Dataset({"invoices": []}, customers=[])
ck.Dataset(deal=deals)  # refused: call-arg
given = ck.Deal(id="2", status="lost", amount=12.5, created_at=date(2026, 1, 2), closed_at="2026-01-20", cost="1.5")
assert_type(given.closed_at, datetime | None)
assert_type(given.amount, Decimal | None)
ck.Order(id="1", ordered_at="2026-01-20", amount=1200, status="complete")  # refused: arg-type
opportunities = ck.database("sqlite:///crm.db").table("opportunities")
ck.Dataset(deals=opportunities, orders=ck.table(opportunities, record=ck.Order))

# The unit of a KPI determines the type of its value, which may be None.
assert_type(ck.win_rate(deals).value, float | None)
assert_type(ck.revenue(deals, currency="EUR").value, Decimal | None)
assert_type(ck.deal_volume(crm, period="2026").value, int | None)
assert_type(ck.sales_cycle_length(crm).value, timedelta | None)
assert_type(ck.net_promoter_score(surveys=[]).value, float | None)
assert_type(ck.win_rate.from_totals(won=1, closed=2), ck.Result[float])
assert_type(ck.win_rate(deals).against(ck.win_rate([])), ck.Result[float])
print(ck.win_rate(deals).value + 1)  # refused: operator

# Results of several KPIs have values of any type, or None.
report = crm.measure(["win_rate", "revenue"], by="owner")
assert_type(report[0], ck.Result[Any])
print(report[0].value + 1)  # refused: operator

# Options, parameters of the catalogue, tables.
ck.win_rate(deals, period="2026-Q1", compare="previous", confidence=0.9)
ck.win_rate(deals, period=date(2026, 1, 1), as_of=date(2026, 9, 30), calendar=ck.Calendar(tz="Europe/Berlin"))
ck.quota_attainment(deals, quota=Decimal(90_000), currency="EUR", rates=None)
ck.customer_lifespan(customers=[], horizon=timedelta(days=900))
ck.win_rate(deals, period=(date(2026, 1, 1), date(2026, 3, 31)), as_of="2026-09-30", tz="Europe/Berlin")
ck.revenue(deals, currency="EUR", rates={"CHF": 1.05})
ck.Dataset(deals=deals, currency="EUR", rates={"CHF": Decimal("1.05")}, as_of="2026-09-30", tz="Europe/Berlin")
assert_type(crm.where(owner="Ada").where({"customer.industry": ["retail", "health"]}), ck.Dataset)
assert_type(crm.measure("sales", period=["2026-Q1", "Q3"]), ck.Report)
crm.measure("win_rate", period=(date(2026, 1, 1), date(2026, 3, 31)), every="month").chart("line")
ck.win_rate(deals, period=2026)  # refused: call-overload
ck.Dataset(deals=deals, as_of=20260930)  # refused: arg-type
ck.win_rate(deals, calendar="Europe/Berlin")  # refused: call-overload
ck.win_rate(deals, confidence="0.9")  # refused: call-overload
ck.quota_attainment(deals, quota="much")  # refused: call-overload
ck.win_rate(deals, perod="2026")  # refused: call-overload
assert_type(ck.win_rate(deals, by="owner"), ck.Report)
assert_type(ck.win_rate(deals, every="month", period="2026"), ck.Report)
ck.win_rate(deals, every="fortnight")  # refused: call-overload

# The user's own definitions.
table = ck.Table(ck.Deal)


@ck.metric(unit="money", best=table.max(table.amount), better="higher")
def best_deal() -> None:
    """The largest deal."""


@ck.metric(unit="share", won=table.count())  # refused: type-var
def share(won: int) -> int:
    """No unit is called so."""
    return won


@ck.metric(unit="count", better="up", won=table.count())  # refused: arg-type
def count(won: int) -> int:
    """Up is no direction."""
    return won


assert_type(best_deal, Metric[Decimal])
assert_type(best_deal(deals, parameters={"least": 5}).value, Decimal | None)
