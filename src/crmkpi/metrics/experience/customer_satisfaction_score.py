from crmkpi.definition.metric import Share, metric
from crmkpi.metrics.literature import MARKETING_METRICS
from crmkpi.metrics.tables import surveys

csat = surveys.kind == "csat"
steps = surveys.scale_high - surveys.scale_low
satisfied = (
    ((steps <= 2) & (surveys.score >= surveys.scale_high))
    | ((steps > 2) & (steps < 8) & (surveys.score >= surveys.scale_high - 1))
    | ((steps >= 8) & (surveys.score >= surveys.scale_high - 2))
)
no_score = {"no score": csat & surveys.score.missing()}
# Comparing twice the score with the sum of the scale's ends finds its side of the middle without rounding.
twice = surveys.score * 2
ends = surveys.scale_low + surveys.scale_high


@metric(
    at=surveys.answered_at,
    satisfied=surveys.count(csat & satisfied),
    answers=surveys.count(csat),
    leave_out=no_score,
    interval=Share("satisfied", "answers"),
    unit="ratio",
    better="higher",
    empty="nobody answered",
    also_known_as=("CSAT", "customer satisfaction", "satisfaction rate"),
    default_because="Satisfied is the top that vendors agree on: two boxes of five, three of ten, one of three.",
    sources=(MARKETING_METRICS, "Formbricks, pull request 7128: which answers count as satisfied, by length of scale"),
    ahead_of=("retention_rate",),
)
def customer_satisfaction_score(satisfied: int, answers: int) -> float:
    r"""Share of the answers that are satisfied.

    $$\text{CSAT} = \frac{\text{satisfied answers}}{\text{answers with a score}}$$

    Satisfied are the top box of scales up to three points, the top two of scales from four to eight points, and the top
    three of longer ones. An answer counts when it was given.

    Notes:
        Chatwoot and Formbricks count the top two of five as well; Zendesk has good and bad only (`good_bad`).

    Pitfalls:
        The choice of respondents decides: after a solved ticket people are kinder. Steps are taken for whole points:
        bring a scale from 0 to 100, or stars kept as 0 to 1, to its points before it is read.

    >>> surveys = [Survey(id=str(n), kind="csat", score=score) for n, score in enumerate([5, 4, 3, 1])]
    >>> customer_satisfaction_score(surveys).value
    0.5
    """
    return satisfied / answers


@customer_satisfaction_score.add_variant(satisfied=surveys.count(csat & (surveys.score >= surveys.scale_high)))
def top_box(satisfied: int, answers: int) -> float:
    r"""Share of the answers with the best score of the scale.

    $$\text{top box} = \frac{\text{answers with the highest score}}{\text{answers with a score}}$$

    >>> surveys = [Survey(id=str(n), kind="csat", score=score) for n, score in enumerate([5, 4, 3, 1])]
    >>> customer_satisfaction_score.variant("top_box")(surveys).value
    0.25
    """
    return satisfied / answers


@customer_satisfaction_score.add_variant(
    good=surveys.count(csat & (twice > ends)),
    rated=surveys.count(csat & ((twice > ends) | (twice < ends))),
    leave_out=no_score | {"neutral": csat & (twice == ends)},
    interval=Share("good", "rated"),
    empty="no answer was good or bad",
)
def good_bad(good: int, rated: int) -> float:
    r"""Share of good answers among the good and the bad ones; answers in the middle are left out.

    $$\text{good share} = \frac{\text{good}}{\text{good} + \text{bad}}$$

    Good is above the middle of the scale, bad below it. On a scale from 0 (bad) to 1 (good) it is Zendesk's.

    >>> surveys = [Survey(id=str(n), kind="csat", score=score) for n, score in enumerate([5, 4, 3, 1])]
    >>> round(customer_satisfaction_score.variant("good_bad")(surveys).value, 4)
    0.6667
    """
    return good / rated
