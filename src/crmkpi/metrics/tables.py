"""The tables that definitions measure: `deals.closed_at` is a field of `Deal`. Each is made at its first import."""

from typing import TYPE_CHECKING

from crmkpi.definition.measures import Table
from crmkpi.records import RECORDS

__all__ = [
    "campaigns",
    "customers",
    "deals",
    "expenses",
    "interactions",
    "leads",
    "orders",
    "stage_visits",
    "subscriptions",
    "surveys",
    "tickets",
    "visits",
]

if TYPE_CHECKING:
    campaigns: Table
    customers: Table
    deals: Table
    expenses: Table
    interactions: Table
    leads: Table
    orders: Table
    stage_visits: Table
    subscriptions: Table
    surveys: Table
    tickets: Table
    visits: Table


def __getattr__(name: str) -> Table:
    if name not in RECORDS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = table = Table(RECORDS[name])
    return table
