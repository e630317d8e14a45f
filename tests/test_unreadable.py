"""An unreadable value invalidates only its field: affected KPIs, undefined values, and reasons."""

from __future__ import annotations

import copy
import io
import pickle
import re
from dataclasses import fields, replace
from datetime import date, datetime
from typing import Any

import pytest

import crmkpi as ck
from crmkpi.errors import InputError
from crmkpi.records.base import partly_read

WORDS = """id,status,amount,closed_at
1,won,100,2026-01-05
2,won,100,2026-01-06
3,Dead,100,2026-01-07
4,Dead,100,2026-01-08
"""
PERCENT = """id,status,amount,probability,closed_at
1,won,100,100,2026-01-05
2,won,9,100,2026-01-06
3,lost,1,0,2026-01-07
"""


def deals(text: str, **options: Any) -> Any:
    return ck.read_csv(io.StringIO(text), record=ck.Deal, **options)


def rows(*lines: str, header: str = "id,status,amount,closed_at,kind") -> str:
    return "\n".join((header, *lines)) + "\n"


def test_a_kpi_that_does_not_read_the_field_counts_the_record() -> None:
    found = ck.win_rate(deals(PERCENT))
    assert (found.inputs, found.left_out) == ({"won": 2, "closed": 3}, {})


@pytest.mark.parametrize("period", [None, "2026-01"])
def test_past_two_percent_there_is_no_value_and_following_the_reason_gives_one(period: str | None) -> None:
    asked = {} if period is None else {"period": period}
    found = ck.win_rate(deals(WORDS), **asked)
    assert (found.value, found.interval, found.left_out) == (None, None, {"status unreadable": 2})
    assert found.unreadable == {"status": {"'Dead'": 2}}
    assert "status cannot be read in 2 of the 4 deals that it needs (50.0 %" in str(found.reason)
    told = re.search(r"values=\{'(\w+)': \{(.*?): \.\.\.\}\}", str(found.reason))
    assert told is not None
    values = {told[1]: {told[2].strip("'"): "lost"}}
    meant = ck.win_rate(deals(WORDS, values=values), **asked)
    assert (meant.value, meant.left_out) == (0.5, {})


def test_the_reason_says_how_often_there_is_no_value_at_all() -> None:
    reason = ck.win_rate(deals(rows("1,won,1,,", "2,,1,,", "3,,1,,", "4,Dead,1,,"))).reason
    assert "no value (2), 'Dead' (1); say when reading what they mean, values={'status': {'Dead': ...}}" in str(reason)


WAYS_OUT = [
    (["100", "100"], 'where they are percentages, say units={"probability": "percent"}'),
    (["75", "1.5"], 'where they are percentages, say units={"probability": "percent"}'),
    (["101", "100"], "values={'probability': {'100': ...}}"),
    (["on request", "on request"], "values={'probability': {'on request': ...}}"),
]


@pytest.mark.parametrize(("cells", "way_out"), WAYS_OUT)
def test_the_reason_names_the_way_out_that_fits_the_words(cells: list[str], way_out: str) -> None:
    lines = [f"{n},open,100,{cell}" for n, cell in enumerate(cells)]
    found = ck.weighted_pipeline(deals(rows(*lines, header="id,status,amount,probability")))
    assert way_out in str(found.reason)


@pytest.mark.parametrize("spoiled", range(4))
def test_up_to_the_share_there_is_a_value_and_above_it_none(spoiled: int) -> None:
    lines = [f"{n},{'Dead' if n < spoiled else 'won' if n % 2 else 'lost'},5,2026-01-05," for n in range(100)]
    found = ck.win_rate(deals(rows(*lines)))
    assert (found.value is None) == (spoiled > 2)
    assert found.left_out == ({"status unreadable": spoiled} if spoiled else {})
    if found.interval is not None:
        assert found.interval.without == spoiled
        assert (f"without {spoiled} that cannot be read" in str(found)) == bool(spoiled)
    loose = ck.Dataset(deals=deals(rows(*lines)), most_unreadable=1).measure("win_rate")[0]
    assert loose.value is not None
    strict = ck.Dataset(deals=deals(rows(*lines))).measure("win_rate", most_unreadable=0)[0]
    assert (strict.value is None) == bool(spoiled)


