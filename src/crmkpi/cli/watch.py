"""The commands for KPI sets: `crmkpi watch` for a scheduler, `crmkpi review`, `crmkpi kpi-set`."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from typing import Any

from crmkpi.cli.options import add_files, add_frame, add_recognised, dataset_of, files_of, in_width, read_tables
from crmkpi.dates.calendars import Calendar
from crmkpi.dates.periods import Period
from crmkpi.insight.alerts import WatchState, held, watch
from crmkpi.insight.bundles import INDUSTRIES, starter_set
from crmkpi.insight.kpi_set_keys import kpi_set_schema
from crmkpi.insight.kpi_sets import read_kpi_set
from crmkpi.insight.review import review
from crmkpi.insight.tables import InsightTable
from crmkpi.insight.targets import target_status
from crmkpi.metrics.roles import ROLES

__all__ = ["add_kpi_set", "add_review", "add_watch"]


def add_watch(commands: Any) -> None:
    """Add the command `watch`."""
    parser = commands.add_parser(
        "watch",
        help="evaluate the targets and alerts of a KPI set",
        usage="%(prog)s KPIS.toml [FILE ...] [--as-of DATE] [--state FILE] [options]",
        description="Evaluate the targets and alerts of a KPI set. Ends with 3 if a critical alert fires (with "
        "--strict, if any does), with 1 if the data cannot be used, else with 0. Nothing is sent.",
        allow_abbrev=False,
    )
    parser.set_defaults(run=_watch, usage=parser.error, strict=False)
    parser.add_argument("kpis", metavar="KPIS.toml", help="the KPI set: TOML, or JSON in a file named .json")
    add_recognised(parser)
    add_files(parser)
    add_frame(parser)
    parser.add_argument("--period", help="which one; the last that is over before --as-of when not given")
    parser.add_argument("--state", metavar="FILE", help="where the state of alerts is kept from one run to the next")
    parser.add_argument("--strict", action="store_true", dest="any_alert", help="end with 3 if any alert fires")
    parser.add_argument("--format", choices=tuple(_FORMATS), default="text", help="(default: %(default)s)")


def add_review(commands: Any) -> None:
    """Add the command `review`."""
    parser = commands.add_parser(
        "review",
        help="review a KPI set",
        usage="%(prog)s KPIS.toml [FILE ...] --as-of DATE [options]",
        description="Review a KPI set over the last 24 periods: missing settings, KPIs with too few records, redundant "
        "KPIs. Nothing is changed, and findings are not errors.",
        allow_abbrev=False,
    )
    parser.set_defaults(run=_review, usage=parser.error, strict=False)
    parser.add_argument("kpis", metavar="KPIS.toml", help="the KPI set: TOML, or JSON in a file named .json")
    add_recognised(parser)
    add_files(parser)
    add_frame(parser)
    parser.add_argument("--before", metavar="FILE", help="the set as it was earlier, to find targets that were changed")
    parser.add_argument("--format", choices=tuple(_FORMATS), default="text", help="(default: %(default)s)")


def add_kpi_set(commands: Any) -> None:
    """Add the command `kpi-set`."""
    parser = commands.add_parser(
        "kpi-set",
        help="write a starter KPI set",
        description="Write a KPI set for a role or a kind of business as TOML, its targets left to you.",
        allow_abbrev=False,
    )
    parser.set_defaults(run=_kpi_set, usage=parser.error)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--role", choices=tuple(ROLES), help="whose KPIs")
    which.add_argument("--industry", choices=tuple(INDUSTRIES), help="of which kind of business")
    which.add_argument("--schema", action="store_true", help="the JSON Schema of KPI sets instead, for editors")


def _kpi_set(arguments: argparse.Namespace) -> None:
    if arguments.schema:
        print(kpi_set_schema(), end="")
        return
    print(starter_set(arguments.role or arguments.industry), end="")


def _review(arguments: argparse.Namespace) -> None:
    given = files_of(arguments)
    if arguments.as_of is None:
        arguments.usage("say up to which day the data is known; add --as-of 2026-03-31")
    kpis = read_kpi_set(arguments.kpis)
    before = None if arguments.before is None else read_kpi_set(arguments.before)
    crm = dataset_of(read_tables(given, arguments), Calendar(tz=arguments.tz or "UTC"), arguments)
    print(_FORMATS[arguments.format](review(crm, kpis, before=before)).rstrip("\n"))


def _watch(arguments: argparse.Namespace) -> int:
    given = files_of(arguments)
    if arguments.period is None and arguments.as_of is None:
        arguments.usage("say which period, or up to which day the data is known; add --period 2026-03 or --as-of DATE")
    kpis = read_kpi_set(arguments.kpis)
    calendar = Calendar(tz=arguments.tz or "UTC")
    crm = dataset_of(read_tables(given, arguments), calendar, arguments)
    period = arguments.period
    if period is None:
        current = Period.of(arguments.as_of, _unit(kpis.period), calendar=calendar)
        period = current if current.is_complete(arguments.as_of) else current.previous()
    if arguments.state is None:
        found = watch(crm, kpis, period=period)
    else:
        with held(arguments.state):
            found = watch(crm, kpis, period=period, state=WatchState.read(arguments.state))
            found.state.write(arguments.state)
    form = _FORMATS[arguments.format]
    if any(kpi.target is not None or kpi.segments for kpi in kpis.kpis) and arguments.format != "json":
        print(form(target_status(crm, kpis, period=period)).rstrip("\n"), end="\n\n")
    print(form(found).rstrip("\n"))
    return 3 if found.critical or (arguments.any_alert and found.firing) else 0


def _unit(text: str) -> Any:
    return text


_FORMATS: Mapping[str, Callable[[InsightTable], str]] = {
    "text": in_width,
    "json": InsightTable.to_json,
    "markdown": InsightTable.to_markdown,
}
