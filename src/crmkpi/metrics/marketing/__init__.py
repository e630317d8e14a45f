"""Marketing: from attention to qualified leads, and what they cost."""

from __future__ import annotations

from crmkpi.metrics.marketing.campaign_roi import campaign_roi
from crmkpi.metrics.marketing.cost_per_lead import cost_per_lead
from crmkpi.metrics.marketing.lead_conversion_rate import lead_conversion_rate
from crmkpi.metrics.marketing.lead_volume import lead_volume
from crmkpi.metrics.marketing.mql_rate import mql_rate

__all__ = ["campaign_roi", "cost_per_lead", "lead_conversion_rate", "lead_volume", "mql_rate"]

METRICS = (lead_volume, lead_conversion_rate, mql_rate, cost_per_lead, campaign_roi)
