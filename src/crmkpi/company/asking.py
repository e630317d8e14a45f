"""Measure KPIs as a command or a company file requests them: by names of KPIs or themes, with filters and an order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from crmkpi.dates.calendars import Calendar, CalendarUnit
from crmkpi.definition.metric import Metric
from crmkpi.display.format import format_label
from crmkpi.errors import unknown_name
from crmkpi.measuring.dataset import Compare, Dataset
from crmkpi.measuring.reach import silent_tables
from crmkpi.measuring.results import Report, Result
from crmkpi.measuring.segments import Segment
from crmkpi.measuring.unreadable import DataReason
from crmkpi.metrics.catalogue import catalogue
from crmkpi.records import RECORDS
from crmkpi.records.base import record_type
from crmkpi.sources.loaded import Records

__all__ = ["SORTS", "asked", "chosen", "lost", "narrowed", "sorted_report", "wrong_file"]

SORTS = ("value", "change", "name")
_PARTS_OF_DATES: Mapping[str, Callable[[Any], str]] = {
    "year": lambda day: f"{day:%Y}",
    "quarter": lambda day: f"{day:%Y}-Q{(day.month + 2) // 3}",
    "month": lambda day: f"{day:%Y-%m}",
    "week": lambda day: f"{day:%G-W%V}",
    "weekday": lambda day: f"{day:%u %A}",
    "day": lambda day: f"{day:%Y-%m-%d}",
}


def chosen(name: str) -> Metric | str:
    """A KPI, or the name of a theme."""
    return name if name in catalogue.themes() else catalogue.find(name)


def asked(
    crm: Dataset,
    choices: Sequence[Metric | str],
    *,
    period: str | None = None,
    every: CalendarUnit | None = None,
    by: Sequence[str] = (),
    compare: Compare = None,
    where: Mapping[str, str] | None = None,
    sort: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    usual: Mapping[str, Any] | None = None,
    confidence: float = 0.95,
) -> tuple[Report, tuple[str, ...]]:
    """The report of KPIs and themes (by default all that the tables allow), and notes on missing ones.

    Without KPIs a period is compared with the previous one. `where` keeps the records of these segments.
    `usual` are default parameters; each KPI uses only its own.
    """
    crm = narrowed(crm, where)
    own = {name: _number(value) for name, value in (parameters or {}).items()}
    given = {name: _number(value) for name, value in (usual or {}).items()} | own
    metrics: dict[Metric, None] = {}
    notes: list[str] = []
    for choice in choices or (None,):
        found, lacking = ((choice,), ()) if isinstance(choice, Metric) else crm.measurable(choice, given)
        metrics.update(dict.fromkeys(found))
        notes += lacking
    compare = "year_ago" if compare in ("year-ago", "year ago") else compare
    if compare is None and not choices and period is not None:
        compare = "previous"
    units = {name: parameter.unit for metric in metrics for name, parameter in metric.parameters.items()}
    report = crm.measure(
        list(metrics),
        period=period,
        every=every,
        by=[_segment(name, crm.calendar) for name in by] or None,
        compare=None if compare == "none" else compare,
        parameters={
            name: value if units.get(name) == "money" or not isinstance(value, Decimal) else _as_number(value)
            for name, value in given.items()
            if name in units or name in own
        },
        confidence=confidence,
    )
    return (report if sort is None else sorted_report(report, sort)), (*silent_tables(report), *notes)


def _segment(name: str, calendar: Calendar) -> str | Segment:
    """A field to group by, or a part of a date, such as closed_at.month."""
    field, _, part = name.rpartition(".")
    if part not in _PARTS_OF_DATES or not any(
        field in (known := record_type(record).fields) and known[field].kind in ("timestamp", "date")
        for record in RECORDS.values()
    ):
        return name

    def part_of(record: Any) -> str | None:
        moment = getattr(record, field, None)
        if moment is None:
            return None
        return _PARTS_OF_DATES[part](calendar.wall(moment) if isinstance(moment, datetime) else moment)

    return Segment(name, part_of)


def narrowed(crm: Dataset, where: Mapping[str, str] | None) -> Dataset:
    """The dataset with the records of these segments; the empty text means records without a value."""
    return crm.where({name: value or None for name, value in where.items()}) if where else crm


def sorted_report(report: Report, sort: str) -> Report:
    """The results of each KPI in order of value, change or name; with a minus in front descending.

    Results without a value come last.
    """
    key = sort.removeprefix("-")
    if key not in SORTS:
        raise unknown_name(f"Results cannot be sorted by {sort!r}.", key, SORTS)
    order: dict[str, list[Result]] = {}
    for result in report:
        order.setdefault(result.definition, []).append(result)
    found = [result for rows in order.values() for result in _in_order(rows, _KEYS[key], down=sort.startswith("-"))]
    return replace(report, results=tuple(found))


def _in_order(rows: list[Result], key: Callable[[Result], Any], *, down: bool) -> list[Result]:
    with_value = [row for row in rows if key(row) is not None]
    without = [row for row in rows if key(row) is None]
    return [*sorted(with_value, key=key, reverse=down), *without]


_KEYS: Mapping[str, Callable[[Result], Any]] = {
    "value": lambda result: result.value,
    "change": lambda result: None if result.change is None else result.change.absolute,
    "name": lambda result: tuple(map(format_label, result.segment.values())),
}


def _number(value: Any) -> Any:
    return Decimal(str(value)) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _as_number(number: Decimal) -> int | float:
    return int(number) if number == number.to_integral_value() else float(number)


def lost(report: Report, named: Iterable[Metric | str]) -> list[Result]:
    """The results without a value because of the data: of KPIs requested by name, and of all if they are half."""
    ids = {choice.id for choice in named if isinstance(choice, Metric)}
    found = [one for one in report if isinstance(one.reason, DataReason)]
    whole = {one.definition for one in found} - {one.definition for one in report if one.value is not None}
    most = 2 * len(whole) >= len({one.definition for one in report})
    return [one for one in found if one.definition in ids or (most and one.definition in whole)]


def wrong_file(tables: Mapping[str, Any]) -> str | None:
    """An error text if most rows of a table's files are not records of it: they are probably the wrong files."""
    for table, records in tables.items():
        rejected = len(records.rejected) if isinstance(records, Records) else 0
        if rejected > 0 and rejected > (len(records) + rejected) / 2:
            return (
                f"{rejected:,} of {len(records) + rejected:,} rows of {records.source} are no {table}; is it the right "
                "file?"
            )
    return None
