"""A call of a KPI, as `win_rate(deals, period="2026")`: its argument becomes a dataset that is measured once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crmkpi.definition.metric import Metric
from crmkpi.engines.frames.backends import backend_of
from crmkpi.engines.frames.table import FrameTable
from crmkpi.errors import InputError, PeriodError, UnknownNameError, unknown_name
from crmkpi.measuring.dataset import Dataset
from crmkpi.measuring.measurement import measure_one
from crmkpi.measuring.results import Report, Result
from crmkpi.measuring.tables import holds_records
from crmkpi.records import known_tables

__all__ = ["result_of"]

_ASKED = ("period", "by", "every", "compare", "parameters", "confidence")
_SETTINGS = ("calendar", "tz", "currency", "rates", "as_of", "most_unreadable")
_KEPT = ("calendar", "currency", "rates", "as_of", "most_unreadable")


def result_of(metric: Metric, data: Any, options: Mapping[str, Any]) -> Result | Report:
    """Measure a metric of records, tables or a dataset: one result, or a report by segment and period."""
    if not options:
        return measure_one(
            _dataset(metric, data, {}, {}), metric, period=None, against=None, parameters={}, confidence=0.95
        )
    rest = dict(options)
    period = rest.pop("period", None)
    compare, by, every = (rest.pop(name, None) for name in ("compare", "by", "every"))
    confidence = rest.pop("confidence", 0.95)
    settings = {name: rest.pop(name) for name in _SETTINGS if name in rest}
    tables = {name: rest.pop(name) for name in known_tables() if name in rest}
    parameters = {name: rest.pop(name) for name in metric.parameters if name in rest} | rest.pop("parameters", {})
    for name in rest:
        if name in ("columns", "values", "preset", "parse"):
            raise UnknownNameError(
                f"{metric.id} takes no {name!r}, which belongs to a table: {metric.id}(crmkpi.table(frame, record=..., "
                f"{name}=...)), or a reader of files such as crmkpi.read_csv."
            )
        known = [*metric.parameters, *metric.tables, *_ASKED, *_SETTINGS]
        raise unknown_name(f"{metric.id} takes no {name!r}.", name, known)
    crm = _dataset(metric, data, tables, settings)
    if by is not None or every is not None:
        asked: dict[str, Any] = {"period": period, "by": by, "every": every, "compare": compare}
        return crm.measure(metric, **asked, confidence=confidence, parameters=parameters)
    chosen, *others = crm.periods(period, None)
    if others:
        raise PeriodError(
            f"{metric.id} returns one result and takes one period; got {1 + len(others)}. Split one, as "
            "every='month' does, or give several to Dataset.measure()."
        )
    against = crm.other_period(chosen, compare)
    return measure_one(crm, metric, period=chosen, against=against, parameters=parameters, confidence=confidence)


def _dataset(metric: Metric, data: Any, tables: Mapping[str, Any], settings: dict[str, Any]) -> Dataset:
    """Wrap any accepted form of data in a dataset."""
    if isinstance(data, Dataset):
        if tables:
            raise InputError(
                f"Give {metric.id} a Dataset or tables by name, not both; got {', '.join(tables)} as well."
            )
        if not settings:
            return data
        kept: dict[str, Any] = {**data.tables, **{name: getattr(data, name) for name in _KEPT}}
        made = Dataset(**(kept | settings))
        made.narrowings = data.narrowings
        return made
    if data is None:
        if not tables:
            raise InputError(f"{metric.id} needs data: {_asks(metric)}.")
        return Dataset(**tables, **settings)
    class_: Any = type(data)
    if not holds_records(class_) and not isinstance(data, FrameTable) and backend_of(data) is None:
        if isinstance(data, Mapping):
            return Dataset(**{**data, **tables}, **settings)
        raise InputError(f"{metric.id} needs records, such as a list of them, or a Dataset; got {type(data).__name__}.")
    missing = [table for table in metric.tables if table not in tables]
    if len(missing) != 1:
        raise InputError(f"{metric.id} reads {' and '.join(metric.tables)}; give them by name: {_asks(metric)}.")
    found: dict[str, Any] = {missing[0]: data, **tables}
    return Dataset(**found, **settings)


def _asks(metric: Metric) -> str:
    return f"{metric.id}({', '.join(f'{table}=...' for table in metric.tables)}), or a Dataset with these tables"
