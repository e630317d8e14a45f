from crmkpi.definition.metric import metric
from crmkpi.metrics.customers.retention import active_at_end, wrong
from crmkpi.metrics.literature import MARKETING_METRICS
from crmkpi.metrics.tables import customers, interactions


@metric(
    interactions=interactions.count(interactions.customer_id.present(), at=interactions.at),
    customers=customers.count(active_at_end),
    leave_out=wrong,
    unit="number",
    better="higher",
    empty="there is no customer",
    also_known_as=("customer engagement", "engagement", "engagement rate", "contacts with each customer"),
    default_because="Engagement is about silent customers too, so that they are in the base.",
    sources=(MARKETING_METRICS,),
    ahead_of=("retention_rate",),
)
def interactions_per_customer(interactions: int, customers: int) -> float:
    r"""How often the firm and each of its customers were in touch.

    $$\text{interactions per customer} = \frac{\text{interactions with customers}}{\text{customers active at the end}}$$

    Calls, messages, meetings and mentions of either direction, by their time; those without a customer do not count.

    Pitfalls:
        Complaints are interactions too. Those of a year over the customers of a day grow with the period's length.

    >>> customers = [Customer(id="A", since="2025-01-01"), Customer(id="B", since="2025-01-01")]
    >>> calls = [Interaction(id=str(n), customer_id="A", kind="call") for n in range(3)]
    >>> interactions_per_customer(interactions=calls, customers=customers).value
    1.5
    """
    return interactions / customers


@interactions_per_customer.add_variant(
    at=interactions.at,
    interactions=interactions.count(interactions.customer_id.present()),
    contacted=interactions.distinct(interactions.customer_id, interactions.customer_id.present()),
    empty="nobody was in touch with a customer",
)
def of_contacted(interactions: int, contacted: int) -> float:
    r"""How often the firm was in touch with each customer whom it was in touch with at all.

    $$\text{interactions per contacted customer} = \frac{\text{interactions with customers}}{\text{customers}}$$

    >>> calls = [Interaction(id=str(n), customer_id=who, kind="call") for n, who in enumerate("AAB")]
    >>> interactions_per_customer.variant("of_contacted")(calls).value
    1.5
    """
    return interactions / contacted
