from crmkpi.definition.metric import metric
from crmkpi.metrics.literature import CRACKING_SALES
from crmkpi.metrics.tables import deals

won = deals.status == "won"
closed = deals.status.is_in("won", "lost")
cycle = deals.closed_at - deals.created_at
deleted = {"deleted": deals.deleted}


@metric(
    at=deals.closed_at,
    cycle=deals.mean(cycle, won),
    leave_out=deleted,
    unit="duration",
    better="lower",
    empty="no won deal has both dates",
    also_known_as=("sales cycle", "average sales cycle", "time to close", "days to close", "deal cycle time"),
    default_because="Nearly all systems show the mean of won deals; lost deals drag on or end at once.",
    sources=(CRACKING_SALES,),
    guarded_by=("average_deal_size",),
)
def sales_cycle_length() -> None:
    r"""How long it takes on average from opening a deal to winning it.

    $$\text{sales cycle length} = \operatorname{mean}(\text{closed at} - \text{created at})\ \text{of won deals}$$

    A deal counts in the period in which it was won.

    Notes:
        From the first contact with the lead, as textbooks have it, counts the variant `from_lead`. fivetran's
        dbt_salesforce gives this with the sign turned round, Odoo hides a wrong order of the dates by taking the
        absolute value, Zoho counts calendar days (`calendar_days`).

    Pitfalls:
        A year of fast small deals shortens it although no large deal got faster: look at it by size. Dates that were
        typed in afterwards, at the end of the quarter, measure when someone typed.

    >>> deals = [Deal(id="1", status="won", created_at="2026-01-01", closed_at="2026-01-11"),
    ...          Deal(id="2", status="won", created_at="2026-01-01", closed_at="2026-01-31")]
    >>> sales_cycle_length(deals).value
    datetime.timedelta(days=20)
    """


sales_cycle_length.also("median", "p90", "calendar_days")


@sales_cycle_length.add_variant(cycle=deals.mean(cycle, closed), empty="no closed deal has both dates")
def all_closed() -> None:
    r"""How long it takes on average from opening a deal to closing it, won or lost.

    $$\text{cycle of all closed deals} = \operatorname{mean}(\text{closed at} - \text{created at})$$

    >>> deals = [Deal(id="1", status="won", created_at="2026-01-01", closed_at="2026-01-11"),
    ...          Deal(id="2", status="lost", created_at="2026-01-01", closed_at="2026-01-03")]
    >>> sales_cycle_length.variant("all_closed")(deals).to("days")
    6.0
    """


@sales_cycle_length.add_variant(
    cycle=deals.mean(deals.closed_at - deals.lead.created_at, won), empty="no won deal has a lead with a date"
)
def from_lead() -> None:
    r"""How long it takes on average from the first sign of a lead to winning its deal.

    $$\text{cycle from lead} = \operatorname{mean}(\text{closed at} - \text{lead created at})\ \text{of won deals}$$

    Needs the leads.

    >>> lead = Lead(id="L1", created_at="2026-01-01")
    >>> deal = Deal(id="D1", lead_id="L1", status="won", closed_at="2026-01-31")
    >>> sales_cycle_length.variant("from_lead")({"deals": [deal], "leads": [lead]}).to("days")
    30.0
    """


sales_cycle_length.also("median", of="calendar_days")
sales_cycle_length.also("median", of="from_lead")
