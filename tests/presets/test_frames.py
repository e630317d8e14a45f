"""The same presets map the columns of frames."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

import crmkpi as ck
from crmkpi.errors import ColumnError, InputError
from crmkpi.metrics.marketing.lead_volume import lead_volume

COLUMNS: dict[str, list[Any]] = {
    "Id": ["006A", "006B", "006C", "006D"],
    "CreatedDate": [datetime(2026, 1, 5)] * 4,
    "CloseDate": [datetime(2026, 2, 1)] * 4,
    "StageName": ["Closed Won", "Signed", "Prospecting", "Prospecting"],
    "IsClosed": [True, True, False, False],
    "IsWon": [True, False, False, False],
    "Probability": [100.0, 0.0, 50.0, 10.0],
    "Amount": [100.0, 200.0, 40.0, 10.0],
    "CurrencyIsoCode": ["eur"] * 4,
}


@pytest.fixture(params=["polars", "pandas", "pyarrow", "duckdb"])
def frame_of(request: pytest.FixtureRequest) -> Any:
    library = pytest.importorskip(request.param)

    def made(columns: dict[str, list[Any]]) -> Any:
        if request.param == "duckdb":
            arrow = pytest.importorskip("pyarrow").table(columns)
            return library.connect().from_arrow(arrow)
        return library.table(columns) if request.param == "pyarrow" else library.DataFrame(columns)

    return made


def test_a_frame_is_measured_as_its_records_are(frame_of: Any) -> None:
    table = ck.table(frame_of(COLUMNS), preset="salesforce_opportunity")
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in zip(*COLUMNS.values(), strict=True)]
    records = ck.read_dicts(rows, preset="salesforce_opportunity")
    for metric in (ck.win_rate, ck.weighted_pipeline, ck.revenue, ck.deal_volume):
        assert metric(table).value == metric(records).value
    assert (ck.win_rate(table).value, ck.win_rate(records).value) == (0.5, 0.5)


STAGES = {
    "Record ID": ["1", "2", "3", "4", "5"],
    "Deal Stage": ["Closed won (EU)", "Closed Lost (Sales Pipeline)", "closedwon", "Contract sent (EU)", "Signed (EU)"],
    "Close Date": [datetime(2026, 1, 5)] * 5,
}


def test_a_stage_of_hubspot_may_name_its_pipeline_in_brackets(frame_of: Any, tmp_path: Path) -> None:
    rows = [dict(zip(STAGES, row, strict=True)) for row in zip(*STAGES.values(), strict=True)]
    with (path := tmp_path / "deals.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, STAGES)
        writer.writeheader()
        writer.writerows(rows)
    read = (
        ck.table(frame_of(STAGES), preset="hubspot_deal"),
        ck.read_dicts(rows, preset="hubspot_deal"),
        ck.scan(path, preset="hubspot_deal"),
    )
    for deals in read:
        result = ck.Dataset(deals=deals, most_unreadable=1).measure("win_rate")[0]
        assert (result.value, result.n, result.accounts[0].left_out["status unreadable"]) == (2 / 3, 3, 1)
    words = {"status": {"Closed won (EU)": "open"}}  # overridden by the user
    assert ck.read_dicts(rows, preset="hubspot_deal", values=words)[0].status == "open"


def test_rows_that_the_preset_leaves_out_are_not_read_and_counted_by_reason(frame_of: Any) -> None:
    columns = {
        "id": ["1", "2"],
        "type": ["opportunity", "lead"],
        "create_date": [datetime(2026, 1, 5)] * 2,
        "active": [True, True],
        "probability": [100.0, 100.0],
        "stage_id": ["Won", "Won"],
    }
    table = ck.table(frame_of(columns), preset="odoo_crm_lead")
    assert repr(table).endswith(", without the rows in .skipped>")
    assert (ck.win_rate(table).value, ck.win_rate(table).n) == (1.0, 1)
    assert dict(table.skipped) == {"lead that is no opportunity yet": 1}
    assert repr(table).endswith(", 1 skipped: lead that is no opportunity yet>")


RULES = {
    "extends": "salesforce_case",
    "leave_out": [{"headers": ["Origin"], "words": ["Spam", "Test"], "reason": "no case"}],
}
CASES: dict[str, list[Any]] = {
    "Id": ["Grand Total (3)", "1", "2", "3", " Copyright (c) 2026", "4", "6", "5"],
    "Status": ["Closed", "Closed", "Closed", "New", None, "New", "New", "Closed"],
    "IsDeleted": [False, False, True, False, False, True, False, None],
    "Origin": ["Spam", "Web", "spam ", "Web", None, None, None, "TEST"],
    "CreatedDate": [datetime(2026, 1, 5)] * 8,
}


def test_every_row_of_a_frame_is_a_record_or_skipped_or_rejected_as_it_is_of_a_file(frame_of: Any) -> None:
    table = ck.table(frame_of(CASES), preset=RULES)
    rows = [dict(zip(CASES, row, strict=True)) for row in zip(*CASES.values(), strict=True)]
    records = ck.read_dicts(rows, preset=RULES)
    assert dict(table.skipped) == {"total row": 1, "line below the table": 1, "no case": 2, "deleted": 1}
    assert dict(table.skipped) == dict(records.account.skipped)
    account = ck.Dataset(tickets=table).check().tables["tickets"]
    assert (account.rows, account.used, account.unreadable_fields) == (8, 3, {})
    assert dict(account.skipped) == dict(table.skipped)
    [of_frame], [of_records] = ck.ticket_volume(table).accounts, ck.ticket_volume(records).accounts
    assert of_frame == replace(of_records, unread={})  # the engine counts refused values without the reason
    assert of_frame.given + sum(table.skipped.values()) == 8


def test_the_report_on_quality_tells_the_rows_of_a_frame_that_are_no_records(frame_of: Any) -> None:
    report = ck.Dataset(tickets=ck.table(frame_of(CASES), preset=RULES)).check()
    assert "tickets: 2 skipped: no case" in str(report)


def test_a_table_of_which_nothing_is_left_out_skips_nothing(frame_of: Any) -> None:
    whole = ck.table(frame_of(CASES), record=ck.Ticket, columns={"id": "Id", "status": "Status"})
    assert (dict(whole.skipped), repr(whole).endswith("of 5 columns>")) == ({}, True)
    none = ck.table(frame_of({**COLUMNS, "IsDeleted": [False] * 4}), preset="salesforce_opportunity")
    assert dict(none.skipped) == {}
    assert repr(none).endswith("columns>")


def test_a_first_column_without_text_starts_no_total_row(frame_of: Any) -> None:
    numbers = {"Id": list(range(8)), **{name: cells for name, cells in CASES.items() if name != "Id"}}
    assert "total row" not in ck.table(frame_of(numbers), preset=RULES).skipped


def test_what_the_user_says_goes_before_the_preset(frame_of: Any) -> None:
    table = ck.table(
        frame_of({**COLUMNS, "Net": [1.0] * 4}), preset="salesforce_opportunity", columns={"amount": "Net"}
    )
    assert ck.revenue(table).value == 1


def test_a_preset_of_other_records_is_refused(frame_of: Any) -> None:
    with pytest.raises(InputError, match="The preset zoho_lead reads Lead records, and record= is Deal"):
        ck.table(frame_of(COLUMNS), record=ck.Deal, preset="zoho_lead")


def test_a_csv_file_is_scanned_by_preset(tmp_path: Any) -> None:
    pytest.importorskip("polars")
    path = tmp_path / "leads.csv"
    path.write_text("Lead ID,Created Date,Lead Source\n1,2026-01-05,Web\n2,2026-01-06,Fair\n", encoding="utf-8")
    leads = ck.scan(path, preset="salesforce_lead", columns={"id": "Lead ID"})
    assert lead_volume(leads, period=ck.Period("2026-01")).value == 2


def test_what_a_preset_computes_is_refused_in_frames_and_never_left_empty(frame_of: Any) -> None:
    invoices = {
        "id": ["in_1", "in_2"],
        "created": [datetime(2026, 1, 5)] * 2,
        "total": [12050, 900],
        "currency": ["eur", "eur"],
        "status": ["paid", "paid"],
        "euros": [120.5, 9.0],
    }
    with pytest.raises(ColumnError, match="The preset computes 'amount' from the column 'total', which frames do not"):
        ck.average_order_value(ck.table(frame_of(invoices), preset="stripe_invoice", columns={"ordered_at": "created"}))
    named = {"ordered_at": "created", "amount": "euros"}
    assert ck.average_order_value(ck.table(frame_of(invoices), preset="stripe_invoice", columns=named)).value == 64.75
