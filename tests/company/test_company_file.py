"""The company file: one dataset in Python and on the command line, and one sentence for each fault."""

from __future__ import annotations

import json
import sqlite3
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from tests.company.conftest import COMPANY, DEALS

import crmkpi as ck
from crmkpi.company.file import company_file, found_file
from crmkpi.company.keys import CalendarKeys, CompanyKeys, CompanySetKeys, ReportKeys, TableKeys, company_schema
from crmkpi.errors import CrmKpiError, FileFormatError, InputError, UnknownNameError
from crmkpi.insight.kpi_set_keys import AlertKeys, KpiKeys, KpiSetKeys, TargetKeys
from crmkpi.schemas import Keyed


def changed(folder: Path, old: str, new: str) -> Path:
    """The company file with one change."""
    assert old in COMPANY
    (folder / "crmkpi.toml").write_text(COMPANY.replace(old, new), encoding="utf-8")
    return folder / "crmkpi.toml"


def added(folder: Path, text: str) -> Path:
    (folder / "crmkpi.toml").write_text(f"{COMPANY}\n{text}", encoding="utf-8")
    return folder / "crmkpi.toml"


def test_the_dataset_is_the_one_that_python_would_make(folder: Path) -> None:
    crm = ck.company(folder / "crmkpi.toml")
    assert (crm.currency, crm.as_of, crm.calendar.tz) == ("EUR", date(2026, 3, 31), "Europe/Berlin")
    deals = ck.read_csv(
        folder / "exports" / "deals_jan.csv",
        record=ck.Deal,
        encoding="cp1252",
        decimal=",",
        date_format="%d.%m.%Y",
        tz="Europe/Berlin",
        columns={
            "Verkaufschance-Nr": "id",
            "Phase": "status",
            "Betrieb": "owner",
            "Betrag": "amount",
            "Abschluss": "closed_at",
        },
        values={"status": {"Gewonnen": "won", "Verloren": "lost", "Offen": "open"}},
    )
    assert list(crm.tables["deals"]) == list(deals)
    assert ck.revenue(crm, period="2026-Q1").value == Decimal("1300.00")
    assert (
        crm.calendar.business_time(datetime(2026, 1, 2, 16), datetime(2026, 1, 3, 13, 30)).total_seconds() == 4.5 * 3600
    )


def test_several_files_are_one_table_and_patterns_that_overlap_count_a_file_once(folder: Path) -> None:
    (folder / "exports" / "deals_feb.csv").write_text(DEALS.replace("\n1;", "\n11;").replace("\n2;", "\n12;")
        .replace("\n3;", "\n13;").replace("\n4;", "\n14;"), encoding="cp1252")  # fmt: skip
    path = changed(folder, 'files = "exports/deals*.csv"', 'files = ["exports/deals*.csv", "exports/deals_jan.csv"]')
    assert len(ck.company(path).tables["deals"]) == 8


def test_today_is_that_of_the_calendar(folder: Path) -> None:
    path = changed(folder, "as_of = 2026-03-31", 'as_of = "today"')
    before = datetime.now(ZoneInfo("Europe/Berlin")).date()
    assert before <= company_file(path).as_of <= datetime.now(ZoneInfo("Europe/Berlin")).date()


def test_rates_may_change_by_day(folder: Path) -> None:
    text = '[rates]\nCHF = 1.05\nUSD = { "2026-01-01" = 0.92, "2026-02-01" = 0.90 }\n\n[calendar]'
    crm = ck.company(changed(folder, "[calendar]", text))
    assert crm.rates.convert(Decimal(100), "USD", date(2026, 2, 3)) == Decimal("90.00")
    assert crm.rates.convert(Decimal(100), "CHF", None) == Decimal("105.00")


