"""A report as typed columns: one row per result, or wide, one row per period and segment with a column per KPI."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from datetime import timedelta
from itertools import chain
from operator import itemgetter
from typing import Any

from crmkpi.dates.periods import Period
from crmkpi.definition.units import Unit
from crmkpi.errors import InputError
from crmkpi.measuring.columns import evidence_of, values_of
from crmkpi.measuring.results import Report, Result
from crmkpi.tabular import FrameColumn, Kind, inferred

__all__ = ["report_columns", "wide_columns"]

_KINDS: dict[Unit, Kind] = {
    "count": "integer",
    "ratio": "number",
    "multiple": "number",
    "score": "number",
    "number": "number",
    "money": "money",
    "duration": "duration",
}


def report_columns(report: Report) -> dict[str, FrameColumn]:
    """One row per result: the KPI, segment and period, and the value with its evidence.

    `value`, `low`, `high`, `previous_value` and `change` have the type of the KPI's unit if all KPIs of the report
    share it; else they are floats, with durations in seconds, and `unit` has the unit of each row.
    """
    results = report.results
    found = values_of(results)
    metrics = found.metric
    kinds = {_KINDS[unit] for unit in {metric.unit for metric in metrics}}
    columns = {
        "metric": FrameColumn("text", [metric.id for metric in metrics]),
        "title": FrameColumn("text", [metric.title for metric in metrics]),
        "unit": FrameColumn("text", [metric.unit for metric in metrics]),
    }
    compared = any(result.compared_to is not None for result in results)
    changes = _comparison(results, kinds) if compared else {}  # first, because it computes all evidence
    evidence = evidence_of(results)
    intervals = evidence.interval
    last = {
        "value": _values(kinds, found.value),
        "currency": FrameColumn("text", found.currency),
        "low": _values(kinds, [None if one is None else one.low for one in intervals]),
        "high": _values(kinds, [None if one is None else one.high for one in intervals]),
        "confidence": FrameColumn("number", [None if one is None else one.confidence for one in intervals]),
        "n": FrameColumn("integer", evidence.n),
        "small_sample": FrameColumn("flag", evidence.small_sample),
        "given": FrameColumn("integer", evidence.given),
        "used": FrameColumn("integer", evidence.used),
        "outside": FrameColumn("integer", evidence.outside),
        "rejected": FrameColumn("integer", evidence.rejected),
        "left_out": FrameColumn("integer", evidence.left_out),
        "complete": FrameColumn("flag", found.complete),
        "reason": FrameColumn("text", found.reason),
        **changes,
    }
    taken = {*columns, *last, *_PERIOD}
    return columns | _segments(found.segment, taken) | _periods(found.period) | last


def wide_columns(report: Report) -> dict[str, FrameColumn]:
    """One row per period and segment, one column per KPI, in the type of its unit.

    A KPI in several currencies is an error, unless the currency is a segment: a column of amounts holds one currency.
    """
    found = values_of(report.results)
    names = list(dict.fromkeys(metric.id for metric in found.metric))
    numbers: dict[Period | None, int] = {}
    periods = {key: numbers.setdefault(period, len(numbers)) for key, period in _distinct(found.period).items()}
    rows: dict[tuple[Any, ...], dict[str, int]] = {}
    for number, (metric, period, segment) in enumerate(zip(found.metric, found.period, found.segment, strict=True)):
        key = (periods[id(period)], *sorted(segment.items(), key=itemgetter(0)))
        if number != rows.setdefault(key, {}).setdefault(metric.id, number):
            raise InputError(
                f"A wide frame has one cell for each KPI, period and segment, and {metric.id} has two; "
                "the parameters differ. Leave out wide=True."
            )
    firsts = [next(iter(cells.values())) for cells in rows.values()]
    columns: dict[str, FrameColumn] = {}
    for name in names:
        cells = [row.get(name) for row in rows.values()]
        there = [number for number in cells if number is not None]
        first = there[0]
        amounts = [one for one in there if found.value[one]]  # nothing, and 0, is of any currency
        currencies = sorted({found.currency[one] or "no currency" for one in amounts})
        unit = found.metric[first].unit
        if unit == "money" and len(currencies) > 1 and "currency" not in found.segment[first]:
            raise InputError(
                f"A wide frame has one column for {name}, and its amounts are in {', '.join(currencies)}; leave out "
                "wide=True, which gives the currency of each, or give the dataset rates."
            )
        values = [None if number is None else found.value[number] for number in cells]
        columns[name] = FrameColumn(_KINDS[unit], values)
    segments = _segments([found.segment[first] for first in firsts], {*names, *_PERIOD})
    return segments | _periods([found.period[first] for first in firsts]) | columns


_PERIOD = ("period", "period_start", "period_end")


def _values(kinds: Collection[Kind], cells: Sequence[Any]) -> FrameColumn:
    """One column of values, in the type of the unit if all KPIs share it, else as floats."""
    if len(kinds) == 1:
        column = inferred(cells) if any(cell is not None for cell in cells) else FrameColumn(next(iter(kinds)), cells)
        if column.kind != "text":
            return column
    return FrameColumn("number", cells).map("number", _number)


def _number(value: Any) -> float:
    return value.total_seconds() if isinstance(value, timedelta) else float(value)


def _comparison(results: Sequence[Result], kinds: Collection[Kind]) -> dict[str, FrameColumn]:
    changes = [result.change for result in results]
    others = [result.compared_to for result in results]
    return {
        "previous_period": FrameColumn(
            "text", [other.period.label if other and other.period else None for other in others]
        ),
        "previous_value": _values(kinds, [other and other.value for other in others]),
        "change": _values(kinds, [change and change.absolute for change in changes]),
        "relative_change": FrameColumn("number", [change and change.relative for change in changes]),
        "better": FrameColumn("flag", [change and change.better for change in changes]),
        "change_low": _values(kinds, [change and change.interval and change.interval.low for change in changes]),
        "change_high": _values(kinds, [change and change.interval and change.interval.high for change in changes]),
        "p_value": FrameColumn("number", [change and change.p_value for change in changes]),
        "adjusted_p": FrameColumn("number", [change and change.adjusted_p for change in changes]),
        "verdict": FrameColumn("text", [change and change.verdict for change in changes]),
        "no_verdict": FrameColumn("text", [change and change.reason for change in changes]),
    }


def _segments(segments: Sequence[Mapping[str, Hashable]], taken: set[str]) -> dict[str, FrameColumn]:
    """A column for each segment, or `by_` and its name where the frame has such a column already."""
    names = dict.fromkeys(chain.from_iterable(segments))
    return {
        f"by_{name}" if name in taken else name: inferred([segment.get(name) for segment in segments]) for name in names
    }


def _periods(periods: Sequence[Period | None]) -> dict[str, FrameColumn]:
    """The label and the bounds of each period; the end is exclusive. The whole data has no bounds."""
    distinct = _distinct(periods)
    told = {key: _told(period) for key, period in distinct.items()}
    zones = {period.calendar.zone.key for period in distinct.values() if period is not None and period.unit != "all"}
    zone = zones.pop() if len(zones) == 1 else "UTC"
    rows = [told[id(period)] for period in periods]
    return {
        "period": FrameColumn("text", [label for label, _, _ in rows]),
        "period_start": FrameColumn("timestamp", [start for _, start, _ in rows], zone),
        "period_end": FrameColumn("timestamp", [end for _, _, end in rows], zone),
    }


def _distinct(periods: Sequence[Period | None]) -> dict[int, Period | None]:
    """The distinct period objects by identity, because hashing a period would dominate the run time."""
    return {id(period): period for period in periods}


def _told(period: Period | None) -> tuple[str | None, Any, Any]:
    """The label and the bounds of a period."""
    if period is None:
        return None, None, None
    return (period.label, None, None) if period.unit == "all" else (period.label, period.start, period.end)
