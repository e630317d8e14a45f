"""Tables in Markdown."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from crmkpi import Dataset, Deal
from crmkpi.display.markdown import markdown_text, report_markdown
from crmkpi.measuring.results import Report


def test_a_report_is_a_markdown_table(by_owner: Report) -> None:
    assert report_markdown(by_owner).splitlines() == [
        "**win_rate, 2026-Q2 by owner**",
        "",
        "| owner | value | 95 % interval | n | vs 2026-Q1 |  |",
        "| --- | ---: | ---: | ---: | ---: | --- |",
        "| Ada | 100.0 % | 34.2 to 100.0 | 2 | +50.0 pp too few to say | †° |",
        "| Bo | 0.0 % | 0.0 to 79.3 | 1 | -100.0 pp too few to say | †° |",
        "| (none) | 0.0 % | 0.0 to 79.3 | 1 | – | †° |",
        "",
        "- † rests on fewer than 30 records, so it says little",
        "- ° the period is not over",
        "- verdicts take into account that there are 2 comparisons (Benjamini-Hochberg)",
        "- left out: 1 no closed_at",
    ]


def test_kpis_are_named_as_in_code_and_themes_have_a_column() -> None:
    crm = Dataset(deals=[Deal(id="1", status="won")], leads=[])
    text = report_markdown(crm.measure(["lead_volume", "win_rate"]))
    assert "| marketing | `lead_volume` | 0 |" in text
    assert "| sales | `win_rate` | 100.0 % |" in text


def test_a_report_without_results_says_so() -> None:
    assert report_markdown(Report((), "2026 | *")) == "2026 &#124; &#42;: no results"


def test_words_with_underscores_inside_read_as_they_are() -> None:
    assert markdown_text("north_america and _this_") == "north_america and &#95;this&#95;"


@given(st.text())
def test_no_name_opens_a_tag_or_a_cell(owner: str) -> None:
    report = Dataset(deals=[Deal(id="1", status="won", owner=owner)]).measure(
        "win_rate", by={"o": "owner", "same": lambda _: 1}
    )
    text = report_markdown(report)
    assert "<" not in text
    for line in text.splitlines():
        if line.startswith("|"):
            assert line.count("|") == 6


@given(st.text(st.sampled_from("\\`*[]~|<>&")))
def test_signs_of_markdown_become_entities(text: str) -> None:
    assert not set(markdown_text(text)) & set("\\`*[]~|<>")
