"""The value of customers compared with their acquisition cost."""

from decimal import Decimal

from crmkpi.dates.months import MONTH_SECONDS, month_or_undefined
from crmkpi.definition.measures import month_days, period_days
from crmkpi.definition.metric import metric
from crmkpi.errors import UndefinedError
from crmkpi.metrics.customers.customer_counts import backwards
from crmkpi.metrics.customers.recurring_revenue import left_out as unusable_subscriptions
from crmkpi.metrics.customers.recurring_revenue import mrr_at_end, running_at_end
from crmkpi.metrics.literature import SAAS_METRICS
from crmkpi.metrics.tables import orders, subscriptions
from crmkpi.metrics.value.customer_acquisition_cost import new_customers, spend
from crmkpi.metrics.value.customer_lifetime_value import (
    bought,
    churned_customers,
    counted,
    left_out,
    lifespan,
    margin,
    opening_mrr,
)

# Subscriptions may end before they start, too, and each reason has one name.
unusable = unusable_subscriptions | {"left before they came": backwards["negative duration"]}


@metric(
    amount=orders.sum(orders.amount, counted, at=orders.ordered_at),
    buyers=orders.distinct(orders.customer_id, bought, at=orders.ordered_at),
    days=period_days,
    spend=spend,
    new_customers=new_customers,
    leave_out=left_out | backwards,
    parameters=(lifespan, margin),
    unit="multiple",
    better="higher",
    empty={
        "buyers": "nobody bought",
        "lost": "no subscriber left",
        "new_customers": "no customer was won",
        "spend": "nothing was spent",
    },
    also_known_as=("LTV:CAC", "LTV/CAC", "CLV to CAC ratio", "CLV:CAC"),
    default_because="Both sides by their default definition: lifetime value from orders, cost of marketing and sales.",
    sources=(SAAS_METRICS,),
)
def ltv_to_cac_ratio(
    amount: Decimal, buyers: int, days: float, spend: Decimal, new_customers: int, lifespan: float, margin: float
) -> Decimal:
    r"""How many times over a customer brings in what it cost to win them.

    $$\text{LTV to CAC} = \frac{\text{customer lifetime value}}{\text{customer acquisition cost}}$$

    `customer_lifetime_value` over `customer_acquisition_cost`, both of the same period. The lifespan is in days; the
    margin is 1 unless given. Where credit notes outweigh the spend it is undefined.

    Pitfalls:
        Three is a rule of thumb of investors. With a margin of 1 it compares revenue with cost and looks too good.

    >>> orders = [Order(id="1", customer_id="A", amount=73, ordered_at="2026-02-01")]
    >>> spend = [Expense(id="1", amount=73, team="sales", spent_at="2026-01-15")]
    >>> new = [Customer(id="A", since="2026-02-01")]
    >>> ltv_to_cac_ratio(orders=orders, expenses=spend, customers=new, period="2026", lifespan=1095).value
    3.0
    """
    _refuse_credit(spend, amount)
    lifetime_value = amount * Decimal(repr(lifespan)) * Decimal(str(margin)) / (buyers * Decimal(repr(days)))
    return lifetime_value / (spend / new_customers)


@ltv_to_cac_ratio.add_variant(
    opening=opening_mrr,
    lost=churned_customers,
    days=month_days,
    leave_out=unusable,
    parameters=(margin,),
)
def arpu_over_churn(
    opening: Decimal, lost: int, days: float, spend: Decimal, new_customers: int, margin: float
) -> Decimal:
    r"""How many times over a subscriber brings in what it cost to win them, at the churn of the month.

    $$\text{LTV to CAC}
    = \frac{\text{ARPU} \times \text{margin} / \text{churn rate}}{\text{customer acquisition cost}}$$

    `customer_lifetime_value.arpu_over_churn` over `customer_acquisition_cost`, both of the same month; undefined for a
    period that is none, and where credit notes outweigh the spend.

    >>> totals = {"opening": 1000, "lost": 2, "days": 31, "spend": 400, "new_customers": 4, "margin": 0.6}
    >>> ltv_to_cac_ratio.variant("arpu_over_churn").formula(**totals)
    3.0
    """
    month_or_undefined(days)
    _refuse_credit(spend, opening)
    return opening * Decimal(str(margin)) / lost / (spend / new_customers)


@metric(
    spend=spend,
    new_customers=new_customers,
    mrr=mrr_at_end,
    subscribers=subscriptions.distinct(subscriptions.customer_id, running_at_end & (subscriptions.mrr > 0)),
    leave_out=unusable,
    parameters=(margin,),
    unit="duration",
    better="lower",
    empty={
        "new_customers": "no customer was won",
        "mrr": "nobody pays",
        "subscribers": "nobody pays",
        "margin": "no revenue is kept",
    },
    also_known_as=("months to recover CAC", "CAC payback", "payback period"),
    default_because="Monthly revenue of a subscriber, after direct cost if the margin is given.",
    sources=(SAAS_METRICS,),
    guarded_by=("churn_rate",),
)
def cac_payback_period(spend: Decimal, new_customers: int, mrr: Decimal, subscribers: int, margin: float) -> Decimal:
    r"""How long a customer has to stay until they have paid back what it cost to win them.

    $$\text{CAC payback period} = \frac{\text{CAC}}{\text{ARPU} \times \text{margin}}\ \text{months}$$

    `customer_acquisition_cost` of the period over what a subscriber brings in a month at its end (`arpu`). A month is
    365.25 / 12 days; the margin is 1 unless given.

    Returns:
        A duration; undefined where no customer was won or nobody pays, where credit notes outweigh the spend or the
        MRR, and where nothing of the revenue is kept.

    Pitfalls:
        Without a margin it is revenue that is paid back, not money that was earned. A customer who leaves before it is
        over has cost more than they brought.

    >>> spend, new = [Expense(id="1", amount=600, team="sales")], [Customer(id="A")]
    >>> paying = [Subscription(id="1", customer_id="A", mrr=100, started_at="2026-01-01")]
    >>> result = cac_payback_period(expenses=spend, customers=new, subscriptions=paying, margin=0.5)
    >>> round(result.to("days") / 30.4375, 6)
    12.0
    """
    _refuse_credit(spend, mrr)
    if margin < 0:
        raise UndefinedError("the margin is negative, so that nothing is ever paid back")
    return spend / new_customers / (mrr / subscribers * Decimal(str(margin))) * Decimal(MONTH_SECONDS)


def _refuse_credit(spend: Decimal, revenue: Decimal) -> None:
    """Raise `UndefinedError` if credit notes exceed the spend or the revenue: a ratio of such sums is meaningless."""
    if spend < 0:
        raise UndefinedError("credit notes outweigh what was spent")
    if revenue < 0:
        raise UndefinedError("credit notes outweigh the revenue")
