"""The evidence for each definition, collected from the tests, for docs/catalogue/proof.md (see catalogue.py)."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tables import table

from crmkpi import catalogue
from crmkpi._hooks import PROVIDERS
from crmkpi.definition.metric import Metric
from crmkpi.display.format import words

ROOT = Path(__file__).parent.parent
TESTS = ROOT / "tests"
ORACLES = TESTS / "oracles"
# Patterns for the sources that tests compare with.
AUTHORITIES = {
    "ORACLES": "known figures",
    "proportion_confint": "statsmodels",
    "stats": "SciPy",
    "Fraction": "exact arithmetic",
}
HEAD = ("definition", "value", "left out", "interval", "models", "public data")
PAGE = """\
# Evidence for each definition

{written}

Tests compare each definition with an independent source, so that the same mistake cannot be in both:

- **value**: a SQL query, written from the meaning of the KPI and run in DuckDB over generated records with the faults
  of real ones (`tests/oracles`, `tests/test_oracles.py`), over the whole data and for each month.
- **left out**: SQL also counts the left-out records by reason.
- **interval**: the source that the tests of its method compare it with (`tests/test_intervals.py`; known figures are
  those of `tests/oracles/intervals.json`).
- **models**: the library that tests compare the models or analyses behind the KPI with.
- **public data**: the public data sets with published figures that tests reproduce, and the number of figures
  (`tests/real`).

All definitions also pass `crmkpi.testing.check_metric`, and the tests run their examples.
"""


def rows(metrics: list[Metric]) -> list[tuple[str, ...]]:
    """For each definition, the sources that tests compare its value, its exclusions and its interval with."""
    return [
        (
            f"[`{metric.id}`]({metric.name}.md{'#' * ('.' in metric.id)}{metric.id.partition('.')[2]})",
            _value(metric),
            "SQL" if metric.id in _left_out() else "",
            _interval(metric),
            ", ".join(_models(metric)),
            ", ".join(f"{data} ({count})" for data, count in _published().get(metric.id, {}).items()),
        )
        for metric in metrics
    ]


def page(written: str) -> str:
    """The page; `written` is the comment that names its generator."""
    parts = [PAGE.format(written=written)]
    for theme in catalogue.themes():
        found = [one for metric in catalogue.by_theme(theme) for one in (metric, *metric.variants.values())]
        parts += [f"## {words(theme).capitalize()}\n", table(HEAD, *rows(found)) + "\n"]
    return "\n".join(parts)


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


@cache
def _queries() -> dict[str, str]:
    """The file of each definition's query, as tests/test_oracles.py reads them."""
    found = [(file, re.findall(r"^-- (\S+)$", file.read_text("utf-8"), re.MULTILINE)) for file in ORACLES.glob("*.sql")]
    return {name: file.name for file, names in found for name in names}


def _value(metric: Metric) -> str:
    if metric.id in _queries():
        return f"SQL in `{_queries()[metric.id]}`"
    named = f"METRICS['{metric.id}']"
    tests = [test for test in _functions(TESTS / "test_oracles.py") if named in ast.unparse(test)]
    return ", ".join(test.name.removeprefix("test_").replace("_", " ") for test in tests)


@cache
def _left_out() -> set[str]:
    groups = tomllib.loads((ORACLES / "left_out.toml").read_text("utf-8"))["group"]
    return {name for group in groups for name in group["definitions"].split()}


def _interval(metric: Metric) -> str:
    """The method that the docstring names, and the sources that its tests compare it with."""
    returns = " ".join((metric.__doc__ or "").partition("Returns:")[2].partition("\n\n")[0].split())
    methods = [method for words, method in _methods().items() if words in returns]
    if not methods:
        return ""
    (method,) = methods
    named = f"Test{method.title().replace(' ', '')}"
    found = [part for part in _tree(TESTS / "test_intervals.py").body if getattr(part, "name", "") == named]
    mentioned = {part.id for test in found for part in ast.walk(test) if isinstance(part, ast.Name)}
    against = [authority for name, authority in AUTHORITIES.items() if name in mentioned]
    return f"{method}: {', '.join(against)}" if against else method


@cache
def _methods() -> dict[str, str]:
    (found,) = (
        part.value
        for part in _tree(TESTS / "test_oracles.py").body
        if isinstance(part, ast.Assign) and ast.unparse(part.targets[0]) == "METHODS"
    )
    known: dict[str, str] = ast.literal_eval(found)
    return known


