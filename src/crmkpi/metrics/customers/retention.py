"""Retention and churn: two views of the customers at the start of a period."""

from crmkpi.definition.expressions import as_of, period
from crmkpi.definition.metric import Share, metric
from crmkpi.definition.parameters import Parameter
from crmkpi.metrics.customers.mrr_movements import accounts, gone
from crmkpi.metrics.customers.recurring_revenue import left_out as unusable_subscriptions
from crmkpi.metrics.literature import DEFECTION, MARKETING_METRICS, PROJECT_RETENTION
from crmkpi.metrics.tables import customers, orders

# A customer who leaves at the very instant at which a period begins is lost in that period: periods are half-open.
active_at_start = (customers.since < period.start) & (customers.until.missing() | (customers.until >= period.start))
active_at_end = period.begun(customers.since) & (customers.until.missing() | (customers.until >= period.end))
joined = (customers.since >= period.start) & (customers.since < period.end)
left = (customers.until >= period.start) & (customers.until < period.end)
wrong = {"no since": customers.since.missing(), "negative duration": customers.until < customers.since}

known_orders = (orders.status == "completed") & (orders.ordered_at < as_of)
last_orders = orders.per(orders.customer_id, last=orders.max(orders.ordered_at, known_orders))
inactive_days = Parameter("days", "after how many days without an order a customer is lost", unit="days", default=90)


@metric(
    kept=customers.count(active_at_start & active_at_end),
    active_at_start=customers.count(active_at_start),
    leave_out=wrong,
    interval=Share("kept", "active_at_start"),
    unit="ratio",
    better="higher",
    empty="nobody was active at the start",
    also_known_as=("customer retention rate", "CRR", "logo retention", "retention"),
    default_because="Following the opening customers is right even when some join and leave inside the period.",
    sources=(MARKETING_METRICS, PROJECT_RETENTION),
)
def retention_rate(kept: int, active_at_start: int) -> float:
    r"""Share of the customers active at the start of the period who are still active at its end.

    $$\text{retention rate} = \frac{\text{active at start and at end}}{\text{active at start}}$$

    A customer is active from `since` until `until`. Customers who joined inside the period do not count. It is exactly
    1 - `churn_rate`, and undefined without a period.

    Notes:
        The textbook's (CE - CN) / CS is `from_counts`, the same unless customers join and leave inside the period.

    Pitfalls:
        With new customers in it the count at the end can exceed that at the start, and 110 % of them are "retained". A
        month's 95 % is 54 % over a year.

    >>> customers = [Customer(id="1", since="2025-05-01"), Customer(id="2", since="2025-06-01", until="2026-02-10"),
    ...              Customer(id="3", since="2026-01-15")]
    >>> retention_rate(customers, period="2026-Q1").value
    0.5
    """
    return kept / active_at_start


@retention_rate.add_variant(active_at_end=customers.count(active_at_end), joined=customers.count(joined), interval=None)
def from_counts(active_at_end: int, joined: int, active_at_start: int) -> float:
    r"""The textbook's retention rate, for when only three counts are known.

    $$\text{retention rate} = \frac{CE - CN}{CS}$$

    with CE customers at the end, CN new ones in the period and CS at the start. Customers who join and leave inside the
    period count as new and not at the end, so that it is then lower than the share of opening customers kept.

    It may be below 0 where customers join and leave inside the period.

    >>> retention_rate.variant("from_counts").formula(active_at_end=1140, joined=200, active_at_start=1000)
    0.94
    """
    return (active_at_end - joined) / active_at_start


@metric(
    lost=customers.count(active_at_start & (customers.until < period.end)),
    active_at_start=customers.count(active_at_start),
    leave_out=wrong,
    interval=Share("lost", "active_at_start"),
    unit="ratio",
    better="lower",
    empty="nobody was active at the start",
    also_known_as=("customer turnover rate", "customer churn rate", "logo churn", "attrition rate", "churn"),
    default_because="The textbook's: of those who were there, how many left. New customers do not hide lost ones.",
    sources=(MARKETING_METRICS, DEFECTION),
)
def churn_rate(lost: int, active_at_start: int) -> float:
    r"""Share of the customers active at the start of the period who left during it.

    $$\text{churn rate} = \frac{\text{lost among those active at start}}{\text{active at start}}$$

    Customers who join and leave inside the period do not count. It is exactly 1 - `retention_rate`, and undefined
    without a period.

    Notes:
        Stripe divides by opening and new customers (`stripe`); some divide by the mean of start and end
        (`average_base`). On the same month they differ by points. When `until` is the day of the request, of the last
        paid day or the day after, counts move between months.

    Pitfalls:
        New customers in the base make growing firms look loyal. A month's 5 % is 46 % over a year, not 60 %.

    >>> customers = [Customer(id="1", since="2025-05-01"), Customer(id="2", since="2025-06-01", until="2026-02-10"),
    ...              Customer(id="3", since="2026-01-15", until="2026-02-20")]
    >>> churn_rate(customers, period="2026-Q1").value
    0.5
    """
    return lost / active_at_start


