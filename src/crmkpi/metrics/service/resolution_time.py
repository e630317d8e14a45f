"""Resolution time."""

from __future__ import annotations

from crmkpi.definition.expressions import business_time
from crmkpi.definition.measures import Table
from crmkpi.definition.metric import metric
from crmkpi.metrics.literature import CALL_CENTER, ITIL
from crmkpi.records import Ticket

tickets = Table(Ticket)
# A ticket that was solved and is open again is not solved.
is_solved = tickets.status.is_in("solved", "closed") | tickets.status.missing()
was_solved = tickets.first_solved_at.present() | tickets.solved_at.present() | tickets.status.is_in("solved", "closed")
resolution = tickets.solved_at - tickets.created_at
not_counted = {
    "merged": tickets.merged_into.present(),
    "spam": tickets.spam,
    "open again": tickets.solved_at.present() & tickets.status.is_in("open", "pending"),
}


@metric(
    at=tickets.solved_at,
    resolution=tickets.median(resolution, is_solved),
    leave_out=not_counted,
    unit="duration",
    better="lower",
    also_known_as=("case resolution time", "time to resolution", "TTR", "full resolution time", "handling duration"),
    default_because="By the date of the solution no open ticket can bias it; a few old tickets own the mean.",
    sources=(ITIL, CALL_CENTER),
)
def resolution_time(resolution: float) -> float:
    r"""How long the customer in the middle waits for a solution: half wait less, half more.

    $$\text{resolution time} = \operatorname{median}(\text{solved} - \text{created})\ \text{of solved tickets}$$

    Calendar time to the latest solution. A ticket counts in the period in which it was solved. Tickets that are open
    again, merged tickets and spam are left out; solutions before the ticket under "negative duration"; tickets closed
    without a date under "no solved_at".

    Returns:
        A duration, with an interval from order statistics; undefined where no ticket was solved.

    Notes:
        Chatwoot counts every solution of a reopened conversation, all from its creation. OCA helpdesk keeps the date
        when a ticket is opened again. Zendesk's export rounds to whole hours.

    Pitfalls:
        Open tickets have no time yet: a team that solves only the easy ones looks fast. Look at `backlog` beside it.

    Examples:
        >>> from crmkpi import Ticket, resolution_time
        >>> tickets = [Ticket(id=day, status="solved", created_at="2026-01-01", solved_at=f"2026-01-{day}")
        ...            for day in ("02", "04", "31")]
        >>> resolution_time(tickets).to("days")
        3.0
        >>> resolution_time([Ticket(id="1", status="open", created_at="2026-01-01")]).reason
        'no record has a value for resolution'
    """
    return resolution


@resolution_time.add_variant(resolution=tickets.mean(resolution, is_solved))
def mean(resolution: float) -> float:
    r"""How long customers wait for a solution on average.

    $$\text{mean resolution time} = \operatorname{mean}(\text{solved} - \text{created})\ \text{of solved tickets}$$

    Returns:
        A duration, with a log-Student interval; undefined where no ticket was solved.

    Examples:
        >>> from crmkpi import Ticket, resolution_time
        >>> tickets = [Ticket(id=day, status="solved", created_at="2026-01-01", solved_at=f"2026-01-{day}")
        ...            for day in ("02", "04")]
        >>> resolution_time.variant("mean")(tickets).to("days")
        2.0
        >>> resolution_time.variant("mean")([]).reason
        'no record has a value for resolution'
    """
    return resolution


