"""The command `crmkpi watch`: the targets and alerts of a KPI set, for a scheduler to run."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from typing import Any

from crmkpi.cli.options import add_files, add_frame, check_files, dataset_of, files_of, read_tables
from crmkpi.insight.alerts import WatchState, watch
from crmkpi.insight.bundles import INDUSTRIES, starter_set
from crmkpi.insight.kpi_sets import read_kpi_set
from crmkpi.insight.tables import InsightTable
from crmkpi.insight.targets import target_status
from crmkpi.metrics.roles import ROLES
from crmkpi.time.calendars import Calendar
from crmkpi.time.periods import Period

__all__ = ["add_kpi_set", "add_watch"]


def add_watch(commands: Any) -> None:
    """Add the command to the others."""
    parser = commands.add_parser(
        "watch",
        help="look at the targets and alerts of a KPI set",
        usage="%(prog)s KPIS.toml [--deals FILE ...] [--as-of DATE] [--state FILE] [options]",
        description="Look at the targets and alerts of a KPI set. Ends with 3 if a critical alert fires (with "
        "--strict, if any does), with 1 if the data cannot be used, else with 0. Nothing is sent.",
        allow_abbrev=False,
    )
    parser.set_defaults(run=_watch, usage=parser.error)
    parser.add_argument("kpis", metavar="KPIS.toml", help="the KPI set: TOML, or JSON in a file named .json")
    add_files(parser)
    add_frame(parser)
    parser.add_argument("--period", help="which one; the last that is over before --as-of when not given")
    parser.add_argument("--state", metavar="FILE", help="where the state of alerts is kept from one run to the next")
    parser.add_argument("--strict", action="store_true", help="end with 3 if any alert fires")
    parser.add_argument("--format", choices=tuple(_FORMATS), default="text", help="(default: %(default)s)")


def add_kpi_set(commands: Any) -> None:
    """Add the command that writes a KPI set to begin with."""
    parser = commands.add_parser(
        "kpi-set",
        help="write a KPI set to begin with",
        description="Write a KPI set for a role or a kind of business as TOML, its targets left to you.",
        allow_abbrev=False,
    )
    parser.set_defaults(run=_kpi_set, usage=parser.error)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--role", choices=tuple(ROLES), help="whose KPIs")
    which.add_argument("--industry", choices=tuple(INDUSTRIES), help="of which kind of business")


def _kpi_set(arguments: argparse.Namespace) -> None:
    print(starter_set(arguments.role or arguments.industry), end="")


def _watch(arguments: argparse.Namespace) -> int:
    given = files_of(arguments)
    check_files(arguments, given)
    if arguments.period is None and arguments.as_of is None:
        arguments.usage("say which period, or up to which day the data is known; add --period 2026-03 or --as-of DATE")
    kpis = read_kpi_set(arguments.kpis)
    state = WatchState() if arguments.state is None else WatchState.read(arguments.state)
    calendar = Calendar(tz=arguments.tz or "UTC")
    crm = dataset_of(read_tables(given, arguments), calendar, arguments)
    period = arguments.period
    if period is None:
        current = Period.of(arguments.as_of, _unit(kpis.period), calendar=calendar)
        period = current if current.is_complete(arguments.as_of) else current.previous()
    found = watch(crm, kpis, period=period, state=state)
    form = _FORMATS[arguments.format]
    if any(kpi.target is not None or kpi.segments for kpi in kpis.kpis) and arguments.format != "json":
        print(form(target_status(crm, kpis, period=period)).rstrip("\n"), end="\n\n")
    print(form(found).rstrip("\n"))
    if arguments.state is not None:
        found.state.write(arguments.state)
    return 3 if found.critical or (arguments.strict and found.firing) else 0


def _unit(text: str) -> Any:
    return text


_FORMATS: Mapping[str, Callable[[InsightTable], str]] = {
    "text": str,
    "json": InsightTable.to_json,
    "markdown": InsightTable.to_markdown,
}
