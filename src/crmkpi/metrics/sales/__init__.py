"""Sales: from an open deal to the money it brings."""

from __future__ import annotations

from crmkpi.metrics.sales.average_deal_size import average_deal_size
from crmkpi.metrics.sales.pipeline_value import pipeline_value, weighted_pipeline
from crmkpi.metrics.sales.revenue import revenue, revenue_growth_rate
from crmkpi.metrics.sales.sales_cycle_length import sales_cycle_length
from crmkpi.metrics.sales.win_rate import win_rate

__all__ = [
    "average_deal_size",
    "pipeline_value",
    "revenue",
    "revenue_growth_rate",
    "sales_cycle_length",
    "weighted_pipeline",
    "win_rate",
]

METRICS = (
    win_rate,
    average_deal_size,
    sales_cycle_length,
    revenue,
    revenue_growth_rate,
    pipeline_value,
    weighted_pipeline,
)
