from decimal import Decimal

from crmkpi.definition.metric import metric
from crmkpi.metrics.literature import MARKETING_METRICS
from crmkpi.metrics.tables import deals

won = deals.status == "won"


@metric(
    at=deals.closed_at,
    amount=deals.sum(deals.amount, won),
    customers=deals.distinct(deals.customer_id, won),
    leave_out={
        "deleted": deals.deleted,
        "no amount": won & deals.amount.missing(),
        "no customer_id": won & deals.customer_id.missing(),
    },
    unit="money",
    better="higher",
    empty="nothing was won",
    also_known_as=("RPC", "sales per customer", "won revenue per customer"),
    default_because="Customers who bought in the period: the others brought nothing that could be averaged.",
    sources=(MARKETING_METRICS,),
)
def revenue_per_customer(amount: Decimal, customers: int) -> Decimal:
    r"""Average amount of a customer who bought in the period.

    $$\text{revenue per customer} = \frac{\text{amount of won deals}}{\text{customers with a won deal}}$$

    A deal counts in the period in which it was won.

    Notes:
        Of subscriptions, `arpu` is the revenue of a month and customer.

    Pitfalls:
        Over a longer period it is larger, so that a year and a month cannot be compared. Divided by all customers it is
        a different number.

    >>> deals = [Deal(id=str(n), status="won", customer_id=who, amount=200) for n, who in enumerate("AAB")]
    >>> revenue_per_customer(deals).value
    Decimal('300')
    """
    return amount / customers