def test_a_record_that_is_out_of_the_question_anyway_is_not_set_aside() -> None:
    found = ck.revenue(deals(rows("1,won,5,2026-01-05,", "2,lost,tbd,2026-01-05,", "3,open,tbd,,")))
    assert (str(found.value), found.left_out, found.accounts[0].outside) == ("5", {}, 2)
    assert ck.revenue(deals(rows("1,won,5,2026-01-05,", "2,won,tbd,2026-01-05,"))).left_out == {"amount unreadable": 1}


def test_a_record_whose_date_cannot_be_read_may_be_of_any_period_and_counts_without_one() -> None:
    lines = [f"{n},{'won' if n % 2 else 'lost'},5,2026-0{1 + n % 3}-05," for n in range(99)]
    found = deals(rows(*lines, "100,won,5,soon,"))
    assert ck.win_rate(found).left_out == {}
    report = ck.Dataset(deals=found).measure("win_rate", period="2026-Q1", every="month")
    assert [result.left_out for result in report] == [{"closed_at unreadable": 1}] * 3
    assert all(result.value is not None for result in report)  # one in a hundred, one in 34 at worst


def test_a_record_whose_segment_cannot_be_read_may_be_of_any() -> None:
    lines = [f"{n},{'won' if n % 2 else 'lost'},5,2026-01-05,{'new' if n % 3 else 'renewal'}" for n in range(99)]
    found = deals(rows(*lines, "100,won,5,2026-01-05,Upsell"))
    for by in ("kind", lambda deal: deal.kind):
        report = ck.Dataset(deals=found).measure("win_rate", by={"kind": by})
        assert [result.segment["kind"] for result in report] == ["new", "renewal"]
        for result in report:
            assert sum(result.left_out.values()) == 1
            assert result.value is not None
            account = result.accounts[0]
            assert account.used + 1 + account.outside == account.given
    few = ck.Dataset(deals=deals(rows(*lines[:9], "100,won,5,2026-01-05,Upsell"))).measure("win_rate", by="kind")
    assert [result.value for result in few] == [None, None]
    assert "values={'kind': {'Upsell': ...}}" in str(few[0].reason)


def test_lists_streams_dicts_and_tallies_know_what_readers_could_not_read() -> None:
    read = deals(WORDS)
    whole = ck.win_rate(read)
    parts: list[Any] = [
        list(read),
        (deal for deal in read),
        ck.stream_csv(io.StringIO(WORDS), record=ck.Deal),
        ck.read_dicts(
            [{"id": deal.id, "status": deal.status or "Dead", "closed_at": deal.closed_at} for deal in read],
            record=ck.Deal,
        ),
        pickle.loads(pickle.dumps(list(read))),
        copy.deepcopy(list(read)),
    ]
    for part in parts:
        found = ck.win_rate(part)
        assert (found.value, found.reason, found.left_out) == (whole.value, whole.reason, whole.left_out)
    empty = ck.Tally(["win_rate"], by="owner", most_unreadable=0.5)
    tally = empty.add(deals=list(read)[:2]).merge(empty.from_json(empty.add(deals=list(read)[2:]).to_json()))
    (result,) = tally.report()
    assert (result.value, result.left_out, result.unreadable) == (1.0, whole.left_out, whole.unreadable)


def test_a_tally_keeps_records_whose_segment_cannot_be_read_apart() -> None:
    lines = [f"{n},won,5,2026-01-05,new" for n in range(9)]
    empty = ck.Tally(["win_rate"], by="kind", most_unreadable=0.5)
    tally = empty.add(deals=deals(rows(*lines))).add(deals=deals(rows("10,won,5,2026-01-05,Upsell")))
    for each in (tally, empty.from_json(tally.to_json())):
        (result,) = each.report()
        assert (result.segment, result.accounts[0].given, result.left_out) == (
            {"kind": "new"},
            10,
            {"kind unreadable": 1},
        )


def test_fields_of_related_records_that_cannot_be_read() -> None:
    partly: Any = partly_read(ck.Customer)
    customers = [
        ck.Customer(id="C1", industry="Retail"),
        partly(id="C2", unreadable={"industry": "7"}),
    ]
    own = [ck.Deal(id=str(n), status="won" if n % 2 else "lost", customer_id=f"C{1 + n % 2}") for n in range(8)]
    crm = ck.Dataset(deals=own, customers=customers, most_unreadable=0.5)
    (result,) = crm.measure("win_rate", by="customer.industry")
    assert (result.value, result.left_out) == (0.0, {"industry unreadable": 4})


