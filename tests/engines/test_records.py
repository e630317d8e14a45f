"""The records engine: parts merge to the whole, chunks equal a list, and user input is never executed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, localcontext
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import crmkpi as ck
from crmkpi.engines.query import (
    NO_DATE,
    Anchor,
    Answer,
    Moments,
    Query,
    Sample,
    SegmentKey,
    Slot,
    empty_state,
    merged_state,
)
from crmkpi.engines.records import engine
from crmkpi.errors import InputError
from crmkpi.records.base import record_type
from crmkpi.testing import records

deals = ck.Table(ck.Deal)
EDGES = [datetime(2026, 1, 1), datetime(2026, 2, 1), datetime(2026, 4, 1)]


def query_of(*slots: Slot, by: tuple[SegmentKey, ...] = (), at: Any = None) -> Query:
    query = Query(record_type(ck.Deal), by)
    anchor: Anchor = query.anchors[query.anchor(at, stock=False)]
    for slot in slots:
        anchor.add(slot)
    return query


def answered(query: Query, found: Any) -> Answer:
    return engine.answer(
        query,
        found,
        moments=Moments(EDGES, EDGES, [True] * (len(EDGES) - 1)),
        tables=lambda table: {},
        functions={},
        parameters={},
    )


EVERY_KIND = (
    Slot("count", deals.status == "won"),
    Slot("values", None, deals.amount, currency=deals.currency, keep={"squares", "extremes"}),
    Slot("values", None, deals.probability, keep={"squares", "extremes"}),
    Slot("values", deals.closed_at >= deals.created_at, deals.closed_at - deals.created_at, keep={"squares"}),
    Slot("distinct", None, deals.owner),
    Slot("latest", deals.closed_at.present(), deals.amount, moment=deals.closed_at),
    Slot("count", None, key=deals.customer_id),
    Slot("values", None, deals.amount, key=deals.customer_id, currency=deals.currency),
    Slot("distinct", None, deals.product, key=deals.customer_id),
)


@given(
    found=records(ck.Deal, currency=st.sampled_from(("EUR", "USD", None))),
    cuts=st.lists(st.integers(0, 10), max_size=3),
    periods=st.booleans(),
    segments=st.booleans(),
)
def test_any_parts_of_the_data_merge_to_exactly_the_whole(
    found: list[ck.Deal], cuts: list[int], periods: bool, segments: bool
) -> None:
    by = (SegmentKey("owner", deals.owner), SegmentKey("status", deals.status)) if segments else ()
    query = query_of(*EVERY_KIND, by=by, at=deals.closed_at if periods else None)
    edges = [0, *sorted(min(cut, len(found)) for cut in cuts), len(found)]
    parts = [answered(query, found[start:end]) for start, end in pairwise(edges)]
    with localcontext() as context:
        context.prec = 5  # whatever the caller's context
        merged = parts[0]
        for part in parts[1:]:
            merged = merged.merged(part, query)
    assert merged == answered(query, found)


@pytest.mark.slow
def test_a_stream_of_a_hundred_thousand_records_equals_the_list() -> None:
    def stream() -> Iterator[ck.Deal]:
        for number in range(100_000):
            yield ck.Deal(
                id=str(number),
                status=("won", "lost", "open")[number % 3],
                owner=f"owner {number % 7}",
                amount=Decimal(number).scaleb(-2),
                created_at=datetime(2025, 1, 1) + timedelta(minutes=number),
                closed_at=None if number % 11 == 0 else datetime(2025, 6, 1) + timedelta(minutes=5 * number),
            )

    metrics = [ck.win_rate, ck.revenue, ck.sales_cycle_length.variant("median"), ck.average_deal_size]
    asked: dict[str, Any] = {"period": "2026", "every": "quarter", "by": "owner"}
    listed = ck.Dataset(deals=list(stream())).measure(metrics, **asked)
    assert ck.Dataset(deals=stream()).measure(metrics, **asked) == listed
    assert sum(result.accounts[0].given for result in listed[:7]) == 100_000


def test_a_record_lies_in_the_part_that_starts_at_its_instant_and_not_in_the_one_that_ends_there() -> None:
    moments = [*EDGES, EDGES[1] - timedelta(microseconds=1), datetime(2025, 12, 31, 23, 59)]
    found = [ck.Deal(id=str(n), status="won", closed_at=moment) for n, moment in enumerate(moments)]
    groups = answered(
        query_of(Slot("count", None), at=deals.closed_at), [*found, ck.Deal(id="x", status="won")]
    ).groups[0]
    assert {part: states[0] for (_, part), states in groups.items()} == {0: 2, 1: 1, NO_DATE: 1}


@pytest.mark.parametrize("slot", EVERY_KIND, ids=lambda slot: slot.text)
def test_nothing_merged_with_something_is_that_thing(slot: Slot) -> None:
    day = datetime(2026, 1, 1)
    some = [
        ck.Deal(id=str(n), status="won", amount=n, owner="Ada", customer_id="A", created_at=day, closed_at=day)
        for n in range(3)
    ]
    ((found,),) = answered(query_of(slot), some).groups[0].values()
    assert merged_state(slot, empty_state(slot), found) == merged_state(slot, found, empty_state(slot)) == found


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("money", [Decimal("0.10"), Decimal(3)]),
        ("number", [0.5, 2.0]),
        ("integer", [4, 7]),
        ("duration", [timedelta(seconds=1), timedelta(hours=1)]),
        ("timestamp", [datetime(2026, 1, 1), datetime(2026, 2, 1)]),
    ],
)
def test_a_sample_of_nothing_changes_no_other(kind: Any, values: list[Any]) -> None:
    sample = Sample.of(values, kind, ("squares", "values", "extremes"))
    nothing = Sample.of([], kind, ("squares", "values", "extremes"))
    assert nothing == Sample(0, 0, 0, (), None, None)
    assert nothing.merged(sample) == sample.merged(nothing) == sample
    first, second = (Sample.of([value], kind, ("squares", "values", "extremes")) for value in values)
    assert second.merged(first) == sample


def test_what_was_not_read_and_what_was_skipped_is_counted_over_both_parts() -> None:
    query = query_of(Slot("count", None))
    first, second = answered(query, []), answered(query, [])
    first.rejected, first.unread, first.skipped = 2, {"amount": 2}, {"total": 1}
    second.rejected, second.unread, second.skipped = 3, {"amount": 1, "id": 2}, {"total": 2, "blank": 4}
    merged = first.merged(second, query)
    assert merged.rejected == 5
    assert (merged.unread, merged.skipped) == ({"amount": 3, "id": 2}, {"total": 3, "blank": 4})


def test_records_are_looked_at_apart_for_a_stock_and_for_each_timestamp() -> None:
    query = Query(record_type(ck.Deal), ())
    asked = [(None, False), (None, True), (deals.closed_at, False), (deals.created_at, False), (deals.closed_at, True)]
    assert [query.anchor(at, stock=stock) for at, stock in (*asked, *asked)] == [0, 1, 2, 3, 4, 0, 1, 2, 3, 4]
    assert [(repr(anchor.at), anchor.stock) for anchor in query.anchors] == [(repr(at), stock) for at, stock in asked]


@pytest.mark.parametrize(
    "measure", [deals.count(), deals.distinct(deals.owner), deals.latest(deals.probability)], ids=str
)
def test_no_records_are_none_of_them_and_have_no_latest(measure: Any) -> None:
    @ck.metric(unit="number", at=deals.closed_at, x=measure)
    def x(x: Any) -> Any:
        """The measure itself."""
        return x

    assert [x([]).inputs["x"], x([], period="2026").inputs["x"]] == [None if measure.aggregate == "latest" else 0] * 2


def test_slots_that_say_the_same_are_one_slot() -> None:
    query = query_of(Slot("count", deals.status == "won"), Slot("count", deals.status == "won"))
    assert len(query.anchors[0].slots) == 1


@pytest.mark.parametrize("text", ["'); raise SystemExit(1) #", "\n    import os", '"""', "\\", "{0}", "\ud800"])
def test_text_that_a_user_typed_is_data_and_never_source(text: str) -> None:
    @ck.metric(unit="count", there=deals.count((deals.owner == text) | (deals.attributes[text] == text)))
    def there(there: int) -> int:
        """How many deals have it."""
        return there

    found = [ck.Deal(id="1", status="won", owner="x", attributes={text: text}), ck.Deal(id="2", status="won")]
    assert there(found).value == 1
    report = ck.Dataset(deals=found).measure(there, by=f"attributes.{text}" if "." not in text else text)
    assert [result.value for result in report] == [1, 0]


