"""How the command reads the exports of systems, and its progress messages."""

from __future__ import annotations

from pathlib import Path

import pytest

from crmkpi.cli import files
from crmkpi.cli.main import main

FILES = Path(__file__).parent / "presets" / "files"


@pytest.mark.parametrize("preset", ["hubspot_deal", "auto"])
def test_an_export_is_read_by_its_preset_or_by_the_one_that_is_found_out(preset, capsys):
    file = str(FILES / "hubspot_deal.csv")
    told = ["--preset", f"deals={preset}", "--values", "deals:status:Signed=won"]
    assert main(["report", "win_rate", "--deals", file, *told]) == 0
    output, messages = capsys.readouterr()
    assert "100.0 %" in output
    assert "1 skipped: merged into another record" in messages
    assert ("read as hubspot_deal" in messages) == (preset == "auto")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("deal=auto", "there is no table 'deal'. Did you mean 'deals'?"),
        ("deals", "an equals sign stands between a TABLE, and the name of a PRESET"),
        ("leads=auto", "--preset names leads, whose file is not given"),
    ],
)
def test_a_preset_that_cannot_be_understood_ends_with_2_and_a_sentence(given, message, capsys):
    assert main(["report", "win_rate", "--deals", "deals.csv", "--preset", given]) == 2
    assert message in capsys.readouterr().err


def test_progress_is_shown_for_long_files_and_only_while_they_are_read(capsys, monkeypatch):
    moments = iter([0.0, 0.5, 1.5, 1.6, 1.7])
    monkeypatch.setattr(files, "monotonic", lambda: next(moments))
    parts = [object()] * 3
    assert list(files.progress("deals.csv", parts)) == parts
    assert capsys.readouterr().err == "\rcrmkpi: deals.csv: 2 rows\n"


def test_progress_of_a_short_file_is_not_shown(capsys):
    assert list(files.progress("deals.csv", [object()])) != []
    assert capsys.readouterr().err == ""
