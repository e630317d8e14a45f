from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

import openpyxl
import polars as pl
import pytest
from dateutil import parser
from hypothesis import assume, given
from hypothesis import strategies as st

import crmkpi as ck
from crmkpi.errors import AmbiguousDateError, UnknownNameError
from crmkpi.sources.dates import DateReader, check_iso, zone_named
from crmkpi.sources.tallies import Tallies

ZEROS = ("0001-01-01", "1753-01-01", "1899-12-30", "1899-12-31", "1900-01-01", "1970-01-01")
WRITTEN = ("{}", "{}T00:00:00", "{} 00:00:00", "{}T00:00:00Z")


def stays_of(day: str, form: str, folder: Path) -> dict[str, Any]:
    """Two stays, one of which ends on a date, through each reader; typed readers have a timestamp."""
    (path := folder / "subscriptions.csv").write_text(
        f"id,customer_id,started_at,ended_at,mrr\n1,A,2025-01-01,{form.format(day)},100\n2,B,2025-01-01,2027-01-01,50\n"
    )
    ends = [datetime.fromisoformat(form.format(day)), datetime(2027, 1, 1, tzinfo=UTC if form.endswith("Z") else None)]
    rows = [
        {"id": name, "customer_id": name, "started_at": datetime(2025, 1, 1), "ended_at": end, "mrr": mrr}
        for name, end, mrr in (("A", ends[0], 100), ("B", ends[1], 50))
    ]
    return {
        "csv": partial(ck.read_csv, path, record=ck.Subscription),
        "stream": partial(ck.stream_csv, path, record=ck.Subscription),
        "polars": partial(ck.scan, path, record=ck.Subscription, engine="polars"),
        "duckdb": partial(ck.scan, path, record=ck.Subscription, engine="duckdb"),
        "dicts": partial(ck.read_dicts, rows, record=ck.Subscription),
        "frame": partial(ck.table, pl.DataFrame(rows), record=ck.Subscription, parse=True),
    }


@pytest.mark.parametrize(
    ("day", "form"), [*((day, WRITTEN[0]) for day in ZEROS), *(("1970-01-01", form) for form in WRITTEN[1:])]
)
def test_the_day_at_which_programs_begin_to_count_is_no_date(day: str, form: str, tmp_path: Path) -> None:
    zone = {"tz": "UTC"} if form.endswith("Z") else {}
    for name, read in stays_of(day, form, tmp_path).items():
        assert ck.mrr(read(**zone), period="2026-01").value == 150, name
        assert ck.Dataset(subscriptions=read(**zone)).fields("subscriptions")["ended_at"]["empty"] == 1, name


def test_a_reply_on_such_a_day_or_at_the_end_of_the_calendar_has_not_come(tmp_path: Path) -> None:
    (path := tmp_path / "tickets.csv").write_text(
        "id,created_at,first_replied_at,status\n1,2026-01-05 10:00,2026-01-05 11:00,closed\n"
        "2,2026-01-05 10:00,1970-01-01 00:00,open\n3,2026-01-05 10:00,9999-12-31 00:00,open\n"
    )
    records = list(ck.read_csv(path, record=ck.Ticket))
    frame = pl.read_csv(path, try_parse_dates=True, schema_overrides={"id": pl.String})
    for tickets in (
        records,
        ck.stream_csv(path, record=ck.Ticket),
        ck.scan(path, record=ck.Ticket),
        ck.scan(path, record=ck.Ticket, engine="duckdb"),
        ck.table(frame, record=ck.Ticket),
    ):
        result = ck.Dataset(tickets=tickets, as_of="2026-02-28").measure(ck.first_response_time.variant("mean"))[0]
        assert result.value == timedelta(hours=1)
        assert result.accounts[0].left_out == {"no reply yet": 2}


