"""The base of record classes: frozen, slotted, validated dataclasses with a description of their fields and relations.

Records are pydantic dataclasses and not pydantic models: they are built in about 0.6 of the time and use a fifth of the
memory (`python benchmarks/records.py` measures both).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, KeysView, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from datetime import UTC, date, datetime
from decimal import Decimal
from importlib import import_module
from inspect import Parameter, Signature
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    NamedTuple,
    TypeVar,
    Union,
    cast,
    dataclass_transform,
    get_args,
    get_origin,
    get_type_hints,
)

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.dataclasses import dataclass as pydantic_dataclass
from pydantic_core import PydanticCustomError

from crmkpi._read_only import ReadOnly
from crmkpi.currencies import code_of
from crmkpi.errors import DefinitionError, InputError, did_you_mean, unknown_name
from crmkpi.records.faults import fault, shortened
from crmkpi.records.placeholders import LAST_PLACEHOLDER, is_placeholder
from crmkpi.records.texts import TextMark, without_blanks

__all__ = [
    "Attributes",
    "Day",
    "FieldType",
    "Kind",
    "Money",
    "Number",
    "Planned",
    "RecordType",
    "Relation",
    "Timestamp",
    "Whole",
    "is_record",
    "no_attributes",
    "partly_read",
    "record",
    "record_class",
    "record_type",
    "register_in_part",
    "registered_tables",
]

Kind = Literal["text", "choice", "number", "integer", "money", "timestamp", "date", "flag", "attributes"]


def _exact(moment: datetime) -> datetime | None:
    """Convert aware timestamps to UTC, so that differences and comparisons are exact across daylight saving.

    Python compares and subtracts two timestamps of one `ZoneInfo` by their wall clocks, an hour off twice a year.
    Naive timestamps stay naive: they are wall-clock times in the time zone of the dataset's calendar.
    """
    zone = moment.tzinfo
    if moment.year <= LAST_PLACEHOLDER.year and is_placeholder(moment):
        return None
    if zone is None or zone is UTC:
        return moment
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("at the edge of the calendar, with no counterpart in UTC") from None


def _known(day: date) -> date | None:
    return None if is_placeholder(day) else day


def _there(day: date | None) -> date:
    if day is None:
        raise PydanticCustomError("missing", "missing")
    return day


def _as_code(currency: str | None) -> str | None:
    return None if currency is None else code_of(currency)


def _no_number(value: Any) -> Any:
    """Refuse numbers as dates: 20260105 may be a day or a number of seconds."""
    if isinstance(value, date):  # the common case
        return value
    if isinstance(value, int | float | Decimal) or (isinstance(value, str) and value.strip().isdecimal()):
        raise ValueError("a number and not a date; write '2026-01-31', or read with crmkpi.read_dicts and date_format=")
    return value


def _no_flag(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("yes or no, and not a number")  # noqa: TRY004  # pydantic turns a ValueError into its own
    return value


class _MoneyMark:
    """Marks a number as an amount of money."""


class _PlanMark:
    """Marks the timestamp of a planned event, which may be in the future."""


Timestamp = Annotated[datetime, BeforeValidator(_no_number), AfterValidator(_exact)]
Planned = Annotated[datetime, BeforeValidator(_no_number), AfterValidator(_exact), _PlanMark()]
Day = Annotated[date, BeforeValidator(_no_number), AfterValidator(_known)]
_DAYS = (Timestamp, Planned, Day)  # the types of date fields without None
Number = Annotated[float, BeforeValidator(_no_flag)]
Whole = Annotated[int, BeforeValidator(_no_flag)]
Money = Annotated[Decimal, Field(allow_inf_nan=False), _MoneyMark()]
Attributes = Annotated[
    Mapping[str, str | bool | int | float | Decimal | datetime | date | None], AfterValidator(without_blanks)
]

_KINDS: dict[Any, Kind] = {
    str: "text",
    float: "number",
    int: "integer",
    Decimal: "number",
    bool: "flag",
    datetime: "timestamp",
    date: "date",
}


_NO_ATTRIBUTES: ReadOnly[str, Any] = ReadOnly()


def no_attributes() -> ReadOnly[str, Any]:
    """The empty attributes, shared by all records without any."""
    return _NO_ATTRIBUTES


class FieldType(NamedTuple):
    """One field of a record: its kind of value, whether a file must have it, whether a record may lack it.

    A `planned` timestamp is that of a future event, such as a due time; every other timestamp is that of a past event.
    A record that is built without the field has the `default`.
    """

    name: str
    kind: Kind
    required: bool
    choices: tuple[str, ...] = ()
    optional: bool = False
    planned: bool = False
    default: object = None


class Relation(NamedTuple):
    """A foreign key from one record to another: the field that holds the other's id, and the other's table."""

    name: str
    key: str
    table: str


@dataclass(frozen=True, slots=True)
class RecordType:
    """The description of a record class: its table, fields and relations."""

    model: type[Any]
    table: str
    fields: Mapping[str, FieldType]
    relations: Mapping[str, Relation]

    @property
    def is_survey(self) -> bool:
        """Whether it is `Survey`, whose scores are validated against scales; asked without loading that class."""
        return self.model.__module__ == f"{__package__}.survey"

    @property
    def may_be_absent(self) -> list[str]:
        """The fields that are not required: a file need not have a column for them."""
        return [name for name, known in self.fields.items() if not known.required and known.kind != "attributes"]

    def field(self, name: str) -> FieldType:
        """The field of that name; an unknown name is an error that suggests the nearest."""
        found = self.fields.get(name)
        if found is None:
            known = [*self.fields, *self.relations]
            raise unknown_name(f"{self.model.__name__} has no field {name!r}.", name, known)
        return found

    def tables_towards(self, path: Sequence[str]) -> Iterator[str]:
        """The tables of the relations on the path from a record to a field.

        >>> from crmkpi import Deal
        >>> list(record_type(Deal).tables_towards(("customer", "industry")))
        ['customers']
        """
        type_ = self
        for name in path[:-1]:
            relation = type_.relations.get(name)
            if relation is None:  # custom attributes belong to the record itself
                return
            type_ = record_type(record_class(relation.table))
            yield type_.table


class _RecordClass(type):
    """The metaclass of records: replaces the validator's report by one sentence about the first wrong value."""

    @property
    def __signature__(cls) -> Signature:
        """The fields by name, as `help` and notebooks show them."""
        asked = []
        for one in fields(cast("Any", cls)):
            default = getattr(one.default, "default", one.default)  # unwraps pydantic's Field
            if one.default is MISSING:
                default = Parameter.empty
            elif not isinstance(default, str | int | float | None):
                default = {}
            shown = getattr(one.type, "__origin__", one.type)  # without annotations
            asked.append(Parameter(one.name, Parameter.KEYWORD_ONLY, default=default, annotation=shown))
        return Signature(asked)

    @__signature__.setter
    def __signature__(cls, _of_the_validator: Signature) -> None:
        """Ignore the signature that pydantic sets at the first record, so that it does not change."""

    def __call__(cls, *positional: Any, **values: Any) -> Any:
        if positional:
            name, got = cls.__name__, ", ".join(map(shortened, positional))
            raise InputError(f"{name} takes its fields by name, as in {name}(id=...); got {got}.")
        try:
            return super().__call__(**values)
        except ValidationError as problem:
            field, value, reason = fault(problem)
            if field is None:
                raise InputError(f"{cls.__name__}: {reason}.") from None
            if value is None:
                raise InputError(f"{cls.__name__} needs {field}, which is missing.") from None
            hint = did_you_mean(field, record_type(cls).fields) if reason == "not a field" else ""
            what = f"{field!r} is {reason}" if hint else f"{field} {value} is {reason}"
            raise InputError(f"{cls.__name__}: {what}. {hint}".rstrip()) from None


