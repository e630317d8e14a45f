"""A page in Markdown, and as a workbook."""

from __future__ import annotations

from collections.abc import Iterator

from crmkpi.display.format import format_change, format_label, judgement, value_text, words
from crmkpi.display.markdown import draw_markdown
from crmkpi.display.sheet import Sheet, SheetColumn, period_label, sheet_of
from crmkpi.display.workbook import WorkbookSheet, result_sheets, text_sheet, trend_sheet, workbook
from crmkpi.insight.pages import Page
from crmkpi.insight.tables import InsightTable
from crmkpi.measuring.results import Report, Result

__all__ = ["page_markdown", "page_workbook"]


def page_markdown(page: Page) -> str:
    """The page in Markdown: the briefing, the KPIs at its head, the tables by theme, and the limits of the data."""
    return "\n".join(_markdown(page)).rstrip("\n") + "\n"


def _markdown(page: Page) -> Iterator[str]:
    yield from (f"# {_escaped(page.title)}", "")
    for line in page.briefing.lines:
        yield from (f"## {line.title}", "", *(f"- {_escaped(fact.text)}" for fact in line.facts), "")
    heads = [tile.result for tile in page.tiles]
    targets = tuple(
        "" if tile.target is None or not tile.target.bounds else f"{tile.target.bounds}: {tile.target.status}"
        for tile in page.tiles
    )
    columns = [
        SheetColumn("metric", "KPI", tuple(result.metric.title for result in heads)),
        SheetColumn("value", "value", tuple(map(value_text, heads))),
        SheetColumn("change", f"against {page.compared_to.label}", tuple(map(_change, heads))),
    ]
    if any(targets):
        columns.append(SheetColumn("mark", "target", targets))
    yield from ("## At a glance", "", draw_markdown(Sheet("", tuple(columns), ())), "")
    if page.targets is not None:
        yield from ("## Targets", "", page.targets.to_markdown(), "")
    for title, content in page.sections:
        text = content.to_markdown() if isinstance(content, Report | InsightTable) else _escaped(str(content))
        yield from (f"## {_escaped(title)}", "", text, "")
    themes: dict[str, list[Result]] = {}
    for result in page.results:
        themes.setdefault(result.metric.theme, []).append(result)
    for theme, results in themes.items():
        sheet = sheet_of(results, names="title")
        yield from (f"## {words(theme).capitalize()}", "", draw_markdown(Sheet("", sheet.columns, ())), "")
    if page.limits:
        yield from ("## What the data cannot say", "")
        yield from (
            f"- {_escaped(limit.reason)}" + (f": {limit.count:,}" if limit.count else "") for limit in page.limits
        )
        yield ""
    yield from ("## How this page was made", "", f"- made {page.made:%Y-%m-%d %H:%M %Z}")
    yield from (f"- {name}: {_escaped(text)}" for name, text in page.settings.items())


def _change(result: Result) -> str:
    return " ".join(filter(None, (format_change(result.change, result.unit), judgement(result.change))))


def _escaped(text: str) -> str:
    """A text on one line, escaped for Markdown and HTML."""
    shown = format_label(text)
    for sign, meant in (
        ("\\", "\\\\"),
        ("&", "&amp;"),
        ("<", "&lt;"),
        ("`", "\\`"),
        ("*", "\\*"),
        ("[", "\\["),
        ("|", "\\|"),
    ):
        shown = shown.replace(sign, meant)
    return shown


def page_workbook(page: Page) -> bytes:
    """The page as a workbook: the briefing, targets, a sheet for each theme, trends, and the settings."""
    briefing = [(line.title, fact.text) for line in page.briefing.lines for fact in line.facts]
    sheets: list[WorkbookSheet] = [text_sheet("Briefing", ("question", "measured"), briefing)]
    if page.targets is not None:
        grid = page.targets.grid()
        sheets.append(text_sheet("Targets", [header or "note" for header in grid.headers], grid.rows))
    sheets += result_sheets(page.results)
    sheets.append(trend_sheet([(period_label(one), one) for tile in page.tiles for one in tile.trend]))
    limits = [(one.reason, one.count or "", one.of or "", ", ".join(one.kpis)) for one in page.limits]
    sheets.append(text_sheet("What the data cannot say", ("reason", "count", "of", "KPIs"), limits))
    made = [("title", page.title), ("made", f"{page.made:%Y-%m-%d %H:%M %Z}"), *page.settings.items()]
    sheets.append(text_sheet("How it was made", ("what", "value"), made))
    return workbook(sheets)
