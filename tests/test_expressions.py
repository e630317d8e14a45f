from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

import crmkpi as ck
from crmkpi.definition.expressions import as_of, as_predicate, business_time, period, walk
from crmkpi.definition.parameters import Parameter
from crmkpi.definition.planned_expressions import Unless
from crmkpi.errors import DefinitionError

deals = ck.Table(ck.Deal)
tickets = ck.Table(ck.Ticket)
took = deals.closed_at - deals.created_at


def truth_in(value: object, expression: Any) -> bool:
    return value in expression


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        pytest.param(deals.status == "won", "deals.status == 'won'", id="a comparison"),
        pytest.param(deals.amount >= 100, "deals.amount >= Decimal('100')", id="money is compared with a decimal"),
        pytest.param(2 * deals.amount, "(Decimal('2') * deals.amount)", id="a number first"),
        pytest.param(
            deals.closed_at - deals.created_at > timedelta(days=1),
            "(deals.closed_at - deals.created_at) > datetime.timedelta(days=1)",
            id="a duration",
        ),
        pytest.param(
            deals.deleted & ~(deals.amount > 1),
            "(deals.deleted == True) & (~(deals.amount > Decimal('1')))",
            id="a flag is a condition",
        ),
        pytest.param(
            deals.owner.missing() | deals.owner.is_in("Ada"),
            "((deals.owner).missing()) | (deals.owner.is_in('Ada'))",
            id="an or",
        ),
        pytest.param(deals.owner.present(), "(deals.owner).present()", id="a presence"),
        pytest.param(deals.per(deals.owner, n=deals.count()).n >= 2, "n >= 2", id="a column"),
        pytest.param(tickets.customer.industry == "law", "tickets.customer.industry == 'law'", id="a related field"),
        pytest.param(deals.attributes["region"] == "north", "deals.attributes.region == 'north'", id="a custom field"),
        pytest.param(deals.created_at.day(), "deals.created_at.day()", id="a day"),
        pytest.param(deals.created_at < period.end, "deals.created_at < period.end", id="a bound"),
        pytest.param(deals.created_at <= as_of, "deals.created_at <= as_of", id="the as-of instant"),
        pytest.param(
            business_time(tickets.created_at, tickets.solved_at),
            "business_time(tickets.created_at, tickets.solved_at)",
            id="business time",
        ),
        pytest.param(Unless(deals.amount > 1), "unless(deals.amount > Decimal('1'))", id="unless"),
        pytest.param(Parameter("days", "how long", unit="days", default=30), "parameter('days', 30)", id="a parameter"),
    ],
)
def test_an_expression_prints_as_it_is_written(expression: Any, text: str) -> None:
    assert repr(expression) == text


@pytest.mark.parametrize(
    ("expression", "kind"),
    [
        pytest.param(deals.closed_at - deals.created_at, "duration", id="timestamps apart"),
        pytest.param(deals.closed_at + timedelta(days=1), "timestamp", id="a timestamp later"),
        pytest.param(deals.closed_at - timedelta(days=1), "timestamp", id="a timestamp before"),
        pytest.param(took + timedelta(days=1), "duration", id="durations together"),
        pytest.param(took - timedelta(days=1), "duration", id="what is left of a duration"),
        pytest.param(took * 2, "duration", id="twice as long"),
        pytest.param(took * deals.probability, "duration", id="some of a duration"),
        pytest.param(took / 2, "duration", id="half as long"),
        pytest.param(deals.amount + deals.cost, "money", id="money together"),
        pytest.param(deals.amount + 5, "money", id="money and a number of it"),
        pytest.param(deals.amount - Decimal("0.5"), "money", id="money without some"),
        pytest.param(deals.amount * 2, "money", id="twice as much"),
        pytest.param(2 * deals.amount, "money", id="twice as much, the other way round"),
        pytest.param(deals.amount / 2, "money", id="half as much"),
        pytest.param(deals.probability + 0.5, "number", id="a number and another"),
        pytest.param(deals.probability - 0.5, "number", id="a number less another"),
        pytest.param(deals.probability * 0.5, "number", id="a number times another"),
        pytest.param(deals.probability / 0.5, "number", id="a number by another"),
        pytest.param(tickets.replies / 2, "number", id="half a count"),
        pytest.param(deals.attributes["size"] * 2, "number", id="what may be a number"),
        pytest.param((deals.closed_at - deals.created_at) / timedelta(days=1), "number", id="how many days"),
        pytest.param(deals.created_at.day() - deals.closed_at.day(), "duration", id="days apart"),
        pytest.param(deals.amount - deals.cost, "money", id="what is left"),
        pytest.param(deals.amount * deals.probability, "money", id="what to expect"),
        pytest.param(deals.probability * deals.amount, "money", id="the other way round"),
        pytest.param(deals.amount / deals.cost, "number", id="money by money"),
        pytest.param(tickets.replies + tickets.reopens, "number", id="counts"),
        pytest.param(Parameter("days", "how long", unit="days"), "duration", id="a parameter in days"),
    ],
)
def test_arithmetic_gives_the_kind_that_its_operands_make(expression: Any, kind: str) -> None:
    assert expression.kind == kind


