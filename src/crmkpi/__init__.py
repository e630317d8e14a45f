"""KPIs of customer relationships, each said once and measured with its evidence.

>>> import crmkpi as ck
>>> deals = [ck.Deal(id="1", status="won"), ck.Deal(id="2", status="lost"), ck.Deal(id="3", status="open")]
>>> ck.win_rate(deals).value
0.5

Every KPI of the catalogue is a name of this module (`crmkpi.win_rate`) and of its theme (`crmkpi.sales.win_rate`);
`crmkpi.catalogue` finds it by the names that people use. Words for writing KPIs of your own, such as period bounds and
business time, are in `crmkpi.expressions`; tools for testing them in `crmkpi.testing`.

Nothing is loaded before the first of these names is used.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from crmkpi.calendars import Calendar
    from crmkpi.catalogue import catalogue
    from crmkpi.dataset import Dataset
    from crmkpi.engines.frames_columns import table
    from crmkpi.errors import CrmKpiError
    from crmkpi.expressions import Parameter
    from crmkpi.measures import Table
    from crmkpi.metric import Mean, Metric, NetPromoter, Share, metric
    from crmkpi.metrics import customers, experience, marketing, sales, service, value
    from crmkpi.metrics.customers.average_order_value import average_order_value
    from crmkpi.metrics.customers.repeat_purchase_rate import repeat_purchase_rate
    from crmkpi.metrics.customers.retention import churn_rate, retention_rate
    from crmkpi.metrics.experience.customer_effort_score import customer_effort_score
    from crmkpi.metrics.experience.customer_satisfaction_score import customer_satisfaction_score
    from crmkpi.metrics.experience.net_promoter_score import net_promoter_score
    from crmkpi.metrics.marketing.campaign_roi import campaign_roi
    from crmkpi.metrics.marketing.cost_per_lead import cost_per_lead
    from crmkpi.metrics.marketing.lead_conversion_rate import lead_conversion_rate
    from crmkpi.metrics.marketing.lead_volume import lead_volume
    from crmkpi.metrics.marketing.mql_rate import mql_rate
    from crmkpi.metrics.sales.average_deal_size import average_deal_size
    from crmkpi.metrics.sales.pipeline_value import pipeline_value, weighted_pipeline
    from crmkpi.metrics.sales.revenue import revenue, revenue_growth_rate
    from crmkpi.metrics.sales.sales_cycle_length import sales_cycle_length
    from crmkpi.metrics.sales.win_rate import win_rate
    from crmkpi.metrics.service.first_response_time import first_response_time
    from crmkpi.metrics.service.resolution_time import resolution_time
    from crmkpi.metrics.service.ticket_volume import ticket_volume
    from crmkpi.metrics.value.customer_acquisition_cost import customer_acquisition_cost
    from crmkpi.metrics.value.customer_lifetime_value import customer_lifetime_value
    from crmkpi.metrics.value.return_on_investment import return_on_investment
    from crmkpi.money import Rates
    from crmkpi.periods import Period
    from crmkpi.records import (
        Campaign,
        Customer,
        Deal,
        Expense,
        Interaction,
        Lead,
        Order,
        StageVisit,
        Subscription,
        Survey,
        Ticket,
        Visit,
    )
    from crmkpi.results import Report, Result
    from crmkpi.scanning import scan
    from crmkpi.segments import Segment, split
    from crmkpi.sources import read_csv, read_dicts, read_json, write_csv
    from crmkpi.tally import Tally

__all__ = [
    "Calendar",
    "Campaign",
    "CrmKpiError",
    "Customer",
    "Dataset",
    "Deal",
    "Expense",
    "Interaction",
    "Lead",
    "Mean",
    "Metric",
    "NetPromoter",
    "Order",
    "Parameter",
    "Period",
    "Rates",
    "Report",
    "Result",
    "Segment",
    "Share",
    "StageVisit",
    "Subscription",
    "Survey",
    "Table",
    "Tally",
    "Ticket",
    "Visit",
    "__version__",
    "average_deal_size",
    "average_order_value",
    "campaign_roi",
    "catalogue",
    "churn_rate",
    "cost_per_lead",
    "customer_acquisition_cost",
    "customer_effort_score",
    "customer_lifetime_value",
    "customer_satisfaction_score",
    "customers",
    "experience",
    "first_response_time",
    "lead_conversion_rate",
    "lead_volume",
    "marketing",
    "metric",
    "mql_rate",
    "net_promoter_score",
    "pipeline_value",
    "read_csv",
    "read_dicts",
    "read_json",
    "repeat_purchase_rate",
    "resolution_time",
    "retention_rate",
    "return_on_investment",
    "revenue",
    "revenue_growth_rate",
    "sales",
    "sales_cycle_length",
    "scan",
    "service",
    "split",
    "table",
    "ticket_volume",
    "value",
    "weighted_pipeline",
    "win_rate",
    "write_csv",
]

__version__ = "0.1.0"

_HOMES = (
    "calendars",
    "catalogue",
    "dataset",
    "engines.frames_columns",
    "errors",
    "expressions",
    "measures",
    "metric",
    "metrics",
    "metrics.customers",
    "metrics.experience",
    "metrics.marketing",
    "metrics.sales",
    "metrics.service",
    "metrics.value",
    "money",
    "periods",
    "records",
    "results",
    "scanning",
    "segments",
    "sources",
    "tally",
)


if not TYPE_CHECKING:  # else type checkers would take any name for a public one

    def __getattr__(name: str) -> Any:
        """A public name, from the modules that define them; from then on all are plain names of this module."""
        if name not in __all__:
            if name in _HOMES:
                return import_module(f"crmkpi.{name}")
            raise AttributeError(f"module 'crmkpi' has no attribute {name!r}")
        for home in _HOMES:
            module = import_module(f"crmkpi.{home}")
            globals().update({public: getattr(module, public) for public in module.__all__ if public in __all__})
        return globals()[name]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


class _Package(ModuleType):
    """Keeps `crmkpi.metric` and `crmkpi.catalogue` what they are, though modules that define them have their names."""

    def __setattr__(self, name: str, value: object) -> None:
        # Importing a module of a package makes it an attribute of the package.
        if not (isinstance(value, ModuleType) and name in __all__ and value.__name__ == f"crmkpi.{name}"):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