@resolution_time.add_variant(resolution=tickets.quantile(resolution, 0.9, is_solved))
def p90(resolution: float) -> float:
    r"""The time within which nine of ten solved tickets were solved.

    $$\text{p90 of resolution time} = Q_{0.9}(\text{solved} - \text{created})\ \text{of solved tickets}$$

    Interpolated linearly between the two nearest tickets.

    Returns:
        A duration, with an interval from order statistics; undefined where no ticket was solved.

    Examples:
        >>> from crmkpi import Ticket, resolution_time
        >>> tickets = [Ticket(id=str(day), status="solved", created_at="2026-01-01", solved_at=f"2026-01-{day:02}")
        ...            for day in range(1, 12)]
        >>> resolution_time.variant("p90")(tickets).to("days")
        9.0
        >>> resolution_time.variant("p90")([]).reason
        'no record has a value for resolution'
    """
    return resolution


@resolution_time.add_variant(resolution=tickets.median(business_time(tickets.created_at, tickets.solved_at), is_solved))
def business(resolution: float) -> float:
    r"""How many opening hours the customer in the middle waits for a solution.

    $$\text{business resolution time} = \operatorname{median}(\text{opening hours between created and solved})$$

    Opening hours, holidays and time zone are the calendar's. A ticket solved outside opening hours took no time.

    Returns:
        A duration, with an interval from order statistics; undefined where no ticket was solved.

    Raises:
        ParameterError: the calendar has no opening hours.

    Examples:
        >>> from crmkpi import Calendar, Ticket, resolution_time
        >>> calendar = Calendar(opening_hours={"mon-fri": ("09:00", "17:00")})
        >>> friday = Ticket(id="1", status="solved", created_at="2026-01-09T16:00", solved_at="2026-01-12T10:00")
        >>> resolution_time.variant("business")([friday], calendar=calendar).to("hours")
        2.0
        >>> resolution_time.variant("business")([], calendar=calendar).reason
        'no record has a value for resolution'
    """
    return resolution


@resolution_time.add_variant(
    at=tickets.first_solved_at,
    resolution=tickets.median(tickets.first_solved_at - tickets.created_at, was_solved),
    leave_out={"merged": tickets.merged_into.present(), "spam": tickets.spam},
)
def first_solve(resolution: float) -> float:
    r"""How long the customer in the middle waits for the first solution, whether or not it lasted.

    $$\text{time to first solution} = \operatorname{median}(\text{first solved} - \text{created})$$

    A ticket counts in the period in which it was first solved, even if it is open again. Solved tickets of which only
    the latest solution is known are left out under "no first_solved_at".

    Returns:
        A duration, with an interval from order statistics; undefined where no ticket was ever solved.

    Examples:
        >>> from crmkpi import Ticket, resolution_time
        >>> ticket = Ticket(id="1", status="open", created_at="2026-01-01", first_solved_at="2026-01-03")
        >>> resolution_time.variant("first_solve")([ticket]).to("days")
        2.0
        >>> resolution_time.variant("first_solve")([]).reason
        'no record has a value for resolution'
    """
    return resolution


@resolution_time.add_variant(
    at=tickets.created_at,
    resolution=tickets.median(resolution, is_solved),
    leave_out=not_counted | {"not solved yet": tickets.solved_at.missing() & tickets.status.is_in("open", "pending")},
)
def by_created(resolution: float) -> float:
    r"""How long the customer in the middle waited for a solution, of the tickets created in the period.

    $$\text{resolution time by creation} = \operatorname{median}(\text{solved} - \text{created})$$

    A ticket counts in the period in which it was created. Tickets that are not solved yet are left out, so that recent
    periods look better than they will.

    Returns:
        A duration, with an interval from order statistics; undefined where no ticket of the period is solved.

    Examples:
        >>> from crmkpi import Ticket, resolution_time
        >>> tickets = [Ticket(id="1", status="solved", created_at="2026-01-31", solved_at="2026-02-02"),
        ...            Ticket(id="2", status="open", created_at="2026-01-30")]
        >>> result = resolution_time.variant("by_created")(tickets, period="2026-01")
        >>> result.to("days"), result.left_out
        (2.0, {'not solved yet': 1})
        >>> resolution_time.variant("by_created")(tickets, period="2026-02").reason
        'no record has a value for resolution'
    """
    return resolution
