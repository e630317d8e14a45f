"""Notes under a table: records left out and why, undefined values and why, and the meaning of marks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from crmkpi.dates.periods import Period
from crmkpi.display.format import format_detectable, format_label, listed
from crmkpi.measuring.results import Result
from crmkpi.measuring.unreadable import commonest

__all__ = ["NOT_OVER", "SMALL_SAMPLE", "marks", "not_given", "notes_of"]

SMALL_SAMPLE = "†"
NOT_OVER = "°"


def marks(result: Result) -> str:
    """The marks of one row; `notes_of` explains them."""
    return (SMALL_SAMPLE if result.small_sample else "") + (NOT_OVER if result.complete is False else "")


def notes_of(results: Sequence[Result], name_of: Callable[[Result], str]) -> tuple[str, ...]:
    """The notes under a table of these results; `name_of` gives the name of a KPI."""
    notes: list[str] = []
    if any(result.small_sample for result in results):
        notes.append(f"{SMALL_SAMPLE} rests on fewer than 30 records, so it says little")
    if any(result.complete is False for result in results):
        notes.append(f"{NOT_OVER} the period is not over")
    notes += dict.fromkeys(result.no_interval for result in results if result.no_interval)
    notes += _undefined(results, name_of)
    notes += _changes(results, name_of)
    lacking: dict[str, dict[str, None]] = {}
    for result in results:
        if (told := not_given(result)) is not None:
            lacking.setdefault(told, {})[name_of(result)] = None
    notes += [f"{listed(names)}: {told}" for told, names in lacking.items()]
    notes += _left_out(results, name_of)
    notes += _unreadable(results, name_of)
    rejected = {account.table: account.rejected for result in results for account in result.accounts}
    rows = [f"{count:,} of {table}" for table, count in rejected.items() if count]
    if rows:
        notes.append(f"rows that could not be read: {', '.join(rows)}")
    skipped = {account.table: account.skipped for result in results for account in result.accounts}
    notes += [
        f"rows of {table} that are no records: {', '.join(f'{count:,} {reason}' for reason, count in reasons.items())}"
        for table, reasons in skipped.items()
        if reasons
    ]
    return tuple(notes)


def not_given(result: Result) -> str | None:
    """The simplification in a value because an optional parameter, which most firms know, was not given."""
    if result.value is None:
        return None
    if result.parameters.get("margin") == 1:
        return "revenue, no margin given"
    if result.parameters.get("hourly_rate") == 0 and result.inputs.get("seconds"):
        return "working time costs nothing, no hourly_rate given"
    return None


def _undefined(results: Sequence[Result], name_of: Callable[[Result], str]) -> Iterator[str]:
    """The undefined results, grouped by reason."""
    found: dict[tuple[str, str], list[Result]] = {}
    for result in results:
        if result.reason is not None:
            found.setdefault((name_of(result), result.reason), []).append(result)
    for (name, reason), without in found.items():
        everywhere = len(without) == sum(name_of(result) == name for result in results)
        where = "" if everywhere else f" for {listed(_place(result, results) for result in without)}"
        yield f"{name} undefined{where}: {reason}"


def _changes(results: Sequence[Result], name_of: Callable[[Result], str]) -> Iterator[str]:
    """Notes on changes: the number of comparisons, the detectable change of small samples, and missing verdicts."""
    changes = [(result, result.change) for result in results if result.compared_to is not None]
    several = max((change.comparisons for _, change in changes if change is not None), default=1)
    if several > 1:
        yield f"verdicts take into account that there are {several:,} comparisons (Benjamini-Hochberg)"
    one_kpi = len({name_of(result) for result in results}) == 1 and len(results) > 1
    small = [
        f"{' '.join(filter(None, ('' if one_kpi else name_of(result), _place(result, results))))} "
        f"{format_detectable(change, result.unit, currency=result.currency)}"
        for result, change in changes
        if change is not None and change.verdict == "too few to say" and change.detectable and change.absolute
    ]
    if small:
        yield f"too few to say: smallest detectable change: {listed(small)}"
    # The change compares totals, but its interval compares totals per day: explain the difference.
    per_day = [
        name_of(result)
        for result, change in changes
        if change is not None and change.interval is not None and change.absolute not in change.interval
    ]
    if per_day:
        yield f"compared per day, since the periods differ in length: {listed(dict.fromkeys(per_day))}"
    refused: dict[str, list[str]] = {}
    for result, change in changes:
        if change is not None and change.reason is not None and change.absolute:
            refused.setdefault(change.reason, []).append(name_of(result))
    for reason, names in refused.items():
        yield f"no verdict on {listed(names)}: {reason}"


def _left_out(results: Sequence[Result], name_of: Callable[[Result], str]) -> Iterator[str]:
    """The records left out of each KPI; KPIs with the same counts share a note."""
    by_name: dict[str, list[Result]] = {}
    for result in results:
        by_name.setdefault(name_of(result), []).append(result)
    shared: dict[str, list[str]] = {}
    for name, rows in by_name.items():
        text = _counts(rows)
        if text:
            shared.setdefault(text, []).append(name)
    for text, names in shared.items():
        yield f"left out{text}" + (f" ({listed(names)})" if len(by_name) > 1 else "")


def _unreadable(results: Sequence[Result], name_of: Callable[[Result], str]) -> Iterator[str]:
    """The unreadable values of each field that KPIs with a value read."""
    found: dict[str, dict[str, int]] = {}
    names: dict[str, dict[str, None]] = {}
    for result in results:
        for field, values in result.unreadable.items() if result.reason is None else ():
            names.setdefault(field, {})[name_of(result)] = None
            most = found.setdefault(field, {})
            for value, count in values.items():
                most[value] = max(most.get(value, 0), count)  # rows may share records, so do not add
    for field, values in found.items():
        yield f"{listed(names[field])}: value and interval without {field} that cannot be read: {commonest(values)}"


def _counts(rows: Sequence[Result]) -> str:
    """The counts by reason, summed over segments, but not over periods, which can share records."""
    by_period: dict[Period | None, dict[str, int]] = {}
    for result in rows:
        total = by_period.setdefault(result.period, {})
        for reason, count in result.left_out.items():
            total[reason] = total.get(reason, 0) + count
    parts = []
    for reason in dict.fromkeys(reason for total in by_period.values() for reason in total):
        counts = [total.get(reason, 0) for total in by_period.values()]
        low, high = min(counts), max(counts)
        parts.append(f"{high:,} {reason}" if low == high else f"{low:,} to {high:,} {reason}")
    each = " in each period" if len(by_period) > 1 else ""
    return f"{each}: {', '.join(parts)}" if parts else ""


def _place(result: Result, results: Sequence[Result]) -> str:
    """The period and segment of a result, as far as they vary."""
    parts = [format_label(value) for value in result.segment.values()]
    if len({other.period for other in results}) > 1 and result.period is not None:
        parts.insert(0, result.period.label)
    return " ".join(parts)
