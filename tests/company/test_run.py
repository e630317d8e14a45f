"""A nightly run: the reports of a company file as cron runs them, and every exit code of docs/command-line.md."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import openpyxl
import pytest
from tests.company.conftest import COMPANY, Run

from crmkpi.company.outputs import write_all
from crmkpi.display.saving import REPORT_SUFFIXES
from crmkpi.errors import InputError
from crmkpi.insight.alerts import AlertState, WatchState, held

ROOT = Path(__file__).parents[2]
REPORTS = """
[[kpi_set]]
name = "Sales"
[[kpi_set.kpi]]
id = "win_rate"
target = { at_least = 0.9 }
owner = "Ada"
[[kpi_set.kpi]]
id = "lost_deals"
[[kpi_set.kpi.alert]]
when = "above"
value = 0
severity = "critical"

[[report]]
name = "table"
kpis = ["win_rate", "revenue"]
period = "2026-Q1"
by = ["owner"]
outputs = ["out/table.txt", "out/table.json", "out/table.csv", "out/table.md", "out/table.html", "out/table.xlsx"]

[[report]]
name = "ada"
kpis = ["revenue"]
period = "2026-Q1"
where = { owner = "Ada" }
outputs = ["out/ada.json"]

[[report]]
name = "targets"
kpi_set = "Sales"
period = "2026-02"
outputs = ["out/targets.md"]
state = "state.json"

[[kpi_set]]
name = "Team"
[[kpi_set.kpi]]
id = "win_rate"
by = "owner"
target = { at_least = 0.6 }

[[report]]
name = "missed"
kpi_set = "Team"
period = "2026-Q1"
outputs = ["out/missed.md"]

