"""The code follows docs/architecture.md: the tests read its tables and validate every import.

Imports inside functions and for type checkers count like those at the top of a file.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

import crmkpi
from crmkpi import _hooks

ROOT = Path(__file__).parents[1]
PACKAGE = Path(crmkpi.__file__).parent
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")

# The number of modules in import cycles, counting all imports. It was 118 before there were hooks: `Metric` and
# `Result` name each other in their types, and so do the modules between them. It may only shrink.
LARGEST_CIRCLE = 9


def table(head: str) -> list[list[list[str]]]:
    """The names in backticks in each cell of the page's table with that header."""
    lines = PAGE.partition(f"\n| {head} |")[2].splitlines()[2:]
    rows = [line for line in lines[: lines.index("")] if line.startswith("|")]
    assert rows, f"the page has no table with the head {head}"
    return [[re.findall(r"`([^`]+)`", cell) for cell in row.strip("|").split("|")] for row in rows]


ROW_OF = {room: number for number, (rooms, *_) in enumerate(table("room")) for room in rooms}
HOOKS = {
    hook: (f"crmkpi.{user}", f"crmkpi.{provider}") for hooks, (user,), (provider,) in table("hook") for hook in hooks
}


def name_of(path: Path) -> str:
    parts = ("crmkpi", *path.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(part for part in parts if part != "__init__")


MODULES = {name_of(path): path for path in PACKAGE.rglob("*.py")}


@cache
def tree(name: str) -> list[ast.AST]:
    """All nodes of a module."""
    return list(ast.walk(ast.parse(MODULES[name].read_text(encoding="utf-8"))))


def imported(node: ast.AST) -> Iterator[str]:
    """The modules of the package that an import statement names, at any position."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names if alias.name in MODULES)
    elif isinstance(node, ast.ImportFrom) and node.module in MODULES:
        for alias in node.names:
            whole = f"{node.module}.{alias.name}"
            yield whole if whole in MODULES else node.module


@cache
def imports(name: str) -> set[str]:
    return {known for node in tree(name) for known in imported(node)} - {name}


def for_type_checkers(name: str) -> set[str]:
    blocks = [node for node in tree(name) if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    return {known for block in blocks for node in ast.walk(block) for known in imported(node)}


def room(name: str) -> str:
    return name.split(".")[1]


BELOW_THE_PACKAGE = [name for name in MODULES if name != "crmkpi"]


def test_every_module_is_in_a_room_of_the_page() -> None:
    assert set(map(room, BELOW_THE_PACKAGE)) == set(ROW_OF)


def test_a_module_imports_only_from_its_own_row_and_from_those_above() -> None:
    types = {name: {provider for user, provider in HOOKS.values() if user == name} for name in MODULES}
    upwards = {
        (name, known)
        for name in BELOW_THE_PACKAGE
        for known in imports(name) - {"crmkpi"}
        if ROW_OF[room(known)] > ROW_OF[room(name)]
        and not (known in for_type_checkers(name) and any(known.startswith(provider) for provider in types[name]))
    }
    assert upwards == set()


def declared(name: str) -> set[str]:
    """The hooks that a module declares."""
    calls = [node for node in tree(name) if isinstance(node, ast.Call)]
    return {ast.literal_eval(call.args[0]) for call in calls if ast.unparse(call.func) == "hook"}


def test_hooks_are_declared_and_provided_where_the_page_says() -> None:
    found = {hook: (name, _hooks.PROVIDERS[hook]) for name in BELOW_THE_PACKAGE for hook in declared(name)}
    assert found == HOOKS
    assert set(_hooks.PROVIDERS) == set(HOOKS)


@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_leads_upwards_to_a_function_of_its_provider(hook: str) -> None:
    user, provider = HOOKS[hook]
    assert ROW_OF[room(provider)] > ROW_OF[room(user)]
    assert callable(getattr(import_module(provider), hook))


def circles() -> list[set[str]]:
    """The import cycles: strongly connected components of the import graph."""
    sys.setrecursionlimit(10_000)
    number: dict[str, int] = {}
    lowest: dict[str, int] = {}
    waiting: list[str] = []
    found: list[set[str]] = []

    def visit(name: str) -> None:
        number[name] = lowest[name] = len(number)
        waiting.append(name)
        for known in imports(name):
            if known not in number:
                visit(known)
                lowest[name] = min(lowest[name], lowest[known])
            elif known in waiting:
                lowest[name] = min(lowest[name], number[known])
        if lowest[name] == number[name]:
            place = waiting.index(name)
            found.append(set(waiting[place:]))
            del waiting[place:]

    for name in MODULES:
        if name not in number:
            visit(name)
    return found


def test_no_circle_of_modules_grows() -> None:
    largest = max(circles(), key=len)
    assert len(largest) <= LARGEST_CIRCLE, f"these modules know each other: {', '.join(sorted(largest))}"


def test_the_paths_that_the_page_names_exist() -> None:
    named = re.findall(r"`([\w/]+(?:/|\.py))`", PAGE)
    assert len(named) > 20
    roots = (ROOT, PACKAGE.parent, PACKAGE, PACKAGE / "engines" / "records", ROOT / "tests")
    assert [path for path in named if not any((root / path).exists() for root in roots)] == []


def test_the_picture_shows_the_rooms_of_the_path() -> None:
    picture = (ROOT / "docs" / "architecture.svg").read_text(encoding="utf-8")
    shown = {room for words in re.findall(r'font-weight="bold">([^<]+)<', picture) for room in words.split(", ")}
    assert {"sources", "records", "measuring", "engines", "metrics", "display"} <= shown <= set(ROW_OF)


def test_an_engine_never_sees_a_formula() -> None:
    formulas = ("crmkpi.definition.measures", "crmkpi.definition.metric", "crmkpi.metrics", "crmkpi.measuring")
    engines = [name for name in MODULES if name.startswith("crmkpi.engines")]
    assert {(name, known) for name in engines for known in imports(name) if known.startswith(formulas)} == set()


def test_files_stay_below_450_lines_and_functions_below_80() -> None:
    texts = {path: path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py")}
    long = {path.relative_to(PACKAGE).as_posix() for path, text in texts.items() if text.count("\n") >= 450}
    assert long == set()
    functions = [node for name in MODULES for node in tree(name) if isinstance(node, ast.FunctionDef)]
    assert [each.name for each in functions if each.end_lineno - each.lineno >= 79] == []
