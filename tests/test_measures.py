"""Every measure of the expression language against a plain loop, written from its definition."""

from __future__ import annotations

import math
import pickle
import statistics
from collections.abc import Callable, Iterable, Mapping
from copy import copy, deepcopy
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any
from unittest.mock import Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

import crmkpi as ck
from crmkpi.definition.expressions import Expression, period
from crmkpi.definition.measures import Measure
from crmkpi.engines.records.interpreter import evaluate
from crmkpi.errors import DefinitionError, InputError, TimeZoneError, UnknownNameError
from crmkpi.measuring import reading
from crmkpi.testing import records

orders = ck.Table(ck.Order)
customers = ck.Table(ck.Customer)
deals = ck.Table(ck.Deal)
interactions = ck.Table(ck.Interaction)
baskets = orders.per(orders.customer_id, n=orders.count())

NOON = datetime(2026, 1, 1, 12)
Span = tuple[datetime, datetime]
# Literal, not computed: each period with the one before and the one a year ago.
SPANS: Mapping[str, tuple[Span, Span, Span]] = {
    "2026-Q1": (
        (datetime(2026, 1, 1), datetime(2026, 4, 1)),
        (datetime(2025, 10, 1), datetime(2026, 1, 1)),
        (datetime(2025, 1, 1), datetime(2025, 4, 1)),
    ),
    "2026-02": (
        (datetime(2026, 2, 1), datetime(2026, 3, 1)),
        (datetime(2026, 1, 1), datetime(2026, 2, 1)),
        (datetime(2025, 2, 1), datetime(2025, 3, 1)),
    ),
    "2026-W02": (
        (datetime(2026, 1, 5), datetime(2026, 1, 12)),
        (datetime(2025, 12, 29), datetime(2026, 1, 5)),
        (datetime(2025, 1, 6), datetime(2025, 1, 13)),
    ),
}
spans = st.sampled_from(sorted(SPANS))


def only(measure: Measure, at: Expression | None = None, **options: Any) -> ck.Metric:
    """A KPI that is one measure and nothing else."""

    @ck.metric(unit="number", at=at, x=measure, **options)
    def x(x: Any) -> Any:
        """The measure itself."""
        return float(x) if isinstance(x, Decimal | Fraction) else x

    return x


def got(metric: ck.Metric, found: Any, **options: Any) -> Any:
    return metric(found, **options).inputs["x"]


def inside(moment: datetime | None, span: Span) -> bool:
    return moment is not None and span[0] <= moment < span[1]