def test_a_condition_that_only_one_measure_guards_is_not_asked_without_its_guard() -> None:
    @ck.metric(
        unit="ratio",
        large=deals.count(deals.amount > 100),
        any_value=deals.count((deals.amount > 0) | (deals.cost > 0)),
        leave_out={"no amount": deals.amount.missing()},
    )
    def large_share(large: int, any_value: int) -> float:
        """Share of deals above 100 among those with a value."""
        return large / any_value

    found = [
        ck.Deal(id="1", status="won"),
        ck.Deal(id="2", status="won", amount=500),
        ck.Deal(id="3", status="won", cost=1),
    ]
    result = large_share(found)
    assert (result.value, result.left_out) == (1.0, {"no amount": 2})


def test_a_record_of_a_subclass_is_a_record() -> None:
    @dataclass(frozen=True)
    class OurDeal(ck.Deal):
        """With something of our own."""

    assert ck.win_rate([OurDeal(id="1", status="won")]).value == 1.0


@pytest.mark.parametrize("metric", [ck.revenue, ck.average_deal_size, ck.average_deal_size.variant("median")])
def test_amounts_with_more_digits_than_can_be_added_are_an_error(metric: ck.Metric) -> None:
    found = [ck.Deal(id="1", status="won", amount="1e4000"), ck.Deal(id="2", status="won", amount="1e-4000")]
    message = r"^(Deal '\d'|A record) holds an amount with more digits than can be added exactly; check it\.$"
    with pytest.raises(InputError, match=message):
        metric(found)


