from decimal import Decimal

from crmkpi.definition.metric import metric
from crmkpi.definition.parameters import Parameter
from crmkpi.metrics.customers.customer_counts import backwards
from crmkpi.metrics.literature import MARKETING_METRICS, SAAS_METRICS
from crmkpi.metrics.tables import customers, expenses

new_customers = customers.count(at=customers.since)
spend = expenses.sum(expenses.amount, expenses.team.is_in("marketing", "sales"), at=expenses.spent_at)
marketing_spend = expenses.sum(expenses.amount, expenses.team == "marketing", at=expenses.spent_at)
periods = Parameter("periods", "how many periods lie between spending and winning a customer", default=1)


@metric(
    spend=spend,
    new_customers=new_customers,
    leave_out=backwards,
    unit="money",
    better="lower",
    empty="no customer was won",
    also_known_as=("CAC", "cost per acquisition", "CPA", "cost to acquire a customer"),
    default_because="Sales people cost money too; a CAC of marketing alone flatters every firm that sells in person.",
    sources=(SAAS_METRICS, MARKETING_METRICS),
)
def customer_acquisition_cost(spend: Decimal, new_customers: int) -> Decimal:
    r"""Marketing and sales spend for each new customer.

    $$\text{CAC} = \frac{\text{marketing and sales spend}}{\text{new customers}}$$

    Spend counts on the day it was spent, a customer on the day `since`. Expenses of other teams, or none, do not count.

    Notes:
        No CRM computes this from records. The customers of a period were often paid for in the one before: `lagged`.

    Pitfalls:
        Advertising without the salaries is a fraction of the cost. A quarter's customers were paid for in the quarter
        before where sales takes months.

    >>> spend = [Expense(id="1", amount=600, team="marketing"), Expense(id="2", amount=400, team="sales")]
    >>> customer_acquisition_cost(expenses=spend, customers=[Customer(id="1"), Customer(id="2")]).value
    Decimal('500')
    """
    return spend / new_customers


@customer_acquisition_cost.add_variant(spend=marketing_spend)
def marketing_only(spend: Decimal, new_customers: int) -> Decimal:
    r"""Marketing spend alone for each new customer.

    $$\text{marketing CAC} = \frac{\text{marketing spend}}{\text{new customers}}$$

    >>> spend = [Expense(id="1", amount=600, team="marketing"), Expense(id="2", amount=400, team="sales")]
    >>> customer_acquisition_cost.variant("marketing_only")(expenses=spend, customers=[Customer(id="1")]).value
    Decimal('600')
    """
    return spend / new_customers


@customer_acquisition_cost.add_variant(spend=spend.previous(periods), parameters=(periods,))
def lagged(spend: Decimal, new_customers: int) -> Decimal:
    r"""Marketing and sales spend some periods ago for each customer who is new now.

    $$\text{lagged CAC} = \frac{\text{spend } N \text{ periods before}}{\text{new customers}}$$

    The parameter `periods` is N, 1 unless given: with quarters, the spend of the quarter before.

    >>> spend = [Expense(id="1", amount=600, team="sales", spent_at="2026-01-15")]
    >>> new = [Customer(id="1", since="2026-04-02"), Customer(id="2", since="2026-04-09")]
    >>> customer_acquisition_cost.variant("lagged")(expenses=spend, customers=new, period="2026-Q2").value
    Decimal('300')
    """
    return spend / new_customers
