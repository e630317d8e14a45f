"""Tests that take a `backend` run on each frame library: those of `--backends`, or one kind of each but Spark.

`--exhaustive` runs them on all kinds, such as Polars both lazy and eager.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import pytest

from .backends import BACKENDS

USUAL = ("polars-lazy", "pandas", "pyarrow", "duckdb")  # one kind of frame for each library

WORDS = {"polars": "Polars", "pyarrow": "PyArrow", "duckdb": "DuckDB"}


def case(backend: str) -> Any:
    """The backend, or a skip that names the library which is not there."""
    needed = ("narwhals", backend.partition("-")[0], "pyarrow")  # all frames are made from Arrow tables
    missing = next((name for name in needed if find_spec(name) is None), None)
    reason = f"{WORDS.get(missing or '', missing)} is not installed"
    return pytest.param(backend, marks=pytest.mark.skip(reason=reason) if missing else ())


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "backend" in metafunc.fixturenames:
        named = metafunc.config.getoption("--backends")
        kinds = [name for name in BACKENDS if name != "pyspark"] if metafunc.config.getoption("--exhaustive") else USUAL
        metafunc.parametrize("backend", named.split(",") if named else [case(kind) for kind in kinds])
