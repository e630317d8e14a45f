"""The documentation is true: commands print the shown output, lists match the library, links resolve.

Python examples with `>>>` are doctests, which pytest collects from the pages themselves (see docs/conftest.py).
"""

from __future__ import annotations

import inspect
import io
import os
import re
import shutil
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from crmkpi.demo import run
from crmkpi.metrics.catalogue import catalogue
from crmkpi.records import RECORDS
from crmkpi.records.base import record_type
from crmkpi.sources.presets import PRESETS

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
WRITTEN = ("api", "catalogue", "presets", "reference.md")  # by .ci/pages.py, from the code
WRITER = ROOT / ".ci" / "pages.py"


def by_hand(page: Path) -> bool:
    return page.relative_to(ROOT / "docs").parts[0] not in WRITTEN


PAGES = [README, *filter(by_hand, sorted((ROOT / "docs").rglob("*.md")))]
BASH = shutil.which("bash")

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"^\$ (.*(?:\n> .*)*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)
_DEFINITION = re.compile(r"`(\w+\.\w+)`")
_LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")


def blocks(page: Path, language: str) -> list[str]:
    return [text for found, text in _BLOCK.findall(page.read_text(encoding="utf-8")) if found == language]


def shell_examples(page: Path) -> list[tuple[str, str]]:
    """The commands of a page's console blocks, each with the output that the page shows."""
    examples = [example for block in blocks(page, "console") for example in _COMMAND.findall(block)]
    return [(command.replace("\n> ", "\n"), output) for command, output in examples]


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sample company's files and the quickstart's, and with the command `crmkpi` of this checkout."""
    folder = tmp_path_factory.mktemp("pages")
    with redirect_stdout(io.StringIO()):
        run(folder / "crmkpi-demo")
    shutil.copy(ROOT / "docs" / "opportunities.csv", folder)
    shutil.copytree(ROOT / "docs" / "samples", folder / "samples")
    (folder / "bin").mkdir()
    command = folder / "bin" / "crmkpi"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m crmkpi "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    return folder


def shell(command: str, folder: Path) -> str:
    """The terminal output of a command: stdout and stderr."""
    assert BASH is not None
    path = os.pathsep.join((str(folder / "bin"), os.environ["PATH"]))
    done = subprocess.run(
        [BASH, "-c", command],
        cwd=folder,
        env={**os.environ, "PATH": path, "PYTHONPATH": str(ROOT / "src"), "PYTHONUTF8": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )
    return done.stdout


@pytest.mark.slow
@pytest.mark.skipif(BASH is None, reason="the pages' commands are written for bash, which is not installed")
@pytest.mark.parametrize(
    "command,output", [pytest.param(*example, id=page.name) for page in PAGES for example in shell_examples(page)]
)
def test_a_command_prints_what_the_page_shows(command: str, output: str, files: Path) -> None:
    assert shell(command, files).rstrip() == output.rstrip()


def test_no_command_of_a_page_goes_unread() -> None:
    shown = sum(page.read_text(encoding="utf-8").count("\n$ ") for page in PAGES)
    assert 0 < shown == sum(len(shell_examples(page)) for page in PAGES)


def test_the_file_of_the_night_is_the_one_that_its_commands_run() -> None:
    (shown,) = blocks(ROOT / "docs" / "nightly.md", "toml")
    assert shown == (ROOT / "docs" / "samples" / "night.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", [README, ROOT / "docs" / "index.md"])
def test_the_example_of_a_front_page_prints_what_is_shown(page: Path) -> None:
    (example,), (expected,) = blocks(page, "python"), blocks(page, "text")
    printed = io.StringIO()
    with redirect_stdout(printed):
        exec(compile(example, "README.md", "exec"), {})  # noqa: S102  # our own example
    assert printed.getvalue() == expected


def table(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [heads, ("---",) * len(heads), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def table_of_records() -> str:
    rows: list[tuple[str, ...]] = []
    for name, model in RECORDS.items():
        meaning = (inspect.getdoc(model) or "").partition("\n")[0]
        related = ", ".join(f"`{relation}`" for relation in record_type(model).relations)
        rows.append((f"`{name}`", f"`{model.__name__}`", meaning, related))
    return table(("table", "record", "one of them is", "leads to"), rows)


def test_the_page_on_records_lists_the_records() -> None:
    page = (ROOT / "docs" / "records.md").read_text(encoding="utf-8")
    assert table_of_records() in page, f"the table should be:\n{table_of_records()}"


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """All pages, including those generated from the code: the README first, then docs/."""
    if not WRITER.exists():
        pytest.skip("the scripts that write pages are in the repository, not in the source distribution")
    folder = tmp_path_factory.mktemp("all-pages")
    for name in ("docs", "examples"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns(*WRITTEN, "__pycache__"))
    for name in ("README.md", "CONTRIBUTING.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "PYTHONUTF8": "1"}
    subprocess.run([sys.executable, WRITER, folder / "docs"], env=environment, check=True)
    return [folder / "README.md", *sorted((folder / "docs").rglob("*.md"))]


def test_definitions_that_a_page_names_exist(pages: list[Path]) -> None:
    ids = {metric.id for metric in catalogue.everything()}
    named = {(page.name, name) for page in pages for name in _DEFINITION.findall(page.read_text(encoding="utf-8"))}
    assert {(page, name) for page, name in named if name.partition(".")[0] in ids and name not in ids} == set()


def test_links_to_files_lead_somewhere(pages: list[Path]) -> None:
    links = [(page, link) for page in pages for link in _LINK.findall(page.read_text(encoding="utf-8"))]
    assert [(page.name, link) for page, link in links if not (page.parent / link).resolve().exists()] == []


def test_the_index_says_how_long_its_pages_take_to_read() -> None:
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    pages = re.findall(r"^\d+\. \[.*?\]\((.+?)\)", index, re.MULTILINE)
    # At 200 words a minute, examples included.
    minutes = [len((ROOT / "docs" / page).read_text(encoding="utf-8").split()) / 200 for page in pages]
    quickstart, together = map(int, re.findall(r"(\d+) minutes", index))
    assert pages[0] == "quickstart.md"
    assert quickstart == pytest.approx(minutes[0], rel=0.2)
    assert together == pytest.approx(sum(minutes), rel=0.2)


def test_links_lead_from_the_index_to_every_page(pages: list[Path]) -> None:
    docs = pages[0].parent / "docs"
    found, new = set(), {docs / "index.md"}
    while new:
        found |= new
        links = {(page.parent / link).resolve() for page in new for link in _LINK.findall(page.read_text("utf-8"))}
        new = {page for page in links if page.suffix == ".md"} - found
    assert set(pages[1:]) <= found


def test_each_kpi_and_each_preset_has_its_page(pages: list[Path]) -> None:
    docs = pages[0].parent / "docs"
    written = {page.relative_to(docs).as_posix() for page in pages[1:]}
    assert {f"catalogue/{metric.id}.md" for metric in catalogue} <= written
    assert {f"presets/{name}.md" for name in PRESETS} <= written


def test_git_ignores_the_pages_that_are_made_from_the_code(pages: list[Path]) -> None:
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert [line for line in ignored if line.startswith("/docs/")] == [
        f"/docs/{name}{'' if name.endswith('.md') else '/'}" for name in WRITTEN
    ]
    docs = pages[0].parent / "docs"
    tops = {page.relative_to(docs).parts[0] for page in pages[1:]}
    assert tops - {page.relative_to(ROOT / "docs").parts[0] for page in PAGES[1:]} == set(WRITTEN)
