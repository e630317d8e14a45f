"""The time range of a dataset: periods before its first record, and future dates."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.engines.backends import arrow_of, frame_of

import crmkpi as ck
from crmkpi.records.base import record_class, record_type
from crmkpi.sources import files as files_module

ENGINES = ("records", "polars", "pandas", "pyarrow", "duckdb")
DEALS = [
    ck.Deal(id="1", status="won", amount=10, created_at="2024-02-01", closed_at="2024-03-05"),
    ck.Deal(id="2", status="open", created_at="2024-02-05", closed_at="2999-01-01"),  # an expected date
]


def table_on(engine: str, deals: list[ck.Deal]) -> Any:
    return deals if engine == "records" else frame_of(engine, arrow_of(deals, record_type(ck.Deal)))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("as_of", [date(2026, 1, 1), None])
def test_a_period_before_the_first_record_is_not_complete_and_the_report_says_why(engine: str, as_of: Any) -> None:
    crm = ck.Dataset(deals=table_on(engine, DEALS), as_of=as_of)
    report = crm.measure(["win_rate", "deal_volume"], period=["2019-Q1", "2024-Q1"])
    assert [result.value for result in report] == [None, 1.0, 0, 2]
    done = None if as_of is None else True
    assert [result.complete for result in report] == [None, done, None, done]
    for at, day in (("closed_at", "2024-03-05"), ("created_at", "2024-02-01")):
        note = f"the first {at} of deals is of {day}, and nothing is known of periods before it"
        assert report.notes.count(note) == 1
    alone = ck.win_rate(table_on(engine, DEALS), period="2019-Q1", as_of=date(2026, 1, 1))
    assert (alone.reason, alone.complete) == ("no deal was closed", None)


def test_a_quiet_period_between_others_is_complete_and_empty_tables_and_streams_say_nothing() -> None:
    quiet = ck.Dataset(deals=DEALS, as_of=date(2026, 1, 1)).measure("deal_volume", period="2025-Q1")
    assert (quiet[0].complete, quiet.notes) == (True, ())
    assert ck.Dataset(deals=[]).measure("win_rate", period="2019").notes == ()
    assert ck.win_rate(iter(DEALS), period="2019").reason == "no deal was closed"


FUTURE = datetime.now(UTC).replace(tzinfo=None, microsecond=0) + timedelta(days=2)


@pytest.mark.parametrize("day", [FUTURE, datetime(2050, 1, 1), datetime(9999, 12, 31), FUTURE.replace(tzinfo=UTC)])
@pytest.mark.parametrize("period", [None, "all", "2020-01-01..9990-12-31"])
def test_dates_after_today_are_told_where_no_day_is_given(day: datetime, period: str | None) -> None:
    zone = {} if day.tzinfo is None else {"tzinfo": UTC}
    late = [
        ck.Deal(id="1", status="won", amount=10, closed_at=datetime(2024, 3, 5, **zone)),  # type: ignore[arg-type]
        ck.Deal(id="2", status="won", amount=10, closed_at=day),
        ck.Deal(id="3", status="open", closed_at=day),  # only expected, so it does not count
    ]
    told = f"1 record of deals with a closed_at after today, such as {day.date()}; as_of= says up to"
    found = [note for note in ck.Dataset(deals=late).measure("revenue", period=period).notes if note.startswith(told)]
    assert len(found) == (0 if period and period.startswith("2020") and day.year == 9999 else 1)
    assert ck.Dataset(deals=late, as_of=date(2026, 1, 1)).measure("revenue", period=period).notes == ()
    assert ck.Dataset(deals=late[::2]).measure("revenue", period=period).notes == ()


def test_a_period_that_is_over_has_no_records_after_today_and_a_list_that_grows_is_looked_at_again() -> None:
    late = [ck.Deal(id="1", status="won", amount=10, closed_at=FUTURE)]
    many = [*DEALS, *late]
    crm = ck.Dataset(deals=many)
    assert crm.measure("revenue", period="2024").notes == ()
    told = [crm.measure("revenue").notes[0].partition(" with")[0] for _ in range(2)]
    many.append(replace(late[0], id="2"))
    told.append(crm.measure("revenue").notes[0].partition(" with")[0])
    many[-2:] = []
    assert told == ["1 record of deals", "1 record of deals", "2 records of deals"]
    assert crm.measure("revenue").notes == ()


def test_dates_that_a_value_is_made_of_are_looked_at_as_well() -> None:
    tickets = [
        ck.Ticket(id="1", created_at="2024-01-05T09:00", first_replied_at="9999-12-31"),
        ck.Ticket(id="2", created_at="2024-01-05T09:00", first_replied_at="2024-01-05T10:00"),
    ]
    notes = ck.Dataset(tickets=tickets).measure("first_response_time").notes
    told = "1 record of tickets with a first_replied_at after today, such as 9999-12-31; as_of= says"
    assert [note[: len(told)] for note in notes] == [told]
    assert ck.Dataset(tickets=tickets).measure("ticket_volume").notes == ()
    assert ck.Dataset(tickets=tickets, as_of=date(2024, 2, 1)).measure("first_response_time").notes == ()


OVER: dict[str, tuple[str, list[dict[str, Any]], str]] = {
    "subscriptions": ("mrr", [{"customer_id": "A", "mrr": 5, "started_at": "2024-01-05"}], "ended_at"),
    "no start": ("arr", [{"customer_id": "A", "mrr": 5}], "ended_at"),
    "customers": ("active_customers", [{"since": "2024-01-05"}], "until"),
    "tickets": ("backlog", [{"created_at": "2024-01-05"}], "solved_at"),
}


@pytest.mark.parametrize("day", [FUTURE, datetime(9999, 12, 31)])
@pytest.mark.parametrize("source", ["records", "file", "frame of a file"])
@pytest.mark.parametrize("name", OVER)
def test_what_ends_after_today_is_told_where_it_is_missing_from_what_is_there_now(
    name: str, source: str, day: datetime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    metric, (fields,), end = OVER[name]
    table = getattr(ck, metric).tables[0]
    record = record_class(table)
    ends = {"1": None, "2": "2024-02-01", "3": day}
    given: Any = [record(id=number, **fields, **{end: date_}) for number, date_ in ends.items()]
    if source != "records":
        path = tmp_path / f"{table}.csv"
        ck.write_csv(given, path)
        monkeypatch.setattr(files_module, "_LEAST_SCANNED", 0 if source == "frame of a file" else 10**12)
        given = path
    told = f"1 record of {table} counted as ended, with the {end} after today, such as {day.date()}; as_of= says up to"
    crm = ck.Dataset(**{table: given})
    assert [note.startswith(told) for note in crm.measure(metric).notes] == [True]
    assert not [note for note in crm.measure(metric, period="2024-01").notes if "counted as ended" in note]
    known = ck.Dataset(**{table: given}, as_of=date(2026, 1, 1)).measure(metric)
    assert (known[0].n, known.notes) == (2, ())


def test_check_tells_of_ends_after_today_without_a_day_and_leaves_plans_alone_with_one() -> None:
    runs = [ck.Subscription(id="1", customer_id="A", mrr=5, started_at="2024-01-05", ended_at=FUTURE)]
    (finding,) = [one for one in ck.Dataset(subscriptions=runs).check() if one.code == "future_dates"]
    assert [impact.does for impact in finding.impacts] == ["counted as over, without as_of, in"]
    known = ck.Dataset(subscriptions=runs, as_of=date(2026, 1, 1)).check()
    assert not [one for one in known if one.code == "future_dates"]


def test_check_looks_for_dates_after_today_without_a_day() -> None:
    late = [ck.Deal(id="1", status="won", created_at="2024-01-01", closed_at=FUTURE)]
    (finding,) = [one for one in ck.Dataset(deals=late).check() if one.code == "future_dates"]
    assert finding.what == f"closed_at after today, {date.today()}"  # noqa: DTZ011
    assert not [one for one in ck.Dataset(deals=DEALS).check() if one.code == "future_dates"]


def test_an_empty_segment_beside_full_ones_asks_no_table_when_its_dates_begin() -> None:
    deals = [
        ck.Deal(id=str(day), status="won", amount=10, owner="ab"[day % 2], closed_at=datetime(2024, 3 + day % 2, 5))
        for day in range(8)
    ]
    report = ck.Dataset(deals=table_on("duckdb", deals)).measure("revenue", period="2024", every="month", by="owner")
    full = [(result.period.label, result.segment["owner"]) for result in report if result.value]
    assert full == [("2024-03", "a"), ("2024-04", "b")]
    report = ck.Dataset(deals=table_on("duckdb", deals)).measure("revenue", period="2024-03", by="owner")
    assert [result.value for result in report] == [40, 0]
    assert report.sql().count(";") == 1
