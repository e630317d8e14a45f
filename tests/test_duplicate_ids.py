"""Records with duplicate ids: in lists and files one of them counts, or the KPI is undefined."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.engines.backends import arrow_of, frame_of

import crmkpi as ck
from crmkpi.definition.metric import Metric
from crmkpi.errors import InputError
from crmkpi.measuring.duplicates import DUPLICATE
from crmkpi.records.base import record_type
from crmkpi.testing.pools import random_dataset

TABLES = ("deals", "leads", "tickets", "orders", "customers", "surveys", "subscriptions", "campaigns", "interactions")
DEALS = [
    ck.Deal(id="1", status="won", amount=100, closed_at="2026-01-05", owner="Ada", created_at="2025-12-01"),
    ck.Deal(id="2", status="lost", closed_at="2026-01-06", owner="Bo", created_at="2025-12-01"),
]
SAMPLE = [each for each in ck.catalogue if len(each.tables) == 1]
# A field of the second record of deal 1, and the KPIs that read it.
DIFFERENCES: dict[str, tuple[Any, set[str]]] = {
    "owner": ("Cy", set()),
    "amount": (120, {"revenue"}),
    "currency": ("EUR", {"revenue"}),
    "status": ("lost", {"revenue", "win_rate", "sales_cycle_length"}),
    "closed_at": ("2026-01-07", {"revenue", "win_rate", "sales_cycle_length"}),
    "created_at": ("2025-12-02", {"sales_cycle_length"}),
    "deleted": (True, {"revenue", "win_rate", "sales_cycle_length"}),
    "attributes": ({"Region": "north"}, set()),
}


@pytest.mark.parametrize("metric", SAMPLE, ids=str)
def test_the_same_records_again_change_nothing_but_what_is_left_out(metric: Metric) -> None:
    """Over the whole catalogue: a duplicate counts once, and used + left out + outside + rejected = given."""
    random = Random(metric.id)
    crm = random_dataset(metric, random)
    (table,) = metric.tables
    once = list(crm.tables[table])
    again = [replace(each) for each in once if random.random() < 0.5]
    settings: Any = {"calendar": crm.calendar, "currency": crm.currency, "as_of": crm.as_of}
    tables: dict[str, Any] = {**crm.tables, table: [*once, *again]}
    twice = ck.Dataset(**tables, **settings)
    parameters = {name: 3 for name, known in metric.parameters.items() if known.default is None}
    for period in (None, "2026-Q1") if metric.at is not None else (None,):
        before = crm.measure(metric, period=period, parameters=parameters)[0]
        after = twice.measure(metric, period=period, parameters=parameters)[0]
        assert (after.value, after.reason, after.interval, after.n) == (
            before.value,
            before.reason,
            before.interval,
            before.n,
        )
        for mine, other in zip(after.accounts, before.accounts, strict=True):
            assert mine.given == other.given + len(again)
            left_out = dict(mine.left_out)
            doubled = left_out.pop(DUPLICATE, 0)
            assert (mine.used, left_out) == (other.used, dict(other.left_out))
            assert mine.outside == other.outside + len(again) - doubled
            assert 0 <= doubled <= len(again)


@pytest.mark.parametrize("name", DIFFERENCES)
@pytest.mark.parametrize("first", [True, False])
def test_a_kpi_is_undefined_where_records_of_one_id_differ_in_a_field_that_it_reads(name: str, first: bool) -> None:
    value, undefined = DIFFERENCES[name]
    other = replace(DEALS[0], **{name: value})
    found = [*DEALS, other] if first else [other, *DEALS]
    report = ck.Dataset(deals=found).measure(["revenue", "win_rate", "sales_cycle_length"], period="2026-01")
    for result in report:
        assert (result.definition in undefined) == (result.value is None), result
        if result.value is None:
            places = "record 1 and record 3" if first else "record 1 and record 2"
            told = f"several deals have the id '1' and differ in {name}: {places}; leave one of them"
            assert result.reason == told
        assert result.accounts[-1].given == 3


def test_records_that_differ_matter_only_where_one_of_them_counts() -> None:
    found = [*DEALS, replace(DEALS[0], amount=7), ck.Deal(id="3", status="won", amount=5, closed_at="2026-02-01")]
    report = ck.Dataset(deals=found).measure("revenue", period="2026", every="month")
    assert [result.value for result in report][:3] == [None, 5, 0]
    growth = ck.Dataset(deals=found).measure("revenue_growth_rate", period="2026-02")[0]
    assert "differ in amount" in str(growth.reason)  # it also counts January
    by_owner = ck.Dataset(deals=found).measure("revenue", by="owner", period="2026-01")
    assert {result.segment["owner"]: result.value for result in by_owner} == {"Ada": None, "Bo": 0, None: 0}


@pytest.mark.parametrize("by", ["owner", lambda deal: deal.owner])
def test_a_segment_is_a_field_that_is_read(by: Any) -> None:
    found = [*DEALS, replace(DEALS[0], owner="Cy")]
    report = ck.Dataset(deals=found).measure("win_rate", by=by)
    assert [result.value for result in report] == [None, 0.0, None]


def test_the_reason_names_the_records_that_count_among_many() -> None:
    many = [ck.Deal(id=str(n), status="won", amount=n, closed_at=f"2026-{n % 12 + 1:02}-01") for n in range(1_000)]
    again = [replace(each, amount=each.amount + 1) for each in many if each.closed_at.month == 3 or each.id == "5"]  # type: ignore[operator,union-attr]
    reason = ck.revenue([*many, *again], period="2026-06").reason
    assert reason is not None
    assert "the id '5'" in reason


HEAD = "id,status,amount,closed_at,owner\n"


@pytest.mark.parametrize(
    ("above", "row", "lines"),
    [
        ("", "d1,won,9,2026-01-05,Ada\n", "line 2 of x and line 4 of x"),
        ("", '"d0","won",9,2026-01-05,"Ada\nLovelace"\nd1,won,9,2026-01-05,Ada\n', "line 4 of x and line 6 of x"),
        ("Export\n\n", "d1,won,9,2026-01-05,Ada\n", "line 4 of x and line 6 of x"),
        ("", "d1,gone,9,2026-01-05,Ada\n", "line 2 of x and line 4 of x"),
    ],
)
def test_lines_of_files_are_named(above: str, row: str, lines: str) -> None:
    text = f"{above}{HEAD}{row}d2,lost,,2026-01-05,Bo\nd1,won,10,2026-01-05,Ada\n"
    deals = ck.read_csv(io.StringIO(text), record=ck.Deal)
    reason = str(ck.revenue(deals, period="2026-01", most_unreadable=1).reason)
    source = deals.account.source
    assert lines.replace(" of x", f" of {source}") in reason


def test_rows_without_an_id_of_their_own_are_no_duplicates() -> None:
    north = ck.read_csv(io.StringIO("status,amount\nwon,1\nlost,\n"), record=ck.Deal)
    assert ck.win_rate(north).value == 0.5
    some = ck.read_csv(io.StringIO("id,status\nrow 3,won\n,lost\n,won\n"), record=ck.Deal)
    assert ck.win_rate(some).n == 3


STREAMS: dict[str, Callable[[Sequence[Any]], Any]] = {
    "an iterator": iter,
    "polars": lambda found: frame_of("polars", arrow_of(found, record_type(ck.Deal))),
    "duckdb": lambda found: frame_of("duckdb", arrow_of(found, record_type(ck.Deal))),
    "pyarrow": lambda found: frame_of("pyarrow", arrow_of(found, record_type(ck.Deal))),
}


@pytest.mark.parametrize("name", STREAMS)
def test_streams_and_frames_are_not_searched_and_say_so_and_check_looks(name: str) -> None:
    found = [*DEALS, DEALS[0]]
    result = ck.win_rate(STREAMS[name](found))
    assert result.value == pytest.approx(2 / 3)
    assert [account.searched for account in result.accounts] == [False]
    assert [account.searched for account in ck.win_rate(found).accounts] == [True]
    (finding,) = [one for one in ck.Dataset(deals=STREAMS[name](found)).check().findings if one.code == "duplicate_ids"]
    assert finding.level == "error"
    assert finding.impacts[0].does == "counted again by"
    (finding,) = [one for one in ck.Dataset(deals=found).check().findings if one.code == "duplicate_ids"]
    assert finding.impacts[0].does == "left out of"


@given(st.lists(st.sampled_from("abc"), max_size=8), st.data())
def test_how_often_a_record_stands_there_never_shows(ids: list[str], data: st.DataObject) -> None:
    order = data.draw(st.permutations(ids))
    known = {one: ck.Deal(id=one, status="won" if one < "b" else "lost", owner=one) for one in "abc"}
    crm = ck.Dataset(deals=[known[one] for one in order])
    for result in crm.measure(["win_rate", "deal_volume"]):
        expected = ck.Dataset(deals=[known[one] for one in dict.fromkeys(order)]).measure(result.metric)[0]
        assert result.value == expected.value
        assert result.accounts[-1].given == len(ids)


def test_a_list_that_changes_between_two_questions_is_looked_through_again() -> None:
    found = list(DEALS)
    crm = ck.Dataset(deals=found)
    assert crm.measure("win_rate")[0].value == 0.5
    found.append(replace(DEALS[0], status="lost"))
    assert crm.measure("win_rate")[0].value is None


@pytest.mark.parametrize("change", ["another record", "a record more", "a record less", "an equal record"])
def test_a_list_is_looked_through_again_once_it_is_another_one(change: str) -> None:
    many = [replace(DEALS[0], id=str(number)) for number in range(5)]
    crm = ck.Dataset(deals=many)
    assert crm.measure("revenue")[0].left_out == crm.measure("revenue")[0].left_out == {}
    match change:
        case "another record":
            many[3] = many[1]
        case "a record more":
            many.append(many[1])
        case "a record less":
            many.pop()
        case _:
            many[3] = replace(many[3])
    found = crm.measure("revenue")[0]
    assert found.left_out == ({DUPLICATE: 1} if change in ("another record", "a record more") else {})
    assert (found.value, found.n) == (ck.revenue(many).value, ck.revenue(many).n)


def test_what_is_no_record_is_still_told_of() -> None:
    mixed: Any = [*DEALS, {"id": "1"}]
    with pytest.raises(InputError, match="holds Deal records; got dict"):
        ck.win_rate(mixed)


def test_every_kind_of_record_has_an_id_to_go_by() -> None:
    for name in TABLES:
        assert "id" in {field.name for field in fields(ck.records.RECORDS[name])}


def test_records_of_two_files_without_ids_do_not_share_one():
    files = ["status,amount\nwon,5\nlost,6\n", "status,amount\nwon,7\nwon,8\n"]
    deals = [deal for file in files for deal in ck.read_csv(io.StringIO(file), record=ck.Deal)]
    assert deals[0].id == deals[2].id
    assert ck.revenue(deals).value == 20
