"""The analyst's notebook runs from its first cell to its last, and equals the page that explains it.

After a change of docs/notebook.md, `python tests/test_notebook.py` writes examples/analyst.ipynb again.
"""

from __future__ import annotations

import doctest
import io
import json
import re
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from crmkpi.demo import run

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "notebook.md"
NOTEBOOK = ROOT / "examples" / "analyst.ipynb"


def cells_of(page: str) -> list[tuple[str, str]]:
    """The prose and the code of a page in their order; code without its output, and shown as a notebook shows it."""
    cells: list[tuple[str, str]] = []
    for part in re.split(r"(^```pycon\n.*?^```$)", page, flags=re.MULTILINE | re.DOTALL):
        if part.startswith("```pycon"):
            sources = [example.source.rstrip() for example in doctest.DocTestParser().get_examples(part)]
            shown = [re.sub(r"^print\((.*)\)$", r"\1", source) for source in sources]
            shown = [source.replace('chart.to_dict()["title"]["text"]', "chart") for source in shown]
            cells += [("code", source) for source in _joined(shown)]
        elif part.strip():
            cells.append(("markdown", re.sub(r"\]\((?!http)([^)]+)\)", r"](../docs/\1)", part.strip())))
    return cells


def _joined(sources: list[str]) -> list[str]:
    """Statements with the expression after them: a cell shows what its last line is worth."""
    found, held = [], list[str]()
    for source in sources:
        held.append(source)
        if not re.match(r"^(import|from)\b|^\w+ = ", source):
            found.append("\n".join(held))
            held = []
    return found + (["\n".join(held)] if held else [])


def notebook_of(page: str) -> dict[str, Any]:
    made = []
    for number, (kind, source) in enumerate(cells_of(page)):
        cell: dict[str, Any] = {
            "cell_type": kind,
            "id": f"cell-{number}",
            "metadata": {},
            "source": source.splitlines(keepends=True),
        }
        made.append(cell | ({"execution_count": None, "outputs": []} if kind == "code" else {}))
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {"cells": made, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


def test_the_notebook_is_that_of_its_page() -> None:
    assert json.loads(NOTEBOOK.read_text(encoding="utf-8")) == notebook_of(PAGE.read_text(encoding="utf-8"))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of Jupyter's own libraries
def test_the_notebook_runs_and_shows_tables_and_a_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nbformat = pytest.importorskip("nbformat")
    preprocessors = pytest.importorskip("nbconvert.preprocessors")
    pytest.importorskip("ipykernel")
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "src"))
    with redirect_stdout(io.StringIO()):
        run(tmp_path / "crmkpi-demo")
    book = nbformat.read(NOTEBOOK, as_version=4)
    runner = preprocessors.ExecutePreprocessor(timeout=300, kernel_name="python3")
    runner.preprocess(book, {"metadata": {"path": str(tmp_path)}})  # an error of a cell is an error here
    outputs = [output for cell in book.cells for output in cell.get("outputs", [])]
    assert not [output for output in outputs if output.output_type == "error"]
    shown = [str(output.get("data", {})) for output in outputs]
    assert sum("<table" in each for each in shown) >= 2
    assert any("vega" in each for each in shown)


if __name__ == "__main__":
    NOTEBOOK.write_text(json.dumps(notebook_of(PAGE.read_text(encoding="utf-8")), indent=1) + "\n", encoding="utf-8")
