from crmkpi.definition.metric import metric
from crmkpi.metrics.customers.retention import active_at_end, wrong
from crmkpi.metrics.literature import CALL_CENTER
from crmkpi.metrics.service.ticket_volume import merged_or_spam
from crmkpi.metrics.tables import customers, tickets


@metric(
    tickets=tickets.count(at=tickets.created_at),
    customers=customers.count(active_at_end),
    leave_out=merged_or_spam | wrong,
    unit="number",
    better="lower",
    empty="there is no customer",
    also_known_as=("contact rate", "contacts per customer", "ticket rate per customer"),
    default_because="Service works for customers who need no help, so that they belong in the denominator.",
    sources=(CALL_CENTER,),
    ahead_of=("churn_rate",),
)
def tickets_per_customer(tickets: int, customers: int) -> float:
    r"""How many tickets the period brought for each customer.

    $$\text{tickets per customer} = \frac{\text{tickets created}}{\text{customers active at the end}}$$

    Tickets count in the period in which they were created, whoever opened them, customers when active at its end.

    Pitfalls:
        Tickets of a year over the customers of a day grow with the length of the period: compare periods of one length.

    >>> customers = [Customer(id=str(n), since="2025-01-01") for n in range(4)]
    >>> tickets_per_customer(tickets=[Ticket(id="1"), Ticket(id="2")], customers=customers).value
    0.5
    """
    return tickets / customers


@tickets_per_customer.add_variant(
    at=tickets.created_at,
    tickets=tickets.count(tickets.customer_id.present()),
    requesters=tickets.distinct(tickets.customer_id),
    leave_out=merged_or_spam | {"no customer_id": tickets.customer_id.missing()},
    empty="no customer opened a ticket",
    within=(1, None),
)
def of_requesters(tickets: int, requesters: int) -> float:
    r"""How many tickets each customer opened who opened any.

    $$\text{tickets per requester} = \frac{\text{tickets with a customer}}{\text{customers who opened one}}$$

    >>> tickets = [Ticket(id=str(n), customer_id=who) for n, who in enumerate("AAB")]
    >>> tickets_per_customer.variant("of_requesters")(tickets).value
    1.5
    """
    return tickets / requesters
