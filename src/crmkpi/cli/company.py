"""The commands `crmkpi run` and `crmkpi init`: run the reports of a company file, and propose such a file."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import Any

from crmkpi.cli.arguments import argument, read_day
from crmkpi.cli.files import tell
from crmkpi.cli.messages import examples, say
from crmkpi.company.file import NAME, CompanyFile, company_file, found_file
from crmkpi.company.keys import company_schema
from crmkpi.company.outputs import write_all
from crmkpi.company.proposing import proposed
from crmkpi.company.running import run_reports
from crmkpi.display.format import format_label, format_value
from crmkpi.errors import CrmKpiError, InputError

__all__ = ["add_init", "add_run", "opened"]

_RUN_EXAMPLES = """
crmkpi run
crmkpi run month -c /srv/crm/crmkpi.toml --quiet
crmkpi run --as-of 2026-09-30
"""
_INIT_EXAMPLES = """
crmkpi init deals.csv tickets.csv
crmkpi init exports/*.csv -o /srv/crm/crmkpi.toml
crmkpi init --schema
"""


def add_run(commands: Any) -> None:
    """Add the command `run`."""
    parser = commands.add_parser(
        "run",
        help="run the reports of a company file",
        description=f"Run the reports of a company file ({NAME} here or in a folder above). Every table is read once; "
        "all outputs are written, or none. Ends with 3 if a critical alert fires (with --strict, if any does), with 4 "
        "if a target is missed, with 1 if the data cannot be used.",
        allow_abbrev=False,
        **examples(_RUN_EXAMPLES),
    )
    parser.set_defaults(run=_run, usage=parser.error)
    parser.add_argument("reports", nargs="*", metavar="REPORT", help="only these reports")
    parser.add_argument("-c", "--company", metavar="FILE", help="the company file")
    parser.add_argument(
        "--as-of", type=argument(read_day), metavar="DATE", help="the day up to which the data is known"
    )
    parser.add_argument("--strict", action="store_true", help="end with 3 if any alert fires")
    parser.add_argument("-q", "--quiet", action="store_true", help="print only alerts, missed targets and errors")


def add_init(commands: Any) -> None:
    """Add the command `init`."""
    parser = commands.add_parser(
        "init",
        help="propose a company file",
        usage="%(prog)s FILE ... [-o FILE]",
        description="Propose a company file for exported files: settings that their headers show, unknown words, and "
        "comments to fill in.",
        allow_abbrev=False,
        **examples(_INIT_EXAMPLES),
    )
    parser.set_defaults(run=_init, usage=parser.error)
    parser.add_argument("files", nargs="*", metavar="FILE", help="exports (.csv, .tsv, .xlsx, .json, .jsonl)")
    parser.add_argument("-o", "--output", metavar="FILE", help=f"where to write it (default: {NAME}; - prints it)")
    parser.add_argument("--encoding", help="by default UTF-8")
    parser.add_argument("--schema", action="store_true", help="print the JSON Schema of company files, for editors")


def opened(arguments: argparse.Namespace) -> CompanyFile:
    """The company file of the arguments, or the nearest one; a mistake in it is an error of usage."""
    try:
        file = found_file() if arguments.company is None else Path(arguments.company)
        return company_file(file)
    except CrmKpiError as error:
        arguments.usage(str(error))
        raise  # pragma: no cover  # usage ends the program


def _run(arguments: argparse.Namespace) -> int:
    file = opened(arguments)
    try:
        for name in arguments.reports:
            file.report(name)
    except CrmKpiError as error:
        arguments.usage(str(error))
    if arguments.as_of is not None:
        file = CompanyFile(file.path, file.keys.model_copy(update={"as_of": arguments.as_of}))
    found = run_reports(file, arguments.reports, tell=None if arguments.quiet else partial(tell, in_file=True))
    if not arguments.quiet:
        for note in found.notes:
            say(note)
        for path in found.written:
            say(f"wrote {path}")
    for alert in found.alerts:
        since = f", since {alert.since}" if alert.since else ""
        segment = "" if alert.segment is None else f" {format_label(alert.segment)}"
        state = "fires" if alert.state == "firing" else "cleared"
        say(f"{alert.severity} alert {state}: {alert.metric}{segment} {alert.value}, {alert.rule}{since}")
    for one in found.missed:
        segment = "" if one.segment is None else f" {format_label(one.segment)}"
        value = format_value(one.value, one.metric.unit, currency=one.currency)
        say(f"target missed: {one.metric.id}{segment} {value}, {one.bounds}")
    if found.without_value:
        say(f"error: {', '.join(found.without_value)}: no value, for fields that cannot be read; see the reports")
    if found.without_value:
        return 1
    if found.critical or (arguments.strict and any(alert.state == "firing" for alert in found.alerts)):
        return 3
    return 4 if found.missed else 0


def _init(arguments: argparse.Namespace) -> int:
    if arguments.schema:
        print(company_schema(), end="")
        return 0
    if not arguments.files:
        arguments.usage("there is no file to read; give at least one, such as deals.csv")
    output = Path(arguments.output or NAME)
    if arguments.output != "-" and output.exists():
        raise InputError(f"{output} exists already; give another name with -o, or print the proposal with -o -.")
    folder = Path() if arguments.output == "-" else output.parent
    found = proposed([Path(file) for file in arguments.files], folder=folder, encoding=arguments.encoding)
    for note in found.notes:
        say(note)
    if arguments.output == "-":
        print(found.text, end="")
    else:
        write_all({output: found.text.encode()})
        say(f"wrote {output}")
    return 0
