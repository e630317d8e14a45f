from decimal import Decimal

from crmkpi.definition.metric import Mean, metric
from crmkpi.metrics.literature import MARKETING_METRICS
from crmkpi.metrics.tables import orders

completed = orders.status == "completed"


@metric(
    at=orders.ordered_at,
    amount=orders.sum(orders.amount, completed & (orders.amount >= 0)),
    orders=orders.count(completed & (orders.amount >= 0)),
    leave_out={"no amount": completed & orders.amount.missing(), "refund": completed & (orders.amount < 0)},
    interval=Mean("amount", "orders"),
    within=(0, None),
    unit="money",
    better="higher",
    empty="no completed order has an amount",
    also_known_as=("AOV", "average basket value", "average purchase value"),
    default_because="Completed orders only: the rest brought nothing.",
    sources=(MARKETING_METRICS,),
)
def average_order_value(amount: Decimal, orders: int) -> Decimal:
    r"""Average amount of a completed order.

    $$\text{average order value} = \frac{\text{amount of completed orders}}{\text{completed orders with an amount}}$$

    Orders count in the period in which they were placed. An amount of 0 is an amount; a missing one is left out,
    and so is one below 0, which is a refund and no order.

    Pitfalls:
        The mean of the averages of countries is not the average. Taxes and shipping are in some exports and not in
        others.

    >>> orders = [Order(id="1", amount=30), Order(id="2", amount=50), Order(id="3", amount=99, status="cancelled")]
    >>> average_order_value(orders).value
    Decimal('40')
    """
    return amount / orders


@average_order_value.add_variant(
    amount=orders.sum(orders.amount, completed),
    orders=orders.count(completed & orders.amount.present()),
    leave_out={"no amount": completed & orders.amount.missing()},
    within=None,
)
def with_refunds() -> None:
    r"""Average amount of a completed order, orders below zero included.

    $$\text{average order value with refunds} = \frac{\text{amount of completed orders}}{\text{completed orders}}$$

    >>> orders = [Order(id="1", amount=50), Order(id="C1", amount=-20)]
    >>> average_order_value.variant("with_refunds")(orders).value, average_order_value(orders).left_out
    (Decimal('15'), {'refund': 1})
    """
