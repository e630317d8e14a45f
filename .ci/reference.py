"""The reference: docs/reference.md lists every public name, docs/api/ documents them on the site."""

from __future__ import annotations

import inspect
from importlib import import_module
from types import ModuleType
from typing import Any, get_args

import crmkpi
from crmkpi.definition.metric import Metric
from crmkpi.metrics.catalogue import Catalogue
from crmkpi.records import RECORDS
from crmkpi.records.base import record_type

MODULES = (
    "crmkpi.definition.expressions",
    "crmkpi.errors",
    "crmkpi.statistics.intervals",
    "crmkpi.insight.survival",
    "crmkpi.insight.cohorts",
    "crmkpi.insight.rfm",
    "crmkpi.insight.funnel",
    "crmkpi.insight.health",
    "crmkpi.display.charts",
    "crmkpi.clv",
    "crmkpi.sources.presets",
    "crmkpi.quality",
    "crmkpi.testing",
    "crmkpi.vendors",
)
HOLDS = {
    "text": "text",
    "number": "a number",
    "integer": "a whole number",
    "money": "an amount, exact: a `Decimal`",
    "timestamp": "a `datetime`, or a date for its start",
    "date": "a date",
    "flag": "`True` or `False`",
    "attributes": "custom fields, by name",
}
WRITTEN = "<!-- Written by `python .ci/pages.py`; do not edit. -->\n"
HEAD = f"""\
# Reference

{WRITTEN}
Every public name, with a one-line summary; its page, or `help(name)`, has the details.
"""


def first_line(thing: Any) -> str:
    """The one-line summary of an object."""
    if isinstance(thing, str):
        return "The version of the library."
    if isinstance(thing, tuple):
        return "The named segments, each with the scores of recency and of frequency that it takes in."
    if get_args(thing):  # a choice of words
        return f"One of {', '.join(map(repr, get_args(thing)))}."
    documented = thing if isinstance(thing, Metric | ModuleType | type) or callable(thing) else type(thing)
    return (inspect.getdoc(documented) or "").partition("\n")[0]


def full_name(module: str, name: str, thing: Any) -> str:
    """The defining module and name, which are its anchor on the site."""
    if isinstance(thing, Catalogue):
        return "crmkpi.metrics.catalogue.Catalogue"
    if isinstance(thing, type) or inspect.isroutine(thing):
        return f"{thing.__module__}.{thing.__qualname__}"
    return f"{module}.{name}"


def section(title: str, things: dict[str, Any], link: dict[str, str]) -> str:
    """A heading and one line for each name."""
    rows = [f"- [`{name}`]({link[name]}): {first_line(thing)}" for name, thing in things.items()]
    return "\n".join([f"## {title}", "", *rows, ""])


def explained(title: str, head: str, names: dict[str, str], things: dict[str, Any]) -> str:
    """A page with the documentation of names and the fields of records."""
    parts = [f"::: {place}\n{fields_of(things[name])}" for name, place in names.items()]
    return "\n".join([f"# {title}", "", WRITTEN, head, *parts]).rstrip() + "\n"


def fields_of(thing: Any) -> str:
    """The fields of a record class as a table; empty for other objects."""
    if not (isinstance(thing, type) and thing in RECORDS.values()):
        return ""
    known = record_type(thing)
    leads = {relation.key: relation.table for relation in known.relations.values()}
    defaults = {name: each.default for name, each in inspect.signature(thing).parameters.items()}
    rows = []
    for field in known.fields.values():
        holds = " or ".join(f"`{choice}`" for choice in field.choices) or HOLDS[field.kind]
        holds = f"the id of one of the {leads[field.name].replace('_', ' ')}" if field.name in leads else holds
        missing = "needed" if field.required else f"`{defaults[field.name]}`"
        rows.append(f"| `{field.name}` | {holds} | {missing} |")
    return "\n".join(["", "| field | holds | without it |", "| --- | --- | --- |", *rows, ""])


def pages() -> dict[str, str]:
    """The pages by their path in docs/."""
    names = {name: getattr(crmkpi, name) for name in crmkpi.__all__}
    modules = {name: thing for name, thing in names.items() if isinstance(thing, ModuleType)}
    themes = {name: thing for name, thing in modules.items() if thing.__name__.startswith("crmkpi.metrics.")}
    records = {name: thing for name, thing in names.items() if thing in RECORDS.values()}
    metrics = {name: thing for name, thing in names.items() if isinstance(thing, Metric)}
    tools = {name: thing for name, thing in names.items() if name not in modules | records | metrics}
    with_variants = {each.id: each for metric in metrics.values() for each in (metric, *metric.variants.values())}
    analyses = {name: thing for name, thing in modules.items() if name not in themes}
    found: dict[str, str] = {}

    def listed(title: str, page: str, module: str, things: dict[str, Any], head: str = "") -> str:
        places = {name: full_name(module, name, thing) for name, thing in things.items()}
        found[page] = explained(title, head, places, things)
        return section(title, things, {name: f"{page}#{place}" for name, place in places.items()})

    sections = [
        listed("Tools", "api/tools.md", "crmkpi", tools, "What `import crmkpi as ck` brings besides the KPIs.\n"),
        listed("Records", "api/records.md", "crmkpi", records, "What a CRM holds: one class for each table.\n"),
    ]
    for module in map(import_module, MODULES):
        public = {name: getattr(module, name) for name in module.__all__}
        name = module.__name__
        # The module's own docstring first.
        options = {"members": "false", "show_root_heading": "false", "show_root_toc_entry": "false"}
        own = "\n".join(
            [f"::: {name}", "    options:", *(f"      {key}: {value}" for key, value in options.items()), ""]
        )
        sections.append(listed(f"`{name}`", f"api/{name.removeprefix('crmkpi.')}.md", name, public, own))
    page_of = {module: f"api/{module.removeprefix('crmkpi.')}.md" for module in MODULES}
    sections += [
        section(
            "Analyses",
            analyses,
            {name: page_of.get(thing.__name__, "api/insight.survival.md") for name, thing in analyses.items()},
        ),
        section("Themes", themes, {name: f"catalogue/index.md#{name}" for name in themes}),
        section(
            "KPIs and their variants",
            with_variants,
            {name: f"catalogue/{name.partition('.')[0]}.md" for name in with_variants},
        ),
    ]
    return {"reference.md": "\n".join([HEAD, *sections]), **found}
