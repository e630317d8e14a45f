"""Convert a frame with the columns of a system's export to the names, values and units of a record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

from crmkpi.engines.frames.backends import Backend
from crmkpi.engines.frames.homes.home import NUMBERS, ColumnType
from crmkpi.errors import InputError
from crmkpi.records.base import RecordType
from crmkpi.sources.choices import flag_words
from crmkpi.sources.computed_values import SCALES
from crmkpi.sources.durations import SECONDS
from crmkpi.sources.headers import FoundHeader, found_columns
from crmkpi.sources.presets.library import folded
from crmkpi.sources.presets.model import Preset, PresetColumn

__all__ = ["ByPreset", "by_preset"]

_COMPUTED = ("smallest", "stripe_items", *SCALES, "unix_seconds", "unix_milliseconds", "excel_days")


@dataclass(frozen=True, slots=True)
class ByPreset:
    """A frame with a column for each field that a preset fills, and the names of these columns.

    `skipped` is a lazy frame with the reason of each row that is left out, None without a rule that could apply.
    `computed` are the fields that would need computation, each with its source column: a query of one is an error.
    """

    frame: Any
    columns: Mapping[str, str]
    skipped: Any
    computed: Mapping[str, str]


def by_preset(backend: Backend, frame: Any, type_: RecordType, preset: Preset, given: Mapping[str, str]) -> ByPreset:
    """The frame with the columns of the preset, except for the fields that the user names in `given`."""
    if preset.record != type_.model.__name__:
        raise InputError(
            f"The preset {preset.name} reads {preset.record or 'totals and no'} records, "
            f"and record= is {type_.model.__name__}."
        )
    home = backend.home
    nw, names = home.words, home.names(frame)
    filling: dict[str, list[tuple[FoundHeader, str]]] = {}
    computed: dict[str, str] = {}
    for header in names:
        for found in found_columns(header, preset):
            for name in found.column.fills:
                if name == "attributes" or name in given:
                    continue
                if _is_computed(found.column):
                    computed.setdefault(name, header)
                else:
                    filling.setdefault(name, []).append((found, header))
    columns: dict[str, str] = {}
    made: list[Any] = []
    read: set[str] = set()
    for name, sources in filling.items():
        ordered = [each for _, each in sorted((one.rank, (one, header)) for one, header in sources)]
        types = [home.type_of(frame, header, "attributes") for _, header in ordered]
        parts = [_read(nw, header, known, one.column) for (one, header), known in zip(ordered, types, strict=True)]
        plain = all(each is None for each in parts)
        if plain and len(ordered) == 1:
            columns[name] = ordered[0][1]
            continue
        sure = [nw.col(header) if each is None else each for each, (_, header) in zip(parts, ordered, strict=True)]
        same = not plain or len({(known.what, known.shown) for known in types}) == 1
        columns[name] = f"crmkpi {name}"
        made.append((nw.coalesce(*sure) if same and len(sure) > 1 else sure[0]).alias(columns[name]))
        read |= {header for _, header in ordered}
    rules, ruled = _left_out(backend, frame, names, preset)
    read |= ruled
    currency = next((one.currency for each in filling.values() for one, _ in each if one.currency), None)
    constants = dict(preset.constants) | ({"currency": currency.strip().upper()} if currency else {})
    for name, value in constants.items():
        if name not in columns and name not in given:
            columns[name] = f"crmkpi {name}"
            made.append(nw.lit(value).alias(columns[name]))
    over = sorted(read) or names[:1]
    if not rules:
        whole = home.extended(frame, made, None, over) if made else frame
        return ByPreset(whole, columns, None, computed)
    reason = nw.lit(None).cast(nw.String)
    for is_so, name in reversed(rules):
        reason = nw.when(is_so).then(nw.lit(name)).otherwise(reason)
    any_of = reduce(or_, [is_so for is_so, _ in rules])
    skipped = home.opened(frame, over).filter(any_of).select(reason.alias("reason"))
    return ByPreset(home.extended(frame, made, ~any_of, over), columns, skipped, computed)


def _is_computed(column: PresetColumn) -> bool:
    return bool(column.after or column.per or column.first_of) or column.unit in _COMPUTED


def _read(nw: Any, header: str, known: ColumnType, column: PresetColumn) -> Any:
    """The expression that converts a column, None where it is used as it is."""
    source = nw.col(header)
    if column.words or column.reads_others:
        words = flag_words(column.words) if column.unit == "flag" else dict(column.words)
        spelt = source.cast(nw.String)
        plain = spelt.str.strip_chars().str.to_lowercase()
        chain = nw.lit(column.others).cast(nw.String) if column.reads_others else spelt
        by_meaning: dict[str | None, list[str]] = {}
        for word, meaning in words.items():
            by_meaning.setdefault(meaning, []).append(str(word).strip().casefold())
        for meaning, spellings in by_meaning.items():
            meant = nw.lit(meaning).cast(nw.String)
            found = plain.is_in(sorted(set(spellings)))
            if column.in_brackets:
                found = reduce(or_, (plain.str.starts_with(f"{word} (") for word in sorted(set(spellings))), found)
            chain = nw.when(found).then(meant).otherwise(chain)
        return nw.when(~spelt.is_null()).then(chain)
    if column.unit == "capitals":
        return source.cast(nw.String).str.to_uppercase()
    if column.unit == "percent" and known.what in NUMBERS:
        number = source.cast(nw.Float64)
        return number / (number * nw.lit(0.0) + nw.lit(100.0))
    if column.unit is not None and column.unit in SECONDS and known.what in NUMBERS:
        return source.cast(nw.Float64) * nw.lit(float(SECONDS[column.unit]))
    return None


def _left_out(
    backend: Backend, frame: Any, names: Sequence[str], preset: Preset
) -> tuple[list[tuple[Any, str]], set[str]]:
    """The rules by which a preset leaves out rows, each with its reason, and the columns that the rules read.

    The first matching rule is the reason. The start of a row is read from the first column, and only if it holds text:
    finding the first cell that is not empty would need every column.
    """
    home = backend.home
    nw = home.words
    headers = {folded(header): header for header in reversed(names)}
    first = names[0]
    by_start: list[tuple[Any, str]] = []
    by_word: list[tuple[Any, str]] = []
    read: set[str] = set()
    for rule in preset.leave_out:
        if rule.starts and home.type_of(frame, first, "attributes").what == "text":
            plain = nw.col(first).str.strip_chars()
            starting = reduce(or_, [plain.str.starts_with(start) for start in rule.starts])
            by_start.append((starting.fill_null(value=False), rule.reason))
            read.add(first)
        for name in rule.headers:
            if folded(name) in headers:
                words = sorted({word.casefold() for word in rule.words or rule.keep})
                spelt = nw.col(headers[folded(name)]).cast(nw.String).str.strip_chars().str.to_lowercase()
                found = spelt.is_in(words).fill_null(value=False)
                by_word.append((~found if rule.keep else found, rule.reason))
                read.add(headers[folded(name)])
    return by_start + by_word, read
