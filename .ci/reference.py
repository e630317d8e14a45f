"""Writes docs/reference.md: every public name with the first line of its documentation.

python .ci/reference.py            write the page
python .ci/reference.py --check    fail if the page is not what would be written
"""

from __future__ import annotations

import inspect
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import crmkpi
from crmkpi.metric import Metric
from crmkpi.records import RECORDS

PAGE = Path(__file__).parent.parent / "docs" / "reference.md"
MODULES = (
    "crmkpi.expressions",
    "crmkpi.errors",
    "crmkpi.intervals",
    "crmkpi.insight.survival",
    "crmkpi.insight.cohorts",
    "crmkpi.insight.rfm",
    "crmkpi.insight.funnel",
    "crmkpi.insight.health",
    "crmkpi.clv",
    "crmkpi.testing",
    "crmkpi.vendors",
)
HEAD = """\
# Reference

Every public name, with what it is in one line; `help(name)` shows the rest.
Written by `python .ci/reference.py`; do not edit.
"""


def first_line(thing: Any) -> str:
    """What the thing is, in one line."""
    if isinstance(thing, str):
        return "The version of the library."
    if get_args(thing):  # a choice of words
        return f"One of {', '.join(map(repr, get_args(thing)))}."
    documented = thing if isinstance(thing, Metric | ModuleType | type) or callable(thing) else type(thing)
    return (inspect.getdoc(documented) or "").partition("\n")[0]


def section(title: str, things: dict[str, Any]) -> str:
    """A heading and one line for each name."""
    rows = [f"- `{name}`: {first_line(thing)}" for name, thing in things.items()]
    return "\n".join([f"## {title}", "", *rows, ""])


def page() -> str:
    """The whole page."""
    names = {name: getattr(crmkpi, name) for name in crmkpi.__all__}
    modules = {name: thing for name, thing in names.items() if isinstance(thing, ModuleType)}
    themes = {name: thing for name, thing in modules.items() if thing.__name__.startswith("crmkpi.metrics.")}
    records = {name: thing for name, thing in names.items() if thing in RECORDS.values()}
    metrics = {name: thing for name, thing in names.items() if isinstance(thing, Metric)}
    tools = {name: thing for name, thing in names.items() if name not in modules | records | metrics}
    with_variants = {each.id: each for metric in metrics.values() for each in (metric, *metric.variants.values())}
    sections = [
        section("Tools", tools),
        section("Records", records),
        section("Themes", themes),
        section("KPIs and their variants", with_variants),
        section("Analyses", {name: thing for name, thing in modules.items() if name not in themes}),
    ]
    for module in map(import_module, MODULES):
        public = {name: getattr(module, name) for name in module.__all__}
        sections.append(section(f"`{module.__name__}`", public))
    return "\n".join([HEAD, *sections])


def main() -> int:
    """Write the page or check it."""
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(page(), encoding="utf-8")
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page():
        print("docs/reference.md is stale; write it with: python .ci/reference.py", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
