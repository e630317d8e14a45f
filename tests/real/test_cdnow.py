"""Purchases of one quarter's new customers of a music shop, over eighteen months."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import crmkpi as ck
from crmkpi.definition.expressions import period

DATA_SET = "cdnow"
SPAN = "1997-01-01..1998-06-30"
# Known to its end, so that more than 90 days before it are 91 days without an order.
LAST_DAY = date(1998, 6, 30)

orders = ck.Table(ck.Order)
customers = ck.Table(ck.Customer)
buyers = orders.distinct(orders.customer_id)
by_day = orders.per(
    orders.customer_id,
    days=orders.distinct(orders.ordered_at.day()),
    first=orders.min(orders.ordered_at),
    last=orders.max(orders.ordered_at),
)
month_by_month = orders.per(orders.customer_id, now=orders.count(), before=orders.count().previous())
repeat_rate = ck.repeat_purchase_rate
inactivity = ck.churn_rate.variant("by_inactivity")


@dataclass(frozen=True, slots=True)
class Shop:
    """The purchases as orders, as won deals, and with each buyer as a customer since the first purchase."""

    crm: ck.Dataset
    cohort: ck.Segment


@pytest.fixture(scope="module")
def shop(folder: Path) -> Shop:
    purchases = ck.read_csv(
        folder / "cdnow" / "CDNOW_master.txt",
        record=ck.Order,
        delimiter=" ",
        columns={"date": "ordered_at", "dollar_value": "amount"},
        date_format="%Y%m%d",
        strict=True,
    )
    since: dict[str, datetime] = {}
    for purchase in purchases:
        assert purchase.customer_id is not None
        assert purchase.ordered_at is not None
        since[purchase.customer_id] = min(purchase.ordered_at, since.get(purchase.customer_id, purchase.ordered_at))
    deals = [
        ck.Deal(id=purchase.id, status="won", amount=purchase.amount, closed_at=purchase.ordered_at)
        for purchase in purchases
    ]
    return Shop(
        ck.Dataset(
            orders=purchases,
            deals=deals,
            customers=[ck.Customer(id=name, since=first) for name, first in since.items()],
            currency="USD",
        ),
        ck.Segment(
            "cohort",
            {
                "orders": lambda order: f"{since[order.customer_id]:%Y-%m}",
                "customers": lambda customer: f"{customer.since:%Y-%m}",
            },
        ),
    )


@ck.metric(unit="count", orders=orders.count())
def order_count(orders: int) -> int:
    """How many orders there are."""
    return orders


@ck.metric(unit="money", amount=orders.sum(orders.amount), days=by_day.sum(by_day.days))
def average_day_value(amount: Decimal, days: int) -> Decimal:
    """What a customer spends on a day with a purchase."""
    return amount / days


@ck.metric(unit="number", orders=orders.count(), buyers=buyers)
def orders_per_customer(orders: int, buyers: int) -> float:
    """Orders of each customer on average."""
    return orders / buyers


@ck.metric(
    unit="duration",
    span=by_day.sum(by_day.last - by_day.first),
    days=by_day.sum(by_day.days),
    buyers=by_day.count(),
)
def time_between_purchases(span: float, days: int, buyers: int) -> float:
    """Mean time from one purchase day of a customer to the next."""
    return span / (days - buyers)


@ck.metric(at=customers.since, unit="count", customers=customers.count())
def newcomers(customers: int) -> int:
    """How many customers bought for the first time."""
    return customers


@ck.metric(
    at=orders.ordered_at,
    new=orders.distinct(orders.customer_id, orders.ordered_at == orders.customer.since),
    buyers=buyers,
    unit="ratio",
)
def returning_share(new: int, buyers: int) -> float:
    """Share of the buyers who had bought in an earlier period."""
    return (buyers - new) / buyers


@ck.metric(
    buyers=orders.distinct(orders.customer_id, at=orders.ordered_at),
    cohort=customers.count(customers.since < period.end),
    unit="ratio",
)
def buying_share(buyers: int, cohort: int) -> float:
    """Share of the customers so far who buy in the period."""
    return buyers / cohort


@ck.metric(
    at=orders.ordered_at,
    again=month_by_month.count((month_by_month.before >= 1) & (month_by_month.now >= 1)),
    buyers=month_by_month.count(month_by_month.before >= 1),
    unit="ratio",
)
def bought_again(again: int, buyers: int) -> float:
    """Share of the buyers of the period before who buy in this one as well."""
    return again / buyers


def _of_the_month_before(report: ck.Report) -> dict[str, ck.Result]:
    """Results under the month whose buyers they follow; the first month follows nobody."""
    return {
        result.period.previous().label: result
        for result in report
        if result.period is not None and result.value is not None
    }


CATALOGUE: dict[str, Callable[[Shop], Any]] = {
    "customers": lambda shop: repeat_rate(shop.crm).inputs["buyers"],
    "revenue": lambda shop: ck.revenue(shop.crm),
    "aov": lambda shop: ck.average_order_value(shop.crm),
    "aov_no_zero": lambda shop: ck.average_order_value([order for order in shop.crm.tables["orders"] if order.amount]),
    "repeat_rate_orders": lambda shop: repeat_rate(shop.crm),
    "repeat_rate_days": lambda shop: repeat_rate.variant("by_days")(shop.crm),
    "revenue_per_customer": lambda shop: ck.customer_lifetime_value.variant("historic")(shop.crm),
    "revenue_by_month": lambda shop: shop.crm.measure(ck.revenue, period=SPAN, every="month"),
    "revenue_by_quarter": lambda shop: shop.crm.measure(ck.revenue, period=SPAN, every="quarter"),
    "revenue_growth_qoq": lambda shop: shop.crm.measure(ck.revenue_growth_rate, period=SPAN, every="quarter"),
    "revenue_growth_yoy_1998Q1_Q2": lambda shop: shop.crm.measure(
        ck.revenue_growth_rate.variant("year_over_year"), period=SPAN, every="quarter"
    ),
    "active_customers_by_month": lambda shop: {
        result.period.label: result.inputs["buyers"]
        for result in shop.crm.measure(repeat_rate, period=SPAN, every="month")
        if result.period is not None
    },
    "inactive_90d_at_end": lambda shop: inactivity(shop.crm, days=90 + 1, as_of=LAST_DAY),
    "inactive_180d_at_end": lambda shop: inactivity(shop.crm, days=180 + 1, as_of=LAST_DAY),
    "inactive_365d_at_end": lambda shop: inactivity(shop.crm, days=365 + 1, as_of=LAST_DAY),
}

CUSTOM: dict[str, Callable[[Shop], Any]] = {
    "orders": lambda shop: order_count(shop.crm),
    "aov_by_day_merged": lambda shop: average_day_value(shop.crm),
    "orders_per_customer": lambda shop: orders_per_customer(shop.crm),
    "days_between_purchases[0]": lambda shop: time_between_purchases(shop.crm),
    "new_customers_by_month": lambda shop: shop.crm.measure(newcomers, period=SPAN, every="month"),
    "returning_share_by_month": lambda shop: shop.crm.measure(returning_share, period=SPAN, every="month"),
    "cohort_retention": lambda shop: shop.crm.measure(buying_share, period=SPAN, every="month", by=shop.cohort),
    "mom_retention": lambda shop: _of_the_month_before(shop.crm.measure(bought_again, period=SPAN, every="month")),
}

NOT_COVERED: dict[str, str] = {
    "days_between_purchases[1]": "The median of the times between purchases needs each pair of consecutive orders; "
    "measures see one order, or all of one customer's, at a time.",
}


def test_the_published_figure_is_reproduced(check: Any, shop: Shop) -> None:
    check.confirm((CATALOGUE | CUSTOM)[check.id](shop))


def test_each_published_figure_is_in_exactly_one_table(published: list[Any]) -> None:
    assert sorted([*CATALOGUE, *CUSTOM, *NOT_COVERED]) == sorted(check.id for check in published)


def test_the_files_are_those_of_the_figures(checksums: dict[str, bool]) -> None:
    assert checksums == dict.fromkeys(checksums, True)


def test_months_and_quarters_add_up_to_all_revenue(shop: Shop) -> None:
    whole = ck.revenue(shop.crm).value
    for unit in ("month", "quarter"):
        assert sum(result.value for result in shop.crm.measure(ck.revenue, period=SPAN, every=unit)) == whole
