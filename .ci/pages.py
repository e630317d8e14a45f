"""Pages that are written by a program and kept in the repository."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path


def cell(text: str) -> str:
    """Text for a cell of a table."""
    return text.replace("|", "\\|")


def table(*rows: tuple[str, ...]) -> str:
    """A table; the first row is its head."""
    head, *body = rows
    lines = [head, ("---",) * len(head), *body]
    return "\n".join(f"| {' | '.join(map(cell, line))} |" for line in lines)


def keep(docs: Path, pages: Mapping[str, str], *, folder: str, check: bool, command: str) -> int:
    """Write `pages`, which fill `folder`, or check that they are what would be written; 1 where they are not."""
    (docs / folder).mkdir(exist_ok=True)
    written = {path.relative_to(docs).as_posix() for path in (docs / folder).iterdir()}
    stale = [
        name
        for name in sorted({*pages, *written})
        if name not in pages or not (docs / name).is_file() or (docs / name).read_text(encoding="utf-8") != pages[name]
    ]
    if not check:
        for name in stale:
            if name in pages:
                (docs / name).write_text(pages[name], encoding="utf-8")
            else:
                (docs / name).unlink()
    elif stale:
        print(f"stale: docs/{', docs/'.join(stale)}; write with: {command}", file=sys.stderr)
        return 1
    return 0