[[report]]
name = "alert"
kpi_set = "Sales"
period = "2026-01"
outputs = ["out/alert.md"]
state = "alert.json"
"""


@pytest.fixture
def company(folder: Path) -> Path:
    """A company file with reports."""
    (folder / "crmkpi.toml").write_text(COMPANY + REPORTS, encoding="utf-8")
    return folder


def test_a_report_is_written_in_every_format_from_one_reading(run: Run, company: Path) -> None:
    status, out, err = run("run", "table")
    assert (status, out) == (0, "")
    assert [line.rpartition("/")[2] for line in err.splitlines()] == [f"table{suffix}" for suffix in REPORT_SUFFIXES]
    rows = json.loads((company / "out" / "table.json").read_text(encoding="utf-8"))
    assert {(row["metric"], row["owner"]): row["value"] for row in rows} == {
        ("win_rate", "Ada"): 0.5,
        ("win_rate", "Bo"): 1.0,
        ("revenue", "Ada"): "1200.50",
        ("revenue", "Bo"): "99.50",
    }
    as_csv = csv.DictReader(io.StringIO((company / "out" / "table.csv").read_text(encoding="utf-8")))
    assert [row["value"] for row in as_csv] == [str(row["value"]) for row in rows]
    sheet = openpyxl.load_workbook(company / "out" / "table.xlsx")["Sales"]
    assert [sheet.cell(line, 5).value for line in range(2, 6)] == [0.5, 1, 1200.5, 99.5]
    for suffix in (".txt", ".md", ".html"):
        assert "1,200.50 EUR" in (company / "out" / f"table{suffix}").read_text(encoding="utf-8")


def test_where_keeps_one_segment(run: Run, company: Path) -> None:
    assert run("run", "ada")[0] == 0
    (row,) = json.loads((company / "out" / "ada.json").read_text(encoding="utf-8"))
    assert (row["value"], row["used"]) == ("1200.50", 1)


def test_all_reports_are_run_when_none_is_named(run: Run, company: Path) -> None:
    status, _, err = run("run", "--quiet")
    assert status == 3
    assert sorted(path.name for path in (company / "out").iterdir()) == sorted(
        ["ada.json", "alert.md", "missed.md", "targets.md", *(f"table{suffix}" for suffix in REPORT_SUFFIXES)]
    )
    assert err.splitlines() == [
        "crmkpi: critical alert fires: lost_deals 1, above 0, since 2026-01",
        "crmkpi: target missed: win_rate Ada 50.0 %, at least 60.0 %",
        "crmkpi: target missed: win_rate 50.0 %, at least 90.0 %",
    ]


def test_an_alert_keeps_its_memory_beside_the_outputs(run: Run, company: Path) -> None:
    assert run("run", "alert", "--quiet")[0] == 3
    assert json.loads((company / "alert.json").read_text(encoding="utf-8"))["version"] == 1


EXITS = [
    ("run table", None, 0),
    ("run table", ("exports/deals*.csv", "exports/leads*.csv"), 1),
    ("run tabel", None, 2),
    ("run", ("currency", "curency"), 2),
    ("run alert", None, 3),
    ("run targets", None, 0),
    ("run targets", ('Gewonnen = "won"', 'Gewonnen = "lost"'), 3),
    ("run missed", None, 4),
    ("check own.csv", None, 0),
    ("check twice.csv", None, 1),
    ("check undated.csv --as-of 2026-03-31", None, 0),
    ("check undated.csv --as-of 2026-03-31 --strict", None, 1),
    ("report win_rate nothing.csv", None, 1),
    ("report win_rate own.csv -o own.csv/out.md", None, 1),
    ("report win_rat own.csv", None, 2),
    ("watch alerts.toml --deals own.csv --period 2026-01", None, 0),
    ("watch alerts.toml --deals own.csv --period 2026-01 --strict", None, 3),
    ("watch critical.toml --deals own.csv --period 2026-01", None, 3),
]
OWN = "id,status,closed_at\n1,won,2026-01-05\n2,lost,2026-01-09\n"
ALERT = '[[kpi]]\nid = "lost_deals"\n[[kpi.alert]]\nwhen = "above"\nvalue = 0\nseverity = "{}"\n'


@pytest.mark.parametrize("command, change, status", EXITS)
def test_the_command_ends_as_the_page_says(
    run: Run, company: Path, command: str, change: tuple[str, str] | None, status: int
) -> None:
    (company / "own.csv").write_text(OWN, encoding="utf-8")
    (company / "twice.csv").write_text(OWN + "1,won,2026-01-06\n", encoding="utf-8")
    (company / "undated.csv").write_text(OWN + "3,won,\n", encoding="utf-8")
    (company / "alerts.toml").write_text(ALERT.format("warning"), encoding="utf-8")
    (company / "critical.toml").write_text(ALERT.format("critical"), encoding="utf-8")
    if change is not None:
        text = (company / "crmkpi.toml").read_text(encoding="utf-8")
        assert change[0] in text
        (company / "crmkpi.toml").write_text(text.replace(*change), encoding="utf-8")
    assert run(*command.split())[0] == status


def test_the_page_has_the_exit_codes_that_the_tests_reach() -> None:
    page = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
    codes = re.findall(r"^\| (\d) \|", page.partition("## Exit codes")[2], re.MULTILINE)
    assert codes == ["0", "1", "2", "3", "4"]
    assert {int(code) for code in codes} == {status for *_, status in EXITS}


def test_processes_that_share_a_state_wait_for_each_other(tmp_path: Path) -> None:
    file = tmp_path / "alerts.json"

    def night(number: int) -> None:
        with held(file):
            known = WatchState.read(file).states
            WatchState({**known, str(number): AlertState("firing", 1, 0, "2026-01", "2026-01")}).write(file)

    with ThreadPoolExecutor(8) as nights:
        list(nights.map(night, range(40)))
    assert sorted(map(int, WatchState.read(file).states)) == list(range(40))
    with (
        pytest.raises(InputError, match=r"none/alerts\.json cannot be written: No such file or directory\."),
        held(tmp_path / "none" / "alerts.json"),
    ):
        pass


class Windows:
    """A fake of Windows' file locks: one process at a time locks a byte of a file."""

    LK_NBLCK = 2

    def __init__(self) -> None:
        self.locked: set[int] = set()

    def locking(self, number: int, mode: int, many: int) -> None:
        assert (mode, many) == (self.LK_NBLCK, 1)
        if (inode := os.fstat(number).st_ino) in self.locked:
            raise PermissionError(13, "Permission denied")
        self.locked.add(inode)


