"""The command line: stdout, stderr and exit codes."""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import crmkpi
from crmkpi.cli.main import COMMANDS, main

DEALS = """\
Id,Status,Owner,Amount,Currency,Created At,Closed At
1,won,Ada,100,EUR,2026-01-05,2026-02-01
2,won,Bo,200,EUR,2026-01-05,2026-02-03
3,lost,Bo,50,EUR,2026-01-05,2026-03-03
4,lost,Bo,7,EUR,2025-10-05,2025-11-03
"""
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command in a folder with a file of deals, and return its exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    Path("deals.csv").write_text(DEALS, encoding="utf-8")

    def call(*arguments: str) -> tuple[int, str, str]:
        status = main(arguments)
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return call


def test_a_report_goes_to_standard_output_and_nothing_else_does(run: Run) -> None:
    status, out, err = run("report", "win_rate", "--deals", "deals.csv", "--period", "2026-Q1", "--by", "owner")
    assert (status, err) == (0, "")
    assert out.splitlines() == [
        "win_rate, 2026-Q1 by owner",
        "",
        "owner    value  95 % interval  n",
        "-----------------------------------",
        "Ada    100.0 %  20.7 to 100.0  1  †",
        "Bo      50.0 %    9.5 to 90.5  2  †",
        "",
        "† rests on fewer than 30 records, so it says little",
    ]


def test_the_same_numbers_come_in_every_format(run: Run) -> None:
    ask = ("report", "win_rate", "--deals", "deals.csv", "--period", "2026-Q1", "--format")
    value = 2 / 3
    assert json.loads(run(*ask, "json")[1])[0]["value"] == value
    (row,) = csv.DictReader(io.StringIO(run(*ask, "csv")[1]))
    assert float(row["value"]) == value
    assert "| `win_rate` | 66.7 % |" in run(*ask, "markdown")[1]
    assert run(*ask, "html")[1].startswith("<!DOCTYPE html>")


def test_without_a_kpi_everything_is_measured_beside_the_period_before(run: Run) -> None:
    status, out, _ = run("report", "--deals", "deals.csv", "--period", "2026-Q1", "--format", "json")
    rows = json.loads(out)
    assert status == 0
    assert {"win_rate", "revenue", "sales_cycle_length"} <= {row["metric"] for row in rows}
    assert {row["previous_period"] for row in rows} == {"2025-Q4"}


def test_no_comparison_is_made_when_none_is_wanted(run: Run) -> None:
    _, out, _ = run("report", "--deals", "deals.csv", "--period", "2026-Q1", "--compare", "none", "--format", "json")
    assert "previous_period" not in json.loads(out)[0]


def test_themes_names_and_variants_say_what_to_measure(run: Run) -> None:
    _, out, _ = run("report", "close rate", "win_rate.by_amount", "sales", "--deals", "deals.csv", "--format", "json")
    names = [row["metric"] for row in json.loads(out)]
    assert names[:2] == ["win_rate", "win_rate.by_amount"]
    assert names.count("win_rate") == 1
    assert "revenue" in names


def test_every_splits_and_compare_sets_beside(run: Run) -> None:
    _, out, _ = run(
        "report", "revenue", "--deals", "deals.csv", "--period", "2026-Q1", "--every", "month", "--compare", "previous",
        "--format", "json",
    )  # fmt: skip
    found = [(row["period"], row["value"], row["previous_value"]) for row in json.loads(out)]
    assert found == [("2026-01", "0", "0"), ("2026-02", "300", "0"), ("2026-03", "0", "300")]


def test_the_columns_and_words_of_a_file_can_be_told(run: Run) -> None:
    Path("export.tsv").write_text(
        "Nr\tStage: now\tOwner\n1\tClosed Won\tAda\n2\tClosed Lost\tAda\n3\t?\tAda\n", encoding="utf-8"
    )
    told = [
        "--columns=deals:Nr=id",
        "--columns=deals:Stage: now=status",
        "--columns=deals:Owner=",
        "--values=deals:status:Closed Won=won",
        "--values=deals:status:Closed Lost=lost",
        "--default=deals:owner=Zoe",
    ]
    status, out, err = run("report", "win_rate", "--deals", "export.tsv", *told, "--by", "owner", "--format", "json")
    (row,) = json.loads(out)
    assert (status, row["owner"], row["value"], row["rejected"]) == (1, "Zoe", None, 0)
    assert row["left_out"] == {"status unreadable": 1}
    assert err.startswith(
        "crmkpi: export.tsv: status cannot be read on 1 row, and counts as unreadable\n"
        "crmkpi:   line 4: '?' is not one of its values"
    )
    assert "--values 'deals:status:?=...' says what it means" in err
    assert err.endswith("crmkpi: error: win_rate: no value, for fields that cannot be read; see the report\n")
    told.append("--values=deals:status:?=open")
    status, out, err = run("report", "win_rate", "--deals", "export.tsv", *told, "--by", "owner", "--format", "json")
    assert (status, json.loads(out)[0]["value"], err) == (0, 0.5, "")


