from crmkpi.definition.expressions import as_of, period
from crmkpi.definition.metric import Share, metric
from crmkpi.definition.parameters import Parameter
from crmkpi.metrics.customers.retention import active_at_end, joined, wrong
from crmkpi.metrics.literature import DEFECTION, MARKETING_METRICS
from crmkpi.metrics.tables import customers, orders

periods = Parameter("periods", "how many periods ago the customers began", default=1)
completed = orders.status == "completed"
earlier = {
    "before": orders.count(completed & (orders.ordered_at < period.start)).previous(periods),
    "began": orders.count(completed).previous(periods),
}
since_then = completed & (orders.ordered_at >= period.start) & (orders.ordered_at < as_of)
cohort = orders.per(orders.customer_id, **earlier, now=orders.count(completed))
followed = orders.per(orders.customer_id, **earlier, from_now_on=orders.count(since_then))
began = (cohort.before == 0) & (cohort.began > 0)
began_and_followed = (followed.before == 0) & (followed.began > 0)
signed_up = customers.per(
    customers.id,
    joined=customers.count(joined).previous(periods),
    here=customers.count(active_at_end),
)


@metric(
    at=orders.ordered_at,
    came_back=cohort.count(began & (cohort.now > 0)),
    began=cohort.count(began),
    leave_out={"refund": completed & (orders.amount < 0)},
    parameters=(periods,),
    interval=Share("came_back", "began"),
    unit="ratio",
    better="higher",
    empty="nobody began in that period",
    also_known_as=("cohort retention rate", "cohort repurchase rate"),
    sources=(MARKETING_METRICS, DEFECTION),
    default_because="Of customers without a contract it is only known that they bought: so those are retained who do.",
    ahead_of=("customer_lifespan",),
)
def cohort_retention(came_back: int, began: int) -> float:
    r"""Share of the customers who first bought some periods ago and bought again in this one.

    $$\text{cohort retention} = \frac{\text{customers of the cohort who bought in the period}}
    {\text{customers whose first order lies } k \text{ periods before}}$$

    A month shows the customers who began in the month before, with `periods=3` three months before: a diagonal of the
    triangle that `crmkpi.cohorts` shows as a whole. Orders below zero are refunds, which nobody buys.

    Notes:
        By purchases for shops and marketplaces; with a contract, where the end is known, `survival`.

    Pitfalls:
        A period that is not over is too low; give `as_of`, and the result says so. Cohorts of one age are compared, not
        an old one with a young one.

    >>> orders = [Order(id="1", customer_id="A", ordered_at="2026-01-05"),
    ...           Order(id="2", customer_id="B", ordered_at="2026-01-07"),
    ...           Order(id="3", customer_id="A", ordered_at="2026-02-20")]
    >>> cohort_retention(orders, period="2026-02").value
    0.5
    """
    return came_back / began


@cohort_retention.add_variant(
    came_back=followed.count(began_and_followed & (followed.from_now_on > 0)),
    began=followed.count(began_and_followed),
    parameters=(periods,),
)
def rolling() -> None:
    r"""Share of the customers who first bought some periods ago and bought again in this one or later.

    $$\text{rolling retention} = \frac{\text{customers of the cohort who bought in the period or after it}}
    {\text{customers whose first order lies } k \text{ periods before}}$$

    A customer who comes back at all was one in between.

    Notes:
        The latest periods are too low, since later orders are not known yet.

    >>> orders = [Order(id="1", customer_id="A", ordered_at="2026-01-05"),
    ...           Order(id="2", customer_id="A", ordered_at="2026-06-20")]
    >>> cohort_retention.variant("rolling")(orders, period="2026-02").value
    1.0
    """


@cohort_retention.add_variant(
    at=None,
    still_here=signed_up.count((signed_up.joined > 0) & (signed_up.here > 0)),
    signed_up=signed_up.count(signed_up.joined > 0),
    leave_out=wrong,
    parameters=(periods,),
    interval=Share("still_here", "signed_up"),
    empty="nobody came in that period",
)
def survival(still_here: int, signed_up: int) -> float:
    r"""Share of the customers who came some periods ago and are still here at the end of this one.

    $$\text{survival} = \frac{\text{customers of the cohort who are active at the end}}
    {\text{customers who came } k \text{ periods before}}$$

    For customers whose end is known: those with a contract.

    >>> customers = [Customer(id="1", since="2026-01-05"), Customer(id="2", since="2026-01-09", until="2026-02-10")]
    >>> cohort_retention.variant("survival")(customers, period="2026-02").value
    0.5
    """
    return still_here / signed_up
