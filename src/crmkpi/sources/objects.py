"""Read typed rows as records: rows of a database driver, objects of an ORM, dataclasses, tuples."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields as fields_of
from dataclasses import is_dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from math import isfinite
from operator import attrgetter
from types import NoneType
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter, ValidationError

from crmkpi.engines.frames.backends import backend_of
from crmkpi.errors import InputError
from crmkpi.records.base import FieldType, Kind, record_type
from crmkpi.sources.dicts import read_dicts
from crmkpi.sources.loaded import Records
from crmkpi.sources.reading import Ends

__all__ = ["read_objects"]

_R = TypeVar("_R")
_Convert = Callable[[Any], Any]


def read_objects(
    rows: Iterable[Any],
    *,
    record: type[_R],
    names: Sequence[str] | None = None,
    columns: Mapping[str, Any] | None = None,
    values: Mapping[str, Mapping[Any, Any]] | None = None,
    tz: str | ZoneInfo | None = None,
    ends: Ends | None = None,
) -> Records[_R]:
    """Read objects as records: SQLAlchemy rows, objects of an ORM, dataclasses, pydantic models, named tuples.

    The column names are those of the first row; plain tuples and lists need `names`. `columns`, `values`, `tz` and
    `ends` are those of `read_dicts`. Values that have the type of their field are used as they are, which is as fast as
    building the records by hand; if any value has another type, `read_dicts` reads all rows, and the account lists the
    conversions.

    Raises:
        InputError: `rows` is not an iterable, its column names are unknown, or a row has other ones.

    >>> from crmkpi import Deal
    >>> deals = read_objects([(7, "won", 12)], record=Deal, names=("id", "status", "amount"))
    >>> deals[0].id, deals[0].amount
    ('7', Decimal('12'))
    """
    if isinstance(rows, str | bytes | Mapping) or not isinstance(rows, Iterable):
        raise InputError(f"Rows must be an iterable of objects, and this is a {type(rows).__name__}; put it in a list.")
    if backend_of(rows) is not None:
        raise InputError(
            f"A frame has columns and not objects; pass the {type(rows).__name__} to crmkpi.table(frame, "
            f"record=crmkpi.{record_type(record).model.__name__}), or to a Dataset as it is."
        )
    every = list(rows)
    options: dict[str, Any] = {"columns": columns, "values": values, "tz": tz, "ends": ends}
    asked = {name: given for name, given in options.items() if given is not None}
    if not every:
        return read_dicts((), record=record, **asked)
    known = _names_of(every[0]) if names is None else _checked(names)
    found = _cells(every, known)
    first = dict(zip(known, found[0], strict=True))
    head = read_dicts([first], record=record, **asked)  # matches columns with fields
    made = None if tz is not None or ends is not None else _typed(found, known, head, record, values or {})
    if made is None:
        return read_dicts((dict(zip(known, row, strict=True)) for row in found), record=record, **asked)
    account = replace(
        head.account, source="objects", rows=len(made), used=len(made), rejected=(), skipped={}, coerced={},
        unreadable=(), notes=(),
    )  # fmt: skip
    return Records(made, record, (), head.unmapped, (), "objects", None, account)


def _names_of(row: Any) -> tuple[str, ...]:
    """The names of the columns of a row."""
    kind = type(row)
    mapper = getattr(kind, "__mapper__", None)  # an object of SQLAlchemy's ORM
    if isinstance(row, Mapping):
        return tuple(map(str, row))
    if mapper is not None:
        return tuple(mapper.column_attrs.keys())
    if is_dataclass(row):
        return tuple(field.name for field in fields_of(row))
    for said in ("model_fields", "_fields"):  # a model of pydantic; a named tuple or a row of SQLAlchemy
        if found := getattr(kind if said == "model_fields" else row, said, None):
            return tuple(map(str, found))
    raise InputError(
        f"The column names of a {kind.__name__} are unknown; give names=('id', 'status', ...) in their order."
    )


def _checked(names: Sequence[str]) -> tuple[str, ...]:
    """The validated `names=`; a single text, or a repeated name, is an error."""
    known = (names,) if isinstance(names, str) else tuple(names)
    if isinstance(names, str) or len(set(known)) < len(known) or not all(isinstance(name, str) for name in known):
        raise InputError(f"names= has a distinct text for each column, such as ('id', 'status', ...); got {names!r}.")
    return known


def _cells(rows: Sequence[Any], names: Sequence[str]) -> list[Sequence[Any]]:
    """The values of all rows in the order of `names`."""
    cells, found = _cells_of(rows[0], names), []
    for number, row in enumerate(rows, 1):
        try:
            found.append(cells(row))
            fits = len(found[-1]) == len(names)
        except (AttributeError, TypeError):
            fits = False
        if not fits:
            raise InputError(
                f"Row {number} must have a value for each of {', '.join(names)}; got {row!r:.80}. Give rows of one "
                "kind, and with names= the names of exactly the columns that they have."
            )
    return found


def _cells_of(row: Any, names: Sequence[str]) -> Callable[[Any], Sequence[Any]]:
    """A function that returns the values of a row in the order of `names`."""
    if isinstance(row, Mapping):
        return lambda found: [found.get(name) for name in names]
    if isinstance(row, Sequence) and not isinstance(row, str | bytes):
        return lambda found: found
    if len(names) == 1:
        only = attrgetter(names[0])
        return lambda found: (only(found),)
    return attrgetter(*names)


def _typed(
    rows: Sequence[Sequence[Any]],
    names: Sequence[str],
    head: Records[Any],
    record: type[_R],
    values: Mapping[str, Mapping[Any, Any]],
) -> tuple[_R, ...] | None:
    """The records, if each value has the type of its field; None if any value needs parsing."""
    type_ = record_type(record)
    taken = {field: columns for field, columns in head.account.mapped.items() if columns}
    if any(len(columns) > 1 or field not in type_.fields for field, columns in taken.items()):
        return None
    places = dict(zip(names, zip(*rows, strict=True), strict=True))
    given: dict[str, Sequence[Any]] = {}
    for field, columns in taken.items():
        column = _converted(places[columns[0]], type_.fields[field], values.get(field))
        if column is None:
            return None
        given[field] = column
    moments = (column for field, column in given.items() if type_.fields[field].kind == "timestamp")
    if len({moment.tzinfo is None for column in moments for moment in column if moment is not None}) > 1:
        return None  # the reader refuses or notes a mix of aware and naive times
    if "currency" in type_.fields and "currency" not in given and (not head or head[0].currency is not None):
        return None  # the header of the amounts names the currency
    own = {name: places[name] for name in head.unmapped if name in places}
    if own:
        if not all(set(map(type, column)) <= _PLAIN for column in own.values()):
            return None
        given["attributes"] = [
            {name: value for name, value in zip(own, row, strict=True) if value is not None}
            for row in zip(*own.values(), strict=True)
        ]
    fields = tuple(given)
    made = TypeAdapter(record).validator.validate_python  # without the record class's wording of errors, which is slow
    try:
        return tuple(made(dict(zip(fields, row, strict=True))) for row in zip(*given.values(), strict=True))
    except ValidationError:  # the reader finds the value, and keeps or rejects the row
        return None


def _converted(column: Sequence[Any], field: FieldType, words: Mapping[Any, Any] | None) -> Sequence[Any] | None:
    """The values of a field, if all have the type of the field; None if any value needs parsing."""
    converters = _converters(field, words)
    kinds = set(map(type, column))
    if not kinds <= converters.keys() | ({NoneType} if field.optional else set()):
        return None
    if all(converters[kind] is _same for kind in kinds - {NoneType}):
        return column
    if len(kinds - {NoneType}) > 1:  # 1, 1.0 and true are one key
        made = [None if value is None else converters[type(value)](value) for value in column]
        return None if made.count(None) > column.count(None) else made
    known = {value: None if value is None else converters[type(value)](value) for value in set(column)}
    if any(new is None and old is not None for old, new in known.items()):
        return None
    return column if all(new is old for old, new in known.items()) else [known[value] for value in column]


_PLAIN = frozenset({NoneType, str, bool, int, float, Decimal, datetime, date})


def _same(value: Any) -> Any:
    return value


def _word(value: str) -> str | None:
    """The text, or None where the reader must decide: it may mean a missing value, or has blanks around it."""
    return value if value and value == value.strip() else None


def _decimal(value: float) -> Decimal | None:
    return Decimal(repr(value)) if isfinite(value) else None


def _finite(value: float) -> float | None:
    return value if isfinite(value) else None


_CONVERTERS: Mapping[Kind, Mapping[type, _Convert]] = {
    "text": {str: _word, int: str},
    "money": {Decimal: _same, int: Decimal, float: _decimal},
    "number": {float: _finite, int: float, Decimal: float},
    "integer": {int: _same},
    "timestamp": {datetime: _same},
    "date": {date: _same},
    "flag": {bool: _same},
}


def _converters(field: FieldType, words: Mapping[Any, Any] | None) -> Mapping[type, _Convert]:
    """The conversion of a value of each type; None for a value that has to be parsed."""
    if field.kind == "choice":
        choices = {choice: choice for choice in field.choices} | dict(words or {})
        return {str: choices.get, int: choices.get, bool: choices.get}
    if words:  # words of other fields are left to the reader
        return {}
    return _CONVERTERS.get(field.kind, {})