# Validators are built at the first record: building twelve at import would double the import time.
_CONFIG = ConfigDict(extra="forbid", coerce_numbers_to_str=True, allow_inf_nan=False, defer_build=True)
_ALL_READ: Mapping[str, str] = ReadOnly({})
_RECORD_TYPES: dict[type[Any], RecordType] = {}
_TABLES: dict[str, type[Any]] = {}
_PARTLY: dict[type[Any], type[Any]] = {}
_R = TypeVar("_R")


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(Field,))
def record(*, table: str, relations: Mapping[str, tuple[str, str]] | None = None) -> Callable[[type[_R]], type[_R]]:
    """Make a class a record of `table`; `relations` maps a relation's name to (key field, other table).

    >>> from crmkpi.records.base import record, record_type
    >>> @record(table="invoices", relations={"customer": ("customer_id", "customers")})
    ... class Invoice:
    ...     id: str
    ...     customer_id: str | None = None
    >>> Invoice(id="1", customer_id="C7").customer_id
    'C7'
    >>> record_type(Invoice).table
    'invoices'
    """

    def decorate(cls: type[_R]) -> type[_R]:
        members = {name: value for name, value in vars(cls).items() if name not in ("__dict__", "__weakref__")}
        members["unreadable"] = _ALL_READ
        members.setdefault("__repr__", _filled)
        hints = get_type_hints(cls, include_extras=True)
        texts: dict[str, Any] = {
            name: Annotated[hint, TextMark()] for name, hint in hints.items() if hint in (str, str | None)
        }
        if (text := texts.get("currency")) is not None:
            texts["currency"] = Annotated[text, AfterValidator(_as_code)]
        days = {name: Annotated[hint, AfterValidator(_there)] for name, hint in hints.items() if hint in _DAYS}
        members["__annotations__"] = {**cls.__annotations__, **texts, **days}
        plain: Any = _RecordClass(cls.__name__, cls.__bases__, members)
        model = pydantic_dataclass(frozen=True, slots=True, kw_only=True, repr=False, config=_CONFIG)(plain)
        described = {
            name: _describe(name, hints[name], required=known.is_required())._replace(
                default=None if known.is_required() else known.get_default(),
            )
            for name, known in model.__pydantic_fields__.items()
        }
        declared = {name: Relation(name, key, other) for name, (key, other) in (relations or {}).items()}
        for relation in declared.values():
            if relation.key not in described:
                raise DefinitionError(
                    f"The relation {relation.name!r} of {cls.__name__} uses a field that the record does not have: "
                    f"{relation.key!r}. {did_you_mean(relation.key, described)}"
                )
        _TABLES[table] = model
        _RECORD_TYPES[model] = RecordType(model, table, ReadOnly(described), ReadOnly(declared))
        return model  # type: ignore[return-value]

    return decorate