def plain(value: Any) -> Fraction:
    """A value as an exact number: money and floats as they are, durations in seconds."""
    return Fraction(value // timedelta(microseconds=1), 10**6) if isinstance(value, timedelta) else Fraction(value)


def quantile_of(values: Iterable[Fraction], fraction: Fraction) -> Fraction | None:
    """Linear interpolation between the two nearest of the sorted values."""
    ordered = sorted(values)
    if not ordered:
        return None
    place = (len(ordered) - 1) * fraction
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def mean_of(values: list[Fraction]) -> Fraction | None:
    return sum(values, Fraction(0)) / len(values) if values else None


WORDS: Mapping[str, tuple[Callable[[Expression, Expression], Measure], Callable[[list[Fraction]], Any]]] = {
    "count": (lambda value, where: orders.count(where & value.present()), len),
    "sum": (orders.sum, sum),
    "mean": (orders.mean, mean_of),
    "median": (orders.median, lambda values: quantile_of(values, Fraction(1, 2))),
    "quantile": (
        lambda value, where: orders.quantile(value, 0.25, where),
        lambda values: quantile_of(values, Fraction(1, 4)),
    ),
    "distinct": (orders.distinct, lambda values: len(set(values))),
    "min": (orders.min, lambda values: min(values, default=None)),
    "max": (orders.max, lambda values: max(values, default=None)),
}
VALUES: Mapping[str, tuple[Expression, Callable[[ck.Order], Any]]] = {
    "money": (orders.amount, lambda order: order.amount),
    "duration": (
        orders.delivered_at - orders.ordered_at,
        lambda order: (
            order.delivered_at - order.ordered_at if None not in (order.delivered_at, order.ordered_at) else None
        ),
    ),
}


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("kind", VALUES)
@given(found=records(ck.Order), name=st.none() | spans, by=st.sampled_from((None, "product")))
def test_an_aggregate_is_what_a_plain_loop_over_the_records_finds(
    word: str, kind: str, found: list[ck.Order], name: str | None, by: str | None
) -> None:
    expression, read = VALUES[kind]
    measured, expected = WORDS[word]
    metric = only(measured(expression, orders.status == "completed"), at=orders.ordered_at)
    groups: dict[Any, list[Fraction]] = {order.product if by else None: [] for order in found} if by else {None: []}
    for order in found:
        value = read(order)
        counts = name is None or inside(order.ordered_at, SPANS[name][0])
        negative = isinstance(value, timedelta) and value < timedelta(0) and word != "count"
        if counts and order.status == "completed" and value is not None and not negative:
            groups[order.product if by else None].append(plain(value))
    report = ck.Dataset(orders=found, currency="EUR").measure(metric, period=name, by=by)
    assert {result.segment.get("product"): None for result in report} == dict.fromkeys(groups)
    for result in report:
        wanted = expected(groups[result.segment.get("product")])
        value = result.inputs["x"]
        assert (value is None) == (wanted is None)
        if wanted is not None:
            # Seconds and means are floats or rounded decimals; all else is exact.
            close = kind == "duration" or word in ("mean", "median", "quantile")
            assert math.isclose(value, wanted, rel_tol=1e-12) if close else Fraction(value) == wanted


@given(found=records(ck.Interaction))
def test_floats_are_added_without_rounding_on_the_way(found: list[ck.Interaction]) -> None:
    exact = sum((Fraction(one.seconds) for one in found if one.seconds is not None), Fraction(0))
    assert got(only(interactions.sum(interactions.seconds)), found) == float(exact)


@pytest.mark.parametrize(("shift", "which"), [("previous", 1), ("year_ago", 2)])
@given(found=records(ck.Order), name=spans)
def test_an_earlier_period_is_measured_by_the_dates_of_that_period(
    shift: str, which: int, found: list[ck.Order], name: str
) -> None:
    measure = orders.sum(orders.amount)

    @ck.metric(unit="number", at=orders.ordered_at, now=measure, then=getattr(measure, shift)())
    def difference(now: Any, then: Any) -> Any:
        """By how much it grew."""
        return now - then

    inputs = difference(found, period=name).inputs
    for key, span in (("now", SPANS[name][0]), ("then", SPANS[name][which])):
        amounts = [order.amount for order in found if order.amount is not None and inside(order.ordered_at, span)]
        assert inputs[key] == sum(amounts)


@given(found=records(ck.Order), name=spans, steps=st.integers(1, 3))
def test_several_periods_back_are_one_after_another(found: list[ck.Order], name: str, steps: int) -> None:
    @ck.metric(unit="number", at=orders.ordered_at, now=orders.count(), then=orders.count().previous(steps))
    def difference(now: Any, then: Any) -> Any:
        """By how much it grew."""
        return now - then

    earlier = ck.Period(name)
    for _ in range(steps):
        earlier = earlier.previous()
    assert (
        difference(found, period=name).inputs["then"]
        == only(orders.count(), orders.ordered_at)(found, period=earlier).inputs["x"]
    )


@given(found=records(ck.Order), name=st.none() | spans)
def test_one_row_per_key_is_aggregated_first_and_compared_then(found: list[ck.Order], name: str | None) -> None:
    completed = orders.status == "completed"
    buyers = orders.per(
        orders.customer_id,
        purchases=orders.count(completed),
        total=orders.sum(orders.amount, completed),
        products=orders.distinct(orders.product),
    )
    rows: dict[str, list[ck.Order]] = {}
    for order in found:
        if order.customer_id is not None and (name is None or inside(order.ordered_at, SPANS[name][0])):
            rows.setdefault(order.customer_id, []).append(order)
    totals: list[Decimal] = []
    busy = 0
    products: set[int] = set()
    for own in rows.values():
        done = [order for order in own if order.status == "completed"]
        # A key is there if a record counts in any of its columns.
        if done or any(order.product is not None for order in own):
            products.add(len({order.product for order in own} - {None}))
        if len(done) >= 2:
            busy += 1
            totals.append(sum((order.amount for order in done if order.amount is not None), Decimal(0)))
    at = orders.ordered_at
    assert got(only(buyers.count(buyers.purchases >= 2), at), found, period=name) == busy
    mean = got(only(buyers.mean(buyers.total, buyers.purchases >= 2), at), found, period=name)
    assert mean is None if not totals else math.isclose(mean, sum(totals) / len(totals), rel_tol=1e-12)
    highest = got(only(buyers.max(buyers.total, buyers.purchases >= 2), at), found, period=name)
    assert highest == max(totals, default=None)
    lowest = got(only(buyers.min(buyers.total, buyers.purchases >= 2), at), found, period=name)
    assert lowest == min(totals, default=None)
    middle = got(only(buyers.median(buyers.total, buyers.purchases >= 2), at), found, period=name)
    assert middle == (statistics.median(totals) if totals else None)
    assert got(only(buyers.distinct(buyers.products), at), found, period=name) == len(products)


@pytest.mark.parametrize(
    ("shift", "earlier"),
    [
        pytest.param(lambda measure: measure.previous(), "2026-02", id="the period before"),
        pytest.param(lambda measure: measure.previous(2), "2026-01", id="two periods before"),
        pytest.param(
            lambda measure: measure.previous(ck.Parameter("steps", "how many periods back", default=3)),
            "2025-12",
            id="as many as asked",
        ),
        pytest.param(lambda measure: measure.year_ago(), "2025-03", id="a year ago"),
    ],
)
def test_rows_per_key_are_looked_at_in_an_earlier_period_like_all_else(
    shift: Callable[[Measure], Measure], earlier: str
) -> None:
    buyers = orders.per(orders.customer_id, total=orders.sum(orders.amount))
    spending = buyers.sum(buyers.total, buyers.total > 1)
    months = {"2025-03": 5, "2025-12": 6, "2026-01": 7, "2026-02": 8, "2026-03": 9}
    found = [
        ck.Order(id=month, customer_id="A", amount=amount, ordered_at=f"{month}-10") for month, amount in months.items()
    ]

    @ck.metric(
        unit="number",
        at=orders.ordered_at,
        now=spending,
        then=shift(spending),
        parameters=(ck.Parameter("steps", "how many periods back", default=3),) if earlier == "2025-12" else (),
    )
    def growth(now: Decimal, then: Decimal) -> Decimal:
        """By how much spending has grown."""
        return now - then

    assert dict(growth(found, period="2026-03").inputs) == {"now": 9, "then": months[earlier]}


@pytest.mark.parametrize("word", ["sum", "min", "max"])
def test_what_is_counted_in_whole_numbers_stays_whole(word: str) -> None:
    campaigns = ck.Table(ck.Campaign)
    found = [ck.Campaign(id=str(sent), sent=sent) for sent in (3, 2**60 + 1)]
    number = got(only(getattr(campaigns, word)(campaigns.sent)), found)
    assert type(number) is int
    assert number == {"sum": 2**60 + 4, "min": 3, "max": 2**60 + 1}[word]


def test_an_amount_has_the_currency_of_its_own_record_whatever_it_is_multiplied_with() -> None:
    reach = ck.metric(unit="money", reach=deals.sum(deals.campaign.sent * deals.amount))(_reach)
    campaign = ck.Campaign(id="c", sent=3, currency="USD")
    deal = ck.Deal(id="1", status="won", amount=5, currency="EUR", campaign_id="c")
    result = reach(deals=[deal], campaigns=[campaign])
    assert (result.value, result.currency) == (15, "EUR")


def test_the_amount_of_a_related_record_has_the_currency_of_that_record() -> None:
    visits = ck.Table(ck.StageVisit)
    visit = ck.StageVisit(id="v", deal_id="1", stage="Offer")
    deal = ck.Deal(id="1", status="open", amount=5, currency="USD")
    reach = ck.metric(unit="money", reach=visits.sum(visits.deal.amount))(_reach)
    result = reach(stage_visits=[visit], deals=[deal])
    assert (result.value, result.currency) == (5, "USD")


@pytest.mark.parametrize("word", ["sum", "mean", "median"])
def test_what_is_no_number_is_not_added(word: str) -> None:
    values: list[float | str] = [1.5, "5"]
    found = [ck.Deal(id=str(n), status="won", attributes={"x": one}) for n, one in enumerate(values)]
    with pytest.raises(InputError, match=r"Only numbers can be added; got '5'\."):
        only(getattr(deals, word)(deals.attributes["x"]))(found)


def test_records_that_only_an_earlier_period_asks_for_are_none_of_this_one() -> None:
    @ck.metric(
        unit="number",
        at=deals.closed_at,
        won=deals.count(deals.status == "won"),
        lost=deals.count(deals.status == "lost").previous(),
    )
    def recovery(won: int, lost: int) -> float:
        """How many are won for each that was lost before."""
        return won / lost

    found = [
        ck.Deal(id=str(number), status=status, closed_at=datetime(2026, month, 5))
        for number, (status, month) in enumerate([("won", 2), ("lost", 2), ("lost", 1)])
    ]
    (account,) = recovery(found, period="2026-02").accounts
    assert (account.used, account.outside) == (1, 2)


def test_a_record_is_used_where_the_wider_of_two_conditions_takes_it() -> None:
    @ck.metric(
        unit="ratio",
        won=deals.count(deals.status == "won"),
        hers=deals.count((deals.status == "won") | (deals.owner == "Ada")),
    )
    def share_won(won: int, hers: int) -> float:
        """Share of won deals in those that are won or Ada's."""
        return won / hers

    found = [
        ck.Deal(id=str(number), status=status, owner=owner)
        for number, (status, owner) in enumerate([("won", "Bo"), ("lost", "Ada"), ("lost", "Bo")])
    ]
    (account,) = share_won(found).accounts
    assert (account.used, account.outside) == (2, 1)


def _reach(reach: Decimal) -> Decimal:
    """What deals would bring if each mail brought one."""
    return reach


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        (lambda row: row.done > 0, lambda done, back: done > 0),
        (lambda row: row.done == 0, lambda done, back: done == 0),
        (lambda row: (row.done == 0) & (row.back > 0), lambda done, back: done == 0 and back > 0),
        (lambda row: (row.done > 0) | (row.back > 1), lambda done, back: done > 0 or back > 1),
        (lambda row: ~(row.done > 0), lambda done, back: not done),
        (lambda row: ~((row.done == 0) | (row.back == 0)), lambda done, back: done and back),
        (lambda row: row.done.present() & (row.back == 0), lambda done, back: back == 0),
        (lambda row: row.done.missing() | (row.back == 0), lambda done, back: back == 0),
        (lambda row: row.done.is_in(1, 2) & (row.back < 2), lambda done, back: done in (1, 2) and back < 2),
        (lambda row: row.done + row.back > 2, lambda done, back: done + back > 2),
        (lambda row: row.done / row.back > 1, lambda done, back: back and done / back > 1),
        (lambda row: row.done > row.back, lambda done, back: done > back),
    ],
)
@given(many=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=12))
def test_rows_that_a_condition_cannot_hold_of_are_passed_over_and_no_others(
    condition: Callable[[Any], Any], holds: Callable[[int, int], bool], many: list[tuple[int, int]]
) -> None:
    done, back = orders.count(orders.status == "completed"), orders.count(orders.status == "returned")
    table = orders.per(orders.customer_id, done=done, back=back)
    found = [
        ck.Order(id=f"{customer}-{status}-{number}", customer_id=str(customer), status=status)
        for customer, counts in enumerate(many)
        for status, count in zip(("completed", "returned"), counts, strict=True)
        for number in range(count)
    ]
    expected = sum(bool(holds(*counts)) for counts in many if any(counts))
    assert got(only(table.count(condition(table))), found) == expected


