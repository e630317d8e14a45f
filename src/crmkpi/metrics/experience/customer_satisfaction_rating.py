from crmkpi.definition.metric import Mean, metric
from crmkpi.metrics.experience.scales import one_scale
from crmkpi.metrics.literature import MARKETING_METRICS
from crmkpi.metrics.tables import surveys

csat = surveys.kind == "csat"


@metric(
    at=surveys.answered_at,
    total=surveys.sum(surveys.score, csat),
    answers=surveys.count(csat & surveys.score.present()),
    shortest=surveys.min(surveys.scale_high - surveys.scale_low, csat & surveys.score.present()),
    longest=surveys.max(surveys.scale_high - surveys.scale_low, csat & surveys.score.present()),
    first_start=surveys.min(surveys.scale_low, csat & surveys.score.present()),
    last_start=surveys.max(surveys.scale_low, csat & surveys.score.present()),
    leave_out={"no score": csat & surveys.score.missing()},
    interval=Mean("total", "answers"),
    unit="score",
    better="higher",
    empty="nobody answered",
    also_known_as=("average rating", "mean satisfaction", "star rating", "average CSAT rating"),
    default_because="The plain mean of the answers, as shops show their stars.",
    sources=(MARKETING_METRICS,),
    ahead_of=("retention_rate",),
)
def customer_satisfaction_rating(
    total: float, answers: int, shortest: float, longest: float, first_start: float, last_start: float
) -> float:
    r"""How customers rate the firm on average.

    $$\text{satisfaction rating} = \operatorname{mean}(\text{score})$$

    In the scale of the survey, 1 to 5 unless it says otherwise; different scales do not average. An answer counts in
    the period in which it was given.

    Pitfalls:
        The share of satisfied answers is `customer_satisfaction_score`; a mean of 4.2 is not 84 %. Stars of five and
        points of ten have no mean together: by="scale_high" keeps them apart.

    >>> customer_satisfaction_rating([Survey(id=str(n), kind="csat", score=score)
    ...                               for n, score in enumerate([5, 4, 3])]).value
    4.0
    """
    one_scale(shortest, longest, first_start, last_start)
    return total / answers
