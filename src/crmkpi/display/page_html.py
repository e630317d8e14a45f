"""A page in HTML: one file, no external resources, no scripts, everything escaped, for screens, phones and paper."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from html import escape
from importlib import import_module
from typing import Any

from crmkpi.display.format import (
    UNDEFINED,
    format_change,
    format_difference,
    format_label,
    format_range,
    format_value,
    judgement,
    value_text,
    words,
)
from crmkpi.display.html import report_table
from crmkpi.display.notes import NOT_OVER, SMALL_SAMPLE, marks
from crmkpi.display.page_style import IN_ANOTHER, STYLE, WHOLE
from crmkpi.display.sheet import period_label
from crmkpi.display.sparkline import sparkline, trend_chart
from crmkpi.errors import InputError, MissingExtraError
from crmkpi.insight.briefings import BriefingFact, BriefingLine
from crmkpi.insight.cohorts import CohortTable
from crmkpi.insight.funnel import Funnel
from crmkpi.insight.pages import Page, Tile
from crmkpi.insight.tables import InsightTable, ShownTable
from crmkpi.insight.targets import Scorecard
from crmkpi.measuring.results import Report, Result
from crmkpi.quality.findings import QualityReport

__all__ = ["page_fragment", "page_html", "section_html"]

_SHOWN_FACTS = 5
_WHOLE_FROM = 1_000
_OPTION = re.compile(r" \(\w+=\)$")  # the name of an argument, which does not help readers of the page
_MOST_KPIS = 12  # KPIs named in one row of the limits of the data


def page_html(page: Page) -> str:
    """The page as a complete HTML file."""
    title = escape(page.title)
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n</head>\n<body>\n{_page(page, WHOLE)}\n</body>\n</html>\n"
    )


def page_fragment(page: Page) -> str:
    """The page as a fragment for another page or a notebook, in the colours of that page."""
    return _page(page, IN_ANOTHER)


def _page(page: Page, colours: str) -> str:
    sections = [(name, body) for name, body in _sections(page) if body]
    links = "".join(f'<a href="#{_anchor(name)}">{escape(name)}</a>' for name, _ in sections)
    parts = [
        f'<div class="crmkpi-page"><style>{colours}{STYLE}</style>',
        f"<header><h1>{escape(page.title)}</h1>{_not_over(page)}",
        f'<nav aria-label="Sections">{links}</nav></header>',
        "<main>",
        _tiles(page),
        *(f'<section id="{_anchor(name)}"><h2>{escape(name)}</h2>{body}</section>' for name, body in sections),
        "</main>",
        _foot(page),
        "</div>",
    ]
    return "\n".join(parts)


def _not_over(page: Page) -> str:
    open_ = any(result.complete is False for result in page.results)
    return '<p class="soft">The period is not over: its figures will change.</p>' if open_ else ""


def _sections(page: Page) -> Iterator[tuple[str, str]]:
    """The sections in order, each with its heading."""
    yield "In five lines", _briefing(page)
    yield "Targets", "" if page.targets is None else _targets(page, page.targets)
    yield "Trends", _trends(page)
    yield "What moved", _moved(page)
    for title, content in page.sections:
        yield title, section_html(content, title)
    yield "All figures", _themes(page)
    yield "Cohorts", "" if page.cohort is None else _cohort(page.cohort)
    yield "Funnel", "" if page.funnel is None else _funnel(page.funnel)
    yield "What the data cannot say", _limits(page)
    yield "Definitions", _definitions(page)


def _anchor(name: str) -> str:
    return "s-" + re.sub(r"[^a-z0-9]+", "-", name.casefold()).strip("-")


def _link(result: Result) -> str:
    return f'<a href="#kpi-{escape(result.definition)}">{escape(result.metric.title)}</a>'


def _tone(better: object) -> str:
    return "" if better is None else ' class="better"' if better else ' class="worse"'


def _tiles(page: Page) -> str:
    return f'<section><h2>At a glance</h2><ul class="tiles">{"".join(map(_tile, page.tiles))}</ul></section>'


def _tile(tile: Tile) -> str:
    result, change = tile.result, tile.result.change
    lines = [f'<h3>{_link(result)}</h3><p class="v">{escape(_brief(result, result.value))}{marks(result)}</p>']
    if result.reason is not None:
        lines.append(f'<p class="soft">{escape(result.reason)}</p>')
    if change is not None and change.absolute is not None and result.value is not None:
        other = "" if result.compared_to is None else f"against {period_label(result.compared_to)}"
        lines.append(f"<p{_tone(change.better)}>{_told(result, other)}</p>")
        if change.interval is not None:
            low, high = (_brief(result, bound, change=True) for bound in change.interval)
            lines.append(f"<p><small>change between {escape(low)} and {escape(high)}</small></p>")
    if result.interval is not None:
        span = format_range(result.interval, result.unit, result.value)
        lines.append(f"<p><small>{100 * result.interval.confidence:g} % interval {escape(span)}</small></p>")
    if tile.target is not None and tile.target.bounds:
        sure = "" if tile.target.probability is None else f", {100 * tile.target.probability:.0f} % sure it is met"
        lines.append(f"<p><small>target {escape(tile.target.bounds)}: {escape(tile.target.status + sure)}</small></p>")
    lines.append(sparkline(tile.trend, label=_trend_label(tile.trend)))
    return f"<li>{''.join(lines)}</li>"


def _brief(result: Result, value: Any, *, change: bool = False) -> str:
    """A value, or a difference of two, for a tile: amounts of a thousand or more in whole units."""
    if result.unit == "money" and value is not None and abs(value) >= _WHOLE_FROM:
        sign = "+" if change and value > 0 else ""
        return f"{sign}{value:,.0f} {result.currency or ''}".rstrip()
    if change:
        return format_difference(value, result.unit, currency=result.currency)
    return value_text(result)


def _told(result: Result, against: str = "") -> str:
    """The change of a value, its comparison and the verdict as HTML; in small letters if it is not significant."""
    change = result.change
    verdict = escape(judgement(change))
    told = f"<b>{escape(format_change(change, result.unit))}</b>"
    if verdict and change is not None and change.verdict not in ("up", "down"):
        return f"{told} <small>{', '.join(filter(None, (escape(against), verdict)))}</small>"
    small = f" <small>{escape(against)}</small>" if against else ""
    return " ".join(filter(None, (told, verdict))) + small


def _trend_label(trend: Sequence[Result]) -> str:
    valued = [result for result in trend if result.value is not None]
    if not valued:
        return ""
    first, last = valued[0], valued[-1]
    return f"{value_text(first)} in {period_label(first)}, {value_text(last)} in {period_label(last)}"


def _briefing(page: Page) -> str:
    titles = {result.definition: result for result in page.results}
    return f'<div class="lines">{"".join(_line(line, titles) for line in page.briefing.lines)}</div>'


def _line(line: BriefingLine, known: Mapping[str, Result]) -> str:
    facts = [f"<li{_tone(fact.better)}>{_fact(fact, known)}</li>" for fact in line.facts]
    shown, more = facts[:_SHOWN_FACTS], facts[_SHOWN_FACTS:]
    folded = f"<details><summary>and {len(more)} more</summary><ul>{''.join(more)}</ul></details>" if more else ""
    return f"<div><h3>{escape(line.title)}</h3><ul>{''.join(shown)}</ul>{folded}</div>"


def _fact(fact: BriefingFact, known: Mapping[str, Result]) -> str:
    """The text of a fact, in which the ids of KPIs become links with their titles to their definitions."""
    text = escape(_OPTION.sub("", format_label(fact.text)))
    names = [re.escape(name) for name in fact.metrics if name in known]
    if not names:
        return text
    return re.sub(rf"(?<![\w.])({'|'.join(sorted(names, key=len, reverse=True))})(?![\w.])",
                  lambda found: _link(known[found[1]]), text)  # fmt: skip


def _targets(page: Page, card: Scorecard) -> str:
    """The targets of the set, without the KPIs that have none."""
    titles = {result.definition: result.metric.title for result in page.results}
    grid = card.grid()
    rows = [
        (row[0].replace(one.metric.id, titles.get(one.metric.id, one.metric.id), 1), *row[1:])
        for one, row in zip(card.targets, grid.rows, strict=True)
        if one.status != "no target"
    ]
    return _grid(replace(grid, rows=rows)) if rows else ""


def _trends(page: Page) -> str:
    figures = []
    for tile in page.tiles:
        title = tile.result.metric.title
        drawn = trend_chart(tile.trend, label=f"{title}: {_trend_label(tile.trend)}")
        if drawn:
            figures.append(f"<figure><figcaption>{escape(title)}</figcaption>{drawn}</figure>")
    if not figures:
        return ""
    note = "The band is the interval of each value; a ring is a period that is not over."
    return f'<div class="trends">{"".join(figures)}</div><p class="soft">{note}</p>'


def _moved(page: Page) -> str:
    """The tables that account for the significant changes."""
    tables = [table for question, table in page.briefing.details if question == "accounts for it"]
    parts = []
    for table in tables:
        grid = table.grid()
        parts.append(
            f"<details><summary><h3>{escape(grid.heading)}</h3></summary>{_grid(grid, caption=False)}</details>"
        )
    return "".join(parts)


def _themes(page: Page) -> str:
    themes: dict[str, list[Result]] = {}
    for result in page.results:
        themes.setdefault(result.metric.theme, []).append(result)
    marked = {mark for result in page.results for mark in marks(result)}
    notes = {
        SMALL_SAMPLE: f"{SMALL_SAMPLE} rests on fewer than 30 records, so it says little.",
        NOT_OVER: f"{NOT_OVER} the period is not over.",
    }
    told = " ".join(note for mark, note in notes.items() if mark in marked)
    note = f'<p class="soft">A colour marks a change that leaves the noise; all else is grey. {told}</p>'
    return note + "".join(_theme(page, theme, results) for theme, results in themes.items())


def _theme(page: Page, theme: str, results: Sequence[Result]) -> str:
    shown = [result for result in results if result.change is not None and result.change.verdict in ("up", "down")]
    told = f"{len(results)} KPIs, {len(shown) or 'none'} changed by more than chance"
    title = words(theme).capitalize() or "KPIs"
    confidence = next((r.interval.confidence for r in results if r.interval is not None), None)
    head = [
        '<th scope="col" class="l">KPI</th><th scope="col">value</th>',
        f'<th scope="col" class="l">against {escape(page.compared_to.label)}</th>',
        f'<th scope="col" class="wide">{f"{100 * confidence:g} % " if confidence else ""}interval</th>',
        '<th scope="col" class="wide">n</th><th scope="col" class="l wide">trend</th>',
    ]
    rows = "".join(_row(result, page.trends.get(result.definition, ())) for result in results)
    return (
        f'<details><summary><h3>{escape(title)}</h3> <span class="soft">{told}</span></summary>'
        f"<table><thead><tr>{''.join(head)}</tr></thead><tbody>{rows}</tbody></table></details>"
    )


def _row(result: Result, trend: Sequence[Result]) -> str:
    change = result.change
    better = None if change is None else change.better
    kind = "l" if better is None else "l better" if better else "l worse"
    name = _link(result)
    if result.reason is not None:
        name += f"<br><small>{escape(result.reason)}</small>"
    n = UNDEFINED if result.value is None else f"{result.n:,}"
    return (
        f'<tr><th scope="row" class="l">{name}</th><td class="v">{escape(value_text(result))}{marks(result)}</td>'
        f'<td class="{kind}">{_told(result)}</td>'
        f'<td class="wide n">{escape(format_range(result.interval, result.unit, result.value))}</td>'
        f'<td class="wide">{n}</td><td class="wide">{sparkline(trend)}</td></tr>'
    )


def _grid(grid: ShownTable, *, caption: bool = True) -> str:
    """A table of an analysis. If it is wider than the screen it scrolls on its own, also by keyboard."""
    last = len(grid.headers) - grid.remarks

    def kind(place: int) -> str:
        return ' class="l"' if place < grid.labels or place >= last else ""

    head = "".join(
        f'<th scope="col"{kind(place)}>{escape(header) or "<small>note</small>"}</th>'
        for place, header in enumerate(grid.headers)
    )
    rows = "".join(
        "<tr>"
        + "".join(
            f'<th scope="row" class="l">{escape(format_label(cell))}</th>'
            if place == 0
            else f"<td{kind(place)}>{escape(format_label(cell)) if cell else ''}</td>"
            for place, cell in enumerate(row)
        )
        + "</tr>"
        for row in grid.rows
    )
    notes = "".join(f"<li>{escape(format_label(note))}</li>" for note in grid.notes)
    told = f"<caption>{escape(grid.heading)}</caption>" if caption else ""
    table = f"<table>{told}<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    return _scrolling(grid.heading, table) + (f'<ul class="soft">{notes}</ul>' if notes else "")


def _scrolling(label: str, body: str) -> str:
    return f'<div class="x" tabindex="0" role="region" aria-label="{escape(label)}">{body}</div>'


def _cohort(table: CohortTable) -> str:
    """The triangle; a darker cell is a larger share. A period that is not over is in brackets."""
    width = max(len(cohort.cells) for cohort in table.cohorts)
    head = "".join(f'<th scope="col">{number}</th>' for number in range(width))
    rows = []
    for cohort in table.cohorts:
        cells = []
        for cell in cohort.cells:
            if cell.value is None:
                cells.append("<td></td>")
                continue
            share = cell.value / cohort.size
            text = f"{100 * share:.0f} %"
            cells.append(
                f'<td class="h" style="--s:{22 * min(1.0, share):.0f}%">{text if cell.complete else f"({text})"}</td>'
            )
        rows.append(
            f'<tr><th scope="row" class="l">{escape(cohort.label)}</th><td>{cohort.size:,}</td>{"".join(cells)}</tr>'
        )
    told = (
        f"Of the customers whose first order was in a {table.every}, how many ordered so many {table.every}s later; "
        f"as of {table.as_of}. In brackets: not over."
    )
    body = (
        f'<table><caption>{told}</caption><thead><tr><th scope="col" class="l">first order</th>'
        f'<th scope="col">customers</th>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table>'
    )
    return _scrolling("Cohorts", body)


def _funnel(funnel: Funnel) -> str:
    rows = "".join(
        f'<tr><th scope="row" class="l">{escape(format_label(stage.stage))}</th><td>{stage.reached:,}</td>'
        f"<td>{format_value(stage.from_previous, 'ratio')}</td><td>{format_value(stage.from_first, 'ratio')}</td></tr>"
        for stage in funnel.stages
    )
    told = "Of the deals that entered their first stage in the period: how many came so far by now."
    return (
        f'<table><caption>{told}</caption><thead><tr><th scope="col" class="l">stage</th><th scope="col">reached</th>'
        f'<th scope="col">of the stage before</th><th scope="col">of the first</th></tr></thead>'
        f"<tbody>{rows}</tbody></table>"
    )


def _limits(page: Page) -> str:
    if not page.limits:
        return "<p>Nothing was left out or could not be read, and every KPI has a value.</p>"
    titles = {result.definition: result.metric.title for result in page.results}
    rows = []
    for limit in page.limits:
        named = [titles.get(name, name) for name in limit.kpis[:_MOST_KPIS]]
        more = f" and {len(limit.kpis) - _MOST_KPIS} more" if len(limit.kpis) > _MOST_KPIS else ""
        share = format_value(limit.count / limit.of, "ratio") if limit.of else ""
        count = f"{limit.count:,}" if limit.count else ""
        rows.append(
            f'<tr><th scope="row" class="l">{escape(format_label(limit.reason))}</th><td>{count}</td><td>{share}</td>'
            f'<td class="l wide">{escape(", ".join(named) + more)}</td></tr>'
        )
    head = (
        '<th scope="col" class="l">reason</th><th scope="col">count</th><th scope="col">of the records</th>'
        '<th scope="col" class="l wide">KPIs</th>'
    )
    return (
        f'<details><summary>{len(page.limits)} reasons</summary><table class="reasons"><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></details>"
    )


def _definitions(page: Page) -> str:
    found = {result.definition: result.metric for result in page.results}
    better = {"higher": ", higher is better", "lower": ", lower is better", "neither": ""}
    rows = "".join(
        f'<div><dt id="kpi-{escape(name)}">{escape(metric.title)} <code>{escape(name)}</code></dt>'
        f"<dd>{escape(metric.meaning)} <small>{escape(metric.unit + better[metric.better])}</small></dd></div>"
        for name, metric in found.items()
    )
    return f'<dl class="defs">{rows}</dl>'


def _foot(page: Page) -> str:
    rows = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(format_label(text))}</dd></div>"
        for name, text in page.settings.items()
    )
    return (
        f'<footer><h2>How this page was made</h2><p class="soft">On {page.made:%Y-%m-%d at %H:%M %Z}, by crmkpi '
        f'{escape(page.settings["crmkpi"])}.</p><dl class="facts soft">{rows}</dl></footer>'
    )


def section_html(content: Any, title: str = "") -> str:
    """A section of the user: a report, a table or check of this library, a text with its paragraphs, or a chart."""
    match content:
        case str():
            return "".join(f"<p>{escape(part)}</p>" for part in content.split("\n\n"))
        case Report():
            return _scrolling(title or "Report", report_table(content))
        case InsightTable():
            return _grid(content.grid())
        case CohortTable():
            return _cohort(content)
        case Funnel():
            return _funnel(content)
        case QualityReport():
            return _scrolling(title or "Data quality", _findings(content))
        case _ if type(content).__module__.partition(".")[0] == "altair" and hasattr(content, "to_dict"):
            return _chart(content, title)
    raise InputError(
        "A section of a page is a report, a table or check of this library, a text, or an Altair chart; got "
        f"{type(content).__name__}."
    )


def _findings(report: QualityReport) -> str:
    rows = "".join(
        f'<tr><th scope="row" class="l">{escape(one.level)}</th><td class="l">{escape(one.table)}: '
        f"{escape(format_label(one.what))}</td><td>{escape(one.amount)}</td></tr>"
        for one in report
    )
    head = '<th scope="col" class="l">level</th><th scope="col" class="l">what</th><th scope="col">how many</th>'
    return (
        f"<table><caption>{escape(report.heading)}</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    )


def _chart(chart: Any, title: str) -> str:
    """An Altair chart as SVG, on the white background that its colours need."""
    try:
        drawn = import_module("vl_convert").vegalite_to_svg(chart.to_dict())
    except ImportError:
        raise MissingExtraError(
            "A chart on a page needs vl-convert-python; install it with pip install 'crmkpi[plot]'."
        ) from None
    shown: str = drawn[drawn.index("<svg") :]
    label = escape(title or "Chart")
    return f'<div role="img" aria-label="{label}" style="background:#fff;overflow-x:auto">{shown}</div>'
