from crmkpi.definition.metric import metric
from crmkpi.metrics.customers.customer_counts import backwards
from crmkpi.metrics.literature import MARKETING_METRICS
from crmkpi.metrics.marketing.lead_volume import merged_or_deleted
from crmkpi.metrics.tables import campaigns, customers, leads


@metric(
    new_customers=customers.count(at=customers.since),
    leads=leads.count(at=leads.created_at),
    leave_out=merged_or_deleted | backwards,
    unit="ratio",
    better="higher",
    empty="no lead came in",
    also_known_as=("customer acquisition rate", "new customer rate"),
    default_because="The people reached are the leads, which every CRM holds; how many saw an advert is rarely known.",
    sources=(MARKETING_METRICS,),
    within=(0, None),
)
def acquisition_rate(new_customers: int, leads: int) -> float:
    r"""How many new customers the period brought for each lead that came in.

    $$\text{acquisition rate} = \frac{\text{new customers}}{\text{leads created}}$$

    A customer counts on the day `since`, a lead on the day it was created; the two need not be the same people, so that
    it may exceed 1. Of each lead by itself it is `lead_conversion_rate`.

    Pitfalls:
        New customers of a month are mostly leads of earlier ones: when leads double, the rate halves at first.

    >>> acquisition_rate(customers=[Customer(id="1")], leads=[Lead(id=str(n)) for n in range(4)]).value
    0.25
    """
    return new_customers / leads


@acquisition_rate.add_variant(
    recipients=campaigns.sum(campaigns.sent, at=campaigns.started_at), empty="nothing was sent"
)
def of_recipients(new_customers: int, recipients: int) -> float:
    r"""How many new customers the period brought for each message that campaigns sent.

    $$\text{acquisition rate of recipients} = \frac{\text{new customers}}{\text{sent by campaigns}}$$

    A customer counts on the day `since`, a campaign's messages on the day it started. A person in
    two campaigns counts twice.

    >>> mailing = [Campaign(id="1", sent=500)]
    >>> acquisition_rate.variant("of_recipients")(customers=[Customer(id="1")], campaigns=mailing).value
    0.002
    """
    return new_customers / recipients