@pytest.mark.parametrize(
    ("at", "form"),
    [
        ("1736035200000", "unix_milliseconds"),
        ("1736035200", "unix_seconds"),
        ("45662", "excel_days"),
        ("45662.25", "excel_days"),
    ],
)
def test_dates_in_numbers_name_the_option_that_says_how_they_are_written(at: str, form: str, run: Any) -> None:
    Path("deals.csv").write_text(f"id,status,amount,closed_at\n1,won,5,{at}\n", encoding="utf-8")
    _, _, err = run("report", "revenue", "--deals", "deals.csv")
    assert "crmkpi:   --date-format says how these dates are written" in err
    status, out, err = run(
        "report", "revenue", "--deals", "deals.csv", "--period", "2025-01", "--format", "json", "--date-format", form
    )
    assert (status, json.loads(out)[0]["value"], err) == (0, "5", "")


def test_only_the_first_rows_that_cannot_be_read_are_shown(run: Run) -> None:
    rows = "".join(f"{n}\n" for n in range(5)) + "9,won\n"
    Path("bad.csv").write_text(f"id,status\n{rows}", encoding="utf-8")
    status, out, err = run("report", "win_rate", "--deals", "bad.csv")
    assert len(err.splitlines()) == 6
    assert err.splitlines()[0] == "crmkpi: bad.csv: 5 rows could not be read"
    assert err.splitlines()[-2] == "crmkpi:   and 2 more"
    assert err.splitlines()[-1] == "crmkpi: error: 5 of 6 rows of bad.csv are no deals; is it the right file?"
    assert (status, "100.0 %" in out) == (1, True)


def test_half_of_the_rows_may_be_no_records(run: Run) -> None:
    Path("bad.csv").write_text("id,status\n1\n2\n3,won\n4,lost\n", encoding="utf-8")
    assert run("report", "win_rate", "--deals", "bad.csv")[0] == 0


def test_a_dash_reads_standard_input(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(DEALS.encode())))
    status, out, _ = run("report", "revenue", "--deals", "-", "--format", "json")
    assert (status, json.loads(out)[0]["value"]) == (0, "300")


def test_json_files_are_read_too(run: Run) -> None:
    Path("deals.jsonl").write_text('{"id": 1, "status": "won"}\n{"id": 2, "status": "lost"}\n', encoding="utf-8")
    assert json.loads(run("report", "win_rate", "--deals", "deals.jsonl", "--format", "json")[1])[0]["value"] == 0.5


def test_currencies_are_converted_at_the_given_rates(run: Run) -> None:
    Path("two.csv").write_text("id,status,amount,currency\n1,won,100,EUR\n2,won,100,USD\n3,won,7,\n", encoding="utf-8")
    status, out, err = run("report", "revenue", "--deals", "two.csv")
    assert (status, out) == (1, "")
    assert "revenue would add amounts in several currencies" in err
    assert "crmkpi: hint: --currency EUR --rate USD=0.92" in err
    _, out, _ = run(
        "report", "revenue", "--deals", "two.csv", "--currency", "EUR", "--rate", "USD=0.92", "--format", "json"
    )
    assert (json.loads(out)[0]["value"], json.loads(out)[0]["currency"]) == ("199.00", "EUR")


def test_parameters_the_day_and_the_clock_can_be_set(run: Run) -> None:
    Path("leads.csv").write_text(
        "id,created_at,converted_at\n1,2026-01-01T23:30:00Z,2026-01-05T00:00:00Z\n2,2026-01-10T00:00:00Z,\n"
        "3,2026-03-20T00:00:00Z,\n",
        encoding="utf-8",
    )
    ask = ("report", "lead_conversion_rate.within", "--leads", "leads.csv", "--format", "json", "--as-of", "2026-03-31")
    assert json.loads(run(*ask, "--set", "days=30")[1])[0]["value"] == 0.5
    assert json.loads(run(*ask, "--set", "days=2")[1])[0]["value"] == 0.0
    ask = ("report", "lead_volume", "--leads", "leads.csv", "--period", "2026-01-02", "--format", "json")
    assert json.loads(run(*ask)[1])[0]["value"] == 0
    assert json.loads(run(*ask, "--tz", "Europe/Berlin")[1])[0]["value"] == 1