@given(many=st.lists(st.integers(0, 4), max_size=30))
def test_rows_of_counts_are_aggregated_one_by_one_and_looked_at_once_for_all_that_are_alike(many: list[int]) -> None:
    per_customer = orders.per(orders.customer_id, n=orders.count(), done=orders.count(orders.status == "completed"))
    done = [max(0, n - 1) for n in many]
    found = [
        ck.Order(id=f"{customer}-{number}", customer_id=str(customer), status="completed" if number else "cancelled")
        for customer, n in enumerate(many)
        for number in range(n)
    ]
    rows = [(n, d) for n, d in zip(many, done, strict=True) if n]
    often = per_customer.done >= 2
    with pytest.MonkeyPatch.context() as patch:
        looked_at = Mock(side_effect=evaluate)
        patch.setattr(reading, "evaluate", looked_at)
        assert got(only(per_customer.count(often)), found) == sum(d >= 2 for _, d in rows)
        # Once for each column, where a row needs two completed orders, and for rows that have some.
        assert looked_at.call_count == 2 + len({row for row in rows if row[1]})
    assert got(only(per_customer.sum(per_customer.n, often)), found) == sum(n for n, d in rows if d >= 2)
    assert got(only(per_customer.distinct(per_customer.n)), found) == len({n for n, _ in rows})
    median = got(only(per_customer.median(per_customer.n)), found)
    assert median == (statistics.median([n for n, _ in rows]) if rows else None)


