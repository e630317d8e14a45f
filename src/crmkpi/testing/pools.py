"""Values for records with the faults of CRM exports: missing, tied, related and wrong values.

They come from small pools, so that values coincide: the same instant twice, the edge of a month, valid and dangling
ids, amounts of zero, of one cent and of a billion, text that a page must escape.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from random import Random
from typing import Any

from crmkpi.dates.calendars import Calendar
from crmkpi.definition.expressions import Comparison, Constant, Expression, Field, Membership, walk
from crmkpi.definition.measures import Grouped
from crmkpi.definition.metric import Metric
from crmkpi.measuring.dataset import Dataset
from crmkpi.measuring.unreadable import MOST_UNREADABLE
from crmkpi.records import Survey
from crmkpi.records.base import FieldType, RecordType, partly_read, record_class, record_type

__all__ = [
    "ALLOWED",
    "AS_OF",
    "CALENDAR",
    "CURRENCIES",
    "LONGEST",
    "Wanted",
    "accepted",
    "built",
    "fields_to_lose",
    "pools",
    "random_dataset",
    "with_unreadable_fields",
    "without_field",
]

# By record class: the fields to fill, and the constants with which a KPI compares each.
Wanted = Mapping[type[Any], Mapping[str, Collection[Any]]]

LONGEST = 10  # records of a table
ALLOWED = (MOST_UNREADABLE, 1)  # allowed shares of unreadable fields
_UNREADABLE = 0.2  # the share of records with an unreadable field, in datasets that have any
AS_OF = date(2026, 6, 30)
CALENDAR = Calendar(opening_hours={"mon-fri": ("09:00", "17:00")})
CURRENCIES = ("EUR", "EUR", None)  # in a dataset whose currency is EUR

_MOMENTS = tuple(
    datetime.fromisoformat(text)
    for text in (
        "2024-02-29T12:00",
        "2025-01-10T08:15",
        "2025-06-15T23:30",
        "2025-12-31T23:59:59.999999",
        "2026-01-01T00:00",
        "2026-01-05T09:00",
        "2026-01-05T10:30",
        "2026-01-31T17:45",
        "2026-02-01T00:00",
        "2026-02-13T09:00",
        "2026-03-29T01:30",
        "2026-03-31T23:30",
        "2026-04-01T00:00",
        "2026-05-08T16:20:30.5",
        "2026-06-30T23:59",
        "2026-07-01T00:30",
        "2026-10-25T01:30",
        "2026-12-31T23:59:59",
        "2027-01-01T00:00",
    )
)
_POOLS: Mapping[str, Collection[Any]] = {
    "text": ("Ada", "Bo", "<b>Eve</b>", "=1+1", ""),
    "number": (0.0, 0.1, 0.25, 1.0, 2.5, 40.0),
    "integer": (0, 1, 2, 3, 10, 1000),
    "money": tuple(map(Decimal, ("0", "0.01", "99.99", "250", "1200.50", "-50", "1000000000.07"))),
    "timestamp": _MOMENTS,
    "date": sorted({moment.date() for moment in _MOMENTS}),
    "flag": (False, False, False, False, True),
    "attributes": (  # each pool entry has all names, because a name that no record has is an error
        {},
        {"region": "north", "size": 2.5, "vip": None},
        {"region": "south", "size": None, "vip": True},
        {"region": None, "size": None, "vip": None},
    ),
}
_REFERENCES = 5  # references are ids from 1 to this; in a shorter table some of them dangle
_SCALES: Mapping[str, tuple[int, int]] = {
    "nps": (0, 10),
    "csat": (1, 5),
    "ces": (1, 7),
    "awareness": (0, 1),
    "review": (1, 5),
}
_HIGH = 90


def pools(type_: RecordType, wanted: Mapping[str, Collection[Any]]) -> dict[str, list[Any]]:
    """The pool of values for each wanted field and each required field, except for the id."""
    return {
        name: _pool(type_, field, wanted.get(name, ()))
        for name, field in type_.fields.items()
        if (name in wanted or field.required) and name != "id"
    }


def accepted(type_: RecordType, values: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The values as the record class validates them; None if it refuses them."""
    if type_.model is Survey:
        values = _on_its_scale(values)
    fields: dict[str, Any] = {"id": "1", **values}
    try:
        type_.model(**fields)
    except ValueError:
        return None
    return values


def built(type_: RecordType, rows: Iterable[Mapping[str, Any]], *, aware: bool) -> list[Any]:
    """Records of these values, with unique ids; their times are in UTC, or have no time zone."""
    return [
        type_.model(
            **{
                "id": f"{type_.table}-{number}",
                **{name: _in_utc(value) if aware else value for name, value in values.items()},
            }
        )
        for number, values in enumerate(rows, 1)
    ]


def random_dataset(metric: Metric, random: Random) -> Dataset:
    """A dataset with exactly the fields that the KPI reads, which include the constants of its comparisons."""
    aware = random.random() < 0.5
    tables: dict[str, Any] = {}
    for model, wanted in _read_by(metric).items():
        type_ = record_type(model)
        choices = pools(type_, wanted)
        if "currency" in choices:
            choices["currency"] = list(CURRENCIES)
        drawn = (
            accepted(type_, {name: random.choice(pool) for name, pool in choices.items()})
            for _ in range(random.randint(0, LONGEST))
        )
        tables[type_.table] = built(type_, [values for values in drawn if values is not None], aware=aware)
    as_of = AS_OF if metric.needs_as_of else random.choice((None, AS_OF))
    return Dataset(calendar=CALENDAR, currency="EUR", as_of=as_of, **tables)


