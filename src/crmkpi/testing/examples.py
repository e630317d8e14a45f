"""Counterexamples to laws: shrink them, and print them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from crmkpi.dates.periods import Period
from crmkpi.definition.metric import Metric
from crmkpi.measuring.dataset import Dataset
from crmkpi.measuring.results import Result

__all__ = ["WEEKS", "Broken", "Case", "breaks", "moved", "parameters_of", "smallest"]

WEEKS = timedelta(weeks=5)


class Broken(Exception):  # noqa: N818  # internal: never leaves this package
    """A law does not hold; the message has the details."""


@dataclass(frozen=True, slots=True)
class Case:
    """A KPI, its data, and its period, None for the whole data."""

    metric: Metric
    data: Dataset
    period: Period | None
    _own: list[Result] = dataclasses.field(default_factory=list, init=False, repr=False, compare=False)

    def result(self, tables: Mapping[str, Iterable[Any]] | None = None) -> Result:
        """The result, cached for all laws; with other `tables` it is not cached."""
        asked = parameters_of(self.metric)
        if tables is not None:
            found: Result = self.metric(self.on(tables).data, period=self.period, **asked)
            return found
        if not self._own:
            self._own.append(self.metric(self.data, period=self.period, **asked))
        return self._own[0]

    def on(self, tables: Mapping[str, Iterable[Any]]) -> Case:
        """The case with other records."""
        data = self.data
        names = ("calendar", "currency", "rates", "as_of", "most_unreadable")
        known = {name: getattr(data, name) for name in names}
        return dataclasses.replace(self, data=Dataset(**known, **tables))  # type: ignore[arg-type]

    def __str__(self) -> str:
        tables = (f"{name}=[{', '.join(map(_brief, records))}]" for name, records in self.data.tables.items())
        known = [f"as_of={self.data.as_of}"] if self.data.as_of is not None else []
        return ", ".join([*tables, f"period={self.period or 'all'}", *known])


def parameters_of(metric: Metric) -> dict[str, Any]:
    """A simple value for each parameter without a default."""
    plain = {"ratio": 0.5, "money": Decimal(1000), "days": 365, "number": 2}
    return {name: plain[known.unit] for name, known in metric.parameters.items() if known.default is None}


def moved(case: Case) -> Case:
    """The case moved by whole weeks: all times, the period (which must be one of days) and the as-of date."""
    tables = {name: [_later(record) for record in records] for name, records in case.data.tables.items()}
    data, period = case.on(tables).data, case.period
    data.as_of = None if data.as_of is None else data.as_of + WEEKS
    if period is not None:
        period = Period.between(period.first_day + WEEKS, period.last_day + WEEKS + timedelta(days=1))
    return Case(case.metric, data, period)


def smallest(case: Case, holds: Callable[[Case], None]) -> Case:
    """The case reduced to the records and values that are needed to break the law."""
    while True:
        case, found = next(((smaller, True) for smaller in _smaller(case) if breaks(holds, smaller)), (case, False))
        if not found:
            return case


def breaks(holds: Callable[[Case], None], case: Case) -> bool:
    """Whether the law does not hold, or cannot be evaluated."""
    try:
        holds(case)
    except Exception:  # noqa: BLE001  # whatever goes wrong, the law does not hold
        return True
    return False


def _smaller(case: Case) -> Iterator[Case]:
    """The cases with one record less, then those with one value less."""
    tables = {name: list(records) for name, records in case.data.tables.items()}
    for name, records in tables.items():
        for number in range(len(records)):
            yield case.on({**tables, name: [*records[:number], *records[number + 1 :]]})
    for name, records in tables.items():
        for number, record in enumerate(records):
            for field in _said(record):
                try:
                    plainer = dataclasses.replace(record, **{field: _default(record, field)})
                except ValueError:
                    continue  # the field is required
                if plainer != record:
                    yield case.on({**tables, name: [*records[:number], plainer, *records[number + 1 :]]})


def _later(record: Any) -> Any:
    values = {field.name: getattr(record, field.name) for field in dataclasses.fields(record)}
    later = {name: value + WEEKS for name, value in values.items() if isinstance(value, date | datetime)}
    return dataclasses.replace(record, **later)


def _brief(record: Any) -> str:
    """A record as text, without the fields that have their default."""
    said = (f"{name}={getattr(record, name)!r}" for name in ("id", *_said(record)))
    return f"{type(record).__name__}({', '.join(said)})"


def _said(record: Any) -> list[str]:
    """The fields that differ from their default, as text."""
    names = (field.name for field in dataclasses.fields(record) if field.name != "id")
    return [name for name in names if getattr(record, name) != _default(record, name)]


def _default(record: Any, name: str) -> Any:
    return record.__pydantic_fields__[name].get_default(call_default_factory=True)
