"""Workbooks: figures are numbers, formulas recompute them, and text stays text."""

from __future__ import annotations

import io
import json
import warnings
from datetime import timedelta
from importlib import import_module
from pathlib import Path

import openpyxl
import pytest

import crmkpi as ck
from crmkpi.demo import AS_OF, sample_company
from crmkpi.display.spreadsheet_formulas import spreadsheet_formula
from crmkpi.display.workbook import report_workbook
from crmkpi.errors import InputError, UnknownNameError
from crmkpi.money import Rates


@pytest.fixture(scope="module")
def crm() -> ck.Dataset:
    return ck.Dataset(currency="EUR", rates=Rates("EUR", {"CHF": "1.05"}), as_of=AS_OF, **sample_company(scale=0.2))


@pytest.fixture(scope="module")
def card(crm: ck.Dataset) -> ck.Report:
    return crm.scorecard(period="2026-Q3", parameters={"lifespan": 1095})


def sheets(report: ck.Report) -> openpyxl.Workbook:
    return openpyxl.load_workbook(io.BytesIO(report_workbook(report)))


def rows(report: ck.Report) -> list[tuple[openpyxl.worksheet.worksheet.Worksheet, dict[str, openpyxl.cell.Cell]]]:
    """Each row of results with its cells by header."""
    found = []
    for sheet in sheets(report):
        if sheet.title != "Notes":
            headers = [cell.value for cell in sheet[1]]
            found += [(sheet, dict(zip(headers, row, strict=False))) for row in sheet.iter_rows(min_row=2)]
    return found


def plain(value: object) -> object:
    return value / timedelta(days=1) if isinstance(value, timedelta) else value


def test_every_value_is_a_number_with_the_format_of_its_unit(card: ck.Report) -> None:
    shown = {row["KPI"].value: row for _, row in rows(card)}
    assert len(shown) == len(card)
    for result in card:
        cell = shown[result.definition]["value"]
        if result.value is None:
            assert cell.value is None
            assert shown[result.definition]["reason"].value == result.reason
            continue
        assert plain(cell.value) == pytest.approx(float(plain(result.value)), rel=1e-6, abs=1e-8)
        assert cell.data_type in ("n", "d")
        assert ("%" in cell.number_format) == (result.unit == "ratio")


def test_themes_are_sheets_and_notes_are_on_one_of_their_own(card: ck.Report) -> None:
    themes = list(dict.fromkeys(result.metric.theme for result in card))
    assert [title.casefold() for title in sheets(card).sheetnames] == [*themes, "notes"]
    notes = [row[0].value for row in sheets(card)["Notes"].iter_rows(min_row=2)]
    assert notes == [card.title, *card.notes]


def test_a_library_of_formulas_recomputes_the_values(card: ck.Report, tmp_path: Path) -> None:
    """An independent calculation of each formula over its inputs equals the written value."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of libraries that it imports
        formulas = import_module("formulas")

        path = tmp_path / "card.xlsx"
        path.write_bytes(report_workbook(card))
        model = formulas.ExcelModel().loads(str(path)).finish()
        found = {
            str(key).casefold(): cell.value[0, 0] for key, cell in model.calculate().items() if hasattr(cell, "value")
        }
    checked = set()
    for sheet, row in rows(card):
        cell = row["recomputed"]
        if cell.value is None:
            continue
        value = found[f"'[card.xlsx]{sheet.title}'!{cell.coordinate}".casefold()]
        assert float(value) == pytest.approx(float(plain(row["value"].value)), rel=1e-6, abs=1e-9), row["KPI"].value
        checked.add(row["KPI"].value)
    assert {"win_rate", "average_deal_size", "net_promoter_score"} <= checked
    ratios = {
        r.definition for r in card if r.metric.roll_up == "ratio" and r.value is not None and len(r.metric.measures) > 1
    }
    assert len(checked & ratios) >= 0.9 * len(ratios), ratios - checked


def test_a_formula_takes_the_branch_of_its_numbers_and_what_a_spreadsheet_cannot_say_has_none(crm: ck.Dataset) -> None:
    won = ck.win_rate.from_totals(won=0, closed=0)
    assert spreadsheet_formula(won, {"won": "A1", "closed": "B1"}) is None
    median = crm.measure("first_response_time")[0]
    assert spreadsheet_formula(median, dict.fromkeys(median.inputs, "A1")) is None


def test_text_that_looks_like_a_formula_stays_text() -> None:
    deals = [ck.Deal(id=str(n), status="won", owner=name) for n, name in enumerate(("=1+1", "+A1", "@x", "a\x07b"))]
    report = ck.Dataset(deals=deals).measure("win_rate", by="owner")
    found = [row["owner"] for _, row in rows(report)]
    assert [cell.data_type for cell in found] == ["s"] * 4
    assert {cell.value for cell in found} == {"=1+1", "+A1", "@x", "a�b"}


def test_changes_have_their_bounds_and_verdicts(card: ck.Report) -> None:
    shown = {row["KPI"].value: row for _, row in rows(card)}
    for result in card:
        change = result.change
        if change is None or change.interval is None:
            continue
        row = shown[result.definition]
        assert plain(row["change"].value) == pytest.approx(float(plain(change.absolute)), rel=1e-6, abs=1e-8)
        assert plain(row["change from"].value) == pytest.approx(float(plain(change.interval.low)), rel=1e-6, abs=1e-8)


def test_a_report_is_saved_in_the_format_of_the_suffix(card: ck.Report, tmp_path: Path) -> None:
    for suffix in (".html", ".xlsx", ".md", ".csv", ".json", ".txt"):
        card.save(tmp_path / f"card{suffix}")
    assert (tmp_path / "card.html").read_text(encoding="utf-8") == card.to_html()
    assert json.loads((tmp_path / "card.json").read_text(encoding="utf-8")) == json.loads(card.to_json())
    assert openpyxl.load_workbook(tmp_path / "card.xlsx").sheetnames[-1] == "Notes"
    with pytest.raises(UnknownNameError, match=r"suffix of an output says its format; got .*card\.docx"):
        card.save(tmp_path / "card.docx")
    with pytest.raises(InputError, match=r"none/card\.md cannot be written: No such file or directory\."):
        card.save(tmp_path / "none" / "card.md")
