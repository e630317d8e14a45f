"""The HTML page: its content, its cost, and escaping."""

from __future__ import annotations

import io
import re
from datetime import date, timedelta
from html.parser import HTMLParser
from pathlib import Path

import altair as alt
import openpyxl
import pytest

import crmkpi as ck
from crmkpi.demo import AS_OF, sample_company
from crmkpi.display.sparkline import sparkline, trend_chart
from crmkpi.errors import CrmKpiError
from crmkpi.insight.kpi_sets import kpi_set
from crmkpi.insight.pages import Page
from crmkpi.money import Rates

GOALS = {
    "name": "Sales",
    "kpi": [
        {"id": "win_rate", "target": {"at_least": 0.01}},
        {"id": "revenue", "target": {"at_least": 1}},
        {"id": "lost_deals", "target": {"at_most": 1}},
        {"id": "average_deal_size"},
        {"id": "net_promoter_score", "tier": "supporting"},
    ],
}
VOID = {"meta", "path", "circle", "br", "link"}


class Tags(HTMLParser):
    """The content of a page: its elements with their attributes, and its text; every element must be closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        if not self.open or self.open[-1] not in ("style", "script"):
            self.text.append(data)


@pytest.fixture(scope="module")
def crm() -> ck.Dataset:
    tables = dict(sample_company(scale=0.3))
    return ck.Dataset(currency="EUR", rates=Rates("EUR", {"CHF": "1.05"}), as_of=AS_OF, **tables)


@pytest.fixture(scope="module")
def page(crm: ck.Dataset) -> Page:
    return crm.page(period="2026-Q3", name="Muster GmbH", kpis=kpi_set(GOALS), parameters={"lifespan": 1095})


def test_the_title_names_the_company_the_periods_and_until_when_the_data_reach(page: Page) -> None:
    assert page.title == "Muster GmbH: 2026-Q3 against 2026-Q2, data until 2026-09-30"
    tags = Tags(page.to_html())
    assert tags.text.count(page.title) == 2  # the title and the heading


def test_the_tiles_are_the_first_tier_with_change_interval_target_and_trend(page: Page, crm: ck.Dataset) -> None:
    assert [tile.result.definition for tile in page.tiles] == ["win_rate", "revenue", "lost_deals", "average_deal_size"]
    first = page.tiles[0]
    assert first.result == crm.measure("win_rate", period="2026-Q3", compare="previous")[0]
    assert len(first.trend) <= 12
    assert first.trend[-1].value == first.result.value
    assert [tile.target.status for tile in page.tiles if tile.target] == ["met", "met", "missed", "no target"]
    text = " ".join(Tags(page.to_html()).text)
    for told in ("change between", "95 % interval", "target at least 1.0 %: met", "target at most 1: missed"):
        assert told in text


def test_a_role_and_the_default_have_five_to_eight_tiles(crm: ck.Dataset) -> None:
    own = crm.page(period="2026-Q3", role="support lead")
    assert [tile.result.definition for tile in own.tiles][:2] == ["ticket_volume", "backlog"]
    assert 5 <= len(own.tiles) <= 8
    assert 5 <= len(crm.page(period="2026-Q3").tiles) <= 8
    named = crm.page(period="2026-Q3", metrics=["win_rate", "revenue"])
    assert [tile.result.definition for tile in named.tiles] == ["win_rate", "revenue"]


def test_every_kpi_stands_in_a_table_with_a_definition_that_a_link_leads_to(page: Page) -> None:
    tags = Tags(page.to_html()).found
    ids = {attributes.get("id") for _, attributes in tags}
    links = {attributes["href"][1:] for tag, attributes in tags if tag == "a"}
    assert links <= ids
    assert {f"kpi-{result.definition}" for result in page.results} <= links
    assert len([one for one in ids if one]) == len([a["id"] for _, a in tags if a.get("id")])


def test_colour_stands_only_where_a_change_leaves_the_noise() -> None:
    deals = [
        ck.Deal(id=f"{month}{n}", status="won" if n < won else "lost", closed_at=f"2026-0{month}-05", amount=5 + n % 7)
        for month, won in ((1, 100), (2, 180))
        for n in range(300)
    ]
    page = ck.Dataset(deals=deals, currency="EUR").page(period="2026-02")
    html = page.to_html()
    table = html[html.index('id="s-all-figures"') : html.index('id="s-definitions"')]
    for result in page.results:
        row = table[table.index(f'#kpi-{result.definition}"') :].partition("</tr>")[0]
        better = result.change.better
        assert ('class="l better"' in row) == (better is True)
        assert ('class="l worse"' in row) == (better is False)
    assert {True, None} <= {result.change.better for result in page.results}


def test_the_page_loads_nothing_needs_no_script_and_is_small(page: Page) -> None:
    html = page.to_html()
    assert len(html.encode()) <= 150_000
    tags = Tags(html)
    assert {"script", "iframe", "img", "link", "object", "base"} & {tag for tag, _ in tags.found} == set()
    for _, attributes in tags.found:
        assert not [name for name in attributes if name.startswith("on") or name in ("src", "srcset", "action")]
        assert not (attributes.get("href") or "#").partition("#")[0]
    assert "http" not in re.sub(r"<dt[^>]*>.*?</dd>", "", html)
    assert "@import" not in html
    assert "url(" not in html


HOSTILE = "<script>alert(1)</script>\x1b[31m&\"'`{x}"


def test_hostile_names_are_text_in_every_format(tmp_path: Path) -> None:
    deals = [
        ck.Deal(id=f"{month}{n}", status="won" if n % 3 else "lost", owner=HOSTILE, source=("web", HOSTILE)[n % 2],
                closed_at=f"2026-0{month}-05", amount=n)
        for month in (1, 2) for n in range(40)
    ]  # fmt: skip
    visits = [ck.StageVisit(id=f"{n}{s}", deal_id=str(n), stage=s, entered_at=f"2026-02-0{1 + i}")
              for n in range(5) for i, s in enumerate((HOSTILE, "Offer"))]  # fmt: skip
    goals = kpi_set({"name": HOSTILE, "kpi": [{"id": "win_rate", "by": "owner", "target": {"at_least": 0.9}}]})
    crm = ck.Dataset(deals=deals, stage_visits=visits, as_of=date(2026, 3, 1), currency="EUR")
    made = crm.page(period="2026-02", name=HOSTILE, kpis=goals).with_section(HOSTILE, HOSTILE)
    made = made.with_section("owners", crm.measure("win_rate", by="owner"))
    html = made.to_html()
    tags = Tags(html)
    assert "script" not in {tag for tag, _ in tags.found}
    assert "\x1b" not in "".join(tags.text).replace(HOSTILE, "")
    assert "<script" not in made.to_markdown()
    made.save(tmp_path / "x.xlsx")
    book = openpyxl.load_workbook(tmp_path / "x.xlsx")
    for sheet in book:
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.data_type != "f" or cell.value.startswith("=(")


def test_what_the_data_cannot_say_is_one_row_a_reason(page: Page) -> None:
    reasons = [limit.reason for limit in page.limits]
    assert len(reasons) == len(set(reasons))
    undefined = {result.reason for result in page.results if result.reason}
    assert {reason.removeprefix("no value: ") for reason in reasons if reason.startswith("no value: ")} == undefined
    for result in page.results:
        for account in result.accounts:
            for reason, count in account.left_out.items():
                start = f"{account.table}: left out, {reason}"
                (limit,) = [one for one in page.limits if one.reason == start or one.reason.startswith(f"{start} (")]
                assert limit.count >= count
                assert result.definition in limit.kpis
    html = page.to_html()
    assert f"{len(page.limits)} reasons" in html


def test_rejected_and_unreadable_rows_are_told(tmp_path: Path) -> None:
    text = "id,status,amount,closed_at\n" + "".join(f"{n},won,5,2026-02-05\n" for n in range(30))
    (tmp_path / "deals.csv").write_text(text + "77,Dead,5,2026-02-05\n,,,\n,,7,2026-02-05\n", encoding="utf-8")
    crm = ck.Dataset(deals=ck.read_csv(tmp_path / "deals.csv", record=ck.Deal), currency="EUR")
    reasons = [limit.reason for limit in crm.page(period="2026-02", metrics=["won_deals"]).limits]
    assert any("Dead" in reason for reason in reasons), reasons
    assert any("rows that could not be read" in reason for reason in reasons), reasons


def test_cohorts_and_the_funnel_are_there_where_the_data_has_them(page: Page, crm: ck.Dataset) -> None:
    assert page.cohort is not None
    assert len(page.cohort.cohorts) <= 12
    assert page.cohort.cohorts[-1].label == "2026-09"
    assert [stage.stage for stage in page.funnel.stages] == ["Discovery", "Proposal", "Negotiation"]
    first = [v for v in crm.tables["stage_visits"] if v.stage == "Discovery" and v.entered_at.isoformat() >= "2026-07"]
    assert page.funnel.stages[0].reached >= len({visit.deal_id for visit in first}) * 0.9
    small = ck.Dataset(deals=[ck.Deal(id="1", status="won", closed_at="2026-02-03")])
    without = small.page(period="2026-02", metrics="win_rate")
    assert (without.cohort, without.funnel) == (None, None)
    assert "Cohorts" not in "".join(Tags(without.to_html()).text)


def test_cohorts_are_of_the_days_of_the_datasets_zone() -> None:
    moments = ["2026-01-05T12:00:00+00:00", "2026-01-31T23:30:00+00:00", "2026-02-28T23:30:00+00:00"]
    orders = [
        ck.Order(id=at, customer_id=at, ordered_at=at, amount=1) for at in [*moments, "2026-03-28T12:00:00+00:00"]
    ]
    crm = ck.Dataset(orders=orders, as_of=date(2026, 3, 31), calendar=ck.Calendar(tz="Asia/Tokyo"))
    cohorts = crm.page(period="2026-03").cohort.cohorts
    assert {one.label: one.size for one in cohorts} == {"2026-01": 1, "2026-02": 1, "2026-03": 2}


def test_the_foot_says_when_with_which_version_and_settings(page: Page) -> None:
    text = " ".join(Tags(page.to_html()).text)
    assert f"by crmkpi \n{ck.__version__}".replace("\n", "") in text.replace("  ", " ")
    for told in (
        "1 CHF = 1.05 EUR",
        "lifespan = 1095",
        "Benjamini-Hochberg",
        f"{len(sample_company(scale=0.3)['deals']):,} records",
    ):
        assert told in text


def test_a_period_under_way_is_said_on_the_page(crm: ck.Dataset) -> None:
    assert "The period is not over" not in crm.page(period="2026-Q3", metrics=["win_rate"]).to_html()
    assert "The period is not over" in crm.page(period="2026", metrics=["win_rate"]).to_html()


def test_reports_tables_checks_texts_and_charts_of_ones_own_stand_on_the_page(crm: ck.Dataset, page: Page) -> None:
    by_owner = crm.measure("win_rate", period="2026-Q3", by="owner")
    made = page
    for title, content in (
        ("By owner", by_owner),
        ("Forecast", crm.forecast("revenue", history="2025-01-01..2026-09-30")),
        ("Checks", ck.Dataset(deals=[ck.Deal(id="1", status="won")]).check()),
        ("Words", "One.\n\nTwo & three."),
        ("Picture", by_owner.chart()),
    ):
        made = made.with_section(title, content)
    html = made.to_html()
    Tags(html)
    for title in ("By owner", "Forecast", "Checks", "Words", "Picture"):
        assert f"<h2>{title}</h2>" in html
    assert "<p>One.</p><p>Two &amp; three.</p>" in html
    assert 'role="img" aria-label="Picture"' in html
    assert made.to_markdown().count("\n## ") > page.to_markdown().count("\n## ")
    assert isinstance(by_owner.chart(), alt.TopLevelMixin)
    with pytest.raises(CrmKpiError, match="A section of a page is a report, a table or check of this library"):
        page.with_section("x", 3)


def test_the_workbook_has_the_figures_of_the_page(page: Page, tmp_path: Path) -> None:
    page.save(tmp_path / "q3.xlsx")
    book = openpyxl.load_workbook(io.BytesIO((tmp_path / "q3.xlsx").read_bytes()))
    themes = list(dict.fromkeys(result.metric.theme.capitalize() for result in page.results))
    assert book.sheetnames == ["Briefing", "Targets", *themes, "Trends", "What the data cannot say", "How it was made"]
    shown = {row[0]: row[3] for theme in themes for row in book[theme].iter_rows(min_row=2, values_only=True)}
    for result in page.results:
        value = result.value / timedelta(days=1) if isinstance(result.value, timedelta) else result.value
        found = shown[result.definition]
        found = found / timedelta(days=1) if isinstance(found, timedelta) else found
        assert found == (value if value is None else pytest.approx(float(value), rel=1e-6, abs=1e-8))
    trends = list(book["Trends"].iter_rows(values_only=True))
    assert trends[0][0] == "period"
    assert trends[-1][:2] == ("2026-Q3", pytest.approx(page.tiles[0].result.value))


def test_markdown_has_the_briefing_the_tiles_and_the_tables(page: Page, tmp_path: Path) -> None:
    page.save(tmp_path / "q3.md")
    text = (tmp_path / "q3.md").read_text(encoding="utf-8")
    assert text.startswith(f"# {page.title}\n\n## What really changed\n\n- ")
    for heading in (
        "## At a glance",
        "## Targets",
        "## Sales",
        "## What the data cannot say",
        "## How this page was made",
    ):
        assert f"\n{heading}\n" in text


def test_a_page_is_saved_whole_or_not_at_all(page: Page, tmp_path: Path) -> None:
    page.save(tmp_path / "q3.html")
    assert (tmp_path / "q3.html").read_text(encoding="utf-8") == page.to_html()
    with pytest.raises(CrmKpiError, match=r"The suffix of a page says its format; got 'q3\.pdf'\. Known: '\.html'"):
        page.save("q3.pdf")
    (tmp_path / "folder.md").mkdir()
    with pytest.raises(CrmKpiError, match=r"folder\.md cannot be written: "):
        page.save(tmp_path / "folder.md")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder.md", "q3.html"]


@pytest.mark.parametrize(
    "options, message",
    [
        ({"period": None}, "A page is of one period"),
        ({"period": "2026", "compare": None}, "compares a period with another"),
        ({"period": "2026", "role": "boss"}, "There is no role 'boss'"),
        ({"period": "2026", "metrics": "win_rte"}, "Did you mean 'win_rate'?"),
        ({"period": "2026-13"}, "2026-13"),
    ],
)
def test_a_page_that_cannot_be_made_says_why(options, message) -> None:
    crm = ck.Dataset(deals=[ck.Deal(id="1", status="won", closed_at="2026-02-03")])
    with pytest.raises(CrmKpiError, match=re.escape(message)):
        crm.page(**options)
    with pytest.raises(CrmKpiError, match="deals is a stream; give a list or a frame"):
        ck.Dataset(deals=iter([])).page(period="2026")


def test_a_frame_gives_the_page_that_records_give(crm: ck.Dataset) -> None:
    polars = pytest.importorskip("polars")
    rows = [{"id": d.id, "status": d.status, "closed_at": d.closed_at, "owner": d.owner} for d in crm.tables["deals"]]
    frame = ck.Dataset(deals=polars.DataFrame(rows, infer_schema_length=None))
    records = ck.Dataset(deals=[ck.Deal(**row) for row in rows])
    for name in ("win_rate", "lost_deals"):
        made, known = (each.page(period="2026-Q3", metrics=[name]) for each in (frame, records))
        assert [r.value for r in made.results] == [r.value for r in known.results]
        assert [[r.value for r in t.trend] for t in made.tiles] == [[r.value for r in t.trend] for t in known.tiles]


def test_a_trend_begins_where_the_data_does_and_breaks_where_there_is_no_value() -> None:
    deals = [ck.Deal(id=f"{m}{n}", status="won", closed_at=f"2026-{m:02}-05") for m in (3, 4, 6, 7) for n in range(m)]
    made = ck.Dataset(deals=deals, as_of=date(2026, 7, 20)).page(period="2026-07", metrics=["win_rate", "won_deals"])
    trend = made.trends["win_rate"]
    assert [one.period.label for one in trend] == ["2026-03", "2026-04", "2026-05", "2026-06", "2026-07"]
    drawn = sparkline(trend)
    assert drawn.count("M") == 2  # a line with one gap
    assert 'class="d"' not in drawn  # the last period is not over: a ring
    assert 'class="d"' in sparkline(trend[:4])
    assert "band" not in trend_chart(trend, label="x")
    assert sparkline(trend[:1]) == trend_chart(trend[:1], label="") == ""
    assert [one.value for one in made.trends["won_deals"]] == [3, 4, 0, 6, 7]


def test_a_page_is_of_a_period_that_has_begun() -> None:
    crm = ck.Dataset(deals=[ck.Deal(id="1", status="won", closed_at="2026-09-05")], as_of="2026-09-30")
    with pytest.raises(CrmKpiError, match=r"2026-Q4 begins after 2026-09-30, up to which the data is known \(as_of\)"):
        crm.page(period="2026-Q4")
    assert "2026-Q3" in crm.page(period="2026-Q3").title


def test_within_another_page_colours_are_those_around_it() -> None:
    page = ck.Dataset(deals=[ck.Deal(id="1", status="won", closed_at="2026-09-05")]).page(period="2026-09")
    style = page._repr_html_().partition("</style>")[0]
    assert ":root" not in style
    assert "body{" not in style
    assert "prefers-color-scheme" in page.to_html()
    assert "prefers-color-scheme" not in style  # a notebook may be light on a dark desktop
