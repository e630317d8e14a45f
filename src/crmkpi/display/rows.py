"""Results as flat rows of plain values, for JSON, CSV and data frames."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from crmkpi.dates.periods import Period
from crmkpi.measuring.columns import details_of, evidence_of, values_of
from crmkpi.measuring.results import Result
from crmkpi.sources.writing import harmless

__all__ = ["report_csv", "report_json", "report_rows", "result_row"]

_HEAD = ("metric", "title", "unit")
_ENCODE = json.JSONEncoder(ensure_ascii=False).encode


def result_row(result: Result) -> dict[str, Any]:
    """A result as one flat row of plain values: money as text, durations in seconds, moments in ISO format.

    Each segment is a column of its own name, or `by_` and its name if the row has such a column already
    (`by_currency`). `left_out`, `inputs` and `parameters` are dicts. `given` = `used` + the sum of `left_out` +
    `outside` + `rejected`, over all tables; `unread` has the reasons for rejected rows, `skipped` those of rows that
    are not records, and `unreadable` the unreadable values of fields, which `left_out` counts. Rows of a comparison
    have `previous_value` and the change from it.

    >>> from crmkpi import Deal, win_rate
    >>> row = result_row(win_rate([Deal(id="1", status="won"), Deal(id="2", status="open")]))
    >>> row["value"], row["given"], row["used"], row["outside"]
    (1.0, 2, 1, 1)
    """
    (row,) = report_rows((result,))
    return row


def report_rows(results: Iterable[Result]) -> list[dict[str, Any]]:
    """Many results as rows; results without evidence so far are converted by column."""
    results = tuple(results)
    changes = [_comparison(result) for result in results]  # first, because they compute evidence
    found, evidence, details = values_of(results), evidence_of(results), details_of(results)
    distinct = {id(period): period for period in found.period}
    periods = {key: _period(period) for key, period in distinct.items()}
    rows = []
    for number, (metric, interval, segment, change) in enumerate(
        zip(found.metric, evidence.interval, found.segment, changes, strict=True)
    ):
        row: dict[str, Any] = {
            **periods[id(found.period[number])],
            "value": _as_json(found.value[number]),
            "currency": found.currency[number],
            "low": None if interval is None else _as_json(interval.low),
            "high": None if interval is None else _as_json(interval.high),
            "confidence": None if interval is None else interval.confidence,
            "n": evidence.n[number],
            "small_sample": evidence.small_sample[number],
            "given": evidence.given[number],
            "used": evidence.used[number],
            "left_out": details.left_out[number],
            "outside": evidence.outside[number],
            "rejected": evidence.rejected[number],
            "unread": details.unread[number],
            "skipped": details.skipped[number],
            "unreadable": details.unreadable[number],
            "complete": found.complete[number],
            "reason": found.reason[number],
            "inputs": {name: _as_json(value) for name, value in details.inputs[number].items()},
            "parameters": {name: _as_json(value) for name, value in details.parameters[number].items()},
            **change,
        }
        head = {"metric": metric.id, "title": metric.title, "unit": metric.unit}
        for name, value in segment.items():
            head[f"by_{name}" if name in row or name in _HEAD else name] = _as_json(value)
        rows.append(head | row)
    return rows


def report_json(results: Iterable[Result]) -> str:
    """The rows as a JSON array, one row per line."""
    encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
    rows = [encode(row) for row in report_rows(results)]
    return "[\n" + ",\n".join(rows) + "\n]\n" if rows else "[]\n"


def report_csv(results: Iterable[Result]) -> str:
    """The rows as CSV, with dicts as JSON in their cells.

    Text that a spreadsheet could interpret as a formula gets an apostrophe in front; numbers stay as they are.
    """
    rows = report_rows(results)
    names = list(dict.fromkeys(name for row in rows for name in row))
    lines: list[str] = []
    writer = csv.writer(SimpleNamespace(write=lines.append))  # the default line end makes it quote both \r and \n
    writer.writerow([_cell(name) for name in names])
    writer.writerows([_cell(row.get(name)) for name in names] for row in rows)
    return "".join(line.removesuffix("\r\n") + "\n" for line in lines)


def _period(period: Period | None) -> dict[str, Any]:
    """The period with its bounds in the calendar's time zone; the end is exclusive."""
    if period is None or period.unit == "all":
        return {"period": None if period is None else period.label, "period_start": None, "period_end": None}
    zone = period.calendar.zone
    return {
        "period": period.label,
        "period_start": period.start.astimezone(zone).isoformat(),
        "period_end": period.end.astimezone(zone).isoformat(),
    }


def _comparison(result: Result) -> dict[str, Any]:
    """The compared value of a result, and the change from it; empty without a comparison."""
    other = result.compared_to
    change = None if other is None else result.change
    if other is None or change is None:
        return {}
    return {
        "previous_period": None if other.period is None else other.period.label,
        "previous_value": _as_json(other.value),
        "change": _as_json(change.absolute),
        "relative_change": change.relative,
        "better": change.better,
        "change_low": None if change.interval is None else _as_json(change.interval.low),
        "change_high": None if change.interval is None else _as_json(change.interval.high),
        "p_value": change.p_value,
        "adjusted_p": change.adjusted_p,
        "comparisons": change.comparisons,
        "verdict": change.verdict,
        "detectable": _as_json(change.detectable),
        "no_verdict": change.reason,
    }


def _as_json(value: Any) -> Any:
    """A value as a JSON type."""
    match value:
        case float() if not math.isfinite(value):
            return str(value)
        case None | bool() | int() | float() | str():
            return value
        case timedelta():
            return value.total_seconds()
        case Decimal():
            return f"{value:f}"
        case date():
            return value.isoformat()
        case _:
            return str(value)


def _cell(value: Any) -> Any:
    if isinstance(value, Mapping):
        return _ENCODE(value) if value else "{}"
    return harmless(value)
