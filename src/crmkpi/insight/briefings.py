"""A briefing as a value: five questions, each with its measured facts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Any, Literal

from crmkpi.dates.periods import Period
from crmkpi.errors import InputError
from crmkpi.insight.tables import InsightTable, ShownTable

__all__ = ["QUESTIONS", "Briefing", "BriefingFact", "BriefingLine", "Question"]

Question = Literal["changed", "accounts for it", "will be missed", "at risk", "cannot say"]

_WIDTH = 80

QUESTIONS: dict[Question, str] = {
    "changed": "What really changed",
    "accounts for it": "What accounts for it",
    "will be missed": "What will be missed",
    "at risk": "Who is at risk",
    "cannot say": "What the data cannot say",
}


@dataclass(frozen=True, slots=True)
class BriefingFact:
    """One measured statement, as a sentence and as numbers.

    `metrics` are its KPIs, `subject` the segment, customer or input. `value` is the measured value and `change` its
    change, `low` and `high` the interval of the change, or of the value where there is no change. `probability` is that
    of meeting a target. `better` is None if no change is significant or the KPI has no better direction.
    """

    text: str
    metrics: tuple[str, ...] = ()
    subject: str | None = None
    period: str | None = None
    value: Any = None
    change: Any = None
    low: Any = None
    high: Any = None
    p_value: float | None = None
    probability: float | None = None
    better: bool | None = None


@dataclass(frozen=True, slots=True)
class BriefingLine:
    """One of the five questions and its facts, most important first; there is at least one."""

    question: Question
    facts: tuple[BriefingFact, ...]

    @property
    def title(self) -> str:
        """The question as a heading."""
        return QUESTIONS[self.question]

    @property
    def text(self) -> str:
        """The facts as one line: the first three, and the number of others."""
        more = len(self.facts) - 3
        told = "; ".join(fact.text for fact in self.facts[:3])
        return told + (f"; and {more} more" if more > 0 else "")


@dataclass(frozen=True, slots=True, repr=False)
class Briefing(InsightTable):
    """A briefing on a period: five lines of measured statements.

    `details` are the tables behind them, by question: reports, searches, scorecards.
    """

    title: str
    period: Period
    compared_to: Period
    lines: tuple[BriefingLine, ...]
    details: tuple[tuple[Question, Any], ...] = ()
    notes: tuple[str, ...] = ()

    def line(self, question: Question) -> BriefingLine:
        """The line that answers a question."""
        for one in self.lines:
            if one.question == question:
                return one
        raise InputError(f"A briefing answers {', '.join(map(repr, QUESTIONS))}; got {question!r}.")

    @property
    def facts(self) -> Sequence[BriefingFact]:
        """The facts of all lines."""
        return tuple(fact for line in self.lines for fact in line.facts)

    def to_dicts(self) -> list[dict[str, Any]]:
        """One row per fact."""
        return [
            {
                "question": line.question,
                "text": fact.text,
                "metrics": ", ".join(fact.metrics),
                "subject": fact.subject,
                "period": fact.period,
                "value": fact.value,
                "change": fact.change,
                "low": fact.low,
                "high": fact.high,
                "p_value": fact.p_value,
                "probability": fact.probability,
                "better": fact.better,
            }
            for line in self.lines
            for fact in line.facts
        ]

    def grid(self) -> ShownTable:
        """The table for display."""
        rows = [
            ("" if place else line.title, fact.text) for line in self.lines for place, fact in enumerate(line.facts)
        ]
        return ShownTable(self.title, ("question", "measured"), rows, self.notes, 1, 1)

    def __str__(self) -> str:
        found = [self.title]
        for line in self.lines:
            found += ["", line.title]
            for fact in line.facts:
                found += wrap(fact.text, _WIDTH, initial_indent="- ", subsequent_indent="  ", break_on_hyphens=False)
        return "\n".join([*found, *(["", *self.notes] if self.notes else [])])