def test_ids_that_are_line_numbers_count_and_cannot_be_looked_up() -> None:
    customers = ck.read_csv(io.StringIO("name,since,industry\nAda,2026-01-05,Retail\n"), record=ck.Customer)
    assert ck.new_customers(customers, period="2026-01").value == 1
    own = [ck.Deal(id="1", status="won", customer_id="C1")]
    with pytest.raises(InputError, match=r"Fields of customers are looked up by their ids, .*columns=.*'id'"):
        ck.Dataset(deals=own, customers=customers).measure("win_rate", by="customer.industry")


def test_a_field_that_is_given_a_value_after_all_is_read() -> None:
    deal: Any = deals(WORDS)[2]
    assert dict(replace(deal, status="lost").unreadable) == {}
    assert ck.win_rate([replace(deal, status="lost"), *deals(WORDS)[:2]]).value == 2 / 3


def test_stocks_medians_and_earlier_periods_hold_to_the_share() -> None:
    header = "id,customer_id,started_at,ended_at,mrr"
    lines = [f"{n},C{n},2026-01-01,,10" for n in range(20)]
    subscriptions = ck.read_csv(
        io.StringIO(rows(*lines, "20,C20,2026-01-01,never,10", header=header)), record=ck.Subscription
    )
    found = ck.mrr(subscriptions, period="2026-03", currency="EUR", as_of=date(2026, 3, 31))
    assert (found.value, found.left_out) == (None, {"ended_at unreadable": 1})
    tickets = ck.read_csv(
        io.StringIO("id,created_at,solved_at\n1,2026-01-01,2026-01-03\n2,2026-01-01,soon\n"), record=ck.Ticket
    )
    assert ck.resolution_time(tickets).left_out == {"solved_at unreadable": 1}
    assert ck.ticket_volume(tickets).left_out == {}


@pytest.mark.parametrize("share", [-0.1, 2, "all", True])
def test_what_is_no_share_is_refused(share: Any) -> None:
    with pytest.raises(InputError, match="most_unreadable= is the share of records, from 0 to 1"):
        ck.Dataset(deals=[], most_unreadable=share)


@pytest.mark.parametrize("given", [list, iter])
def test_records_of_a_list_are_set_aside_too_where_related_ones_cannot_all_be_read(given: Any) -> None:
    partly: Any = partly_read(ck.StageVisit)
    visit = partly(id="1", deal_id="D", stage="Demo", entered_at="2026-01-05", unreadable={"left_at": "'?'"})
    partly = partly_read(ck.Deal)
    related = [ck.Deal(id="D", status="won"), partly(id="E", status="won", unreadable={"closed_at": "'?'"})]
    found = ck.stage_conversion_rate(stage_visits=[visit], deals=given(related))
    assert (found.value, found.left_out) == (None, {"left_at unreadable": 1})


@pytest.mark.slow
@pytest.mark.parametrize("field", ["status", "solved_at"])
@pytest.mark.parametrize("as_of", [None, date(2026, 9, 30)])
def test_of_a_condition_a_part_may_be_unreadable_and_the_rest_not(field: str, as_of: date | None) -> None:
    known = {"status": "solved", "solved_at": datetime(2026, 1, 6), "replies": 1}
    tickets = [ck.Ticket(id=str(number), created_at=datetime(2026, 1, 5), **known) for number in range(4)]  # type: ignore[arg-type]
    values = {each.name: getattr(tickets[3], each.name) for each in fields(tickets[3])} | {field: None}
    lost = partly_read(ck.Ticket)(**{**values, "unreadable": {field: "'x'"}})
    hours = ck.Calendar(opening_hours={"mon-fri": ("09:00", "17:00")})
    crm = ck.Dataset(tickets=[*tickets[:3], lost], as_of=as_of, calendar=hours, most_unreadable=1)
    for metric in (each for kpi in ck.catalogue for each in (kpi, *kpi.variants.values())):
        if metric.tables == ("tickets",) and not metric.parameters:
            (account,) = crm.measure(metric)[0].accounts
            assert account.used + sum(account.left_out.values()) + account.rejected + account.outside == 4, metric.id
