"""Tables and pages in HTML."""

from __future__ import annotations

from decimal import Decimal
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkpi import Dataset, Deal, win_rate
from crmkpi.display.html import report_page, report_table
from crmkpi.measuring.results import Report

VOID = {"meta", "path", "circle"}


class Reader(HTMLParser):
    """Collects the text that a browser would show."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.cells: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)
        if tag in ("td", "th"):
            self.cells.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("td", "th"):
            self.cells[-1] += data


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    reader.close()
    assert reader.open == []
    return reader


def test_a_table_shows_what_the_text_shows(by_owner: Report) -> None:
    reader = read(report_table(by_owner))
    assert reader.cells[:12] == [
        "owner", "value", "95 % interval", "n", "vs 2026-Q1", "note",
        "Ada", "100.0 %", "34.2 to 100.0", "2", "+50.0 pp too few to say", "†°",
    ]  # fmt: skip


def test_better_and_worse_are_marked_for_the_eye_and_said_in_words_where_they_are_shown(by_owner: Report) -> None:
    before = win_rate.from_totals(won=100, closed=200)
    better, worse, same = (win_rate.from_totals(won=won, closed=200).against(before) for won in (140, 60, 101))
    html = report_table(Report((better, worse, same)))
    assert '<td class="better">+20.0 pp better</td>' in html
    assert '<td class="worse">-20.0 pp worse</td>' in html
    assert "<td>+0.5 pp too few to say</td>" in html
    assert not {"better", "worse"} & {part for part in report_table(by_owner).split('"') if part.endswith("er")}


def test_kpis_have_their_titles_and_meanings(crm: Dataset) -> None:
    html = report_table(crm.measure(["win_rate", "revenue"]))
    assert '<th scope="row" class="text" title="Share of closed deals that were won.">Win rate</th>' in html


def test_an_undefined_value_says_why() -> None:
    html = report_table(Dataset(deals=[]).measure(["win_rate", "revenue"]))
    assert '<td class="value" title="undefined: no deal was closed">–</td>' in html
    assert "<li>Win rate undefined: no deal was closed</li>" in html


def test_a_page_is_whole_and_asks_nothing_of_the_network(by_owner: Report) -> None:
    page = report_page(by_owner)
    reader = read(page)
    assert page.startswith('<!DOCTYPE html>\n<html lang="en">')
    assert ("name", "viewport") in reader.attributes
    assert "<title>Win rate, 2026-Q2 by owner</title>" in page
    assert not {"script", "link", "img", "iframe", "base", "form"} & set(reader.tags)
    assert not [name for name, _ in reader.attributes if name in ("src", "href") or name.startswith("on")]
    assert not [sign for sign in ("http", "url(", "@import") if sign in page]


def test_themes_head_their_rows() -> None:
    crm = Dataset(deals=[Deal(id="1", status="won")], leads=[])
    html = report_table(crm.measure(["lead_volume", "win_rate", "revenue"]))
    assert html.count('scope="rowgroup"') == 2
    assert html.index(">marketing<") < html.index(">Lead volume<") < html.index(">sales<") < html.index(">Win rate<")


def test_the_mark_of_a_share_lies_between_nothing_and_all(by_owner: Report) -> None:
    html = report_table(by_owner)
    assert html.count("<svg") == 3
    assert '<circle cx="96.0"' in html
    assert '<circle cx="4.0"' in html


def test_other_units_have_no_mark(crm: Dataset) -> None:
    assert "<svg" not in report_table(crm.measure("average_deal_size", period="2026-Q2"))


def test_a_report_without_results_is_still_a_page() -> None:
    page = report_page(Report((), "2026"))
    read(page)
    assert "<h1>2026</h1>\n<p>no results</p>" in page


dangerous = st.sampled_from(
    [
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "</td></tr></table>",
        "&lt;",
        "<!--",
        "'\" onload='",
    ]
)


@given(st.text() | dangerous)
def test_no_name_becomes_a_tag_or_an_attribute(owner: str) -> None:
    def page(name: str) -> Reader:
        deals = [Deal(id="1", status="won", owner=name), Deal(id="2", status="lost", owner="other", amount=Decimal(1))]
        return read(report_page(Dataset(deals=deals).measure(["win_rate", "revenue"], by="owner")))

    found, plain = page(owner), page("plain")
    assert sorted(found.tags) == sorted(plain.tags)
    assert sorted(name for name, _ in found.attributes) == sorted(name for name, _ in plain.attributes)


@pytest.mark.parametrize("name", ["<b>Eve</b> & Sons", "a < b", "&amp;", '"quoted"'])
def test_a_name_shows_as_it_is_written(name: str) -> None:
    report = Dataset(deals=[Deal(id="1", status="won", owner=name), Deal(id="2", status="won")]).measure(
        "win_rate", by="owner"
    )
    assert name in read(report_table(report)).cells