@pytest.mark.parametrize("day", ["1899-12-31", "1970-01-01", "0000-00-00"])  # dates that a workbook can hold
def test_a_cell_of_a_workbook_with_such_a_day_has_no_date(day: str, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (
        ["id", "customer_id", "started_at", "ended_at", "mrr"],
        [1, "A", datetime(2025, 1, 1), day if day == "0000-00-00" else datetime.fromisoformat(day), 100],
        [2, "B", datetime(2025, 1, 1), datetime(2027, 1, 1), 50],
    ):
        book.active.append(row)
    book.save(tmp_path / "stays.xlsx")
    stays = ck.read_excel(tmp_path / "stays.xlsx", record=ck.Subscription)
    assert not stays.account.unreadable_fields
    assert ck.mrr(stays, period="2026-01").value == 150


@pytest.mark.parametrize(
    "form", ["{}-03-31 24:00", "{}-03-31T24:00:00", "31.03.{} 24:00", "{}/03/31 24:00", "31 Mar {} 24:00"]
)
def test_24_o_clock_is_the_start_of_the_day_after(form: str, tmp_path: Path) -> None:
    (path := tmp_path / "tickets.csv").write_text(
        f"id,created_at,solved_at\n1,2026-03-31,{form.format(2026)}\n2,2026-03-31,{form.format(2026)}\n"
    )
    for read in (ck.read_csv, ck.stream_csv, ck.scan, partial(ck.scan, engine="duckdb")):
        asked: Any = read
        assert ck.resolution_time(asked(path, record=ck.Ticket, day_first=True)).value == timedelta(days=1)
    assert "not a date" in column("2026-03-31 24:01")[0]


def column(*values: Any, kind: Literal["timestamp", "date"] = "timestamp", **options: Any) -> list[Any]:
    """The values of a column, with the reason in place of an unreadable value."""
    reader = DateReader(column="At", values=lambda: values, kind=kind, **options)
    read: list[Any] = []
    for value in values:
        try:
            read.append(reader(value))
        except ValueError as problem:
            if isinstance(problem, AmbiguousDateError):
                raise
            read.append(str(problem))
    return read


def days(*values: str) -> Sequence[date]:
    return [date.fromisoformat(value) for value in values]


@given(st.lists(st.dates(date(1970, 1, 2), date(2068, 1, 1)), min_size=1), st.sampled_from("/-."), st.booleans())
def test_a_column_of_dates_in_numbers_reads_as_written_or_is_refused(
    moments: list[date], sign: str, day_first: bool
) -> None:
    form = sign.join(["%d", "%m", "%Y"] if day_first else ["%m", "%d", "%Y"])
    written = [moment.strftime(form) for moment in moments]
    if any(moment.day > 12 for moment in moments):
        assert column(*written, kind="date") == moments
    else:
        with pytest.raises(AmbiguousDateError):
            column(*written, kind="date")
    assert column(*written, kind="date", day_first=day_first) == moments


@given(st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1)))
def test_worded_dates_read_as_another_parser_reads_them(moment: datetime) -> None:
    for form in ("%d %b, %Y %H:%M:%S", "%b %d, %Y %I:%M %p", "%B %d %Y", "%a, %d %b %Y %H:%M:%S +0200", "%d-%b-%Y"):
        text = moment.strftime(form)
        assert column(text) == [parser.parse(text, default=datetime(2000, 1, 1))]


@given(st.datetimes(), st.sampled_from(["T", " "]), st.sampled_from(["", "Z", "+02:00", "-0930", " UTC"]))
def test_iso_times_read_with_and_without_an_offset(moment: datetime, mark: str, zone: str) -> None:
    offsets = {"": None, "+02:00": timezone(timedelta(hours=2)), "-0930": timezone(-timedelta(hours=9, minutes=30))}
    [read] = column(moment.isoformat(mark) + zone)
    assert read == moment.replace(tzinfo=offsets.get(zone, UTC))


def test_one_number_above_12_settles_the_whole_column() -> None:
    assert column("01/02/2026", "13/02/2026", kind="date") == days("2026-02-01", "2026-02-13")
    assert column("01/02/2026", "02/13/2026", kind="date") == days("2026-01-02", "2026-02-13")


