"""Broken, hostile and non-text files: a clear error, soon, never a raw exception."""

from __future__ import annotations

import io
import os
import threading
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import crmkpi as ck
from crmkpi.clv import load_model
from crmkpi.errors import CrmKpiError, FileFormatError, InputError
from crmkpi.quality.frames import records_of_frame

SOON = 60.0  # CPU seconds; a second is enough, quadratic code takes minutes


def within_time(ask: Callable[[], Any]) -> Any:
    start = time.process_time()
    try:
        return ask()
    except CrmKpiError as problem:
        return problem
    finally:
        assert time.process_time() - start < SOON


# one definition of a line


LINES = ["id,status", "D1,won", "D2,lost", "D3,open", "D4,won"]
ENDS = ["\n", "\r\n", "\r"]


def texts() -> list[str]:
    whole = [end.join(LINES) + last for end in ENDS for last in ("", *ENDS)]
    mixed = ["".join(line + ENDS[(number + turn) % 3] for number, line in enumerate(LINES)) for turn in range(3)]
    blank = [end.join([*LINES[:3], "", *LINES[3:], "", ""]) for end in ENDS]
    quoted = ['id,status\r"D1\nx",won\r\n"D2\rx",lost\nD3,open\rD4,won']
    return whole + mixed + blank + quoted


@pytest.mark.parametrize("text", texts())
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_every_reader_has_one_idea_of_a_line(text: str, mark: bytes, tmp_path: Path) -> None:
    file = tmp_path / "deals.csv"
    file.write_bytes(mark + text.encode())
    whole = ck.read_csv(file, record=ck.Deal)
    assert [deal.status for deal in whole] == ["won", "lost", "open", "won"]
    assert list(ck.stream_csv(file, record=ck.Deal)) == list(whole)
    pytest.importorskip("polars")
    assert list(records_of_frame("deals", ck.scan(file, record=ck.Deal, engine="polars"))) == list(whole)


@pytest.mark.parametrize("text", texts())
def test_duckdb_has_one_idea_of_a_line_with_the_others(text: str, tmp_path: Path) -> None:
    pytest.importorskip("duckdb")
    file = tmp_path / "deals.csv"
    file.write_bytes(text.encode())
    table = ck.scan(file, record=ck.Deal, engine="duckdb")
    assert [deal.status for deal in records_of_frame("deals", table)] == ["won", "lost", "open", "won"]


@pytest.mark.parametrize("amounts", [["1.200", "950"], ["1.200 €", "950 €"], ["1.200,50", "7"], ["1,5", "7"]])
@pytest.mark.parametrize("mark", [";", "\t"])
def test_duckdb_reads_no_number_in_its_own_way(amounts: list[str], mark: str, tmp_path: Path) -> None:
    pytest.importorskip("duckdb")
    file = tmp_path / "deals.csv"
    rows = [mark.join((str(number), "won", amount)) for number, amount in enumerate(amounts)]
    file.write_text("\n".join([mark.join(("id", "status", "amount")), *rows]), encoding="utf-8")

    def answer(read: Any) -> Any:
        try:
            return ck.revenue(read(), currency="EUR").value
        except CrmKpiError as problem:
            return str(problem)

    assert answer(lambda: ck.scan(file, record=ck.Deal, engine="duckdb")) == answer(
        lambda: ck.read_csv(file, record=ck.Deal)
    )


# sizes


@pytest.mark.parametrize("filler", [" ", "-", "_", " -", "(", ")"])
def test_a_header_of_fillers_is_soon_known_to_be_none(filler: str, tmp_path: Path) -> None:
    file = tmp_path / "export.csv"
    file.write_text(
        f"Potential Id,Potential Name,Forecast Type,Cre{filler * 120_000}x\n1,2,Closed Won,4\n", encoding="utf-8"
    )
    assert within_time(lambda: ck.read_export(file)).account.preset == "zoho_deal"


@pytest.mark.parametrize("cell", ["XFD1048576", "A1048576", "XFD2"])
def test_a_far_cell_of_a_workbook_is_read_soon(cell: str) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book, file = openpyxl.Workbook(), io.BytesIO()
    book.active.append(["id", "status"])
    book.active.append(["1", "won"])
    book.active[cell] = "x"
    book.save(file)
    found = within_time(lambda: ck.read_excel(file, record=ck.Deal))
    if isinstance(found, CrmKpiError):  # the one row of the table has 16,384 cells
        assert cell == "XFD2"
    else:
        assert len(found) + len(found.rejected) + sum(found.account.skipped.values()) == found.account.rows


def test_objects_with_too_many_keys_are_no_table() -> None:
    rows = [{f"k{row}_{key}": 1 for key in range(100)} for row in range(60)]
    with pytest.raises(InputError, match=r"more than 5,000 different keys, which is no table"):
        ck.read_dicts(rows, record=ck.Order)


