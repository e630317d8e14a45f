from crmkpi.definition.metric import Share, metric
from crmkpi.metrics.literature import DEMAND_WATERFALL
from crmkpi.metrics.marketing.lead_volume import merged_or_deleted
from crmkpi.metrics.tables import leads


@metric(
    at=leads.created_at,
    mqls=leads.count(leads.mql_at.present()),
    leads=leads.count(),
    leave_out=merged_or_deleted,
    interval=Share("mqls", "leads"),
    unit="ratio",
    better="higher",
    empty="no lead was created",
    also_known_as=("lead to MQL rate", "marketing qualified lead rate", "lead-to-MQL conversion rate"),
    default_because="A cohort by creation: each lead is compared with what became of itself.",
    sources=(DEMAND_WATERFALL,),
    ahead_of=("lead_conversion_rate",),
)
def mql_rate(mqls: int, leads: int) -> float:
    r"""Share of the leads created in the period that marketing has qualified.

    $$\text{MQL rate} = \frac{\text{leads with an MQL date}}{\text{leads created}}$$

    A lead counts in the period in which it was created, whenever it qualified.

    Pitfalls:
        The latest months are low: their leads are young. Where leads qualify on arrival it says how the score is set.

    >>> mql_rate([Lead(id="1", mql_at="2026-01-09"), Lead(id="2")]).value
    0.5
    """
    return mqls / leads
