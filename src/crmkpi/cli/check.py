"""The command `crmkpi check`: find faults in the data of files."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from typing import Any

from crmkpi.cli.arguments import argument, read_day
from crmkpi.cli.messages import examples
from crmkpi.cli.options import (
    add_files,
    add_frame,
    add_recognised,
    dataset_of,
    files_of,
    read_tables,
    width,
)
from crmkpi.dates.calendars import Calendar
from crmkpi.display.quality import quality_text
from crmkpi.metrics.catalogue import catalogue
from crmkpi.quality import QualityReport

__all__ = ["add_check"]

_EXAMPLES = """
crmkpi check deals.csv
crmkpi check --deals deals.csv --as-of 2026-03-31 --strict
"""


def add_check(commands: Any) -> None:
    """Add the command `check`."""
    check = commands.add_parser(
        "check",
        help="check the data of files",
        usage="%(prog)s [FILE ...] [--deals FILE ...] [--as-of DATE] [options]",
        description="Check the data of exported files, and list its faults with their impact on each KPI. "
        "Ends with 1 if there is an error among them, else with 0.",
        allow_abbrev=False,
        **examples(_EXAMPLES),
    )
    check.set_defaults(run=_check, usage=check.error, strict=False)
    add_recognised(check)
    add_files(check)
    frame = add_frame(check)
    frame.add_argument("--founded", type=argument(read_day), metavar="DATE", help="the day on which the firm began")
    check.add_argument(
        "--kpi", action="append", type=argument(catalogue.find), metavar="KPI", help="limit the impacts to this KPI"
    )
    check.add_argument(
        "--strict", action="store_true", dest="warnings_fail", help="end with 1 if there is a warning as well"
    )
    check.add_argument("--format", choices=tuple(_FORMATS), default="text", help="(default: %(default)s)")


def _check(arguments: argparse.Namespace) -> int:
    given = files_of(arguments)
    crm = dataset_of(read_tables(given, arguments), Calendar(tz=arguments.tz or "UTC"), arguments)
    found = crm.check(metrics=arguments.kpi, founded=arguments.founded)
    print(_FORMATS[arguments.format](found).rstrip("\n"))
    return int(not found.is_clean if arguments.warnings_fail else found.count("error") > 0)


def _as_text(report: QualityReport) -> str:
    return quality_text(report, width=width())


_FORMATS: Mapping[str, Callable[[QualityReport], str]] = {
    "text": _as_text,
    "json": QualityReport.to_json,
    "html": QualityReport.to_html,
}
