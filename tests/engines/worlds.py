"""Datasets as hard as the data of a CRM gets: what `crmkpi.testing` draws, made worse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from random import Random
from typing import Any

from crmkpi import Calendar, Dataset, Rates, Segment
from crmkpi.definition.metric import Metric
from crmkpi.measuring.plan import Plan
from crmkpi.records import RECORDS
from crmkpi.records.base import RecordType, record_type
from crmkpi.testing.pools import random_dataset

from .backends import frames_of

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


@dataclass(frozen=True, slots=True)
class World:
    """A dataset of records, how its frames are kept, and what it is grouped by."""

    crm: Dataset
    money: str
    zone: str
    by: Segment | None

    def frames(self, backend: str) -> Dataset:
        """The same dataset as frames of a library."""
        known = {name: getattr(self.crm, name) for name in ("calendar", "currency", "rates", "as_of")}
        tables: Mapping[str, Any] = self.crm.tables
        return Dataset(
            **frames_of(backend, tables, money=self.money, zone=self.zone, wall=self.crm.calendar.tz), **known
        )


def world(metric: Metric, random: Random) -> World:
    """A dataset that a metric can be measured on, drawn by `random`."""
    drawn = random_dataset(metric, random)
    rates = Rates("EUR", {"CHF": "1.05"}) if random.random() < 0.3 else None
    far = not Plan((metric,), {}, whole=True, intervals=False).asks_business_time  # thousands of years of it take long
    tables = {
        name: _worse(record_type(RECORDS[name]), list(records), random, francs=rates is not None, far=far)
        for name, records in drawn.tables.items()
    }
    crm = Dataset(
        calendar=Calendar(tz=random.choice(ZONES), opening_hours=OFFICE),
        currency="EUR",
        rates=rates,
        as_of=drawn.as_of,
        **tables,
    )
    by = Segment("first", {table: FIRST_TEXT[table] for table in metric.tables}) if random.random() < 0.5 else None
    return World(crm, random.choice(("decimal", "float")), random.choice(ZONES), by)


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
        rows = [{field.name: getattr(record, field.name) for field in fields(record)} for record in records]
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
    words = {"wall clock" if moment.tzinfo is None else f"column of {found.zone}"}
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
