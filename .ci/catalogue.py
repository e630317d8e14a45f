"""The pages of docs/catalogue/: one for each KPI, from its definition and docstring, and the index of them."""

from __future__ import annotations

import re

import proof
from tables import table

import crmkpi
from crmkpi import catalogue
from crmkpi.definition.metric import Metric
from crmkpi.display.explanation import ManualParts, explanation, facts
from crmkpi.display.format import words

KPIS = {metric.id: metric for metric in catalogue}
WRITTEN = "<!-- Written by `python .ci/pages.py` from the definition; do not edit. -->"
AT_A_GLANCE = {
    "theme": "theme",
    "for": "main KPI of",
    "unit": "unit",
    "timing": "timing",
    "guarded by": "guarded by",
    "roll-up": "roll-up",
    "reads": "reads",
    "at": "counts by",
    "needs": "needs",
    "also called": "also called",
}
INDEX = f"""\
# The catalogue

{WRITTEN}

Every KPI with its definition. Find one [by theme](#by-theme), [by role](#by-role) or
[by common name](#by-name); `crmkpi show win_rate` prints the same page in a terminal. Tests compare each KPI with an
independent source, [which is listed too](proof.md).

Analyses that are not a single number:
[a customer's health score, and a funnel](../value/health_and_funnel.md).
"""


def bullets(entries: list[str]) -> str:
    """A list."""
    return "\n".join(f"- {entry}" for entry in entries)


def code(text: str, language: str) -> str:
    """A fenced code block; the blank line ends the last output of an example."""
    return f"```{language}\n{text}\n{'' if language == 'python' else chr(10)}```"


def linked(text: str, here: Metric) -> str:
    """Prose with links from names of KPIs to their pages, and from the page's own variants to their sections."""

    def link_of(found: re.Match[str]) -> str:
        name = found[1]
        if name in here.variants:
            return f"[{found[0]}](#{name})"
        kpi, _, variant = name.partition(".")
        if kpi not in KPIS or name == here.id:
            return found[0]
        page = "" if kpi == here.id else f"{kpi}.md"
        return f"[{found[0]}]({page}{variant and '#'}{variant})"

    return re.sub(r"`([\w.]+)`", link_of, text)


def definition(metric: Metric, told: ManualParts, level: str) -> list[str]:
    """The definition of a KPI or a variant: formula, records that count, value, inputs, left-out records, examples."""
    known = facts(metric)
    kpi = KPIS[metric.name]
    parts = [linked(told.meaning, kpi), f"$$\n{told.formula}\n$$", linked(told.text, kpi)]
    parts += [f"{level} Value", linked(told.sections["Returns"], kpi)]
    if "Raises" in told.sections:
        parts += [f"It is an error where:\n\n{bullets(told.sections['Raises'].splitlines())}"]
    parts += [f"{level} Inputs", bullets([*known["inputs"], *known["parameters"]])]
    parts += [code("\n".join(measure.strip("`") for measure in known["measures"]), "python")]
    if known["left out"]:
        parts += [f"{level} Left out, and counted", bullets(known["left out"])]
    return parts


def variant_parts(variant: Metric) -> list[str]:
    """The section of a variant on the page of its KPI."""
    told, known = explanation(variant), facts(variant)
    parts = [f"### {variant.id.partition('.')[2]}", f"`{variant.id}`"]
    parts += definition(variant, told, "####")
    parts += ["#### Counts by", bullets([*known["at"], *known["needs"]])]
    parts += differing(variant, told, known, "####")
    if "Examples" in told.sections:  # a variant with a parameter is called like the others
        parts += ["#### Examples", code(told.sections["Examples"], "pycon")]
    return parts


