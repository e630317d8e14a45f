from decimal import Decimal

from crmkpi.definition.metric import metric
from crmkpi.metrics.literature import MARKETING_METRICS
from crmkpi.metrics.tables import campaigns, deals

won = deals.status == "won"


@metric(
    revenue=deals.sum(deals.amount, won, at=deals.closed_at),
    cost=campaigns.sum(campaigns.cost, at=campaigns.started_at),
    leave_out={"deleted": deals.deleted, "no campaign": won & deals.campaign_id.missing()},
    unit="ratio",
    better="higher",
    empty="nothing was spent",
    also_known_as=("campaign return on investment", "marketing ROI", "ROMI"),
    default_because="The deal's primary campaign takes all the credit, as in Salesforce; its cost counts once.",
    sources=("Salesforce Help: Campaign ROI counts won opportunities by Primary Campaign Source", MARKETING_METRICS),
)
def campaign_roi(revenue: Decimal, cost: Decimal) -> Decimal:
    r"""Won revenue of campaigns beyond their cost, as a fraction of the cost.

    $$\text{campaign ROI} = \frac{\text{won revenue of campaigns} - \text{cost}}{\text{cost}}$$

    A won deal counts when it is closed, for its primary campaign; a campaign's cost counts once, when it starts,
    however many deals it brought. Over short periods the two belong to different campaigns: group by campaign over the
    whole data, `by=Segment("campaign", {"deals": "campaign_id", "campaigns": "id"})`, to judge each one.

    Notes:
        SuiteCRM joins campaigns with deals and counts the cost once per deal: three deals of 10,000 from a campaign
        that cost 5,000 show 100 % there. It is 500 %.

    Pitfalls:
        Revenue is no profit: with a margin of 30 % an ROI of 1 loses money. Deals of long cycles close after the
        report, so that young campaigns look bad.

    >>> deals = [Deal(id=str(n), status="won", amount=10_000, campaign_id="C1") for n in range(3)]
    >>> campaign_roi(deals=deals, campaigns=[Campaign(id="C1", cost=5_000)]).value
    5.0
    """
    return (revenue - cost) / cost
