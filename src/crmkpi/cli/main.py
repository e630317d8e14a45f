"""The command `crmkpi`: KPIs of exported files, without writing a program.

    crmkpi report win_rate --deals deals.csv --period 2026-Q1 --every month --by owner
    crmkpi check --deals deals.csv --as-of 2026-03-31
    crmkpi init deals.csv tickets.csv
    crmkpi run
    crmkpi list
    crmkpi show win_rate
    crmkpi demo

Data goes to standard output, messages to standard error. The command ends with 0 when all is well, 1 when the data
cannot be used (or `check` found an error in it), 2 when the command line or the company file cannot be understood, 3
when a critical alert fires, and 4 when a target is missed.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from typing import Any, NoReturn

from crmkpi.cli.collecting import without_collection
from crmkpi.cli.messages import examples, say
from crmkpi.errors import (
    AmbiguousCurrencyError,
    AmbiguousDateError,
    CrmKpiError,
    CurrencyError,
    InputError,
    ParameterError,
    TimeZoneError,
)

__all__ = ["COMMANDS", "main", "run"]

# Each command with its module, which is loaded lazily, and its line in the help.
COMMANDS: Mapping[str, tuple[str, str]] = {
    "report": ("report", "measure KPIs of files"),
    "check": ("check", "check the data of files"),
    "explain": ("explain", "split the change of a KPI by segment"),
    "briefing": ("explain", "summarise a period in five lines"),
    "watch": ("watch", "evaluate the targets and alerts of a KPI set"),
    "review": ("watch", "review a KPI set"),
    "kpi-set": ("watch", "write a starter KPI set"),
    "init": ("company", "propose a company file"),
    "run": ("company", "run the reports of a company file"),
    "mcp": ("mcp", "serve AI assistants over stdio (Model Context Protocol)"),
    "completion": ("completion", "print a script for the completion of a shell"),
    "list": ("manual", "list the KPIs"),
    "show": ("manual", "explain a KPI"),
    "demo": ("manual", "create and measure a sample company"),
}
_NEEDS_ALL = "completion"
# The library's messages name its arguments; these hints name the options of the command. The first hint whose key is in
# the message is shown, else the hint for its class.
_HINTS_BY_WORDS: Mapping[str, str] = {
    "as_of=date": "--as-of DATE, or --as-of today, says which day it is",
    "period=": "--period says it here, such as --period 2026",
    "units=": "--units TABLE:FIELD=UNIT says it here, such as --units deals:amount=thousands",
    "encoding=": "--encoding cp1252, or another, says which it is",
    "delimiter=": "--delimiter ';', or another, says which it is",
    "decimal=": "--decimal , or --decimal . says which it is",
    "preset=": "--deals FILE and its like say what a file holds, and --preset TABLE=PRESET which system it is from",
    "defaults=": "--columns TABLE:HEADER=FIELD and --default TABLE:FIELD=VALUE say it here",
    "columns=": "--columns TABLE:HEADER=FIELD says it here, and without a FIELD that the column is left out",
}
_HINTS: Mapping[type[CrmKpiError], str] = {
    CurrencyError: "--currency EUR --rate USD=0.92 converts amounts, --by currency keeps them apart",
    AmbiguousDateError: "--day-first or --no-day-first says which it is",
    TimeZoneError: "--tz Europe/Berlin says in which time zone they are",
    ParameterError: "--set NAME=NUMBER, --as-of DATE and --opening-hours mon-fri=09:00-17:00 say it here",
}
_IN_FILE = "the company file has keys of these names, such as day_first = true or rates = { CHF = 1.05 }"
_EXAMPLES = """
crmkpi demo
crmkpi check deals.csv
crmkpi init deals.csv tickets.csv
crmkpi run
crmkpi show win_rate
"""


def run() -> NoReturn:
    """Run the command and exit the process at once: freeing a million records one by one takes a while."""
    status = main()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):  # the reader closed the pipe
            stream.flush()
    os._exit(status)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with these arguments (by default those of the process), and return its exit status."""
    if hasattr(sys.stdout, "reconfigure"):  # a terminal that cannot show a name must not stop the report
        sys.stdout.reconfigure(errors="replace")
    command = None
    try:
        with without_collection():
            arguments = _parsed(sys.argv[1:] if argv is None else argv)
        command = arguments.command
        status: int = arguments.run(arguments) or 0
        sys.stdout.flush()
    except SystemExit as stop:
        return int(stop.code or 0)
    except CrmKpiError as error:
        return _failed(error, command)
    except BrokenPipeError:
        # The reader closed the pipe. Python flushes again at exit, which must not fail.
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        return _failed(InputError(f"{error.filename or 'A file'} cannot be used: {error.strerror or error}."), command)
    return status


