"""A griffe extension: fence docstring examples without a heading as code blocks."""

from __future__ import annotations

import re
from typing import Any

import griffe

# A paragraph at the docstring's own indentation; griffe already treats the indented "Examples:" sections as code.
_BLOCK = re.compile(r"(?:^(?=>>> ).+$\n?(?:^(?!\s*$).*$\n?)*)", re.MULTILINE)


class DoctestBlocks(griffe.Extension):
    """Fences paragraphs that begin with `>>>`."""

    def on_instance(self, *, obj: griffe.Object, **_: Any) -> None:
        """Hook for each module, class, function and attribute."""
        if obj.docstring:
            obj.docstring.value = _BLOCK.sub(_fenced, obj.docstring.value)


def _fenced(found: re.Match[str]) -> str:
    return f"```pycon\n{found[0].rstrip()}\n```\n"