def test_walking_visits_an_expression_and_all_that_it_is_made_of() -> None:
    expression = (deals.amount - deals.cost > 5) & ~deals.owner.missing()
    fields = [repr(part) for part in walk(expression) if hasattr(part, "path")]
    assert fields == ["deals.amount", "deals.cost", "deals.owner"]


WRONG: dict[str, tuple[Callable[[], Any], str]] = {
    "and": (
        lambda: deals.amount > 1 and deals.amount < 5,
        r"deals\.amount > Decimal\('1'\) has no truth value before it meets a record; write `&` for and",
    ),
    "not": (lambda: not deals.deleted, r"deals\.deleted has no truth value .* `~` for not"),
    "a chained comparison": (lambda: 1 < deals.amount < 5, r"`\(a < b\) & \(b < c\)` for a chained comparison"),
    "in": (lambda: truth_in("won", deals.status), r"deals\.status has no truth value .* `\.is_in\(\.\.\.\)` for in"),
    "& without brackets": (
        lambda: (deals.deleted & deals.amount) > 1,
        r"A condition must be a comparison, .*; got deals\.amount\. Comparisons inside `&` and `\|` need brackets",
    ),
    "a value for a condition": (
        lambda: as_predicate("won"),
        r"A condition must be a comparison, is_in\(\), missing\(\), present\(\) or a flag; got 'won'\.",
    ),
    "a misspelt status": (lambda: deals.status == "wonn", r"deals\.status is never 'wonn'\. Did you mean 'won'\?"),
    "a misspelt status among several": (
        lambda: deals.status.is_in("won", "lots"),
        r"deals\.status is never 'lots'\. Did you mean 'lost'\?",
    ),
    "a status of another kind": (
        lambda: deals.status == 3,
        r"deals\.status is never 3\. Known: 'lost', 'open', 'won'\.",
    ),
    "nothing to choose from": (deals.owner.is_in, r"deals\.owner\.is_in\(\) needs at least one value"),
    "a list to choose from": (lambda: deals.owner.is_in(["Ada"]), r"\['Ada'\] cannot be used in an expression with"),
    "a set for a value": (lambda: deals.owner == {"Ada"}, r"For one of several write deals\.owner\.is_in\('Ada'\)\.$"),
    "a frozen set for a value": (lambda: deals.owner == frozenset({"Ada"}), r"write deals\.owner\.is_in\('Ada'\)\.$"),
    "a tuple for a value": (
        lambda: deals.owner == ("Ada",),
        r"\('Ada',\) cannot be used .* For one of several write deals\.owner\.is_in\('Ada'\)\.$",
    ),
    "a list for a value": (
        lambda: deals.owner == ["Ada", "Bo"],
        r"\['Ada', 'Bo'\] cannot be used .* For one of several write deals\.owner\.is_in\('Ada', 'Bo'\)\.$",
    ),
    "an empty list": (lambda: deals.owner == [], r"^\[\] cannot be used in an expression with deals\.owner\.$"),
    "a choice of another kind": (
        lambda: deals.owner.is_in("Ada", 5),
        r"deals\.owner is a text and cannot be compared with 5, which is a integer\.",
    ),
    "None": (
        lambda: deals.owner == None,  # noqa: E711
        r"None is not comparable; write deals\.owner\.missing\(\) or \.present\(\)\.",
    ),
    "an object": (
        lambda: deals.owner == object,  # noqa: E721
        r"<class 'object'> cannot be used in an expression with deals\.owner\.",
    ),
    "a float beside money": (
        lambda: deals.amount > 0.1,
        r"deals\.amount is money, which is exact; write Decimal\('0\.1'\) for 0\.1\.",
    ),
    "text beside a number": (
        lambda: deals.probability > "0.5",
        r"deals\.probability is a number and cannot be compared with '0\.5', which is a text\.",
    ),
    "a timestamp beside a date": (
        lambda: deals.closed_at > deals.expected_close_on,
        r"is a timestamp .* deals\.expected_close_on, which is a date; compare its day, deals\.closed_at",
    ),
    "conditions compared": (
        lambda: (deals.amount > 1) == (deals.cost > 1),
        r"are conditions; join them with `&` or `\|`, do not compare them\.",
    ),
    "a flag beside money": (
        lambda: deals.amount == True,  # noqa: E712
        r"deals\.amount is a money and cannot be compared with True, which is a flag\.",
    ),
    "money by duration": (
        lambda: deals.amount * (deals.closed_at - deals.created_at),
        r"has no meaning: a money and a duration\.",
    ),
    "timestamps added": (
        lambda: deals.closed_at + deals.created_at,
        r"deals\.closed_at \+ deals\.created_at has no meaning: a timestamp and a timestamp\.",
    ),
    "the day of an amount": (
        deals.amount.day,
        r"Only a timestamp has a calendar day; deals\.amount is a money\.",
    ),
    "business time between amounts": (
        lambda: business_time(deals.created_at, deals.amount),
        r"business_time\(\) goes from one timestamp to another; got deals\.amount\.",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_an_expression_that_means_nothing_is_an_error_that_says_what_to_write(name: str) -> None:
    write, message = WRONG[name]
    with pytest.raises(DefinitionError, match=message):
        write()


def test_an_expression_is_nothing_to_loop_over() -> None:
    with pytest.raises(TypeError):
        list(deals.status)


def test_money_divided_is_rounded_to_28_digits_and_added_exactly() -> None:
    @ck.metric(unit="money", third=deals.sum(deals.amount / 3))
    def a_third(third: Decimal) -> Decimal:
        """A third of everything."""
        return third

    found = [ck.Deal(id=str(n), status="won", amount=1) for n in range(3)]
    assert a_third(found).value == Decimal("0.9999999999999999999999999999")


def test_money_by_money_is_a_plain_number() -> None:
    @ck.metric(unit="number", margin=deals.mean((deals.amount - deals.cost) / deals.amount * deals.probability))
    def margin(margin: float) -> float:
        """The margin to expect."""
        return margin

    assert margin([ck.Deal(id="1", status="open", amount=200, cost=150, probability=0.5)]).value == 0.125


def test_comparing_a_naive_instant_with_an_exact_one_is_an_error_that_names_the_record() -> None:
    @ck.metric(unit="count", late=deals.count(deals.closed_at > datetime(2026, 1, 1)))
    def late(late: int) -> int:
        """What came late."""
        return late

    with pytest.raises(ck.errors.TimeZoneError, match=r"Deal '1' has timestamps with and without a time zone"):
        late([ck.Deal(id="1", status="won", closed_at="2026-02-01T00:00Z")])


def test_a_bound_of_the_period_stands_beside_a_timestamp_and_not_beside_what_may_be_anything() -> None:
    @ck.metric(unit="count", due=deals.count(deals.attributes["due"] < period.end))
    def due(due: int) -> int:
        """What is due."""
        return due

    message = r"period\.end must be compared with a timestamp of a record; got deals\.attributes\.due\."
    with pytest.raises(DefinitionError, match=message):
        due([ck.Deal(id="1", status="won", attributes={"due": "2026-01-01"})], period="2026")


def test_a_parameter_is_a_number_that_must_be_given_unless_it_says_otherwise() -> None:
    parameter = Parameter("span", "how long")
    assert (parameter.unit, parameter.default, parameter.kind) == ("number", None, "number")
    kinds = {unit: Parameter("x", "y", unit=unit).kind for unit in ("ratio", "number", "money", "days")}
    assert kinds == {"ratio": "number", "number": "number", "money": "money", "days": "duration"}


def test_a_parameter_has_a_known_unit() -> None:
    with pytest.raises(DefinitionError, match=r"no known unit: 'day'\. Did you mean 'days'"):
        Parameter("span", "how long", unit="day")  # type: ignore[arg-type]


def test_a_number_added_to_an_amount_is_an_amount() -> None:
    deals = ck.Table(ck.Deal)
    total = deals.sum(deals.amount + 10)
    assert total.kind == "money"

    @ck.metric(unit="money", total=total)
    def fees_included(total):
        """What deals bring with a fee of 10 for each."""
        return total

    assert fees_included(
        [ck.Deal(id="1", status="won", amount="1.50"), ck.Deal(id="2", status="won", amount=2)]
    ).value == Decimal("23.50")
