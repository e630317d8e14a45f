# Written by `python .ci/stubs.py`; do not edit.
from crmkpi.metrics.value.acquisition_economics import cac_payback_period as cac_payback_period
from crmkpi.metrics.value.acquisition_economics import ltv_to_cac_ratio as ltv_to_cac_ratio
from crmkpi.metrics.value.customer_acquisition_cost import customer_acquisition_cost as customer_acquisition_cost
from crmkpi.metrics.value.customer_lifetime_value import customer_lifetime_value as customer_lifetime_value
from crmkpi.metrics.value.return_on_investment import return_on_investment as return_on_investment
from crmkpi.metrics.value.revenue_per_customer import revenue_per_customer as revenue_per_customer

__all__ = [
    "cac_payback_period",
    "customer_acquisition_cost",
    "customer_lifetime_value",
    "ltv_to_cac_ratio",
    "return_on_investment",
    "revenue_per_customer",
]
