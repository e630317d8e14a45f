from decimal import Decimal

from crmkpi.definition.metric import metric
from crmkpi.metrics.literature import MARKETING_METRICS
from crmkpi.metrics.tables import campaigns, deals

won = deals.status == "won"


@metric(
    revenue=deals.sum(deals.amount, won, at=deals.closed_at),
    cost=campaigns.sum(campaigns.cost, at=campaigns.started_at),
    leave_out={"deleted": deals.deleted, "no campaign": won & deals.campaign_id.missing()},
    unit="multiple",
    better="higher",
    title="Return on ad spend",
    empty="nothing was spent",
    also_known_as=("ROAS", "advertising return", "revenue per ad spend"),
    default_because="Advertising systems call revenue over cost by this name; profit is not in it.",
    sources=(MARKETING_METRICS,),
)
def roas(revenue: Decimal, cost: Decimal) -> Decimal:
    r"""How many times over the won deals of campaigns brought in what the campaigns cost.

    $$\text{ROAS} = \frac{\text{won revenue of campaigns}}{\text{cost}}$$

    It is `campaign_roi` plus one: 1.0 means that the money came back. A won deal counts when it is closed, for its
    primary campaign; a campaign's cost counts once, when it starts, however many deals it brought.

    Pitfalls:
        1.0 is not break-even unless the goods cost nothing. Each advertising system claims the whole sale for itself;
        here the deal names one campaign.

    >>> deals = [Deal(id=str(n), status="won", amount=10_000, campaign_id="C1") for n in range(3)]
    >>> roas(deals=deals, campaigns=[Campaign(id="C1", cost=5_000)]).value
    6.0
    """
    return revenue / cost
