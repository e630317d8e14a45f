"""Read files for the command, and report on them on standard error."""

from __future__ import annotations

import argparse
import shlex
import sys
from ast import literal_eval
from collections.abc import Iterable, Iterator
from functools import partial
from time import monotonic
from typing import Any

from crmkpi.cli.messages import say
from crmkpi.currencies import meanings_of
from crmkpi.errors import FileFormatError
from crmkpi.measuring.lookup import on_one_line
from crmkpi.records import RECORDS
from crmkpi.records.base import record_type
from crmkpi.sources import Records
from crmkpi.sources.exports import recognised
from crmkpi.sources.files import TableFile
from crmkpi.sources.reading import options_from
from crmkpi.sources.rows import record_of

__all__ = ["progress", "table_file", "tell"]

_MOST_MESSAGES = 3
_FIRST_SHOWN = 1.0  # seconds; shorter files need no display
_SHOWN_EVERY = 0.2


class _Piped:
    """Standard input, buffered so that it can be read more than once."""

    name = "<stdin>"

    def __init__(self) -> None:
        """Read standard input to its end."""
        self._content = getattr(sys.stdin, "buffer", sys.stdin).read()

    def read(self) -> Any:
        """The whole content."""
        return self._content


def table_file(table: str, path: str, arguments: argparse.Namespace) -> TableFile:
    """A file of a table with the reading options of the command line."""
    columns: dict[str, Any] = {}
    for of, header, fields in arguments.columns:
        if of == table:
            columns[header] = (*columns.get(header, ()), *fields)
    values: dict[str, dict[str, Any]] = {}
    for of, field, word, meaning in arguments.values:
        if of == table:
            values.setdefault(field, {})[word] = meaning
    if getattr(arguments, "currency", None) is not None and "currency" in record_type(RECORDS[table]).fields:
        values["currency"] = {**meanings_of(arguments.currency), **values.get("currency", {})}
    options: Any = {
        "columns": {header: fields or None for header, fields in columns.items()},
        "values": values,
        "defaults": {field: value for of, field, value in arguments.default if of == table},
        "headers": dict(arguments.headers).get(table),
        "kinds": {header: kind for of, header, kind in arguments.kinds if of == table},
        "units": {field: unit for of, field, unit in arguments.units if of == table},
        "ends": dict(arguments.ends).get(table),
        "date_format": arguments.date_format,
        "decimal": arguments.decimal,
        "day_first": arguments.day_first,
        "tz": arguments.tz,
        "strict": arguments.strict,
        "progress": partial(progress, path) if sys.stderr.isatty() else None,
    }
    source: Any = _Piped() if path == "-" else path
    return TableFile(
        source=source,
        name=path,
        preset=dict(arguments.preset).get(table),
        delimiter=arguments.delimiter,
        encoding=arguments.encoding,
        options=options,
    )


def tell(path: str, records: Records[Any], *, in_file: bool = False) -> None:
    """Report on standard error what was left out of a file; `in_file` means that a company file has its options."""
    sure = records.account.recognised
    if sure is not None:
        say(f"{path}: read as {sure.preset}, {sure.score:.0%} sure")
    for note in records.notes:
        say(f"{path}: {note}")
    for reason, count in records.account.skipped.items():
        say(f"{path}: {count:,} skipped: {reason}")
    _tell_unreadable(path, records, in_file=in_file)
    if records.unmapped and records.account.preset is None and not in_file:
        _tell_system(records)
    if records.unmapped:
        say(on_one_line(f"{path}: columns that fill no field: ", records.unmapped))
    rejected = records.rejected
    if rejected:
        say(f"{path}: {len(rejected):,} {'row' if len(rejected) == 1 else 'rows'} could not be read")
    for row in rejected[:_MOST_MESSAGES]:
        what = " ".join(filter(None, (row.field, row.value)))
        say(f"  line {row.line}: {f'{what} is ' if what else ''}{row.reason}")
    if len(rejected) > _MOST_MESSAGES:
        say(f"  and {len(rejected) - _MOST_MESSAGES:,} more")


def _tell_unreadable(path: str, records: Records[Any], *, in_file: bool) -> None:
    """Report the fields with unreadable values, with the most frequent values and the option that fixes them."""
    table = record_type(records.record).table
    for field, count in records.account.unreadable_fields.items():
        values = sorted((one for one in records.account.unreadable if one.field == field), key=lambda one: -one.count)
        say(f"{path}: {field} cannot be read on {count:,} {'row' if count == 1 else 'rows'}, and counts as unreadable")
        for one in values[:_MOST_MESSAGES]:
            times = f" ({one.count:,} times)" if one.count > 1 else ""
            is_ = ": " if one.reason[:1].isupper() else " is "  # some reasons are sentences
            say(f"  line {one.line}: {f'{one.value}{is_}' if one.value else ''}{one.reason}{times}")
        if len(values) > _MOST_MESSAGES:
            say(f"  and {len(values) - _MOST_MESSAGES:,} other values")
        told = next((one.value for one in values if one.value), None)
        if told is not None and field != "id":
            meaning = shlex.quote(f"{table}:{field}:{_unquoted(told)}=...")
            where = f"[tables.{table}.values.{field}]" if in_file else f"--values {meaning}"
            if all("units=" in one.reason for one in values):
                where = f"[tables.{table}.units]" if in_file else f"--units {table}:{field}=percent"
                say(f"  {where} says that the column is in percent")
            elif all("numbers need date_format" in one.reason for one in values):
                where = f"date_format in [tables.{table}]" if in_file else "--date-format"
                say(f"  {where} says how these dates are written")
            else:
                say(f"  {where} says what it means, nothing for no value")


def _tell_system(records: Records[Any]) -> None:
    """Suggest the preset for a file whose headers are those of a system."""
    headers = [*records.unmapped, *(header for headers in records.account.mapped.values() for header in headers)]
    try:
        sure = recognised(headers)
    except FileFormatError:
        return
    table = record_type(records.record).table
    if record_type(record_of(None, options_from(sure.preset, {}))).table == table:
        say(f"  its headers are those of {sure.preset}, which --preset {table}={sure.preset} reads")


def _unquoted(value: str) -> str:
    """The original value of the file, from its `repr`."""
    try:
        return str(literal_eval(value))
    except (ValueError, SyntaxError):  # cut, or not a literal
        return value


def progress(name: str, parts: Iterable[Any]) -> Iterator[Any]:
    """Yield the parts of a source; for large ones show the number of rows on standard error."""
    rows, shown, next_time = 0, False, monotonic() + _FIRST_SHOWN
    for part in parts:
        rows += len(getattr(part, "rows", ())) or 1
        if monotonic() >= next_time:
            print(f"\rcrmkpi: {name}: {rows:,} rows", end="", file=sys.stderr, flush=True)
            shown, next_time = True, monotonic() + _SHOWN_EVERY
        yield part
    if shown:
        print(file=sys.stderr)