def test_a_column_that_never_shows_its_order_is_refused_with_the_way_out() -> None:
    message = (
        r"The dates in the column 'At' could all start with the day or the month, for example '01/02/2026'; "
        r"say day_first=True, day_first=False or date_format="
    )
    with pytest.raises(AmbiguousDateError, match=message):
        column("03/04/2026", "01/02/2026", "2026-01-31")


def test_a_column_that_shows_both_orders_rejects_its_dates_in_numbers_only() -> None:
    reason = "this column has dates that start with the day and dates that start with the month"
    assert column("13/01/2026", "01/13/2026", "01/02/2026", "2026-01-31", kind="date") == [
        reason,
        reason,
        reason,
        date(2026, 1, 31),
    ]


def test_an_order_that_is_said_is_not_left_for_one_value() -> None:
    read = column("01/02/2026", "01/13/2026", kind="date", day_first=True)
    assert read == [date(2026, 2, 1), "not a date: there is no such day or time in the calendar"]


def test_a_nonsense_date_settles_nothing() -> None:
    with pytest.raises(AmbiguousDateError, match="'01/02/2026'"):
        column("31/31/2026", "01/02/2026")


def test_short_years_are_1969_to_2068() -> None:
    assert column("10/20/68", "10/20/69", kind="date") == days("2068-10-20", "1969-10-20")


def test_short_years_that_could_be_days_are_refused() -> None:
    with pytest.raises(AmbiguousDateError, match="could all start with the year or the day, for example '20-10-16'"):
        column("20-10-16", "21-10-16")
    assert column("20-10-16", kind="date", day_first=True) == days("2016-10-20")
    assert column("20-10-16", kind="date", form="%y-%m-%d") == days("2020-10-16")


def test_dates_that_start_with_the_year_need_no_order() -> None:
    assert column("2026/01/05", "2026.2.3", kind="date") == days("2026-01-05", "2026-02-03")


@pytest.mark.parametrize(
    ("text", "hour"),
    [("12:00 am", 0), ("12:30 AM", 0), ("1:00 am", 1), ("12:00 pm", 12), ("11:59 p.m.", 23), ("23:00", 23)],
)
def test_hours_read_on_both_clocks(text: str, hour: int) -> None:
    assert column(f"31/01/2026 {text}")[0].hour == hour


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("31/01/2026 13:00 pm", "hours with am or pm go from 1 to 12"),
        ("31/01/2026 25:00", "no such day or time"),
        ("31/01/2026 10:00 +99:00", "no such day or time"),
        ("2026-02-30", "no such day or time"),
        ("31/01/202", "the year must have four digits or two"),
        ("31 Brumaire 2026", "the name of its month is unknown"),
        ("1700000000", "numbers need date_format='unix_seconds'"),
        ("46027", "or 'excel_days' for those of a workbook"),
        ("soon", "not a date in a known format"),
        (1_700_000_000, "numbers need date_format='unix_seconds'"),
        (True, "numbers need date_format='unix_seconds'"),
    ],
)
def test_what_is_no_date_says_why(text: object, reason: str) -> None:
    assert reason in column(text)[0]


def test_a_form_that_is_given_reads_and_nothing_else_does() -> None:
    assert column("05.01.2026", "2026-01-05", kind="date", form="%d.%m.%Y") == [
        date(2026, 1, 5),
        "not a date of the form '%d.%m.%Y'",
    ]


@given(st.integers(-(10**9), 4 * 10**9))
def test_unix_times_read_in_the_unit_that_is_said(seconds: int) -> None:
    assume(abs(seconds) > 14 * 3600 or seconds % 900)  # programs write it for a missing time, in some zone
    expected = datetime.fromtimestamp(seconds, UTC)
    assert column(seconds, str(seconds), form="unix_seconds") == [expected, expected]
    assert column(seconds * 1000, form="unix_milliseconds") == [expected]


@pytest.mark.parametrize("value", ["", "x", "inf", "1e300", float("nan"), True])
def test_what_is_no_unix_time_is_refused(value: object) -> None:
    assert isinstance(column(value, form="unix_seconds")[0], str)


