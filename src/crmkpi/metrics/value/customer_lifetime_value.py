"""Customer lifetime value."""

from __future__ import annotations

from decimal import Decimal

from crmkpi.definition.expressions import Parameter
from crmkpi.definition.measures import Table, period_days
from crmkpi.definition.metric import metric
from crmkpi.metrics.customers.mrr_movements import accounts
from crmkpi.metrics.customers.recurring_revenue import left_out as unusable_subscriptions
from crmkpi.metrics.literature import LIFETIME_VALUE, MARKETING_METRICS
from crmkpi.metrics.value.months import month_or_undefined
from crmkpi.records import Order

__all__ = ["customer_lifetime_value"]

orders = Table(Order)
completed = orders.status == "completed"
# Only orders with an amount and a customer: each of the three inputs then speaks of the same purchases.
counted = completed & orders.amount.present() & orders.customer_id.present()
left_out = {
    "no amount": completed & orders.amount.missing(),
    "no customer_id": completed & orders.customer_id.missing(),
}
lifespan = Parameter("lifespan", "how long a customer stays", unit="days")
margin = Parameter("margin", "the share of revenue that is kept after direct cost", unit="ratio", default=1)
opening_mrr = accounts.sum(accounts.opening, accounts.opening > 0)
churned_customers = accounts.count((accounts.opening > 0) & (accounts.closing <= 0))


@metric(
    at=orders.ordered_at,
    amount=orders.sum(orders.amount, counted),
    orders=orders.count(counted),
    buyers=orders.distinct(orders.customer_id, counted),
    days=period_days,
    leave_out=left_out,
    parameters=(lifespan, margin),
    unit="money",
    better="higher",
    theme="value",
    also_known_as=("CLV", "LTV", "CLTV", "lifetime value"),
    default_because=(
        "It needs nothing but orders and a lifespan; where customers end is better asked of survival curves."
    ),
    sources=(LIFETIME_VALUE, MARKETING_METRICS),
)
def customer_lifetime_value(
    amount: Decimal, orders: int, buyers: int, days: float, lifespan: float, margin: float
) -> Decimal:
    r"""What a customer is worth over a lifespan, if they buy as customers did in the period.

    $$\text{CLV} = \frac{\text{amount}}{\text{orders}} \times \frac{\text{orders}}{\text{buyers} \times \text{days}}
    \times \text{lifespan} \times \text{margin}$$

    Average order value × purchase frequency (orders per buyer and day of the period) × lifespan × margin. The lifespan
    is in days, so that weeks are never taken for months; the period's length comes from the period. Completed orders
    count on the day they were placed.

    Returns:
        Money; undefined where nobody bought, and without a period.

    Pitfalls:
        The lifespan is the weak input: the mean lifetime of churned customers alone is far too short, since those who
        are still here are left out of it.

    Examples:
        >>> from crmkpi import Order, customer_lifetime_value
        >>> orders = [Order(id="1", customer_id="A", amount=73, ordered_at="2026-02-01"),
        ...           Order(id="2", customer_id="A", amount=73, ordered_at="2026-08-01")]
        >>> customer_lifetime_value(orders, period="2026", lifespan=730, margin=0.5).value
        Decimal('146.00')
        >>> customer_lifetime_value([], period="2026", lifespan=730).reason
        'amount, orders and buyers are 0'
    """
    kept = _exact(lifespan) * _exact(margin) / _exact(days)
    return (amount / orders * orders * kept / buyers).quantize(Decimal("0.01"))


@customer_lifetime_value.add_variant(
    amount=orders.sum(orders.amount, counted),
    buyers=orders.distinct(orders.customer_id, counted),
)
def historic(amount: Decimal, buyers: int) -> Decimal:
    r"""What a customer has brought so far.

    $$\text{historic CLV} = \frac{\text{amount of completed orders}}{\text{customers who ordered}}$$

    Revenue, undiscounted and without a margin; over the whole data unless a period is given.

    Returns:
        Money; undefined where nobody bought.

    Examples:
        >>> from crmkpi import Order, customer_lifetime_value
        >>> orders = [Order(id="1", customer_id="A", amount=70), Order(id="2", customer_id="B", amount=30)]
        >>> customer_lifetime_value.variant("historic")(orders).value
        Decimal('50')
        >>> customer_lifetime_value.variant("historic")([]).reason
        'amount and buyers are 0'
    """
    return amount / buyers


@customer_lifetime_value.add_variant(
    opening=opening_mrr,
    lost=churned_customers,
    days=period_days,
    leave_out=unusable_subscriptions,
    parameters=(margin,),
    at=None,
)
def arpu_over_churn(opening: Decimal, lost: int, days: float, margin: float) -> Decimal:
    r"""What a subscriber is worth, if they pay and leave as subscribers did in the month.

    $$\text{CLV} = \frac{\text{ARPU} \times \text{margin}}{\text{churn rate}}
    = \frac{\text{opening MRR} \times \text{margin}}{\text{customers lost}}$$

    Of the customers with a paid subscription at the start of the month: what they pay on average, over the share of
    them that left. ARPU is the revenue of a month, so the churn must be a month's too: over any other period it is
    undefined.

    Returns:
        Money; undefined where nobody left (the value has no end), and for a period that is no month.

    Examples:
        >>> from crmkpi import Subscription, customer_lifetime_value
        >>> subscriptions = [Subscription(id="1", customer_id="A", mrr=60, started_at="2025-01-10"),
        ...                  Subscription(id="2", customer_id="B", mrr=40, started_at="2025-01-10",
        ...                               ended_at="2026-01-20")]
        >>> by_churn = customer_lifetime_value.variant("arpu_over_churn")
        >>> by_churn(subscriptions, period="2026-01", margin=0.5).value
        Decimal('50.0')
        >>> by_churn(subscriptions, period="2025-12").reason
        'lost is 0'
    """
    month_or_undefined(days)
    return opening * _exact(margin) / lost


def _exact(number: float | Decimal) -> Decimal:
    return Decimal(str(number))
