"""Shows examples that stand in a docstring without a heading as code, in the pages that are made from docstrings."""

from __future__ import annotations

import re
from typing import Any

import griffe

# A paragraph of the docstring's own level; those of an "Examples:" section are indented, and known to be code.
_BLOCK = re.compile(r"(?:^(?=>>> ).+$\n?(?:^(?!\s*$).*$\n?)*)", re.MULTILINE)


class DoctestBlocks(griffe.Extension):
    """Fences paragraphs that begin with `>>>`."""

    def on_instance(self, *, obj: griffe.Object, **_: Any) -> None:
        """Called for each module, class, function and attribute."""
        if obj.docstring:
            obj.docstring.value = _BLOCK.sub(_fenced, obj.docstring.value)


def _fenced(found: re.Match[str]) -> str:
    return f"```pycon\n{found[0].rstrip()}\n```\n"
