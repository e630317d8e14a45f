"""Hypothesis profiles for all tests: few examples by default, the same ones in CI; `pytest --exhaustive` tries many.

Tests that take a `backend` run on each frame library: those of `--backends`, or one kind of each but Spark.
`--exhaustive` runs them on all kinds, such as Polars both lazy and eager.

Tests marked as slow, which take seconds each or are hundreds, run with `--slow`, as in CI, and where they are named.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

USUAL = ("polars-lazy", "pandas", "pyarrow", "duckdb")  # one kind of frame for each library
ALL = ("polars", "polars-lazy", "pandas", "pandas-arrow", "pyarrow", "duckdb", "sqlite")
MODULES = {"sqlite": "sqlite3", "postgresql": "psycopg", "mariadb": "pymysql"}
LIBRARIES = {"polars": "Polars", "pyarrow": "PyArrow", "duckdb": "DuckDB", "pyspark": "PySpark"}

settings.register_profile(
    "quick",
    max_examples=30,
    deadline=None,
    derandomize=bool(os.environ.get("CI")),
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("exhaustive", settings.get_profile("quick"), max_examples=2_000, derandomize=False)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="run the slow tests too")
    parser.addoption("--exhaustive", action="store_true", help="try many generated examples instead of few")
    parser.addoption(
        "--backends", default="", help="frame libraries, such as polars,pyspark; else those installed but Spark"
    )


def pytest_configure(config: pytest.Config) -> None:
    settings.load_profile("exhaustive" if config.getoption("--exhaustive") else "quick")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the slow tests, unless they are asked for: by an option, or by a name such as FILE::TEST."""
    if config.getoption("--slow") or config.getoption("--exhaustive") or any("::" in named for named in config.args):
        return
    slow = [item for item in items if item.get_closest_marker("slow")]
    if slow:
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if not item.get_closest_marker("slow")]


@pytest.fixture(scope="session")
def examples(request: pytest.FixtureRequest) -> int:
    """How many datasets a contract is checked on."""
    return 1_000 if request.config.getoption("--exhaustive") else 25


def case(backend: str) -> Any:
    """The backend, or a skip that names the library which is not there."""
    needed = (
        MODULES.get(backend, backend.partition("-")[0]),
        "polars",
        "pyarrow",
    )  # all frames are made from Arrow tables
    missing = next((name for name in needed if find_spec(name) is None), None)
    reason = f"{LIBRARIES.get(missing or '', missing)} is not installed"
    return pytest.param(backend, marks=pytest.mark.skip(reason=reason) if missing else ())


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "backend" in metafunc.fixturenames:
        named = metafunc.config.getoption("--backends")
        kinds = ALL if metafunc.config.getoption("--exhaustive") else USUAL
        metafunc.parametrize("backend", named.split(",") if named else [case(kind) for kind in kinds])


@pytest.fixture(scope="session")
def backends() -> ModuleType:
    """What makes frames of records, for tests outside tests/engines."""
    folder = Path(__file__).parent / "engines"
    spec = spec_from_file_location("engines_of_tests", folder / "__init__.py", submodule_search_locations=[str(folder)])
    assert spec is not None
    sys.modules.setdefault(spec.name, module_from_spec(spec))
    return import_module(f"{spec.name}.backends")
