"""Customers of a telephone company: churn and revenue, without a single date."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import crmkpi as ck

DATA_SET = "telco_churn"

customers = ck.Table(ck.Customer)
subscriptions = ck.Table(ck.Subscription)
orders = ck.Table(ck.Order)
churned = customers.count(customers.status == "churned")
everybody = customers.count()
monthly = subscriptions.sum(subscriptions.mrr)
subscribed = subscriptions.count()
by_status = ck.churn_rate.variant("by_status")


@dataclass(frozen=True, slots=True)
class Telco:
    """The file as customers and their subscriptions, and what each has paid in all as one order."""

    crm: ck.Dataset
    paid: ck.Dataset


@pytest.fixture(scope="module")
def telco(folder: Path) -> Telco:
    path = folder / "telco" / "Telco-Customer-Churn.csv"
    everyone = ck.read_csv(
        path,
        record=ck.Customer,
        columns={"customerID": "id", "Contract": "plan", "Churn": "status"},
        values={"status": {"Yes": "churned", "No": "active"}},
        strict=True,
    )
    contracts = ck.read_csv(
        path,
        record=ck.Subscription,
        columns={"customerID": ("id", "customer_id"), "Contract": "plan", "MonthlyCharges": "mrr"},
        strict=True,
    )
    totals = ck.read_csv(
        path,
        record=ck.Order,
        columns={"customerID": ("id", "customer_id"), "TotalCharges": "amount"},
        strict=True,
    )
    return Telco(
        ck.Dataset(customers=everyone, subscriptions=contracts, currency="USD"),
        ck.Dataset(orders=totals, currency="USD"),
    )


@ck.metric(unit="ratio", churned=churned, customers=everybody)
def retained(churned: int, customers: int) -> float:
    """Share of the customers who are not flagged as churned."""
    return 1 - churned / customers


@ck.metric(unit="money", monthly=monthly)
def recurring(monthly: Decimal) -> Decimal:
    """What all subscriptions bring in a month."""
    return monthly


@ck.metric(
    unit="ratio",
    lost=subscriptions.sum(subscriptions.mrr, subscriptions.customer.status == "churned"),
    monthly=monthly,
)
def revenue_churn(lost: Decimal, monthly: Decimal) -> Decimal:
    """Share of the monthly revenue that churned customers paid."""
    return lost / monthly


@ck.metric(unit="money", monthly=monthly, customers=subscribed)
def arpu(monthly: Decimal, customers: int) -> Decimal:
    """Average monthly revenue per customer."""
    return monthly / customers


@ck.metric(unit="money", monthly=monthly, churned=churned, customers=everybody)
def arpu_over_churn(monthly: Decimal, churned: int, customers: int) -> Decimal:
    """Average monthly revenue per customer over the churn rate."""
    return monthly / customers / (Decimal(churned) / customers)


@ck.metric(
    unit="money",
    monthly=monthly,
    churned=churned,
    customers=everybody,
    parameters=(
        ck.Parameter("margin", "the share of revenue that is kept", unit="ratio"),
        ck.Parameter("discount", "the discount rate of a month", unit="ratio"),
    ),
)
def discounted_value(monthly: Decimal, churned: int, customers: int, margin: Decimal, discount: Decimal) -> Decimal:
    """Average monthly margin per customer, over all months to come at their survival and discount."""
    retention = 1 - Decimal(churned) / customers
    return monthly / customers * margin * retention / (1 + discount - retention)


@ck.metric(unit="money", amount=orders.sum(orders.amount), orders=orders.count())
def mean_of_all(amount: Decimal, orders: int) -> Decimal:
    """The amount over all orders, those without an amount included."""
    return amount / orders


def survival(telco: Telco, contract: str | None = None) -> dict[str, float]:
    """The share of the customers, of all or of one contract, who stay longer than so many months."""
    everyone: Any = telco.crm.tables["customers"]
    those = [customer for customer in everyone if contract in (None, customer.plan)]
    curve = ck.survival.kaplan_meier(
        ck.survival.Durations(
            [int(customer.attributes["tenure"]) for customer in those],
            [customer.status == "churned" for customer in those],
            "months",
        )
    )
    return {str(month): curve.at(month).survival for month in (1, 6, 12, 24, 36, 48, 60, 72)}


CATALOGUE: dict[str, Callable[[Telco], Any]] = {
    "customers": lambda telco: by_status(telco.crm).inputs["customers"],
    "churn_rate": lambda telco: by_status(telco.crm),
    "churn_by_Contract": lambda telco: telco.crm.measure(by_status, by="plan"),
    "churn_by_InternetService": lambda telco: telco.crm.measure(by_status, by="attributes.InternetService"),
    "churn_by_PaymentMethod": lambda telco: telco.crm.measure(by_status, by="attributes.PaymentMethod"),
    "churn_by_SeniorCitizen": lambda telco: telco.crm.measure(by_status, by="attributes.SeniorCitizen"),
    "churn_by_contract_internet": lambda telco: telco.crm.measure(by_status, by=["plan", "attributes.InternetService"]),
    "total_charges_sum_mean[0]": lambda telco: ck.average_order_value(telco.paid).inputs["amount"],
    "total_charges_sum_mean[1]": lambda telco: ck.average_order_value(telco.paid),
    "total_charges_sum_mean[2]": lambda telco: ck.average_order_value(telco.paid).left_out["no amount"],
}

CUSTOM: dict[str, Callable[[Telco], Any]] = {
    "retention_rate": lambda telco: retained(telco.crm),
    "mrr": lambda telco: recurring(telco.crm),
    "revenue_churn_rate": lambda telco: revenue_churn(telco.crm),
    "revenue_churn_by_contract": lambda telco: telco.crm.measure(revenue_churn, by="plan"),
    "arpu": lambda telco: arpu(telco.crm),
    "arpu_by_contract": lambda telco: telco.crm.measure(arpu, by="plan"),
    "clv_simple": lambda telco: arpu_over_churn(telco.crm),
    "clv_simple_by_contract": lambda telco: telco.crm.measure(arpu_over_churn, by="plan"),
    "clv_margin30_discount1pct": lambda telco: discounted_value(
        telco.crm, margin=Decimal("0.30"), discount=Decimal("0.01")
    ),
    "total_charges_mean_blank_as_0": lambda telco: mean_of_all(telco.paid),
}

ANALYSES: dict[str, Callable[[Telco], Any]] = {
    "km_survival": survival,
    "km_survival_Month-to-month": lambda telco: survival(telco, "Month-to-month"),
    "km_survival_One_year": lambda telco: survival(telco, "One year"),
    "km_survival_Two_year": lambda telco: survival(telco, "Two year"),
}

NOT_COVERED: dict[str, str] = {}


def test_the_published_figure_is_reproduced(check: Any, telco: Telco) -> None:
    check.confirm((CATALOGUE | CUSTOM | ANALYSES)[check.id](telco))


def test_each_published_figure_is_in_exactly_one_table(published: list[Any]) -> None:
    assert sorted([*CATALOGUE, *CUSTOM, *ANALYSES, *NOT_COVERED]) == sorted(check.id for check in published)


def test_the_files_are_those_of_the_figures(checksums: dict[str, bool]) -> None:
    assert checksums == dict.fromkeys(checksums, True)


def test_a_blank_charge_is_a_missing_amount_and_not_a_rejected_row(telco: Telco) -> None:
    totals: Any = telco.paid.tables["orders"]
    assert totals.rejected == ()
    assert all(order.attributes["tenure"] == "0" for order in totals if order.amount is None)


def test_contracts_add_up_to_all_customers(telco: Telco) -> None:
    contracts = telco.crm.measure(by_status, by="plan")
    whole = by_status(telco.crm)
    for name, total in whole.inputs.items():
        assert sum(result.inputs[name] for result in contracts) == total
