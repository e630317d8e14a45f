"""The command `crmkpi completion`: a script that lets a shell complete commands, options and names of KPIs."""

from __future__ import annotations

import argparse
from importlib import import_module
from typing import Any

from crmkpi.errors import MissingExtraError

__all__ = ["add_completion"]

_SHELLS = ("bash", "zsh", "tcsh")


def add_completion(commands: Any, whole: argparse.ArgumentParser) -> None:
    """Add the command `completion`."""
    parser = commands.add_parser(
        "completion",
        help="print a script for the completion of a shell",
        description='Print a script that lets a shell complete commands and options: eval "$(crmkpi completion bash)".',
        allow_abbrev=False,
    )
    parser.set_defaults(run=_completion, whole=whole)
    parser.add_argument("shell", choices=_SHELLS)


def _completion(arguments: argparse.Namespace) -> None:
    try:
        shtab = import_module("shtab")
    except ImportError:
        raise MissingExtraError("Completion needs shtab; install it with pip install 'crmkpi[completion]'.") from None
    print(shtab.complete(arguments.whole, shell=arguments.shell))
