from decimal import Decimal

from crmkpi.definition.metric import metric
from crmkpi.definition.parameters import Parameter
from crmkpi.errors import UndefinedError
from crmkpi.metrics.literature import CALL_CENTER
from crmkpi.metrics.tables import interactions

hourly_rate = Parameter("hourly_rate", "what an hour of an agent costs", unit="money", default=Decimal(0))


@metric(
    at=interactions.at,
    cost=interactions.sum(interactions.cost),
    seconds=interactions.sum(interactions.seconds),
    interactions=interactions.count(),
    only_timed=interactions.count(interactions.cost.missing() & (interactions.seconds > 0)),
    leave_out={"no cost and no time": interactions.cost.missing() & interactions.seconds.missing()},
    parameters=(hourly_rate,),
    unit="money",
    better="lower",
    empty="there was no interaction",
    also_known_as=("interaction cost", "cost per interaction", "cost per contact", "average cost per contact"),
    default_because="The agent's time and what else the contact cost; rent and tools are not in a CRM.",
    sources=(CALL_CENTER,),
)
def average_interaction_cost(
    cost: Decimal, seconds: float, interactions: int, only_timed: int, hourly_rate: Decimal
) -> Decimal:
    r"""Average cost of a contact with a customer.

    $$\text{average interaction cost}
    = \frac{\text{cost} + \text{handled hours} \times \text{hourly rate}}{\text{interactions}}$$

    An interaction counts when it took place. Its cost is all cost but the agent's time; the time is paid at the
    parameter `hourly_rate`, 0 unless given, which the result then says. Interactions with neither a cost nor a time are
    left out; where only one is known, the other counts as nothing.

    Returns:
        Money; undefined where there was no interaction, and without an hourly rate where some have a time and no cost.

    Notes:
        No CRM computes it from records.

    Pitfalls:
        Without an hourly rate it is only the booked cost. A cheap channel with three contacts for a problem is not
        cheap.

    >>> calls = [Interaction(id="1", kind="call", seconds=1800, cost=1), Interaction(id="2", kind="call", seconds=900)]
    >>> average_interaction_cost(calls, hourly_rate=40).value
    Decimal('15.5')
    """
    if only_timed and not hourly_rate:
        which = "1 interaction has" if only_timed == 1 else f"{only_timed} interactions have"
        raise UndefinedError(f"{which} a time and no cost, and no hourly_rate is given")
    return (cost + Decimal(repr(seconds)) * hourly_rate / 3600) / interactions