@given(found=records(ck.Survey), name=st.none() | spans)
def test_the_latest_of_each_key_wins_and_of_equally_late_the_last_id(found: list[ck.Survey], name: str | None) -> None:
    surveys = ck.Table(ck.Survey)
    latest = surveys.per(surveys.customer_id, score=surveys.latest(surveys.score))
    scores: dict[str, tuple[datetime, str, float]] = {}
    for survey in found:
        moment, key, score = survey.answered_at, survey.customer_id, survey.score
        if moment is None or key is None or score is None or (name and not inside(moment, SPANS[name][0])):
            continue
        scores[key] = max(scores.get(key, (datetime.min, "", 0.0)), (moment, survey.id, score))
    sums = got(only(latest.sum(latest.score), surveys.answered_at), found, period=name)
    assert sums == math.fsum(score for _, _, score in scores.values())


@given(found=records(ck.Ticket))
def test_the_latest_duration_is_in_seconds_alone_and_of_each_key(found: list[ck.Ticket]) -> None:
    tickets = ck.Table(ck.Ticket)
    latest = tickets.latest(tickets.solved_at - tickets.created_at, at=tickets.solved_at)
    each = tickets.per(tickets.customer_id, took=latest)
    last: dict[str | None, tuple[datetime, str, float]] = {}
    of_each: dict[str | None, tuple[datetime, str, float]] = {}
    for one in found:
        if one.created_at is None or one.solved_at is None or one.solved_at < one.created_at:
            continue
        this = (one.solved_at, one.id, (one.solved_at - one.created_at).total_seconds())
        last[None] = max(this, last.get(None, this))
        if one.customer_id is not None:
            of_each[one.customer_id] = max(this, of_each.get(one.customer_id, this))
    assert got(only(latest), found) == (last[None][2] if last else None)
    assert got(only(each.sum(each.took)), found) == pytest.approx(math.fsum(took for _, _, took in of_each.values()))