def test_opening_hours_make_business_time(run: Run) -> None:
    Path("tickets.csv").write_text(
        "id,created_at,first_replied_at\n1,2026-01-02T16:00,2026-01-05T10:00\n", encoding="utf-8"
    )
    ask = ("report", "first_response_time.business", "--tickets", "tickets.csv", "--format", "json")
    status, _, err = run(*ask)
    assert status == 1
    assert "--opening-hours" in err
    assert json.loads(run(*ask, "--opening-hours", "mon-fri=09:00-17:00")[1])[0]["value"] == 2 * 3600


def test_the_manual_is_on_standard_output(run: Run) -> None:
    assert "  win_rate " in run("list")[1]
    assert "lead_volume" not in run("list", "--theme", "sales")[1]
    assert run("show", "close rate")[1].startswith("win_rate\n========\n")
    assert run("show", "win_rate.by_amount")[1].startswith("win_rate.by_amount\n")
    assert run("--version") == (0, f"crmkpi {crmkpi.__version__}\n", "")
    assert run("report", "--help")[0] == 0


@pytest.mark.parametrize(
    "arguments, message",
    [
        ("", "the following arguments are required: COMMAND. See crmkpi --help."),
        ("reprot", "invalid choice: 'reprot'"),
        ("report", "there is no file to read; give at least one, such as --deals deals.csv."),
        ("report win_rte --deals deals.csv", "There is no KPI 'win_rte'. Did you mean 'win_rate'?"),
        ("show win_rate.by_amout", "win_rate has no variant 'by_amout'. Did you mean 'by_amount'?"),
        ("list --theme sale", "invalid choice: 'sale'"),
        (
            "report nps --deals deals.csv",
            "net_promoter_score reads surveys, whose file is not given; add --surveys FILE.",
        ),
        ("report --deals - --leads -", "standard input can be read only once"),
        ("report --deals deals.csv --rate USD=0.9", "--rate converts to --currency, which is not given"),
        ("report --deals deals.csv --rate USD", "an equals sign stands between a CURRENCY, and a NUMBER; got 'USD'"),
        ("report --deals deals.csv --set days=many", "a number is needed, such as 30 or 0.92; got 'many'"),
        ("report --deals deals.csv --as-of 31.3.2026", "a day is written 2026-03-31"),
        ("report --deals deals.csv --columns Stage=status", "it starts with a table and a colon"),
        ("report --deals deals.csv --columns deal:Stage=status", "there is no table 'deal'. Did you mean 'deals'?"),
        ("report --deals deals.csv --columns leads:Stage=status", "--columns names leads, whose file is not given"),
        ("report --deals deals.csv --values deals:Won=won", "it is written TABLE:FIELD:WORD=VALUE"),
        ("report --deals deals.csv --opening-hours mon=9", "hours are written FROM-TO"),
        ("report --deals deals.csv --every months", "invalid choice: 'months'"),
        (
            "report --deals deals.csv --dealz x",
            "unrecognized arguments: --dealz. Did you mean --deals? See crmkpi report --help.",
        ),
    ],
)
def test_a_command_that_cannot_be_understood_ends_with_2_and_one_sentence(
    run: Run, arguments: str, message: str
) -> None:
    status, out, err = run(*arguments.split())
    assert (status, out) == (2, "")
    assert err.startswith("crmkpi: error: ")
    assert message in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments, message",
    [
        ("--deals nowhere.csv", "nowhere.csv cannot be used: No such file or directory."),
        ("--deals .", ". is none of the files that can be read (.csv, .tsv, .xlsx, .json, .jsonl)"),
        ("--deals deals.ods", "deals.ods is none of the files that can be read"),
        ("--deals empty.csv", "empty.csv is empty"),
        ("--deals deals.csv --period 2026-Q7", "2026-Q7"),
        ("--deals deals.csv --every month", "every='month' splits a period"),
        ("--deals deals.csv --by ownr", "got 'ownr'. Did you mean 'owner'?"),
        ("--deals deals.csv --columns deals:Stage=status", "has no column 'Stage'"),
        ("--deals deals.csv --tz Europe/Berln", "Europe/Berln"),
        ("--deals deals.csv --set margin=1", "None of the metrics has a parameter 'margin'."),
        ("--deals strict.csv --strict", "Line 2 of strict.csv is no Deal"),
        ("--leads leads.csv service", "No KPI of service can be measured with the tables leads alone"),
    ],
)
def test_data_that_cannot_be_used_ends_with_1_and_a_sentence(run: Run, arguments: str, message: str) -> None:
    Path("empty.csv").touch()
    Path("leads.csv").write_text("id\n1\n", encoding="utf-8")
    Path("strict.csv").write_text("id,status\n1,gone\n", encoding="utf-8")
    status, out, err = run("report", *arguments.split())
    assert (status, out) == (1, "")
    assert err.startswith("crmkpi: error: ")
    assert message in err
    assert "Traceback" not in err


