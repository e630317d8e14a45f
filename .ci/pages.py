"""Write the pages that are generated from the code: the catalogue, the presets and the reference. Git ignores them.

python .ci/pages.py            into docs/, where `zensical serve` shows them; stale pages of an earlier run are deleted
python .ci/pages.py FOLDER     into another folder
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import catalogue
import presets
import reference

WRITTEN = ("api", "catalogue", "presets", "reference.md")  # in docs/; .gitignore and docs/conftest.py name them too
DOCS = Path(__file__).parent.parent / "docs"


def write(docs: Path) -> None:
    """Write all generated pages, and delete those of an earlier run."""
    for name in WRITTEN:
        if (docs / name).is_dir():
            shutil.rmtree(docs / name)
    for name, text in (reference.pages() | catalogue.pages() | presets.pages()).items():
        assert name.split("/")[0] in WRITTEN, f"docs/{name} would be committed"
        (docs / name).parent.mkdir(parents=True, exist_ok=True)
        (docs / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else DOCS)
