"""The manual in plain text: the list of KPIs, and the page of one."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable
from itertools import groupby

from crmkpi.display.format import words
from crmkpi.metric import Metric

__all__ = ["metric_list", "metric_page"]

_WIDTH = 80
_NAMED = re.compile(r"\\(?:text|operatorname)\{([^{}]*)\}")
_FRACTION = re.compile(r"\\frac\{([^{}]*)\}\{([^{}]*)\}")
_SIGNS = {r"\times": "×", r"\sum": "sum of", r"\ ": " "}


def metric_list(metrics: Iterable[Metric]) -> str:
    """The KPIs with their meaning, theme by theme."""
    listed = list(metrics)
    widest = max((len(metric.id) for metric in listed), default=0)
    lines: list[str] = []
    theme = None
    for metric in listed:
        if metric.theme != theme:
            lines += ["", words(metric.theme)] if lines else [words(metric.theme)]
            theme = metric.theme
        head = f"  {metric.id:<{widest}}  "
        lines += textwrap.wrap(metric.meaning, _WIDTH, initial_indent=head, subsequent_indent=" " * len(head))
    return "\n".join(lines)


def metric_page(metric: Metric) -> str:
    """Everything about one KPI: its meaning and formula, what it reads, its other ways to count, and its names."""
    lines = [metric.id, "=" * len(metric.id), "", *_explained(metric.__doc__ or ""), ""]
    for name, entries in _entries(metric).items():
        for number, entry in enumerate(entries):
            head = f"{name if number == 0 else '':<12}"
            lines += textwrap.wrap(
                entry,
                _WIDTH,
                initial_indent=head,
                subsequent_indent=" " * 14,
                break_long_words=False,
                break_on_hyphens=False,
            )
    return "\n".join(lines)


def _entries(metric: Metric) -> dict[str, list[str]]:
    better = {"higher": ", higher is better", "lower": ", lower is better", "neither": ""}[metric.better]
    found = {
        "title": [metric.title],
        "theme": [words(metric.theme)],
        "unit": [f"{metric.unit}{better}"],
        "reads": [", ".join(metric.tables)],
        "at": [repr(metric.at)] if metric.at is not None else [],
        "measures": [f"{name} = {measure!r}" for name, measure in metric.measures.items()],
        "left out": [f"{reason}: {what!r}" for reason, what in metric.leave_out.items()],
        "parameters": [
            f"{name}: {parameter.meaning} ({parameter.unit}"
            + (", must be given)" if parameter.default is None else f", {parameter.default} unless given)")
            for name, parameter in metric.parameters.items()
        ],
        "needs": ["the day up to which the data is known (as_of)"] if metric.needs_as_of else [],
        "variants": [f"{variant.id}: {variant.meaning}" for variant in metric.variants.values()],
        "also called": [", ".join(metric.also_known_as)],
        "default": [metric.default_because],
        "sources": list(metric.sources),
    }
    return {name: [entry for entry in entries if entry] for name, entries in found.items()}


def _explained(docstring: str) -> list[str]:
    """A docstring for the terminal: formulas in one line, prose wrapped, examples as they are."""
    lines: list[str] = []
    for paragraph in docstring.split("\n\n"):
        if lines:
            lines.append("")
        if paragraph.lstrip().startswith("$$"):
            lines += textwrap.wrap(_formula(paragraph), _WIDTH, initial_indent="    ", subsequent_indent="      ")
        elif ">>>" in paragraph:
            lines += paragraph.splitlines()
        else:
            for indent, run in groupby(paragraph.splitlines(), lambda line: line[: len(line) - len(line.lstrip())]):
                lines += textwrap.wrap(
                    " ".join(map(str.strip, run)), _WIDTH, initial_indent=indent, subsequent_indent=indent
                )
    return lines


def _formula(text: str) -> str:
    """A formula in LaTeX as people type it: frac{won}{won + lost} as won / (won + lost)."""
    text = _NAMED.sub(r"\1", text.strip().strip("$"))
    for sign, plain in _SIGNS.items():
        text = text.replace(sign, plain)
    while _FRACTION.search(text):
        text = _FRACTION.sub(lambda found: f"{_grouped(found[1])} / {_grouped(found[2])}", text)
    return " ".join(text.split())


def _grouped(part: str) -> str:
    return f"({part})" if re.search(r" [-+×/] ", part) else part
