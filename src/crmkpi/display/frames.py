"""A report as typed columns: one row a result, or one row a period and segment with a column for each KPI."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from operator import attrgetter
from typing import Any

from crmkpi.dates.periods import Period
from crmkpi.definition.units import Unit
from crmkpi.errors import InputError
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

    `value`, `low`, `high`, `previous_value` and `change` have the type of the KPI's unit where all KPIs of the report
    share it; else they are floats, amounts as they are, durations in seconds, and `unit` says which is which.
    """
    results = report.results
    metrics = [result.metric for result in results]
    intervals = [result.interval for result in results]
    accounts = [result.accounts for result in results]
    columns = {
        "metric": FrameColumn("text", [metric.id for metric in metrics]),
        "title": FrameColumn("text", [metric.title for metric in metrics]),
        "unit": FrameColumn("text", [metric.unit for metric in metrics]),
    }
    last = {
        "value": _values(results, [result.value for result in results]),
        "currency": FrameColumn("text", [result.currency for result in results]),
        "low": _values(results, [None if one is None else one.low for one in intervals]),
        "high": _values(results, [None if one is None else one.high for one in intervals]),
        "confidence": FrameColumn("number", [None if one is None else one.confidence for one in intervals]),
        "n": FrameColumn("integer", [result.n for result in results]),
        "small_sample": FrameColumn("flag", [result.small_sample for result in results]),
        **{
            name: FrameColumn("integer", [sum(map(attrgetter(name), each)) for each in accounts])
            for name in ("given", "used", "outside", "rejected")
        },
        "left_out": FrameColumn("integer", [sum([sum(one.left_out.values()) for one in each]) for each in accounts]),
        "complete": FrameColumn("flag", [result.complete for result in results]),
        "reason": FrameColumn("text", [result.reason for result in results]),
        **(_comparison(results) if any(result.compared_to is not None for result in results) else {}),
    }
    taken = {*columns, *last, *_PERIOD}
    return columns | _segments(results, taken) | _periods(results) | last


def wide_columns(report: Report) -> dict[str, FrameColumn]:
    """One row a period and segment, one column a KPI, in the type of its unit.

    A KPI in several currencies is an error, unless the currency is a segment: a column of amounts holds one currency.
    """
    rows: dict[tuple[Any, ...], dict[str, Result]] = {}
    for result in report.results:
        key = (result.period, *sorted(result.segment.items(), key=lambda item: item[0]))
        cells = rows.setdefault(key, {})
        if result.definition in cells:
            raise InputError(
                f"A wide frame has one cell for each KPI, period and segment, and {result.definition} has two; "
                "the parameters differ. Leave out wide=True."
            )
        cells[result.definition] = result
    firsts = [next(iter(cells.values())) for cells in rows.values()]
    names = list(dict.fromkeys(result.definition for result in report.results))
    columns: dict[str, FrameColumn] = {}
    for name in names:
        found = [cells.get(name) for cells in rows.values()]
        there = [result for result in found if result is not None]
        currencies = sorted({result.currency or "no currency" for result in there if result.value is not None})
        if there[0].unit == "money" and len(currencies) > 1 and "currency" not in there[0].segment:
            raise InputError(
                f"A wide frame has one column for {name}, and its amounts are in {', '.join(currencies)}; leave out "
                "wide=True, which gives the currency of each, or give the dataset rates."
            )
        columns[name] = FrameColumn(
            _KINDS[there[0].unit], [None if result is None else result.value for result in found]
        )
    return _segments(firsts, {*names, *_PERIOD}) | _periods(firsts) | columns


_PERIOD = ("period", "period_start", "period_end")


def _values(results: Sequence[Result], cells: Sequence[Any]) -> FrameColumn:
    """One column of values, in the type of the unit if all results share it, else as floats."""
    kinds = {_KINDS[result.unit] for result in results}
    if len(kinds) == 1:
        column = inferred(cells) if any(cell is not None for cell in cells) else FrameColumn(kinds.pop(), cells)
        if column.kind != "text":
            return column
    return FrameColumn("number", cells).map("number", _number)


def _number(value: Any) -> float:
    return value.total_seconds() if isinstance(value, timedelta) else float(value)


def _comparison(results: Sequence[Result]) -> dict[str, FrameColumn]:
    changes = [result.change for result in results]
    others = [result.compared_to for result in results]
    return {
        "previous_period": FrameColumn(
            "text", [other.period.label if other and other.period else None for other in others]
        ),
        "previous_value": _values(results, [other and other.value for other in others]),
        "change": _values(results, [change and change.absolute for change in changes]),
        "relative_change": FrameColumn("number", [change and change.relative for change in changes]),
        "better": FrameColumn("flag", [change and change.better for change in changes]),
        "change_low": _values(results, [change and change.interval and change.interval.low for change in changes]),
        "change_high": _values(results, [change and change.interval and change.interval.high for change in changes]),
        "p_value": FrameColumn("number", [change and change.p_value for change in changes]),
        "adjusted_p": FrameColumn("number", [change and change.adjusted_p for change in changes]),
        "verdict": FrameColumn("text", [change and change.verdict for change in changes]),
        "no_verdict": FrameColumn("text", [change and change.reason for change in changes]),
    }


def _segments(results: Sequence[Result], taken: set[str]) -> dict[str, FrameColumn]:
    """A column for each segment, or `by_` and its name where the frame has such a column already."""
    names = list(dict.fromkeys(name for result in results for name in result.segment))
    return {
        f"by_{name}" if name in taken else name: inferred(result.segment.get(name) for result in results)
        for name in names
    }


def _periods(results: Sequence[Result]) -> dict[str, FrameColumn]:
    """The label and the bounds of each period; the end does not belong to it. The whole data has no bounds."""
    bounded = [
        result.period if result.period is not None and result.period.unit != "all" else None for result in results
    ]
    zones = {period.calendar.zone.key for period in bounded if period is not None}
    zone = zones.pop() if len(zones) == 1 else "UTC"
    labels = [None if result.period is None else result.period.label for result in results]
    return {
        "period": FrameColumn("text", labels),
        "period_start": FrameColumn("timestamp", [_bound(period, "start") for period in bounded], zone),
        "period_end": FrameColumn("timestamp", [_bound(period, "end") for period in bounded], zone),
    }


def _bound(period: Period | None, side: str) -> Any:
    return None if period is None else getattr(period, side)
