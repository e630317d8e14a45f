"""The command `crmkpi report`: measure KPIs of files."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

from crmkpi.cli.arguments import argument, read_days, read_hours, read_setting, read_where
from crmkpi.cli.collecting import without_collection
from crmkpi.cli.files import tell
from crmkpi.cli.messages import examples, say
from crmkpi.cli.options import (
    add_files,
    add_frame,
    dataset_of,
    files_of,
    is_file,
    option_of,
    read_tables,
    width,
)
from crmkpi.company.asking import SORTS, asked, chosen, lost, wrong_file
from crmkpi.company.outputs import write_all
from crmkpi.dates.calendars import Calendar, CalendarUnit
from crmkpi.definition.metric import Metric
from crmkpi.display.saving import REPORT_SUFFIXES, check_suffix, report_file
from crmkpi.display.text import report_text
from crmkpi.errors import CurrencyError, UnknownNameError
from crmkpi.measuring.results import Report
from crmkpi.measuring.unreadable import UnreadableReason
from crmkpi.sources import Records

__all__ = ["add_report"]

_EXAMPLES = """
crmkpi report win_rate --deals deals.csv --period 2026-Q1 --every month --by owner
crmkpi report win_rate deals.csv --where owner=Ada --compare previous --period 2026-Q1
crmkpi report sales deals.csv --period 2026-Q1 -o sales.md -o sales.json --quiet
"""


def add_report(commands: Any) -> None:
    """Add the command `report`."""
    report = commands.add_parser(
        "report",
        help="measure KPIs of files",
        usage="%(prog)s [KPI ...] [FILE ...] [--deals FILE ...] [options]",
        description="Measure KPIs of exported files; by default all that the files allow.",
        allow_abbrev=False,
        **examples(_EXAMPLES),
    )
    report.set_defaults(run=_report, usage=report.error)
    report.add_argument(
        "metrics",
        nargs="*",
        metavar="KPI or FILE",
        help="an id, another name, a variant or a theme; or a file whose headers show its table",
    )
    add_files(report)
    report.add_argument("--strict", action="store_true", help="stop at the first row that cannot be read")
    _add_question(report)
    report.add_argument("--format", choices=tuple(_FORMATS), default="table", help="(default: %(default)s)")
    report.add_argument(
        "-o",
        "--output",
        action="append",
        default=[],
        metavar="FILE",
        help=f"write to a file instead, in the format of its suffix ({', '.join(REPORT_SUFFIXES)}); once for each",
    )
    report.add_argument("-q", "--quiet", action="store_true", help="print only errors")


def _add_question(report: argparse.ArgumentParser) -> None:
    what = report.add_argument_group("what to measure")
    what.add_argument("--period", help="such as 2026-Q1, 2026, 2026-01-01..2026-01-31 or 'last month'")
    what.add_argument("--every", choices=get_args(CalendarUnit), help="split the period")
    what.add_argument(
        "--by",
        action="append",
        metavar="FIELD",
        help="group by a field, such as owner, customer.industry or closed_at.month",
    )
    what.add_argument(
        "--where",
        action="append",
        default=[],
        type=argument(read_where),
        metavar="FIELD=VALUE",
        help="only the records with this value, such as owner=Ada",
    )
    what.add_argument("--compare", metavar="PERIOD", help="previous, year_ago, none, or a period")
    what.add_argument(
        "--sort", choices=[*SORTS, *(f"-{key}" for key in SORTS)], help="order of the rows; -value: the largest first"
    )
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
        help="business hours, such as mon-fri=09:00-12:00,13:00-17:00, or 24/7",
    )
    frame.add_argument(
        "--holidays",
        action="append",
        default=[],
        type=argument(read_days),
        metavar="DATE,DATE",
        help="days without business time",
    )


def _report(arguments: argparse.Namespace) -> int:
    with without_collection():  # it takes a fifth of the time
        return _measured(arguments)


def _measured(arguments: argparse.Namespace) -> int:
    arguments.recognised = [name for name in arguments.metrics if is_file(name)]
    try:  # after parsing, because argparse would treat the value of a misspelt option as a KPI
        arguments.metrics = [chosen(name) for name in arguments.metrics if not is_file(name)]
        for path in arguments.output:
            check_suffix(path)
    except UnknownNameError as error:
        arguments.usage(str(error))
    given = files_of(arguments)
    _check_report(arguments, given)
    calendar = Calendar(
        tz=arguments.tz or "UTC",
        fiscal_year_start=arguments.fiscal_year_start,
        opening_hours=_hours(arguments.opening_hours),
        holidays={day for days in arguments.holidays for day in days},
    )
    tables = read_tables(given, arguments, None if arguments.quiet else tell, whole=arguments.strict)
    crm = dataset_of(tables, calendar, arguments)
    report, notes = asked(
        crm,
        arguments.metrics,
        period=arguments.period,
        every=arguments.every,
        by=[name for names in arguments.by for name in names.split(",")] if arguments.by else (),
        compare=arguments.compare,
        where=dict(arguments.where),
        sort=arguments.sort,
        parameters=dict(arguments.set),
        confidence=arguments.confidence,
    )
    _check_currency(report, arguments)
    for note in () if arguments.quiet else notes:
        say(note)
    kept = replace(report, notes=(*notes, *report.notes))  # for readers of the output, who do not see standard error
    write_all({Path(path): report_file(kept, path) for path in arguments.output})
    if not arguments.output:
        print(_FORMATS[arguments.format](report).rstrip("\n"))
    return _status(tables, report, arguments)


def _check_currency(report: Report, arguments: argparse.Namespace) -> None:
    """Refuse amounts in another currency than --currency, unless they are grouped by currency."""
    said = arguments.currency
    if said is None or "currency" in [name for names in arguments.by or () for name in names.split(",")]:
        return
    other = next((one for one in report if one.currency not in (None, said)), None)
    if other is not None:
        raise CurrencyError(
            f"{other.definition} is in {other.currency}, as its amounts say, and --currency says {said}, with no rate "
            f"from one to the other."
        )


def _hours(given: Sequence[tuple[str, tuple[tuple[str, str], ...]]]) -> dict[str, list[tuple[str, str]]] | None:
    """The spans of each day, collected over all options."""
    hours: dict[str, list[tuple[str, str]]] = {}
    for days, spans in given:
        hours.setdefault(days, []).extend(spans)
        if any(closes == "23:59" for _, closes in spans):
            say(f"the last minute of {days} is closed: opening hours end at 23:59; write 24:00 for midnight")
    return hours or None


def _status(tables: Mapping[str, Records[Any]], report: Report, arguments: argparse.Namespace) -> int:
    """The exit status: 1 if most rows of a file are not records, or if KPIs lack a value because of the data."""
    wrong = wrong_file(tables)
    if wrong is not None:
        say(f"error: {wrong}")
    without = lost(report, arguments.metrics)
    if without:
        unread = all(isinstance(one.reason, UnreadableReason) for one in without)
        why = "for fields that cannot be read" if unread else "for what is wrong with the data"
        say(f"error: {', '.join(dict.fromkeys(one.definition for one in without))}: no value, {why}; see the report")
    return int(bool(without) or wrong is not None)


def _check_report(arguments: argparse.Namespace, given: Mapping[str, Sequence[str]]) -> None:
    """Refuse KPIs whose tables are not given, before any file is read."""
    for metric in arguments.metrics:
        for table in metric.tables if isinstance(metric, Metric) else ():
            if table not in given:
                arguments.usage(f"{metric.id} reads {table}, whose file is not given; add {option_of(table)} FILE")


def _as_table(report: Report) -> str:
    return report_text(report, width=width(), colour=sys.stdout.isatty() and not os.environ.get("NO_COLOR"))


_FORMATS: Mapping[str, Callable[[Report], str]] = {
    "table": _as_table,
    "json": Report.to_json,
    "csv": Report.to_csv,
    "markdown": Report.to_markdown,
    "html": Report.to_html,
}
