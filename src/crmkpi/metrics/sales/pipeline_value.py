"""The value of open deals: in full, and weighted by their probability."""

from crmkpi.definition.expressions import period
from crmkpi.definition.metric import metric
from crmkpi.metrics.literature import CRACKING_SALES
from crmkpi.metrics.tables import deals

is_open = deals.status == "open"
# A deal that is closed by now was open at the end of an earlier period. An open deal's close date is only expected.
closed = deals.status.is_in("won", "lost")
not_closed_then = is_open | (closed & (deals.closed_at >= period.end))
was_open = period.begun(deals.created_at) & not_closed_then
# A deal that is open now needs no dates.
unknown = {
    "deleted": deals.deleted,
    "no created_at": not_closed_then & deals.created_at.missing() & ~period.now,
    "no closed_at": closed & (deals.created_at < period.end) & deals.closed_at.missing() & ~period.now,
}
without_amount = unknown | {"no amount": was_open & deals.amount.missing()}


@metric(
    amount=deals.sum(deals.amount, was_open),
    leave_out=without_amount,
    unit="money",
    better="higher",
    empty="nothing is open",
    also_known_as=("pipeline", "open pipeline", "sales pipeline value"),
    default_because="All open deals, in full: the likely part is another question, `weighted_pipeline`.",
    sources=(CRACKING_SALES,),
    ahead_of=("revenue",),
)
def pipeline_value() -> None:
    r"""The amount of all deals that are open at the end of the period.

    $$\text{pipeline value} = \sum \text{amount of deals open at the end}$$

    A stock: a deal is open from its creation until it is won or lost, so that earlier periods show what was open then
    (at today's amounts). Without a period it is that of the deals open now, which need no date. Of a period, a closed
    deal without the date of its closing is left out, since it may have been open then.

    Notes:
        dbt_salesforce leaves out deals whose forecast category is omitted, so that open is more than its pipeline.

    Pitfalls:
        The status decides and not the close date: open deals carry one, often in the past. Adding the ends of twelve
        months counts a deal twelve times.

    >>> deals = [Deal(id="1", status="open", amount=500, created_at="2026-01-10"),
    ...          Deal(id="2", status="won", amount=300, created_at="2026-01-20", closed_at="2026-02-10")]
    >>> pipeline_value(deals, period="2026-01").value, pipeline_value(deals).value
    (Decimal('800'), Decimal('500'))
    """


@metric(
    amount=deals.sum(deals.amount * deals.probability, was_open),
    leave_out=without_amount | {"no probability": was_open & deals.probability.missing()},
    unit="money",
    better="higher",
    empty="nothing is open",
    also_known_as=("weighted pipeline value", "expected pipeline", "probability-weighted pipeline"),
    default_because="Each deal's own probability, as the system holds it.",
    sources=(CRACKING_SALES,),
    ahead_of=("revenue",),
)
def weighted_pipeline() -> None:
    r"""The amount of all deals open at the end of the period, each weighted by its probability of being won.

    $$\text{weighted pipeline} = \sum \text{amount} \times \text{probability, of deals open at the end}$$

    A stock, like `pipeline_value`. Probabilities are fractions from 0 to 1, as they are today.

    Notes:
        Frappe's forecast counts lost deals with their full amount. dbt_salesforce counts a forecast category.

    Pitfalls:
        Probabilities of stages were typed in once and never compared with wins. A sum over three deals is no forecast.

    >>> deals = [Deal(id="1", status="open", amount=500, probability=0.2, created_at="2026-01-10"),
    ...          Deal(id="2", status="open", amount=100, created_at="2026-01-20")]
    >>> print(weighted_pipeline(deals))
    weighted_pipeline 100.00, 1 record; left out: 1 no probability
    """
