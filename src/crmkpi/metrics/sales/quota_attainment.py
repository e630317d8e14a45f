from decimal import Decimal

from crmkpi.definition.metric import metric
from crmkpi.definition.parameters import Parameter
from crmkpi.metrics.literature import CRACKING_SALES
from crmkpi.metrics.tables import deals

quota = Parameter("quota", "what was to be won in the period", unit="money")


@metric(
    at=deals.closed_at,
    revenue=deals.sum(deals.amount, deals.status == "won"),
    leave_out={"deleted": deals.deleted},
    parameters=(quota,),
    unit="ratio",
    better="higher",
    empty="the quota is 0",
    also_known_as=("quota achievement", "target attainment", "sales target attainment"),
    default_because="Won deals against the target, since quotas are set in them.",
    sources=(CRACKING_SALES,),
)
def quota_attainment(revenue: Decimal, quota: Decimal) -> Decimal:
    r"""Which part of the sales target was reached.

    $$\text{quota attainment} = \frac{\text{won revenue}}{\text{quota}}$$

    A deal counts in the period in which it was won. The parameter `quota` is that of one period and one group: the same
    number holds for every row of a report.

    Pitfalls:
        One quota for a report by owner is each owner's quota, not the team's. Ten people at 50 % and one at 600 % are a
        team at 100 %: look at the people.

    >>> quota_attainment([Deal(id="1", status="won", amount=90)], quota=120).value
    0.75
    """
    return revenue / quota
