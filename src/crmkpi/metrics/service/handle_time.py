from datetime import timedelta

from crmkpi.definition.metric import metric
from crmkpi.metrics.literature import CALL_CENTER
from crmkpi.metrics.service.resolution_time import not_counted
from crmkpi.metrics.service.ticket_rates import solved
from crmkpi.metrics.tables import tickets

handled = timedelta(seconds=1) * tickets.handled_seconds


@metric(
    at=tickets.solved_at,
    handled=tickets.mean(handled, solved),
    leave_out=not_counted,
    unit="duration",
    better="lower",
    empty="no solved ticket has a time",
    also_known_as=("AHT", "average handle time", "average handling time"),
    default_because="A mean, since staffing multiplies it by the number of tickets.",
    sources=(CALL_CENTER,),
    guarded_by=("reopen_rate", "first_contact_resolution_rate"),
)
def handle_time() -> None:
    r"""How long agents work on a ticket on average.

    $$\text{handle time} = \operatorname{mean}(\text{time that agents worked on the ticket})\ \text{of solved tickets}$$

    Work, not waiting: that is `resolution_time`. A ticket counts in the period in which it was solved.

    Pitfalls:
        Call centres mean the time of one call: a ticket of three calls is three of theirs. Shorter is not better where
        customers have to come again: look at `first_contact_resolution_rate`.

    >>> handle_time([Ticket(id=str(n), status="solved", handled_seconds=n) for n in (300, 900)]).to("minutes")
    10.0
    """
