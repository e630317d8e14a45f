# Written by `python .ci/stubs.py`; do not edit.
from crmkpi import clv as clv
from crmkpi import errors as errors
from crmkpi import insight as insight
from crmkpi import metrics as metrics
from crmkpi import money as money
from crmkpi import quality as quality
from crmkpi import records as records
from crmkpi import sources as sources
from crmkpi import testing as testing
from crmkpi import vendors as vendors
from crmkpi.company.file import company as company
from crmkpi.dates import calendars as calendars
from crmkpi.dates import periods as periods
from crmkpi.dates.calendars import Calendar as Calendar
from crmkpi.dates.periods import Period as Period
from crmkpi.definition import expressions as expressions
from crmkpi.definition import measures as measures
from crmkpi.definition.measures import Table as Table
from crmkpi.definition.metric import Estimated as Estimated
from crmkpi.definition.metric import Mean as Mean
from crmkpi.definition.metric import Metric as Metric
from crmkpi.definition.metric import Monotone as Monotone
from crmkpi.definition.metric import NetPromoter as NetPromoter
from crmkpi.definition.metric import Share as Share
from crmkpi.definition.metric import metric as metric
from crmkpi.definition.parameters import Parameter as Parameter
from crmkpi.demo import sample_company as sample_company
from crmkpi.display import charts as charts
from crmkpi.errors import CrmKpiError as CrmKpiError
from crmkpi.insight import cohorts as cohorts
from crmkpi.insight import funnel as funnel
from crmkpi.insight import health as health
from crmkpi.insight import rfm as rfm
from crmkpi.insight import survival as survival
from crmkpi.measuring import dataset as dataset
from crmkpi.measuring import results as results
from crmkpi.measuring import segments as segments
from crmkpi.measuring import tally as tally
from crmkpi.measuring.dataset import Dataset as Dataset
from crmkpi.measuring.results import Report as Report
from crmkpi.measuring.results import Result as Result
from crmkpi.measuring.segments import Segment as Segment
from crmkpi.measuring.segments import split as split
from crmkpi.measuring.tally import Tally as Tally
from crmkpi.metrics import customers as customers
from crmkpi.metrics import experience as experience
from crmkpi.metrics import marketing as marketing
from crmkpi.metrics import sales as sales
from crmkpi.metrics import service as service
from crmkpi.metrics import value as value
from crmkpi.metrics.catalogue import catalogue as catalogue
from crmkpi.metrics.customers.average_order_value import average_order_value as average_order_value
from crmkpi.metrics.customers.cohort_retention import cohort_retention as cohort_retention
from crmkpi.metrics.customers.customer_counts import active_customers as active_customers
from crmkpi.metrics.customers.customer_counts import lost_customers as lost_customers
from crmkpi.metrics.customers.customer_counts import new_customers as new_customers
from crmkpi.metrics.customers.customer_lifespan import customer_lifespan as customer_lifespan
from crmkpi.metrics.customers.mrr_movements import churned_mrr as churned_mrr
from crmkpi.metrics.customers.mrr_movements import contraction_mrr as contraction_mrr
from crmkpi.metrics.customers.mrr_movements import expansion_mrr as expansion_mrr
from crmkpi.metrics.customers.mrr_movements import net_new_mrr as net_new_mrr
from crmkpi.metrics.customers.mrr_movements import new_mrr as new_mrr
from crmkpi.metrics.customers.mrr_movements import reactivation_mrr as reactivation_mrr
from crmkpi.metrics.customers.order_outcomes import cart_abandonment_rate as cart_abandonment_rate
from crmkpi.metrics.customers.order_outcomes import delivery_time as delivery_time
from crmkpi.metrics.customers.order_outcomes import return_rate as return_rate
from crmkpi.metrics.customers.purchase_frequency import purchase_frequency as purchase_frequency
from crmkpi.metrics.customers.recurring_revenue import arpu as arpu
from crmkpi.metrics.customers.recurring_revenue import arr as arr
from crmkpi.metrics.customers.recurring_revenue import mrr as mrr
from crmkpi.metrics.customers.repeat_purchase_rate import repeat_purchase_rate as repeat_purchase_rate
from crmkpi.metrics.customers.retention import churn_rate as churn_rate
from crmkpi.metrics.customers.retention import retention_rate as retention_rate
from crmkpi.metrics.customers.revenue_retention import gross_revenue_retention as gross_revenue_retention
from crmkpi.metrics.customers.revenue_retention import net_revenue_retention as net_revenue_retention
from crmkpi.metrics.customers.revenue_retention import revenue_churn_rate as revenue_churn_rate
from crmkpi.metrics.experience.customer_effort_score import customer_effort_score as customer_effort_score
from crmkpi.metrics.experience.customer_satisfaction_rating import (
    customer_satisfaction_rating as customer_satisfaction_rating,
)
from crmkpi.metrics.experience.customer_satisfaction_score import (
    customer_satisfaction_score as customer_satisfaction_score,
)
from crmkpi.metrics.experience.interactions_per_customer import interactions_per_customer as interactions_per_customer
from crmkpi.metrics.experience.net_promoter_score import net_promoter_score as net_promoter_score
from crmkpi.metrics.experience.review_rating import review_rating as review_rating
from crmkpi.metrics.experience.social_mentions import social_mentions as social_mentions
from crmkpi.metrics.experience.social_sentiment import negative_mention_share as negative_mention_share
from crmkpi.metrics.experience.social_sentiment import net_sentiment as net_sentiment
from crmkpi.metrics.experience.survey_response_rate import survey_response_rate as survey_response_rate
from crmkpi.metrics.marketing.acquisition_rate import acquisition_rate as acquisition_rate
from crmkpi.metrics.marketing.advertising import ad_click_rate as ad_click_rate
from crmkpi.metrics.marketing.advertising import ad_conversions as ad_conversions
from crmkpi.metrics.marketing.advertising import cost_per_click as cost_per_click
from crmkpi.metrics.marketing.advertising import cost_per_conversion as cost_per_conversion
from crmkpi.metrics.marketing.advertising import cost_per_mille as cost_per_mille
from crmkpi.metrics.marketing.brand_awareness import brand_awareness as brand_awareness
from crmkpi.metrics.marketing.campaign_roi import campaign_roi as campaign_roi
from crmkpi.metrics.marketing.cost_per_lead import cost_per_lead as cost_per_lead
from crmkpi.metrics.marketing.cost_per_qualified_lead import cost_per_mql as cost_per_mql
from crmkpi.metrics.marketing.cost_per_qualified_lead import cost_per_sql as cost_per_sql
from crmkpi.metrics.marketing.email import bounce_rate as bounce_rate
from crmkpi.metrics.marketing.email import email_campaigns as email_campaigns
from crmkpi.metrics.marketing.email import email_click_rate as email_click_rate
from crmkpi.metrics.marketing.email import email_open_rate as email_open_rate
from crmkpi.metrics.marketing.email import unsubscribe_rate as unsubscribe_rate
from crmkpi.metrics.marketing.lead_conversion_rate import lead_conversion_rate as lead_conversion_rate
from crmkpi.metrics.marketing.lead_response_time import lead_response_time as lead_response_time
from crmkpi.metrics.marketing.lead_volume import lead_volume as lead_volume
from crmkpi.metrics.marketing.market_share import market_share as market_share
from crmkpi.metrics.marketing.mql_rate import mql_rate as mql_rate
from crmkpi.metrics.marketing.mql_to_sql_rate import mql_to_sql_rate as mql_to_sql_rate
from crmkpi.metrics.marketing.qualified_leads import mql_volume as mql_volume
from crmkpi.metrics.marketing.qualified_leads import sql_volume as sql_volume
from crmkpi.metrics.marketing.roas import roas as roas
from crmkpi.metrics.marketing.visit_conversion_rate import visit_conversion_rate as visit_conversion_rate
from crmkpi.metrics.sales.average_deal_size import average_deal_size as average_deal_size
from crmkpi.metrics.sales.deal_counts import open_deals as open_deals
from crmkpi.metrics.sales.deal_counts import won_deals as won_deals
from crmkpi.metrics.sales.deal_volume import deal_volume as deal_volume
from crmkpi.metrics.sales.expansion_revenue import expansion_revenue as expansion_revenue
from crmkpi.metrics.sales.lost_rate import lost_deals as lost_deals
from crmkpi.metrics.sales.lost_rate import lost_rate as lost_rate
from crmkpi.metrics.sales.pipeline_value import pipeline_value as pipeline_value
from crmkpi.metrics.sales.pipeline_value import weighted_pipeline as weighted_pipeline
from crmkpi.metrics.sales.quota_attainment import quota_attainment as quota_attainment
from crmkpi.metrics.sales.revenue import revenue as revenue
from crmkpi.metrics.sales.revenue import revenue_growth_rate as revenue_growth_rate
from crmkpi.metrics.sales.sales_activities import emails_sent as emails_sent
from crmkpi.metrics.sales.sales_activities import meetings_held as meetings_held
from crmkpi.metrics.sales.sales_activities import sales_calls as sales_calls
from crmkpi.metrics.sales.sales_activities import sms_sent as sms_sent
from crmkpi.metrics.sales.sales_cycle_length import sales_cycle_length as sales_cycle_length
from crmkpi.metrics.sales.sales_velocity import sales_velocity as sales_velocity
from crmkpi.metrics.sales.stage_conversion_rate import stage_conversion_rate as stage_conversion_rate
from crmkpi.metrics.sales.stage_duration import stage_duration as stage_duration
from crmkpi.metrics.sales.win_rate import win_rate as win_rate
from crmkpi.metrics.service.average_interaction_cost import average_interaction_cost as average_interaction_cost
from crmkpi.metrics.service.average_response_time import average_response_time as average_response_time
from crmkpi.metrics.service.first_contact_resolution_rate import (
    first_contact_resolution_rate as first_contact_resolution_rate,
)
from crmkpi.metrics.service.first_response_time import first_response_time as first_response_time
from crmkpi.metrics.service.handle_time import handle_time as handle_time
from crmkpi.metrics.service.resolution_time import resolution_time as resolution_time
from crmkpi.metrics.service.telephone import call_abandon_rate as call_abandon_rate
from crmkpi.metrics.service.telephone import call_answer_rate as call_answer_rate
from crmkpi.metrics.service.telephone import call_resolution_rate as call_resolution_rate
from crmkpi.metrics.service.telephone import talk_time as talk_time
from crmkpi.metrics.service.ticket_counts import backlog as backlog
from crmkpi.metrics.service.ticket_counts import complaints as complaints
from crmkpi.metrics.service.ticket_counts import recurring_issues as recurring_issues
from crmkpi.metrics.service.ticket_rates import escalation_rate as escalation_rate
from crmkpi.metrics.service.ticket_rates import reopen_rate as reopen_rate
from crmkpi.metrics.service.ticket_rates import self_service_rate as self_service_rate
from crmkpi.metrics.service.ticket_rates import sla_attainment as sla_attainment
from crmkpi.metrics.service.ticket_volume import ticket_volume as ticket_volume
from crmkpi.metrics.service.tickets_per_customer import tickets_per_customer as tickets_per_customer
from crmkpi.metrics.value.acquisition_economics import cac_payback_period as cac_payback_period
from crmkpi.metrics.value.acquisition_economics import ltv_to_cac_ratio as ltv_to_cac_ratio
from crmkpi.metrics.value.customer_acquisition_cost import customer_acquisition_cost as customer_acquisition_cost
from crmkpi.metrics.value.customer_lifetime_value import customer_lifetime_value as customer_lifetime_value
from crmkpi.metrics.value.return_on_investment import return_on_investment as return_on_investment
from crmkpi.metrics.value.revenue_per_customer import revenue_per_customer as revenue_per_customer
from crmkpi.money import Rates as Rates
from crmkpi.records import Campaign as Campaign
from crmkpi.records import Customer as Customer
from crmkpi.records import Deal as Deal
from crmkpi.records import Expense as Expense
from crmkpi.records import Interaction as Interaction
from crmkpi.records import Lead as Lead
from crmkpi.records import Order as Order
from crmkpi.records import StageVisit as StageVisit
from crmkpi.records import Subscription as Subscription
from crmkpi.records import Survey as Survey
from crmkpi.records import Ticket as Ticket
from crmkpi.records import Visit as Visit
from crmkpi.sources import join_leads as join_leads
from crmkpi.sources import presets as presets
from crmkpi.sources import read_csv as read_csv
from crmkpi.sources import read_dicts as read_dicts
from crmkpi.sources import read_excel as read_excel
from crmkpi.sources import read_export as read_export
from crmkpi.sources import read_json as read_json
from crmkpi.sources import scanning as scanning
from crmkpi.sources import stream_csv as stream_csv
from crmkpi.sources import write_csv as write_csv
from crmkpi.sources.frames.databases import database as database
from crmkpi.sources.frames.tables import table as table
from crmkpi.sources.objects import read_objects as read_objects
from crmkpi.sources.presets import preset as preset
from crmkpi.sources.scanning import scan as scan
from crmkpi.sources.sql import read_sql as read_sql
from crmkpi.statistics import intervals as intervals

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
    "Monotone",
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
    "ad_click_rate",
    "ad_conversions",
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
    "call_abandon_rate",
    "call_answer_rate",
    "call_resolution_rate",
    "campaign_roi",
    "cart_abandonment_rate",
    "catalogue",
    "charts",
    "churn_rate",
    "churned_mrr",
    "clv",
    "cohort_retention",
    "cohorts",
    "company",
    "complaints",
    "contraction_mrr",
    "cost_per_click",
    "cost_per_conversion",
    "cost_per_lead",
    "cost_per_mille",
    "cost_per_mql",
    "cost_per_sql",
    "customer_acquisition_cost",
    "customer_effort_score",
    "customer_lifespan",
    "customer_lifetime_value",
    "customer_satisfaction_rating",
    "customer_satisfaction_score",
    "customers",
    "database",
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
    "interactions_per_customer",
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
    "negative_mention_share",
    "net_new_mrr",
    "net_promoter_score",
    "net_revenue_retention",
    "net_sentiment",
    "new_customers",
    "new_mrr",
    "open_deals",
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
    "read_objects",
    "read_sql",
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
    "review_rating",
    "rfm",
    "roas",
    "sales",
    "sales_calls",
    "sales_cycle_length",
    "sales_velocity",
    "sample_company",
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
    "talk_time",
    "ticket_volume",
    "tickets_per_customer",
    "unsubscribe_rate",
    "value",
    "visit_conversion_rate",
    "weighted_pipeline",
    "win_rate",
    "won_deals",
    "write_csv",
]
__version__: str