def test_amounts_of_four_thousand_digits_are_added_exactly_and_of_more_not_at_all() -> None:
    query = query_of(Slot("values", None, deals.amount, currency=deals.currency))
    found = [ck.Deal(id=str(n), status="won", amount=amount) for n, amount in enumerate((10**3999, 1))]
    (((state,),),) = [groups.values() for groups in answered(query, found).groups]
    assert state[None].total == 10**3999 + 1
    found[0] = ck.Deal(id="0", status="won", amount=10**4000)
    with pytest.raises(InputError, match="more digits than can be added exactly"):
        answered(query, found)


@pytest.mark.parametrize("wrong", [float("nan"), "nan", "5"])
def test_what_is_no_number_is_never_added(wrong: Any) -> None:
    with pytest.raises(InputError, match=rf"^Only numbers can be added; got {wrong!r}\."):
        Sample.of([1.0, wrong], "any", ())


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (KeyError, "bad offset"),
        (TypeError, "nothing"),
        (ValueError, "bad offset"),
        (ValueError, "unhashable"),
        (ZeroDivisionError, "by 0"),
    ],
)
def test_an_error_of_a_users_own_function_is_not_hidden(error: type[Exception], words: str) -> None:
    def broken(deal: ck.Deal) -> str:
        raise error(f"{words} in {deal.id}")

    with pytest.raises(error, match="D1") as raised:
        ck.Dataset(deals=[ck.Deal(id="D1", status="won")]).measure(ck.win_rate, by=broken)
    assert raised.type is error
