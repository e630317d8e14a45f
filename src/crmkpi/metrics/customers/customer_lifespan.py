from collections.abc import Callable, Sequence
from typing import Any

from crmkpi._hooks import hook
from crmkpi.definition.expressions import as_of, period
from crmkpi.definition.measures import period_days
from crmkpi.definition.metric import Estimated, metric
from crmkpi.definition.parameters import Parameter
from crmkpi.metrics.customers.retention import active_at_start, wrong
from crmkpi.metrics.literature import KAPLAN_MEIER, PROJECT_RETENTION, SURVIVAL_DATA
from crmkpi.metrics.tables import customers

has_left = customers.until < as_of
still_here = (customers.until.missing() | (customers.until >= as_of)) & (customers.since <= as_of)
lifetime = customers.until - customers.since
ended = customers.values(lifetime, has_left)
running = customers.values(as_of - customers.since, still_here)
horizon = Parameter("horizon", "the age of a customer at which the survival curve is cut", unit="days", default=1826.25)
_DAY = 86_400
_mean_within: Callable[..., Any] = hook("mean_within")


def _bounds(
    ended: Sequence[float], running: Sequence[float], horizon: float, *, confidence: float
) -> tuple[float, float] | None:
    found = _mean_within(ended, running, horizon, confidence=confidence)
    return (found.low, found.high) if ended else None


@metric(
    at=customers.since,
    ended=ended,
    running=running,
    leave_out=wrong,
    parameters=(horizon,),
    needs_as_of=True,
    interval=Estimated(_bounds),
    unit="duration",
    better="higher",
    empty="nobody's lifetime is known",
    also_known_as=("average customer lifespan", "customer lifetime", "average customer lifetime", "customer tenure"),
    default_because="Customers who are still here count for their time so far; churn after the horizon is not guessed.",
    sources=(KAPLAN_MEIER, SURVIVAL_DATA, PROJECT_RETENTION),
)
def customer_lifespan(ended: Sequence[float], running: Sequence[float], horizon: float) -> float:
    r"""How long customers stay on average, up to a horizon, those who are still here taken into account.

    $$\text{customer lifespan} = \int_0^{\text{horizon}} S(t)\,dt$$

    The restricted mean: the area under the survival curve $S$ (Kaplan and Meier) up to `horizon`, five years unless
    given. Customers who are still here on the day `as_of` count for the time so far. A customer counts by `since`.

    Returns:
        A duration, at most the horizon, with an interval from Greenwood's variance; undefined where nobody has been a
        customer for as long as the horizon, unless all have left.

    Notes:
        Where churn does not change with age, `exponential` gives the lifespan without a horizon.

    Pitfalls:
        The horizon is part of the figure: compare lifespans of one horizon only. The mean of those who left alone is
        far too short: `churned_only`.

    >>> customers = [Customer(id="1", since="2026-01-01", until="2026-01-11"), Customer(id="2", since="2026-01-01")]
    >>> customer_lifespan(customers, as_of="2026-03-01", horizon=60).to("days")
    35.0
    >>> customer_lifespan(customers, as_of="2026-03-01").reason
    'the longest lifetime seen is 60 days, and the horizon 1,826.25 days; give a shorter horizon=, or a longer period'
    """
    return float(_mean_within(ended, running, horizon).value)


@customer_lifespan.add_variant(
    time_of_lost=customers.sum(lifetime, has_left),
    time_of_active=customers.sum(as_of - customers.since, still_here),
    lost=customers.count(has_left),
    needs_as_of=True,
    interval=None,
    empty="nobody has left yet, since the end is then out of sight",
)
def exponential(time_of_lost: float, time_of_active: float, lost: int) -> float:
    r"""How long customers stay on average, if they leave as readily at any age.

    $$\text{customer lifespan} = \frac{\text{time that all customers have been customers}}{\text{customers lost}}$$

    The estimate for a churn that does not change with age: the time at risk of all customers, up to `as_of`, for each
    one who left. It needs no horizon. A customer counts in the period in which they came.

    >>> customers = [Customer(id="1", since="2026-01-01", until="2026-01-11"), Customer(id="2", since="2026-01-01")]
    >>> customer_lifespan.variant("exponential")(customers, as_of="2026-03-01").to("days")
    70.0
    """
    return (time_of_lost + time_of_active) / lost


@customer_lifespan.add_variant(
    at=None,
    active_at_start=customers.count(active_at_start),
    lost=customers.count(active_at_start & (customers.until < period.end)),
    days=period_days,
    interval=None,
    empty="nobody left",
)
def inverse_churn(active_at_start: int, lost: int, days: float) -> float:
    r"""How long customers would stay if the churn of the period went on.

    $$\text{customer lifespan} = \frac{\text{length of the period}}{\text{churn rate}}$$

    The churn rate is the default one: lost among those active at the start.

    >>> customers = [Customer(id=str(n), since="2025-05-01", until="2026-01-15" if n == 0 else None)
    ...              for n in range(4)]
    >>> customer_lifespan.variant("inverse_churn")(customers, period="2026-01").to("days")
    124.0
    """
    return days * _DAY * active_at_start / lost


@customer_lifespan.add_variant(
    at=customers.until, lifetime=customers.mean(lifetime, customers.until.present()), interval=None, empty="nobody left"
)
def churned_only() -> None:
    r"""How long the customers who left had stayed on average; far too short as a lifespan.

    $$\text{lifespan of lost customers} = \operatorname{mean}(\text{until} - \text{since})\ \text{of those who left}$$

    Biased: whoever stays long is not in it yet. A firm in its second year can find no lifespan above two. A customer
    counts in the period in which they left.

    >>> customers = [Customer(id="1", since="2026-01-01", until="2026-01-11"), Customer(id="2", since="2020-01-01")]
    >>> customer_lifespan.variant("churned_only")(customers).to("days")
    10.0
    """