@given(found=records(ck.Customer), name=spans)
def test_a_stock_looks_at_everyone_as_of_a_bound_of_the_period(found: list[ck.Customer], name: str) -> None:
    for bound, number in ((period.start, 0), (period.end, 1)):
        active = (customers.since < bound) & (customers.until.missing() | (customers.until >= bound))
        instant = SPANS[name][0][number]
        expected = sum(
            one.since is not None and one.since < instant and (one.until is None or one.until >= instant)
            for one in found
        )
        assert got(only(customers.count(active)), found, period=name) == expected


def test_a_stock_may_compute_before_it_compares_with_a_bound_of_the_period() -> None:
    since = [datetime(2025, 12, 1), datetime(2025, 12, 2), datetime(2026, 1, 1), None]
    found = [ck.Customer(id=str(number), since=moment) for number, moment in enumerate(since)]
    month = timedelta(days=30)
    for condition, expected in (
        (customers.since + month <= period.start, 2),
        (customers.since + month < period.start, 1),
        (customers.since + month < period.end, 3),
        (~(customers.since + month < period.end), 0),
    ):
        assert got(only(customers.count(condition)), found, period="2026-01") == expected


@given(found=records(ck.Order), name=st.none() | spans)
def test_each_record_is_used_or_left_out_under_its_first_reason_or_outside(
    found: list[ck.Order], name: str | None
) -> None:
    leave_out = {"tiny": orders.amount < 1, "no product": orders.product.missing()}
    metric = only(orders.sum(orders.amount, orders.status == "completed"), orders.ordered_at, leave_out=leave_out)
    used, reasons = 0, dict.fromkeys(("tiny", "no product", "no amount", "no ordered_at"), 0)
    for order in found:
        within = name is None or inside(order.ordered_at, SPANS[name][0])
        if order.amount is not None and order.amount < 1:
            reasons["tiny"] += within
        elif order.product is None:
            reasons["no product"] += within
        elif order.status == "completed":
            if order.amount is None:
                reasons["no amount"] += within
            elif order.ordered_at is None and name is not None:
                reasons["no ordered_at"] += 1
            else:
                used += within
    (account,) = metric(found, period=name).accounts
    assert account.given == len(found)
    assert (account.used, dict(account.left_out)) == (used, {reason: n for reason, n in reasons.items() if n})


@given(found=records(ck.Ticket))
def test_durations_below_zero_are_left_out_and_counted(found: list[ck.Ticket]) -> None:
    tickets = ck.Table(ck.Ticket)
    result = only(tickets.mean(tickets.solved_at - tickets.created_at))(found)
    both = [
        (one.created_at, one.solved_at) for one in found if one.created_at is not None and one.solved_at is not None
    ]
    good = [(solved - created).total_seconds() for created, solved in both if solved >= created]
    assert result.left_out.get("negative duration", 0) == len(both) - len(good)
    assert result.value == pytest.approx(math.fsum(good) / len(good)) if good else result.value is None


def test_a_record_that_lacks_two_values_is_left_out_once() -> None:
    @ck.metric(unit="number", amount=deals.sum(deals.amount), customers=deals.distinct(deals.customer_id))
    def each(amount: Any, customers: int) -> Any:
        """What a customer brings."""
        return amount / customers

    found = [ck.Deal(id="1", status="won"), ck.Deal(id="2", status="won", amount=5)]
    (account,) = each(found).accounts
    assert (account.used, dict(account.left_out), account.outside) == (1, {"no amount": 1}, 0)


def test_a_reason_that_two_measures_give_for_different_records_counts_both() -> None:
    @ck.metric(
        unit="number",
        won=deals.sum(deals.probability, deals.status == "won"),
        lost=deals.sum(deals.probability, deals.status == "lost"),
    )
    def surprise(won: float, lost: float) -> float:
        """How sure we were of what we lost, for each that we were sure to win."""
        return lost / won

    found = [ck.Deal(id="1", status="won"), ck.Deal(id="2", status="lost"), ck.Deal(id="3", status="open")]
    (account,) = surprise(found).accounts
    assert (dict(account.left_out), account.outside) == ({"no probability": 2}, 1)


