"""Movements of monthly recurring revenue: new + reactivated + expansion + contraction + churned = closing - opening."""

from decimal import Decimal

from crmkpi.definition.metric import metric
from crmkpi.metrics.customers.recurring_revenue import (
    ever_paid,
    left_out,
    paid_before,
    running_at_end,
    running_at_start,
)
from crmkpi.metrics.literature import SAAS_METRICS, STRIPE_BILLING
from crmkpi.metrics.tables import subscriptions

# One row per customer: their monthly amount at the start and at the end, and the number of earlier subscriptions.
accounts = subscriptions.per(
    subscriptions.customer_id,
    opening=subscriptions.sum(subscriptions.mrr, running_at_start),
    closing=subscriptions.sum(subscriptions.mrr, running_at_end),
    earlier=subscriptions.count(paid_before & ever_paid & (subscriptions.mrr > 0)),
)
gained = (accounts.opening <= 0) & (accounts.closing > 0)
gone = (accounts.opening > 0) & (accounts.closing <= 0)
stayed = ~gained & ~gone
change = accounts.closing - accounts.opening


@metric(
    new=accounts.sum(change, gained & (accounts.earlier == 0)),
    leave_out=left_out,
    unit="money",
    better="higher",
    within=(0, None),
    empty="nobody came",
    also_known_as=("new business MRR", "new monthly recurring revenue"),
    default_because="New means never paid before, so that who comes back is not won twice.",
    sources=(SAAS_METRICS, STRIPE_BILLING),
)
def new_mrr() -> None:
    r"""Monthly recurring revenue of customers who had never paid before the period.

    $$\text{new MRR} = \sum (\text{closing} - \text{opening})\ \text{of new customers}$$

    Per customer: nothing paid at the start, something at the end, and no paid subscription before. With
    `reactivation_mrr`, `expansion_mrr`, `contraction_mrr` and `churned_mrr` it adds up to `net_new_mrr`, to the cent.
    Customers who came and left inside the period have moved nothing, and one in a trial is new when it has ended.

    Pitfalls:
        An export that begins last year does not know who paid before it, so that returning customers look new.

    >>> paid = [Subscription(id="1", customer_id="A", mrr=30, started_at="2026-01-10")]
    >>> new_mrr(paid, period="2026-01").value
    Decimal('30')
    """


@metric(
    reactivated=accounts.sum(change, gained & (accounts.earlier > 0)),
    leave_out=left_out,
    unit="money",
    better="higher",
    within=(0, None),
    empty="nobody came back",
    also_known_as=("reactivated MRR", "returning customer MRR", "win-back MRR"),
    default_because="Apart from new revenue, since winning someone back costs less than winning someone.",
    sources=(SAAS_METRICS, STRIPE_BILLING),
)
def reactivation_mrr() -> None:
    r"""Monthly recurring revenue of customers who had left and came back.

    $$\text{reactivation MRR} = \sum (\text{closing} - \text{opening})\ \text{of returned customers}$$

    Per customer: nothing paid at the start, something at the end, a paid subscription before. Without a period it is 0.

    Pitfalls:
        A card that failed and was renewed a month later looks like a loss and a return.

    >>> paid = [Subscription(id="1", customer_id="A", mrr=30, started_at="2025-01-10", ended_at="2025-06-10"),
    ...         Subscription(id="2", customer_id="A", mrr=40, started_at="2026-01-10")]
    >>> reactivation_mrr(paid, period="2026-01").value
    Decimal('40')
    """


@metric(
    expansion=accounts.sum(change, stayed & (accounts.closing > accounts.opening)),
    leave_out=left_out,
    unit="money",
    better="higher",
    within=(0, None),
    empty="nobody pays more",
    also_known_as=("upgrade MRR", "expansion monthly recurring revenue"),
    default_because="Per customer, so that a change of plan is one movement and not a loss and a gain.",
    sources=(SAAS_METRICS, STRIPE_BILLING),
)
def expansion_mrr() -> None:
    r"""How much more the customers who stayed pay a month.

    $$\text{expansion MRR} = \sum (\text{closing} - \text{opening})\ \text{of those who pay more}$$

    Per customer, over all their subscriptions: one cancelled and a larger one begun is an expansion by the difference.
    Without a period it is 0.

    Pitfalls:
        Price rises are expansions too, and not upsell.

    >>> paid = [Subscription(id="1", customer_id="A", mrr=30, started_at="2025-01-10", ended_at="2026-01-20"),
    ...         Subscription(id="2", customer_id="A", mrr=50, started_at="2026-01-20")]
    >>> expansion_mrr(paid, period="2026-01").value
    Decimal('20')
    """


