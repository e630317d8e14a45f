"""The manual of a KPI: its docstring, with the parts derived from the definition filled in."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from textwrap import indent
from typing import TYPE_CHECKING

from crmkpi._names import PUBLIC
from crmkpi.definition.interval_rules import Estimated, IntervalRule, Mean, NetPromoter, Range, Share
from crmkpi.definition.measures import Measure

if TYPE_CHECKING:
    from crmkpi.definition.metric import Metric

__all__ = ["Docstring", "formula_as_text", "page", "theme_of", "title_of", "usual_docstring"]

_UNITS = {
    "count": "A count",
    "ratio": "A fraction",
    "multiple": "A number from 0 up",
    "score": "A score",
    "number": "A number from 0 up",
    "money": "Money",
    "duration": "A duration",
}
_RULES = {Share: "Wilson's interval", NetPromoter: "the adjusted Wald interval"}
_AGGREGATES = {
    "median": "an interval from order statistics",
    "quantile": "an interval from order statistics",
}
_NAMED = re.compile(r"\\(?:text|operatorname)\{([^{}]*)\}")
_FRACTION = re.compile(r"\\frac\{([^{}]*)\}\s*\{([^{}]*)\}")
_SCRIPT = re.compile(r"([_^])\{([^{}]*)\}")
_FORMULA = re.compile(r"\$\$(.*?)\$\$", re.DOTALL)
_INLINE = re.compile(r"\$([^$\n]+)\$")
_SIGNS = {r"\times": "×", r"\sum": "sum of", r"\int": "integral", r"\ge": "≥", r"\min": "min", r"\,": " ", r"\ ": " "}
_CODE = re.compile(r"^    (?:>>>|\.\.\.) ?(.*)$", re.MULTILINE)
_SECTIONS = ("Returns", "Raises", "Notes", "Pitfalls", "Examples")


class Docstring:
    """The docstring of the class, and of each KPI its manual page, with formulas in LaTeX or as plain text."""

    def __init__(self, of_class: str | None, *, plain: bool) -> None:
        self.of_class = of_class
        self.plain = plain

    def __get__(self, metric: Metric | None, owner: type[Metric]) -> str:
        if metric is None:
            return self.of_class or ""
        made = page(metric)
        return _readable(made) if self.plain else made


def page(metric: Metric) -> str:
    """The docstring of a KPI with derived parts: heading and imports of its examples, `Returns` and `Raises`."""
    docstring = _with_imports(_with_heading(inspect.getdoc(metric.function) or ""))
    for title, text in (("Raises", _raises(metric)), ("Returns", _returns(metric))):
        if text and f"\n{title}:\n" not in docstring:
            before, *after = _later_sections(title).split(docstring, maxsplit=1)
            docstring = "\n\n".join([before.rstrip(), f"{title}:\n    {text}", *after])
    return docstring


def _returns(metric: Metric) -> str:
    """The text of `Returns`: the value and when there is none; "" if the definition gives no reason."""
    measures, within = list(metric.measures.values()), metric.within
    what = _UNITS[metric.unit]
    if within != (None, None) and metric.unit != "duration":
        what = f"{what.removesuffix(' from 0 up')} {_range(*within)}"
    kind = _interval(metric.interval, measures, within)
    what += f", with {kind}" if kind else ""
    empty = {"": metric.empty} if isinstance(metric.empty, str) else metric.empty
    reasons = list(dict.fromkeys(why for name, why in empty.items() if not name or name in metric.measures))
    where = _listed(reasons)
    if metric.days or any(each.shift != "none" for measure in measures for each in (measure, *measure.columns)):
        where += ", and without a period"
    none = "0" if metric.additive and not metric.parameters else "undefined"
    return f"{what}; {none} where {where}." if metric.empty else ""


def _raises(metric: Metric) -> str:
    """The text of `Raises`: missing parameters, a missing `as_of`, and amounts in several currencies without rates."""
    needed = [f"`{name}`" for name, parameter in metric.parameters.items() if parameter.default is None]
    needed += ["the day up to which the data is known (`as_of`)"] if metric.needs_as_of else []
    errors = [f"ParameterError: {_listed(needed)} is not given."] if needed else []
    if any(measure.kind == "money" for measure in metric.measures.values()):
        errors.append("CurrencyError: amounts are in several currencies and no rates are given.")
    return "\n    ".join(errors)


def _listed(parts: Sequence[str]) -> str:
    return " or ".join(filter(None, (", ".join(parts[:-1]), parts[-1])))


def _later_sections(title: str) -> re.Pattern[str]:
    """A pattern for the start of any section that comes after the section `title`."""
    return re.compile(rf"^(?=(?:{'|'.join(_SECTIONS[_SECTIONS.index(title) + 1 :])}):\n)", re.MULTILINE)


def _range(low: float | None, high: float | None) -> str:
    if low is None:
        return f"up to {high}"
    return f"from {low} up" if high is None else f"from {low} to {high}"


def _readable(docstring: str) -> str:
    """A docstring with its formulas as plain text, for `help` and notebooks."""
    before, heading, examples = docstring.partition("\nExamples:\n")  # whose $ is part of the code
    text = _FORMULA.sub(lambda found: f"    {formula_as_text(found[1])}", before)
    return "".join([_INLINE.sub(lambda found: formula_as_text(found[1]), text), heading, examples])


def formula_as_text(text: str) -> str:
    """A LaTeX formula as plain text: frac{won}{won + lost} becomes won / (won + lost)."""
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


def _with_heading(docstring: str) -> str:
    """The docstring; examples at its end without a heading get one."""
    before, prompt, rest = docstring.partition("\n\n>>> ")
    if not prompt or _later_sections("Returns").search(rest):
        return docstring
    return f"{before}\n\nExamples:\n{indent(f'>>> {rest}', '    ')}"


def _with_imports(docstring: str) -> str:
    """The docstring, with an import of the library's names that its examples use."""
    before, heading, examples = docstring.partition("\nExamples:\n")
    lines = examples.splitlines(keepends=True)
    nodes = list(ast.walk(ast.parse("\n".join(_CODE.findall(examples)))))
    names = [node for node in nodes if isinstance(node, ast.Name)]
    made = {node.id for node in names if isinstance(node.ctx, ast.Store)}
    made |= {alias.name for node in nodes if isinstance(node, ast.ImportFrom) for alias in node.names}
    wanted = sorted({node.id for node in names} & set(PUBLIC) - made)
    if wanted:
        place = next(number for number, line in enumerate(lines) if not line.startswith("    >>> from "))
        lines.insert(place, f"    >>> from crmkpi import {', '.join(wanted)}\n")
    return "".join([before, heading, *lines])


