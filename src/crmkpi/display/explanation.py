"""The manual of a KPI, for the terminal and for the site, from its docstring and its definition."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from crmkpi import vendors
from crmkpi.definition.expressions import Bound, walk
from crmkpi.definition.measures import Measure
from crmkpi.definition.metric import Metric
from crmkpi.definition.units import RollUp
from crmkpi.display.format import words
from crmkpi.display.left_out import left_out_in_words
from crmkpi.display.wording import measure_in_words
from crmkpi.metrics.catalogue import catalogue
from crmkpi.vendors import Screen, Vendor

__all__ = ["ManualParts", "explanation", "facts"]

_SECTION = re.compile(r"^(?=[A-Z]\w+:\n)", re.MULTILINE)
_ROLL_UP: Mapping[RollUp, str] = {
    "additive": "additive: the values of parts add up to that of the whole",
    "ratio": "ratio: add up the inputs of the parts and take the formula of the sums; never average the values",
    "distributional": "distributional: what is so of the parts does not tell of the whole, which needs all records",
    "distinct": "distinct: what is in several parts counts once in the whole, so the whole needs all records",
}


@dataclass(frozen=True, slots=True)
class ManualParts:
    """The parts of a KPI's docstring.

    `formula` is LaTeX. `text` describes the records that count. `sections` are the parts with a heading, such as
    "Returns", "Pitfalls" and "Examples".
    """

    meaning: str
    formula: str
    text: str
    sections: Mapping[str, str]


def explanation(metric: Metric) -> ManualParts:
    """The parts of a KPI's docstring; a missing part is empty.

    >>> from crmkpi import win_rate
    >>> explanation(win_rate).meaning, explanation(win_rate).sections["Returns"]
    ('Share of closed deals that were won.', "A fraction from 0 to 1, with Wilson's interval; undefined where ...")
    """
    head, *parts = _SECTION.split(metric.docstring)
    meaning, *rest = head.strip().split("\n\n")
    formula = [part for part in rest if part.startswith("$$")]
    sections = {}
    for part in parts:
        title, _, text = part.partition(":\n")
        sections[title] = "\n".join(line.removeprefix("    ") for line in text.rstrip().splitlines())
    return ManualParts(
        " ".join(meaning.split()),
        "\n".join(part.strip("$") for part in formula),
        "\n\n".join(part for part in rest if part not in formula),
        sections,
    )


def facts(metric: Metric) -> dict[str, list[str]]:
    """Facts derived from a KPI's definition, by name; each has one or more entries, with code in backticks.

    >>> from crmkpi import win_rate
    >>> facts(win_rate)["at"], facts(win_rate)["inputs"][0]
    (['`deals.closed_at`'], '`won`: how many deals where status is won')
    """
    better = {"higher": ", higher is better", "lower": ", lower is better", "neither": ""}[metric.better]
    found = {
        "title": [metric.title],
        "theme": [words(metric.theme)],
        "for": [role for role in catalogue.roles() if metric in catalogue.by_role(role)],
        "unit": [f"{metric.unit}{better}"],
        "timing": [_timing(metric)],
        "guarded by": [f"`{name}`" for name in metric.guarded_by],
        "roll-up": [_roll_up(metric)],
        "reads": [f"`{table}`" for table in metric.tables],
        "at": _anchors(metric),
        "measures": [f"`{name} = {measure!r}`" for name, measure in metric.measures.items()],
        "inputs": list(_inputs(metric)),
        "left out": [f"{reason}: {what}" for reason, what in left_out_in_words(metric).items()],
        "parameters": [
            f"`{name}`: {parameter.meaning} ({parameter.unit}"
            + (", must be given)" if parameter.default is None else f", {parameter.default} unless given)")
            for name, parameter in metric.parameters.items()
        ],
        "needs": ["the day up to which the data is known (`as_of`)"] if metric.needs_as_of else [],
        "variants": [f"`{variant.id}`: {variant.meaning}" for variant in metric.variants.values()],
        "also called": list(metric.also_known_as),
        "default": [metric.default_because],
        "shown by": list(_shown_by(metric)),
        "sources": list(metric.sources),
    }
    return {name: [entry for entry in entries if entry] for name, entries in found.items()}


def _timing(metric: Metric) -> str:
    if metric.timing is None:
        return ""
    ahead = ", ".join(f"`{name}`" for name in metric.ahead_of)
    return f"{metric.timing}, meant to move ahead of {ahead}" if ahead else metric.timing


def _roll_up(metric: Metric) -> str:
    if metric.roll_up == "additive" and any(map(_is_stock, metric.measures.values())):
        return "additive over segments: a stock, so that the values of periods are not added"
    return _ROLL_UP[metric.roll_up]


def _inputs(metric: Metric) -> Iterator[str]:
    yield from (f"`{name}`: {measure_in_words(measure)}" for name, measure in metric.measures.items())
    if metric.days:
        yield f"`{metric.days}`: the length of the period in days"
    if metric.until:
        yield f"`{metric.until}`: the last day of the period, or the one before `as_of` where that is earlier"


def _anchors(metric: Metric) -> list[str]:
    """The timestamps that put records into a period, with the names of the inputs if these differ."""
    inputs: dict[str, list[str]] = {}
    for name, measure in metric.measures.items():
        inputs.setdefault(_anchor(metric, measure), []).append(f"`{name}`")
    if len(inputs) == 1:
        return list(inputs)
    return [f"{anchor} ({', '.join(names)})" for anchor, names in inputs.items()]


def _anchor(metric: Metric, measure: Measure) -> str:
    bounds = _bounds(measure)
    if bounds:
        return f"as things stood at the {' and the '.join(bounds)} of the period"
    at = measure.at if measure.at is not None else metric.at
    return "no date, so that it is measured over the whole data" if at is None else f"`{at!r}`"


def _bounds(measure: Measure) -> list[str]:
    """The bounds of the period that a measure reads: none for a flow, "start", "end" or both for a stock."""
    roots = [root for each in (measure, *measure.columns) for root in (each.where, each.value)]
    sides = {part.side for root in roots for part in walk(root) if isinstance(part, Bound)}
    return sorted(sides, reverse=True)


def _is_stock(measure: Measure) -> bool:
    return bool(_bounds(measure))


def _shown_by(metric: Metric) -> Iterator[str]:
    """The systems whose screens show this definition or one of its variants, with their peculiarities."""
    for each in (metric, *metric.variants.values()):
        which = "" if each is metric else f", as `{each.id}`"
        for name in vendors.__all__:
            vendor = getattr(vendors, name)
            screens = vendor.items() if isinstance(vendor, Vendor) else ()
            yield from (
                f'{vendor.name}, "{title}"{which}: {_shown(screen)}'
                for title, screen in screens
                if screen.metric is each
            )


def _shown(screen: Screen) -> str:
    how = f"shown {'' if screen.shown_in == 'as it is' else 'in '}{screen.shown_in}"
    if screen.digits is not None:
        how += f", {screen.digits or 'no'} decimals"
    if screen.period_days is not None:
        how += f", over {screen.period_days} days"
    if screen.week_start is not None:
        how += f", weeks begin on {screen.week_start.capitalize()}"
    return f"{how}. {screen.note}".rstrip()
