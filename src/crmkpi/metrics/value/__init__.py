"""Value: what customers bring, and what it costs to win them."""

from __future__ import annotations

import crmkpi.metrics.value.value_by_model  # noqa: F401  # adds its variants to customer_lifetime_value
from crmkpi.metrics.value.acquisition_economics import cac_payback_period, ltv_to_cac_ratio
from crmkpi.metrics.value.customer_acquisition_cost import customer_acquisition_cost
from crmkpi.metrics.value.customer_lifetime_value import customer_lifetime_value
from crmkpi.metrics.value.return_on_investment import return_on_investment
from crmkpi.metrics.value.revenue_per_customer import revenue_per_customer

__all__ = [
    "cac_payback_period",
    "customer_acquisition_cost",
    "customer_lifetime_value",
    "ltv_to_cac_ratio",
    "return_on_investment",
    "revenue_per_customer",
]

METRICS = (
    customer_lifetime_value,
    customer_acquisition_cost,
    ltv_to_cac_ratio,
    cac_payback_period,
    return_on_investment,
    revenue_per_customer,
)
