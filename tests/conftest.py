"""Hypothesis profiles for all tests: few examples by default, more with `--slow`, many with `--exhaustive`.

In CI they are the same ones each time.

Tests that take a `backend` run on each frame library: those of `--backends`, or one kind of each but Spark.
`--exhaustive` runs them on all kinds, such as Polars both lazy and eager.

Tests marked as slow, which take seconds each or are hundreds, run with `--slow`, as in CI, and where they are named. So
do most cases of the tests marked `in_turns`, where each case runs on one backend and the next case on the next, and of
those marked `one_of(n)`, where one case of n runs: `-m slow` has the others.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any
from zlib import crc32

import pytest
from hypothesis import HealthCheck, settings

USUAL = ("polars-lazy", "pandas", "pyarrow", "duckdb")  # one kind of frame for each library
ALL = ("polars", "polars-lazy", "pandas", "pandas-arrow", "pyarrow", "duckdb", "sqlite")
MODULES = {"sqlite": "sqlite3", "postgresql": "psycopg", "mariadb": "pymysql", "clickhouse": "chdb"}
LIBRARIES = {"polars": "Polars", "pyarrow": "PyArrow", "duckdb": "DuckDB", "pyspark": "PySpark"}

settings.register_profile(
    "quick",
    max_examples=12,
    deadline=None,
    derandomize=bool(os.environ.get("CI")),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.differing_executors],  # mutmut runs tests repeatedly
)
settings.register_profile("slow", settings.get_profile("quick"), max_examples=30)
settings.register_profile("exhaustive", settings.get_profile("quick"), max_examples=2_000, derandomize=False)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="run the slow tests too")
    parser.addoption("--exhaustive", action="store_true", help="try many generated examples instead of few")
    parser.addoption("--sample", type=int, default=1, help="run one test of this number, the same ones each time")
    parser.addoption(
        "--backends", default="", help="frame libraries, such as polars,pyspark; else those installed but Spark"
    )


def pytest_configure(config: pytest.Config) -> None:
    profile = "slow" if config.getoption("--slow") else "quick"
    settings.load_profile("exhaustive" if config.getoption("--exhaustive") else profile)


@pytest.hookimpl(tryfirst=True)  # before `-m slow` selects
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip the slow tests, unless an option or a name such as FILE::TEST selects them."""
    items[:] = [item for item in items if crc32(item.nodeid.encode()) % config.getoption("--sample") == 0]
    if not config.getoption("--backends"):
        out_of_turn = _out_of_turn(items)
        for item in items:
            if item.get_closest_marker("in_turns") and item not in out_of_turn:
                item.add_marker("its_turn")
        for item in [*out_of_turn, *_not_drawn(items)]:
            item.add_marker("slow")
    if config.getoption("--slow") or config.getoption("--exhaustive") or any("::" in named for named in config.args):
        return
    slow = {item for item in items if item.get_closest_marker("slow")}
    if slow:
        config.hook.pytest_deselected(items=list(slow))
        items[:] = [item for item in items if item not in slow]


def _not_drawn(items: list[pytest.Item]) -> list[pytest.Item]:
    """Of tests marked `one_of(n)`, the cases to skip."""
    marked = [(item, item.get_closest_marker("one_of")) for item in items]
    return [item for item, mark in marked if mark and crc32(item.nodeid.encode()) // 7 % mark.args[0]]


def _out_of_turn(items: list[pytest.Item]) -> set[pytest.Item]:
    """Of tests marked `in_turns`, the cases to skip: those on another backend than the next in rotation."""
    cases: dict[str, dict[str, list[tuple[str, pytest.Item]]]] = {}
    for item in items:
        if isinstance(item, pytest.Function) and item.get_closest_marker("in_turns"):
            backend, name = item.callspec.params["backend"], item.nodeid.partition("[")[0]
            case = item.callspec.id.replace(backend, "", 1)
            cases.setdefault(name, {}).setdefault(case, []).append((backend, item))
    return {
        item
        for name, found in cases.items()
        for turn, case in enumerate(sorted(found), crc32(name.encode()))
        for backend, item in found[case]
        if backend != USUAL[turn % len(USUAL)]
    }


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Group the tests of a file in one worker, so that shared fixtures are created once."""
    from xdist.scheduler import WorkStealingScheduling  # noqa: PLC0415  # only where the plugin is

    return WorkStealingScheduling(config, log)


@pytest.fixture(scope="session")
def examples(request: pytest.FixtureRequest) -> int:
    """The number of datasets for a contract; slow tests use more, from another seed."""
    return 1_000 if request.config.getoption("--exhaustive") else 4


def case(backend: str) -> Any:
    """The backend, or a skip that names the missing library."""
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
    """The function that turns records into frames, for tests outside tests/engines."""
    folder = Path(__file__).parent / "engines"
    spec = spec_from_file_location("engines_of_tests", folder / "__init__.py", submodule_search_locations=[str(folder)])
    assert spec is not None
    sys.modules.setdefault(spec.name, module_from_spec(spec))
    return import_module(f"{spec.name}.backends")
