from crmkpi.definition.metric import Share, metric
from crmkpi.metrics.literature import AAPOR
from crmkpi.metrics.tables import surveys

answered = surveys.answered_at.present() | surveys.score.present()


@metric(
    at=surveys.sent_at,
    answered=surveys.count(answered),
    sent=surveys.count(),
    interval=Share("answered", "sent"),
    unit="ratio",
    better="higher",
    empty="no survey was sent",
    also_known_as=("response rate", "answer rate"),
    default_because="A cohort compares surveys with their own answers, so that it can never exceed 100 %.",
    sources=(AAPOR,),
)
def survey_response_rate(answered: int, sent: int) -> float:
    r"""Share of the surveys sent in the period that were answered.

    $$\text{survey response rate} = \frac{\text{answered}}{\text{sent}}$$

    A cohort: a survey counts in the period in which it was sent, whenever it is answered. An answer has a date or a
    score; one with a comment alone is answered too if it has its date.

    Notes:
        Chatwoot divides the answers of the period by the surveys sent in it, which can exceed 100 % (`by_event`).

    Pitfalls:
        A good score from one in fifty says what one in fifty think. The latest days are low: answers still come in.

    >>> survey_response_rate([Survey(id="1", kind="nps", score=9), Survey(id="2", kind="nps")]).value
    0.5
    """
    return answered / sent


@survey_response_rate.add_variant(
    answered=surveys.count(answered, at=surveys.answered_at), interval=None, within=(0, None)
)
def by_event(answered: int, sent: int) -> float:
    r"""Answers of the period for each survey sent in it.

    $$\text{response rate by event} = \frac{\text{answered in the period}}{\text{sent in the period}}$$

    The answers belong to surveys of any age, so that the rate may exceed 1. An answer without a date counts over all
    data, and is left out of periods.

    >>> surveys = [Survey(id="1", kind="nps", sent_at="2026-01-30", answered_at="2026-02-02", score=9),
    ...            Survey(id="2", kind="nps", sent_at="2026-02-10", answered_at="2026-02-11", score=7)]
    >>> survey_response_rate.variant("by_event")(surveys, period="2026-02").value
    2.0
    """
    return answered / sent
