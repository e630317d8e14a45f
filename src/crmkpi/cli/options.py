"""The options that several commands share: files and their reading options, time and money."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crmkpi.cli.arguments import (
    argument,
    read_column,
    read_currency,
    read_day,
    read_default,
    read_ends,
    read_headers,
    read_kind,
    read_preset,
    read_rate,
    read_unit,
    read_value,
)
from crmkpi.cli.files import table_file
from crmkpi.dates.calendars import Calendar
from crmkpi.errors import FileFormatError
from crmkpi.measuring.dataset import Dataset
from crmkpi.metrics.catalogue import catalogue
from crmkpi.money import Rates
from crmkpi.records import RECORDS
from crmkpi.sources import Records
from crmkpi.sources.any_file import SUFFIXES
from crmkpi.sources.exports import shown_table
from crmkpi.sources.files import FileRecords

if TYPE_CHECKING:
    from crmkpi.insight.tables import InsightTable

__all__ = [
    "add_files",
    "add_frame",
    "add_recognised",
    "dataset_of",
    "files_of",
    "in_width",
    "is_file",
    "option_of",
    "read_tables",
    "width",
]


def add_files(parser: argparse.ArgumentParser) -> None:
    """Add the options for files, and the reading options."""
    files = parser.add_argument_group("files (.csv, .tsv, .xlsx, .json or .jsonl; - reads CSV from standard input)")
    for table in RECORDS:
        files.add_argument(
            option_of(table), dest=f"table_{table}", metavar="FILE", action="append", help="once for each file"
        )
    reading = parser.add_argument_group("reading options")
    for option, read, metavar, told in (
        (
            "--preset",
            read_preset,
            "TABLE=PRESET",
            "the system of a file, such as deals=hubspot_deal, or deals=auto to recognise it",
        ),
        ("--columns", read_column, "TABLE:HEADER=FIELD", "the field that a column fills; no FIELD drops the column"),
        (
            "--values",
            read_value,
            "TABLE:FIELD:WORD=VALUE",
            "the value of a word in the file; no VALUE makes it a missing value",
        ),
        ("--default", read_default, "TABLE:FIELD=VALUE", "the value of a field that no column fills"),
        (
            "--headers",
            read_headers,
            "TABLE:NAME,NAME",
            "the names of all columns of a file without a header line",
        ),
        (
            "--kinds",
            read_kind,
            "TABLE:HEADER=KIND",
            "the kind of a custom column: number, integer, money, flag, date or timestamp",
        ),
        (
            "--units",
            read_unit,
            "TABLE:FIELD=UNIT",
            "the unit of a field in the file, such as deals:probability=percent",
        ),
        (
            "--ends",
            read_ends,
            "TABLE=inclusive",
            "end dates in the file are last days, and not the first moment after them",
        ),
    ):
        reading.add_argument(option, action="append", default=[], type=argument(read), metavar=metavar, help=told)
    reading.add_argument(
        "--date-format", metavar="FORMAT", help="the format of dates, such as %%d.%%m.%%Y, if it is ambiguous"
    )
    reading.add_argument("--encoding", help="by default UTF-8")
    reading.add_argument("--delimiter", help="by default inferred from the header line")
    reading.add_argument("--decimal", choices=(".", ","), help="the decimal sign")
    reading.add_argument(
        "--day-first", action=argparse.BooleanOptionalAction, help="the order of dates such as 03/04/2026"
    )


def add_frame(parser: argparse.ArgumentParser) -> Any:
    """Add the options for time and money, and return their group."""
    frame = parser.add_argument_group("time and money")
    frame.add_argument(
        "--as-of", type=argument(read_day), metavar="DATE", help="the day up to which the data is known, or today"
    )
    frame.add_argument("--tz", default=None, metavar="ZONE", help="the time zone in which days begin (default: UTC)")
    frame.add_argument(
        "--currency",
        type=argument(read_currency),
        help="the currency of amounts without one; with --rate, the one to convert to",
    )
    frame.add_argument(
        "--rate",
        action="append",
        default=[],
        type=argument(read_rate),
        metavar="CURRENCY=NUMBER",
        help="the value of one unit of a currency in --currency",
    )
    return frame


def add_recognised(parser: argparse.ArgumentParser) -> None:
    """Add the positional arguments for files without an option."""
    parser.add_argument(
        "recognised", nargs="*", default=[], metavar="FILE", help="an export whose headers show its table"
    )


def files_of(arguments: argparse.Namespace) -> dict[str, list[str]]:
    """The paths of each table: given by option, or recognised by headers."""
    given = {table: list(paths) for table in RECORDS if (paths := getattr(arguments, f"table_{table}"))}
    _recognise(arguments, given)
    _check_files(arguments, given)
    return given


def dataset_of(tables: Mapping[str, Records[Any]], calendar: Calendar, arguments: argparse.Namespace) -> Dataset:
    """The tables as a dataset, with the options for time and money."""
    rates = Rates(arguments.currency, dict(arguments.rate)) if arguments.rate else None
    given: dict[str, Any] = dict(tables)
    return Dataset(calendar=calendar, currency=arguments.currency, rates=rates, as_of=arguments.as_of, **given)


def _recognise(arguments: argparse.Namespace, given: dict[str, list[str]]) -> None:
    """Add the files without an option to the table that their headers show."""
    systems: dict[str, str | None] = {table: dict(arguments.preset).get(table) for table in given}
    for path in arguments.recognised:
        if Path(path).suffix.lower() not in SUFFIXES:
            raise FileFormatError(
                f"{path} is none of the files that can be read ({', '.join(SUFFIXES)}); export it as one."
            )
        table, sure = shown_table(path, encoding=arguments.encoding)
        system = None if sure is None else sure.preset
        if systems.setdefault(table, system) != system:
            arguments.usage(
                f"{path} holds {table}, and so does {given[table][0]} of another system; merge them, or measure them "
                "one at a time"
            )
        given.setdefault(table, []).append(path)
        if system is not None and table not in dict(arguments.preset):
            arguments.preset.append((table, "auto"))


def is_file(name: str) -> bool:
    """Whether an argument means a file: it has a known suffix, or exists."""
    return Path(name).suffix.lower() in SUFFIXES or (name not in catalogue and Path(name).is_file())


def _check_files(arguments: argparse.Namespace, given: Mapping[str, Sequence[str]]) -> None:
    """Validate the options against each other, before any file is read."""
    if not given:
        arguments.usage("there is no file to read; give at least one, such as --deals deals.csv")
    paths = [path for every in given.values() for path in every]
    twice = next((path for path in paths if path != "-" and paths.count(path) > 1), None)
    if twice is not None:
        arguments.usage(f"{twice} is given twice, and its records would count twice; give each file once")
    if paths.count("-") > 1:
        arguments.usage("standard input can be read only once, so use - for one file only")
    if arguments.rate and not arguments.currency:
        arguments.usage("--rate converts to --currency, which is not given; add, for example, --currency EUR")
    for option in ("rate", "preset", "headers", "ends", "where", "set"):
        _check_once(option, arguments)
    for option in ("values", "default", "kinds", "units"):
        _check_once(option, arguments, parts=3 if option == "values" else 2)
    for option in ("columns", "values", "default", "preset", "headers", "kinds", "units", "ends"):
        for table, *_ in getattr(arguments, option):
            if table not in given:
                arguments.usage(f"--{option} names {table}, whose file is not given; add {option_of(table)} FILE")


def _check_once(option: str, arguments: argparse.Namespace, *, parts: int = 1) -> None:
    """Refuse two values of an option with the same first `parts`."""
    names = [":".join(each[:parts]) for each in getattr(arguments, option, ())]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        arguments.usage(f"--{option} {twice} is given twice; give it once")


def read_tables(
    given: Mapping[str, Sequence[str]],
    arguments: argparse.Namespace,
    tell: Callable[[str, Records[Any]], None] | None = None,
    *,
    whole: bool = True,
) -> dict[str, Records[Any]]:
    """The records of each table, from all of its files; `tell` is called for each file.

    They are read `whole`, or lazily, with only the fields that the KPIs need.
    """
    tables: dict[str, Records[Any]] = {}
    for table, paths in given.items():
        files = [table_file(table, path, arguments) for path in paths]
        tables[table] = found = FileRecords(files, RECORDS[table], tell=tell, whole=whole)
        if whole:
            found.look(None)
    return tables


def width() -> int:
    """The width of the output in columns: that of the terminal, or COLUMNS."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() or "COLUMNS" in os.environ else 80


def in_width(table: InsightTable) -> str:
    """The table of an analysis, fitted to the width of the output."""
    from crmkpi.display.insight import insight_text  # noqa: PLC0415  # a report needs no insight

    return insight_text(table, width=width())


def option_of(table: str) -> str:
    """The option that takes the file of a table."""
    return f"--{table.replace('_', '-')}"
