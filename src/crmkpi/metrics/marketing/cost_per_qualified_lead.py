"""The cost of a qualified lead."""

from decimal import Decimal

from crmkpi.definition.metric import metric
from crmkpi.metrics.literature import DEMAND_WATERFALL, MARKETING_METRICS
from crmkpi.metrics.marketing.cost_per_lead import spend
from crmkpi.metrics.marketing.lead_volume import merged_or_deleted
from crmkpi.metrics.tables import leads


@metric(
    spend=spend,
    mqls=leads.count(leads.mql_at.present(), at=leads.mql_at),
    leave_out=merged_or_deleted,
    unit="money",
    better="lower",
    empty="no lead was qualified",
    also_known_as=("CPMQL", "cost per marketing qualified lead"),
    default_because="All marketing spend is for qualified leads in the end; a part of it would have to be guessed.",
    sources=(MARKETING_METRICS, DEMAND_WATERFALL),
)
def cost_per_mql(spend: Decimal, mqls: int) -> Decimal:
    r"""Marketing spend for each lead that marketing qualified.

    $$\text{cost per MQL} = \frac{\text{marketing spend}}{\text{leads that became MQLs}}$$

    Spend counts on the day it was spent, a lead on the day it was qualified.

    Pitfalls:
        A lower threshold makes it cheaper without a better lead. Spend of a month brings leads of later ones too.

    >>> spend = [Expense(id="1", amount=300, team="marketing"), Expense(id="2", amount=900, team="sales")]
    >>> cost_per_mql(expenses=spend, leads=[Lead(id="1", mql_at="2026-01-09"), Lead(id="2")]).value
    Decimal('300')
    """
    return spend / mqls


@metric(
    spend=spend,
    sqls=leads.count(leads.sql_at.present(), at=leads.sql_at),
    leave_out=merged_or_deleted,
    unit="money",
    better="lower",
    empty="no lead was qualified",
    also_known_as=("CPSQL", "cost per sales qualified lead"),
    default_because="Marketing spend only, as for the other costs of a lead, so that the three compare.",
    sources=(MARKETING_METRICS, DEMAND_WATERFALL),
)
def cost_per_sql(spend: Decimal, sqls: int) -> Decimal:
    r"""Marketing spend for each lead that sales accepted as qualified.

    $$\text{cost per SQL} = \frac{\text{marketing spend}}{\text{leads that became SQLs}}$$

    Spend counts on the day it was spent, a lead on the day sales qualified it.

    Pitfalls:
        The work of sales to qualify leads is not in it. Spend of a month brings leads of later ones too.

    >>> spend = [Expense(id="1", amount=300, team="marketing")]
    >>> cost_per_sql(expenses=spend, leads=[Lead(id=str(n), sql_at="2026-01-09") for n in range(3)]).value
    Decimal('100')
    """
    return spend / sqls
