"""The compiled loop means the same as the plain interpreter of rows, on generated expressions and dirty records."""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal, localcontext
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmkpi import Deal, Table, metric
from crmkpi.definition.expressions import Expression, as_of, as_predicate
from crmkpi.definition.planned_expressions import Unless
from crmkpi.engines.query import EXACT, Moments, Query, SegmentKey, Slot
from crmkpi.engines.records.engine import answer
from crmkpi.engines.records.interpreter import evaluate
from crmkpi.records.base import record_type
from crmkpi.testing import records

deals = Table(Deal)
AS_OF = datetime(2026, 4, 1)  # the records of `records()` have no time zone
FIELDS = [name for name in record_type(Deal).fields if name != "attributes"]

SIGNS: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def written(
    left: st.SearchStrategy[Any], signs: Iterable[str], right: st.SearchStrategy[Any]
) -> st.SearchStrategy[Expression]:
    """`left sign right`, as the author of a KPI would write it."""
    return st.tuples(left, st.sampled_from(list(signs)), right).map(lambda parts: SIGNS[parts[1]](parts[0], parts[2]))


numbers: st.SearchStrategy[Expression] = st.recursive(
    st.sampled_from((deals.probability, deals.amount / deals.cost)),
    lambda inner: written(inner, "+-*/", inner | st.sampled_from((2, 0.5, 0))),
    max_leaves=3,
)
moneys: st.SearchStrategy[Expression] = st.recursive(
    st.sampled_from((deals.amount, deals.cost)),
    lambda inner: st.one_of(
        written(inner, "+-", inner),
        written(inner, "*", st.sampled_from((deals.probability, 2, Decimal("0.5")))),
        written(inner, "/", st.sampled_from((4, 3, Decimal("0.5"), 0))),
    ),
    max_leaves=3,
)
stamps = st.sampled_from((deals.created_at, deals.closed_at))
timestamps: st.SearchStrategy[Expression] = stamps | written(stamps, "+-", st.just(timedelta(days=30)))
durations: st.SearchStrategy[Expression] = written(timestamps, "-", timestamps)
texts: st.SearchStrategy[Expression] = st.sampled_from((deals.owner, deals.customer_id, deals.currency))
values = st.one_of(
    numbers,
    moneys,
    timestamps,
    durations,
    written(durations, "/", st.just(timedelta(days=1))),
    texts,
    st.sampled_from((deals.expected_close_on, deals.status)),
)
ORDER = ("==", "!=", "<", "<=", ">", ">=")
comparisons = st.one_of(
    written(numbers, ORDER, numbers | st.sampled_from((0.1, 0.25, 1))),
    written(moneys, ORDER, moneys | st.sampled_from((0, Decimal("99.99"), Decimal(250)))),
    written(timestamps, ORDER, timestamps | st.sampled_from((datetime(2026, 1, 5, 9), as_of))),
    written(durations, ORDER, durations | st.sampled_from((timedelta(0), timedelta(days=30)))),
    written(texts, ORDER, texts | st.sampled_from(("Ada", "customers-1"))),
    written(st.just(deals.expected_close_on), ORDER, st.just(date(2026, 1, 5))),
    written(st.just(deals.status), ORDER[:2], st.sampled_from(("won", "lost", "open"))),
    written(st.just(deals.kind), ORDER[:2], st.sampled_from(("new", "renewal"))),
    written(st.just(deals.deleted), ORDER[:2], st.booleans()),
)
memberships = st.one_of(
    st.just(deals.status.is_in("won", "lost")),
    st.just(deals.kind.is_in("new")),
    st.just(deals.owner.is_in("Ada", "Bo")),
    numbers.map(lambda number: number.is_in(0.25, 1.0)),
)
presences = st.tuples(values, st.booleans()).map(lambda pair: pair[0].present() if pair[1] else pair[0].missing())
predicates: st.SearchStrategy[Expression] = st.recursive(
    st.one_of(comparisons, memberships, presences, st.just(deals.deleted).map(as_predicate)),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda pair: pair[0] & pair[1]),
        st.tuples(inner, inner).map(lambda pair: pair[0] | pair[1]),
        inner.map(lambda item: ~item),
        inner.map(Unless),
    ),
    max_leaves=6,
)


def by_loop(slots: Sequence[Slot], found: Sequence[Deal]) -> list[dict[str, Any]]:
    """The state of each slot of the compiled loop, by the id of the record."""
    query = Query(record_type(Deal), (SegmentKey("id", deals.id),))
    anchor = query.anchors[query.anchor(None, stock=False)]
    numbers = [anchor.add(slot) for slot in slots]
    got = answer(
        query,
        found,
        moments=Moments(as_of_wall=AS_OF),
        tables=lambda _table: {},
        functions={},
        parameters={},
    )
    states = {key[0]: group for (key, _), group in got.groups[0].items()}
    return [{deal.id: states[deal.id][number] if deal.id in states else None for deal in found} for number in numbers]


