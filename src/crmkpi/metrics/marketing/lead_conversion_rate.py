from crmkpi.definition.expressions import as_of
from crmkpi.definition.metric import Share, metric
from crmkpi.definition.parameters import Parameter
from crmkpi.metrics.literature import MARKETING_METRICS
from crmkpi.metrics.marketing.lead_volume import merged_or_deleted
from crmkpi.metrics.tables import leads

days = Parameter("days", "how many days a lead has to convert", unit="days", default=30)
# A lead marked as converted without a date counts as converted.
at_some_time = (leads.status == "converted") & leads.converted_at.missing()
converted = (leads.converted_at < as_of) | at_some_time


@metric(
    at=leads.created_at,
    converted=leads.count(converted),
    leads=leads.count(),
    leave_out=merged_or_deleted,
    interval=Share("converted", "leads"),
    unit="ratio",
    better="higher",
    empty="no lead was created",
    also_known_as=("lead conversion", "lead-to-customer rate", "lead to deal rate", "conversion rate of leads"),
    default_because="A cohort compares leads with their own conversions, so that it can never exceed 100 %.",
    sources=(MARKETING_METRICS, "Salesforce object reference, Lead: IsConverted and ConvertedDate"),
    ahead_of=("new_customers",),
)
def lead_conversion_rate(converted: int, leads: int) -> float:
    r"""Share of the leads created in the period that have converted.

    $$\text{lead conversion rate} = \frac{\text{converted leads}}{\text{leads created}}$$

    A cohort: a lead counts in the period in which it was created, whenever it converts, up to `as_of` if that is given.
    `within` compares cohorts of any age fairly.

    Notes:
        The conversions of a period over its leads, as textbooks and dbt_salesforce have it, is the variant `by_event`.
        ERPNext counts opportunities per lead, which can exceed 100 %.

    Pitfalls:
        The latest months are low because their leads are young, not because they are worse. Junk leads that one team
        deletes and another keeps make two teams incomparable.

    >>> leads = [Lead(id="1", status="converted"), Lead(id="2", status="working"), Lead(id="3"), Lead(id="4")]
    >>> lead_conversion_rate(leads).value
    0.25
    """
    return converted / leads


@lead_conversion_rate.add_variant(
    converted=leads.count(leads.converted_at.present() | (leads.status == "converted"), at=leads.converted_at),
    interval=None,
    within=(0, None),
)
def by_event(converted: int, leads: int) -> float:
    r"""Conversions of the period for each lead created in it.

    $$\text{rate by event} = \frac{\text{leads converted in the period}}{\text{leads created in the period}}$$

    The conversions belong to leads of any age, so that the rate may exceed 1. A conversion without a date counts over
    all data, and is left out of periods.

    >>> leads = [Lead(id="1", created_at="2026-01-05", converted_at="2026-02-01"),
    ...          Lead(id="2", created_at="2026-01-09", converted_at="2026-02-02"),
    ...          Lead(id="3", created_at="2026-02-09")]
    >>> lead_conversion_rate.variant("by_event")(leads, period="2026-02").value
    2.0
    """
    return converted / leads


@lead_conversion_rate.add_variant(
    converted=leads.count((leads.converted_at - leads.created_at <= days) & (leads.converted_at < as_of)),
    leads=leads.count(leads.created_at.present()),
    leave_out=merged_or_deleted
    | {
        "negative duration": leads.converted_at < leads.created_at,
        "no converted_at": at_some_time,
        "immature": leads.created_at + days > as_of,
    },
    parameters=(days,),
    needs_as_of=True,
    empty="no lead is old enough",
)
def within() -> None:
    r"""Share of the leads created in the period that converted within a number of days.

    $$\text{rate within } d = \frac{\text{leads converted within } d \text{ days}}{\text{leads older than } d}$$

    Leads that are not that many days old on the day `as_of` are left out under "immature": they still have time.

    >>> leads = [Lead(id="1", created_at="2026-01-05", converted_at="2026-01-20"),
    ...          Lead(id="2", created_at="2026-01-05", converted_at="2026-03-20"),
    ...          Lead(id="3", created_at="2026-03-30")]
    >>> print(lead_conversion_rate.variant("within")(leads, days=30, as_of="2026-03-31"))
    lead_conversion_rate.within 50.0 % [9.5 %, 90.5 %], 1 converted of 2 leads; left out: 1 immature; small sample
    """
