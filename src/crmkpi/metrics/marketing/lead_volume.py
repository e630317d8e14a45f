from crmkpi.definition.metric import metric
from crmkpi.metrics.literature import MARKETING_METRICS
from crmkpi.metrics.tables import leads

merged_or_deleted = {"merged": leads.merged_into.present(), "deleted": leads.deleted}


@metric(
    at=leads.created_at,
    leads=leads.count(),
    leave_out=merged_or_deleted,
    unit="count",
    empty="none came in",
    also_known_as=("prospects", "number of prospects", "leads", "new leads", "number of leads", "lead count"),
    default_because="Every lead that came in is one, whatever became of it; a merged one is the same lead twice.",
    sources=(MARKETING_METRICS,),
    ahead_of=("deal_volume",),
    guarded_by=("lead_conversion_rate",),
)
def lead_volume() -> None:
    r"""How many leads came in.

    $$\text{lead volume} = \text{leads created}$$

    A lead counts in the period in which it was created.

    Notes:
        Salesforce deletes a lead that is merged into another, so that counts of the past change.

    Pitfalls:
        Imports and trade fairs bring thousands of leads in a day that nobody asked for: look at it by source.

    >>> print(lead_volume([Lead(id="1"), Lead(id="2"), Lead(id="3", merged_into="1")]))
    lead_volume 2; left out: 1 merged
    """
