"""Totals, repeated headers, files of another table and unmapped currency columns, in every reader."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest

import crmkpi as ck
from crmkpi.errors import ColumnError, CurrencyError, FileFormatError, InputError
from crmkpi.sources.report_rows import ReportRows

TOTALS = (
    *("Total", "TOTALS", "Grand Total", "Grand Totals (3 records)", "Sub-total", "Subtotal", "Total: Campaigns", "Sum"),
    *("Summe", "Gesamt", "Gesamtsumme:", "Zwischensumme", "Gesamtergebnis", "Total général", "Somme", "Totale"),
    *("Totaal", "Eindtotaal", "Totalt", "Suma", "Razem", "Ogółem", "Total geral", "合計", "小計", "Итого", "कुल"),
)
DEALS = "id,status,amount,closed_at\nD1,won,100,2026-01-05\n{}\nD2,lost,50,2026-01-06\n"


def readers(text: str, record: Any, folder: Path, **options: Any) -> dict[str, Any]:
    """The records of a text by each reader of CSV files."""
    file = folder / "file.csv"
    file.write_text(text, encoding="utf-8")
    return {
        "read_csv": lambda: ck.read_csv(file, record=record, **options),
        "stream_csv": lambda: ck.stream_csv(file, record=record, **options),
        "scan": lambda: ck.scan(file, record=record, **options),
    }


@pytest.mark.parametrize("word", TOTALS)
@pytest.mark.parametrize("row", ['"{}",,"1.234,50 €",', ",{},150,", "{},,-,"])
def test_a_total_is_no_record(word: str, row: str, tmp_path: Path) -> None:
    text = DEALS.format(row.format(word))
    report = ReportRows(("id", "status", "amount", "closed_at"))
    for read in list(readers(text, ck.Deal, tmp_path).values())[:1]:
        deals = read()
        assert [deal.id for deal in deals] == ["D1", "D2"]
        assert deals.account.skipped == {"total row": 1}
        assert ck.revenue(deals).value == 100
    assert not report.reason_of([word, "won", "5", "2026-01-05"])


GROUPED = (  # reports whose totals repeat what the rows above them have in common
    "id,status,amount\nD1,won,100\nSubtotal,won,100\nD2,lost,50\nSubtotal,lost,50\nTotal,,150\n",
    "Deal,status,amount,closed_at\nD1,won,100,2026-01-05\nTotal,won,100,\nD2,lost,50,2026-01-06\nTotal,,150,\n",
    "Deal,status,amount\nD1,won,100\nSubtotal,won,100\nD2,lost,50\nSubtotal,lost,50\n",
    "id,Deal,status,amount\n1,D1,won,100\n,Zwischensumme,won,100\n2,D2,lost,50\n--,Summe,lost,50\n",
    "status,Deal,amount\nwon,D1,100\nwon,Subtotal,100\nlost,D2,50\nlost,Subtotal,50\n,Total,150\n",
    "owner,status,amount\nAda,won,100\nAda Total,won,100\nBo,lost,50\nTotal Bo,,50\nGrand Total,,150\n",
    "owner,status,amount\nAda,won,100\nAda Ergebnis,,100\nBo,lost,50\nBo Ergebnis,,50\nGesamtergebnis,,150\n",
)


@pytest.mark.parametrize("text", GROUPED)
def test_a_total_of_a_group_that_repeats_its_status_is_no_deal(text: str, tmp_path: Path) -> None:
    read = readers(text, ck.Deal, tmp_path)
    read["duckdb"] = lambda: ck.scan(tmp_path / "file.csv", record=ck.Deal, engine="duckdb")
    rows = list(csv.DictReader(io.StringIO(text)))
    read["dicts"] = lambda: ck.read_dicts(rows, record=ck.Deal)
    for name, each in read.items():
        won, revenue = ck.Dataset(deals=each()).measure(("win_rate", "revenue"))
        assert (won.value, revenue.value) == (0.5, 100), name
        assert won.skipped == {"total row": text.count("\n") - 3}, name


@pytest.mark.parametrize(
    "text",
    [
        "id,Deal,status,amount\n1,D1,won,100\n2,Total,won,100\n",  # it has an id
        "Deal,status,amount\nD1,won,100\nTotal,won,100\n",  # all fields that other deals have
        "Deal,status,amount\nD1,won,100\nTotal,lost,100\nSum,lost,100\n",  # another status
        "Deal,status,amount\nD1,won,100\nD1 total cost,won,100\nTotal Gas,won,100\n",
    ],
)
def test_a_deal_of_the_firm_total_is_a_deal(text: str, tmp_path: Path) -> None:
    for read in readers(text, ck.Deal, tmp_path).values():
        [won] = ck.Dataset(deals=read()).measure("won_deals")
        assert (won.accounts[0].given, won.skipped) == (text.count("\n") - 1, {})


def test_every_reader_leaves_totals_and_repeated_headers_out(tmp_path: Path) -> None:
    text = "id,name,cost\n1,Ads,100\nID,Name,Cost\n2,Mail,50\nTotal,,150\n"
    for name, read in readers(text, ck.Campaign, tmp_path).items():
        result = ck.Dataset(campaigns=read()).measure("cost_per_mille")[0]
        assert result.skipped == {"headers again": 1, "total row": 1}, name
    found = ck.scan(tmp_path / "file.csv", record=ck.Campaign, engine="duckdb")
    assert found.skipped == {"headers again": 1, "total row": 1}


@pytest.mark.parametrize("header", ["Currency Code", "Amount Currency", "CurrencyIsoCode", "Währung", "Moneda", "通貨"])
def test_amounts_are_not_read_beside_a_column_of_currencies_that_fills_no_field(header: str, tmp_path: Path) -> None:
    text = f"id,status,amount,{header}\n1,won,100,USD\n2,won,100,EUR\n"
    for read in readers(text, ck.Deal, tmp_path).values():
        with pytest.raises(ColumnError, match=r"holds currencies \(EUR, USD\) and fills no field"):
            read()
    for read in readers(text, ck.Deal, tmp_path, columns={header: "currency"}).values():
        with pytest.raises(CurrencyError, match="several currencies"):
            ck.revenue(read())
    assert ck.revenue(ck.read_csv(tmp_path / "file.csv", record=ck.Deal, columns={header: None})).value == 200
    euros = ck.read_csv(io.StringIO(text), record=ck.Deal, defaults={"currency": "EUR"})
    assert [deal.currency for deal in euros] == ["EUR", "EUR"]
    words = f"id,status,amount,{header}\n1,won,100,floating\n"
    assert ck.revenue(ck.read_csv(io.StringIO(words), record=ck.Deal)).value == 100


@pytest.mark.parametrize(("header", "currency"), [("Amount (EUR)", "EUR"), ("Wert in €", "EUR"), ("value_USD", "USD")])
def test_the_currency_in_the_header_of_amounts_is_theirs(header: str, currency: str) -> None:
    text = f"id,status,{header}\n1,won,100\n"
    [deal] = ck.read_csv(io.StringIO(text), record=ck.Deal, columns={header: "amount"})
    assert deal.currency == currency
    with pytest.raises(InputError, match=f"defaults= says that amounts are in CHF, and a header of .+ {currency}"):
        ck.read_csv(io.StringIO(text), record=ck.Deal, columns={header: "amount"}, defaults={"currency": "CHF"})


ORDERS = "id,customer_id,ordered_at,amount\n1,A,2026-01-05,10\n"
FILES = {
    "orders": ORDERS,
    "deals": "id,status,amount,owner,closed_at\n1,won,5,Ada,2026-01-05\n",
    "tickets": "id,created_at,solved_at,first_replied_at\n1,2026-01-05,2026-01-06,2026-01-06\n",
}


@pytest.mark.parametrize(
    ("holds", "read_as"),
    [
        ("orders", ck.Customer),
        ("orders", ck.Lead),
        ("orders", ck.Subscription),
        ("deals", ck.Ticket),
        ("tickets", ck.Visit),
    ],
)
def test_a_file_of_another_table_is_refused(holds: str, read_as: type[Any], tmp_path: Path) -> None:
    for read in readers(FILES[holds], read_as, tmp_path).values():
        with pytest.raises(
            FileFormatError, match=rf"file.csv has the columns of {holds} \(.+\); is it the right file\?"
        ):
            read()


def test_a_file_of_another_table_is_read_where_a_column_is_named() -> None:
    [customer] = ck.read_csv(io.StringIO(ORDERS), record=ck.Customer, columns={"id": "id"})
    assert customer.id == "1"


def test_a_summary_is_no_table_of_records(tmp_path: Path) -> None:
    text = "Agent,Tickets Assigned,Average First Response Time,SLA %\nAda,12,1h 30m,90%\nBob,3,0h 30m,50%\n"
    for read in readers(text, ck.Ticket, tmp_path).values():
        with pytest.raises(FileFormatError, match="its rows may be a summary of records"):
            read()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<!DOCTYPE html><html><body>Login</body></html>", "is a web page or XML and not a table"),
        (b'[{"id": 1, "status": "won"}]', "is JSON and not CSV: read it with read_json"),
        (b'{"id": 1, "status": "won"}\n', "is JSON and not CSV"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100), "is a workbook of the old format"),
    ],
)
def test_what_is_no_csv_is_called_by_its_name(content: bytes, message: str) -> None:
    with pytest.raises(FileFormatError, match=message):
        ck.read_csv(io.BytesIO(content), record=ck.Deal)


@pytest.mark.parametrize(
    ("written", "day"),
    [
        *(("3. Februar 2026", 3), ("3 février 2026", 3), ("1er mars 2026", 1), ("3 de fevereiro de 2026", 3)),
        *(("03-févr.-2026", 3), ("3 września 2026", 3), ("12-mrt-2026", 12), ("2026年2月4日", 4), ("14 maj 2026", 14)),
    ],
)
def test_months_have_the_names_of_their_language(written: str, day: int) -> None:
    [deal] = ck.read_csv(io.StringIO(f'id,status,closed_at\n1,won,"{written}"\n'), record=ck.Deal)
    assert deal.closed_at is not None
    assert (deal.closed_at.year, deal.closed_at.day) == (2026, day)


def test_a_day_of_zeros_is_no_day() -> None:
    text = "id,created_at,solved_at\n1,2026-01-05 10:00,0000-00-00 00:00:00\n2,2026-01-05 10:00,0000-00-00\n"
    tickets = ck.read_csv(io.StringIO(text), record=ck.Ticket)
    assert [ticket.solved_at for ticket in tickets] == [None, None]
    assert not tickets.account.unreadable_fields


@pytest.mark.parametrize(
    ("written", "amount"),
    [("▲￥100,000", -100_000), ("△50円", -50), ("12 tys. zł", 12_000), ("3億円", 300_000_000), ("25万円", 250_000)],
)
def test_amounts_are_read_as_their_country_writes_them(written: str, amount: int) -> None:
    yen = {"currency": {"¥": "JPY", "円": "JPY"}}
    text = f'id,status,amount\n1,won,"{written}"\n'
    [deal] = ck.read_csv(io.StringIO(text), record=ck.Deal, values=yen, decimal=".")
    assert deal.amount == amount


def test_the_total_of_meta_has_no_campaign_and_link_clicks_are_clicks(tmp_path: Path) -> None:
    text = (
        "Campaign name,Reporting starts,Reporting ends,Amount spent (EUR),Impressions,Link clicks\n"
        "A,2026-01-01,2026-01-31,100.50,1000,10\nB,2026-01-01,2026-01-31,99.50,1000,10\n"
        ",2026-01-01,2026-01-31,200.00,2000,20\n"
    )
    file = tmp_path / "meta.csv"
    file.write_text(text, encoding="utf-8")
    for data in (ck.read_csv(file, preset="meta_ads_campaign"), ck.scan(file, preset="meta_ads_campaign")):
        result = ck.cost_per_click(campaigns=data)
        assert (result.value, result.currency, result.skipped) == (10, "EUR", {"total row": 1})


def test_clicks_of_google_are_clicks() -> None:
    text = 'Campaign,Currency code,Cost,Impr.,Clicks,Conversions\nBrand,EUR,"1,234.50","10,000",100,5.00\n'
    [campaign] = ck.read_csv(io.StringIO(text), preset="google_ads_campaign")
    assert (campaign.clicks, campaign.conversions) == (100, 5)


def test_characters_that_nobody_sees_are_no_part_of_a_header() -> None:
    [deal] = ck.read_csv(io.StringIO("\u200bid,status\u00a0,amount\u2060\n1,won,5\n"), record=ck.Deal)
    assert (deal.id, deal.amount) == ("1", 5)