def test_ambiguous_dates_are_asked_about_and_the_answer_is_taken(run: Run) -> None:
    Path("dates.csv").write_text("id,status,closed_at\n1,won,03/04/2026\n", encoding="utf-8")
    ask = ("report", "win_rate", "--deals", "dates.csv", "--period", "2026-04", "--format", "json")
    status, _, err = run(*ask)
    assert status == 1
    assert "--day-first or --no-day-first" in err
    assert json.loads(run(*ask, "--day-first")[1])[0]["n"] == 1
    assert json.loads(run(*ask, "--no-day-first")[1])[0]["n"] == 0


def process(*arguments: str, **options: str) -> subprocess.Popen[bytes]:
    source = str(Path(crmkpi.__file__).parents[1])
    return subprocess.Popen(
        [sys.executable, "-m", "crmkpi", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": source, **options},
    )


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    with process("list") as listing:
        assert listing.stdout is not None
        assert listing.stderr is not None
        listing.stdout.close()
        assert listing.stderr.read() == b""
        assert listing.wait() == 0


def test_a_terminal_without_a_character_still_gets_the_report(tmp_path: Path) -> None:
    (tmp_path / "deals.csv").write_text("id,status,owner\n1,won,東京\n2,won,\n", encoding="utf-8")
    with process(
        "report", "win_rate", "--deals", str(tmp_path / "deals.csv"), "--by", "owner", PYTHONIOENCODING="ascii"
    ) as report:
        out, err = report.communicate()
    assert (report.returncode, err) == (0, b"")
    assert b"(none)" in out
    assert out.isascii()


def test_an_error_that_names_an_argument_of_python_says_which_option_it_is(run: Run) -> None:
    Path("thousands.csv").write_text("id;status;amount\n1;won;1.200\n2;won;3.400\n", encoding="utf-8")
    status, _, err = run("report", "revenue", "--deals", "thousands.csv")
    assert (status, err.splitlines()[-1]) == (1, "crmkpi: hint: --decimal , or --decimal . says which it is")
    assert (
        json.loads(run("report", "revenue", "--deals", "thousands.csv", "--decimal", ",", "--format", "json")[1])[0][
            "value"
        ]
        == "4600"
    )
    Path("unknown.csv").write_text("Vorgang;Summe\n1;1.200\n", encoding="utf-8")
    status, _, err = run("check", "unknown.csv")
    assert status == 1
    assert err.splitlines()[-1].startswith("crmkpi: hint: --deals FILE and its like say what a file holds")


@pytest.mark.parametrize(
    ("asked", "hint"),
    [
        (["--period", "last month"], "--as-of DATE, or --as-of today, says which day it is"),
        (["--every", "month"], "--period says it here, such as --period 2026"),
        (["--period", "2025-13"], None),
    ],
)
def test_a_hint_about_a_period_names_the_option_that_helps(run: Run, asked: list[str], hint: str | None) -> None:
    Path("deals.csv").write_text("id,status,closed_at\n1,won,2026-01-05\n", encoding="utf-8")
    status, _, err = run("report", "win_rate", "--deals", "deals.csv", *asked)
    hints = [line.removeprefix("crmkpi: hint: ") for line in err.splitlines() if "hint:" in line]
    assert (status, hints) == (1, [] if hint is None else [hint])


def test_each_line_of_the_help_is_that_of_the_command_which_is_loaded_when_it_is_called() -> None:
    for name, (module, help_) in COMMANDS.items():
        commands = argparse.ArgumentParser().add_subparsers()
        add: Any = getattr(import_module(f"crmkpi.cli.{module}"), f"add_{name.replace('-', '_')}")
        add(commands, *([argparse.ArgumentParser()] if name == "completion" else []))
        assert [(each.dest, each.help) for each in commands._choices_actions] == [(name, help_)]  # noqa: SLF001


def test_the_help_names_all_commands_wherever_it_stands_before_one(run: Run) -> None:
    for asked in ([], ["report"], ["kpi-set"]):
        _, out, _ = run("--help", *asked)
        assert [name for name in COMMANDS if f"\n    {name}" not in out] == []


def test_the_help_loads_no_command() -> None:
    code = "import sys, crmkpi.cli.main as main; main.main(['--help']); print('crmkpi.records' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.endswith("False\n")


def test_a_process_ends_with_all_that_it_had_to_say() -> None:
    with process("report", "win_rate", "--help") as helping:
        out, err = helping.communicate()
        assert (helping.returncode, err) == (0, b"")
        assert out.rstrip().endswith(b"--quiet")
    with process("list", "nothing-of-that-name") as failing:
        out, err = failing.communicate()
        assert failing.returncode == 2
        assert err.endswith(b".\n")
