"""Modules loaded by importing crmkpi; tests/test_architecture.py checks the allowed imports."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import crmkpi

PACKAGE = Path(crmkpi.__file__).parent
PATHS = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")

DEPENDENCIES = {
    "annotated_types", "dateutil", "pydantic", "pydantic_core", "six", "typing_extensions", "typing_inspection",
}  # fmt: skip


# Loaded when a frame in memory is measured, and never before.
IN_MEMORY = {"engines/frames/homes/polars.py", "engines/frames/convert.py"}


def name_of(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


def part_of(path: Path) -> str:
    """The top-level module or folder of a file within the package."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


Import = ast.Import | ast.ImportFrom


def imports(statements: list[Import]) -> Iterator[tuple[Import, str]]:
    """Each import statement, with the modules that it names."""
    for node in statements:
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif node.module == "crmkpi":
            yield from ((node, f"crmkpi.{alias.name}") for alias in node.names)
        else:
            yield node, node.module or ""


def for_type_checkers(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


@cache
def statements(path: Path) -> tuple[list[Import], list[Import]]:
    """The import statements that run when a file is imported, and those that run later, in its functions."""
    at_once: list[Import] = []
    later: list[Import] = []

    def visit(node: ast.AST, found: list[Import]) -> None:
        if isinstance(node, Import):
            found.append(node)
        for inner in ast.iter_child_nodes(node):
            if isinstance(inner, ast.stmt | ast.excepthandler | ast.match_case):
                visit(inner, later if isinstance(node, ast.FunctionDef) else found)

    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if not for_type_checkers(node):
            visit(node, at_once)
    return at_once, later


def loaded_by(program: str) -> set[str]:
    """The top-level modules that a program loads in a fresh process, except the standard library."""
    report = "print(*{name.partition('.')[0] for name in set(sys.modules) - before} - set(sys.stdlib_module_names))"
    source = f"import sys; before = set(sys.modules); {program}; {report}"
    ran = subprocess.run([sys.executable, "-c", source], check=True, capture_output=True, text=True)
    # The standard library's settings for this machine are in a module named after the machine.
    return {name for name in ran.stdout.split() if not name.startswith("_sysconfigdata")}


def test_importing_the_package_loads_nothing_but_itself():
    assert loaded_by("import crmkpi") == {"crmkpi"}


def test_using_the_package_loads_nothing_but_its_two_dependencies_and_theirs():
    assert loaded_by("from crmkpi import *") <= {"crmkpi", *DEPENDENCIES}


def test_the_command_loads_no_more_than_the_package():
    assert loaded_by("import crmkpi.cli.main") <= {"crmkpi", *DEPENDENCIES}


def test_models_and_analyses_are_loaded_when_they_are_used_and_not_with_the_kpis():
    source = """if True:
        import sys, crmkpi
        crmkpi.win_rate
        early = {name for name in sys.modules if name.startswith(("crmkpi.clv", "crmkpi.insight"))}
        names = [crmkpi.clv, crmkpi.insight, crmkpi.survival, crmkpi.cohorts, crmkpi.rfm]
        print(early, *(module.__name__ for module in names))
    """
    ran = subprocess.run([sys.executable, "-c", source], check=True, capture_output=True, text=True)
    modules = ("clv", "insight", "insight.survival", "insight.cohorts", "insight.rfm")
    assert ran.stdout == f"set() {' '.join(f'crmkpi.{name}' for name in modules)}\n"


def modules_loaded_by(program: str) -> set[str]:
    source = f"import sys; {program}; print(*(name for name in sys.modules if name.startswith('crmkpi.')))"
    ran = subprocess.run([sys.executable, "-c", source], check=True, capture_output=True, text=True)
    return {name.removeprefix("crmkpi.") for name in ran.stdout.split()}


def test_asking_for_one_kpi_loads_neither_the_others_nor_what_measures_them():
    loaded = modules_loaded_by("from crmkpi import win_rate")
    themes = {f"metrics.{theme}" for theme in ("customers", "experience", "marketing", "sales", "service", "value")}
    families = {name for name in loaded if name.startswith("metrics.")} - themes
    assert families == {"metrics.literature", "metrics.sales.win_rate", "metrics.tables"}
    assert {name for name in loaded if name.startswith("records.")} == {
        "records.base",
        "records.deal",
        "records.faults",
        "records.placeholders",
        "records.texts",
    }
    assert (
        not {"dates.calendars", "measuring.dataset", "engines", "dates.periods", "measuring.results", "sources"}
        & loaded
    )


def test_measuring_one_kpi_by_its_name_loads_no_other_family():
    loaded = modules_loaded_by("import crmkpi; crmkpi.Dataset(deals=[]).measure('win_rate')")
    assert {name for name in loaded if name.startswith("metrics.sales.")} == {"metrics.sales.win_rate"}


def test_a_report_of_deals_loads_the_record_class_of_no_other_table(tmp_path):
    deals = tmp_path / "deals.csv"
    deals.write_text("id,status,closed_at\n1,won,2026-01-05\n2,lost,2026-01-06\n")
    program = f"import crmkpi.cli.main as cli; cli.main(['report', 'win_rate', '--deals', {str(deals)!r}])"
    loaded = modules_loaded_by(program)
    tables = {f"records.{path.stem}" for path in (PACKAGE / "records").glob("*.pyi")}
    assert loaded & tables == {"records.deal"}


@pytest.mark.slow
def test_a_kpi_that_is_loaded_alone_has_all_its_variants():
    program = """if True:
        import sys, crmkpi
        for name in crmkpi.metrics.NAMES:
            for module in [name for name in sys.modules if name.startswith("crmkpi")]:
                del sys.modules[module]
            import crmkpi
            print(name, *crmkpi.metrics.definition(name).variants)
    """
    ran = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    alone = {name: set(variants) for name, *variants in map(str.split, ran.stdout.splitlines())}
    assert alone == {metric.id: set(metric.variants) for metric in crmkpi.catalogue}


@pytest.mark.slow
def test_every_public_name_is_found_whichever_is_asked_for_first():
    program = """if True:
        import sys, crmkpi
        names = crmkpi.__all__
        for name in names[::7]:
            for module in [name for name in sys.modules if name.startswith("crmkpi")]:
                del sys.modules[module]
            import crmkpi
            getattr(crmkpi, name)
        print(*[name for name in names if getattr(crmkpi, name) is None])
    """
    ran = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert ran.stdout == "\n"


def test_fitting_and_predicting_load_no_numpy_unless_it_is_wanted():
    fit = "BgNbd.fit(PurchaseHistory.of([(2, 30, 39), (0, 0, 39), (1, 2, 39)], unit='weeks'), engine='python')"
    assert loaded_by(f"from crmkpi.clv import BgNbd, PurchaseHistory; {fit}") <= {"crmkpi", *DEPENDENCIES}


def test_records_are_measured_without_narwhals_or_any_frame_library():
    program = "import crmkpi as ck; ck.Dataset(deals=[ck.Deal(id='1', status='won')]).measure('win_rate', by='owner')"
    assert loaded_by(program) <= {"crmkpi", *DEPENDENCIES}


def test_the_first_import_of_a_package_inside_a_function_says_why_it_is_there():
    bare = set()
    for path in PATHS:
        lines = path.read_text(encoding="utf-8").splitlines()
        _, later = statements(path)
        first_lines: dict[str, str] = {}
        for node, name in sorted(imports(later), key=lambda each: each[0].lineno):
            first_lines.setdefault(".".join(name.split(".")[:2]), lines[node.lineno - 1])
        bare |= {
            (name_of(path), line) for line in first_lines.values() if not line.partition("PLC0415")[2].strip(" #-")
        }
    assert bare == set()


def test_only_the_two_dependencies_are_imported_from_outside_the_standard_library():
    allowed = {*sys.stdlib_module_names, "crmkpi", "dateutil", "pydantic", "pydantic_core"}
    others = set()
    for path in PATHS:
        at_once, later = statements(path)
        roots = {name.partition(".")[0] for _, name in imports([*at_once, *later])}
        optional = {"hypothesis"} if part_of(path) == "testing" else {"polars"} if name_of(path) in IN_MEMORY else set()
        others |= {(name_of(path), root) for root in roots - allowed - optional}
    assert others == set()
