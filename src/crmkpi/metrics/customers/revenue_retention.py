"""Revenue retention and churn: the change of the recurring revenue at the start of a period."""

from decimal import Decimal

from crmkpi.definition.metric import metric
from crmkpi.metrics.customers.mrr_movements import accounts
from crmkpi.metrics.customers.recurring_revenue import left_out
from crmkpi.metrics.literature import SAAS_METRICS, STRIPE_BILLING

paying = accounts.opening > 0
opening = accounts.sum(accounts.opening, paying)
# Each opening customer counts with their amount at the end, limited to between 0 and their amount at the start.
in_full = accounts.sum(accounts.opening, paying & (accounts.closing >= accounts.opening))
in_part = accounts.sum(accounts.closing, paying & (accounts.closing < accounts.opening) & (accounts.closing > 0))
closing = accounts.sum(accounts.closing, paying & (accounts.closing > 0))


@metric(
    kept_in_full=in_full,
    kept_in_part=in_part,
    opening=opening,
    leave_out=left_out,
    unit="ratio",
    better="higher",
    within=(0, 1),
    empty="nobody paid at the start",
    also_known_as=("GRR", "gross dollar retention", "gross retention", "GDR"),
    default_because="Without growth, and per customer, so that one who pays more cannot hide one who left.",
    sources=(SAAS_METRICS,),
)
def gross_revenue_retention(kept_in_full: Decimal, kept_in_part: Decimal, opening: Decimal) -> Decimal:
    r"""Which part of the opening monthly recurring revenue is still there at the end, without any growth.

    $$\text{GRR} = \frac{\text{MRR kept of opening customers}}{\text{opening MRR}}$$

    Kept is the amount that a customer still pays, and no more than they paid at the start. Per customer, over all their
    subscriptions: one customer who pays more cannot make up for another who pays less. Customers who came in the period
    do not count. It is exactly 1 - `revenue_churn_rate`, and undefined without a period.

    Pitfalls:
        Summed over all customers first and capped then, it is too high. It can never exceed 100 %; a figure that does
        is `net_revenue_retention`.

    >>> paid = [Subscription(id="1", customer_id="A", mrr=60, started_at="2025-01-10", ended_at="2026-01-20"),
    ...         Subscription(id="2", customer_id="A", mrr=90, started_at="2026-01-20"),
    ...         Subscription(id="3", customer_id="B", mrr=40, started_at="2025-01-10", ended_at="2026-01-20")]
    >>> gross_revenue_retention(paid, period="2026-01").value
    0.6
    """
    return (kept_in_full + kept_in_part) / opening


@metric(
    closing=closing,
    opening=opening,
    leave_out=left_out,
    unit="ratio",
    better="higher",
    within=(0, None),
    empty="nobody paid at the start",
    also_known_as=("NRR", "net dollar retention", "NDR", "net retention"),
    default_because="Opening customers only: new ones would make every growing firm retain more than all.",
    sources=(SAAS_METRICS,),
)
def net_revenue_retention(closing: Decimal, opening: Decimal) -> Decimal:
    r"""MRR of the opening customers at the end, as a fraction of their MRR at the start.

    $$\text{NRR} = \frac{\text{closing MRR of opening customers}}{\text{opening MRR}}$$

    Per customer, growth included, so that it may exceed 1. Customers who came in the period do not count. A customer
    below 0 at the end, as by a credit, counts as 0. Without a period it is undefined.

    Notes:
        Systems that count per subscription take a change of plan for a loss and a gain.

    Pitfalls:
        A few large customers who grow can hide that most leave: look at `gross_revenue_retention` beside it.

    >>> paid = [Subscription(id="1", customer_id="A", mrr=60, started_at="2025-01-10", ended_at="2026-01-20"),
    ...         Subscription(id="2", customer_id="A", mrr=90, started_at="2026-01-20"),
    ...         Subscription(id="3", customer_id="B", mrr=40, started_at="2025-01-10", ended_at="2026-01-20")]
    >>> net_revenue_retention(paid, period="2026-01").value
    0.9
    """
    return closing / opening


@metric(
    kept_in_full=in_full,
    kept_in_part=in_part,
    opening=opening,
    leave_out=left_out,
    unit="ratio",
    better="lower",
    within=(0, 1),
    empty="nobody paid at the start",
    also_known_as=("MRR churn rate", "gross revenue churn", "gross MRR churn", "dollar churn"),
    default_because="Money that opening customers stopped paying is lost, whether they left or only pay less.",
    sources=(SAAS_METRICS, STRIPE_BILLING),
)
def revenue_churn_rate(kept_in_full: Decimal, kept_in_part: Decimal, opening: Decimal) -> Decimal:
    r"""Which part of the opening monthly recurring revenue was lost, to customers who left or pay less.

    $$\text{revenue churn rate} = \frac{\text{opening MRR} - \text{MRR kept of opening customers}}{\text{opening MRR}}$$

    Kept is the amount that a customer still pays, at most that of the start, over all their subscriptions. With growth
    it is the variant `net`. It is exactly 1 - `gross_revenue_retention`, and undefined without a period.

    Notes:
        Stripe keeps contraction apart and calls only the revenue of customers who left churned: `left_only`.

    Pitfalls:
        With growth taken off it may be negative, and then says nothing of those who left.

    >>> paid = [Subscription(id="1", customer_id="A", mrr=60, started_at="2025-01-10"),
    ...         Subscription(id="2", customer_id="B", mrr=40, started_at="2025-01-10", ended_at="2026-01-20")]
    >>> revenue_churn_rate(paid, period="2026-01").value
    0.4
    """
    return (opening - kept_in_full - kept_in_part) / opening


@revenue_churn_rate.add_variant(closing=closing, within=(None, 1))
def net(closing: Decimal, opening: Decimal) -> Decimal:
    r"""Which part of the opening monthly recurring revenue was lost, after the growth of opening customers.

    $$\text{net revenue churn rate} = 1 - \frac{\text{closing MRR of opening customers}}{\text{opening MRR}}$$

    Below 0 where growth outweighs losses; exactly 1 - `net_revenue_retention`.

    >>> revenue_churn_rate.variant("net").formula(closing=90, opening=100)
    0.1
    """
    return (opening - closing) / opening


@revenue_churn_rate.add_variant(lost=accounts.sum(accounts.opening, paying & (accounts.closing <= 0)), within=(0, 1))
def left_only(lost: Decimal, opening: Decimal) -> Decimal:
    r"""Which part of the opening monthly recurring revenue belonged to customers who left.

    $$\text{revenue churn rate of those who left}
    = \frac{\text{opening MRR of customers who left}}{\text{opening MRR}}$$

    Someone who cancels one of two subscriptions has not left.

    >>> revenue_churn_rate.variant("left_only").formula(lost=5, opening=100)
    0.05
    """
    return lost / opening