@metric(
    contraction=accounts.sum(change, stayed & (accounts.closing < accounts.opening)),
    leave_out=left_out,
    unit="money",
    better="higher",
    within=(None, 0),
    empty="nobody pays less",
    also_known_as=("downgrade MRR", "downsell MRR", "contraction monthly recurring revenue"),
    default_because="Per customer: someone who cancels one of two subscriptions pays less and has not left.",
    sources=(SAAS_METRICS, STRIPE_BILLING),
)
def contraction_mrr() -> None:
    r"""How much less the customers who stayed pay a month, as a negative amount.

    $$\text{contraction MRR} = \sum (\text{closing} - \text{opening})\ \text{of those who pay less}$$

    Per customer: someone who cancels one of two subscriptions pays less and has not left. Without a period it is 0.

    Pitfalls:
        Some systems show it without its sign. Here it is negative, so that the movements add up.

    >>> paid = [Subscription(id="1", customer_id="A", mrr=30, started_at="2025-01-10", ended_at="2026-01-20"),
    ...         Subscription(id="2", customer_id="A", mrr=50, started_at="2025-01-10")]
    >>> contraction_mrr(paid, period="2026-01").value
    Decimal('-30')
    """


@metric(
    churned=accounts.sum(change, gone),
    leave_out=left_out,
    unit="money",
    better="higher",
    within=(None, 0),
    empty="nobody left",
    also_known_as=("lost MRR", "churned monthly recurring revenue"),
    default_because="Only customers who pay nothing any more; those who pay less are contraction.",
    sources=(SAAS_METRICS, STRIPE_BILLING),
)
def churned_mrr() -> None:
    r"""The monthly recurring revenue of customers who left, as a negative amount.

    $$\text{churned MRR} = \sum (\text{closing} - \text{opening})\ \text{of those who left}$$

    Per customer: something paid at the start, nothing at the end, over all subscriptions. Without a period it is 0.

    Pitfalls:
        Some systems show it without its sign. Here it is negative, so that the movements add up.

    >>> paid = [Subscription(id="1", customer_id="A", mrr=30, started_at="2025-01-10", ended_at="2026-01-20")]
    >>> churned_mrr(paid, period="2026-01").value
    Decimal('-30')
    """


@metric(
    opening=accounts.sum(accounts.opening),
    closing=accounts.sum(accounts.closing),
    leave_out=left_out,
    unit="money",
    better="higher",
    also_known_as=("MRR movements", "MRR growth", "net MRR change"),
    default_because="Closing minus opening, so that the five movements must explain it to the cent.",
    sources=(SAAS_METRICS,),
)
def net_new_mrr(opening: Decimal, closing: Decimal) -> Decimal:
    r"""By how much monthly recurring revenue changed in the period.

    $$\text{net new MRR} = \text{closing MRR} - \text{opening MRR}$$

    To the cent the sum of `new_mrr`, `reactivation_mrr`, `expansion_mrr`, `contraction_mrr` and `churned_mrr`, for
    every period and segment. Grouped by plan, someone who changes plans leaves one and is new in the other.

    Returns:
        Money a month, below 0 where more was lost than won; 0 where nothing changed. Without a period it is all.

    Pitfalls:
        Zero may be a quiet month, or a hundred who left and a hundred who came: look at the movements.

    >>> paid = [Subscription(id="1", customer_id="A", mrr=30, started_at="2025-01-10", ended_at="2026-01-20"),
    ...         Subscription(id="2", customer_id="B", mrr=50, started_at="2026-01-10")]
    >>> net_new_mrr(paid, period="2026-01").value
    Decimal('20')
    """
    return closing - opening