def test_sums_and_counts_of_nothing_are_zero_and_all_else_is_undefined() -> None:
    zero = {"count", "sum", "distinct"}
    for word, (measured, _) in WORDS.items():
        value = got(only(measured(orders.amount, orders.status == "completed")), [])
        assert value == 0 if word in zero else value is None


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        pytest.param(
            lambda: orders.sum("amount"),
            r"orders\.sum\(\) needs a field or an expression; got 'amount'\.",
            id="a name for a field",
        ),
        pytest.param(
            lambda: orders.sum(orders.status),
            r"orders\.sum\(\) cannot be taken of orders\.status, which is a choice\.",
            id="a sum of words",
        ),
        pytest.param(
            lambda: orders.mean(orders.ordered_at),
            r"orders\.mean\(\) cannot be taken of orders\.ordered_at, which is a timestamp\.",
            id="a mean of instants",
        ),
        pytest.param(
            lambda: orders.median(orders.status),
            r"orders\.median\(\) cannot be taken of orders\.status, which is a choice\.",
            id="a median of words",
        ),
        pytest.param(
            lambda: orders.quantile(orders.ordered_at, 0.9),
            r"orders\.quantile\(\) cannot be taken of orders\.ordered_at, which is a timestamp\.",
            id="a quantile of instants",
        ),
        pytest.param(
            lambda: orders.min(orders.status),
            r"orders\.min\(\) cannot be taken of orders\.status, which is a choice\.",
            id="the smallest of words",
        ),
        pytest.param(
            lambda: orders.max(orders.status),
            r"orders\.max\(\) cannot be taken of orders\.status, which is a choice\.",
            id="the largest of words",
        ),
        pytest.param(
            lambda: orders.latest(orders.amount),
            r"orders\.latest\(\) cannot be taken of orders\.amount, which is a money\.",
            id="the latest amount, whose currency would be lost",
        ),
        pytest.param(
            lambda: orders.quantile(orders.amount, -0.1),
            r"A quantile's fraction lies between 0 and 1; got -0\.1\.",
            id="a fraction below 0",
        ),
        pytest.param(
            lambda: orders.quantile(orders.amount, 90),
            r"A quantile's fraction lies between 0 and 1; got 90\.",
            id="a percentile for a fraction",
        ),
        pytest.param(
            lambda: orders.count(at=orders.amount),
            r"`at` names the timestamp that assigns a record to a period; got orders\.amount\.",
            id="an anchor that is no timestamp",
        ),
        pytest.param(
            lambda: orders.count(at="ordered_at"),
            r"`at` names the timestamp that assigns a record to a period; got 'ordered_at'\.",
            id="a name for an anchor",
        ),
        pytest.param(
            lambda: orders.count(deals.status == "won"),
            r"orders\.count\(\) can only use its own fields; got deals\.status\.",
            id="another table's field",
        ),
        pytest.param(
            lambda: orders.count(orders.amount),
            r"A condition must be a comparison, .* got orders\.amount\.",
            id="a value for a condition",
        ),
        pytest.param(
            lambda: orders.per(orders.customer_id),
            r"orders\.per\(orders\.customer_id\) needs at least one measure as a column; got none\.",
            id="a group without columns",
        ),
        pytest.param(
            lambda: orders.per(orders.customer_id, n=deals.count()),
            r"The column 'n' of orders\.per\(\) must be a measure of orders; got deals\.count\(\)\.",
            id="a column of another table",
        ),
    ],
)
def test_a_measure_written_down_wrongly_is_an_error_that_says_what_is_wrong(
    wrong: Callable[[], Any], message: str
) -> None:
    with pytest.raises(DefinitionError, match=message):
        wrong()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        pytest.param(lambda: orders.amout, r"Order has no field 'amout'\. Did you mean 'amount'\?", id="a field"),
        pytest.param(
            lambda: orders.customer.industri,
            r"Customer has no field 'industri'\. Did you mean 'industry'\?",
            id="related",
        ),
        pytest.param(
            lambda: orders.per(orders.customer_id, purchases=orders.count()).purchase,
            r"orders\.per\(orders\.customer_id\) has no column 'purchase'\. Did you mean 'purchases'\?",
            id="a column",
        ),
    ],
)
def test_a_misspelt_name_is_an_error_that_names_the_nearest(wrong: Callable[[], Any], message: str) -> None:
    with pytest.raises(UnknownNameError, match=message):
        wrong()


@pytest.mark.parametrize(
    ("measure", "text"),
    [
        (orders.count(), "orders.count()"),
        (orders.median(orders.amount), "orders.median(orders.amount)"),
        (orders.quantile(orders.amount, 0.9), "orders.quantile(orders.amount, 0.9)"),
        (orders.count(at=orders.delivered_at), "orders.count() at orders.delivered_at"),
        (orders.count().previous(), "orders.count(), 1 previous"),
        (orders.count().previous(3), "orders.count(), 3 previous"),
        (orders.count().year_ago(), "orders.count(), 1 year_ago"),
        (baskets.max(baskets.n, baskets.n >= 2), "orders.per(orders.customer_id).max(n, n >= 2)"),
    ],
    ids=str,
)
def test_a_measure_prints_all_that_tells_it_from_another(measure: Measure, text: str) -> None:
    """Queries that print alike are answered by one loop."""
    assert repr(measure) == text


