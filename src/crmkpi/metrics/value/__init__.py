"""Value: what customers bring, and what it costs to win them."""

from __future__ import annotations

from crmkpi.metrics.value.customer_acquisition_cost import customer_acquisition_cost
from crmkpi.metrics.value.customer_lifetime_value import customer_lifetime_value
from crmkpi.metrics.value.return_on_investment import return_on_investment

__all__ = ["customer_acquisition_cost", "customer_lifetime_value", "return_on_investment"]

METRICS = (customer_lifetime_value, customer_acquisition_cost, return_on_investment)
