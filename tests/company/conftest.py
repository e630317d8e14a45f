"""A small company: a folder with exports and their company file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from crmkpi.cli.main import main

DEALS = """\
Verkaufschance-Nr;Phase;Betrieb;Betrag;Abschluss
1;Gewonnen;Ada;1.200,50;05.01.2026
2;Verloren;Ada;300,00;07.01.2026
3;Gewonnen;Bo;99,50;09.02.2026
4;Offen;Bo;10,00;
"""
COMPANY = """\
name = "Muster GmbH"
currency = "EUR"
as_of = 2026-03-31

[calendar]
tz = "Europe/Berlin"
opening_hours = { "mon-fri" = ["09:00", "17:00"], "sat" = [["09:00", "12:00"], ["13:00", "14:00"]] }
holidays = [2026-01-01]

[tables.deals]
files = "exports/deals*.csv"
encoding = "cp1252"
decimal = ","
date_format = "%d.%m.%Y"
values.status = { Gewonnen = "won", Verloren = "lost", Offen = "open" }

[tables.deals.columns]
"Verkaufschance-Nr" = "id"
"Phase" = "status"
"Betrieb" = "owner"
"Betrag" = "amount"
"Abschluss" = "closed_at"
"""
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of the company."""
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports" / "deals_jan.csv").write_text(DEALS, encoding="cp1252")
    (tmp_path / "crmkpi.toml").write_text(COMPANY, encoding="utf-8")
    return tmp_path


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], folder: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command in that folder, and return its exit code, stdout and stderr."""
    monkeypatch.chdir(folder)

    def call(*arguments: str) -> tuple[int, str, str]:
        status = main(arguments)
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return call
