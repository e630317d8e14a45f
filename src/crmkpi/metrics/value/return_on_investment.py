from decimal import Decimal

from crmkpi.definition.metric import metric
from crmkpi.errors import UndefinedError
from crmkpi.metrics.literature import MARKETING_METRICS
from crmkpi.metrics.tables import deals, expenses


@metric(
    gain=deals.sum(deals.amount, deals.status == "won", at=deals.closed_at),
    cost=expenses.sum(expenses.amount, at=expenses.spent_at),
    leave_out={"deleted": deals.deleted},
    unit="ratio",
    better="higher",
    empty="nothing was spent",
    also_known_as=("ROI", "return on spend"),
    default_because="All expenses of the period, since nobody can say which of them won the deals.",
    sources=(MARKETING_METRICS,),
)
def return_on_investment(gain: Decimal, cost: Decimal) -> Decimal:
    r"""Amount of won deals beyond all expenses, as a fraction of the expenses.

    $$\text{ROI} = \frac{\text{gain} - \text{cost}}{\text{cost}}$$

    The gain is the amount of deals won in the period, the cost every expense of it, of all teams. Where deals carry
    what they cost, `net_profit` takes it off.

    Returns:
        A fraction from -1 up; undefined where nothing was spent, or less than nothing after credit notes.

    Pitfalls:
        Revenue is no profit: the cost of the goods is not in it unless it is an expense. Spend and gain of a short
        period belong to different deals.

    >>> deals = [Deal(id="1", status="won", amount=1500)]
    >>> return_on_investment(deals=deals, expenses=[Expense(id="1", amount=1000)]).value
    0.5
    """
    if cost < 0:
        raise UndefinedError("the cost is negative, and a return on it means nothing")
    return (gain - cost) / cost


@return_on_investment.add_variant(
    revenue=deals.sum(deals.amount, deals.status == "won", at=deals.closed_at),
    goods=deals.sum(deals.cost, deals.status == "won", at=deals.closed_at),
    spend=expenses.sum(expenses.amount, at=expenses.spent_at),
    leave_out={"deleted": deals.deleted, "no cost": (deals.status == "won") & deals.cost.missing()},
)
def net_profit(revenue: Decimal, goods: Decimal, spend: Decimal) -> Decimal:
    r"""Earnings of won deals after the cost of the goods and all expenses, as a fraction of the expenses.

    $$\text{ROI} = \frac{\text{revenue} - \text{cost of the deals} - \text{spend}}{\text{spend}}$$

    The common formula, net profit over cost.

    Returns:
        A fraction, below -1 where deals cost more than they bring; undefined where nothing was spent, or less.

    >>> deals, spend = [Deal(id="1", status="won", amount=3000, cost=1000)], [Expense(id="1", amount=1500)]
    >>> round(return_on_investment.variant("net_profit")(deals=deals, expenses=spend).value, 2)
    0.33
    """
    if spend < 0:
        raise UndefinedError("the cost is negative, and a return on it means nothing")
    return (revenue - goods - spend) / spend
