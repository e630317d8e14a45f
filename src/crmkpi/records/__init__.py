"""What a CRM holds: one typed, validated, immutable record class for each table, and how they refer to each other.

>>> from crmkpi.records import RECORDS, Deal
>>> RECORDS["deals"] is Deal
True
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from crmkpi.records.base import record_type
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
]

_CLASSES = (
    Lead,
    Deal,
    StageVisit,
    Customer,
    Subscription,
    Order,
    Ticket,
    Survey,
    Campaign,
    Interaction,
    Expense,
    Visit,
)

RECORDS: Mapping[str, type[Any]] = MappingProxyType({record_type(model).table: model for model in _CLASSES})
