"""Public names are documented, typed and listed in `__all__`: in every module and in the package."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TypeGuard

import pytest

import crmkpi
from crmkpi._names import KPIS
from crmkpi.definition.metric import Metric
from crmkpi.errors import UnknownAttributeError

ROOT = Path(__file__).parent.parent
PACKAGE = Path(crmkpi.__file__).parent
# `KPIS` lists the public names of a file of KPIs, so it has no list of its own.
KPI_PATHS = sorted(PACKAGE.glob("metrics/*/[a-z]*.py"))
PATHS = sorted({*PACKAGE.rglob("*.py")} - {*KPI_PATHS})
THEMES = sorted({home.partition(".")[0] for home in KPIS.values()})


def module_name(path: Path) -> str:
    parts = ("crmkpi", *path.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(part for part in parts if part != "__init__")


MODULES = [module_name(path) for path in PATHS]


def isort_key(name: str) -> tuple[int, str]:
    """CONSTANTS first, then Classes, then functions, as the linter sorts them."""
    return (0 if name.isupper() else 1 if name[:1].isupper() else 2, name)


def public_definitions(path: Path) -> set[str]:
    """The functions and classes without a leading underscore that a file defines itself."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    kinds = (ast.FunctionDef, ast.ClassDef)
    return {node.name for node in tree.body if isinstance(node, kinds) and not node.name.startswith("_")}


@pytest.mark.parametrize("name", ["cohorts", "clv", "errors", "funnel", "money", "periods", "rfm", "survival"])
def test_completion_on_a_module_offers_its_public_names(name):
    module = getattr(crmkpi, name)
    assert dir(module) == sorted(module.__all__)


def test_completion_offers_what_is_public_everywhere():
    for name in MODULES:
        import_module(name)  # so that every possible leak is loaded
    inside = {name: {one.rpartition(".")[2] for one in MODULES if one.rpartition(".")[0] == name} for name in MODULES}
    leaking: dict[str, set[str]] = {}
    found = [getattr(crmkpi, name) for name in dir(crmkpi) if not name.startswith("_")]
    modules = [crmkpi.insight, *(it for it in found if isinstance(it, ModuleType))]
    for module in modules:  # each that completion leads to, and the modules in it
        offered = {one for one in dir(module) if not one.startswith("__")} - {"__main__"}
        known = {*module.__all__, *vars(module).get("_homes", ())} or inside[module.__name__]
        leaking[module.__name__] = offered - known
        children = [it for one in inside[module.__name__] if isinstance(it := vars(module).get(one), ModuleType)]
        modules += [it for it in children if it not in modules]
    assert len(leaking) > 50
    assert {name: leaked for name, leaked in leaking.items() if leaked} == {}
    assert set(dir(crmkpi)) >= {*crmkpi.__all__, "periods", "__version__"}
    assert not {"Any", "annotations", "import_module", "loader"} & set(dir(crmkpi))


def test_a_module_that_is_called_names_the_function_that_is_meant():
    with pytest.raises(crmkpi.errors.InputError, match=r"is a module, .*; call crmkpi\.rfm\.rfm\(\.\.\.\)"):
        crmkpi.rfm([])  # type: ignore[operator]
    with pytest.raises(crmkpi.errors.InputError, match=r"crmkpi\.survival is a module, .*; it has Durations, "):
        crmkpi.survival([])  # type: ignore[operator]


def test_every_name_in_all_exists():
    modules = [import_module(name) for name in MODULES]
    assert [(module.__name__, name) for module in modules for name in module.__all__ if not hasattr(module, name)] == []


def test_all_is_sorted_and_names_nothing_twice():
    listed = {name: list(import_module(name).__all__) for name in MODULES}
    assert listed == {name: sorted(set(names), key=isort_key) for name, names in listed.items()}


def test_every_public_function_and_class_of_a_module_is_in_its_all():
    unlisted = set()
    for path in PATHS:
        module = import_module(module_name(path))
        defined = public_definitions(path)
        # A variant is a function of its file, and public as a variant of its KPI.
        variants = {name for name in defined if isinstance(it := getattr(module, name), Metric) and "." in it.id}
        unlisted |= {(module.__name__, name) for name in defined - variants - set(module.__all__)}
    assert unlisted == set()


def test_every_kpi_that_a_file_defines_is_in_the_list_of_names():
    defined = {
        (it.id, f"{path.parent.name}.{path.stem}")
        for path in KPI_PATHS
        for it in vars(import_module(module_name(path))).values()
        if isinstance(it, Metric) and it.function.__module__ == module_name(path) and "." not in it.id
    }
    assert defined == set(KPIS.items())


def test_the_theme_of_a_kpi_is_its_folder():
    assert {name: home.partition(".")[0] for name, home in KPIS.items()} == {
        metric.id: metric.theme for metric in crmkpi.catalogue
    }


