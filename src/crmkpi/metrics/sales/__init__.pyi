# Written by `python .ci/stubs.py`; do not edit.
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

__all__ = [
    "average_deal_size",
    "deal_volume",
    "emails_sent",
    "expansion_revenue",
    "lost_deals",
    "lost_rate",
    "meetings_held",
    "open_deals",
    "pipeline_value",
    "quota_attainment",
    "revenue",
    "revenue_growth_rate",
    "sales_calls",
    "sales_cycle_length",
    "sales_velocity",
    "sms_sent",
    "stage_conversion_rate",
    "stage_duration",
    "weighted_pipeline",
    "win_rate",
    "won_deals",
]
