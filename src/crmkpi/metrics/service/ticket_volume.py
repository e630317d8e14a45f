from crmkpi.definition.metric import metric
from crmkpi.metrics.literature import CALL_CENTER, ITIL
from crmkpi.metrics.tables import tickets

merged_or_spam = {"merged": tickets.merged_into.present(), "spam": tickets.spam}


@metric(
    at=tickets.created_at,
    tickets=tickets.count(),
    leave_out=merged_or_spam,
    unit="count",
    empty="none came in",
    also_known_as=("tickets", "case volume", "number of tickets", "ticket count", "created tickets"),
    default_because="Tickets that came in are the work that arrived; spam and merged tickets are no work of their own.",
    sources=(CALL_CENTER, ITIL),
    ahead_of=("backlog",),
)
def ticket_volume() -> None:
    r"""How many tickets came in.

    $$\text{ticket volume} = \text{tickets created}$$

    A ticket counts in the period in which it was created.

    Notes:
        Zendesk's ticket counts leave out deleted tickets.

    Pitfalls:
        More tickets may be more customers: look at `tickets_per_customer`. A chat that is taken up again is one ticket
        in some systems and two in others.

    >>> print(ticket_volume([Ticket(id="1"), Ticket(id="2", spam=True)]))
    ticket_volume 1; left out: 1 spam
    """