def _interval(rule: IntervalRule | None, measures: Sequence[Measure], within: Range) -> str | None:
    if isinstance(rule, Estimated):
        return "an interval"
    if isinstance(rule, Mean) or (len(measures) == 1 and rule is None and measures[0].aggregate == "mean"):
        return "a log-Student interval" if within == (0, None) else "Student's t interval"
    if isinstance(rule, Share | NetPromoter):
        return _RULES[type(rule)]
    return None if len(measures) > 1 else _AGGREGATES.get(measures[0].aggregate)


_Told = tuple[str, str, Callable[[str], str]]


def _with_operator(operator: str) -> Callable[[str], str]:
    """A function that replaces the aggregate in a formula."""
    return lambda formula: re.sub(r"\\operatorname\{(?:mean|median)\}|Q_\{0\.9\}", lambda _: operator, formula, count=1)


def _with_difference(told: str) -> Callable[[str], str]:
    """A function that replaces the difference of two timestamps in a formula."""
    difference = re.compile(r"\(\\text\{(?P<end>[^}]*)\} - \\text\{(?P<start>[^}]*)\}\)")
    return lambda formula: difference.sub(lambda found: told.format(**found.groupdict()), formula, count=1)


# For each standard variant: its first line, its rule, and a function from the default's formula to its own.
_USUAL: Mapping[str, _Told] = {
    "mean": ("{title} on average.", "", _with_operator(r"\operatorname{mean}")),
    "median": ("{title} in the middle: half are below, half above.", "", _with_operator(r"\operatorname{median}")),
    "p90": (
        "{title} that nine of ten stay within.",
        "Interpolated linearly between the two nearest records.",
        _with_operator("Q_{0.9}"),
    ),
    "business": (
        "{title} in opening hours.",
        "Opening hours, holidays and time zone are the calendar's. Time outside them does not count.",
        _with_difference(r"(\text{{opening hours from {start} to {end}}})"),
    ),
    "calendar_days": (
        "{title} in calendar days.",
        "From Monday evening to Tuesday morning is one day. Days begin at midnight in the calendar's time zone.",
        _with_difference(r"(\text{{day of {end}}} - \text{{day of {start}}})"),
    ),
}
_NEEDS_HOURS = "Raises:\n    ParameterError: the calendar has no opening hours."


def usual_docstring(word: str, title: str, docstring: str) -> str:
    r"""The docstring of a standard variant, from the docstring of the definition that it varies.

    >>> print(usual_docstring("mean", "Waiting time", r"Waiting. $$\text{wait} = \operatorname{median}(t)$$"))
    Waiting time on average.
    <BLANKLINE>
    $$\text{wait, mean} = \operatorname{mean}(t)$$
    """
    first, counts, changed = _USUAL[word]
    formula = re.search(r"\$\$.*?\$\$", docstring, re.DOTALL)
    told = changed(formula[0]) if formula else ""
    told = re.sub(
        r"\\text\{([^}]*)\} =", lambda name: rf"\text{{{name[1]}, {word.replace('_', ' ')}}} =", told, count=1
    )
    needs = _NEEDS_HOURS if word == "business" else ""
    return "\n\n".join(part for part in (first.format(title=title), told, counts, needs) if part)


def theme_of(module: str | None) -> str:
    """The theme of a KPI of the library, which is the folder of its file, and "custom" for all others."""
    package, _, rest = (module or "").partition("crmkpi.metrics.")
    return "custom" if package or not rest else rest.partition(".")[0]


# Words of names whose spelling in a title differs from that in code.
_WRITTEN = {
    "cac": "CAC", "email": "e-mail", "emails": "e-mails", "ltv": "LTV", "mql": "MQL", "mrr": "MRR", "roi": "ROI",
    "sla": "SLA", "sms": "SMS", "sql": "SQL",
}  # fmt: skip


def title_of(name: str) -> str:
    """The default title of a KPI: its name in words.

    >>> title_of("win_rate"), title_of("email_click_rate"), title_of("net_new_mrr")
    ('Win rate', 'E-mail click rate', 'Net new MRR')
    """
    title = " ".join(_WRITTEN.get(word, word) for word in name.split("_"))
    return title[:1].upper() + title[1:]
