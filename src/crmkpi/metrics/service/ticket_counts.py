"""Complaints, backlog and recurring issues."""

from crmkpi.definition.expressions import period
from crmkpi.definition.metric import metric
from crmkpi.metrics.literature import ISO_10002, ITIL
from crmkpi.metrics.service.ticket_volume import merged_or_spam
from crmkpi.metrics.tables import tickets

by_kind = tickets.per(tickets.kind, tickets=tickets.count())
solved = tickets.status.is_in("solved", "closed")
is_open = tickets.status.is_in("open", "pending") | (tickets.status.missing() & tickets.solved_at.missing())
# A ticket that is solved by now was open at the end of an earlier period. One that was opened again counts as
# open all along.
not_solved_then = is_open | ((solved | tickets.status.missing()) & (tickets.solved_at >= period.end))
was_open = period.begun(tickets.created_at) & not_solved_then


@metric(
    at=tickets.created_at,
    complaints=tickets.count(tickets.kind == "complaint"),
    leave_out=merged_or_spam,
    unit="count",
    better="lower",
    empty="nobody complained",
    also_known_as=("number of complaints", "customer complaints", "complaint volume"),
    default_because="Tickets that were filed as complaints; reading the mood of the others would be a guess.",
    sources=(ISO_10002,),
    ahead_of=("churn_rate",),
)
def complaints() -> None:
    r"""How many complaints came in.

    $$\text{complaints} = \text{tickets of the kind complaint}$$

    A ticket counts in the period in which it was created. Its kind must read "complaint".

    Pitfalls:
        Fewer complaints may be customers who left without a word. An export with other kinds, or none, gives 0.

    >>> complaints([Ticket(id="1", kind="complaint"), Ticket(id="2", kind="question")]).value
    1
    """


@metric(
    tickets=tickets.count(was_open),
    leave_out=merged_or_spam
    | {
        "no created_at": not_solved_then & tickets.created_at.missing() & ~period.now,
        "no solved_at": solved & tickets.solved_at.missing() & ~period.now,
    },
    unit="count",
    better="lower",
    empty="nothing is open",
    also_known_as=("ticket backlog", "open tickets", "unresolved tickets", "open cases"),
    default_because="Tickets open now and tickets open then, by the same rule, from their dates.",
    sources=(ITIL,),
    ahead_of=("resolution_time",),
)
def backlog() -> None:
    r"""How many tickets are unsolved at the end of the period.

    $$\text{backlog} = \text{tickets created and not solved}$$

    A stock: a ticket is in the backlog from its creation to its solution; without a period it is the tickets open now.
    The status decides: a ticket that is open again is open, whatever date of a solution it carries. Tickets open now
    need no dates.

    Notes:
        Zendesk takes a snapshot each day at 23 hours, so that its backlog differs by what is solved in the last hour.

    Pitfalls:
        Adding the days of a month counts a ticket for every day. Tickets that were opened again count as open all
        along.

    >>> tickets = [Ticket(id="1", status="solved", created_at="2026-01-05", solved_at="2026-02-03"),
    ...            Ticket(id="2", status="open", created_at="2026-01-20")]
    >>> backlog(tickets, period="2026-01").value, backlog(tickets).value
    (2, 1)
    """


@metric(
    at=tickets.created_at,
    tickets=by_kind.sum(by_kind.tickets, by_kind.tickets > 1),
    leave_out=merged_or_spam,
    unit="count",
    better="lower",
    empty="nothing came up twice",
    also_known_as=("repeat issues", "recurring problems", "recurring tickets"),
    default_because="Two tickets of one kind are the first sign of a common cause.",
    sources=(ITIL,),
    ahead_of=("complaints",),
)
def recurring_issues() -> None:
    r"""How many tickets are about a matter that came up more than once; by="kind" shows each.

    $$\text{recurring issues} = \text{tickets of kinds with two or more tickets}$$

    A ticket counts in the period in which it was created, and a matter is its kind: use kinds that name the problem.

    Pitfalls:
        Kinds such as "question" make every ticket a recurring one: use kinds that name the problem.

    >>> kinds = ["login", "login", "invoice", None]
    >>> print(recurring_issues([Ticket(id=str(n), kind=kind) for n, kind in enumerate(kinds)]))
    recurring_issues 2; left out: 1 no kind
    """
