from crmkpi.definition.metric import metric
from crmkpi.metrics.literature import RFM_AND_CLV
from crmkpi.metrics.tables import orders

completed = orders.status == "completed"
no_customer = completed & orders.customer_id.missing()


@metric(
    at=orders.ordered_at,
    orders=orders.count(completed),
    buyers=orders.distinct(orders.customer_id, completed),
    leave_out={"refund": completed & (orders.amount < 0), "no customer_id": no_customer},
    unit="number",
    better="higher",
    empty="nobody bought",
    also_known_as=("order frequency", "orders per customer", "buying frequency"),
    default_because="Buyers of the period only: customers who did not buy have no frequency in it.",
    sources=(RFM_AND_CLV,),
    ahead_of=("customer_lifetime_value",),
    within=(1, None),
)
def purchase_frequency(orders: int, buyers: int) -> float:
    r"""How often a customer who buys in the period does so.

    $$\text{purchase frequency} = \frac{\text{completed orders}}{\text{customers with one or more}}$$

    Orders count in the period in which they were placed. A buyer counts once, however often they order.

    Pitfalls:
        It is at least 1, and rises with the length of the period: a year and a month cannot be compared.

    >>> orders = [Order(id=str(n), customer_id=who) for n, who in enumerate(["A", "A", "B", None])]
    >>> purchase_frequency(orders).value, purchase_frequency(orders).left_out
    (1.5, {'no customer_id': 1})
    """
    return orders / buyers


@purchase_frequency.add_variant(leave_out={"no customer_id": no_customer})
def with_refunds() -> None:
    r"""How often a customer who buys in the period does so, orders below zero counted as purchases.

    $$\text{purchase frequency with refunds} = \frac{\text{completed orders}}{\text{customers with one or more}}$$

    >>> orders = [Order(id="1", customer_id="A", amount=50), Order(id="C1", customer_id="A", amount=-50)]
    >>> purchase_frequency(orders).value, purchase_frequency.variant("with_refunds")(orders).value
    (1.0, 2.0)
    """
