from decimal import Decimal

from crmkpi.definition.metric import Mean, metric
from crmkpi.metrics.literature import CRACKING_SALES, MARKETING_METRICS
from crmkpi.metrics.tables import deals

won = deals.status == "won"
closed = deals.status.is_in("won", "lost")
sold = deals.amount >= 0
refund = deals.amount < 0


@metric(
    at=deals.closed_at,
    amount=deals.sum(deals.amount, won & sold),
    deals=deals.count(won & sold),
    leave_out={"deleted": deals.deleted, "no amount": won & deals.amount.missing(), "refund": won & refund},
    interval=Mean("amount", "deals"),
    within=(0, None),
    unit="money",
    better="higher",
    empty="no won deal has an amount",
    also_known_as=("average deal value", "average contract value", "average opportunity value"),
    default_because="Only won deals bring money; lost ones often carry an amount of 0 and would pull the mean down.",
    sources=(CRACKING_SALES, MARKETING_METRICS),
)
def average_deal_size(amount: Decimal, deals: int) -> Decimal:
    r"""Average amount of a won deal.

    $$\text{average deal size} = \frac{\text{amount of won deals}}{\text{won deals with an amount}}$$

    A deal counts in the period in which it was closed. An amount of 0 is an amount; one below 0 is a refund, no deal.

    Notes:
        Frappe CRM also shows the mean over everything that is not lost. A mean over won and lost deals, with lost ones
        at 0, is the variant `all_closed`.

    Pitfalls:
        A few very large deals carry the mean: look at `median` too. Contracts of three years and of one differ.

    >>> deals = [Deal(id="1", status="won", amount=300), Deal(id="2", status="won", amount=100),
    ...          Deal(id="3", status="won")]
    >>> average_deal_size(deals).value, average_deal_size(deals).left_out
    (Decimal('200'), {'no amount': 1})
    """
    return amount / deals


@average_deal_size.add_variant(amount=deals.median(deals.amount, won & sold), interval=None)
def median() -> None:
    r"""Amount of the won deal in the middle: half are smaller, half larger.

    $$\text{median deal size} = \operatorname{median}(\text{amount of won deals})$$

    A few very large deals do not move it.

    >>> deals = [Deal(id=str(n), status="won", amount=amount) for n, amount in enumerate([10, 20, 9000])]
    >>> average_deal_size.variant("median")(deals).value
    Decimal('20')
    """


@average_deal_size.add_variant(
    amount=deals.sum(deals.amount, closed & sold),
    deals=deals.count(closed & sold),
    leave_out={"deleted": deals.deleted, "no amount": closed & deals.amount.missing(), "refund": closed & refund},
    empty="no closed deal has an amount",
)
def all_closed() -> None:
    r"""Average amount of a closed deal, lost ones included.

    $$\text{average size of closed deals} = \frac{\text{amount of closed deals}}{\text{closed deals with an amount}}$$

    Pitfalls:
        Where a system sets lost deals to 0 this is far below what a deal is worth.

    >>> deals = [Deal(id="1", status="won", amount=300), Deal(id="2", status="lost", amount=0)]
    >>> average_deal_size.variant("all_closed")(deals).value
    Decimal('150')
    """
