from crmkpi.definition.metric import Share, metric
from crmkpi.metrics.literature import KELLER, MARKETING_METRICS
from crmkpi.metrics.tables import surveys

awareness = surveys.kind == "awareness"


@metric(
    at=surveys.answered_at,
    aware=surveys.count(awareness & (surveys.score > surveys.scale_low)),
    answers=surveys.count(awareness & surveys.score.present()),
    leave_out={"no score": awareness & surveys.score.missing()},
    interval=Share("aware", "answers"),
    unit="ratio",
    better="higher",
    empty="nobody answered",
    also_known_as=("brand recognition", "brand recall", "aided awareness"),
    default_because="People without an answer say nothing about the brand, so that only answers count.",
    sources=(KELLER, MARKETING_METRICS),
    ahead_of=("lead_volume",),
)
def brand_awareness(aware: int, answers: int) -> float:
    r"""Share of the people asked who know the brand.

    $$\text{brand awareness} = \frac{\text{answers that know the brand}}{\text{answers}}$$

    Surveys of the kind awareness. The lowest score of the scale means that the brand is not known; on the usual scale 0
    is no and 1 is yes. An answer counts when it was given.

    Pitfalls:
        A survey of one's own customers finds that nearly all know the brand. Aided recognition, with the name on a
        list, is far above free recall: never mix the two.

    >>> brand_awareness([Survey(id=str(n), kind="awareness", score=score)
    ...                  for n, score in enumerate([1, 1, 1, 0])]).value
    0.75
    """
    return aware / answers
