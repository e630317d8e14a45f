from decimal import Decimal

from crmkpi.definition.metric import Share, metric
from crmkpi.metrics.literature import CRACKING_SALES
from crmkpi.metrics.tables import deals

won = deals.status == "won"
closed = deals.status.is_in("won", "lost")


@metric(
    at=deals.closed_at,
    won=deals.count(won),
    closed=deals.count(closed),
    leave_out={"deleted": deals.deleted},
    interval=Share("won", "closed"),
    unit="ratio",
    better="higher",
    empty="no deal was closed",
    also_known_as=("sales conversion rate", "close rate", "closing rate", "deal win rate", "opportunity win rate"),
    default_because="Most systems and textbooks count closed deals; open ones make every recent period look bad.",
    sources=("Salesforce Help, article 000387867: WON:SUM / CLOSED:SUM", CRACKING_SALES),
)
def win_rate(won: int, closed: int) -> float:
    r"""Share of closed deals that were won.

    $$\text{win rate} = \frac{\text{won}}{\text{won} + \text{lost}}$$

    A deal counts in the period in which it was closed. Its status says whether it is closed, never its close date: many
    systems fill that date on open deals.

    Notes:
        Won deals over all deals that were created, as some texts have it, is the variant `of_created`. Salesforce shows
        both on one page, fivetran's dbt_salesforce only the share of amounts.

    Pitfalls:
        An export that lacks lost deals gives 100 %: Odoo archives them, and a default export drops what is archived.
        Nobody closes deals as lost before the review, so that a young month looks too good.

    >>> statuses = ["won", "won", "won", "lost", "open"]
    >>> win_rate([Deal(id=str(n), status=status) for n, status in enumerate(statuses)]).value
    0.75
    """
    return won / closed


@win_rate.add_variant(
    at=deals.created_at, created=deals.count(), interval=Share("won", "created"), empty="no deal was created"
)
def of_created(won: int, created: int) -> float:
    r"""Share of all deals created in the period that are won by now, open ones included.

    $$\text{win rate of created} = \frac{\text{won}}{\text{created}}$$

    A cohort: a deal counts in the period in which it was created, however it ended. Recent periods are low while their
    deals are still open.

    >>> statuses = ["won", "won", "won", "lost", "open"]
    >>> win_rate.variant("of_created")([Deal(id=str(n), status=s) for n, s in enumerate(statuses)]).value
    0.6
    """
    return won / created


@win_rate.add_variant(
    won_value=deals.sum(deals.amount, won),
    closed_value=deals.sum(deals.amount, closed),
    leave_out={"deleted": deals.deleted, "no amount": closed & deals.amount.missing()},
    interval=None,
    empty="the closed amount is 0",
)
def by_amount(won_value: Decimal, closed_value: Decimal) -> Decimal:
    r"""Share of the amount of closed deals that was won.

    $$\text{win rate by amount} = \frac{\text{amount won}}{\text{amount won} + \text{amount lost}}$$

    A deal counts in the period in which it was closed. Amounts must be in one currency, or be converted.

    Pitfalls:
        Where lost deals carry the amount 0, as in many exports, this is 100 % whatever happened. Amounts below zero
        can take it out of 0 to 100 %.

    >>> deals = [Deal(id="1", status="won", amount=300), Deal(id="2", status="lost", amount=100)]
    >>> win_rate.variant("by_amount")(deals).value
    0.75
    """
    return won_value / closed_value
