"""crmkpi check: its output and its exit codes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from crmkpi.cli.main import main

CLEAN = "id,status,created_at,closed_at,amount\n1,won,2026-01-05,2026-01-09,100\n2,lost,2026-01-06,2026-01-08,70\n"
FILES = {
    "clean.csv": CLEAN,
    "information.csv": CLEAN + "3,won,2026-01-06,2026-01-07,0\n",
    "warning.csv": CLEAN + "3,won,2026-01-06,,50\n",
    "error.csv": CLEAN + "1,won,2026-01-07,2026-01-09,50\n",
}
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command in a folder with files of deals, and return its exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    for name, text in (FILES | {"unknown.csv": "Vorgang,Summe\n1,2\n"}).items():
        Path(name).write_text(text, encoding="utf-8")

    def call(*arguments: str) -> tuple[int, str, str]:
        status = main(("check", *arguments))
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return call


@pytest.mark.parametrize(
    "level, status, strict_status", [("clean", 0, 0), ("information", 0, 0), ("warning", 0, 1), ("error", 1, 1)]
)
def test_it_ends_with_1_if_there_is_an_error_and_when_strict_also_if_there_is_a_warning(
    run: Run, level: str, status: int, strict_status: int
) -> None:
    ask = ("--deals", f"{level}.csv", "--as-of", "2026-01-31", "--format", "json")
    ended, out, err = run(*ask)
    counts = {name: json.loads(out)[f"{name}_count"] for name in ("error", "warning", "information")}
    assert counts == {"error": 0, "warning": 0, "information": 0} | ({level: 1} if level != "clean" else {})
    assert (ended, err) == (status, "")
    assert run(*ask, "--strict")[0] == strict_status


def test_the_report_comes_as_text_json_and_html(run: Run) -> None:
    assert run("--deals", "error.csv")[1].startswith("Data quality: 1 error\n")
    assert json.loads(run("--deals", "error.csv", "--format", "json")[1])["error_count"] == 1
    html = run("--deals", "error.csv", "--format", "html")[1]
    assert html.startswith("<!DOCTYPE html>")
    assert "<title>Data quality: 1 error</title>" in html


def test_the_day_the_zone_and_the_firms_first_day_are_taken(run: Run) -> None:
    ask = ("--deals", "clean.csv", "--format", "json")
    findings = json.loads(run(*ask, "--as-of", "2026-01-08")[1])["findings"]
    assert [(one["code"], one["count"]) for one in findings] == [("future_dates", 1)]
    findings = json.loads(run(*ask, "--founded", "2026-01-06")[1])["findings"]
    assert [(one["code"], one["count"]) for one in findings] == [("dates_too_early", 1)]


def test_only_the_kpis_that_are_asked_for_are_named(run: Run) -> None:
    ask = ("--deals", "error.csv", "--kpi", "close rate", "--kpi", "revenue", "--format", "json")
    (finding,) = json.loads(run(*ask)[1])["findings"]
    assert finding["impacts"] == [{"does": "left out of", "metrics": ["win_rate", "revenue"]}]


def test_rates_are_taken_so_that_two_currencies_are_no_fault(run: Run) -> None:
    Path("two.csv").write_text(
        "id,status,created_at,closed_at,amount,currency\n1,won,2026-01-05,2026-01-09,100,EUR\n"
        "2,lost,2026-01-06,2026-01-08,70,USD\n",
        encoding="utf-8",
    )
    assert run("--deals", "two.csv")[0] == 1
    assert run("--deals", "two.csv", "--currency", "EUR", "--rate", "USD=0.9")[0] == 0


def test_columns_and_words_are_told_as_for_a_report(run: Run) -> None:
    Path("own.csv").write_text("Nr,Stage\n1,Signed up\n2,Walked off\n", encoding="utf-8")
    told = ["--columns", "deals:Nr=id", "--columns", "deals:Stage=status"]
    status, out, _ = run("--deals", "own.csv", *told)
    assert status == 1
    assert "status 'Signed up' is unknown" in out
    words = ["--values", "deals:status:Signed up=won", "--values", "deals:status:Walked off=lost"]
    assert run("--deals", "own.csv", *told, *words)[0] == 0


PIPEDRIVE = """\
Deal - ID,Deal - Title,Deal - Status,Deal - Value,Deal - Deal created,Deal - Won time,Deal - Lost time
1,A,Won,100,2026-01-05 08:00:00,2026-01-09 08:00:00,
2,B,Lost,100,2026-01-06 08:00:00,,2026-01-09 08:00:00
3,C,Deleted,100,2026-01-06 08:00:00,,
"""


def test_an_export_is_recognised_by_its_headers_and_the_account_says_as_what(run: Run) -> None:
    Path("export.csv").write_text(PIPEDRIVE, encoding="utf-8")
    status, out, _ = run("export.csv", "--format", "json")
    account = json.loads(out)["tables"]["deals"]
    assert (status, account["preset"], account["recognised"]["preset"]) == (0, "pipedrive_deal", "pipedrive_deal")
    assert (account["rows"], account["used"], account["skipped"]) == (3, 2, {"deleted": 1})
    out = run("export.csv")[1]
    assert "deals: read as pipedrive_deal, recognised with 100.0 %\n" in out
    assert "deals: 1 skipped: deleted\n" in out


def test_words_can_be_told_for_a_recognised_export_too(run: Run) -> None:
    Path("export.csv").write_text(PIPEDRIVE.replace("A,Won", "A,Signed"), encoding="utf-8")
    assert "status 'Signed' is unknown" in run("export.csv")[1]
    assert run("export.csv", "--values", "deals:status:Signed=won", "--strict")[0] == 0


def test_a_preset_can_be_named(run: Run) -> None:
    Path("export.csv").write_text(PIPEDRIVE, encoding="utf-8")
    _, out, _ = run("--deals", "export.csv", "--preset", "deals=pipedrive_deal", "--format", "json")
    account = json.loads(out)["tables"]["deals"]
    assert (account["preset"], account["recognised"], account["used"]) == ("pipedrive_deal", None, 2)


def test_two_files_of_one_table_are_refused(run: Run) -> None:
    Path("export.csv").write_text(PIPEDRIVE, encoding="utf-8")
    status, out, err = run("export.csv", "--deals", "clean.csv")
    assert (status, out) == (2, "")
    assert (
        "export.csv holds deals, and so does clean.csv of another system; merge them, or measure them one at a time."
        in err
    )


@pytest.mark.parametrize(
    "arguments, status, message",
    [
        (
            "",
            2,
            "there is no file to read; give at least one, such as --deals deals.csv. See crmkpi check --help.",
        ),
        ("--deals clean.csv --format csv", 2, "invalid choice: 'csv'"),
        ("--deals clean.csv --kpi win_rte", 2, "There is no KPI 'win_rte'. Did you mean 'win_rate'?"),
        (
            "--deals clean.csv --preset deals=pipedrive",
            1,
            "There is no preset 'pipedrive', which has one for each kind of record: pipedrive_deal, pipedrive_lead",
        ),
        ("--deals clean.csv --preset leads=pipedrive_lead", 2, "--preset names leads, whose file is not given"),
        ("unknown.csv", 1, "unknown.csv shows no system clearly"),
        ("--deals clean.csv --founded 2015", 2, "a day is written 2026-03-31"),
        ("--deals nowhere.csv", 1, "nowhere.csv cannot be used: No such file or directory."),
        ("--deals clean.csv --tz Europe/Berln", 1, "Europe/Berln"),
    ],
)
def test_what_cannot_be_understood_or_used_ends_with_a_sentence(
    run: Run, arguments: str, status: int, message: str
) -> None:
    ended, out, err = run(*arguments.split())
    assert (ended, out) == (status, "")
    assert err.startswith("crmkpi: error: ")
    assert message in err
