"""A frame with the columns of a system's export, given the names, words and units of a record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crmkpi.engines.support import Backend, narwhals
from crmkpi.errors import InputError
from crmkpi.presets.library import folded
from crmkpi.presets.model import Preset, PresetColumn
from crmkpi.records.base import RecordType
from crmkpi.sources.choices import flag_words
from crmkpi.sources.durations import SECONDS
from crmkpi.sources.headers import Found, found_columns

__all__ = ["by_preset"]

_RECKONED = ("smallest", "unix_seconds", "unix_milliseconds", "excel_days")


def by_preset(
    backend: Backend, frame: Any, type_: RecordType, preset: Preset, given: Mapping[str, str]
) -> tuple[Any, dict[str, str], list[str]]:
    """The frame with a column for each field that the preset fills, which column that is, and why rows are left out.

    Fields that the user names in `given` are left to them. What has to be reckoned from several cells of a row is not
    filled. How many rows are left out is not known, because nothing is read before something is measured.
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
    for header in schema.names():
        for found in found_columns(header, preset):
            for name in found.column.fills:
                if name != "attributes" and name not in given and not _is_reckoned(found.column):
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
    left_out, reasons = _left_out(nw, schema, preset)
    currency = next((one.currency for each in filling.values() for one, _ in each if one.currency), None)
    constants = dict(preset.constants) | ({"currency": currency.strip().upper()} if currency else {})
    for name, value in constants.items():
        if name not in columns and name not in given:
            columns[name] = f"crmkpi {name}"
            made.append(nw.lit(value).alias(columns[name]))
    if made:
        whole = whole.with_columns(*made)
    if left_out is not None:
        whole = whole.filter(~left_out)
    return whole.to_native(), columns, reasons


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


def _left_out(nw: Any, schema: Mapping[str, Any], preset: Preset) -> tuple[Any, list[str]]:
    """Whether a row is none of the preset's records, None where every row is one; and the reasons."""
    headers = {folded(header): header for header in schema}
    found: Any = None
    reasons: list[str] = []
    for rule in preset.leave_out:
        for name in rule.headers:
            if folded(name) in headers:
                words = sorted({word.casefold() for word in rule.words})
                spelt = nw.col(headers[folded(name)]).cast(nw.String).str.strip_chars().str.to_lowercase()
                one = spelt.is_in(words).fill_null(value=False)
                found = one if found is None else found | one
                reasons.append(rule.reason)
    return found, reasons
