# Written by `python .ci/stubs.py`; do not edit.
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
