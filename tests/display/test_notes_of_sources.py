"""Results report the rows of their source that they exclude: unreadable ones, and those that are not records."""

from __future__ import annotations

import io
import json

import crmkpi as ck

TEXT = """Id,StageName,IsClosed,IsWon,IsDeleted,Amount,CloseDate
1,Closed Won,true,true,false,10,2026-01-05
Copyright (c) 2026,,,,,,
3,Closed Won,true,true,false,ten,2026-01-05
4,Closed Lost,true,false,false,10,someday
5,Closed Lost,true,false,false,11,2026-01-05,one more
Grand Total (4),,,,,,
"""


def read() -> ck.sources.Records[ck.Deal]:
    return ck.read_csv(io.StringIO(TEXT), preset="salesforce_opportunity")


def test_the_account_of_a_kpi_says_why_rows_are_not_in_it() -> None:
    records = read()
    result = ck.win_rate(records)
    assert result.skipped == {"line below the table": 1, "total row": 1} == records.account.skipped
    assert result.unread == {"it has 8 cells under 7 headers": 1}
    assert (result.accounts[0].given, result.accounts[0].rejected, result.value) == (4, 1, 2 / 3)
    unreadable = {one.field: one.value for one in records.account.unreadable}
    assert unreadable == {"amount": "'ten'", "closed_at": "'someday'", "expected_close_on": "'someday'"}
    streamed = ck.win_rate(ck.stream_csv(io.StringIO(TEXT), preset="salesforce_opportunity"))
    assert streamed.accounts == result.accounts


def test_a_table_measured_at_two_dates_has_its_rows_once() -> None:
    result = ck.sales_velocity(read(), period="2026-01")
    assert len(result.accounts) > 1
    assert result.skipped == {"line below the table": 1, "total row": 1}


def test_text_markdown_html_and_json_show_the_rows_that_are_no_records() -> None:
    crm = ck.Dataset(deals=read())
    report = crm.measure(["win_rate", "deal_volume"])
    note = "rows of deals that are no records: 1 line below the table, 1 total row"
    for shown in (str(report), report.to_markdown(), report.to_html()):
        assert "rows that could not be read: 1 of deals" in shown
        assert note in shown
    assert "; 1 row could not be read; no records: 1 line below the table, 1 total row" in str(report[0])
    row = json.loads(report.to_json())[0]
    assert (row["rejected"], row["skipped"]) == (1, {"line below the table": 1, "total row": 1})
    assert row["unread"] == {"it has 8 cells under 7 headers": 1}


def test_tallies_add_up_what_their_parts_did_not_hold() -> None:
    tally = ck.Tally([ck.win_rate]).add(deals=read()).add(deals=read())
    [result] = ck.Tally([ck.win_rate]).from_json(tally.to_json()).report()
    assert result.skipped == {"line below the table": 2, "total row": 2}
    assert (sum(result.unread.values()), result.accounts[0].rejected) == (2, 2)
