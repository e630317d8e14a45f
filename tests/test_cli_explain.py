"""crmkpi explain and crmkpi briefing print the output of the functions."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import crmkpi as ck
from crmkpi.cli.main import main

ROWS = [
    f"{month}-{source}-{n},{'won' if n < won else 'lost'},{source},2026-0{month}-10"
    for month, source, won in ((1, "web", 40), (1, "fair", 40), (2, "web", 12), (2, "fair", 41))
    for n in range(100)
]


@pytest.fixture
def deals(tmp_path: Path) -> Path:
    path = tmp_path / "deals.csv"
    path.write_text("\n".join(["id,status,source,closed_at", *ROWS]) + "\n", encoding="utf-8")
    return path


def test_explain_prints_the_parts_and_search_the_part_that_moved(deals: Path, capsys: pytest.CaptureFixture[str]):
    command = ["explain", "win rate", "--deals", str(deals), "--period", "2026-02", "--by", "source"]
    assert main([*command, "--format", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    crm = ck.Dataset(deals=ck.read_csv(deals, record=ck.Deal))
    assert {row["source"]: row["total"] for row in rows} == {
        one.name: one.total for one in crm.explain("win_rate", period="2026-02", by="source").effects
    }
    assert main([*command[:-1], "source,owner", "--search"]) == 0
    assert "look here first: source web" in capsys.readouterr().out


def test_briefing_prints_the_five_lines(deals: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "kpis.toml").write_text('[[kpi]]\nid = "win_rate"\ntarget = { at_least = 0.35 }\n', encoding="utf-8")
    command = ["briefing", "--deals", str(deals), "--period", "2026-02", "--kpis", str(tmp_path / "kpis.toml")]
    assert main(command) == 0
    out = capsys.readouterr().out
    assert "win_rate: source web" in out
    assert "win_rate 2026-02 missed" in out
    assert main([*command, "--format", "html"]) == 0
    assert "What really changed" in capsys.readouterr().out


def test_a_kpi_that_has_no_split_ends_with_1_and_says_which_has(deals: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["explain", "churn_rat", "--deals", str(deals), "--period", "2026-02", "--by", "source"]) != 0
    assert "Did you mean" in capsys.readouterr().err


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_a_table_fits_the_terminal_and_loses_nothing(
    deals: Path, columns: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = deals.read_text(encoding="utf-8")
    deals.write_text(text.replace("web", "a partner who speaks at fairs").replace("fair,", "w" * 50 + ","))
    monkeypatch.setenv("COLUMNS", str(columns))
    for more in ([], ["--search"]):
        assert main(["explain", "win_rate", str(deals), "--period", "2026-02", "--by", "source", *more]) == 0
        out = capsys.readouterr().out
        assert max(map(len, out.splitlines())) <= max(columns, 80)
        assert "…" not in out
    assert "partner who" in out


def test_files_show_their_table_wherever_they_stand(deals: Path, capsys: pytest.CaptureFixture[str]) -> None:
    period = ["--period", "2026-02"]
    assert main(["explain", "win_rate", *period, str(deals), "--by", "source"]) == 0
    assert main(["briefing", *period, str(deals)]) == 0
    assert main(["report", "win_rate", *period, str(deals), "lost_rate"]) == 0
    assert "lost_rate" in capsys.readouterr().out
    assert main(["report", "win_rate", *period, str(deals), "--perod", "2026"]) == 2
    assert "Did you mean --period?" in capsys.readouterr().err
    assert main(["explain", "win_rate", *period, "nothing.csv", "--by", "source"]) == 1
    assert "nothing.csv" in capsys.readouterr().err
