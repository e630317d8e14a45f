"""Counts of won and open deals."""

from crmkpi.definition.metric import metric
from crmkpi.metrics.literature import CRACKING_SALES
from crmkpi.metrics.sales.pipeline_value import unknown, was_open
from crmkpi.metrics.tables import deals


@metric(
    at=deals.closed_at,
    won=deals.count(deals.status == "won"),
    leave_out={"deleted": deals.deleted},
    unit="count",
    better="higher",
    empty="no deal was won",
    also_known_as=("deals won", "closed won", "number of won deals", "number of deals won", "number of sales"),
    default_because="By the day on which they were won, whenever they were created.",
    sources=(CRACKING_SALES,),
)
def won_deals() -> None:
    r"""How many deals were won.

    $$\text{won deals} = \text{deals closed as won in the period}$$

    A won deal without the date of its closing counts in no period.

    Pitfalls:
        Ten small deals are not better than one large: look at `revenue` beside it.

    >>> won_deals([Deal(id="1", status="won"), Deal(id="2", status="lost")]).value
    1
    """


@metric(
    open_deals=deals.count(was_open),
    leave_out=unknown,
    unit="count",
    better="higher",
    empty="nothing is open",
    also_known_as=("open opportunities", "deals in the pipeline", "number of open deals", "opportunities"),
    default_because="A stock like `pipeline_value`: earlier periods show what was open then.",
    sources=(CRACKING_SALES,),
    ahead_of=("revenue",),
)
def open_deals() -> None:
    r"""How many deals are open at the end of the period.

    $$\text{open deals} = \text{deals created before the end and not closed by then}$$

    The same deals as in `pipeline_value`, with or without an amount; without a period those that are open now.

    Pitfalls:
        Deals that nobody works on stay open and count. The counts of two months are not added.

    >>> deals = [Deal(id="1", status="open", created_at="2026-01-10"),
    ...          Deal(id="2", status="won", created_at="2026-01-20", closed_at="2026-02-10")]
    >>> open_deals(deals, period="2026-01").value, open_deals(deals).value
    (2, 1)
    """
