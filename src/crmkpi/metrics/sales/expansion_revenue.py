from crmkpi.definition.metric import metric
from crmkpi.metrics.literature import SAAS_METRICS
from crmkpi.metrics.tables import deals

won = deals.status == "won"


@metric(
    at=deals.closed_at,
    amount=deals.sum(deals.amount, won & (deals.kind == "expansion")),
    leave_out={"deleted": deals.deleted, "no kind": won & deals.kind.missing()},
    unit="money",
    better="higher",
    empty="nothing was won",
    also_known_as=("upsell", "upsell revenue", "cross-sell revenue", "upsell and cross-sell"),
    default_because="Only deals that say they are expansions: a new deal of an old customer may be a renewal.",
    sources=(SAAS_METRICS,),
)
def expansion_revenue() -> None:
    r"""Amount that existing customers bought on top: upsell and cross-sell.

    $$\text{expansion revenue} = \sum \text{amount of won deals of the kind expansion}$$

    A deal counts in the period in which it was won. Renewals are no expansion.

    Notes:
        Of subscriptions, `expansion_mrr` says how much more they bring in a month.

    Pitfalls:
        Where the kind is not filled in, upsell is left out and not zero: see the count of "no kind".

    >>> kinds = ["expansion", "new", None]
    >>> deals = [Deal(id=str(n), status="won", kind=kind, amount=80) for n, kind in enumerate(kinds)]
    >>> expansion_revenue(deals).value, expansion_revenue(deals).left_out
    (Decimal('80'), {'no kind': 1})
    """
