"""The manual in plain text: the list of KPIs, and the page of one."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable
from itertools import groupby

from crmkpi.definition.metric import Metric
from crmkpi.display.explanation import facts
from crmkpi.display.format import words

__all__ = ["metric_list", "metric_page"]

_WIDTH = 80
_ON_ONE_LINE = ("for", "guarded by", "reads", "also called")
_NAMED = re.compile(r"\\(?:text|operatorname)\{([^{}]*)\}")
_FRACTION = re.compile(r"\\frac\{([^{}]*)\}\s*\{([^{}]*)\}")
_SCRIPT = re.compile(r"([_^])\{([^{}]*)\}")
_INLINE = re.compile(r"\$([^$]+)\$")
_SIGNS = {r"\times": "×", r"\sum": "sum of", r"\int": "integral", r"\ge": "≥", r"\,": " ", r"\ ": " "}


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
    for name, entries in facts(metric).items():
        told = [", ".join(entries)] if name in _ON_ONE_LINE else entries
        for number, entry in enumerate(filter(None, told)):
            head = f"{name if number == 0 else '':<12}"
            lines += textwrap.wrap(
                entry.replace("`", ""),
                _WIDTH,
                initial_indent=head,
                subsequent_indent=" " * 14,
                break_long_words=False,
                break_on_hyphens=False,
            )
    return "\n".join(lines)


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
                text = _INLINE.sub(lambda found: _formula(found[1]), " ".join(map(str.strip, run)))
                lines += textwrap.wrap(text, _WIDTH, initial_indent=indent, subsequent_indent=indent)
    return lines


def _formula(text: str) -> str:
    """A formula in LaTeX as people type it: frac{won}{won + lost} as won / (won + lost)."""
    text = _NAMED.sub(r"\1", text.strip().strip("$"))
    for sign, plain in _SIGNS.items():
        text = text.replace(sign, plain)
    while _SCRIPT.search(text):
        text = _SCRIPT.sub(lambda found: found[1] + (found[2] if len(found[2]) == 1 else f"({found[2]})"), text)
    while _FRACTION.search(text):
        text = _FRACTION.sub(lambda found: f"{_grouped(found[1])} / {_grouped(found[2])}", text)
    return " ".join(text.split())


def _grouped(part: str) -> str:
    return f"({part})" if re.search(r" [-+×/] ", part) else part
