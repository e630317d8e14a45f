"""Datasets as hard as the data of a CRM gets: what `crmkpi.testing` draws, made worse."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from random import Random
from typing import Any

from crmkpi import Calendar, Dataset, Rates, Segment
from crmkpi.definition.metric import Metric
from crmkpi.measuring.plan import Plan
from crmkpi.records import RECORDS
from crmkpi.records.base import RecordType, partly_read, record_type
from crmkpi.testing.pools import random_dataset

from .backends import arrow_of, homed

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata")
EXTREMES = (datetime(2, 1, 1), datetime(9990, 12, 31, 23, 59, 59, 999999))
HUGE = (Decimal("123456789012.34"), Decimal("-123456789012.34"), Decimal("0.01"))
OFFICE = {"mon-fri": ("09:00", "17:00")}
FIRST_TEXT = {
    "deals": "owner",
    "customers": "region",
    "tickets": "channel",
    "orders": "product",
    "leads": "source",
    "surveys": "kind",
    "campaigns": "channel",
    "expenses": "channel",
    "interactions": "kind",
    "visits": "channel",
    "subscriptions": "plan",
    "stage_visits": "stage",
}


Cells = Mapping[str, Mapping[int, Any]]  # of some fields of a table, what stands there in some rows


@dataclass(frozen=True, slots=True)
class World:
    """A dataset of records, how its frames are kept, what it is grouped by, and what stands where it is unreadable."""

    crm: Dataset
    money: str
    zone: str
    by: Segment | None
    cells: Mapping[str, Cells] = field(default_factory=dict)

    def arrows(self, money: str) -> dict[str, Any]:
        """The tables as those of Arrow."""
        return {
            name: with_cells(
                arrow_of(list(records), record_type(RECORDS[name]), money=money, zone=self.zone),
                self.cells.get(name, {}),
            )
            for name, records in self.crm.tables.items()
        }

    def of_frames(self, tables: Mapping[str, Any]) -> Dataset:
        """These tables as a dataset with the settings of this one."""
        names = ("calendar", "currency", "rates", "as_of", "most_unreadable")
        return Dataset(**tables, **{name: getattr(self.crm, name) for name in names})

    def frames(self, backend: str) -> Dataset:
        """The same dataset as frames of a library."""
        return self.of_frames(homed(backend, self.arrows(self.money), wall=self.crm.calendar.tz))


def faults(type_: RecordType, name: str, money: str | None, kind: str | None = None) -> Iterator[tuple[Any, str]]:
    """What a field may hold that its record refuses, as a frame has it and as records say it.

    Amounts are decimals or floats in `money`; without it there are only faults that every library writes alike. `kind`
    is that of a survey.
    """
    known = type_.fields[name]
    if known.kind == "choice":
        yield "Dead", "'Dead'"
    if known.required:
        yield None, ""
    floats = known.kind == "number" or (known.kind == "money" and money == "float")
    if floats and money is not None:
        yield math.inf, "inf"
    if known.kind == "money" and money is None:
        return
    for rule in type_.model.__pydantic_fields__[name].metadata:
        if getattr(rule, "ge", None) is not None:
            below = rule.ge - 5
            made = (
                float(below) if floats else Decimal(below).quantize(Decimal("0.01")) if known.kind == "money" else below
            )
            yield made, repr(made)
        if getattr(rule, "le", None) is not None:
            yield float(rule.le + 149), repr(float(rule.le + 149))
    if type_.table == "surveys" and name == "score":
        yield 1000.0, "1000.0"
        if kind == "nps":
            yield 0.9, "0.9"  # a share of its scale


def spoiled(
    tables: Mapping[str, Iterable[Any]], random: Random, money: str | None, *, share: float
) -> tuple[dict[str, list[Any]], dict[str, Cells]]:
    """The records, of which a share of each field cannot be read, and what stands there in a frame."""
    records: dict[str, list[Any]] = {}
    cells: dict[str, dict[str, dict[int, Any]]] = {}
    for table, whole in tables.items():
        type_ = record_type(RECORDS[table])
        records[table], cells[table] = [], {}
        for place, record in enumerate(whole):
            lost: dict[str, str] = {}
            for name in type_.fields:
                kind = getattr(record, "kind", None)
                options = [] if name in ("id", "attributes") else list(faults(type_, name, money, kind))
                if name == "score" and lost:  # without its kind and scale no score is off it
                    options = [each for each in options if each[0] == math.inf]
                if options and random.random() < share:
                    cell, lost[name] = random.choice(options)
                    cells[table].setdefault(name, {})[place] = cell
            values = {each.name: getattr(record, each.name) for each in fields(record)} | dict.fromkeys(lost)
            records[table].append(partly_read(type(record))(**values, unreadable=lost) if lost else record)
    return records, dict(cells)


def with_cells(arrow: Any, cells: Cells) -> Any:
    """An Arrow table with other cells."""
    import pyarrow as pa  # noqa: PLC0415  # only where it is tested

    for name, places in cells.items():
        column = arrow.column(name)
        listed = [places.get(place, value) for place, value in enumerate(column.to_pylist())]
        arrow = arrow.set_column(arrow.column_names.index(name), name, pa.array(listed, column.type))
    return arrow


def world(metric: Metric, random: Random, *, spoil: bool = True) -> World:
    """A dataset that a metric can be measured on, drawn by `random`; in some of them fields cannot be read."""
    drawn = random_dataset(metric, random)
    rates = Rates("EUR", {"CHF": "1.05"}) if random.random() < 0.3 else None
    far = not Plan((metric,), {}, whole=True, intervals=False).asks_business_time  # thousands of years of it take long
    tables = {
        name: _worse(record_type(RECORDS[name]), list(records), random, francs=rates is not None, far=far)
        for name, records in drawn.tables.items()
    }
    calendar = Calendar(tz=random.choice(ZONES), opening_hours=OFFICE)
    known: dict[str, Any] = {"calendar": calendar, "currency": "EUR", "rates": rates, "as_of": drawn.as_of}
    by = Segment("first", {table: FIRST_TEXT[table] for table in metric.tables}) if random.random() < 0.5 else None
    money, zone = random.choice(("decimal", "float")), random.choice(ZONES)
    if not spoil or random.random() < 0.6:
        return World(Dataset(**known, **tables), money, zone, by)
    records, cells = spoiled(tables, random, None, share=random.choice((0.05, 0.2)))
    return World(Dataset(**known, **records, most_unreadable=random.choice((0.02, 1))), money, zone, by, cells)


def whole_world(
    metrics: Sequence[Metric], tables: Mapping[str, Sequence[Any]], random: Random, *, money: str, aware: bool
) -> World:
    """A dataset that all these metrics can be measured on in one call: realistic `tables`, made worse."""
    near = {
        table
        for metric in metrics
        if Plan((metric,), {}, whole=True, intervals=False).asks_business_time
        for table in metric.tables
    }
    zone = random.choice(ZONES[1:])
    worse = {
        name: [
            _in_zone(record) if aware else record
            for record in _worse(record_type(RECORDS[name]), list(records), random, francs=True, far=name not in near)
        ]
        for name, records in tables.items()
    }
    crm = Dataset(
        calendar=Calendar(tz=random.choice(ZONES[1:]), fiscal_year_start=4, opening_hours=OFFICE),
        currency="EUR",
        rates=Rates("EUR", {"CHF": "1.05"}),
        as_of=date(2026, 9, 30),
        **worse,
    )
    by = Segment("first", {table: FIRST_TEXT[table] for table in tables})
    return World(crm, money, zone, by)


def _in_zone(record: Any) -> Any:
    """The record with its wall-clock times as instants in UTC."""
    changes = {
        field.name: value.replace(tzinfo=UTC)
        for field in fields(record)
        if isinstance(value := getattr(record, field.name), datetime) and value.tzinfo is None
    }
    return replace(record, **changes)


def features(found: World) -> set[str]:
    """The words for what is hard about a world."""
    words = {found.money, f"calendar of {found.crm.calendar.tz}"}
    for table, records in found.crm.tables.items():
        rows = [{name: getattr(record, name) for name in record_type(type(record)).fields} for record in records]
        words |= {"unreadable field" for record in records if record.unreadable}
        if not rows:
            words.add("empty table")
        plain = [{name: value for name, value in row.items() if name != "id"} for row in rows]
        words |= {"duplicates" for number, row in enumerate(plain) if row in plain[:number]}
        words |= {"None segment" for row in rows if found.by is not None and row[FIRST_TEXT[table]] is None}
        values = [value for row in plain for value in row.values()]
        words |= {"null" for value in values if value is None}
        words |= {"francs" for row in rows if row.get("currency") == "CHF"}
        for value in values:
            if isinstance(value, datetime):
                words |= _said_of_time(value, found)
            elif isinstance(value, Decimal):
                words |= {word for word, is_so in (("huge", abs(value) > 10**11), ("negative", value < 0)) if is_so}
    return words


def _said_of_time(moment: datetime, found: World) -> set[str]:
    words = {"wall clock"} if moment.tzinfo is None else {"instants", f"column of {found.zone}"}
    if moment.replace(tzinfo=None) in EXTREMES:
        words.add("extreme date")
    wall = found.crm.calendar.wall(moment) if moment.tzinfo else moment
    if (wall.day, wall.time()) == (1, time()):
        words.add("tie at a bound")
    return words


def _worse(type_: RecordType, records: list[Any], random: Random, *, francs: bool, far: bool) -> list[Any]:
    made = [_worse_one(type_, record, random, francs=francs, far=far) for record in records]
    if made and random.random() < 0.3:
        made.append(replace(random.choice(made), id=f"{type_.table}-twin"))
    return made


def _worse_one(type_: RecordType, record: Any, random: Random, *, francs: bool, far: bool) -> Any:
    changes: dict[str, Any] = {}
    for name, known in type_.fields.items():
        value = getattr(record, name)
        if known.kind == "timestamp" and value is not None and far and random.random() < 0.05:
            changes[name] = random.choice(EXTREMES).replace(tzinfo=value.tzinfo)
        elif known.kind == "money" and value is not None and random.random() < 0.2:
            changes[name] = random.choice(HUGE)
        elif name == "currency" and francs and random.random() < 0.3:
            changes[name] = "CHF"
        elif name == FIRST_TEXT[type_.table] and known.kind == "text" and known.optional and random.random() < 0.4:
            changes[name] = random.choice(("Ada", "Bo", "", None))
    for name, value in changes.items():
        try:
            record = replace(record, **{name: value})
        except ValueError:
            continue  # the record allows no such value
    return record
