"""CRM KPIs, each defined once and measured with its evidence.

>>> import crmkpi as ck
>>> deals = [ck.Deal(id="1", status="won"), ck.Deal(id="2", status="lost"), ck.Deal(id="3", status="open")]
>>> ck.win_rate(deals).value
0.5

Every KPI of the catalogue is a name of this module (`crmkpi.win_rate`) and of its theme (`crmkpi.sales.win_rate`);
`crmkpi.catalogue` finds a KPI by its usual names; `crmkpi.vendors` has the definitions that reproduce the numbers of
other systems. Expressions for your own KPIs, such as period bounds and business time, are in `crmkpi.expressions`,
tools for testing them in `crmkpi.testing`. Analyses of customers are in `crmkpi.survival` (how long they stay),
`crmkpi.cohorts`, `crmkpi.rfm`, `crmkpi.health` and `crmkpi.clv` (their predicted value), the stages of deals in
`crmkpi.funnel`, charts in `crmkpi.charts`, and checks of the data in `crmkpi.quality`.

Each name is loaded at its first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from crmkpi._hooks import provide
from crmkpi._lazy import listed, loader
from crmkpi._names import KPIS, MODULES, NAMES, PUBLIC, SUBMODULES

__all__ = list(PUBLIC)

__version__ = "0.1.0"

# The hooks through which lower packages call higher ones; docs/architecture.md lists their callers.
provide(
    {
        "briefing": "crmkpi.insight.briefing",
        "check": "crmkpi.quality",
        "cohort_chart": "crmkpi.display.charts",
        "funnel_chart": "crmkpi.display.charts",
        "survival_chart": "crmkpi.display.charts",
        "discounted_time": "crmkpi.insight.lifespan",
        "explain": "crmkpi.insight.explain",
        "find_metric": "crmkpi.metrics.catalogue",
        "forecast": "crmkpi.insight.forecast",
        "format_label": "crmkpi.display.format",
        "format_value": "crmkpi.display.format",
        "holdout_chart": "crmkpi.display.charts",
        "insight_chart": "crmkpi.display.insight_charts",
        "insight_html": "crmkpi.display.insight",
        "insight_markdown": "crmkpi.display.insight",
        "insight_page": "crmkpi.display.insight",
        "insight_text": "crmkpi.display.insight",
        "insight_value": "crmkpi.display.insight",
        "listed": "crmkpi.display.format",
        "measure_in_words": "crmkpi.display.wording",
        "mean_within": "crmkpi.insight.lifespan",
        "nothing_in_words": "crmkpi.display.wording",
        "page": "crmkpi.insight.page",
        "page_fragment": "crmkpi.display.page_html",
        "page_html": "crmkpi.display.page_html",
        "page_markdown": "crmkpi.display.page_text",
        "page_workbook": "crmkpi.display.page_text",
        "pivot": "crmkpi.display.pivot",
        "pivot_dicts": "crmkpi.display.pivot",
        "pivot_markdown": "crmkpi.display.pivot",
        "pivot_table": "crmkpi.display.pivot",
        "pivot_text": "crmkpi.display.pivot",
        "quality_html": "crmkpi.display.quality",
        "quality_page": "crmkpi.display.quality",
        "quality_text": "crmkpi.display.quality",
        "report_chart": "crmkpi.display.report_charts",
        "report_columns": "crmkpi.display.frames",
        "report_csv": "crmkpi.display.rows",
        "report_file": "crmkpi.display.saving",
        "report_json": "crmkpi.display.rows",
        "report_rows": "crmkpi.display.rows",
        "report_markdown": "crmkpi.display.markdown",
        "report_page": "crmkpi.display.html",
        "report_schema": "crmkpi.display.models",
        "report_table": "crmkpi.display.html",
        "report_text": "crmkpi.display.text",
        "search": "crmkpi.insight.search",
        "section_html": "crmkpi.display.page_html",
        "table_html": "crmkpi.display.html",
        "result_from_totals": "crmkpi.measuring.results",
        "statement_text": "crmkpi.measuring.statement_text",
        "result_of": "crmkpi.measuring.calls",
        "result_row": "crmkpi.display.rows",
        "result_schema": "crmkpi.display.models",
        "result_text": "crmkpi.display.text",
        "wide_columns": "crmkpi.display.frames",
    }
)

# Each name is loaded at its first use, from its own module: a program that uses one KPI does not load the others.
_load = loader(__name__, {**NAMES, **{name: f"metrics.{home}" for name, home in KPIS.items()}})
_MODULES = {**MODULES, **SUBMODULES}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return globals().setdefault(name, listed(import_module(f"crmkpi.{_MODULES[name]}")))
    return _load(name)


def __dir__() -> list[str]:
    return sorted({*__all__, *_MODULES, *(name for name in globals() if name.startswith("__"))})
