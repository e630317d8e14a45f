from crmkpi.definition.metric import Mean, Share, metric
from crmkpi.metrics.experience.scales import effort_scale, effort_scales
from crmkpi.metrics.literature import EFFORTLESS
from crmkpi.metrics.tables import surveys

ces = surveys.kind == "ces"
scored = ces & surveys.score.present()
no_scale = scored & surveys.scale_high.missing()


@metric(
    at=surveys.answered_at,
    total=surveys.sum(surveys.score, ces),
    answers=surveys.count(scored),
    ends=surveys.distinct(surveys.scale_high, scored & surveys.scale_high.present()),
    at_seven=surveys.count(scored & (surveys.scale_high == 7)),
    unsaid=surveys.count(no_scale),
    above_five=surveys.count(no_scale & (surveys.score > 5)),
    leave_out={"no score": ces & surveys.score.missing()},
    interval=Mean("total", "answers"),
    unit="score",
    better="lower",
    empty="nobody answered",
    also_known_as=("CES", "customer effort"),
    default_because="The score names effort, so that a high one is much of it; surveys that ask for ease want `ease`.",
    sources=(EFFORTLESS,),
    ahead_of=("churn_rate",),
)
def customer_effort_score(total: float, answers: int, ends: int, at_seven: int, unsaid: int, above_five: int) -> float:
    r"""How much effort customers had on average; low is good.

    $$\text{CES} = \operatorname{mean}(\text{effort})$$

    In the scale of the survey, 1 to 5 or 1 to 7; several scales do not average. An answer counts when it was given.

    Notes:
        No CRM computes it from records. Survey tools differ in the scale, 1 to 5 or 1 to 7, and in its direction.

    Pitfalls:
        Two surveys with opposite wording average to the middle, whatever customers said. Declare which one it is. Two
        scales have no mean together: by="scale_high" keeps them apart.

    >>> surveys = [Survey(id=str(n), kind="ces", score=score) for n, score in enumerate([1, 2, 6])]
    >>> customer_effort_score(surveys).value
    3.0
    """
    effort_scales(ends, at_seven, unsaid, above_five)
    return total / answers


@customer_effort_score.add_variant(better="higher")
def ease() -> None:
    r"""How easy customers found it on average, for surveys in which a high score means easy; high is good.

    $$\text{CES (ease)} = \operatorname{mean}(\text{ease})$$

    The same mean as the default with the opposite direction: "the company made it easy", disagree to agree.

    >>> surveys = [Survey(id=str(n), kind="ces", score=score) for n, score in enumerate([7, 6, 5])]
    >>> customer_effort_score.variant("ease")(surveys).value
    6.0
    """


@customer_effort_score.add_variant(
    low_effort=surveys.count(
        ces
        & (
            (surveys.score * 2 < surveys.scale_low + surveys.scale_high)
            | (surveys.scale_high.missing() & (surveys.score < 4))
        )
    ),
    answers=surveys.count(ces),
    interval=Share("low_effort", "answers"),
    unit="ratio",
    better="higher",
)
def low_effort_share(low_effort: int, answers: int, unsaid: int, above_five: int) -> float:
    r"""Share of the answers that speak of little effort: below the middle of the scale.

    $$\text{low effort share} = \frac{\text{answers below the middle}}{\text{answers with a score}}$$

    On a scale from 1 to 7 these are 1, 2 and 3, on one from 1 to 5 these are 1 and 2. Answers that name no scale show
    it where one is above 5; else the share is undefined, and the scale must be said.

    >>> surveys = [Survey(id=str(n), kind="ces", score=score) for n, score in enumerate([1, 2, 4, 6])]
    >>> customer_effort_score.variant("low_effort_share")(surveys).value
    0.5
    """
    effort_scale(unsaid, above_five)
    return low_effort / answers