def differing(metric: Metric, told: ManualParts, known: dict[str, list[str]], level: str) -> list[str]:
    """Definitions of other systems, and pitfalls."""
    parts, kpi = [], KPIS[metric.name]
    if known["shown by"] or "Notes" in told.sections:
        parts += [f"{level} In other systems", linked(told.sections.get("Notes", ""), kpi)]
        parts += [linked(bullets(known["shown by"]), kpi)]
    if "Pitfalls" in told.sections:
        parts += [f"{level} Pitfalls", linked(told.sections["Pitfalls"], kpi)]
    return parts


def page(metric: Metric) -> str:
    """The page of a KPI."""
    told, known = explanation(metric), facts(metric)
    glance = table(
        ("at a glance", ""),
        ("id", f"`{metric.id}`"),
        *((label, "; ".join(known[name])) for name, label in AT_A_GLANCE.items() if known[name]),
    )
    meaning, *rest = definition(metric, told, "##")
    parts = [f"# {metric.title}", WRITTEN, meaning, *rest[:2], glance, *rest[2:]]
    if known["default"]:
        parts += ["## Why this definition", linked(metric.default_because, metric)]
    parts += differing(metric, told, known, "##")
    parts += ["## Examples", code(told.sections["Examples"], "pycon")]
    if metric.variants:
        parts += [
            "## Variants",
            f'Take one with `ck.{metric.id}.variant("...")`, or by its id.',
            linked(bullets(known["variants"]), metric),
        ]
        parts += [part for variant in metric.variants.values() for part in variant_parts(variant)]
    if known["sources"]:
        parts += ["## Sources", bullets(known["sources"])]
    return "\n\n".join(part for part in parts if part) + "\n"


def link(metric: Metric) -> str:
    """A link to the page of a KPI, or of the KPI that a variant belongs to."""
    return f"[`{metric.id}`]({metric.name}.md)"


def index() -> str:
    """The index by theme, role and name."""
    parts = [INDEX, "## By theme\n"]
    for theme in catalogue.themes():
        what = (getattr(crmkpi, theme).__doc__ or "").partition(": ")[2].strip()
        rows = [
            (
                f"[{metric.title}]({metric.id}.md)",
                metric.meaning,
                metric.unit,
                ", ".join(f"`{name}`" for name in metric.variants),
            )
            for metric in catalogue.by_theme(theme)
        ]
        parts += [f"### {words(theme).capitalize()}\n", f"{what[:1].upper()}{what[1:]}\n"]
        parts += [table(("KPI", "meaning", "unit", "variants"), *rows) + "\n"]
    parts += [
        "## By role\n",
        'What to look at first. Give all of them to `measure`: `ck.catalogue.by_role("founder")`.\n',
    ]
    for role in catalogue.roles():
        parts += [f"### {role.capitalize()}\n"]
        parts += [bullets([f"{link(metric)}: {metric.meaning}" for metric in catalogue.by_role(role)]) + "\n"]
    named = [(name, metric) for metric in catalogue for name in (metric.title, *metric.also_known_as)]
    rows = [(name, link(metric)) for name, metric in sorted(named, key=lambda pair: pair[0].casefold())]
    parts += ["## By name\n", table(("name", "KPI"), *rows)]
    return "\n".join(parts) + "\n"


def navigation() -> str:
    """The order of the pages on the site: by theme, as in the index."""
    lines = ["# Written by `python .ci/pages.py`; do not edit.", "nav:", "  - index.md", "  - proof.md"]
    for theme in catalogue.themes():
        lines += [f"  - {words(theme).capitalize()}:", *(f"      - {each.id}.md" for each in catalogue.by_theme(theme))]
    return "\n".join(lines) + "\n"


def pages() -> dict[str, str]:
    """The pages by their path in docs/."""
    written = {
        "index.md": index(),
        ".nav.yml": navigation(),
        "proof.md": proof.page(WRITTEN.replace("definition", "tests")),
    }
    return {f"catalogue/{name}": text for name, text in written.items()} | {
        f"catalogue/{metric.id}.md": page(metric) for metric in catalogue
    }
