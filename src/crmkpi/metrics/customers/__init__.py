"""Customers: who stays, who leaves, and how often they buy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crmkpi._lazy import loader

if TYPE_CHECKING:
    from crmkpi.metrics.customers.average_order_value import average_order_value
    from crmkpi.metrics.customers.cohort_retention import cohort_retention
    from crmkpi.metrics.customers.customer_counts import active_customers, lost_customers, new_customers
    from crmkpi.metrics.customers.customer_lifespan import customer_lifespan
    from crmkpi.metrics.customers.mrr_movements import (
        churned_mrr,
        contraction_mrr,
        expansion_mrr,
        net_new_mrr,
        new_mrr,
        reactivation_mrr,
    )
    from crmkpi.metrics.customers.order_outcomes import cart_abandonment_rate, delivery_time, return_rate
    from crmkpi.metrics.customers.purchase_frequency import purchase_frequency
    from crmkpi.metrics.customers.recurring_revenue import arpu, arr, mrr
    from crmkpi.metrics.customers.repeat_purchase_rate import repeat_purchase_rate
    from crmkpi.metrics.customers.retention import churn_rate, retention_rate
    from crmkpi.metrics.customers.revenue_retention import (
        gross_revenue_retention,
        net_revenue_retention,
        revenue_churn_rate,
    )

__all__ = [
    "active_customers",
    "arpu",
    "arr",
    "average_order_value",
    "cart_abandonment_rate",
    "churn_rate",
    "churned_mrr",
    "cohort_retention",
    "contraction_mrr",
    "customer_lifespan",
    "delivery_time",
    "expansion_mrr",
    "gross_revenue_retention",
    "lost_customers",
    "mrr",
    "net_new_mrr",
    "net_revenue_retention",
    "new_customers",
    "new_mrr",
    "purchase_frequency",
    "reactivation_mrr",
    "repeat_purchase_rate",
    "retention_rate",
    "return_rate",
    "revenue_churn_rate",
]

# The module of each KPI, in the order of the catalogue.
HOMES = {
    "new_customers": "customer_counts",
    "lost_customers": "customer_counts",
    "active_customers": "customer_counts",
    "retention_rate": "retention",
    "churn_rate": "retention",
    "customer_lifespan": "customer_lifespan",
    "mrr": "recurring_revenue",
    "arr": "recurring_revenue",
    "arpu": "recurring_revenue",
    "net_new_mrr": "mrr_movements",
    "new_mrr": "mrr_movements",
    "expansion_mrr": "mrr_movements",
    "contraction_mrr": "mrr_movements",
    "churned_mrr": "mrr_movements",
    "reactivation_mrr": "mrr_movements",
    "gross_revenue_retention": "revenue_retention",
    "net_revenue_retention": "revenue_retention",
    "revenue_churn_rate": "revenue_retention",
    "cohort_retention": "cohort_retention",
    "repeat_purchase_rate": "repeat_purchase_rate",
    "purchase_frequency": "purchase_frequency",
    "average_order_value": "average_order_value",
    "cart_abandonment_rate": "order_outcomes",
    "return_rate": "order_outcomes",
    "delivery_time": "order_outcomes",
}

if not TYPE_CHECKING:
    __getattr__ = loader(__name__, HOMES)
