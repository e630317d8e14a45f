from crmkpi.definition.metric import NetPromoter, metric
from crmkpi.metrics.tables import surveys

nps = surveys.kind == "nps"
customers = surveys.per(surveys.customer_id, score=surveys.latest(surveys.score, nps))


@metric(
    at=surveys.answered_at,
    promoters=surveys.count(nps & (surveys.score >= 9)),
    detractors=surveys.count(nps & (surveys.score < 7)),
    answers=surveys.count(nps),
    leave_out={
        "no score": nps & surveys.score.missing(),
        "other scale": nps & ((surveys.scale_low != 0) | (surveys.scale_high != 10)),
    },
    interval=NetPromoter("promoters", "detractors", "answers"),
    unit="score",
    better="higher",
    empty="nobody answered",
    also_known_as=("NPS", "net promoter"),
    default_because="All answers count, as in nearly every tool; someone who is asked often then counts often.",
    sources=(
        "Reichheld: The One Number You Need to Grow, Harvard Business Review, December 2003",
        "Rocks 2016: Interval Estimation for the Net Promoter Score, The American Statistician 70(4)",
    ),
    ahead_of=("retention_rate",),
)
def net_promoter_score(promoters: int, detractors: int, answers: int) -> float:
    r"""By how much promoters (9 or more) outnumber detractors (below 7), in points of a hundred.

    $$\text{NPS} = 100 \times \frac{\text{promoters} - \text{detractors}}{\text{answers}}$$

    Answers on the scale from 0 to 10; passives are those from 7 to below 9, also of fractions: 6.5 is below 7. An
    answer counts in the period in which it was given. Surveys without a score are left out under "no score", those on
    another scale, where 9 and 6 mean something else, under "other scale".

    Notes:
        Some tools round each of the two shares first, which can move the score by a point.

    Pitfalls:
        It has no percent sign: 50 is 75 % promoters and 25 % detractors, or 50 % and none. On forty answers it is
        uncertain by some 25 points either way.

    >>> surveys = [Survey(id=str(n), kind="nps", score=score) for n, score in enumerate([10, 9, 8, 3])]
    >>> net_promoter_score(surveys).value
    25.0
    """
    return 100 * (promoters - detractors) / answers


@net_promoter_score.add_variant(
    promoters=customers.count(customers.score >= 9),
    detractors=customers.count(customers.score < 7),
    answers=customers.count(),
    empty="no customer answered",
)
def latest_per_customer() -> None:
    r"""The net promoter score of customers, each counted once with the latest answer.

    $$\text{NPS} = 100 \times \frac{\text{promoters} - \text{detractors}}{\text{customers who answered}}$$

    Answers without a customer or without a date are left out, also where no period is asked for: without a date
    nobody knows which one is the latest.

    >>> surveys = [Survey(id="1", kind="nps", score=2, customer_id="A", answered_at="2026-01-05"),
    ...            Survey(id="2", kind="nps", score=10, customer_id="A", answered_at="2026-02-05")]
    >>> net_promoter_score.variant("latest_per_customer")(surveys).value
    100.0
    """
