"""Read JSON files: an array of objects, or one object per line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, TypeVar, Unpack, overload

from crmkpi.errors import FileFormatError
from crmkpi.records.faults import shortened
from crmkpi.sources.account import Rejected
from crmkpi.sources.dicts import grid_of_objects, load_objects
from crmkpi.sources.grid import Grid
from crmkpi.sources.loaded import Records
from crmkpi.sources.presets.library import AnyPreset
from crmkpi.sources.reading import Reading, options_from
from crmkpi.sources.rows import record_of
from crmkpi.sources.text import Source, read_text

__all__ = ["JSON_FILES", "json_table", "read_json"]

JSON_FILES = (".json", ".jsonl")
_R = TypeVar("_R")
_BLANKS = re.compile(r"[ \t\r\n]*")


@overload
def read_json(
    path: Source,
    *,
    record: type[_R],
    preset: AnyPreset | None = ...,
    encoding: str | None = ...,
    **options: Unpack[Reading],
) -> Records[_R]: ...
@overload
def read_json(
    path: Source,
    *,
    record: None = ...,
    preset: AnyPreset,
    encoding: str | None = ...,
    **options: Unpack[Reading],
) -> Records[Any]: ...
def read_json(
    path: Source,
    *,
    record: type[Any] | None = None,
    preset: AnyPreset | None = None,
    encoding: str | None = None,
    **options: Unpack[Reading],
) -> Records[Any]:
    """Read a JSON file, or an open file, as records; the arguments are those of `read_csv`.

    A file that starts with `[` is one array of objects; any other is JSON Lines, with one object on each line. A line
    that does not parse is rejected; an array that does not parse is an error, because the start of its next object is
    unknown. Nested objects are flattened and keys matched as in `read_dicts`.

    >>> import io
    >>> from crmkpi.records import Lead
    >>> leads = read_json(io.StringIO('[{"id": 1, "source": "fair"}]'), record=Lead)
    >>> leads[0].source
    'fair'
    """
    asked = options_from(preset, options)
    record = record_of(record, asked)
    objects, name = _objects(path, encoding)
    return load_objects(objects, name, record, asked)


def json_table(path: Source, *, encoding: str | None = None) -> Grid:
    """The unconverted table of a JSON file: a column for each key, before keys are matched with fields."""
    objects, name = _objects(path, encoding)
    grid = grid_of_objects(objects, name)
    if grid is None:
        raise FileFormatError(f"{name} holds no object, so its record class is unknown; export it with rows.")
    return grid


def _objects(path: Source, encoding: str | None) -> tuple[Iterator[tuple[int, Any]], str]:
    text, name = read_text(path, encoding=encoding)
    if not text.strip():
        raise FileFormatError(f"{name} is empty: a JSON file holds an array of objects, or one object a line.")
    return (_array(text, name) if text.lstrip().startswith("[") else _lines(text)), name


def _lines(text: str) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(re.split(r"\r\n|\n|\r", text), 1):
        if not line.strip():
            continue
        try:
            yield number, json.loads(line)
        except (ValueError, RecursionError):
            yield number, Rejected(number, None, shortened(line), "it is not an object in JSON")


def _array(text: str, name: str) -> Iterator[tuple[int, Any]]:
    """The objects of an array with the lines on which they start, which the json module does not report."""
    decoder = json.JSONDecoder()
    position = _after_blanks(text, text.index("[") + 1)
    line, counted = 1, 0
    if text[position : position + 1] == "]":
        _check_end(text, position + 1, name)
        return
    while True:
        line += text.count("\n", counted, position)
        counted = position
        try:
            found, position = decoder.raw_decode(text, position)
        except (ValueError, RecursionError) as problem:
            raise FileFormatError(
                f"{name} is not JSON: the object that starts on line {line} does not parse ({problem})."
            ) from None
        yield line, found
        position = _after_blanks(text, position)
        mark = text[position : position + 1]
        if mark == "]":
            _check_end(text, position + 1, name)
            return
        if mark != ",":
            raise FileFormatError(
                f"{name} is not JSON: after the object that starts on line {line} comes {mark or 'the end'!r}, where "
                f"an array continues with a comma or ends with a bracket."
            )
        position = _after_blanks(text, position + 1)


def _after_blanks(text: str, position: int) -> int:
    blanks = _BLANKS.match(text, position)
    return position if blanks is None else blanks.end()


def _check_end(text: str, position: int, name: str) -> None:
    if text[position:].strip():
        raise FileFormatError(
            f"{name} is not one JSON array: after its end comes {text[position:].strip()[:20]!r}; put all objects "
            f"in one array, or one object on each line."
        )
