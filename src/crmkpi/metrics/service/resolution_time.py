from crmkpi.definition.metric import metric
from crmkpi.metrics.literature import CALL_CENTER, ITIL
from crmkpi.metrics.service.ticket_volume import merged_or_spam
from crmkpi.metrics.tables import tickets

# A ticket that was solved and is open again is not solved.
is_solved = tickets.status.is_in("solved", "closed") | tickets.status.missing()
was_solved = tickets.first_solved_at.present() | tickets.solved_at.present() | tickets.status.is_in("solved", "closed")
not_counted = merged_or_spam | {"open again": tickets.solved_at.present() & tickets.status.is_in("open", "pending")}


@metric(
    at=tickets.solved_at,
    resolution=tickets.median(tickets.solved_at - tickets.created_at, is_solved),
    leave_out=not_counted,
    unit="duration",
    better="lower",
    empty="no ticket was solved",
    also_known_as=("case resolution time", "time to resolution", "TTR", "full resolution time", "handling duration"),
    default_because="By the date of the solution no open ticket can bias it; a few old tickets own the mean.",
    sources=(ITIL, CALL_CENTER),
    ahead_of=("customer_satisfaction_score",),
    guarded_by=("reopen_rate",),
)
def resolution_time() -> None:
    r"""How long the customer in the middle waits for a solution: half wait less, half more.

    $$\text{resolution time} = \operatorname{median}(\text{solved} - \text{created})\ \text{of solved tickets}$$

    Calendar time to the latest solution. A ticket counts in the period in which it was solved. Tickets that are open
    again are left out.

    Notes:
        The average resolution time of the textbooks is the variant `mean`. Chatwoot counts every solution of a reopened
        conversation, all from its creation. OCA helpdesk keeps the date when a ticket is opened again. Zendesk exports
        whole hours.

    Pitfalls:
        Open tickets have no time yet: a team that solves only the easy ones looks fast. Look at `backlog` beside it.

    >>> tickets = [Ticket(id=day, status="solved", created_at="2026-01-01", solved_at=f"2026-01-{day}")
    ...            for day in ("02", "04", "31")]
    >>> resolution_time(tickets).to("days")
    3.0
    """


resolution_time.also("mean", "p90", "business")


@resolution_time.add_variant(
    at=tickets.first_solved_at,
    resolution=tickets.median(tickets.first_solved_at - tickets.created_at, was_solved),
    leave_out=merged_or_spam,
    empty="no ticket was ever solved",
)
def first_solve() -> None:
    r"""How long the customer in the middle waits for the first solution, whether or not it lasted.

    $$\text{time to first solution} = \operatorname{median}(\text{first solved} - \text{created})$$

    A ticket counts in the period in which it was first solved, even if it is open again.

    >>> ticket = Ticket(id="1", status="open", created_at="2026-01-01", first_solved_at="2026-01-03")
    >>> resolution_time.variant("first_solve")([ticket]).to("days")
    2.0
    """


@resolution_time.add_variant(
    at=tickets.created_at,
    leave_out=not_counted | {"not solved yet": tickets.solved_at.missing() & tickets.status.is_in("open", "pending")},
    empty="no ticket of the period is solved",
)
def by_created() -> None:
    r"""How long the customer in the middle waited for a solution, of the tickets created in the period.

    $$\text{resolution time by creation} = \operatorname{median}(\text{solved} - \text{created})$$

    A ticket counts in the period in which it was created. Tickets that are not solved yet are left out, so that recent
    periods look better than they will.

    >>> tickets = [Ticket(id="1", status="solved", created_at="2026-01-31", solved_at="2026-02-02"),
    ...            Ticket(id="2", status="open", created_at="2026-01-30")]
    >>> print(resolution_time.variant("by_created")(tickets, period="2026-01"))
    resolution_time.by_created (2026-01) 2 days, 1 record; left out: 1 not solved yet; small sample
    """