@given(st.datetimes(datetime(1990, 1, 1), datetime(2030, 1, 1)))
def test_local_times_become_the_instants_that_the_zone_gives_them(moment: datetime) -> None:
    zone = ZoneInfo("America/New_York")
    [read] = column(moment.isoformat(), zone=zone)
    assert read.tzinfo is UTC
    there = read.astimezone(zone).replace(tzinfo=None)
    assume(there == moment)  # hours that a clock change skips do not exist
    assert read == moment.replace(tzinfo=zone).astimezone(UTC)


def test_days_are_days_of_the_zone() -> None:
    assert column("2026-01-31T23:30:00Z", kind="date", zone=ZoneInfo("Europe/Berlin")) == days("2026-02-01")
    assert column("2026-01-31T23:30:00Z", "2026-01-31T23:30", kind="date") == days("2026-01-31", "2026-01-31")


def test_the_edge_of_the_calendar_is_a_reason_and_no_crash() -> None:
    assert "edge of the calendar" in column("0001-01-01T01:00", zone=ZoneInfo("Asia/Tokyo"))[0]


def test_dates_that_are_dates_already_stay_as_they_are() -> None:
    assert column(datetime(2026, 1, 31, 8), date(2026, 1, 31)) == [datetime(2026, 1, 31, 8), datetime(2026, 1, 31)]


def test_an_unknown_zone_is_named_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"no time zone 'Europe/Pariss'\. Did you mean 'Europe/Paris'\?"):
        zone_named("Europe/Pariss")


_ISO_ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Casablanca", "UTC")
_ISO_FORMS = ("%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S", "%G-W%V-%u", "%G-W%V-%uT%H:%M:%S")


@given(
    moment=st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1))
    | st.builds(
        lambda start, into: start + into,
        st.sampled_from([datetime(2024, 3, 31), datetime(2024, 10, 27), datetime(2024, 11, 3), datetime(2024, 4, 7)]),
        st.timedeltas(timedelta(), timedelta(days=1)),
    ),
    form=st.sampled_from(_ISO_FORMS) | st.just("iso"),
    offset=st.sampled_from(("", "", "Z", "+02:00")),
    zone=st.sampled_from(_ISO_ZONES),
    kind=st.sampled_from(("timestamp", "date")),
)
def test_texts_that_are_all_iso_are_read_fast_as_they_are_read_one_by_one(
    moment: datetime, form: str, offset: str, zone: str, kind: Literal["timestamp", "date"]
) -> None:
    text = (moment.isoformat() if form == "iso" else moment.strftime(form)) + (offset if ":" in form else "")
    try:
        check_iso([text])
    except ValueError:
        return  # the cells of such a column are read one by one
    tallies = Tallies(), Tallies()
    one_by_one, fast = (
        DateReader(column="At", values=lambda: [text], kind=kind, zone=zone_named(zone), count=each.counter("At"))
        for each in tallies
    )
    of_iso = fast.of_iso()
    assert of_iso is not None
    assert of_iso(text) == one_by_one(text)
    for each in tallies:
        each.keep()
    assert tallies[0].by_column() == tallies[1].by_column()


@pytest.mark.parametrize("digits", range(7))
@pytest.mark.parametrize("between", ["T", " "])
def test_a_scan_reads_fractions_of_a_second_as_the_reader_does(digits: int, between: str, tmp_path: Path) -> None:
    fractions = [f".{text[:digits]}" if digits else "" for text in ("999999", "000001", "500000")]
    days = ("1677-09-20", "1969-12-31", "2024-02-29", "9999-12-31")
    moments = [f"{day}{between}23:59:59{fraction}" for day in days for fraction in fractions]
    rows = "".join(f"{number},open,{moment}\n" for number, moment in enumerate(moments))
    (path := tmp_path / "deals.csv").write_text("id,status,created_at\n" + rows)
    read = [deal.created_at for deal in ck.read_csv(path, record=ck.Deal)]
    assert read == [datetime.fromisoformat(moment) for moment in moments]
    scanned: Any = ck.scan(path, record=ck.Deal, engine="polars")
    frame = scanned.frame.collect()
    assert frame[scanned.columns["created_at"]].to_list() == read
