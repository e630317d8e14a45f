"""Customer satisfaction rating."""

from __future__ import annotations

from crmkpi.definition.measures import Table
from crmkpi.definition.metric import metric
from crmkpi.metrics.literature import MARKETING_METRICS
from crmkpi.records import Survey

surveys = Table(Survey)
csat = surveys.kind == "csat"


@metric(
    at=surveys.answered_at,
    rating=surveys.mean(surveys.score, csat),
    leave_out={"no score": csat & surveys.score.missing()},
    unit="score",
    better="higher",
    empty="nobody answered",
    also_known_as=("average rating", "mean satisfaction", "star rating", "average CSAT rating"),
    default_because="The plain mean of the answers, as shops show their stars.",
    sources=(MARKETING_METRICS,),
)
def customer_satisfaction_rating() -> None:
    r"""How customers rate the firm on average.

    $$\text{satisfaction rating} = \operatorname{mean}(\text{score})$$

    In the scale of the survey, 1 to 5 unless it says otherwise; do not mix scales. An answer counts in the period in
    which it was given; surveys without a score are left out.

    Returns:
        A score in the survey's scale, with Student's t interval; undefined where nobody answered.

    Pitfalls:
        The share of satisfied answers is `customer_satisfaction_score`; a mean of 4.2 is not 84 %. Stars of five and
        points of ten have no mean together: by="scale_high" keeps them apart.

    Examples:
        >>> from crmkpi import Survey, customer_satisfaction_rating
        >>> customer_satisfaction_rating([Survey(id=str(n), kind="csat", score=score)
        ...                               for n, score in enumerate([5, 4, 3])]).value
        4.0
    """
