"""Functions for AI assistants: find, explain and measure the KPIs of a company file; no query language, no record text.

They are independent of a protocol: `crmkpi.cli.mcp` offers them as tools.
"""

from __future__ import annotations

import json
import re
from collections.abc import Hashable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from crmkpi.definition.expressions import Field
from crmkpi.definition.metric import Metric
from crmkpi.display.format import format_label, words
from crmkpi.display.manual import metric_page
from crmkpi.display.notes import NOT_OVER, SMALL_SAMPLE
from crmkpi.display.sheet import Sheet, sheet_of
from crmkpi.display.text import draw_text
from crmkpi.engines.frames.table import FrameTable
from crmkpi.errors import InputError, unknown_name
from crmkpi.measuring.dataset import Dataset
from crmkpi.measuring.reach import silent_tables
from crmkpi.measuring.results import Report, Result
from crmkpi.measuring.unreadable import UnreadableReason
from crmkpi.metrics.catalogue import catalogue

__all__ = ["INSTRUCTIONS", "Assistant", "in_words_of_tools"]

INSTRUCTIONS = (
    "Never compute a KPI from others: ask for it. Quote period, n and interval. A missing value has a reason; say it. "
    "Do not compare a period that is not over with a whole one."
)
_MOST_ROWS = 200
_MOST_KPIS = 12
_MOST_FOUND = 8
_MOST_SEGMENTS = 100
_LONGEST_LABEL = 60
_LONGEST_PAGE = 3_000
_LONGEST_LIST = 2_000
_LONGEST_HEAD = 500
_MORE = "and {} more KPIs, left out: find_kpis with words finds them"
_WIDTH = 100

_PYTHON = (
    (r"Give rates=crmkpi\.Rates\(to, \.\.\.\) to convert them, or group by='currency'\.", 'Pass by=["currency"].'),
    (r": Dataset\.measure\('(\w+)'\) measures all.*", r"; name KPIs, which find_kpis lists."),
    (r"; give it as (\w+)=\.\.\. or in parameters=\{[^}]*\}", r"; the company file says it under parameters"),
    (r"such as period='(\w+)'", r'such as period="\1"'),
    (r"give period=\.\.\.", "pass period"),
    (r"Add \w+=\.\.\. to the Dataset\.", "find_kpis lists what can be measured."),
    (r" and, with as_of=, ", " and "),
    (r"as_of=date\([^)]*\)", "as_of in the company file"),
)


def in_words_of_tools(message: str) -> str:
    """An error message on one line, with arguments of the library replaced by those of the tools."""
    for python, tool in _PYTHON:
        message = re.sub(python, tool, message)
    return _clean(message, 600)


def _clean(text: Hashable, most: int = _LONGEST_LABEL) -> str:
    """A text from the data, cut, and without invisible characters."""
    shown = format_label(text)
    return shown if len(shown) <= most else f"{shown[: most - 1]}…"


