"""The command `crmkpi`: KPIs of exported files, without writing a program.

    crmkpi report win_rate --deals deals.csv --period 2026-Q1 --every month --by owner
    crmkpi check --deals deals.csv --as-of 2026-03-31
    crmkpi list
    crmkpi show win_rate
    crmkpi demo

Data goes to standard output, messages to standard error. The command ends with 0 when all is well, 1 when the data
cannot be used (or `check` found an error in it), and 2 when the command line cannot be understood.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn, get_args

from crmkpi.calendars import Calendar, CalendarUnit
from crmkpi.catalogue import catalogue
from crmkpi.cli_arguments import (
    argument,
    plain_number,
    read_chosen,
    read_column,
    read_day,
    read_default,
    read_hours,
    read_rate,
    read_setting,
    read_value,
)
from crmkpi.dataset import Dataset
from crmkpi.display.html import report_page
from crmkpi.display.manual import metric_list, metric_page
from crmkpi.display.markdown import report_markdown
from crmkpi.display.quality import quality_text
from crmkpi.display.rows import report_csv, report_json
from crmkpi.display.text import report_text
from crmkpi.errors import (
    AmbiguousDateError,
    ColumnError,
    CrmKpiError,
    CurrencyError,
    FileFormatError,
    InputError,
    ParameterError,
    TimeZoneError,
    UnknownNameError,
)
from crmkpi.metric import Metric
from crmkpi.money import Rates
from crmkpi.quality import QualityReport
from crmkpi.records import RECORDS
from crmkpi.results import Report
from crmkpi.sources import Records, read_csv, read_json

__all__ = ["main"]

_SUFFIXES = (".csv", ".tsv", ".json", ".jsonl")
_MOST_MESSAGES = 3
# The library's messages speak of its arguments; these say what they are called here.
_HINTS: Mapping[type[CrmKpiError], str] = {
    CurrencyError: "--currency EUR --rate USD=0.92 converts amounts, --by currency keeps them apart",
    AmbiguousDateError: "--day-first or --no-day-first says which it is",
    TimeZoneError: "--tz Europe/Berlin says in which time zone they are",
    ColumnError: "--columns TABLE:HEADER=FIELD and --default TABLE:FIELD=VALUE say it here",
    ParameterError: "--set NAME=NUMBER, --as-of DATE and --opening-hours mon-fri=09:00-17:00 say it here",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with these arguments (those of the process if there are none), and return its exit status."""
    if hasattr(sys.stdout, "reconfigure"):  # a terminal that cannot show a name must not stop the report
        sys.stdout.reconfigure(errors="replace")
    try:
        arguments = _parser().parse_args(argv)
        status: int = arguments.run(arguments) or 0
        sys.stdout.flush()
    except SystemExit as stop:
        return int(stop.code or 0)
    except CrmKpiError as error:
        return _failed(error)
    except BrokenPipeError:
        # Whoever reads has seen enough. Python flushes once more at the end, which must not fail again.
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        return _failed(InputError(f"{error.filename or 'A file'} cannot be used: {error.strerror or error}."))
    return status


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one sentence, because the usage of a report fills a screen."""

    def error(self, message: str) -> NoReturn:
        stop = "" if message.endswith((".", "?")) else "."
        self.exit(2, f"crmkpi: error: {message}{stop} See {self.prog} --help.\n")


def _parser() -> argparse.ArgumentParser:
    from crmkpi import __version__  # noqa: PLC0415  # the package imports this module's neighbours

    parser = _Parser(
        prog="crmkpi", description="KPIs of customer relationships, with their evidence.", allow_abbrev=False
    )
    parser.add_argument("--version", action="version", version=f"crmkpi {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=_Parser)
    _add_report(commands)
    _add_check(commands)
    listed = commands.add_parser("list", help="list the KPIs", description="List the KPIs.", allow_abbrev=False)
    listed.add_argument("--theme", choices=catalogue.themes(), help="only the KPIs of this theme")
    listed.set_defaults(run=_list)
    show = commands.add_parser("show", help="explain a KPI", description="Explain a KPI.", allow_abbrev=False)
    show.add_argument("metric", type=argument(catalogue.find), metavar="KPI", help="an id, another name, or a variant")
    show.set_defaults(run=_show)
    demo = commands.add_parser(
        "demo",
        help="make and measure a sample company",
        description="Make and measure a sample company.",
        allow_abbrev=False,
    )
    demo.add_argument(
        "--dir", default="crmkpi-demo", metavar="DIR", help="where to write the files (default: %(default)s)"
    )
    demo.set_defaults(run=_demo)
    return parser


def _add_report(commands: Any) -> None:
    report = commands.add_parser(
        "report",
        help="measure KPIs of files",
        usage="%(prog)s [KPI ...] --deals FILE [--leads FILE ...] [--period PERIOD] [options]",
        description="Measure KPIs of exported files. Without a KPI, all are measured that the files allow.",
        allow_abbrev=False,
    )
    report.set_defaults(run=_report, usage=report.error)
    report.add_argument("metrics", nargs="*", metavar="KPI", help="an id, another name, a variant, or a theme")
    _add_files(report)
    report.add_argument("--strict", action="store_true", help="stop at the first row that cannot be read")
    _add_question(report)


def _add_files(parser: argparse.ArgumentParser) -> None:
    files = parser.add_argument_group("files (.csv, .tsv, .json or .jsonl; - reads CSV from standard input)")
    for table in RECORDS:
        files.add_argument(_option(table), dest=f"table_{table}", metavar="FILE")
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


def _add_question(report: argparse.ArgumentParser) -> None:
    what = report.add_argument_group("what to measure")
    what.add_argument("--period", help="such as 2026-Q1, 2026, 2026-01-01..2026-01-31 or 'last month'")
    what.add_argument("--every", choices=get_args(CalendarUnit), help="split the period")
    what.add_argument(
        "--by", action="append", metavar="FIELD", help="group by a field, such as owner or customer.industry"
    )
    what.add_argument("--compare", metavar="PERIOD", help="previous, year_ago, none, or a period")
    what.add_argument(
        "--set",
        action="append",
        default=[],
        type=argument(read_setting),
        metavar="NAME=NUMBER",
        help="a parameter of a KPI",
    )
    what.add_argument("--confidence", type=float, default=0.95, help="of intervals (default: %(default)s)")
    frame = _add_frame(report)
    frame.add_argument("--fiscal-year-start", type=int, default=1, metavar="MONTH")
    frame.add_argument(
        "--opening-hours",
        action="append",
        default=[],
        type=argument(read_hours),
        metavar="DAYS=FROM-TO",
        help="when business time runs, such as mon-fri=09:00-17:00",
    )
    report.add_argument("--format", choices=tuple(_FORMATS), default="table", help="(default: %(default)s)")


def _add_frame(parser: argparse.ArgumentParser) -> Any:
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


def _add_check(commands: Any) -> None:
    check = commands.add_parser(
        "check",
        help="check the data of files",
        usage="%(prog)s --deals FILE [--leads FILE ...] [--as-of DATE] [options]",
        description="Check the data of exported files, and say what is wrong with it and what that does to which KPI. "
        "Ends with 1 if there is an error in it, else with 0.",
        allow_abbrev=False,
    )
    check.set_defaults(run=_check, usage=check.error, strict=False)
    _add_files(check)
    frame = _add_frame(check)
    frame.add_argument("--founded", type=argument(read_day), metavar="DATE", help="the day on which the firm began")
    check.add_argument(
        "--kpi", action="append", type=argument(catalogue.find), metavar="KPI", help="speak of this KPI only"
    )
    check.add_argument(
        "--strict", action="store_true", dest="warnings_fail", help="end with 1 if there is a warning as well"
    )
    check.add_argument("--format", choices=tuple(_CHECK_FORMATS), default="text", help="(default: %(default)s)")


def _report(arguments: argparse.Namespace) -> None:
    given = _given(arguments)
    try:  # not while parsing, where the value of a misspelt option would be taken for a KPI
        arguments.metrics = [read_chosen(name) for name in arguments.metrics]
    except UnknownNameError as error:
        arguments.usage(str(error))
    _check_files(arguments, given)
    _check_report(arguments, given)
    calendar = Calendar(
        tz=arguments.tz or "UTC",
        fiscal_year_start=arguments.fiscal_year_start,
        opening_hours=dict(arguments.opening_hours) or None,
    )
    tables = {table: _read(table, path, arguments) for table, path in given.items()}
    for table, records in tables.items():
        _tell(given[table], records)
    crm = _dataset(tables, calendar, arguments)
    print(_FORMATS[arguments.format](_measured(crm, arguments)).rstrip("\n"))


def _check(arguments: argparse.Namespace) -> int:
    given = _given(arguments)
    _check_files(arguments, given)
    tables = {table: _read(table, path, arguments) for table, path in given.items()}
    crm = _dataset(tables, Calendar(tz=arguments.tz or "UTC"), arguments)
    found = crm.check(metrics=arguments.kpi, founded=arguments.founded)
    print(_CHECK_FORMATS[arguments.format](found).rstrip("\n"))
    return int(not found.is_clean if arguments.warnings_fail else found.count("error") > 0)


def _given(arguments: argparse.Namespace) -> dict[str, str]:
    return {table: path for table in RECORDS if (path := getattr(arguments, f"table_{table}")) is not None}


def _dataset(tables: Mapping[str, Records[Any]], calendar: Calendar, arguments: argparse.Namespace) -> Dataset:
    rates = Rates(arguments.currency, dict(arguments.rate)) if arguments.rate else None
    return Dataset(calendar=calendar, currency=arguments.currency, rates=rates, as_of=arguments.as_of, **tables)


def _check_files(arguments: argparse.Namespace, given: Mapping[str, str]) -> None:
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
                arguments.usage(f"--{option} speaks of {table}, whose file is not given; add {_option(table)} FILE")


def _check_report(arguments: argparse.Namespace, given: Mapping[str, str]) -> None:
    """What the KPIs need, before any file is read."""
    for metric in arguments.metrics:
        for table in metric.tables if isinstance(metric, Metric) else ():
            if table not in given:
                arguments.usage(f"{metric.id} reads {table}, whose file is not given; add {_option(table)} FILE")


def _measured(crm: Dataset, arguments: argparse.Namespace) -> Report:
    given = dict(arguments.set)
    chosen: list[Metric] = []
    notes: list[str] = []
    for choice in arguments.metrics or [None]:
        found, lacking = ((choice,), ()) if isinstance(choice, Metric) else crm.measurable(choice, given)
        chosen += [metric for metric in found if metric not in chosen]
        notes += lacking
    units = {name: parameter.unit for metric in chosen for name, parameter in metric.parameters.items()}
    compare = arguments.compare
    if compare is None and not arguments.metrics and arguments.period is not None:
        compare = "previous"  # a scorecard says how things were before
    report = crm.measure(
        chosen,
        period=arguments.period,
        every=arguments.every,
        by=[name for names in arguments.by for name in names.split(",")] if arguments.by else None,
        compare=None if compare == "none" else compare,
        parameters={
            name: number if units.get(name) == "money" else plain_number(number) for name, number in given.items()
        },
        confidence=arguments.confidence,
    )
    for note in notes:
        _say(note)
    return report


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


def _tell(path: str, records: Records[Any]) -> None:
    """Say on standard error what had to be left out of a file."""
    for note in records.notes:
        _say(f"{path}: {note}")
    rejected = records.rejected
    if rejected:
        _say(f"{path}: {len(rejected):,} {'row' if len(rejected) == 1 else 'rows'} could not be read")
    for row in rejected[:_MOST_MESSAGES]:
        what = " ".join(filter(None, (row.field, row.value)))
        _say(f"  line {row.line}: {f'{what} is ' if what else ''}{row.reason}")
    if len(rejected) > _MOST_MESSAGES:
        _say(f"  and {len(rejected) - _MOST_MESSAGES:,} more")


def _list(arguments: argparse.Namespace) -> None:
    print(metric_list(catalogue if arguments.theme is None else catalogue.by_theme(arguments.theme)))


def _show(arguments: argparse.Namespace) -> None:
    print(metric_page(arguments.metric))


def _demo(arguments: argparse.Namespace) -> None:
    from crmkpi.demo import run  # noqa: PLC0415  # only this command needs the sample company

    print(run(Path(arguments.dir)))


def _width() -> int:
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else 80


def _as_table(report: Report) -> str:
    return report_text(report, width=_width())


def _as_text(report: QualityReport) -> str:
    return quality_text(report, width=_width())


_FORMATS: Mapping[str, Callable[[Report], str]] = {
    "table": _as_table,
    "json": report_json,
    "csv": report_csv,
    "markdown": report_markdown,
    "html": report_page,
}
_CHECK_FORMATS: Mapping[str, Callable[[QualityReport], str]] = {
    "text": _as_text,
    "json": QualityReport.to_json,
    "html": QualityReport.to_html,
}


def _option(table: str) -> str:
    return f"--{table.replace('_', '-')}"


def _say(message: str) -> None:
    print(f"crmkpi: {message}", file=sys.stderr)


def _failed(error: Exception) -> int:
    _say(f"error: {error}")
    hint = next((hint for kind, hint in _HINTS.items() if isinstance(error, kind)), None)
    if hint is not None:
        _say(f"hint: {hint}")
    return 1
