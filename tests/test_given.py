"""Convenient arguments: text for days, dicts for rates, pairs of dates, short period names, either mapping order."""

from __future__ import annotations

import io
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import crmkpi as ck
from crmkpi.errors import ColumnError, InputError, PeriodError, UnknownNameError

DEALS = [
    ck.Deal(id="1", status="won", amount=100, currency="CHF", created_at="2026-01-02", closed_at="2026-01-20"),
    ck.Deal(id="2", status="won", amount=50, created_at="2026-01-05", closed_at="2026-03-31"),
    ck.Deal(id="3", status="lost", amount=9, created_at="2026-01-06", closed_at="2026-09-30"),
]
CRM = ck.Dataset(deals=DEALS, currency="EUR", rates={"CHF": 1.05}, as_of="2026-10-15", tz="Europe/Berlin")
FISCAL = ck.Calendar(fiscal_year_start=4)


def test_a_dataset_takes_text_for_the_day_a_dict_for_rates_and_a_zone() -> None:
    assert date(2026, 10, 15) == CRM.as_of
    assert CRM.rates.convert(Decimal(100), "CHF", None) == Decimal("105.00")
    assert ck.Calendar("Europe/Berlin") == CRM.calendar
    assert ck.revenue(CRM).value == Decimal("155.00")


def test_a_call_takes_them_too() -> None:
    asked: dict[str, Any] = {"currency": "EUR", "rates": {"CHF": "1.05"}, "tz": "Asia/Tokyo", "as_of": "2026-10-15"}
    assert ck.revenue(DEALS, period="YTD", **asked).value == Decimal("155.00")
    assert ck.Period("today", as_of="2026-10-15T23:30", tz="Asia/Tokyo").label == "2026-10-15"
    assert ck.Period("2026-01", tz="Asia/Tokyo").start.isoformat() == "2025-12-31T15:00:00+00:00"


def test_a_dataset_keeps_its_own_settings_where_a_call_gives_others() -> None:
    assert ck.deal_volume(CRM, as_of="2026-01-03").value == 1
    assert ck.revenue(CRM, rates={"CHF": 2}).value == Decimal(250)


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("Jan 2026", "2026-01"),
        ("january 2026", "2026-01"),
        ("2026 Sept", "2026-09"),
        ("May-2026", "2026-05"),
        ("Q3", "2026-Q3"),
        ("h1", "2026-H1"),
        ("March", "2026-03"),
        ("oct", "2026-10"),
        ("YTD", "2026-01-01..2026-10-15"),
        ("qtd", "2026-10-01..2026-10-15"),
        ("MTD", "2026-10-01..2026-10-15"),
        ("WTD", "2026-10-12..2026-10-15"),
    ],
)
def test_short_names_of_periods(text: str, label: str) -> None:
    assert ck.Period(text, as_of="2026-10-15").label == label


@given(month=st.integers(1, 12), day=st.dates(date(2020, 1, 1), date(2030, 12, 31)))
def test_a_month_without_a_year_has_begun_in_the_year_of_the_day_or_is_refused(month: int, day: date) -> None:
    name = date(2000, month, 1).strftime("%B")
    if month > day.month:
        with pytest.raises(PeriodError, match=rf"has not begun in {day.year}, .*'{day.year - 1}-{month:02}' or"):
            ck.Period(name, as_of=day)
    else:
        assert ck.Period(name, as_of=day).label == f"{day.year}-{month:02}"


@pytest.mark.parametrize(
    ("text", "calendar", "message"),
    [
        ("Q4", ck.Calendar(), r"'Q4' has not begun in 2026, as of 2026-03-31; write '2025-Q4' or '2026-Q4'\."),
        ("Q1", FISCAL, r"'Q1' may be of the calendar year or of the fiscal year; write '2026-Q1' or 'FY2026-Q1'\."),
        ("YTD", FISCAL, r"write 'year to date' or 'fiscal year to date'\."),
    ],
)
def test_what_may_mean_two_periods_is_refused_with_both(text: str, calendar: ck.Calendar, message: str) -> None:
    with pytest.raises(PeriodError, match=message) as refused:
        ck.Period(text, as_of="2026-03-31", calendar=calendar)
    ways = [way for way in str(refused.value).split("'")[1::2] if way != text]
    assert all(ck.Period(way, as_of="2026-03-31", calendar=calendar).label for way in ways)


def test_a_pair_of_dates_holds_both_and_a_date_is_its_day() -> None:
    pair = CRM.measure("deal_volume", period=(date(2026, 1, 2), date(2026, 1, 5)))
    assert (pair[0].value, pair.title) == (2, "2026-01-02..2026-01-05")
    assert ck.deal_volume(CRM, period=date(2026, 1, 5)).value == 1
    months = CRM.measure("deal_volume", period=(date(2026, 1, 1), date(2026, 3, 31)), every="month")
    assert [one.period.label for one in months] == ["2026-01", "2026-02", "2026-03"]
    assert ck.revenue(CRM, period="2026-03", compare=(date(2026, 1, 1), date(2026, 1, 31))).change.relative < 0


def test_the_way_out_of_a_pair_of_texts_works() -> None:
    with pytest.raises(PeriodError, match="may be two days or the span between them"):
        CRM.measure("deal_volume", period=("2026-01-02", "2026-01-05"))
    assert [one.value for one in CRM.measure("deal_volume", period="2026-01-02..2026-01-05")] == [2]
    assert [one.value for one in CRM.measure("deal_volume", period=["2026-01-02", "2026-01-05"])] == [1, 1]


