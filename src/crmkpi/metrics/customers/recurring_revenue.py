"""Recurring revenue of subscriptions: per month, per year, and per customer."""

from decimal import Decimal

from crmkpi.definition.expressions import period
from crmkpi.definition.metric import metric
from crmkpi.definition.planned_expressions import Unless
from crmkpi.metrics.literature import SAAS_METRICS, STRIPE_BILLING
from crmkpi.metrics.tables import subscriptions

# A trial has no revenue: customers who continue pay from its end on.
paid_before = (subscriptions.started_at < period.start) & (
    subscriptions.trial_end.missing() | (subscriptions.trial_end < period.start)
)
ever_paid = (
    subscriptions.trial_end.missing()
    | subscriptions.ended_at.missing()
    | (subscriptions.ended_at > subscriptions.trial_end)
)
# A subscription that ends at the very instant at which a period begins ends in that period: periods are half-open.
running_at_start = paid_before & (subscriptions.ended_at.missing() | (subscriptions.ended_at >= period.start))
running_at_end = (
    period.begun(subscriptions.started_at)
    & (subscriptions.trial_end.missing() | (subscriptions.trial_end < period.end))
    & (subscriptions.ended_at.missing() | (subscriptions.ended_at >= period.end))
)
# A subscription that starts after the period is outside of it, even if other fields are missing.
may_have_begun = subscriptions.started_at.missing() | (subscriptions.started_at < period.end)
not_later = Unless(subscriptions.started_at >= period.end)
# Left out of all KPIs of subscriptions, so that movements explain the recurring revenue to the cent.
left_out = {
    "no started_at": subscriptions.started_at.missing() & ~period.now,  # a current subscription needs no start
    "negative duration": (subscriptions.ended_at < period.end) & (subscriptions.ended_at < subscriptions.started_at),
    "no mrr": may_have_begun & subscriptions.mrr.missing(),
    "no customer_id": may_have_begun & subscriptions.customer_id.missing(),
    "canceled, no ended_at": may_have_begun & (subscriptions.status == "canceled") & subscriptions.ended_at.missing(),
    "not paying": not_later & subscriptions.status.is_in("trialing", "unpaid", "paused", "incomplete"),
}
mrr_at_end = subscriptions.sum(subscriptions.mrr, running_at_end)


@metric(
    mrr=mrr_at_end,
    leave_out=left_out,
    unit="money",
    better="higher",
    empty="nothing runs",
    title="Monthly recurring revenue",
    also_known_as=("MRR", "recurring revenue", "subscription revenue"),
    default_because="Subscriptions at the end of the period, since the next one begins with them.",
    sources=(SAAS_METRICS, STRIPE_BILLING),
)
def mrr() -> None:
    r"""Monthly amount of the subscriptions that run at the end of the period.

    $$\text{MRR} = \sum \text{monthly amount of running subscriptions}$$

    A stock: a subscription runs from its start, or from the end of its trial, until it ends; without a period it is
    that of those running now, which need no start. Subscriptions that pay nothing by their `status` are left out:
    trialing, unpaid, paused and incomplete ones.

    Notes:
        As on Stripe's screen, trials are no revenue and `past_due` still is. Stripe also leaves out taxes, metered
        parts and coupons without an end; the export decides what the field `mrr` holds. `status` is that of today: a
        subscription that is unpaid now is left out of earlier months as well.

    Pitfalls:
        A yearly fee in the field is twelve times too much: divide it before it is read. Adding the ends of twelve
        months is no yearly revenue.

    >>> running = [Subscription(id="1", customer_id="A", mrr="49.90", started_at="2025-03-01"),
    ...            Subscription(id="2", customer_id="B", mrr="20.00", started_at="2025-05-01", ended_at="2026-01-15")]
    >>> mrr(running, period="2025").value, mrr(running, period="2026-01").value
    (Decimal('69.90'), Decimal('49.90'))
    """


@metric(
    mrr=mrr_at_end,
    leave_out=left_out,
    unit="money",
    better="higher",
    empty="nothing runs",
    title="Annual recurring revenue",
    also_known_as=("ARR", "annualised recurring revenue"),
    default_because="Twelve times the monthly revenue, so that the two can never disagree.",
    sources=(SAAS_METRICS,),
)
def arr(mrr: Decimal) -> Decimal:
    r"""Yearly amount of the subscriptions that run at the end of the period, if nothing changes.

    $$\text{ARR} = 12 \times \text{MRR}$$

    A stock, like `mrr`. It is a pace and no forecast.

    Pitfalls:
        In a season business it promises twelve Decembers. One-off fees and services are no recurring revenue.

    >>> arr([Subscription(id="1", customer_id="A", mrr="49.90", started_at="2025-03-01")]).value
    Decimal('598.80')
    """
    return mrr * 12


@metric(
    mrr=mrr_at_end,
    customers=subscriptions.distinct(subscriptions.customer_id, running_at_end & (subscriptions.mrr > 0)),
    leave_out=left_out,
    unit="money",
    better="higher",
    title="Average revenue per user",
    empty="nobody pays",
    also_known_as=("ARPU", "ARPA", "average revenue per account", "average revenue per customer"),
    default_because="Per paying customer, not per subscription: someone with two of them is one customer.",
    sources=(SAAS_METRICS,),
)
def arpu(mrr: Decimal, customers: int) -> Decimal:
    r"""Average monthly revenue of a paying customer.

    $$\text{ARPU} = \frac{\text{MRR}}{\text{customers with a running paid subscription}}$$

    A stock, at the end of the period. Customers whose subscriptions are free are no paying customers.

    Pitfalls:
        It rises when the smallest customers leave. The mean of the averages of plans is not the average.

    >>> running = [Subscription(id="1", customer_id="A", mrr=40, started_at="2025-03-01"),
    ...            Subscription(id="2", customer_id="A", mrr=20, started_at="2025-03-01"),
    ...            Subscription(id="3", customer_id="B", mrr=30, started_at="2025-03-01")]
    >>> arpu(running).value
    Decimal('45')
    """
    return mrr / customers
