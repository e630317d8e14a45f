from decimal import Decimal

from crmkpi.definition.metric import metric
from crmkpi.metrics.literature import CRACKING_SALES
from crmkpi.metrics.sales.pipeline_value import was_open
from crmkpi.metrics.tables import deals

won = deals.status == "won"
_DAY = 86_400


@metric(
    at=deals.closed_at,
    open_deals=deals.count(was_open),
    won=deals.count(won),
    closed=deals.count(deals.status.is_in("won", "lost")),
    amount=deals.sum(deals.amount, won),
    won_with_amount=deals.count(won & deals.amount.present()),
    cycle=deals.mean(deals.closed_at - deals.created_at, won),
    leave_out={"deleted": deals.deleted, "negative duration": won & (deals.closed_at < deals.created_at)},
    unit="money",
    better="higher",
    empty={
        "won_with_amount": "no won deal has an amount",
        "closed": "no deal was closed",
        "cycle": "the won deals took no time, or their dates are not known",
    },
    title="Sales velocity per day",
    also_known_as=("sales velocity", "pipeline velocity", "deal velocity"),
    default_because="Each of the four by its own default, so that they can be shown beside it.",
    sources=(CRACKING_SALES,),
    guarded_by=("churn_rate",),
)
def sales_velocity(
    open_deals: int, won: int, closed: int, amount: Decimal, won_with_amount: int, cycle: float
) -> Decimal:
    r"""Revenue a day of the open deals, if they are won as often, as large and as fast as those of the period.

    $$\text{sales velocity}
    = \frac{\text{open deals} \times \text{win rate} \times \text{average deal size}}{\text{sales cycle in days}}$$

    Open deals are those at the end of the period, as in `pipeline_value`; win rate, deal size and cycle are those of
    the deals closed in it. A deal won without an amount counts in the win rate.

    Pitfalls:
        Dead deals that nobody closes raise it. It multiplies four uncertain numbers: read its direction.

    >>> deals = [Deal(id="1", status="won", amount=600, created_at="2026-01-01", closed_at="2026-01-31"),
    ...          Deal(id="2", status="lost", closed_at="2026-01-20"),
    ...          Deal(id="3", status="open", created_at="2026-01-20"),
    ...          Deal(id="4", status="open", created_at="2026-01-21")]
    >>> float(sales_velocity(deals).value)
    20.0
    """
    average_size = amount / won_with_amount
    a_day = open_deals * won * average_size * _DAY / (closed * Decimal(repr(cycle)))
    return a_day + 0  # 100, where dividing by 1.0 gives 1E+2