def test_a_theme_is_all_of_its_kpis_that_the_tables_allow() -> None:
    found = CRM.measure("sales", period="2026-Q1")
    assert {one.metric.theme for one in found} == {"sales"}
    assert found.results == CRM.measure(CRM.measurable("sales")[0], period="2026-Q1").results
    assert any(note.startswith("not measured for lack of ") for note in found.notes)
    assert [one.definition for one in CRM.measure(["sales", "win_rate"])].count("win_rate") == 1
    with pytest.raises(UnknownNameError, match=r"'sales' is a theme of several KPIs: Dataset\.measure\('sales'\)"):
        ck.catalogue.find("sales")


def test_sub_periods_that_have_not_begun_are_left_off_and_told() -> None:
    report = CRM.measure("deal_volume", period="2026", every="month")
    assert [one.period.label for one in report][-1] == "2026-10"
    assert "without 2026-11 to 2026-12, which have not begun as of 2026-10-15" in report.notes
    assert len(ck.Dataset(deals=DEALS).measure("deal_volume", period="2026", every="month")) == 12
    later = CRM.measure("deal_volume", period="2027", every="half_year")
    assert (len(later), later.notes) == (2, ())


def test_a_calendar_and_a_zone_are_not_both_given() -> None:
    with pytest.raises(
        InputError, match=r"A calendar has its own time zone, here 'UTC'; give either calendar=\.\.\. or"
    ):
        ck.Dataset(deals=DEALS, calendar=ck.Calendar(week_start="sunday"), tz="Europe/Berlin")
    with pytest.raises(InputError, match=r"For a time zone alone write tz='Europe/Berlin'\."):
        ck.Dataset(deals=DEALS, calendar="Europe/Berlin")


def test_a_moment_is_a_moment() -> None:
    assert ck.Dataset(as_of="2026-03-31T12:00:00+02:00").as_of == datetime.fromisoformat("2026-03-31T12:00:00+02:00")
    for text in ("31.03.2026", "2026-02-30", "2026-3-1", "20260331", ""):
        with pytest.raises(InputError, match="`as_of` is a date or a datetime, or the text of one"):
            ck.Dataset(as_of=text)


TEXT = "Opp No,Phase,owner,Rep\n1,won,x,Ada\n2,lost,y,Bo\n"
HEADER_FIRST: dict[str, Any] = {"Opp No": "id", "Phase": "status"}
FIELD_FIRST: dict[str, Any] = {"id": "Opp No", "status": "Phase"}


def through(source: str, text: str, columns: dict[str, Any], folder: Path) -> Any:
    if source == "file":
        return ck.read_csv(io.StringIO(text), record=ck.Deal, columns=columns)
    path = folder / "deals.csv"
    path.write_text(text, encoding="utf-8")
    if source == "scan":
        return ck.scan(path, record=ck.Deal, columns=columns)
    if source == "duckdb":
        return ck.scan(path, record=ck.Deal, columns=columns, engine="duckdb")
    library = pytest.importorskip(source)
    return ck.table(library.read_csv(path), record=ck.Deal, columns=columns)


SOURCES = ["file", "scan", "duckdb", "polars", "pandas"]


@pytest.mark.parametrize("columns", [HEADER_FIRST, FIELD_FIRST, {"Opp No": "id", "status": "Phase"}])
@pytest.mark.parametrize("source", SOURCES)
def test_columns_are_understood_either_way_round(source: str, columns: dict[str, Any], tmp_path: Path) -> None:
    found = ck.Dataset(deals=through(source, TEXT, columns, tmp_path)).measure("win_rate", by="owner")
    assert [(one.segment["owner"], one.value) for one in found] == [("x", 1.0), ("y", 0.0)]


@pytest.mark.parametrize("source", SOURCES)
def test_one_column_fills_several_fields_either_way_round(source: str, tmp_path: Path) -> None:
    for columns in ({**FIELD_FIRST, "customer_id": "Opp No"}, {"Opp No": ["id", "customer_id"], "Phase": "status"}):
        found = ck.Dataset(deals=through(source, TEXT, columns, tmp_path)).measure("deal_volume", by="customer_id")
        assert [str(one.segment["customer_id"]) for one in found] == ["1", "2"]


@pytest.mark.parametrize("source", ["polars", "pandas"])
def test_columns_of_a_frame_that_may_be_meant_both_ways_are_refused(source: str, tmp_path: Path) -> None:
    text = "id,status,owner,source\n1,won,Ada,web\n"
    with pytest.raises(
        ColumnError, match=r"may mean that the column 'owner' fills the field 'source', or that the field"
    ):
        through(source, text, {"owner": "source"}, tmp_path)
    swapped = through(source, text, {"owner": "source", "source": "owner"}, tmp_path)
    assert ck.Dataset(deals=swapped).measure("win_rate", by="owner")[0].segment["owner"] == "web"


@pytest.mark.parametrize("source", ["file", "scan"])
def test_in_a_file_the_header_comes_first(source: str, tmp_path: Path) -> None:
    text = "id,status,owner,source\n1,won,Ada,web\n"
    found = through(source, text, {"owner": "source", "source": None}, tmp_path)
    assert ck.Dataset(deals=found).measure("win_rate", by="source")[0].segment["source"] == "Ada"
