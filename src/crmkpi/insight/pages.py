"""The page of a period as a value: the results, the comparison period, and all other figures on the page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from crmkpi._hooks import hook
from crmkpi.dates.periods import Period
from crmkpi.errors import unknown_name
from crmkpi.insight.briefings import Briefing
from crmkpi.measuring.results import Report, Result
from crmkpi.tabular import write_whole

__all__ = ["DataLimit", "Page", "Tile"]

_page_html: Callable[[Page], str] = hook("page_html")
_page_fragment: Callable[[Page], str] = hook("page_fragment")
_page_markdown: Callable[[Page], str] = hook("page_markdown")
_page_workbook: Callable[[Page], bytes] = hook("page_workbook")
_section_html: Callable[[Any], str] = hook("section_html")


@dataclass(frozen=True, slots=True)
class DataLimit:
    """A limit of the data: the reason, the number of records (or rows, or KPIs) of how many, and the KPIs.

    `of` is None where the count is not a number of records.
    """

    reason: str
    count: int
    of: int | None
    kpis: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tile:
    """A KPI at the head of the page: its result, its comparison, its trend and the state of its target.

    `target` is a `TargetStatus`, or None.
    """

    result: Result
    trend: tuple[Result, ...]
    target: Any = None


@dataclass(frozen=True, slots=True, repr=False)
class Page:
    """A summary of a period, for readers who have five minutes.

    `tiles` are the KPIs at its head, `results` all measured ones, `trends` the values of each over twelve periods, by
    id. `targets` is a `Scorecard`, `cohort` a `CohortTable`, `funnel` a `Funnel`, each None where there is none.
    `limits` are the limits of the data, one per reason; `sections` are your own reports, tables, texts and charts.
    `made` is the time of its creation, `settings` those of the measurement.
    """

    name: str
    period: Period
    compared_to: Period
    as_of: date | None
    briefing: Briefing
    tiles: tuple[Tile, ...]
    results: Report
    trends: Mapping[str, tuple[Result, ...]]
    targets: Any
    cohort: Any
    funnel: Any
    limits: tuple[DataLimit, ...]
    settings: Mapping[str, str]
    made: datetime
    sections: tuple[tuple[str, Any], ...] = ()

    @property
    def title(self) -> str:
        """The company, the period, the comparison period, and the last day of the data."""
        until = "" if self.as_of is None else f", data until {self.as_of:%Y-%m-%d}"
        return f"{self.name}: {self.period.label} against {self.compared_to.label}{until}"

    def with_section(self, title: str, content: Any) -> Page:
        """The page with a section of your own: a report, a table or check of this library, a text, or a chart.

        A chart is an Altair chart, which becomes SVG (extra `plot`).
        """
        _section_html(content)  # fail here for content that cannot be displayed
        return replace(self, sections=(*self.sections, (title, content)))

    def to_html(self) -> str:
        """The page as self-contained HTML, without external resources and scripts."""
        return _page_html(self)

    def to_markdown(self) -> str:
        """The page in Markdown, without its charts."""
        return _page_markdown(self)

    def to_workbook(self) -> bytes:
        """The page as a workbook with typed numbers and a sheet for each theme; needs the extra `excel`."""
        return _page_workbook(self)

    def save(self, path: str | Path) -> None:
        """Write the page atomically to a file in the format of its suffix: .html, .xlsx or .md."""
        write_whole(path, self.content(path))

    def content(self, path: str | Path) -> bytes:
        """The bytes of a file with this suffix."""
        match suffix := Path(path).suffix.lower():
            case ".html":
                return self.to_html().encode()
            case ".md":
                return self.to_markdown().encode()
            case ".xlsx":
                return self.to_workbook()
            case _:
                known = (".html", ".md", ".xlsx")
                raise unknown_name(f"The suffix of a page says its format; got {str(path)!r}.", suffix, known)

    def _repr_html_(self) -> str:
        return _page_fragment(self)

    def __repr__(self) -> str:
        return f"<Page {self.title}: {len(self.tiles)} tiles, {len(self.results)} KPIs>"
