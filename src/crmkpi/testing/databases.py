"""Test in one read-only call that your database returns the same results as records."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from crmkpi.dates.calendars import Calendar
from crmkpi.definition.metric import Metric
from crmkpi.demo import sample_company
from crmkpi.engines.frames.homes.database import DatabaseHome
from crmkpi.errors import CrmKpiError, InputError
from crmkpi.measuring.dataset import Dataset
from crmkpi.measuring.measurement import chosen_metrics
from crmkpi.measuring.results import Report, Result
from crmkpi.measuring.unfilled import needed_fields
from crmkpi.metrics.catalogue import catalogue
from crmkpi.records import RECORDS
from crmkpi.records.base import Kind, RecordType, record_type
from crmkpi.sources.frames.databases import Database, database
from crmkpi.sources.frames.tables import table
from crmkpi.testing.examples import parameters_of

__all__ = ["check_database"]

_AS_OF = date(2026, 9, 30)
_QUESTIONS: tuple[Mapping[str, Any], ...] = ({}, {"period": "2026", "every": "quarter"})


def check_database(
    connected: Any, /, *, metrics: Metric | str | Iterable[Metric | str] | None = None, rows: int = 40
) -> int:
    """Test that a database returns the same result as records for each KPI, on rows within the statements.

    `connected` is the argument of `crmkpi.database`: an engine, a connection or a URL. Nothing is written and no table
    is read: the statements contain the first `rows` of each table of the sample company as constants. All KPIs and
    variants of the catalogue are compared, or these `metrics`: values, inputs, intervals and left out records. A
    database that is not tested with the library is accepted as with `untested=True`. KPIs that need a field of a kind
    without constants in the database, such as flags on MariaDB, are not compared. It returns the number of equal
    results.

    Raises:
        AssertionError: a figure differs; one sentence names it.
        InputError: `connected` is not a database, or it contradicts its dialect in the first queries.
    """
    source = database(connected, untested=True)
    home: DatabaseHome[Any] = source.source.home
    if not home.constants:
        raise InputError(
            f"A {source.source.dialect} database is tested with the library itself; check_database() is for servers."
        )
    company: dict[str, Any] = {
        name: _of_kinds(list(records)[:rows], home) for name, records in sample_company(0.05).items()
    }
    frames: dict[str, Any] = {
        name: _constants(source, record_type(RECORDS[name]), records) for name, records in company.items()
    }
    given: dict[str, Any] = {"calendar": Calendar(), "as_of": _AS_OF, "currency": "EUR"}
    one, other = Dataset(**company, **given), Dataset(**frames, **given)
    every = [each for metric in catalogue for each in (metric, *metric.variants.values())]
    same = 0
    for metric in every if metrics is None else chosen_metrics(metrics):
        if not all(_has(home, record_type(RECORDS[name]).fields[own].kind) for name, own in _fields_of(metric)):
            continue
        for question in _QUESTIONS:
            mine, theirs = _asked(one, metric, question), _asked(other, metric, question)
            same += _compared(metric, mine, theirs)
    return same


def _fields_of(metric: Metric) -> list[tuple[str, str]]:
    """The tables and fields without which the KPI has no value, except for custom attributes."""
    needed = needed_fields(metric, dated=True)
    return [(table, name) for table, names in needed for name in names if name != "attributes"]


def _asked(crm: Dataset, metric: Metric, question: Mapping[str, Any]) -> Report | CrmKpiError:
    by = "owner" if metric.tables == ("deals",) else None
    try:
        return crm.measure(metric, by=by, parameters=parameters_of(metric), **question)
    except CrmKpiError as error:
        return error


def _in_short(found: Report | CrmKpiError) -> str:
    if isinstance(found, CrmKpiError):
        return f"{type(found).__name__}: {str(found).removesuffix('.')}"
    return f"{len(found)} results"


def _compared(metric: Metric, mine: Report | CrmKpiError, theirs: Report | CrmKpiError) -> int:
    if isinstance(mine, CrmKpiError) or isinstance(theirs, CrmKpiError):
        if isinstance(mine, CrmKpiError) and isinstance(theirs, CrmKpiError):
            return 0
        there, here = map(_in_short, (theirs, mine))
        raise AssertionError(f"{metric.id} gives {there} on the database, and {here} on records.")
    if len(mine) != len(theirs):
        raise AssertionError(f"{metric.id} gives {len(theirs)} results on the database, and {len(mine)} on records.")
    for right, found in zip(mine, theirs, strict=True):
        one, other = _said(right), _said(found)
        for name, value in one.items():
            if not _alike(value, other[name]):
                raise AssertionError(
                    f"{metric.id} gives another {name} on the database for {right.period} {dict(right.segment)}: "
                    f"{other[name]!r}, and records give {value!r}."
                )
    return len(mine)


def _said(result: Result) -> dict[str, Any]:
    interval = result.interval
    accounts = [(each.table, each.given, each.used, each.left_out, each.rejected) for each in result.accounts]
    return {
        "segment": dict(result.segment),
        "value": result.value,
        "reason": result.reason,
        "inputs": dict(result.inputs),
        "interval": None if interval is None else (interval.low, interval.high),
        "account": accounts,
    }


def _alike(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-9)
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_alike(one[key], other[key]) for key in one)
    if isinstance(one, tuple | list) and isinstance(other, tuple | list):
        return len(one) == len(other) and all(map(_alike, one, other))
    if hasattr(one, "total_seconds") and hasattr(other, "total_seconds"):
        return math.isclose(one.total_seconds(), other.total_seconds(), rel_tol=1e-9, abs_tol=2e-6)
    return bool(one == other)


def _of_kinds(records: list[Any], home: DatabaseHome[Any]) -> list[Any]:
    """The records without attributes, and without values of kinds that have no constants in the database."""
    if not records:
        return []
    fields = record_type(type(records[0])).fields
    plain = {"attributes": {}} | {
        name: records[0].__pydantic_fields__[name].get_default(call_default_factory=True)
        for name, known in fields.items()
        if known.kind != "attributes" and not _has(home, known.kind)
    }
    return [replace(record, **plain) for record in records]


def _constants(source: Database, type_: RecordType, records: Sequence[Any]) -> Any:
    """A query that returns the records as constants."""
    home: DatabaseHome[Any] = source.source.home
    kinds = {name: known.kind for name, known in type_.fields.items() if _has(home, known.kind)}
    columns = {name: home.constants[kind] for name, kind in kinds.items()}
    rows = [[_spelt(home, getattr(record, name)) for name in kinds] for record in records]
    return table(source.query(home.constant_table(columns, rows)), record=type_.model)


def _has(home: DatabaseHome[Any], kind: Kind) -> bool:
    return kind in home.constants and kind != "attributes"


def _spelt(home: DatabaseHome[Any], value: Any) -> str:
    if isinstance(value, Decimal):
        return f"'{value:f}'"
    if isinstance(value, datetime):
        return f"'{value.isoformat(sep=' ')}'"
    if isinstance(value, date):
        return f"'{value}'"
    return str(home.dialect.constant(value))
