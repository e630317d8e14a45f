"""Dirt of real files: every form is read or refused with an error, and never lost."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import crmkpi as ck
from crmkpi.errors import (
    ColumnError,
    CrmKpiError,
    DefinitionError,
    FileFormatError,
    InputError,
    UnknownNameError,
)
from crmkpi.sources import Records
from crmkpi.sources.presets import PRESETS

NAMES = [name for name, preset in PRESETS.items() if preset.record is not None]
HEADERS = sorted({header for preset in PRESETS.values() for column in preset.columns for header in column.headers})
CELLS = st.text(max_size=6) | st.sampled_from(
    [
        *("", " ", "1", "won", "Closed Won", "true", "--", "$1,200.50", "1.2K", "45%", "2026-01-31", "31/01/2026"),
        *("02:15:00", "1 day 3 hours", "1700000000", "1e999999999", "=1+1", "'-5", "x;y", "1,5", "1.234", "(5)"),
        *("\u00e9", "Total: all"),
    ]
)


def read(text: str, **options: Any) -> Records[Any]:
    return ck.read_csv(io.StringIO(text), **{"record": ck.Deal, **options})


# the law


@settings(max_examples=150)
@given(st.sampled_from(NAMES), st.lists(st.sampled_from(HEADERS), min_size=1, max_size=12), st.data())
def test_any_cells_under_any_headers_are_an_error_or_an_account(name: str, headers: list[str], data: st.DataObject):
    rows = data.draw(st.lists(st.lists(CELLS, min_size=len(headers), max_size=len(headers)), max_size=6))
    given_rows = [dict(zip(headers, row, strict=True)) for row in rows]
    buffer = io.StringIO()
    csv.writer(buffer).writerows([headers, *rows])
    for reader, source in ((ck.read_csv, io.StringIO(buffer.getvalue())), (ck.read_dicts, given_rows)):
        try:
            found = reader(source, preset=name)
        except CrmKpiError as problem:
            assert str(problem)
        else:
            account = found.account
            assert account.used + len(account.rejected) + sum(account.skipped.values()) == account.rows
            assert repr(account)


@settings(max_examples=200)
@given(st.sampled_from(NAMES), st.binary(max_size=300))
@example("google_ads_campaign", b'Campaign,Cost\n"\n')
@example("hubspot_deal", b"PK\x03\x04")
@example("salesforce_lead", b"sep=;\nId;Status\n1;New\n")
def test_any_bytes_are_an_error_or_an_account(name: str, content: bytes):
    try:
        found = ck.read_csv(io.BytesIO(content), preset=name)
    except CrmKpiError as problem:
        assert str(problem)
    else:
        account = found.account
        assert account.used + len(account.rejected) + sum(account.skipped.values()) == account.rows


# the shape of the file


def test_lines_above_the_headers_are_skipped_and_counted():
    found = read("My report\n\n2026, all of it\nid,status,amount\n1,won,5\n")
    assert (found[0].amount, found.account.skipped) == (Decimal(5), {"line above the headers": 2})


def test_excel_says_its_delimiter_in_the_first_line():
    assert read("sep=;\nid;status;owner\n1;won;a,b\n")[0].owner == "a,b"


def test_blank_rows_are_counted_and_blank_lines_are_none():
    found = read("id,status\n\n1,won\n,\n\n2,won\n")
    assert (found.account.rows, found.account.used, found.account.skipped) == (3, 2, {"blank row": 1})


def test_lines_are_those_of_the_file_after_rows_were_skipped():
    found = read("Report\nid,status\n,\n1,won\n2,gone\n")
    assert [one.line for one in found.account.unreadable] == [5]


# limits


def test_a_table_of_too_many_columns_is_refused():
    with pytest.raises(FileFormatError, match="has 10,002 columns, and a table may have 5,000"):
        read("id,status" + "".join(f",c{number}" for number in range(10_000)) + "\n")


def test_a_line_without_end_is_refused(tmp_path: Path):
    path = tmp_path / "endless.csv"
    path.write_text("id,status\n1," + "x" * 17_000_000, encoding="utf-8")
    with pytest.raises(
        FileFormatError, match=r"endless.csv has a line of more than 16,000,000 characters, after line 1"
    ):
        ck.read_csv(path, record=ck.Deal)


def test_an_archive_is_no_text():
    with pytest.raises(
        FileFormatError, match="a workbook or another archive and not text: read workbooks with read_excel"
    ):
        ck.read_csv(io.BytesIO(b"PK\x03\x04" + bytes(9)), record=ck.Deal)


# workbooks


def workbook(*rows: list[Any]) -> io.BytesIO:
    openpyxl = pytest.importorskip("openpyxl")
    book, file = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(file)
    return file


def test_a_workbook_reads_with_its_own_dates_and_numbers():
    file = workbook(
        ["Deals of 2026"],
        ["Id", "Status", "Amount", "Closed at"],
        ["1", "won", 12.5, datetime(2026, 1, 31, 9)],
        ["", "", "", None],
        [2, "lost", "€1,200.50", None],
        [3, "gone", 1, None],
    )
    found = ck.read_excel(file, record=ck.Deal)
    assert [(deal.id, deal.amount) for deal in found[:2]] == [("1", Decimal("12.5")), ("2", Decimal("1200.50"))]
    assert found[0].closed_at == datetime(2026, 1, 31, 9)
    assert [(one.line, one.value) for one in found.account.unreadable] == [(6, "'gone'")]
    assert (found.account.rows, found.account.skipped) == (4, {"line above the headers": 1})


def test_a_workbook_is_recognised(tmp_path: Path):
    path = tmp_path / "deals.xlsx"
    path.write_bytes(
        workbook(["Potential Id", "Potential Name", "Forecast Type", "Amount"], ["p1", "A", "Closed Won", 5]).getvalue()
    )
    found = ck.read_export(path)
    assert (found.account.preset, found[0].status) == ("zoho_deal", "won")


def test_a_workbook_that_would_unpack_to_far_more_is_refused():
    pytest.importorskip("openpyxl")
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", bytes(20_000_000))
    with pytest.raises(FileFormatError, match=r"would unpack from [\d,]+ to 20,000,000 bytes"):
        ck.read_excel(file, record=ck.Deal)


@given(st.binary(max_size=200))
def test_any_bytes_as_a_workbook_are_an_error_in_words(content: bytes):
    with pytest.raises(FileFormatError, match=r"not an .xlsx workbook"):
        ck.read_excel(io.BytesIO(content), record=ck.Deal)


def test_a_sheet_that_is_not_there_is_named():
    with pytest.raises(UnknownNameError, match=r"no sheet 'Deal'.*Known: 'Sheet'"):
        ck.read_excel(workbook(["id", "status"]), record=ck.Deal, sheet="Deal")


# presets


def test_the_dates_of_stages_become_stage_visits():
    file = Path(__file__).parent.parent / "presets" / "files" / "hubspot_deal.csv"
    found = ck.read_csv(file, record=ck.StageVisit, preset="hubspot_deal")
    assert [(visit.deal_id, visit.stage, visit.entered_at) for visit in found] == [
        ("101", "Contract sent (Sales Pipeline)", datetime(2026, 2, 1, 10)),
        ("101", "Closed won (Sales Pipeline)", datetime(2026, 2, 28, 12)),
        ("103", "Contract sent (Sales Pipeline)", datetime(2026, 2, 3, 10)),
    ]
    assert found.account.skipped == {"deal without the date of a stage": 2}
    assert found.account.rows == 5


def test_stage_visits_are_read_as_the_user_says() -> None:
    text = (
        'Deal ID,Team,Date entered "Demo",Date exited "Demo",Date entered "Won"\n'
        "7,EMEA,2026-01-05,2026-01-09,2026-01-09\n"
    )
    found = read(
        text,
        record=ck.StageVisit,
        preset="hubspot_deal",
        columns={"Deal ID": "deal_id", "Team": "pipeline", 'Date entered "Won"': None},
        values={"stage": {"Demo": "Demonstration"}, "pipeline": {"EMEA": "Europe"}},
    )
    [visit] = found
    assert (visit.deal_id, visit.stage, visit.pipeline) == ("7", "Demonstration", "Europe")
    assert (str(visit.entered_at), str(visit.left_at)) == ("2026-01-05 00:00:00", "2026-01-09 00:00:00")
    named = {"columns": {"Deal ID": "deal_id"}, "defaults": {"pipeline": "Europe"}}
    assert [visit.pipeline for visit in read(text, record=ck.StageVisit, preset="hubspot_deal", **named)] == [
        "Europe",
        "Europe",
    ]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"Team": "stage"}, "columns= names 'Team' for 'stage', which the columns with the date of each stage fill"),
        ({"Teem": "pipeline"}, "has no column 'Teem'. Did you mean 'Team'"),
        ({"Team": "owner"}, "columns= names 'owner', which is no field of StageVisit"),
    ],
)
def test_what_stage_visits_cannot_be_told_is_an_error(columns: dict[str, str], message: str) -> None:
    text = 'Record ID,Team,Date entered "Demo"\n7,EMEA,2026-01-05\n'
    with pytest.raises((InputError, UnknownNameError), match=re.escape(message)):
        read(text, record=ck.StageVisit, preset="hubspot_deal", columns=columns)


def test_the_field_history_of_salesforce_becomes_stage_visits() -> None:
    text = (
        "Id,OpportunityId,Field,OldValue,NewValue,CreatedDate\n"
        "h1,006A,created,,,2026-01-02T09:00:00.000+0000\n"
        "h2,006A,StageName,Prospecting,Proposal,2026-01-05T09:00:00.000+0000\n"
        "h3,006A,Amount,100,120,2026-01-06T09:00:00.000+0000\n"
        "h4,006A,Region__c,North,South,2026-01-06T10:00:00.000+0000\n"
        "h5,006A,StageName,Proposal,Closed Won,2026-02-01T12:00:00.000+0000\n"
    )
    visits = read(text, record=None, preset="salesforce_stage_history")
    assert [(each.deal_id, each.stage, str(each.entered_at)[:10], str(each.left_at)[:10]) for each in visits] == [
        ("006A", "Proposal", "2026-01-05", "2026-02-01"),
        ("006A", "Closed Won", "2026-02-01", "None"),
    ]
    assert visits.account.skipped == {"change of another field": 3}


def test_an_export_of_odoo_without_lost_deals_says_so():
    text = "External ID,Stage,Active,Probability\n1,Won,True,100\n2,New,True,10\n"
    assert any("Odoo archives lost deals" in note for note in read(text, record=None, preset="odoo_crm_lead").notes)
    assert read(text + "3,New,False,0\n", record=None, preset="odoo_crm_lead").notes == ()


def test_amounts_in_the_smallest_unit_know_their_currency():
    rows = [
        {"id": "1", "created": 1767600000, "total": 12050, "currency": "eur", "status": "paid"},
        {"id": "2", "created": 1767600000, "total": 12050, "currency": "jpy", "status": "paid"},
    ]
    found = ck.read_dicts(rows, preset="stripe_invoice")
    assert [(order.amount, order.currency) for order in found] == [(Decimal("120.50"), "EUR"), (Decimal(12050), "JPY")]
    assert found[0].ordered_at == datetime(2026, 1, 5, 8, tzinfo=UTC)


def test_a_preset_of_ones_own_extends_one(tmp_path: Path):
    ours = {
        "extends": "salesforce_opportunity",
        "columns": [{"headers": "Segment__c", "fills": "industry"}, {"headers": "StageName", "fills": "stage"}],
    }
    text = "Id,IsWon,IsClosed,StageName,Segment__c\n1,true,true,Signed,Retail\n"
    [deal] = read(text, record=None, preset=ours)
    assert (deal.status, deal.industry, deal.stage) == ("won", "Retail", "Signed")
    path = tmp_path / "ours.json"
    path.write_text(json.dumps(ours), encoding="utf-8")
    assert read(text, record=None, preset=path)[0] == deal
    assert read(text, record=None, preset=str(path)).account.preset == "ours"


@pytest.mark.parametrize(
    ("given_words", "message"),
    [
        ({"columns": [{"headers": "x", "fills": "nme"}]}, "no field 'nme'"),
        ({"columns": [{"headers": "x", "fills": "status", "words": {"a": "wonn"}}]}, "'status' has no value 'wonn'"),
        ({"columns": [{"headers": "x", "fills": "amount", "unit": "percent"}]}, "'percent' does not fit 'amount'"),
        ({"columns": [{"headers": "x", "fills": "closed_at", "unit": "days"}]}, "A duration and `after` belong"),
        ({"columns": []}, "at columns"),
        ({"columns": [{"headers": "x"}], "record": "Deel"}, "no record 'Deel'"),
        ({"columns": [{"headers": "x"}], "colour": "red"}, "no key 'colour'"),
        ({"columns": 5}, "at columns"),
        ({"columns": [{"headers": "x"}], "leave_out": [{"reason": "x"}]}, "Rows are left out by headers and words"),
    ],
)
def test_a_preset_with_a_fault_says_where(given_words: dict[str, Any], message: str):
    with pytest.raises(DefinitionError, match=message):
        ck.preset({"system": "Ours", "title": "Deals", "record": "Deal", **given_words})


def test_an_unknown_preset_is_named_with_the_nearest():
    with pytest.raises(
        UnknownNameError, match=r"no preset 'salesforce_oportunity'. Did you mean 'salesforce_opportunity'"
    ):
        read("id\n1\n", preset="salesforce_oportunity")


def test_a_preset_reads_its_own_record_only():
    with pytest.raises(InputError, match="The preset zoho_lead reads Lead records, and record= is Deal"):
        read("id\n1\n", preset="zoho_lead")
    with pytest.raises(InputError, match=r"give record=, such as crmkpi.Deal, or preset="):
        read("id\n1\n", record=None)


def test_the_column_of_the_score_must_be_named():
    with pytest.raises(ColumnError, match="cannot know which column of <file> is 'score'; name it with columns="):
        read("Respondent ID,Why?\n\n1,x\n", record=None, preset="surveymonkey_response", defaults={"kind": "nps"})


def test_what_the_user_says_goes_before_the_preset():
    text = "Potential Id,Stage,Amount,Net\n1,Signed,5,4\n"
    [deal] = read(
        text, record=None, preset="zoho_deal", columns={"Net": "amount"}, values={"status": {"Signed": "won"}}
    )
    assert (deal.amount, deal.status) == (Decimal(4), "won")


# recognising


def test_a_file_of_no_known_system_is_refused_with_the_nearest_three(tmp_path: Path):
    path = tmp_path / "own.csv"
    path.write_text("Nummer,Betrag,Status\n1,5,offen\n", encoding="utf-8")
    with pytest.raises(
        FileFormatError, match=r"own.csv shows no system clearly: the nearest presets are \w+ \(\d+%\), "
    ):
        ck.read_export(path)


def test_a_file_that_two_presets_know_as_well_is_refused(tmp_path: Path):
    path = tmp_path / "short.csv"
    path.write_text("Id,Status,CreatedDate\n1,New,2026-01-05\n", encoding="utf-8")
    with pytest.raises(FileFormatError, match=r"short.csv could be salesforce_\w+ \(\d+%\), salesforce_\w+ "):
        ck.read_export(path)


# progress


def test_progress_sees_every_block_once():
    seen: list[int] = []

    def progress(parts: Any) -> Any:
        for part in parts:
            seen.append(len(part.rows))
            yield part

    read("id,status\n" + "1,won\n" * 1_000, progress=progress)
    assert sum(seen) == 1_000


# several files


def test_leads_and_deals_learn_of_each_other_and_keep_what_they_know():
    folder = Path(__file__).parent.parent / "presets" / "files"
    leads, deals = ck.join_leads(
        ck.read_csv(folder / "zoho_lead.csv", preset="zoho_lead"),
        ck.read_csv(folder / "zoho_deal.csv", preset="zoho_deal", defaults={"currency": "USD"}),
    )
    assert [(lead.id, lead.status, lead.deal_id) for lead in leads][2] == ("z3", "converted", "p1")
    assert leads[2].converted_at == deals[0].created_at
    assert leads.notes[-1] == leads.account.notes[-1] == "1 of 3 were joined with a deal."
    assert ck.lead_conversion_rate(leads).value == pytest.approx(1 / 3)


def test_of_several_deals_a_lead_has_the_first():
    deals = [
        ck.Deal(id="late", status="open", lead_id="L", created_at="2026-03-01"),
        ck.Deal(id="early", status="won", lead_id="L", created_at="2026-01-01"),
        ck.Deal(id="undated", status="won", lead_id="L"),
    ]
    [lead], _ = ck.join_leads([ck.Lead(id="L")], deals)
    assert (lead.deal_id, lead.converted_at) == ("early", datetime(2026, 1, 1))


def test_deals_in_the_place_of_leads_are_refused():
    with pytest.raises(InputError, match=r"takes leads and then deals, and this is a Deal"):
        ck.join_leads([ck.Deal(id="1", status="won")], [])  # type: ignore[list-item]
