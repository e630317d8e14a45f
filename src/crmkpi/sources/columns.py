"""Which column fills which field: by name, or as the user says, and never by likeness."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crmkpi.errors import ColumnError, InputError, UnknownNameError, did_you_mean
from crmkpi.records import RECORDS
from crmkpi.records.base import RecordType, record_type
from crmkpi.sources.numbers import DecimalSign

__all__ = ["Columns", "Options", "Targets", "check_fields", "matched_columns", "options_from"]

Targets = str | Sequence[str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the user said about how to read a source; the readers' own arguments say what each means."""

    columns: Mapping[str, Targets]
    values: Mapping[str, Mapping[Any, Any]]
    defaults: Mapping[str, Any]
    attributes: bool
    decimal: DecimalSign | None
    date_format: str | Mapping[str, str] | None
    day_first: bool | None
    tz: str | None
    strict: bool


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a source by position: the fields that they fill, and those that become attributes."""

    width: int
    fields: tuple[tuple[int, str], ...]
    attributes: tuple[tuple[int, str], ...]
    unmapped: tuple[str, ...]
    headers: Mapping[str, str]
    numbered: bool


def matched_columns(headers: Sequence[str], kind: RecordType, options: Options, *, source: str) -> Columns:
    """Match the headers of a source with the fields of a record."""
    wanted = _wanted(headers, kind, options.columns, source=source)
    by_user = {field for targets in wanted.values() for field in targets}
    by_name = {_folded(name): name for name in _mappable(kind) if name not in by_user}
    counts = Counter(headers)
    fields: list[tuple[int, str]] = []
    spare: list[tuple[int, str]] = []
    filled: dict[str, str] = {}
    for index, header in enumerate(headers):
        matched = by_name.get(_folded(header))
        targets = wanted.get(header, () if matched is None else (matched,))
        if targets and counts[header] > 1:
            raise ColumnError(
                f"{source} has {counts[header]} columns {header!r}, and only one can "
                f"fill {targets[0]!r}; rename the others."
            )
        for field in targets:
            if field in filled:
                raise ColumnError(
                    f"Two columns of {source}, {filled[field]!r} and {header!r}, both fill {field!r}; "
                    f"drop one with columns={{{header!r}: None}}."
                )
            filled[field] = header
            fields.append((index, field))
        if not targets and header not in options.columns:
            spare.append(
                (index, header if header and counts[header] == 1 else f"{header} (column {index + 1})".strip())
            )
    _check_defaults(kind, options.defaults, filled, source=source)
    numbered = _check_required(headers, kind, {*filled, *options.defaults}, source=source)
    unmapped = tuple(header for _, header in spare)
    return Columns(len(headers), tuple(fields), tuple(spare) if options.attributes else (), unmapped, filled, numbered)


def check_fields(names: Mapping[str, Any], kind: RecordType, argument: str) -> None:
    """An argument that is keyed by field may name only fields that the record has."""
    for name in names:
        if name not in _mappable(kind):
            raise UnknownNameError(
                f"{argument}= names {name!r}, which is no field of {kind.model.__name__}. "
                f"{did_you_mean(str(name), _mappable(kind))}"
            )


def _mappable(kind: RecordType) -> list[str]:
    return [field.name for field in kind.fields.values() if field.kind != "attributes"]


def _folded(header: str) -> str:
    return re.sub(r"[\s_]+", "_", header.strip()).casefold()


def _wanted(
    headers: Sequence[str], kind: RecordType, columns: Mapping[str, Targets], *, source: str
) -> dict[str, tuple[str, ...]]:
    wanted: dict[str, tuple[str, ...]] = {}
    for header, targets in columns.items():
        if header not in headers:
            raise UnknownNameError(f"{source} has no column {header!r}. {did_you_mean(str(header), headers)}")
        wanted[header] = () if targets is None else (targets,) if isinstance(targets, str) else tuple(targets)
        check_fields(dict.fromkeys(wanted[header]), kind, "columns")
    return wanted


def _check_defaults(kind: RecordType, defaults: Mapping[str, Any], filled: Mapping[str, str], *, source: str) -> None:
    check_fields(defaults, kind, "defaults")
    for field in defaults:
        if field in filled:
            raise InputError(
                f"defaults= gives a value for {field!r}, but the column {filled[field]!r} of {source} fills it; "
                f"leave the default out, or drop the column with columns={{{filled[field]!r}: None}}."
            )


def _check_required(headers: Sequence[str], kind: RecordType, given: set[str], *, source: str) -> bool:
    """Whether rows must be numbered because there is no id; any other lack of a required field is an error."""
    for field in kind.fields.values():
        if not field.required or field.name in given:
            continue
        if field.name == "id" and kind.table not in _referred_to():
            return True
        found = ", ".join(repr(header) for header in headers[:12]) + (", ..." if len(headers) > 12 else "")
        way_out = f"columns={{'its header': {field.name!r}}}"
        if field.name != "id":
            way_out += f", or give one value for all rows with defaults={{{field.name!r}: ...}}"
        raise ColumnError(
            f"{source} has no column for {field.name!r}, which every {kind.model.__name__} needs; "
            f"its columns are {found}: name the one that holds it with {way_out}."
        )
    return False


def _referred_to() -> set[str]:
    return {relation.table for model in RECORDS.values() for relation in record_type(model).relations.values()}


def options_from(
    *,
    columns: Mapping[str, Targets] | None,
    values: Mapping[str, Mapping[Any, Any]] | None,
    defaults: Mapping[str, Any] | None,
    attributes: bool,
    decimal: DecimalSign | None,
    date_format: str | Mapping[str, str] | None,
    day_first: bool | None,
    tz: str | None,
    strict: bool,
) -> Options:
    """The options of a reader, checked as far as they can be without the source."""
    if decimal not in (None, ".", ","):
        raise InputError(f"decimal= is ',' or '.', and this is {decimal!r}.")
    return Options(
        columns=columns or {},
        values=values or {},
        defaults=defaults or {},
        attributes=attributes,
        decimal=decimal,
        date_format=date_format,
        day_first=day_first,
        tz=tz,
        strict=strict,
    )
