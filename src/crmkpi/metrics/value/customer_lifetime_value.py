from collections.abc import Callable, Hashable, Sequence
from datetime import date
from decimal import Decimal
from math import fsum

from crmkpi._hooks import hook
from crmkpi.dates.months import MONTH_SECONDS, month_or_undefined
from crmkpi.definition.expressions import as_of, period
from crmkpi.definition.measures import last_day, month_days, period_days
from crmkpi.definition.metric import Estimated, metric
from crmkpi.definition.parameters import Parameter
from crmkpi.metrics.customers.customer_lifespan import ended, horizon, running
from crmkpi.metrics.customers.mrr_movements import accounts, gone
from crmkpi.metrics.customers.recurring_revenue import left_out as unusable_subscriptions
from crmkpi.metrics.customers.retention import wrong
from crmkpi.metrics.literature import LIFETIME_VALUE, MARKETING_METRICS
from crmkpi.metrics.tables import customers, orders

completed = orders.status == "completed"
# Only orders with an amount and a customer, so that the three inputs cover the same purchases.
counted = completed & orders.amount.present() & orders.customer_id.present()
# A refund, an order below zero, lowers the revenue of a customer, and is not a purchase.
bought = completed & (orders.amount >= 0) & orders.customer_id.present()
left_out = {
    "no amount": completed & orders.amount.missing(),
    "no customer_id": completed & orders.customer_id.missing(),
}
lifespan = Parameter("lifespan", "how long a customer stays", unit="days")
margin = Parameter("margin", "the share of revenue that is kept after direct cost", unit="ratio", default=1)
discount = Parameter("discount", "what money loses in a year by waiting", unit="ratio")
opening_mrr = accounts.sum(accounts.opening, accounts.opening > 0)
churned_customers = accounts.count(gone)
stay_is_known = (orders.customer.since <= as_of) & (
    orders.customer.until.missing() | (orders.customer.until >= orders.customer.since)
)
purchase_days = orders.per(
    orders.customer_id,
    orders.ordered_at.day(),
    spent=orders.sum(orders.amount, counted & (orders.ordered_at < period.end) & (orders.ordered_at < as_of)),
)
without_a_date = {"no ordered_at": completed & orders.ordered_at.missing()}
Purchases = Sequence[tuple[Hashable, date, Decimal]]  # the spend per customer and day
_discounted_time: Callable[..., float] = hook("discounted_time")


def _exact(number: float | Decimal) -> Decimal:
    return Decimal(str(number))


def _bounds(
    purchases: Purchases, until: date, discount: float, margin: float, *, confidence: float
) -> tuple[Decimal, Decimal] | None:
    from crmkpi.clv.average_value import average_value_interval  # noqa: PLC0415  # models load lazily

    how = {"discount": discount, "margin": margin, "confidence": confidence}
    found = average_value_interval(purchases, until, **how)
    return found and (_exact(found[0]), _exact(found[1]))


@metric(
    at=orders.ordered_at,
    amount=orders.sum(orders.amount, counted),
    orders=orders.count(bought),
    buyers=orders.distinct(orders.customer_id, bought),
    days=period_days,
    leave_out=left_out,
    parameters=(lifespan, margin),
    unit="money",
    better="higher",
    empty="nobody bought",
    also_known_as=("CLV", "LTV", "CLTV", "lifetime value"),
    default_because="It needs only orders and a lifespan; when customers leave is a question for survival curves.",
    sources=(LIFETIME_VALUE, MARKETING_METRICS),
)
def customer_lifetime_value(
    amount: Decimal, orders: int, buyers: int, days: float, lifespan: float, margin: float
) -> Decimal:
    r"""Value of a customer over a lifespan, if they buy as customers did in the period.

    $$\text{CLV} = \frac{\text{amount}}{\text{orders}} \times \frac{\text{orders}}{\text{buyers} \times \text{days}}
    \times \text{lifespan} \times \text{margin}$$

    Average order value × purchase frequency (orders per buyer and day of the period) × lifespan × margin. The lifespan
    is in days, so that weeks are never taken for months; the period's length comes from the period. Completed orders
    count on the day they were placed; those below zero are refunds, which lower the amount and are no orders.

    Pitfalls:
        The lifespan is the weak input: the mean lifetime of churned customers alone is far too short, since those who
        are still here are left out of it.

    >>> orders = [Order(id="1", customer_id="A", amount=73, ordered_at="2026-02-01"),
    ...           Order(id="2", customer_id="A", amount=73, ordered_at="2026-08-01")]
    >>> customer_lifetime_value(orders, period="2026", lifespan=730, margin=0.5).value
    Decimal('146')
    """
    return amount * orders * _exact(lifespan) * _exact(margin) / (orders * buyers * _exact(days))


