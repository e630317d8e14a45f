from decimal import Decimal

from crmkpi.definition.metric import metric
from crmkpi.definition.parameters import Parameter
from crmkpi.metrics.literature import MARKETING_METRICS
from crmkpi.metrics.tables import deals

market_revenue = Parameter("market_revenue", "what all sellers of the market earned in the same period", unit="money")


@metric(
    at=deals.closed_at,
    revenue=deals.sum(deals.amount, deals.status == "won"),
    leave_out={"deleted": deals.deleted},
    parameters=(market_revenue,),
    unit="ratio",
    better="higher",
    empty="the market's revenue is 0",
    also_known_as=("share of market", "revenue market share"),
    default_because="Revenue share is the usual meaning; a share of units needs the market's units.",
    sources=(MARKETING_METRICS,),
)
def market_share(revenue: Decimal, market_revenue: Decimal) -> Decimal:
    r"""The firm's part of the revenue of the whole market.

    $$\text{market share} = \frac{\text{own won revenue}}{\text{revenue of the market}}$$

    A deal counts in the period in which it was won. The parameter `market_revenue` is that of the same period, in the
    same currency; no CRM knows it.

    Pitfalls:
        Any share can be had by drawing the market small enough: say whose figure the market is. Won deals of a quarter
        against a market of a year is a quarter of the share.

    >>> market_share([Deal(id="1", status="won", amount=150)], market_revenue=1_000).value
    0.15
    """
    return revenue / market_revenue