class Assistant:
    """The queries that an assistant may run on a dataset; `segments` are the fields by which it may group."""

    def __init__(
        self, crm: Dataset, *, segments: Sequence[str] = (), parameters: dict[str, Any] | None = None, name: str = ""
    ) -> None:
        self.crm = crm
        self.allowed = tuple(dict.fromkeys([*segments, "currency"]))
        self.name = name
        given = parameters or {}
        self.parameters = {key: Decimal(str(value)) for key, value in given.items()}
        self.measurable, self.lacking = crm.measurable(None, self.parameters)
        self.begins = _begins(crm, self.measurable)

    def find_kpis(self, query: str = "") -> str:
        """The KPIs that match a query, at most eight; without a query all that the data can measure, by theme.

        Without a query the text has at most 2,000 characters, and states the number of KPIs that it leaves out.
        """
        if not query.strip():
            return self._all_kpis()
        found = catalogue.search(query)[:_MOST_FOUND]
        if not found:
            return f"No KPI mentions {_clean(query)!r}. Call find_kpis without a query for all."
        return "\n".join(map(self._line, found))

    def _line(self, metric: Metric) -> str:
        variants = "".join(f"\n    {variant.id}: {variant.meaning}" for variant in metric.variants.values())
        better = "" if metric.better == "neither" else f", {metric.better} is better"
        lack = "" if metric in self.measurable else "; cannot be measured here"
        return (
            f"{metric.id}: {metric.meaning} ({metric.unit}{better}; reads {', '.join(metric.tables)}{lack}){variants}"
        )

    def _all_kpis(self) -> str:
        crm = self.crm
        begins = min(self.begins.values(), default=None)
        head = [f"Data of {_clean(self.name)}" if self.name else "Data"]
        head += [f"begin {begins:%Y-%m-%d}"] if begins else []
        head += [f"known until {crm.as_of}"] if crm.as_of else []
        head += [f"currency {crm.currency}"] if crm.currency else []
        head += [f"time zone {crm.calendar.tz}", f"may be grouped by {', '.join(self.allowed)}"]
        themes: dict[str, list[str]] = {}
        room = _LONGEST_LIST - len(_clean(", ".join(head), _LONGEST_HEAD)) - len(_MORE)
        for metric in self.measurable:
            name = words(metric.theme)
            room -= len(metric.id) + 1 + (0 if name in themes else len(name) + 2)
            if room < 0:
                break
            themes.setdefault(name, []).append(metric.id)
        left = len(self.measurable) - sum(map(len, themes.values()))
        lines = [_clean(", ".join(head), _LONGEST_HEAD), *(f"{name}: {' '.join(ids)}" for name, ids in themes.items())]
        return "\n".join([*lines, *([_MORE.format(left)] if left else [])])

    def explain_kpi(self, kpi: str) -> str:
        """The records that a KPI counts and when, those that it leaves out, its pitfalls, variants and sources."""
        page = re.sub(r"\nExamples:\n.*?(?=\n\S)", "", metric_page(catalogue.find(kpi)), flags=re.DOTALL)
        return page if len(page) <= _LONGEST_PAGE else page[: _LONGEST_PAGE - 2] + "\n…"

    def measure(
        self,
        kpis: Sequence[str],
        period: str,
        every: Any = None,
        by: Sequence[str] | None = None,
        compare: str | None = None,
    ) -> str:
        """The values of KPIs with their evidence: the printed table, and compact rows, as JSON."""
        if not 1 <= len(kpis) <= _MOST_KPIS:
            raise InputError(f"measure takes 1 to {_MOST_KPIS} kpis; got {len(kpis)}.")
        fields = [self._allowed(field) for field in by or ()]
        if len(fields) > 2:
            raise InputError(f"measure groups by one field or two; got {len(fields)}.")
        metrics = [catalogue.find(kpi) for kpi in dict.fromkeys(kpis)]
        asked = {name: value for name, value in self.parameters.items() if any(name in m.parameters for m in metrics)}
        report = self.crm.measure(
            metrics, period=period, every=every, by=fields or None, compare=compare, parameters=asked
        )
        shown = report[:_MOST_ROWS]
        left = len(report) - len(shown)
        notes = [f"{left} of {len(report)} rows left out: ask for fewer KPIs or periods, or without by"] if left else []
        rows = [self._row(result) for result in shown]
        notes += [*silent_tables(report), *dict.fromkeys(flag for row in rows for flag in row.get("flags", ()))]
        made = {"table": self._table(shown, notes), "rows": rows, "rows_left_out": left}
        return json.dumps(made, ensure_ascii=False, separators=(",", ":"))

    def _allowed(self, field: str, what: str = "by") -> str:
        if field not in self.allowed:
            raise unknown_name(
                f"{what} takes the fields that the company file lists; got {field!r}.", field, self.allowed
            )
        return field

    def _table(self, report: Report, notes: Sequence[str]) -> str:
        sheet = sheet_of(report.results)
        columns = tuple(
            column._replace(cells=tuple(_clean(cell) for cell in column.cells)) if column.role == "label" else column
            for column in sheet.columns
        )
        legend = [note for note in sheet.notes if note.startswith((SMALL_SAMPLE, NOT_OVER))]
        return draw_text(Sheet(_clean(sheet.heading, _LONGEST_HEAD), columns, (*legend, *notes)), width=_WIDTH)

    def _row(self, result: Result) -> dict[str, Any]:
        row: dict[str, Any] = {
            "kpi": result.definition,
            "period": None if result.period is None else result.period.label,
            "segment": {name: _clean(value) for name, value in result.segment.items()},
            "value": _short_number(result.value),
            "unit": result.currency or result.unit,
            "low": None if result.interval is None else _short_number(result.interval.low),
            "high": None if result.interval is None else _short_number(result.interval.high),
            "n": result.n,
            "left_out": result.left_out,
            "reason": _reason(result),
            "flags": self._flags(result),
        }
        change = result.change
        if change is not None and result.compared_to is not None:
            other = result.compared_to
            row["previous"] = _short_number(other.value)
            row["previous_period"] = None if other.period is None else other.period.label
            row["change"] = _short_number(change.absolute)
            row["verdict"] = change.verdict or change.reason
        return {name: value for name, value in row.items() if value not in (None, {}, [])}

    def _flags(self, result: Result) -> list[str]:
        """Warnings that an assistant must repeat: a period that is not over, or one before the data begin."""
        period = result.period
        if period is None:
            return []
        found = []
        begins = [self.begins[table] for table in result.metric.tables if table in self.begins]
        if begins and period.last_day < max(begins):
            found.append(f"{period.label} is before the data of {result.definition}, which begin {max(begins)}")
        if result.complete is False:
            _, known = self.crm.known_until()
            state = "has not begun" if known <= period.start else "is not over"
            found.append(f"{period.label} {state}: the data are known until {self.crm.as_of}")
            if result.compared_to is not None and result.compared_to.complete is not False and not period.to_date:
                other = result.compared_to.period
                whole = "" if other is None else f" {other.label}"
                says = "the change says nothing" if result.metric.additive else "say so with the change"
                found.append(f"part of {period.label} is compared with the whole of{whole}: {says}")
        return found

    def segments(self, field: str) -> str:
        """The values of a field with their numbers of records, the most frequent first."""
        self._allowed(field, "segments")
        counts: dict[str, int] = {}
        chosen, _ = self.crm.measurable(None, {}, by=[field])
        simple = [m for m in chosen if m.additive and m.unit == "count" and not m.needs_as_of]
        for result in self.crm.measure(simple, by=[field], confidence=None) if simple else ():
            label = _clean(next(iter(result.segment.values())))
            counts[label] = max(counts.get(label, 0), result.n)
        ordered = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
        more = len(ordered) - _MOST_SEGMENTS
        lines = [f"{label}: {count:,}" for label, count in ordered[:_MOST_SEGMENTS]]
        return "\n".join([*lines, *([f"and {more:,} more values, left out"] if more > 0 else [])]) or "no values"

    def check_data(self) -> str:
        """The faults of the data: the check, the number of records, and the affected KPIs."""
        found = [
            f"{one.level}: {words(one.code)} in {one.table}{'' if one.field is None else f'.{one.field}'}: "
            f"{one.count:,} of {one.of:,}" + (f"; concerns {', '.join(one.metrics[:6])}" if one.metrics else "")
            for one in self.crm.check()
        ]
        return "\n".join(found) or "Nothing was found."


