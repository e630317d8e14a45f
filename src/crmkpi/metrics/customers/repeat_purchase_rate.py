from crmkpi.definition.expressions import period
from crmkpi.definition.metric import Share, metric
from crmkpi.metrics.literature import MARKETING_METRICS, RFM_AND_CLV
from crmkpi.metrics.tables import orders

completed = orders.status == "completed"
buyers = orders.per(orders.customer_id, purchases=orders.count(completed))
since_ever = orders.per(
    orders.customer_id,
    purchases=orders.count(completed & (orders.ordered_at < period.end)),
    recent=orders.count(completed & (orders.ordered_at >= period.start) & (orders.ordered_at < period.end)),
)
buyers_by_day = orders.per(orders.customer_id, days=orders.distinct(orders.ordered_at.day(), completed))


@metric(
    at=orders.ordered_at,
    repeat_buyers=buyers.count(buyers.purchases >= 2),
    buyers=buyers.count(buyers.purchases >= 1),
    leave_out={"refund": completed & (orders.amount < 0)},
    interval=Share("repeat_buyers", "buyers"),
    unit="ratio",
    better="higher",
    empty="nobody bought",
    also_known_as=("RPR", "repeat customer rate", "repurchase rate", "reorder rate"),
    default_because="Two orders are two purchases; shops where one basket is split into several orders want `by_days`.",
    sources=(MARKETING_METRICS, RFM_AND_CLV),
    ahead_of=("customer_lifetime_value",),
)
def repeat_purchase_rate(repeat_buyers: int, buyers: int) -> float:
    r"""Share of the buyers of the period who bought at least twice in it.

    $$\text{repeat purchase rate} = \frac{\text{customers with two orders or more}}{\text{customers with one or more}}$$

    Orders count in the period in which they were placed.

    Notes:
        ERPNext's "repeat customers" counts invoices after the first, not customers.

    Pitfalls:
        In a longer period more people have bought twice, so that a year and a month cannot be compared. Buyers of the
        last weeks had no time to come again.

    >>> orders = [Order(id="1", customer_id="A"), Order(id="2", customer_id="A"), Order(id="3", customer_id="B")]
    >>> repeat_purchase_rate(orders).value
    0.5
    """
    return repeat_buyers / buyers


@repeat_purchase_rate.add_variant(
    repeat_buyers=buyers_by_day.count(buyers_by_day.days >= 2),
    buyers=buyers_by_day.count(buyers_by_day.days >= 1),
    empty="nobody bought on a known day",
)
def by_days() -> None:
    r"""Share of the buyers of the period who bought on at least two days.

    $$\text{rate by days} = \frac{\text{customers with two or more purchase days}}{\text{customers with one or more}}$$

    Several orders on one day are one purchase. Days begin at midnight in the calendar's time zone.

    >>> orders = [Order(id="1", customer_id="A", ordered_at="2026-01-05T09:00"),
    ...           Order(id="2", customer_id="A", ordered_at="2026-01-05T17:00")]
    >>> repeat_purchase_rate.variant("by_days")(orders).value
    0.0
    """


@repeat_purchase_rate.add_variant(leave_out={})
def with_refunds() -> None:
    r"""Share of the buyers who bought at least twice, orders below zero counted as purchases.

    $$\text{rate with refunds} = \frac{\text{customers with two orders or more}}{\text{customers with one or more}}$$

    >>> orders = [Order(id="1", customer_id="A", amount=50), Order(id="C1", customer_id="A", amount=-50)]
    >>> repeat_purchase_rate(orders).value, repeat_purchase_rate.variant("with_refunds")(orders).value
    (0.0, 1.0)
    """


@repeat_purchase_rate.add_variant(
    at=None,
    came_back=since_ever.count((since_ever.recent >= 1) & (since_ever.purchases >= 2)),
    buyers=since_ever.count(since_ever.purchases >= 1),
    leave_out={"refund": completed & (orders.amount < 0), "no ordered_at": completed & orders.ordered_at.missing()},
    interval=Share("came_back", "buyers"),
)
def returning(came_back: int, buyers: int) -> float:
    r"""Share of all who ever bought who came back in the period.

    $$\text{returning customers} = \frac{\text{buyers of the period who had bought before}}{\text{all buyers so far}}$$

    The common formula: whose second or later order lies in the period, of all buyers up to its end.

    >>> days = ["A01-05", "B01-06", "C01-07", "A02-05", "B02-06"]
    >>> orders = [Order(id=day, customer_id=day[0], ordered_at=f"2026-{day[1:]}") for day in days]
    >>> round(repeat_purchase_rate.variant("returning")(orders, period="2026-02").value, 4)
    0.6667
    """
    return came_back / buyers