@customer_lifetime_value.add_variant()
def historic(amount: Decimal, buyers: int) -> Decimal:
    r"""Revenue that a customer has brought so far.

    $$\text{historic CLV} = \frac{\text{amount of completed orders}}{\text{customers who ordered}}$$

    Revenue, undiscounted and without a margin; over the whole data unless a period is given. Refunds, orders below
    zero, lower it, and make nobody a buyer.

    >>> orders = [Order(id="1", customer_id="A", amount=70), Order(id="2", customer_id="B", amount=30)]
    >>> customer_lifetime_value.variant("historic")(orders).value
    Decimal('50')
    """
    return amount / buyers


@customer_lifetime_value.add_variant(
    opening=opening_mrr,
    lost=churned_customers,
    days=month_days,
    leave_out=unusable_subscriptions,
    parameters=(margin,),
    at=None,
    empty="nobody left",
)
def arpu_over_churn(opening: Decimal, lost: int, days: float, margin: float) -> Decimal:
    r"""Value of a subscriber, if they pay and leave as subscribers did in the month.

    $$\text{CLV} = \frac{\text{ARPU} \times \text{margin}}{\text{churn rate}}
    = \frac{\text{opening MRR} \times \text{margin}}{\text{customers lost}}$$

    Of the customers with a paid subscription at the start of the month: their average payment, over the share of them
    that left. ARPU is the revenue of a month, so the churn must be a month's too: over a period that is no calendar
    month it is undefined.

    >>> paid = [Subscription(id="1", customer_id="A", mrr=60, started_at="2025-01-10"),
    ...         Subscription(id="2", customer_id="B", mrr=40, started_at="2025-01-10", ended_at="2026-01-20")]
    >>> by_churn = customer_lifetime_value.variant("arpu_over_churn")
    >>> by_churn(paid, period="2026-01", margin=0.5).value
    Decimal('50.0')
    """
    month_or_undefined(days)
    return opening * _exact(margin) / lost