def test_the_stubs_are_written_from_the_list_of_names(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / ".ci"))
    stubs = import_module("stubs").stubs()
    assert {path for path, text in stubs.items() if path.read_text(encoding="utf-8") != text} == set()
    source = ROOT / "src" / "crmkpi"  # in the source tree, not the installed package
    records = {(source / "records" / home).with_suffix(".pyi") for home in vars(crmkpi.records)["_homes"].values()}
    themes = {source / "metrics" / theme / "__init__.pyi" for theme in THEMES}
    assert set(stubs) == {source / "__init__.pyi", *themes, *records}


def is_public_class(node: ast.stmt) -> TypeGuard[ast.ClassDef]:
    return isinstance(node, ast.ClassDef) and not node.name.startswith("_")


def test_every_public_module_class_function_and_method_has_a_docstring():
    trees = {module_name(path): ast.parse(path.read_text(encoding="utf-8")) for path in (*PATHS, *KPI_PATHS)}
    bare = [
        (module, node.name)
        for module, tree in trees.items()
        for body in (tree.body, *(each.body for each in tree.body if is_public_class(each)))
        for node in body
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name[0] != "_" and not ast.get_docstring(node)
        if not any(ast.unparse(decorator) == "overload" for decorator in node.decorator_list)
    ]
    assert bare == []
    called_after_a_kpi = {f"crmkpi.metrics.{home}" for name, home in KPIS.items() if home.endswith(f".{name}")}
    untold = {module for module, tree in trees.items() if not ast.get_docstring(tree)}
    assert untold <= called_after_a_kpi, "a file of several KPIs says what they have in common"


def test_every_public_name_of_the_package_is_documented_where_it_is_used():
    undocumented = [
        name for name in crmkpi.__all__ if name != "__version__" and not inspect.getdoc(getattr(crmkpi, name))
    ]
    assert undocumented == []


def test_every_kpi_is_a_name_of_the_package_and_of_its_theme():
    for metric in crmkpi.catalogue:
        assert getattr(crmkpi, metric.id) is metric
        assert getattr(getattr(crmkpi, metric.theme), metric.id) is metric


def test_the_package_names_no_kpi_that_is_not_in_the_catalogue():
    named = {getattr(crmkpi, name) for name in crmkpi.__all__ if isinstance(getattr(crmkpi, name), Metric)}
    assert named == set(crmkpi.catalogue)


def test_names_are_those_of_the_kpi_even_after_the_modules_of_the_same_name_are_imported():
    imported = "import crmkpi.definition.metric, crmkpi.metrics.catalogue"
    program = f"{imported}; print(crmkpi.metric.__name__, len(crmkpi.catalogue))"
    ran = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert ran.stdout == f"metric {len(crmkpi.catalogue)}\n"


@pytest.mark.parametrize(
    ("module", "name", "way_out"),
    [
        (crmkpi, "win_rat", "Did you mean 'win_rate'?"),
        (crmkpi.sales, "win_rat", "Did you mean 'win_rate'?"),
        (crmkpi.survival, "kaplan_meyer", "Did you mean 'kaplan_meier'?"),
        (crmkpi.cohorts, "retention", "Known: 'Cohort', 'CohortCell', 'CohortTable', 'cohorts'."),
    ],
)
def test_an_unknown_name_of_a_module_is_an_attribute_error_and_one_sentence_in_a_notebook(module, name, way_out):
    assert not hasattr(module, name)
    with pytest.raises(AttributeError) as raised:
        getattr(module, name)
    sentence = f"module {module.__name__!r} has no attribute {name!r}. {way_out}"
    assert isinstance(raised.value, UnknownAttributeError)
    assert str(raised.value) == sentence
    assert raised.value._render_traceback_()[-1] == f"UnknownAttributeError: {sentence}"
    with pytest.raises(AttributeError) as raised:  # tools look for it
        _ = module.__wrapped__
    assert not isinstance(raised.value, UnknownAttributeError)


def test_modules_are_reached_through_the_package():
    program = "import crmkpi; print(crmkpi.errors.CrmKpiError is crmkpi.CrmKpiError)"
    ran = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert ran.stdout == "True\n"


@pytest.mark.parametrize("package", ["crmkpi", *(f"crmkpi.metrics.{theme}" for theme in THEMES)])
def test_dir_lists_the_public_names_before_any_is_loaded(package):
    program = f"import {package} as package; print(package.__all__ != [] and {{*package.__all__}} <= {{*dir(package)}})"
    ran = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert ran.stdout == "True\n"


def test_the_presets_are_a_module_and_so_is_all_that_is_no_name_of_one():
    program = "from crmkpi import presets, periods; print(presets.PRESETS['hubspot_deal'].record, periods.__name__)"
    ran = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert ran.stdout == "Deal crmkpi.dates.periods\n"


def test_the_version_is_that_of_the_project():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert crmkpi.__version__ == project["version"]


def test_the_changelog_tells_of_the_version():
    assert f"## [{crmkpi.__version__}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