def test_a_table_may_lie_in_a_database_whose_url_an_environment_variable_holds(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with sqlite3.connect(folder / "crm.db") as connection:
        connection.execute("CREATE TABLE opps(nr TEXT, status TEXT)")
        connection.executemany("INSERT INTO opps VALUES (?, ?)", [("1", "won"), ("2", "lost")])
    text = '[tables.deals]\ndatabase = "CRM_DATABASE"\nsource = "opps"\ncolumns = { nr = "id" }\n'
    (folder / "crmkpi.toml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="the environment variable CRM_DATABASE is not set"):
        ck.company(folder / "crmkpi.toml")
    monkeypatch.setenv("CRM_DATABASE", f"sqlite:///{folder / 'crm.db'}")
    assert ck.win_rate(ck.company(folder / "crmkpi.toml")).value == 0.5


WRONG = [
    ('currency = "EUR"', 'curency = "EUR"', "The company file has no key 'curency'. Did you mean 'currency'?"),
    ('currency = "EUR"', "currency = 3", "currency: input should be a valid string; got 3."),
    ("as_of = 2026-03-31", 'as_of = "2026-3-31"', "as_of is a day such as 2026-03-31, or \"today\"; got '2026-3-31'."),
    ("[tables.deals]", "[tables.deal]", "There is no table 'deal'. Did you mean 'deals'?"),
    ("[calendar]", "[kalendar]", "The company file has no key 'kalendar'. Did you mean 'calendar'?"),
    ('tz = "Europe/Berlin"', 'zone = "Europe/Berlin"', "The calendar has no key 'zone'."),
    ('tz = "Europe/Berlin"', 'tz = "Europe/Berln"', "Did you mean 'Europe/Berlin'?"),
    ('tz = "Europe/Berlin"', 'week_start = "mnday"', "Did you mean 'monday'?"),
    ('decimal = ","', 'decimal = ";"', "input should be '.' or ','; got ';'."),
    ('encoding = "cp1252"', 'encodng = "cp1252"', "A table has no key 'encodng'. Did you mean 'encoding'?"),
    ('"exports/deals*.csv"', '"exports/deal_jan.csv"', "there is no file 'exports/deal_jan.csv' in"),
    ('"exports/deals*.csv"', '"exports/deal_jan.csv"', "Did you mean 'deals_jan.csv'?"),
    ('"exports/deals*.csv"', '"exports/leads*.csv"', "tables.deals: no file matches 'exports/leads*.csv' in"),
    ('"exports/deals*.csv"', '"export/deals*.csv"', "There is no folder"),
    ('files = "exports/deals*.csv"', "", "tables.deals has neither files nor a database"),
    ('files = "exports/deals*.csv"', 'files = "a.csv"\ndatabase = "X"', "has files and a database; keep one of them."),
    ('files = "exports/deals*.csv"', 'database = "X"', "names a database and no source"),
    ('"Phase" = "status"', '"Phse" = "status"', "Did you mean 'Phase'?"),
    ('"Phase" = "status"', '"Phase" = "staus"', "Did you mean 'status'?"),
    ('Gewonnen = "won"', 'Gewonnen = "wonn"', "wonn"),
    ("[calendar]", "[rates]\nUSD = 0\n[calendar]", "The rate of USD must be a positive number"),
    ('currency = "EUR"\nas_of = 2026-03-31\n', "rates = { USD = 1 }\n", "which the company file does not say"),
    ("holidays = [2026-01-01]", 'holidays = ["1 May"]', "holidays"),
    ("[calendar]", "[calendar]\n[calendar]", "is not TOML"),
    ("[tables.deals]", "[tables.deals]\n[tables.deals]", "is not TOML"),
]


@pytest.mark.parametrize("old, new, message", WRONG)
def test_what_a_company_file_says_wrongly_is_one_sentence_with_the_way_out(
    folder: Path, old: str, new: str, message: str
) -> None:
    with pytest.raises(CrmKpiError) as raised:
        ck.company(changed(folder, old, new))
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)
    assert "pydantic" not in str(raised.value)


def two(*parts: str) -> str:
    """Two reports: the name and the output of each."""
    return "\n".join(f"[[report]]\nname = '{parts[n]}'\noutputs = ['{parts[n + 1]}']" for n in (0, 2))


@pytest.mark.parametrize(
    "text, message",
    [
        ("[[report]]\nname = 'a'\n", "report.1 lacks the key 'outputs'."),
        ("[[report]]\nname = 'a'\noutputs = []\n", "at least 1 item"),
        (two("a", "a.md", "a", "b.md"), "Two reports are called 'a'"),
        (two("a", "a.md", "b", "a.md"), "Two outputs are called 'a.md'"),
        ("[[report]]\nname = 'a'\nkpi_set = 'Sales'\noutputs = ['a.md']\n", "The company file has no KPI set 'Sales'."),
        ("[[report]]\nname = 'a'\nevery = 'mnth'\noutputs = ['a.md']\n", "Did you mean 'month'?"),
        ("[[kpi_set]]\nfile = 'kpis.toml'\n", "there is no file 'kpis.toml' in"),
        ("[[kpi_set]]\nname = 'S'\n[[kpi_set.kpi]]\nid = 'win_rte'\n", "Did you mean 'win_rate'?"),
        ("[[kpi_set]]\n[[kpi_set.kpi]]\nid = 'win_rate'\ntarget = { at_lest = 0.3 }", "Did you mean 'at_least'?"),
    ],
)  # fmt: skip
def test_reports_and_kpi_sets_are_checked_before_anything_is_read(folder: Path, text: str, message: str) -> None:
    with pytest.raises(CrmKpiError) as raised:
        company_file(added(folder, text))
    assert message in str(raised.value)


SECRETS = [
    ("", 'database = "postgresql://ada:s3cret@db/crm"'),
    ("", 'database = "sqlite:///crm.db"'),
    ("", 'source = "mysql://root:s3cret@host/x"'),
    ('password = "s3cret"\n', ""),
    ('api_key = "s3cret"\n', ""),
    ('name = "https://u:s3cret@host"\n', ""),
]


@pytest.mark.parametrize("top, of_table", SECRETS)
def test_a_secret_is_refused_without_being_shown(tmp_path: Path, top: str, of_table: str) -> None:
    (tmp_path / "crmkpi.toml").write_text(f"{top}[tables.deals]\n{of_table}\n", encoding="utf-8")
    with pytest.raises(InputError, match="name that, such as database") as raised:
        company_file(tmp_path / "crmkpi.toml")
    assert "s3cret" not in str(raised.value)
    assert "sqlite" not in str(raised.value)


def test_a_column_called_token_is_no_secret(folder: Path) -> None:
    assert company_file(changed(folder, '"Phase" = "status"', '"Phase" = "status"\n"token" = "source"'))


def test_the_file_is_found_in_a_folder_above(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    assert found_file(folder / "exports") == folder / "crmkpi.toml"
    with pytest.raises(InputError, match="crmkpi init FILES proposes one"):
        found_file(tmp_path_factory.mktemp("empty"))
    with pytest.raises(InputError, match="There is no company file nowhere"):
        ck.company(folder / "nowhere.toml")
    (folder / "x.toml").write_bytes(b"name = '\xff'")
    with pytest.raises(FileFormatError, match="is not TOML"):
        ck.company(folder / "x.toml")


def test_the_schema_has_every_key_with_what_editors_show() -> None:
    schema = json.loads(company_schema())
    for model in (CompanyKeys, TableKeys, ReportKeys, KpiKeys):
        found = schema["properties"] if model is CompanyKeys else schema["$defs"][model.__name__]["properties"]
        assert set(found) == {one.alias or name for name, one in model.model_fields.items()}
    assert schema["additionalProperties"] is False
    assert "deals" in schema["properties"]["tables"]["propertyNames"]["enum"]


MODELS = [AlertKeys, CalendarKeys, CompanyKeys, CompanySetKeys, KpiKeys, KpiSetKeys, ReportKeys, TableKeys, TargetKeys]


def test_all_tables_of_keys_are_tested() -> None:
    schema = json.loads(company_schema())
    assert {*schema["$defs"], "CompanyKeys", "KpiSetKeys"} == {model.__name__ for model in MODELS}


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_table_of_keys_refuses_an_unknown_one_with_the_nearest(model: type[Keyed]) -> None:
    for name, one in model.model_fields.items():
        key = one.alias or name
        with pytest.raises(UnknownNameError, match=f"has no key '{key}x'. Did you mean '") as raised:
            model.model_validate({f"{key}x": 1})
        assert key in str(raised.value.details["known"])
