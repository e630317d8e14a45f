"""Render the report on data quality as text and HTML."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from html import escape

from crmkpi.display.format import format_label, format_value, listed
from crmkpi.display.html import draw_html, html_page
from crmkpi.display.sheet import Sheet, SheetColumn
from crmkpi.display.text import draw_text
from crmkpi.quality.findings import LEVELS, Finding, QualityReport
from crmkpi.sources.account import LoadAccount

__all__ = ["quality_html", "quality_page", "quality_text"]

_PLURAL = {"error": "errors", "warning": "warnings", "information": "information"}
_STYLE = """
.crmkpi-quality { font: 14px/1.5 system-ui, sans-serif; }
.crmkpi-quality h2 { font-size: 1.05rem; margin: 1.4em 0 .5em; }
.crmkpi-quality article { border-left: 3px solid; padding: .1em 0 .1em .9em; margin: 0 0 1em; }
.crmkpi-quality article p { margin: 0; overflow-wrap: anywhere; }
.crmkpi-quality .what { font-weight: 600; }
.crmkpi-quality .more { opacity: .8; }
.crmkpi-quality code { font-size: .92em; }
.crmkpi-quality .error { border-color: #d0453b; }
.crmkpi-quality .warning { border-color: #c08a1e; }
.crmkpi-quality .information { border-color: #7d8590; }
"""


def quality_text(report: QualityReport, *, width: int = 80) -> str:
    """The report in plain text: the rows read, and the findings by level."""
    lines = [report.heading, ""]
    if report.tables:
        lines += [draw_text(_account(report), width=width), ""]
    for level in LEVELS:
        findings = report.of_level(level)
        if findings:
            lines += [_PLURAL[level], ""]
        for finding in findings:
            lines += [*_lines(finding, width), ""]
    for note in report.notes:
        lines += textwrap.wrap(f"note: {note}", width, subsequent_indent="  ")
    return "\n".join(lines).rstrip()


def _lines(finding: Finding, width: int) -> Iterator[str]:
    yield from textwrap.wrap(_what(finding), width)
    for part in _details(finding):
        yield from textwrap.wrap(part, width, initial_indent="  ", subsequent_indent="  ")


def _what(finding: Finding) -> str:
    return f"{finding.table}: {format_label(finding.what)}: {finding.amount}"


def _details(finding: Finding) -> Iterator[str]:
    if finding.example:
        yield f"such as {format_label(finding.example)}"
    yield from map(str, finding.impacts)
    yield f"({finding.code})"


def _account(report: QualityReport) -> Sheet:
    """The table of rows read."""
    names, accounts = tuple(report.tables), tuple(report.tables.values())
    columns = [
        SheetColumn("label", "table", names),
        SheetColumn("label", "from", tuple(format_label(account.source) for account in accounts)),
        SheetColumn("number", "rows", tuple(f"{account.rows:,}" for account in accounts)),
        SheetColumn("number", "used", tuple(f"{account.used:,}" for account in accounts)),
        SheetColumn("number", "rejected", tuple(f"{len(account.rejected):,}" for account in accounts)),
    ]
    if any(account.skipped for account in accounts):
        columns.append(SheetColumn("number", "skipped", tuple(f"{sum(one.skipped.values()):,}" for one in accounts)))
    notes: list[str] = []
    for name, account in report.tables.items():
        notes += [f"{name}: {format_label(told)}" for told in _told(account)]
        notes += [f"{name}: {count:,} skipped: {format_label(reason)}" for reason, count in account.skipped.items()]
        notes += [f"{name}: {format_label(note)}" for note in account.notes]
    return Sheet("", tuple(columns), tuple(notes))


def _told(account: LoadAccount) -> Iterator[str]:
    """The preset of a file, its unmapped columns, and its unreadable and converted values."""
    if account.preset:
        sure = account.recognised
        yield f"read as {account.preset}" + (
            "" if sure is None else f", recognised with {format_value(sure.score, 'ratio')}"
        )
    if account.unmapped:
        yield f"columns that fill no field: {listed(account.unmapped)}"
    for name, count in account.unreadable_fields.items():
        yield f"{name} unreadable in {count:,}: {account.words_of(name)}"
    if account.coerced:
        counts = (f"{header} ({sum(kinds.values()):,})" for header, kinds in account.coerced.items())
        yield f"converted values: {listed(counts)}"


def quality_html(report: QualityReport) -> str:
    """The report with its own styles, for a page or a notebook."""
    parts = ['<div class="crmkpi-quality">', f"<style>{_STYLE}</style>", f"<h2>{escape(report.heading)}</h2>"]
    return "\n".join([*parts, *_sections(report), "</div>"])


def quality_page(report: QualityReport) -> str:
    """The report as a complete HTML page, for a file or an email."""
    body = "\n".join(['<div class="crmkpi-quality">', f"<style>{_STYLE}</style>", *_sections(report), "</div>"])
    return html_page(report.heading, body)


def _sections(report: QualityReport) -> Iterator[str]:
    if report.tables:
        yield draw_html(_account(report))
    for level in LEVELS:
        findings = report.of_level(level)
        if findings:
            yield f"<h2>{_PLURAL[level].capitalize()}</h2>"
        for finding in findings:
            yield f'<article class="{level}"><p class="what">{escape(_what(finding))}</p>'
            for detail in _details(finding):
                yield f'<p class="more">{escape(detail)}</p>'
            yield "</article>"
    if report.notes:
        yield "<h2>Notes</h2>"
        yield f"<ul>{''.join(f'<li>{escape(note)}</li>' for note in report.notes)}</ul>"
