"""Hypothesis strategies for records: related, tied, half-filled and wrong in the ways that exports of CRMs are.

Values come from small pools, so that records meet: the same instant twice, the edge of a month, an id that leads
somewhere and one that leads nowhere, amounts of zero, of one cent and of a billion, text that a page must escape.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from types import ModuleType
from typing import TYPE_CHECKING, Any

from crmkpi.calendars import Calendar
from crmkpi.dataset import Dataset
from crmkpi.errors import MissingExtraError
from crmkpi.expressions import Comparison, Constant, Expression, Field, Membership, walk
from crmkpi.measures import Grouped
from crmkpi.metric import Metric
from crmkpi.records import RECORDS, Survey
from crmkpi.records.base import FieldType, RecordType, record_type

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn, SearchStrategy

__all__ = ["Wanted", "datasets", "hypothesis_or_error", "metric_datasets", "records"]

# Only what a KPI reads is drawn when it is checked: by record class the fields, and the constants each is compared with.
Wanted = Mapping[type[Any], Mapping[str, Collection[Any]]]

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
_AMOUNTS = tuple(map(Decimal, ("0", "0.01", "99.99", "250", "1200.50", "-50", "1000000000.07")))
_NUMBERS = (0.0, 0.1, 0.25, 1.0, 2.5, 40.0)
_INTEGERS = (0, 1, 2, 3, 10, 1000)
_TEXTS = ("Ada", "Bo", "<b>Eve</b>", "=1+1", "")
_ATTRIBUTES: tuple[Mapping[str, Any], ...] = ({}, {"region": "north"}, {"region": "south", "vip": True}, {"region": None})
_FLAGS = (False, False, False, False, True)
_AS_OF = date(2026, 6, 30)
_CALENDAR = Calendar(opening_hours={"mon-fri": ("09:00", "17:00")})
_REFERENCES = 5  # ids from 1 to this are referred to; a table that is shorter leaves some of them dangling
_LONGEST = 10
_SCALE = ("scale_low", "scale_high")
_WIDE = 90


def hypothesis_or_error() -> ModuleType:
    """The hypothesis library; it is not needed to use crmkpi, so it is loaded when something is generated."""
    try:
        import hypothesis  # noqa: PLC0415  # an optional library
        import hypothesis.strategies  # noqa: PLC0415
    except ImportError as error:
        raise MissingExtraError(
            "Generating records needs hypothesis, which is not installed; install it with pip install 'crmkpi[testing]'."
        ) from error
    return hypothesis


def records(model: type[Any], /, **fields: SearchStrategy[Any]) -> SearchStrategy[list[Any]]:
    """Lists of up to ten records of one class, with ids that differ and everything else as dirty as exports are.

    Timestamps have no time zone and money is in EUR. `fields` are strategies for fields of your choice, such as
    `currency=sampled_from(["EUR", "USD"])`; an unknown field is an error. What the record class refuses is drawn again.

    >>> from crmkpi import Deal, win_rate
    >>> from hypothesis import given, strategies
    >>> @given(records(Deal, owner=strategies.just("Ada")))
    ... def ada_wins_between_none_and_all(deals):
    ...     assert win_rate(deals).value is None or 0 <= win_rate(deals).value <= 1
    >>> ada_wins_between_none_and_all()
    >>> records(Deal, ownr=strategies.none())
    Traceback (most recent call last):
    crmkpi.errors.UnknownNameError: Deal has no field 'ownr'. Did you mean 'owner'?
    """
    st = hypothesis_or_error().strategies
    type_ = record_type(model)
    for name in fields:
        type_.field(name)
    if "currency" in type_.fields:
        fields = {"currency": st.just("EUR"), **fields}
    wanted = {name: () for name in type_.fields}
    return _lists(type_, wanted, fields).map(lambda rows: _built(type_, rows, aware=False))


def datasets(*models: type[Any]) -> SearchStrategy[Dataset]:
    """Datasets of these record classes, whose records refer to each other, and at times to records that are not there.

    All timestamps of a dataset have a time zone, or none has. Amounts are in EUR, some of them without saying so. The
    data is known up to the end of June 2026, or nothing is said about that; offices open from Monday to Friday, 9 to 17.

    >>> from crmkpi import Customer, Deal, win_rate
    >>> from hypothesis import given
    >>> @given(datasets(Deal, Customer))
    ... def industries_share_all_deals(crm):
    ...     report = crm.measure(win_rate, by="customer.industry")
    ...     assert sum(result.inputs["closed"] for result in report) == win_rate(crm).inputs["closed"]
    >>> industries_share_all_deals()
    """
    return _datasets({model: {name: () for name in record_type(model).fields} for model in models}, dated=False)


def metric_datasets(metric: Metric) -> SearchStrategy[Dataset]:
    """Datasets with all that the KPI reads, and nothing else; what it compares a field with appears in that field."""
    return _datasets(_read_by(metric), dated=metric.needs_as_of)


def _datasets(wanted: Wanted, *, dated: bool) -> SearchStrategy[Dataset]:
    st = hypothesis_or_error().strategies

    @st.composite
    def drawn(draw: DrawFn) -> Dataset:
        aware = draw(st.booleans())
        as_of = _AS_OF if dated else draw(st.sampled_from((None, _AS_OF)))
        tables: dict[str, list[Any]] = {}
        for model, fields in wanted.items():
            type_ = record_type(model)
            own = {"currency": st.sampled_from(("EUR", None))} if "currency" in fields else {}
            tables[type_.table] = _built(type_, draw(_lists(type_, fields, own)), aware=aware)
        return Dataset(calendar=_CALENDAR, currency="EUR", as_of=as_of, **tables)

    return drawn()


def _lists(
    type_: RecordType, wanted: Mapping[str, Collection[Any]], own: Mapping[str, Any]
) -> SearchStrategy[list[dict[str, Any]]]:
    """Lists of the values of records, without their ids."""
    hypothesis = hypothesis_or_error()
    st = hypothesis.strategies
    fields = {
        name: own[name] if name in own else st.sampled_from(_pool(type_, type_.fields[name], wanted.get(name, ())))
        for name in type_.fields
        if name in own or ((name in wanted or type_.fields[name].required) and name != "id")
    }
    if type_.model is Survey and not own.keys() & {"score", *_SCALE}:
        fields["score"] = st.none() | st.integers(0, 100)
        row = st.fixed_dictionaries(fields).map(_on_its_scale)
    else:
        row = st.fixed_dictionaries(fields)
    return st.lists(row.filter(lambda values: _is_accepted(type_, values)), max_size=_LONGEST)  # type: ignore[no-any-return]


def _is_accepted(type_: RecordType, values: Mapping[str, Any]) -> bool:
    try:
        type_.model(**{"id": "1", **values})
    except ValueError:
        return False
    return True


def _built(type_: RecordType, rows: Iterable[Mapping[str, Any]], *, aware: bool) -> list[Any]:
    return [
        type_.model(
            **{
                "id": f"{type_.table}-{number}",
                **{name: _zoned(value) if aware else value for name, value in values.items()},
            }
        )
        for number, values in enumerate(rows, 1)
    ]


def _zoned(value: Any) -> Any:
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) and value.tzinfo is None else value


def _pool(type_: RecordType, field: FieldType, compared_with: Collection[Any]) -> list[Any]:
    """The values that a field may take; what a KPI compares it with comes twice, so that it is met often."""
    usual: Collection[Any] = {
        "text": _TEXTS,
        "choice": field.choices,
        "number": _NUMBERS,
        "integer": _INTEGERS,
        "money": _AMOUNTS,
        "timestamp": _MOMENTS,
        "date": sorted({moment.date() for moment in _MOMENTS}),
        "flag": _FLAGS,
        "attributes": _ATTRIBUTES,
    }[field.kind]
    tables = {relation.key: relation.table for relation in type_.relations.values()}
    if field.name in tables:
        usual = [f"{tables[field.name]}-{number}" for number in range(1, _REFERENCES + 1)]
    compared_with = sorted(compared_with, key=repr)
    found = [*compared_with, *compared_with, *usual] if field.kind != "choice" else list(usual)
    low, high = _bounds(type_.model, field.name)
    found = [value for value in found if (low is None or value >= low) and (high is None or value <= high)]
    # A reference to a record that took this one's place is rare.
    share = len(found) * 3 if field.name.endswith("_into") else max(1, len(found) // 5)
    return [*found, *[None] * share] if field.optional else found


def _bounds(model: type[Any], name: str) -> tuple[Any, Any]:
    """The smallest and the largest value that the record class takes."""
    rules = model.__pydantic_fields__[name].metadata
    low = next((rule.ge for rule in rules if hasattr(rule, "ge")), None)
    high = next((rule.le for rule in rules if hasattr(rule, "le")), None)
    return low, high


def _on_its_scale(values: dict[str, Any]) -> dict[str, Any]:
    """A survey whose score, drawn from 0 to 100, lies on the scale of its kind; a high one on a scale of its own."""
    drawn = values.get("score")
    if drawn is None:
        return {name: value for name, value in values.items() if name not in _SCALE}
    if drawn > _WIDE:
        return {**values, "scale_low": 0.0, "scale_high": 100.0, "score": float(drawn)}
    low, high = {"nps": (0, 10), "csat": (1, 5), "ces": (1, 7), "awareness": (0, 1)}[values["kind"]]
    return {**values, "scale_low": low, "scale_high": high, "score": float(low + drawn % (high - low + 1))}


def _read_by(metric: Metric) -> Wanted:
    """What a KPI reads: by record class the fields, each with the constants that it is compared with."""
    wanted: dict[type[Any], dict[str, set[Any]]] = {}
    for measure in metric.measures.values():
        type_ = measure.base.record_type_
        wanted.setdefault(type_.model, {})
    roots: list[tuple[RecordType, Expression | None]] = []
    for measure in metric.measures.values():
        type_ = measure.base.record_type_
        roots += [(type_, root) for root in (measure.where, measure.value, measure.at)]
        if isinstance(measure.table, Grouped):
            _, key, columns = measure.table.parts_
            roots += [(type_, root) for part in columns.values() for root in (part.where, part.value, part.at, key)]
    types = {record_type(model).table: record_type(model) for model in wanted}
    for root in (metric.at, *metric.leave_out.values()):
        table = next((part.table for part in walk(root) if isinstance(part, Field)), None)
        if table in types:
            roots.append((types[table], root))
    for type_, root in roots:
        for part in walk(root):
            if isinstance(part, Field) and part.table:
                _note(wanted, type_, part)
            if isinstance(part, Comparison | Membership):
                _note_constants(wanted, type_, part)
    return wanted


def _note(wanted: dict[type[Any], dict[str, set[Any]]], type_: RecordType, field: Field) -> None:
    """Note a field, with the keys and records on the way to it, and the currency of money."""
    for step in field.path:
        fields = wanted.setdefault(type_.model, {})
        if step in type_.relations:
            fields.setdefault(type_.relations[step].key, set())
            type_ = record_type(RECORDS[type_.relations[step].table])
        elif step in type_.fields:
            fields.setdefault(step, set())
            if type_.fields[step].kind == "money" and "currency" in type_.fields:
                fields.setdefault("currency", set())


def _note_constants(wanted: dict[type[Any], dict[str, set[Any]]], type_: RecordType, part: Comparison | Membership) -> None:
    if isinstance(part, Membership):
        item, constants = part.item, part.options
    else:
        item, constants = part.left, (part.right.value,) if isinstance(part.right, Constant) else ()
    if isinstance(item, Field) and item.table and len(item.path) == 1 and type_.fields[item.path[0]].kind != "flag":
        wanted.setdefault(type_.model, {}).setdefault(item.path[0], set()).update(constants)
