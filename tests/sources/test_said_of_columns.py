"""Declarations about columns beyond their names: kinds, ends, headers, joined columns, units and starts."""

from __future__ import annotations

import io
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import crmkpi as ck
from crmkpi.errors import ColumnError, InputError, UnknownNameError
from crmkpi.quality.frames import records_of_frame
from crmkpi.records.base import record_type


def csv(text: str, path: Path, **options: Any) -> list[Any]:
    del path
    return list(ck.read_csv(io.StringIO(text), **options))


def stream(text: str, path: Path, **options: Any) -> list[Any]:
    del path
    return list(ck.stream_csv(io.StringIO(text), **options))


def scan(text: str, path: Path, **options: Any) -> list[Any]:
    pytest.importorskip("polars")
    file = path / "file.csv"
    file.write_text(text, encoding="utf-8")
    columns: Any = {targets: header for header, targets in options.pop("columns", {}).items()}
    table = ck.scan(file, columns=columns, **options)
    return list(records_of_frame(record_type(options["record"]).table, table))


def workbook(text: str, path: Path, **options: Any) -> list[Any]:
    openpyxl = pytest.importorskip("openpyxl")
    del path
    book, file = openpyxl.Workbook(), io.BytesIO()
    for row in text.splitlines():
        book.active.append([cell or None for cell in row.split(",")])
    book.save(file)
    return list(ck.read_excel(file, **options))


READERS = [csv, stream, scan, workbook]
MAKE_SURE = pytest.mark.parametrize("read", READERS)


# kinds of custom columns


KINDS: dict[str, Any] = {
    "Seats": "integer",
    "Score": "number",
    "Fee": "money",
    "Trial": "flag",
    "Renewal": "date",
    "Seen": "timestamp",
}
CUSTOM = """id,status,Seats,Score,Fee,Trial,Renewal,Seen,Note
D1,won,1200,1.5,12.50,yes,2026-01-31,2026-01-31 10:00,a
D2,won,7,2.25,-3.10,No,2026-02-28,2026-02-01 11:30,b
"""


@MAKE_SURE
@pytest.mark.parametrize(
    "custom", [CUSTOM, CUSTOM.replace("1200", "1 200"), CUSTOM.replace(",b", ",b\nD3,won,N/A,,-,,NaT,,")]
)
def test_custom_columns_hold_what_was_said(read: Any, custom: str, tmp_path: Path) -> None:
    first, second, *_ = read(custom, tmp_path, record=ck.Deal, kinds=KINDS)
    expected = {
        "Note": "a",
        "Seats": 1200,
        "Score": 1.5,
        "Fee": Decimal("12.50"),
        "Trial": True,
        "Renewal": date(2026, 1, 31),
        "Seen": datetime(2026, 1, 31, 10),
    }
    if read is scan:  # the frame has dates; the records built from it here have text
        expected |= {"Renewal": "2026-01-31", "Seen": "2026-01-31T10:00:00"}
    assert dict(first.attributes) == expected
    assert second.attributes["Trial"] is False


@ck.metric(seats=ck.Table(ck.Deal).sum(ck.Table(ck.Deal).attributes["Seats"]), unit="count", at=None)
def seats_sold(seats: int) -> int:
    """How many seats were sold."""
    return seats


def test_a_kpi_adds_up_a_custom_column(tmp_path: Path) -> None:
    kinds: dict[str, Any] = {"Seats": "integer"}
    file = tmp_path / "deals.csv"
    file.write_text(CUSTOM, encoding="utf-8")
    assert seats_sold(ck.read_csv(file, record=ck.Deal, kinds=kinds)).value == 1207
    assert seats_sold(ck.Dataset(deals=ck.scan(file, record=ck.Deal, kinds=kinds))).value == 1207


def test_a_preset_says_kinds_too() -> None:
    ours = {"extends": "salesforce_opportunity", "kinds": {"Seats__c": "integer"}}
    file = io.StringIO("Id,IsWon,IsClosed,Seats__c\n1,true,true,12\n")
    assert ck.read_csv(file, preset=ours)[0].attributes["Seats__c"] == 12


