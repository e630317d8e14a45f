"""What the command says on standard error, and the examples at the end of its help."""

from __future__ import annotations

import argparse
import sys
from typing import Any

__all__ = ["examples", "say"]


def say(message: str) -> None:
    """A message on standard error."""
    print(f"crmkpi: {message}", file=sys.stderr)


def examples(commands: str) -> dict[str, Any]:
    """The options of a parser whose help ends with these commands."""
    lines = "\n".join(f"  {line}" for line in commands.strip().splitlines())
    return {"epilog": f"examples:\n{lines}", "formatter_class": argparse.RawDescriptionHelpFormatter}
