"""KPIs of customer relationships, each said once and measured with its evidence.

>>> import crmkpi as ck
>>> deals = [ck.Deal(id="1", status="won"), ck.Deal(id="2", status="lost"), ck.Deal(id="3", status="open")]
>>> ck.win_rate(deals).value
0.5

Every KPI of the catalogue is a name of this module (`crmkpi.win_rate`) and of its theme (`crmkpi.sales.win_rate`);
`crmkpi.catalogue` finds it by the names that people use; `crmkpi.vendors` has what other systems show. Words for
writing KPIs of your own, such as period bounds and business time, are in `crmkpi.expressions`; tools for testing them
in `crmkpi.testing`. How long customers stay, who comes back, how they fare and what they will bring is in
`crmkpi.survival`, `crmkpi.cohorts`, `crmkpi.rfm`, `crmkpi.health` and `crmkpi.clv`, how deals go through their stages
in `crmkpi.funnel`; `crmkpi.charts` draws them; what is wrong with the data in `crmkpi.quality`.

Nothing is loaded before the first of these names is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from crmkpi._hooks import provide
from crmkpi._lazy import loader

if TYPE_CHECKING:
    from crmkpi import clv, insight, quality
    from crmkpi.definition.expressions import Parameter
    from crmkpi.definition.measures import Table
    from crmkpi.definition.metric import Estimated, Mean, Metric, NetPromoter, Share, metric
    from crmkpi.display import charts
    from crmkpi.errors import CrmKpiError
    from crmkpi.insight import cohorts, funnel, health, rfm, survival
    from crmkpi.measuring.dataset import Dataset
    from crmkpi.measuring.results import Report, Result
    from crmkpi.measuring.segments import Segment, split
    from crmkpi.measuring.tally import Tally
    from crmkpi.metrics import customers, experience, marketing, sales, service, value
    from crmkpi.metrics.catalogue import catalogue
    from crmkpi.metrics.customers.average_order_value import average_order_value
    from crmkpi.metrics.customers.cohort_retention import cohort_retention
    from crmkpi.metrics.customers.customer_counts import active_customers, lost_customers, new_customers
    from crmkpi.metrics.customers.customer_lifespan import customer_lifespan
    from crmkpi.metrics.customers.mrr_movements import (
        churned_mrr,
        contraction_mrr,
        expansion_mrr,
        net_new_mrr,
        new_mrr,
        reactivation_mrr,
    )
    from crmkpi.metrics.customers.order_outcomes import cart_abandonment_rate, delivery_time, return_rate
    from crmkpi.metrics.customers.purchase_frequency import purchase_frequency
    from crmkpi.metrics.customers.recurring_revenue import arpu, arr, mrr
    from crmkpi.metrics.customers.repeat_purchase_rate import repeat_purchase_rate
    from crmkpi.metrics.customers.retention import churn_rate, retention_rate
    from crmkpi.metrics.customers.revenue_retention import (
        gross_revenue_retention,
        net_revenue_retention,
        revenue_churn_rate,
    )
    from crmkpi.metrics.experience.customer_effort_score import customer_effort_score
    from crmkpi.metrics.experience.customer_satisfaction_rating import customer_satisfaction_rating
    from crmkpi.metrics.experience.customer_satisfaction_score import customer_satisfaction_score
    from crmkpi.metrics.experience.net_promoter_score import net_promoter_score
    from crmkpi.metrics.experience.social_mentions import social_mentions
    from crmkpi.metrics.experience.survey_response_rate import survey_response_rate
    from crmkpi.metrics.marketing.acquisition_rate import acquisition_rate
    from crmkpi.metrics.marketing.brand_awareness import brand_awareness
    from crmkpi.metrics.marketing.campaign_roi import campaign_roi
    from crmkpi.metrics.marketing.cost_per_lead import cost_per_lead
    from crmkpi.metrics.marketing.cost_per_qualified_lead import cost_per_mql, cost_per_sql
    from crmkpi.metrics.marketing.email import (
        bounce_rate,
        email_campaigns,
        email_click_rate,
        email_open_rate,
        unsubscribe_rate,
    )
    from crmkpi.metrics.marketing.lead_conversion_rate import lead_conversion_rate
    from crmkpi.metrics.marketing.lead_response_time import lead_response_time
    from crmkpi.metrics.marketing.lead_volume import lead_volume
    from crmkpi.metrics.marketing.market_share import market_share
    from crmkpi.metrics.marketing.mql_rate import mql_rate
    from crmkpi.metrics.marketing.mql_to_sql_rate import mql_to_sql_rate
    from crmkpi.metrics.marketing.qualified_leads import mql_volume, sql_volume
    from crmkpi.metrics.marketing.roas import roas
    from crmkpi.metrics.marketing.visit_conversion_rate import visit_conversion_rate
    from crmkpi.metrics.sales.average_deal_size import average_deal_size
    from crmkpi.metrics.sales.deal_volume import deal_volume
    from crmkpi.metrics.sales.expansion_revenue import expansion_revenue
    from crmkpi.metrics.sales.lost_rate import lost_deals, lost_rate
    from crmkpi.metrics.sales.pipeline_value import pipeline_value, weighted_pipeline
    from crmkpi.metrics.sales.quota_attainment import quota_attainment
    from crmkpi.metrics.sales.revenue import revenue, revenue_growth_rate
    from crmkpi.metrics.sales.sales_activities import emails_sent, meetings_held, sales_calls, sms_sent
    from crmkpi.metrics.sales.sales_cycle_length import sales_cycle_length
    from crmkpi.metrics.sales.sales_velocity import sales_velocity
    from crmkpi.metrics.sales.stage_conversion_rate import stage_conversion_rate
    from crmkpi.metrics.sales.stage_duration import stage_duration
    from crmkpi.metrics.sales.win_rate import win_rate
    from crmkpi.metrics.service.average_interaction_cost import average_interaction_cost
    from crmkpi.metrics.service.average_response_time import average_response_time
    from crmkpi.metrics.service.first_contact_resolution_rate import first_contact_resolution_rate
    from crmkpi.metrics.service.first_response_time import first_response_time
    from crmkpi.metrics.service.handle_time import handle_time
    from crmkpi.metrics.service.resolution_time import resolution_time
    from crmkpi.metrics.service.ticket_counts import backlog, complaints, recurring_issues
    from crmkpi.metrics.service.ticket_rates import escalation_rate, reopen_rate, self_service_rate, sla_attainment
    from crmkpi.metrics.service.ticket_volume import ticket_volume
    from crmkpi.metrics.service.tickets_per_customer import tickets_per_customer
    from crmkpi.metrics.value.acquisition_economics import cac_payback_period, ltv_to_cac_ratio
    from crmkpi.metrics.value.customer_acquisition_cost import customer_acquisition_cost
    from crmkpi.metrics.value.customer_lifetime_value import customer_lifetime_value
    from crmkpi.metrics.value.return_on_investment import return_on_investment
    from crmkpi.metrics.value.revenue_per_customer import revenue_per_customer
    from crmkpi.money import Rates
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
    from crmkpi.sources import (
        join_leads,
        read_csv,
        read_dicts,
        read_excel,
        read_export,
        read_json,
        stream_csv,
        write_csv,
    )
    from crmkpi.sources.frames.tables import table
    from crmkpi.sources.presets import preset, presets
    from crmkpi.sources.scanning import scan
    from crmkpi.time.calendars import Calendar
    from crmkpi.time.periods import Period

__all__ = [
    "Calendar",
    "Campaign",
    "CrmKpiError",
    "Customer",
    "Dataset",
    "Deal",
    "Estimated",
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
    "acquisition_rate",
    "active_customers",
    "arpu",
    "arr",
    "average_deal_size",
    "average_interaction_cost",
    "average_order_value",
    "average_response_time",
    "backlog",
    "bounce_rate",
    "brand_awareness",
    "cac_payback_period",
    "campaign_roi",
    "cart_abandonment_rate",
    "catalogue",
    "charts",
    "churn_rate",
    "churned_mrr",
    "clv",
    "cohort_retention",
    "cohorts",
    "complaints",
    "contraction_mrr",
    "cost_per_lead",
    "cost_per_mql",
    "cost_per_sql",
    "customer_acquisition_cost",
    "customer_effort_score",
    "customer_lifespan",
    "customer_lifetime_value",
    "customer_satisfaction_rating",
    "customer_satisfaction_score",
    "customers",
    "deal_volume",
    "delivery_time",
    "email_campaigns",
    "email_click_rate",
    "email_open_rate",
    "emails_sent",
    "escalation_rate",
    "expansion_mrr",
    "expansion_revenue",
    "experience",
    "first_contact_resolution_rate",
    "first_response_time",
    "funnel",
    "gross_revenue_retention",
    "handle_time",
    "health",
    "insight",
    "join_leads",
    "lead_conversion_rate",
    "lead_response_time",
    "lead_volume",
    "lost_customers",
    "lost_deals",
    "lost_rate",
    "ltv_to_cac_ratio",
    "market_share",
    "marketing",
    "meetings_held",
    "metric",
    "mql_rate",
    "mql_to_sql_rate",
    "mql_volume",
    "mrr",
    "net_new_mrr",
    "net_promoter_score",
    "net_revenue_retention",
    "new_customers",
    "new_mrr",
    "pipeline_value",
    "preset",
    "presets",
    "purchase_frequency",
    "quality",
    "quota_attainment",
    "reactivation_mrr",
    "read_csv",
    "read_dicts",
    "read_excel",
    "read_export",
    "read_json",
    "recurring_issues",
    "reopen_rate",
    "repeat_purchase_rate",
    "resolution_time",
    "retention_rate",
    "return_on_investment",
    "return_rate",
    "revenue",
    "revenue_churn_rate",
    "revenue_growth_rate",
    "revenue_per_customer",
    "rfm",
    "roas",
    "sales",
    "sales_calls",
    "sales_cycle_length",
    "sales_velocity",
    "scan",
    "self_service_rate",
    "service",
    "sla_attainment",
    "sms_sent",
    "social_mentions",
    "split",
    "sql_volume",
    "stage_conversion_rate",
    "stage_duration",
    "stream_csv",
    "survey_response_rate",
    "survival",
    "table",
    "ticket_volume",
    "tickets_per_customer",
    "unsubscribe_rate",
    "value",
    "visit_conversion_rate",
    "weighted_pipeline",
    "win_rate",
    "write_csv",
]

__version__ = "0.1.0"

# Each name is loaded at its first use, from its own module: who asks for one KPI need not wait for the others.
_HOMES = {
    "Calendar": "time.calendars",
    "Campaign": "records",
    "CrmKpiError": "errors",
    "Customer": "records",
    "Dataset": "measuring.dataset",
    "Deal": "records",
    "Estimated": "definition.metric",
    "Expense": "records",
    "Interaction": "records",
    "Lead": "records",
    "Mean": "definition.metric",
    "Metric": "definition.metric",
    "NetPromoter": "definition.metric",
    "Order": "records",
    "Parameter": "definition.expressions",
    "Period": "time.periods",
    "Rates": "money",
    "Report": "measuring.results",
    "Result": "measuring.results",
    "Segment": "measuring.segments",
    "Share": "definition.metric",
    "StageVisit": "records",
    "Subscription": "records",
    "Survey": "records",
    "Table": "definition.measures",
    "Tally": "measuring.tally",
    "Ticket": "records",
    "Visit": "records",
    "catalogue": "metrics.catalogue",
    "join_leads": "sources",
    "metric": "definition.metric",
    "preset": "sources.presets",
    "presets": "sources.presets",
    "read_csv": "sources",
    "read_dicts": "sources",
    "read_excel": "sources",
    "read_export": "sources",
    "read_json": "sources",
    "scan": "sources.scanning",
    "split": "measuring.segments",
    "stream_csv": "sources",
    "table": "sources.frames.tables",
    "write_csv": "sources",
}
_MODULES = {
    "calendars": "time.calendars",
    "charts": "display.charts",
    "clv": "clv",
    "cohorts": "insight.cohorts",
    "customers": "metrics.customers",
    "dataset": "measuring.dataset",
    "errors": "errors",
    "experience": "metrics.experience",
    "expressions": "definition.expressions",
    "funnel": "insight.funnel",
    "health": "insight.health",
    "insight": "insight",
    "intervals": "statistics.intervals",
    "marketing": "metrics.marketing",
    "measures": "definition.measures",
    "metrics": "metrics",
    "money": "money",
    "periods": "time.periods",
    "quality": "quality",
    "records": "records",
    "results": "measuring.results",
    "rfm": "insight.rfm",
    "sales": "metrics.sales",
    "scanning": "sources.scanning",
    "segments": "measuring.segments",
    "service": "metrics.service",
    "sources": "sources",
    "survival": "insight.survival",
    "tally": "measuring.tally",
    "testing": "testing",
    "value": "metrics.value",
    "vendors": "vendors",
}
_load = loader(__name__, _HOMES)

# What lower rooms call in higher ones; docs/architecture.md says who calls each.
provide(
    {
        "check": "crmkpi.quality",
        "find_metric": "crmkpi.metrics.catalogue",
        "format_value": "crmkpi.display.format",
        "holdout_chart": "crmkpi.display.charts",
        "listed": "crmkpi.display.format",
        "pivot": "crmkpi.display.pivot",
        "quality_html": "crmkpi.display.quality",
        "quality_page": "crmkpi.display.quality",
        "quality_text": "crmkpi.display.quality",
        "report_columns": "crmkpi.display.frames",
        "report_csv": "crmkpi.display.rows",
        "report_json": "crmkpi.display.rows",
        "report_markdown": "crmkpi.display.markdown",
        "report_page": "crmkpi.display.html",
        "report_table": "crmkpi.display.html",
        "report_text": "crmkpi.display.text",
        "result_from_totals": "crmkpi.measuring.results",
        "result_of": "crmkpi.measuring.dataset",
        "result_row": "crmkpi.display.rows",
        "result_text": "crmkpi.display.text",
        "wide_columns": "crmkpi.display.frames",
    }
)

if not TYPE_CHECKING:  # else type checkers would take any name for a public one

    def __getattr__(name: str) -> Any:
        if name in _MODULES:
            return globals().setdefault(name, import_module(f"crmkpi.{_MODULES[name]}"))
        if name in __all__ and name not in _HOMES:
            return globals().setdefault(name, import_module("crmkpi.metrics").definition(name))
        return _load(name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