class _Once(argparse.Action):
    """An option that may be given only once, because a second value would silently replace the first."""

    def __call__(self, _parser: Any, namespace: argparse.Namespace, values: Any, option: str | None = None) -> None:
        """Store the value; a second one is an error."""
        given = vars(namespace).setdefault("given_", set())
        if option is not None and self.dest in given:
            raise argparse.ArgumentError(self, "it is given twice; give it once")
        given.add(self.dest)
        setattr(namespace, self.dest, values)


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one sentence, because the usage of a report fills a screen."""

    def __init__(self, *args: Any, **options: Any) -> None:
        """Create the parser, with `_Once` as the default action."""
        super().__init__(*args, **options)
        self.register("action", None, _Once)

    def error(self, message: str) -> NoReturn:
        stop = "" if message.endswith((".", "?")) else "."
        self.exit(2, f"crmkpi: error: {message}{stop} See {self.prog} --help.\n")


def _parsed(given: Sequence[str]) -> argparse.Namespace:
    """The parsed arguments; an unknown one is an error of its command, which names the nearest option."""
    parser = _parser(given)
    arguments, rest = parser.parse_known_args(given)
    if rest:
        from difflib import get_close_matches  # noqa: PLC0415  # only for an unknown argument

        command: argparse.ArgumentParser = getattr(arguments, "command", parser)
        several = next((one.dest for one in command._actions if one.nargs == "*"), None)  # noqa: SLF001
        if several is not None and not any(one.startswith("-") for one in rest):  # argparse takes consecutive ones
            getattr(arguments, several).extend(rest)
            return arguments
        options = [option for action in command._actions for option in action.option_strings]  # noqa: SLF001
        asked = next((one.partition("=")[0] for one in rest if one.startswith("-")), rest[0])
        near = get_close_matches(asked, options, 1)
        hint = f". Did you mean {near[0]}?" if near else ""
        command.error(f"unrecognized arguments: {' '.join(rest)}{hint}")
    return arguments


def _parser(given: Sequence[str]) -> argparse.ArgumentParser:
    from crmkpi import __version__  # noqa: PLC0415  # the package imports this module's neighbours

    parser = _Parser(
        prog="crmkpi",
        description="KPIs of customer relationships, with their evidence.",
        allow_abbrev=False,
        **examples(_EXAMPLES),
    )
    parser.add_argument("--version", action="version", version=f"crmkpi {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=_Parser)
    command = next((each for each in given if not each.startswith("-")), None)
    # Neither the main help nor an unknown command comes after a command, and nothing else names the others.
    alone = command in COMMANDS and given[0] == command
    for name, (module, help_) in COMMANDS.items():
        if command in (name, _NEEDS_ALL):
            adds: Callable[..., None] = getattr(import_module(f"crmkpi.cli.{module}"), f"add_{name.replace('-', '_')}")
            adds(commands, *([parser] if name == _NEEDS_ALL else []))
        elif not alone:  # other commands only need their line in the help
            commands.add_parser(name, help=help_, add_help=False)
    for each in commands.choices.values():
        each.set_defaults(command=each)
    return parser


def _failed(error: Exception, command: argparse.ArgumentParser | None) -> int:
    say(f"error: {error}")
    if isinstance(error, AmbiguousCurrencyError):
        sign, code = error.details["sign"], error.details["code"]
        hint: str | None = f"--currency {code}, or --values 'TABLE:currency:{sign}={code}', says which it is"
    elif (hint := next((hint for kind, hint in _HINTS.items() if isinstance(error, kind)), None)) is None:
        hint = next((hint for words, hint in _HINTS_BY_WORDS.items() if words in str(error)), None)
    if hint is not None and command is not None and hint.split()[0] not in command._option_string_actions:  # noqa: SLF001
        hint = _IN_FILE if command.prog.endswith((" run", " mcp")) else None
    if hint is not None:
        say(f"hint: {hint}")
    return 1
