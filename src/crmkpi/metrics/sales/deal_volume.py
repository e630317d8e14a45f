from crmkpi.definition.metric import metric
from crmkpi.metrics.literature import CRACKING_SALES
from crmkpi.metrics.tables import deals


@metric(
    at=deals.created_at,
    deals=deals.count(),
    leave_out={"deleted": deals.deleted},
    unit="count",
    better="higher",
    empty="none was opened",
    also_known_as=("deals created", "new deals", "new opportunities", "number of deals", "opportunities created"),
    default_because="Every deal that was opened counts, so that months compare however their deals end.",
    sources=(CRACKING_SALES,),
    ahead_of=("revenue",),
)
def deal_volume() -> None:
    r"""How many deals were opened.

    $$\text{deal volume} = \text{deals created}$$

    A deal counts in the period in which it was created, however it ended.

    Pitfalls:
        Renewals opened by the system a year ahead count as well: look at it by kind.

    >>> print(deal_volume([Deal(id="1", status="won"), Deal(id="2", status="open", deleted=True)]))
    deal_volume 1; left out: 1 deleted
    """
