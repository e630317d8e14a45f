from crmkpi.definition.metric import metric
from crmkpi.metrics.literature import CALL_CENTER
from crmkpi.metrics.service.first_response_time import not_counted
from crmkpi.metrics.tables import tickets


@metric(
    at=tickets.first_replied_at,
    response=tickets.mean(tickets.first_replied_at - tickets.created_at),
    leave_out=not_counted,
    unit="duration",
    better="lower",
    empty="nobody was answered",
    also_known_as=("ART", "mean response time", "average reply time"),
    default_because="All responses of the team in the period: each counts on the day it was given.",
    sources=(CALL_CENTER,),
    ahead_of=("customer_satisfaction_score",),
    guarded_by=("customer_satisfaction_score",),
)
def average_response_time() -> None:
    r"""How long the responses that were given in the period had taken on average.

    $$\text{average response time} = \frac{\text{total time to respond}}{\text{responses}}$$

    Over first replies, the only ones that tickets carry a date of. A response counts in the period in which it was
    given, so that an old ticket weighs on the month in which it was answered at last.

    Notes:
        `first_response_time` asks what became of the tickets of a period, and for the customer in the middle.

    Pitfalls:
        A month in which old tickets are answered at last looks worst, although it is the month in which it got better.

    >>> tickets = [Ticket(id=hour, created_at="2026-01-05T08:00", first_replied_at=f"2026-01-05T{hour}:00")
    ...            for hour in ("09", "13")]
    >>> average_response_time(tickets).to("hours")
    3.0
    """