def partly_read(model: type[_R]) -> type[_R]:
    """The subclass of `model` for records with unreadable fields.

    Any of their fields may be missing, and `unreadable` maps the names of unreadable fields to their values, as Python
    writes them. Records without unreadable fields do not have this class, so that they need no more memory.

    >>> from crmkpi.records import Deal
    >>> deal = partly_read(Deal)(id="7", amount="12", unreadable={"status": "'Dead'"})
    >>> isinstance(deal, Deal), deal.status, deal.amount, dict(deal.unreadable)
    (True, None, Decimal('12'), {'status': "'Dead'"})
    >>> dict(Deal(id="7", status="won").unreadable)
    {}
    """
    if model not in _PARTLY:
        _PARTLY[model] = _made_partly(model)
    return cast("type[_R]", _PARTLY[model])


def _made_partly(model: type[Any]) -> type[Any]:
    hints = get_type_hints(model, include_extras=True)
    members: dict[str, Any] = {"__annotations__": {}, "__module__": model.__module__, "__doc__": model.__doc__}
    for known in fields(cast("Any", model)):
        members["__annotations__"][known.name] = hints[known.name] | None
        if known.default_factory is MISSING:
            members[known.name] = None if known.default is MISSING else known.default
        else:
            members[known.name] = field(default_factory=known.default_factory)
    members["__annotations__"]["unreadable"] = Mapping[str, str]
    members["unreadable"] = Field(default_factory=ReadOnly)
    members["__reduce__"] = _reduced
    members["__repr__"] = _filled
    members["__post_init__"] = _without_what_is_there
    plain: Any = _RecordClass(model.__name__, (model,), members)
    made: Any = pydantic_dataclass(frozen=True, slots=True, kw_only=True, repr=False, config=_CONFIG)(plain)
    return cast("type[Any]", made)


