"""How the cells of each field are read, before they are validated."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from typing import Any

from crmkpi.records.base import FieldType, RecordType
from crmkpi.sources.choices import choice_reader, word_reader
from crmkpi.sources.columns import Columns, Options, check_fields
from crmkpi.sources.dates import DateReader, zone_named
from crmkpi.sources.grid import Grid
from crmkpi.sources.numbers import DecimalSign, number_reader, settled_decimal

__all__ = ["Conversion", "conversions_for", "convert"]

Reader = Callable[[Any], Any]
_NUMBERS = ("money", "number", "integer")
_DATES = ("timestamp", "date")


@dataclass(slots=True)
class Conversion:
    """How the cells of one field are read. `fast` may fail on what `careful` reads, but never reads anything else."""

    field: str
    careful: Reader
    fast: Reader


def convert(raws: list[dict[str, Any]], field: str, read: Reader) -> None:
    """Read one field of some rows; what reads as `None` is missing."""
    for raw in raws:
        value = raw.get(field)
        if value is not None:
            value = read(value)
            if value is None:
                del raw[field]
            else:
                raw[field] = value


def conversions_for(grid: Grid, columns: Columns, kind: RecordType, options: Options) -> list[Conversion]:
    """The conversions that the fields of a source need, in the order in which they are to be done."""
    check_fields(options.values, kind, "values")
    by_position = [(position, kind.fields[name]) for position, name in columns.fields]
    signs = _decimal_signs(grid, by_position, options)
    date_readers = _date_readers(grid, by_position, kind, options)
    conversions: list[Conversion] = []
    for field in [*(field for _, field in by_position), *(kind.fields[name] for name in options.defaults)]:
        words = options.values.get(field.name, {})
        if field.kind == "choice":
            read = choice_reader(field.name, field.choices, words)
            conversions.append(Conversion(field.name, read, read))
        elif words:
            read = word_reader(words)
            conversions.append(Conversion(field.name, read, read))
        if field.name in signs:
            read = number_reader(signs[field.name])
            conversions.append(Conversion(field.name, read, read))
        elif field.name in date_readers:
            read = date_readers[field.name]
            plain = options.date_format is None and options.tz is None
            conversions.append(Conversion(field.name, read, datetime.fromisoformat if plain else read))
    return conversions


def _decimal_signs(
    grid: Grid, by_position: Sequence[tuple[int, FieldType]], options: Options
) -> dict[str, DecimalSign]:
    """The decimal signs of the columns of numbers that need to be read by one."""
    numbers = {position: field.name for position, field in by_position if field.kind in _NUMBERS}
    if options.decimal is not None:
        return dict.fromkeys(numbers.values(), options.decimal)
    if not grid.decimals_unknown:
        return {}
    cells = grid.spellings(numbers)
    return {name: settled_decimal(grid.headers[position], cells[position]) for position, name in numbers.items()}


def _date_readers(
    grid: Grid, by_position: Sequence[tuple[int, FieldType]], kind: RecordType, options: Options
) -> dict[str, Reader]:
    forms = options.date_format
    if isinstance(forms, Mapping):
        check_fields(forms, kind, "date_format")
    zone = None if options.tz is None else zone_named(options.tz)
    dates = {field.name: position for position, field in by_position if field.kind in _DATES}
    cells = cache(lambda: grid.spellings(dates.values()))  # one look at the source for all of its date columns

    def cells_of(name: str) -> Iterable[Any]:
        return cells()[dates[name]] if name in dates else [options.defaults[name]]

    readers: dict[str, Reader] = {}
    for name in [*dates, *(name for name in options.defaults if kind.fields[name].kind in _DATES)]:
        readers[name] = DateReader(
            column=grid.headers[dates[name]] if name in dates else name,
            values=partial(cells_of, name),
            kind="date" if kind.fields[name].kind == "date" else "timestamp",
            form=forms.get(name) if isinstance(forms, Mapping) else forms,
            day_first=options.day_first,
            zone=zone,
        )
    return readers
