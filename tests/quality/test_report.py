"""The data-quality report: text, JSON and HTML, and reports of frames."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from typing import Any

import pytest

from crmkpi import Dataset, Deal, read_csv, table
from crmkpi.errors import InputError
from crmkpi.quality import Finding, QualityReport
from crmkpi.records.base import partly_read, record_type

from .tables import clean, with_faults

FILE = """\
id,status,created_at,closed_at,amount,Region
D1,won,2026-01-05,2026-01-09,100,North
D1,won,2026-01-06,,120,South
D2,<b>sold</b>,2026-01-06,2026-01-09,120,South
"""


@pytest.fixture
def report() -> QualityReport:
    return Dataset(deals=read_csv(io.StringIO(FILE), record=Deal)).check(metrics=["win_rate"])


def test_the_text_says_what_was_read_what_was_found_and_what_was_not_looked_for(report: QualityReport) -> None:
    assert (
        str(report)
        == repr(report)
        == """\
Data quality: 2 errors, 1 warning

table  from    rows  used  rejected
-----------------------------------
deals  <file>     3     3         0

deals: columns that fill no field: Region
deals: status unreadable in 1: '<b>sold</b>' (1)

errors

deals: status '<b>sold</b>' is unknown: 1 of 3 (33.3 %)
  such as line 4: '<b>sold</b>' is not one of its values (Known: 'lost', 'open',
  'won')
  left out of win_rate
  (unknown_words)

deals: the id of another record again: 1 of 3 (33.3 %)
  such as 'D1'
  left out of win_rate
  (duplicate_ids)

warnings

deals: won or lost, and no closed_at: 1 of 3 (33.3 %)
  such as 'D1' (status 'won')
  counted in no period by win_rate
  (closed_without_date)

note: without as_of: dates after today are found, and no open deals whose close
  date has passed
note: deals: not followed for lack of the other table: customer_id (customers),
  lead_id (leads), campaign_id (campaigns)"""
    )


def test_no_line_of_the_text_is_wider_than_80_columns() -> None:
    deals = with_faults(clean("deals"), 30, owner="Ã©" * 200, closed_at=None)
    assert max(map(len, str(Dataset(deals=deals).check()).splitlines())) <= 80


def test_the_json_has_these_keys_and_no_other(report: QualityReport) -> None:
    found = json.loads(report.to_json())
    assert found == report.to_dict()
    assert list(found) == [
        "format", "error_count", "warning_count", "information_count", "tables", "findings", "notes",
    ]  # fmt: skip
    assert found["format"] == 1
    assert [found[f"{level}_count"] for level in ("error", "warning", "information")] == [2, 1, 0]
    assert set(found["tables"]) == {"deals"}
    assert {"source", "rows", "used", "rejected", "skipped", "unmapped", "notes"} <= set(found["tables"]["deals"])
    for finding in found["findings"]:
        assert list(finding) == [
            "code", "level", "table", "field", "what", "count", "of", "share", "example", "impacts",
        ]  # fmt: skip
        assert all(list(impact) == ["does", "metrics"] for impact in finding["impacts"])
    assert found["findings"][1]["impacts"] == [{"does": "left out of", "metrics": ["win_rate"]}]
    assert found["findings"][1]["share"] == 1 / 3


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        self.tags.add(tag)
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_escapes_what_comes_from_the_data_and_closes_its_tags() -> None:
    evil = "<script>alert(1)</script>&\"'"
    deals = [Deal(id=evil, status="won", owner=f"Ã©{evil}", attributes={f"Ã©{evil}": f"Ã©{evil}"}) for _ in "ab"]
    found = Dataset(deals=deals).check()
    for html in (found.to_html(), found._repr_html_()):
        assert "alert(1)" in html
        parser = _Tags()
        parser.feed(html)
        assert not parser.open
        assert not {"script", "b", "link", "img"} & parser.tags
        assert "http" not in html
    assert "color-scheme: light dark" in found.to_html()
    assert "prefers-color-scheme" not in found._repr_html_()  # a notebook may be light on a dark desktop


def test_characters_that_steer_terminals_are_not_printed() -> None:
    deals = [Deal(id="\x1b[31mred", status="won"), Deal(id="\x1b[31mred", status="won")]
    assert "\x1b" not in str(Dataset(deals=deals).check())


def test_a_report_without_findings_is_true_and_says_so() -> None:
    found = Dataset(orders=clean("orders"), as_of=date(2026, 2, 1)).check()
    assert found
    assert len(found) == 0
    assert str(found).startswith("Data quality: nothing found\n")
    assert found.to_html().startswith("<!DOCTYPE html>")


def test_the_counts_of_levels_agree_with_the_findings(report: QualityReport) -> None:
    assert [report.count("error"), report.count("warning"), report.count("information")] == [2, 1, 0]
    assert not report.is_clean
    assert all(isinstance(finding, Finding) for finding in report)
    assert [finding.level for finding in report] == ["error", "error", "warning"]


def test_a_stream_is_read_once_and_no_more() -> None:
    reads = []

    def stream() -> Any:
        reads.append(1)
        yield from clean("orders")

    crm = Dataset(orders=stream())
    assert crm.check().tables["orders"].used == 60
    assert reads == [1]
    with pytest.raises(InputError, match="is a stream that has been read already"):
        crm.check()


def test_the_day_on_which_the_firm_began_is_a_date() -> None:
    with pytest.raises(InputError, match="`founded` is the day on which the firm began"):
        Dataset(deals=[]).check(founded="2015")  # type: ignore[arg-type]


@pytest.mark.parametrize("library", ["polars", "pandas", "duckdb", "pyarrow"])
def test_a_frame_is_checked_as_the_records_that_it_holds(library: str) -> None:
    pytest.importorskip(library)
    polars = pytest.importorskip("polars")
    deals = with_faults(clean("deals"), 4, closed_at=None, owner="Ã©")
    names = ("id", "status", "created_at", "closed_at", "owner", "currency", "customer_id")
    rows = {name: [getattr(deal, name) for deal in deals] for name in names}
    rows["status"][7] = "sold"
    frame = polars.DataFrame(rows)
    if library == "duckdb":
        frame = pytest.importorskip("duckdb").sql("select * from frame")
    elif library != "polars":
        frame = frame.to_pandas() if library == "pandas" else frame.to_arrow()
    found = Dataset(deals=table(frame, record=Deal)).check()
    kept = [replace(deal, amount=None) for deal in deals]
    values = {name: getattr(kept[7], name) for name in record_type(Deal).fields}
    kept[7] = partly_read(Deal)(**values | {"status": None, "unreadable": {"status": "'sold'"}})
    expected = Dataset(deals=kept).check()
    assert found.tables["deals"].used == 60
    assert [(one.line, one.value) for one in found.tables["deals"].unreadable] == [(8, "'sold'")]
    assert [one for one in found if one.code != "unknown_words"] == [
        one for one in expected if one.code != "unknown_words"
    ]


def test_a_frame_that_is_too_large_is_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    polars = pytest.importorskip("polars")
    monkeypatch.setattr("crmkpi.quality.frames._MOST_ROWS", 2)
    frame = polars.DataFrame({"id": ["1", "2", "3"], "status": ["won"] * 3})
    with pytest.raises(
        InputError, match=re.escape("check() converts frames to records, at most 2 rows, and deals has 3")
    ):
        Dataset(deals=frame).check()
