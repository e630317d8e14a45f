"""Common names that work, ambiguous names that are refused, suggestions that lead somewhere, and system detection."""

from __future__ import annotations

import io
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import crmkpi as ck
from crmkpi.errors import CrmKpiError, FileFormatError, PeriodError, UnknownNameError
from crmkpi.quality.frames import records_of_frame

KNOWN = [
    (ck.Ticket, "status", "Resolved", "solved"),
    (ck.Ticket, "status", "Done", "solved"),
    (ck.Ticket, "status", "In progress", "open"),
    (ck.Ticket, "status", "NEW", "open"),
    (ck.Lead, "status", "Contacted", "working"),
    (ck.Lead, "status", "Unqualified", "disqualified"),
    (ck.Deal, "status", "Closed Won", "won"),
    (ck.Deal, "status", "closedlost", "lost"),
    (ck.Deal, "status", "In Progress", "open"),
    (ck.Order, "status", "shipped", "completed"),
    (ck.Order, "status", "Paid", "completed"),
    (ck.Order, "status", "canceled", "cancelled"),
    (ck.Interaction, "kind", "E-Mail", "email"),
]
ASKED = [
    (ck.Deal, "status", "Dead"),
    (ck.Lead, "status", "Dead"),
    (ck.Lead, "status", "Won"),
    (ck.Order, "status", "refunded"),
    (ck.Ticket, "status", "On hold"),
]


def text_of(record: Any, field: str, word: str) -> str:
    needed = {ck.Deal: ",status", ck.Survey: ",kind"}.get(record, "")
    return (
        f"id,{field}\n1,{word}\n" if needed.strip(",") == field or not needed else f"id,{field}{needed}\n1,{word},won\n"
    )


@pytest.mark.parametrize(("record", "field", "word", "ours"), KNOWN)
def test_words_that_can_mean_one_thing_only_are_known(
    record: Any, field: str, word: str, ours: str, tmp_path: Path
) -> None:
    text = text_of(record, field, word)
    found = ck.read_csv(io.StringIO(text), record=record)
    assert getattr(found[0], field) == ours
    assert dict(found.account.coerced[field]) == {f"{word!r} read as {ours!r}": 1}
    assert getattr(next(ck.stream_csv(io.StringIO(text), record=record)), field) == ours
    assert getattr(ck.read_dicts([{"id": "1", field: word}], record=record)[0], field) == ours
    pytest.importorskip("polars")
    file = tmp_path / "file.csv"
    file.write_text(text, encoding="utf-8")
    table = ck.scan(file, record=record)
    assert getattr(records_of_frame(table.type_.table, table)[0], field) == ours


@pytest.mark.parametrize(("record", "field", "word"), ASKED)
def test_words_that_firms_use_in_their_own_way_are_asked_about(record: Any, field: str, word: str) -> None:
    found = ck.read_csv(io.StringIO(text_of(record, field, word)), record=record)
    told = " ".join(repr(found.account).split())
    assert word in told
    assert "Did you mean" not in told
    assert getattr(found[0], field, None) is None if len(found) else True


def test_what_the_user_says_of_a_word_goes_before_what_is_usual() -> None:
    found = ck.read_csv(io.StringIO("id,status\n1,Done\n"), record=ck.Ticket, values={"status": {"Done": "closed"}})
    assert found[0].status == "closed"


# suggestions


def test_suggestions_lead_somewhere() -> None:
    with pytest.raises(
        UnknownNameError, match=r"one for each kind of record: salesforce_campaign, .*salesforce_opportunity"
    ):
        ck.preset("salesforce")
    with pytest.raises(PeriodError, match="Did you mean 'last quarter'"):
        ck.Period("previous quarter", as_of=None)
    with pytest.raises(UnknownNameError, match="no text encoding 'rot13'") as problem:
        ck.read_csv(io.BytesIO(b"id\n1\n"), record=ck.Order, encoding="rot13")
    assert "Did you mean 'rot" not in str(problem.value)
    deals = ck.read_csv(io.StringIO("id,status,Rep\n1,won,Ada\n"), record=ck.Deal, columns={"Rep": "owner"})
    with pytest.raises(UnknownNameError, match="'Rep' is the column of deals that fills 'owner'; group by 'owner'"):
        ck.Dataset(deals=deals).measure([ck.win_rate], by="Rep")


# recognition


GENERIC = [
    "id,customer,plan,status,amount,currency,interval,created",
    "id,customer_id,email,created,name",
    "Ticket ID,Subject,Status,Priority,Source,Type,Agent,Created time",
    "ticket_id,subject,status,priority,type,created_at,resolved_at,agent,group,tags",
    "id,score,comment,email,created_at",
    "Response ID,Score,Comment,Email,Created at",
    "deal_id,deal_name,amount,stage,owner,close_date,created_date",
    "Lead ID,Name,Company,Email,Phone,Lead Source,Lead Status,Owner,Created Date",
    "order_id,customer_id,order_date,total,status",
    "campaign,clicks,impressions,cost,day",
]


