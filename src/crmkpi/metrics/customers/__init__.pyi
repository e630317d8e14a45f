# Written by `python .ci/stubs.py`; do not edit.
from crmkpi.metrics.customers.average_order_value import average_order_value as average_order_value
from crmkpi.metrics.customers.cohort_retention import cohort_retention as cohort_retention
from crmkpi.metrics.customers.customer_counts import active_customers as active_customers
from crmkpi.metrics.customers.customer_counts import lost_customers as lost_customers
from crmkpi.metrics.customers.customer_counts import new_customers as new_customers
from crmkpi.metrics.customers.customer_lifespan import customer_lifespan as customer_lifespan
from crmkpi.metrics.customers.mrr_movements import churned_mrr as churned_mrr
from crmkpi.metrics.customers.mrr_movements import contraction_mrr as contraction_mrr
from crmkpi.metrics.customers.mrr_movements import expansion_mrr as expansion_mrr
from crmkpi.metrics.customers.mrr_movements import net_new_mrr as net_new_mrr
from crmkpi.metrics.customers.mrr_movements import new_mrr as new_mrr
from crmkpi.metrics.customers.mrr_movements import reactivation_mrr as reactivation_mrr
from crmkpi.metrics.customers.order_outcomes import cart_abandonment_rate as cart_abandonment_rate
from crmkpi.metrics.customers.order_outcomes import delivery_time as delivery_time
from crmkpi.metrics.customers.order_outcomes import return_rate as return_rate
from crmkpi.metrics.customers.purchase_frequency import purchase_frequency as purchase_frequency
from crmkpi.metrics.customers.recurring_revenue import arpu as arpu
from crmkpi.metrics.customers.recurring_revenue import arr as arr
from crmkpi.metrics.customers.recurring_revenue import mrr as mrr
from crmkpi.metrics.customers.repeat_purchase_rate import repeat_purchase_rate as repeat_purchase_rate
from crmkpi.metrics.customers.retention import churn_rate as churn_rate
from crmkpi.metrics.customers.retention import retention_rate as retention_rate
from crmkpi.metrics.customers.revenue_retention import gross_revenue_retention as gross_revenue_retention
from crmkpi.metrics.customers.revenue_retention import net_revenue_retention as net_revenue_retention
from crmkpi.metrics.customers.revenue_retention import revenue_churn_rate as revenue_churn_rate

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
