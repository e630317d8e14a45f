"""Counts of new, lost and current customers."""

from crmkpi.definition.expressions import period
from crmkpi.definition.metric import metric
from crmkpi.metrics.customers.retention import active_at_end
from crmkpi.metrics.literature import DEFECTION, MARKETING_METRICS
from crmkpi.metrics.tables import customers

backwards = {"negative duration": customers.until < customers.since}


@metric(
    at=customers.since,
    customers=customers.count(),
    leave_out=backwards,
    unit="count",
    better="higher",
    empty="nobody came",
    also_known_as=("customers won", "customers acquired", "number of new customers", "new logos"),
    default_because="The day from which someone is a customer, whatever system calls it.",
    sources=(MARKETING_METRICS,),
)
def new_customers() -> None:
    r"""How many customers came.

    $$\text{new customers} = \text{customers whose first day lies in the period}$$

    A customer counts on the day `since`, also if they left soon after. Active at the start, plus new, minus lost are
    exactly the active customers at the end.

    Pitfalls:
        Where `since` is the day of the import, everybody came on one day.

    >>> customers = [Customer(id="1", since="2026-01-09"), Customer(id="2", since="2026-02-01")]
    >>> new_customers(customers, period="2026-01").value
    1
    """


@metric(
    at=customers.until,
    customers=customers.count(customers.until.present()),
    leave_out=backwards | {"no since": customers.until.present() & customers.since.missing()},
    unit="count",
    better="lower",
    empty="nobody left",
    also_known_as=("churned customers", "customers lost", "number of lost customers"),
    default_because="The day on which someone ceased to be a customer.",
    sources=(MARKETING_METRICS, DEFECTION),
)
def lost_customers() -> None:
    r"""How many customers left.

    $$\text{lost customers} = \text{customers whose last day lies in the period}$$

    A customer counts on the day `until`, also one who had come in the same period.

    Pitfalls:
        The day of the request, the last paid day and the day after are up to a month apart: take one of them.

    >>> customers = [Customer(id="1", since="2025-01-09", until="2026-01-20"), Customer(id="2", since="2026-01-01")]
    >>> lost_customers(customers, period="2026-01").value
    1
    """


@metric(
    customers=customers.count(active_at_end),
    leave_out=backwards | {"no since": customers.since.missing() & ~period.now},
    unit="count",
    better="higher",
    empty="there are none",
    also_known_as=("customer count", "number of customers", "customer base", "total customers"),
    default_because="Contract in force at the end of the period; recent buyers are a different question.",
    sources=(MARKETING_METRICS,),
)
def active_customers() -> None:
    r"""How many customers there are at the end of the period.

    $$\text{active customers} = \text{customers who have come and not left}$$

    A stock: active from `since` until `until`; without a period those who are there now, with or without `since`.

    Pitfalls:
        Adding the ends of twelve months counts a customer twelve times.

    >>> customers = [Customer(id="1", since="2025-01-09", until="2026-01-20"), Customer(id="2", since="2025-06-01")]
    >>> active_customers(customers, period="2025").value, active_customers(customers, period="2026-01").value
    (2, 1)
    """
