"""The files of the command: the options that name them and say how to read them, and the tables that come of them."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from crmkpi.calendars import Calendar
from crmkpi.cli_arguments import argument, read_column, read_day, read_default, read_rate, read_value
from crmkpi.dataset import Dataset
from crmkpi.errors import FileFormatError
from crmkpi.money import Rates
from crmkpi.records import RECORDS
from crmkpi.sources import Records, read_csv, read_json

__all__ = [
    "add_files",
    "add_frame",
    "check_files",
    "dataset_of",
    "files_of",
    "option_of",
    "read_tables",
    "say",
    "tell",
    "width",
]

_SUFFIXES = (".csv", ".tsv", ".json", ".jsonl")
_MOST_MESSAGES = 3


def add_files(parser: argparse.ArgumentParser) -> None:
    """The options for files, and for how to read them."""
    files = parser.add_argument_group("files (.csv, .tsv, .json or .jsonl; - reads CSV from standard input)")
    for table in RECORDS:
        files.add_argument(option_of(table), dest=f"table_{table}", metavar="FILE")
    reading = parser.add_argument_group("how to read them")
    reading.add_argument(
        "--columns",
        action="append",
        default=[],
        type=argument(read_column),
        metavar="TABLE:HEADER=FIELD",
        help="which column fills a field; no FIELD drops the column",
    )
    reading.add_argument(
        "--values",
        action="append",
        default=[],
        type=argument(read_value),
        metavar="TABLE:FIELD:WORD=VALUE",
        help="what a word of the file means; no VALUE makes it a missing value",
    )
    reading.add_argument(
        "--default",
        action="append",
        default=[],
        type=argument(read_default),
        metavar="TABLE:FIELD=VALUE",
        help="the value of a field that no column fills",
    )
    reading.add_argument("--encoding", help="UTF-8 when not given")
    reading.add_argument("--delimiter", help="found when not given")
    reading.add_argument("--decimal", choices=(".", ","), help="the sign before decimals")
    reading.add_argument(
        "--day-first", action=argparse.BooleanOptionalAction, help="the order of dates such as 03/04/2026"
    )


def add_frame(parser: argparse.ArgumentParser) -> Any:
    """The options for time and money, as a group that takes more."""
    frame = parser.add_argument_group("time and money")
    frame.add_argument("--as-of", type=argument(read_day), metavar="DATE", help="the day up to which the data is known")
    frame.add_argument("--tz", default=None, metavar="ZONE", help="the time zone in which days begin (default: UTC)")
    frame.add_argument("--currency", help="of amounts that carry none; with --rate, the one to convert to")
    frame.add_argument(
        "--rate",
        action="append",
        default=[],
        type=argument(read_rate),
        metavar="CURRENCY=NUMBER",
        help="what one unit of a currency is worth in --currency",
    )
    return frame


def files_of(arguments: argparse.Namespace) -> dict[str, str]:
    """The path of each table that is given."""
    return {table: path for table in RECORDS if (path := getattr(arguments, f"table_{table}")) is not None}


def dataset_of(tables: Mapping[str, Records[Any]], calendar: Calendar, arguments: argparse.Namespace) -> Dataset:
    """The tables as a dataset, with the options for time and money."""
    rates = Rates(arguments.currency, dict(arguments.rate)) if arguments.rate else None
    return Dataset(calendar=calendar, currency=arguments.currency, rates=rates, as_of=arguments.as_of, **tables)


def check_files(arguments: argparse.Namespace, given: Mapping[str, str]) -> None:
    """What the options say about each other, before any file is read."""
    if not given:
        arguments.usage("there is nothing to read; give at least one file, such as --deals deals.csv")
    if list(given.values()).count("-") > 1:
        arguments.usage("standard input can be read once only, so - can stand for one file")
    if arguments.rate and not arguments.currency:
        arguments.usage("--rate converts to --currency, which is not given; add, for example, --currency EUR")
    for option in ("columns", "values", "default"):
        for table, *_ in getattr(arguments, option):
            if table not in given:
                arguments.usage(f"--{option} speaks of {table}, whose file is not given; add {option_of(table)} FILE")


def read_tables(given: Mapping[str, str], arguments: argparse.Namespace) -> dict[str, Records[Any]]:
    """The records of each file."""
    return {table: _read(table, path, arguments) for table, path in given.items()}


def _read(table: str, path: str, arguments: argparse.Namespace) -> Records[Any]:
    """The records of one file."""
    suffix = ".csv" if path == "-" else Path(path).suffix.lower()
    if suffix not in _SUFFIXES:
        raise FileFormatError(
            f"{path} is none of the files that can be read ({', '.join(_SUFFIXES)}); export it as one."
        )
    columns: dict[str, Any] = {}
    for of, header, fields in arguments.columns:
        if of == table:
            columns[header] = (*columns.get(header, ()), *fields)
    values: dict[str, dict[str, Any]] = {}
    for of, field, word, meaning in arguments.values:
        if of == table:
            values.setdefault(field, {})[word] = meaning
    options: dict[str, Any] = {
        "record": RECORDS[table],
        "columns": {header: fields or None for header, fields in columns.items()},
        "values": values,
        "defaults": {field: value for of, field, value in arguments.default if of == table},
        "encoding": arguments.encoding,
        "decimal": arguments.decimal,
        "day_first": arguments.day_first,
        "tz": arguments.tz,
        "strict": arguments.strict,
    }
    source: Any = getattr(sys.stdin, "buffer", sys.stdin) if path == "-" else path
    if suffix in (".json", ".jsonl"):
        return read_json(source, **options)
    delimiter = "\t" if suffix == ".tsv" else arguments.delimiter
    return read_csv(source, delimiter=delimiter, **options)


def tell(path: str, records: Records[Any]) -> None:
    """Say on standard error what had to be left out of a file."""
    for note in records.notes:
        say(f"{path}: {note}")
    rejected = records.rejected
    if rejected:
        say(f"{path}: {len(rejected):,} {'row' if len(rejected) == 1 else 'rows'} could not be read")
    for row in rejected[:_MOST_MESSAGES]:
        what = " ".join(filter(None, (row.field, row.value)))
        say(f"  line {row.line}: {f'{what} is ' if what else ''}{row.reason}")
    if len(rejected) > _MOST_MESSAGES:
        say(f"  and {len(rejected) - _MOST_MESSAGES:,} more")


def width() -> int:
    """How many columns the output has."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else 80


def option_of(table: str) -> str:
    """The option that takes the file of a table."""
    return f"--{table.replace('_', '-')}"


def say(message: str) -> None:
    """Tell the user something, on standard error."""
    print(f"crmkpi: {message}", file=sys.stderr)
