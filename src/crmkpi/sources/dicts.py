"""Read records from dicts, such as the rows of an API response."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeVar, Unpack, overload

from crmkpi.errors import InputError
from crmkpi.records.faults import shortened
from crmkpi.sources.account import Rejected
from crmkpi.sources.grid import CHUNK, Grid, Part
from crmkpi.sources.limits import MOST_COLUMNS
from crmkpi.sources.loaded import Records
from crmkpi.sources.presets.library import AnyPreset
from crmkpi.sources.reading import Reading, ReadingOptions, options_from
from crmkpi.sources.rows import check_form, load, record_of

__all__ = ["grid_of_objects", "load_objects", "read_dicts"]

_R = TypeVar("_R")


@overload
def read_dicts(
    rows: Iterable[Mapping[str, Any]],
    *,
    record: type[_R],
    preset: AnyPreset | None = ...,
    **options: Unpack[Reading],
) -> Records[_R]: ...
@overload
def read_dicts(
    rows: Iterable[Mapping[str, Any]],
    *,
    record: None = ...,
    preset: AnyPreset,
    **options: Unpack[Reading],
) -> Records[Any]: ...
def read_dicts(
    rows: Iterable[Mapping[str, Any]],
    *,
    record: type[Any] | None = None,
    preset: AnyPreset | None = None,
    **options: Unpack[Reading],
) -> Records[Any]:
    """Read dicts as records; the arguments are those of `read_csv`, with keys in place of headers.

    A missing key, `None` and the empty text are missing values. A nested dict is flattened:
    `{"via": {"channel": "email"}}` has the key `via.channel`. A list is kept as JSON text. Rows are numbered from 1.

    >>> from crmkpi.records import Order
    >>> orders = read_dicts([{"id": 7, "total": 12.5, "shop": "Ghent"}], record=Order, columns={"total": "amount"})
    >>> orders[0].amount, dict(orders[0].attributes)
    (Decimal('12.5'), {'shop': 'Ghent'})
    """
    if isinstance(rows, str | bytes | Mapping) or not isinstance(rows, Iterable):
        raise InputError(f"Rows must be an iterable of dicts, and this is a {type(rows).__name__}; put it in a list.")
    asked = options_from(preset, options)
    record = record_of(record, asked)
    return load_objects(enumerate(rows, 1), "memory", record, asked)


def load_objects(
    objects: Iterable[tuple[int, Any]], source: str, record: type[_R], options: ReadingOptions
) -> Records[_R]:
    """Read numbered objects as records: mappings are rows, and objects that the source cannot read are `Rejected`."""
    if options.headers is not None:
        raise InputError(
            "headers= names the columns of files that have none; objects have their keys, so leave it out."
        )
    grid = grid_of_objects(objects, source, strict=bool(options.strict))
    if grid is None:
        return Records((), record, notes=("There are no rows.",), source=source)
    return load(grid, record, options)


def grid_of_objects(objects: Iterable[tuple[int, Any]], source: str, *, strict: bool = False) -> Grid | None:
    """Numbered objects as a table; None without objects. With `strict` the first bad row is an error."""
    rows: list[tuple[int, dict[str, Any]] | Rejected] = []
    headers: dict[str, None] = {}
    for line, found in objects:
        if isinstance(found, Rejected):
            rows.append(found)
        elif not isinstance(found, Mapping) or not all(isinstance(key, str) for key in found):
            rows.append(Rejected(line, None, shortened(found), "it is not an object with named values"))
        else:
            flat = _opened(found)
            headers.update(dict.fromkeys(flat))
            if len(headers) > MOST_COLUMNS:
                raise InputError(
                    f"The objects of {source} have more than {MOST_COLUMNS:,} different keys, which is no table; take "
                    f"out what has ids for keys, or name the fields before reading."
                )
            rows.append((line, flat))
    if not rows:
        return None
    refused = tuple(row for row in rows if isinstance(row, Rejected))
    if len(refused) == len(rows) and not strict:
        check_form(source, refused)
    names = list(headers)
    return Grid(source, names, lambda: _parts(rows, names), text=False)


def _parts(rows: Iterable[tuple[int, dict[str, Any]] | Rejected], names: Sequence[str]) -> Iterator[Part | Rejected]:
    lines: list[int] = []
    cells: list[list[Any]] = []
    for row in rows:
        if cells and (isinstance(row, Rejected) or len(cells) == CHUNK):
            yield Part(cells, lines.copy)
            lines, cells = [], []
        if isinstance(row, Rejected):
            yield row
        else:
            lines.append(row[0])
            cells.append([row[1].get(name) for name in names])
    if cells:
        yield Part(cells, lines.copy)


def _opened(found: Mapping[str, Any]) -> dict[str, Any]:
    """A flat dict: keys of nested objects joined with dots, lists as JSON text, other objects as text."""
    flat: dict[str, Any] = {}
    waiting = [("", found)]
    while waiting:
        prefix, mapping = waiting.pop()
        for key, value in mapping.items():
            name = f"{prefix}{key}"
            if isinstance(value, Mapping):
                waiting.append((f"{name}.", value))
            elif isinstance(value, list | tuple):
                flat[name] = _listed(value)
            else:
                flat[name] = _single(value)
    return flat


def _single(value: Any) -> Any:
    if isinstance(value, float | datetime) and value != value:  # noqa: PLR0124 - NaN and NaT, the missing values of pandas
        return None
    if value is None or isinstance(value, str | int | float | Decimal | date):
        return None if value == "" else value
    return str(value)


def _listed(values: Any) -> str:
    try:
        return json.dumps(values, default=str)
    except (TypeError, ValueError, RecursionError):
        return shortened(values)
