# Written by `python .ci/stubs.py`; do not edit.
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