@pytest.mark.parametrize("headers", GENERIC)
def test_headers_of_any_table_show_no_system(headers: str, tmp_path: Path) -> None:
    file = tmp_path / "export.csv"
    file.write_text(f"{headers}\n{','.join('1' for _ in headers.split(','))}\n", encoding="utf-8")
    with pytest.raises(FileFormatError, match=r"shows no system|could be"):
        ck.read_export(file)


ZOHO_DEALS = """Potential Name,Potential Owner,Created Time,Closing Date,Amount,Expected Revenue,Stage,Forecast Type,\
Type,Lead Source,Probability,Age in Days,Age Tier,Amount Tier,LEADID,Tasks Involved,Events Involved,Calls Involved,\
Activities Involved,Campaign Id
"Lewis, J.",Ada,"15 Apr, 2026 00:02:00","16 Apr, 2026 00:03:00","$22,700.00","$33,500.00",Closed Won,Won,New Business,\
Web,100,1,1. 0 - 60 days,"3. $20,001 - $30K",1832,No,No,No,No,24000023
"Kirk, R.",Bo,"15 Apr, 2026 00:02:00","16 Apr, 2026 00:03:00","$29,700.00","$24,900.00",Closed Lost,Lost,Existing \
Business,Web,0,1,1. 0 - 60 days,"3. $20,001 - $30K",1941,No,No,No,No,24000026
"Hall, M.",Bo,"15 Apr, 2026 00:02:00","16 Apr, 2026 00:03:00","$9,700.00","$4,900.00",Prospect,Open,,Web,20,1,\
1. 0 - 60 days,1. 0 - $10K,1942,No,No,No,No,24000026
"""
ZOHO_CAMPAIGNS = """CAMPAIGNID,Campaign Name,Type,Status,Created Time,Modified Time,Start Date,End Date,\
Expected Revenue,Budgeted Cost,Actual Cost
24000011,Campaign A,Conference,Planning,2026-04-25,2026-04-16,2026-04-25,2026-05-05,$342.09K,$115.00K,$141.56K
"""
DOLLARS: Any = {"values": {"currency": {"$": "USD"}}}


def test_the_files_of_zoho_are_recognised_without_ids(tmp_path: Path) -> None:
    file = tmp_path / "Potentials.csv"
    file.write_text(ZOHO_DEALS, encoding="utf-8")
    deals = ck.read_export(file, **DOLLARS)
    assert deals.account.preset == "zoho_deal"
    assert [deal.status for deal in deals] == ["won", "lost", "open"]
    assert ck.win_rate(deals).value == 0.5
    assert ck.revenue(deals).value == Decimal("22700.00")
    file.write_text(ZOHO_CAMPAIGNS, encoding="utf-8")
    [campaign] = ck.read_export(file, **DOLLARS)
    assert (campaign.cost, campaign.currency) == (Decimal(141_560), "USD")


# HubSpot


def test_hubspot_deals_have_their_type_and_reason() -> None:
    file = "Record ID,Deal Name,Deal Stage,Deal Type,Closed Lost Reason\n1,A,Closed lost,New Business,Price\n"
    [deal] = ck.read_csv(io.StringIO(file), preset="hubspot_deal")
    assert (deal.status, deal.kind, deal.lost_reason) == ("lost", "new", "Price")


@pytest.mark.parametrize(
    ("stage", "status", "ours"),
    [
        ("lead", "IN_PROGRESS", "working"),
        ("lead", "Unqualified", "disqualified"),
        ("marketingqualifiedlead", "", "working"),
        ("opportunity", "In Progress", "converted"),
        ("lead", "", "new"),
        ("", "New", "new"),
    ],
)
def test_hubspot_contacts_are_as_far_as_their_lead_status(stage: str, status: str, ours: str) -> None:
    file = f"Record ID,Lifecycle Stage,Lead Status\n1,{stage},{status}\n"
    assert ck.read_csv(io.StringIO(file), preset="hubspot_contact")[0].status == ours


# Salesforce reports


FOOTER = """"Grand Totals (2 records)",,,

"Opportunities, last month"
"Copyright (c) 2000-2026 salesforce.com, inc. All rights reserved."
"Confidential Information - Do Not Distribute"
"Generated By:  Ada Byron  1/31/2026 9:00 AM"
"Example Company"
"""


@pytest.mark.parametrize("padded", [False, True])
def test_lines_below_a_report_are_no_deals(padded: bool, tmp_path: Path) -> None:
    footer = FOOTER.replace('"\n', '",,,\n') if padded else FOOTER
    text = f"Opportunity ID,Stage,Amount,Close Date\n1,Closed Won,5,2026-01-31\n2,Closed Lost,6,2026-01-30\n{footer}"
    found = ck.read_csv(io.StringIO(text), preset="salesforce_opportunity")
    assert (len(found), len(found.rejected)) == (2, 0)
    assert found.account.skipped["line below the table"] == 5
    pytest.importorskip("polars")
    file = tmp_path / "report.csv"
    file.write_text(text, encoding="utf-8")
    assert dict(ck.scan(file, preset="salesforce_opportunity").skipped) == dict(found.account.skipped)


# Stripe


