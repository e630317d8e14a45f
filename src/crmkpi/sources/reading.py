"""The options that all readers share."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, TypedDict, get_args
from zoneinfo import ZoneInfo

from crmkpi._read_only import ReadOnly
from crmkpi.errors import InputError, did_you_mean
from crmkpi.sources.dates import zone_named
from crmkpi.sources.numbers import DecimalSign
from crmkpi.sources.presets.library import AnyPreset, preset
from crmkpi.sources.presets.model import AttributeKind, Preset

__all__ = ["ENDS", "Ends", "Headers", "Progress", "Reading", "ReadingOptions", "Targets", "TextReading", "options_from"]

Targets = str | Sequence[str] | Mapping[str, Any] | None
Headers = str | tuple[str, ...]  # one header, or the headers of columns that fill a field together
Ends = Literal["inclusive", "exclusive"]
ENDS = ("until", "ended_at", "left_at")  # fields that a source may hold as an inclusive last day
Progress = Callable[[Iterable[Any]], Iterable[Any]]


class TextReading(TypedDict, total=False):
    """The options for parsing text; `read_csv` documents each."""

    defaults: Mapping[str, Any] | None
    decimal: DecimalSign | None
    date_format: str | Mapping[str, str] | None
    day_first: bool | None
    units: Mapping[str, str] | None
    kinds: Mapping[str, AttributeKind] | None
    ends: Ends | None
    headers: Sequence[str] | None
    only: Collection[str] | None


class Reading(TextReading, total=False):
    """The options of a reader; `read_csv` documents each."""

    columns: Mapping[Headers, Targets] | Mapping[str, Targets] | None
    values: Mapping[str, Mapping[Any, Any]] | None
    attributes: bool
    tz: str | ZoneInfo | None
    strict: bool
    progress: Progress | None


_WORDS = Reading.__required_keys__ | Reading.__optional_keys__


class ReadingOptions(NamedTuple):
    """The validated options of one call of a reader."""

    columns: Mapping[Any, Targets] = ReadOnly()
    values: Mapping[str, Mapping[Any, Any]] = ReadOnly()
    defaults: Mapping[str, Any] = ReadOnly()
    attributes: bool = True
    decimal: DecimalSign | None = None
    date_format: str | Mapping[str, str] | None = None
    day_first: bool | None = None
    units: Mapping[str, str] = ReadOnly()
    kinds: Mapping[str, AttributeKind] = ReadOnly()
    ends: Ends | None = None
    headers: Sequence[str] | None = None
    tz: str | None = None
    strict: bool = False
    only: Collection[str] | None = None
    in_part: bool = False
    progress: Progress | None = None
    preset: Preset | None = None

    @property
    def ends_inclusive(self) -> bool:
        """Whether ends are inclusive: as the user declares, or else the preset."""
        return (self.ends or (None if self.preset is None else self.preset.ends)) == "inclusive"


_KEYED = {
    "columns": "headers to fields, such as {'its header': 'owner'}",
    "values": "fields to the meanings of their words, such as {'status': {'Closed Won': 'won'}}",
    "defaults": "fields to values, such as {'kind': 'new'}",
    "units": "fields to what the file has, such as {'probability': 'percent'}",
    "kinds": "headers of custom columns to what they hold, such as {'Seats': 'integer'}",
}


def options_from(by: AnyPreset | None, given: Reading) -> ReadingOptions:
    """The options of a reader, validated as far as possible without the source.

    >>> options_from(None, {"tz": "Europe/Berlin"}).tz
    'Europe/Berlin'
    """
    for name in given:
        if name not in _WORDS:
            raise TypeError(f"Readers take no argument {name!r}. {did_you_mean(name, _WORDS)}")
    for name, meaning in _KEYED.items():
        asked = given.get(name)
        if asked is not None and not isinstance(asked, Mapping):
            raise InputError(f"{name}= maps {meaning}; got {asked!r}.")
    for name in ("day_first", "strict"):
        if given.get(name) not in (None, True, False):
            raise InputError(f"{name}= is True or False; got {given[name]!r}.")  # type: ignore[literal-required]
    decimal, tz = given.get("decimal"), given.get("tz")
    if decimal not in (None, ".", ","):
        raise InputError(f"decimal= is ',' or '.', and this is {decimal!r}.")
    if given.get("ends") not in (None, *get_args(Ends)):
        raise InputError(f"ends= is 'inclusive' or 'exclusive'; got {given['ends']!r}.")
    headers = given.get("headers")
    if headers is not None and (isinstance(headers, str) or not all(isinstance(each, str) for each in headers)):
        raise InputError(f"headers= lists the names of all columns, such as ['id', 'status']; got {headers!r}.")
    only = given.get("only")
    if only is not None and (isinstance(only, str) or not all(isinstance(each, str) for each in only)):
        raise InputError(f"only= lists the fields to read, such as ['status', 'amount']; got {only!r}.")
    for header, kind in (given.get("kinds") or {}).items():
        if kind not in get_args(AttributeKind):
            known = did_you_mean(str(kind), get_args(AttributeKind))
            raise InputError(f"kinds= says what the column {header!r} holds; got {kind!r}. {known}")
    said: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if tz is not None:
        said["tz"] = zone_named(tz).key
    return ReadingOptions(**said, preset=None if by is None else preset(by))
