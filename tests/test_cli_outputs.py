"""The command line: files without an option, filters, order, outputs, colour, completion and examples of the help."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest

from crmkpi import catalogue
from crmkpi.cli.main import main
from crmkpi.cli.report import _FORMATS
from crmkpi.display.definitions import definition_row
from crmkpi.display.explanation import facts

DEALS = "id,status,owner,source,amount,closed_at\n" + "".join(
    f"{n},{'won' if n % 5 else 'lost'},{('Ada', 'Bo')[n % 2]},web,{n * (1 + n % 2)},2026-0{1 + n // 60}-0{1 + n % 9}\n"
    for n in range(120)
)
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


def test_a_file_without_an_option_is_the_table_that_its_headers_show(run: Run) -> None:
    asked = run("report", "win_rate", "deals.csv", "--format", "json")
    assert asked == run("report", "win_rate", "--deals", "deals.csv", "--format", "json")
    Path("more.csv").write_text(DEALS.replace("\n", "\nx"), encoding="utf-8")
    both = json.loads(run("report", "deals.csv", "win_rate", "more.csv", "--format", "json")[1])
    assert both[0]["given"] == 2 * json.loads(asked[1])[0]["given"] + 1  # the last x is a row of its own


def test_a_name_that_is_neither_a_kpi_nor_a_file_says_what_was_near(run: Run) -> None:
    status, out, err = run("report", "win_rte", "--deals", "deals.csv")
    assert (status, out, "Did you mean 'win_rate'?" in err) == (2, "", True)
    assert run("report", "win_rate", "deal.csv") == (
        1, "", "crmkpi: error: deal.csv cannot be used: No such file or directory.\n"
    )  # fmt: skip


def test_where_keeps_the_records_of_a_segment_with_verdicts_of_their_own(run: Run) -> None:
    question = ("report", "win_rate", "deals.csv", "--period", "2026-02", "--compare", "previous", "--format", "json")
    by = {row["owner"]: row for row in json.loads(run(*question, "--by", "owner")[1])}
    (ada,) = json.loads(run(*question, "--where", "owner=Ada")[1])
    assert {name: ada[name] for name in ("value", "n", "change", "p_value")} == {
        name: by["Ada"][name] for name in ("value", "n", "change", "p_value")
    }
    assert (by["Ada"]["comparisons"], ada["comparisons"]) == (2, 1)
    status, _, err = run(*question, "--where", "owner=Adda")
    assert (status, err) == (1, "crmkpi: error: No record has 'Adda' as its owner. Did you mean 'Ada'?\n")
    assert run(*question, "--where", "owner")[0] == 2
    status, out, _ = run("report", "win_rate", "deals.csv", "--where", "owner=Ada", "--where", "source=web")
    assert (status, out.splitlines()[0]) == (0, "all data, owner Ada, source web")


@pytest.mark.parametrize(
    "sort, owners", [("value", ["Ada", "Bo"]), ("-value", ["Bo", "Ada"]), ("-name", ["Bo", "Ada"])]
)
def test_rows_are_sorted_as_asked(run: Run, sort: str, owners: list[str]) -> None:
    rows = json.loads(run("report", "revenue", "deals.csv", "--by", "owner", f"--sort={sort}", "--format", "json")[1])
    assert [row["owner"] for row in rows] == owners


def test_outputs_are_written_by_suffix_from_one_reading_and_nothing_is_printed(run: Run) -> None:
    outputs = [f"out{suffix}" for suffix in (".txt", ".json", ".csv", ".md", ".html", ".xlsx")]
    status, out, err = run("report", "win_rate", "deals.csv", *(word for name in outputs for word in ("-o", name)))
    assert (status, out, err) == (0, "", "")
    for name, form in (("out.json", "json"), ("out.csv", "csv"), ("out.md", "markdown"), ("out.html", "html")):
        assert Path(name).read_text(encoding="utf-8") == run("report", "win_rate", "deals.csv", "--format", form)[1]
    assert openpyxl.load_workbook("out.xlsx").sheetnames == ["Sales", "Notes"]
    status, _, err = run("report", "win_rate", "deals.csv", "-o", "out.docx")
    assert (status, "The suffix of an output says its format; got 'out.docx'." in err) == (2, True)
    assert set(_FORMATS) == {"table", "json", "csv", "markdown", "html"}


def test_quiet_leaves_out_messages_and_not_errors(run: Run) -> None:
    Path("deals.csv").write_text(DEALS.replace(",won,", ",gone,", 1), encoding="utf-8")
    assert "status cannot be read" in run("report", "won_deals", "deals.csv")[2]
    assert run("report", "won_deals", "deals.csv", "--quiet")[2] == ""
    assert "error: " in run("report", "won_deals", "nowhere.csv", "--quiet")[2]


def test_a_terminal_shows_changes_in_colour_and_a_pipe_or_no_color_does_not(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    question = ("report", "revenue", "deals.csv", "--period", "2026-02", "--compare", "previous")
    assert "\x1b" not in run(*question)[1]
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    shown = run(*question)[1]
    assert "\x1b[32m" in shown
    assert "better\x1b[0m" in shown
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in run(*question)[1]


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_completion_knows_commands_and_options(run: Run, shell: str) -> None:
    status, out, _ = run("completion", shell)
    assert status == 0
    for word in ("report", "check", "init", "run", "where", "output"):
        assert word in out
    assert run("completion", "cmd")[0] == 2


COMMANDS = ("", "report", "run", "init", "check")


@pytest.mark.parametrize("command", COMMANDS)
def test_the_examples_of_the_help_are_commands(run: Run, command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Examples that read existing files run, and print only data."""
    status, out, _ = run(*command.split(), "--help")
    assert status == 0
    examples = out.partition("examples:\n")[2].strip().splitlines()
    assert examples
    for example in examples:
        program, *words = shlex.split(example)
        assert program == "crmkpi"
        if words[0] in ("report", "check", "show") and all(Path(w).exists() for w in words if w.endswith(".csv")):
            assert main(words) in (0, 1), example
            assert capsys.readouterr().err == "", example


@pytest.mark.parametrize("name", [metric.id for metric in catalogue.everything()])
def test_the_definition_as_json_loses_nothing_of_the_page(name: str) -> None:
    metric = catalogue.find(name)
    row = json.loads(json.dumps(definition_row(metric)))
    told = json.dumps(row, ensure_ascii=False)
    known = facts(metric)
    for fact in ("at", "left out", "also called", "default", "shown by", "sources"):
        for entry in known[fact]:
            assert json.dumps(entry.replace("`", "") if fact == "at" else entry, ensure_ascii=False)[1:-1] in told
    assert {part: one["code"] for part, one in row["measures"].items()} == {
        part: repr(measure) for part, measure in metric.measures.items()
    }
    assert set(row["leave_out"]) == set(metric.leave_out)
    assert set(row["variants"]) == {variant.id for variant in metric.variants.values()}


def test_show_gives_the_definition_as_json(run: Run) -> None:
    status, out, _ = run("show", "win_rate", "--json")
    assert (status, json.loads(out)) == (0, definition_row(catalogue.find("win_rate")))
