from crmkpi.definition.metric import metric
from crmkpi.metrics.literature import SHORT_LIFE_OF_LEADS
from crmkpi.metrics.marketing.lead_volume import merged_or_deleted
from crmkpi.metrics.tables import leads


@metric(
    at=leads.created_at,
    response=leads.median(leads.first_contacted_at - leads.created_at),
    leave_out=merged_or_deleted | {"no contact yet": leads.first_contacted_at.missing()},
    unit="duration",
    better="lower",
    empty="no lead was contacted",
    also_known_as=("speed to lead", "lead reaction time", "time to first contact", "lead follow-up time"),
    default_because="A few leads that nobody calls for weeks own the mean; a lead meets the median.",
    sources=(SHORT_LIFE_OF_LEADS,),
    ahead_of=("lead_conversion_rate",),
    guarded_by=("lead_conversion_rate",),
)
def lead_response_time() -> None:
    r"""How long the lead in the middle waits until someone contacts it: half wait less, half more.

    $$\text{lead response time} = \operatorname{median}(\text{first contacted} - \text{created})$$

    Calendar time. A lead counts in the period in which it was created. Leads that nobody has contacted are left out
    under "no contact yet", never taken for 0.

    Pitfalls:
        An automatic reply is no contact; if it sets the date, every lead is answered within a minute.

    >>> leads = [Lead(id=minute, created_at="2026-01-05T09:00", first_contacted_at=f"2026-01-05T09:{minute}")
    ...          for minute in ("05", "10", "59")] + [Lead(id="4", created_at="2026-01-05T09:00")]
    >>> print(lead_response_time(leads))
    lead_response_time 10 min, 3 records; left out: 1 no contact yet; small sample
    """


lead_response_time.also("mean", "business")
