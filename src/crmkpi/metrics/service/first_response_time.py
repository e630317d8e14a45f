from crmkpi.definition.metric import metric
from crmkpi.metrics.literature import CALL_CENTER
from crmkpi.metrics.service.ticket_volume import merged_or_spam
from crmkpi.metrics.tables import tickets

not_counted = merged_or_spam | {"no reply yet": tickets.first_replied_at.missing()}


@metric(
    at=tickets.created_at,
    response=tickets.median(tickets.first_replied_at - tickets.created_at),
    leave_out=not_counted,
    unit="duration",
    better="lower",
    empty="no ticket was answered",
    also_known_as=("FRT", "time to first response", "first reply time", "initial response time"),
    default_because="A few tickets that lie for weeks own the mean; a customer meets the median. As Intercom.",
    sources=(
        CALL_CENTER,
        "Intercom Help, article 3653556: response times are medians",
        "Zendesk Help, article 4408834848154: what starts and stops the first reply time",
    ),
    ahead_of=("customer_satisfaction_score",),
    guarded_by=("first_contact_resolution_rate",),
)
def first_response_time() -> None:
    r"""How long the customer in the middle waits for the first reply: half wait less, half more.

    $$\text{first response time} = \operatorname{median}(\text{first reply} - \text{created})$$

    Calendar time. A ticket counts in the period in which it was created. Tickets without a reply are left out under "no
    reply yet", never taken for 0.

    Notes:
        The average response time of the textbooks is the variant `mean`. `first_replied_at` should be the first public
        reply of a person. Systems differ: for tickets that an agent opened, Zendesk takes the second comment; Frappe
        takes any change of status for a reply.

    Pitfalls:
        Tickets that nobody answered are missing, so that it gets better when the slowest are ignored: look at the count
        of "no reply yet". An automatic reply is no response.

    >>> tickets = [Ticket(id=str(hour), created_at="2026-01-05T08:00", first_replied_at=f"2026-01-05T{hour}:00")
    ...            for hour in ("09", "10", "18")] + [Ticket(id="4", created_at="2026-01-05T08:00")]
    >>> print(first_response_time(tickets))
    first_response_time 2 h, 3 records; left out: 1 no reply yet; small sample
    """


first_response_time.also("mean", "p90", "business")


@first_response_time.add_variant(at=tickets.first_replied_at)
def by_reply_date() -> None:
    r"""How long the customer in the middle waited, of those who were answered in the period.

    $$\text{first response time by reply} = \operatorname{median}(\text{first reply} - \text{created})$$

    A ticket counts in the period in which it was first answered. As Chatwoot counts.

    >>> ticket = Ticket(id="1", created_at="2026-01-31T22:00", first_replied_at="2026-02-01T04:00")
    >>> first_response_time.variant("by_reply_date")([ticket], period="2026-02").to("hours")
    6.0
    """
