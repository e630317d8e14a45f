"""A frame with the columns of a system's export, given the names, words and units of a record."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from operator import or_
from typing import Any

from crmkpi.engines.frames.backends import Backend, narwhals
from crmkpi.engines.frames.native import rows_of
from crmkpi.errors import InputError
from crmkpi.records.base import RecordType
from crmkpi.sources.choices import flag_words
from crmkpi.sources.durations import SECONDS
from crmkpi.sources.headers import Found, found_columns
from crmkpi.sources.presets.library import folded
from crmkpi.sources.presets.model import Preset, PresetColumn

__all__ = ["by_preset", "skipped_rows"]

_RECKONED = ("smallest", "unix_seconds", "unix_milliseconds", "excel_days")


def by_preset(
    backend: Backend, frame: Any, type_: RecordType, preset: Preset, given: Mapping[str, str]
) -> tuple[Any, dict[str, str], Any, dict[str, str]]:
    """The frame with a column for each field that the preset fills, which column that is, and the rows left out.

    Fields that the user names in `given` are left to them. Last come the fields that would have to be reckoned, each
    with the column that it is reckoned from: they are refused when somebody asks for them. The
    rows left out are a frame with the reason of each, None where no rule could leave one out; nothing is read here, so
    that they are counted by `skipped_rows` when somebody asks.
    """
    if preset.record != type_.model.__name__:
        raise InputError(
            f"The preset {preset.name} reads {preset.record or 'totals and no'} records, "
            f"and record= is {type_.model.__name__}."
        )
    nw = narwhals(backend)
    whole = nw.from_native(frame)
    schema = whole.collect_schema()
    filling: dict[str, list[tuple[Found, str]]] = {}
    reckoned: dict[str, str] = {}
    for header in schema.names():
        for found in found_columns(header, preset):
            for name in found.column.fills:
                if name == "attributes" or name in given:
                    continue
                if _is_reckoned(found.column):
                    reckoned.setdefault(name, header)
                else:
                    filling.setdefault(name, []).append((found, header))
    columns: dict[str, str] = {}
    made: list[Any] = []
    for name, sources in filling.items():
        ordered = [each for _, each in sorted((one.rank, (one, header)) for one, header in sources)]
        read = [_read(nw, header, schema[header], one.column) for one, header in ordered]
        plain = all(each is None for each in read)
        if plain and len(ordered) == 1:
            columns[name] = ordered[0][1]
            continue
        parts = [nw.col(header) if each is None else each for each, (_, header) in zip(read, ordered, strict=True)]
        same = not plain or len({schema[header] for _, header in ordered}) == 1
        columns[name] = f"crmkpi {name}"
        made.append((nw.coalesce(*parts) if same and len(parts) > 1 else parts[0]).alias(columns[name]))
    rules = _left_out(nw, schema, preset)
    currency = next((one.currency for each in filling.values() for one, _ in each if one.currency), None)
    constants = dict(preset.constants) | ({"currency": currency.strip().upper()} if currency else {})
    for name, value in constants.items():
        if name not in columns and name not in given:
            columns[name] = f"crmkpi {name}"
            made.append(nw.lit(value).alias(columns[name]))
    if made:
        whole = whole.with_columns(*made)
    if not rules:
        return whole.to_native(), columns, None, reckoned
    reason = nw.lit(None, dtype=nw.String)
    for is_so, name in reversed(rules):
        reason = nw.when(is_so).then(nw.lit(name)).otherwise(reason)
    any_of = reduce(or_, [is_so for is_so, _ in rules])
    skipped = whole.filter(any_of).select(reason.alias("reason"))
    return whole.filter(~any_of).to_native(), columns, skipped.to_native(), reckoned


def skipped_rows(backend: Backend, skipped: Any) -> dict[str, int]:
    """How many rows are left out, by reason."""
    nw = narwhals(backend)
    found = nw.from_native(skipped)
    found = found.lazy() if backend.name == "polars" else found
    counted = found.group_by("reason").agg(nw.len().alias("rows")).sort("reason")
    return {reason: int(count) for reason, count in rows_of(backend, counted)}


def _is_reckoned(column: PresetColumn) -> bool:
    return bool(column.after or column.per or column.first_of) or column.unit in _RECKONED


def _read(nw: Any, header: str, dtype: Any, column: PresetColumn) -> Any:
    """The expression that reads a column, None where it is taken as it stands."""
    source = nw.col(header)
    if column.words or column.reads_others:
        words = flag_words(column.words) if column.unit == "flag" else dict(column.words)
        spelt = source.cast(nw.String)
        plain = spelt.str.strip_chars().str.to_lowercase()
        chain = nw.lit(column.others, dtype=nw.String) if column.reads_others else spelt
        by_meaning: dict[str | None, list[str]] = {}
        for word, meaning in words.items():
            by_meaning.setdefault(meaning, []).append(str(word).strip().casefold())
        for meaning, spellings in by_meaning.items():
            chain = nw.when(plain.is_in(sorted(set(spellings)))).then(nw.lit(meaning, dtype=nw.String)).otherwise(chain)
        return nw.when(~spelt.is_null()).then(chain)
    if column.unit == "capitals":
        return source.cast(nw.String).str.to_uppercase()
    if column.unit == "percent" and dtype.is_numeric():
        return source / 100
    if column.unit is not None and column.unit in SECONDS and dtype.is_numeric():
        return source * float(SECONDS[column.unit])
    return None


def _left_out(nw: Any, schema: Mapping[str, Any], preset: Preset) -> list[tuple[Any, str]]:
    """Whether a row is none of the preset's records, rule by rule, and why; the first rule that fits says why.

    How a row starts is looked up in the first column, and only where it holds text: to look for the first cell that is
    not empty, every column would have to be read.
    """
    headers = {folded(header): header for header in reversed(list(schema))}
    first = next(iter(schema))
    by_start: list[tuple[Any, str]] = []
    by_word: list[tuple[Any, str]] = []
    for rule in preset.leave_out:
        if rule.starts and schema[first] == nw.String:
            plain = nw.col(first).str.strip_chars()
            starting = reduce(or_, [plain.str.starts_with(start) for start in rule.starts])
            by_start.append((starting.fill_null(value=False), rule.reason))
        for name in rule.headers:
            if folded(name) in headers:
                words = sorted({word.casefold() for word in rule.words or rule.keep})
                spelt = nw.col(headers[folded(name)]).cast(nw.String).str.strip_chars().str.to_lowercase()
                found = spelt.is_in(words).fill_null(value=False)
                by_word.append((~found if rule.keep else found, rule.reason))
    return by_start + by_word
