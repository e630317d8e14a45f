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
from crmkpi.measuring.results import Change, Result
from crmkpi.sources.writing import harmless

__all__ = ["report_csv", "report_json", "result_row"]


def result_row(result: Result) -> dict[str, Any]:
    """A result as one flat row of plain values: money as text, durations in seconds, moments in ISO format.

    Each segment is a column of its own name, or `by_` and its name where the row has such a column already
    (`by_currency`). `left_out`, `inputs` and `parameters` are dicts. `given` = `used` + what was left out + `outside`
    + `rejected`, over all tables; `unread` says why rows were rejected, and `skipped` which were no records,
    and `unreadable` has the values of fields that could not be read, which `left_out` counts. Rows of a
    comparison have `previous_value` and how the value changed from it.

    >>> from crmkpi import Deal, win_rate
    >>> row = result_row(win_rate([Deal(id="1", status="won"), Deal(id="2", status="open")]))
    >>> row["value"], row["given"], row["used"], row["outside"]
    (1.0, 2, 1, 1)
    """
    accounts, interval = result.accounts, result.interval
    row: dict[str, Any] = {
        "metric": result.definition,
        "title": result.metric.title,
        "unit": result.unit,
        **_period(result.period),
        "value": _as_json(result.value),
        "currency": result.currency,
        "low": None if interval is None else _as_json(interval.low),
        "high": None if interval is None else _as_json(interval.high),
        "confidence": None if interval is None else interval.confidence,
        "n": result.n,
        "small_sample": result.small_sample,
        "given": sum(account.given for account in accounts),
        "used": sum(account.used for account in accounts),
        "left_out": result.left_out,
        "outside": sum(account.outside for account in accounts),
        "rejected": sum(account.rejected for account in accounts),
        "unread": result.unread,
        "skipped": result.skipped,
        "unreadable": result.unreadable,
        "complete": result.complete,
        "reason": result.reason,
        "inputs": {name: _as_json(value) for name, value in result.inputs.items()},
        "parameters": {name: _as_json(value) for name, value in result.parameters.items()},
    }
    if result.compared_to is not None and result.change is not None:
        row |= _comparison(result.compared_to, result.change)
    segments = {name if name not in row else f"by_{name}": _as_json(value) for name, value in result.segment.items()}
    head = ("metric", "title", "unit")
    return {name: row[name] for name in head} | segments | row


def report_json(results: Iterable[Result]) -> str:
    """The rows as a JSON array, one row a line."""
    rows = [json.dumps(result_row(result), ensure_ascii=False, allow_nan=False) for result in results]
    return "[\n" + ",\n".join(rows) + "\n]\n" if rows else "[]\n"


def report_csv(results: Iterable[Result]) -> str:
    """The rows as CSV, with dicts as JSON in their cells.

    Text that a spreadsheet could take for a formula gets an apostrophe in front; numbers stay as they are.
    """
    rows = [result_row(result) for result in results]
    names = list(dict.fromkeys(name for row in rows for name in row))
    lines: list[str] = []
    writer = csv.writer(SimpleNamespace(write=lines.append))  # with its usual line end it quotes both \r and \n
    writer.writerow([_cell(name) for name in names])
    writer.writerows([_cell(row.get(name)) for name in names] for row in rows)
    return "".join(line.removesuffix("\r\n") + "\n" for line in lines)


def _period(period: Period | None) -> dict[str, Any]:
    """The period with its bounds on the calendar's clock; the end does not belong to it."""
    if period is None or period.unit == "all":
        return {"period": None if period is None else period.label, "period_start": None, "period_end": None}
    zone = period.calendar.zone
    return {
        "period": period.label,
        "period_start": period.start.astimezone(zone).isoformat(),
        "period_end": period.end.astimezone(zone).isoformat(),
    }


def _comparison(other: Result, change: Change) -> dict[str, Any]:
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
    """A value as JSON can hold it."""
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
        return json.dumps(value, ensure_ascii=False)
    return harmless(value)