@customer_lifetime_value.add_variant(
    at=customers.since,
    amount=orders.sum(orders.amount, counted & stay_is_known & (orders.ordered_at < as_of), at=orders.customer.since),
    ended=ended,
    running=running,
    leave_out=left_out | without_a_date | wrong,
    empty="no customer has stayed for any time",
    parameters=(discount, margin, horizon),
    needs_as_of=True,
)
def discounted(
    amount: Decimal, ended: Sequence[float], running: Sequence[float], discount: float, margin: float, horizon: float
) -> Decimal:
    r"""Value of a new customer today, from the survival curve and a discount rate.

    $$\text{CLV} = \text{margin} \times \frac{\text{amount}}{\text{months that customers have been customers}} \times
    \sum_{k \ge 1} \frac{\int_{k-1}^{k} S(t)\,dt}{(1 + d)^{k}}$$

    The monthly revenue of customers, for the months that a customer may be expected to stay up to `horizon` (five years
    unless given), each discounted at its end. $S$ is the survival curve of `customer_lifespan`, $t$ counts months of
    365.25 / 12 days, and the rate of a month is $d = (1 + \text{discount})^{1/12} - 1$. All is about the customers who
    came in the period, as far as known on the day `as_of`, and the completed orders that they have placed.

    Returns:
        Money; undefined where nobody has been a customer for as long as the horizon, unless all have left.

    Notes:
        With a discount of 0 it is the monthly revenue of a customer times the lifespan.

    >>> customers = [Customer(id="A", since="2025-01-01"), Customer(id="B", since="2025-01-01", until="2025-07-01")]
    >>> orders = [Order(id="1", customer_id="A", amount=900, ordered_at="2025-03-01")]
    >>> worth = customer_lifetime_value.variant("discounted")
    >>> round(worth(customers=customers, orders=orders, as_of="2025-12-31", discount=0.1, horizon=365).value, 2)
    Decimal('430.93')
    >>> worth(customers=customers, orders=orders, as_of="2025-12-31", discount=0.1).reason
    'the longest lifetime seen is 365 days, and the horizon 1,826.25 days; give a shorter horizon=, or a longer period'
    """
    ahead = _discounted_time(ended, running, horizon, (1 + discount) ** (1 / 12) - 1)
    so_far = fsum([*ended, *running]) / MONTH_SECONDS
    return amount * _exact(ahead) * _exact(margin) / _exact(so_far)


@customer_lifetime_value.add_variant(
    at=None,
    purchases=purchase_days.rows(),
    until=last_day,
    leave_out=left_out | without_a_date | {"refund": completed & (orders.amount < 0)},
    parameters=(discount, margin),
    needs_as_of=True,
    interval=Estimated(_bounds),
    sources=(
        "Fader, Hardie and Lee 2005: Counting Your Customers the Easy Way, Marketing Science 24(2)",
        "Fader and Hardie 2013: The Gamma-Gamma Model of Monetary Value, brucehardie.com/notes/025",
    ),
)
def predictive(purchases: Purchases, until: date, discount: float, margin: float) -> Decimal:
    r"""Expected revenue of a customer in the next twelve months, on average over all customers who ever bought.

    $$\text{CLV} = \text{margin} \times \frac{1}{n} \sum_{i=1}^{n} E[\text{spend}_i] \times
    \sum_{k=1}^{12} \frac{E[\text{purchases of } i \text{ in month } k]}{(1 + d)^{k}}$$

    Purchases to come after BG/NBD, their value after Gamma-Gamma, both fitted to the completed orders up to the end of
    the period (or the day `as_of`, where it is earlier). Orders on one day are one purchase; orders below zero are
    refunds and none, and are left out. Each month is discounted at its end, at $d = (1 + \text{discount})^{1/12} - 1$.
    Past revenue is not in it. In segments each one is fitted by itself.

    Returns:
        Money, with an interval for what the fits leave open; undefined with fewer than two customers who came back and
        spent, and where the spend of those who did not has no mean.

    Notes:
        For customers without a contract. `crmkpi.clv` has the models themselves, with the value of each customer, a
        check against a holdout, other models and other horizons.

    >>> from datetime import date, timedelta
    >>> orders = [Order(id=f"{n}-{k}", customer_id=str(n), amount=20 + n,
    ...                 ordered_at=date(2025, 1, 1 + n) + timedelta(days=40 * k))
    ...           for n in range(20) for k in range(1 + n % 4)]
    >>> worth = customer_lifetime_value.variant("predictive")
    >>> round(worth(orders, as_of="2025-12-31", discount=0.1, margin=0.5).value, 2)
    Decimal('2.82')
    >>> worth(orders[:1], as_of="2025-12-31", discount=0.1).reason
    'a purchase model needs at least two customers; got one'
    """
    from crmkpi.clv.average_value import average_value  # noqa: PLC0415  # models load lazily

    return _exact(average_value(purchases, until, discount=discount, margin=margin))
