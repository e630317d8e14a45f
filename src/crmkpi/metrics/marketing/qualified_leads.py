"""Counts of qualified leads."""

from crmkpi.definition.metric import metric
from crmkpi.metrics.literature import DEMAND_WATERFALL
from crmkpi.metrics.marketing.lead_volume import merged_or_deleted
from crmkpi.metrics.tables import leads


@metric(
    at=leads.mql_at,
    mqls=leads.count(leads.mql_at.present()),
    leave_out=merged_or_deleted,
    unit="count",
    empty="none was qualified",
    also_known_as=("MQL", "MQLs", "marketing qualified leads", "number of MQLs"),
    default_because="A lead becomes one on the day marketing qualified it, which is when that work was done.",
    sources=(DEMAND_WATERFALL,),
    ahead_of=("sql_volume",),
    guarded_by=("mql_to_sql_rate",),
)
def mql_volume() -> None:
    r"""How many leads marketing qualified.

    $$\text{MQL volume} = \text{leads that became marketing-qualified}$$

    A lead counts in the period in which marketing qualified it, whenever it came in.

    Pitfalls:
        A lower threshold makes more of them overnight: read it together with `mql_to_sql_rate`.

    >>> leads = [Lead(id="1", mql_at="2026-01-09"), Lead(id="2", mql_at="2026-02-09"), Lead(id="3")]
    >>> mql_volume(leads, period="2026-01").value
    1
    """


@metric(
    at=leads.sql_at,
    sqls=leads.count(leads.sql_at.present()),
    leave_out=merged_or_deleted,
    unit="count",
    empty="none was qualified",
    also_known_as=("SQL", "SQLs", "sales qualified leads", "number of SQLs"),
    default_because="Sales may take up a lead that marketing never qualified; it is sales-qualified all the same.",
    sources=(DEMAND_WATERFALL,),
    ahead_of=("deal_volume",),
    guarded_by=("win_rate",),
)
def sql_volume() -> None:
    r"""How many leads sales accepted as qualified.

    $$\text{SQL volume} = \text{leads that became sales-qualified}$$

    A lead counts in the period in which sales qualified it, also if marketing never did.

    Pitfalls:
        A lead that is moved back in its system may lose the date, so that the past changes.

    >>> sql_volume([Lead(id="1", sql_at="2026-01-09"), Lead(id="2", mql_at="2026-02-09")]).value
    1
    """
