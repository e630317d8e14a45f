# Written by `python .ci/stubs.py`; do not edit.
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

__all__ = [
    "acquisition_rate",
    "ad_click_rate",
    "ad_conversions",
    "bounce_rate",
    "brand_awareness",
    "campaign_roi",
    "cost_per_click",
    "cost_per_conversion",
    "cost_per_lead",
    "cost_per_mille",
    "cost_per_mql",
    "cost_per_sql",
    "email_campaigns",
    "email_click_rate",
    "email_open_rate",
    "lead_conversion_rate",
    "lead_response_time",
    "lead_volume",
    "market_share",
    "mql_rate",
    "mql_to_sql_rate",
    "mql_volume",
    "roas",
    "sql_volume",
    "unsubscribe_rate",
    "visit_conversion_rate",
]
