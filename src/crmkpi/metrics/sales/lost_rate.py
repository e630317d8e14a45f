from crmkpi.definition.metric import Share, metric
from crmkpi.metrics.literature import CRACKING_SALES
from crmkpi.metrics.tables import deals

lost = deals.status == "lost"
deleted = {"deleted": deals.deleted}


@metric(
    at=deals.closed_at,
    lost=deals.count(lost),
    closed=deals.count(deals.status.is_in("won", "lost")),
    leave_out=deleted,
    interval=Share("lost", "closed"),
    unit="ratio",
    better="lower",
    empty="no deal was closed",
    also_known_as=("loss rate", "lost deal rate", "lost opportunity rate"),
    default_because="The complement of the win rate, over the same deals.",
    sources=(CRACKING_SALES,),
)
def lost_rate(lost: int, closed: int) -> float:
    r"""Share of closed deals that were lost.

    $$\text{lost rate} = \frac{\text{lost}}{\text{won} + \text{lost}}$$

    Exactly 1 - win rate. A deal counts in the period in which it was closed; its status says whether it is closed.

    Pitfalls:
        Won deals have no reason for a loss, so that by="lost_reason" gives 1 for every reason. Which reasons weigh most
        is `lost_deals` by="lost_reason"; each count over all closed deals is that reason's part of the lost rate.

    >>> statuses = ["won", "won", "won", "lost", "open"]
    >>> lost_rate([Deal(id=str(n), status=status) for n, status in enumerate(statuses)]).value
    0.25
    """
    return lost / closed


@metric(
    at=deals.closed_at,
    lost=deals.count(lost),
    leave_out=deleted,
    unit="count",
    better="lower",
    empty="none was lost",
    also_known_as=("deals lost", "lost opportunities", "number of lost deals"),
    default_because="A lost deal counts when it was lost, which is when the reason is written down.",
    sources=(CRACKING_SALES,),
)
def lost_deals() -> None:
    r"""How many deals were lost; by="lost_reason" says why.

    $$\text{lost deals} = \text{deals with the status lost}$$

    A deal counts in the period in which it was closed. Deals lost without a reason are a group of their own (None).

    Pitfalls:
        Deals that nobody works on stay open for ever and are never lost. "Price" is the easiest reason to choose.

    >>> deals = [Deal(id=str(n), status="lost", lost_reason=why) for n, why in enumerate(["price", "price", None])]
    >>> [(result.segment["lost_reason"], result.value)
    ...  for result in Dataset(deals=deals).measure(lost_deals, by="lost_reason")]
    [('price', 2), (None, 1)]
    """
