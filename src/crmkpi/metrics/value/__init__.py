"""Value: what customers bring, and what it costs to win them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crmkpi._lazy import loader

if TYPE_CHECKING:
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

# The module of each KPI, in the order of the catalogue.
HOMES = {
    "customer_lifetime_value": "value_by_model",  # which adds variants to it
    "customer_acquisition_cost": "customer_acquisition_cost",
    "ltv_to_cac_ratio": "acquisition_economics",
    "cac_payback_period": "acquisition_economics",
    "return_on_investment": "return_on_investment",
    "revenue_per_customer": "revenue_per_customer",
}

if not TYPE_CHECKING:
    __getattr__ = loader(__name__, HOMES)
