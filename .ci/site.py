"""Validate the built site: every name and page exists, and the formulas render.

zensical build --strict && python .ci/site.py
"""

from __future__ import annotations

import re
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

SITE = Path(__file__).parent.parent / "site"
DOCS = SITE.parent / "docs"
_EXPLAINED = re.compile(r"^::: (\S+)$(?!\n    options:)", re.MULTILINE)  # not modules that show only their docstring
_CODE = re.compile(r"<code.*?</code>", re.DOTALL)
_INVENTORY_HEAD = 4  # lines before the compressed list of names


def explained() -> set[str]:
    """The names that the site documents, from its inventory (objects.inv)."""
    packed = (SITE / "objects.inv").read_bytes().split(b"\n", _INVENTORY_HEAD)[_INVENTORY_HEAD]
    return {line.split(" ")[0] for line in zlib.decompress(packed).decode().splitlines()}


def faults() -> Iterator[str]:
    """Missing or broken parts, one sentence each."""
    asked = {name for page in (DOCS / "api").glob("*.md") for name in _EXPLAINED.findall(page.read_text("utf-8"))}
    yield from (f"the site does not explain {name}" for name in sorted(asked - explained()))
    for page in sorted(DOCS.rglob("*.md")):
        place = page.relative_to(DOCS).with_suffix("")
        built = SITE / (place.parent if place.name == "index" else place) / "index.html"
        if not built.exists():
            yield f"docs/{place}.md has no page on the site"
            continue
        source, html = page.read_text("utf-8"), built.read_text("utf-8")
        if html.count("<math") < source.count("\n$$\n") // 2 or "$$" in _CODE.sub("", html):
            yield f"a formula of docs/{place}.md does not render"


if __name__ == "__main__":
    found = list(faults())
    print("\n".join(found), file=sys.stderr)
    sys.exit(bool(found))
