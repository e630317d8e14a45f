from crmkpi.definition.metric import metric
from crmkpi.metrics.literature import MARKETING_METRICS
from crmkpi.metrics.tables import interactions

social = interactions.kind == "social"


@metric(
    at=interactions.at,
    mentions=interactions.count(social & (interactions.direction == "inbound")),
    leave_out={"no direction": social & interactions.direction.missing()},
    unit="count",
    empty="nobody spoke of it",
    also_known_as=("brand mentions", "social media mentions", "mentions"),
    default_because="Mentions by others; the firm's own posts are advertising.",
    sources=(MARKETING_METRICS,),
    ahead_of=("brand_awareness",),
)
def social_mentions() -> None:
    r"""How often people spoke of the firm on social media.

    $$\text{social mentions} = \text{inbound interactions of the kind social}$$

    A mention counts when it appeared, praise and blame alike. The firm's own posts are outbound and do not count.

    Pitfalls:
        Blame counts like praise, and one scandal makes the best month. The search words decide what is found.

    >>> posts = [Interaction(id="1", kind="social", direction="inbound"),
    ...          Interaction(id="2", kind="social", direction="outbound")]
    >>> social_mentions(posts).value
    1
    """
