"""Propose a company file: facts that the files show, words to translate, and everything else as comments."""

from __future__ import annotations

import json
import os
import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import chain, islice
from pathlib import Path
from typing import Any

from crmkpi.company.file import NAME
from crmkpi.errors import CrmKpiError, FileFormatError
from crmkpi.records import RECORDS
from crmkpi.records.base import record_type
from crmkpi.sources.any_file import read_file
from crmkpi.sources.csv_tables import cells_of_any_length
from crmkpi.sources.exports import first_table, shown_table
from crmkpi.sources.grid import Grid, Part
from crmkpi.sources.headers import found_columns
from crmkpi.sources.loaded import Records
from crmkpi.sources.presets.library import PRESETS

__all__ = ["Proposal", "proposed"]

_MOST_WORDS = 12
_ROWS_LOOKED_AT = 2_000
_LONGEST = 40
_NOT_UTF_8 = "it is not UTF-8, and is read as {}; check that its letters are right"
_REPORT = (
    "[[report]]",
    'name = "month"',
    'period = "last month"',
    'compare = "previous"',
    'outputs = ["month.md"]  # .html, .xlsx, .csv, .json and .txt as well',
)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A company file as text, and notes on the values to fill in."""

    text: str
    notes: tuple[str, ...]


@dataclass(slots=True)
class _Draft:
    """The draft of one table: its lines, its files, and the records read for their words and dates."""

    preset: str | None
    encoding: str | None
    lines: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    records: list[Records[Any]] = field(default_factory=list)


def proposed(files: Sequence[Path], *, folder: Path, encoding: str | None = None) -> Proposal:
    """Propose a company file for these exports; its paths are relative to `folder`.

    A file whose headers show its table is read: unknown words become lines to fill in. An unrecognised file becomes a
    comment with its columns. A file that is not UTF-8 is read as cp1252, with a note.
    """
    said = encoding
    drafts: dict[str, _Draft] = {}
    unknown: list[str] = []
    notes: list[str] = []
    for file in files:
        path = os.path.relpath(str(file), str(folder))
        encoding = said or _encoding(file)
        if encoding is not None and said is None:
            notes.append(f"{path}: {_NOT_UTF_8.format(encoding)}")
        try:
            table, sure = shown_table(file, encoding=encoding)
        except FileFormatError as error:
            if "shows no system" not in str(error) and "could be" not in str(error):
                raise
            unknown += _unknown(file, path, str(error), encoding)
            notes.append(f"{path}: not recognised; fill in its block of the proposal")
            continue
        system = None if sure is None else sure.preset
        draft = drafts.setdefault(table, _Draft(system, encoding))
        if (draft.preset, draft.encoding) != (system, encoding):
            unknown += [
                f"# {path} holds {table} as well, as {system or 'our own fields'} in {encoding or 'UTF-8'}:",
                "# one table has one preset and one encoding.",
                "",
            ]
            what = "system" if draft.preset != system else "encoding"
            notes.append(f"{path}: holds {table} of another {what} than the other file; see the proposal")
            continue
        draft.files.append(path)
        how = (
            "its headers are the fields of our own"
            if sure is None
            else f"recognised as {system}, {sure.score:.0%} sure"
        )
        draft.lines.append(f"# {_told(path)}: {how}")
        notes.append(f"{path}: {table}, {how}")
        try:
            draft.records.append(read_file(file, record=RECORDS[table], preset=system, encoding=encoding))
        except CrmKpiError as error:
            draft.lines += [f"# It cannot be read yet: {_told(error)}"]
            notes.append(f"{path}: cannot be read yet: {error}")
    body = [line for table, draft in drafts.items() for line in _table(table, draft)]
    text = "\n".join([*_head(folder, drafts), *body, *unknown, *(_fields() if unknown else ()), *_tail(drafts)])
    return Proposal(text.rstrip("\n") + "\n", tuple(notes))


def _head(folder: Path, drafts: dict[str, _Draft]) -> list[str]:
    read = [records for draft in drafts.values() for records in draft.records]
    currencies = Counter(
        currency for records in read for record in records if (currency := getattr(record, "currency", None))
    )
    name = folder.absolute().name
    lines = [
        f"# {NAME}: proposed by crmkpi init; lines that begin with # are yours to fill in. Paths start from this file.",
        "",
        f"name = {_text(name)}",
        f'as_of = "today"  # or the day of the exports, such as {date.today().isoformat()}',  # noqa: DTZ011
    ]
    match len(currencies):
        case 0:
            lines.append('# currency = "EUR"  # the currency of amounts without one')
        case 1:
            lines.append(f"currency = {_text(next(iter(currencies)))}  # the only one in the files")
        case _:
            seen = ", ".join(f"{currency} ({count:,})" for currency, count in currencies.most_common())
            main, *others = (currency for currency, _ in currencies.most_common())
            lines += [
                f"# Amounts are in {seen}: give the one to convert to, and the value of the others in it.",
                f"# currency = {_text(main)}",
                f"# rates = {{ {', '.join(f'{other} = ?' for other in others)} }}",
            ]
    return [
        *lines,
        '# segments = ["owner"]  # fields by which an assistant may group; those of persons only if you say so',
        "",
        "[calendar]",
        '# tz = "Europe/Berlin"  # the time zone of days; by default UTC',
        '# opening_hours = { "mon-fri" = ["09:00", "17:00"] }',
        "",
    ]


def _table(name: str, draft: _Draft) -> list[str]:
    files = draft.files[0] if len(draft.files) == 1 else draft.files
    lines = [*draft.lines, f"[tables.{name}]", f"files = {_text(files)}"]
    if draft.preset is not None:
        lines.append(f"preset = {_text(draft.preset)}")
    if draft.encoding is not None:
        lines.append(f"encoding = {_text(draft.encoding)}")
    rejected = sum(len(records.rejected) for records in draft.records)
    if rejected:
        lines.append(f"# {rejected:,} {'row' if rejected == 1 else 'rows'} cannot be read; crmkpi check lists them.")
    for records in draft.records:
        lines += [f"# {_told(note)}" for note in records.notes]
    words = _unread_words(draft.records)
    if words:
        lines += ["", f"# [tables.{name}.values.FIELD] maps words to values; these are unknown:"]
        for of, counts in words.items():
            lines.append(f"# [tables.{name}.values.{of}]")
            lines += [
                f'# {_text(word)} = "?"  # {count:,} {"time" if count == 1 else "times"}'
                for word, count in counts.most_common(_MOST_WORDS)
            ]
            if len(counts) > _MOST_WORDS:
                lines.append(f"# and {len(counts) - _MOST_WORDS:,} other words")
    spare = list(dict.fromkeys(name for records in draft.records for name in records.unmapped))
    if spare:
        lines.append(f"# columns that fill no field (kept as attributes): {_told(', '.join(spare))}")
    return [*lines, ""]


def _unread_words(read: Iterable[Records[Any]]) -> dict[str, Counter[str]]:
    """The unreadable words of fields with fixed choices, with their counts."""
    found: dict[str, Counter[str]] = {}
    for records in read:
        kinds = record_type(records.record).fields
        for one in records.account.unreadable:
            if one.value and one.field in kinds and kinds[one.field].kind not in ("timestamp", "date"):
                word = one.value[1:-1] if one.value[:1] in "'\"" else one.value
                found.setdefault(one.field, Counter())[word] += one.count
    return found


def _unknown(file: Path, path: str, why: str, encoding: str | None) -> list[str]:
    """The block of an unknown file: its columns with samples, and the fields of equal columns in other systems."""
    with cells_of_any_length():
        grid = first_table(file, encoding=encoding)
        columns = list(zip(grid.headers, *_samples(grid), strict=False))
    lines = [
        f"# {_told(path)}: {_told(re.split('; (say|read)', why)[0])}.",
        "# Name its table, and the field that each column fills; the fields of each table are listed below.",
        "# [tables.TABLE]",
        f"# files = {_text(path)}",
        *([] if encoding is None else [f"# encoding = {_text(encoding)}"]),
        "# [tables.TABLE.columns]",
    ]
    for header, *cells in columns:
        if header:
            lines.append(f'# {_text(header)} = "?"  # {_looks(header, [cell for cell in cells if cell])}')
    words = {header: _few(cells) for header, *cells in columns if header and _few(cells)}
    for header, counts in words.items():
        lines.append(f"# [tables.TABLE.values.FIELD]  # if {_told(header)} fills a field with fixed choices")
        lines += [f'# {_text(word)} = "?"' for word in counts]
    return [*lines, ""]


def _samples(grid: Grid) -> list[Sequence[str]]:
    rows = chain.from_iterable(part.rows for part in grid.parts() if isinstance(part, Part))
    width = len(grid.headers)
    return [
        ["" if cell is None else str(cell).strip() for cell in row]
        for row in islice(rows, _ROWS_LOOKED_AT)
        if len(row) == width
    ]


def _few(cells: Iterable[str]) -> list[str]:
    """The distinct words of a column with few of them, each repeated, such as a status; else an empty list."""
    counts = Counter(cell for cell in cells if cell)
    repeated = len(counts) <= min(_MOST_WORDS, sum(counts.values()) / 2)
    return list(counts) if repeated and not all(_is_number(word) for word in counts) else []


def _is_number(text: str) -> bool:
    return bool(text) and all(sign.isdigit() or sign in ".,-+ " for sign in text)


def _looks(header: str, cells: Sequence[str]) -> str:
    """Samples of a column, and the fields that columns of this name fill in exports of other systems."""
    named: Counter[str] = Counter()
    for preset in PRESETS.values():
        for one in found_columns(header, preset):
            named.update(name for name in one.column.fills if name != "attributes")
    shown = [_told(cell if "," not in cell else _text(cell), _LONGEST) for cell in list(dict.fromkeys(cells))[:3]]
    like = f"such as {', '.join(shown)}" if cells else "empty"
    if not named:
        return like
    return f"{like}; elsewhere a column of this name is {', '.join(name for name, _ in named.most_common(3))}"


def _tail(drafts: dict[str, _Draft]) -> list[str]:
    if not drafts:
        first = "# No file was recognised, so fill in a table first; then:"
        return [first, *(f"# {line}" for line in _REPORT)]
    return [
        *_REPORT,
        "",
        "# [[kpi_set]]  # targets and alerts; crmkpi kpi-set --role NAME writes one",
        '# file = "kpis.toml"',
    ]


def _fields() -> list[str]:
    """The fields of each table, for the user who fills in the rest."""
    lines = ["# The fields of each table:"]
    for table, model in RECORDS.items():
        lines.append(f"# {table}: {', '.join(name for name in record_type(model).fields if name != 'attributes')}")
    return [*lines, ""]


def _encoding(file: Path) -> str | None:
    """The encoding of a text that is not UTF-8; if it cannot be opened, its reader reports the error."""
    if file.suffix.lower() not in (".csv", ".tsv"):
        return None
    try:
        with file.open("rb") as content:
            if content.read(2) in (BOM_UTF16_LE, BOM_UTF16_BE):
                return "utf-16"
        with file.open(encoding="utf-8") as text:
            while text.read(1 << 20):
                pass
    except UnicodeDecodeError:
        return "cp1252"
    except OSError:
        return None
    return None


def _text(value: Any) -> str:
    """A text, or a list of texts, in TOML syntax: JSON syntax with escaped line ends."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _told(text: object, most: int = 500) -> str:
    """A text for a comment: on one line, and cut."""
    shown = "".join(letter if letter.isprintable() else " " for letter in str(text))
    return shown if len(shown) <= most else f"{shown[: most - 1]}…"
