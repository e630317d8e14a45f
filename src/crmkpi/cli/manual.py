"""The commands on the catalogue and the sample company: `crmkpi list`, `crmkpi show` and `crmkpi demo`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from crmkpi.cli.arguments import argument
from crmkpi.display.definitions import definition_json
from crmkpi.display.manual import metric_list, metric_page
from crmkpi.metrics.catalogue import catalogue

__all__ = ["add_demo", "add_list", "add_show"]


def add_list(commands: Any) -> None:
    """Add the command `list`."""
    listed = commands.add_parser("list", help="list the KPIs", description="List the KPIs.", allow_abbrev=False)
    listed.add_argument("--theme", choices=catalogue.themes(), help="only the KPIs of this theme")
    listed.set_defaults(run=_list)


def add_show(commands: Any) -> None:
    """Add the command `show`."""
    show = commands.add_parser("show", help="explain a KPI", description="Explain a KPI.", allow_abbrev=False)
    show.add_argument("metric", type=argument(catalogue.find), metavar="KPI", help="an id, another name, or a variant")
    show.add_argument("--json", action="store_true", help="the whole definition as JSON")
    show.set_defaults(run=_show)


def add_demo(commands: Any) -> None:
    """Add the command `demo`."""
    demo = commands.add_parser(
        "demo",
        help="create and measure a sample company",
        description="Create and measure a sample company.",
        allow_abbrev=False,
    )
    demo.add_argument(
        "--dir", default="crmkpi-demo", metavar="DIR", help="where to write the files (default: %(default)s)"
    )
    demo.set_defaults(run=_demo)


def _list(arguments: argparse.Namespace) -> None:
    print(metric_list(catalogue if arguments.theme is None else catalogue.by_theme(arguments.theme)))


def _show(arguments: argparse.Namespace) -> None:
    print((definition_json if arguments.json else metric_page)(arguments.metric))


def _demo(arguments: argparse.Namespace) -> None:
    from crmkpi.demo import run  # noqa: PLC0415  # only this command needs the sample company

    print(run(Path(arguments.dir)))
