"""Customers: who stays, who leaves, and how often they buy."""

from __future__ import annotations

from crmkpi.metrics.customers.average_order_value import average_order_value
from crmkpi.metrics.customers.repeat_purchase_rate import repeat_purchase_rate
from crmkpi.metrics.customers.retention import churn_rate, retention_rate

__all__ = ["average_order_value", "churn_rate", "repeat_purchase_rate", "retention_rate"]

METRICS = (retention_rate, churn_rate, repeat_purchase_rate, average_order_value)