def test_what_is_computed_of_the_columns_of_a_row_is_missing_where_it_divides_by_zero() -> None:
    tickets = ck.Table(ck.Ticket)
    day = datetime(2026, 1, 1)
    spans = {"A": (2, 1), "B": (2, 0), "C": (3, 2)}  # hours until it was solved, and until somebody replied
    found = [
        ck.Ticket(
            id=who,
            customer_id=who,
            created_at=day,
            solved_at=day + timedelta(hours=solved),
            first_replied_at=day + timedelta(hours=replied),
        )
        for who, (solved, replied) in spans.items()
    ]
    each = tickets.per(
        tickets.customer_id,
        solved=tickets.sum(tickets.solved_at - tickets.created_at),
        replied=tickets.sum(tickets.first_replied_at - tickets.created_at),
        reopened=tickets.sum(tickets.reopens),
    )
    assert got(only(each.sum(each.solved / each.replied)), found) == 3.5
    assert got(only(each.count((each.solved / each.reopened).missing())), found) == 3


@pytest.mark.parametrize("sign", ["==", "<", ">="])
def test_an_instant_of_a_row_is_never_compared_with_one_without_a_zone(sign: str) -> None:
    each = orders.per(orders.customer_id, first=orders.min(orders.ordered_at))
    where = {"==": each.first == NOON, "<": each.first < NOON, ">=": each.first >= NOON}[sign]
    found = [ck.Order(id="1", customer_id="A", ordered_at="2026-01-01T12:00Z")]
    with pytest.raises(TimeZoneError, match=r"combines a timestamp with a time zone and one without; give tz="):
        only(each.count(where))(found)
    found = [ck.Order(id="1", customer_id="A", ordered_at=NOON)]
    assert got(only(each.count(where)), found) == (sign != "<")


def test_a_row_has_no_calendar_day() -> None:
    each = orders.per(orders.customer_id, first=orders.min(orders.ordered_at))
    message = r"first\.day\(\) cannot be evaluated on a table of one row per key\."
    with pytest.raises(DefinitionError, match=message):
        only(each.count(each.first.day() == NOON.date()))([ck.Order(id="1", customer_id="A", ordered_at=NOON)])


@pytest.mark.parametrize(
    "value",
    [
        deals.owner,
        deals.status,
        deals.probability,
        ck.Table(ck.Ticket).replies,
        deals.created_at,
        deals.expected_close_on,
        deals.deleted,
        deals.closed_at - deals.created_at,
        deals.attributes["size"],
    ],
    ids=repr,
)
def test_anything_but_money_has_a_latest_value(value: Expression) -> None:
    table = ck.Table(ck.Ticket) if "tickets" in repr(value) else deals
    assert table.latest(value).kind == value.kind


def test_what_names_attributes_is_copied_like_any_other_value() -> None:
    for made in (copy(orders.attributes), deepcopy(orders.attributes), pickle.loads(pickle.dumps(orders.attributes))):
        assert repr(made["size"]) == "orders.attributes.size"


def test_each_measure_puts_a_record_into_a_period_by_its_own_timestamp() -> None:
    @ck.metric(
        unit="number",
        at=deals.closed_at,
        closed=deals.count(),
        created=deals.count(at=deals.created_at),
        before=deals.count(at=deals.created_at).previous(),
    )
    def balance(closed: int, created: int, before: int) -> int:
        """How many more deals were closed than created in a month and the one before."""
        return closed - created - before

    months = [(1, 3), (2, 3), (2, 3), (3, 3), (3, 4), (3, 5), (3, None)]
    found = [
        ck.Deal(
            id=str(number),
            created_at=datetime(2026, first, 5),
            closed_at=last and datetime(2026, last, 5),
            status="won",
        )
        for number, (first, last) in enumerate(months)
    ]
    assert dict(balance(found, period="2026-03").inputs) == {"closed": 4, "created": 4, "before": 2}


@pytest.mark.parametrize(("amount", "equal"), [("0.1", 0), ("0.5", 1)])
def test_an_amount_is_compared_with_a_float_exactly_in_rows_as_in_records(amount: str, equal: int) -> None:
    """The float 0.1 is a little more than a tenth, and 0.5 is a half."""
    found = [ck.Deal(id="1", status="won", amount=Decimal(amount), probability=float(amount))]
    rows = deals.per(deals.id, amount=deals.sum(deals.amount), chance=deals.sum(deals.probability))
    alone = got(only(deals.count(deals.amount == deals.probability)), found)
    assert (alone, got(only(rows.count(rows.amount == rows.chance)), found)) == (equal, equal)


def test_the_quantile_of_all_and_of_none_are_the_ends() -> None:
    found = [ck.Order(id=str(number), status="completed", amount=number) for number in (3, 1, 2)]
    ends = [got(only(orders.quantile(orders.amount, fraction)), found) for fraction in (0, 1)]
    assert ends == [1, 3]


