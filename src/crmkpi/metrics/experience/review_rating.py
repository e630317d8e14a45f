from crmkpi.definition.metric import Mean, Share, metric
from crmkpi.metrics.experience.scales import one_scale
from crmkpi.metrics.literature import MARKETING_METRICS
from crmkpi.metrics.tables import surveys

review = surveys.kind == "review"
no_score = {"no score": review & surveys.score.missing()}


@metric(
    at=surveys.answered_at,
    total=surveys.sum(surveys.score, review),
    reviews=surveys.count(review & surveys.score.present()),
    shortest=surveys.min(surveys.scale_high - surveys.scale_low, review & surveys.score.present()),
    longest=surveys.max(surveys.scale_high - surveys.scale_low, review & surveys.score.present()),
    first_start=surveys.min(surveys.scale_low, review & surveys.score.present()),
    last_start=surveys.max(surveys.scale_low, review & surveys.score.present()),
    leave_out=no_score,
    interval=Mean("total", "reviews"),
    unit="score",
    better="higher",
    empty="nobody wrote a review",
    also_known_as=("average review rating", "review score", "product rating", "online review rating", "review ratings"),
    default_because="The plain mean, as shops and maps show their stars.",
    sources=(MARKETING_METRICS,),
    ahead_of=("lead_volume",),
)
def review_rating(
    total: float, reviews: int, shortest: float, longest: float, first_start: float, last_start: float
) -> float:
    r"""How public reviews rate the firm on average.

    $$\text{review rating} = \operatorname{mean}(\text{score of reviews})$$

    Surveys of the kind review, in their own scale, 1 to 5 stars unless it says otherwise; different scales do not
    average. A review counts in the period in which it was written.

    Pitfalls:
        People who are delighted or angry write, others do not. Shops show a mean of all years, not of the last month.

    >>> review_rating([Survey(id=str(n), kind="review", score=score) for n, score in enumerate([5, 5, 2])]).value
    4.0
    """
    one_scale(shortest, longest, first_start, last_start)
    return total / reviews


@review_rating.add_variant(
    top=surveys.count(review & (surveys.score >= surveys.scale_high)),
    reviews=surveys.count(review),
    interval=Share("top", "reviews"),
    unit="ratio",
)
def top_share(top: int, reviews: int) -> float:
    r"""Share of the reviews with the best score of the scale.

    $$\text{top share} = \frac{\text{reviews with the highest score}}{\text{reviews with a score}}$$

    >>> reviews = [Survey(id=str(n), kind="review", score=score) for n, score in enumerate([5, 5, 2, 4])]
    >>> review_rating.variant("top_share")(reviews).value
    0.5
    """
    return top / reviews
