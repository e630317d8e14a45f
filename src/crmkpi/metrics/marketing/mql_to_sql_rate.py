from crmkpi.definition.metric import Share, metric
from crmkpi.metrics.literature import DEMAND_WATERFALL
from crmkpi.metrics.marketing.lead_volume import merged_or_deleted
from crmkpi.metrics.tables import leads


@metric(
    at=leads.mql_at,
    sqls=leads.count(leads.mql_at.present() & leads.sql_at.present()),
    mqls=leads.count(leads.mql_at.present()),
    leave_out=merged_or_deleted,
    interval=Share("sqls", "mqls"),
    unit="ratio",
    better="higher",
    empty="marketing qualified no lead",
    also_known_as=("MQL-to-SQL conversion rate", "MQL conversion rate"),
    default_because="A cohort by MQL date. A lead that sales took up without one says nothing of marketing's leads.",
    sources=(DEMAND_WATERFALL,),
    ahead_of=("lead_conversion_rate",),
)
def mql_to_sql_rate(sqls: int, mqls: int) -> float:
    r"""Share of the leads that marketing qualified in the period which sales qualified as well.

    $$\text{MQL to SQL rate} = \frac{\text{MQLs that became SQLs}}{\text{MQLs}}$$

    A lead counts in the period in which marketing qualified it, whenever sales did. Leads that skipped the first stage
    (sales-qualified without an MQL date) count on neither side.

    Notes:
        A system that clears the later date when a lead is moved back loses the SQL; one that counts SQLs of the period
        over MQLs of the period compares different leads and can exceed 100 %.

    Pitfalls:
        The latest months are low while sales still works on their leads.

    >>> leads = [Lead(id="1", mql_at="2026-01-09", sql_at="2026-02-01"), Lead(id="2", mql_at="2026-01-10"),
    ...          Lead(id="3", sql_at="2026-01-11")]
    >>> mql_to_sql_rate(leads).value
    0.5
    """
    return sqls / mqls
