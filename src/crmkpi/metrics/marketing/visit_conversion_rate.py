from crmkpi.definition.metric import metric
from crmkpi.metrics.literature import WEB_ANALYTICS
from crmkpi.metrics.tables import visits

no_conversions = {"no conversions": visits.conversions.missing()}


@metric(
    at=visits.at,
    conversions=visits.sum(visits.conversions),
    sessions=visits.sum(visits.sessions),
    leave_out=no_conversions,
    unit="ratio",
    better="higher",
    empty="there was no session",
    also_known_as=(
        "website conversion rate",
        "site conversion rate",
        "session conversion rate",
        "visitor-to-lead rate",
    ),
    default_because="Sessions add up over days and channels; visitors do not, since one person comes on several days.",
    sources=(WEB_ANALYTICS,),
    ahead_of=("lead_volume",),
    within=(0, None),
)
def visit_conversion_rate(conversions: int, sessions: int) -> float:
    r"""How many conversions a session on the website brings.

    $$\text{website conversion rate} = \frac{\text{conversions}}{\text{sessions}}$$

    Sessions and conversions count on the day of the visit. Visits whose conversions were not measured are left out,
    with their sessions; a measured 0 is a 0. It exceeds 1 where sessions convert more than once.

    Notes:
        Web analytics that count people divide by visitors (`by_visitors`), a higher rate on the same traffic.

    Pitfalls:
        Bots visit and never convert, so that a wave of them looks like a worse website.

    >>> visits = [Visit(id="1", sessions=300, conversions=9), Visit(id="2", sessions=100, conversions=1),
    ...           Visit(id="3", sessions=50)]
    >>> visit_conversion_rate(visits).value, visit_conversion_rate(visits).left_out
    (0.025, {'no conversions': 1})
    """
    return conversions / sessions


@visit_conversion_rate.add_variant(
    visitors=visits.sum(visits.visitors),
    leave_out=no_conversions | {"no visitors": visits.visitors.missing()},
    empty="there was no visitor",
)
def by_visitors(conversions: int, visitors: int) -> float:
    r"""How many conversions a visitor of the website brings.

    $$\text{conversion rate by visitors} = \frac{\text{conversions}}{\text{visitors}}$$

    Visitors are those that each record counts: a person who comes on two days is a visitor of both. It exceeds 1 where
    visitors convert more than once.

    >>> visits = [Visit(id="1", sessions=300, visitors=200, conversions=9),
    ...           Visit(id="2", sessions=100, conversions=1)]
    >>> visit_conversion_rate.variant("by_visitors")(visits).value
    0.045
    """
    return conversions / visitors