def test_dates_and_instants_have_a_first_and_a_last() -> None:
    days = [datetime(2026, 1, day) for day in (3, 1, 2)]
    found = [ck.Order(id=str(day), ordered_at=day) for day in days]

    @ck.metric(unit="number", first=orders.min(orders.ordered_at), last=orders.max(orders.ordered_at))
    def span(first: datetime, last: datetime) -> int:
        """Days from the first order to the last."""
        return (last - first).days

    result = span(found)
    assert (result.value, result.inputs["first"], result.inputs["last"]) == (2, min(days), max(days))
    assert orders.min(orders.ordered_at.day()).kind == orders.max(orders.ordered_at.day()).kind == "date"


def test_python_finds_no_special_attributes_on_a_table_but_fields_of_one_underscore_are_looked_up() -> None:
    for thing in (orders, orders.customer, orders.per(orders.customer_id, n=orders.count())):
        assert not hasattr(thing, "__array__")
        with pytest.raises(UnknownNameError):
            thing._amount  # noqa: B018, SLF001  # what is wrong is the name


def test_a_column_cannot_have_the_name_of_a_word() -> None:
    orders = ck.Table(ck.Order)
    with pytest.raises(DefinitionError, match="cannot be called 'mean', which is the name of an aggregate"):
        orders.per(orders.customer_id, mean=orders.count())


def test_a_measure_is_moved_to_an_earlier_period_once():
    buyers = orders.per(orders.customer_id, before=orders.count().previous(), now=orders.count())
    moves = [
        lambda: orders.count().previous().previous(),
        lambda: orders.count().previous(2).year_ago(),
        lambda: orders.count().year_ago().previous(),
        lambda: buyers.count(buyers.before > 0).previous(),
        lambda: buyers.count(buyers.now > 0).year_ago(),
    ]
    for move in moves:
        with pytest.raises(DefinitionError, match=r"to an earlier period once; got a second move of .*previous\(2\)"):
            move()


VISITS = [
    ck.Ticket(id="1", customer_id="A", created_at="2026-01-05", solved_at="2026-01-06"),
    ck.Ticket(id="2", customer_id="A", created_at="2026-03-30", solved_at="2026-04-02"),
    ck.Ticket(id="3", customer_id="B", created_at="2026-02-01", solved_at="2026-02-05"),
    ck.Ticket(id="4", customer_id="C", created_at="2026-02-01"),
]


@pytest.mark.parametrize("home", ["records", "polars", "pandas", "duckdb"])
def test_one_row_per_key_lies_in_the_period_of_a_column_of_its_own(home: str) -> None:
    tickets = ck.Table(ck.Ticket)
    cases = tickets.per(tickets.customer_id, last=tickets.max(tickets.solved_at), asked=tickets.count())

    @ck.metric(asked=cases.sum(cases.asked, at=cases.last), unit="count")
    def asked_of_ended(asked: int) -> int:
        """Tickets of the customers whose last one was solved in the period."""
        return asked

    data: Any = VISITS
    if home != "records":
        pl = pytest.importorskip("polars")
        names = ("id", "customer_id", "created_at", "solved_at")
        data = pl.DataFrame([{name: getattr(ticket, name) for name in names} for ticket in VISITS])
        data = {"polars": lambda: data, "pandas": data.to_pandas, "duckdb": lambda: _relation(data)}[home]()
    crm = ck.Dataset(tickets=ck.table(data, record=ck.Ticket) if home != "records" else data)
    values = [asked_of_ended(crm, period=quarter).value for quarter in ("2026-Q1", "2026-Q2", "2026-Q3", "2026")]
    assert values == [1, 2, 0, 3]
    assert [one.value for one in crm.measure(asked_of_ended, period="2026", every="quarter")] == [1, 2, 0, 0]


def _relation(frame: Any) -> Any:
    return pytest.importorskip("duckdb").from_arrow(frame.to_arrow())


def test_what_is_no_date_of_rows_is_refused_when_it_is_defined() -> None:
    deals = ck.Table(ck.Deal)
    owners = deals.per(deals.owner, last=deals.max(deals.closed_at), won=deals.count(deals.status == "won"))
    for wrong in (deals.closed_at, owners.won):
        with pytest.raises(
            DefinitionError, match="assigns a row to a period by one of its columns that is a timestamp"
        ):
            owners.count(at=wrong)
    dated = deals.per(deals.owner, last=deals.max(deals.closed_at, at=deals.closed_at))
    with pytest.raises(DefinitionError, match="its columns can have no period themselves"):
        dated.count(at=dated.last)
    assert repr(dated.count()) == "deals.per(deals.owner).count()"
    with pytest.raises(DefinitionError, match=r"a column of rows\. Give it to their measures, as in cases\.count"):

        @ck.metric(at=owners.last, n=owners.count(), unit="count")
        def ended(n: int) -> int:
            """How many."""
            return n
