"""Lead response time."""

from __future__ import annotations

from crmkpi.definition.expressions import business_time
from crmkpi.definition.measures import Table
from crmkpi.definition.metric import metric
from crmkpi.metrics.literature import SHORT_LIFE_OF_LEADS
from crmkpi.records import Lead

leads = Table(Lead)
response = leads.first_contacted_at - leads.created_at
not_counted = {
    "merged": leads.merged_into.present(),
    "deleted": leads.deleted,
    "no contact yet": leads.first_contacted_at.missing(),
}


@metric(
    at=leads.created_at,
    response=leads.median(response),
    leave_out=not_counted,
    unit="duration",
    better="lower",
    also_known_as=("speed to lead", "lead reaction time", "time to first contact", "lead follow-up time"),
    default_because="A few leads that nobody calls for weeks own the mean; the median is what a lead meets.",
    sources=(SHORT_LIFE_OF_LEADS,),
)
def lead_response_time(response: float) -> float:
    r"""How long the lead in the middle waits until someone contacts it: half wait less, half more.

    $$\text{lead response time} = \operatorname{median}(\text{first contacted} - \text{created})$$

    Calendar time. A lead counts in the period in which it was created. Leads that nobody has contacted are left out
    under "no contact yet", never taken for 0; contacts before the lead under "negative duration"; merged and deleted
    leads too.

    Returns:
        A duration, with an interval from order statistics; undefined where no lead was contacted.

    Pitfalls:
        An automatic reply is no contact; if it sets the date, every lead is answered within a minute.

    Examples:
        >>> from crmkpi import Lead, lead_response_time
        >>> leads = [Lead(id=minute, created_at="2026-01-05T09:00", first_contacted_at=f"2026-01-05T09:{minute}")
        ...          for minute in ("05", "10", "59")] + [Lead(id="4", created_at="2026-01-05T09:00")]
        >>> result = lead_response_time(leads)
        >>> result.to("minutes"), result.left_out
        (10.0, {'no contact yet': 1})
        >>> lead_response_time([]).reason
        'no record has a value for response'
    """
    return response


@lead_response_time.add_variant(response=leads.mean(response))
def mean(response: float) -> float:
    r"""How long leads wait on average until someone contacts them.

    $$\text{mean lead response time} = \operatorname{mean}(\text{first contacted} - \text{created})$$

    Returns:
        A duration, with a log-Student interval; undefined where no lead was contacted.

    Examples:
        >>> from crmkpi import Lead, lead_response_time
        >>> leads = [Lead(id=minute, created_at="2026-01-05T09:00", first_contacted_at=f"2026-01-05T09:{minute}")
        ...          for minute in ("10", "30")]
        >>> lead_response_time.variant("mean")(leads).to("minutes")
        20.0
        >>> lead_response_time.variant("mean")([]).reason
        'no record has a value for response'
    """
    return response


@lead_response_time.add_variant(response=leads.median(business_time(leads.created_at, leads.first_contacted_at)))
def business(response: float) -> float:
    r"""How many opening hours the lead in the middle waits until someone contacts it.

    $$\text{business lead response time} = \operatorname{median}(\text{opening hours between created and contacted})$$

    Opening hours, holidays and time zone are the calendar's. A contact outside opening hours took no time.

    Returns:
        A duration, with an interval from order statistics; undefined where no lead was contacted.

    Raises:
        ParameterError: the calendar has no opening hours.

    Examples:
        >>> from crmkpi import Calendar, Lead, lead_response_time
        >>> calendar = Calendar(opening_hours={"mon-fri": ("09:00", "17:00")})
        >>> friday = Lead(id="1", created_at="2026-01-09T16:00", first_contacted_at="2026-01-12T10:00")
        >>> lead_response_time.variant("business")([friday], calendar=calendar).to("hours")
        2.0
        >>> lead_response_time.variant("business")([], calendar=calendar).reason
        'no record has a value for response'
    """
    return response