def _models(metric: Metric) -> list[str]:
    """The libraries that tests compare with the models and analyses of a definition."""
    path = _source(metric.function.__module__)
    told = metric.function.__doc__
    own = [part for part in _functions(path) if ast.get_docstring(part, clean=False) == told]
    used = {thing for part in own for thing in _used(part, path, {metric.name})}
    return [library for library, compared in _rivals().items() if used & compared]


@cache
def _rivals() -> dict[str, set[tuple[str, str]]]:
    """The names that are compared with another library, by library."""
    found = {}
    for file in sorted(TESTS.rglob("test_against_*.py")):
        library = re.match(r'"""Agreement with (\w+)', file.read_text("utf-8"))
        assert library is not None, f"{file} must say first what it is about"
        found[library[1]] = set(_imported(_tree(file)))
    return found


def _source(module: str) -> Path:
    return ROOT / "src" / f"{module.replace('.', '/')}.py"


def _imported(node: ast.AST) -> Iterator[tuple[str, str]]:
    for part in ast.walk(node):
        if isinstance(part, ast.ImportFrom) and part.module and part.module.startswith("crmkpi"):
            yield from ((part.module, name.name) for name in part.names)


def _used(node: ast.AST, path: Path, seen: set[str]) -> Iterator[tuple[str, str]]:
    """The transitive imports of a part of a module, through definitions and analyses."""
    names = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)} - seen
    seen |= names
    imported = set(_imported(node))
    for part in _tree(path).body:
        if isinstance(part, ast.ImportFrom):
            imported |= {(module, name) for module, name in _imported(part) if name in names}
        elif names & _bound(part):
            yield from _used(part, path, seen)
            imported |= {(PROVIDERS[name], name) for name in _hooks(part)}
    yield from imported
    for module, name in imported:
        if module.startswith(("crmkpi.metrics.", "crmkpi.insight.", "crmkpi.clv.average_value")):
            for part in _tree(_source(module)).body:
                if name in _bound(part):
                    yield from _used(part, _source(module), seen)


def _bound(statement: ast.stmt) -> set[str]:
    """The names that a statement of a module binds."""
    if isinstance(statement, ast.FunctionDef):
        return {statement.name}
    if isinstance(statement, ast.AnnAssign):
        return {ast.unparse(statement.target)}
    targets = statement.targets if isinstance(statement, ast.Assign) else ()
    return {part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)}


def _hooks(statement: ast.stmt) -> list[str]:
    """The names of the hooks that a statement of a module declares."""
    calls = [part for part in ast.walk(statement) if isinstance(part, ast.Call) and ast.unparse(part.func) == "hook"]
    return [ast.literal_eval(call.args[0]) for call in calls]


@cache
def _published() -> dict[str, dict[str, int]]:
    """The number of published figures that each definition reproduces, by public data set."""
    found: dict[str, dict[str, int]] = {}
    for file in sorted((TESTS / "real").glob("test_*.py")):
        known: dict[str, str] = {}
        figures: list[ast.expr] = []
        data = ""
        for part in _tree(file).body:
            name = ast.unparse(part.targets[0]) if isinstance(part, ast.Assign) else ""
            if name == "DATA_SET":
                data = ast.literal_eval(part.value)  # type: ignore[attr-defined]
            elif name and (definition := _definition(part.value, known)):  # type: ignore[attr-defined]
                known[name] = definition
            elif isinstance(part, ast.AnnAssign) and ast.unparse(part.target) == "CATALOGUE":
                figures = part.value.values  # type: ignore[union-attr]
        for figure in figures:
            for definition in dict.fromkeys(_definitions(figure, known)):
                counts = found.setdefault(definition, {})
                counts[data] = counts.get(data, 0) + 1
    return found


def _definitions(node: ast.AST, known: dict[str, str]) -> Iterator[str]:
    if definition := _definition(node, known):
        yield definition
    else:
        for part in ast.iter_child_nodes(node):
            yield from _definitions(part, known)


def _definition(node: ast.AST, known: dict[str, str]) -> str:
    """The definition id that an expression of a test refers to, or None."""
    match node:
        case ast.Attribute(ast.Name("ck"), name) if name in KPIS:
            return name
        case ast.Name(name):
            return known.get(name, "")
        case ast.Call(ast.Attribute(owner, "variant"), [ast.Constant(variant)]):
            return f"{_definition(owner, known)}.{variant}"
    return ""


def _functions(path: Path) -> list[ast.FunctionDef]:
    return [part for part in _tree(path).body if isinstance(part, ast.FunctionDef)]


KPIS = {metric.id for metric in catalogue}
