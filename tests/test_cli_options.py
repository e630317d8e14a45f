"""Repeated options of the command line add up or are refused; none is dropped."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from crmkpi.cli.main import main

NORTH = "id,status,amount,currency,closed_at\nN1,won,1000,EUR,2026-01-05\nN2,lost,500,EUR,2026-01-06\n"
SOUTH = "id,status,amount,currency,closed_at,created_at\nS1,won,200,EUR,2026-01-07,soon\n"


@pytest.fixture(autouse=True)
def _files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("north.csv").write_text(NORTH, encoding="utf-8")
    Path("south.csv").write_text(SOUTH, encoding="utf-8")


def report(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[dict[str, Any]], str]:
    """The exit code, the rows, and stderr."""
    status = main(["report", *arguments, "--format", "json"])
    output, messages = capsys.readouterr()
    return status, json.loads(output) if output else [], messages


def rows_of(found: Any) -> list[dict[str, Any]]:
    return found if isinstance(found, list) else found["results"]


def test_several_files_of_one_table_are_one_table(capsys):
    _, found, messages = report(
        capsys,
        "revenue",
        "win_rate",
        "sales_cycle_length",
        "--deals",
        "north.csv",
        "--deals",
        "south.csv",
        "--period",
        "2026-01",
    )
    revenue, rate, _ = rows_of(found)
    assert float(revenue["value"]) == 1200
    assert rate["inputs"] == {"won": 2, "closed": 3}
    assert "south.csv: created_at cannot be read on 1 row" in messages


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--deals", "north.csv", "--deals", "north.csv"], "north.csv is given twice"),
        (
            ["--deals", "north.csv", "--period", "2026-01", "--period", "2026-02"],
            "argument --period: it is given twice",
        ),
        (["--deals", "north.csv", "--tz", "UTC", "--tz", "Asia/Tokyo"], "argument --tz: it is given twice"),
        (
            ["--deals", "north.csv", "--currency", "EUR", "--rate", "USD=1", "--rate", "USD=2"],
            "--rate USD is given twice",
        ),
        (
            ["--deals", "north.csv", "--preset", "deals=zoho_deal", "--preset", "deals=auto"],
            "--preset deals is given twice",
        ),
    ],
)
def test_what_cannot_add_up_is_refused_in_a_sentence(capsys, arguments, said):
    status, found, messages = report(capsys, "win_rate", *arguments)
    assert (status, found) == (2, [])
    assert said in messages
    assert messages.count("\n") == 1


TICKETS = "id,created_at,first_replied_at\n1,2026-01-05T08:00,2026-01-05T18:00\n2,2026-01-06T08:00,2026-01-06T18:00\n"


@pytest.mark.parametrize(
    ("options", "hours"),
    [
        (["--opening-hours", "mon-fri=09:00-12:00,13:00-17:00"], 7),
        (["--opening-hours", "mon-fri=09:00-12:00", "--opening-hours", "mon-fri=13:00-17:00"], 7),
        (["--opening-hours", "24/7"], 10),
        (["--opening-hours", "mon-sun=00:00-10:00,16:00-24:00"], 4),
        (["--opening-hours", "mon-fri=09:00-17:00", "--holidays", "2026-01-05,2026-12-25"], 4),
    ],
)
def test_spans_of_a_day_add_up_and_holidays_have_none(capsys, options, hours):
    Path("tickets.csv").write_text(TICKETS, encoding="utf-8")
    status, found, _ = report(capsys, "first_response_time.business", "--tickets", "tickets.csv", *options)
    assert status == 0
    assert rows_of(found)[0]["value"] == hours * 3600


def test_the_advice_for_a_shift_over_midnight_works(capsys):
    Path("tickets.csv").write_text(TICKETS, encoding="utf-8")
    asked = ("first_response_time.business", "--tickets", "tickets.csv")
    status, _, messages = report(capsys, *asked, "--opening-hours", "mon-fri=16:00-10:00")
    assert status == 2
    advice = messages.partition("--opening-hours mon-sun=")[2].split()[0]
    status, found, _ = report(capsys, *asked, "--opening-hours", f"mon-sun={advice}")
    assert (status, rows_of(found)[0]["value"]) == (0, 4 * 3600)


def test_the_lost_minute_of_2359_is_said(capsys):
    Path("tickets.csv").write_text(TICKETS, encoding="utf-8")
    _, _, messages = report(
        capsys, "first_response_time.business", "--tickets", "tickets.csv", "--opening-hours", "mon-sun=00:00-23:59"
    )
    assert "the last minute of mon-sun is closed" in messages


def test_as_of_today_is_the_day_of_whoever_asks(capsys):
    status, found, _ = report(capsys, "win_rate", "--deals", "north.csv", "--period", "this year", "--as-of", "today")
    assert status == 0
    assert rows_of(found)[0]["period"] == str(date.today().year)  # noqa: DTZ011


def test_a_file_without_headers_and_its_date_format_can_be_said(capsys):
    Path("bare.csv").write_text("A;won;05.01.2026\nB;lost;06.01.2026\n", encoding="utf-8")
    status, found, _ = report(
        capsys, "win_rate", "--deals", "bare.csv", "--headers", "deals:id,status,closed_at",
        "--date-format", "%d.%m.%Y", "--delimiter", ";", "--period", "2026-01",
    )  # fmt: skip
    assert (status, rows_of(found)[0]["value"]) == (0, 0.5)


def test_the_kind_of_a_custom_column_can_be_said(capsys):
    Path("seats.csv").write_text("id,status,Seats\nA,won,20\nB,won,3\n", encoding="utf-8")
    status, found, _ = report(
        capsys, "win_rate", "--deals", "seats.csv", "--kinds", "deals:Seats=integer", "--by", "attributes.Seats"
    )
    assert status == 0
    assert {row["attributes.Seats"] for row in rows_of(found)} == {3, 20}


@pytest.mark.parametrize(
    "options",
    [
        ["--opening-hours", "mon=9-5"],
        ["--opening-hours", "mon"],
        ["--holidays", "Christmas"],
        ["--headers", "id,status"],
        ["--kinds", "deals:Seats"],
        ["--as-of", "tomorrow"],
    ],
)
def test_each_wrong_option_is_one_sentence(capsys, options):
    status, found, messages = report(capsys, "win_rate", "--deals", "north.csv", *options)
    assert status in (1, 2)
    assert found == []
    assert "error:" in messages
    assert "Traceback" not in messages


def test_the_unit_of_a_field_and_ends_that_are_last_days_are_said_by_options(capsys, tmp_path):
    deals = tmp_path / "deals.csv"
    deals.write_text("id,status,amount,probability\n1,open,100,50\n2,open,200,100\n", encoding="utf-8")
    _, found, _ = report(capsys, "weighted_pipeline", "--deals", str(deals), "--units", "deals:probability=percent")
    assert float(rows_of(found)[0]["value"]) == 250
    stays = tmp_path / "subscriptions.csv"
    stays.write_text(
        "id,customer_id,mrr,started_at,ended_at\n1,A,10,2025-12-01,2026-01-31\n2,A,10,2026-02-01,\n", encoding="utf-8"
    )
    lost = ("churned_mrr", "--subscriptions", str(stays), "--period", "2026-01", "--currency", "EUR")
    _, found, _ = report(capsys, *lost)
    assert float(rows_of(found)[0]["value"]) == -10
    _, found, _ = report(capsys, *lost, "--ends", "subscriptions=inclusive")
    assert float(rows_of(found)[0]["value"]) == 0


def test_the_hint_for_a_sign_of_several_currencies_works(capsys, tmp_path):
    file = tmp_path / "deals.csv"
    file.write_text("id,status,amount\n1,won,$5\n", encoding="utf-8")
    status, _, messages = report(capsys, "revenue", "--deals", str(file))
    assert status == 1
    assert "hint: --currency USD, or --values 'TABLE:currency:$=USD', says which it is" in messages
    for options in (["--currency", "USD"], ["--values", "deals:currency:$=USD"]):
        status, found, _ = report(capsys, "revenue", "--deals", str(file), *options)
        assert (status, rows_of(found)[0]["currency"]) == (0, "USD")


@pytest.mark.parametrize("amount", ['"EUR 1.000,00"', '"€1.000,00"', "1000"])
def test_a_currency_that_the_amounts_contradict_is_refused(amount, capsys, tmp_path):
    file = tmp_path / "deals.csv"
    code = ",currency" if amount == "1000" else ""
    file.write_text(f"id,status,amount{code}\n1,won,{amount}{',EUR' if code else ''}\n", encoding="utf-8")
    status, found, messages = report(capsys, "revenue", "--deals", str(file), "--currency", "USD")
    assert (status, found) == (1, [])
    assert "error: revenue is in EUR, as its amounts say, and --currency says USD, with no rate" in messages
    for options in (["--currency", "USD", "--rate", "EUR=1.1"], ["--currency", "USD", "--by", "currency"]):
        assert report(capsys, "revenue", "--deals", str(file), *options)[0] == 0


def test_a_kpi_asked_by_name_that_lacks_usable_data_ends_with_1(capsys, tmp_path):
    file = tmp_path / "deals.csv"
    file.write_text("id,status,amount\n1,won,5\n1,won,6\n2,lost,1\n", encoding="utf-8")
    status, _, messages = report(capsys, "win_rate", "revenue", "--deals", str(file))
    assert status == 1
    assert "error: revenue: no value, for what is wrong with the data; see the report" in messages
    file.write_text("id,status,amount\n1,won,$5\n2,won,€6\n", encoding="utf-8")
    assert report(capsys, "win_rate", "revenue", "--deals", str(file), "--values", "deals:currency:$=USD")[0] == 1
    assert report(capsys, "win_rate", "--deals", str(file), "--values", "deals:currency:$=USD")[0] == 0


def test_the_system_that_headers_show_is_told_where_no_preset_is_said(capsys, tmp_path):
    file = tmp_path / "subscriptions.csv"
    file.write_text(
        "id,Customer ID,Plan,Quantity,Currency,Interval,Amount,Status,Created (UTC),Start (UTC)\n"
        "sub_1,cus_1,pro,1,usd,month,49.00,active,2026-01-05 10:00,2026-01-05 10:00\n",
        encoding="utf-8",
    )
    _, _, messages = report(capsys, "mrr", "--subscriptions", str(file))
    assert "those of stripe_subscription, which --preset subscriptions=stripe_subscription reads" in messages
    read = ["--preset", "subscriptions=stripe_subscription"]
    assert report(capsys, "mrr", "--subscriptions", str(file), *read)[0] == 0


@pytest.mark.parametrize(
    "twice",
    [
        ["--values", "deals:status:won=won", "--values", "deals:status:won=lost"],
        ["--where", "owner=Ada", "--where", "owner=Bob"],
        ["--set", "quota=5", "--set", "quota=6"],
        ["--default", "deals:owner=A", "--default", "deals:owner=B"],
        ["--units", "deals:probability=percent", "--units", "deals:probability=percent"],
        ["--kinds", "deals:Seats=number", "--kinds", "deals:Seats=integer"],
    ],
)
def test_a_setting_of_one_thing_is_given_once(twice, capsys, tmp_path):
    file = tmp_path / "deals.csv"
    file.write_text("id,status,amount,closed_at\n1,won,5,2026-01-31\n", encoding="utf-8")
    status, _, messages = report(capsys, "revenue", "--deals", str(file), *twice)
    assert status == 2
    assert "is given twice; give it once" in messages


def test_parts_of_dates_are_groups(capsys, tmp_path):
    file = tmp_path / "deals.csv"
    rows = "1,won,5,2026-01-31T23:30:00Z\n2,won,7,2026-04-01T10:00:00Z\n3,lost,9,\n"
    file.write_text(f"id,status,amount,closed_at\n{rows}", encoding="utf-8")
    asked = ["won_deals", "--deals", str(file), "--tz", "Europe/Berlin", "--by"]
    for part, first in {
        "year": "2026",
        "quarter": "2026-Q1",
        "month": "2026-02",
        "week": "2026-W05",
        "weekday": "7 Sunday",
        "day": "2026-02-01",
    }.items():
        _, found, _ = report(capsys, *asked, f"closed_at.{part}")
        assert first in [row[f"closed_at.{part}"] for row in found], part
    assert report(capsys, *asked, "closed_at.fortnight")[0] == 1


def test_years_before_may_be_written_with_a_hyphen(capsys, tmp_path):
    file = tmp_path / "deals.csv"
    file.write_text("id,status,amount,closed_at\n1,won,5,2026-01-31\n2,won,4,2025-01-31\n", encoding="utf-8")
    _, found, _ = report(capsys, "revenue", "--deals", str(file), "--period", "2026-01", "--compare", "year-ago")
    assert found[0]["previous_value"] == "4"


def test_a_column_in_percent_is_told_the_option_that_says_so(capsys, tmp_path):
    file = tmp_path / "deals.csv"
    file.write_text("id,status,amount,probability\n1,open,100,45\n2,open,100,50\n", encoding="utf-8")
    _, _, messages = report(capsys, "weighted_pipeline", "--deals", str(file))
    assert "--units deals:probability=percent says that the column is in percent" in messages
    _, found, _ = report(capsys, "weighted_pipeline", "--deals", str(file), "--units", "deals:probability=percent")
    assert float(found[0]["value"]) == 95
