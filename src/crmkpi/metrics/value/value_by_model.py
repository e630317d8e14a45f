"""Customer lifetime value from a model of how long customers stay or how often they buy: two more of its variants."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from crmkpi.definition.expressions import Parameter, as_of, period
from crmkpi.definition.measures import last_day
from crmkpi.definition.metric import Estimated
from crmkpi.errors import InputError, UndefinedError
from crmkpi.metrics.customers.customer_lifespan import customers, ended, horizon, running
from crmkpi.metrics.customers.retention import wrong
from crmkpi.metrics.value.customer_lifetime_value import counted, customer_lifetime_value, left_out, margin, orders

__all__ = ["discounted", "predictive"]

discount = Parameter("discount", "what money loses in a year by waiting", unit="ratio")
buyer = orders.customer
stay_is_known = (buyer.since <= as_of) & (buyer.until.missing() | (buyer.until >= buyer.since))
purchase_days = orders.per(
    orders.customer_id,
    orders.ordered_at.day(),
    spent=orders.sum(orders.amount, counted & (orders.ordered_at < period.end) & (orders.ordered_at < as_of)),
)
_CENT = Decimal("0.01")


@customer_lifetime_value.add_variant(
    at=customers.since,
    amount=orders.sum(orders.amount, counted & stay_is_known & (orders.ordered_at < as_of), at=buyer.since),
    ended=ended,
    running=running,
    leave_out={
        **left_out,
        "no ordered_at": (orders.status == "completed") & orders.ordered_at.missing(),
        **wrong,
    },
    parameters=(discount, margin, horizon),
    needs_as_of=True,
)
def discounted(
    amount: Decimal, ended: Sequence[float], running: Sequence[float], discount: float, margin: float, horizon: float
) -> Decimal:
    r"""What a new customer is worth today, from the survival curve and a discount rate.

    $$\text{CLV} = \text{margin} \times \frac{\text{amount}}{\text{months that customers have been customers}} \times
    \sum_{k \ge 1} \frac{\int_{k-1}^{k} S(t)\,dt}{(1 + d)^{k}}$$

    What customers bring in a month, for the months that a customer may be expected to stay up to `horizon` (five years
    unless given), each discounted at its end. $S$ is the survival curve of `customer_lifespan`, $t$ counts months of
    365.25 / 12 days, and the rate of a month is $d = (1 + \text{discount})^{1/12} - 1$. All is about the customers who
    came in the period, as far as known on the day `as_of`, and the completed orders that they have placed.

    Returns:
        Money; undefined where nobody has been a customer for as long as the horizon, unless all have left.

    Raises:
        ParameterError: the discount, or the day up to which the data is known (`as_of`), is not given.

    Notes:
        With a discount of 0 it is what a customer brings in a month times the lifespan.

    Examples:
        >>> from datetime import date
        >>> from crmkpi import Customer, Order, customer_lifetime_value
        >>> customers = [Customer(id="A", since="2025-01-01"), Customer(id="B", since="2025-01-01", until="2025-07-01")]
        >>> orders = [Order(id="1", customer_id="A", amount=900, ordered_at="2025-03-01")]
        >>> worth = customer_lifetime_value.variant("discounted")
        >>> worth(customers=customers, orders=orders, as_of=date(2025, 12, 31), discount=0.1, horizon=365).value
        Decimal('430.93')
        >>> worth(customers=customers, orders=orders, as_of=date(2025, 12, 31), discount=0.1).reason
        'the longest lifetime seen is 365 days, and the horizon 1,826.25 days; give a shorter one'
    """
    from crmkpi.clv.time import annual, months  # noqa: PLC0415  # models are loaded when they are used
    from crmkpi.insight.lifespan import discounted_time, months_of  # noqa: PLC0415  # likewise

    ahead = discounted_time(ended, running, horizon, annual(discount).over(months(1)))
    a_month = amount / Decimal(repr(months_of([*ended, *running])))
    return (a_month * Decimal(repr(ahead)) * Decimal(str(margin))).quantize(_CENT)


def _fitted(purchases: Sequence[tuple[str, date, Decimal]], until: date) -> tuple[Any, Any, Any]:
    """The two models, and the history that they are fitted to."""
    from crmkpi.clv import BgNbd, GammaGamma  # noqa: PLC0415  # models are loaded when they are used
    from crmkpi.insight.rfm import table_of  # noqa: PLC0415

    by_customer: dict[Hashable, dict[date, tuple[int, float]]] = {}
    for customer, day, spent in purchases:
        by_customer.setdefault(customer, {})[day] = (1, float(spent))
    history = table_of(by_customer, as_of=until).history("days")
    return BgNbd.fit(history, engine="python"), GammaGamma.fit(history, engine="python"), history


def _bounds(
    purchases: Sequence[tuple[str, date, Decimal]], until: date, discount: float, margin: float, *, confidence: float
) -> tuple[Decimal, Decimal] | None:
    from crmkpi.clv import annual, customer_value_interval  # noqa: PLC0415  # models are loaded when they are used

    buying, spending, history = _fitted(purchases, until)
    how: dict[str, Any] = {"discount": annual(discount), "margin": margin, "engine": "python"}
    try:
        (total,) = customer_value_interval(buying, spending, history, confidence=confidence, total=True, **how)
    except (InputError, OverflowError):  # the likelihood has no clear top
        return None
    return _money(total.low / len(history)), _money(total.high / len(history))


@customer_lifetime_value.add_variant(
    at=None,
    purchases=purchase_days.rows(),
    until=last_day,
    leave_out={**left_out, "no ordered_at": (orders.status == "completed") & orders.ordered_at.missing()},
    parameters=(discount, margin),
    needs_as_of=True,
    interval=Estimated(_bounds),
    sources=(
        "Fader, Hardie and Lee 2005: Counting Your Customers the Easy Way, Marketing Science 24(2)",
        "Fader and Hardie 2013: The Gamma-Gamma Model of Monetary Value, brucehardie.com/notes/025",
    ),
)
def predictive(purchases: Sequence[tuple[str, date, Decimal]], until: date, discount: float, margin: float) -> Decimal:
    r"""What a customer will still bring in the next twelve months, on average over all who ever bought.

    $$\text{CLV} = \text{margin} \times \frac{1}{n} \sum_{i=1}^{n} E[\text{spend}_i] \times
    \sum_{k=1}^{12} \frac{E[\text{purchases of } i \text{ in month } k]}{(1 + d)^{k}}$$

    Purchases to come after BG/NBD, their value after Gamma-Gamma, both fitted to the completed orders up to the end of
    the period (or the day `as_of`, where it is earlier). Orders on one day are one purchase. Each month is discounted
    at its end, at $d = (1 + \text{discount})^{1/12} - 1$. What customers have brought so far is not in it. In segments
    each one is fitted by itself.

    Returns:
        Money, with an interval for what the fits leave open; undefined with fewer than two customers who came back and
        spent, and where the spend of those who did not has no mean.

    Raises:
        ParameterError: the discount, or the day up to which the data is known (`as_of`), is not given.

    Notes:
        For customers without a contract. `crmkpi.clv` has the models themselves, with the value of each customer, a
        check against a holdout, other models and other horizons.

    Examples:
        >>> from datetime import date, timedelta
        >>> from crmkpi import Order, customer_lifetime_value
        >>> orders = [Order(id=f"{n}-{k}", customer_id=str(n), amount=20 + n,
        ...                 ordered_at=date(2025, 1, 1 + n) + timedelta(days=40 * k))
        ...           for n in range(20) for k in range(1 + n % 4)]
        >>> worth = customer_lifetime_value.variant("predictive")
        >>> worth(orders, as_of=date(2025, 12, 31), discount=0.1, margin=0.5).value
        Decimal('2.82')
        >>> worth(orders[:1], as_of=date(2025, 12, 31), discount=0.1).reason
        'a purchase model needs at least two customers; got one'
    """
    from crmkpi.clv import annual, customer_value  # noqa: PLC0415  # models are loaded when they are used

    if not purchases:
        raise UndefinedError("nobody has bought anything")
    rate = annual(discount)
    try:
        buying, spending, history = _fitted(purchases, until)
        values = customer_value(buying, spending, history, discount=rate, margin=margin, engine="python")
    except InputError as error:
        text = str(error).rstrip(".")
        raise UndefinedError(text[0].lower() + text[1:]) from None
    return _money(sum(values) / len(values))


def _money(amount: float) -> Decimal:
    return Decimal(repr(amount)).quantize(_CENT)