def _reason(result: Result) -> str | None:
    """The reason for a missing value, without text from the data."""
    if isinstance(result.reason, UnreadableReason):
        return "too many records have fields that cannot be read; check_data says which"
    return None if result.reason is None else in_words_of_tools(result.reason)


def _short_number(value: Any) -> Any:
    """A number rounded to six digits, amounts to the cent, durations in seconds."""
    if isinstance(value, timedelta):
        value = value.total_seconds()
    if isinstance(value, Decimal) and abs(value) >= 1:
        return float(round(value, 2))
    return value if value is None or isinstance(value, int) else float(f"{float(value):.6g}")


def _begins(crm: Dataset, metrics: Sequence[Metric]) -> dict[str, date]:
    """The first day with a counted record, by table."""
    anchors: dict[str, set[str]] = {}
    for metric in metrics:
        for measure in metric.measures.values():
            at = measure.at if measure.at is not None else metric.at
            if isinstance(at, Field) and len(at.path) == 1:
                anchors.setdefault(measure.base.record_type_.table, set()).add(at.path[0])
    found: dict[str, date] = {}
    for table, names in anchors.items():
        records = crm.tables.get(table)
        if isinstance(records, FrameTable) or not isinstance(records, Sequence):
            continue
        moments = (getattr(record, name, None) for record in records for name in names)
        days = [
            crm.calendar.wall(moment).date() if isinstance(moment, datetime) else moment
            for moment in moments
            if moment is not None
        ]
        if days:
            found[table] = min(days)
    return found
