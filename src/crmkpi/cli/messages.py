"""Messages on standard error, and the examples at the end of the help."""

from __future__ import annotations

import argparse
import sys
from typing import Any

__all__ = ["examples", "say"]


def say(message: str) -> None:
    """Print a message on standard error."""
    print(f"crmkpi: {message}", file=sys.stderr)


def examples(commands: str) -> dict[str, Any]:
    """Options for a parser that add example commands to the end of its help."""
    lines = "\n".join(f"  {line}" for line in commands.strip().splitlines())
    return {"epilog": f"examples:\n{lines}", "formatter_class": argparse.RawDescriptionHelpFormatter}