def _filled(record: Any) -> str:
    """The `repr` of a record, without fields that have their default."""
    given = [
        f"{one.name}={value!r}"
        for one in fields(record)
        if (value := getattr(record, one.name)) not in (None, one.default) and (value or not isinstance(value, Mapping))
    ]
    return f"{type(record).__qualname__}({', '.join(given)})"


def _reduced(record: Any) -> tuple[Any, ...]:
    """Pickle a partly read record by its base class, since its own class has no importable name."""
    values = {each.name: getattr(record, each.name) for each in fields(record)}
    return _rebuilt, (type(record).__mro__[1], values | {"unreadable": dict(record.unreadable)})


def _without_what_is_there(record: Any) -> None:
    """Remove fields that have a value from `unreadable`, as after `dataclasses.replace`; an id is a line number."""
    check = getattr(type(record).__mro__[1], "__post_init__", None)
    if check is not None:
        check(record)
    lacking = {
        name: value
        for name, value in record.unreadable.items()
        if name == "id" or getattr(record, name, record.attributes.get(name.partition(".")[2])) is None
    }
    object.__setattr__(record, "unreadable", ReadOnly(lacking))


def _rebuilt(model: type[Any], values: Mapping[str, Any]) -> Any:
    return partly_read(model)(**values)


def registered_tables() -> KeysView[str]:
    """The tables of the loaded record classes, custom ones included."""
    return _TABLES.keys()


def record_class(table: str) -> type[Any]:
    """The record class of a table.

    >>> from crmkpi.records import Deal
    >>> record_class("deals") is Deal
    True
    """
    if table not in _TABLES:  # a class of the library, which is loaded at first use
        known: Mapping[str, type[Any]] = import_module(__package__ or "").RECORDS
        return known[table]
    return _TABLES[table]


def record_type(model: type[Any]) -> RecordType:
    """The description of `model`, or of the record class that it derives from."""
    if not isinstance(model, type):
        raise InputError(f"A record class is needed, such as crmkpi.Deal; got {shortened(model)}.")
    for base in model.__mro__:
        if base in _RECORD_TYPES:
            return _RECORD_TYPES[base]
    names = [known.__name__ for known in _RECORD_TYPES]
    raise unknown_name(f"{model.__name__} is not a record class.", model.__name__, names)


def register_in_part(made: type[Any], model: type[Any]) -> None:
    """Register a class with some fields of `model`, from which it does not derive, as a class of its records."""
    _RECORD_TYPES[made] = record_type(model)


def is_record(value: object, type_: RecordType) -> bool:
    """Whether a value is a record of this type, even with only some of its fields."""
    return any(_RECORD_TYPES.get(base) is type_ for base in type(value).__mro__)


def _describe(name: str, hint: Any, *, required: bool) -> FieldType:
    optional = False
    if get_origin(hint) in (Union, UnionType):
        options = get_args(hint)
        optional = NoneType in options
        hint = next(option for option in options if option is not NoneType)
    marks: tuple[Any, ...] = ()
    if hint != Attributes and get_origin(hint) is Annotated:
        hint, *rest = get_args(hint)
        marks = tuple(rest)
    choices: tuple[str, ...] = ()
    kind: Kind
    if hint == Attributes:
        kind = "attributes"
    elif any(isinstance(mark, _MoneyMark) for mark in marks):
        kind = "money"
    elif get_origin(hint) is Literal:
        kind, choices = "choice", get_args(hint)
    elif hint in _KINDS:
        kind = _KINDS[hint]
    else:
        raise DefinitionError(f"The field {name!r} has a type that records do not hold: {hint!r}.")
    planned = any(isinstance(mark, _PlanMark) for mark in marks)
    return FieldType(name, kind, required, choices, optional, planned)
