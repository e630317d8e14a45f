"""Marketing: from attention to qualified leads, and what they cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crmkpi._lazy import loader

if TYPE_CHECKING:
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

__all__ = [
    "acquisition_rate",
    "bounce_rate",
    "brand_awareness",
    "campaign_roi",
    "cost_per_lead",
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

# The module of each KPI, in the order of the catalogue.
HOMES = {
    "lead_volume": "lead_volume",
    "lead_conversion_rate": "lead_conversion_rate",
    "visit_conversion_rate": "visit_conversion_rate",
    "mql_volume": "qualified_leads",
    "sql_volume": "qualified_leads",
    "mql_rate": "mql_rate",
    "mql_to_sql_rate": "mql_to_sql_rate",
    "lead_response_time": "lead_response_time",
    "cost_per_lead": "cost_per_lead",
    "cost_per_mql": "cost_per_qualified_lead",
    "cost_per_sql": "cost_per_qualified_lead",
    "campaign_roi": "campaign_roi",
    "roas": "roas",
    "email_campaigns": "email",
    "email_open_rate": "email",
    "email_click_rate": "email",
    "unsubscribe_rate": "email",
    "bounce_rate": "email",
    "acquisition_rate": "acquisition_rate",
    "brand_awareness": "brand_awareness",
    "market_share": "market_share",
}

if not TYPE_CHECKING:
    __getattr__ = loader(__name__, HOMES)