def with_unreadable_fields(crm: Dataset, random: Random) -> Dataset:
    """The dataset with an unreadable field in some records, in the form that readers produce."""
    tables: dict[str, Any] = {}
    for table, records in crm.tables.items():
        names = fields_to_lose(record_type(record_class(table)))
        tables[table] = [
            without_field(record, random.choice(names)) if random.random() < _UNREADABLE else record
            for record in records
        ]
    known = {"calendar": crm.calendar, "currency": crm.currency, "rates": crm.rates, "as_of": crm.as_of}
    return Dataset(**known, most_unreadable=random.choice(ALLOWED), **tables)  # type: ignore[arg-type]


def fields_to_lose(type_: RecordType) -> list[str]:
    """The fields that may be unreadable in a record."""
    return [name for name in type_.fields if name not in ("id", "attributes")]


def without_field(record: Any, name: str) -> Any:
    """The record with one field made unreadable."""
    values = {each: getattr(record, each) for each in record_type(type(record)).fields}
    partly: Any = partly_read(type(record))
    return partly(**{**values, name: None}, unreadable={name: "'?'"})


def _in_utc(value: Any) -> Any:
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) and value.tzinfo is None else value


def _pool(type_: RecordType, field: FieldType, compared_with: Collection[Any]) -> list[Any]:
    """The pool of a field; constants with which a KPI compares it occur twice, so that they match often."""
    tables = {relation.key: relation.table for relation in type_.relations.values()}
    if type_.model is Survey and field.name == "score":
        return [*range(101), *[None] * 30]
    if field.kind == "choice":
        found = list(field.choices)
    elif field.name in tables:
        found = [f"{tables[field.name]}-{number}" for number in range(1, _REFERENCES + 1)]
    else:
        found = [*_POOLS[field.kind], *sorted(compared_with, key=repr) * 2]
    low, high = _bounds(type_.model, field.name)
    found = [value for value in found if (low is None or value >= low) and (high is None or value <= high)]
    # Few records are merged into others, and about one value in six is missing.
    lacking = len(found) * 3 if field.name.endswith("_into") else max(1, len(found) // 5)
    return [*found, *[None] * lacking] if field.optional else found


def _bounds(model: type[Any], name: str) -> tuple[Any, Any]:
    """The smallest and the largest value that the record class accepts."""
    rules = model.__pydantic_fields__[name].metadata
    low = next((rule.ge for rule in rules if hasattr(rule, "ge")), None)
    high = next((rule.le for rule in rules if hasattr(rule, "le")), None)
    return low, high


def _on_its_scale(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """A survey whose score, drawn from 0 to 100, is reduced to the scale of its kind; or a high one on a wide scale."""
    drawn = values.get("score")
    if not isinstance(drawn, int):
        return {name: value for name, value in values.items() if name not in ("scale_low", "scale_high")}
    if drawn > _HIGH:
        return {**values, "scale_low": 0.0, "scale_high": 100.0, "score": float(drawn)}
    low, high = _SCALES[values["kind"]]
    return {**values, "scale_low": low, "scale_high": high, "score": float(low + drawn % (high - low + 1))}


def _read_by(metric: Metric) -> Wanted:
    """The fields that a KPI reads, by record class, each with the constants with which it is compared."""
    types = {measure.base.record_type_.table: measure.base.record_type_ for measure in metric.measures.values()}
    wanted: dict[type[Any], dict[str, set[Any]]] = {type_.model: {} for type_ in types.values()}
    for part in (part for root in _roots(metric) for part in walk(root)):
        if isinstance(part, Field) and part.table in types:
            _note(wanted, types[part.table], part)
    for part in (part for root in _roots(metric) for part in walk(root)):
        item, constants = _compared(part)
        if isinstance(item, Field) and item.table in types and len(item.path) == 1:
            wanted[types[item.table].model][item.path[0]].update(constants)
    return wanted


def _roots(metric: Metric) -> list[Expression | None]:
    roots: list[Expression | None] = [metric.at, *metric.leave_out.values()]
    for measure in metric.measures.values():
        columns = [measure]
        if isinstance(measure.table, Grouped):
            _, key, inner = measure.table.parts_
            roots.append(key)
            columns += inner.values()
        roots += [root for column in columns for root in (column.where, column.value, column.at)]
    return roots


def _note(wanted: dict[type[Any], dict[str, set[Any]]], type_: RecordType, field: Field) -> None:
    """Add a field, with the keys and records of its relations, and the currency of money."""
    for step in field.path:
        fields = wanted.setdefault(type_.model, {})
        if step in type_.relations:
            fields.setdefault(type_.relations[step].key, set())
            type_ = record_type(record_class(type_.relations[step].table))
            wanted.setdefault(type_.model, {})
        elif step in type_.fields:
            fields.setdefault(step, set())
            if type_.fields[step].kind == "money" and "currency" in type_.fields:
                fields.setdefault("currency", set())


def _compared(part: Expression) -> tuple[Expression | None, Collection[Any]]:
    """The compared expression, and the constants."""
    if isinstance(part, Membership):
        return part.item, part.options
    if isinstance(part, Comparison) and isinstance(part.right, Constant):
        return part.left, () if part.right.kind == "flag" else (part.right.value,)
    return None, ()
