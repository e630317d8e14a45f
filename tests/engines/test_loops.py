"""The state of a compiled loop: a few numbers per group, however many records; and the cache of loops is bounded."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

import crmkpi as ck
from crmkpi.definition.expressions import Expression, as_of, as_predicate, period
from crmkpi.definition.planned_expressions import Unless
from crmkpi.engines.query import Anchor, Moments, Query, Sample, Slot
from crmkpi.engines.records import engine, loops
from crmkpi.engines.records.engine import _chunks, _Locator, answer
from crmkpi.engines.records.layouts import layout_of
from crmkpi.engines.records.loops import OUTSIDE, compiled
from crmkpi.errors import TimeZoneError
from crmkpi.measuring import asking
from crmkpi.measuring.asking import _plan
from crmkpi.measuring.segments import segment_keys
from crmkpi.records.base import record_type

deals = ck.Table(ck.Deal)
took = deals.closed_at - deals.created_at
DAY = datetime(2026, 1, 5)


def query_of(*slots: Slot, at: Expression | None = None) -> Query:
    query = Query(record_type(ck.Deal), ())
    anchor = query.anchors[query.anchor(at, stock=False)]
    for slot in slots:
        anchor.add(slot)
    return query


def states_of(query: Query, found: Sequence[ck.Deal]) -> list[Any]:
    given: dict[str, Any] = {"tables": lambda _: {}, "functions": {}, "parameters": {}}
    ((states,),) = [group.values() for group in answer(query, found, moments=Moments(), **given).groups]
    return states


def won(**fields: Any) -> ck.Deal:
    return ck.Deal(**{"id": "1", "status": "won", **fields})


@pytest.mark.parametrize(
    ("slot", "fresh"),
    [
        (Slot("count", None), ("0",)),
        (Slot("distinct", None, deals.owner), ("set()",)),
        (Slot("latest", None, deals.owner, moment=deals.closed_at), ("[]",)),
        (Slot("count", None, key=deals.owner), ("{}",)),
        (Slot("values", None, deals.amount), ("0", "0")),
        (Slot("values", None, deals.amount, keep={"squares"}), ("0", "0", "0")),
        (Slot("values", None, took), ("ZERO", "0")),
        (Slot("values", None, took, keep={"squares"}), ("0", "0", "0")),
        (Slot("values", None, deals.amount, keep={"values"}), ("[]",)),
        (Slot("values", None, deals.amount, keep={"squares", "extremes"}), ("[]",)),
        (Slot("values", None, deals.probability), ("[]",)),  # floats only add up exactly as decimals
        (Slot("values", None, deals.attributes["size"]), ("[]",)),
        (Slot("values", None, ck.Table(ck.Ticket).replies), ("0", "0")),
        (Slot("values", None, deals.created_at, keep={"extremes"}), ("[]",)),
    ],
    ids=lambda given: getattr(given, "text", ""),
)
def test_sums_are_added_up_as_records_come_and_only_what_needs_its_values_gathers_them(
    slot: Slot, fresh: tuple[str, ...]
) -> None:
    (place,) = layout_of(Anchor(None, stock=False, slots=[slot])).places
    assert (place.fresh, place.running) == (fresh, len(fresh) > 1)


def test_a_count_of_what_a_sum_counts_is_not_counted_again() -> None:
    query = query_of(
        Slot("values", deals.status == "won", deals.amount, currency=deals.currency),
        Slot("count", (deals.status == "won") & deals.amount.present()),
        Slot("count", deals.status == "won"),
        Slot("count", deals.amount.present() & (deals.status == "won")),
    )
    loop = compiled(query, converts=False)
    assert loop.layouts[0].aliases == {1: 0, 3: 0}
    assert states_of(query, [won(amount=5), won(), won(amount=7)])[1:] == [2, 3, 2]


AMOUNTS = (deals.status == "won") & deals.amount.present()
FROM_ZERO = AMOUNTS & (deals.amount >= 0)


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("squares", [(set(), set()), (set(), {"squares"}), ({"squares"}, {"squares"})], ids=str)
def test_a_sum_of_which_another_one_is_a_part_adds_up_the_rest_and_is_the_same(
    squares: tuple[set[Any], set[Any]], order: int
) -> None:
    keep, more = squares
    slots = [
        Slot("values", AMOUNTS, deals.amount, currency=deals.currency, keep={*keep}),
        Slot("values", FROM_ZERO, deals.amount, currency=deals.currency, keep={*more}),
        Slot("count", AMOUNTS),
    ][::order]
    query = query_of(*slots)
    numbers = [Decimal(5), Decimal("-0.10"), Decimal(0), Decimal("7.25")]
    found = [won(amount=one, currency="EUR") for one in numbers]
    found += [won(amount=one * 2, currency="USD") for one in numbers] + [won(currency="EUR")]
    whole, part, counted = states_of(query, found)[::order]
    assert compiled(query, converts=False).layouts[0].rests == ({0: 1} if order == 1 else {2: 1})
    doubled = [one * 2 for one in numbers]
    assert whole == {"EUR": Sample.of(numbers, "money", keep), "USD": Sample.of(doubled, "money", keep)}
    positive = [[one for one in some if one >= 0] for some in (numbers, doubled)]
    assert part == {"EUR": Sample.of(positive[0], "money", more), "USD": Sample.of(positive[1], "money", more)}
    assert counted == 8


def test_sums_are_added_up_whole_where_neither_is_a_part_of_the_other_or_of_the_same() -> None:
    some = [
        Slot("values", FROM_ZERO, deals.amount, currency=deals.currency),
        Slot("values", AMOUNTS, deals.amount, currency=deals.currency, keep={"squares"}),
        Slot("values", AMOUNTS & (deals.owner == "Ada") & (deals.amount >= 1), deals.amount, currency=deals.currency),
        Slot("values", AMOUNTS, took),
        Slot("values", AMOUNTS & (deals.amount >= 2), deals.amount),
    ]
    assert compiled(query_of(*some), converts=False).layouts[0].rests == {}


def test_a_sum_that_is_a_part_of_a_part_is_kept_by_itself() -> None:
    limits = [AMOUNTS, FROM_ZERO, FROM_ZERO & (deals.amount >= 5)]
    query = query_of(*(Slot("values", where, deals.amount, currency=deals.currency) for where in limits))
    found = [won(amount=one) for one in (-3, 0, 4, 5, 70)]
    assert [{None: sample.total} for state in states_of(query, found) for sample in state.values()] == [
        {None: 76},
        {None: 79},
        {None: 75},
    ]
    assert len(compiled(query, converts=False).layouts[0].rests) == 1


def test_a_date_is_held_against_a_moment_once_for_all_slots() -> None:
    later = deals.closed_at >= as_of
    asked = [later, later & (deals.status == "won"), Unless(later), ~later, Unless(later) & (deals.owner == "Ada")]
    query = query_of(*(Slot("count", where) for where in asked))
    assert compiled(query, converts=False).source.count("f_closed_at >= ") == 1
    given: dict[str, Any] = {"tables": lambda _: {}, "functions": {}, "parameters": {}}
    moments = Moments(as_of_wall=DAY, as_of=DAY.replace(tzinfo=UTC))
    dates = [None, DAY - timedelta(days=1), DAY, DAY + timedelta(days=1)]
    found = [won(closed_at=date, owner=owner) for date in dates for owner in ("Ada", "Bo")]
    assert answer(query, found, moments=moments, **given).groups == [{((), None): [4, 4, 4, 2, 2]}]


@pytest.mark.parametrize("keep", [set(), {"squares"}, {"extremes"}, {"values"}, {"squares", "values", "extremes"}])
@pytest.mark.parametrize(
    ("value", "found"),
    [(deals.amount, [Decimal(5), Decimal("0.10")]), (took, [timedelta(hours=3), timedelta(microseconds=7)])],
    ids=["money", "durations"],
)
def test_a_loop_keeps_of_values_what_is_asked_and_no_more(keep: set[Any], value: Expression, found: list[Any]) -> None:
    listed = [
        won(created_at=DAY, closed_at=DAY + one) if isinstance(one, timedelta) else won(amount=one) for one in found
    ]
    currency = deals.currency if value.kind == "money" else None
    (state,) = states_of(query_of(Slot("values", None, value, currency=currency, keep=keep)), listed)
    assert state == {None: Sample.of(found, value.kind, keep)}


def test_a_stock_has_states_for_each_period_and_no_others() -> None:
    query = Query(record_type(ck.Deal), ())
    query.anchors[query.anchor(None, stock=True)].add(Slot("count", deals.created_at < period.end))
    query.anchors[query.anchor(None, stock=False)].add(Slot("count", None))
    ends = [DAY, DAY + timedelta(days=7)]
    bounds = [(DAY, DAY.replace(tzinfo=UTC), end, end.replace(tzinfo=UTC)) for end in ends]
    given: dict[str, Any] = {"tables": dict, "functions": {}, "parameters": {}}
    found = [won(created_at=DAY + timedelta(days=number)) for number in (-1, 0, 1)]
    groups = answer(query, found, moments=Moments(bounds=bounds), **given).groups
    assert groups == [{((), 0): [1], ((), 1): [3]}, {((), None): [3]}]


def test_what_is_asked_of_all_records_is_put_down_without_looking_for_a_group() -> None:
    loop = compiled(query_of(Slot("count", deals.owner == "Ada")), converts=False)
    assert "try: s =" not in loop.source
    assert "try: s =" in compiled(query_of(Slot("count", None), at=deals.closed_at), converts=False).source


OPPOSITES = {  # two conditions, and whether exactly one of them holds wherever both can be evaluated
    "a choice": (deals.status == "won", deals.status != "won", True),
    "a limit": (deals.amount > 5, deals.amount <= 5, True),
    "a limit, the other way round": (deals.amount <= 5, deals.amount > 5, True),
    "a limit that is within": (deals.amount >= 5, deals.amount < 5, True),
    "a flag that is said twice": (deals.deleted | deals.deleted, ~(deals.deleted | deals.deleted), True),
    "a flag or more": (deals.deleted | (deals.owner == "Ada"), ~(deals.deleted | (deals.owner == "Ada")), False),
    "a flag itself": (deals.deleted == True, Unless(deals.deleted == True), True),  # noqa: E712
    "there and missing": (deals.amount.present(), deals.amount.missing(), True),
    "missing and there": (deals.amount.missing(), deals.amount.present(), True),
    "what a condition is not": (deals.owner == "Ada", Unless(deals.owner == "Ada"), False),
    "another limit": (deals.amount > 5, deals.amount <= 6, False),
    "another field": (deals.amount > 5, deals.cost <= 5, False),
    "a limit and the same limit": (deals.amount > 5, deals.amount >= 5, False),
    "two limits that leave nothing but themselves": (deals.amount <= 5, deals.amount >= 5, False),
    "two choices": (deals.status == "won", deals.status == "lost", False),
    "other values that are missing": (deals.amount.present(), deals.cost.missing(), False),
}


@pytest.mark.parametrize("name", OPPOSITES)
def test_of_two_opposites_only_one_is_asked(name: str) -> None:
    first, second, opposite = OPPOSITES[name]
    found = [
        won(id=f"{amount} {owner} {deleted}", amount=amount, cost=5, owner=owner, deleted=deleted, status=status)
        for amount in (None, 4, 5, 6)
        for owner in (None, "Ada", "Bo")
        for deleted in (True, False)
        for status in ("won", "lost")
    ]
    query = query_of(Slot("count", first), Slot("count", second))
    assert ("else:" in compiled(query, converts=False).source) is opposite
    alone = [states_of(query_of(Slot("count", condition)), found)[0] for condition in (first, second)]
    assert states_of(query, found) == alone


def test_records_that_nothing_asks_for_are_left_at_once() -> None:
    query = query_of(
        Slot("count", as_predicate(deals.deleted)),
        Slot("count", Unless(as_predicate(deals.deleted)) & (deals.stage == "Offer")),
    )
    guard = next(line.strip() for line in compiled(query, converts=False).source.splitlines() if " or " in line)
    assert (guard.count("f_deleted"), guard.count("f_stage =="), guard.count("not ")) == (1, 1, 0)
    found = [won(id=f"{n}", deleted=n % 2 == 0, stage="Offer" if n % 3 == 0 else None) for n in range(12)]
    assert states_of(query, found) == [6, 2]


def test_different_values_of_each_key_are_kept_once() -> None:
    query = query_of(Slot("distinct", None, deals.product, key=deals.owner))
    scan = compiled(query, converts=False).bind(
        [_Locator(Moments(), query.anchors[0], ({}, {}))], Moments(), dict, {}, {}, lambda _: False, ck.Deal
    )
    cells, _ = scan([won(owner="Ada", product=name) for name in ("A", "B", "A")])
    assert cells[()][1][None][0] == {"Ada": {"A", "B"}}


def test_a_query_that_asks_nothing_counts_the_records() -> None:
    given: dict[str, Any] = {"moments": Moments(), "tables": dict, "functions": {}, "parameters": {}}
    assert answer(Query(record_type(ck.Deal), ()), [won(), won()], **given).given == {(): 2}


def test_a_record_that_is_related_to_a_related_one_is_found() -> None:
    tables: dict[str, Any] = {
        "deals": {"D": won(id="D", customer_id="C"), "E": won(id="E", customer_id="gone")},
        "customers": {"C": ck.Customer(id="C", industry="law")},
    }
    visits = ck.Table(ck.StageVisit)
    query = Query(record_type(ck.StageVisit), ())
    anchor = query.anchors[query.anchor(None, stock=False)]
    anchor.add(Slot("distinct", None, visits.deal.customer.industry))
    anchor.add(Slot("count", visits.deal.customer.industry.missing()))
    given: dict[str, Any] = {"moments": Moments(), "tables": tables.get, "functions": {}, "parameters": {}}
    found = [ck.StageVisit(id=deal, deal_id=deal, stage="Offer", entered_at=DAY) for deal in ("D", "E", "gone")]
    assert answer(query, found, **given).groups == [{((), None): [{"law"}, 2]}]


def test_a_field_that_every_record_has_is_not_asked_whether_it_is_there() -> None:
    loop = compiled(query_of(Slot("count", (deals.status != "won") & (deals.stage != "Offer"))), converts=False)
    assert "f_stage is not None" in loop.source
    assert "f_status is not None" not in loop.source


def test_amounts_in_the_first_currency_are_added_up_and_the_others_gathered() -> None:
    query = query_of(Slot("values", None, deals.amount, currency=deals.currency))
    scan = compiled(query, converts=False).bind(
        [_Locator(Moments(), query.anchors[0], ({}, {}))], Moments(), dict, {}, {}, lambda _: False, ck.Deal
    )
    found = [("EUR", 1), ("EUR", 2), ("USD", 4), ("EUR", 8), ("USD", 16), (None, 32)]
    cells, homes = scan([won(amount=amount, currency=currency) for currency, amount in found])
    assert list(homes.values()) == ["EUR"]
    assert cells[()][1][None] == [10, 2, {(0, "EUR"): [1], (0, "USD"): [4, 16], (0, None): [32]}]


@pytest.mark.parametrize("key", [None, deals.owner], ids=["of all", "of each"])
@pytest.mark.parametrize("parts", [1, 2])
def test_of_records_with_one_id_at_one_instant_the_first_counts_in_however_many_parts(
    key: Expression | None, parts: int
) -> None:
    slot = Slot("latest", None, deals.probability, key=key, moment=deals.closed_at)
    found = [won(owner="Ada", closed_at=DAY, probability=number) for number in (0.25, 0.75)]
    query = query_of(slot)
    given: dict[str, Any] = {"moments": Moments(), "tables": dict, "functions": {}, "parameters": {}}
    chunks = [found] if parts == 1 else [[one] for one in found]
    answers = [answer(query, chunk, **given) for chunk in chunks]
    whole = answers[0] if parts == 1 else answers[0].merged(answers[1], query)
    ((state,),) = whole.groups[0].values()
    assert (state if key is None else state["Ada"]) == (DAY, "1", 0.25)


@pytest.mark.parametrize(("kept", "then"), [(0, 1), (500, 501), (501, 1)])
def test_a_loop_is_kept_to_be_asked_again_and_not_for_ever(
    kept: int, then: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    known: dict[str, Any] = dict.fromkeys(map(str, range(kept)))
    monkeypatch.setattr(loops, "_COMPILED", known)
    loop = compiled(query_of(Slot("count", None)), converts=False)
    assert compiled(query_of(Slot("count", None)), converts=False) is loop
    assert compiled(query_of(Slot("count", None)), converts=False) is loop
    assert len(known) == then


@pytest.mark.parametrize(("kept", "then"), [(0, 2), (499, 501), (500, 1), (501, 2)])
def test_a_plan_is_kept_to_be_asked_again_and_not_for_ever(
    kept: int, then: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    known: dict[Any, Any] = dict.fromkeys(range(kept))
    monkeypatch.setattr(asking, "_PLANS", known)
    asked: dict[str, Any] = {"whole": True, "undated": True, "intervals": True}
    plan = _plan((ck.win_rate,), (), {}, **asked)
    assert _plan((ck.win_rate,), (), {}, **asked) is plan
    assert _plan((ck.win_rate,), (), {}, **asked) is plan
    by_owner = _plan((ck.win_rate,), (ck.Segment("owner", "owner"),), {}, **asked)
    assert by_owner is not plan
    assert _plan((ck.win_rate,), (ck.Segment("owner", "owner"),), {}, **asked) is by_owner
    assert len(known) == then


def test_a_plan_is_that_of_its_segments_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "_PLANS", {})
    ways = [
        ck.Segment("owner", "owner"),
        ck.Segment("who", "owner"),
        ck.Segment("owner", "product"),
        ck.Segment("size", "amount", bins=(1, 5)),
        ck.Segment("size", "amount", bins=(1, 6)),
        ck.Segment("size", "amount", bins=(1.0, 5)),  # equal, with other labels
        ck.Segment("owner", lambda deal: deal.owner),
        ck.Segment("owner", lambda deal: deal.product),
        ck.Segment("owner", {"deals": "owner"}),
        ck.Segment("owner", {"deals": "product"}),
    ]
    for _ in range(2):
        for way in ways:
            plan = _plan((ck.win_rate,), (way,), {}, whole=True, undated=True, intervals=True)
            (key,) = plan.queries["deals"].segments
            (wanted,) = segment_keys((way,), record_type(ck.Deal))
            assert (key.name, repr(key.source)) == (way.name, repr(wanted.source))
            assert key.label is None if not way.bins else key.label(Decimal(2)) == way.label(Decimal(2))


def test_a_function_to_group_by_is_planned_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    known: dict[Any, Any] = {}
    monkeypatch.setattr(asking, "_PLANS", known)
    _plan((ck.win_rate,), (ck.Segment("owner", lambda deal: deal.owner),), {}, whole=True, undated=True, intervals=True)
    assert known == {}


def test_a_stream_is_read_in_chunks_to_the_same_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [won(id=str(number), amount=number, closed_at=DAY) for number in range(5)]
    query = query_of(Slot("values", None, deals.amount, currency=deals.currency), Slot("count", None))
    listed = states_of(query, found)
    monkeypatch.setattr(engine, "_CHUNK", 2)
    assert [len(chunk) for chunk in _chunks(found)] == [5]  # a list is complete
    assert [len(chunk) for chunk in _chunks(one for one in found)] == [2, 2, 1]
    assert states_of(query, (one for one in found)) == listed == [{None: Sample(5, 10)}, 5]  # type: ignore[arg-type]


@pytest.mark.parametrize("moment", [DAY, DAY.replace(tzinfo=UTC)], ids=["on the wall clock", "exact"])
def test_without_an_as_of_instant_all_is_known(moment: datetime) -> None:
    assert states_of(query_of(Slot("count", deals.created_at <= as_of)), [won(created_at=moment)]) == [1]


def test_a_day_is_looked_up_once_unless_a_period_begins_within_it() -> None:
    noon = timedelta(hours=12)
    edges = [DAY, DAY + timedelta(days=2), DAY + timedelta(days=3) + noon]
    moments = Moments(edges, [edge.replace(tzinfo=UTC) for edge in edges], [True, False])
    locator = _Locator(moments, Anchor(deals.closed_at, stock=False), ({}, {}))
    _, days, locate = locator.align(DAY, won())
    found = {number: locate(DAY + timedelta(days=number) + noon) for number in range(-1, 5)}
    assert found == {-1: OUTSIDE, 0: 0, 1: 0, 2: OUTSIDE, 3: OUTSIDE, 4: OUTSIDE}
    assert locate(DAY + timedelta(days=3, hours=6)) == OUTSIDE
    first = DAY.toordinal()
    assert days == {first - 1: OUTSIDE, first: 0, first + 1: 0, first + 2: OUTSIDE, first + 4: OUTSIDE}


def test_days_of_timestamps_with_and_without_a_zone_are_told_apart() -> None:
    # Midnight in UTC is 01:00 in Berlin, so that a day begins an hour before its timestamp in UTC.
    crm = ck.Dataset(
        deals=[won(id=str(hour), created_at=DAY, closed_at=DAY.replace(hour=hour, tzinfo=UTC)) for hour in (12, 23)],
        calendar=ck.Calendar(tz="Europe/Berlin"),
    )
    asked: dict[str, Any] = {"period": "2026-01-05", "every": "day"}
    assert [result.value for result in crm.measure(["deal_volume", "won_deals"], **asked)] == [2, 1]
    assert [result.value for result in crm.measure(["won_deals", "deal_volume"], **asked)] == [1, 2]


def test_timestamps_of_several_zones_meet_and_those_without_one_do_not() -> None:
    locator = _Locator(Moments(), Anchor(deals.closed_at, stock=False), ({}, {}))
    for hours in (0, 1, 2):
        zone = timezone(timedelta(hours=hours))
        assert locator.align(DAY.replace(tzinfo=zone), won())[0] is zone
    with pytest.raises(
        TimeZoneError, match=r"deals\.closed_at must have a time zone in all records or in none; Deal '1'"
    ):
        locator.align(DAY, won())
