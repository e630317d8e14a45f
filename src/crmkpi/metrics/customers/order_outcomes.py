"""Outcomes of carts and orders."""

from crmkpi.definition.metric import Share, metric
from crmkpi.metrics.literature import CART_ABANDONMENT, PRODUCT_RETURNS, SCOR
from crmkpi.metrics.tables import orders

kept_or_returned = orders.status.is_in("completed", "returned")
delivery = orders.delivered_at - orders.ordered_at
not_delivered = {"not delivered yet": kept_or_returned & orders.delivered_at.missing()}


@metric(
    at=orders.ordered_at,
    abandoned=orders.count(orders.status == "abandoned"),
    carts=orders.count(),
    interval=Share("abandoned", "carts"),
    unit="ratio",
    better="lower",
    empty="there was no cart",
    also_known_as=("basket abandonment rate", "shopping cart abandonment rate", "checkout abandonment rate"),
    default_because="Every cart that was filled is in the base, whatever became of the order.",
    sources=(CART_ABANDONMENT,),
    ahead_of=("purchase_frequency",),
)
def cart_abandonment_rate(abandoned: int, carts: int) -> float:
    r"""Share of the carts that were filled and never ordered.

    $$\text{cart abandonment rate} = \frac{\text{abandoned}}{\text{abandoned} + \text{placed}}$$

    Placed is every order that was sent off, also if it was cancelled or returned later. Without abandoned carts in the
    data the rate is 0 and means nothing.

    Pitfalls:
        Many fill a cart to see the price of shipping. Shops that ask for an address first count fewer carts.

    >>> statuses = ["abandoned", "abandoned", "abandoned", "cancelled", "completed"]
    >>> cart_abandonment_rate([Order(id=str(n), status=status) for n, status in enumerate(statuses)]).value
    0.6
    """
    return abandoned / carts


@metric(
    at=orders.ordered_at,
    returned=orders.count(orders.status == "returned"),
    orders=orders.count(kept_or_returned),
    interval=Share("returned", "orders"),
    unit="ratio",
    better="lower",
    empty="nothing was ordered",
    also_known_as=("product return rate", "order return rate", "refund rate"),
    default_because="By the day of the order, so that returns are compared with the orders they belong to.",
    sources=(PRODUCT_RETURNS,),
    ahead_of=("repeat_purchase_rate",),
)
def return_rate(returned: int, orders: int) -> float:
    r"""Share of the orders that came back.

    $$\text{return rate} = \frac{\text{returned}}{\text{completed} + \text{returned}}$$

    A cohort: an order counts in the period in which it was placed, whenever it comes back. Cancelled orders were
    never delivered and do not count.

    Pitfalls:
        The latest weeks are low: their parcels are not back yet. One item of ten returned marks the whole order.

    >>> statuses = ["completed", "completed", "completed", "returned", "cancelled"]
    >>> return_rate([Order(id=str(n), status=status) for n, status in enumerate(statuses)]).value
    0.25
    """
    return returned / orders


@metric(
    at=orders.ordered_at,
    delivery=orders.mean(delivery, kept_or_returned),
    leave_out=not_delivered,
    unit="duration",
    better="lower",
    empty="nothing was delivered",
    also_known_as=("average delivery time", "order to delivery time", "order fulfilment time"),
    default_because="Shops and carriers publish the mean; the customer in the middle meets `median`.",
    sources=(SCOR,),
    ahead_of=("repeat_purchase_rate",),
    guarded_by=("return_rate",),
)
def delivery_time() -> None:
    r"""How long it takes on average from an order to its delivery.

    $$\text{delivery time} = \operatorname{mean}(\text{delivered} - \text{ordered})$$

    Completed and returned orders, in the period in which they were placed. Orders on their way are left out under "not
    delivered yet".

    Pitfalls:
        Orders on their way have no time yet: in a crisis the slowest parcels are missing and the mean looks fine.

    >>> orders = [Order(id=day, ordered_at="2026-01-01", delivered_at=f"2026-01-{day}") for day in ("03", "05")]
    >>> delivery_time([*orders, Order(id="3", ordered_at="2026-01-01")]).to("days")
    3.0
    """


delivery_time.also("median")
