"""The records of a CRM: one typed, validated, immutable record class for each table, with relations between them.

>>> from crmkpi.records import RECORDS, Deal
>>> RECORDS["deals"] is Deal
True
"""

from __future__ import annotations

from collections.abc import Iterator, KeysView, Mapping
from typing import TYPE_CHECKING, Any

from crmkpi._lazy import loader
from crmkpi.records.base import registered_tables

if TYPE_CHECKING:
    from crmkpi.records.campaign import Campaign
    from crmkpi.records.customer import Customer
    from crmkpi.records.deal import Deal
    from crmkpi.records.expense import Expense
    from crmkpi.records.interaction import Interaction
    from crmkpi.records.lead import Lead
    from crmkpi.records.order import Order
    from crmkpi.records.stage_visit import StageVisit
    from crmkpi.records.subscription import Subscription
    from crmkpi.records.survey import Survey
    from crmkpi.records.ticket import Ticket
    from crmkpi.records.visit import Visit

__all__ = [
    "RECORDS",
    "Campaign",
    "Customer",
    "Deal",
    "Expense",
    "Interaction",
    "Lead",
    "Order",
    "StageVisit",
    "Subscription",
    "Survey",
    "Ticket",
    "Visit",
    "is_table",
    "known_tables",
]

_TABLES = {
    "leads": "Lead",
    "deals": "Deal",
    "stage_visits": "StageVisit",
    "customers": "Customer",
    "subscriptions": "Subscription",
    "orders": "Order",
    "tickets": "Ticket",
    "surveys": "Survey",
    "campaigns": "Campaign",
    "interactions": "Interaction",
    "expenses": "Expense",
    "visits": "Visit",
}
_load = loader(
    __name__,
    {
        "Campaign": "campaign",
        "Customer": "customer",
        "Deal": "deal",
        "Expense": "expense",
        "Interaction": "interaction",
        "Lead": "lead",
        "Order": "order",
        "StageVisit": "stage_visit",
        "Subscription": "subscription",
        "Survey": "survey",
        "Ticket": "ticket",
        "Visit": "visit",
    },
)

if not TYPE_CHECKING:
    __getattr__ = _load


class _Records(Mapping[str, type[Any]]):
    """The record class of each table; a class is loaded at its first use."""

    def __getitem__(self, table: str) -> type[Any]:
        model: type[Any] = _load(_TABLES[table])
        return model

    def __contains__(self, table: object) -> bool:
        return table in _TABLES

    def __iter__(self) -> Iterator[str]:
        return iter(_TABLES)

    def __len__(self) -> int:
        return len(_TABLES)


RECORDS: Mapping[str, type[Any]] = _Records()


def known_tables() -> KeysView[str]:
    """The tables of all record classes, custom ones included."""
    return (dict.fromkeys(_TABLES) | dict.fromkeys(registered_tables())).keys()


def is_table(name: str) -> bool:
    """Whether a record class, of crmkpi or custom, has that table."""
    return name in _TABLES or name in registered_tables()
