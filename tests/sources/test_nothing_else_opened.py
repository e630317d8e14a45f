"""Reading opens only the given file: no other file, no network, no program."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

CELLS = ["http://localhost:9/stolen", "file:///etc/passwd", "=WEBSERVICE(http://localhost:9/stolen)", "../secret.csv"]

# An audit hook cannot be taken off again, so that each look happens in a Python of its own. What Python, its packages
# and the data of time zones consist of may be read; everything else is told.
WATCHED = """
import mimetypes, sys, sysconfig, zoneinfo
from pathlib import Path

path = Path(sys.argv[1])
own = {Path(sys.prefix), Path(sys.base_prefix), *map(Path, sys.path[1:]), *map(Path, zoneinfo.TZPATH)}
own |= set(map(Path, mimetypes.knownfiles))  # which openpyxl lets the standard library read
own |= {Path(each) for each in sysconfig.get_paths().values()}
own = {each.resolve() for each in own if each.is_absolute()}
OTHERS = ("socket.", "subprocess.", "os.exec", "os.fork", "os.posix_spawn", "os.system", "urllib.", "ftplib.")
told = []

def hook(event, given):
    if event == "open" and not isinstance(given[0], int) and given[0] is not None:
        opened = Path(str(given[0])).resolve()
        writes = isinstance(given[1], str) and bool(set(given[1]) & set("wax+"))
        if writes or not any(opened.is_relative_to(each) for each in own):
            told.append(("written " if writes else "opened ") + str(opened))
    elif event.startswith(OTHERS):
        told.append(event)

sys.addaudithook(hook)
"""


def told(code: str, path: Path) -> list[str]:
    """The files that the code opened, except Python's own."""
    ending = "\nprint(*told, sep='\\n')"
    run = subprocess.run(
        [sys.executable, "-B", "-c", WATCHED + code + ending, str(path)],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
        cwd=path.parent,
    )
    return list(dict.fromkeys(run.stdout.split("\n")[:-1]))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Files whose cells refer to other locations, next to an unrelated file."""
    rows = [[f"{number}", cell, "won", "2026-01-05", cell] for number, cell in enumerate(CELLS)]
    headers = ["id", "name", "status", "closed_at", "http://localhost:9/header"]
    (tmp_path / "secret.csv").write_text("id\n1\n", encoding="utf-8")
    (tmp_path / "deals.csv").write_text("\n".join(",".join(row) for row in [headers, *rows]), encoding="utf-8")
    (tmp_path / "deals.json").write_text(
        "[" + ",".join(f'{{"id": "{row[0]}", "name": "{row[1]}", "link": "{row[4]}"}}' for row in rows) + "]",
        encoding="utf-8",
    )
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("deals.csv", "ck.read_csv(path, record=ck.Deal, tz='Europe/Berlin')"),
        (
            "deals.csv",
            "ck.read_csv(path, preset='salesforce_opportunity', columns={'status': 'status'})",
        ),
        ("deals.csv", "ck.Dataset(deals=ck.read_csv(path, record=ck.Deal)).check().to_html()"),
        ("deals.json", "ck.read_json(path, record=ck.Deal, defaults={'status': 'won'})"),
    ],
)
def test_reading_opens_the_given_file_and_nothing_else(folder: Path, name: str, code: str) -> None:
    path = folder / name
    assert told(f"import crmkpi as ck\n{code}", path) == [f"opened {path.resolve()}"]


def test_recognising_an_export_opens_the_given_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_text(
        "Id,Name,StageName,Amount,CloseDate,IsClosed,IsWon,CreatedDate\n"
        "006A,file:///etc/passwd,Closed Won,10,2026-01-05,true,true,2026-01-01\n",
        encoding="utf-8",
    )
    assert told("import crmkpi as ck\nck.read_export(path)", path) == [f"opened {path.resolve()}"]


def test_reading_a_workbook_opens_the_given_file_and_nothing_else(tmp_path: Path) -> None:
    workbook = pytest.importorskip("openpyxl").Workbook()
    sheet = workbook.active
    sheet.append(["id", "name"])
    for number, cell in enumerate(CELLS):
        sheet.append([number, cell])
    sheet["B2"].hyperlink = CELLS[0]
    path = tmp_path / "deals.xlsx"
    workbook.save(path)
    code = "ck.read_excel(path, record=ck.Deal, defaults={'status': 'won'})"
    assert told(f"import crmkpi as ck\n{code}", path) == [f"opened {path.resolve()}"]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("open(path.parent / 'secret.csv').close()", "opened .*secret.csv"),
        ("open(path.parent / 'new.csv', 'w').close()", "written .*new.csv"),
        ("import socket; socket.socket().close()", "socket.__new__"),
    ],
)
def test_the_watch_sees_what_it_is_there_for(folder: Path, code: str, expected: str) -> None:
    [seen] = told(code, folder / "deals.csv")
    assert re.fullmatch(expected, seen)