@pytest.mark.parametrize(
    ("kinds", "message"),
    [
        (
            {"Seat": "integer"},
            r"custom column 'Seat' of <file> holds, but it is not one of its columns. Did you mean 'Seats'",
        ),
        ({"status": "flag"}, r"'status' of <file> holds, but it fills a field"),
        ({"Seats": "int"}, r"kinds= says what the column 'Seats' holds; got 'int'. Did you mean"),
    ],
)
def test_kinds_of_no_custom_column_are_refused(kinds: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        ck.read_csv(io.StringIO(CUSTOM), record=ck.Deal, kinds=kinds)


# ends


TERMS = """id,customer_id,plan,mrr,currency,started_at,ended_at
1,A,Team,50,EUR,2025-02-01,2026-01-31
2,A,Team,50,EUR,2026-02-01,
3,B,Team,50,EUR,2025-02-01,2026-01-31
4,B,Team,50,EUR,2026-02-01,
"""


@MAKE_SURE
@pytest.mark.parametrize(
    ("form", "tz"), [("{}", None), ("{}", "Europe/Berlin"), ("{} 23:59:59", None), ("{}T23:59:59+01:00", None)]
)
def test_ends_that_include_their_day_leave_no_gap(read: Any, form: str, tz: str | None, tmp_path: Path) -> None:
    text = TERMS.replace("2026-01-31", form.format("2026-01-31"))
    if "+" in form:
        text = text.replace("2026-02-01", "2026-02-01T00:00+01:00").replace("2025-02-01", "2025-02-01T00:00+01:00")
    found = read(text, tmp_path, record=ck.Subscription, ends="inclusive", **({"tz": tz} if tz else {}))
    assert found[0].ended_at == found[1].started_at
    customers = ck.Dataset(subscriptions=found, calendar=ck.Calendar(tz="Europe/Berlin"), as_of=date(2026, 3, 1))
    for period in ("2026-01", "2026-02"):
        report = customers.measure([ck.mrr, ck.churned_mrr, ck.reactivation_mrr], period=period)
        assert [result.value for result in report] == [100, 0, 0]


@pytest.mark.parametrize(
    ("text", "record", "name"),
    [
        ("id,since,until\nA,2025-02-01,2026-01-31\n", ck.Customer, "until"),
        ("id,deal_id,stage,entered_at,left_at\n1,D,New,2026-01-01,2026-01-31\n", ck.StageVisit, "left_at"),
        ("id,name,started_at,ended_at\n1,Fair,2026-01-01,2026-01-31\n", ck.Campaign, "ended_at"),
    ],
)
@MAKE_SURE
def test_every_end_can_include_its_day(read: Any, text: str, record: Any, name: str, tmp_path: Path) -> None:
    assert getattr(read(text, tmp_path, record=record)[0], name) == datetime(2026, 1, 31)
    assert getattr(read(text, tmp_path, record=record, ends="inclusive")[0], name) == datetime(2026, 2, 1)
    endless = text.replace("2026-01-31", "9999-12-31")
    assert getattr(read(endless, tmp_path, record=record, ends="inclusive")[0], name) == datetime(9999, 12, 31)


def test_a_preset_says_that_ends_include_their_day() -> None:
    ours = {
        "system": "Ours",
        "title": "Contracts",
        "record": "Subscription",
        "ends": "inclusive",
        "columns": [{"headers": "No", "fills": "id"}, {"headers": "Last day", "fills": "ended_at"}],
    }
    [term] = ck.read_csv(io.StringIO("No,Last day\n1,31 Jan 2026\n"), preset=ours)
    assert term.ended_at == datetime(2026, 2, 1)
    [term] = ck.read_csv(io.StringIO("No,Last day\n1,31 Jan 2026\n"), preset=ours, ends="exclusive")
    assert term.ended_at == datetime(2026, 1, 31)
    with pytest.raises(InputError, match="ends= is 'inclusive' or 'exclusive'; got 'last'"):
        ck.read_csv(io.StringIO("id\n1\n"), record=ck.Subscription, ends="last")  # type: ignore[call-overload]


# files without headers, and columns that fill a field together


@MAKE_SURE
@pytest.mark.parametrize("rows", [1, 250])
def test_a_file_without_headers_is_given_them(read: Any, rows: int, tmp_path: Path) -> None:
    text = "".join(f"D{number},won,{number}.50\n" for number in range(rows))
    found = read(text, tmp_path, record=ck.Deal, headers=["id", "status", "Total"], columns={"Total": "amount"})
    assert len(found) == rows
    assert (found[0].id, found[0].amount) == ("D0", Decimal("0.50"))


def test_headers_must_be_as_many_as_the_columns() -> None:
    with pytest.raises(
        ColumnError, match=r"names 2 columns, and the first row of <file> has 3 cells; name each column"
    ):
        ck.read_csv(io.StringIO("D1,won,5\n"), record=ck.Deal, headers=["id", "status"])
    with pytest.raises(InputError, match="objects have their keys, so leave it out"):
        ck.read_dicts([{"id": 1}], record=ck.Deal, headers=["id"])
    with pytest.raises(InputError, match="headers= lists the names of all columns"):
        ck.read_csv(io.StringIO("D1,won\n"), record=ck.Deal, headers="id,status")


SPLIT = "id,status,Day,Time\nD1,won,31.01.2026,14:05\nD2,won,01.02.2026,\nD3,won,,10:00\n"


@MAKE_SURE
def test_a_day_and_a_time_fill_one_field(read: Any, tmp_path: Path) -> None:
    found = read(SPLIT, tmp_path, record=ck.Deal, columns={("Day", "Time"): "created_at"})
    assert [deal.created_at for deal in found] == [datetime(2026, 1, 31, 14, 5), datetime(2026, 2, 1), None]
    assert not any(deal.attributes for deal in found)


def test_cells_of_a_workbook_join_as_days_and_times() -> None:
    from datetime import time  # noqa: PLC0415

    openpyxl = pytest.importorskip("openpyxl")
    book, file = openpyxl.Workbook(), io.BytesIO()
    for row in (["id", "status", "Day", "Time"], ["D1", "won", date(2026, 1, 31), time(14, 5)]):
        book.active.append(row)
    book.save(file)
    [deal] = ck.read_excel(file, record=ck.Deal, columns={("Day", "Time"): "created_at"})
    assert deal.created_at == datetime(2026, 1, 31, 14, 5)


def test_columns_together_must_be_there_and_fill_one_field() -> None:
    with pytest.raises(UnknownNameError, match=r"no column 'Hour'"):
        ck.read_csv(io.StringIO(SPLIT), record=ck.Deal, columns={("Day", "Hour"): "created_at"})
    with pytest.raises(ColumnError, match=r"'Day' of <file> by itself and together with others"):
        ck.read_csv(io.StringIO(SPLIT), record=ck.Deal, columns={("Day", "Time"): "created_at", "Day": "closed_at"})


# units and starts


@pytest.mark.parametrize(
    ("cell", "unit", "hours"),
    [("36", "hours", 36), ("90", "minutes", 1.5), ("2", "days", 48), ("1:30:00", "hours", 1.5)],
)
def test_a_duration_makes_a_moment(cell: str, unit: str, hours: float) -> None:
    text = f"id,created_at,open for\nT1,2026-01-05 09:00,{cell}\n"
    said = {"fills": "solved_at", "unit": unit, "after": "created_at"}
    [ticket] = ck.read_csv(io.StringIO(text), record=ck.Ticket, columns={"open for": said})
    assert (ticket.solved_at - ticket.created_at).total_seconds() == hours * 3600


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"columns": {"x": {"fills": "solved_at", "unit": "hours"}}}, "A duration and `after` belong together"),
        ({"columns": {"x": {"fills": "solved_at", "unti": "hours"}}}, "at unti"),
        ({"columns": {"x": {"fills": "solved"}}}, "which is no field of Ticket. Did you mean 'solved_at'"),
        ({"units": {"probability": "percent"}}, "no field of Ticket"),
        ({"columns": {"x": "handled_seconds"}, "units": {"handled_seconds": "minute"}}, "a unit that no column has"),
        ({"units": {"status": "percent"}}, "'percent' does not fit 'status'"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(options: Any, message: str) -> None:
    with pytest.raises((InputError, UnknownNameError), match=message):
        ck.read_csv(io.StringIO("id,status,x\n1,open,5\n"), record=ck.Ticket, **options)


@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
@pytest.mark.parametrize("home", ["polars", "pandas", "pyarrow", "duckdb"])
def test_ends_of_a_frame_can_include_their_day(home: str, zone: str | None) -> None:
    library = pytest.importorskip(home)
    polars = pytest.importorskip("polars")
    typed = polars.read_csv(io.StringIO(TERMS), try_parse_dates=True)
    frame: Any = {"polars": lambda: typed, "pandas": typed.to_pandas, "pyarrow": typed.to_arrow}.get(
        home, lambda: None
    )()
    if home == "duckdb":
        frame = library.connect().from_arrow(typed.to_arrow())
    terms = ck.table(frame, record=ck.Subscription, ends="inclusive", tz=zone)
    crm = ck.Dataset(subscriptions=terms, calendar=ck.Calendar(tz="Europe/Berlin"), as_of=date(2026, 3, 1))
    for period in ("2026-01", "2026-02"):
        report = crm.measure([ck.mrr, ck.churned_mrr, ck.reactivation_mrr], period=period)
        assert [result.value for result in report] == [100, 0, 0]
    with pytest.raises(InputError, match="ends= is 'inclusive' or 'exclusive'"):
        ck.table(frame, record=ck.Subscription, ends="last")  # type: ignore[call-overload]
