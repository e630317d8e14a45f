"""Formulas with values or rows as inputs, against loops written from the definition."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import crmkpi as ck
from crmkpi.definition.expressions import as_of, period
from crmkpi.definition.measures import last_day, period_days
from crmkpi.errors import CurrencyError, DefinitionError
from crmkpi.testing import records

orders = ck.Table(ck.Order)
customers = ck.Table(ck.Customer)
by_day = orders.per(
    orders.customer_id, orders.ordered_at.day(), spent=orders.sum(orders.amount), orders_=orders.count()
)


def seen_by(found: dict[str, Any], **inputs: Any) -> ck.Metric:
    """A KPI that records the inputs of its formula."""

    def formula(**given_inputs: Any) -> float:
        """What the formula sees."""
        found.update(given_inputs)
        return 0.0

    import inspect  # noqa: PLC0415  # the names of a formula's arguments are those of its measures

    names = [name for name in inputs if name != "at"]
    parameters = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY) for name in names]
    formula.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return ck.metric(unit="number", **inputs)(formula)


def given_to(data: Any, options: dict[str, Any] | None = None, **inputs: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    result = seen_by(found, **inputs)(data, **options or {})
    assert result.value == 0 or all_left_out(result)
    return found or dict(result.inputs)  # a formula is not called without known values


def all_left_out(result: ck.Result) -> bool:
    """True if the value is undefined because every record that would count was left out."""
    (account,) = result.accounts
    return (
        result.value is None
        and result.reason.startswith(f"every record of {account.table} that would count is left out: ")
        and account.used == 0 < sum(account.left_out.values())
    )


@given(records(ck.Order))
def test_values_are_all_values_in_ascending_order(found):
    expected = sorted(order.amount for order in found if order.amount is not None and order.status == "completed")
    # One currency, since amounts in several are never combined.
    found = [ck.Order(id=order.id, status=order.status, amount=order.amount) for order in found]
    seen = given_to(found, x=orders.values(orders.amount, orders.status == "completed"))["x"]
    assert seen == tuple(expected)


@given(records(ck.Order))
def test_durations_come_in_seconds_and_none_below_zero(found):
    spans = [
        order.delivered_at - order.ordered_at
        for order in found
        if order.delivered_at is not None and order.ordered_at is not None
    ]
    expected = sorted(span.total_seconds() for span in spans if span >= timedelta(0))
    assert given_to(found, x=orders.values(orders.delivered_at - orders.ordered_at))["x"] == tuple(expected)


@given(records(ck.Order))
def test_rows_of_two_keys_are_one_for_each_pair_that_occurs(found):
    found = [
        ck.Order(id=order.id, customer_id=order.customer_id, ordered_at=order.ordered_at, amount=order.amount)
        for order in found
    ]
    expected: dict[tuple[str, date], list[Any]] = defaultdict(lambda: [Decimal(0), 0])
    for order in found:
        if order.customer_id is not None and order.ordered_at is not None:
            row = expected[order.customer_id, order.ordered_at.date()]
            row[0] += order.amount or 0
            row[1] += 1
    seen = given_to(found, x=by_day.rows())["x"]
    assert seen == tuple((*key, *row) for key, row in sorted(expected.items()))


def test_rows_keep_only_those_that_are_wanted():
    buyers = orders.per(orders.customer_id, bought=orders.count())
    found = [ck.Order(id=str(n), customer_id=who) for n, who in enumerate("AAB")]
    assert given_to(found, x=buyers.rows(buyers.bought >= 2))["x"] == (("A", 2),)


def test_a_row_of_one_key_begins_with_the_key_itself():
    orders_of = orders.per(orders.customer_id, orders_=orders.count())
    data = [
        ck.Order(id="1", customer_id="Ada"),
        ck.Order(id="2", customer_id="Bo"),
        ck.Order(id="3", customer_id="Ada"),
    ]
    assert given_to(data, x=orders_of.rows())["x"] == (("Ada", 2), ("Bo", 1))


def test_of_nothing_there_are_no_values_and_no_rows():
    seen = given_to([], v=orders.values(orders.amount), r=by_day.rows())
    assert seen == {"v": (), "r": ()}


@given(st.lists(st.tuples(st.sampled_from("AB"), st.integers(0, 5)), max_size=12), st.integers(0, 12))
def test_two_parts_of_the_data_merge_into_the_values_and_rows_of_the_whole(bought, cut):
    found = [
        ck.Order(id=str(n), customer_id=who, ordered_at=datetime(2026, 1, 1 + day), amount=n)
        for n, (who, day) in enumerate(bought)
    ]
    whole: dict[str, Any] = {}
    merged: dict[str, Any] = {}
    inputs = {"v": orders.values(orders.amount), "r": by_day.rows()}
    seen_by(whole, **inputs)(found)
    tally = ck.Tally(seen_by(merged, **inputs))
    stored = tally.add(orders=found[:cut]).to_json()
    tally.from_json(stored).merge(tally.add(orders=found[cut:])).report()
    assert merged == whole


def test_the_last_day_is_that_of_the_period_or_the_one_up_to_which_the_data_is_known_if_that_is_earlier():
    def asked(**options: Any) -> Any:
        return given_to([], options, at=orders.ordered_at, n=orders.count(), until=last_day)["until"]

    assert asked(period="2026-01") == date(2026, 1, 31)
    assert asked(as_of=date(2026, 5, 4)) == date(2026, 5, 4)
    assert asked(as_of=datetime(2026, 5, 4, 0, 1)) == date(2026, 5, 4)
    assert asked(period="2026-01", as_of=date(2026, 1, 7)) == date(2026, 1, 7)
    assert asked(period="2026-01", as_of=date(2026, 2, 7)) == date(2026, 1, 31)


def test_without_a_period_and_a_last_known_day_there_is_no_last_day():
    result = seen_by({}, n=orders.count(), until=last_day)([])
    assert result.value is None
    assert result.reason == "it needs the day up to which the data is known, and none is given"


def test_a_result_keeps_how_many_values_and_rows_there_were_and_not_the_values():
    found = [ck.Order(id=str(n), customer_id="A", amount=n, ordered_at="2026-01-01") for n in range(3)]
    result = seen_by({}, v=orders.values(orders.amount), r=by_day.rows())(found)
    assert result.inputs == {"v": 3, "r": 1}
    for name, measure, count in (("v", orders.values(orders.amount), 3), ("r", by_day.rows(), 1)):
        assert seen_by({}, **{name: measure})(found).inputs == {name: count}
    assert "3 v, 1 r" in str(result)


def test_amounts_in_several_currencies_are_never_put_side_by_side():
    found = [
        ck.Order(id="1", customer_id="A", amount=1, currency="EUR", ordered_at="2026-01-01"),
        ck.Order(id="2", customer_id="B", amount=1, currency="USD", ordered_at="2026-01-01"),
    ]
    for measure in (orders.values(orders.amount), by_day.rows()):
        with pytest.raises(CurrencyError, match="1 in USD, 1 in EUR"):
            given_to(found, x=measure)


def test_only_the_amounts_among_the_columns_of_rows_have_a_currency():
    found = [
        ck.Order(id="1", customer_id="A", amount=1, currency="USD", ordered_at="2026-01-01", delivered_at="2026-01-02")
    ]
    took = orders.mean(orders.delivered_at - orders.ordered_at)
    rows = orders.per(orders.customer_id, spent=orders.sum(orders.amount), took=took)
    assert given_to(found, {"currency": "EUR"}, x=rows.rows())["x"] == (("A", Decimal(1), 86_400.0),)
    count = orders.per(orders.customer_id, bought=orders.count())

    @ck.metric(unit="money", x=count.rows())
    def fee(x: Any) -> Decimal:
        """What is charged for all customers."""
        return Decimal(len(x))

    assert fee(found, currency="EUR").currency is None


def test_what_is_no_money_is_added_whatever_currencies_stand_beside_it():
    euros, dollars = (orders.sum(orders.amount, orders.currency == name) for name in ("EUR", "USD"))
    took = orders.sum(orders.delivered_at - orders.ordered_at)
    each = orders.per(orders.customer_id, euros=euros, dollars=dollars, took=took)
    found = [
        ck.Order(id=name, customer_id="A", amount=1, currency=name, ordered_at="2026-01-01", delivered_at="2026-01-02")
        for name in ("EUR", "USD")
    ]
    assert given_to(found, x=each.sum(each.took, each.euros > 0))["x"] == 2 * 86_400.0
    with pytest.raises(CurrencyError, match="1 in USD, 1 in EUR"):
        given_to(found, x=each.sum(each.euros + each.dollars))


def test_totals_are_taken_as_lists_with_durations_as_such():
    found: dict[str, Any] = {}
    metric = seen_by(found, x=customers.values(as_of - customers.since))
    assert metric.formula(x=[timedelta(days=1), 7]) == 0
    assert found["x"] == (86_400.0, 7)
    assert metric.from_totals(x=[1.0, 2.0]).inputs == {"x": 2}
    assert seen_by(found, x=by_day.rows()).formula(x=[("A", date(2026, 1, 1), Decimal(5), 1)]) == 0
    assert found["x"] == (("A", date(2026, 1, 1), Decimal(5), 1),)


def test_values_are_numbers_amounts_or_durations():
    with pytest.raises(DefinitionError, match=r"orders\.values\(\) cannot be taken of orders\.status"):
        orders.values(orders.status)


def test_a_column_cannot_have_the_name_of_a_word():
    with pytest.raises(DefinitionError, match="cannot be called 'rows', which is the name of an aggregate"):
        orders.per(orders.customer_id, rows=orders.count())


def test_a_column_that_looks_at_an_earlier_period_has_none_where_no_period_is_asked_for():
    before = orders.per(orders.customer_id, bought=orders.count(orders.ordered_at < period.start).previous())
    result = seen_by({}, n=before.count(before.bought > 0), all_=orders.count())([ck.Order(id="1", customer_id="A")])
    assert result.reason == "there is no earlier period"


def test_an_interval_of_its_own_is_asked_with_the_inputs_and_the_confidence():
    def bounds(x: tuple[Any, ...], *, confidence: float) -> tuple[float, float] | None:
        return (len(x) - confidence, len(x) + confidence) if x else None

    @ck.metric(unit="number", x=orders.values(orders.amount), interval=ck.Estimated(bounds))
    def how_many(x: tuple[Any, ...]) -> float:
        """How many values."""
        return len(x)

    result = how_many([ck.Order(id="1", amount=3)], confidence=0.5)
    assert tuple(result.interval) == (0.5, 1.5)
    assert result.interval.method == "estimated"
    assert how_many([]).interval is None
    assert how_many.from_totals(x=[1, 2], confidence=0.9).interval.high == pytest.approx(2.9)


def test_an_interval_of_its_own_is_asked_with_the_parameters_of_the_formula():
    @ck.metric(
        unit="number",
        x=orders.count(),
        interval=ck.Estimated(lambda x, margin, *, confidence: (x - margin, x + margin)),
        parameters=(ck.Parameter("margin", "how far off it may be"),),
    )
    def about(x: int, margin: float) -> float:
        """How many, roughly."""
        return x + 0 * margin

    assert tuple(about([ck.Order(id="1")], margin=0.25).interval) == (0.75, 1.25)


def test_an_interval_of_its_own_is_not_asked_with_parameters_that_only_the_measures_need():
    least = ck.Parameter("least", "from how much on", unit="money")

    @ck.metric(
        unit="number",
        x=orders.count(orders.amount >= least),
        interval=ck.Estimated(lambda x, *, confidence: (x - confidence, x + confidence)),
        parameters=(least,),
    )
    def large(x: int) -> float:
        """How many large orders."""
        return x

    found = [ck.Order(id=str(amount), amount=amount) for amount in (1, 5, 9)]
    assert tuple(large(found, least=5, confidence=0.5).interval) == (1.5, 2.5)  # type: ignore[call-arg]


def test_the_reason_is_of_the_input_that_has_no_value():
    @ck.metric(unit="number", typical=orders.median(orders.amount), days=period_days, at=orders.ordered_at)
    def each_day(typical: Decimal, days: float) -> float:
        """A typical order on each day."""
        return float(typical) / days

    assert each_day([], period="2026").reason == "no orders have amount"
    assert each_day([]).reason == "it needs the length of a period, and no period is given"


def test_frames_give_the_same_values_and_rows_as_records(backend, backends):
    from crmkpi.records.base import record_type  # noqa: PLC0415

    found = [
        ck.Order(
            id=str(n),
            customer_id=None if n % 7 == 0 else f"C{n % 4}",
            ordered_at=datetime(2026, 1, 1 + n % 5, n % 24),
            delivered_at=datetime(2026, 1, 3 + n % 5),
            amount=None if n % 5 == 0 else Decimal(n * 37) / 100,
        )
        for n in range(40)
    ]
    inputs: dict[str, Any] = {
        "at": orders.ordered_at,
        "v": orders.values(orders.amount),
        "d": orders.values(orders.delivered_at - orders.ordered_at),
        "r": by_day.rows(),
    }
    frame = backends.frame_of(backend, backends.arrow_of(found, record_type(ck.Order)))
    for options in ({}, {"period": "2026-01"}):
        assert given_to({"orders": frame}, options, **inputs) == given_to(found, options, **inputs)