@pytest.mark.parametrize("windows", [False, True])
def test_a_state_that_another_run_keeps_is_an_error_after_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, windows: bool
) -> None:
    file = tmp_path / "alerts.json"
    if windows:
        monkeypatch.setitem(sys.modules, "msvcrt", Windows())
        monkeypatch.setattr("crmkpi.insight.alerts.sys.platform", "win32")
    told = (
        f"{file} is locked by another run, which has not released .alerts.json.lock for 0.1 seconds; wait until that "
        "run ends, or end it, and run this again."
    )
    with held(file), pytest.raises(InputError, match=f"^{re.escape(told)}$"), held(file, wait=0.1):
        pass
    if not windows:  # on systems that release closed files
        with held(file, wait=0):
            WatchState().write(file)


@pytest.mark.slow
def test_a_night_of_cron(company: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No terminal, another folder, LANG=C, read-only exports; then a failing export."""
    text = (company / "crmkpi.toml").read_text(encoding="utf-8")
    outside = tmp_path_factory.mktemp("outputs")
    text = text.replace('"out/', f'"{outside}/').replace('state = "', f'state = "{outside}/')
    (company / "crmkpi.toml").write_text(text.replace("Muster GmbH", "Müßter GmbH"), encoding="utf-8")
    (company / "exports").chmod(0o555)
    company.chmod(0o555)
    environment = {"PATH": "/usr/bin:/bin", "LANG": "C", "HOME": "/", "PYTHONPATH": str(ROOT / "src")}

    def night() -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "crmkpi", "run", "-c", str(company / "crmkpi.toml"), "--quiet"]
        return subprocess.run(
            command, cwd="/", env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )

    first = night()
    assert (first.returncode, first.stdout) == (3, "")
    assert "critical alert fires: lost_deals 1, above 0, since 2026-01" in first.stderr
    assert "target missed: win_rate 50.0 %, at least 90.0 %" in first.stderr
    assert "Müßter GmbH" in (outside / "table.md").read_text(encoding="utf-8")
    kept = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in outside.iterdir()}
    company.chmod(0o755)
    (company / "exports").chmod(0o755)
    (company / "exports" / "deals_jan.csv").write_text("<html>login</html>\n<p>;;</p>\n", encoding="utf-8")
    failed = night()
    assert (failed.returncode, failed.stdout) == (1, "")
    assert failed.stderr.startswith("crmkpi: error: tables.deals: ")
    assert {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in outside.iterdir()} == kept


def test_a_file_of_which_most_rows_are_no_records_leaves_yesterday_as_it_was(run: Run, company: Path) -> None:
    assert run("run", "table")[0] == 0
    before = (company / "out" / "table.md").read_bytes()
    rows = "\n".join(f";;Ada;{n},00;05.01.2026" for n in range(9))
    text = f"Verkaufschance-Nr;Phase;Betrieb;Betrag;Abschluss\n{rows}\n1;Gewonnen;Ada;1,00;05.01.2026\n"
    (company / "exports" / "deals_jan.csv").write_text(text, encoding="utf-8")
    status, _, err = run("run", "table", "--quiet")
    assert (status, "9 of 10 rows of deals_jan.csv are no deals; is it the right file?" in err) == (1, True)
    assert (company / "out" / "table.md").read_bytes() == before


def test_all_outputs_are_written_or_none(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("yesterday", encoding="utf-8")
    (tmp_path / "folder.md").mkdir()
    with pytest.raises(InputError, match=r"folder\.md cannot be written: it is a folder; nothing was changed\."):
        write_all({tmp_path / "a.md": b"today", tmp_path / "folder.md": b"today"})
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(InputError, match="cannot be written: "):
        write_all({tmp_path / "a.md": b"today", tmp_path / "file" / "b.md": b"today"})
    assert (tmp_path / "a.md").read_text(encoding="utf-8") == "yesterday"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.md", "file", "folder.md"]


@pytest.mark.parametrize(
    "line, message, status",
    [
        ('outputs = ["out.docx"]', "The suffix of an output says its format; got 'out.docx'. Known: '.csv'", 1),
        ('outputs = ["a.md"]\nkpis = ["win_rte"]', "There is no KPI 'win_rte'. Did you mean 'win_rate'?", 1),
        ('outputs = ["a.md"]\nsort = "valu"', "Results cannot be sorted by 'valu'. Did you mean", 1),
        ('outputs = ["a.md"]\nby = ["ownr"]', "ownr", 1),
        ('outputs = ["a.md"]\nwhere = { owner = "Adda" }', "No record has 'Adda' as its owner. Did you mean 'Ada'?", 1),
        ('outputs = ["a.md"]\nkpi_set = "Sales"', 'needs a period for its targets; add period = "last month".', 1),
        ('outputs = ["a.md"]\nperiod = "2026-13"', "2026-13", 1),
    ],
)
def test_a_report_that_cannot_be_made_is_one_sentence(
    run: Run, company: Path, line: str, message: str, status: int
) -> None:
    text = (company / "crmkpi.toml").read_text(encoding="utf-8")
    (company / "crmkpi.toml").write_text(f'{text}\n[[report]]\nname = "wrong"\n{line}\n', encoding="utf-8")
    ended, out, err = run("run", "wrong", "--quiet")
    assert (ended, out) == (status, "")
    assert message in err.splitlines()[0]
    assert not (company / "out").exists()


PAGE = """
[[report]]
name = "page"
show = "page"
kpi_set = "Sales"
period = "2026-02"
outputs = ["out/page.html", "out/page.md", "out/page.xlsx"]
"""


def test_a_page_is_a_report_like_others(run: Run, company: Path) -> None:
    text = (company / "crmkpi.toml").read_text(encoding="utf-8")
    (company / "crmkpi.toml").write_text(text + PAGE, encoding="utf-8")
    assert run("run", "page", "--quiet")[0] == 0
    html = (company / "out" / "page.html").read_text(encoding="utf-8")
    assert "<title>Muster GmbH: 2026-02 against 2026-01, data until 2026-03-31</title>" in html
    assert (company / "out" / "page.md").read_text(encoding="utf-8").startswith("# Muster GmbH: 2026-02")
    assert "Sales" in openpyxl.load_workbook(company / "out" / "page.xlsx").sheetnames


@pytest.mark.parametrize(
    "old, new, message",
    [
        ("page.md", "page.csv", "The suffix of an output says its format; got 'out/page.csv'. Known: '.html', '.md'"),
        ('kpi_set = "Sales"\nperiod = "2026-02"', "", "The page 'page' is of one period; add period"),
        ('period = "2026-02"', 'period = "2026-02"\nevery = "week"', "every applies to tables; drop it from 'page'."),
        ('kpi_set = "Sales"', 'role = "boss"', "There is no role 'boss'"),
    ],
)
def test_a_page_that_cannot_be_made_is_one_sentence(run: Run, company: Path, old: str, new: str, message: str) -> None:
    assert old in PAGE
    text = (company / "crmkpi.toml").read_text(encoding="utf-8")
    (company / "crmkpi.toml").write_text(text + PAGE.replace(old, new), encoding="utf-8")
    status, _, err = run("run", "page", "--quiet")
    assert (status, message in err) == (1, True), err


def test_the_day_can_be_said_on_the_command_line(run: Run, company: Path) -> None:
    text = (company / "crmkpi.toml").read_text(encoding="utf-8")
    last = '[[report]]\nname = "last"\nkpis = ["won_deals"]\nperiod = "last month"\noutputs = ["last.json"]\n'
    (company / "crmkpi.toml").write_text(f"{text}\n{last}", encoding="utf-8")
    for day, value in (("2026-02-15", 1), ("2026-03-15", 1), ("2026-04-15", 0)):
        assert run("run", "last", "--as-of", day)[0] == 0
        assert json.loads((company / "last.json").read_text(encoding="utf-8"))[0]["value"] == value


def test_a_report_of_a_time_after_the_exports_says_so(run: Run, company: Path) -> None:
    text = (company / "crmkpi.toml").read_text(encoding="utf-8")
    late = '[[report]]\nname = "late"\nkpis = ["won_deals", "revenue"]\nperiod = "2026-03"\noutputs = ["late.md"]\n'
    (company / "crmkpi.toml").write_text(f"{text}\n{late}", encoding="utf-8")
    status, _, err = run("run", "late")
    told = "no record of deals counts in this time; are the exports of that time?"
    assert (status, told in err) == (0, True)
    assert told in (company / "late.md").read_text(encoding="utf-8")
    page = '[[report]]\nname = "page"\nshow = "page"\nperiod = "2026-03"\noutputs = ["page.html", "page.md"]\n'
    (company / "crmkpi.toml").write_text(f"{text}\n{page}", encoding="utf-8")
    status, _, err = run("run", "page")
    assert (status, told in err) == (0, True)
    for name in ("page.html", "page.md"):  # in the briefing, and among the gaps of the data
        assert (company / name).read_text(encoding="utf-8").count(told) == 2
    assert run("run", "table")[0] == 0
    assert "are the exports" not in (company / "out" / "table.md").read_text(encoding="utf-8")


def test_the_command_report_says_that_no_record_is_of_its_time(run: Run, tmp_path: Path) -> None:
    deals = tmp_path / "deals.csv"
    deals.write_text("id,status,closed_at\n1,won,2026-01-05\n2,lost,2026-01-07\n", encoding="utf-8")
    told = "no record of deals counts in this time; are the exports of that time?"
    for period, times in (("2026-03", 1), ("2026-01", 0)):
        files = ("won_deals", "--deals", str(deals), "--period", period)
        assert run("report", *files)[2].count(told) == times
        run("report", *files, "-o", "kept.md")
        assert Path("kept.md").read_text(encoding="utf-8").count(told) == times


def test_a_night_that_measures_nothing_is_no_good_night(run: Run, folder: Path) -> None:
    file = folder / "crmkpi.toml"
    report = '\n[[report]]\nname = "month"\nperiod = "2026-01"\noutputs = ["month.md"]\n'
    file.write_text(file.read_text("utf-8").replace("Verloren =", "Verlore =") + report, encoding="utf-8")
    status, _, err = run("run", "--quiet")
    assert status == 1
    assert err.startswith("crmkpi: error: win_rate, lost_rate")
    assert err.endswith("no value, for fields that cannot be read; see the reports\n")
    file.write_text(file.read_text("utf-8").replace("Verlore =", "Verloren =") + 'state = "a.json"\n', encoding="utf-8")
    status, _, err = run("run", "--quiet")
    assert (status, "'month' keeps a state of alerts, and names no kpi_set" in err) == (1, True)


def test_a_hint_names_what_the_command_has(run: Run, folder: Path) -> None:
    (folder / "deals.csv").write_text("id,status,closed_at\n1,won,03/04/2026\n", encoding="utf-8")
    (folder / "n.toml").write_text(
        '[tables.deals]\nfiles = "deals.csv"\n[[report]]\nname = "m"\nperiod = "2026"\noutputs = ["m.md"]\n', "utf-8"
    )
    status, _, err = run("run", "-c", "n.toml")
    assert status == 1
    assert "hint: the company file has keys of these names, such as day_first = true" in err
    assert "--day-first" not in err
    assert "hint: --day-first or --no-day-first" in run("report", "win_rate", "deals.csv", "--period", "2026")[2]
