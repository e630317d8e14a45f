# Written by `python .ci/stubs.py`; do not edit.
from crmkpi.metrics.experience.customer_effort_score import customer_effort_score as customer_effort_score
from crmkpi.metrics.experience.customer_satisfaction_rating import (
    customer_satisfaction_rating as customer_satisfaction_rating,
)
from crmkpi.metrics.experience.customer_satisfaction_score import (
    customer_satisfaction_score as customer_satisfaction_score,
)
from crmkpi.metrics.experience.interactions_per_customer import interactions_per_customer as interactions_per_customer
from crmkpi.metrics.experience.net_promoter_score import net_promoter_score as net_promoter_score
from crmkpi.metrics.experience.review_rating import review_rating as review_rating
from crmkpi.metrics.experience.social_mentions import social_mentions as social_mentions
from crmkpi.metrics.experience.social_sentiment import negative_mention_share as negative_mention_share
from crmkpi.metrics.experience.social_sentiment import net_sentiment as net_sentiment
from crmkpi.metrics.experience.survey_response_rate import survey_response_rate as survey_response_rate

__all__ = [
    "customer_effort_score",
    "customer_satisfaction_rating",
    "customer_satisfaction_score",
    "interactions_per_customer",
    "negative_mention_share",
    "net_promoter_score",
    "net_sentiment",
    "review_rating",
    "social_mentions",
    "survey_response_rate",
]