# sources that are not files on disk


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes of this kind are those of Unix")
@pytest.mark.parametrize("read", [ck.read_csv, ck.stream_csv])
def test_a_pipe_is_read_once(read: Any, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    content = "id,status,amount\n" + "".join(f"D{n},won,1.200\n" for n in range(3_000)) + "D,lost,1.5\n"
    writer = threading.Thread(target=lambda: pipe.write_text(content, encoding="utf-8"), daemon=True)
    writer.start()
    found = list(read(pipe, record=ck.Deal))
    writer.join()
    assert len(found) == 3_001


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes of this kind are those of Unix")
def test_a_pipe_is_not_scanned(tmp_path: Path) -> None:
    pytest.importorskip("polars")
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(FileFormatError, match=r"is not a file on disk, and scan\(\) reads its files more than once"):
        ck.scan(tmp_path / "pipe.csv", record=ck.Deal)


# hostile workbooks and JSON


BOMB = (
    '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "'
    + "a" * 1000
    + '">'
    + "".join(f'<!ENTITY b{n} "' + ("&a;" if n == 0 else f"&b{n - 1};") * 50 + '">' for n in range(8))
    + ']><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1">'
    '<c r="A1" t="inlineStr"><is><t>&b7;</t></is></c></row></sheetData></worksheet>'
)


@pytest.mark.parametrize("sheet", [BOMB, "<worksheet", "", "<a><b></a>"])
def test_a_sheet_that_does_not_parse_is_told_in_words(sheet: str) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book, file, broken = openpyxl.Workbook(), io.BytesIO(), io.BytesIO()
    book.active.append(["id", "status"])
    book.save(file)
    with zipfile.ZipFile(file) as good, zipfile.ZipFile(broken, "w") as bad:
        for name in good.namelist():
            bad.writestr(name, sheet if name.startswith("xl/worksheets/sheet") else good.read(name))
    assert isinstance(within_time(lambda: ck.read_excel(broken, record=ck.Deal)), FileFormatError)


DEEP = ["[" * 100_000, '{"a":' * 100_000, "[[[]]]", "{}", "5", "null", '"x"', "", "[1]"]
PRESETS: list[Any] = [
    {"extends": "zoho_deal", "constants": [1]},
    {"extends": "zoho_deal", "notes": 5},
    {"extends": "zoho_deal", "leave_out": {"a": 1}},
    {"extends": "zoho_deal", "columns": 7},
    {"extends": "zoho_deal", "columns": [5, [1], {"headers": 5}, {"headers": [5]}]},
    {"extends": "zoho_deal", "kinds": [1]},
    {"extends": [], "columns": []},
    {"extends": 5},
    {"name": [], "columns": {}},
    {"system": 1, "title": [], "record": {}, "columns": [{}]},
]


@pytest.mark.parametrize("text", DEEP)
def test_json_of_no_use_is_told_in_words(text: str, tmp_path: Path) -> None:
    file = tmp_path / "ours.json"
    file.write_text(text, encoding="utf-8")
    tally = ck.Tally([ck.win_rate])
    for ask in (lambda: ck.preset(file), lambda: load_model(text), lambda: tally.from_json(text)):
        assert isinstance(within_time(ask), CrmKpiError)
    within_time(lambda: ck.read_json(file, record=ck.Order))


@pytest.mark.parametrize("given", PRESETS)
def test_a_preset_of_another_form_is_told_in_words(given: Any) -> None:
    assert isinstance(within_time(lambda: ck.preset(given)), CrmKpiError)


@pytest.mark.parametrize(
    "state", ["5", "[]", '{"deals": 5}', '{"deals": []}', '{"deals": [[], [[[[]]]]]}', '{"deals": [{"map": 5}, [5]]}']
)
def test_a_state_of_another_form_is_told_in_words(state: str) -> None:
    tally = ck.Tally([ck.win_rate]).add(deals=[ck.Deal(id="1", status="won")])
    text = tally.to_json()
    start = text.index('"state"')
    broken = f'{text[:start]}"state": {state}}}'
    assert isinstance(within_time(lambda: tally.from_json(broken)), InputError)


@pytest.mark.parametrize(
    "text", ["2026-Q" + "9" * 5_000, "last " + "9" * 5_000 + " days", "9" * 5_000, "2026-W" + "1" * 5_000]
)
def test_a_period_of_many_digits_is_told_in_words(text: str) -> None:
    assert isinstance(within_time(lambda: ck.Period(text)), CrmKpiError)


def test_totals_of_the_wrong_kind_are_told_in_words() -> None:
    for metric in ck.catalogue.everything():
        for value in (5, "x", [1], {"a": 1}):
            found = within_time(lambda m=metric, v=value: m.from_totals(**dict.fromkeys(m.asked, v)))  # type: ignore[misc]
            assert found is not None
