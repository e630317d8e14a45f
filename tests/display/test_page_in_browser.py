"""The page in a real browser: light and dark, on a phone, on paper, with hostile names, and for a screen reader.

They need Chromium, playwright and axe (`nox -s browser` installs them), and are skipped without.
"""

from __future__ import annotations

import re
import shutil
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import crmkpi as ck
from crmkpi.demo import AS_OF, sample_company
from crmkpi.insight.kpi_sets import kpi_set
from crmkpi.money import Rates

sync_api = pytest.importorskip("playwright.sync_api")
axe = pytest.importorskip("axe_playwright_python.sync_playwright")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning"),
]

HOSTILE = "<script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\">"
OPEN_ALL = "document.querySelectorAll('details').forEach(each => each.open = true)"


def demo() -> Any:
    goals = kpi_set(
        {"name": "Sales", "kpi": [{"id": "win_rate", "target": {"at_least": 0.35}}, {"id": "revenue"}, {"id": "mrr"},
                                  {"id": "net_promoter_score", "target": {"at_least": 30}}, {"id": "churn_rate"}]}
    )  # fmt: skip
    crm = ck.Dataset(currency="EUR", rates=Rates("EUR", {"CHF": "1.05"}), as_of=AS_OF, **sample_company(scale=0.3))
    made = crm.page(period="2026-Q3", name="Muster GmbH", kpis=goals, parameters={"lifespan": 1095})
    return made.with_section("By owner", crm.measure("win_rate", period="2026-Q3", by="owner"))


def hostile() -> Any:
    deals = [
        ck.Deal(id=f"{month}{n}", status="won" if n % 3 else "lost", owner=HOSTILE, source=("web", HOSTILE)[n % 2],
                closed_at=f"2026-0{month}-05", amount=n)
        for month in (1, 2) for n in range(90)
    ]  # fmt: skip
    goals = kpi_set({"name": HOSTILE, "kpi": [{"id": "win_rate", "by": "owner", "target": {"at_least": 0.9}}]})
    crm = ck.Dataset(deals=deals, as_of=date(2026, 3, 1), currency="EUR")
    long = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft" * 2
    return crm.page(period="2026-02", name=HOSTILE + long, kpis=goals).with_section(HOSTILE, HOSTILE)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    for name, made in (("demo", demo()), ("hostile", hostile())):
        made.save(folder / f"{name}.html")
    return {name: folder / f"{name}.html" for name in ("demo", "hostile")}


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def show(browser, files):
    """Show a page, and record its network requests and errors."""
    contexts = []

    def shown(name: str, **options: Any) -> Any:
        context = browser.new_context(offline=True, **({"viewport": {"width": 1280, "height": 900}} | options))
        contexts.append(context)
        page = context.new_page()
        page.asked, page.errors = [], []
        page.on("request", lambda request: page.asked.append(request.url))
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        page.goto(files[name].as_uri())
        return page

    yield shown
    for context in contexts:
        context.close()


def findings(page: Any) -> list[tuple[str, str]]:
    found = axe.Axe().run(page).response["violations"]
    return [(one["id"], one["nodes"][0]["html"][:200]) for one in found]


@pytest.mark.parametrize("name", ["demo", "hostile"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("opened", [False, True])
def test_axe_finds_nothing(show, name: str, scheme: str, opened: bool) -> None:
    page = show(name, color_scheme=scheme)
    if opened:
        page.evaluate(OPEN_ALL)
    assert findings(page) == []
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", background)[:3])) < 128 * 3) == (scheme == "dark")


@pytest.mark.parametrize("name", ["demo", "hostile"])
def test_a_phone_needs_no_sideways_scrolling(show, name: str) -> None:
    page = show(name, viewport={"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.evaluate(OPEN_ALL)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert findings(page) == []
    change = page.locator("td.v + td").first.bounding_box()
    assert change["x"] + change["width"] <= 390


@pytest.mark.parametrize("name", ["demo", "hostile"])
def test_nothing_is_loaded_or_run(show, name: str, files: dict[str, Path]) -> None:
    page = show(name)
    assert page.asked == [files[name].as_uri()]
    assert page.errors == []
    assert page.title() != "taken"
    without = show(name, java_script_enabled=False)
    assert without.locator("h1").inner_text() == page.locator("h1").inner_text()


def test_paper_shows_what_is_folded_in_rows_that_are_not_broken(show, tmp_path: Path) -> None:
    page = show("demo")
    page.emulate_media(media="print")
    assert page.locator("nav").is_hidden()
    for table in page.locator("details table").all():
        assert table.bounding_box()["height"] > 0
        assert table.locator("tbody tr").first.is_visible()
    assert page.evaluate("getComputedStyle(document.querySelector('tbody tr')).breakInside") == "avoid"
    paper = tmp_path / "page.pdf"
    page.pdf(path=str(paper), format="A4")
    pages = len(re.findall(rb"/Type\s*/Page\b(?!s)", paper.read_bytes()))
    assert 3 <= pages <= 16


def test_headings_lead_through_the_page_and_tables_can_be_read_aloud(show) -> None:
    page = show("demo")
    page.evaluate(OPEN_ALL)
    levels = [int(tag[1]) for tag in page.evaluate("[...document.querySelectorAll('h1,h2,h3')].map(e => e.tagName)")]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    for table in page.locator("table").all():
        width = table.locator("thead th").count()
        assert table.locator("thead th[scope=col]").count() == width
        assert all(text.strip() for text in table.locator("thead th").all_inner_texts()), table.inner_text()[:80]
    for row in page.locator("section#s-all-figures tbody tr").all():
        assert row.locator("th[scope=row]").count() == 1
    for drawing in page.locator("svg").all():
        label = drawing.get_attribute("aria-label")
        assert drawing.get_attribute("aria-hidden") == "true" or label


def test_the_keyboard_reaches_links_and_folded_tables_in_order(show) -> None:
    page = show("demo")
    reached = []
    for _ in range(14):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.textContent"))
    assert reached[0] == "In five lines"
    summary = page.locator("section#s-all-figures summary").first
    summary.focus()
    page.keyboard.press("Enter")
    assert page.locator("section#s-all-figures table").first.is_visible()
    places = page.evaluate("[...document.querySelectorAll('a,summary,[tabindex]')].map(e => e.tabIndex)")
    assert set(places) == {0}


def test_a_link_leads_to_the_definition(show) -> None:
    page = show("demo")
    page.locator(".tiles a").first.click()
    assert page.evaluate("document.querySelector(':target').textContent").startswith("Win rate")
    assert page.locator("dt:target").is_visible()
