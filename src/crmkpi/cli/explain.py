"""The commands `crmkpi explain`, which splits a change, and `crmkpi briefing`, which summarises a period."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from typing import Any

from crmkpi.cli.arguments import argument, read_setting
from crmkpi.cli.options import add_files, add_frame, add_recognised, dataset_of, files_of, in_width, read_tables
from crmkpi.dates.calendars import Calendar
from crmkpi.insight.kpi_sets import read_kpi_set
from crmkpi.insight.tables import InsightTable
from crmkpi.measuring.dataset import Dataset

__all__ = ["add_briefing", "add_explain"]


def add_explain(commands: Any) -> None:
    """Add the command `explain`."""
    parser = commands.add_parser(
        "explain",
        help="split the change of a KPI by segment",
        usage="%(prog)s KPI [FILE ...] --period PERIOD --by FIELD [--search] [options]",
        description="Show the segments that account for the change of a KPI between two periods; with --search, the "
        "parts of the records that moved differently from the rest, if any.",
        allow_abbrev=False,
    )
    parser.set_defaults(run=_explain, usage=parser.error, strict=False)
    parser.add_argument("metric", metavar="KPI", help="an id, another name, or a variant")
    _add_question(parser)
    parser.add_argument("--by", action="append", required=True, metavar="FIELD", help="such as source; more than once")
    parser.add_argument("--search", action="store_true", help="search all values of the fields, and their pairs")


def add_briefing(commands: Any) -> None:
    """Add the command `briefing`."""
    parser = commands.add_parser(
        "briefing",
        help="summarise a period in five lines",
        usage="%(prog)s [FILE ...] --period PERIOD [--kpis KPIS.toml] [options]",
        description="Say what really changed, what accounts for it, what will be missed, who is at risk, and what the "
        "data cannot say.",
        allow_abbrev=False,
    )
    parser.set_defaults(run=_briefing, usage=parser.error, strict=False)
    _add_question(parser)
    parser.add_argument("--by", action="append", metavar="FIELD", help="the fields to split changes by")
    parser.add_argument("--kpis", metavar="KPIS.toml", help="a KPI set, for its KPIs and targets")


def _add_question(parser: argparse.ArgumentParser) -> None:
    add_recognised(parser)
    add_files(parser)
    add_frame(parser)
    parser.add_argument("--period", required=True, help="such as 2026-Q2")
    parser.add_argument("--compare", default="previous", metavar="PERIOD", help="previous, year_ago or a period")
    parser.add_argument(
        "--set", action="append", default=[], type=argument(read_setting), metavar="NAME=NUMBER", help="a parameter"
    )
    parser.add_argument("--format", choices=tuple(_FORMATS), default="text", help="(default: %(default)s)")


def _dataset(arguments: argparse.Namespace) -> Dataset:
    given = files_of(arguments)
    return dataset_of(read_tables(given, arguments), Calendar(tz=arguments.tz or "UTC"), arguments)


def _fields(given: list[str]) -> list[str]:
    """The fields of --by, which may be repeated or separated by commas."""
    return [name for names in given for name in names.split(",")]


def _explain(arguments: argparse.Namespace) -> None:
    crm = _dataset(arguments)
    asked: dict[str, Any] = {"period": arguments.period, "compare": arguments.compare, "by": _fields(arguments.by)}
    asked["parameters"] = dict(arguments.set)
    found = crm.search(arguments.metric, **asked) if arguments.search else crm.explain(arguments.metric, **asked)
    print(_FORMATS[arguments.format](found).rstrip("\n"))


def _briefing(arguments: argparse.Namespace) -> None:
    kpis = None if arguments.kpis is None else read_kpi_set(arguments.kpis)
    found = _dataset(arguments).briefing(
        period=arguments.period,
        compare=arguments.compare,
        kpis=kpis,
        by=None if arguments.by is None else _fields(arguments.by),
        parameters=dict(arguments.set),
    )
    print(_FORMATS[arguments.format](found).rstrip("\n"))


_FORMATS: Mapping[str, Callable[[InsightTable], str]] = {
    "text": in_width,
    "json": InsightTable.to_json,
    "markdown": InsightTable.to_markdown,
    "html": InsightTable.to_html,
}
