from decimal import Decimal

from crmkpi.definition.metric import metric
from crmkpi.metrics.literature import MARKETING_METRICS
from crmkpi.metrics.marketing.lead_volume import merged_or_deleted
from crmkpi.metrics.tables import campaigns, expenses, leads

spend = expenses.sum(expenses.amount, expenses.team == "marketing", at=expenses.spent_at)


@metric(
    spend=spend,
    leads=leads.count(at=leads.created_at),
    leave_out=merged_or_deleted,
    unit="money",
    better="lower",
    empty="no lead came in",
    also_known_as=("CPL", "lead cost", "cost of a lead"),
    default_because="All marketing spend brought all leads; a campaign's cost often leaves out people and tools.",
    sources=(MARKETING_METRICS,),
    guarded_by=("lead_conversion_rate",),
)
def cost_per_lead(spend: Decimal, leads: int) -> Decimal:
    r"""Marketing spend for each lead that came in.

    $$\text{cost per lead} = \frac{\text{marketing spend}}{\text{leads created}}$$

    Spend counts on the day it was spent, a lead on the day it was created.

    Notes:
        Advertising systems divide their own cost by the leads they claim, each for itself.

    Pitfalls:
        Spend of this month often brings the leads of the next, so that short periods jump. Cheap leads may be bad: see
        `cost_per_sql`.

    >>> spend = [Expense(id="1", amount=300, team="marketing"), Expense(id="2", amount=900, team="sales")]
    >>> cost_per_lead(expenses=spend, leads=[Lead(id="1"), Lead(id="2")]).value
    Decimal('150')
    """
    return spend / leads


@cost_per_lead.add_variant(
    cost=campaigns.sum(campaigns.cost, at=campaigns.started_at),
    leads=leads.count(leads.campaign_id.present(), at=leads.created_at),
    leave_out=merged_or_deleted | {"no campaign": leads.campaign_id.missing()},
    empty="no lead is credited to a campaign",
)
def by_campaign_cost(cost: Decimal, leads: int) -> Decimal:
    r"""Campaign cost for each lead that is credited to a campaign.

    $$\text{cost per lead by campaign} = \frac{\text{cost of campaigns started}}{\text{leads with a campaign}}$$

    A campaign's cost counts once, on the day it started.

    >>> campaigns = [Campaign(id="C1", cost=500)]
    >>> leads = [Lead(id="1", campaign_id="C1"), Lead(id="2", campaign_id="C1"), Lead(id="3")]
    >>> cost_per_lead.variant("by_campaign_cost")(campaigns=campaigns, leads=leads).value
    Decimal('250')
    """
    return cost / leads
