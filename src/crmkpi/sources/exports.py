"""Read an export of a system that is recognised by the file's headers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Unpack

from crmkpi.errors import FileFormatError, InputError
from crmkpi.records import RECORDS
from crmkpi.records.base import record_type
from crmkpi.sources.account import Recognised
from crmkpi.sources.columns import header_score
from crmkpi.sources.csv_tables import cells_of_any_length, found_table
from crmkpi.sources.excel_files import WORKBOOKS, workbook_table
from crmkpi.sources.grid import Grid
from crmkpi.sources.headers import found_columns, known_headers
from crmkpi.sources.json_files import JSON_FILES, json_table
from crmkpi.sources.loaded import Records
from crmkpi.sources.presets.library import PRESETS, folded
from crmkpi.sources.reading import Reading, ReadingOptions, options_from
from crmkpi.sources.rows import load, record_of
from crmkpi.sources.text import Source, open_text

__all__ = ["first_table", "read_export", "recognised", "shown_table"]

_LEAST_SCORE = 0.5
_LEAST_LEAD = 0.02
_LEAST_KNOWN = 2
_OF_UNKNOWN = 0.25  # weight of a header that no preset has: firms add custom columns
_OF_LIKE_SPELLING = 0.8  # weight of a header that matches only after normalising
_ALL_KNOWN = 0.9
_LEAST_OWN = 2  # headers that are not common to tables of all systems
_WORDS_OF_TABLES = """
account active address agent amount assignee assigned at by campaign category channel city clicks close closed closing
comment comments company contact cost count country created creation currency customer date day deal department
description duration email end ended first group handled id impressions industry interval invoice item items kind last
lead line location mobile modified name no note notes number open opened order organization organisation
owner paid payment phone pipeline plan price priority probability product quantity question rating reason record ref
reference region rep requester resolved resolution response revenue sales score sent segment seller solved source stage
start started state status street subject subscription survey tags tax team ticket time title total type until update
updated url user value won lost zip
"""
_WORDS_OF_ALL = frozenset(_WORDS_OF_TABLES.split())
_MOST_WORDS = 3  # a header of more words is specific to a system
_APART = re.compile(r"[\s_]+")


def read_export(
    path: Source, *, record: type[Any] | None = None, encoding: str | None = None, **options: Unpack[Reading]
) -> Records[Any]:
    r"""Read CSV, a workbook or JSON by the preset that its headers match; the other arguments are those of `read_csv`.

    `account.recognised` has the preset and its score, with the runner-up. A file that no preset matches well enough,
    or that two match about equally well, is an error that names the nearest three.

    Raises:
        FileFormatError: the headers, or the keys of JSON, match no system clearly; use `read_csv(..., preset=...)`.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "deals.csv"
    >>> _ = file.write_text("Potential Id,Potential Name,Stage,Forecast Type,Amount\n1,A,Closed Won,Closed Won,€5\n")
    >>> deals = read_export(file)
    >>> deals.account.preset, deals[0].status
    ('zoho_deal', 'won')
    """
    table = _tables_of(path, encoding)
    with cells_of_any_length():
        grid = table(_known_to_any, ReadingOptions(headers=options.get("headers")))
        sure = recognised(grid.headers, source=grid.source)
        asked = options_from(sure.preset, options)
        record = record_of(record, asked)
        kind = record_type(record)
        return load(table(lambda cells: header_score(cells, kind, asked), asked), record, asked, recognised=sure)


def _tables_of(path: Source, encoding: str | None) -> Callable[..., Grid]:
    """A function that returns the table of a file, given the function that scores lines of headers."""
    suffix = Path(path).suffix.lower() if isinstance(path, str | Path) else ""
    if suffix in JSON_FILES:
        grid = json_table(path, encoding=encoding)
        return lambda _score, asked: _without_headers_given(grid, asked)
    workbook = path if suffix in WORKBOOKS and isinstance(path, str | Path) else None
    text = open_text(path, encoding=encoding) if workbook is None else None

    def table(score: Callable[[Sequence[str]], int], asked: ReadingOptions | None) -> Grid:
        if text is not None:
            return found_table(text, score, asked, delimiter=None)
        assert workbook is not None
        return workbook_table(workbook, score, asked)

    return table


def _without_headers_given(grid: Grid, asked: ReadingOptions | None) -> Grid:
    """Refuse `headers=` for objects, whose keys are their headers."""
    if asked is not None and asked.headers is not None:
        raise InputError(
            "headers= names the columns of files that have none; objects have their keys, so leave it out."
        )
    return grid


def shown_table(path: Source, *, encoding: str | None = None) -> tuple[str, Recognised | None]:
    """The table and the system that the headers of a file match; no system where they are fields of crmkpi records.

    Raises:
        FileFormatError: the headers match neither clearly.
    """
    with cells_of_any_length():
        grid = first_table(path, encoding=encoding)
    try:
        sure = recognised(grid.headers, source=grid.source)
    except FileFormatError as error:
        model = error.details.get("record")
        own = [table for table, record in RECORDS.items() if record.__name__ == model]
        if not own:
            raise
        return own[0], None
    return record_type(record_of(None, options_from(sure.preset, {}))).table, sure


def first_table(path: Source, *, encoding: str | None = None) -> Grid:
    """The unconverted table of a file, below the line with the most headers that any preset knows."""
    return _tables_of(path, encoding)(_known_to_any, ReadingOptions())


def recognised(headers: Sequence[str], *, source: str = "The file") -> Recognised:
    """The preset that the headers of a file match, with its score.

    >>> sure = recognised(["Deal - ID", "Deal - Title", "Deal - Status", "Deal - Value", "Our column"])
    >>> sure.preset, sure.score > 0.9
    ('pipedrive_deal', True)
    """
    named = [header for header in headers if header]
    known = {name: known_headers(named, each) for name, each in PRESETS.items()}
    shared = Counter(header for found in known.values() for header in found)
    weights = {header: 1 / shared[header] if header in shared else _OF_UNKNOWN for header in named}
    whole = sum(weights.values()) or 1
    scores = {
        name: sum(weights[header] * _likeness(header, name) for header in found) / whole
        for name, found in known.items()
    }
    first, second, third = sorted(PRESETS, key=lambda name: (-scores[name], name))[:3]
    alike, share = _own_columns(named)
    alike = [name for name in alike if _table(name) in source.casefold()] or alike  # as deals_2026.csv says
    if share > max(scores[first], _LEAST_SCORE):
        if len(alike) > 1:
            models = f"{', '.join(alike[:-1])} and {alike[-1]}"
            raise FileFormatError(
                f"{source} has the columns of {models} alike and shows no system; read it with record={alike[0]} or "
                "the one that is meant, or say which system it is from with preset=."
            )
        (own,) = alike
        raise FileFormatError(
            f"{source} has the columns of {own} and shows no system; read it with record={own}, or say which system it "
            f"is from with preset=.",
            record=own,
        )
    own_headers = {name: [header for header in found if not _is_of_any(header)] for name, found in known.items()}
    unclear = len(known[first]) < _LEAST_KNOWN or scores[first] < _LEAST_SCORE or not own_headers[first]
    if not unclear and scores[first] - scores[second] >= _LEAST_LEAD:
        unclear = len(own_headers[first]) < _LEAST_OWN and scores[first] < _ALL_KNOWN
    if unclear:
        nearest = ", ".join(f"{name} ({scores[name]:.0%})" for name in (first, second, third))
        raise FileFormatError(
            f"{source} shows no system clearly: the nearest presets are {nearest}; say which with "
            f"read_csv(..., preset=), or name its columns with columns=."
        )
    if scores[first] - scores[second] < _LEAST_LEAD:
        raise FileFormatError(
            f"{source} could be {first} ({scores[first]:.0%}), {second} ({scores[second]:.0%}) or {third} "
            f"({scores[third]:.0%}); say which with read_csv(..., preset=)."
        )
    runner_up = second if scores[second] else None
    return Recognised(
        preset=first,
        score=round(scores[first], 3),
        runner_up=runner_up,
        runner_up_score=round(scores[second], 3) if runner_up else 0.0,
    )


def _is_of_any(header: str) -> bool:
    """Whether a header consists of words that all systems use, split at blanks or underscores."""
    words = _APART.split(header.strip().casefold())
    return len(words) <= _MOST_WORDS and all(word in _WORDS_OF_ALL for word in words)


def _own_columns(headers: Sequence[str]) -> tuple[list[str], float]:
    """The record classes that have the most headers as fields, and the share of headers that are."""
    shares: dict[str, float] = {}
    for model in RECORDS.values():
        fields = set(map(folded, record_type(model).fields))
        shares[model.__name__] = sum(folded(header) in fields for header in headers) / (len(headers) or 1)
    most = max(shares.values())
    return [name for name, share in shares.items() if share == most], most


def _table(model: str) -> str:
    return next(table for table, record in RECORDS.items() if record.__name__ == model)


def _likeness(header: str, name: str) -> float:
    found = found_columns(header, PRESETS[name])
    exact = not found or any(header == known or "<" in known for one in found for known in one.column.headers)
    return 1.0 if exact else _OF_LIKE_SPELLING


@cache
def _all_headers() -> frozenset[str]:
    return frozenset(
        folded(header) for each in PRESETS.values() for column in each.columns for header in column.headers
    )


def _known_to_any(cells: Sequence[str]) -> int:
    return sum(folded(cell.strip()) in _all_headers() for cell in cells if cell)
