"""Won revenue, and its growth."""

from decimal import Decimal

from crmkpi.definition.metric import metric
from crmkpi.errors import UndefinedError
from crmkpi.metrics.literature import CRACKING_SALES, MARKETING_METRICS
from crmkpi.metrics.tables import deals

won_amount = deals.sum(deals.amount, deals.status == "won")
deleted = {"deleted": deals.deleted}


@metric(
    at=deals.closed_at,
    amount=won_amount,
    leave_out=deleted,
    unit="money",
    better="higher",
    empty="nothing was won",
    also_known_as=("won revenue", "sales revenue", "bookings", "closed-won amount"),
    default_because="Sales reports show won deals on the day they were won.",
    sources=(CRACKING_SALES,),
)
def revenue() -> None:
    r"""The amount of all deals won.

    $$\text{revenue} = \sum \text{amount of won deals}$$

    A deal counts in the period in which it was closed.

    Pitfalls:
        It is signed business, not invoiced or paid, and not the revenue of the accounts. Open deals do not count,
        whatever close date they carry.

    >>> deals = [Deal(id="1", status="won", amount="0.10", currency="EUR"),
    ...          Deal(id="2", status="won", amount="0.20", currency="EUR"), Deal(id="3", status="lost", amount=9)]
    >>> revenue(deals).value, revenue(deals).currency
    (Decimal('0.30'), 'EUR')
    """


@metric(
    at=deals.closed_at,
    current=won_amount,
    previous=won_amount.previous(),
    leave_out=deleted,
    unit="ratio",
    better="higher",
    empty="the period before brought nothing",
    also_known_as=("revenue growth", "sales growth", "growth rate"),
    default_because="A period report shows growth over the period just before; seasons want `year_over_year`.",
    sources=(MARKETING_METRICS,),
)
def revenue_growth_rate(current: Decimal, previous: Decimal) -> Decimal:
    r"""By what fraction won revenue grew over the period before.

    $$\text{revenue growth} = \frac{\text{current} - \text{previous}}{\text{previous}}$$

    The period before is one calendar unit earlier, or the same number of days.

    Returns:
        A fraction from -1 up; undefined where the period before brought nothing or less, and without a period.

    Notes:
        Frappe CRM's period before is one day shorter than the period, so that 31 days are compared with 30.

    Pitfalls:
        December against November is season, not growth. A running month is compared with a whole one unless both are
        cut at the same day.

    >>> deals = [Deal(id="1", status="won", amount=100, closed_at="2026-01-15"),
    ...          Deal(id="2", status="won", amount=150, closed_at="2026-02-15")]
    >>> revenue_growth_rate(deals, period="2026-02").value
    0.5
    """
    return _growth(current, previous)


@revenue_growth_rate.add_variant(a_year_ago=won_amount.year_ago(), empty="the period a year before brought nothing")
def year_over_year(current: Decimal, a_year_ago: Decimal) -> Decimal:
    r"""By what fraction won revenue grew over the same period a year earlier.

    $$\text{revenue growth, year over year} = \frac{\text{current} - \text{a year ago}}{\text{a year ago}}$$

    Returns:
        A fraction from -1 up; undefined where that period brought nothing or less, and without a period.

    >>> deals = [Deal(id="1", status="won", amount=100, closed_at="2025-02-15"),
    ...          Deal(id="2", status="won", amount=120, closed_at="2026-02-15")]
    >>> revenue_growth_rate.variant("year_over_year")(deals, period="2026-02").value
    0.2
    """
    return _growth(current, a_year_ago)


def _growth(current: Decimal, before: Decimal) -> Decimal:
    if before < 0:
        raise UndefinedError("the earlier value is negative, and growth from below zero means nothing")
    return (current - before) / before
