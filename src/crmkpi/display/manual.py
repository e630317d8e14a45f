"""The manual in plain text: the list of KPIs, and the page of a KPI."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable
from itertools import groupby

from crmkpi.definition.metric import Metric
from crmkpi.definition.page import formula_as_text
from crmkpi.display.explanation import facts
from crmkpi.display.format import words

__all__ = ["metric_list", "metric_page"]

_WIDTH = 80
_ON_ONE_LINE = ("for", "guarded by", "reads", "also called")
_INLINE = re.compile(r"\$([^$]+)\$")


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
    """The page of a KPI: its meaning and formula, its tables and fields, its variants, and its other names."""
    lines = [metric.id, "=" * len(metric.id), "", *_explained(metric.docstring), ""]
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
            told = formula_as_text(paragraph)
            lines += textwrap.wrap(told, _WIDTH, initial_indent="    ", subsequent_indent="      ")
        elif ">>>" in paragraph:
            lines += paragraph.splitlines()
        else:
            for indent, run in groupby(paragraph.splitlines(), lambda line: line[: len(line) - len(line.lstrip())]):
                text = _INLINE.sub(lambda found: formula_as_text(found[1]), " ".join(map(str.strip, run)))
                lines += textwrap.wrap(text, _WIDTH, initial_indent=indent, subsequent_indent=indent)
    return lines
