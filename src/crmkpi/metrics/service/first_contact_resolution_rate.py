from crmkpi.definition.metric import Share, metric
from crmkpi.metrics.literature import CALL_CENTER, ISO_18295
from crmkpi.metrics.service.resolution_time import not_counted
from crmkpi.metrics.service.ticket_rates import solved
from crmkpi.metrics.service.ticket_volume import merged_or_spam
from crmkpi.metrics.tables import tickets

never_reopened = tickets.reopens == 0
at_once = solved & (tickets.replies == 1) & never_reopened
unknown = {
    "no replies": solved & tickets.replies.missing(),
    "no reopens": solved & tickets.reopens.missing(),
}


@metric(
    at=tickets.solved_at,
    at_once=tickets.count(at_once),
    solved=tickets.count(solved),
    leave_out=not_counted | unknown,
    interval=Share("at_once", "solved"),
    unit="ratio",
    better="higher",
    empty="no ticket was solved",
    also_known_as=("FCR", "first call resolution", "one-touch resolution rate", "one-touch tickets"),
    default_because="One reply and never opened again: without the second half, every hasty answer is a success.",
    sources=(CALL_CENTER, ISO_18295),
    ahead_of=("customer_satisfaction_score",),
)
def first_contact_resolution_rate(at_once: int, solved: int) -> float:
    r"""Share of the solved tickets that needed one reply and were never opened again.

    $$\text{FCR} = \frac{\text{solved with one reply and no reopening}}{\text{solved}}$$

    A ticket counts in the period in which it was solved. Tickets whose replies or reopenings are not known are left
    out, never taken for 0, and so are tickets that are open again.

    Notes:
        Call centres and textbooks divide by all calls or tickets (`of_all`). Zendesk's one-touch was "fewer than two
        replies", which counts tickets that nobody answered (`zero_or_one_reply`), and is "exactly one" now; one that a
        thank-you opens again still counts there.

    Pitfalls:
        A customer who gives up counts as resolved, and one who writes a new ticket instead of answering too.

    >>> tickets = [Ticket(id=str(n), status="solved", replies=replies, reopens=reopens)
    ...            for n, (replies, reopens) in enumerate([(1, 0), (1, 1), (3, 0), (0, 0)])]
    >>> first_contact_resolution_rate(tickets).value
    0.25
    """
    return at_once / solved


@first_contact_resolution_rate.add_variant(
    at=tickets.created_at,
    at_once=tickets.count(at_once & ~tickets.status.is_in("open", "pending") | at_once & tickets.status.missing()),
    tickets=tickets.count(),
    leave_out=merged_or_spam | unknown,
    interval=Share("at_once", "tickets"),
    empty="no ticket came in",
)
def of_all(at_once: int, tickets: int) -> float:
    r"""Share of all tickets that were solved with one reply and never opened again.

    $$\text{FCR of all} = \frac{\text{solved with one reply and no reopening}}{\text{tickets created}}$$

    A cohort: a ticket counts in the period in which it was created, also if it is not solved yet.

    >>> tickets = [Ticket(id="1", status="solved", replies=1, reopens=0), Ticket(id="2", status="open")]
    >>> first_contact_resolution_rate.variant("of_all")(tickets).value
    0.5
    """
    return at_once / tickets


@first_contact_resolution_rate.add_variant(at_once=tickets.count(solved & (tickets.replies <= 1) & never_reopened))
def zero_or_one_reply(at_once: int, solved: int) -> float:
    r"""Share of the solved tickets that needed at most one reply and were never opened again.

    $$\text{FCR} = \frac{\text{solved with no or one reply and no reopening}}{\text{solved}}$$

    Tickets that were closed without an answer count as resolved at first contact.

    >>> tickets = [Ticket(id=str(n), status="solved", replies=n, reopens=0) for n in range(4)]
    >>> first_contact_resolution_rate.variant("zero_or_one_reply")(tickets).value
    0.5
    """
    return at_once / solved
