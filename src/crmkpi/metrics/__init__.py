"""The definitions, one family a file, in theme folders; `METRICS` lists them in the order of the catalogue."""

from __future__ import annotations

from crmkpi.metrics import customers, experience, marketing, sales, service, value

__all__ = ["METRICS", "customers", "experience", "marketing", "sales", "service", "value"]

METRICS = (
    *marketing.METRICS,
    *sales.METRICS,
    *customers.METRICS,
    *value.METRICS,
    *service.METRICS,
    *experience.METRICS,
)