def row(deal: Deal) -> Mapping[str, Any]:
    return {name: getattr(deal, name) for name in FIELDS}


def plainly(expression: Expression, deal: Deal) -> Any:
    with localcontext(EXACT):
        return evaluate(expression, row(deal), {repr(as_of): (AS_OF, None)})


@given(st.lists(predicates, min_size=1, max_size=3), records(Deal))
def test_the_loop_counts_what_the_interpreter_finds_true_false_and_neither(
    conditions: list[Expression], found: list[Deal]
) -> None:
    # Conditions in one loop share tests and variables, a typical source of compiler errors.
    asked = [way for one in conditions for way in (one, ~one, Unless(one), one & conditions[-1])]
    counts = by_loop([Slot("count", way) for way in asked], found)
    for way, counted in zip(asked, counts, strict=True):
        for deal in found:
            assert (counted[deal.id] or 0) == (plainly(way, deal) is True), (way, deal)


@given(values, predicates, records(Deal))
def test_the_loop_computes_the_values_that_the_interpreter_computes(
    value: Expression, condition: Expression, found: list[Deal]
) -> None:
    kept, kept_where = by_loop([Slot("distinct", None, value), Slot("distinct", condition, value)], found)
    for deal in found:
        expected = plainly(value, deal)
        wanted = frozenset() if expected is None else frozenset({expected})
        assert (kept[deal.id] or frozenset()) == wanted
        assert (kept_where[deal.id] or frozenset()) == (wanted if plainly(condition, deal) is True else frozenset())


# Few conditions, so that those of one KPI often overlap, imply or exclude each other.
overlapping: st.SearchStrategy[Expression] = st.recursive(
    st.sampled_from(
        (
            deals.status == "won",
            deals.status.is_in("won", "lost"),
            deals.status.is_in("lost", "open"),
            deals.owner == "Ada",
            deals.owner.present(),
            deals.amount.present(),
            deals.amount.missing(),
            deals.cost.missing(),
            (deals.amount - deals.cost).present(),
            (deals.amount / deals.cost).present(),
        )
    ),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda pair: pair[0] & pair[1]),
        st.tuples(inner, inner).map(lambda pair: pair[0] | pair[1]),
        inner.map(lambda item: ~item),
    ),
    max_leaves=3,
)


@pytest.mark.slow
@settings(max_examples=100)
@given(
    st.tuples(overlapping, overlapping, overlapping),
    st.sampled_from((deals.amount, deals.amount - deals.cost, deals.amount / deals.cost)),
    st.lists(overlapping, max_size=2),
    records(Deal),
)
def test_the_account_of_conditions_that_overlap_says_what_became_of_each_record(
    conditions: tuple[Expression, ...], value: Expression, leave_out: list[Expression], found: list[Deal]
) -> None:
    first, second, third = conditions

    @metric(
        unit="number",
        first=deals.count(first),
        second=deals.count(second),
        third=deals.median(value, third),
        leave_out={f"reason {number}": way for number, way in enumerate(leave_out)},
    )
    def numbers_of(first: int, second: int, third: float) -> float:
        """Some numbers."""
        return first + second + float(third)

    (account,) = numbers_of(found).accounts
    used, reasons, wanting = 0, Counter[str](), 0
    for deal in found:
        left = next((number for number, way in enumerate(leave_out) if plainly(way, deal) is True), None)
        if left is not None:
            reasons[f"reason {left}"] += 1
        elif any(plainly(way, deal) is True for way in (first, second)):
            used += 1
        elif plainly(third, deal) is True:
            used += plainly(value, deal) is not None
            wanting += (deal.amount is None) or (repr(value) != "deals.amount" and deal.cost is None)
    assert account.used == used
    assert {reason: count for reason, count in account.left_out.items() if reason.startswith("reason")} == reasons
    assert sum(count for reason, count in account.left_out.items() if reason.startswith("no ")) == wanting


@given(predicates)
def test_denying_swaps_true_and_false_and_keeps_neither(condition: Expression) -> None:
    empty = dict.fromkeys(FIELDS)
    truth = evaluate(condition, empty, {repr(as_of): (AS_OF, None)})
    denied = evaluate(~condition, empty, {repr(as_of): (AS_OF, None)})
    assert denied == {True: False, False: True, None: None}[truth]
