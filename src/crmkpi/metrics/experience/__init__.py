"""Experience: what customers say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crmkpi._lazy import loader

if TYPE_CHECKING:
    from crmkpi.metrics.experience.customer_effort_score import customer_effort_score
    from crmkpi.metrics.experience.customer_satisfaction_rating import customer_satisfaction_rating
    from crmkpi.metrics.experience.customer_satisfaction_score import customer_satisfaction_score
    from crmkpi.metrics.experience.net_promoter_score import net_promoter_score
    from crmkpi.metrics.experience.social_mentions import social_mentions
    from crmkpi.metrics.experience.survey_response_rate import survey_response_rate

__all__ = [
    "customer_effort_score",
    "customer_satisfaction_rating",
    "customer_satisfaction_score",
    "net_promoter_score",
    "social_mentions",
    "survey_response_rate",
]

# The module of each KPI, in the order of the catalogue.
HOMES = {
    "net_promoter_score": "net_promoter_score",
    "customer_satisfaction_score": "customer_satisfaction_score",
    "customer_satisfaction_rating": "customer_satisfaction_rating",
    "customer_effort_score": "customer_effort_score",
    "survey_response_rate": "survey_response_rate",
    "social_mentions": "social_mentions",
}

if not TYPE_CHECKING:
    __getattr__ = loader(__name__, HOMES)
