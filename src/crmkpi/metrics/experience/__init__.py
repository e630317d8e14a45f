"""Experience: what customers say."""

from __future__ import annotations

from crmkpi.metrics.experience.customer_effort_score import customer_effort_score
from crmkpi.metrics.experience.customer_satisfaction_score import customer_satisfaction_score
from crmkpi.metrics.experience.net_promoter_score import net_promoter_score

__all__ = ["customer_effort_score", "customer_satisfaction_score", "net_promoter_score"]

METRICS = (net_promoter_score, customer_satisfaction_score, customer_effort_score)