def test_stripe_tells_status_and_end_of_trial() -> None:
    file = (
        "id,Customer ID,Plan,Quantity,Currency,Interval,Amount,Status,Created (UTC),Start (UTC),Trial End (UTC)\n"
        "sub_1,cus_1,Pro,1,usd,month,49.00,trialing,2026-02-20 10:00,2026-02-20 10:00,2026-03-06 10:00\n"
        "sub_2,cus_2,Pro,1,usd,month,49.00,Cancelled,2026-02-20 10:00,2026-02-20 10:00,\n"
    )
    first, second = ck.read_csv(io.StringIO(file), preset="stripe_subscription")
    assert (first.status, str(first.trial_end)) == ("trialing", "2026-03-06 10:00:00+00:00")
    assert (second.status, second.trial_end) == ("canceled", None)


@pytest.mark.parametrize(
    ("plan", "mrr", "currency"),
    [
        ({"plan": {"amount": 4900, "currency": "usd", "interval": "month"}, "quantity": 2}, "98", "USD"),
        ({"plan": {"amount": 60000, "currency": "eur", "interval": "month", "interval_count": 6}}, "100", "EUR"),
        ({"plan": {"amount": 1200, "currency": "jpy", "interval": "year"}}, "100", "JPY"),
        (
            {
                "items": {
                    "data": [
                        {"price": {"unit_amount": 1000, "currency": "usd", "recurring": {"interval": "month"}}},
                        {
                            "price": {"unit_amount": 12000, "currency": "usd", "recurring": {"interval": "year"}},
                            "quantity": 3,
                        },
                    ]
                }
            },
            "40",
            "USD",
        ),
    ],
)
def test_amounts_inside_the_objects_of_stripe_are_found(plan: Any, mrr: str, currency: str) -> None:
    rows = [
        {"id": "sub_1", "customer": "cus_1", "status": "active", "start_date": 1767600000, "trial_end": None, **plan}
    ]
    [found] = ck.read_dicts(rows, preset="stripe_subscription")
    assert (found.mrr, found.currency, found.status) == (Decimal(mrr), currency, "active")


@pytest.mark.parametrize("items", [[], [{}], [{"price": 5}], [{"price": {"unit_amount": None}}], 5])
def test_items_without_amounts_are_unreadable(items: Any) -> None:
    rows = [{"id": "sub_1", "customer": "cus_1", "status": "active", "items": {"data": items}}]
    try:
        found = ck.read_dicts(rows, preset="stripe_subscription")
    except CrmKpiError:
        return
    assert not len(found) or found[0].mrr is None


@pytest.mark.parametrize("word", ["email", "Email", "EMAIL", "e-mail", "E-mail", "E-Mail"])
def test_the_channel_of_mails_is_theirs_however_it_is_written(word: str) -> None:
    file = f"id,channel,sent,delivered,opened\n1,{word},100,80,20\n2,Search,100,80,80\n"
    assert ck.email_open_rate(ck.read_csv(io.StringIO(file), record=ck.Campaign)).value == 0.25


@pytest.mark.parametrize(
    "words", [{1: "won", 0: "lost"}, {True: "won", False: "lost"}, {"1": "won", "0": "lost"}, {1.0: "won", 0.0: "lost"}]
)
@pytest.mark.parametrize("written", [(1, 0), (True, False), ("1", "0"), (1.0, 0.0), ("True", "false")])
def test_numbers_and_flags_are_one_word_however_they_are_written(words: Any, written: Any) -> None:
    rows = [{"id": number, "status": status} for number, status in enumerate(written)]
    assert [deal.status for deal in ck.read_dicts(rows, record=ck.Deal, values={"status": words})] == ["won", "lost"]
    text = "id,status\n" + "".join(f"{number},{status}\n" for number, status in enumerate(written))
    deals = ck.read_csv(io.StringIO(text), record=ck.Deal, values={"status": words})
    assert [deal.status for deal in deals] == ["won", "lost"]


FLAGS = (
    "ja nein",
    "oui non",
    "sí no",
    "Sim Não",
    "tak nie",
    "はい いいえ",
    "WAHR FALSCH",
    "VRAI FAUX",
    "x 0",
    "Yes no",
)


@pytest.mark.parametrize("words", FLAGS)
def test_yes_and_no_are_read_in_the_languages_of_exports(words: str, tmp_path: Path) -> None:
    yes, no = words.split()
    rows = "".join(f"{n},2026-01-05,2026-01-06,{word}\n" for n, word in enumerate((yes, no, no, "")))
    text = "id,created_at,solved_at,escalated\n" + rows
    (path := tmp_path / "tickets.csv").write_text(text, encoding="utf-8")
    for tickets in (
        ck.read_csv(path, record=ck.Ticket),
        ck.stream_csv(path, record=ck.Ticket),
        ck.scan(path, record=ck.Ticket, engine="polars"),
        ck.scan(path, record=ck.Ticket, engine="duckdb"),
    ):
        assert ck.escalation_rate(tickets).value == 1 / 4
    [ticket] = ck.read_dicts([{"id": "1", "escalated": yes, "Own": no}], record=ck.Ticket, kinds={"Own": "flag"})
    assert (ticket.escalated, ticket.attributes["Own"]) == (True, False)