@churn_rate.add_variant(
    lost=customers.count(left),
    joined=customers.count(joined),
    interval=None,
    empty="nobody was active or joined",
    within=(0, 1),
)
def stripe(lost: int, active_at_start: int, joined: int) -> float:
    r"""Churn as Stripe shows it: all who left, over those active at the start and all who joined.

    $$\text{churn rate (Stripe)} = \frac{\text{lost}}{\text{active at start} + \text{joined}}$$

    Customers who join and leave inside the period count in both. Over 30 days it reproduces Stripe's screen.

    >>> churn_rate.variant("stripe").formula(lost=60, active_at_start=1000, joined=200)
    0.05
    """
    return lost / (active_at_start + joined)


@churn_rate.add_variant(
    lost=customers.count(left),
    active_at_end=customers.count(active_at_end),
    interval=None,
    empty="nobody was active at either end",
    within=(0, None),
)
def average_base(lost: int, active_at_start: int, active_at_end: int) -> float:
    r"""All who left, over the mean of the customers at the start and at the end.

    $$\text{churn rate (average base)} = \frac{\text{lost}}{(\text{active at start} + \text{active at end}) / 2}$$

    >>> churn_rate.variant("average_base").formula(lost=60, active_at_start=1000, active_at_end=1000)
    0.06
    """
    return lost / ((active_at_start + active_at_end) / 2)


@churn_rate.add_variant(
    churned=customers.count(customers.status == "churned"),
    customers=customers.count(customers.status.present()),
    leave_out={"no status": customers.status.missing()},
    interval=Share("churned", "customers"),
    empty="no customer has a status",
)
def by_status(churned: int, customers: int) -> float:
    r"""Share of all customers whose status is "churned"; for data without dates.

    $$\text{churn rate by status} = \frac{\text{customers flagged as churned}}{\text{customers with a status}}$$

    It says nothing of when they left, so it is measured over the whole data only. Name the flag when the file is read:
    `values={"status": {"Yes": "churned"}}`.

    >>> customers = [Customer(id=str(n), status=status) for n, status in enumerate(["churned", "active", "active"])]
    >>> round(churn_rate.variant("by_status")(customers).value, 4)
    0.3333
    """
    return churned / customers


@churn_rate.add_variant(
    inactive=last_orders.count(last_orders.last + inactive_days < as_of),
    customers=last_orders.count(last_orders.last.present()),
    leave_out={"refund": (orders.status == "completed") & (orders.amount < 0)},
    interval=Share("inactive", "customers"),
    parameters=(inactive_days,),
    needs_as_of=True,
    at=orders.ordered_at,
    empty="nobody has ordered",
)
def by_inactivity(inactive: int, customers: int) -> float:
    r"""Share of all customers whose last order lies more than a number of days back; for sales without a contract.

    $$\text{churn rate by inactivity} = \frac{\text{customers without an order for } d \text{ days}}{\text{customers}}$$

    Nobody cancels in a shop: when a customer counts as lost is a choice, the parameter `days`. It needs `as_of`:
    only completed orders up to then count, and none below zero, which is a refund.

    >>> orders = [Order(id="1", customer_id="A", ordered_at="2026-01-05"),
    ...           Order(id="2", customer_id="B", ordered_at="2026-06-05")]
    >>> churn_rate.variant("by_inactivity")(orders, as_of="2026-06-30").value
    0.5
    """
    return inactive / customers


@churn_rate.add_variant(
    lost=accounts.count(gone),
    active_at_start=accounts.count(accounts.opening > 0),
    leave_out=unusable_subscriptions,
)
def by_subscriptions() -> None:
    r"""Share of the customers who paid at the start of the period and pay nothing at its end.

    $$\text{churn rate} = \frac{\text{paid at the start and not at the end}}{\text{paid at the start}}$$

    Told by the subscriptions, so that a customer may leave, come back and leave again; all subscriptions must have
    ended.

    >>> stays = [("A", "2025-01-01", "2025-06-01"), ("A", "2025-10-01", "2026-01-20"), ("B", "2025-01-01", None)]
    >>> subscriptions = [Subscription(id=str(n), customer_id=who, mrr=10, started_at=start, ended_at=end)
    ...                  for n, (who, start, end) in enumerate(stays)]
    >>> churn_rate.variant("by_subscriptions")(subscriptions, period="2026-01").value
    0.5
    """


@churn_rate.add_variant(lost=customers.count(left), interval=None, within=(0, None))
def all_lost(lost: int, active_at_start: int) -> float:
    r"""All customers who left in the period, for each customer active at its start.

    $$\text{churn rate} = \frac{\text{all customers lost}}{\text{customers at the start}}$$

    The common formula: customers who came and left inside the period count as lost, and not in the base,
    so that it exceeds 1 where more left than there were.

    >>> stays = [("2025-05-01", "2026-01-10"), ("2025-05-01", None), ("2026-01-05", "2026-01-20")]
    >>> customers = [Customer(id=str(n), since=since, until=until) for n, (since, until) in enumerate(stays)]
    >>> churn_rate.variant("all_lost")(customers, period="2026-01").value
    1.0
    """
    return lost / active_at_start
