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
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn, get_args

from crmkpi.cli.arguments import (
    argument,
    plain_number,
    read_chosen,
    read_days,
    read_hours,
    read_setting,
)
from crmkpi.cli.check import add_check
from crmkpi.cli.files import say, tell
from crmkpi.cli.options import add_files, add_frame, check_files, dataset_of, files_of, option_of, read_tables, width
from crmkpi.cli.watch import add_kpi_set, add_watch
from crmkpi.definition.metric import Metric
from crmkpi.display.html import report_page
from crmkpi.display.manual import metric_list, metric_page
from crmkpi.display.markdown import report_markdown
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
from crmkpi.measuring.dataset import Dataset
from crmkpi.measuring.results import Report
from crmkpi.measuring.unreadable import UnreadableReason
from crmkpi.metrics.catalogue import catalogue
from crmkpi.sources import Records
from crmkpi.time.calendars import Calendar, CalendarUnit

__all__ = ["main"]

# The library's messages speak of its arguments; these say what they are called here.
_HINTS: Mapping[type[CrmKpiError], str] = {
    CurrencyError: "--currency EUR --rate USD=0.92 converts amounts, --by currency keeps them apart",
    AmbiguousDateError: "--day-first or --no-day-first says which it is",
    TimeZoneError: "--tz Europe/Berlin says in which time zone they are",
    FileFormatError: "--deals FILE and its like say what a file holds, --preset TABLE=PRESET which system it is from, "
    "--encoding and --delimiter how it is written",
    ColumnError: "--columns TABLE:HEADER=FIELD and --default TABLE:FIELD=VALUE say it here",
    ParameterError: "--set NAME=NUMBER, --as-of DATE and --opening-hours mon-fri=09:00-17:00 say it here",
}
_DECIMAL_HINT = "--decimal , or --decimal . says which it is"


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


class _Once(argparse.Action):
    """An option that is given once: a second value would drop the first without a word."""

    def __call__(self, _parser: Any, namespace: argparse.Namespace, values: Any, option: str | None = None) -> None:
        """Take the value, unless there is one."""
        given = vars(namespace).setdefault("given_", set())
        if option is not None and self.dest in given:
            raise argparse.ArgumentError(self, "it is given twice; give it once")
        given.add(self.dest)
        setattr(namespace, self.dest, values)


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one sentence, because the usage of a report fills a screen."""

    def __init__(self, *args: Any, **options: Any) -> None:
        """Like any, but what takes one value is given once."""
        super().__init__(*args, **options)
        self.register("action", None, _Once)

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
    add_check(commands)
    add_watch(commands)
    add_kpi_set(commands)
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
        usage="%(prog)s [KPI ...] --deals FILE [--leads FILE ...] [options]",
        description="Measure KPIs of exported files. Without a KPI, all are measured that the files allow.",
        allow_abbrev=False,
    )
    report.set_defaults(run=_report, usage=report.error)
    report.add_argument("metrics", nargs="*", metavar="KPI", help="an id, another name, a variant, or a theme")
    add_files(report)
    report.add_argument("--strict", action="store_true", help="stop at the first row that cannot be read")
    _add_question(report)


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
    frame = add_frame(report)
    frame.add_argument("--fiscal-year-start", type=int, default=1, metavar="MONTH")
    frame.add_argument(
        "--opening-hours",
        action="append",
        default=[],
        type=argument(read_hours),
        metavar="DAYS=FROM-TO",
        help="when business time runs, such as mon-fri=09:00-12:00,13:00-17:00, or 24/7",
    )
    frame.add_argument(
        "--holidays",
        action="append",
        default=[],
        type=argument(read_days),
        metavar="DATE,DATE",
        help="days without business time",
    )
    report.add_argument("--format", choices=tuple(_FORMATS), default="table", help="(default: %(default)s)")


def _report(arguments: argparse.Namespace) -> int:
    given = files_of(arguments)
    try:  # not while parsing, where the value of a misspelt option would be taken for a KPI
        arguments.metrics = [read_chosen(name) for name in arguments.metrics]
    except UnknownNameError as error:
        arguments.usage(str(error))
    check_files(arguments, given)
    _check_report(arguments, given)
    calendar = Calendar(
        tz=arguments.tz or "UTC",
        fiscal_year_start=arguments.fiscal_year_start,
        opening_hours=_hours(arguments.opening_hours),
        holidays={day for days in arguments.holidays for day in days},
    )
    tables = read_tables(given, arguments, tell)
    crm = dataset_of(tables, calendar, arguments)
    report = _measured(crm, arguments)
    print(_FORMATS[arguments.format](report).rstrip("\n"))
    return _status(tables, report, arguments)


def _hours(given: Sequence[tuple[str, tuple[tuple[str, str], ...]]]) -> dict[str, list[tuple[str, str]]] | None:
    """The spans of each day, added up over all that is given."""
    hours: dict[str, list[tuple[str, str]]] = {}
    for days, spans in given:
        hours.setdefault(days, []).extend(spans)
        if any(closes == "23:59" for _, closes in spans):
            say(f"the last minute of {days} is closed: 23:59 is when they close; write 24:00 where they do not")
    return hours or None


def _status(tables: Mapping[str, Records[Any]], report: Report, arguments: argparse.Namespace) -> int:
    """1 where most rows of a file are no records, or a KPI asked by name has no value for what cannot be read."""
    status = 0
    for table, records in tables.items():
        rejected = len(records.rejected)
        if rejected > (len(records) + rejected) / 2:
            say(
                f"error: {rejected:,} of {len(records) + rejected:,} rows of {records.source} are no {table}; is it "
                f"the right file?"
            )
            status = 1
    asked = {choice.id for choice in arguments.metrics if isinstance(choice, Metric)}
    lost = [one.definition for one in report if one.definition in asked and isinstance(one.reason, UnreadableReason)]
    if lost:
        say(f"error: {', '.join(dict.fromkeys(lost))}: no value, for fields that cannot be read; see the report")
        status = 1
    return status


def _check_report(arguments: argparse.Namespace, given: Mapping[str, Sequence[str]]) -> None:
    """What the KPIs need, before any file is read."""
    for metric in arguments.metrics:
        for table in metric.tables if isinstance(metric, Metric) else ():
            if table not in given:
                arguments.usage(f"{metric.id} reads {table}, whose file is not given; add {option_of(table)} FILE")


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
        say(note)
    return report


def _list(arguments: argparse.Namespace) -> None:
    print(metric_list(catalogue if arguments.theme is None else catalogue.by_theme(arguments.theme)))


def _show(arguments: argparse.Namespace) -> None:
    print(metric_page(arguments.metric))


def _demo(arguments: argparse.Namespace) -> None:
    from crmkpi.demo import run  # noqa: PLC0415  # only this command needs the sample company

    print(run(Path(arguments.dir)))


def _as_table(report: Report) -> str:
    return report_text(report, width=width())


_FORMATS: Mapping[str, Callable[[Report], str]] = {
    "table": _as_table,
    "json": report_json,
    "csv": report_csv,
    "markdown": report_markdown,
    "html": report_page,
}


def _failed(error: Exception) -> int:
    say(f"error: {error}")
    hint = next((hint for kind, hint in _HINTS.items() if isinstance(error, kind)), None)
    if hint is None and "decimal=" in str(error):
        hint = _DECIMAL_HINT
    if hint is not None:
        say(f"hint: {hint}")
    return 1
